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

namespace {

/// A large UDP packet with DF, as it is after being forwarded.
octets large(ipv4_address from, std::uint16_t sport, ipv4_address to, std::uint16_t dport, std::size_t body, std::uint8_t ttl = 64, bool df = true) {
    return udp(from, sport, to, dport, octets(body, 0x5a), {ttl, 0x1234, df});
}

}  // namespace

TEST_CASE("traceroute through NAT: time exceeded comes from the interface that the probe came in on") {
    lab l;
    l.start();
    SUBCASE("from the inside, about the client's own packet") {
        const octets probe = udp(client_1, 4000, server, 33434, {}, {1});
        l.from_client(probe);
        CHECK(!l.wan.has_left());
        const sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.to() == client_mac);
        CHECK(s.source() == lan_0);
        CHECK(s.destination() == client_1);
        CHECK(s.packet[20] == 11);
        CHECK(s.packet[21] == 0);
        CHECK(checksums_right(s.packet));
        CHECK(quote_of(s.packet) == probe);
        CHECK(l.count(host_counter::time_exceeded_sent) == 1);
    }
    SUBCASE("from the outside, about the nat address") {
        l.from_client(udp(client_1, 4000, server, 53));
        const std::uint16_t external = udp_source(l.to_wan().packet);
        const octets late = udp(server, 53, pool_1, external, {}, {1});
        l.from_upstream(late);
        const sent s = l.to_wan();
        REQUIRE(!s.none());
        CHECK(s.to() == upstream_mac);
        CHECK(s.source() == wan_0);
        CHECK(s.destination() == server);
        CHECK(quote_of(s.packet) == late);
        CHECK(!l.lan.has_left());
    }
    SUBCASE("from a router further on: translated to the client, its address stays") {
        l.from_client(udp(client_1, 4000, server, 33435, {}, {2}));
        const sent out = l.to_wan();
        CHECK(out.ttl() == 1);
        l.from_upstream(icmp(upstream, pool_1, 11, 0, 0, out.packet));
        const sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.source() == upstream);
        CHECK(s.destination() == client_1);
        CHECK(checksums_right(s.packet));
        CHECK(ipv4_address::load(&s.packet[28 + 12]) == client_1);
    }
}

TEST_CASE("fragmentation needed names what the sender sent and the interface that it leaves by") {
    lab l;
    SUBCASE("toward the client, about its own packet") {
        l.local.interfaces[2].mtu = 1400;
        l.start();
        const octets big = large(client_1, 4000, server, 53, 1400);
        l.from_client(big);
        CHECK(!l.wan.has_left());
        const sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.to() == client_mac);
        CHECK(s.source() == lan_0);
        CHECK(s.destination() == client_1);
        CHECK(s.ttl() == 64);
        CHECK(checksums_right(s.packet));
        CHECK(s.packet[20] == 3);
        CHECK(s.packet[21] == 4);
        CHECK(load_be32(&s.packet[24]) == 1400);
        // The quote is the client's packet, its TTL spent at the gateway.
        const octets as_forwarded = large(client_1, 4000, server, 53, 1400, 63);
        CHECK(quote_of(s.packet) == octets(as_forwarded.begin(), as_forwarded.begin() + 548));
        CHECK(l.count(host_counter::too_big) == 1);
        CHECK(l.count(host_counter::too_big_sent) == 1);
    }
    SUBCASE("by what the device sends now") {
        l.start();
        l.wan.set_mtu(1000);
        l.from_client(large(client_1, 4000, server, 53, 1001));
        CHECK(!l.wan.has_left());
        CHECK(load_be32(&l.to_lan().packet[24]) == 1000);
        l.wan.set_mtu(1500);
        l.from_client(large(client_1, 4000, server, 53, 1001));
        CHECK(l.wan.has_left());
    }
    SUBCASE("toward the server, about the nat address") {
        l.local.interfaces[0].mtu = 1300;
        l.start();
        l.from_client(udp(client_1, 4000, server, 53));
        const std::uint16_t external = udp_source(l.to_wan().packet);
        l.from_upstream(large(server, 53, pool_1, external, 1400));
        CHECK(!l.lan.has_left());
        const sent s = l.to_wan();
        REQUIRE(!s.none());
        CHECK(s.to() == upstream_mac);
        CHECK(s.source() == wan_0);
        CHECK(s.destination() == server);
        CHECK(checksums_right(s.packet));
        CHECK(load_be32(&s.packet[24]) == 1300);
        const octets as_forwarded = large(server, 53, pool_1, external, 1400, 63);
        CHECK(quote_of(s.packet) == octets(as_forwarded.begin(), as_forwarded.begin() + 548));
    }
    SUBCASE("without NAT, both ways") {
        l.local.interfaces[2].mtu = 1400;
        l.local.interfaces[1].mtu = 1300;
        l.start();
        l.from_guest(large(guest, 4000, server, 53, 1400));
        sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.vlan() == 10);
        CHECK(s.source() == lan_10);
        CHECK(s.destination() == guest);
        CHECK(load_be32(&s.packet[24]) == 1400);
        CHECK(checksums_right(s.packet));
        l.from_upstream(large(server, 53, guest, 4000, 1400));
        s = l.to_wan();
        REQUIRE(!s.none());
        CHECK(s.source() == wan_0);
        CHECK(s.destination() == server);
        CHECK(load_be32(&s.packet[24]) == 1300);
        const octets as_forwarded = large(server, 53, guest, 4000, 1400, 63);
        CHECK(quote_of(s.packet) == octets(as_forwarded.begin(), as_forwarded.begin() + 548));
    }
    SUBCASE("of TCP and ESP too") {
        l.local.interfaces[2].mtu = 1400;
        for (auto& p : l.core.policy.policies) {
            p.midstream = true;
        }
        l.start();
        l.from_client(tcp(client_1, 4000, server, 80, 2));
        l.from_client(tcp(client_1, 4000, server, 80, 0x10, octets(1440, 1)));
        sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(checksums_right(s.packet));
        CHECK(ipv4_address::load(&s.packet[28 + 12]) == client_1);
        CHECK(load_be16(&s.packet[48]) == 4000);
        l.from_client(esp(client_1, server, 0x11223344));
        REQUIRE(l.to_wan().source() == pool_1);
        l.from_client(esp(client_1, server, 0x11223344, 2, 1440));
        s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.destination() == client_1);
        CHECK(s.source() == lan_0);
        CHECK(load_be32(&s.packet[48]) == 0x11223344);
        CHECK(checksums_right(s.packet));
    }
}

