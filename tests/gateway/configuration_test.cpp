// SPDX-License-Identifier: Apache-2.0
/// A gateway's settings as a whole: every error of every part at once (P3), own addresses, and what the parts take from each other.
#include "ikealg/gateway/configuration.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include "support/addresses.hpp"

using namespace ikealg;
using namespace std::chrono_literals;
using tests::block;
using tests::numbered;
using tests::says;

namespace {

constexpr zone_id trust{0};
constexpr zone_id untrust{1};

template <class F>
settings<F> usual() {
    return settings<F>::source_nat(block<F>(0x1000, 8), {numbered<F>(0x5000), numbered<F>(0x5003)});
}
template <class F>
auto build(const settings<F>& s) {
    auto result = gateway_configuration<F>::build(s);
    CHECK(result.value.has_value() == result.errors.empty());
    return result;
}

}  // namespace

TEST_CASE_TEMPLATE("P3: a sound configuration is built whole, with every part as it was given", F, ipv4, ipv6) {
    auto s = usual<F>();
    s.alg.enabled = true;
    s.alg.hold_limit = 1234ms;
    s.timeouts.udp = 200s;
    s.hairpin = true;
    s.decrement_ttl = false;
    const auto result = build(s);
    INFO(tests::text_of(result.errors));
    REQUIRE(result.value);
    const auto& c = *result.value;
    CHECK(result.warnings.empty());
    CHECK(c.alg.enabled);
    CHECK(c.alg.hold_limit == 1234ms);
    CHECK(c.timeouts.udp == 200s);
    CHECK(c.timeouts.natt == 300s);
    CHECK(c.hairpin);
    CHECK_FALSE(c.decrement_ttl);
    CHECK(c.own.empty());
    CHECK(c.rules.match(trust, untrust, numbered<F>(0x1001), numbered<F>(0x9000)).kind == nat::nat_kind::pool);
    CHECK(c.rules.match(untrust, trust, numbered<F>(0x9000), numbered<F>(0x1001)) == nat::nat_decision{});
}

TEST_CASE_TEMPLATE("P3: errors of policy, nat, alg, timeouts and interfaces are reported at once, each with its path", F, ipv4, ipv6) {
    auto s = usual<F>();
    s.policy.policies[0].source_addresses = {"nobody"};
    s.nat.rule_sets[0].rules[0].pool = "puddle";
    s.alg.state_timeout = 179s;
    s.alg.held_bytes = 65535;
    s.timeouts.icmp_echo = 59s;
    s.timeouts.other = 86401s;
    s.interfaces = {{"dmz", numbered<F>(1)}, {"trust", numbered<F>(2)}};
    const auto result = build(s);
    INFO(tests::text_of(result.errors));
    CHECK_FALSE(result);
    CHECK(result.errors.size() == 7);
    CHECK(says(result.errors, "security policies from-zone trust to-zone untrust policy ike match source-address nobody", "nobody"));
    CHECK(says(result.errors, "security nat source rule-set out rule all then source-nat pool puddle", "puddle"));
    CHECK(says(result.errors, "security alg ike-esp-nat state-timeout", "179 is out of range, allowed are 180 to 86400 seconds"));
    CHECK(says(result.errors, "security alg ike-esp-nat ikealg limits held-bytes", "65535 is out of range"));
    CHECK(says(result.errors, "security flow icmp-echo-timeout", "59 is out of range, allowed are 60 to 86400 seconds"));
    CHECK(says(result.errors, "security flow other-timeout", "86401 is out of range, allowed are 10 to 86400 seconds"));
    CHECK(says(result.errors, "interfaces address " + to_string(numbered<F>(1)), "zone dmz is not defined"));
}

TEST_CASE_TEMPLATE("P3: each timeout has its own path, and its bounds are allowed", F, ipv4, ipv6) {
    for (const nat::timeout_row& row : nat::timeout_rows) {
        CAPTURE(row.name);
        for (const auto value : {row.least, row.most, row.least - 1s, row.most + 1s}) {
            CAPTURE(value.count());
            const bool good = value == row.least || value == row.most;
            auto s = usual<F>();
            s.timeouts.*row.value = value;
            const auto result = build(s);
            CHECK(result.errors.size() == (good ? 0 : 1));
            CHECK(says(result.errors, "security flow " + std::string(row.name), "out of range") == !good);
        }
    }
}

