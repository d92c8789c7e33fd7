// SPDX-License-Identifier: Apache-2.0
/// A set of consecutive addresses as a configuration writes it: a prefix or a range.
///
/// Thread safety: values. Complexity: constant; `merge_ranges` sorts.
#ifndef IKEALG_BASE_ADDRESS_SPEC_HPP
#define IKEALG_BASE_ADDRESS_SPEC_HPP

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ikealg/base/address.hpp"

namespace ikealg::inline v0 {

template <class Family>
using address_spec = std::variant<prefix<Family>, address_range<Family>>;

/// The highest address that shares the first `length` bits with `a`; `length` 0 to the family's bits.
[[nodiscard]] constexpr ipv4_address highest_of(ipv4_address a, unsigned length) noexcept {
    return {length >= 32 ? a.value : a.value | (0xffff'ffffU >> length)};
}
[[nodiscard]] constexpr ipv6_address highest_of(ipv6_address a, unsigned length) noexcept {
    constexpr std::uint64_t all = ~std::uint64_t{0};
    if (length >= 64) {
        return {a.high, length >= 128 ? a.low : a.low | (all >> (length - 64))};
    }
    return {a.high | (all >> length), all};
}

/// Every address of the family.
template <class Family>
[[nodiscard]] constexpr address_range<Family> all_addresses() noexcept {
    return {{}, highest_of(typename Family::address{}, 0)};
}

/// The addresses of a prefix that has no host bits, network and broadcast address included.
template <class Family>
[[nodiscard]] constexpr address_range<Family> range_of(const prefix<Family>& p) noexcept {
    return {p.address, highest_of(p.address, p.length)};
}
template <class Family>
[[nodiscard]] address_range<Family> range_of(const address_spec<Family>& spec) noexcept {
    const auto* p = std::get_if<prefix<Family>>(&spec);
    return p != nullptr ? range_of(*p) : *std::get_if<address_range<Family>>(&spec);
}

template <class Family>
[[nodiscard]] std::string to_string(const address_range<Family>& r) {
    return to_string(r.first) + " to " + to_string(r.last);
}
template <class Family>
[[nodiscard]] std::string to_string(const address_spec<Family>& spec) {
    const auto* p = std::get_if<prefix<Family>>(&spec);
    return p != nullptr ? to_string(*p) : to_string(*std::get_if<address_range<Family>>(&spec));
}

/// What is wrong with a prefix, or nothing.
template <class Family>
[[nodiscard]] std::optional<std::string> defect_of(const prefix<Family>& p) {
    if (p.length > Family::address::bits) {
        return "prefix length " + std::to_string(p.length) + " is larger than " +
               std::to_string(Family::address::bits);
    }
    if (!p.valid()) {
        return "prefix " + to_string(p) + " has host bits set; the network is " +
               to_string(prefix<Family>{p.address.masked(p.length), p.length});
    }
    return std::nullopt;
}
/// What is wrong with a prefix or range, or nothing.
template <class Family>
[[nodiscard]] std::optional<std::string> defect_of(const address_spec<Family>& spec) {
    if (const auto* p = std::get_if<prefix<Family>>(&spec)) {
        return defect_of(*p);
    }
    const auto& r = *std::get_if<address_range<Family>>(&spec);
    if (!r.valid()) {
        return "range " + to_string(r) + " is empty: its end lies below its start";
    }
    return std::nullopt;
}

/// Sorts ranges and joins those that overlap or touch; the result covers the same addresses.
template <class Family>
void merge_ranges(std::vector<address_range<Family>>& ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const auto& r : ranges) {
        const auto top = all_addresses<Family>().last;
        if (kept != 0 && (ranges[kept - 1].last == top || r.first <= ranges[kept - 1].last.plus(1))) {
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, r.last);
        } else {
            ranges[kept++] = r;
        }
    }
    ranges.resize(kept);
}

}  // namespace ikealg::inline v0

#endif
