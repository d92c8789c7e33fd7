// SPDX-License-Identifier: Apache-2.0
/// The pause of a new SA: its ESP waits until the host it goes to has had time to install it (G15).
///
/// One end of a tunnel has a new SA some milliseconds before the other, and sends on it at once. So an exchange has a pause for each way of its
/// ESP. It begins as `expected` when the exchange is first seen, is `running` from the message on by which the host that ESP of this way goes
/// to can install the SA, is `ending` when that host has shown that it has it, and is `over` for good at its end:
///
///   exchange            started by   outbound ESP (to the server)     inbound ESP (to the client)
///   IKEv1 Quick Mode    client       after message 3                  after message 2, when 3 shows that 2 arrived
///                       server       after message 2, when 3 shows    after message 3
///                                    that 2 arrived
///   IKEv2 35, 36, 44    client       no pause: it answers with the    after the response; a request after it (repeated, or
///                                    SA in place                      a further round) says that one is to come
///                       server       after the response, likewise     no pause
///
///   state         the message passes        the host shows that it has the SA    too many wait, one has       in time
///                                           (sends on it; Quick Mode 3)          waited for esp-hold-limit
///   expected      running, but of Quick     ending                               skipped                      -
///                 Mode 2: unconfirmed
///   unconfirmed   it begins anew            ending                               over                         over, esp-hold-limit after the pause
///   running       it begins anew            ending                               over                         over, after the pause
///                 (IKEv2, a further request: expected)
///   ending        -                         -                                    over                         over, after a quarter of the pause
///   skipped       as expected               over                                 -                            -
///
/// What waited goes through the gateway anew at the end: an outbound packet has asked for no slot before, an inbound one is bound already and
/// only delivered.
///
/// Invariants: `state::pause_timers` has the first packet of each list that is not empty, under its index; a flow whose
/// inbound packets wait has `flow_flag::paused`, until the first packet after them; `pair::paused` counts what waits. A list that is not empty takes all that comes, so that
/// nothing overtakes; nor does anything while what waited is handed out (`held_store::handing_out`).
/// Thread safety: none, one owner. Complexity: linear in the exchanges of one client; the end of a pause in the packets that
/// waited.
#ifndef IKEALG_ALG_PAUSE_HPP
#define IKEALG_ALG_PAUSE_HPP

#include <algorithm>
#include <utility>

