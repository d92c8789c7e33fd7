// SPDX-License-Identifier: Apache-2.0
/// The one parse of the packet path: network header, IPv6 extension headers and the first bytes of the transport.
///
/// `parse_packet` reads a packet once, checks every length it relies on and answers with a small value: what kind of
/// packet, between whom, with which ports or SPI, and where the transport header starts (RFC 791, 8200, 768, 9293,
/// 792, 4443, 4303, 4302). Nothing after it has to check a bound again.
///
/// Invariants of a summary without error (L6):
/// - `transport_offset <= length <= network_length`; bytes beyond `length` are link padding and are never read;
/// - of the kind's transport header at least this much is contiguous: UDP, ICMP, ESP 8 bytes, TCP 20, AH 12;
///   nothing of a later fragment or of `other`;
/// - a fragment ends at or before byte 65535 of its datagram, and only the last one has a length that is no
///   multiple of 8.
/// Checksums are not verified: rewrites are incremental (RFC 1624), so a wrong checksum stays wrong.
///
/// Thread safety: pure functions. Complexity: constant; at most `max_extension_headers` steps for IPv6.
#ifndef IKEALG_WIRE_PACKET_HPP
#define IKEALG_WIRE_PACKET_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::wire {

/// What the packet path tells apart.
enum class packet_kind : std::uint8_t {
    udp,
    tcp,
    icmp_echo_request,  ///< ICMP 8/0, ICMPv6 128/0
    icmp_echo_reply,    ///< ICMP 0/0, ICMPv6 129/0
    icmp_error,         ///< ICMP 3, 4, 11, 12; ICMPv6 1-4: quotes a packet
    icmp_other,
    esp,
    ah,
    later_fragment,  ///< fragment offset above 0: carries no transport header
    other,           ///< no protocol that NAT translates
};

[[nodiscard]] constexpr std::string_view to_string(packet_kind k) noexcept {
    switch (k) {
        case packet_kind::udp: return "UDP";
        case packet_kind::tcp: return "TCP";
        case packet_kind::icmp_echo_request: return "ICMP Echo Request";
        case packet_kind::icmp_echo_reply: return "ICMP Echo Reply";
        case packet_kind::icmp_error: return "ICMP error";
        case packet_kind::icmp_other: return "ICMP";
        case packet_kind::esp: return "ESP";
        case packet_kind::ah: return "AH";
        case packet_kind::later_fragment: return "later fragment";
        case packet_kind::other: return "other protocol";
    }
    return "unknown";
}

/// Why a packet has no summary.
enum class parse_error : std::uint8_t {
    none,
    needs_more,               ///< not wrong: make `parse_result::needed` bytes contiguous and parse again
    not_this_family,          ///< the version field names another protocol
    truncated_header,         ///< shorter than the fixed IP header
    bad_header_length,        ///< IPv4 IHL below 5
    bad_total_length,         ///< IPv4 total length within the header; IPv6 packet beyond 65535 bytes
    truncated_packet,         ///< fewer bytes than the IP length says
    bad_extension_header,     ///< IPv6 extension header cut off, repeated (fragment) or misplaced (hop-by-hop)
    too_many_extension_headers,
    bad_fragment,             ///< ends beyond byte 65535, or not the last and no multiple of 8 bytes
    truncated_transport,      ///< the IP payload is shorter than the transport's fixed header
    bad_transport_length,     ///< UDP length or TCP data offset below its minimum or beyond the IP payload
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

/// IPv6 extension headers walked before a packet is refused; RFC 8200 4.1 names at most seven in one packet.
inline constexpr unsigned max_extension_headers = 8;

/// What one parse tells about a packet. Fields that its kind does not have are 0.
template <class Family>
struct packet_summary {
    typename Family::address source{};
    typename Family::address destination{};
    ikealg::spi spi{};               ///< ESP, AH
    std::uint32_t sequence = 0;      ///< ESP, AH
    /// IPv4 identification; IPv6 that of the fragment header. Fragments of one datagram agree in it, in the addresses
    /// and, for IPv4 only, in the protocol (RFC 8200 4.5: the first fragment's is the right one).
    std::uint32_t fragment_id = 0;
    port source_port{};              ///< UDP, TCP; the identifier of an echo message
    port destination_port{};         ///< UDP, TCP; the identifier of an echo message
    std::uint16_t transport_offset = 0;  ///< from the network header; of a later fragment, where its payload starts
    std::uint16_t length = 0;            ///< of the IP packet, from the network header
    std::uint16_t fragment_offset = 0;   ///< in units of 8 bytes
    packet_kind kind = packet_kind::other;
    std::uint8_t protocol = 0;       ///< IPv4 protocol; IPv6 next header after the extension headers
    std::uint8_t ttl = 0;            ///< IPv6: hop limit
    bool dont_fragment = false;      ///< always for IPv6: only its source fragments
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

namespace detail {

/// Bytes to be parsed: `have` contiguous ones of a packet of `whole` bytes; `quoted` when an ICMP error cut it.
template <bool Quoted>
struct parse_input {
    const std::uint8_t* at;
    std::size_t have;
    std::size_t whole;

