// SPDX-License-Identifier: Apache-2.0
/// What the values of statements look like: the check of one word against its type, and the names of ports and
/// protocols.
///
/// Only the form is checked here. Whether host bits are set, ranges are in order or names are defined is found out
/// where the settings are made.
///
/// Thread safety: functions without state. Complexity: linear in the word.
#ifndef IKEALG_JUNOS_VALUES_HPP
#define IKEALG_JUNOS_VALUES_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ikealg/base/address.hpp"
#include "ikealg/junos/schema_node.hpp"
#include "ikealg/junos/suggestions.hpp"

namespace ikealg::inline v0::junos {

namespace detail {

using named_number = std::pair<std::string_view, std::uint16_t>;

/// Names that Junos has for ports of applications.
inline constexpr std::array port_names = std::to_array<named_number>({
    {"bgp", 179},      {"bootpc", 68},       {"bootps", 67},      {"domain", 53},       {"finger", 79},
    {"ftp", 21},       {"ftp-data", 20},     {"http", 80},        {"https", 443},       {"ike", 500},
    {"imap", 143},     {"kerberos-sec", 88}, {"ldap", 389},       {"ldp", 646},         {"mobileip-agent", 434},
    {"msdp", 639},     {"netbios-dgm", 138}, {"netbios-ns", 137}, {"netbios-ssn", 139}, {"nfsd", 2049},
    {"nntp", 119},     {"ntp", 123},         {"pop3", 110},       {"pptp", 1723},       {"printer", 515},
    {"radacct", 1813}, {"radius", 1812},     {"rip", 520},        {"smtp", 25},         {"snmp", 161},
    {"snmptrap", 162}, {"socks", 1080},      {"ssh", 22},         {"sunrpc", 111},      {"syslog", 514},
    {"tacacs", 49},    {"telnet", 23},       {"tftp", 69},        {"who", 513},         {"xdmcp", 177},
});
inline constexpr std::array protocol_names = std::to_array<named_number>({
    {"ah", 51},
    {"egp", 8},
    {"esp", 50},
    {"gre", 47},
    {"icmp", 1},
    {"icmp6", 58},
    {"igmp", 2},
    {"ipip", 4},
    {"ospf", 89},
    {"pim", 103},
    {"rsvp", 46},
    {"sctp", 132},
    {"tcp", 6},
    {"udp", 17},
    {"vrrp", 112},
});

[[nodiscard]] constexpr std::optional<std::uint16_t> parse_named(std::string_view word,
                                                                 std::span<const named_number> names,
                                                                 std::uint16_t most) noexcept {
    for (const auto& [name, value] : names) {
        if (name == word) {
            return value;
        }
    }
    const auto value = ikealg::detail::parse_decimal(word, most);
    return value ? std::optional{static_cast<std::uint16_t>(*value)} : std::nullopt;
}

}  // namespace detail

/// A port's number or name.
[[nodiscard]] constexpr std::optional<std::uint16_t> parse_port(std::string_view word) noexcept {
    return detail::parse_named(word, detail::port_names, 65535);
}
/// "P", "P-Q" or a name, as {P, Q}; P is not above Q.
[[nodiscard]] constexpr std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_ports(
    std::string_view word) noexcept {
    if (const auto one = parse_port(word)) {
        return std::pair{*one, *one};
    }
    const auto dash = word.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto low = ikealg::detail::parse_decimal(word.substr(0, dash), 65535);
    const auto high = ikealg::detail::parse_decimal(word.substr(dash + 1), 65535);
    if (!low || !high || *low > *high) {
        return std::nullopt;
    }
    return std::pair{static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)};
}
/// An IP protocol's number or name.
[[nodiscard]] constexpr std::optional<std::uint8_t> parse_protocol(std::string_view word) noexcept {
    const auto value = detail::parse_named(word, detail::protocol_names, 255);
    return value ? std::optional{static_cast<std::uint8_t>(*value)} : std::nullopt;
}

/// What a number, or a list of words, may be: "180 to 86400 seconds", "drop or fan-out".
[[nodiscard]] inline std::string allowed(const value_type& type) {
    std::string text;
    if (type.kind == value_kind::number) {
        text = std::to_string(type.low) + " to " + std::to_string(type.high);
        return type.unit.empty() ? text : text + ' ' + std::string(type.unit);
    }
    for (std::size_t i = 0; i < type.words.size(); ++i) {
        text += i == 0 ? "" : i + 1 == type.words.size() ? " or " : ", ";
        text += type.words[i];
    }
    return text;
}

