// SPDX-License-Identifier: Apache-2.0
/// Packets of every kind that the gateway looks at, plausible, mutated or random, from few addresses, ports and SPIs so that they meet.
#ifndef IKEALG_TESTS_GATEWAY_PACKET_MIX_HPP
#define IKEALG_TESTS_GATEWAY_PACKET_MIX_HPP

#include <cstdint>
#include <utility>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "ikealg/base/verdict.hpp"
#include "ikealg/io/memory.hpp"
#include "support/packets.hpp"

namespace ikealg_tests {

class packet_mix {
public:
    explicit packet_mix(std::uint64_t seed) : random_(seed * 977) {}

    [[nodiscard]] io::memory_packet next() {
        const bool from_inside = below(2) == 0;
        octets p = plausible(from_inside);
        const std::uint32_t harm = below(10);
        if (harm == 0) {
            for (std::uint32_t n = 1 + below(4); n > 0 && !p.empty(); --n) {
                p[below(static_cast<std::uint32_t>(p.size()))] = static_cast<std::uint8_t>(random_());
            }
        } else if (harm == 1) {
            p.resize(below(static_cast<std::uint32_t>(p.size() + 1)));
        } else if (harm == 2 && below(4) == 0) {
            p.assign(below(120), 0x45);
            for (auto& b : p) {
                b = below(3) == 0 ? b : static_cast<std::uint8_t>(random_());
            }
        }
        io::memory_packet packet(p, zone_id{static_cast<std::uint16_t>(below(50) == 0 ? random_() : from_inside ? 0 : 1)});
        if (below(8) == 0) {
            packet.split(below(80));
            packet.split(below(300));
            packet.fail_contiguous(below(4) == 0);
        }
        if (below(40) == 0) {
            kept_ = packet.share();
            packet.fail_writable(below(2) == 0);
        }
        return packet;
    }
    /// What came out, to be quoted in errors and answered.
    void remember(octets packet, verdict v) {
        if (v.act == action::forward && packet.size() >= 28) {
            seen_[below(seen_.size())] = std::move(packet);
        }
    }

private:
    [[nodiscard]] std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }

    [[nodiscard]] octets plausible(bool from_inside) {
        const ipv4_address local{0x0a00'0001U + below(5)};
        const ipv4_address server{0xc633'6401U + below(2)};
        const ipv4_address nat = below(12) == 0 ? ipv4_address{0xcb00'7163U + below(2) * 101} : ipv4_address{0xcb00'7101U + below(3)};
        const ipv4_address from = from_inside ? local : server;
        const ipv4_address to = from_inside ? (below(12) == 0 ? nat : server) : nat;
        ip_fields f;
        f.ttl = below(60) == 0 ? 1 : 64;
        f.dont_fragment = below(2) == 0;
        f.id = static_cast<std::uint16_t>(below(4));
        if (below(30) == 0) {
            f.options = octets(4 * (1 + below(10)), 1);
        }
        const octets& seen = seen_[below(seen_.size())];
        const std::uint16_t port = seen.size() >= 24 && below(2) == 0 ? source_port_of(seen) : std::uint16_t{500};
        switch (below(12)) {
            case 0:
            case 1:
            case 2: return udp(from, from_inside ? 500 : 500, to, from_inside ? 500 : port, ike_message(), f);
            case 3:
            case 4: return esp(from, to, below(20) == 0 ? below(300) : 0x1000 + below(12), below(100), below(60), f);
            case 5: return natt(from_inside, from, to, below(2) == 0 ? port : std::uint16_t{4500}, f);
            case 6: return tcp(from, static_cast<std::uint16_t>(1000 + below(4)), to, 80, static_cast<std::uint8_t>(random_()), {}, f);
            case 7: return echo(from, to, static_cast<std::uint16_t>(below(3)), 1, !from_inside);
            case 8: {
                octets quote = seen.empty() ? ike_message() : seen;
                if (below(3) == 0) {
                    quote.resize(below(quote.size() + 1));
                }
                static constexpr std::uint8_t types[]{3, 4, 11, 12, 5, 13};
                return icmp(from_inside ? local : ipv4_address{0xc000'0201U}, from_inside ? server : nat, types[below(6)], 4, 1400, quote, f);
            }
            case 9: return ah(from, to, 0x2000);
            case 10: {
                const octets whole = below(2) == 0 ? udp(from, 500, to, from_inside ? 500 : port, ike_message(), {}) : esp(from, to, 0x1000 + below(12), 1, 200);
                const auto parts = fragments(whole, 8 * (3 + below(12)), static_cast<std::uint16_t>(below(6)));
                return parts[below(parts.size())];
            }
            default: return ip4(static_cast<std::uint8_t>(random_()), from, to, octets(below(60), 0x11), f);
        }
    }
    /// What is seen on UDP 4500, whole or an IP fragment.
    [[nodiscard]] octets natt(bool from_inside, ipv4_address from, ipv4_address to, std::uint16_t port, const ip_fields& f) {
        octets payload(below(20), 0xff);
        const std::uint32_t what = below(3);
        if (what == 0) {
            payload = joined(octets(4), ike_message());
        } else if (what == 1) {
            payload = octets(8 + below(40));
            store_be32(payload.data(), 0x1000 + below(12));
            store_be32(payload.data() + 4, below(20));
        }
        const auto own = static_cast<std::uint16_t>(from_inside ? below(3) + 4499 : 4500);
        const octets whole = udp(from, own, to, from_inside ? 4500 : port, payload, f);
        if (below(6) != 0 || f.options.size() != 0) {
            return whole;
        }
        const auto parts = fragments(whole, 8 * (1 + below(12)), static_cast<std::uint16_t>(below(6)));
        return parts[below(parts.size())];
    }
    [[nodiscard]] octets ike_message() {
        ike_fields f;
        f.initiator = below(30) == 0 ? 0 : 1 + below(6);
        f.responder = below(3) == 0 ? 0 : 0x100 + below(6);
        f.version = below(3) == 0 ? 0x10 : 0x20;
        static constexpr std::uint8_t exchanges[]{2, 4, 5, 32, 34, 35, 36, 37, 44, 99};
        f.exchange = exchanges[below(10)];
        f.flags = static_cast<std::uint8_t>(below(2) * 0x20 | below(2) * 8);
        f.message_id = below(4);
        static constexpr std::uint8_t payloads[]{0, 33, 41, 53, 132};
        f.next_payload = payloads[below(5)];
        octets m = ike(f, 28 + below(300));
        for (std::size_t i = 28; i + 4 < m.size() && below(2) == 0; i += 4) {
            m[i] = static_cast<std::uint8_t>(random_());
            m[i + 3] = static_cast<std::uint8_t>(below(40));
        }
        return m;
    }

    small_random random_;
    std::vector<octets> seen_ = std::vector<octets>(16);
    io::memory_packet kept_{};
};

}  // namespace ikealg_tests

#endif
