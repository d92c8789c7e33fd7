// SPDX-License-Identifier: Apache-2.0
/// The gate machine of a slot, as tables: practical profile and Junos profile (semantics.md section 4).
///
/// A slot is the right, per (vrf, server, nat address), to be the one client whose unknown inbound SPI is expected now. The tables
/// below say what each event does in each state; `slot.hpp` carries the actions out. They are the documentation.
///
/// Practical profile. A client takes the slot with the enabling message of a Phase 2 exchange (`wait` when that is a request whose
/// answer is still to come, else `gate`) or with ESP of an exchange that has no inbound SPI yet (`learning`):
///
///                    request                response
///        +--------------------------> wait ----------+
///        |                             | give up     v
///        |        enabling message     |    +---> gate ----------------+
///      free ---------------------------|----+      | ESP out           | SPI bound, others claim
///        |  ^  ^                       |           v                   v
///        |  |  +-----------------------+        learning ----------> settle
///        |  |                    ESP out           ^  |                |
///        +--|---------------------------------------+  |               |
///           +------------------------------------------+---------------+
///             SPI bound and nobody else claims, parked, or timer; then the next in the queue
///
/// Junos profile. The first Phase 2 message opens both gates; a gate closes when an SPI passed it; both hit, or the timeout,
/// and the slot is free (collapsed).
///
/// Thread safety: constants. Complexity: one table load.
#ifndef IKEALG_ALG_GATE_HPP
#define IKEALG_ALG_GATE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ikealg::inline v0::alg {

enum class slot_state : std::uint8_t {
    free,      ///< nobody's SPI is expected
    wait,      ///< IKEv2: the holder's request has left, its answer has not come
    gate,      ///< both gates are open for the holder
    learning,  ///< the holder has sent ESP and waits for the answer
    settle,    ///< the holder's SPI is bound; a further one within 1.25 RTT is still the holder's (G13)
};
inline constexpr std::size_t slot_state_count = 5;

enum class slot_event : std::uint8_t {
    request_holder,    ///< enabling request of the holder whose answer is to come
    request_other,     ///< the same of a client that does not hold the slot
    enable_holder,     ///< any other enabling message of the holder, or the answer to its request
    enable_other,      ///< the same of a client that does not hold the slot
    esp_out_holder,    ///< ESP out of an unsatisfied exchange of the holder
    esp_out_other,     ///< ESP out of an unsatisfied exchange of another client
    esp_in_last,       ///< unknown inbound SPI; it satisfies the holder, and nobody else has a claim
    esp_in_contended,  ///< unknown inbound SPI; it satisfies the holder, others have claims
    esp_in_more,       ///< unknown inbound SPI; the holder has further exchanges without one (G3)
    esp_in_early,      ///< unknown inbound SPI, sooner than an answer can come (E4)
    esp_in_refuting,   ///< unknown inbound SPI right behind one that was bound on a guess (E13)
    release,           ///< the holder needs the slot no more (X5, X9, its state ended)
    timer,             ///< the tenure's time is up
};
inline constexpr std::size_t slot_event_count = 13;

enum class slot_action : std::uint8_t {
    impossible,        ///< cannot happen; an SPI would be dropped
    take,              ///< the client becomes the holder, the packet goes on
    queue,             ///< the packet waits for its client's turn (G4)
    forward,           ///< the packet goes on, nothing else changes
    open,              ///< the packet goes on, the gate timer starts anew (G2)
    learn,             ///< the outbound SPI is bound, the packet goes on, at least the learning time remains
    bind,              ///< the SPI is the holder's
    bind_surplus,      ///< the SPI is the holder's if it has fewer than K, and contested (G13)
    late_bind,         ///< E5
    late_bind_holder,  ///< E5, the holder being one more candidate
    drop_early,        ///< nobody gets the SPI; whose it is shows when it comes again (E4)
    take_back,         ///< nobody gets the SPI, and the one before is nobody's again (E13)
    pass_on,           ///< the slot goes to the next in the queue
    park_pass_on,      ///< the holder's exchanges are parked, the slot goes to the next
};

