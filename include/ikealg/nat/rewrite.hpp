// SPDX-License-Identifier: Apache-2.0
/// Carries a flow's rewrite out on a packet: addresses, ports, identification, TTL, checksums (N10, N15).
///
/// Checksums are updated incrementally with the flow's deltas (RFC 1624): a UDP checksum of 0 stays 0, and one that becomes 0 is sent as
/// 0xFFFF. ESP is never rewritten beyond the IP header (E7); of later fragments only the IP header is.
///
/// The caller has made the headers contiguous and writable: `header_bytes` says how many bytes are touched.
///
/// Thread safety: pure functions of their arguments. Complexity: constant.
#ifndef IKEALG_NAT_REWRITE_HPP
#define IKEALG_NAT_REWRITE_HPP

#include <cstddef>
#include <cstdint>

#include "ikealg/nat/flow.hpp"
#include "ikealg/nat/flow_store.hpp"
#include "ikealg/wire/packet_summary.hpp"

namespace ikealg::inline v0::nat {

/// What besides addresses and ports a packet gets.
struct rewrite_options {
    bool decrement_ttl = true;
    bool new_identification = false;   ///< IPv4 outbound, when not atomic (N15)
    std::uint16_t identification = 0;
};

/// How many bytes from the network header on a rewrite touches; the packet has at least as many, or its parse would have failed.
template <class Family>
[[nodiscard]] constexpr std::size_t header_bytes(const wire::packet_summary<Family>& s) noexcept {
    using wire::packet_kind;
    switch (s.kind) {
        case packet_kind::tcp: return s.transport_offset + std::size_t{18};
        case packet_kind::udp:
        case packet_kind::icmp_echo_request:
        case packet_kind::icmp_echo_reply: return s.transport_offset + std::size_t{8};
        default: return s.transport_offset;
    }
}

namespace detail {

/// Adds a delta to the checksum field at `at`.
inline void update_checksum(std::uint8_t* at, checksum_delta delta) noexcept {
    store_be16(at, delta.apply(load_be16(at)));
}
inline void update_udp_checksum(std::uint8_t* at, checksum_delta delta) noexcept {
    const std::uint16_t old = load_be16(at);
    if (old != 0) {
        const std::uint16_t sum = delta.apply(old);
        store_be16(at, sum == 0 ? 0xffff : sum);
    }
}

inline void rewrite_network(mutable_bytes packet, const wire::packet_summary<ipv4>& s, ipv4_address source,
                            ipv4_address destination, checksum_delta delta, const rewrite_options& options) noexcept {
    constexpr std::size_t identification_offset = 4;
    constexpr std::size_t ttl_offset = 8;
    constexpr std::size_t checksum_offset = 10;
    std::uint8_t* const ip = packet.data();
    source.store(ip + 12);
    destination.store(ip + 16);
    if (options.decrement_ttl) {
        ip[ttl_offset] = static_cast<std::uint8_t>(s.ttl - 1);
        delta = delta.plus(delta_of(std::uint16_t{0x0100}, std::uint16_t{0}));  // the same for every TTL: it is the high half of its word
    }
    if (options.new_identification) {
        delta = delta.plus(delta_of(static_cast<std::uint16_t>(s.fragment_id), options.identification));
        store_be16(ip + identification_offset, options.identification);
    }
    update_checksum(ip + checksum_offset, delta);
}

inline void rewrite_network(mutable_bytes packet, const wire::packet_summary<ipv6>& s, ipv6_address source,
                            ipv6_address destination, checksum_delta, const rewrite_options& options) noexcept {
    std::uint8_t* const ip = packet.data();
    source.store(ip + 8);
    destination.store(ip + 24);
    if (options.decrement_ttl) {
        ip[7] = static_cast<std::uint8_t>(s.ttl - 1);
    }
}

template <class Family>
inline void rewrite_transport(mutable_bytes packet, const wire::packet_summary<Family>& s, std::uint32_t selector,
                              checksum_delta delta) noexcept {
    using wire::packet_kind;
    std::uint8_t* const transport = packet.data() + s.transport_offset;
    switch (s.kind) {
        case packet_kind::udp:
            store_be32(transport, selector);
            update_udp_checksum(transport + 6, delta);
            break;
        case packet_kind::tcp:
            store_be32(transport, selector);
            update_checksum(transport + 16, delta);
            break;
        case packet_kind::icmp_echo_request:
        case packet_kind::icmp_echo_reply:
            store_be16(transport + 4, static_cast<std::uint16_t>(selector >> 16));
            update_checksum(transport + 2, delta);
            break;
        default: break;  // ESP, and later fragments: no transport header to rewrite
    }
}

}  // namespace detail

/// Rewrites a packet of flow `f` that came by `side` (outbound or inbound).
template <class Family>
inline void rewrite(mutable_bytes packet, const wire::packet_summary<Family>& s, const flow<Family>& f, flow_side side,
                    const rewrite_options& options) noexcept {
    const bool outbound = side == flow_side::outbound;
    const flow_key<Family>& other = outbound ? f.inbound : f.outbound;
    detail::rewrite_network(packet, s, other.destination, other.source,
                            outbound ? f.address_delta : f.address_delta.inverse(), options);
    detail::rewrite_transport(packet, s, swapped(other.selector),
                              outbound ? f.transport_delta : f.transport_delta.inverse());
}

}  // namespace ikealg::inline v0::nat

#endif