TEST_CASE("what may be fragmented is, and fragments of one packet wait for ARP together") {
    lab l;
    l.local.interfaces[2].mtu = 1400;
    l.start();
    l.from_client(large(client_1, 4000, server, 53, 1460, 64, false));
    const sent one = l.to_wan();
    const sent two = l.to_wan();
    REQUIRE(!two.none());
    CHECK(one.packet.size() == 1396);
    CHECK(load_be16(&one.packet[6]) == 0x2000);
    CHECK(load_be16(&two.packet[6]) == 1376 / 8);
    CHECK(checksums_right(one.packet));
    CHECK(checksums_right(two.packet));
    octets whole(one.packet.begin() + 20, one.packet.end());
    whole.insert(whole.end(), two.packet.begin() + 20, two.packet.end());
    CHECK(ones_sum(whole.data(), whole.size(), pseudo_sum(pool_1, server, 17, whole.size())) == 0xffff);
    CHECK(!l.wan.has_left());
    CHECK(l.count(host_counter::fragmented) == 1);
}

TEST_CASE("packets wait for their next hop; who does not answer is unreachable") {
    lab l;
    l.start();
    const ipv4_address silent = v4("192.0.2.77");
    l.from_client(udp(client_1, 4000, silent, 7, hex("01")));
    const sent request = l.to_wan();
    CHECK(request.to() == wire::mac_address::broadcast());
    CHECK(request.packet == arp(1, wan_mac, wan_0, {}, silent));
    l.from_client(udp(client_1, 4000, silent, 7, hex("02")));
    CHECK(!l.wan.has_left());
    SUBCASE("and leave in order when it is known") {
        l.arrive(l.wan, ethernet(wan_mac, mac(0x77), 0x806, arp(2, mac(0x77), silent, wan_mac, wan_0)));
        for (const std::uint8_t n : octets{1, 2}) {
            const sent s = l.to_wan();
            REQUIRE(!s.none());
            CHECK(s.to() == mac(0x77));
            CHECK(s.packet.back() == n);
            CHECK(s.source() == pool_1);
            CHECK(checksums_right(s.packet));
        }
    }
    SUBCASE("or their senders are told, about the packets as they sent them") {
        l.pass(1s);
        l.pass(1s);
        CHECK(!l.lan.has_left());
        l.pass(1s);
        for (const std::uint8_t n : octets{1, 2}) {
            const sent s = l.to_lan();
            REQUIRE(!s.none());
            CHECK(s.source() == lan_0);
            CHECK(s.destination() == client_1);
            CHECK(s.packet[20] == 3);
            CHECK(s.packet[21] == 1);
            CHECK(checksums_right(s.packet));
            CHECK(quote_of(s.packet) == udp(client_1, 4000, silent, 7, octets{n}, {63}));
        }
        l.from_client(udp(client_1, 4000, silent, 7));
        CHECK(l.to_lan().packet[21] == 1);  // at once
        CHECK(l.count(host_counter::arp_failed) == 3);
        CHECK(l.count(host_counter::arp_requests_sent) == 3);
    }
}

