// SPDX-License-Identifier: Apache-2.0
/// The slot of the Junos profile: gates at the first Phase 2 message, drops when busy, nothing is parked, held or late-bound (G3, G6).
///
/// `junos_slot_table` (gate.hpp) decides; this class carries its actions out on the same slot record as the practical profile.
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_ALG_JUNOS_SLOT_HPP
#define IKEALG_ALG_JUNOS_SLOT_HPP

#include "ikealg/alg/slot.hpp"

namespace ikealg::inline v0::alg {

template <class State, class CellProbe = no_cell_probe>
class junos_slot_machine {
public:
    using slot_type = typename State::slot_type;

    explicit junos_slot_machine(State& state, CellProbe probe = {}) noexcept : st_(state), bind_(state), probe_(probe) {}

    /// Any message of a Phase 2 exchange on an IKE session seen in both directions.
    [[nodiscard]] decision phase2(std::uint32_t xi) noexcept {
        exchange& x = st_.exchange_at(xi);
        const std::uint32_t pi = x.pair;
        const std::uint32_t si = st_.pair_at(pi).slot;
        if (si == npos) {
            x.state = exchange_state::enabled;  // G9
            return decision::forward();
        }
        slot_type& s = st_.slot_at(si);
        const junos_event event = s.junos != junos_state::free && s.holder_exchange == xi ? junos_event::phase2_same
                                  : s.holder == pi                                      ? junos_event::phase2_holder
                                                                                        : junos_event::phase2_other;
        const bool done = x.state == exchange_state::satisfied && event != junos_event::phase2_same;
        if (done) {
            return decision::forward();  // a repetition of an exchange whose gates have collapsed
        }
        const junos_row row = step(s, event);
        s.junos = row.next;
        switch (row.action) {
            case junos_action::open:
                s.holder = pi;
                s.holder_exchange = xi;
                s.began = st_.now;
                x.state = exchange_state::enabled;
                st_.counts.count(counter::gates_opened);
                st_.tell(event_kind::gate_opened, pi);
                [[fallthrough]];
            case junos_action::restart:
                s.tenure_end = st_.now + st_.settings.esp_gate_timeout;
                st_.slot_timers.arm(si, s.tenure_end);
                return decision::forward();
            case junos_action::drop_busy: return decision::drop(drop_reason::phase2_busy);
            case junos_action::drop_gate_failed:
                st_.counts.count(counter::gates_failed);
                st_.tell(event_kind::gate_failed, pi);
                return decision::drop(drop_reason::gate_failed);
            default: return decision::forward();
        }
    }

    /// A message that belongs to the exchange without being of it (X4).
    void restart(std::uint32_t xi) noexcept {
        const std::uint32_t si = st_.pair_at(st_.exchange_at(xi).pair).slot;
        if (si != npos && st_.slot_at(si).junos != junos_state::free && st_.slot_at(si).holder_exchange == xi) {
            (void)phase2(xi);
        }
    }

    /// A new outbound SPI of the pair.
    [[nodiscard]] decision esp_out(std::uint32_t pi, spi value) noexcept {
        const std::uint32_t si = st_.pair_at(pi).slot;
        if (si == npos) {
            return bind_.bind_outbound(pi, npos, value) ? decision::forward() : decision::drop(drop_reason::table_full);
        }
        slot_type& s = st_.slot_at(si);
        const junos_row row = step(s, s.holder == pi ? junos_event::esp_out_holder : junos_event::esp_out_other);
        if (row.action != junos_action::bind) {
            return decision::drop(drop_reason::esp_no_gate);
        }
        if (!bind_.bind_outbound(pi, s.holder_exchange, value)) {
            return decision::drop(drop_reason::table_full);
        }
        st_.counts.count(counter::gates_hit_out);
        move_to(si, row.next);
        return decision::forward();
    }

    /// An unknown inbound SPI.
    [[nodiscard]] inbound_owner esp_in(std::uint32_t si, spi value) noexcept {
        slot_type& s = st_.slot_at(si);
        const std::uint32_t pi = s.holder;
        const junos_row row = step(s, junos_event::esp_in);
        if (row.action != junos_action::bind) {
            return {npos, drop_reason::esp_no_gate};
        }
        if (!bind_.bind_inbound(pi, s.holder_exchange, value, binding_kind::gate, false)) {
            return {npos, drop_reason::table_full};
        }
        st_.counts.count(counter::gates_hit_in);
        move_to(si, row.next);
        return {pi, drop_reason::none};
    }

    void on_timer(std::uint32_t si) noexcept {
        slot_type& s = st_.slot_at(si);
        if (s.junos == junos_state::free) {
            return;
        }
        if (st_.now < s.tenure_end) {
            st_.slot_timers.arm(si, s.tenure_end);
            return;
        }
        st_.counts.count(counter::gates_timed_out);
        st_.tell(event_kind::gate_timed_out, s.holder);
        move_to(si, step(s, junos_event::timer).next);
    }

    /// The exchange ends: its gates close.
    void forget(std::uint32_t xi) noexcept {
        const std::uint32_t si = st_.pair_at(st_.exchange_at(xi).pair).slot;
        if (si != npos && st_.slot_at(si).junos != junos_state::free && st_.slot_at(si).holder_exchange == xi) {
            move_to(si, junos_state::free);
        }
    }

private:
    [[nodiscard]] junos_row step(const slot_type& s, junos_event event) const noexcept {
        probe_(s.junos, event);
        return junos_slot_table[static_cast<std::size_t>(s.junos)][static_cast<std::size_t>(event)];
    }
    void move_to(std::uint32_t si, junos_state next) noexcept {
        slot_type& s = st_.slot_at(si);
        if (next == junos_state::free) {
            if (s.junos == junos_state::in || s.junos == junos_state::out) {
                st_.counts.count(counter::gates_collapsed, st_.now < s.tenure_end ? 1 : 0);
            }
            st_.tell(event_kind::gate_closed, s.holder);
            s.holder = s.holder_exchange = npos;
            st_.slot_timers.disarm(si);
        }
        s.junos = next;
    }

    State& st_;
    bindings<State> bind_;
    [[no_unique_address]] CellProbe probe_;
};

}  // namespace ikealg::inline v0::alg

#endif