    /// Whether the first `n` bytes cannot be read; the error is `shortfall` when the packet, of `end` bytes, lacks them.
    template <class Family>
    [[nodiscard]] bool lacks(std::size_t n, std::size_t end, parse_error shortfall,
                             parse_result<Family>& r) const noexcept {
        if (n <= have && n <= end) [[likely]] {
            return false;
        }
        if (n > end) {
            r.error = shortfall;
        } else {
            r.error = parse_error::needs_more;
            r.needed = static_cast<std::uint16_t>(n);
        }
        return true;
    }
};

template <class Family>
[[nodiscard]] constexpr packet_kind icmp_kind(std::uint8_t type, std::uint8_t code) noexcept {
    constexpr bool v4 = std::is_same_v<Family, ipv4>;
    if (code == 0 && type == (v4 ? 8 : 128)) {
        return packet_kind::icmp_echo_request;
    }
    if (code == 0 && type == (v4 ? 0 : 129)) {
        return packet_kind::icmp_echo_reply;
    }
    const bool error = v4 ? type == 3 || type == 4 || type == 11 || type == 12 : type >= 1 && type <= 4;
    return error ? packet_kind::icmp_error : packet_kind::icmp_other;
}

/// Fills in what the transport header tells; `r.summary` has protocol, offset, length and the fragment fields.
template <class Family, bool Quoted>
void parse_transport(const parse_input<Quoted>& in, parse_result<Family>& r) noexcept {
    auto& s = r.summary;
    const std::size_t offset = s.transport_offset;
    const std::size_t payload = s.transport_length();
    const std::uint8_t* const at = in.at + offset;
    const auto lacks = [&](std::size_t n) {
        return in.lacks(offset + n, s.length, parse_error::truncated_transport, r);
    };
    if (s.is_fragment()) [[unlikely]] {
        const std::size_t end = s.fragment_offset * std::size_t{8} + payload;
        if (!Quoted && (end > 65535 || (s.more_fragments && payload % 8 != 0))) {
            r.error = parse_error::bad_fragment;
            return;
        }
        if (s.fragment_offset != 0) {
            s.kind = packet_kind::later_fragment;
            return;
        }
    }
    switch (static_cast<ip_protocol>(s.protocol)) {
        case ip_protocol::esp:
            if (lacks(8)) {
                return;
            }
            s.kind = packet_kind::esp;
            s.spi.value = load_be32(at);
            s.sequence = load_be32(at + 4);
            return;
        case ip_protocol::udp: {
            if (lacks(8)) {
                return;
            }
            const std::size_t length = load_be16(at + 4);
            if (!Quoted && (length < 8 || (length > payload && !s.more_fragments))) [[unlikely]] {
                r.error = parse_error::bad_transport_length;
                return;
            }
            s.kind = packet_kind::udp;
            s.source_port.value = load_be16(at);
            s.destination_port.value = load_be16(at + 2);
            return;
        }
        case ip_protocol::tcp: {
            if (lacks(Quoted ? 8 : 20)) {
                return;
            }
            if constexpr (!Quoted) {
                const std::size_t header = std::size_t{4} * (at[12] >> 4);
                if (header < 20 || (header > payload && !s.more_fragments)) [[unlikely]] {
                    r.error = parse_error::bad_transport_length;
                    return;
                }
            }
            s.kind = packet_kind::tcp;
            s.source_port.value = load_be16(at);
            s.destination_port.value = load_be16(at + 2);
            return;
        }
        case ip_protocol::ah:
            if (lacks(Quoted ? 8 : 12)) {
                return;
            }
            s.kind = packet_kind::ah;
            s.spi.value = load_be32(at + 4);
            if (!Quoted || (in.have >= offset + 12 && payload >= 12)) {
                s.sequence = load_be32(at + 8);
            }
            return;
        case ip_protocol::icmp:
        case ip_protocol::icmpv6:
            if ((s.protocol == 1) != std::is_same_v<Family, ipv4>) {
                return;  // the other family's ICMP means nothing here
            }
            if (lacks(8)) {
                return;
            }
            s.kind = icmp_kind<Family>(at[0], at[1]);
            if (s.kind == packet_kind::icmp_echo_request || s.kind == packet_kind::icmp_echo_reply) {
                s.source_port.value = s.destination_port.value = load_be16(at + 4);
            }
            return;
        default: return;
    }
}

template <bool Quoted>
void parse_network(const parse_input<Quoted>& in, parse_result<ipv4>& r) noexcept {
    auto& s = r.summary;
    const std::uint8_t* const at = in.at;
    if (in.have != 0 && at[0] >> 4 != 4) [[unlikely]] {
        r.error = parse_error::not_this_family;
        return;
    }
    if (in.lacks(20, in.whole, parse_error::truncated_header, r)) {
        return;
    }
    const std::size_t header = std::size_t{4} * (at[0] & 15U);
    std::size_t length = load_be16(at + 2);
    if (header < 20) [[unlikely]] {
        r.error = parse_error::bad_header_length;
        return;
    }
    if constexpr (Quoted) {
        if (length < header || length > in.whole) {
            length = std::min<std::size_t>(in.whole, 65535);
        }
    }
    if (length < header) [[unlikely]] {
        r.error = Quoted ? parse_error::truncated_header : parse_error::bad_total_length;
        return;
    }
    if (length > in.whole) [[unlikely]] {
        r.error = parse_error::truncated_packet;
        return;
    }
    const std::uint32_t fragment = load_be32(at + 4);
    s.source = ipv4_address::load(at + 12);
    s.destination = ipv4_address::load(at + 16);
    s.fragment_id = fragment >> 16;
    s.transport_offset = static_cast<std::uint16_t>(header);
    s.length = static_cast<std::uint16_t>(length);
    s.fragment_offset = fragment & 0x1fff;
    s.protocol = at[9];
    s.ttl = at[8];
    s.dont_fragment = (fragment & 0x4000) != 0;
    s.more_fragments = (fragment & 0x2000) != 0;
    parse_transport(in, r);
}

/// Walks the extension headers; AH and ESP are endpoints, what follows them is not for a NAT (RFC 8200 4.1).
template <bool Quoted>
void parse_extensions(const parse_input<Quoted>& in, parse_result<ipv6>& r) noexcept {
    auto& s = r.summary;
    std::size_t offset = s.transport_offset;
    std::uint8_t next = s.protocol;
    bool fragment_seen = false;
    for (unsigned count = 0;; ++count) {
        switch (static_cast<ip_protocol>(next)) {
            case ip_protocol::hop_by_hop:
                if (count != 0) {
                    r.error = parse_error::bad_extension_header;
                    return;
                }
                break;
            case ip_protocol::fragment:
                if (fragment_seen) {
                    r.error = parse_error::bad_extension_header;
                    return;
                }
                break;
            case ip_protocol::routing:
            case ip_protocol::destination_options:
            case ip_protocol::mobility:
            case ip_protocol::hip:
            case ip_protocol::shim6: break;
            default:
                s.protocol = next;
                s.transport_offset = static_cast<std::uint16_t>(offset);
                return;
        }
        if (count == max_extension_headers) {
            r.error = parse_error::too_many_extension_headers;
            return;
        }
        if (in.lacks(offset + 8, s.length, parse_error::bad_extension_header, r)) {
            return;
        }
        const std::uint8_t* const at = in.at + offset;
        if (next == static_cast<std::uint8_t>(ip_protocol::fragment)) {
            const std::uint16_t word = load_be16(at + 2);
            fragment_seen = true;
            s.fragment_offset = static_cast<std::uint16_t>(word >> 3);
            s.more_fragments = (word & 1U) != 0;
            s.fragment_id = load_be32(at + 4);
            offset += 8;
        } else {
            offset += (std::size_t{at[1]} + 1) * 8;
        }
        next = at[0];
        if (offset > s.length) {
            r.error = parse_error::bad_extension_header;
            return;
        }
        if (s.fragment_offset != 0) {  // what follows is the middle of something, not a header
            s.protocol = next;
            s.transport_offset = static_cast<std::uint16_t>(offset);
            return;
        }
    }
}

template <bool Quoted>
void parse_network(const parse_input<Quoted>& in, parse_result<ipv6>& r) noexcept {
    auto& s = r.summary;
    const std::uint8_t* const at = in.at;
    if (in.have != 0 && at[0] >> 4 != 6) [[unlikely]] {
        r.error = parse_error::not_this_family;
        return;
    }
    if (in.lacks(40, in.whole, parse_error::truncated_header, r)) {
        return;
    }
    std::size_t length = std::size_t{40} + load_be16(at + 4);
    if constexpr (Quoted) {
        length = std::min<std::size_t>({length, in.whole, 65535});
    }
    if (length > 65535) [[unlikely]] {
        r.error = parse_error::bad_total_length;
        return;
    }
    if (length > in.whole) [[unlikely]] {
        r.error = parse_error::truncated_packet;
        return;
    }
    s.source = ipv6_address::load(at + 8);
    s.destination = ipv6_address::load(at + 24);
    s.transport_offset = 40;
    s.length = static_cast<std::uint16_t>(length);
    s.protocol = at[6];
    s.ttl = at[7];
    s.dont_fragment = true;
    parse_extensions(in, r);
    if (r.error == parse_error::none) {
        parse_transport(in, r);
    }
}

}  // namespace detail

/// Parses a packet of `network_length` bytes of which `data` holds the first, contiguous ones. When they do not reach
/// far enough the error is `needs_more`: make `needed` bytes contiguous and call again; that may happen more than once,
/// each time with a larger `needed`. Bytes beyond the IP length (Ethernet padding) are allowed.
template <class Family>
[[nodiscard]] inline parse_result<Family> parse_packet(bytes data, std::size_t network_length) noexcept {
    parse_result<Family> r;
    const detail::parse_input<false> in{data.data(), std::min(data.size(), network_length), network_length};
    detail::parse_network(in, r);
    return r;
}

/// Parses a packet that is contiguous as a whole.
template <class Family>
[[nodiscard]] inline parse_result<Family> parse_packet(bytes data) noexcept {
    return parse_packet<Family>(data, data.size());
}

/// Parses the packet that an ICMP error quotes: `icmp_payload` is what follows the error's 8-byte header, RFC 4884
/// extensions included (they are ignored). An IP header and 8 bytes behind it are enough (RFC 792, RFC 4443 3),
/// whatever the quoted lengths say: `length` is the quoted one if it fits, else what is there, and a TCP header may be cut.
/// The sequence number of an AH quote is 0 when it is cut off.
template <class Family>
[[nodiscard]] inline parse_result<Family> quoted_packet(bytes icmp_payload) noexcept {
    parse_result<Family> r;
    const detail::parse_input<true> in{icmp_payload.data(), icmp_payload.size(), icmp_payload.size()};
    detail::parse_network(in, r);
    return r;
}

}  // namespace ikealg::inline v0::wire

#endif
