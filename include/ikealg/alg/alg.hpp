// SPDX-License-Identifier: Apache-2.0
/// The ALG: IKE messages and ESP packets of pairs, in both directions, and the timers behind them.
///
/// The gateway knows which pair a packet belongs to, or asks here; the ALG says whether it goes on, waits or ends, and remembers what it
/// tells about the SPIs to come. It never touches a packet's bytes: rewriting is the gateway's.
///
///   ike_outbound / ike_inbound -> session (ike_sessions.hpp) -> exchange -> role (phase2.hpp) -> slot (slot.hpp, junos_slot.hpp)
///   esp_outbound / esp_inbound -> exchange -> pause (pause.hpp), slot -> binding (binding.hpp)
///
/// Thread safety: none, one owner. Complexity: constant a packet, within the per-client limits of the settings. Nothing allocates.
#ifndef IKEALG_ALG_ALG_HPP
#define IKEALG_ALG_ALG_HPP

#include <cstdint>
#include <utility>

#include "ikealg/alg/collisions.hpp"
#include "ikealg/alg/endings.hpp"
#include "ikealg/alg/exchanges.hpp"
#include "ikealg/alg/ike_report.hpp"
#include "ikealg/alg/ike_sessions.hpp"
#include "ikealg/alg/junos_slot.hpp"
#include "ikealg/alg/natt_pause.hpp"
#include "ikealg/alg/pause.hpp"
#include "ikealg/alg/phase2.hpp"
#include "ikealg/alg/slot.hpp"

namespace ikealg::inline v0::alg {

template <class Family, class Packet, class Observer = no_observer, const slot_table& Table = practical_slot_table,
          class CellProbe = no_cell_probe>
class alg {
public:
    using address = typename Family::address;
    using state_type = state<Family, Packet, Observer>;
    using pair_type = pair<Family>;
    using at_hand = packet_at_hand<Packet>;
    using machine = slot_machine<state_type, Packet, Table, CellProbe>;

    alg(const alg_settings& settings, const capacities& room, hash_secret secret, instant start, Observer observer = {},
        CellProbe probe = {})
        : state_(settings, room, secret, start, std::move(observer)), probe_(probe) {}

    [[nodiscard]] state_type& memory() noexcept { return state_; }
    [[nodiscard]] const state_type& memory() const noexcept { return state_; }

    /// Sets the time for the calls that follow.
    void set_time(instant now) noexcept { state_.now = now; }

    /// An IKE message from the client of a pair. `shared`: its port is shared with other clients.
    [[nodiscard]] decision ike_outbound(std::uint32_t pi, const wire::ike_view& m, std::uint32_t ike_flow, bool shared,
                                        bool ip_fragment, at_hand p) noexcept {
        ike_report<state_type>(state_).count(m);
        ike_sessions<state_type> sessions(state_);
        const auto r = sessions.from_client(pi, m, ike_flow, shared);
        if (r.collision) {
            return collisions<state_type, Packet>(state_).hold(pi, m.initiator_spi(), p);
        }
        if (r.session == npos) {
            return decision::drop(r.reason);
        }
        if (r.fresh) {
            wire::is_phase1(m.exchange()) ? ends().parked(pi) : ends().phantom_child(pi, r.session);
        }
        return message(r.session, m, nat::direction::outbound, ip_fragment, p);
    }

    /// An IKE message from the server for a pair.
    [[nodiscard]] decision ike_inbound(std::uint32_t pi, const wire::ike_view& m, std::uint32_t ike_flow, bool shared,
                                       bool ip_fragment, at_hand p) noexcept {
        ike_report<state_type>(state_).count(m);
        ike_sessions<state_type> sessions(state_);
        const auto r = sessions.from_server(pi, m, ike_flow, shared);
        if (r.session == npos) {
            return decision::drop(r.reason);
        }
        if (shared) {
            collisions<state_type, Packet>(state_).answered(state_.pair_at(pi).slot, m.initiator_spi());
        }
        return message(r.session, m, nat::direction::inbound, ip_fragment, p);
    }

    /// A later IP fragment of a held message or of held ESP (hold.hpp).
    [[nodiscard]] decision later_fragment(std::uint32_t xi, spi value, at_hand p) noexcept {
        const decision d = pauses_of_sas().later_fragment(xi, value, p);
        return d.act != decision::what::forward ? d : held_packets<state_type, Packet>(state_).later_fragment(xi, value, p);
    }

