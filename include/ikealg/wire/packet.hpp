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
#include <type_traits>

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/packet_summary.hpp"

namespace ikealg::inline v0::wire {

/// IPv6 extension headers walked before a packet is refused; RFC 8200 4.1 names at most seven in one packet.
inline constexpr unsigned max_extension_headers = 8;

namespace detail {

/// Offsets of the fields that the parse reads, within their headers. The views have the rest.
namespace v4 {
inline constexpr std::size_t total_length = 2, fragment = 4, ttl = 8, protocol = 9, source = 12, destination = 16;
inline constexpr std::size_t header = 20;
}  // namespace v4
namespace v6 {
inline constexpr std::size_t payload_length = 4, next_header = 6, hop_limit = 7, source = 8, destination = 24;
inline constexpr std::size_t header = 40;
/// Every extension header starts with next header and length; the fragment header has no length.
inline constexpr std::size_t extension_length = 1, fragment_offset = 2, fragment_id = 4, extension = 8;
}  // namespace v6
namespace transport {
inline constexpr std::size_t source_port = 0, destination_port = 2;  // UDP and TCP
inline constexpr std::size_t udp_length = 4, udp_header = 8;
inline constexpr std::size_t tcp_data_offset = 12, tcp_header = 20;
inline constexpr std::size_t esp_spi = 0, esp_sequence = 4, esp_header = 8;
inline constexpr std::size_t ah_spi = 4, ah_sequence = 8, ah_header = 12;
inline constexpr std::size_t icmp_type = 0, icmp_code = 1, icmp_identifier = 4, icmp_header = 8;
inline constexpr std::size_t quoted = 8;  ///< of any transport, what an ICMP error must quote (RFC 792)
}  // namespace transport

/// Bytes to be parsed: `have` contiguous ones of a packet of `whole` bytes; `quoted` when an ICMP error cut it.
template <bool Quoted>
struct parse_input {
    const std::uint8_t* at;
    std::size_t have;
    std::size_t whole;

