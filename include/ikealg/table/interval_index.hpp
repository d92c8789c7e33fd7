// SPDX-License-Identifier: Apache-2.0
/// Which of many consecutive intervals a key lies in.
///
/// The intervals partition the whole key space and are given by their first keys. They are kept as a static search
/// tree: blocks of one or two cache lines, each key of a block being the first key of a block below. A lookup goes
/// through one block per level, first by quarters, then within one, by counting keys that are not above the sought one:
/// no branch depends on a key. The first key of a block it comes to is never above the sought one and needs no look.
///
/// Keys: 32-bit numbers and the addresses of both families.
/// Thread safety: immutable after construction. Complexity: lookup O(log n) with base 16 (32 bit) or 8 (IPv6).
#ifndef IKEALG_TABLE_INTERVAL_INDEX_HPP
#define IKEALG_TABLE_INTERVAL_INDEX_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"

namespace ikealg::inline v0::table {

/// The order and the limits of a key type.
template <class Key>
struct key_traits;

template <>
struct key_traits<std::uint32_t> {
    static constexpr std::size_t block = 16;
    static constexpr std::uint32_t greatest = ~std::uint32_t{0};
    [[nodiscard]] static constexpr std::uint32_t not_above(std::uint32_t a, std::uint32_t b) noexcept {
        return a <= b ? 1U : 0U;
    }
    [[nodiscard]] static constexpr std::uint32_t next(std::uint32_t key) noexcept { return key + 1; }
};

template <>
struct key_traits<ipv4_address> {
    static constexpr std::size_t block = 16;
    static constexpr ipv4_address greatest = highest_of(ipv4_address{}, 0);
    [[nodiscard]] static constexpr std::uint32_t not_above(ipv4_address a, ipv4_address b) noexcept {
        return a.value <= b.value ? 1U : 0U;
    }
    [[nodiscard]] static constexpr ipv4_address next(ipv4_address key) noexcept { return key.plus(1); }
};

template <>
struct key_traits<ipv6_address> {
    static constexpr std::size_t block = 8;
    static constexpr ipv6_address greatest = highest_of(ipv6_address{}, 0);
    [[nodiscard]] static constexpr std::uint32_t not_above(ipv6_address a, ipv6_address b) noexcept {
        const std::uint32_t below = a.high < b.high ? 1U : 0U;
        const std::uint32_t equal = a.high == b.high ? 1U : 0U;
        const std::uint32_t rest = a.low <= b.low ? 1U : 0U;
        return below | (equal & rest);
    }
    [[nodiscard]] static constexpr ipv6_address next(ipv6_address key) noexcept { return key.plus(1); }
};

/// Finds intervals by key. One without intervals answers 0 for every key, as one with a single interval does.
template <class Key>
class interval_index {
    using traits = key_traits<Key>;
    static constexpr std::size_t width = traits::block;
    static constexpr std::size_t stride = width / 4;

public:
    interval_index() = default;

    /// `starts`: first keys in strictly ascending order; the first of them is the smallest key there is.
    explicit interval_index(const std::vector<Key>& starts) {
        if (starts.size() <= 1) {
            return;
        }
        std::vector<std::vector<Key>> levels{starts};
        while (levels.back().size() > width) {
            std::vector<Key> above;
            for (std::size_t i = 0; i < levels.back().size(); i += width) {
                above.push_back(levels.back()[i]);
            }
            levels.push_back(std::move(above));
        }
        for (auto keys = levels.rbegin(); keys != levels.rend(); ++keys) {
            levels_[depth_++] = {blocks_.size(), keys->size() - 1};
            for (std::size_t i = 0; i < keys->size(); i += width) {
                block& b = blocks_.emplace_back();
                b.keys.fill(traits::greatest);
                std::copy_n(keys->begin() + static_cast<std::ptrdiff_t>(i), std::min(width, keys->size() - i),
                            b.keys.begin());
            }
        }
        blocks_.shrink_to_fit();
    }

    /// Position of the interval that `key` lies in.
    [[nodiscard]] std::size_t find(Key key) const noexcept {
        std::size_t at = 0;
        for (std::size_t l = 0; l < depth_; ++l) {
            const block& b = blocks_[levels_[l].first + at];
            std::size_t part = 0;
            for (std::size_t i = stride; i < width; i += stride) {
                part += traits::not_above(b.keys[i], key);
            }
            std::size_t in_block = part * stride;
            for (std::size_t i = 1; i < stride; ++i) {
                in_block += traits::not_above(b.keys[part * stride + i], key);
            }
            // Padding counts when `key` is the greatest there is; the last interval is then the answer.
            at = std::min(at * width + in_block, levels_[l].last);
        }
        return at;
    }

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return blocks_.size() * sizeof(block); }

private:
    struct alignas(64) block {
        std::array<Key, width> keys;
    };
    struct level {
        std::size_t first = 0;  ///< index of its first block
        std::size_t last = 0;   ///< index of its last key, counted from the level's first
    };
    std::vector<block> blocks_{};
    std::array<level, 16> levels_{};
    std::size_t depth_ = 0;
};

}  // namespace ikealg::inline v0::table

#endif
