// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/compile_zones.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("address books: a zone's own, attached and global ones, sets within sets, any") {
    const loaded l(sound + R"(
set security address-book B address servers 198.51.100.0/24
set security address-book B address-set all address servers
set security address-book B address-set more address-set all
set security address-book B attach zone untrust
set security address-book global address mail 198.51.100.25/32
set security address-book global address odd range-address 192.0.2.5 to 192.0.2.6
set security policies from-zone trust to-zone untrust policy rest match destination-address [ more odd mail ]
delete security policies from-zone trust to-zone untrust policy rest match destination-address any
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK(decide(*l.result.value, "trust", "198.51.100.7", 6, 80).action == policy::policy_action::permit);
    CHECK(decide(*l.result.value, "trust", "192.0.2.6", 6, 80).action == policy::policy_action::permit);
    CHECK(decide(*l.result.value, "trust", "192.0.2.7", 6, 80).action == policy::policy_action::deny);
}

TEST_CASE("host-inbound-traffic: all services but one, in a zone and at an interface") {
    const loaded l(sound + R"(
set interfaces eth2 unit 0 family inet address 10.1.0.1/24
set interfaces eth3 unit 0 family inet address 10.2.0.1/24
delete security zones security-zone trust host-inbound-traffic
set security zones security-zone trust host-inbound-traffic system-services all
set security zones security-zone trust host-inbound-traffic system-services ping except
set security zones security-zone trust interfaces eth2.0 host-inbound-traffic system-services all
set security zones security-zone trust interfaces eth2.0 host-inbound-traffic system-services ssh except
security { zones { security-zone untrust { interfaces { eth3.0 { host-inbound-traffic { system-services {
    all;
    ping { except; }
} } } } } } }
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK(l.result.warnings.empty());
    std::string answers;
    for (const auto& i : l.result.value->host.interfaces) {
        answers += i.answer_ping ? i.name + ' ' : std::string();
    }
    CHECK(answers == "eth2.0 ");
}

TEST_CASE("host-inbound-traffic: an exception needs all services, and all is none") {
    const loaded l(sound + R"(
set security zones security-zone trust interfaces eth1.0 host-inbound-traffic system-services ssh except
set security zones security-zone untrust host-inbound-traffic system-services ping except
set security zones security-zone untrust host-inbound-traffic system-services any-service except
)");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.result.errors.size() == 3);
    const std::string zones = "security zones security-zone ";
    CHECK(l.error(zones + "trust interfaces eth1.0 host-inbound-traffic system-services ssh except",
                  "system-services all must be said too", "except"));
    CHECK(l.error(zones + "untrust host-inbound-traffic system-services ping except",
                  "system-services all must be said too", "except"));
    CHECK(l.error(zones + "untrust host-inbound-traffic system-services any-service except", "cannot be an exception",
                  "except"));
}

TEST_CASE("interfaces of a zone are named, all of them is not supported") {
    const loaded l(sound + "set security zones security-zone untrust interfaces all\n");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.result.errors.size() == 1);
    CHECK(l.error("security zones security-zone untrust interfaces all", "all is not supported here", "all\n"));
}

TEST_CASE("a zone that nothing leads to has the networks of its address book, except those behind another zone") {
    const std::string paper = R"(
set security zones security-zone a address-book address x 10.1.0.0/16
set security zones security-zone b address-book address y 10.2.0.0/16
set security zones security-zone b address-book address all 0.0.0.0/0
)";
    const loaded l(paper);
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK(l.result.value->gateway.policy.zones[0].networks == std::vector{*prefix<ipv4>::parse("10.1.0.0/16")});
    CHECK(l.result.value->gateway.policy.zones[1].networks ==
          std::vector{*prefix<ipv4>::parse("10.2.0.0/16"), prefix<ipv4>{}});

    const loaded live(paper +
                      "set interfaces eth0 unit 0 family inet address 10.2.3.1/24\nset security zones security-zone c "
                      "interfaces eth0.0\n");
    INFO(live.told());
    REQUIRE(live.result.value);
    const auto& zones = live.result.value->gateway.policy.zones;
    CHECK(zones[0].networks.size() == 1);
    CHECK(zones[1].networks.empty());
    CHECK(zones[2].networks == std::vector{*prefix<ipv4>::parse("10.2.3.0/24")});
    CHECK(live.warning("security zones security-zone b", "has no networks: nothing is ever sent to it",
                       "security-zone b"));
}
