// SPDX-License-Identifier: Apache-2.0
/// The pause of a new SA for ESP in UDP, on NAT-T flows that policy marks (G16).
///
/// On UDP 4500 nothing is ambiguous: there is neither slot nor gate, and no record of a client is needed. What hosts lose there is what reaches
/// them before they have installed a new SA. So a flow has a watch from the first Phase 2 message on until all is over, with a pause each
/// way that all its exchanges share. ESP waits while it is asked for a message, or runs because that has passed:
///
///   what passes                   ESP the same way        ESP the other way
///   IKEv2 request                 -                       asked: the response is to come
///   IKEv2 response                runs                    -
///   Quick Mode message 1          -                       asked: message 2 is to come
///   Quick Mode message 2          runs                    asked: message 3 is to come
///   Quick Mode message 3          runs                    -
///
/// What waits goes on when the pause has run, even if another exchange has asked meanwhile; when its first packet has waited for
/// esp-hold-limit; when more come than may wait; and when nothing came of what was asked, after phase2-max-hold.
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

    /// A Phase 2 message has passed on flow `fi`.
    void message(std::uint32_t fi, vrf_id vrf, const wire::ike_view& m, nat::direction way) noexcept {
        const std::uint32_t wi = watch_of(fi, vrf);
        if (wi == npos) {
            return;
        }
        natt_watch& w = st_.natt_watches[wi];
        (void)end_due_of(w);  // time may have passed since the timers ran
        pause& same = pause_of(w, way);
        pause& other = pause_of(w, nat::opposite(way));
        if (m.is_v2()) {
            m.is_response() ? run(same, m.message_id()) : ask(other, m.message_id());
        } else {
            auto& exchange = quick_mode_of(w, m.message_id(), way);
            const bool second = exchange.requester != way;
            const bool third = !second && exchange.answered;
            if (second || third) {
                run(same, m.message_id());
            }
            if (!third) {
                exchange.answered = second;
                ask(other, m.message_id());
            }
        }
        arm(wi);
    }

    /// ESP in UDP on flow `fi`. `again`: those that waited go on first.
    template <class Packet>
    [[nodiscard]] decision esp(std::uint32_t fi, spi value, std::uint32_t sequence, packet_at_hand<Packet> p) noexcept {
        if (p.waited) {
            return decision::forward();
        }
        if (st_.handing_out) {
            return goes_behind(true);
        }
        const std::uint32_t wi = st_.flows[fi].next;
        if (wi == npos) {
            return decision::forward();
        }
        natt_watch& w = st_.natt_watches[wi];
        pause& s = pause_of(w, p.way);
        if (!has_waiting(s, value) && (s.over() || sequence > small_sequence || has_passed(s, value))) {
            note_passed(s, value);
            return decision::forward();
        }
        const std::uint32_t h = s.paused < st_.settings.held_esp_per_client ? take_half(p.size) : npos;
        if (h == npos) {
            const bool others = finish(w, s);
            arm(wi);
            return goes_behind(others);
        }
        auto& held = st_.held_at(h);
        held.packet = std::move(p.handle);
        held.kind = held_kind::esp_paused;
        held.way = p.way;
        held.flow = fi;
        held.spi = value;
        st_.append(s.waiting.first, s.waiting.last, h);
        ++s.paused;
        st_.counts.count(counter::esp_paused);
        tell(event_kind::esp_paused, w, held);
        arm(wi);
        return decision::hold();
    }

    /// Gives back what waited in pauses that are over. True when there was something.
    bool end_due() noexcept {
        bool any = false;
        for (std::uint32_t wi = st_.natt_timers.pop_due(st_.now); wi != npos; wi = st_.natt_timers.pop_due(st_.now)) {
            any = end_due_of(st_.natt_watches[wi]) || any;
            arm(wi);
        }
        return any;
    }
    /// The flow ends, or is watched no more: what waits is given back.
    void forget(std::uint32_t fi) noexcept {
        if (const std::uint32_t wi = st_.flows[fi].next; wi != npos) {
            natt_watch& w = st_.natt_watches[wi];
            for (pause& s : w.pauses) {
                (void)finish(w, s);
            }
            arm(wi);
        }
    }

