// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/interface_table.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;

namespace {

host::interface_settings unit(const std::string& name, std::size_t port, std::optional<std::uint16_t> vlan, const std::string& zone, const char* address) {
    return {name, port, vlan, zone, {{v4(address), 24}}, {}, 0, false, false};
}
host::interface_table table_of(std::vector<host::interface_settings> units, const host::interface_table& old = {}) {
    host::host_settings s;
    s.interfaces = std::move(units);
    std::vector<policy::zone_settings<ipv4>> zones(2);
    zones[0].name = "a";
    zones[1].name = "b";
    return {s, zones, {{{{2, 0, 0, 0, 0, 1}}, 1500, true}, {{}, 1400, false}}, old};
}

}  // namespace

TEST_CASE("a frame's interface, by port and tag") {
    const auto t = table_of({unit("x.0", 0, {}, "a", "10.0.0.1"), unit("x.7", 0, std::uint16_t{7}, "b", "10.0.1.1"), unit("x.4094", 0, std::uint16_t{4094}, "b", "10.0.2.1"),
                          unit("t", 1, {}, "a", "10.0.3.1")});
    CHECK(t[t.find(0, 0)].name == "x.0");
    CHECK(t[t.find(0, 7)].name == "x.7");
    CHECK(t[t.find(0, 7)].zone == zone_id{1});
    CHECK(t[t.find(0, 4094)].name == "x.4094");
    CHECK(t.find(0, 8) == npos);
    CHECK(t.find(0, 4095) == npos);
    CHECK(t[t.find(1, 0)].name == "t");
    CHECK(t[t.find(1, 0)].mtu == 1400);
    CHECK(t.find(1, 7) == npos);
    CHECK(t.connected().size() == 4);
}

TEST_CASE("numbers stay with names over replacements; free ones are used again") {
    const auto first = table_of({unit("a", 0, std::uint16_t{1}, "a", "10.0.0.1"), unit("b", 0, std::uint16_t{2}, "a", "10.0.1.1"), unit("c", 0, std::uint16_t{3}, "a", "10.0.2.1")});
    const auto b = first.find(0, 2);
    const auto second = table_of({unit("d", 0, std::uint16_t{4}, "a", "10.0.3.1"), unit("c", 0, std::uint16_t{3}, "a", "10.0.2.1"), unit("a", 0, std::uint16_t{9}, "a", "10.0.0.1")}, first);
    CHECK(second.find(0, 3) == first.find(0, 3));
    CHECK(second.find(0, 9) == first.find(0, 1));
    CHECK(second.find(0, 4) == b);
    CHECK(second.find(0, 2) == npos);
    CHECK(second[first.find(0, 3)].same_link(first[first.find(0, 3)]));
    CHECK(!second[first.find(0, 1)].same_link(first[first.find(0, 1)]));  // another tag
    const auto third = table_of({unit("c", 0, std::uint16_t{3}, "a", "10.0.2.1")}, second);
    CHECK(third.is_live(third.find(0, 3)));
    CHECK(!third.is_live(b));
    CHECK(!third.is_live(npos));
    std::size_t live = 0;
    third.for_each([&](std::uint32_t, const host::interface&) { ++live; });
    CHECK(live == 1);
}

TEST_CASE("what is the gateway's own on an interface") {
    auto u = unit("a", 0, {}, "a", "10.0.0.1");
    u.addresses.push_back({v4("10.0.1.1"), 31});
    u.proxy_arp = {{v4("10.0.0.200"), v4("10.0.0.209")}, {v4("10.0.0.100"), v4("10.0.0.100")}, {v4("10.0.0.210"), v4("10.0.0.220")}};
    const auto t = table_of({u});
    const auto& i = t[0];
    for (const char* own : {"10.0.0.1", "10.0.1.1", "10.0.0.100", "10.0.0.200", "10.0.0.209", "10.0.0.210", "10.0.0.220"}) {
        CHECK(i.answers_for(v4(own)));
    }
    for (const char* other : {"10.0.0.2", "10.0.0.99", "10.0.0.101", "10.0.0.199", "10.0.0.221", "0.0.0.0", "255.255.255.255"}) {
        CHECK(!i.answers_for(v4(other)));
    }
    CHECK(i.owns(v4("10.0.1.1")));
    CHECK(!i.owns(v4("10.0.0.100")));
    CHECK(i.address_toward(v4("10.0.1.0")) == v4("10.0.1.1"));
    CHECK(i.address_toward(v4("10.0.0.9")) == v4("10.0.0.1"));
    CHECK(i.address_toward(v4("99.0.0.9")) == v4("10.0.0.1"));
    CHECK(i.neighbour_of(v4("99.0.0.9")) == nullptr);
    CHECK(i.is_broadcast(v4("10.0.0.255")));
    CHECK(i.is_broadcast(v4("10.0.0.0")));
    CHECK(!i.is_broadcast(v4("10.0.1.0")));  // RFC 3021
    CHECK(host::interface{}.address_toward(v4("10.0.0.9")) == ipv4_address{});
}

TEST_CASE("a configured MTU only lowers the device's") {
    auto u = unit("a", 0, {}, "a", "10.0.0.1");
    u.mtu = 1300;
    CHECK(table_of({u})[0].mtu == 1300);
    u.mtu = 9000;
    CHECK(table_of({u})[0].mtu == 1500);
}
