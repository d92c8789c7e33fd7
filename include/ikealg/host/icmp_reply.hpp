// SPDX-License-Identifier: Apache-2.0
/// What a router answers itself: ICMP errors, TCP resets, echo replies (RFC 792, RFC 1122 3.2.2, RFC 1812 4.3, RFC 9293 3.5.2).
///
/// `may_answer` says whether a packet may be answered with an error at all: never about ICMP errors, fragments other than the first, what came
/// from or goes to an address that is no single host's (RFC 1122 3.2.2), and never with a reset about a reset.
/// An error quotes as much of the packet as fits in 576 bytes (RFC 1812 4.3.2.3), has the precedence of network control and the other TOS bits of
/// the packet (4.3.2.5). Its identification is 0 and it is not to be fragmented, so that it needs none (RFC 6864 4.1).
///
/// The gateway does not reassemble: a ping in fragments gets no reply.
/// Thread safety: pure functions. Complexity: linear in the bytes written.
#ifndef IKEALG_HOST_ICMP_REPLY_HPP
#define IKEALG_HOST_ICMP_REPLY_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "ikealg/base/checksum.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/host/settings.hpp"
#include "ikealg/wire/icmp.hpp"
#include "ikealg/wire/ipv4.hpp"
#include "ikealg/wire/packet.hpp"
#include "ikealg/wire/tcp.hpp"

namespace ikealg::inline v0::host {

inline constexpr std::size_t max_error_size = 576;  ///< of the IP packet, RFC 1812 4.3.2.3
inline constexpr std::size_t reset_size = 40;
inline constexpr std::uint8_t own_ttl = 64;  ///< of what the gateway sends itself (IANA ip-parameters)

/// An ICMP error: type and code, and the word behind the checksum.
struct error_kind {
    wire::icmp_type type = wire::icmp_type::destination_unreachable;
    std::uint8_t code = 0;
    std::uint32_t rest = 0;