struct slot_row {
    slot_state next;
    slot_action action;
    friend constexpr bool operator==(const slot_row&, const slot_row&) = default;
};

using slot_table = std::array<std::array<slot_row, slot_event_count>, slot_state_count>;

/// The practical profile: `practical_slot_table[state][event]`.
inline constexpr slot_table practical_slot_table = [] {
    using s = slot_state;
    using a = slot_action;
    return slot_table{{
        // free
        {{
            {s::free, a::impossible},   // request_holder: no holder
            {s::wait, a::take},         // request_other: its answer and the first ESP may come together
            {s::free, a::impossible},   // enable_holder
            {s::gate, a::take},         // enable_other: from now on the server may send
            {s::free, a::impossible},   // esp_out_holder
            {s::learning, a::take},     // esp_out_other: the next unknown SPI should be its answer
            {s::free, a::late_bind},    // esp_in_last: E5
            {s::free, a::late_bind},    // esp_in_contended
            {s::free, a::impossible},   // esp_in_more
            {s::free, a::impossible},   // esp_in_early: early for whom
            {s::free, a::take_back},    // esp_in_refuting: either may be anybody's
            {s::free, a::impossible},   // release
            {s::free, a::impossible},   // timer
        }},
        // wait
        {{
            {s::wait, a::forward},           // request_holder: repeated, or one more exchange (G3); X8 bounds both
            {s::wait, a::queue},             // request_other
            {s::gate, a::open},              // enable_holder: the answer, or an exchange that the server started
            {s::wait, a::queue},             // enable_other
            {s::wait, a::forward},           // esp_out_holder
            {s::wait, a::queue},             // esp_out_other
            {s::wait, a::late_bind_holder},  // esp_in_last: the holder is one candidate more, ESP may overtake the answer
            {s::wait, a::late_bind_holder},  // esp_in_contended
            {s::wait, a::late_bind_holder},  // esp_in_more
            {s::wait, a::drop_early},         // esp_in_early: the server cannot have got the request yet
            {s::wait, a::impossible},        // esp_in_refuting: it is another's turn already
            {s::free, a::pass_on},           // release
            {s::free, a::pass_on},           // timer: no answer (X8)
        }},
        // gate
        {{
            {s::gate, a::open},             // request_holder: one more exchange of the holder (G3)
            {s::gate, a::queue},            // request_other
            {s::gate, a::open},             // enable_holder: G2, the timer runs from completion
            {s::gate, a::queue},            // enable_other
            {s::learning, a::learn},        // esp_out_holder
            {s::gate, a::queue},            // esp_out_other
            {s::free, a::bind},             // esp_in_last: goes on at once (G13)
            {s::settle, a::bind},           // esp_in_contended
            {s::gate, a::bind},             // esp_in_more
            {s::gate, a::drop_early},        // esp_in_early
            {s::gate, a::impossible},       // esp_in_refuting
            {s::free, a::pass_on},          // release
            {s::free, a::park_pass_on},     // timer
        }},
        // learning
        {{
            {s::gate, a::open},             // request_holder
            {s::learning, a::queue},        // request_other
            {s::gate, a::open},             // enable_holder
            {s::learning, a::queue},        // enable_other
            {s::learning, a::forward},      // esp_out_holder
            {s::learning, a::queue},        // esp_out_other
            {s::free, a::bind},             // esp_in_last
            {s::settle, a::bind},           // esp_in_contended
            {s::learning, a::bind},         // esp_in_more
            {s::learning, a::drop_early},    // esp_in_early: an answer from before this tenure, or a faster one
            {s::learning, a::impossible},   // esp_in_refuting
            {s::free, a::pass_on},          // release
            {s::free, a::park_pass_on},     // timer: stays parked, behind those who wait (G8, G11)
        }},
        // settle
        {{
            {s::settle, a::queue},          // request_holder: a new exchange takes its turn (G8)
            {s::settle, a::queue},          // request_other
            {s::settle, a::queue},          // enable_holder
            {s::settle, a::queue},          // enable_other
            {s::settle, a::queue},          // esp_out_holder
            {s::settle, a::queue},          // esp_out_other
            {s::settle, a::bind_surplus},   // esp_in_last
            {s::settle, a::bind_surplus},   // esp_in_contended
            {s::settle, a::impossible},     // esp_in_more: settling begins with its last one
            {s::settle, a::impossible},     // esp_in_early: its answer has come
            {s::free, a::take_back},        // esp_in_refuting: the holder is parked, and the slot goes on
            {s::free, a::pass_on},          // release
            {s::free, a::pass_on},          // timer
        }},
    }};
}();