    /// Whose an IKE message from the server to a shared port of this slot is.
    [[nodiscard]] auto owner_on_shared_port(std::uint32_t si, const wire::ike_view& m, bool choose = true) noexcept {
        return ike_sessions<state_type>(state_).owner_on_shared_port(si, m, choose);
    }
    /// N4: a Phase 1 that the server begins toward port 500 of an address with several clients goes to this one.
    [[nodiscard]] auto phase1_of_server() noexcept { return phase1_choice<state_type>(state_); }
    /// The clients that a fanned-out message goes to (X6): `visit(pair)` for each, at most 256.
    template <class Visit>
    void for_each_fan_out(std::uint32_t si, Visit&& visit) noexcept {
        ike_sessions<state_type> sessions(state_);
        unsigned walked = 0;
        for (std::uint32_t pi = state_.slot_at(si).first_member; pi != npos && walked < sessions.most_candidates; ++walked) {
            const std::uint32_t next = state_.pair_at(pi).next_member;
            if (sessions.recent_child(pi)) {
                visit(pi);
            }
            pi = next;
        }
    }

    /// ESP from the client whose outbound SPI is not bound, or whose session is unsatisfied (`flow_index` npos or the flow).
    [[nodiscard]] decision esp_outbound(std::uint32_t pi, spi value, std::uint32_t flow_index, at_hand p) noexcept {
        pair_type& pr = state_.pair_at(pi);
        pr.last_seen = to_tick(state_.now);
        if (state_.settings.profile == profile::junos) {
            return flow_index != npos ? decision::forward() : junos_slots().esp_out(pi, value);
        }
        std::uint32_t xi = flow_index != npos ? state_.flows[flow_index].session : exchanges<state_type>(state_).completed_by_esp(pi);
        if (flow_index == npos && p.waited && is_open(p.waited_in, pi)) {
            xi = p.waited_in;  // a newer exchange may have begun meanwhile
        } else if (flow_index == npos) {
            const std::uint32_t same = held_packets<state_type, Packet>(state_).awaited_with(pi, value);
            xi = same != npos ? same : xi;
        }
        if (flow_index != npos && xi == npos) {
            return decision::forward();
        }
        if (const decision d = pauses_of_sas().leaving(pi, xi, value, flow_index, p); d.act != decision::what::forward) {
            if (pr.slot != npos) {
                tenures<state_type>(state_).arm(pr.slot);  // a gate may last for the pause
            }
            return d;
        }
        if (xi == npos) {
            if (pr.sessions == 0 && !pr.midstream) {
                return decision::drop(drop_reason::esp_no_gate);
            }
            xi = ends().make_exchange(pi);
            if (xi == npos) {
                return decision::drop(drop_reason::table_full);
            }
        }
        return slots().esp_out(xi, value, p);
    }
    /// The pauses of new SAs (G15), and those of NAT-T (G16).
    [[nodiscard]] auto pauses_of_sas() noexcept { return pauses<state_type>(state_); }
    [[nodiscard]] auto pauses_of_natt() noexcept { return natt_pauses<state_type>(state_); }
    /// Gives back what waited in pauses that are over. True when there was something.
    bool end_due_pauses() noexcept {
        const bool plain = pauses_of_sas().end_due();
        return pauses_of_natt().end_due() || plain;
    }

    /// ESP from the server with an SPI that is not bound, to a nat address that clients may share.
    [[nodiscard]] inbound_owner esp_inbound(std::uint32_t si, spi value, std::uint32_t sequence) noexcept {
        return state_.settings.profile == profile::junos ? junos_slots().esp_in(si, value)
                                                         : slots().esp_in(si, value, sequence);
    }
    /// The same where the nat address is the client's own alone (G9): it can only be this pair's.
    [[nodiscard]] inbound_owner esp_inbound_exclusive(std::uint32_t pi, spi value) noexcept {
        std::uint32_t xi = npos;
        for (std::uint32_t i = state_.pair_at(pi).first_exchange; i != npos; i = state_.exchange_at(i).next) {
            if (state_.exchange_at(i).inbound_flow == npos) {
                xi = i;
            }
        }
        if (xi == npos && state_.pair_at(pi).sessions == 0 && !state_.pair_at(pi).midstream) {
            return {npos, drop_reason::esp_no_gate};
        }
        const bool done = bindings<state_type>(state_).bind_inbound(
            pi, xi, value, xi == npos ? binding_kind::midstream : binding_kind::gate, false);
        return done ? inbound_owner{pi, drop_reason::none} : inbound_owner{npos, drop_reason::table_full};
    }

    /// ESP from the server on an SPI that is bound (E8).
    void esp_inbound_bound(std::uint32_t flow_index, std::uint32_t sequence) noexcept {
        bindings<state_type>(state_).note_inbound(flow_index, sequence);
    }

