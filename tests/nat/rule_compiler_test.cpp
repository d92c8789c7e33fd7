// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/rule_compiler.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "nat/base_settings.hpp"

using namespace ikealg;
using namespace ikealg::nat;
using tests::base_settings;
using tests::block;
using tests::numbered;
using tests::says;

TEST_CASE_TEMPLATE("N7: pools are numbered as declared, then one per interface zone", Family, ipv4, ipv6) {
    auto s = base_settings<Family>();
    s.pools.push_back({"plain", {}, {block<Family>(0x1100, 0)}, true, {}});
    s.pools[0].ports = {2000, 3000};
    s.proxy_arp = {block<Family>(0x1000, 3), block<Family>(0x1008, 3)};
    const auto result = rule_compiler<Family>::compile(s);
    INFO(tests::text_of(result.errors));
    REQUIRE(result);
    const auto& rules = *result.value;
    REQUIRE(rules.pools.size() == 3);
    CHECK(rules.pools[0].ranges == std::vector<address_range<Family>>{range_of(block<Family>(0x1000, 4))});
    CHECK(rules.pools[0].port_translation);
    CHECK_FALSE(rules.pools[1].port_translation);
    CHECK(rules.pools[2].interface);
    CHECK(rules.pools[2].ranges.front().first == numbered<Family>(0x3000));
    CHECK(rules.pool_names == std::vector<std::string>{"public", "plain", "interface untrust"});
    CHECK(rules.pool_ports[0] == nat_port_range{2000, 3000});
    CHECK(rules.pool_ports[1] == nat_port_range{1024, 65535});
    CHECK(rules.proxy_arp == std::vector<address_range<Family>>{range_of(block<Family>(0x1000, 4))});
}

TEST_CASE_TEMPLATE("N17: a configuration without address-persistent gets a note", Family, ipv4, ipv6) {
    auto s = base_settings<Family>();
    CHECK(rule_compiler<Family>::compile(s).warnings.empty());
    s.address_persistent = false;
    const auto result = rule_compiler<Family>::compile(s);
    CHECK(result);
    CHECK(says(result.warnings, "security nat source address-persistent", "always on"));
}

TEST_CASE_TEMPLATE("P3: errors of pools", Family, ipv4, ipv6) {
    auto s = base_settings<Family>();
    s.limits.pool_addresses = 16;
    s.pools.push_back({"public", {}, {block<Family>(0x1100, 0)}, false, {}});
    s.pools.push_back({"empty", {}, {}, false, {}});
    s.pools.push_back({"bits", {}, {block<Family>(0x1201, 4)}, false, {}});
    s.pools.push_back({"backwards", {}, {address_range<Family>{numbered<Family>(9), numbered<Family>(8)}}, false, {}});
    s.pools.push_back({"big", {}, {block<Family>(0x1400, 4), block<Family>(0x1500, 0)}, false, {}});
    s.pools.push_back({"overlap", {}, {block<Family>(0x100f, 0)}, false, {}});
    s.pools.push_back({"interface", {}, {block<Family>(0x3000, 0)}, false, {}});
    s.pools.push_back({"ports", {}, {block<Family>(0x1600, 0)}, false, {3000, 2000}});
    s.pools.push_back({"low-ports", {}, {block<Family>(0x1700, 0)}, false, {80, 2000}});
    s.pools.push_back({"no-ports", {}, {block<Family>(0x1800, 0)}, true, {2000, 3000}});
    s.pools.push_back({"other-vrf", vrf_id{3}, {block<Family>(0x1000, 4)}, false, {}});
    s.rule_sets[0].rules.push_back({"foreign", {}, {}, nat_action::pool, "other-vrf"});
    s.proxy_arp = {block<Family>(0x1001, 4)};
    const auto result = rule_compiler<Family>::compile(s);
    INFO(tests::text_of(result.errors));
    const auto& errors = result.errors;
    const std::string pool = "security nat source pool ";
    CHECK_FALSE(result.value);
    CHECK(says(errors, pool + "public", "defined twice"));
    CHECK(says(errors, pool + "empty", "has no addresses"));
    CHECK(says(errors, pool + "bits address " + to_string(block<Family>(0x1201, 4)), "host bits"));
    const std::string backwards = to_string(numbered<Family>(9)) + " to " + to_string(numbered<Family>(8));
    CHECK(says(errors, pool + "backwards address " + backwards, "is empty"));
    CHECK(says(errors, pool + "big", "17 addresses, more than 16"));
    CHECK(says(errors, pool + "overlap address " + to_string(block<Family>(0x100f, 0)), "of pool public"));
    CHECK(says(errors, "security nat source rule-set out rule rest then source-nat interface", "of pool interface"));
    CHECK(says(errors, pool + "ports port range", "3000 to 2000 is empty"));
    CHECK(says(errors, pool + "low-ports port range", "not within 1024 to 65535"));
    CHECK(says(errors, pool + "no-ports port", "no meaning with no-translation"));
    CHECK(says(errors, "security nat source rule-set out rule foreign then source-nat pool other-vrf",
               "belongs to routing instance 3, zone untrust to 0"));
    CHECK(says(errors, "security nat proxy-arp address " + to_string(block<Family>(0x1001, 4)), "host bits"));
    CHECK(errors.size() == 12);
}

