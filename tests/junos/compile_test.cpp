// SPDX-License-Identifier: Apache-2.0
/// What statements mean, and what is said about those that mean nothing: text in, settings and remarks out.
#include "ikealg/junos/compile.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/junos/load.hpp"

using namespace ikealg;
using namespace std::chrono_literals;

namespace {

bool has_eth(std::string_view device) {
    return device.substr(0, 3) == "eth";
}

struct loaded {
    std::vector<junos::source_text> sources;
    junos::configuration_result result;

    explicit loaded(const std::string& text) : sources{{"test", text}}, result(junos::load(sources, has_eth)) {}

    [[nodiscard]] std::string told() const {
        std::string text;
        for (const auto& e : result.errors) {
            text += "\nerror " + to_string(e, sources);
        }
        for (const auto& w : result.warnings) {
            text += "\nwarning " + to_string(w, sources);
        }
        return text;
    }
    /// An error with this statement and in the message this part; line and column must be those of the word `at` in the text.
    [[nodiscard]] bool error(std::string_view statement, std::string_view part, std::string_view at) const {
        return says(result.errors, statement, part, at);
    }
    [[nodiscard]] bool warning(std::string_view statement, std::string_view part, std::string_view at) const {
        return says(result.warnings, statement, part, at);
    }

private:
    [[nodiscard]] bool says(const std::vector<junos::diagnostic>& list, std::string_view statement,
                            std::string_view part, std::string_view at) const {
        return std::any_of(list.begin(), list.end(), [&](const auto& d) {
            return d.statement == statement && d.message.find(part) != std::string::npos &&
                   text_at(d.at).substr(0, at.size()) == at;
        });
    }
    [[nodiscard]] std::string_view text_at(junos::position p) const {
        std::string_view text = sources[0].text;
        for (std::uint32_t line = 1; line < p.line; ++line) {
            text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
        }
        return p.line == 0 ? std::string_view() : text.substr(std::min<std::size_t>(p.column - 1, text.size()));
    }
};

/// A small gateway that has nothing to be warned of.
const std::string sound = R"(
security {
    zones {
        security-zone trust {
            address-book { address lan 192.168.1.0/24; }
            host-inbound-traffic { system-services { ping; } }
            interfaces { eth1.0; }
        }
        security-zone untrust {
            interfaces { eth0.10; }
        }
    }
    nat {
        source {
            pool P { address { 203.0.113.16/28; } }
            address-persistent;
            rule-set out {
                from zone trust;
                to zone untrust;
                rule all {
                    match { source-address 192.168.1.0/24; }
                    then { source-nat { pool { P; } } }
                }
            }
        }
        proxy-arp { interface eth0.10 { address { 203.0.113.16/28; } } }
    }
    policies {
        from-zone trust to-zone untrust {
            policy ike {
                match { source-address lan; destination-address any; application ike; }
                then { permit; log { session-init; session-close; } }
            }
            policy rest {
                match { source-address any; destination-address any; application any; }
                then { permit; }
            }
        }
    }
    alg { ike-esp-nat { enable; } }
}
applications {
    application ike { protocol udp; destination-port 500; application-protocol ike-esp-nat; }
}
interfaces {
    eth1 { unit 0 { family inet { address 192.168.1.1/24; } } }
    eth0 { unit 10 { vlan-id 10; family inet { address 203.0.113.2/24; } } }
}
routing-options {
    static { route 0.0.0.0/0 next-hop 203.0.113.1; route 10.0.0.0/8 next-hop 192.168.1.254; }
}
)";

policy::policy_decision decide(const junos::configuration& c, std::string_view from, std::string_view destination,
                               std::uint8_t protocol, std::uint16_t port_number) {
    const auto made = gateway_configuration<ipv4>::build(c.gateway);
    REQUIRE(made.value);
    const auto& set = made.value->policy;
    const auto source = *ipv4_address::parse("192.168.1.5");
    const auto to = *ipv4_address::parse(destination);
    const auto zone = set.zone_of({}, to);
    REQUIRE(zone);
    return set.match({*set.find_zone(from), *zone, source, to, protocol, port{1000}, port{port_number}});
}

}  // namespace

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

