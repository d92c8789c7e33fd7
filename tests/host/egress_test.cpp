// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/egress.hpp"

#include <doctest/doctest.h>

#include "host/egress_bench.hpp"

using namespace ikealg_tests;

namespace {
const ipv4_address far = v4("198.51.100.1"), near = v4("10.0.0.7"), behind = v4("10.8.1.1");
}

TEST_CASE("without a link layer a packet leaves as it is; with one behind a question for the next hop") {
    egress_bench b;
    const octets p = udp(near, 1, far, 2);
    b.forward(p, 1);
    CHECK(b.tun.leave() == p);
    const octets q = udp(far, 2, behind, 1);
    b.forward(q, 0);
    CHECK(b.lan.leave() == ethernet(wire::mac_address::broadcast(), mac(1), 0x806, arp(1, mac(1), v4("10.0.0.1"), {}, v4("10.0.0.9")), 5));
    CHECK(!b.lan.has_left());
    b.out.arp.learn({0, v4("10.0.0.9")}, mac(9), host::arp_source::reply_to_us, b.now, [&](egress_bench::carried&& c, wire::mac_address to) {
        b.out.put_on_wire(std::move(c.frame), b.out.interfaces[0], to, wire::ether_type::ipv4);
    });
    b.forward(q, 0);
    for (int i = 0; i < 2; ++i) {
        CHECK(b.lan.leave() == ethernet(mac(9), mac(1), 0x800, q, 5));
    }
    CHECK(b.count(host_counter::arp_requests_sent) == 1);
    CHECK(b.complaints.empty());
}

TEST_CASE("no route, the wrong zone, a broadcast address") {
    egress_bench b;
    const octets p = udp(near, 1, v4("203.0.113.1"), 2);
    b.forward(p, 1);
    REQUIRE(b.complaints.size() == 1);
    CHECK(b.complaints[0].packet == p);
    CHECK(b.complaints[0].zone == zone_id{1});
    CHECK(b.complaints[0].kind.code == 0);
    b.forward(udp(near, 1, far, 2), 0);
    CHECK(b.count(host_counter::wrong_zone) == 1);
    b.forward(udp(far, 1, v4("10.0.0.255"), 2), 0);
    CHECK(b.count(host_counter::directed_broadcast) == 1);
    b.forward(udp(far, 1, v4("10.8.255.255"), 2), 0);  // of a network that is not connected: its router's to judge
    CHECK(b.lan.has_left());
    CHECK(b.complaints.size() == 1);
}

TEST_CASE("longer than the MTU: told when it must not be cut, cut when it may") {
    egress_bench b;
    b.forward(udp(near, 1, far, 2, octets(1372), {64, 1, true}), 1);
    CHECK(b.tun.leave().size() == 1400);
    const octets p = udp(near, 1, far, 2, octets(1373), {64, 1, true});
    b.forward(p, 1);
    REQUIRE(b.complaints.size() == 1);
    CHECK(b.complaints[0].packet == p);
    CHECK(b.complaints[0].zone == zone_id{1});
    CHECK(b.complaints[0].kind.rest == 1400);
    CHECK(b.complaints[0].kind.code == 4);
    b.forward(udp(near, 1, far, 2, octets(1373), {64, 1, false}), 1);
    CHECK(b.tun.leave().size() == 20 + 1376);
    CHECK(b.tun.leave().size() == 20 + 5);
    CHECK(b.count(host_counter::fragmented) == 1);
}

TEST_CASE("nobody answers: the next packets are told at once") {
    egress_bench b;
    b.forward(udp(far, 1, near, 2), 0);
    for (int i = 0; i < 3; ++i) {
        b.now += 1s;
        b.out.arp.advance(b.now, 9, [&](const host::arp_key& k, std::optional<wire::mac_address> m) { b.out.ask(k, m); },
                          [](const host::arp_key&, egress_bench::carried&&) {});
    }
    b.forward(udp(far, 1, near, 2), 0);
    REQUIRE(b.complaints.size() == 1);
    CHECK(b.complaints[0].kind.code == 1);
    CHECK(b.count(host_counter::arp_requests_sent) == 3);
    CHECK(b.count(host_counter::arp_failed) == 1);
}

TEST_CASE("when no buffer is free it is counted and nothing else happens") {
    egress_bench b;
    std::vector<io::frame> all;
    while (io::frame f = b.lan.make(0)) {
        all.push_back(std::move(f));
    }
    CHECK(!b.out.send_arp(b.out.interfaces[0], wire::arp_message::announcement(mac(1), near), mac(2)));
    CHECK(b.count(host_counter::no_buffer) == 1);
}
