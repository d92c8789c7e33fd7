// SPDX-License-Identifier: Apache-2.0
/// What statements mean, and what is said about those that mean nothing: text in, settings and remarks out.
#include "ikealg/junos/compile.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("a sound configuration has no remark, and everything it says is in the settings") {
    const loaded l(sound);
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK(l.result.errors.empty());
    CHECK(l.result.warnings.empty());
    const auto& c = *l.result.value;

    REQUIRE(c.devices.size() == 2);
    CHECK(c.devices[0].name == "eth1");
    CHECK(c.devices[0].kind == junos::backend::af_packet);
    CHECK(c.devices[0].present);
    REQUIRE(c.host.interfaces.size() == 2);
    const auto& inside = c.host.interfaces[0];
    CHECK(inside.name == "eth1.0");
    CHECK(inside.port == 0);
    CHECK_FALSE(inside.vlan);
    CHECK(inside.zone == "trust");
    CHECK(inside.answer_ping);
    const auto& outside = c.host.interfaces[1];
    CHECK(outside.port == 1);
    CHECK(outside.vlan == 10);
    CHECK_FALSE(outside.answer_ping);
    REQUIRE(outside.proxy_arp.size() == 1);
    CHECK(to_string(outside.proxy_arp[0]) == "203.0.113.16 to 203.0.113.31");
    CHECK(c.gateway.interfaces.size() == 2);
    CHECK(c.host.routes.size() == 2);

    const auto& zones = c.gateway.policy.zones;
    REQUIRE(zones.size() == 2);
    CHECK(zones[0].networks == std::vector{*prefix<ipv4>::parse("192.168.1.0/24"), *prefix<ipv4>::parse("10.0.0.0/8")});
    CHECK(zones[1].networks == std::vector{*prefix<ipv4>::parse("203.0.113.0/24"), prefix<ipv4>{}});
    CHECK(decide(c, "trust", "8.8.8.8", 17, 500).ike_esp_nat);
    CHECK(decide(c, "trust", "8.8.8.8", 17, 500).log_close);
    CHECK_FALSE(decide(c, "trust", "8.8.8.8", 6, 80).ike_esp_nat);
    CHECK(decide(c, "trust", "8.8.8.8", 6, 80).action == policy::policy_action::permit);
    CHECK(decide(c, "trust", "10.1.1.1", 6, 80).action == policy::policy_action::deny);  // trust to trust
    const auto made = gateway_configuration<ipv4>::build(c.gateway);
    REQUIRE(made.value);
    CHECK(made.value->rules.match(zone_id{0}, zone_id{1}, *ipv4_address::parse("192.168.1.9"), {}).kind ==
          nat::nat_kind::pool);
    CHECK(made.value->rules.match(zone_id{0}, zone_id{1}, *ipv4_address::parse("192.168.2.9"), {}).kind ==
          nat::nat_kind::none);
}

TEST_CASE("missing references: each is told once, where it stands, with the nearest name") {
    const loaded l(sound + R"(
set security policies from-zone trust to-zone untrust policy more match source-address [ any lann ]
set security policies from-zone trust to-zone untrust policy more match destination-address any
set security policies from-zone trust to-zone untrust policy more match application [ junos-ssh junos-htpps ]
set security policies from-zone trust to-zone untrust policy more then deny
set security policies from-zone trust to-zone untrst policy x match source-address any
set security policies from-zone trust to-zone untrst policy x match destination-address any
set security policies from-zone trust to-zone untrst policy x match application any
set security policies from-zone trust to-zone untrst policy x then deny
set security nat source rule-set out rule more then source-nat pool PP
set security nat source rule-set out to zone dmz
set security nat proxy-arp interface eth0.11 address 203.0.113.40
set security zones security-zone trust address-book address-set s address lam
set security address-book B attach zone trus
set applications application-set t application ikee
set routing-options static route 172.16.0.0/12 next-hop 172.16.0.1
)");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.result.errors.size() == 10);
    const std::string pair = "security policies from-zone trust to-zone untrust policy more match ";
    CHECK(l.error(pair + "source-address lann", "address lann is not defined; did you mean lan?", "lann ]"));
    CHECK(l.error(pair + "application junos-htpps", "application junos-htpps is not defined; did you mean junos-https?",
                  "junos-htpps ]"));
    CHECK(l.error("security policies from-zone trust to-zone untrst policy x",
                  "zone untrst is not defined; did you mean untrust?", "policy x"));
    CHECK(l.error("security nat source rule-set out rule more then source-nat pool PP",
                  "pool PP is not defined; did you mean P?", "PP"));
    CHECK(l.error("security nat source rule-set out to zone dmz", "zone dmz is not defined", "dmz"));
    CHECK(l.error("security nat proxy-arp interface eth0.11",
                  "interface eth0.11 is not configured below interfaces; did you mean eth0.10?", "eth0.11"));
    CHECK(l.error("security zones security-zone trust address-book address-set s address lam",
                  "address lam is not defined; did you mean lan?", "lam\n"));
    CHECK(
        l.error("security address-book B attach zone trus", "zone trus is not defined; did you mean trust?", "trus\n"));
    CHECK(l.error("applications application-set t application ikee",
                  "application ikee is not defined; did you mean ike?", "ikee"));
    CHECK(l.error("routing-options static route 172.16.0.0/12 next-hop 172.16.0.1", "is on no connected network",
                  "172.16.0.1\n"));
}

