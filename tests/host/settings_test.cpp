// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/settings.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;

namespace {

host::host_settings good() {
    host::host_settings s;
    s.interfaces = {{"lan.0", 0, {}, "trust", {{v4("10.0.0.1"), 24}}, {}, 0, true, false},
                    {"wan.0", 1, {}, "untrust", {{v4("192.0.2.1"), 24}}, {{v4("192.0.2.100"), v4("192.0.2.110")}}, 0, false, false}};
    s.routes = {{{v4("0.0.0.0"), 0}, v4("192.0.2.254")}};
    return s;
}
configuration_report report_on(const host::host_settings& s) {
    configuration_report r;
    std::vector<policy::zone_settings<ipv4>> zones(3);
    zones[0].name = "trust";
    zones[1].name = "untrust";
    zones[2].name = "other";
    zones[2].vrf = vrf_id{1};
    host::check(s, 2, zones, r);
    return r;
}
/// The only error of `s`.
configuration_error error_of(const host::host_settings& s) {
    const auto r = report_on(s);
    REQUIRE(r.errors.size() == 1);
    return r.errors[0];
}

}  // namespace

TEST_CASE("good settings have no errors") { CHECK(report_on(good()).clean()); }

TEST_CASE("each error by itself, with its path") {
    auto s = good();
    SUBCASE("the same name") {
        s.interfaces[1].name = "lan.0";
        CHECK(error_of(s) == configuration_error{"interfaces lan.0", "interface lan.0 is there twice"});
    }
    SUBCASE("no such device") {
        s.interfaces[1].port = 2;
        CHECK(error_of(s).message == "device 2 of 2 does not exist");
    }
    SUBCASE("VLAN out of range") {
        s.interfaces[1].vlan = 4095;
        CHECK(error_of(s) == configuration_error{"interfaces wan.0 vlan-id", "4095 is out of range, allowed are 1 to 4094"});
    }
    SUBCASE("the same VLAN of the same device") {
        s.interfaces[1].port = 0;
        CHECK(error_of(s).path == "interfaces wan.0 vlan-id");
        s.interfaces[1].vlan = 7;
        CHECK(report_on(s).clean());
    }
    SUBCASE("no zone, an unknown one, one of an instance") {
        s.interfaces[0].zone = "";
        CHECK(error_of(s).message == "is in no zone");
        s.interfaces[0].zone = "nowhere";
        CHECK(error_of(s).message == "zone nowhere is not defined");
        s.interfaces[0].zone = "other";
        CHECK(error_of(s).message == "zone other is in a routing instance; only the default one is served");
    }
    SUBCASE("MTU") {
        s.interfaces[0].mtu = 575;
        CHECK(error_of(s).path == "interfaces lan.0 mtu");
        s.interfaces[0].mtu = 576;
        CHECK(report_on(s).clean());
    }
    SUBCASE("addresses that no host has") {
        for (const char* a : {"10.0.0.0", "10.0.0.255", "127.0.0.1", "224.0.0.1", "0.0.0.1"}) {
            CAPTURE(a);
            s.interfaces[0].addresses = {{v4(a), 24}};
            CHECK(error_of(s).path == "interfaces lan.0 family inet address " + std::string(a) + "/24");
        }
        s.interfaces[0].addresses = {{v4("10.0.0.0"), 31}};
        CHECK(report_on(s).clean());
        s.interfaces[0].addresses = {{v4("10.0.0.255"), 32}};
        CHECK(report_on(s).clean());
    }
    SUBCASE("a prefix length of 0 or beyond 32") {
        s.interfaces[0].addresses[0].prefix_length = 33;
        CHECK(error_of(s).message == "prefix length 33 is out of range, allowed are 1 to 32");
    }
    SUBCASE("an address twice, a network on two interfaces") {
        s.interfaces[0].addresses.push_back(s.interfaces[0].addresses[0]);
        CHECK(error_of(s).message == "this address is there twice");
        s.interfaces[0].addresses[1] = {v4("192.0.2.2"), 24};
        CHECK(error_of(s).message == "network 192.0.2.0/24 is connected at interface lan.0 too");
    }
    SUBCASE("proxy ARP: backwards, overlapping, no hosts") {
        s.interfaces[0].proxy_arp = {{v4("192.0.2.9"), v4("192.0.2.8")}};
        CHECK(error_of(s).path == "interfaces lan.0 proxy-arp 192.0.2.9 to 192.0.2.8");
        s.interfaces[0].proxy_arp = {{v4("192.0.2.99"), v4("192.0.2.100")}};
        CHECK(error_of(s).path == "interfaces wan.0 proxy-arp 192.0.2.100 to 192.0.2.110");
        s.interfaces[0].proxy_arp = {{v4("224.0.0.1"), v4("224.0.0.2")}};
        CHECK(error_of(s).message == "holds addresses that are no hosts'");
    }
    SUBCASE("routes: host bits, twice, next hop nowhere, next hop ourselves") {
        s.routes = {{{v4("10.1.0.1"), 16}, v4("192.0.2.254")}};
        CHECK(error_of(s).path == "routing-options static route 10.1.0.1/16");
        s.routes = {{{v4("10.1.0.0"), 16}, v4("192.0.2.254")}, {{v4("10.1.0.0"), 16}, v4("192.0.2.253")}};
        CHECK(error_of(s).message == "this route is there twice");
        s.routes = {{{v4("10.1.0.0"), 16}, v4("192.0.3.1")}};
        CHECK(error_of(s) == configuration_error{"routing-options static route 10.1.0.0/16 next-hop 192.0.3.1", "the next hop is on no connected network"});
        s.routes = {{{v4("10.1.0.0"), 16}, v4("192.0.2.1")}};
        CHECK(error_of(s).message == "the next hop is an address of the gateway itself");
    }
    SUBCASE("limits") {
        s.tcp_mss = 63;
        CHECK(error_of(s).path == "security flow tcp-mss all-tcp mss");
        s.tcp_mss = 0;
        s.arp.tries = 0;
        CHECK(error_of(s).path == "arp");
        s.arp.tries = 1;
        s.arp.retry = {};
        CHECK(error_of(s).message == "a time is not positive");
        s.arp.retry = duration{1};
        s.errors.burst = 0;
        CHECK(error_of(s).path == "icmp");
        s.errors.per_second = 0;
        CHECK(report_on(s).clean());
    }
}

TEST_CASE("every error at once; an interface without an address is worth a warning") {
    auto s = good();
    s.interfaces[0].zone = "nowhere";
    s.interfaces[0].addresses.clear();
    s.interfaces[1].vlan = 0;
    s.routes.push_back({{v4("20.0.0.0"), 8}, v4("10.0.0.9")});
    s.tcp_mss = 1;
    const auto r = report_on(s);
    CHECK(r.errors.size() == 4);
    CHECK(r.warnings.size() == 1);
}
