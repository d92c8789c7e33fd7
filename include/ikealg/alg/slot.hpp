// SPDX-License-Identifier: Apache-2.0
/// The slot of the practical profile: who may be next, who waits, whose SPI it is (G1-G14, E4, E5, E11, L7).
///
/// `practical_slot_table` (gate.hpp) decides; this class carries its actions out. Three entries: an enabling message, ESP out of an
/// unsatisfied exchange, an unknown inbound SPI. Each answers at once whether the packet goes on, waits or ends. Packets that waited
/// come back through `state::hand_back`, behind the packets of the burst (G14).
///
/// Invariants: at most one holder a slot; a free slot has nobody with a packet in its queue; a tenure has an end.
/// Thread safety: none, one owner. Complexity: constant, but for the held packets of one client and, when held packets grow too old, the
/// queue of one slot.
#ifndef IKEALG_ALG_SLOT_HPP
#define IKEALG_ALG_SLOT_HPP

#include <algorithm>
#include <utility>

#include "ikealg/alg/hold.hpp"
#include "ikealg/alg/late_binding.hpp"
#include "ikealg/alg/learn_flood.hpp"
#include "ikealg/alg/server_first.hpp"
#include "ikealg/alg/tenure.hpp"

namespace ikealg::inline v0::alg {

template <class State, class Packet, const slot_table& Table = practical_slot_table, class CellProbe = no_cell_probe>
class slot_machine {
public:
    using slot_type = typename State::slot_type;
    using pair_type = typename State::pair_type;
    using at_hand = packet_at_hand<Packet>;

    explicit slot_machine(State& state, CellProbe probe = {}) noexcept
        : st_(state), bind_(state), claims_(state), late_(state), hold_(state), tenure_(state), server_first_(state), probe_(probe) {}

    /// An enabling message of an exchange. `request`: IKEv2 36 or 44 of the client, whose answer is to come.
    [[nodiscard]] decision enabling(std::uint32_t xi, bool request, at_hand p) noexcept {
        exchange& x = st_.exchange_at(xi);
        const pair_type& pr = st_.pair_at(x.pair);
        if (pr.slot == npos || x.state == exchange_state::satisfied) {  // G9, X2
            tenure_.passed(xi, request, p.way);
            return decision::forward();
        }
        slot_type& s = st_.slot_at(pr.slot);
        const bool holder = s.holder == x.pair;
        const slot_row row = step(s, request ? (holder ? slot_event::request_holder : slot_event::request_other)
                                             : (holder ? slot_event::enable_holder : slot_event::enable_other));
        switch (row.action) {
            case slot_action::take: tenure_.take(pr.slot, x.pair, row.next); break;
            case slot_action::open: tenure_.open_gate(pr.slot, x.pair); break;
            case slot_action::queue: return waits(pr.slot, hold_.message(xi, request ? held_kind::request : held_kind::enabling, p));
            default: break;
        }
        tenure_.passed(xi, request, p.way);
        tenure_.arm(pr.slot);
        return decision::forward();
    }

    /// The server's answer to a request that went through the slot. It always goes on.
    void answered(std::uint32_t xi) noexcept {
        exchange& x = st_.exchange_at(xi);
        x.answered = true;
        const std::uint32_t si = st_.pair_at(x.pair).slot;
        if (si == npos || x.state == exchange_state::satisfied) {
            return;
        }
        slot_type& s = st_.slot_at(si);
        if (s.holder != x.pair && s.state != slot_state::free) {
            tenure_.park(xi);  // its turn is over (X8), but its server may send now
            return;
        }
        const slot_row row = step(s, s.holder == x.pair ? slot_event::enable_holder : slot_event::enable_other);
        if (row.action == slot_action::take) {
            tenure_.take(si, x.pair, row.next);
        } else if (row.action == slot_action::open) {
            tenure_.open_gate(si, x.pair);
        } else if (x.state != exchange_state::enabled) {
            tenure_.park(xi);
            return;
        }
        tenure_.passed(xi, false, nat::direction::inbound);
        tenure_.arm(si);
    }

    /// A message that enables nothing: the open gate of its exchange starts anew (X2, X4, G2).
    void restart(std::uint32_t xi) noexcept {
        const exchange& x = st_.exchange_at(xi);
        const std::uint32_t si = st_.pair_at(x.pair).slot;
        if (si != npos && st_.slot_at(si).holder == x.pair && st_.slot_at(si).state == slot_state::gate &&
            x.state == exchange_state::enabled) {
            st_.slot_at(si).completed = st_.now;
            tenure_.arm(si);
        }
    }