namespace detail {

[[nodiscard]] inline std::string not_an_address(std::string_view word, std::string_view what) {
    const bool v6 = ikealg::prefix<ipv6>::parse(word).has_value();
    return shown(word) + (v6 ? " is of IPv6; the gateway knows IPv4 only" : " is not an IPv4 " + std::string(what));
}

[[nodiscard]] inline std::string check_name(std::string_view word, std::size_t most) {
    if (word.empty()) {
        return "a name is empty";
    }
    if (std::any_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
        return shown(word) + " is not a name: it holds a control character";
    }
    return word.size() <= most
               ? std::string{}
               : shown(word) + " is too long, names have at most " + std::to_string(most) + " characters";
}

/// "X is not a port", and the nearest of `names`, or else what is allowed.
[[nodiscard]] inline std::string not_one_of(std::string_view word, std::string_view what,
                                            std::span<const named_number> names, std::string_view otherwise) {
    nearest_word nearest(word);
    for (const auto& known : names) {
        nearest.known(known.first);
    }
    return shown(word) + " is not a " + std::string(what) +
           (nearest.best().empty() ? std::string(otherwise) : nearest.question());
}

}  // namespace detail

/// What is wrong with a word as a value of `type`, as a sentence; empty when nothing is. Of a type with several words,
/// each end is checked by itself.
[[nodiscard]] inline std::string check_value(const value_type& type, std::string_view word) {
    switch (type.kind) {
        case value_kind::none: return shown(word) + " is not expected here";
        case value_kind::text: return {};
        case value_kind::name:
        case value_kind::zone_pair: return detail::check_name(word, 63);
        case value_kind::device:
        case value_kind::interface: return detail::check_name(word, 63);
        case value_kind::word: {
            nearest_word nearest(word);
            for (const std::string_view known : type.words) {
                if (known == word) {
                    return {};
                }
                nearest.known(known);
            }
            return shown(word) + " is not known here" +
                   (nearest.best().empty() ? ", allowed are " + allowed(type) : nearest.question());
        }
        case value_kind::number: {
            const bool digits = !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
            if (!digits) {
                return shown(word) + " is not a number, allowed are " + allowed(type);
            }
            const auto n = ikealg::detail::parse_decimal(word, 0xffff'ffff);
            if (!n && word.size() > 1 && word.front() == '0') {
                return shown(word) + " begins with 0";
            }
            return n && type.low <= *n && *n <= type.high
                       ? std::string{}
                       : shown(word) + " is out of range, allowed are " + allowed(type);
        }
        case value_kind::address:
            return ipv4_address::parse(word) ? std::string{} : detail::not_an_address(word, "address");
        case value_kind::address_range:
            return ipv4_address::parse(word) ? std::string{} : detail::not_an_address(word, "address");
        case value_kind::host_prefix:
            if (!ikealg::prefix<ipv4>::parse(word)) {
                return detail::not_an_address(word, "address with the length of its prefix (A/L)");
            }
            return word.find('/') != std::string_view::npos
                       ? std::string{}
                       : shown(word) + " lacks the length of its prefix, as in " + std::string(word) + "/24";
        case value_kind::prefix:
        case value_kind::prefix_range:
            return word == "0/0" || word == "default" || ikealg::prefix<ipv4>::parse(word)
                       ? std::string{}
                       : detail::not_an_address(word, "prefix");
        case value_kind::ports:
            return parse_ports(word) ? std::string{}
                                     : detail::not_one_of(word, "port", detail::port_names,
                                                          ", a range P-Q within 0 to 65535 or a known name");
        case value_kind::port_range: return check_value(number(1024, 65535), word);
        case value_kind::protocol:
            return parse_protocol(word)
                       ? std::string{}
                       : detail::not_one_of(word, "protocol", detail::protocol_names,
                                            ", allowed are 0 to 255 and names such as udp, tcp, icmp, esp");
    }
    return {};
}

/// Whether a value of the type may or must go on with `to` and a second word.
[[nodiscard]] constexpr bool takes_second(const value_type& type) noexcept {
    return type.kind == value_kind::prefix_range || type.kind == value_kind::address_range ||
           type.kind == value_kind::port_range;
}
[[nodiscard]] constexpr bool needs_second(const value_type& type) noexcept {
    return type.kind == value_kind::address_range;
}

}  // namespace ikealg::inline v0::junos

#endif
