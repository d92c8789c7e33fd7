// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/rewrite.hpp"

#include <doctest/doctest.h>

#include "ikealg/base/hash.hpp"
#include "ikealg/wire/packet.hpp"
#include "support/packets.hpp"

using namespace ikealg_tests;
using namespace ikealg::nat;

namespace {

template <class Family>
struct ends {
    typename Family::address client, nat, server;
    static ends random(small_random& r) {
        ends e;
        if constexpr (Family::version == 4) {
            for (auto* a : {&e.client, &e.nat, &e.server}) {
                *a = {static_cast<std::uint32_t>(r())};
            }
        } else {
            for (auto* a : {&e.client, &e.nat, &e.server}) {
                *a = {r(), r()};
            }
        }
        return e;
    }
};

template <class Family>
octets rewritten(octets packet, const flow<Family>& f, flow_side side, rewrite_options how = {}) {
    const auto r = wire::parse_packet<Family>(packet);
    REQUIRE(r);
    rewrite(mutable_bytes{packet}, r.summary, f, side, how);
    return packet;
}

template <class Family>
flow<Family> flow_of(const ends<Family>& e, std::uint8_t protocol, std::uint32_t out, std::uint32_t in) {
    flow<Family> f;
    f.outbound = {e.client, e.server, out, zone_id{0}, protocol, 0};
    f.inbound = {e.server, e.nat, in, zone_id{1}, protocol, 0};
    compute_deltas(f);
    return f;
}

}  // namespace

TEST_CASE("N10: exact bytes of a UDP packet, outbound and inbound") {
    const ends<ipv4> e{v4("10.0.0.11"), v4("203.0.113.1"), v4("198.51.100.1")};
    const auto f = flow_of(e, 17, port_selector(port{500}, port{500}), port_selector(port{500}, port{1024}));
    CHECK(to_hex(rewritten(hex("4500001e000100004011468f0a00000bc633640101f401f4000a66506162"), f, flow_side::outbound, {true, true, 0xabcd})) ==
          "4500001eabcd00003f1169cbcb007101c6336401040001f4000a324d6162");
    CHECK(rewritten(udp(e.server, 500, e.nat, 1024, {0x61, 0x62}), f, flow_side::inbound) == udp(e.server, 500, e.client, 500, {0x61, 0x62}, {63}));
}

TEST_CASE_TEMPLATE("N10: any packet looks as if built anew; the answer is restored", Family, ipv4, ipv6) {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        CAPTURE(seed);
        small_random r(seed);
        const auto e = ends<Family>::random(r);
        const auto word = [&] { return static_cast<std::uint16_t>(r()); };
        const std::uint16_t client_port = word();
        const std::uint16_t server_port = word();
        const std::uint16_t nat_port = word();
        octets payload(r() % 40);
        for (auto& b : payload) {
            b = static_cast<std::uint8_t>(r());
        }
        const std::uint32_t out = port_selector(port{client_port}, port{server_port});
        const std::uint32_t in = port_selector(port{server_port}, port{nat_port});
        ip_fields lower;
        lower.ttl = 63;
        const auto udp_flow = flow_of<Family>(e, 17, out, in);
        CHECK(rewritten(udp(e.client, client_port, e.server, server_port, payload), udp_flow, flow_side::outbound) ==
              udp(e.nat, nat_port, e.server, server_port, payload, lower));
        CHECK(rewritten(udp(e.server, server_port, e.nat, nat_port, payload), udp_flow, flow_side::inbound) ==
              udp(e.server, server_port, e.client, client_port, payload, lower));
        CHECK(rewritten(udp(e.client, client_port, e.server, server_port, payload, {}, false), udp_flow, flow_side::outbound) ==
              udp(e.nat, nat_port, e.server, server_port, payload, lower, false));
        const auto tcp_flow = flow_of<Family>(e, 6, out, in);
        CHECK(rewritten(tcp(e.client, client_port, e.server, server_port, 2, payload), tcp_flow, flow_side::outbound) ==
              tcp(e.nat, nat_port, e.server, server_port, 2, payload, lower));
        CHECK(rewritten(tcp(e.server, server_port, e.nat, nat_port, 18, payload), tcp_flow, flow_side::inbound) ==
              tcp(e.server, server_port, e.client, client_port, 18, payload, lower));
        const auto esp_flow = flow_of<Family>(e, 50, 0x1000, 0x2000);
        CHECK(rewritten(esp(e.client, e.server, 0x1000, 5), esp_flow, flow_side::outbound) == esp(e.nat, e.server, 0x1000, 5, 40, lower));
        CHECK(rewritten(esp(e.server, e.nat, 0x2000, 5), esp_flow, flow_side::inbound) == esp(e.server, e.client, 0x2000, 5, 40, lower));
        const std::uint8_t icmp_protocol = Family::version == 4 ? 1 : 58;
        const std::uint8_t request = Family::version == 4 ? 8 : 128;
        const std::uint8_t reply = Family::version == 4 ? 0 : 129;
        const auto echo_flow = flow_of<Family>(e, icmp_protocol, port_selector(port{client_port}, port{client_port}),
                                               port_selector(port{nat_port}, port{nat_port}));
        octets there = rewritten(icmp(e.client, e.server, request, 0, std::uint32_t{client_port} << 16 | 7, payload), echo_flow, flow_side::outbound,
                                 {false, false, 0});
        CHECK(there == icmp(e.nat, e.server, request, 0, std::uint32_t{nat_port} << 16 | 7, payload));
        CHECK(rewritten(icmp(e.server, e.nat, reply, 0, std::uint32_t{nat_port} << 16 | 7, payload), echo_flow, flow_side::inbound, {false, false, 0}) ==
              icmp(e.server, e.client, reply, 0, std::uint32_t{client_port} << 16 | 7, payload));
    }
}