enum class junos_state : std::uint8_t {
    free,
    both,  ///< both gates open
    in,    ///< the outbound gate was hit, the inbound one is open
    out,   ///< the inbound gate was hit, the outbound one is open
};
inline constexpr std::size_t junos_state_count = 4;

enum class junos_event : std::uint8_t {
    phase2_same,     ///< a message of the exchange that opened the gates
    phase2_holder,   ///< another Phase 2 exchange of the holder
    phase2_other,    ///< a Phase 2 exchange of another client
    esp_out_holder,  ///< a new outbound SPI of the holder
    esp_out_other,   ///< a new outbound SPI of another client
    esp_in,          ///< an unknown inbound SPI
    timer,           ///< esp-gate-timeout
};
inline constexpr std::size_t junos_event_count = 7;

enum class junos_action : std::uint8_t {
    impossible,
    open,              ///< both gates open, the message goes on
    restart,           ///< the gate timer starts anew, the message goes on (G2)
    drop_busy,         ///< `phase2_busy`
    drop_gate_failed,  ///< `gate_failed`: the inbound gates would have equal keys (G1, G6)
    bind,              ///< the SPI is the holder's
    drop_no_gate,      ///< `esp_no_gate`
    close,             ///< the gates that are open close
};

struct junos_row {
    junos_state next;
    junos_action action;
    friend constexpr bool operator==(const junos_row&, const junos_row&) = default;
};

using junos_slot_table_type = std::array<std::array<junos_row, junos_event_count>, junos_state_count>;

/// The Junos profile: `junos_slot_table[state][event]`.
inline constexpr junos_slot_table_type junos_slot_table = [] {
    using s = junos_state;
    using a = junos_action;
    return junos_slot_table_type{{
        // free
        {{
            {s::free, a::impossible},    // phase2_same: the caller sees a new exchange
            {s::free, a::impossible},    // phase2_holder
            {s::both, a::open},          // phase2_other
            {s::free, a::impossible},    // esp_out_holder
            {s::free, a::drop_no_gate},  // esp_out_other
            {s::free, a::drop_no_gate},  // esp_in
            {s::free, a::impossible},    // timer
        }},
        // both
        {{
            {s::both, a::restart},           // phase2_same
            {s::both, a::drop_busy},         // phase2_holder (G3)
            {s::both, a::drop_gate_failed},  // phase2_other
            {s::in, a::bind},                // esp_out_holder
            {s::both, a::drop_no_gate},      // esp_out_other
            {s::out, a::bind},               // esp_in
            {s::free, a::close},             // timer
        }},
        // in
        {{
            {s::in, a::restart},           // phase2_same
            {s::in, a::drop_busy},         // phase2_holder
            {s::in, a::drop_gate_failed},  // phase2_other
            {s::in, a::drop_no_gate},      // esp_out_holder: its gate is hit already
            {s::in, a::drop_no_gate},      // esp_out_other
            {s::free, a::bind},            // esp_in: collapsed
            {s::free, a::close},           // timer
        }},
        // out
        {{
            {s::out, a::restart},           // phase2_same
            {s::out, a::drop_busy},         // phase2_holder
            {s::out, a::drop_gate_failed},  // phase2_other
            {s::free, a::bind},             // esp_out_holder: collapsed
            {s::out, a::drop_no_gate},      // esp_out_other
            {s::out, a::drop_no_gate},      // esp_in: its gate is hit already
            {s::free, a::close},            // timer
        }},
    }};
}();

