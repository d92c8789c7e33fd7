// SPDX-License-Identifier: Apache-2.0
/// Packets that wait for their client's turn at a slot (G4): holding them, their age, their limits.
///
/// A client waits with enabling messages, ESP, or both; its ESP waits behind its messages. Messages put the client into the IKE
/// queue of the slot, ESP alone into the ESP queue. Whose turn it is, is decided in slot.hpp. Handles are moved in and out, bytes are never
/// copied; what comes back goes through `state::hand_back`.
///
/// Invariants: a pair counts in `slot::waiting` exactly while it holds packets; `slot::hold_end` is not after the end of the oldest one.
/// Thread safety: none, one owner. Complexity: linear in the held packets of one client; `expire` in the queue of one slot.
#ifndef IKEALG_ALG_HOLD_HPP
#define IKEALG_ALG_HOLD_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "ikealg/alg/state.hpp"

namespace ikealg::inline v0::alg {

/// What happens to the packet at hand. A held packet has been moved from. `again`: nothing was done with it; when what was handed back has gone
/// on, it is to be looked at anew (G15, G16, ESP only).
struct decision {
    enum class what : std::uint8_t { forward, held, drop, again };
    what act = what::forward;
    drop_reason reason = drop_reason::none;

    [[nodiscard]] static constexpr decision forward() noexcept { return {}; }
    [[nodiscard]] static constexpr decision hold() noexcept { return {what::held, drop_reason::none}; }
    [[nodiscard]] static constexpr decision ask_again() noexcept { return {what::again, drop_reason::none}; }
    [[nodiscard]] static constexpr decision drop(drop_reason why) noexcept { return {what::drop, why}; }
    friend constexpr bool operator==(const decision&, const decision&) = default;
};

/// A packet on its way through the ALG.
template <class Packet>
struct packet_at_hand {
    Packet& handle;
    std::uint32_t size = 0;  ///< bytes
    nat::direction way = nat::direction::outbound;
    /// Which part of its message: 0 when it is whole or the first IP fragment, an IKE fragment's id and number, or a later IP fragment's offset
    /// with `later_ip_fragment` set.
    std::uint32_t part = 0;
    bool waited = false;  ///< ESP that had its pause (G15, G16)
    std::uint32_t waited_in = npos;  ///< and the exchange whose pause it was
};
inline constexpr std::uint32_t later_ip_fragment = 0x8000'0000U;

template <class State, class Packet>
class held_packets {
public:
    using slot_type = typename State::slot_type;
    using pair_type = typename State::pair_type;
    using at_hand = packet_at_hand<Packet>;

    explicit held_packets(State& state) noexcept : st_(state) {}

    [[nodiscard]] decision message(std::uint32_t xi, held_kind kind, at_hand p) noexcept {
        const std::uint32_t pi = st_.exchange_at(xi).pair;
        pair_type& pr = st_.pair_at(pi);
        slot_type& s = st_.slot_at(pr.slot);
        if (st_.settings.hold_limit.count() == 0) {
            return decision::drop(drop_reason::phase2_busy);
        }
        for (std::uint32_t h = pr.first_message; h != npos; h = st_.held_at(h).next) {
            auto& old = st_.held_at(h);
            if (old.exchange == xi && old.part == p.part && old.way == p.way) {  // a repetition: it takes the place of the old one
                const std::uint32_t n = st_.take_held(p.size);
                if (n == npos) {
                    return decision::drop(drop_reason::phase2_busy);
                }
                st_.held_at(n).packet = std::exchange(old.packet, std::move(p.handle));
                st_.held_at(n).pair = pi;
                st_.held_at(n).way = old.way;
                std::swap(st_.held_at(n).size, old.size);
                st_.note_held(h);
                old.since = st_.now;
                st_.hand_back(n, drop_reason::superseded);
                drop_later_fragments(pr, xi, p);
                return decision::hold();
            }
        }
        if (other_messages(pr, xi) >= st_.settings.held_messages_per_client || pr.held_messages == 255) {
            return decision::drop(drop_reason::phase2_busy);
        }
        const std::uint32_t h = hold(xi, kind, {}, p);
        if (h == npos) {
            return decision::drop(drop_reason::phase2_busy);
        }
        begin_waiting(s, pr, std::chrono::duration_cast<duration>(st_.settings.hold_limit));
        st_.append(pr.first_message, pr.last_message, h);
        ++pr.held_messages;
        st_.leave_queue(pi, true);  // its ESP waits behind the message
        st_.join_queue(pi, false);
        if (p.way == nat::direction::inbound) {
            st_.open_claim(xi);  // the server has sent its answer, so it may send ESP
        }
        st_.counts.count(counter::phase2_held);
        st_.tell(event_kind::held, pi, [&](auto& e) { e.message_id = st_.exchange_at(xi).message_id; });
        return decision::hold();
    }

