// SPDX-License-Identifier: Apache-2.0
/// Link layers: where the network header of a captured frame starts, and which link header to write before one.
///
/// Read: Ethernet (IEEE 802.3) with up to two VLAN tags (IEEE 802.1Q 0x8100, 802.1ad 0x88a8, and 0x9100 of older
/// equipment), raw IP, BSD null and loop, Linux cooked capture v1 and v2; tags are also followed behind a cooked
/// header, where Linux leaves them. Written: Ethernet and raw IP. Numbers are those of libpcap
/// (tcpdump.org/linktypes.html), names those that `tcpdump -L` prints.
///
/// Thread safety: pure functions. Complexity: constant.
#ifndef IKEALG_IO_LINK_HPP
#define IKEALG_IO_LINK_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ikealg/base/bytes.hpp"

namespace ikealg::inline v0::io {

inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;

enum class link_type : std::uint8_t { null, ethernet, raw, loop, linux_sll, raw_ipv4, raw_ipv6, linux_sll2 };

struct link_type_name {
    int number;  ///< in capture files or of libpcap on some system
    link_type type;
    std::string_view name;
};

/// All link types that are read.
inline constexpr std::array<link_type_name, 10> link_type_names{{
    {0, link_type::null, "NULL"},
    {1, link_type::ethernet, "EN10MB"},
    {12, link_type::raw, "RAW"},
    {14, link_type::raw, "RAW"},  // of OpenBSD
    {101, link_type::raw, "RAW"},
    {108, link_type::loop, "LOOP"},
    {113, link_type::linux_sll, "LINUX_SLL"},
    {228, link_type::raw_ipv4, "IPV4"},
    {229, link_type::raw_ipv6, "IPV6"},
    {276, link_type::linux_sll2, "LINUX_SLL2"},
}};

/// The link type of a number, if it is read.
[[nodiscard]] constexpr std::optional<link_type> find_link_type(int number) noexcept {
    for (const link_type_name& row : link_type_names) {
        if (row.number == number) {
            return row.type;
        }
    }
    return std::nullopt;
}

[[nodiscard]] constexpr std::string_view to_string(link_type type) noexcept {
    for (const link_type_name& row : link_type_names) {
        if (row.type == type) {
            return row.name;
        }
    }
    return "unknown";
}

/// Why no network header was found.
enum class link_fault : std::uint8_t {
    none,
    too_short,      ///< the frame ends inside its link header or tags
    too_many_tags,  ///< a third VLAN tag
    no_ethertype,   ///< an 802.3 length or another number below 0x600 where an EtherType is wanted
    not_ip,         ///< raw bytes of neither IP version, or an address family other than those of IP
};

/// A sentence for an operator.
[[nodiscard]] constexpr std::string_view describe(link_fault fault) noexcept {
    switch (fault) {
        case link_fault::none: return "no fault";
        case link_fault::too_short: return "the frame ends inside its link header";
        case link_fault::too_many_tags: return "the frame has more than two VLAN tags";
        case link_fault::no_ethertype: return "the frame has no EtherType";
        case link_fault::not_ip: return "the frame is neither IPv4 nor IPv6";
    }
    return "unknown";
}

/// Where the network header starts, or why that is not known.
struct link_info {
    link_fault fault = link_fault::none;
    std::size_t network_offset = 0;
    std::uint16_t ethertype = 0;  ///< behind all tags; for links without one, that of the IP version

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return fault == link_fault::none; }
    friend constexpr bool operator==(const link_info&, const link_info&) = default;
};

/// EtherType of an IP packet by its version field; 0 for anything else.
[[nodiscard]] inline std::uint16_t ip_ethertype(bytes network) noexcept {
    const unsigned version = network.empty() ? 0 : network[0] >> 4U;
    return version == 4 ? ethertype_ipv4 : version == 6 ? ethertype_ipv6 : std::uint16_t{0};
}

