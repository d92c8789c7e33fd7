// SPDX-License-Identifier: Apache-2.0
/// The ALG's memory: slabs of the records of records.hpp, their indexes, and the lists between them.
///
/// This floor only keeps the lists right; what the protocols mean is decided in slot.hpp, esp_session.hpp and alg.hpp.
///
/// Invariants: a pair is in its slot's member list exactly while it has IKE sessions; an exchange is in a parked list exactly
/// while `in_parked_list`; a pair is counted in `slot::waiting` exactly while it holds packets.
/// Thread safety: none, one owner. Nothing allocates after construction (L1). Complexity: constant unless said.
#ifndef IKEALG_ALG_STATE_HPP
#define IKEALG_ALG_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "ikealg/alg/counters.hpp"
#include "ikealg/alg/event.hpp"
#include "ikealg/alg/held_store.hpp"
#include "ikealg/alg/keys.hpp"
#include "ikealg/alg/lazy_timers.hpp"
#include "ikealg/alg/links.hpp"
#include "ikealg/alg/records.hpp"
#include "ikealg/alg/session_store.hpp"
#include "ikealg/alg/settings.hpp"
#include "ikealg/nat/flow_store.hpp"
#include "ikealg/table/deadline_queue.hpp"

namespace ikealg::inline v0::alg {

template <class Family, class Packet, class Observer = no_observer>
class state : public held_store<Packet>, public session_store<state<Family, Packet, Observer>> {
public:
    using address = typename Family::address;
    using pair_type = pair<Family>;
    using slot_type = slot<Family>;
    using event_type = event<Family>;
    static constexpr bool observed = !std::is_same_v<Observer, no_observer>;

    state(const alg_settings& s, const capacities& c, hash_secret secret, instant start, Observer watch = {})
        : held_store<Packet>(c.held),
          session_store<state>(c.sessions, secret),
          settings(s),
          observer(std::move(watch)),
          flows(c.flows, secret),
          timers({c.flows, c.pairs, c.sessions}, to_tick(start)),
          slot_timers(c.slots),
          pause_timers(c.held),
          natt_timers(c.held),
          natt_watches(c.held),
          now(start),
          choice_secret(secret),
          pairs_(c.pairs),
          slots_(c.slots),
          exchanges_(c.exchanges),
          pair_index_(c.pairs, secret),
          slot_index_(c.slots, secret) {}

    alg_settings settings;
    alg::counters counts{};
    Observer observer;
    nat::flow_store<Family> flows;
    lazy_timers timers;
    table::deadline_queue slot_timers;
    table::deadline_queue pause_timers;  ///< by the first held packet of a pause (G15)
    table::deadline_queue natt_timers;   ///< by watch: when something of its pauses ends (G16)
    table::slab<natt_watch> natt_watches;
    held_list collisions{};  ///< IKE messages that wait for another client's answer, oldest first (N5)
    instant now{};  ///< the time of the call that runs
    hash_secret choice_secret;  ///< what strangers cannot choose (N4)
    bool pause_overflowed = false;  ///< the newest decision was to ask again, when those that waited have gone on (G15, G16)

    [[nodiscard]] pair_type& pair_at(std::uint32_t i) noexcept { return pairs_[i]; }
    [[nodiscard]] const pair_type& pair_at(std::uint32_t i) const noexcept { return pairs_[i]; }
    [[nodiscard]] slot_type& slot_at(std::uint32_t i) noexcept { return slots_[i]; }
    [[nodiscard]] const slot_type& slot_at(std::uint32_t i) const noexcept { return slots_[i]; }
    [[nodiscard]] exchange& exchange_at(std::uint32_t i) noexcept { return exchanges_[i]; }
    [[nodiscard]] const exchange& exchange_at(std::uint32_t i) const noexcept { return exchanges_[i]; }

    [[nodiscard]] const table::slab<pair_type>& pairs() const noexcept { return pairs_; }
    [[nodiscard]] const table::slab<slot_type>& slots() const noexcept { return slots_; }
    [[nodiscard]] const table::slab<exchange>& exchanges() const noexcept { return exchanges_; }

    /// Tells the observer of something that happened to a pair; `fill` sets further fields of the event.
    template <class Fill>
    void tell(event_kind kind, std::uint32_t pair_index, Fill&& fill) {
        if constexpr (observed) {
            event_type e;
            e.kind = kind;
            e.at = now;
            if (pair_index != npos) {
                const pair_type& p = pairs_[pair_index];
                e.vrf = p.vrf;
                e.client = p.client;
                e.server = p.server;
                e.nat = p.nat;
            }
            fill(e);
            observer(e);
        }
    }
    void tell(event_kind kind, std::uint32_t pair_index) {
        tell(kind, pair_index, [](event_type&) {});
    }

    // Pairs and slots.

    [[nodiscard]] std::uint32_t find_pair(vrf_id vrf, address client, address server) const noexcept {
        return pair_index_.find({vrf, client, server}, pair_key());
    }
    [[nodiscard]] std::uint32_t find_slot(vrf_id vrf, address server, address nat) const noexcept {
        return slot_index_.find({vrf, server, nat}, slot_key());
    }

