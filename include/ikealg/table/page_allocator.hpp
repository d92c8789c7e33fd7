// SPDX-License-Identifier: Apache-2.0
/// Memory of the tables: plain heap below 2 MB, 2 MB-aligned and offered to transparent huge pages from there on.
///
/// A table of ten million keys spans 25 000 pages of 4 KB but 50 of 2 MB; with small pages each random lookup pays a
/// page walk beside its cache miss. Where the system has no such pages the advice is without effect.
///
/// Thread safety: as std::allocator. Complexity: the cost of one allocation.
#ifndef IKEALG_TABLE_PAGE_ALLOCATOR_HPP
#define IKEALG_TABLE_PAGE_ALLOCATOR_HPP

#include <cstddef>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ikealg::inline v0::table::detail {

template <class T>
class page_allocator {
public:
    using value_type = T;

    page_allocator() = default;
    template <class U>
    constexpr page_allocator(const page_allocator<U>& /*other*/) noexcept {}

    [[nodiscard]] T* allocate(std::size_t n) {
        const std::size_t size = n * sizeof(T);
        if (size < huge_page) {
            return static_cast<T*>(::operator new (size, std::align_val_t{alignof(T)}));
        }
        void* memory = ::operator new (size, std::align_val_t{huge_page});
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        // Advice only: a refusal leaves ordinary pages.
        (void)::madvise(memory, size, MADV_HUGEPAGE);
#endif
        return static_cast<T*>(memory);
    }

    void deallocate(T* memory, std::size_t n) noexcept {
        const bool huge = n * sizeof(T) >= huge_page;
        ::operator delete (memory, std::align_val_t{huge ? huge_page : alignof(T)});
    }

    friend constexpr bool operator==(const page_allocator&, const page_allocator&) noexcept {
        return true;
    }

private:
    static constexpr std::size_t huge_page = std::size_t{1} << 21;
};

}  // namespace ikealg::inline v0::table::detail

#endif
