// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/view.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "ikealg/base/hash.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;

namespace {

struct seen {
    unsigned kind;
    std::size_t offset;
    std::size_t size;
    bool operator==(const seen&) const = default;
};

std::vector<seen> walk(bytes options) {
    std::vector<seen> out;
    for (const auto& o : wire::option_range<const std::uint8_t>(options)) {
        out.push_back({o.kind, o.offset, o.data.size()});
    }
    return out;
}

}  // namespace

TEST_CASE("options: no-operations, lengths and the end of the list") {
    CHECK(walk({}).empty());
    CHECK(walk(hex("00")).empty());
    CHECK(walk(hex("01 01 02040514 00 02040514")) == std::vector<seen>{{1, 0, 0}, {1, 1, 0}, {2, 2, 2}});
    CHECK(walk(hex("0402 080a1122334455667788")) == std::vector<seen>{{4, 0, 0}, {8, 2, 8}});
}

TEST_CASE("L6: options that do not fit end the walk") {
    CHECK(walk(hex("01 02")) == std::vector<seen>{{1, 0, 0}});
    CHECK(walk(hex("0200")).empty());
    CHECK(walk(hex("0201")).empty());
    CHECK(walk(hex("020405")).empty());
    CHECK(walk(hex("0402 0205 0000")) == std::vector<seen>{{4, 0, 0}});
}

TEST_CASE("L6: random options are walked to their end without reading beyond it") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        small_random random(seed);
        for (int round = 0; round < 20'000; ++round) {
            octets data(random() % 41);
            for (auto& b : data) {
                b = static_cast<std::uint8_t>(random() % 8);
            }
            const exact_copy exact(data);
            CAPTURE(seed);
            CAPTURE(round);
            std::size_t end = 0;
            for (const auto& o : walk(exact.bytes())) {
                REQUIRE(o.offset == end);
                end += o.kind == 1 ? 1 : 2 + o.size;
                REQUIRE(end <= data.size());
            }
        }
    }
}

TEST_CASE("replacing a word keeps the checksum right") {
    octets data = hex("0000 1234 5678");
    store_be16(&data[0], finish_checksum(sum_bytes(data)));
    wire::detail::replace_be16(&data[2], 0xfedc, &data[0]);
    CHECK(load_be16(&data[2]) == 0xfedc);
    CHECK(fold(sum_bytes(data)) == 0xffff);
}
