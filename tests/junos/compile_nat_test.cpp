// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/compile_nat.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("nat: two source rule-sets for the same zones are refused, at the second, which names the first") {
    const loaded l(sound + R"(
set security nat source rule-set again from zone [ untrust trust ]
set security nat source rule-set again to zone [ trust untrust ]
set security nat source rule-set again rule r then source-nat off
set security nat source rule-set third from zone untrust
set security nat source rule-set third to zone trust
set security nat source rule-set third rule r then source-nat off
)");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.result.errors.size() == 2);
    CHECK(l.error("security nat source rule-set again",
                  "has the same context as rule-set out: from zone trust to zone untrust", "rule-set again"));
    CHECK(l.error("security nat source rule-set third",
                  "has the same context as rule-set again: from zone untrust to zone trust", "rule-set third"));
    const loaded other(sound + R"(
set security nat source rule-set back from zone untrust
set security nat source rule-set back to zone trust
set security nat source rule-set back rule r then source-nat off
)");
    CHECK(other.result.value);
    CHECK(other.result.warnings.empty());
}

TEST_CASE("nat: a rule that an earlier one of its rule-set leaves nothing to match is warned of") {
    const loaded l(sound + R"(
set security nat source rule-set out rule low match source-address 192.168.1.128/25
set security nat source rule-set out rule low then source-nat off
set security nat source rule-set out rule halves match source-address [ 10.0.0.0/9 10.128.0.0/9 ]
set security nat source rule-set out rule halves match destination-address 0.0.0.0/0
set security nat source rule-set out rule halves then source-nat interface
set security nat source rule-set out rule whole match source-address 10.0.0.0/8
set security nat source rule-set out rule whole match destination-address 8.8.8.8/32
set security nat source rule-set out rule whole then source-nat off
set security nat source rule-set out rule wide match source-address 10.0.0.0/7
set security nat source rule-set out rule wide then source-nat off
set security nat source rule-set out rule one match destination-address 8.8.8.8/32
set security nat source rule-set out rule one then source-nat off
set security nat source rule-set out rule everybody then source-nat off
set security nat source rule-set out rule nobody then source-nat interface
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK(l.result.warnings.size() == 3);
    const std::string set = "security nat source rule-set out rule ";
    CHECK(l.warning(set + "low", "never reached: rule all before it matches all that it does", "rule low"));
    CHECK(l.warning(set + "whole", "never reached: rule halves before it", "rule whole"));
    CHECK(l.warning(set + "nobody", "never reached: rule everybody before it", "rule nobody"));
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