TEST_CASE("ARP: answers for own and proxied addresses of the interface and for no others") {
    lab l;
    l.start();
    const auto ask = [&](ipv4_address target, ipv4_address sender = upstream) {
        l.arrive(l.wan, ethernet(wire::mac_address::broadcast(), upstream_mac, 0x806, joined(arp(1, upstream_mac, sender, {}, target), octets(18))));
        return l.to_wan();
    };
    for (const auto own : {wan_0, pool_1}) {
        const sent s = ask(own);
        REQUIRE(!s.none());
        CHECK(s.to() == upstream_mac);
        CHECK(s.from() == wan_mac);
        CHECK(s.packet == arp(2, wan_mac, own, upstream_mac, upstream));
    }
    CHECK(!ask(wan_0, v4("0.0.0.0")).none());  // RFC 5227 probe: defended
    for (const auto other : {v4("192.0.2.101"), v4("192.0.2.99"), lan_0, client_1, upstream}) {
        CHECK(ask(other).none());
    }
    l.arrive(l.lan, ethernet(wire::mac_address::broadcast(), guest_mac, 0x806, arp(1, guest_mac, guest, {}, lan_10), 10));
    const sent tagged = l.to_lan();
    CHECK(tagged.vlan() == 10);
    CHECK(tagged.packet == arp(2, lan_mac, lan_10, guest_mac, guest));
    l.arrive(l.lan, ethernet(wire::mac_address::broadcast(), guest_mac, 0x806, arp(1, guest_mac, guest, {}, lan_0), 10));
    CHECK(!l.lan.has_left());
    SUBCASE("who claims our address is not believed") {
        l.arrive(l.wan, ethernet(wire::mac_address::broadcast(), mac(0x66), 0x806, arp(1, mac(0x66), pool_1, {}, pool_1)));
        CHECK(l.count(host_counter::arp_conflict) == 1);
        CHECK(!l.wan.has_left());
    }
    SUBCASE("an announcement moves a station that is known") {
        l.arrive(l.wan, ethernet(wire::mac_address::broadcast(), mac(0x66), 0x806, arp(1, mac(0x66), upstream, {}, upstream)));
        l.from_client(udp(client_1, 1, server, 2));
        CHECK(l.to_wan().to() == mac(0x66));
    }
    SUBCASE("a reply that nobody asked for does not, nor does a stranger to the network") {
        l.arrive(l.wan, ethernet(wan_mac, mac(0x66), 0x806, arp(2, mac(0x66), upstream, wan_mac, wan_0)));
        l.arrive(l.wan, ethernet(wan_mac, mac(0x66), 0x806, arp(1, mac(0x66), server, {}, wan_0)));
        l.wan.clear();
        l.from_client(udp(client_1, 1, server, 2));
        CHECK(l.to_wan().to() == upstream_mac);
        CHECK(l.count(host_counter::arp_unsolicited) == 1);
        CHECK(l.router->arp().size() == 4);
    }
    SUBCASE("malformed") {
        octets bad = arp(1, upstream_mac, upstream, {}, wan_0);
        bad[1] = 6;
        l.arrive(l.wan, ethernet(wan_mac, upstream_mac, 0x806, bad));
        l.arrive(l.wan, ethernet(wan_mac, upstream_mac, 0x806, octets(20)));
        l.arrive(l.wan, ethernet(wan_mac, upstream_mac, 0x806, arp(1, wire::mac_address::broadcast(), upstream, {}, wan_0)));
        CHECK(l.count(host_counter::arp_bad) == 3);
        CHECK(!l.wan.has_left());
    }
}