private:
    using pause = natt_watch::pause;

    [[nodiscard]] static pause& pause_of(natt_watch& w, nat::direction way) noexcept { return w.pauses[static_cast<std::size_t>(way)]; }

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
    /// Room for a packet in that half of the memory that NAT-T may have: the queues of slots (G4) need the rest.
    [[nodiscard]] std::uint32_t take_half(std::uint32_t size) noexcept {
        return 2 * st_.held().size() < st_.held().capacity() ? st_.take(size, st_.now, st_.settings.held_bytes / 2) : npos;
    }
    [[nodiscard]] decision goes_behind(bool others) noexcept {
        st_.pause_overflowed = others;
        return others ? decision::ask_again() : decision::forward();
    }

    void ask(pause& s, std::uint32_t message_id) noexcept {
        s.asked = st_.now + st_.settings.phase2_max_hold;
        s.asked_id = message_id;
    }
    void run(pause& s, std::uint32_t message_id) noexcept {
        s.running = std::max(s.running, st_.now + duration{st_.settings.new_sa_pause});
        if (s.asked_id == message_id) {
            s.asked = {};
        }
    }
    [[nodiscard]] bool too_old(const pause& s) const noexcept {
        return s.waiting.first != npos && st_.held_at(s.waiting.first).since + st_.settings.esp_hold_limit <= st_.now;
    }
    /// When something of a pause ends; nothing when it is over.
    [[nodiscard]] std::optional<instant> end_of(const pause& s) const noexcept {
        if (s.over()) {
            return std::nullopt;
        }
        const instant end = s.running != instant{} ? s.running : s.asked;
        return s.waiting.first == npos ? end : std::min(end, st_.held_at(s.waiting.first).since + st_.settings.esp_hold_limit);
    }
    /// Ends what is due of both pauses. True when something waited for that.
    bool end_due_of(natt_watch& w) noexcept {
        bool any = false;
        for (pause& s : w.pauses) {
            const bool ran = s.running != instant{} && s.running <= st_.now;
            if (ran || too_old(s) || (s.asked != instant{} && s.asked <= st_.now && s.running == instant{})) {
                const pause before = s;
                any = finish(w, s) || any;
                if (ran && before.asked > st_.now) {
                    s.asked = before.asked;  // of another exchange
                }
            }
        }
        return any;
    }
    /// Sets the time at which the next pause is over, or ends a watch without any.
    void arm(std::uint32_t wi) noexcept {
        natt_watch& w = st_.natt_watches[wi];
        const auto first = end_of(w.pauses[0]);
        const auto second = end_of(w.pauses[1]);
        if (first || second) {
            st_.natt_timers.arm(wi, first && second ? std::min(*first, *second) : first ? *first : *second);
            return;
        }
        st_.natt_timers.disarm(wi);
        st_.flows[w.flow].next = npos;
        st_.natt_watches.release(wi);
    }
    /// The pause of one way is over; nothing of it may be overtaken until all has been handed out. True when something waited.
    bool finish(natt_watch& w, pause& s) noexcept {
        const bool any = s.waiting.first != npos;
        for (std::uint32_t h = s.waiting.first; h != npos;) {
            const auto& held = st_.held_at(h);
            const std::uint32_t next = held.next;
            note_passed(s, held.spi);
            tell(event_kind::released, w, held);
            st_.hand_back(h, drop_reason::none);
            h = next;
        }
        s.running = s.asked = {};
        s.waiting = {};
        s.paused = 0;
        st_.handing_out = st_.handing_out || any;
        return any;
    }

    [[nodiscard]] bool has_waiting(const pause& s, spi value) const noexcept {
        std::uint32_t h = s.waiting.first;
        while (h != npos && st_.held_at(h).spi != value) {
            h = st_.held_at(h).next;
        }
        return h != npos;
    }
    [[nodiscard]] static bool has_passed(const pause& s, spi value) noexcept {
        return std::find(s.passed.begin(), s.passed.end(), value.value) != s.passed.end();
    }
    static void note_passed(pause& s, spi value) noexcept {
        if (!has_passed(s, value)) {
            std::shift_right(s.passed.begin(), s.passed.end(), 1);
            s.passed.front() = value.value;
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
