// SPDX-License-Identifier: Apache-2.0
/// The pause of a new SA for ESP in UDP, on NAT-T flows that policy marks (G16).
///
/// On UDP 4500 nothing is ambiguous: there is neither slot nor gate, and no record of a client is needed. What hosts lose there is what reaches
/// them before they have installed a new SA. So a flow has a watch from the first Phase 2 message on until all is over, with a pause each
/// way that all its exchanges share:
///
///   over --- a message that asks for the one below ---> expected --- the host's message passes ---> running --- its time ---> over
///                                                          |                                           |
///                                                          +----- phase2-max-hold, esp-hold-limit, too many wait ---> over
///
///   what passes                   ESP the same way        ESP the other way
///   IKEv2 request                 -                       expected: the response is to come
///   IKEv2 response                running                 -
///   Quick Mode message 1          -                       expected: message 2 is to come
///   Quick Mode message 2          running                 expected: message 3 is to come
///   Quick Mode message 3          running                 -
///
/// Invariants: a flow of kind natt has its watch in `flow::next`, and a watch has an armed timer; a pause that is over has nothing that waits.
/// Thread safety: none, one owner. Complexity: constant, but for the packets that wait, which the settings bound. Nothing allocates.
#ifndef IKEALG_ALG_NATT_PAUSE_HPP
#define IKEALG_ALG_NATT_PAUSE_HPP

#include <algorithm>
#include <optional>

#include "ikealg/alg/hold.hpp"
#include "ikealg/wire/ike.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class natt_pauses {
public:
    /// The sequence number up to which ESP may be the first of its SA.
    static constexpr std::uint32_t small_sequence = 16;

    explicit natt_pauses(State& state) noexcept : st_(state) {}

    /// A Phase 2 message passes on flow `fi`.
    void message(std::uint32_t fi, vrf_id vrf, const wire::ike_view& m, nat::direction way) noexcept {
        const std::uint32_t wi = watch_of(fi, vrf);
        if (wi == npos) {
            return;
        }
        natt_watch& w = st_.natt_watches[wi];
        const nat::direction back = opposite(way);
        if (m.is_v2()) {
            m.is_response() ? begin(pause_of(w, way)) : expect(pause_of(w, back));
        } else {
            auto& exchange = quick_mode_of(w, m.message_id(), way);
            const bool second = exchange.requester != way;
            const bool third = !second && exchange.answered;
            if (second || third) {
                begin(pause_of(w, way));
            }
            if (!third) {
                exchange.answered = second;
                expect(pause_of(w, back));
            }
        }
        arm(wi);
    }

    /// ESP in UDP on flow `fi`. `again`: there is no place for it; those that waited go on first.
    template <class Packet>
    [[nodiscard]] decision esp(std::uint32_t fi, spi value, std::uint32_t sequence, packet_at_hand<Packet> p) noexcept {
        const std::uint32_t wi = st_.flows[fi].next;
        if (wi == npos || p.waited) {
            return decision::forward();
        }
        natt_watch& w = st_.natt_watches[wi];
        sa_pause& s = pause_of(w, p.way);
        if (!has_waiting(s, value)) {
            if (sequence > small_sequence || has_passed(w, p.way, value)) {
                return decision::forward();
            }
            if (s.state == pause_state::over) {
                note_passed(w, p.way, value);
                return decision::forward();
            }
        }
        const bool room = w.paused[static_cast<std::size_t>(p.way)] < st_.settings.held_esp_per_client;
        const std::uint32_t h = room ? st_.take_held(p.size) : npos;
        if (h == npos) {
            st_.pause_overflowed = finish(w, p.way);
            arm(wi);
            return st_.pause_overflowed ? decision::ask_again() : decision::forward();
        }
        auto& held = st_.held_at(h);
        held.packet = std::move(p.handle);
        held.kind = held_kind::esp_paused;
        held.way = p.way;
        held.flow = fi;
        held.spi = value;
        st_.append(s.waiting.first, s.waiting.last, h);
        ++w.paused[static_cast<std::size_t>(p.way)];
        st_.counts.count(counter::esp_paused);
        tell(event_kind::esp_paused, w, held);
        arm(wi);
        return decision::hold();
    }

    /// Gives back what waited in pauses that are over. True when there was something.
    bool end_due() noexcept {
        bool any = false;
        for (std::uint32_t wi = st_.natt_timers.pop_due(st_.now); wi != npos; wi = st_.natt_timers.pop_due(st_.now)) {
            natt_watch& w = st_.natt_watches[wi];
            for (const nat::direction way : both_ways) {
                if (const auto end = end_of(pause_of(w, way)); end && *end <= st_.now) {
                    any = finish(w, way) || any;
                }
            }
            arm(wi);
        }
        return any;
    }
    /// The flow ends, or is watched no more: what waits goes on.
    void forget(std::uint32_t fi) noexcept {
        if (const std::uint32_t wi = st_.flows[fi].next; wi != npos) {
            for (const nat::direction way : both_ways) {
                (void)finish(st_.natt_watches[wi], way);
            }
            arm(wi);
        }
    }

