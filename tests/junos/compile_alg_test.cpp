// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/compile_alg.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;
using namespace std::chrono_literals;

TEST_CASE("a profile sets defaults, and what the text says comes over them, wherever it stands") {
    const loaded l(sound + R"(
set security alg ike-esp-nat ikealg hold-limit 250 late-binding enable new-sa-pause 35
set security alg ike-esp-nat esp-gate-timeout 20
set security alg ike-esp-nat ikealg profile junos
set security alg ike-esp-nat ikealg ike-port exclusive ike-ambiguous fan-out limits held-bytes 70000 flows 5000
set security alg ike-esp-nat ikealg limits held-fragments 77 policy-matcher-bytes 1000000
set security alg ike-esp-nat ikealg mapping-hold 60
set security alg ike-esp-nat traceoptions file trace.log level notice flag all
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
    CHECK(alg.new_sa_pause == 35ms);
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
    CHECK(c.trace.level == "notice");
    REQUIRE(c.logs.size() == 1);
    CHECK(c.logs[0].level == "warning");
}

TEST_CASE("an ALG that is off although applications ask for it") {
    const loaded l(sound + "\ndelete security alg ike-esp-nat enable\n");
    INFO(l.told());
    REQUIRE(l.result.value);
    CHECK_FALSE(l.result.value->gateway.alg.enabled);
    CHECK(l.warning("applications application ike application-protocol ike-esp-nat", "is not enabled",
                    "application-protocol"));
}