    /// Runs the exact timers of slots that are due, at most `budget`; true when more are due.
    [[nodiscard]] bool run_slot_timers(std::size_t budget) noexcept {
        for (; budget != 0; --budget) {
            const std::uint32_t si = state_.slot_timers.pop_due(state_.now);
            if (si == npos) {
                break;
            }
            if (state_.settings.profile == profile::junos && state_.slot_at(si).state == slot_state::free) {
                junos_slots().on_timer(si);
            } else {
                slots().on_timer(si);
            }
        }
        collisions<state_type, Packet>(state_).expire();
        (void)end_due_pauses();
        const auto next = state_.slot_timers.next();
        return next && *next <= state_.now;
    }
    /// When the next exact timer is due.
    [[nodiscard]] std::optional<instant> next_slot_timer() const noexcept {
        auto next = state_.slot_timers.next();
        for (const auto pause : {state_.pause_timers.next(), state_.natt_timers.next()}) {
            if (pause) {
                next = next ? std::min(*next, *pause) : *pause;
            }
        }
        if (state_.collisions.first != npos) {
            const instant end = state_.held_at(state_.collisions.first).since + state_.settings.hold_limit;
            next = next ? std::min(*next, end) : end;
        }
        return next;
    }

    /// A lazy timer of a session: ends it when it is idle. True when it stays and wants to be asked again at `again`.
    [[nodiscard]] bool session_stays(std::uint32_t i, tick& again) noexcept {
        const tick t = to_tick(state_.now);
        ike_sessions<state_type>(state_).keep_ticks_in_range(i);
        const tick end = ike_sessions<state_type>(state_).idle_end(i);
        if (before(t, end)) {
            const tick look = t + 60'000U;  // a new configuration may have shortened the timeout (P4)
            again = before(end, look) ? end : look;
            return true;
        }
        end_session(i);
        return false;
    }
    void end_session(std::uint32_t i) noexcept { ends().session(i); }
    /// The profile is about to change: all that is under way ends (`endings::all_exchanges`). Linear in the capacities.
    void end_all_exchanges() noexcept { ends().all_exchanges(); }
    /// What a pair's lazy timer does: parked exchanges and open claims age (E12).
    void age_pair(std::uint32_t pi) noexcept { ends().age(pi); }
    /// Ends the pair and what is left of it.
    void end_pair(std::uint32_t pi) noexcept { ends().pair(pi); }
    /// True when nothing of a pair is left but the record.
    [[nodiscard]] bool pair_is_idle(std::uint32_t pi) const noexcept {
        const pair_type& p = state_.pair_at(pi);
        return p.sessions == 0 && p.flows == 0 && p.ike_ports == 0 && p.held_messages == 0 && p.held_esp == 0 &&
               p.paused[0] == 0 && p.paused[1] == 0;
    }
    /// Ends a flow of kind esp.
    void end_esp_flow(std::uint32_t flow_index) noexcept {
        const std::uint32_t pi = state_.flows[flow_index].owner;
        state_.tell(event_kind::esp_session_ended, pi, [&](auto& e) { e.spi = spi{state_.flows[flow_index].outbound.selector}; });
        bindings<state_type>(state_).end_flow(flow_index);
    }
    /// The newest of the last-seen ticks of the flows that came from one exchange: they live and end together (E6).
    [[nodiscard]] tick session_last_seen(std::uint32_t flow_index) const noexcept {
        const auto& f = state_.flows[flow_index];
        tick newest = f.last_seen;
        if (f.session != npos) {
            for (std::uint32_t i = state_.pair_at(f.owner).first_flow; i != npos; i = state_.flows[i].next) {
                if (state_.flows[i].session == f.session && before(newest, state_.flows[i].last_seen)) {
                    newest = state_.flows[i].last_seen;
                }
            }
        }
        return newest;
    }

private:
    /// An exchange of the pair that has no outbound SPI yet; `xi` may be of one that ended, or npos.
    [[nodiscard]] bool is_open(std::uint32_t xi, std::uint32_t pi) const noexcept {
        return xi != npos && state_.exchanges().is_live(xi) && state_.exchange_at(xi).pair == pi &&
               state_.exchange_at(xi).outbound_flow == npos;
    }
    [[nodiscard]] machine slots() noexcept { return machine(state_, probe_); }
    [[nodiscard]] auto ends() noexcept { return endings<state_type, Packet, Table, CellProbe>(state_, probe_); }
    [[nodiscard]] auto junos_slots() noexcept { return junos_slot_machine<state_type, CellProbe>(state_, probe_); }

    // IKE.

    [[nodiscard]] decision message(std::uint32_t i, const wire::ike_view& m, nat::direction way, bool ip_fragment,
                                   at_hand p) noexcept {
        ike_session& s = state_.session_at(i);
        ike_report<state_type> report(state_);
        report.seen(s.pair, m, way);
        if (!m.recognised()) {
            return decision::forward();
        }
        phase1_of_server().note(i, m, way);
        if (!m.is_phase2()) {
            report.clear_payloads(s, m, way);
            if (m.exchange() == wire::exchange_type::informational_v1) {
                connected(i, m.message_id());
            }
            return decision::forward();
        }
        return phase2(i, describe_phase2(m, way, ip_fragment), p);
    }