TEST_CASE("overlaps and doubles: pools, networks, tags, zones of an interface, static rules") {
    const loaded l(sound + R"(
set security nat source pool Q address 203.0.113.20 to 203.0.113.40
set security nat static rule-set S from zone untrust
set security nat static rule-set S rule R match destination-address 203.0.113.31/32
set security nat static rule-set S rule R then static-nat prefix 192.168.1.32/32
set interfaces eth0 unit 11 vlan-id 10
set interfaces eth0 unit 12 family inet address 203.0.113.130/25
set interfaces eth0 unit 13 family inet address 198.18.0.1/30
set security zones security-zone untrust interfaces eth0.12
set security zones security-zone untrust interfaces eth1.0
)");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.result.errors.size() == 6);
    CHECK(l.error("security nat source pool Q address 203.0.113.20 to 203.0.113.40",
                  "overlaps 203.0.113.16 to 203.0.113.31 of pool P", "203.0.113.20"));
    CHECK(l.error("security nat static rule-set S rule R outside", "overlaps", "rule R"));
    CHECK(l.error("interfaces eth0 unit 11 vlan-id 10", "vlan-id 10 is already that of eth0.10", "vlan-id 10"));
    CHECK(l.error("interfaces eth0 unit 12 family inet address 203.0.113.130/25",
                  "network 203.0.113.128/25 overlaps 203.0.113.0/24 of eth0.10", "address"));
    CHECK(l.error("interfaces eth0 unit 13", "eth0.12 has no vlan-id either", "unit 13"));
    CHECK(l.error("security zones security-zone untrust interfaces eth1.0", "interface eth1.0 is already in zone trust",
                  "eth1.0"));
}

TEST_CASE("what is missing: match, then, action, addresses, protocol, next-hop") {
    const loaded l(sound + R"(
set security policies from-zone trust to-zone untrust policy empty
set security policies from-zone trust to-zone untrust policy half match source-address any
set security policies from-zone trust to-zone untrust policy half then log session-init
set security nat source pool none port no-translation
set security nat source rule-set out rule idle match source-address 10.0.0.0/8
set security nat source rule-set lost rule r then source-nat off
set security nat static rule-set S rule R match destination-address 198.51.100.32/30
set applications application bare destination-port 5
set applications application-set hollow description nothing
set security zones security-zone trust address-book address void description nothing
set security zones security-zone trust address-book address-set self address-set self
set routing-options static route 172.16.0.0/12
)");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    const std::string pair = "security policies from-zone trust to-zone untrust policy ";
    CHECK(l.error(pair + "empty", "has no match source-address", "policy empty"));
    CHECK(l.error(pair + "empty", "has no match destination-address", "policy empty"));
    CHECK(l.error(pair + "empty", "has no match application", "policy empty"));
    CHECK(l.error(pair + "empty", "has no action: permit, deny or reject", "policy empty"));
    CHECK(l.error(pair + "half match", "has no match application; `any` matches all", "match"));
    CHECK(l.error(pair + "half then", "has no action", "then"));
    CHECK(l.error("security nat source pool none", "has no addresses", "pool none"));
    CHECK(l.error("security nat source rule-set out rule idle", "has no action", "rule idle"));
    CHECK(l.error("security nat source rule-set lost from zone", "at least one zone is needed", "rule-set lost"));
    CHECK(l.error("security nat source rule-set lost to zone", "at least one zone is needed", "rule-set lost"));
    CHECK(l.error("security nat static rule-set S", "has no from zone", "rule-set S"));
    CHECK(l.error("security nat static rule-set S rule R", "static-nat prefix", "rule R"));
    CHECK(l.error("applications application bare", "has no protocol", "application bare"));
    CHECK(l.error("applications application-set hollow", "has no members", "application-set hollow"));
    CHECK(l.error("security zones security-zone trust address-book address void", "neither a prefix nor a range",
                  "address void"));
    CHECK(l.error("security zones security-zone trust address-book address-set self address-set self",
                  "contains itself: self > self", "self\n"));
    CHECK(l.error("routing-options static route 172.16.0.0/12", "has no next-hop", "route 172"));
}