TEST_CASE("reject as Junos does: TCP is reset, UDP told port unreachable, the rest prohibited; deny is silent") {
    lab l;
    l.permit("guests", "trust", policy::policy_action::reject);
    l.start();
    SUBCASE("TCP") {
        octets syn = tcp(guest, 999, client_1, 80, 2);
        store_be32(&syn[24], 41);
        l.from_guest(syn);
        const sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.vlan() == 10);
        CHECK(s.to() == guest_mac);
        CHECK(s.source() == client_1);
        CHECK(s.destination() == guest);
        CHECK(s.packet.size() == 40);
        CHECK(s.packet[33] == 0x14);
        CHECK(load_be32(&s.packet[28]) == 42);
        CHECK(checksums_right(s.packet));
        CHECK(l.count(host_counter::reset_sent) == 1);
        l.from_guest(tcp(guest, 999, client_1, 80, 4));
        CHECK(!l.lan.has_left());
    }
    SUBCASE("UDP") {
        const octets p = udp(guest, 999, client_1, 80);
        l.from_guest(p);
        const sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.source() == lan_10);
        CHECK(s.packet[20] == 3);
        CHECK(s.packet[21] == 3);
        CHECK(quote_of(s.packet) == p);
        CHECK(checksums_right(s.packet));
    }
    SUBCASE("ping") {
        l.from_guest(echo(guest, client_1, 1));
        CHECK(l.to_lan().packet[21] == 13);
    }
    SUBCASE("deny") {
        l.from_upstream(tcp(server, 1, client_1, 80, 2));
        CHECK(!l.wan.has_left());
        CHECK(!l.lan.has_left());
    }
}

TEST_CASE("answers are rate limited, for each destination and for all") {
    lab l;
    l.local.errors_per_destination = {10, 3};
    l.start();
    for (int i = 0; i < 20; ++i) {
        l.from_client(udp(client_1, 4000, server, 33434, {}, {1}));
    }
    CHECK(l.lan.left() == 3);
    CHECK(l.count(host_counter::rate_limited) == 17);
    l.from_client(udp(client_2, 4000, server, 33434, {}, {1}));
    CHECK(l.lan.left() == 4);
    l.pass(100ms);
    l.from_client(udp(client_1, 4000, server, 33434, {}, {1}));
    CHECK(l.lan.left() == 5);
}

TEST_CASE("what is addressed to the gateway and nothing listens") {
    lab l;
    l.start();
    SUBCASE("is ignored on the interface that says so") {
        l.from_client(tcp(client_1, 1, lan_0, 22, 2));
        l.from_client(udp(client_1, 1, lan_0, 53));
        CHECK(!l.lan.has_left());
        CHECK(l.count(host_counter::local_ignored) == 2);
    }
    SUBCASE("is refused on the other, in the name of the address that was asked") {
        l.from_guest(tcp(guest, 1, lan_10, 22, 2));
        sent s = l.to_lan();
        CHECK(s.packet[33] == 0x14);
        CHECK(s.source() == lan_10);
        l.from_guest(udp(guest, 1, lan_0, 53));
        s = l.to_lan();
        CHECK(s.packet[21] == 3);
        CHECK(s.source() == lan_0);
        l.from_guest(ip4(47, guest, lan_10, octets(20)));
        s = l.to_lan();
        CHECK(s.packet[21] == 2);
        CHECK(checksums_right(s.packet));
        l.from_guest(echo(guest, lan_10, 1));  // answer_ping is off here
        l.from_guest(icmp(guest, lan_10, 3, 3, 0, udp(lan_10, 1, guest, 2)));
        CHECK(!l.lan.has_left());
    }
}

TEST_CASE("no way out: no zone, no route, a route into another zone, a broadcast address") {
    lab l;
    SUBCASE("no zone behind the destination") {
        l.local.routes.clear();
        l.start();
        const octets p = udp(client_1, 1, server, 2);
        l.from_client(p);
        const sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.source() == lan_0);
        CHECK(s.packet[20] == 3);
        CHECK(s.packet[21] == 0);
        CHECK(quote_of(s.packet) == p);
    }
    SUBCASE("a zone, but no route") {
        l.local.routes.clear();
        l.core.policy.zones[1].networks = {{v4("0.0.0.0"), 0}};
        l.start();
        l.from_client(udp(client_1, 1, server, 2));
        const sent s = l.to_lan();
        REQUIRE(!s.none());
        CHECK(s.source() == lan_0);
        CHECK(s.packet[21] == 0);
        CHECK(quote_of(s.packet) == udp(client_1, 1, server, 2, {}, {63}));
        CHECK(checksums_right(s.packet));
        CHECK(l.count(host_counter::no_route) == 1);
    }
    SUBCASE("a route into another zone") {
        l.local.routes.push_back({{v4("198.51.100.0"), 24}, guest});
        l.core.policy.zones[1].networks = {{v4("198.51.100.0"), 24}};
        l.start();
        l.from_client(udp(client_1, 1, server, 2));
        CHECK(!l.wan.has_left());
        CHECK(!l.lan.has_left());
        CHECK(l.count(host_counter::wrong_zone) == 1);
    }
    SUBCASE("the broadcast address of a connected network") {
        l.start();
        l.from_client(udp(client_1, 1, v4("192.0.2.255"), 2));
        l.from_client(udp(client_1, 1, v4("192.0.2.0"), 2));
        CHECK(!l.wan.has_left());
        CHECK(l.count(host_counter::directed_broadcast) == 2);
    }
}