    [[nodiscard]] static constexpr error_kind time_exceeded() noexcept { return {wire::icmp_type::time_exceeded, 0, 0}; }
    [[nodiscard]] static constexpr error_kind unreachable(wire::icmp_unreachable why) noexcept {
        return {wire::icmp_type::destination_unreachable, static_cast<std::uint8_t>(why), 0};
    }
    /// RFC 1191 4: the MTU of the next hop in the low 16 bits.
    [[nodiscard]] static constexpr error_kind fragmentation_needed(std::size_t mtu) noexcept {
        return {wire::icmp_type::destination_unreachable, static_cast<std::uint8_t>(wire::icmp_unreachable::fragmentation_needed),
                static_cast<std::uint32_t>(std::min<std::size_t>(mtu, 0xffff))};
    }
};

/// Whether an error about the packet may be sent to its source. `network` is the packet, whole, that `s` is the summary of.
[[nodiscard]] inline bool may_answer(const wire::packet_summary<ipv4>& s) noexcept {
    return s.kind != wire::packet_kind::icmp_error && s.kind != wire::packet_kind::later_fragment && detail::is_unicast(s.source) &&
           detail::is_unicast(s.destination) &&
           s.kind != wire::packet_kind::icmp_other;  // redirects and what is unknown could be errors (RFC 1122 3.2.2)
}

namespace detail {

/// An atomic IPv4 header without options (RFC 6864 4).
inline void write_ipv4(mutable_bytes packet, std::uint8_t tos, ip_protocol protocol, ipv4_address from, ipv4_address to) noexcept {
    std::uint8_t* const ip = packet.data();
    ip[0] = 0x45;
    ip[1] = tos;
    store_be16(ip + 2, static_cast<std::uint16_t>(packet.size()));
    store_be16(ip + 4, 0);
    store_be16(ip + 6, 0x4000);
    ip[8] = own_ttl;
    ip[9] = static_cast<std::uint8_t>(protocol);
    store_be16(ip + 10, 0);
    from.store(ip + 12);
    to.store(ip + 16);
    store_be16(ip + 10, finish_checksum(sum_bytes(packet.first(wire::ipv4_view::min_header_size))));
}

}  // namespace detail

/// Size of the error about `packet` (IP length).
[[nodiscard]] constexpr std::size_t error_size(std::size_t packet) noexcept { return std::min(packet + 28, max_error_size); }

/// Writes the error about `packet`, whole without padding, to `out` of `error_size(packet.size())` bytes.
inline void write_error(mutable_bytes out, bytes packet, error_kind kind, ipv4_address from) noexcept {
    constexpr std::uint8_t internetwork_control = 0xc0;
    constexpr std::size_t icmp = wire::ipv4_view::min_header_size;
    constexpr std::size_t quote = icmp + wire::icmp_view::header_size;
    out[icmp] = static_cast<std::uint8_t>(kind.type);
    out[icmp + 1] = kind.code;
    store_be16(&out[icmp + 2], 0);
    store_be32(&out[icmp + 4], kind.rest);
    std::memcpy(&out[quote], packet.data(), out.size() - quote);
    store_be16(&out[icmp + 2], finish_checksum(sum_bytes(out.subspan(icmp))));
    const auto tos = static_cast<std::uint8_t>((packet[1] & 0x1eU) | internetwork_control);
    detail::write_ipv4(out, tos, ip_protocol::icmp, from, ipv4_address::load(&packet[12]));
}

/// Writes the reset that answers a TCP segment to `out` of `reset_size` bytes, in the name of the segment's destination. False, and nothing
/// written, for a reset or a segment that cannot be read.
[[nodiscard]] inline bool write_reset(mutable_bytes out, bytes packet) noexcept {
    using wire::tcp_flag;
    const auto ip = wire::ipv4_view::parse(packet);
    const auto segment = ip ? wire::tcp_view::parse(ip.view.payload()) : wire::parsed<wire::tcp_view, wire::tcp_error>{{}, wire::tcp_error::truncated_header};
    if (!segment || segment.view.has(tcp_flag::rst)) {
        return false;
    }
    const auto& t = segment.view;
    const auto one = [&](tcp_flag f) { return t.has(f) ? 1U : 0U; };
    const std::uint32_t length = static_cast<std::uint32_t>(t.payload().size()) + one(tcp_flag::syn) + one(tcp_flag::fin);
    const bool acknowledged = t.has(tcp_flag::ack);
    const ipv4_address from = ip.view.destination();
    const ipv4_address to = ip.view.source();
    const mutable_bytes tcp = out.subspan(wire::ipv4_view::min_header_size, wire::tcp_view::min_header_size);
    std::fill(tcp.begin(), tcp.end(), std::uint8_t{0});
    store_be16(&tcp[0], t.destination_port().value);
    store_be16(&tcp[2], t.source_port().value);
    store_be32(&tcp[4], acknowledged ? t.acknowledgment() : 0);
    store_be32(&tcp[8], acknowledged ? 0 : t.sequence() + length);
    tcp[12] = 0x50;
    tcp[13] = static_cast<std::uint8_t>(static_cast<unsigned>(tcp_flag::rst) | (acknowledged ? 0U : static_cast<unsigned>(tcp_flag::ack)));
    store_be16(&tcp[16], finish_checksum(sum_bytes(tcp, pseudo_header_sum(from, to, static_cast<std::uint8_t>(ip_protocol::tcp),
                                                                         static_cast<std::uint32_t>(tcp.size())))));
    detail::write_ipv4(out.first(reset_size), 0, ip_protocol::tcp, from, to);
    return true;
}

/// Turns an echo request into its reply, in place; `packet` is the IP packet without padding and no fragment. Answers the length of the reply, which
/// is without IP options; 0, and nothing changed, when the ICMP checksum is wrong.
[[nodiscard]] inline std::size_t make_echo_reply(mutable_bytes packet) noexcept {
    const auto ip = wire::mutable_ipv4_view::parse(packet);
    if (!ip || ip.view.payload().size() < wire::icmp_view::header_size || fold(sum_bytes(ip.view.payload())) != 0xffff) {
        return 0;
    }
    const ipv4_address from = ip.view.destination();
    const ipv4_address to = ip.view.source();
    const mutable_bytes icmp = ip.view.payload();
    const std::size_t length = wire::ipv4_view::min_header_size + icmp.size();
    icmp[0] = static_cast<std::uint8_t>(wire::icmp_type::echo_reply);
    store_be16(&icmp[2], delta_of(std::uint16_t{0x0800}, std::uint16_t{0}).apply(load_be16(&icmp[2])));
    std::memmove(packet.data() + wire::ipv4_view::min_header_size, icmp.data(), icmp.size());
    detail::write_ipv4(packet.first(length), packet[1], ip_protocol::icmp, from, to);
    if (length > max_error_size) {  // a large reply may have to be fragmented, as the request might have been
        store_be16(&packet[6], 0);
        store_be16(&packet[10], delta_of(std::uint16_t{0x4000}, std::uint16_t{0}).apply(load_be16(&packet[10])));
    }
    return length;
}

}  // namespace ikealg::inline v0::host

#endif