TEST_CASE("values out of range, once each, also those that only a profile refuses") {
    const loaded l(sound + R"(
set security alg ike-esp-nat state-timeout 100
set security alg ike-esp-nat esp-gate-timeout 31
set security alg ike-esp-nat ikealg profile junos
set security flow ikealg other-timeout 9
set security flow tcp-mss all-tcp mss 5
set interfaces eth3 unit 0 vlan-id 4095
set interfaces eth3 unit 0 family inet address 10.1.1.255/24
set security zones security-zone trust interfaces eth3.0
set security zones security-zone trust address-book address bits 10.1.1.1/24
set routing-options static route 10.9.9.9/8 next-hop 192.168.1.7
set applications application gap protocol udp destination-port 9-5
set security nat source pool Q address 198.51.100.9 to 198.51.100.5
set security nat source pool R address 198.51.100.20
set security nat source pool R port range 80 to 90
)");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.error("security alg ike-esp-nat state-timeout 100", "180 to 86400", "100"));
    CHECK(l.error("security alg ike-esp-nat esp-gate-timeout 31", "2 to 30 seconds", "31"));
    CHECK(l.error("security flow ikealg other-timeout 9", "10 to 86400", "9"));
    CHECK(l.error("security flow tcp-mss all-tcp mss 5", "64 to 65535", "5"));
    CHECK(l.error("interfaces eth3 unit 0 vlan-id 4095", "1 to 4094", "4095"));
    CHECK(l.error("interfaces eth3 unit 0 family inet address 10.1.1.255/24", "broadcast", "10.1.1.255/24"));
    CHECK(l.error("security zones security-zone trust address-book address bits 10.1.1.1/24",
                  "the network is 10.1.1.0/24", "10.1.1.1/24"));
    CHECK(l.error("routing-options static route 10.9.9.9/8", "the network is 10.0.0.0/8", "10.9.9.9/8"));
    CHECK(l.error("applications application gap destination-port 9-5", "", "9-5"));
    CHECK(l.error("security nat source pool Q address 198.51.100.9 to 198.51.100.5", "its end lies below its start",
                  "198.51.100.9"));
    CHECK(l.error("security nat source pool R port range 80 to 90", "1024 to 65535", "80"));
    for (const auto& e : l.result.errors) {
        CAPTURE(to_string(e, l.sources));
        CHECK(std::count_if(l.result.errors.begin(), l.result.errors.end(),
                            [&](const auto& o) { return o.at == e.at && o.statement == e.statement; }) == 1);
    }
}

TEST_CASE("warnings: what is allowed and still likely a mistake") {
    const loaded l(sound + R"(
delete security nat source address-persistent
delete security nat proxy-arp
set security zones security-zone empty
set security zones security-zone far interfaces wan9.0
set security zones security-zone trust host-inbound-traffic protocols bgp
set security policies from-zone trust to-zone untrust policy late match source-address lan
set security policies from-zone trust to-zone untrust policy late match destination-address any
set security policies from-zone trust to-zone untrust policy late match application junos-ike
set security policies from-zone trust to-zone untrust policy late then deny
set interfaces eth5 unit 0 family inet address 10.5.0.1/24
set routing-options static route 192.168.1.0/24 next-hop 203.0.113.7
set security address-book B address a 10.0.0.1
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK(l.warning("security nat source", "always on", "source"));
    CHECK(l.warning("security nat source pool P address 203.0.113.16/28", "lies on the network of eth0.10",
                    "203.0.113.16/28"));
    CHECK(l.warning("security zones security-zone empty", "zone empty has no interface", "security-zone empty"));
    CHECK(l.warning("security zones security-zone far interfaces wan9.0", "there is no Linux device wan9", "wan9.0"));
    CHECK(l.warning("security zones security-zone far interfaces wan9.0", "is not configured below interfaces",
                    "wan9.0"));
    CHECK(l.warning("security zones security-zone trust host-inbound-traffic protocols bgp", "without effect",
                    "protocols"));
    CHECK(l.warning("security policies from-zone trust to-zone untrust policy late",
                    "never reached: policy ike before it", "policy late"));
    CHECK(l.warning("interfaces eth5 unit 0", "is in no zone", "unit 0"));
    CHECK(l.warning("routing-options static route 192.168.1.0/24", "is connected", "route 192"));
    CHECK(l.warning("security address-book B", "attached to no zone", "address-book B"));
    CHECK(l.result.value->host.interfaces.size() == 3);
}

TEST_CASE("a configuration without a word compiles, and denies everything") {
    const loaded l("");
    REQUIRE(l.result.value);
    CHECK(l.result.warnings.empty());
    CHECK(l.result.value->devices.empty());
    CHECK(l.result.value->gateway.policy.otherwise == policy::default_policy::deny_all);
    CHECK_FALSE(l.result.value->gateway.alg.enabled);
}

TEST_CASE("inactive statements mean nothing") {
    const loaded l(sound +
                   "\ndeactivate security alg ike-esp-nat\ndeactivate security policies from-zone trust to-zone "
                   "untrust policy ike\n");
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK_FALSE(l.result.value->gateway.alg.enabled);
    CHECK(l.result.value->gateway.policy.policies.size() == 1);
}