    [[nodiscard]] decision esp(std::uint32_t xi, spi value, at_hand p) noexcept {
        const std::uint32_t pi = st_.exchange_at(xi).pair;
        pair_type& pr = st_.pair_at(pi);
        slot_type& s = st_.slot_at(pr.slot);
        if (st_.settings.esp_hold_limit.count() == 0) {
            return decision::drop(drop_reason::esp_busy);
        }
        const std::uint32_t h = hold(xi, held_kind::esp, value, p);
        if (h == npos) {
            return decision::drop(drop_reason::esp_busy);
        }
        begin_waiting(s, pr, std::chrono::duration_cast<duration>(st_.settings.esp_hold_limit));
        if (pr.held_esp >= st_.settings.held_esp_per_client) {  // the oldest makes room: the newest is the likeliest to be wanted
            st_.hand_back(pop(pr.first_held_esp, pr.last_held_esp), drop_reason::esp_busy);
            --pr.held_esp;
        }
        st_.append(pr.first_held_esp, pr.last_held_esp, h);
        ++pr.held_esp;
        if (pr.first_message == npos) {
            st_.join_queue(pi, true);
        }
        const exchange& x = st_.exchange_at(xi);
        if (x.state == exchange_state::seen && (x.session == npos || pr.first_message == npos)) {
            st_.open_claim(xi);  // no message enabled it, but the client has the SA: so the server has it too
        }
        st_.counts.count(counter::esp_held);
        st_.tell(event_kind::held, pi, [&](auto& e) {
            e.spi = value;
            e.detail = 1;
        });
        return decision::hold();
    }

    /// A later IP fragment of a message of this exchange, or of ESP (`value` its SPI, else 0): it waits behind the rest of its packet, or goes
    /// on when that has gone (G4).
    [[nodiscard]] decision later_fragment(std::uint32_t xi, spi value, at_hand p) noexcept {
        if (!st_.exchanges().is_live(xi)) {
            return decision::forward();
        }
        pair_type& pr = st_.pair_at(st_.exchange_at(xi).pair);
        const auto held_in = [&](std::uint32_t first) {
            while (first != npos && st_.held_at(first).exchange != xi) {
                first = st_.held_at(first).next;
            }
            return first;
        };
        const bool esp = value != spi{};
        const std::uint32_t first = held_in(esp ? pr.first_held_esp : pr.first_message);
        if (first == npos) {
            return decision::forward();
        }
        for (std::uint32_t h = first; h != npos; h = st_.held_at(h).next) {
            if (st_.held_at(h).exchange == xi && st_.held_at(h).part == p.part && st_.held_at(h).way == p.way && !esp) {
                return decision::drop(drop_reason::superseded);  // a repetition of a fragment that waits already
            }
        }
        std::uint8_t& count = esp ? pr.held_esp : pr.held_messages;
        const held_kind kind = st_.held_at(first).kind;
        const std::uint32_t h = count == 255 ? npos : st_.take_held(p.size);
        if (h == npos) {
            return decision::drop(esp ? drop_reason::esp_busy : drop_reason::phase2_busy);
        }
        auto& held = st_.held_at(h);
        held.packet = std::move(p.handle);
        held.pair = st_.exchange_at(xi).pair;
        held.exchange = xi;
        held.kind = kind;
        held.way = p.way;
        held.part = p.part;
        held.spi = value;
        esp ? st_.append(pr.first_held_esp, pr.last_held_esp, h) : st_.append(pr.first_message, pr.last_message, h);
        ++count;
        return decision::hold();
    }

