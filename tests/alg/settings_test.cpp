// SPDX-License-Identifier: Apache-2.0
/// The ranges of every setting, at their edges.
#include "ikealg/alg/settings.hpp"

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using ikealg::configuration_error;
using ikealg::alg::alg_settings;
using ikealg::alg::profile;

std::vector<configuration_error> errors_of(const alg_settings& s) {
    std::vector<configuration_error> errors;
    s.validate(errors);
    return errors;
}

/// The setting is in range from `low` to `high` and nowhere beyond.
template <class T>
void check_range(profile of, T alg_settings::*field, T low, T high, const char* name, T step) {
    CAPTURE(name);
    alg_settings s = alg_settings::of(of);
    for (const T good : {low, high}) {
        s.*field = good;
        CHECK(errors_of(s).empty());
    }
    s.*field = low - step;
    CHECK(errors_of(s).size() == 1);
    s.*field = high + step;
    const auto errors = errors_of(s);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].path == std::string("security alg ike-esp-nat ") + name);
    CHECK(errors[0].message.find("out of range") != std::string::npos);
}

}  // namespace

TEST_CASE("P3: the defaults of both profiles are valid") {
    CHECK(errors_of(alg_settings::of(profile::practical)).empty());
    CHECK(errors_of(alg_settings::of(profile::junos)).empty());
}

TEST_CASE("P3: timeouts have the ranges of the profile") {
    using s = std::chrono::seconds;
    for (const profile p : {profile::practical, profile::junos}) {
        check_range(p, &alg_settings::state_timeout, s{180}, s{86400}, "state-timeout", s{1});
    }
    check_range(profile::junos, &alg_settings::esp_gate_timeout, s{2}, s{30}, "esp-gate-timeout", s{1});
    check_range(profile::practical, &alg_settings::esp_gate_timeout, s{2}, s{1200}, "esp-gate-timeout", s{1});
    check_range(profile::junos, &alg_settings::esp_session_timeout, s{60}, s{2400}, "esp-session-timeout", s{1});
    check_range(profile::practical, &alg_settings::esp_session_timeout, s{60}, s{86400}, "esp-session-timeout", s{1});
}

TEST_CASE("P3: the settings of ikealg's own have ranges") {
    using ms = std::chrono::milliseconds;
    constexpr auto p = profile::practical;
    check_range(p, &alg_settings::hold_limit, ms{0}, ms{60000}, "ikealg hold-limit", ms{1});
    check_range(p, &alg_settings::esp_hold_limit, ms{0}, ms{10000}, "ikealg esp-hold-limit", ms{1});
    check_range(p, &alg_settings::new_sa_pause, ms{0}, ms{10000}, "ikealg new-sa-pause", ms{1});
    check_range(p, &alg_settings::gate_min, ms{1}, ms{1000}, "ikealg gate-min", ms{1});
    check_range(p, &alg_settings::learn_timeout, ms{10}, ms{10000}, "ikealg learn-timeout", ms{1});
    check_range(p, &alg_settings::phase2_max_hold, ms{1000}, ms{120000}, "ikealg phase2-max-hold", ms{1});
    check_range(p, &alg_settings::phase2_max_hold_contended, ms{100}, ms{30000}, "ikealg phase2-max-hold-contended", ms{1});
    check_range(p, &alg_settings::learning_tenures, 1U, 100U, "ikealg learning-tenures", 1U);
    check_range(p, &alg_settings::spis_per_exchange, 1U, 16U, "ikealg spis-per-exchange", 1U);
    check_range(p, &alg_settings::learn_flood, 1U, 1000000U, "ikealg learn-flood", 1U);
    check_range(p, &alg_settings::held_messages_per_client, 1U, 64U, "ikealg limits held-messages-per-client", 1U);
    check_range(p, &alg_settings::held_esp_per_client, 1U, 64U, "ikealg limits held-esp-per-client", 1U);
    check_range(p, &alg_settings::sessions_per_client, 1U, 65535U, "ikealg limits sessions-per-client", 1U);
    check_range(p, &alg_settings::exchanges_per_client, 4U, 1024U, "ikealg limits exchanges-per-client", 1U);
    check_range(p, &alg_settings::bindings_per_client, 2U, 65535U, "ikealg limits bindings-per-client", 1U);
    alg_settings s;
    s.held_bytes = 65535;
    CHECK(errors_of(s).size() == 1);
}

TEST_CASE("P3: all errors are told at once, each with statement, value and range") {
    alg_settings s = alg_settings::of(profile::junos);
    s.state_timeout = 179s;
    s.esp_gate_timeout = 31s;
    s.esp_session_timeout = 2401s;
    const auto errors = errors_of(s);
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].path == "security alg ike-esp-nat state-timeout");
    CHECK(errors[1].message == "31 is out of range, allowed are 2 to 30 seconds");
    CHECK(errors[2].path == "security alg ike-esp-nat esp-session-timeout");
}

TEST_CASE("the junos profile differs in what the rules say it does") {
    const alg_settings j = alg_settings::of(profile::junos);
    CHECK_FALSE(j.late_binding);       // E5
    CHECK(j.drop_unsolicited);         // X3
    CHECK(j.auth_single_tenure);       // X5
    CHECK(j.spis_per_exchange == 1);   // K of G13
    CHECK(j.hold_limit == 0ms);        // G4
    CHECK(j.esp_hold_limit == 0ms);
    CHECK(j.new_sa_pause == 0ms);      // G15
    CHECK(alg_settings{}.spis_per_exchange == 4);
    CHECK(alg_settings{}.hold_limit == 6s);
    CHECK(to_string(profile::junos) == "junos");
    CHECK(to_string(profile::practical) == "practical");
    CHECK(to_string(ikealg::alg::ike_port_mode::translate) == "translate");
}
