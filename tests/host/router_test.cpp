// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/router.hpp"

#include <doctest/doctest.h>

#include "host/lab.hpp"

using namespace ikealg_tests;

namespace {

/// What a translated packet from the client looks like at the server, and the answer's way back.
std::uint16_t udp_source(const octets& p) { return load_be16(&p[20]); }

}  // namespace

TEST_CASE("the addresses and proxied ones are announced at the start, each once") {
    lab l;
    l.make();
    l.run();
    sent s = l.to_lan();
    CHECK(s.to() == wire::mac_address::broadcast());
    CHECK(s.from() == lan_mac);
    CHECK(s.type() == 0x806);
    CHECK(s.packet == arp(1, lan_mac, lan_0, {}, lan_0));
    s = l.to_lan();
    CHECK(s.vlan() == 10);
    CHECK(s.packet == arp(1, lan_mac, lan_10, {}, lan_10));
    CHECK(l.to_wan().packet == arp(1, wan_mac, wan_0, {}, wan_0));
    CHECK(l.to_wan().packet == arp(1, wan_mac, pool_1, {}, pool_1));
    l.pass(10s);
    CHECK(!l.lan.has_left());
    CHECK(!l.wan.has_left());
    CHECK(l.count(host_counter::arp_announced) == 4);
}

TEST_CASE("a client's packet goes out translated and the answer comes back") {
    lab l;
    l.start();
    l.from_client(udp(client_1, 4000, server, 53, hex("616263")));
    sent out = l.to_wan();
    REQUIRE(!out.none());
    CHECK(out.to() == upstream_mac);
    CHECK(out.from() == wan_mac);
    CHECK(out.type() == 0x800);
    CHECK(out.source() == pool_1);
    CHECK(out.destination() == server);
    CHECK(out.ttl() == 63);
    CHECK(checksums_right(out.packet));
    l.from_upstream(udp(server, 53, pool_1, udp_source(out.packet), hex("64656667")));
    const sent back = l.to_lan();
    REQUIRE(!back.none());
    CHECK(back.to() == client_mac);
    CHECK(back.from() == lan_mac);
    CHECK(back.packet == udp(server, 53, client_1, 4000, hex("64656667"), {63}));
    CHECK(!l.lan.has_left());
    CHECK(!l.wan.has_left());
}

TEST_CASE("ping to the gateway") {
    lab l;
    l.start();
    SUBCASE("is answered where it may be") {
        l.from_client(echo(client_1, lan_0, 9));
        const sent s = l.to_lan();
        CHECK(s.to() == client_mac);
        CHECK(s.packet == ip4(1, lan_0, client_1, icmp_message(0, 0, 9U << 16 | 1, octets(16, 0x61)), {64, 0}));
        CHECK(l.count(host_counter::local_ping) == 1);
    }
    SUBCASE("is answered for the gateway's other addresses as well") {
        l.from_client(echo(client_1, wan_0, 9));
        CHECK(l.to_lan().source() == wan_0);
    }
    SUBCASE("is ignored where it may not be") {
        l.from_upstream(echo(server, wan_0, 9));
        CHECK(!l.wan.has_left());
        CHECK(l.count(host_counter::local_ignored) == 1);
    }
    SUBCASE("is not answered in fragments") {
        l.from_client(icmp(client_1, lan_0, 8, 0, 1, octets(16), {64, 7, false, true}));
        CHECK(!l.lan.has_left());
        CHECK(l.count(host_counter::local_fragment) == 1);
    }
    SUBCASE("is not answered with a wrong checksum") {
        octets p = echo(client_1, lan_0, 9);
        p.back() ^= 1;
        l.from_client(p);
        CHECK(!l.lan.has_left());
    }
    SUBCASE("gets a reply without the request's IP options") {
        l.from_client(ip4(1, client_1, lan_0, icmp_message(8, 0, 1, octets(4, 7)), {64, 1, true, false, 0, hex("0703040000000000")}));
        CHECK(l.to_lan().packet == ip4(1, lan_0, client_1, icmp_message(0, 0, 1, octets(4, 7)), {64, 0}));
    }
}
