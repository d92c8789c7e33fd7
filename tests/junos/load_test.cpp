// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("errors of form and of meaning are told together, in the order of the text") {
    const loaded l(
        "set security zones security-zone a interfacs eth0.0\n"
        "set security nat source pool P adress 10.0.0.1\n"
        "set security nat source rule-set r from zone b\n");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.error("security nat source rule-set r", "has no rules", "rule-set r"));
    CHECK(l.error("security nat source rule-set r from zone b", "zone b is not defined", "b\n"));
    CHECK(l.result.errors.size() >= 4);
    CHECK(std::is_sorted(l.result.errors.begin(), l.result.errors.end(),
                         [](const auto& x, const auto& y) { return x.at.line < y.at.line; }));
}

TEST_CASE("nothing is called missing where something could not be read") {
    const std::string pair = "set security policies from-zone trust to-zone untrust policy ";
    for (const std::string& line : {
             pair + "pz match source-address any destination-address any application [ any junos-ssh\n",
             pair + "pz match source-address any destination-address any application any then\n",
             pair + "pz match source-address [ any destination-address any application any\n",
             pair + "pz then xyz\n",
             std::string("set security nat source rule-set second form zone trust\n"),
             std::string("set security nat source rule-set second xyz\n"),
             std::string("set security nat static rule-set second rule r match xyz\n"),
             std::string("set security nat source pool Q xyz\n"),
             std::string("set security nat source rule-set out rule more then xyz\n"),
             std::string("set applications application web protocol udpp destination-port 80\n"),
             std::string("set applications application web xyz udp destination-port 80\n"),
             std::string("set applications application-set all xyz ike\n"),
             std::string("set security zones security-zone trust address-book address x 10.0.0.0/33\n"),
             std::string("set security zones security-zone trust address-book address x range-address 10.0.0.1\n"),
             std::string("set security zones security-zone third xyz\n"),
             std::string("set routing-options static route 172.16.0.0/12 xyz 192.168.1.7\n"),
             std::string(
                 "security { policies { from-zone trust to-zone untrust { policy pz { match {\n"
                 "source-address [ any; destination-address any; application any; } then { permit; } } } } }\n"),
             std::string("security { nat { source { rule-set second { xyz zone trust; to zone trust; } } } }\n"),
         }) {
        const loaded l(sound + line);
        CAPTURE(line);
        INFO(l.told());
        CHECK(l.result.errors.size() == 1);
        CHECK(l.result.warnings.empty());
        CHECK_FALSE(l.result.value);
    }
    const loaded l(sound + pair + "pz then xyz\n" + pair + "other then permit\n");
    INFO(l.told());
    CHECK(l.result.errors.size() == 4);  // of another policy it is told
}

TEST_CASE("a word that is not known is told once, and what it would mean is not told at all") {
    const loaded l(sound + R"(
set security alg ike-esp-nat ikealg profile junox
set security zones security-zone untrust host-inbound-traffic system-services pong
set interfaces eth1 unit 4 vlan-id 4095
)");
    INFO(l.told());
    CHECK(l.result.errors.size() == 3);
    CHECK(l.error("security alg ike-esp-nat ikealg profile junox", "did you mean \"junos\"?", "junox"));
    CHECK(l.error("security zones security-zone untrust host-inbound-traffic system-services pong",
                  "did you mean \"ping\"?", "pong"));
    CHECK(l.error("interfaces eth1 unit 4 vlan-id 4095", "1 to 4094", "4095"));
    CHECK_FALSE(l.warning("security zones security-zone untrust host-inbound-traffic system-services pong",
                          "without effect", "pong"));
}
