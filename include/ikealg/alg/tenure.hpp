// SPDX-License-Identifier: Apache-2.0
/// Tenures: how long a client holds a slot, and what of its exchanges that changes (G2, G10-G13, G17, X8, E4).
///
/// slot.hpp decides by its table; here are the times. `arm` must follow every change of a tenure or of who waits.
///
/// Thread safety: none, one owner. Complexity: constant; the ends of a tenure, and `arm` of a gate whose ESP is in a pause, are linear in the
/// exchanges of one client, `arm` of a learning tenure while others wait is as in_vain of twins.hpp.
#ifndef IKEALG_ALG_TENURE_HPP
#define IKEALG_ALG_TENURE_HPP

#include <algorithm>

#include "ikealg/alg/pause.hpp"
#include "ikealg/alg/twins.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class tenures {
public:
    using slot_type = typename State::slot_type;

    explicit tenures(State& state) noexcept : st_(state) {}

    /// The pair is the holder from now on.
    void take(std::uint32_t si, std::uint32_t pi, slot_state as) noexcept {
        slot_type& s = st_.slot_at(si);
        s.holder = pi;
        s.state = as;
        s.began = s.completed = st_.now;
        s.timed = as == slot_state::learning;  // else a message to the server sets it; after one from it nothing is early (E4)
        s.left = st_.now;
        s.first_esp_valid = s.early_valid = false;
        s.early = {};
        s.flood_count -= s.flood_count != 0 ? 1 : 0;  // L7: a tenure expects one unknown SPI; what comes beyond that is a flood
        if (as == slot_state::wait) {
            st_.tell(event_kind::gate_waiting, pi);
        } else if (as == slot_state::gate) {
            announce_gate(pi);
        } else {
            st_.counts.count(counter::learning_tenures);
            st_.tell(event_kind::learning_started, pi);
        }
    }
    void open_gate(std::uint32_t si, std::uint32_t pi) noexcept {
        slot_type& s = st_.slot_at(si);
        if (s.state != slot_state::gate) {
            announce_gate(pi);
        }
        s.state = slot_state::gate;
        s.completed = st_.now;
    }
    /// An enabling message goes on: from now on the server may send.
    void passed(std::uint32_t xi, bool request, nat::direction way) noexcept {
        exchange& x = st_.exchange_at(xi);
        if (x.state != exchange_state::satisfied) {
            st_.unpark(xi);
            st_.close_claim(xi);
            x.state = exchange_state::enabled;
        }
        x.requested = x.requested || request;
        pauses<State>(st_).message_passed(xi, way);
        const std::uint32_t si = st_.pair_at(x.pair).slot;
        if (st_.pair_at(x.pair).first_message == npos) {
            st_.leave_queue(x.pair, false);  // the place of a message that grew too old
        }
        if (si != npos && way == nat::direction::outbound) {
            slot_type& s = st_.slot_at(si);
            if (s.holder == x.pair && !s.timed) {
                s.timed = true;
                s.left = st_.now;
            }
        }
    }
    /// ESP of the holder goes on.
    void esp_left(std::uint32_t xi) noexcept {
        exchange& x = st_.exchange_at(xi);
        slot_type& s = st_.slot_at(st_.pair_at(x.pair).slot);
        if (!x.unanswered) {
            x.unanswered = true;
            x.first_unanswered = st_.now;
            if (x.state == exchange_state::parked) {
                st_.park(xi);  // from the quiet ones to those with unanswered ESP
            }
        }
        if (x.state == exchange_state::seen) {
            x.state = exchange_state::enabled;  // ESP says that the SA is there
            st_.close_claim(xi);
        }
        if (s.holder != x.pair) {
            return;
        }
        if (!s.first_esp_valid) {
            s.first_esp_valid = true;
            s.first_esp = st_.now;
            if (x.tenures < 255) {
                ++x.tenures;
            }
        }
    }
    /// E4: too early to be the holder's answer, it seems. When the same SPI comes again in time, or nothing else does, it was the answer, and
    /// the round trip is known better.
    void remember_early(slot_type& s, spi value) noexcept {
        if (!s.early_valid && s.first_esp_valid) {
            s.early_valid = true;
            s.early = value;
            s.early_at = st_.now;
        }
    }
    /// G12: a one-way exchange sends freely, and asks for the slot after 1, 2, 4 ... 60 s. True while it does not ask.
    [[nodiscard]] bool one_way_rests(exchange& x) noexcept {
        if (!x.one_way) {
            return false;
        }
        const tick t = to_tick(st_.now);
        if (before(t, x.next_ask)) {
            return true;
        }
        x.asks = static_cast<std::uint8_t>(std::min<int>(x.asks + 1, 6));
        x.next_ask = t + std::min<std::uint32_t>(1000U << x.asks, 60'000U);
        return false;
    }
    /// Sets the timer of the slot from what it is doing and who waits.
    void arm(std::uint32_t si) noexcept {
        slot_type& s = st_.slot_at(si);
        switch (s.state) {
            case slot_state::free: break;
            case slot_state::wait:
                s.tenure_end = s.began + (s.waiting != 0 ? duration{st_.settings.phase2_max_hold_contended}
                                                         : duration{st_.settings.phase2_max_hold});
                break;
            case slot_state::gate:
                s.tenure_end = s.completed + gate_time(s);
                if (s.waiting != 0) {  // repeated messages keep a gate open (G2), but not for ever while others wait (G10)
                    s.tenure_end = std::min<instant>(s.tenure_end, s.began + st_.settings.esp_gate_timeout);
                }
                // Its ESP is in its pause (G15) and will begin a learning tenure: to park it and settle after others costs more than to wait.
                if (const duration pause = st_.settings.new_sa_pause;
                    st_.pair_at(s.holder).paused[static_cast<std::size_t>(nat::direction::outbound)] != 0 && pause <= settle_time(s)) {
                    const instant message_3 = pauses<State>(st_).awaits_confirmation(s.holder) ? s.completed + settle_time(s) : s.completed;
                    const instant leaves = std::max<instant>(s.completed, std::min<instant>(message_3, s.began + st_.settings.esp_gate_timeout));
                    s.tenure_end = std::max<instant>(s.tenure_end, leaves + 2 * pause);  // with some time to run its timer
                }
                if (s.first_esp_valid) {  // it was learning already: a repeated message takes nothing from the learning time
                    s.tenure_end = std::max<instant>(s.tenure_end, s.first_esp + st_.settings.learn_timeout);
                }
                break;
            case slot_state::learning: {
                const instant learned = (s.first_esp_valid ? s.first_esp : s.began) + st_.settings.learn_timeout;
                // A gate that became learning keeps what is left of its time; a learning tenure of its own has none (G11).
                s.tenure_end = s.first_esp_valid && s.first_esp == s.began
                                   ? learned
                                   : std::max(learned, s.completed + gate_time(s));
                break;
            }
            case slot_state::settle: break;  // set when it began
        }
        if (s.state == slot_state::free && s.waiting == 0) {
            st_.slot_timers.disarm(si);
        } else if (s.state == slot_state::free) {
            st_.slot_timers.arm(si, s.hold_end);
        } else {
            const instant end = s.waiting != 0 ? std::min(s.tenure_end, s.hold_end) : s.tenure_end;
            st_.slot_timers.arm(si, std::min(end, twins<State>(st_).next_look(s)));
        }
    }
    /// Others wait for the end of a tenure that is in vain (G17): it ends now.
    [[nodiscard]] bool ends_in_vain(slot_type& s) noexcept {
        const bool in_vain = st_.now < s.tenure_end && twins<State>(st_).in_vain(s);
        if (in_vain) {
            s.tenure_end = st_.now;
            st_.counts.count(counter::tenures_in_vain);
        }
        return in_vain;
    }
    /// In which an answer comes (G13). What is known of the round trip may be the arithmetic of IKE or a single slow answer, so those who
    /// wait bound it: the third in a row has its turn within `esp-hold-limit`.
    [[nodiscard]] duration settle_time(const slot_type& s) const noexcept {
        const duration round_trip = s.rtt.has_esp() ? s.rtt.smoothed() : s.rtt.least();
        const duration most = duration{st_.settings.learn_timeout} / (1 + std::min<std::uint32_t>(s.waiting, 4));
        return std::min<duration>(round_trip * 5 / 4 + settle_slack / (1 + s.waiting), most);
    }

    // Ends.

    /// Parks an exchange that is enabled but holds no slot.
    void park(std::uint32_t xi) noexcept {
        st_.close_claim(xi);
        st_.park(xi);
        st_.counts.count(counter::exchanges_parked);
    }
    /// A tenure is over: what it did not satisfy is parked.
    void park_holder(std::uint32_t si, slot_state was) noexcept {
        slot_type& s = st_.slot_at(si);
        const std::uint32_t pi = s.holder;
        st_.counts.count(counter::gates_timed_out, was == slot_state::gate ? 1 : 0);
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            exchange& x = st_.exchange_at(xi);
            if (x.state == exchange_state::enabled) {
                park(xi);
            }
            if (x.state == exchange_state::parked && !x.one_way && x.tenures >= st_.settings.learning_tenures) {
                x.one_way = true;  // G12
                x.asks = 0;
                x.next_ask = to_tick(st_.now) + 1000;
                st_.counts.count(counter::exchanges_one_way);
                st_.tell(event_kind::one_way, pi);
            }
        }
        st_.tell(event_kind::gate_timed_out, pi);
    }
    /// No answer to the holder's request (X8). A late answer parks the exchange; until then its server may send or not.
    void give_up(std::uint32_t pi) noexcept {
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            exchange& x = st_.exchange_at(xi);
            if (x.state != exchange_state::enabled) {
                continue;
            }
            if (x.answered || x.unanswered) {  // its answer had come before, or the client's ESP says so: the SA is there
                park(xi);
            } else {
                x.state = exchange_state::seen;
                st_.open_claim(xi);
                st_.counts.count(counter::phase2_timed_out);
            }
        }
    }

private:
    static constexpr duration settle_slack = std::chrono::milliseconds{10};  // G13

    void announce_gate(std::uint32_t pi) noexcept {
        st_.counts.count(counter::gates_opened);
        st_.tell(event_kind::gate_opened, pi);
    }
    [[nodiscard]] duration gate_time(const slot_type& s) const noexcept {
        const std::int64_t share = std::int64_t{1} + s.waiting;
        const duration whole = st_.settings.esp_gate_timeout;
        return std::max<duration>(whole / (share * share), st_.settings.gate_min);  // G10
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
