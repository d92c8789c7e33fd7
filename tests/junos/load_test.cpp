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
