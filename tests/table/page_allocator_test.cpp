// SPDX-License-Identifier: Apache-2.0
#include "ikealg/table/page_allocator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

using ikealg::table::detail::page_allocator;

namespace {

struct alignas(64) line {
    std::uint64_t words[8];
};
constexpr std::size_t huge_page = std::size_t{1} << 21U;

bool is_aligned(void* at, std::size_t alignment) {
    std::size_t room = alignment;
    void* aligned = at;
    return std::align(alignment, 1, aligned, room) == at;
}

}  // namespace

TEST_CASE("memory is aligned as the type asks below 2 MB, to 2 MB from there on, and writable to its end") {
    page_allocator<line> lines;
    for (const std::size_t size : {std::size_t{64}, huge_page - 64, huge_page, huge_page + 64, 3 * huge_page}) {
        CAPTURE(size);
        const std::size_t n = size / sizeof(line);
        line* const memory = lines.allocate(n);
        REQUIRE(memory != nullptr);
        CHECK(is_aligned(memory, size < huge_page ? alignof(line) : huge_page));
        std::fill_n(memory, n, line{{1}});
        CHECK(memory[n - 1].words[0] == 1);
        lines.deallocate(memory, n);
    }
}

TEST_CASE("a vector grows across 2 MB and is handed on whole; all allocators are one") {
    std::vector<std::uint32_t, page_allocator<std::uint32_t>> numbers;
    constexpr std::uint32_t count = 700'000;  // 2.7 MB
    for (std::uint32_t i = 0; i < count; ++i) {
        numbers.push_back(i);
    }
    const std::uint32_t* const at = numbers.data();
    const auto taken = std::move(numbers);
    CHECK(taken.data() == at);
    CHECK(taken.front() == 0);
    CHECK(taken.back() == count - 1);
    CHECK(std::is_sorted(taken.begin(), taken.end()));
    CHECK(page_allocator<std::uint32_t>(page_allocator<line>()) == page_allocator<std::uint32_t>());
}
