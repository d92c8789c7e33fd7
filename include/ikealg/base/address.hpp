// SPDX-License-Identifier: Apache-2.0
/// IPv4 and IPv6 addresses, prefixes and ranges, and the two address families as template parameters.
///
/// A family (`ipv4`, `ipv6`) names its address type and its sizes; every table, policy and ALG template takes one.
/// Text forms: dotted quad for IPv4; RFC 4291 2.2 (including `::` and an embedded dotted quad) for IPv6, printed as
/// RFC 5952 says. Parsing never allocates and refuses everything it does not read completely.
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_BASE_ADDRESS_HPP
#define IKEALG_BASE_ADDRESS_HPP

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "ikealg/base/bytes.hpp"

namespace ikealg::inline v0 {

namespace detail {

/// A decimal number of at most `max`, without sign or leading zeros, that takes all of `text`.
[[nodiscard]] constexpr std::optional<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t max) noexcept {
    if (text.empty() || text.size() > 10 || (text.size() > 1 && text[0] == '0')) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value > max) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(value);
}

[[nodiscard]] constexpr std::optional<std::uint32_t> parse_dotted_quad(std::string_view text) noexcept {
    std::uint32_t value = 0;
    for (int part = 0; part < 4; ++part) {
        const auto dot = part < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) {
            return std::nullopt;
        }
        const auto octet = parse_decimal(text.substr(0, dot), 255);
        if (!octet) {
            return std::nullopt;
        }
        value = value << 8 | *octet;
        text.remove_prefix(part < 3 ? dot + 1 : dot);
    }
    return value;
}

[[nodiscard]] constexpr std::optional<std::uint16_t> parse_hex_group(std::string_view text) noexcept {
    if (text.empty() || text.size() > 4) {
        return std::nullopt;
    }
    unsigned value = 0;
    for (const char c : text) {
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) {
            return std::nullopt;
        }
        value = value << 4 | static_cast<unsigned>(digit);
    }
    return static_cast<std::uint16_t>(value);
}

}  // namespace detail

/// IPv4 address in host order: `value` 0x0a000001 is 10.0.0.1.
struct ipv4_address {
    std::uint32_t value = 0;

    static constexpr std::size_t size = 4;
    static constexpr unsigned bits = 32;