namespace detail {

[[nodiscard]] constexpr link_info link_failure(link_fault why) noexcept {
    return {why, 0, 0};
}

/// `type_at`: where the EtherType stands; `end`: where the link header ends if there is no tag.
[[nodiscard]] inline link_info parse_ethertype(bytes frame, std::size_t type_at, std::size_t end) noexcept {
    if (frame.size() < end) {
        return link_failure(link_fault::too_short);
    }
    std::uint16_t type = load_be16(&frame[type_at]);
    for (int tags = 0; type == 0x8100 || type == 0x88a8 || type == 0x9100; ++tags, end += 4) {
        if (tags == 2) {
            return link_failure(link_fault::too_many_tags);
        }
        if (frame.size() < end + 4) {
            return link_failure(link_fault::too_short);
        }
        type = load_be16(&frame[end + 2]);
    }
    return type < 0x600 ? link_failure(link_fault::no_ethertype) : link_info{link_fault::none, end, type};
}

/// A 4-byte address family: in network order (loop), or in the order of whatever machine captured (null).
[[nodiscard]] inline link_info parse_family(bytes frame, bool any_order) noexcept {
    if (frame.size() < 4) {
        return link_failure(link_fault::too_short);
    }
    std::uint32_t family = load_be32(frame.data());
    if (any_order && family > 0xffff) {
        family = boost::endian::endian_reverse(family);
    }
    switch (family) {
        case 2: return {link_fault::none, 4, ethertype_ipv4};
        case 10:  // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS
        case 24:
        case 28:
        case 30: return {link_fault::none, 4, ethertype_ipv6};
        default: return link_failure(link_fault::not_ip);
    }
}

/// EtherType by the version field, which must be one of the two.
[[nodiscard]] inline link_info parse_raw(bytes frame) noexcept {
    if (frame.empty()) {
        return link_failure(link_fault::too_short);
    }
    const std::uint16_t type = ip_ethertype(frame);
    return type == 0 ? link_failure(link_fault::not_ip) : link_info{link_fault::none, 0, type};
}

}  // namespace detail

/// Finds the network header of a frame.
[[nodiscard]] inline link_info parse_link(link_type type, bytes frame) noexcept {
    switch (type) {
        case link_type::ethernet: return detail::parse_ethertype(frame, 12, 14);
        case link_type::linux_sll: return detail::parse_ethertype(frame, 14, 16);
        case link_type::linux_sll2: return detail::parse_ethertype(frame, 0, 20);
        case link_type::null: return detail::parse_family(frame, true);
        case link_type::loop: return detail::parse_family(frame, false);
        case link_type::raw: return detail::parse_raw(frame);
        case link_type::raw_ipv4: return {link_fault::none, 0, ethertype_ipv4};
        case link_type::raw_ipv6: return {link_fault::none, 0, ethertype_ipv6};
    }
    return detail::link_failure(link_fault::not_ip);
}

using mac_address = std::array<std::uint8_t, 6>;

/// A unicast, locally administered address made from an IP address: 02:00 and the four bytes of IPv4, or 02:06 and
/// the four words of IPv6 xored. Equal addresses give equal MACs, so that analysers tell hosts apart.
[[nodiscard]] inline mac_address made_up_mac(bytes address) noexcept {
    mac_address mac{0x02, address.size() == 16 ? std::uint8_t{0x06} : std::uint8_t{0x00}, 0, 0, 0, 0};
    for (std::size_t i = 0; i < address.size(); ++i) {
        mac[2 + i % 4] = static_cast<std::uint8_t>(mac[2 + i % 4] ^ address[i]);
    }
    return mac;
}

/// A link header to put before a packet.
struct link_header {
    std::array<std::uint8_t, 14> octets{};
    std::size_t length = 0;

    [[nodiscard]] bytes view() const noexcept { return bytes{octets}.first(length); }
};

/// The Ethernet header (made-up addresses) or the empty header of raw links for an IP packet; nothing for a packet
/// that is not IP or a link type that is not written. A packet too short to have addresses gets those of 0.
[[nodiscard]] inline std::optional<link_header> make_link_header(link_type type, bytes network) noexcept {
    const std::uint16_t ethertype = ip_ethertype(network);
    if (ethertype == 0) {
        return std::nullopt;
    }
    if (type == link_type::raw) {
        return link_header{};
    }
    if (type != link_type::ethernet) {
        return std::nullopt;
    }
    const bool v4 = ethertype == ethertype_ipv4;
    const std::size_t size = v4 ? 4 : 16;
    const std::size_t source = v4 ? 12 : 8;
    const bool whole = network.size() >= source + 2 * size;
    const mac_address from = made_up_mac(whole ? network.subspan(source, size) : bytes{});
    const mac_address to = made_up_mac(whole ? network.subspan(source + size, size) : bytes{});
    link_header header;
    std::copy(from.begin(), from.end(), std::copy(to.begin(), to.end(), header.octets.begin()));
    store_be16(&header.octets[12], ethertype);
    header.length = header.octets.size();
    return header;
}

}  // namespace ikealg::inline v0::io

#endif
