// SPDX-License-Identifier: Apache-2.0
/// Changes of packet bytes that the replay makes as the hosts at both ends; checksums follow (RFC 1624).
#ifndef REPLAY_BYTES_OF_HPP
#define REPLAY_BYTES_OF_HPP

#include "ikealg/base/checksum.hpp"
#include "ikealg/wire/packet.hpp"

namespace replay {

inline constexpr std::size_t ip_ttl = 8;
inline constexpr std::size_t ip_checksum = 10;
inline constexpr std::size_t ip_source = 12;
inline constexpr std::size_t ip_destination = 16;

/// Offset of the transport header.
[[nodiscard]] inline std::size_t transport_of(ikealg::bytes packet) noexcept {
    return std::size_t{packet[0] & 0xfU} * 4;
}
[[nodiscard]] inline bool has_ports(ikealg::bytes packet, ikealg::ip_protocol p) noexcept {
    const bool later = (ikealg::load_be16(packet.data() + 6) & 0x1fffU) != 0;
    return !later && packet[9] == static_cast<std::uint8_t>(p);
}

/// The transport checksum's offset; 0 when there is none to keep right.
[[nodiscard]] inline std::size_t transport_checksum_at(ikealg::bytes packet) noexcept {
    const std::size_t at = transport_of(packet);
    if (has_ports(packet, ikealg::ip_protocol::udp) && ikealg::load_be16(packet.data() + at + 6) != 0) {
        return at + 6;
    }
    return has_ports(packet, ikealg::ip_protocol::tcp) ? at + 16 : 0;
}

inline void apply(std::uint8_t* field, ikealg::checksum_delta d) noexcept {
    ikealg::store_be16(field, d.apply(ikealg::load_be16(field)));
}
inline void apply_transport(ikealg::mutable_bytes packet, ikealg::checksum_delta d) noexcept {
    if (const std::size_t at = transport_checksum_at(packet); at != 0) {
        apply(packet.data() + at, d);
        if (ikealg::load_be16(packet.data() + at) == 0 && has_ports(packet, ikealg::ip_protocol::udp)) {
            ikealg::store_be16(packet.data() + at, 0xffff);  // RFC 768: 0 says "none"
        }
    }
}

inline void store_address(ikealg::mutable_bytes packet, std::size_t at, ikealg::ipv4_address a) noexcept {
    const auto d = ikealg::delta_of(ikealg::ipv4_address::load(packet.data() + at), a);
    ikealg::store_be32(packet.data() + at, a.value);
    apply(packet.data() + ip_checksum, d);
    apply_transport(packet, d);
}
/// A 32-bit word of the transport, at an even offset.
inline void store_word(ikealg::mutable_bytes packet, std::size_t at, std::uint32_t value) noexcept {
    const auto d =
        ikealg::delta_of(ikealg::ipv4_address{ikealg::load_be32(packet.data() + at)}, ikealg::ipv4_address{value});
    ikealg::store_be32(packet.data() + at, value);
    apply_transport(packet, d);
}
inline void store_port(ikealg::mutable_bytes packet, std::size_t at, ikealg::port p) noexcept {
    const auto d = ikealg::delta_of(ikealg::load_be16(packet.data() + at), p.value);
    ikealg::store_be16(packet.data() + at, p.value);
    apply_transport(packet, d);
}
/// One more hop to live, for the gateway that counts it down.
inline void add_hop(ikealg::mutable_bytes packet) noexcept {
    if (packet[ip_ttl] != 0xff) {
        apply(packet.data() + ip_checksum, ikealg::delta_of(std::uint16_t{0}, std::uint16_t{0x100}));
        ++packet[ip_ttl];
    }
}

/// Makes the checksums of a whole packet right: a host that leaves them to its network card is captured with wrong ones.
inline void repair_checksums(ikealg::mutable_bytes packet,
                             const ikealg::wire::packet_summary<ikealg::ipv4>& s) noexcept {
    ikealg::store_be16(packet.data() + ip_checksum, 0);
    ikealg::store_be16(packet.data() + ip_checksum,
                       ikealg::finish_checksum(ikealg::sum_bytes(packet.first(transport_of(packet)))));
    const std::size_t at = transport_checksum_at(packet);
    if (at == 0 || s.is_fragment()) {
        return;
    }
    const ikealg::bytes transport = s.transport(ikealg::bytes(packet));
    const bool udp = has_ports(packet, ikealg::ip_protocol::udp);
    const std::size_t length = udp ? std::size_t{ikealg::load_be16(transport.data() + 4)} : transport.size();
    ikealg::store_be16(packet.data() + at, 0);
    const auto pseudo = ikealg::pseudo_header_sum(s.source, ikealg::ipv4_address::load(packet.data() + ip_destination),
                                                  s.protocol, static_cast<std::uint32_t>(length));
    const std::uint16_t sum =
        ikealg::finish_checksum(ikealg::sum_bytes(transport.first(std::min(length, transport.size())), pseudo));
    ikealg::store_be16(packet.data() + at, udp && sum == 0 ? std::uint16_t{0xffff} : sum);
}

}  // namespace replay

#endif