    [[nodiscard]] std::uint32_t pop(std::uint32_t& first, std::uint32_t& last) noexcept {
        const std::uint32_t h = first;
        first = st_.held_at(h).next;
        if (first == npos) {
            last = npos;
        }
        return h;
    }
    void hand_on(std::uint32_t h) noexcept {
        const auto& held = st_.held_at(h);
        st_.tell(event_kind::released, held.pair, [&](auto& e) {
            e.spi = held.spi;
            e.outbound = held.way == nat::direction::outbound;
            e.detail = to_ms(st_.now - held.since);
        });
        st_.hand_back(h, drop_reason::none);
    }

    /// Gives back what is older than its limit. Places in the queue stay for messages, which will be repeated; ESP loses its place.
    void expire(std::uint32_t si) noexcept {
        slot_type& s = st_.slot_at(si);
        instant next = instant::max();
        const auto scan = [&](std::uint32_t first, auto next_of) {
            for (std::uint32_t pi = first; pi != npos;) {
                const std::uint32_t following = st_.pair_at(pi).*next_of;
                expire_pair(s, pi, next);
                pi = following;
            }
        };
        scan(s.first_in_ike_queue, &pair_type::next_in_ike_queue);
        scan(s.first_in_esp_queue, &pair_type::next_in_esp_queue);
        s.hold_end = next;
    }
    /// The exchange for which ESP of this SPI waits for the slot, npos when none does: one SPI is of one exchange.
    [[nodiscard]] std::uint32_t awaited_with(std::uint32_t pi, spi value) const noexcept {
        std::uint32_t h = st_.pair_at(pi).first_held_esp;
        while (h != npos && st_.held_at(h).spi != value) {
            h = st_.held_at(h).next;
        }
        return h == npos ? npos : st_.held_at(h).exchange;
    }
    /// Takes out the first ESP of the client that waits although its exchange is satisfied, and needs the slot no more (X2); npos when there is
    /// none.
    [[nodiscard]] std::uint32_t take_satisfied(std::uint32_t pi) noexcept {
        pair_type& p = st_.pair_at(pi);
        std::uint32_t h = p.first_held_esp;
        while (h != npos && st_.exchange_at(st_.held_at(h).exchange).state != exchange_state::satisfied) {
            h = st_.held_at(h).next;
        }
        if (h != npos) {
            st_.take_out(p.first_held_esp, p.last_held_esp, h);
            --p.held_esp;
            if (p.first_held_esp == npos) {
                st_.leave_queue(pi, true);
            }
            end_waiting(st_.slot_at(p.slot), p);
        }
        return h;
    }
    [[nodiscard]] bool holds_esp_of(std::uint32_t xi) const noexcept {
        std::uint32_t h = st_.pair_at(st_.exchange_at(xi).pair).first_held_esp;
        while (h != npos && st_.held_at(h).exchange != xi) {
            h = st_.held_at(h).next;
        }
        return h != npos;
    }
    /// The ESP that waits for exchange `from` is that of `to`, of the same client.
    void give_esp(std::uint32_t from, std::uint32_t to) noexcept {
        for (std::uint32_t h = st_.pair_at(st_.exchange_at(from).pair).first_held_esp; h != npos; h = st_.held_at(h).next) {
            auto& held = st_.held_at(h);
            held.exchange = held.exchange == from ? to : held.exchange;
        }
    }
    void drop_of(std::uint32_t pi, std::uint32_t xi) noexcept {
        pair_type& p = st_.pair_at(pi);
        if (p.first_message == npos) {
            st_.leave_queue(pi, false);  // a place whose message grew too old
        }
        if (p.first_message == npos && p.first_held_esp == npos) {
            return;
        }
        const auto of_exchange = [xi](const auto& held) { return held.exchange == xi; };
        end_some(p.first_message, p.last_message, p.held_messages, drop_reason::shutdown, of_exchange);
        end_some(p.first_held_esp, p.last_held_esp, p.held_esp, drop_reason::shutdown, of_exchange);
        if (p.first_message == npos) {
            st_.leave_queue(pi, false);
        }
        if (p.first_held_esp == npos) {
            st_.leave_queue(pi, true);
        } else if (p.first_message == npos) {
            st_.join_queue(pi, true);
        }
        end_waiting(st_.slot_at(p.slot), p);
    }

private:
    /// Exchanges other than `xi` of which the client holds messages.
    [[nodiscard]] std::uint32_t other_messages(const pair_type& p, std::uint32_t xi) const noexcept {
        std::uint32_t n = 0;
        for (std::uint32_t h = p.first_message; h != npos; h = st_.held_at(h).next) {
            std::uint32_t first = p.first_message;
            while (st_.held_at(first).exchange != st_.held_at(h).exchange) {
                first = st_.held_at(first).next;
            }
            n += first == h && st_.held_at(h).exchange != xi ? 1U : 0U;
        }
        return n;
    }
    /// A first IP fragment was repeated: its repetition is another datagram, to which the later fragments that wait do not belong.
    void drop_later_fragments(pair_type& p, std::uint32_t xi, const at_hand& repeated) noexcept {
        for (std::uint32_t h = p.first_message; h != npos;) {
            const std::uint32_t next = st_.held_at(h).next;
            const auto& held = st_.held_at(h);
            if (held.exchange == xi && held.way == repeated.way && (held.part & later_ip_fragment) != 0) {
                st_.take_out(p.first_message, p.last_message, h);
                --p.held_messages;
                st_.hand_back(h, drop_reason::superseded);
            }
            h = next;
        }
    }