TEST_CASE_TEMPLATE("P3: errors of rule-sets and static mappings", Family, ipv4, ipv6) {
    auto s = base_settings<Family>();
    s.zones.push_back({"trust", {}, {}});
    s.rule_sets.push_back({"out", {"trsut"}, {}, {}});
    s.rule_sets.push_back({"", {"trust", "trust"}, {"untrust"}, {{"", {}, {}, nat_action::off, {}}}});
    s.rule_sets.push_back({"in", {"untrust"}, {"trust"}, {}});
    s.rule_sets.back().rules = {{"a", {block<Family>(1, 4)}, {block<Family>(2, 4)}, nat_action::pool, "pubilc"},
                                {"a", {}, {}, nat_action::interface, {}}};
    s.statics = {{"s", "trust", block<Family>(0x10, 2), block<Family>(0x1000, 2)},
                 {"s", "untrsut", block<Family>(0x11, 2), block<Family>(0x4001, 2)},
                 {"t", "trust", block<Family>(0x10, 0), block<Family>(0x5000, 1)},
                 {"u", "trust", block<Family>(0x12, 0), block<Family>(0x6000, 0)}};
    const auto result = rule_compiler<Family>::compile(s);
    INFO(tests::text_of(result.errors));
    const auto& errors = result.errors;
    const std::string set = "security nat source rule-set ";
    CHECK(says(errors, "security zones security-zone trust", "defined twice"));
    CHECK(says(errors, set + "out", "rule-set out is defined twice"));
    CHECK(says(errors, set + "out", "has no rules"));
    CHECK(says(errors, set + "out from zone trsut", "did you mean trust?"));
    CHECK(says(errors, set + "out to zone", "at least one zone"));
    CHECK(says(errors, set, "rule-set without a name"));
    CHECK(says(errors, set + " from zone trust", "listed twice"));
    CHECK(says(errors, set + " rule ", "rule without a name"));
    const std::string rule = set + "in rule a";
    CHECK(says(errors, rule, "rule a is defined twice"));
    CHECK(says(errors, rule + " match source-address " + to_string(block<Family>(1, 4)), "host bits"));
    CHECK(says(errors, rule + " match destination-address " + to_string(block<Family>(2, 4)), "host bits"));
    CHECK(says(errors, rule + " then source-nat pool pubilc", "did you mean public?"));
    CHECK(says(errors, rule + " then source-nat interface", "zone trust has no interface address"));
    const std::string fixed = "security nat static rule ";
    CHECK(says(errors, fixed + "s", "static rule s is defined twice"));
    CHECK(says(errors, fixed + "s from zone untrsut", "did you mean untrust?"));
    CHECK(says(errors, fixed + "s inside " + to_string(block<Family>(0x11, 2)), "host bits"));
    CHECK(says(errors, fixed + "s outside " + to_string(block<Family>(0x4001, 2)), "host bits"));
    CHECK(says(errors, fixed + "t", "differ in length"));
    CHECK(says(errors, fixed + "u inside", "of static rule s"));
    CHECK((says(errors, fixed + "s outside", "of pool public") ||
           says(errors, "security nat source pool public address " + to_string(block<Family>(0x1000, 4)),
                "of static rule s")));
    CHECK(errors.size() == 20);
}

TEST_CASE_TEMPLATE("P3: rules that would take too much memory are refused, stray proxy-arp is noted", Family, ipv4,
                   ipv6) {
    auto s = base_settings<Family>();
    s.proxy_arp = {block<Family>(0x9000, 0)};
    CHECK(says(rule_compiler<Family>::compile(s).warnings,
               "security nat proxy-arp address " + to_string(block<Family>(0x9000, 0)), "no pool"));
    s.limits.matcher_bytes = 10;
    CHECK(says(rule_compiler<Family>::compile(s).errors, "security nat source", "need more than 10 bytes"));
}
