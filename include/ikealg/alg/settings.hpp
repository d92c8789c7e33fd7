// SPDX-License-Identifier: Apache-2.0
/// What an operator sets of the ALG, with the Junos names where Junos has one, and the check of it.
///
/// Two profiles: `practical` and `junos`. A profile chooses the gate machine and the ranges of the timeouts; each further
/// difference is an option of its own, so that `alg_settings::of(profile::junos)` is a starting point, not a cage.
///
/// Thread safety: values. Errors: `validate` names every statement out of range, the value and the range (P3).
#ifndef IKEALG_ALG_SETTINGS_HPP
#define IKEALG_ALG_SETTINGS_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/time.hpp"

namespace ikealg::inline v0::alg {

enum class profile : std::uint8_t {
    practical,  ///< gates at the enabling message, queue, learning, late binding
    junos,      ///< gates at the first Phase 2 message, drops when busy, no second chance
};

/// How IKE's source port is translated (N3).
enum class ike_port_mode : std::uint8_t {
    prefer,     ///< 500 for the first client of (server, nat address), a port of its own for each further one
    preserve,   ///< all keep their port, told apart by IKE SPIs
    translate,  ///< always a port of its own
    exclusive,  ///< a second client is refused
};

/// What to do with IKE from the server that could be several clients' (X6).
enum class ike_ambiguous_mode : std::uint8_t { drop, fan_out };

[[nodiscard]] constexpr std::string_view to_string(profile p) noexcept {
    return p == profile::practical ? "practical" : "junos";
}
[[nodiscard]] constexpr std::string_view to_string(ike_port_mode m) noexcept {
    switch (m) {
        case ike_port_mode::prefer: return "prefer";
        case ike_port_mode::preserve: return "preserve";
        case ike_port_mode::translate: return "translate";
        case ike_port_mode::exclusive: return "exclusive";
    }
    return "unknown";
}

struct alg_settings {
    using seconds = std::chrono::seconds;
    using milliseconds = std::chrono::milliseconds;

    bool enabled = false;  ///< `security alg ike-esp-nat enable`
    alg::profile profile = alg::profile::practical;

    seconds state_timeout{14400};       ///< IKE session and its port, idle: 180-86400
    seconds esp_gate_timeout{5};        ///< a gate, from completion (G2): junos 2-30, practical 2-1200
    seconds esp_session_timeout{1800};  ///< each ESP session, idle: junos 60-2400, practical 60-86400

    ike_port_mode ike_port = ike_port_mode::prefer;
    ike_ambiguous_mode ike_ambiguous = ike_ambiguous_mode::drop;

    bool late_binding = true;           ///< E5; the Junos profile has none
    bool drop_contested = false;        ///< E11: an SPI that may be another client's is dropped, not bound
    bool drop_unsolicited = false;      ///< X3; the Junos profile drops
    bool auth_single_tenure = false;    ///< X5; the Junos profile gives IKE_AUTH one tenure
    milliseconds hold_limit{6000};      ///< G4, age of a held Phase 2 message: 0-60000; 0 drops at once
    milliseconds esp_hold_limit{1000};  ///< G4, age of a held ESP packet: 0-10000
    milliseconds new_sa_pause{20};      ///< G15, G16, what a host gets to install an SA: 0-10000; 0: no pause
    milliseconds gate_min{1};           ///< G10: 1-1000
    milliseconds learn_timeout{1000};   ///< G11: 10-10000
    milliseconds phase2_max_hold{30000};            ///< X8: 1000-120000
    milliseconds phase2_max_hold_contended{2000};   ///< X8, while others wait: 100-30000
    std::uint32_t learning_tenures = 6;             ///< G12: 1-100
    std::uint32_t spis_per_exchange = 4;            ///< K of G13: 1-16; the Junos profile has 1
    std::uint32_t learn_flood = 50;                 ///< L7, unknown inbound SPIs a second and slot: 1-1000000

    std::uint32_t held_messages_per_client = 8;  ///< G4: 1-64
    std::uint32_t held_esp_per_client = 4;       ///< G4: 1-64
    std::uint32_t held_bytes = 16U << 20;        ///< G4, all held packets together: at least 65536
    std::uint32_t sessions_per_client = 64;      ///< L2, IKE sessions: 1-65535
    std::uint32_t exchanges_per_client = 32;     ///< L2, remembered Phase 2 exchanges of a pair: 4-1024
    std::uint32_t bindings_per_client = 256;     ///< L2, ESP bindings: 2-65535

