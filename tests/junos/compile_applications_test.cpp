// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/compile_applications.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "junos/loaded.hpp"
#include "junos/page.hpp"

using namespace ikealg;
using namespace ikealg::tests;

namespace {

std::string protocol_shown(std::uint8_t number) {
    for (const auto& [name, value] : junos::detail::protocol_names) {
        if (value == number) {
            return std::string(name);
        }
    }
    return "protocol " + std::to_string(number);
}

}  // namespace

TEST_CASE("docs/configuration.md lists exactly the predefined applications") {
    std::vector<std::string> items;
    const auto add = [&items](std::string_view name, const std::string& meaning) {
        items.push_back('`' + std::string(name) + "` (" + meaning + ')');
    };
    for (const auto& a : policy::detail::predefined_applications) {
        if (!a.protocol) {
            add(a.name, "everything");
            continue;
        }
        const bool icmp = policy::detail::is_icmp(*a.protocol);
        add(a.name, protocol_shown(*a.protocol) +
                        (a.destination ? (icmp ? " type " : " ") + std::to_string(*a.destination) : std::string()));
    }
    for (const auto& a : junos::predefined_applications) {
        const std::string ports = std::to_string(a.low) + (a.low == a.high ? "" : '-' + std::to_string(a.high));
        add(a.name, protocol_shown(a.protocol) + (a.high == 0xffff ? std::string() : ' ' + ports));
    }
    std::sort(items.begin(), items.end());
    check_documented(items);
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
