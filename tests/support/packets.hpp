// SPDX-License-Identifier: Apache-2.0
/// IPv4 and IPv6 packets for tests, built byte by byte with correct checksums, and a check of checksums that shares no code with the library.
#ifndef IKEALG_TESTS_SUPPORT_PACKETS_HPP
#define IKEALG_TESTS_SUPPORT_PACKETS_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "support/hex.hpp"

namespace ikealg_tests {

using namespace ikealg;

inline ipv4_address v4(std::string_view text) { return *ipv4_address::parse(text); }
inline ipv6_address v6(std::string_view text) { return *ipv6_address::parse(text); }

/// RFC 1071, the slow way: the ones' complement sum of 16-bit words.
inline std::uint32_t ones_sum(const std::uint8_t* data, std::size_t size, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < size; ++i) {
        sum += static_cast<std::uint32_t>(data[i]) << (i % 2 == 0 ? 8 : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}
inline std::uint16_t checksum(const std::uint8_t* data, std::size_t size, std::uint32_t sum = 0) {
    return static_cast<std::uint16_t>(~ones_sum(data, size, sum));
}

inline octets joined(octets a, const octets& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

struct ip_fields {
    std::uint8_t ttl = 64;
    std::uint16_t id = 0x1234;
    bool dont_fragment = true;
    bool more = false;
    std::uint16_t offset = 0;  ///< in units of 8 bytes
    octets options{};          ///< a multiple of four bytes
};

inline octets ip4(std::uint8_t protocol, ipv4_address from, ipv4_address to, const octets& payload, const ip_fields& f = {}) {
    const std::size_t header = 20 + f.options.size();
    octets p(header);
    p[0] = static_cast<std::uint8_t>(0x40 | header / 4);
    store_be16(&p[2], static_cast<std::uint16_t>(header + payload.size()));
    store_be16(&p[4], f.id);
    store_be16(&p[6], static_cast<std::uint16_t>((f.dont_fragment && !f.more && f.offset == 0 ? 0x4000 : 0) | (f.more ? 0x2000 : 0) | f.offset));
    p[8] = f.ttl;
    p[9] = protocol;
    from.store(&p[12]);
    to.store(&p[16]);
    std::copy(f.options.begin(), f.options.end(), p.begin() + 20);
    store_be16(&p[10], checksum(p.data(), header));
    return joined(std::move(p), payload);
}
inline octets ip6(std::uint8_t next, ipv6_address from, ipv6_address to, const octets& payload, std::uint8_t hops = 64) {
    octets p(40);
    p[0] = 0x60;
    store_be16(&p[4], static_cast<std::uint16_t>(payload.size()));
    p[6] = next;
    p[7] = hops;
    from.store(&p[8]);
    to.store(&p[24]);
    return joined(std::move(p), payload);
}

/// Sum of the pseudo-header of either family.
template <class Address>
std::uint32_t pseudo_sum(Address from, Address to, std::uint8_t protocol, std::size_t length) {
    octets p(2 * Address::size + 4);
    from.store(p.data());
    to.store(p.data() + Address::size);
    p[2 * Address::size + 1] = protocol;
    store_be16(p.data() + 2 * Address::size + 2, static_cast<std::uint16_t>(length));
    return ones_sum(p.data(), p.size());
}

inline octets network(std::uint8_t protocol, ipv4_address from, ipv4_address to, const octets& payload, const ip_fields& f = {}) {
    return ip4(protocol, from, to, payload, f);
}
inline octets network(std::uint8_t protocol, ipv6_address from, ipv6_address to, const octets& payload, const ip_fields& f = {}) {
    return ip6(protocol, from, to, payload, f.ttl);
}

/// UDP header and payload; `with_checksum` false sends 0.
template <class Address>
octets udp_segment(Address from, std::uint16_t sport, Address to, std::uint16_t dport, const octets& payload, bool with_checksum = true) {
    octets u(8);
    store_be16(&u[0], sport);
    store_be16(&u[2], dport);
    store_be16(&u[4], static_cast<std::uint16_t>(8 + payload.size()));
    u = joined(std::move(u), payload);
    if (with_checksum) {
        const std::uint16_t sum = checksum(u.data(), u.size(), pseudo_sum(from, to, 17, u.size()));
        store_be16(&u[6], sum == 0 ? 0xffff : sum);
    }
    return u;
}
template <class Address>
octets udp(Address from, std::uint16_t sport, Address to, std::uint16_t dport, const octets& payload = {}, const ip_fields& f = {},
           bool with_checksum = true) {
    return network(17, from, to, udp_segment(from, sport, to, dport, payload, with_checksum), f);
}
template <class Address>
octets tcp(Address from, std::uint16_t sport, Address to, std::uint16_t dport, std::uint8_t flags, const octets& payload = {},
           const ip_fields& f = {}) {
    octets t(20);
    store_be16(&t[0], sport);
    store_be16(&t[2], dport);
    t[12] = 0x50;
    t[13] = flags;
    t = joined(std::move(t), payload);
    store_be16(&t[16], checksum(t.data(), t.size(), pseudo_sum(from, to, 6, t.size())));
    return network(6, from, to, t, f);
}
/// An ICMPv4 message: type, code, the four bytes behind the checksum, and what follows.
inline octets icmp_message(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const octets& body) {
    octets m(8);
    m[0] = type;
    m[1] = code;
    store_be32(&m[4], rest);
    m = joined(std::move(m), body);
    store_be16(&m[2], checksum(m.data(), m.size()));
    return m;
}
inline octets icmp(ipv4_address from, ipv4_address to, std::uint8_t type, std::uint8_t code, std::uint32_t rest, const octets& body,
                   const ip_fields& f = {}) {
    return ip4(1, from, to, icmp_message(type, code, rest, body), f);
}
inline octets icmp(ipv6_address from, ipv6_address to, std::uint8_t type, std::uint8_t code, std::uint32_t rest, const octets& body) {
    octets m = icmp_message(type, code, rest, body);
    m[2] = m[3] = 0;
    store_be16(&m[2], checksum(m.data(), m.size(), pseudo_sum(from, to, 58, m.size())));
    return ip6(58, from, to, m);
}
inline octets echo(ipv4_address from, ipv4_address to, std::uint16_t id, std::uint16_t sequence = 1, bool reply = false) {
    return icmp(from, to, reply ? 0 : 8, 0, std::uint32_t{id} << 16 | sequence, octets(16, 0x61));
}
template <class Address>
octets esp(Address from, Address to, std::uint32_t spi, std::uint32_t sequence = 1, std::size_t body = 40, const ip_fields& f = {}) {
    octets e(8 + body, 0xe5);
    store_be32(&e[0], spi);
    store_be32(&e[4], sequence);
    return network(50, from, to, e, f);
}
inline octets ah(ipv4_address from, ipv4_address to, std::uint32_t spi) {
    octets a(24 + 16);
    a[0] = 17;
    a[1] = 4;
    store_be32(&a[4], spi);
    store_be32(&a[8], 1);
    return ip4(51, from, to, a);
}

struct ike_fields {
    std::uint64_t initiator = 0;
    std::uint64_t responder = 0;
    std::uint8_t next_payload = 0;
    std::uint8_t version = 0x20;
    std::uint8_t exchange = 34;
    std::uint8_t flags = 0x08;
    std::uint32_t message_id = 0;
};
/// An IKE message of `length` bytes; what follows the header is zero.
inline octets ike(const ike_fields& f, std::size_t length = 300) {
    octets m(length);
    store_be64(&m[0], f.initiator);
    store_be64(&m[8], f.responder);
    m[16] = f.next_payload;
    m[17] = f.version;
    m[18] = f.exchange;
    m[19] = f.flags;
    store_be32(&m[20], f.message_id);
    store_be32(&m[24], static_cast<std::uint32_t>(length));
    return m;
}

/// Splits an IPv4 packet without options into fragments of at most `size` payload bytes (a multiple of 8).
inline std::vector<octets> fragments(const octets& packet, std::size_t size, std::uint16_t id) {
    std::vector<octets> out;
    const octets payload(packet.begin() + 20, packet.end());
    for (std::size_t at = 0; at < payload.size(); at += size) {
        ip_fields f;
        f.id = id;
        f.more = at + size < payload.size();
        f.offset = static_cast<std::uint16_t>(at / 8);
        const auto first = payload.begin() + static_cast<std::ptrdiff_t>(at);
        const octets part(first, f.more ? first + static_cast<std::ptrdiff_t>(size) : payload.end());
        out.push_back(ip4(packet[9], ipv4_address::load(&packet[12]), ipv4_address::load(&packet[16]), part, f));
    }
    return out;
}

/// The same for IPv6: a fragment header (RFC 8200 4.5) before what is cut; `packet` has no extension header.
inline std::vector<octets> fragments6(const octets& packet, std::size_t size, std::uint32_t id) {
    std::vector<octets> out;
    const octets payload(packet.begin() + 40, packet.end());
    for (std::size_t at = 0; at < payload.size(); at += size) {
        const bool more = at + size < payload.size();
        octets part(8);
        part[0] = packet[6];
        store_be16(&part[2], static_cast<std::uint16_t>(at | (more ? 1U : 0U)));
        store_be32(&part[4], id);
        const auto first = payload.begin() + static_cast<std::ptrdiff_t>(at);
        part.insert(part.end(), first, more ? first + static_cast<std::ptrdiff_t>(size) : payload.end());
        out.push_back(ip6(44, ipv6_address::load(&packet[8]), ipv6_address::load(&packet[24]), part));
    }
    return out;
}
template <class F>
std::vector<octets> fragments_of(const octets& packet, std::size_t size, std::uint16_t id) {
    if constexpr (F::version == 4) {
        return fragments(packet, size, id);
    } else {
        return fragments6(packet, size, id);
    }
}

// What a packet of either family says; IPv6 without extension headers but a fragment header.
inline bool is_v6(const octets& p) { return p[0] >> 4 == 6; }
inline std::size_t transport_at(const octets& p) { return is_v6(p) ? (p[6] == 44 ? 48U : 40U) : p[0] % 16 * std::size_t{4}; }
template <class F>
typename F::address source_in(const octets& p) {
    return F::address::load(&p[F::version == 4 ? 12 : 8]);
}
template <class F>
typename F::address destination_in(const octets& p) {
    return F::address::load(&p[F::version == 4 ? 16 : 24]);
}
/// Of a fragment: what tells its datagram, and its place in units of 8 bytes.
inline std::uint32_t fragment_id_of(const octets& p) { return is_v6(p) ? load_be32(&p[44]) : load_be16(&p[4]); }
inline unsigned fragment_offset_of(const octets& p) { return is_v6(p) ? load_be16(&p[42]) / 8U : load_be16(&p[6]) & 0x1fffU; }
inline std::uint16_t source_port_in(const octets& p) { return load_be16(&p[transport_at(p)]); }
inline std::uint16_t destination_port_in(const octets& p) { return load_be16(&p[transport_at(p) + 2]); }

inline ipv4_address source_of(const octets& p) { return ipv4_address::load(&p[12]); }
inline ipv4_address destination_of(const octets& p) { return ipv4_address::load(&p[16]); }
inline std::uint16_t source_port_of(const octets& p) { return load_be16(&p[20]); }
inline std::uint16_t destination_port_of(const octets& p) { return load_be16(&p[22]); }
inline std::uint16_t identification_of(const octets& p) { return load_be16(&p[4]); }

/// True when the transport checksum of an IPv6 packet is right, and of what an ICMPv6 error quotes whole.
inline bool sound6(const octets& p, bool quoted = false) {
    const std::size_t size = p.size() < 40 ? 0 : load_be16(&p[4]);
    if (p.size() < 40 || 40 + size > p.size()) {
        return quoted;
    }
    const std::uint8_t next = p[6];
    if (next != 17 && next != 6 && next != 58) {
        return true;
    }
    const bool right = checksum(&p[40], size, pseudo_sum(ipv6_address::load(&p[8]), ipv6_address::load(&p[24]), next, size)) == 0;
    const bool error = next == 58 && p[40] < 128;
    return right && (!error || sound6(octets(p.begin() + 48, p.begin() + 40 + static_cast<std::ptrdiff_t>(size)), true));
}

/// True when every checksum of an IPv4 packet is right, those of a packet quoted in an ICMP error included as far as they are quoted whole. A
/// UDP checksum of 0 counts as absent. Fragments are looked at only up to the IP header.
inline bool sound(const octets& p, bool quoted = false) {
    if (!p.empty() && is_v6(p)) {
        return sound6(p, quoted);
    }
    const std::size_t header = std::size_t{p[0]} % 16 * 4;
    if (p.size() < header || checksum(p.data(), header) != 0) {
        return false;
    }
    const std::size_t length = load_be16(&p[2]);
    if (length > p.size()) {
        return quoted;  // cut off: its transport checksum cannot be checked
    }
    if ((load_be16(&p[6]) & 0x3fff) != 0) {
        return true;
    }
    const std::uint8_t* const t = p.data() + header;
    const std::size_t size = length - header;
    const std::uint32_t pseudo = pseudo_sum(source_of(p), destination_of(p), p[9], size);
    switch (p[9]) {
        case 17: {
            const std::size_t datagram = load_be16(t + 4);
            return load_be16(t + 6) == 0 || datagram > size ||
                   checksum(t, datagram, pseudo_sum(source_of(p), destination_of(p), 17, datagram)) == 0;
        }
        case 6: return checksum(t, size, pseudo) == 0;
        case 1:
            if (checksum(t, size) != 0) {
                return false;
            }
            if (t[0] == 3 || t[0] == 4 || t[0] == 11 || t[0] == 12) {
                return sound(octets(t + 8, t + size), true);
            }
            return true;
        default: return true;
    }
}

}  // namespace ikealg_tests

#endif
