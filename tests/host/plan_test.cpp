// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/plan.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;

namespace {

const std::vector<host::port_facts> two_ports{{{{2, 0, 0, 0, 0, 1}}, 1500, true}, {{}, 1500, false}};

settings<ipv4> zones(const std::vector<std::string>& names) {
    settings<ipv4> s;
    for (const auto& n : names) {
        s.policy.zones.emplace_back();
        s.policy.zones.back().name = n;
    }
    s.decrement_ttl = false;
    return s;
}
host::host_settings usual() {
    host::host_settings h;
    h.interfaces = {{"lan", 0, {}, "in", {{v4("10.0.0.1"), 24}}, {}, 0, false, false}, {"tun", 1, {}, "out", {{v4("192.0.2.1"), 24}}, {}, 0, false, false}};
    h.routes = {{{v4("0.0.0.0"), 0}, v4("192.0.2.254")}};
    return h;
}
using networks = std::vector<prefix<ipv4>>;

}  // namespace

TEST_CASE("the core learns own addresses and networks from interfaces and routes, as far as it is not told") {
    auto s = zones({"in", "out"});
    s.interfaces = {{"in", v4("10.0.0.1")}, {"in", v4("10.99.0.1")}};
    const auto made = host::router_plan::build(s, usual(), two_ports, {}, {});
    REQUIRE(made);
    const auto& core = made.value->core;
    CHECK(core.decrement_ttl);
    REQUIRE(core.interfaces.size() == 3);
    CHECK(core.interfaces[2].zone == "out");
    CHECK(core.interfaces[2].address == v4("192.0.2.1"));
    CHECK(core.policy.zones[0].networks == networks{{v4("10.0.0.0"), 24}});
    CHECK(core.policy.zones[1].networks == networks{{v4("0.0.0.0"), 0}, {v4("192.0.2.0"), 24}});
    SUBCASE("a network that a zone claims stays there") {
        s.policy.zones[0].networks = {{v4("0.0.0.0"), 0}};
        const auto other = host::router_plan::build(s, usual(), two_ports, {}, {});
        CHECK(other.value->core.policy.zones[1].networks == networks{{v4("192.0.2.0"), 24}});
    }
}

TEST_CASE("zones keep their numbers; one that is gone leaves an empty one") {
    const auto made = host::router_plan::build(zones({"new", "out", "in"}), usual(), two_ports, {}, {"in", "gone", "out"});
    REQUIRE(made);
    CHECK(made.value->zone_names() == std::vector<std::string>{"in", "gone", "out", "new"});
    CHECK(made.value->core.policy.zones[1].networks.empty());
    CHECK(made.value->interfaces[made.value->interfaces.find(1, 0)].zone == zone_id{2});
}

TEST_CASE("errors and warnings of the settings, and VLANs on a device that has none") {
    auto h = usual();
    h.interfaces[1].vlan = 7;
    h.interfaces[0].zone = "nowhere";
    auto made = host::router_plan::build(zones({"in", "out"}), h, two_ports, {}, {});
    CHECK(!made);
    REQUIRE(made.errors.size() == 2);
    CHECK(made.errors[1] == configuration_error{"interfaces tun", "a device without a link layer has neither VLANs nor ARP"});
    h = usual();
    h.interfaces[0].addresses.clear();
    made = host::router_plan::build(zones({"in", "out"}), h, two_ports, {}, {});
    CHECK(made);
    CHECK(made.warnings.size() == 1);
}