    /// The exchange needs the slot no more: refused (X9), or one more round of IKE_AUTH begins (X5).
    void release(std::uint32_t xi) noexcept {
        exchange& x = st_.exchange_at(xi);
        const std::uint32_t pi = x.pair;
        const std::uint32_t si = st_.pair_at(pi).slot;
        st_.unpark(xi);
        st_.close_claim(xi);
        if (x.state != exchange_state::satisfied) {
            x.state = exchange_state::seen;
        }
        if (si != npos && st_.slot_at(si).holder == pi && claims_.open_exchange(pi, npos) == npos) {
            const slot_row row = step(st_.slot_at(si), slot_event::release);
            if (row.action == slot_action::pass_on) {
                pass_on(si);
            }
        }
    }

    /// ESP out of an unsatisfied exchange (E3, G12). When it may go on, its SPI is bound.
    [[nodiscard]] decision esp_out(std::uint32_t xi, spi value, at_hand p) noexcept {
        exchange& x = st_.exchange_at(xi);
        const std::uint32_t pi = x.pair;
        const pair_type& pr = st_.pair_at(pi);
        if (late_.take_surplus(xi)) {
            (void)bound_late(pr.slot, {pi, drop_reason::none});
        }
        if (pr.slot == npos || x.state == exchange_state::satisfied || tenure_.one_way_rests(x)) {
            return bound(pi, xi, value);
        }
        slot_type& s = st_.slot_at(pr.slot);
        const bool holder = s.holder == pi;
        if (!holder && pr.first_message != npos) {
            return waits(pr.slot, hold_.esp(xi, value, p));  // behind its own enabling message (G4)
        }
        if (!holder && pr.in_ike_queue && x.state == exchange_state::seen) {
            return decision::drop(drop_reason::esp_busy);  // that message grew too old before it left: nobody could answer
        }
        if (holder && s.state == slot_state::learning && s.waiting != 0 && s.tenure_end - st_.now < tenure_.settle_time(s)) {
            return waits(pr.slot, hold_.esp(xi, value, p));  // its answer would come in another's tenure
        }
        const slot_row row = step(s, holder ? slot_event::esp_out_holder : slot_event::esp_out_other);
        switch (row.action) {
            case slot_action::take: tenure_.take(pr.slot, pi, row.next); break;
            case slot_action::learn:
                s.state = row.next;
                s.first_esp = st_.now;  // a message was repeated since: the learning time is this packet's
                break;
            case slot_action::queue: return waits(pr.slot, hold_.esp(xi, value, p));
            default: break;
        }
        const decision d = bound(pi, xi, value);
        tenure_.esp_left(xi);
        tenure_.arm(pr.slot);
        return d;
    }

    /// An inbound SPI that is not bound, on this slot.
    [[nodiscard]] inbound_owner esp_in(std::uint32_t si, spi value, std::uint32_t sequence) noexcept {
        slot_type& s = st_.slot_at(si);
        if (learn_flooded(s, value, sequence, st_.settings.learn_flood, st_.now)) {
            st_.counts.count(counter::learn_flood);
            return {npos, drop_reason::esp_no_gate};
        }
        const std::uint32_t holder = s.holder;
        const bool early = s.timed && s.state != slot_state::settle && st_.now - s.left < s.rtt.floor();
        const std::uint32_t open = holder == npos ? npos : claims_.open_exchange(holder, npos);
        slot_event event = slot_event::esp_in_last;
        const std::uint32_t refuted = server_first_.refuted(s);
        if (refuted != npos) {
            event = slot_event::esp_in_refuting;
        } else if (early) {
            event = slot_event::esp_in_early;
        } else if (open != npos && claims_.open_exchange(holder, open) != npos) {
            event = slot_event::esp_in_more;
        } else if (claims_.others_claim(s, holder)) {
            event = slot_event::esp_in_contended;
        }
        const slot_row row = step(s, event);
        switch (row.action) {
            case slot_action::bind: return satisfied(bind_to_holder(si, open, value, row.next));
            case slot_action::bind_surplus: return late_.bind_surplus(si, value);
            case slot_action::late_bind: return satisfied(bound_late(si, late_.bind(si, value, holder, false)));
            case slot_action::drop_early: tenure_.remember_early(s, value); return {npos, drop_reason::esp_early};
            case slot_action::take_back: return take_back(si, refuted);
            case slot_action::late_bind_holder: return satisfied(bound_late(si, late_.bind(si, value, holder, true)));
            default: return {npos, drop_reason::esp_ambiguous};
        }
    }