    /// Makes the pair, and its slot unless `exclusive` (G9); npos when a table is full, and then nothing is made.
    [[nodiscard]] std::uint32_t make_pair(const pair_type& wanted, bool exclusive) noexcept {
        const std::uint32_t i = pairs_.allocate();
        if (i == npos) {
            return npos;
        }
        pairs_[i] = wanted;
        pairs_[i].last_seen = to_tick(now);
        if (!exclusive) {
            const std::uint32_t s = find_or_make_slot(wanted.vrf, wanted.server, wanted.nat);
            if (s == npos) {
                pairs_.release(i);
                return npos;
            }
            ++slots_[s].references;
            pairs_[i].slot = s;
        }
        if (!pair_index_.insert({wanted.vrf, wanted.client, wanted.server}, i) ||
            !timers.arm(timer_kind::pair, i, to_tick(now) + pair_check_ms)) {
            pair_index_.erase({wanted.vrf, wanted.client, wanted.server}, i);
            drop_slot_reference(pairs_[i].slot);
            pairs_.release(i);
            return npos;
        }
        return i;
    }

    /// Ends a pair that has nothing left: no session, exchange, flow or held packet.
    void end_pair(std::uint32_t i) noexcept {
        pair_type& p = pairs_[i];
        leave_queue(i, true);
        leave_queue(i, false);
        pair_index_.erase({p.vrf, p.client, p.server}, i);
        const std::uint32_t s = p.slot;
        forget_plain_esp(i);
        if (s != npos && slots_[s].port_owner == i) {
            slots_[s].port_owner = npos;
        }
        pairs_.release(i);
        drop_slot_reference(s);
    }

    /// The pair may have ESP that NAT-T does not carry: what the server sends with an unknown SPI may be its own (E1).
    void note_plain_esp(std::uint32_t i) noexcept {
        if (pair_type& p = pairs_[i]; !p.plain_esp && p.slot != npos) {
            p.plain_esp = true;
            ++slots_[p.slot].plain;
            slots_[p.slot].plain_mix ^= i;
        }
    }
    void forget_plain_esp(std::uint32_t i) noexcept {
        if (pair_type& p = pairs_[i]; p.plain_esp) {
            p.plain_esp = false;
            --slots_[p.slot].plain;
            slots_[p.slot].plain_mix ^= i;
            slots_[p.slot].passing = slots_[p.slot].passing == i ? npos : slots_[p.slot].passing;
        }
    }

    /// The pair has IKE sessions from now on, or no more: only those who have are its slot's members.
    void join_slot(std::uint32_t i) noexcept {
        if (pairs_[i].slot != npos) {
            slot_type& lock = slots_[pairs_[i].slot];
            link_first(pairs_, lock.first_member, i, &pair_type::next_member, &pair_type::previous_member);
            ++lock.members;
        }
    }
    void leave_slot(std::uint32_t i) noexcept {
        if (pairs_[i].slot != npos) {
            slot_type& lock = slots_[pairs_[i].slot];
            unlink(pairs_, lock.first_member, i, &pair_type::next_member, &pair_type::previous_member);
            --lock.members;
        }
    }

    // Exchanges.

    [[nodiscard]] std::uint32_t make_exchange(std::uint32_t pair_index) noexcept {
        const std::uint32_t i = exchanges_.allocate();
        if (i == npos) {
            return npos;
        }
        pair_type& p = pairs_[pair_index];
        exchange& x = exchanges_[i];
        x.pair = pair_index;
        x.started = to_tick(now);
        x.next = p.first_exchange;
        p.first_exchange = i;
        ++p.exchanges;
        return i;
    }

    void end_exchange(std::uint32_t i) noexcept {
        unpark(i);
        close_claim(i);
        pair_type& p = pairs_[exchanges_[i].pair];
        if (p.slot != npos && slots_[p.slot].guess == i) {
            slots_[p.slot].guess = npos;
        }
        unlink(exchanges_, p.first_exchange, i, &exchange::next);
        --p.exchanges;
        for (std::uint32_t f = p.first_flow; f != npos; f = flows[f].next) {
            if (flows[f].session == i) {
                flows[f].session = npos;
                flows[f].flags &= static_cast<std::uint8_t>(~nat::flow_flag::consult);
            }
        }
        this->forget_exchange(p, i);
        exchanges_.release(i);
    }

    /// Puts an exchange among the parked ones of its slot, or moves it between those with and without unanswered ESP.
    void park(std::uint32_t i) noexcept {
        exchange& x = exchanges_[i];
        const std::uint32_t s = pairs_[x.pair].slot;
        unpark(i);
        x.state = exchange_state::parked;
        if (s == npos) {
            return;
        }
        std::uint32_t& first = x.unanswered ? slots_[s].first_parked_unanswered : slots_[s].first_parked_quiet;
        link_first(exchanges_, first, i, &exchange::next_parked, &exchange::previous_parked);
        x.in_parked_list = true;
        ++slots_[s].parked;
    }
    void unpark(std::uint32_t i) noexcept {
        exchange& x = exchanges_[i];
        if (!x.in_parked_list) {
            return;
        }
        slot_type& lock = slots_[pairs_[x.pair].slot];
        std::uint32_t& first = lock.first_parked_unanswered == i ? lock.first_parked_unanswered : lock.first_parked_quiet;
        unlink(exchanges_, first, i, &exchange::next_parked, &exchange::previous_parked);
        x.in_parked_list = false;
        --lock.parked;
    }