    [[nodiscard]] static ipv4_address load(const std::uint8_t* at) noexcept { return {load_be32(at)}; }
    void store(std::uint8_t* at) const noexcept { store_be32(at, value); }
    [[nodiscard]] static constexpr std::optional<ipv4_address> parse(std::string_view text) noexcept {
        const auto quad = detail::parse_dotted_quad(text);
        return quad ? std::optional{ipv4_address{*quad}} : std::nullopt;
    }
    /// The address with all but the first `length` bits cleared; `length` 0-32.
    [[nodiscard]] constexpr ipv4_address masked(unsigned length) const noexcept {
        return {length == 0 ? 0 : value & (0xffff'ffffU << (32 - length))};
    }
    /// The address `count` above this one; wraps.
    [[nodiscard]] constexpr ipv4_address plus(std::uint64_t count) const noexcept {
        return {static_cast<std::uint32_t>(value + count)};
    }
    /// `*this - low`, for `low` not above this one.
    [[nodiscard]] constexpr std::uint64_t distance_from(ipv4_address low) const noexcept { return value - low.value; }
    friend constexpr auto operator<=>(const ipv4_address&, const ipv4_address&) = default;
};

/// IPv6 address as two halves in host order.
struct ipv6_address {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static constexpr std::size_t size = 16;
    static constexpr unsigned bits = 128;

    [[nodiscard]] static ipv6_address load(const std::uint8_t* at) noexcept {
        return {load_be64(at), load_be64(at + 8)};
    }
    void store(std::uint8_t* at) const noexcept {
        store_be64(at, high);
        store_be64(at + 8, low);
    }
    [[nodiscard]] static constexpr std::optional<ipv6_address> parse(std::string_view text) noexcept;
    /// The address with all but the first `length` bits cleared; `length` 0-128.
    [[nodiscard]] constexpr ipv6_address masked(unsigned length) const noexcept {
        const auto keep = [](std::uint64_t half, unsigned n) -> std::uint64_t {
            return n == 0 ? 0 : n >= 64 ? half : half & (~std::uint64_t{0} << (64 - n));
        };
        return {keep(high, length), keep(low, length > 64 ? length - 64 : 0)};
    }
    /// The address `count` above this one; wraps.
    [[nodiscard]] constexpr ipv6_address plus(std::uint64_t count) const noexcept {
        const std::uint64_t sum = low + count;
        return {high + (sum < low ? 1U : 0U), sum};
    }
    /// `*this - below`, saturated at 2^64 - 1, for `below` not above this one.
    [[nodiscard]] constexpr std::uint64_t distance_from(ipv6_address below) const noexcept {
        const std::uint64_t borrow = low < below.low ? 1 : 0;
        return high - below.high - borrow != 0 ? ~std::uint64_t{0} : low - below.low;
    }
    friend constexpr auto operator<=>(const ipv6_address&, const ipv6_address&) = default;
};

constexpr std::optional<ipv6_address> ipv6_address::parse(std::string_view text) noexcept {
    std::array<std::uint16_t, 8> groups{};
    std::size_t count = 0;
    std::size_t gap = 9;  // index of the group before which "::" stands; 9: none seen
    if (text.size() >= 2 && text.substr(0, 2) == "::") {
        gap = 0;
        text.remove_prefix(2);
    }
    while (!text.empty()) {
        if (count == 8) {
            return std::nullopt;
        }
        const auto colon = text.find(':');
        const auto part = text.substr(0, colon);
        if (part.find('.') != std::string_view::npos) {
            const auto quad = detail::parse_dotted_quad(part);
            if (!quad || colon != std::string_view::npos || count > 6) {
                return std::nullopt;
            }
            groups[count++] = static_cast<std::uint16_t>(*quad >> 16);
            groups[count++] = static_cast<std::uint16_t>(*quad);
            break;
        }
        const auto group = detail::parse_hex_group(part);
        if (!group) {
            return std::nullopt;
        }
        groups[count++] = *group;
        if (colon == std::string_view::npos) {
            break;
        }
        text.remove_prefix(colon + 1);
        if (text.empty()) {
            return std::nullopt;  // one colon at the end
        }
        if (text.front() == ':') {
            if (gap != 9) {
                return std::nullopt;
            }
            gap = count;
            text.remove_prefix(1);
        }
    }
    if (gap == 9 ? count != 8 : count > 7) {
        return std::nullopt;
    }
    std::array<std::uint16_t, 8> full{};
    const std::size_t head = gap == 9 ? count : gap;
    for (std::size_t i = 0; i < head; ++i) {
        full[i] = groups[i];
    }
    for (std::size_t i = head; i < count; ++i) {
        full[8 - (count - i)] = groups[i];
    }
    ipv6_address result;
    for (std::size_t i = 0; i < 4; ++i) {
        result.high = result.high << 16 | full[i];
        result.low = result.low << 16 | full[i + 4];
    }
    return result;
}

/// Address family IPv4, as a template argument.
struct ipv4 {
    using address = ipv4_address;
    static constexpr std::uint8_t version = 4;
    static constexpr const char* name = "inet";
};

/// Address family IPv6, as a template argument.
struct ipv6 {
    using address = ipv6_address;
    static constexpr std::uint8_t version = 6;
    static constexpr const char* name = "inet6";
};

[[nodiscard]] inline std::string to_string(ipv4_address a) {
    std::array<char, 16> text{};
    const int n = std::snprintf(text.data(), text.size(), "%u.%u.%u.%u", a.value >> 24, a.value >> 16 & 255,
                                a.value >> 8 & 255, a.value & 255);
    return {text.data(), static_cast<std::size_t>(n)};
}

/// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::".
[[nodiscard]] inline std::string to_string(ipv6_address a) {
    std::array<unsigned, 8> group{};
    for (unsigned i = 0; i < 8; ++i) {
        group[i] = static_cast<unsigned>((i < 4 ? a.high >> (48 - 16 * i) : a.low >> (48 - 16 * (i - 4))) & 0xffff);
    }
    if (a.high == 0 && a.low >> 32 == 0xffff) {  // IPv4-mapped, RFC 5952 5
        return "::ffff:" + to_string(ipv4_address{static_cast<std::uint32_t>(a.low)});
    }
    unsigned best = 8;
    unsigned best_length = 1;
    for (unsigned i = 0; i < 8;) {
        unsigned n = 0;
        while (i + n < 8 && group[i + n] == 0) {
            ++n;
        }
        if (n > best_length) {
            best = i;
            best_length = n;
        }
        i += n + 1;
    }
    std::string text;
    for (unsigned i = 0; i < 8; ++i) {
        if (i == best) {
            text += "::";
            i += best_length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') {
            text += ':';
        }
        std::array<char, 8> digits{};
        const int n = std::snprintf(digits.data(), digits.size(), "%x", group[i]);
        text.append(digits.data(), static_cast<std::size_t>(n));
    }
    return text;
}

/// An address and a length. `valid()` says whether the length fits and no host bit is set (P3).
template <class Family>
struct prefix {
    using address_type = typename Family::address;
    address_type address{};
    std::uint8_t length = 0;

    [[nodiscard]] constexpr bool valid() const noexcept {
        return length <= address_type::bits && address.masked(length) == address;
    }
    [[nodiscard]] constexpr bool contains(address_type a) const noexcept { return a.masked(length) == address; }
    /// Reads "A/L", or "A" as a host prefix; host bits are kept, so that `valid()` can name them.
    [[nodiscard]] static constexpr std::optional<prefix> parse(std::string_view text) noexcept {
        const auto slash = text.find('/');
        const auto a = address_type::parse(text.substr(0, slash));
        if (!a) {
            return std::nullopt;
        }
        if (slash == std::string_view::npos) {
            return prefix{*a, static_cast<std::uint8_t>(address_type::bits)};
        }
        const auto n = detail::parse_decimal(text.substr(slash + 1), address_type::bits);
        if (!n) {
            return std::nullopt;
        }
        return prefix{*a, static_cast<std::uint8_t>(*n)};
    }
    friend constexpr auto operator<=>(const prefix&, const prefix&) = default;
};

template <class Family>
[[nodiscard]] std::string to_string(const prefix<Family>& p) {
    return to_string(p.address) + '/' + std::to_string(p.length);
}

/// The addresses from `first` to `last`, both included.
template <class Family>
struct address_range {
    using address_type = typename Family::address;
    address_type first{};
    address_type last{};

    [[nodiscard]] constexpr bool valid() const noexcept { return first <= last; }
    [[nodiscard]] constexpr bool contains(address_type a) const noexcept { return first <= a && a <= last; }
    [[nodiscard]] constexpr bool overlaps(const address_range& o) const noexcept {
        return first <= o.last && o.first <= last;
    }
    /// Number of addresses, saturated at 2^64 - 1.
    [[nodiscard]] constexpr std::uint64_t count() const noexcept {
        const auto n = last.distance_from(first);
        return n == ~std::uint64_t{0} ? n : n + 1;
    }
    friend constexpr bool operator==(const address_range&, const address_range&) = default;
};

}  // namespace ikealg::inline v0

#endif