    [[nodiscard]] std::uint32_t hold(std::uint32_t xi, held_kind kind, spi value, at_hand p) noexcept {
        const std::uint32_t h = st_.take_held(p.size);
        if (h == npos) {
            return npos;
        }
        auto& held = st_.held_at(h);
        held.packet = std::move(p.handle);
        held.pair = st_.exchange_at(xi).pair;
        held.exchange = xi;
        held.kind = kind;
        held.way = p.way;
        held.part = p.part;
        held.spi = value;
        return h;
    }
    void begin_waiting(slot_type& s, const pair_type& p, duration limit) noexcept {
        const instant end = st_.now + limit;
        s.hold_end = s.waiting == 0 ? end : std::min(s.hold_end, end);
        if (p.first_message == npos && p.first_held_esp == npos) {
            ++s.waiting;
        }
    }
    void end_waiting(slot_type& s, const pair_type& p) noexcept {
        if (p.first_message == npos && p.first_held_esp == npos) {
            --s.waiting;
        }
    }
    void expire_pair(slot_type& s, std::uint32_t pi, instant& next) noexcept {
        pair_type& p = st_.pair_at(pi);
        if (p.first_message == npos && p.first_held_esp == npos) {
            return;
        }
        const auto too_old = [&](duration limit) {
            return [&, limit](const auto& held) {
                const instant end = held.since + limit;
                next = end > st_.now ? std::min(next, end) : next;
                return end <= st_.now;
            };
        };
        end_some(p.first_message, p.last_message, p.held_messages, drop_reason::phase2_busy, too_old(st_.settings.hold_limit));
        end_some(p.first_held_esp, p.last_held_esp, p.held_esp, drop_reason::esp_busy, too_old(st_.settings.esp_hold_limit));
        if (p.first_message == npos && p.in_ike_queue) {  // nobody can answer ESP whose enabling message never left
            end_some(p.first_held_esp, p.last_held_esp, p.held_esp, drop_reason::esp_busy,
                     [&](const auto& held) { return st_.exchange_at(held.exchange).state == exchange_state::seen; });
        }
        if (p.first_held_esp == npos) {
            st_.leave_queue(pi, true);
        } else if (p.first_message == npos) {
            st_.join_queue(pi, true);
        }
        end_waiting(s, p);
    }
    /// Hands back, for `why`, the packets of a list that `which` holds for.
    template <class Which>
    void end_some(std::uint32_t& first, std::uint32_t& last, std::uint8_t& count, drop_reason why, Which&& which) noexcept {
        for (std::uint32_t at = first; at != npos;) {
            const std::uint32_t following = st_.held_at(at).next;
            if (which(st_.held_at(at))) {
                st_.take_out(first, last, at);
                st_.hand_back(at, why);
                --count;
            }
            at = following;
        }
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