TEST_CASE("a profile sets defaults, and what the text says comes over them, wherever it stands") {
    const loaded l(sound + R"(
set security alg ike-esp-nat ikealg hold-limit 250 late-binding enable
set security alg ike-esp-nat esp-gate-timeout 20
set security alg ike-esp-nat ikealg profile junos
set security alg ike-esp-nat ikealg ike-port exclusive ike-ambiguous fan-out limits held-bytes 70000 flows 5000
set security alg ike-esp-nat ikealg limits held-fragments 77 policy-matcher-bytes 1000000
set security alg ike-esp-nat ikealg mapping-hold 60
set security alg ike-esp-nat traceoptions file trace.log level verbose flag all
set security flow tcp-mss all-tcp mss 1350
set security flow ikealg udp-timeout 200 hairpin
set system syslog file messages any warning
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    const auto& c = *l.result.value;
    const auto& alg = c.gateway.alg;
    CHECK(alg.profile == ikealg::alg::profile::junos);
    CHECK(alg.drop_unsolicited);
    CHECK(alg.spis_per_exchange == 1);
    CHECK(alg.hold_limit == 250ms);
    CHECK(alg.late_binding);
    CHECK(alg.esp_gate_timeout == 20s);
    CHECK(alg.state_timeout == 14400s);
    CHECK(alg.ike_port == ikealg::alg::ike_port_mode::exclusive);
    CHECK(alg.ike_ambiguous == ikealg::alg::ike_ambiguous_mode::fan_out);
    CHECK(alg.held_bytes == 70000);
    CHECK(c.options.capacity.flows == 5000);
    CHECK(c.options.held_fragments == 77);
    CHECK(c.options.mapping_hold == 60s);
    CHECK(c.gateway.policy.limits.matcher_bytes == 1'000'000);
    CHECK(c.gateway.timeouts.udp == 200s);
    CHECK(c.gateway.hairpin);
    CHECK(c.host.tcp_mss == 1350);
    CHECK(c.trace.enabled);
    CHECK(c.trace.file == "trace.log");
    CHECK(c.trace.level == "verbose");
    REQUIRE(c.logs.size() == 1);
    CHECK(c.logs[0].level == "warning");
}

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

TEST_CASE("applications: predefined ones carry no ALG; ports, names, ICMP, sets") {
    const loaded l(sound + R"(
set applications application web protocol tcp destination-port 8000-8010
set applications application odd protocol 99 inactivity-timeout 30
set applications application-set mixed application [ web junos-ike junos-ping ]
set applications application-set mixed application-set inner
set applications application-set inner application odd
set security policies from-zone trust to-zone untrust policy ike match application [ mixed junos-ike-nat junos-bgp ]
delete security policies from-zone trust to-zone untrust policy ike match application ike
delete security policies from-zone trust to-zone untrust policy rest
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    const auto& c = *l.result.value;
    const auto permits = [&](std::uint8_t protocol, std::uint16_t port_number) {
        const auto d = decide(c, "trust", "8.8.8.8", protocol, port_number);
        CHECK_FALSE(d.ike_esp_nat);
        return d.action == policy::policy_action::permit;
    };
    CHECK(permits(17, 500));
    CHECK(permits(17, 4500));
    CHECK(permits(6, 8010));
    CHECK_FALSE(permits(6, 8011));
    CHECK(permits(6, 179));
    CHECK(permits(99, 0));
    CHECK(permits(1, policy::icmp_port(8, 0).value));
    CHECK_FALSE(permits(1, policy::icmp_port(13, 0).value));
    CHECK(l.warning("security alg ike-esp-nat",
                    "no policy permits an application with application-protocol ike-esp-nat", "ike-esp-nat"));
}

TEST_CASE("nat: off before pool, interface, static, pool ports") {
    const loaded l(sound + R"(
set security nat source pool Q address 198.51.100.9/32
set security nat source pool Q port range 2000 to 3000
set security nat source pool N address 198.51.100.16 to 198.51.100.20
set security nat source pool N port no-translation
set security nat source rule-set first from zone trust
set security nat source rule-set first to zone trust
set security nat source rule-set first rule o match destination-address [ 10.5.0.0/16 10.6.0.0/16 ]
set security nat source rule-set first rule o then source-nat off
set security nat source rule-set first rule i then source-nat interface
set security nat static rule-set S from zone untrust
set security nat static rule-set S rule R match destination-address 198.51.100.32/30
set security nat static rule-set S rule R then static-nat prefix 192.168.1.32/30
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    const auto& nat = l.result.value->gateway.nat;
    CHECK(nat.pools[1].ports == nat::nat_port_range{2000, 3000});
    CHECK(nat.pools[2].port_no_translation);
    const auto made = gateway_configuration<ipv4>::build(l.result.value->gateway);
    REQUIRE(made.value);
    const auto kind = [&](std::uint16_t to, const char* source, const char* destination) {
        return made.value->rules
            .match(zone_id{0}, zone_id{to}, *ipv4_address::parse(source), *ipv4_address::parse(destination))
            .kind;
    };
    CHECK(kind(0, "192.168.1.5", "10.6.1.1") == nat::nat_kind::off);
    CHECK(kind(0, "192.168.1.5", "10.7.1.1") == nat::nat_kind::interface);
    CHECK(kind(1, "192.168.1.5", "8.8.8.8") == nat::nat_kind::pool);
    CHECK(kind(1, "192.168.1.33", "8.8.8.8") == nat::nat_kind::static_nat);
}

TEST_CASE("interfaces: backends, units, Linux names with dots, host-inbound-traffic of the interface over the zone's") {
    const loaded l(sound + R"(
set interfaces eth2.5 unit 0 family inet address 10.99.0.1/24
set interfaces eth2.5 unit 0 family inet address 10.99.0.2/24
set interfaces vpn ikealg backend tun
set interfaces vpn unit 3 family inet address 10.98.0.1/32
set interfaces tap0 ikealg backend tap
set interfaces tap0 unit 0 family inet address 10.97.0.1/31
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
    CHECK(l.result.warnings.size() == 1);  // neither a tap nor a tun must be there before
    CHECK(l.warning("security zones security-zone trust interfaces vpn.3 host-inbound-traffic system-services ssh",
                    "answers ping only", "ssh"));
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

TEST_CASE("policies: in the order of the text, default-policy, reject, midstream, what the log has") {
    const loaded l(sound + R"(
set security policies default-policy permit-all
set security policies from-zone untrust to-zone trust policy no match source-address any
set security policies from-zone untrust to-zone trust policy no match destination-address lan
set security policies from-zone untrust to-zone trust policy no match application junos-ssh
set security policies from-zone untrust to-zone trust policy no then reject
set security policies from-zone untrust to-zone trust policy no then log session-init
set security policies from-zone untrust to-zone trust policy no then ikealg midstream
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    const auto& policy = l.result.value->gateway.policy;
    CHECK(policy.otherwise == policy::default_policy::permit_all);
    REQUIRE(policy.policies.size() == 3);
    CHECK(policy.policies[0].name == "ike");
    CHECK(policy.policies[1].name == "rest");
    const auto& no = policy.policies[2];
    CHECK(no.action == policy::policy_action::reject);
    CHECK(no.log_session_init);
    CHECK_FALSE(no.log_session_close);
    CHECK(no.midstream);
    CHECK(decide(*l.result.value, "trust", "192.168.1.9", 6, 80).action == policy::policy_action::permit);
}

TEST_CASE("a configuration without a word compiles, and denies everything") {
    const loaded l("");
    REQUIRE(l.result.value);
    CHECK(l.result.warnings.empty());
    CHECK(l.result.value->devices.empty());
    CHECK(l.result.value->gateway.policy.otherwise == policy::default_policy::deny_all);
    CHECK_FALSE(l.result.value->gateway.alg.enabled);
}

TEST_CASE("an ALG that is off although applications ask for it") {
    const loaded l(sound + "\ndelete security alg ike-esp-nat enable\n");
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK_FALSE(l.result.value->gateway.alg.enabled);
    CHECK(l.warning("applications application ike application-protocol ike-esp-nat", "is not enabled",
                    "application-protocol"));
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
