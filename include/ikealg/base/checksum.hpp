// SPDX-License-Identifier: Apache-2.0
/// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
///
/// `sum_bytes` builds a ones' complement sum; `checksum_delta` is the precomputed change that a rewrite makes, so
/// that a flow stores it once and each packet pays one addition (N10). A delta and its inverse are complements.
///
/// Thread safety: pure functions. Complexity: linear in the bytes summed, constant for updates.
#ifndef IKEALG_BASE_CHECKSUM_HPP
#define IKEALG_BASE_CHECKSUM_HPP

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"

namespace ikealg::inline v0 {

/// Folds a sum to 16 bits with end-around carry.
[[nodiscard]] constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

/// Folds a sum of a few 16-bit words, below 2^32, in two steps.
[[nodiscard]] constexpr std::uint16_t fold_words(std::uint32_t sum) noexcept {
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum + (sum >> 16));
}

/// Ones' complement sum of `data` as big-endian 16-bit words added to `sum`; an odd last byte is the high half.
[[nodiscard]] inline std::uint64_t sum_bytes(bytes data, std::uint64_t sum = 0) noexcept {
    std::size_t i = 0;
    for (; i + 4 <= data.size(); i += 4) {
        sum += load_be32(data.data() + i);
    }
    if (i + 2 <= data.size()) {
        sum += load_be16(data.data() + i);
        i += 2;
    }
    if (i < data.size()) {
        sum += static_cast<std::uint64_t>(data[i]) << 8;
    }
    return sum;
}

[[nodiscard]] constexpr std::uint64_t sum_of(ipv4_address a) noexcept {
    return a.value;
}
[[nodiscard]] constexpr std::uint64_t sum_of(ipv6_address a) noexcept {
    return (a.high >> 32) + (a.high & 0xffff'ffff) + (a.low >> 32) + (a.low & 0xffff'ffff);
}

/// The checksum field for data whose sum (with the field as zero) is `sum`.
[[nodiscard]] constexpr std::uint16_t finish_checksum(std::uint64_t sum) noexcept {
    return static_cast<std::uint16_t>(~fold(sum));
}

/// What a rewrite adds to a checksum field, RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
struct checksum_delta {
    std::uint16_t value = 0;  ///< folded sum of ~old + new over all changed words

    /// The delta of the opposite rewrite.
    [[nodiscard]] constexpr checksum_delta inverse() const noexcept {
        return {static_cast<std::uint16_t>(~value)};
    }
    [[nodiscard]] constexpr checksum_delta plus(checksum_delta other) const noexcept {
        return {fold_words(std::uint32_t{value} + other.value)};
    }
    /// The new value of a checksum field that held `field`.
    [[nodiscard]] constexpr std::uint16_t apply(std::uint16_t field) const noexcept {
        return static_cast<std::uint16_t>(~fold_words(std::uint32_t{static_cast<std::uint16_t>(~field)} + value));
    }
    friend constexpr bool operator==(const checksum_delta&, const checksum_delta&) = default;
};

/// Delta of replacing a 16-bit word.
[[nodiscard]] constexpr checksum_delta delta_of(std::uint16_t from, std::uint16_t to) noexcept {
    return {fold_words(std::uint32_t{static_cast<std::uint16_t>(~from)} + to)};
}

/// Delta of replacing an address.
template <class Address>
[[nodiscard]] constexpr checksum_delta delta_of(Address from, Address to) noexcept {
    return {fold(std::uint64_t{static_cast<std::uint16_t>(~fold(sum_of(from)))} + sum_of(to))};
}

/// Pseudo-header sum of UDP, TCP and ICMPv6 (RFC 768, 9293 3.1, 8200 8.1).
template <class Address>
[[nodiscard]] constexpr std::uint64_t pseudo_header_sum(Address from, Address to, std::uint8_t protocol,
                                                        std::uint32_t length) noexcept {
    return sum_of(from) + sum_of(to) + protocol + length;
}

}  // namespace ikealg::inline v0

#endif