TEST_CASE("frames and headers that go nowhere") {
    lab l;
    l.start();
    const octets good = udp(client_1, 1, server, 2);
    const auto dropped = [&](const octets& frame, host_counter why) {
        const auto before = l.count(why);
        l.arrive(l.lan, frame);
        return l.count(why) == before + 1 && !l.lan.has_left() && !l.wan.has_left();
    };
    CHECK(dropped(ethernet(lan_mac, client_mac, 0x800, good, 11), host_counter::unknown_vlan));
    CHECK(dropped(ethernet(lan_mac, client_mac, 0x8100, joined(hex("000a0800"), good), 10), host_counter::unknown_vlan));  // two tags
    CHECK(dropped(ethernet(mac(0x99), client_mac, 0x800, good), host_counter::not_for_us));
    CHECK(dropped(ethernet(wire::mac_address::broadcast(), client_mac, 0x800, good), host_counter::link_broadcast));
    CHECK(dropped(ethernet(lan_mac, client_mac, 0x86dd, good), host_counter::other_type));
    CHECK(dropped(octets(9), host_counter::bad_frame));
    octets p = good;
    p[8] = 63;
    CHECK(dropped(ethernet(lan_mac, client_mac, 0x800, p), host_counter::bad_header));
    CHECK(dropped(ethernet(lan_mac, client_mac, 0x800, octets(good.begin(), good.end() - 1)), host_counter::bad_header));
    for (const char* source : {"0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255"}) {
        CHECK(dropped(ethernet(lan_mac, client_mac, 0x800, udp(v4(source), 1, server, 2)), host_counter::bad_source));
    }
    for (const char* destination : {"0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255"}) {
        CHECK(dropped(ethernet(wire::mac_address::broadcast(), client_mac, 0x800, udp(client_1, 1, v4(destination), 2)), host_counter::bad_destination));
    }
    SUBCASE("padding is cut off, a priority tag is no tag") {
        octets tagged = ethernet(lan_mac, client_mac, 0x8100, joined(hex("e0000800"), joined(good, octets(18, 0xff))));
        l.arrive(l.lan, tagged);
        const sent s = l.to_wan();
        REQUIRE(!s.none());
        CHECK(s.packet.size() == good.size());
    }
}

TEST_CASE("TCP MSS is lowered both ways") {
    lab l;
    l.local.tcp_mss = 1300;
    l.start();
    const auto segment = [](ipv4_address from, std::uint16_t sport, ipv4_address to, std::uint16_t dport, std::uint8_t flags) {
        octets t(24);
        store_be16(&t[0], sport);
        store_be16(&t[2], dport);
        t[12] = 0x60;
        t[13] = flags;
        store_be32(&t[20], 0x020405b4);
        store_be16(&t[16], checksum(t.data(), t.size(), pseudo_sum(from, to, 6, t.size())));
        return ip4(6, from, to, t);
    };
    l.from_client(segment(client_1, 4000, server, 80, 0x02));
    const sent syn = l.to_wan();
    REQUIRE(!syn.none());
    CHECK(load_be32(&syn.packet[40]) == 0x02040000 + 1300);
    CHECK(checksums_right(syn.packet));
    l.from_upstream(segment(server, 80, pool_1, load_be16(&syn.packet[20]), 0x12));
    const sent ack = l.to_lan();
    REQUIRE(!ack.none());
    CHECK(load_be32(&ack.packet[40]) == 0x02040000 + 1300);
    CHECK(checksums_right(ack.packet));
    CHECK(l.count(host_counter::mss_clamped) == 2);
}
