// SPDX-License-Identifier: Apache-2.0
/// The router over time: IPsec through it, held packets, replacement under traffic, further ports, devices that take little, no allocation.
#include "ikealg/host/router.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "host/lab.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IKEALG_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IKEALG_TEST_SANITIZED 1
#endif
#endif

#ifndef IKEALG_TEST_SANITIZED
namespace {
bool counting = false;
std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
    allocations += counting ? 1 : 0;
    if (void* const p = std::malloc(size == 0 ? 1 : size)) {
        return p;
    }
    std::abort();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

using namespace ikealg_tests;
using wire::exchange_type;

namespace {

octets message(std::uint64_t number, exchange_type type, std::uint32_t id, bool response, bool first = false) {
    ike_fields f;
    f.initiator = 0x1111'0000'0000'0000U + number;
    f.responder = first ? 0 : 0x2222'0000'0000'0000U + number;
    f.exchange = static_cast<std::uint8_t>(type);
    f.message_id = id;
    f.flags = response ? 0x20 : 0x08;
    return ike(f);
}

/// A client's IKEv2 through the lab.
struct ike_client {
    lab& l;
    ipv4_address address;
    wire::mac_address station;
    std::uint64_t number;
    std::uint16_t port = 0;  ///< as the server sees it

    void send(const octets& packet) const { l.arrive(l.lan, ethernet(lan_mac, station, 0x800, packet)); }
    void request(exchange_type type, std::uint32_t id) const { send(udp(address, 500, server, 500, message(number, type, id, false, id == 0))); }
    void answer(exchange_type type, std::uint32_t id) const { l.from_upstream(udp(server, 500, pool_1, port, message(number, type, id, true))); }
    void phase1() {
        request(exchange_type::ike_sa_init, 0);
        const sent out = l.to_wan();
        REQUIRE(!out.none());
        CHECK(out.source() == pool_1);
        CHECK(checksums_right(out.packet));
        port = load_be16(&out.packet[20]);
        l.pass(10ms);
        answer(exchange_type::ike_sa_init, 0);
        const sent back = l.to_lan();
        REQUIRE(!back.none());
        CHECK(back.to() == station);
        CHECK(back.destination() == address);
    }
};

}  // namespace

TEST_CASE("IKE and ESP of a client go through NAT, both ways") {
    lab l;
    l.start();
    ike_client c{l, client_1, client_mac, 1};
    c.phase1();
    c.request(exchange_type::ike_auth, 1);
    CHECK(!l.to_wan().none());
    l.pass(10ms);
    c.answer(exchange_type::ike_auth, 1);
    CHECK(!l.to_lan().none());
    l.from_client(esp(client_1, server, 0x0a0b0c0d));
    const sent out = l.to_wan();
    REQUIRE(!out.none());
    CHECK(out.source() == pool_1);
    CHECK(out.to() == upstream_mac);
    CHECK(load_be32(&out.packet[20]) == 0x0a0b0c0d);
    CHECK(checksums_right(out.packet));
    l.pass(10ms);
    l.from_upstream(esp(server, pool_1, 0x01020304));
    const sent back = l.to_lan();
    REQUIRE(!back.none());
    CHECK(back.to() == client_mac);
    CHECK(back.packet == esp(server, client_1, 0x01020304, 1, 40, {63}));
    l.from_upstream(esp(v4("198.51.100.2"), pool_1, 0x01020304, 2));
    CHECK(!l.lan.has_left());  // no client of that server
}

TEST_CASE("what the core held goes out when its time comes") {
    lab l;
    l.start();
    ike_client one{l, client_1, client_mac, 1};
    ike_client two{l, client_2, client_2_mac, 2};
    one.phase1();
    two.phase1();
    one.request(exchange_type::ike_auth, 1);
    two.request(exchange_type::ike_auth, 1);
    CHECK(l.wan.left() == 2);
    one.answer(exchange_type::ike_auth, 1);
    CHECK(l.to_lan().to() == client_mac);
    two.answer(exchange_type::ike_auth, 1);
    CHECK(!l.lan.has_left());  // until the first one's ESP had its time
    for (int i = 0; i < 600 && !l.lan.has_left(); ++i) {
        l.pass(100ms);
    }
    const sent s = l.to_lan();
    REQUIRE(!s.none());
    CHECK(s.to() == client_2_mac);
    CHECK(s.packet == udp(server, 500, client_2, 500, message(2, exchange_type::ike_auth, 1, true), {63}));
}

TEST_CASE("a new configuration under traffic keeps flows and stations") {
    lab l;
    l.start();
    l.from_client(udp(client_1, 4000, server, 53));
    const std::uint16_t external = load_be16(&l.to_wan().packet[20]);
    SUBCASE("with interfaces in another order, one gone, a new zone in front") {
        l.core.policy.zones.insert(l.core.policy.zones.begin(), {"new", {}, {}, {}});
        std::erase_if(l.core.policy.policies, [](const auto& p) { return p.from_zone == "guests" || p.to_zone == "guests"; });
        std::erase_if(l.core.policy.zones, [](const auto& z) { return z.name == "guests"; });
        l.local.interfaces = {l.local.interfaces[2], l.local.interfaces[0], {"lan.20", 0, std::uint16_t{20}, "new", {{v4("10.0.2.1"), 24}}, {}, 0, true, false}};
        CHECK(l.router->replace(l.core, l.local, l.now).empty());
        CHECK(l.router->zones() == std::vector<std::string>{"trust", "untrust", "guests", "new"});
        CHECK(l.router->interfaces().find(0, 10) == npos);
        CHECK(l.router->arp().size() == 3);
        l.run();
        CHECK(l.wan.left() == 2);  // announced again
        l.wan.clear();
        l.lan.clear();
        l.from_upstream(udp(server, 53, pool_1, external, hex("01")));
        const sent back = l.to_lan();
        REQUIRE(!back.none());
        CHECK(back.to() == client_mac);
        CHECK(back.packet == udp(server, 53, client_1, 4000, hex("01"), {63}));
        l.from_client(udp(client_1, 4000, server, 53));
        CHECK(load_be16(&l.to_wan().packet[20]) == external);
        l.from_guest(udp(guest, 1, server, 2));
        CHECK(l.count(host_counter::unknown_vlan) == 1);
        l.arrive(l.lan, ethernet(lan_mac, guest_mac, 0x800, echo(v4("10.0.2.9"), v4("10.0.2.1"), 1), 20));
        const sent question = l.to_lan();  // for the station, which is not known yet
        CHECK(question.vlan() == 20);
        CHECK(question.packet == arp(1, lan_mac, v4("10.0.2.1"), {}, v4("10.0.2.9")));
    }
    SUBCASE("with errors changes nothing and names all of them") {
        auto bad = l.local;
        bad.interfaces[0].zone = "nowhere";
        bad.routes.push_back({{v4("20.0.0.0"), 8}, v4("20.0.0.1")});
        auto bad_core = l.core;
        bad_core.policy.policies[0].applications = {"nothing"};
        const auto errors = l.router->replace(bad_core, bad, l.now);
        CHECK(errors.size() == 3);
        CHECK(l.router->replace(bad_core, l.local, l.now).size() == 1);
        l.run();
        CHECK(!l.wan.has_left());
        l.from_client(udp(client_1, 4000, server, 53));
        CHECK(load_be16(&l.to_wan().packet[20]) == external);
    }
    SUBCASE("packets that wait on an interface that goes are dropped and counted") {
        l.from_client(udp(client_1, 4000, v4("192.0.2.77"), 53));
        auto moved = l.local;
        moved.interfaces[2].vlan = 5;
        CHECK(l.router->replace(l.core, moved, l.now).empty());
        CHECK(l.count(host_counter::interface_gone) == 1);
        CHECK(l.router->arp().waiting() == 0);
        CHECK(l.router->arp().size() == 3);
    }
    SUBCASE("a device may come and have an interface then; a TUN has packets without a link header") {
        fake_port tun({}, false, 1400);
        auto refused = l.local;
        refused.interfaces.push_back({"tun0", 2, {}, "nowhere", {{v4("10.9.0.1"), 24}}, {}, 0, true, false});
        CHECK(!l.router->replace(l.core, refused, l.now, {&tun}).empty());
        tun.arrive(udp(v4("10.9.0.2"), 7, server, 53));
        l.run();
        CHECK(tun.waiting() == 1);  // it was not taken
        CHECK(l.router->replace(l.core, l.local, l.now, {&tun}).empty());
        l.run();
        CHECK(l.count(host_counter::unknown_vlan) == 1);
        l.local.interfaces.push_back({"tun0", 2, {}, "guests", {{v4("10.9.0.1"), 24}}, {}, 0, true, false});
        CHECK(l.router->replace(l.core, l.local, l.now).empty());
        l.run();
        l.wan.clear();
        tun.arrive(udp(v4("10.9.0.2"), 7, server, 53));
        tun.arrive(echo(v4("10.9.0.2"), v4("10.9.0.1"), 1));
        tun.arrive(hex("6000000000000000"));
        l.run();
        CHECK(l.to_wan().source() == v4("10.9.0.2"));
        CHECK(tun.leave() == icmp(v4("10.9.0.1"), v4("10.9.0.2"), 0, 0, 1U << 16 | 1, octets(16, 0x61), {64, 0}));
        CHECK(l.count(host_counter::other_type) == 1);
        l.from_upstream(udp(server, 53, v4("10.9.0.2"), 7, octets(1372), {64, 1, true}));
        CHECK(tun.leave().size() == 1400);
        l.from_upstream(udp(server, 53, v4("10.9.0.2"), 7, octets(1373), {64, 1, true}));
        CHECK(load_be32(&l.to_wan().packet[24]) == 1400);
        l.local.interfaces.pop_back();
        CHECK(l.router->replace(l.core, l.local, l.now).empty());
    }
}

TEST_CASE("a device that is back after a fault: its stations are asked for again and its addresses announced") {
    lab l;
    l.start();
    l.run();
    l.wan.set_state(io::io_state::failed);
    CHECK(!l.router->refresh_devices(l.now));
    l.wan.set_state(io::io_state::ready);
    CHECK(l.router->refresh_devices(l.now));
    CHECK(!l.router->refresh_devices(l.now));
    l.run();
    CHECK(l.to_wan().type() == 0x806);
    l.wan.clear();
    l.from_client(udp(client_1, 4000, server, 53));
    const auto question = l.to_wan();
    REQUIRE(!question.none());
    CHECK(question.type() == 0x806);
    CHECK(ipv4_address::load(&question.packet[24]) == upstream);
    CHECK(l.router->arp().waiting() == 1);
    l.wan.arrive(ethernet(wan_mac, upstream_mac, 0x806, arp(2, upstream_mac, upstream, wan_mac, wan_0)));
    l.run();
    CHECK(l.to_wan().destination() == server);
    CHECK(l.router->arp().size() == 4);  // those of the other devices stayed
}

TEST_CASE("a device that has another link address now: it is used, heard for and announced") {
    lab l;
    l.start();
    l.run();
    l.wan.clear();
    CHECK(!l.router->refresh_devices(l.now));
    const wire::mac_address other{{2, 9, 9, 9, 9, 9}};
    l.wan.set_mac(other);
    CHECK(l.router->refresh_devices(l.now));
    CHECK(!l.router->refresh_devices(l.now));
    l.run();
    for (int n = 0; n < 2; ++n) {  // the own address and the pool's
        const auto announced = l.to_wan();
        REQUIRE(!announced.none());
        CHECK(announced.type() == 0x806);
        CHECK(announced.from() == other);
        CHECK(wire::mac_address::load(&announced.packet[8]) == other);
    }
    l.wan.arrive(ethernet(other, upstream_mac, 0x806, arp(1, upstream_mac, upstream, {}, wan_0)));
    l.run();
    l.wan.clear();
    l.from_client(udp(client_1, 4000, server, 53));
    CHECK(l.to_wan().from() == other);
    l.wan.arrive(ethernet(wan_mac, upstream_mac, 0x800, echo(upstream, wan_0, 1)));
    l.wan.arrive(ethernet(other, upstream_mac, 0x800, udp(server, 53, pool_1, 4000)));
    l.run();
    CHECK(l.count(host_counter::not_for_us) == 1);
}

TEST_CASE("configuration errors at the start: all of them, and no router") {
    lab l;
    l.local.interfaces[0].port = 9;
    l.local.interfaces[1].vlan = 4095;
    l.core.policy.policies[0].applications = {"nothing"};
    const auto made = lab::router_type::create(l.core, l.local, lab::options(), {&l.lan, &l.wan});
    CHECK(!made);
    CHECK(made.errors.size() == 3);
}

TEST_CASE("a burst is one transmit; a device that takes little gets the rest again, in order, and what it refuses is dropped") {
    lab l;
    l.start();
    l.wan.calls = 0;
    const auto burst = [&](std::uint8_t n) {
        for (std::uint8_t i = 0; i < n; ++i) {
            l.lan.arrive(ethernet(lan_mac, client_mac, 0x800, udp(client_1, 4000, server, 53, octets{i})));
        }
        l.run();
    };
    burst(40);
    CHECK(l.wan.calls == 1);
    CHECK(l.wan.left() == 40);
    l.wan.clear();
    l.wan.per_call = 7;
    burst(40);
    REQUIRE(l.wan.left() == 40);
    for (std::uint8_t i = 0; i < 40; ++i) {
        CHECK(l.to_wan().packet.back() == i);
    }
    l.wan.room = 10;
    burst(40);
    CHECK(l.wan.left() == 10);
    CHECK(l.count(host_counter::transmit_full) == 30);
    CHECK(l.to_wan().packet.back() == 0);
    CHECK(l.lan.pool().free() + l.wan.pool().free() == l.lan.pool().size() + l.wan.pool().size() - 9);  // nothing leaks
}

TEST_CASE("next_timer says when ARP, announcements and the core have something to do") {
    lab l;
    l.make();
    CHECK(l.router->next_timer() == l.now);
    l.run();
    const auto idle = l.router->next_timer();
    CHECK((!idle || *idle > l.now));
    l.from_client(udp(client_1, 4000, server, 53));  // asks for the next hop
    CHECK(l.router->next_timer() == l.now + 1s);
}

TEST_CASE("the budget of a poll is kept, and ports take turns") {
    lab l;
    l.start();
    for (int i = 0; i < 300; ++i) {
        l.lan.arrive(ethernet(lan_mac, client_mac, 0x800, udp(client_1, 4000, server, 53)));
    }
    l.wan.arrive(ethernet(wan_mac, upstream_mac, 0x806, arp(1, upstream_mac, upstream, {}, wan_0)));
    CHECK(l.router->poll(l.now, 100) == 100);
    CHECK(l.count(host_counter::arp_requests_answered) == 5);
    CHECK(l.router->poll(l.now, 1000) == 201);
    CHECK(l.router->poll(l.now, 1000) == 0);
}

#ifndef IKEALG_TEST_SANITIZED
TEST_CASE("L1: a warm router allocates nothing, whatever it has to do with a packet") {
    lab l;
    l.local.interfaces[2].mtu = 1400;
    l.start();
    l.lan.discard = l.wan.discard = true;
    const auto round = [&](std::uint16_t n) {
        const auto put = [&](const octets& p) { l.lan.arrive(ethernet(lan_mac, client_mac, 0x800, p)); };
        for (std::uint16_t i = 0; i < 20; ++i) {
            put(udp(client_1, static_cast<std::uint16_t>(n + i), server, 53, octets(1400, 1), {64, i, i % 2 == 0}));
            put(udp(client_1, 4000, server, 33434, {}, {1}));
            put(echo(client_1, lan_0, i));
            put(tcp(client_1, n, server, 80, 2));
            put(udp(client_1, 5000, {v4("192.0.2.10").value + i}, 9));
            l.wan.arrive(ethernet(wan_mac, upstream_mac, 0x806, arp(1, upstream_mac, upstream, {}, wan_0)));
            l.wan.arrive(ethernet(wan_mac, upstream_mac, 0x800, esp(server, pool_1, 0x1000U + i)));
        }
        const std::size_t before = allocations;
        counting = true;
        l.run();
        for (int second = 0; second < 8; ++second) {
            l.pass(1s);
        }
        counting = false;
        return allocations - before;
    };
    (void)round(1000);
    CHECK(round(2000) == 0);
    CHECK(l.count(host_counter::too_big) == 20);
    CHECK(l.count(host_counter::fragmented) == 20);
    CHECK(l.count(host_counter::arp_failed) > 0);
}
#endif