private:
    static constexpr std::array both_ways{nat::direction::outbound, nat::direction::inbound};

    [[nodiscard]] static constexpr nat::direction opposite(nat::direction way) noexcept {
        return way == nat::direction::outbound ? nat::direction::inbound : nat::direction::outbound;
    }
    [[nodiscard]] static sa_pause& pause_of(natt_watch& w, nat::direction way) noexcept {
        return w.pauses[static_cast<std::size_t>(way)];
    }

    /// The flow's watch, made when there is none; npos without room.
    [[nodiscard]] std::uint32_t watch_of(std::uint32_t fi, vrf_id vrf) noexcept {
        std::uint32_t& wi = st_.flows[fi].next;
        if (wi == npos && (wi = st_.natt_watches.allocate()) != npos) {
            st_.natt_watches[wi].flow = fi;
            st_.natt_watches[wi].vrf = vrf;
        }
        return wi;
    }
    /// The exchange with this message id; who sends the first message that is seen of it is the requester. The oldest of four makes room.
    [[nodiscard]] static natt_watch::quick_mode& quick_mode_of(natt_watch& w, std::uint32_t message_id, nat::direction way) noexcept {
        auto& all = w.quick_modes;
        auto at = std::find_if(all.begin(), all.end(), [&](const auto& q) { return q.message_id == message_id; });
        if (at == all.end()) {
            at = all.end() - 1;
            *at = {message_id, way, false};
        }
        std::rotate(all.begin(), at, at + 1);
        return all.front();
    }

    void expect(sa_pause& s) noexcept {
        if (s.state != pause_state::running) {
            s.state = pause_state::expected;
            s.end = st_.now + st_.settings.phase2_max_hold;
        }
    }
    void begin(sa_pause& s) noexcept {
        const instant end = st_.now + st_.settings.new_sa_pause;
        s.end = s.state == pause_state::running ? std::max(s.end, end) : end;
        s.state = pause_state::running;
    }
    /// When a pause is over whatever comes; nothing when it is over.
    [[nodiscard]] std::optional<instant> end_of(const sa_pause& s) const noexcept {
        if (s.state == pause_state::over) {
            return std::nullopt;
        }
        return s.waiting.first == npos ? s.end : std::min(s.end, st_.held_at(s.waiting.first).since + st_.settings.esp_hold_limit);
    }
    /// Sets the time at which the next pause is over, or ends a watch without any.
    void arm(std::uint32_t wi) noexcept {
        natt_watch& w = st_.natt_watches[wi];
        const auto out = end_of(pause_of(w, nat::direction::outbound));
        const auto in = end_of(pause_of(w, nat::direction::inbound));
        if (out || in) {
            st_.natt_timers.arm(wi, out && in ? std::min(*out, *in) : out ? *out : *in);
            return;
        }
        st_.natt_timers.disarm(wi);
        st_.flows[w.flow].next = npos;
        st_.natt_watches.release(wi);
    }
    /// The pause of one way is over. True when something waited.
    bool finish(natt_watch& w, nat::direction way) noexcept {
        sa_pause& s = pause_of(w, way);
        const bool any = s.waiting.first != npos;
        for (std::uint32_t h = s.waiting.first; h != npos;) {
            const auto& held = st_.held_at(h);
            const std::uint32_t next = held.next;
            note_passed(w, way, held.spi);
            tell(event_kind::released, w, held);
            st_.hand_back(h, drop_reason::none);
            h = next;
        }
        w.paused[static_cast<std::size_t>(way)] = 0;
        s = {};
        return any;
    }

    [[nodiscard]] bool has_waiting(const sa_pause& s, spi value) const noexcept {
        std::uint32_t h = s.waiting.first;
        while (h != npos && st_.held_at(h).spi != value) {
            h = st_.held_at(h).next;
        }
        return h != npos;
    }
    [[nodiscard]] static bool has_passed(const natt_watch& w, nat::direction way, spi value) noexcept {
        const auto& all = w.passed[static_cast<std::size_t>(way)];
        return std::find(all.begin(), all.end(), value.value) != all.end();
    }
    static void note_passed(natt_watch& w, nat::direction way, spi value) noexcept {
        if (!has_passed(w, way, value)) {
            auto& all = w.passed[static_cast<std::size_t>(way)];
            std::shift_right(all.begin(), all.end(), 1);
            all.front() = value.value;
        }
    }

    template <class Held>
    void tell(event_kind kind, const natt_watch& w, const Held& held) {
        st_.tell(kind, npos, [&](auto& e) {
            const auto& f = st_.flows[w.flow];
            e.vrf = w.vrf;
            e.client = f.outbound.source;
            e.server = f.outbound.destination;
            e.nat = f.inbound.destination;
            e.spi = held.spi;
            e.outbound = held.way == nat::direction::outbound;
            e.detail = kind == event_kind::released ? to_ms(st_.now - held.since) : 0;
        });
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