    /// The slot's deadline has come: packets too old are given back, a tenure that is over ends.
    void on_timer(std::uint32_t si) noexcept {
        slot_type& s = st_.slot_at(si);
        const bool in_vain = tenure_.ends_in_vain(s);
        const bool over = s.state != slot_state::free && st_.now >= s.tenure_end;
        if (s.waiting != 0 && st_.now >= s.hold_end && !(over && s.tenure_end <= s.hold_end)) {  // what came first; a packet of just
            hold_.expire(si);                                                                   // that age has its turn yet
        }
        if (over) {
            const slot_state was = s.state;
            const std::uint32_t holder = s.holder;
            const slot_row row = step(s, slot_event::timer);
            if (was == slot_state::learning && !in_vain && s.early_valid && s.first_esp_valid) {
                s.rtt.refute(s.early_at - s.first_esp);
            }
            if (row.action == slot_action::park_pass_on) {
                tenure_.park_holder(si, was);
            } else if (was == slot_state::wait) {
                tenure_.give_up(holder);
            }
            pass_on(si);
        }
        tenure_.arm(si);
    }

    /// Gives back, as dropped, whatever is held of an exchange that ends, and the slot if the client holds it for this one alone.
    void forget(std::uint32_t xi) noexcept {
        const std::uint32_t pi = st_.exchange_at(xi).pair;
        hold_.drop_of(pi, xi);
        release(xi);
    }

private:
    [[nodiscard]] slot_row step(slot_type& s, slot_event event) noexcept {
        probe_(s.state, event);
        return Table[static_cast<std::size_t>(s.state)][static_cast<std::size_t>(event)];
    }

    /// A packet may have joined the queue: who waits shortens the tenure.
    [[nodiscard]] decision waits(std::uint32_t si, decision d) noexcept {
        tenure_.arm(si);
        return d;
    }

    /// Frees the slot and serves those who wait, IKE and ESP in turn, until one of them holds it or none is left.
    void pass_on(std::uint32_t si) noexcept {
        slot_type& s = st_.slot_at(si);
        if (s.holder != npos) {
            st_.tell(event_kind::gate_closed, s.holder);
        }
        s.holder = npos;
        s.state = slot_state::free;
        s.timed = s.first_esp_valid = s.early_valid = false;
        while (s.state == slot_state::free && s.waiting != 0) {
            std::uint32_t ike = s.first_in_ike_queue;
            while (ike != npos && st_.pair_at(ike).first_message == npos) {
                ike = st_.pair_at(ike).next_in_ike_queue;  // a place whose packet grew too old; it keeps its place
            }
            const std::uint32_t esp = s.first_in_esp_queue;
            if (ike == npos && esp == npos) {
                break;
            }
            const bool esp_turn = ike == npos || (esp != npos && !s.esp_turn_last);
            s.esp_turn_last = esp_turn;
            serve(si, esp_turn ? esp : ike);
        }
        tenure_.arm(si);
    }

    /// A client's turn: its enabling messages, then its ESP.
    void serve(std::uint32_t si, std::uint32_t pi) noexcept {
        pair_type& p = st_.pair_at(pi);
        slot_type& s = st_.slot_at(si);
        st_.leave_queue(pi, false);
        st_.leave_queue(pi, true);
        --s.waiting;
        while (p.first_message != npos) {
            const std::uint32_t h = hold_.pop(p.first_message, p.last_message);
            --p.held_messages;
            auto& held = st_.held_at(h);
            const bool request = held.kind == held_kind::request;
            if (st_.exchange_at(held.exchange).state != exchange_state::satisfied) {
                if (s.holder == npos) {
                    const slot_row row = step(s, request ? slot_event::request_other : slot_event::enable_other);
                    tenure_.take(si, pi, row.next);
                } else if (!request || s.state != slot_state::wait) {
                    tenure_.open_gate(si, pi);
                }
            }
            tenure_.passed(held.exchange, request, held.way);
            hold_.hand_on(h);
        }
        while (p.first_held_esp != npos) {
            const std::uint32_t h = hold_.pop(p.first_held_esp, p.last_held_esp);
            --p.held_esp;
            if (pauses<State>(st_).takes_over(h)) {
                continue;  // its message has only just left (G15)
            }
            auto& held = st_.held_at(h);
            const std::uint32_t xi = held.exchange;
            const bool needs = st_.exchange_at(xi).state != exchange_state::satisfied;
            if (needs && s.holder == npos) {
                tenure_.take(si, pi, step(s, slot_event::esp_out_other).next);
            } else if (needs && s.state == slot_state::gate) {
                s.state = step(s, slot_event::esp_out_holder).next;
            }
            const decision d = bound(pi, xi, held.spi);
            if (needs) {
                tenure_.esp_left(xi);
            }
            d.act == decision::what::forward ? hold_.hand_on(h) : st_.hand_back(h, d.reason);
        }
    }

