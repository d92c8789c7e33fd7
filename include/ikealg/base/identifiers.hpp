// SPDX-License-Identifier: Apache-2.0
/// Strong types for the numbers that identify things: SPIs, ports, zones, routing instances.
///
/// Each is a distinct type of exactly the size of its number, compares and hashes by value, and does not
/// convert to or from integers by itself, so that a port can never be passed where a zone is meant.
#ifndef IKEALG_BASE_IDENTIFIERS_HPP
#define IKEALG_BASE_IDENTIFIERS_HPP

#include <compare>
#include <cstdint>

namespace ikealg::inline v0 {

/// Security parameter index of an ESP or AH packet (RFC 4303 2.1). 0 never travels, 1-255 are reserved.
struct spi {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(const spi&, const spi&) = default;
};

/// SPI of one side of an IKE SA (RFC 7296 3.1; the "cookie" of RFC 2408). 0 means "not chosen yet".
struct ike_spi {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const ike_spi&, const ike_spi&) = default;
};

/// UDP or TCP port, or an ICMP echo identifier, in host order.
struct port {
    std::uint16_t value = 0;
    friend constexpr auto operator<=>(const port&, const port&) = default;
};

/// Index of a security zone in the configuration (order of declaration, from 0).
struct zone_id {
    std::uint16_t value = 0;
    friend constexpr auto operator<=>(const zone_id&, const zone_id&) = default;
};

/// Routing instance (VRF). Part of every key: overlapping private space in two of them never meets (N13).
struct vrf_id {
    std::uint16_t value = 0;
    friend constexpr auto operator<=>(const vrf_id&, const vrf_id&) = default;
};

/// "No index": what lookups in tables and slabs answer when there is nothing.
inline constexpr std::uint32_t npos = 0xffff'ffffU;

/// IP protocol numbers that the library knows (IANA protocol-numbers).
enum class ip_protocol : std::uint8_t {
    hop_by_hop = 0,
    icmp = 1,
    tcp = 6,
    udp = 17,
    routing = 43,
    fragment = 44,
    esp = 50,
    ah = 51,
    icmpv6 = 58,
    no_next_header = 59,
    destination_options = 60,
    mobility = 135,
    hip = 139,
    shim6 = 140,
};

/// UDP ports of IKE (RFC 7296 2) and of NAT traversal (RFC 3948).
inline constexpr port ike_port{500};
inline constexpr port natt_port{4500};

}  // namespace ikealg::inline v0

#endif
