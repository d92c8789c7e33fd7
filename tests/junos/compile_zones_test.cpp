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