namespace detail {

/// A free slot has no holder, so exactly the holder's events and the timer are impossible in it. A holder that settles waits for nothing.
/// A guess can be refuted until the next tenure begins.
consteval bool practical_table_is_decided() {
    for (std::size_t s = 0; s < slot_state_count; ++s) {
        for (std::size_t e = 0; e < slot_event_count; ++e) {
            const auto event = static_cast<slot_event>(e);
            const bool needs_holder = event == slot_event::request_holder || event == slot_event::enable_holder ||
                                      event == slot_event::esp_out_holder || event == slot_event::release ||
                                      event == slot_event::timer;
            const bool needs_waiter = event == slot_event::esp_in_more || event == slot_event::esp_in_early;
            const auto state = static_cast<slot_state>(s);
            const bool in_turn = state == slot_state::free || state == slot_state::settle;
            const bool impossible = (state == slot_state::free && (needs_holder || needs_waiter)) ||
                                    (state == slot_state::settle && needs_waiter) ||
                                    (event == slot_event::esp_in_refuting && !in_turn);
            if ((practical_slot_table[s][e].action == slot_action::impossible) != impossible) {
                return false;
            }
        }
    }
    return true;
}

consteval bool junos_table_is_decided() {
    for (std::size_t s = 0; s < junos_state_count; ++s) {
        for (std::size_t e = 0; e < junos_event_count; ++e) {
            const auto event = static_cast<junos_event>(e);
            const bool needs_holder = event == junos_event::phase2_same || event == junos_event::phase2_holder ||
                                      event == junos_event::esp_out_holder || event == junos_event::timer;
            const bool undecided = junos_slot_table[s][e].action == junos_action::impossible;
            if (undecided != (needs_holder && static_cast<junos_state>(s) == junos_state::free)) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace detail

static_assert(detail::practical_table_is_decided());
static_assert(detail::junos_table_is_decided());

[[nodiscard]] constexpr std::string_view to_string(slot_state s) noexcept {
    constexpr std::array<std::string_view, slot_state_count> names{"free", "wait", "gate", "learning", "settle"};
    return names[static_cast<std::size_t>(s)];
}

[[nodiscard]] constexpr std::string_view to_string(slot_event e) noexcept {
    constexpr std::array<std::string_view, slot_event_count> names{
        "request_holder", "request_other",    "enable_holder", "enable_other", "esp_out_holder", "esp_out_other",
        "esp_in_last",    "esp_in_contended", "esp_in_more",   "esp_in_early", "esp_in_refuting", "release",       "timer"};
    return names[static_cast<std::size_t>(e)];
}

[[nodiscard]] constexpr std::string_view to_string(junos_state s) noexcept {
    constexpr std::array<std::string_view, junos_state_count> names{"free", "both", "in", "out"};
    return names[static_cast<std::size_t>(s)];
}

[[nodiscard]] constexpr std::string_view to_string(junos_event e) noexcept {
    constexpr std::array<std::string_view, junos_event_count> names{
        "phase2_same", "phase2_holder", "phase2_other", "esp_out_holder", "esp_out_other", "esp_in", "timer"};
    return names[static_cast<std::size_t>(e)];
}

/// What the tests count: which cells of the table were used.
struct no_cell_probe {
    constexpr void operator()(slot_state, slot_event) const noexcept {}
    constexpr void operator()(junos_state, junos_event) const noexcept {}
};

}  // namespace ikealg::inline v0::alg

#endif
