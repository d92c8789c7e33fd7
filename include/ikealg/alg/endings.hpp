// SPDX-License-Identifier: Apache-2.0
/// What ends, and what ends with it: exchanges, IKE sessions, pairs (L2, E12).
///
/// An exchange that ends gives back, as dropped, what is held of it, and its slot when the client holds it for this one alone.
///
/// Thread safety: none, one owner. Complexity: linear in the exchanges of one client, which `exchanges_per_client` bounds.
#ifndef IKEALG_ALG_ENDINGS_HPP
#define IKEALG_ALG_ENDINGS_HPP

#include <cstdint>

#include "ikealg/alg/collisions.hpp"
#include "ikealg/alg/exchanges.hpp"
#include "ikealg/alg/junos_slot.hpp"
#include "ikealg/alg/slot.hpp"

namespace ikealg::inline v0::alg {

template <class State, class Packet, const slot_table& Table = practical_slot_table, class CellProbe = no_cell_probe>
class endings {
    using exchange_record = ::ikealg::v0::alg::exchange;

public:
    explicit endings(State& state, CellProbe probe = {}) noexcept : st_(state), probe_(probe) {}

    /// A new exchange record of the pair; within the client's limit the oldest one that nobody needs makes room (L2): a satisfied one, else one
    /// whose server cannot send (refused, or never completed), for the others are claims. npos when the table is full.
    [[nodiscard]] std::uint32_t make_exchange(std::uint32_t pi) noexcept {
        if (st_.pair_at(pi).exchanges >= st_.settings.exchanges_per_client) {
            std::uint32_t done = npos;
            std::uint32_t claimless = npos;
            std::uint32_t last = npos;
            for_each_exchange(pi, [&](std::uint32_t xi, const exchange_record& x) {
                last = xi;
                done = x.state == exchange_state::satisfied ? xi : done;
                claimless = x.state == exchange_state::seen && !x.claims_open ? xi : claimless;
            });
            exchange(done != npos ? done : claimless != npos ? claimless : last);
        }
        return st_.make_exchange(pi);
    }

    void exchange(std::uint32_t xi) noexcept {
        slot_machine<State, Packet, Table, CellProbe>(st_, probe_).forget(xi);
        junos_slot_machine<State, CellProbe>(st_, probe_).forget(xi);
        pauses<State>(st_).forget(xi);
        st_.end_exchange(xi);
    }
    void session(std::uint32_t i) noexcept {
        const std::uint32_t pi = st_.session_at(i).pair;
        st_.tell(event_kind::ike_session_ended, pi, [&](auto& e) {
            e.initiator = st_.session_at(i).initiator;
            e.responder = st_.session_at(i).responder;
        });
        end_exchanges(pi, [i](const exchange_record& x) { return x.session == i; });
        st_.end_session(i);
    }
    void pair(std::uint32_t pi) noexcept {
        end_exchanges(pi, [](const exchange_record&) { return true; });
        collisions<State, Packet>(st_).drop_of(pi);
        st_.end_pair(pi);
    }

    /// Everybody's exchanges end, and with them every tenure; what is held goes on in its turn, or back with its exchange. SPIs that are bound
    /// stay. For another profile, which could not read this one's slots.
    void all_exchanges() noexcept {
        st_.pairs().for_each([&](std::uint32_t pi, const auto&) { end_exchanges(pi, [](const exchange_record&) { return true; }); });
        st_.slots().for_each([&](std::uint32_t si, const auto&) {
            auto& s = st_.slot_at(si);
            s.holder = s.holder_exchange = s.guess = npos;
            s.state = slot_state::free;
            s.junos = junos_state::free;
            st_.slot_timers.disarm(si);
        });
    }
    /// E12: a new Phase 1 of the client ends what is parked.
    void parked(std::uint32_t pi) noexcept {
        end_exchanges(pi, [](const exchange_record& x) { return x.state == exchange_state::parked; });
    }
    /// E12: IKE SPIs never seen and no Phase 1: the newest CREATE_CHILD_SA without an SPI rekeyed the IKE SA (X6) and makes no child. Not one
    /// on the new session itself: the first message there may be the server's, and a CREATE_CHILD_SA. ESP that waits for the phantom is a
    /// child's all the same: of the exchange that it completes without the phantom, or of one that is yet to be seen.
    void phantom_child(std::uint32_t pi, std::uint32_t new_session) noexcept {
        std::uint32_t newest = npos;
        for_each_exchange(pi, [&](std::uint32_t xi, const exchange_record& x) {
            const bool child = x.type == static_cast<std::uint8_t>(wire::exchange_type::create_child_sa) && x.session != new_session;
            newest = newest == npos && child ? xi : newest;
        });
        if (newest != npos && st_.exchange_at(newest).state != exchange_state::satisfied &&
            st_.exchange_at(newest).outbound_flow == npos) {
            if (held_packets<State, Packet> hold(st_); hold.holds_esp_of(newest)) {
                const std::uint32_t other = exchanges<State>(st_).completed_by_esp(pi, newest);
                const std::uint32_t heir = other != npos ? other : st_.make_exchange(pi);
                hold.give_esp(newest, heir != npos ? heir : newest);
            }
            exchange(newest);
        }
    }
    /// E12: what is parked ends at `esp-session-timeout`, and so does what is left of an exchange without flows; a claim of the server is
    /// believed for a minute.
    void age(std::uint32_t pi) noexcept {
        const tick t = to_tick(st_.now);
        const auto session_limit = static_cast<std::int32_t>(to_ms(st_.settings.esp_session_timeout));
        for_each_exchange(pi, [&](std::uint32_t xi, const exchange_record& x) {
            if (x.claims_open && t - x.started > open_claim_limit_ms) {
                st_.close_claim(xi);
            }
        });
        end_exchanges(pi, [&](const exchange_record& x) {
            const bool in_use = x.state == exchange_state::satisfied && (x.outbound_flow != npos || x.inbound_flow != npos);
            return t - x.started > session_limit && !in_use;
        });
    }

private:
    static constexpr std::int32_t open_claim_limit_ms = 60'000;

    /// `visit(index, exchange)` for each of the pair's, newest first; it may end the one it is given.
    template <class Visit>
    void for_each_exchange(std::uint32_t pi, Visit&& visit) noexcept {
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos;) {
            const std::uint32_t next = st_.exchange_at(xi).next;
            visit(xi, st_.exchange_at(xi));
            xi = next;
        }
    }
    template <class Condition>
    void end_exchanges(std::uint32_t pi, Condition&& condition) noexcept {
        for_each_exchange(pi, [&](std::uint32_t xi, const exchange_record& x) {
            if (condition(x)) {
                exchange(xi);
            }
        });
    }

    State& st_;
    [[no_unique_address]] CellProbe probe_;
};

}  // namespace ikealg::inline v0::alg

#endif