TEST_CASE_TEMPLATE("P3: one error in any part is enough for no value", F, ipv4, ipv6) {
    auto s = usual<F>();
    SUBCASE("policy") { s.policy.policies[1].to_zone = "dmz"; }
    SUBCASE("nat") { s.nat.pools[0].addresses.clear(); }
    SUBCASE("alg") { s.alg.learning_tenures = 0; }
    SUBCASE("timeouts") { s.timeouts.tcp_transitory = 239s; }
    SUBCASE("interfaces") { s.interfaces = {{"", numbered<F>(1)}}; }
    const auto result = build(s);
    INFO(tests::text_of(result.errors));
    CHECK(result.errors.size() == 1);
    CHECK_FALSE(result.value);
}

TEST_CASE_TEMPLATE("N17: a warning does not keep a configuration from being built", F, ipv4, ipv6) {
    auto s = usual<F>();
    s.nat.address_persistent = false;
    const auto result = build(s);
    CHECK(result.value);
    CHECK(result.warnings.size() == 1);
}

TEST_CASE_TEMPLATE("own addresses are known by vrf, whatever their order and number", F, ipv4, ipv6) {
    auto s = usual<F>();
    s.policy.zones.push_back({"other-vrf", vrf_id{7}, {block<F>(0x1000, 8)}, {}});
    std::set<std::uint32_t> in_main;
    for (std::uint32_t i = 0; i < 40; ++i) {
        const std::uint32_t n = 0x100 + i * 7919 % 101;
        s.interfaces.push_back({i % 2 == 0 ? "untrust" : "trust", numbered<F>(n)});
        in_main.insert(n);
    }
    s.interfaces.push_back({"other-vrf", numbered<F>(0x900)});
    const auto result = build(s);
    INFO(tests::text_of(result.errors));
    REQUIRE(result.value);
    const auto& c = *result.value;
    CHECK(c.own.size() == 41);
    CHECK(std::is_sorted(c.own.begin(), c.own.end()));
    for (std::uint32_t n = 0xf0; n < 0x180; ++n) {
        CAPTURE(n);
        CHECK(c.is_own({}, numbered<F>(n)) == (in_main.count(n) == 1));
        CHECK_FALSE(c.is_own(vrf_id{7}, numbered<F>(n)));
    }
    CHECK(c.is_own(vrf_id{7}, numbered<F>(0x900)));
    CHECK_FALSE(c.is_own({}, numbered<F>(0x900)));
    CHECK_FALSE(gateway_configuration<F>{}.is_own({}, numbered<F>(0x100)));
}

TEST_CASE_TEMPLATE("N7: `then interface` takes the interface addresses of the to-zone, and is an error without any", F, ipv4, ipv6) {
    auto s = usual<F>();
    s.nat.rule_sets[0].rules[0].action = nat::nat_action::interface;
    s.nat.zones = {{"trust", {}, {}}, {"untrust", {}, {numbered<F>(0x6666)}}};  // not used: zones are those of the policy
    s.interfaces = {{"trust", numbered<F>(1)}};
    const auto without = build(s);
    CHECK(without.errors.size() == 1);
    CHECK(says(without.errors, "security nat source rule-set out rule all then source-nat interface",
               "zone untrust has no interface address"));
    s.interfaces.push_back({"untrust", numbered<F>(0x8000)});
    const auto result = build(s);
    INFO(tests::text_of(result.errors));
    REQUIRE(result.value);
    const auto& rules = result.value->rules;
    const auto decision = rules.match(trust, untrust, numbered<F>(0x1001), numbered<F>(0x9000));
    CHECK(decision.kind == nat::nat_kind::interface);
    REQUIRE(rules.pool_names().size() == 2);
    CHECK(rules.pool_names()[1] == "interface untrust");
    CHECK(decision.pool == nat::pool_id{1});
    REQUIRE(rules.pools()[1].ranges.size() == 1);
    CHECK(rules.pools()[1].ranges[0].first == numbered<F>(0x8000));
    CHECK(rules.pools()[1].ranges[0].last == numbered<F>(0x8000));
    CHECK(result.value->is_own({}, numbered<F>(0x8000)));
}