    /// The defaults of a profile.
    [[nodiscard]] static constexpr alg_settings of(alg::profile p) noexcept {
        alg_settings s;
        s.profile = p;
        if (p == alg::profile::junos) {
            s.late_binding = false;
            s.drop_unsolicited = true;
            s.auth_single_tenure = true;
            s.spis_per_exchange = 1;
            s.hold_limit = milliseconds{0};
            s.esp_hold_limit = milliseconds{0};
            s.new_sa_pause = milliseconds{0};
        }
        return s;
    }

    /// ESP of new SAs waits until they can be installed (G15, G16).
    [[nodiscard]] constexpr bool pauses() const noexcept {
        return profile == alg::profile::practical && new_sa_pause.count() != 0 && esp_hold_limit.count() != 0;
    }

    /// Appends an error for each value out of range; paths begin with `security alg ike-esp-nat`.
    void validate(std::vector<configuration_error>& errors) const {
        const bool junos = profile == alg::profile::junos;
        const auto check = [&errors](const char* name, std::int64_t value, std::int64_t low, std::int64_t high,
                                     const char* unit) {
            if (value < low || value > high) {
                errors.push_back({std::string("security alg ike-esp-nat ") + name,
                                  std::to_string(value) + " is out of range, allowed are " + std::to_string(low) +
                                      " to " + std::to_string(high) + unit});
            }
        };
        check("state-timeout", state_timeout.count(), 180, 86400, " seconds");
        check("esp-gate-timeout", esp_gate_timeout.count(), 2, junos ? 30 : 1200, " seconds");
        check("esp-session-timeout", esp_session_timeout.count(), 60, junos ? 2400 : 86400, " seconds");
        check("ikealg hold-limit", hold_limit.count(), 0, 60000, " milliseconds");
        check("ikealg esp-hold-limit", esp_hold_limit.count(), 0, 10000, " milliseconds");
        check("ikealg new-sa-pause", new_sa_pause.count(), 0, 10000, " milliseconds");
        check("ikealg gate-min", gate_min.count(), 1, 1000, " milliseconds");
        check("ikealg learn-timeout", learn_timeout.count(), 10, 10000, " milliseconds");
        check("ikealg phase2-max-hold", phase2_max_hold.count(), 1000, 120000, " milliseconds");
        check("ikealg phase2-max-hold-contended", phase2_max_hold_contended.count(), 100, 30000, " milliseconds");
        check("ikealg learning-tenures", learning_tenures, 1, 100, "");
        check("ikealg spis-per-exchange", spis_per_exchange, 1, 16, "");
        check("ikealg learn-flood", learn_flood, 1, 1000000, " a second");
        check("ikealg limits held-messages-per-client", held_messages_per_client, 1, 64, "");
        check("ikealg limits held-esp-per-client", held_esp_per_client, 1, 64, "");
        check("ikealg limits held-bytes", held_bytes, 65536, 0xffff'ffff, " bytes");
        check("ikealg limits sessions-per-client", sessions_per_client, 1, 65535, "");
        check("ikealg limits exchanges-per-client", exchanges_per_client, 4, 1024, "");
        check("ikealg limits bindings-per-client", bindings_per_client, 2, 65535, "");
    }
};

/// Fixed capacities of one gateway (L1).
struct capacities {
    /// UDP, TCP, echo and ESP sessions together. ESP has a third key, by which quotes in ICMP errors find it, and room is made for two a flow:
    /// ESP alone fills the table at two thirds of this number.
    std::uint32_t flows = 65536;
    std::uint32_t pairs = 16384;     ///< (client, server)
    std::uint32_t slots = 8192;      ///< (server, nat address)
    std::uint32_t sessions = 16384;  ///< IKE sessions
    std::uint32_t exchanges = 65536; ///< remembered Phase 2 exchanges
    std::uint32_t held = 4096;       ///< held packets
    friend constexpr bool operator==(const capacities&, const capacities&) = default;
};

}  // namespace ikealg::inline v0::alg

#endif