    /// An exchange of the owner may be satisfied now: its ESP that waits for the slot needs it no more (X2).
    [[nodiscard]] inbound_owner satisfied(inbound_owner owner) noexcept {
        for (std::uint32_t h = owner.pair == npos ? npos : hold_.take_satisfied(owner.pair); h != npos; h = hold_.take_satisfied(owner.pair)) {
            const decision d = bound(owner.pair, st_.held_at(h).exchange, st_.held_at(h).spi);
            d.act == decision::what::forward ? hold_.hand_on(h) : st_.hand_back(h, d.reason);
        }
        return owner;
    }

    // Inbound SPIs.

    [[nodiscard]] inbound_owner bind_to_holder(std::uint32_t si, std::uint32_t xi, spi value, slot_state next) noexcept {
        slot_type& s = st_.slot_at(si);
        const std::uint32_t pi = s.holder;
        if (xi == npos) {
            return {npos, drop_reason::esp_ambiguous};
        }
        const bool guess = server_first_.guesses(s);
        const inbound_owner given = late_.give(s, pi, xi, value, binding_kind::gate);
        if (given.pair == npos) {
            return given;
        }
        if (guess) {
            server_first_.note(s, xi);
            pauses<State>(st_).guessed(xi, server_first_.guess_time);
        }
        if (s.first_esp_valid) {
            s.rtt.esp_sample((s.early_valid && s.early == value ? s.early_at : st_.now) - s.first_esp);
        }
        st_.counts.count(counter::gates_hit_in);
        st_.counts.count(counter::gates_collapsed, st_.exchange_at(xi).outbound_flow != npos ? 1 : 0);
        if (next == slot_state::free) {
            pass_on(si);
        } else {
            s.state = next;
            if (next == slot_state::settle) {
                s.holder_exchange = xi;
                s.tenure_end = st_.now + tenure_.settle_time(s);
            }
            tenure_.arm(si);
        }
        return {pi, drop_reason::none};
    }

    /// Late binding may have given the holder what it was waiting for.
    [[nodiscard]] inbound_owner bound_late(std::uint32_t si, inbound_owner owner) noexcept {
        if (owner.pair != npos && owner.pair == st_.slot_at(si).holder &&
            claims_.open_exchange(owner.pair, npos) == npos) {
            pass_on(si);
        }
        return owner;
    }

    /// E13: the server speaks first to several. The client that was given the SPI before is parked like the others.
    [[nodiscard]] inbound_owner take_back(std::uint32_t si, std::uint32_t refuted) noexcept {
        slot_type& s = st_.slot_at(si);
        s.guess = npos;
        bind_.take_back(refuted, false);
        pauses<State>(st_).finish(refuted, nat::direction::inbound);
        if (s.state != slot_state::free) {
            pass_on(si);
        }
        return {npos, drop_reason::esp_ambiguous};
    }

    // ESP out.

    /// Binds the outbound SPI, if it is not bound, and says whether the packet can go on.
    [[nodiscard]] decision bound(std::uint32_t pi, std::uint32_t xi, spi value) noexcept {
        const exchange& x = st_.exchange_at(xi);
        const std::uint32_t si = st_.pair_at(pi).slot;
        const bool hit = x.outbound_flow == npos && si != npos &&
                         (st_.slot_at(si).holder == pi || x.state == exchange_state::satisfied);
        if (!bind_.bind_outbound(pi, xi, value)) {
            return decision::drop(drop_reason::table_full);
        }
        st_.counts.count(counter::gates_hit_out, hit ? 1 : 0);
        st_.counts.count(counter::gates_collapsed, hit && x.inbound_flow != npos ? 1 : 0);
        return decision::forward();
    }
    State& st_;
    bindings<State> bind_;
    claims<State> claims_;
    late_binding<State> late_;
    held_packets<State, Packet> hold_;
    tenures<State> tenure_;
    server_first<State> server_first_;
    [[no_unique_address]] CellProbe probe_;
};

}  // namespace ikealg::inline v0::alg

#endif