#include "ikealg/alg/hold.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class pauses {
public:
    explicit pauses(State& state) noexcept : st_(state) {}

    /// The first message of an exchange was seen: the messages that its pauses count from are to come.
    void begin(exchange& x) noexcept {
        if (!st_.settings.pauses()) {
            return;
        }
        for (const nat::direction way : {nat::direction::outbound, nat::direction::inbound}) {
            // In IKEv2 only who asked installs late, and ESP to it goes against its request.
            x.pause_of(way).state = quick_mode(x) || way != x.requester ? pause_state::expected : pause_state::over;
        }
    }

    /// A message of the exchange goes on, `way` to the host that can install the SA by it, if it is such a message.
    void message_passed(std::uint32_t xi, nat::direction way) noexcept {
        exchange& x = st_.exchange_at(xi);
        sa_pause& s = x.pause_of(way);
        const bool by_requester = way == x.requester;
        const bool first_of_three = quick_mode(x) && by_requester && !x.has_seen(exchange::third_message);
        if (s.state == pause_state::over || s.state == pause_state::ending || first_of_three ||
            (!quick_mode(x) && by_requester)) {
            return;
        }
        s.end = std::max<instant>(s.end, st_.now + st_.settings.new_sa_pause);
        if (s.state != pause_state::running) {
            s.state = quick_mode(x) && !by_requester ? pause_state::unconfirmed : pause_state::running;
        }
        arm(s);
    }
    /// The newest message of who started the exchange has come, held or not. If it is Quick Mode message 3, message 2 has arrived. In IKEv2,
    /// behind the response, it is a repetition, for that was lost, or a further round: another response is to come, and the pause begins with
    /// that, unless ESP has gone on since.
    void asked(std::uint32_t xi) noexcept {
        exchange& x = st_.exchange_at(xi);
        sa_pause& s = x.pause_of(nat::opposite(x.requester));
        if (s.state == pause_state::unconfirmed && x.has_seen(exchange::third_message)) {
            s.end = soon();
            s.state = pause_state::ending;
            arm(s);
        } else if (!quick_mode(x) && s.state == pause_state::running) {
            s.state = pause_state::expected;
            arm(s);
        }
    }

    /// An inbound SPI was given to the exchange on a guess (E13): nothing of it reaches the client before `time`, in which it may be refuted.
    void guessed(std::uint32_t xi, duration time) noexcept {
        if (!st_.settings.pauses()) {
            return;
        }
        sa_pause& s = st_.exchange_at(xi).pause_of(nat::direction::inbound);
        const bool runs = s.state == pause_state::running || s.state == pause_state::ending;
        s.end = std::max(runs ? s.end : st_.now, st_.now + time);
        s.state = pause_state::running;
        arm(s);
    }

    /// The exchange makes no SA.
    void refused(std::uint32_t xi) noexcept {
        finish(xi, nat::direction::outbound);
        finish(xi, nat::direction::inbound);
    }
    /// ESP of the new SA came from a host: it is installing the SA, or has. A host may have one direction of it some milliseconds before the
    /// other, so what goes to it waits a little yet, whatever messages pass.
    void heard(std::uint32_t xi, nat::direction way) noexcept {
        sa_pause& s = st_.exchange_at(xi).pause_of(nat::opposite(way));
        if (s.awaits_message() || s.state == pause_state::running) {
            s.end = s.awaits_message() ? soon() : std::min(s.end, soon());
            s.state = pause_state::ending;
            arm(s);
        } else if (s.state == pause_state::skipped) {
            s.state = pause_state::over;
        }
    }
    /// The pause of one way is over. What waits goes on when this call of the gateway ends (`end_due`), and until then what comes joins it.
    void finish(std::uint32_t xi, nat::direction way) noexcept {
        sa_pause& s = st_.exchange_at(xi).pause_of(way);
        if (!s.is_over()) {
            s.finish();
            arm(s);
        }
    }

    /// True while ESP that goes this way has to wait.
    [[nodiscard]] bool waits(std::uint32_t xi, nat::direction way) noexcept {
        exchange& x = st_.exchange_at(xi);
        sa_pause& s = x.pause_of(way);
        if (s.waiting.first != npos) {
            return true;
        }
        switch (s.state) {
            case pause_state::over:
            case pause_state::skipped: break;
            case pause_state::unconfirmed:
                if (st_.now < s.end + st_.settings.esp_hold_limit) {
                    return true;
                }
                s.state = pause_state::over;
                break;
            // Without message 2 the exchange was under way when it was first seen (X7), and 3 may have passed.
            case pause_state::expected: return !quick_mode(x) || way != x.requester || second_passed(x);
            case pause_state::running:
            case pause_state::ending:
                if (st_.now < s.end) {
                    return true;
                }
                s.state = pause_state::over;
                break;
        }
        return false;
    }
    /// ESP from the client waits for the server's next message, by which it confirms that it can install the SA.
    [[nodiscard]] bool awaits_confirmation(std::uint32_t pi) const noexcept {
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            const sa_pause& s = st_.exchange_at(xi).pause_of(nat::direction::outbound);
            if (s.state == pause_state::unconfirmed && s.waiting.first != npos) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] bool has_waiting(std::uint32_t xi, nat::direction way) const noexcept {
        return st_.exchange_at(xi).pause_of(way).waiting.first != npos;
    }

    /// ESP from the client that is not satisfied, or whose SPI is not bound (`flow_index` npos). `likely` is the exchange that it seems to belong
    /// to, npos when there is none. `forward`: it may ask for the slot.
    template <class Packet>
    [[nodiscard]] decision leaving(std::uint32_t pi, std::uint32_t likely, spi value, std::uint32_t flow_index,
                                   packet_at_hand<Packet> p) noexcept {
        if (goes_first(p.waited)) {
            return decision::ask_again();
        }
        const bool anew = flow_index == npos && !(p.waited && likely != npos);  // what waited does not end another SA's pause
        const std::uint32_t waits_in = anew ? pause_for(pi, likely, value, nat::direction::outbound) : npos;
        const std::uint32_t xi = waits_in != npos ? waits_in : likely;
        if (xi == npos) {
            return decision::forward();
        }
        heard(xi, nat::direction::outbound);
        if (p.waited) {
            finish(xi, nat::direction::outbound);  // its exchange ended while it waited: that counts for this one
            return decision::forward();
        }
        // ESP behind a held message has its pause after that (G4); what needs no slot is behind none.
        const bool behind = st_.pair_at(pi).first_message != npos && st_.exchange_at(xi).state != exchange_state::satisfied &&
                            !has_waiting(xi, nat::direction::outbound);
        return waits_in == npos || behind ? decision::forward() : esp(xi, value, p);
    }
    /// ESP from the server on flow `i`, which was just given its SPI or has packets that wait. `forward`: it goes on to the client.
    template <class Packet>
    [[nodiscard]] decision arrived(std::uint32_t i, packet_at_hand<Packet> p) noexcept {
        auto& f = st_.flows[i];
        if (goes_first(p.waited)) {
            return decision::ask_again();
        }
        decision d = decision::forward();
        if (f.session != npos && !p.waited) {
            heard(f.session, nat::direction::inbound);
        }
        if ((f.session != npos || f.has(nat::flow_flag::paused)) && !p.waited) {  // its exchange may have ended before another's pause
            const std::uint32_t xi = pause_for(f.owner, f.session, spi{f.inbound.selector}, nat::direction::inbound);
            d = xi == npos ? decision::forward() : esp(xi, spi{f.inbound.selector}, p);
        }
        if (d.act == decision::what::held) {
            f.flags |= nat::flow_flag::paused;
            f.generation = 0;  // of no configuration: so its packets leave the fast path where they are asked for that
        } else if (d.act == decision::what::forward) {
            f.flags &= static_cast<std::uint8_t>(~nat::flow_flag::paused);
        }
        return d;
    }
    /// ESP from the client on a flow whose inbound packets wait: it has the SA.
    void left(std::uint32_t i) noexcept {
        if (st_.flows[i].session != npos) {
            heard(st_.flows[i].session, nat::direction::outbound);
        }
    }

    /// ESP of the exchange. `forward`: it has not to wait. `again`: there is no place for it; those that waited go on first.
    template <class Packet>
    [[nodiscard]] decision esp(std::uint32_t xi, spi value, packet_at_hand<Packet> p) noexcept {
        if (!waits(xi, p.way)) {
            return decision::forward();
        }
        const std::uint32_t h = room(xi, p.way) ? st_.take_held(p.size) : npos;
        if (h == npos) {
            const bool others = has_waiting(xi, p.way);
            end(xi, p.way);
            st_.pause_overflowed = others;
            return others ? decision::ask_again() : decision::forward();
        }
        auto& held = st_.held_at(h);
        held.packet = std::move(p.handle);
        held.pair = st_.exchange_at(xi).pair;
        held.exchange = xi;
        held.way = p.way;
        held.part = p.part;
        held.spi = value;
        join(xi, h);
        return decision::hold();
    }
    /// A later IP fragment of ESP that was held behind its message and has its pause now. `forward`: there is no such pause.
    template <class Packet>
    [[nodiscard]] decision later_fragment(std::uint32_t xi, spi value, packet_at_hand<Packet> p) noexcept {
        if (value == spi{} || !st_.exchanges().is_live(xi) || !has_waiting(xi, p.way)) {
            return decision::forward();
        }
        const decision d = esp(xi, value, p);
        st_.pause_overflowed = false;
        return d.act == decision::what::held ? d : decision::drop(drop_reason::esp_busy);
    }
    /// A held ESP packet whose enabling message has just left (G4). True when it waits on here, which those of an SPI that has gone on do not.
    [[nodiscard]] bool takes_over(std::uint32_t h) noexcept {
        auto& held = st_.held_at(h);
        if (st_.exchange_at(held.exchange).outbound_flow != npos || !waits(held.exchange, held.way)) {
            return false;
        }
        held.since = st_.now;
        if (room(held.exchange, held.way)) {
            join(held.exchange, h);
        } else {
            end(held.exchange, held.way);
            held.kind = held_kind::esp_paused;
            st_.hand_back(h, drop_reason::none);
        }
        return true;
    }

    /// Gives back what waited in pauses that are over. True when there was something.
    bool end_due() noexcept {
        bool any = false;
        for (std::uint32_t h = st_.pause_timers.pop_due(st_.now); h != npos; h = st_.pause_timers.pop_due(st_.now)) {
            end(st_.held_at(h).exchange, st_.held_at(h).way);
            any = true;
        }
        return any;
    }
    /// The exchange ends: what waits goes on.
    void forget(std::uint32_t xi) noexcept {
        end(xi, nat::direction::outbound);
        end(xi, nat::direction::inbound);
    }

