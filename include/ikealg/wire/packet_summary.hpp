// SPDX-License-Identifier: Apache-2.0
/// What one parse of a packet tells: a small value that the packet path carries instead of looking again.
///
/// Written by `parse_packet` and `quoted_packet` of packet.hpp; the invariants are there.
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_WIRE_PACKET_SUMMARY_HPP
#define IKEALG_WIRE_PACKET_SUMMARY_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::wire {

/// What the packet path tells apart.
enum class packet_kind : std::uint8_t {
    other,  ///< no protocol that NAT translates; 0, so that clearing a summary is writing zeros
    udp,
    tcp,
    icmp_echo_request,  ///< ICMP 8/0, ICMPv6 128/0
    icmp_echo_reply,    ///< ICMP 0/0, ICMPv6 129/0
    icmp_error,         ///< ICMP 3, 4, 11, 12; ICMPv6 1-4: quotes a packet
    icmp_other,
    esp,
    ah,
    later_fragment,  ///< fragment offset above 0: carries no transport header
};

[[nodiscard]] constexpr std::string_view to_string(packet_kind k) noexcept {
    switch (k) {
        case packet_kind::other: return "other protocol";
        case packet_kind::udp: return "UDP";
        case packet_kind::tcp: return "TCP";
        case packet_kind::icmp_echo_request: return "ICMP Echo Request";
        case packet_kind::icmp_echo_reply: return "ICMP Echo Reply";
        case packet_kind::icmp_error: return "ICMP error";
        case packet_kind::icmp_other: return "ICMP";
        case packet_kind::esp: return "ESP";
        case packet_kind::ah: return "AH";
        case packet_kind::later_fragment: return "later fragment";
    }
    return "unknown";
}

/// Why a packet has no summary.
enum class parse_error : std::uint8_t {
    none,
    needs_more,            ///< not wrong: make `parse_result::needed` bytes contiguous and parse again
    not_this_family,       ///< the version field names another protocol
    truncated_header,      ///< shorter than the fixed IP header
    bad_header_length,     ///< IPv4 IHL below 5
    bad_total_length,      ///< IPv4 total length within the header; IPv6 packet beyond 65535 bytes
    truncated_packet,      ///< fewer bytes than the IP length says
    bad_extension_header,  ///< IPv6 extension header cut off, repeated (fragment) or misplaced (hop-by-hop)
    too_many_extension_headers,
    bad_fragment,          ///< ends beyond byte 65535, or not the last and no multiple of 8 bytes
    truncated_transport,   ///< the IP payload is shorter than the transport's fixed header
    bad_transport_length,  ///< UDP length or TCP data offset below its minimum or beyond the IP payload
};

[[nodiscard]] constexpr std::string_view to_string(parse_error e) noexcept {
    switch (e) {
        case parse_error::none: return "no error";
        case parse_error::needs_more: return "more contiguous bytes needed";
        case parse_error::not_this_family: return "not of this address family";
        case parse_error::truncated_header: return "truncated IP header";
        case parse_error::bad_header_length: return "bad IPv4 header length";
        case parse_error::bad_total_length: return "bad IP total length";
        case parse_error::truncated_packet: return "truncated packet";
        case parse_error::bad_extension_header: return "bad IPv6 extension header";
        case parse_error::too_many_extension_headers: return "too many IPv6 extension headers";
        case parse_error::bad_fragment: return "bad fragment";
        case parse_error::truncated_transport: return "truncated transport header";
        case parse_error::bad_transport_length: return "bad transport length";
    }
    return "unknown";
}

/// What one parse tells about a packet. Fields that its kind does not have are 0.
template <class Family>
struct packet_summary {
    typename Family::address source{};
    typename Family::address destination{};
    ikealg::spi spi{};           ///< ESP, AH
    std::uint32_t sequence = 0;  ///< ESP, AH
    /// IPv4 identification; IPv6 that of the fragment header. Fragments of one datagram agree in it, in the addresses
    /// and, for IPv4 only, in the protocol (RFC 8200 4.5: the first fragment's is the right one).
    std::uint32_t fragment_id = 0;
    port source_port{};                  ///< UDP, TCP; the identifier of an echo message
    port destination_port{};             ///< UDP, TCP; the identifier of an echo message
    std::uint16_t transport_offset = 0;  ///< from the network header; of a later fragment, where its payload starts
    std::uint16_t length = 0;            ///< of the IP packet, from the network header
    std::uint16_t fragment_offset = 0;   ///< in units of 8 bytes
    packet_kind kind = packet_kind::other;
    std::uint8_t protocol = 0;   ///< IPv4 protocol; IPv6 next header after the extension headers
    std::uint8_t ttl = 0;        ///< IPv6: hop limit
    bool dont_fragment = false;  ///< always for IPv6: only its source fragments
    bool more_fragments = false;

    [[nodiscard]] constexpr bool is_fragment() const noexcept { return more_fragments || fragment_offset != 0; }
    [[nodiscard]] constexpr bool is_first_fragment() const noexcept { return more_fragments && fragment_offset == 0; }
    /// Bytes of the IP packet from the transport header on.
    [[nodiscard]] constexpr std::uint16_t transport_length() const noexcept {
        return static_cast<std::uint16_t>(length - transport_offset);
    }
    /// The contiguous part of the transport, out of the bytes that were parsed; never link padding.
    template <class Byte>
    [[nodiscard]] constexpr std::span<Byte> transport(std::span<Byte> network) const noexcept {
        const std::size_t end = std::min<std::size_t>(network.size(), length);
        return network.first(end).subspan(std::min<std::size_t>(transport_offset, end));
    }
    friend constexpr bool operator==(const packet_summary&, const packet_summary&) = default;
};

template <class Family>
struct parse_result {
    packet_summary<Family> summary{};  ///< complete only without error
    parse_error error = parse_error::none;
    std::uint16_t needed = 0;  ///< with `needs_more`: contiguous bytes from the network header, <= network_length

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return error == parse_error::none; }
};

}  // namespace ikealg::inline v0::wire

#endif
