// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/arp_speaker.hpp"

#include <doctest/doctest.h>

#include <set>

#include "host/egress_bench.hpp"

using namespace ikealg_tests;

namespace {

const ipv4_address own = v4("10.0.0.1"), proxied = v4("10.0.0.100"), near = v4("10.0.0.7");

void hear(egress_bench& b, const octets& packet, std::uint32_t interface = 0) {
    io::frame f = b.lan.make(packet.size());
    std::copy(packet.begin(), packet.end(), f.network().begin());
    host::arp_speaker<fake_port> speaker;
    speaker.receive(b.out, std::move(f), interface, b.now);
    b.out.flush();
}

}  // namespace

TEST_CASE("a question for an own or proxied address is answered to who asked, in place") {
    egress_bench b;
    for (const auto a : {own, proxied}) {
        hear(b, joined(arp(1, mac(7), near, {}, a), octets(18, 0xff)));
        CHECK(b.lan.leave() == ethernet(mac(7), mac(1), 0x806, arp(2, mac(1), a, mac(7), near), 5));
    }
    CHECK(b.count(host_counter::arp_requests_answered) == 2);
    CHECK(b.out.arp.find_entry({0, near})->mac == mac(7));
    hear(b, arp(1, mac(7), near, {}, v4("10.0.0.101")));
    CHECK(!b.lan.has_left());
    CHECK(b.count(host_counter::arp_ignored) == 1);
}

TEST_CASE("probes and strangers are answered and not learnt") {
    egress_bench b;
    for (const auto from : {v4("0.0.0.0"), v4("172.16.0.1"), v4("10.0.0.255"), v4("10.0.0.0")}) {
        hear(b, arp(1, mac(8), from, {}, own));
        CHECK(b.lan.leave() == ethernet(mac(8), mac(1), 0x806, arp(2, mac(1), own, mac(8), from), 5));
    }
    CHECK(b.out.arp.size() == 0);
}

TEST_CASE("who claims an own or proxied address is neither answered nor learnt; our own frames that come back are no conflict") {
    egress_bench b;
    hear(b, arp(1, mac(8), own, {}, own));
    hear(b, arp(2, mac(8), proxied, mac(1), own));
    CHECK(b.count(host_counter::arp_conflict) == 2);
    hear(b, arp(1, mac(1), own, {}, own));
    CHECK(b.count(host_counter::arp_conflict) == 2);
    CHECK(!b.lan.has_left());
    CHECK(b.out.arp.size() == 0);
}

TEST_CASE("replies are believed when we asked, announcements when the station is known") {
    egress_bench b;
    hear(b, arp(2, mac(7), near, mac(1), own));
    CHECK(b.count(host_counter::arp_unsolicited) == 1);
    hear(b, arp(1, mac(7), near, {}, near));
    CHECK(b.out.arp.size() == 0);
    b.forward(udp(v4("192.0.2.9"), 1, near, 2), 0);
    (void)b.lan.leave();
    hear(b, arp(2, mac(7), near, mac(1), own));
    CHECK(b.lan.leave() == ethernet(mac(7), mac(1), 0x800, udp(v4("192.0.2.9"), 1, near, 2), 5));
    hear(b, arp(2, mac(6), near, mac(6), near));
    CHECK(b.out.arp.find_entry({0, near})->mac == mac(6));
    hear(b, arp(2, mac(5), near, mac(9), v4("10.0.0.9")));  // somebody else's answer
    CHECK(b.out.arp.find_entry({0, near})->mac == mac(6));
}

TEST_CASE("many addresses are announced in portions, each once, and again when started again") {
    egress_bench b(1500, {v4("10.0.0.10"), v4("10.0.0.209")});
    host::arp_speaker<fake_port> speaker;
    CHECK(!speaker.next_timer());
    speaker.start(b.out.interfaces, b.now);
    std::set<std::uint32_t> seen;
    for (const std::size_t portion : {64UL, 64UL, 64UL, 9UL}) {  // one own address, 200 proxied
        CHECK(speaker.next_timer() == b.now);
        speaker.advance(b.out, b.now);
        speaker.advance(b.out, b.now);
        b.out.flush();
        CHECK(b.lan.left() == portion);
        while (b.lan.has_left()) {
            const octets f = b.lan.leave();
            seen.insert(load_be32(&f[18 + 24]));
            REQUIRE(load_be32(&f[18 + 14]) == load_be32(&f[18 + 24]));
        }
        b.now += 20ms;
    }
    CHECK(seen.size() == 201);
    CHECK(!speaker.next_timer());
    CHECK(!b.tun.has_left());
    speaker.start(b.out.interfaces, b.now);
    CHECK(speaker.next_timer() == b.now);
}