TEST_CASE("N10: a computed UDP checksum of 0 is sent as 0xFFFF") {
    const ends<ipv4> e{v4("10.0.0.1"), v4("203.0.113.1"), v4("198.51.100.1")};
    const auto f = flow_of(e, 17, port_selector(port{6000}, port{53}), port_selector(port{53}, port{6001}));
    unsigned zeros = 0;
    for (std::uint32_t word = 0; word < 65536; ++word) {
        const octets payload{static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)};
        octets plain = udp(e.nat, 6001, e.server, 53, payload);
        if (load_be16(&plain[26]) != 0xffff) {
            continue;
        }
        ++zeros;
        const octets out = rewritten(udp(e.client, 6000, e.server, 53, payload), f, flow_side::outbound);
        CHECK(load_be16(&out[26]) == 0xffff);
        CHECK(sound(out));
    }
    CHECK(zeros >= 1);
}

TEST_CASE("N9, E7: of later fragments and of ESP only the IP header changes") {
    const ends<ipv4> e{v4("10.0.0.1"), v4("203.0.113.1"), v4("198.51.100.1")};
    const auto f = flow_of(e, 17, port_selector(port{6000}, port{53}), port_selector(port{53}, port{6001}));
    ip_fields later;
    later.offset = 4;
    const octets body(24, 0x77);
    ip_fields after = later;
    after.ttl = 63;
    after.id = 9;
    CHECK(rewritten(ip4(17, e.client, e.server, body, later), f, flow_side::outbound, {true, true, 9}) == ip4(17, e.nat, e.server, body, after));
}

TEST_CASE("header_bytes() says how far a rewrite reaches") {
    const auto reach = [](const octets& p) { return header_bytes(wire::parse_packet<ipv4>(p).summary); };
    CHECK(reach(udp(v4("10.0.0.1"), 1, v4("10.0.0.2"), 2)) == 28);
    CHECK(reach(tcp(v4("10.0.0.1"), 1, v4("10.0.0.2"), 2, 2)) == 38);
    CHECK(reach(echo(v4("10.0.0.1"), v4("10.0.0.2"), 2)) == 28);
    CHECK(reach(esp(v4("10.0.0.1"), v4("10.0.0.2"), 2)) == 20);
    ip_fields with_options;
    with_options.options = octets(8, 1);
    CHECK(reach(udp(v4("10.0.0.1"), 1, v4("10.0.0.2"), 2, {}, with_options)) == 36);
}