    /// X4: an Informational with the message id of a Quick Mode is its CONNECTED (RFC 2408 3.1, the commit bit).
    void connected(std::uint32_t i, std::uint32_t message_id) noexcept {
        for (std::uint32_t xi = state_.pair_at(state_.session_at(i).pair).first_exchange; xi != npos;
             xi = state_.exchange_at(xi).next) {
            const exchange& x = state_.exchange_at(xi);
            if (x.session == i && x.message_id == message_id) {
                state_.settings.profile == profile::junos ? junos_slots().restart(xi) : slots().restart(xi);
                return;
            }
        }
    }

    [[nodiscard]] decision phase2(std::uint32_t i, const phase2_message& m, at_hand p) noexcept {
        ike_session& s = state_.session_at(i);
        const bool proven = s.proven();
        s.phase2_seen = true;
        if (m.type == wire::exchange_type::create_child_sa) {
            s.has_child = true;
            s.last_child = to_tick(state_.now);
        }
        if (!proven) {
            state_.counts.count(counter::phase2_unsolicited);
            if (state_.settings.drop_unsolicited) {
                return decision::drop(drop_reason::phase2_unsolicited);  // X3
            }
        }
        std::uint32_t xi = exchanges<state_type>(state_).find(i, m);
        if (xi == npos) {
            xi = ends().make_exchange(s.pair);
            if (xi == npos) {
                state_.counts.count(counter::gates_failed);  // G1
                state_.tell(event_kind::gate_failed, s.pair);
                return decision::drop(drop_reason::gate_failed);
            }
            exchanges<state_type>(state_).begin(xi, i, m);
        }
        return state_.settings.profile == profile::junos ? junos(xi, m) : practical(xi, m, proven, p);
    }

    [[nodiscard]] decision junos(std::uint32_t xi, const phase2_message& m) noexcept {
        exchange& x = state_.exchange_at(xi);
        exchanges<state_type>(state_).note_place(x, m);
        auto gates = junos_slots();
        if (role_of(m, x.requester, x.answered) != message_role::refusal) {
            return gates.phase2(xi);
        }
        gates.forget(xi);  // X9
        refused(x, m);
        return decision::forward();
    }
    void refused(const exchange& x, const phase2_message& m) noexcept {
        state_.counts.count(counter::phase2_failed);
        state_.tell(event_kind::phase2_failed, x.pair, [&](auto& e) {
            e.message_id = m.message_id;
            e.exchange_type = x.type;
            e.outbound = m.way == nat::direction::outbound;
        });
    }

    [[nodiscard]] decision practical(std::uint32_t xi, const phase2_message& m, bool proven, at_hand p) noexcept {
        exchange& x = state_.exchange_at(xi);
        const bool rekey = state_.pair_at(x.pair).first_flow != npos;
        message_role role = role_of(m, x.requester, x.answered, rekey && proven, x.requested);
        if (role == message_role::request && !proven) {
            role = message_role::opening;  // X3: the answer proves the session and is the enabling message then
            if (x.state != exchange_state::satisfied) {
                state_.open_claim(xi);     // but if the session is real, the server may send before
            }
        } else if (role == message_role::answer && !x.requested) {
            role = message_role::enabling;  // the request was not seen, or proved nothing (X3, X7)
        }
        if (state_.settings.auth_single_tenure && m.type == wire::exchange_type::ike_auth && role == message_role::round &&
            proven) {
            role = message_role::enabling;
        }
        const bool newest = m.version == 1 || (m.first_part && m.message_id >= x.newest_id);
        exchanges<state_type>(state_).note_place(x, m);
        if (m.way == x.requester && newest) {
            pauses_of_sas().asked(xi);
        }
        switch (role) {
            case message_role::answer_before: x.answered = true; [[fallthrough]];
            case message_role::opening:
                slots().restart(xi);
                pauses_of_sas().message_passed(xi, m.way);
                break;
            case message_role::enabling: return slots().enabling(xi, false, p);
            case message_role::request: return slots().enabling(xi, true, p);
            case message_role::answer:
                slots().answered(xi);
                pauses_of_sas().message_passed(xi, m.way);
                break;
            case message_role::round:
                slots().release(xi);
                if (x.state != exchange_state::satisfied) {
                    state_.open_claim(xi);
                }
                break;
            case message_role::refusal:
                slots().release(xi);
                if (m.type != wire::exchange_type::ike_auth) {
                    pauses_of_sas().refused(xi);  // of IKE_AUTH it may be one round of several (X5)
                }
                refused(x, m);
                break;
        }
        return decision::forward();
    }
    state_type state_;
    [[no_unique_address]] CellProbe probe_;
};

}  // namespace ikealg::inline v0::alg

#endif
