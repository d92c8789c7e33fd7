// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/compile_interfaces.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("interfaces: backends, units, Linux names with dots, host-inbound-traffic of the interface over the zone's") {
    const loaded l(sound + R"(
set interfaces eth2.5 unit 0 family inet address 10.99.0.1/24
set interfaces eth2.5 unit 0 family inet address 10.99.0.2/24
set interfaces vpn ikealg backend tun
set interfaces vpn unit 3 family inet address 10.98.0.1/32
set interfaces tap0 ikealg backend tap
set interfaces tap0 unit 0 family inet address 10.97.0.1/31
set interfaces eth2.5 description "no effect, and no warning"
set interfaces eth2.5 unit 0 description "the same"
set interfaces eth2.5 mtu 1414
set interfaces eth2.5 ikealg receive-buffer 1048576
set interfaces vpn ikealg receive-buffer 1048576
set interfaces vpn mtu 1390
set interfaces tap0 unit 0 family inet mtu 1380
set interfaces eth3 mtu 1414
set interfaces eth3 unit 7 vlan-id 7 family inet address 10.96.0.1/24
set interfaces eth3 unit 8 vlan-id 8
set interfaces eth3 unit 8 family inet mtu 1280 address 10.95.0.1/24
set security zones security-zone trust interfaces eth3.7
set security zones security-zone trust interfaces eth3.8
set security zones security-zone trust interfaces eth2.5
set security zones security-zone trust interfaces vpn.3 host-inbound-traffic system-services ssh
set security zones security-zone trust interfaces tap0
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    const auto& c = *l.result.value;
    const auto at = [&](std::string_view name) {
        const auto i = std::find_if(c.host.interfaces.begin(), c.host.interfaces.end(),
                                    [&](const auto& each) { return each.name == name; });
        REQUIRE(i != c.host.interfaces.end());
        return *i;
    };
    CHECK(c.devices[at("eth2.5.0").port].name == "eth2.5");
    CHECK(at("eth2.5.0").addresses.size() == 2);
    CHECK(at("eth2.5.0").answer_ping);
    CHECK(c.devices[at("vpn.3").port].kind == junos::backend::tun);
    CHECK_FALSE(at("vpn.3").answer_ping);
    CHECK(c.devices[at("tap0.0").port].kind == junos::backend::tap);
    CHECK(at("eth2.5.0").mtu == 1400);  // of IP packets; Junos counts the link header at the device
    CHECK(at("vpn.3").mtu == 1390);
    CHECK(at("tap0.0").mtu == 1380);
    CHECK(at("eth3.7").mtu == 1396);
    CHECK(at("eth3.8").mtu == 1280);
    CHECK(at("eth1.0").mtu == 0);
    CHECK(c.devices[at("eth2.5.0").port].receive_buffer == 1048576);
    CHECK(c.devices[at("eth1.0").port].receive_buffer == 0);
    CHECK(l.warning("interfaces vpn ikealg receive-buffer 1048576", "has no effect: tun devices", "receive-buffer"));
    CHECK(l.result.warnings.size() == 2);  // neither a tap nor a tun must be there before
    CHECK(l.warning("security zones security-zone trust interfaces vpn.3 host-inbound-traffic system-services ssh",
                    "answers ping only", "ssh"));
}

TEST_CASE("interfaces: what needs a link layer is refused on a TUN, as the gateway would at its start") {
    const std::string tun = sound + R"(
set interfaces vpn ikealg backend tun
set interfaces vpn unit 0 family inet address 10.98.0.1/24
set security zones security-zone trust interfaces vpn.0
)";
    CHECK(loaded(tun).result.value);
    for (const char* more : {"set interfaces vpn unit 0 vlan-id 5\n", "set security nat proxy-arp interface vpn.0 address 10.98.0.5\n"}) {
        CAPTURE(more);
        const loaded l(tun + more);
        CHECK_FALSE(l.result.value);
        CHECK(l.told().find("interface vpn.0: the device vpn is a TUN, which has no link layer") != std::string::npos);
    }
}
