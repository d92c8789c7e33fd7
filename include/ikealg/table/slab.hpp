// SPDX-License-Identifier: Apache-2.0
/// A fixed number of records with stable 32-bit indexes (L1).
///
/// Records never move, so an index is an identity for as long as the record lives: tables and timers keep indexes, not
/// pointers. allocate() hands out the lowest free index, which keeps the live records together and makes runs
/// repeatable.
///
/// Invariants: each index below capacity() is either live or free; a free record equals T{}; nothing is allocated and
/// no page is touched for the first time after construction.
/// Thread safety: none; one owner. Complexity: allocate() and release() walk at most 6 words (one for each factor of 64
/// in the capacity), for_each() is linear in the capacity / 64 plus the live records. Memory: sizeof(T) + 0.13 bytes a
/// record.
#ifndef IKEALG_TABLE_SLAB_HPP
#define IKEALG_TABLE_SLAB_HPP

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/table/page_allocator.hpp"

namespace ikealg::inline v0::table {

/// @tparam T default constructible and copyable; a released record is reset to T{}.
template <class T>
class slab {
public:
    /// All `capacity` records (at most npos) are constructed here.
    explicit slab(std::size_t capacity) : records_(capacity) {
        assert(capacity <= npos);
        std::size_t bits = capacity;
        do {
            level_begin_[levels_++] = free_.size();
            free_.insert(free_.end(), bits / 64, ~std::uint64_t{0});
            if (bits % 64 != 0) {
                free_.push_back((std::uint64_t{1} << (bits % 64)) - 1);
            }
            bits = (bits + 63) / 64;
        } while (bits > 1);
    }

    /// Index of a record that is now live and equals T{}; npos when all are.
    [[nodiscard]] std::uint32_t allocate() noexcept {
        if (size_ == records_.size()) {
            return npos;
        }
        std::size_t index = 0;
        for (std::size_t level = levels_; level-- > 0;) {
            index = index * 64 + static_cast<std::size_t>(std::countr_zero(free_[level_begin_[level] + index]));
        }
        ++size_;
        std::size_t at = index;
        for (std::size_t level = 0; level < levels_; ++level, at /= 64) {
            std::uint64_t& word = free_[level_begin_[level] + at / 64];
            word &= ~(std::uint64_t{1} << (at % 64));
            if (word != 0) {
                break;
            }
        }
        return static_cast<std::uint32_t>(index);
    }

    /// Resets the live record `index` and makes the index free.
    void release(std::uint32_t index) noexcept {
        assert(is_live(index));
        records_[index] = T{};
        --size_;
        std::size_t at = index;
        for (std::size_t level = 0; level < levels_; ++level, at /= 64) {
            std::uint64_t& word = free_[level_begin_[level] + at / 64];
            const bool parent_knows = word != 0;
            word |= std::uint64_t{1} << (at % 64);
            if (parent_knows) {
                break;
            }
        }
    }

    [[nodiscard]] T& operator[](std::uint32_t index) noexcept { return records_[index]; }
    [[nodiscard]] const T& operator[](std::uint32_t index) const noexcept { return records_[index]; }

    /// False for free indexes and for those beyond the capacity, npos among them.
    [[nodiscard]] bool is_live(std::uint32_t index) const noexcept {
        return index < records_.size() && (free_[index / 64] >> (index % 64) & 1U) == 0;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return records_.size(); }

    /// Calls `visit(index, record)` for each live record, by rising index. `visit` may release the record it is shown.
    template <class Visit>
    void for_each(Visit&& visit) {
        for_each_index([&](std::uint32_t index) { visit(index, records_[index]); });
    }
    template <class Visit>
    void for_each(Visit&& visit) const {
        for_each_index([&](std::uint32_t index) { visit(index, records_[index]); });
    }

private:
    template <class Visit>
    void for_each_index(Visit&& visit) const {
        for (std::size_t base = 0; base < records_.size(); base += 64) {
            const std::size_t left = records_.size() - base;
            const std::uint64_t valid = left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
            for (std::uint64_t live = ~free_[base / 64] & valid; live != 0; live &= live - 1) {
                visit(static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(std::countr_zero(live)));
            }
        }
    }

    std::vector<T, detail::page_allocator<T>> records_;
    /// Level 0 holds a bit for each free record, level n + 1 one for each word of level n that is not zero.
    std::vector<std::uint64_t> free_;
    std::array<std::size_t, 6> level_begin_{};
    std::size_t levels_ = 0;
    std::size_t size_ = 0;
};

}  // namespace ikealg::inline v0::table

#endif