    /// Whether the first `n` bytes cannot be read; the error is `shortfall` when the packet, of `end` bytes, lacks
    /// them.
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

// Forced inlining, here and below: the compilers judge these too large, and a call costs a quarter of the parse.

/// Fills in what the transport header tells; `r.summary` has protocol, offset, length and the fragment fields.
template <class Family, bool Quoted>
[[gnu::always_inline]] inline void parse_transport(const parse_input<Quoted>& in, parse_result<Family>& r) noexcept {
    namespace f = transport;
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
            if (lacks(f::esp_header)) {
                return;
            }
            s.kind = packet_kind::esp;
            s.spi.value = load_be32(at + f::esp_spi);
            s.sequence = load_be32(at + f::esp_sequence);
            return;
        case ip_protocol::udp: {
            if (lacks(f::udp_header)) {
                return;
            }
            const std::size_t length = load_be16(at + f::udp_length);
            if (!Quoted && (length < f::udp_header || (length > payload && !s.more_fragments))) [[unlikely]] {
                r.error = parse_error::bad_transport_length;
                return;
            }
            s.kind = packet_kind::udp;
            s.source_port.value = load_be16(at + f::source_port);
            s.destination_port.value = load_be16(at + f::destination_port);
            return;
        }
        case ip_protocol::tcp: {
            if (lacks(Quoted ? f::quoted : f::tcp_header)) {
                return;
            }
            if constexpr (!Quoted) {
                const std::size_t header = std::size_t{4} * (at[f::tcp_data_offset] >> 4U);
                if (header < f::tcp_header || (header > payload && !s.more_fragments)) [[unlikely]] {
                    r.error = parse_error::bad_transport_length;
                    return;
                }
            }
            s.kind = packet_kind::tcp;
            s.source_port.value = load_be16(at + f::source_port);
            s.destination_port.value = load_be16(at + f::destination_port);
            return;
        }
        case ip_protocol::ah:
            if (lacks(Quoted ? f::quoted : f::ah_header)) {
                return;
            }
            s.kind = packet_kind::ah;
            s.spi.value = load_be32(at + f::ah_spi);
            if (!Quoted || payload >= f::ah_header) {
                s.sequence = load_be32(at + f::ah_sequence);
            }
            return;
        case ip_protocol::icmp:
        case ip_protocol::icmpv6:
            if ((static_cast<ip_protocol>(s.protocol) == ip_protocol::icmp) != std::is_same_v<Family, ipv4>) {
                return;  // the other family's ICMP means nothing here
            }
            if (lacks(f::icmp_header)) {
                return;
            }
            s.kind = icmp_kind<Family>(at[f::icmp_type], at[f::icmp_code]);
            if (s.kind == packet_kind::icmp_echo_request || s.kind == packet_kind::icmp_echo_reply) {
                s.source_port.value = s.destination_port.value = load_be16(at + f::icmp_identifier);
            }
            return;
        default: return;
    }
}

template <bool Quoted>
[[gnu::always_inline]] inline void parse_network(const parse_input<Quoted>& in, parse_result<ipv4>& r) noexcept {
    auto& s = r.summary;
    const std::uint8_t* const at = in.at;
    if (in.have != 0 && at[0] >> 4 != 4) [[unlikely]] {
        r.error = parse_error::not_this_family;
        return;
    }
    if (in.lacks(v4::header, in.whole, parse_error::truncated_header, r)) {
        return;
    }
    const std::size_t header = std::size_t{4} * (at[0] & 15U);
    std::size_t length = load_be16(at + v4::total_length);
    if (header < v4::header) [[unlikely]] {
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
    const std::uint32_t fragment = load_be32(at + v4::fragment);
    s.source = ipv4_address::load(at + v4::source);
    s.destination = ipv4_address::load(at + v4::destination);
    s.fragment_id = fragment >> 16;
    s.transport_offset = static_cast<std::uint16_t>(header);
    s.length = static_cast<std::uint16_t>(length);
    s.fragment_offset = fragment & 0x1fff;
    s.protocol = at[v4::protocol];
    s.ttl = at[v4::ttl];
    s.dont_fragment = (fragment & 0x4000) != 0;
    s.more_fragments = (fragment & 0x2000) != 0;
    parse_transport(in, r);
}

/// Walks the extension headers; AH and ESP are endpoints, what follows them is not for a NAT (RFC 8200 4.1).
template <bool Quoted>
[[gnu::always_inline]] inline void parse_extensions(const parse_input<Quoted>& in, parse_result<ipv6>& r) noexcept {
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
        if (in.lacks(offset + v6::extension, s.length, parse_error::bad_extension_header, r)) {
            return;
        }
        const std::uint8_t* const at = in.at + offset;
        if (next == static_cast<std::uint8_t>(ip_protocol::fragment)) {
            const std::uint16_t word = load_be16(at + v6::fragment_offset);
            fragment_seen = true;
            s.fragment_offset = static_cast<std::uint16_t>(word >> 3);
            s.more_fragments = (word & 1U) != 0;
            s.fragment_id = load_be32(at + v6::fragment_id);
            offset += v6::extension;
        } else {
            offset += (std::size_t{at[v6::extension_length]} + 1) * v6::extension;
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
[[gnu::always_inline]] inline void parse_network(const parse_input<Quoted>& in, parse_result<ipv6>& r) noexcept {
    auto& s = r.summary;
    const std::uint8_t* const at = in.at;
    if (in.have != 0 && at[0] >> 4 != 6) [[unlikely]] {
        r.error = parse_error::not_this_family;
        return;
    }
    if (in.lacks(v6::header, in.whole, parse_error::truncated_header, r)) {
        return;
    }
    std::size_t length = v6::header + load_be16(at + v6::payload_length);
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
    s.source = ipv6_address::load(at + v6::source);
    s.destination = ipv6_address::load(at + v6::destination);
    s.transport_offset = v6::header;
    s.length = static_cast<std::uint16_t>(length);
    s.protocol = at[v6::next_header];
    s.ttl = at[v6::hop_limit];
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
///
/// This form is for bursts: it writes `r` in place. Copying a result whose fields were just stored one by one costs
/// more than the parse, for the processor cannot forward such stores to a wide load.
template <class Family>
inline void parse_packet(bytes data, std::size_t network_length, parse_result<Family>& r) noexcept {
    r = parse_result<Family>{};
    const detail::parse_input<false> in{data.data(), std::min(data.size(), network_length), network_length};
    detail::parse_network(in, r);
}

/// The same by value, for a result that is used where it is returned.
template <class Family>
[[nodiscard]] inline parse_result<Family> parse_packet(bytes data, std::size_t network_length) noexcept {
    parse_result<Family> r;
    parse_packet(data, network_length, r);
    return r;
}

/// Parses a packet that is contiguous as a whole.
template <class Family>
[[nodiscard]] inline parse_result<Family> parse_packet(bytes data) noexcept {
    return parse_packet<Family>(data, data.size());
}

/// Parses the packet that an ICMP error quotes: `icmp_payload` is what follows the error's 8-byte header, RFC 4884
/// extensions included (they are ignored). An IP header and 8 bytes behind it are enough (RFC 792, RFC 4443 3),
/// whatever the quoted lengths say: `length` is the quoted one if it fits, else what is there, and a TCP header may
/// be cut. The sequence number of an AH quote is 0 when it is cut off.
template <class Family>
[[nodiscard]] inline parse_result<Family> quoted_packet(bytes icmp_payload) noexcept {
    parse_result<Family> r;
    const detail::parse_input<true> in{icmp_payload.data(), icmp_payload.size(), icmp_payload.size()};
    detail::parse_network(in, r);
    return r;
}

}  // namespace ikealg::inline v0::wire

#endif