    /// The server may send on this exchange although it is not enabled: it counts as a claim (E11).
    void open_claim(std::uint32_t i) noexcept {
        exchange& x = exchanges_[i];
        pair_type& p = pairs_[x.pair];
        if (!x.claims_open && p.slot != npos && p.open_claims != 255) {
            x.claims_open = true;
            ++p.open_claims;
            ++slots_[p.slot].open_claims;
        }
    }
    void close_claim(std::uint32_t i) noexcept {
        exchange& x = exchanges_[i];
        if (x.claims_open) {
            x.claims_open = false;
            --pairs_[x.pair].open_claims;
            --slots_[pairs_[x.pair].slot].open_claims;
        }
    }

    // ESP flows of a pair.

    void link_flow(std::uint32_t pair_index, std::uint32_t flow_index) noexcept {
        pair_type& p = pairs_[pair_index];
        flows[flow_index].owner = pair_index;
        flows[flow_index].next = p.first_flow;
        p.first_flow = flow_index;
        ++p.flows;
    }
    void unlink_flow(std::uint32_t flow_index) noexcept {
        pair_type& p = pairs_[flows[flow_index].owner];
        unlink(flows, p.first_flow, flow_index, &nat::flow<Family>::next);
        --p.flows;
    }

    // Held packets and the queue of a slot.

    /// Room for a packet of `size` bytes; npos when there is none.
    [[nodiscard]] std::uint32_t take_held(std::uint32_t size) noexcept { return this->take(size, now, settings.held_bytes); }

    void join_queue(std::uint32_t pair_index, bool esp) noexcept {
        pair_type& p = pairs_[pair_index];
        bool& in = esp ? p.in_esp_queue : p.in_ike_queue;
        if (in) {
            return;
        }
        in = true;
        slot_type& lock = slots_[p.slot];
        if (esp) {
            link_last(pairs_, lock.first_in_esp_queue, lock.last_in_esp_queue, pair_index, &pair_type::next_in_esp_queue,
                      &pair_type::previous_in_esp_queue);
        } else {
            link_last(pairs_, lock.first_in_ike_queue, lock.last_in_ike_queue, pair_index, &pair_type::next_in_ike_queue,
                      &pair_type::previous_in_ike_queue);
        }
    }
    void leave_queue(std::uint32_t pair_index, bool esp) noexcept {
        pair_type& p = pairs_[pair_index];
        bool& in = esp ? p.in_esp_queue : p.in_ike_queue;
        if (!in) {
            return;
        }
        in = false;
        slot_type& lock = slots_[p.slot];
        if (esp) {
            unlink(pairs_, lock.first_in_esp_queue, lock.last_in_esp_queue, pair_index, &pair_type::next_in_esp_queue,
                   &pair_type::previous_in_esp_queue);
        } else {
            unlink(pairs_, lock.first_in_ike_queue, lock.last_in_ike_queue, pair_index, &pair_type::next_in_ike_queue,
                   &pair_type::previous_in_ike_queue);
        }
    }

private:
    static constexpr std::uint32_t pair_check_ms = 60'000;

    [[nodiscard]] auto pair_key() const noexcept {
        return [this](std::uint32_t i) noexcept {
            return address_pair_key<Family>{pairs_[i].vrf, pairs_[i].client, pairs_[i].server};
        };
    }
    [[nodiscard]] auto slot_key() const noexcept {
        return [this](std::uint32_t i) noexcept {
            return address_pair_key<Family>{slots_[i].vrf, slots_[i].server, slots_[i].nat};
        };
    }
    [[nodiscard]] std::uint32_t find_or_make_slot(vrf_id vrf, address server, address nat) noexcept {
        if (const std::uint32_t found = find_slot(vrf, server, nat); found != npos) {
            return found;
        }
        const std::uint32_t s = slots_.allocate();
        if (s == npos) {
            return npos;
        }
        slots_[s].vrf = vrf;
        slots_[s].server = server;
        slots_[s].nat = nat;
        if (!slot_index_.insert({vrf, server, nat}, s)) {
            slots_.release(s);
            return npos;
        }
        return s;
    }
    void drop_slot_reference(std::uint32_t s) noexcept {
        if (s == npos || --slots_[s].references != 0) {
            return;
        }
        slot_timers.disarm(s);
        slot_index_.erase({slots_[s].vrf, slots_[s].server, slots_[s].nat}, s);
        slots_.release(s);
    }

    table::slab<pair_type> pairs_;
    table::slab<slot_type> slots_;
    table::slab<exchange> exchanges_;
    table::flow_table<address_pair_key<Family>> pair_index_;
    table::flow_table<address_pair_key<Family>> slot_index_;
};

}  // namespace ikealg::inline v0::alg

#endif