private:
    [[nodiscard]] static bool quick_mode(const exchange& x) noexcept {
        return x.type == static_cast<std::uint8_t>(wire::exchange_type::quick_mode);
    }
    /// Quick Mode message 2 has passed. The server's is noted when it comes, the client's by its pause.
    [[nodiscard]] static bool second_passed(const exchange& x) noexcept {
        return x.requester == nat::direction::outbound
                   ? x.answered
                   : !x.pause_of(nat::direction::outbound).not_begun();
    }
    /// When a host that has shown that it has the SA, or is installing it, is ready for ESP.
    [[nodiscard]] instant soon() const noexcept { return st_.now + duration{st_.settings.new_sa_pause} / 4; }
    /// In whose pause ESP waits whose SPI is not bound, or was just given to `likely`: where that SPI waits already, so that nothing overtakes;
    /// else in that of `likely`; else in the newest one, which an older exchange that will make no SA (E12) must not hide.
    [[nodiscard]] std::uint32_t pause_for(std::uint32_t pi, std::uint32_t likely, spi value, nat::direction way) noexcept {
        std::uint32_t found = npos;
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            if (!waits(xi, way)) {
                continue;
            }
            for (std::uint32_t h = st_.exchange_at(xi).pause_of(way).waiting.first; h != npos; h = st_.held_at(h).next) {
                if (st_.held_at(h).spi == value) {
                    return xi;
                }
            }
            if (way == nat::direction::outbound || xi == likely || may_have_been_given_another(st_.exchange_at(xi))) {
                found = found == npos || xi == likely ? xi : found;
            }
        }
        return found;
    }
    /// The SPI of an exchange without one may have been given to another exchange of the client, once the server can have sent on it.
    [[nodiscard]] static bool may_have_been_given_another(const exchange& x) noexcept {
        return x.state != exchange_state::satisfied && (x.answered || !x.pause_of(nat::direction::inbound).not_begun());
    }
    [[nodiscard]] std::uint8_t& waiting_of(std::uint32_t xi, nat::direction way) noexcept {
        return st_.pair_at(st_.exchange_at(xi).pair).paused[static_cast<std::size_t>(way)];
    }
    [[nodiscard]] bool room(std::uint32_t xi, nat::direction way) noexcept {
        return waiting_of(xi, way) < st_.settings.held_esp_per_client;
    }

    void join(std::uint32_t xi, std::uint32_t h) noexcept {
        auto& held = st_.held_at(h);
        sa_pause& s = st_.exchange_at(xi).pause_of(held.way);
        held.kind = held_kind::esp_paused;
        st_.append(s.waiting.first, s.waiting.last, h);
        ++waiting_of(xi, held.way);
        if (s.waiting.first == h) {
            arm(s);
        }
        st_.counts.count(counter::esp_paused);
        st_.tell(event_kind::esp_paused, held.pair, [&](auto& e) {
            e.spi = held.spi;
            e.outbound = held.way == nat::direction::outbound;
        });
    }
    /// Sets the time at which those that wait go on.
    void arm(const sa_pause& s) noexcept {
        const std::uint32_t h = s.waiting.first;
        if (h == npos) {
            return;
        }
        instant at = st_.held_at(h).since + st_.settings.esp_hold_limit;
        if (s.state == pause_state::unconfirmed) {
            at = std::min<instant>(at, s.end + st_.settings.esp_hold_limit);
        } else if (s.state != pause_state::expected) {
            at = std::min(at, s.is_over() ? st_.now : s.end);
        }
        st_.pause_timers.arm(h, at);
    }
    void end(std::uint32_t xi, nat::direction way) noexcept {
        exchange& x = st_.exchange_at(xi);
        sa_pause& s = x.pause_of(way);
        s.finish();
        if (s.waiting.first == npos) {
            return;
        }
        st_.pause_timers.disarm(s.waiting.first);
        for (std::uint32_t h = s.waiting.first; h != npos;) {
            const auto& held = st_.held_at(h);
            const std::uint32_t next = held.next;
            st_.tell(event_kind::released, held.pair, [&](auto& e) {
                e.spi = held.spi;
                e.outbound = way == nat::direction::outbound;
                e.detail = to_ms(st_.now - held.since);
            });
            st_.hand_back(h, drop_reason::none);
            --waiting_of(xi, way);
            h = next;
        }
        s.waiting = {};
        st_.handing_out = true;
    }
    /// Packets that had their pause wait to be handed out, and this one may be of a client that it would overtake.
    [[nodiscard]] bool goes_first(bool waited) noexcept {
        const bool others = !waited && st_.handing_out;
        st_.pause_overflowed = st_.pause_overflowed || others;
        return others;
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
