// SPDX-License-Identifier: Apache-2.0
/// What the ALG counts. One list gives the enumerator and the name of each counter.
///
/// Drops are counted apart, one counter a drop reason (base/verdict.hpp); a Phase 2 message that found the slot busy and did not get it
/// in time is the drop `phase2_busy`. `spi_conflicts` are no drops: the first client keeps the SPI (E8). Counters are 64 bits and never wrap in practice.
///
/// `gates_hit_out` and `gates_hit_in` are the SPIs bound in the tenure of their client, be it a gate or a learning tenure;
/// `gates_collapsed` are the exchanges with both. `phase2_timed_out` are requests without an answer (X8), `gates_timed_out` gates
/// without an inbound SPI.
/// Thread safety: none; read them on the core that owns the gateway, or from a copy. Complexity: constant.
#ifndef IKEALG_ALG_COUNTERS_HPP
#define IKEALG_ALG_COUNTERS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ikealg/base/verdict.hpp"

namespace ikealg::inline v0::alg {

#define IKEALG_COUNTERS(X)       \
    X(ike_messages)              \
    X(ike_main)                  \
    X(ike_aggressive)            \
    X(ike_informational)         \
    X(ike_transaction)           \
    X(ike_quick)                 \
    X(ike_sa_init)               \
    X(ike_auth)                  \
    X(ike_create_child_sa)       \
    X(ike_intermediate)          \
    X(ike_followup_ke)           \
    X(ike_other)                 \
    X(ike_unknown)               \
    X(ike_trailing_bytes)        \
    X(ike_fan_out)               \
    X(ike_sessions_evicted)      \
    X(phase1_chosen)             \
    X(phase2_started)            \
    X(phase2_retransmitted)      \
    X(phase2_completed)          \
    X(phase2_held)               \
    X(phase2_timed_out)          \
    X(phase2_unsolicited)        \
    X(phase2_failed)             \
    X(gates_opened)              \
    X(gates_hit_out)             \
    X(gates_hit_in)              \
    X(gates_collapsed)           \
    X(gates_timed_out)           \
    X(gates_failed)              \
    X(learning_tenures)          \
    X(tenures_in_vain)           \
    X(exchanges_parked)          \
    X(exchanges_one_way)         \
    X(esp_held)                  \
    X(esp_paused)                \
    X(bindings_gate)             \
    X(bindings_late)             \
    X(bindings_midstream)        \
    X(bindings_outbound)         \
    X(bindings_contested)        \
    X(bindings_moved)            \
    X(bindings_taken_back)       \
    X(spi_conflicts)             \
    X(learn_flood)               \
    X(natt_announced)            \
    X(natt_sessions)             \
    X(natt_keepalives)           \
    X(natt_esp)                  \
    X(icmp_translated)           \
    X(icmp_unmatched)            \
    X(mappings_created)          \
    X(mappings_ended)            \
    X(flows_created)             \
    X(flows_ended)               \
    X(fragments_held)            \
    X(clock_steps_back)

enum class counter : std::uint8_t {
#define IKEALG_X(name) name,
    IKEALG_COUNTERS(IKEALG_X)
#undef IKEALG_X
};

inline constexpr std::size_t counter_count = 0
#define IKEALG_X(name) +1
    IKEALG_COUNTERS(IKEALG_X)
#undef IKEALG_X
    ;

[[nodiscard]] constexpr std::string_view to_string(counter c) noexcept {
    constexpr std::array<std::string_view, counter_count> names{
#define IKEALG_X(name) #name,
        IKEALG_COUNTERS(IKEALG_X)
#undef IKEALG_X
    };
    return names[static_cast<std::size_t>(c)];
}

class counters {
public:
    void count(counter c, std::uint64_t n = 1) noexcept { values_[static_cast<std::size_t>(c)] += n; }
    void count(drop_reason r) noexcept { ++drops_[static_cast<std::size_t>(r)]; }
    [[nodiscard]] std::uint64_t operator[](counter c) const noexcept { return values_[static_cast<std::size_t>(c)]; }
    [[nodiscard]] std::uint64_t operator[](drop_reason r) const noexcept { return drops_[static_cast<std::size_t>(r)]; }

private:
    std::array<std::uint64_t, counter_count> values_{};
    std::array<std::uint64_t, drop_reason_count> drops_{};
};

}  // namespace ikealg::inline v0::alg

#endif
