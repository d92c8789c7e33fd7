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
#include "ikealg/alg/lazy_timers.hpp"
#include "ikealg/alg/records.hpp"
#include "ikealg/alg/settings.hpp"
#include "ikealg/nat/flow_store.hpp"
#include "ikealg/table/deadline_queue.hpp"

namespace ikealg::inline v0::alg {

/// Fixed capacities of one gateway (L1).
struct capacities {
    std::uint32_t flows = 65536;     ///< UDP, TCP, echo and ESP sessions together
    std::uint32_t pairs = 16384;     ///< (client, server)
    std::uint32_t slots = 8192;      ///< (server, nat address)
    std::uint32_t sessions = 16384;  ///< IKE sessions
    std::uint32_t exchanges = 65536; ///< remembered Phase 2 exchanges
    std::uint32_t held = 4096;       ///< held packets
};

struct ike_key {
    std::uint32_t owner = npos;  ///< a pair, or a slot with the top bit set
    ike_spi initiator{};
    ike_spi responder{};         ///< 0 under a pair
    [[nodiscard]] constexpr std::array<std::uint64_t, 3> words() const noexcept {
        return {owner, initiator.value, responder.value};
    }
    friend constexpr bool operator==(const ike_key&, const ike_key&) = default;
};

/// Key of pairs (a is the client, b the server) and of slots (a is the server, b the nat address).
template <class Family>
struct address_pair_key {
    vrf_id vrf{};
    typename Family::address a{};
    typename Family::address b{};
    [[nodiscard]] constexpr auto words() const noexcept {
        if constexpr (Family::version == 4) {
            return std::array<std::uint64_t, 2>{std::uint64_t{a.value} << 32 | b.value, vrf.value};
        } else {
            return std::array<std::uint64_t, 5>{a.high, a.low, b.high, b.low, vrf.value};
        }
    }
    friend constexpr bool operator==(const address_pair_key&, const address_pair_key&) = default;
};

template <class Family, class Packet, class Observer = no_observer>
class state {
public:
    using address = typename Family::address;
    using pair_type = pair<Family>;
    using slot_type = slot<Family>;
    using held_type = held_packet<Packet>;
    using event_type = event<Family>;

    state(const alg_settings& s, const capacities& c, hash_secret secret, instant start, Observer watch = {})
        : settings(s),
          observer(std::move(watch)),
          flows(c.flows, secret),
          timers({c.flows, c.pairs, c.sessions}, to_tick(start)),
          slot_timers(c.slots),
          now(start),
          pairs_(c.pairs),
          slots_(c.slots),
          sessions_(c.sessions),
          exchanges_(c.exchanges),
          held_(c.held),
          pair_index_(c.pairs, secret),
          slot_index_(c.slots, secret),
          ike_index_(3 * std::size_t{c.sessions}, secret) {}

    alg_settings settings;
    alg::counters counts{};
    Observer observer;
    nat::flow_store<Family> flows;
    lazy_timers timers;
    table::deadline_queue slot_timers;
    instant now{};  ///< the time of the call that runs

    [[nodiscard]] pair_type& pair_at(std::uint32_t i) noexcept { return pairs_[i]; }
    [[nodiscard]] const pair_type& pair_at(std::uint32_t i) const noexcept { return pairs_[i]; }
    [[nodiscard]] slot_type& slot_at(std::uint32_t i) noexcept { return slots_[i]; }
    [[nodiscard]] const slot_type& slot_at(std::uint32_t i) const noexcept { return slots_[i]; }
    [[nodiscard]] ike_session& session_at(std::uint32_t i) noexcept { return sessions_[i]; }
    [[nodiscard]] const ike_session& session_at(std::uint32_t i) const noexcept { return sessions_[i]; }
    [[nodiscard]] exchange& exchange_at(std::uint32_t i) noexcept { return exchanges_[i]; }
    [[nodiscard]] const exchange& exchange_at(std::uint32_t i) const noexcept { return exchanges_[i]; }
    [[nodiscard]] held_type& held_at(std::uint32_t i) noexcept { return held_[i]; }
    [[nodiscard]] const held_type& held_at(std::uint32_t i) const noexcept { return held_[i]; }

    [[nodiscard]] const table::slab<pair_type>& pairs() const noexcept { return pairs_; }
    [[nodiscard]] const table::slab<slot_type>& slots() const noexcept { return slots_; }
    [[nodiscard]] const table::slab<ike_session>& sessions() const noexcept { return sessions_; }
    [[nodiscard]] const table::slab<exchange>& exchanges() const noexcept { return exchanges_; }
    [[nodiscard]] const table::slab<held_type>& held() const noexcept { return held_; }
    [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

    /// Tells the observer of something that happened to a pair; `fill` sets further fields of the event.
    template <class Fill>
    void tell(event_kind kind, std::uint32_t pair_index, Fill&& fill) {
        if constexpr (!std::is_same_v<Observer, no_observer>) {
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
        if (s != npos && slots_[s].passing == i) {
            slots_[s].passing = npos;
        }
        pairs_.release(i);
        drop_slot_reference(s);
    }

    // IKE sessions.

    static constexpr std::uint32_t slot_owner(std::uint32_t slot_index) noexcept { return slot_index | 0x8000'0000U; }

    [[nodiscard]] std::uint32_t find_session(std::uint32_t pair_index, ike_spi initiator) const noexcept {
        return decode(ike_index_.find({pair_index, initiator, {}}, session_key()));
    }
    /// On a shared port: by both SPIs; with a responder SPI of 0, the session that waits for its first answer.
    [[nodiscard]] std::uint32_t find_shared(std::uint32_t slot_index, ike_spi initiator, ike_spi responder) const noexcept {
        return decode(ike_index_.find({slot_owner(slot_index), initiator, responder}, session_key()));
    }

    [[nodiscard]] std::uint32_t make_session(std::uint32_t pair_index, ike_spi initiator, ike_spi responder) noexcept {
        const std::uint32_t i = sessions_.allocate();
        if (i == npos) {
            return npos;
        }
        ike_session& s = sessions_[i];
        s.pair = pair_index;
        s.initiator = initiator;
        s.responder = responder;
        s.last_seen = to_tick(now);
        if (!ike_index_.insert({pair_index, initiator, {}}, i << 2)) {
            sessions_.release(i);
            return npos;
        }
        if (!timers.arm(timer_kind::session, i, to_tick(now) + half_open_check_ms)) {
            ike_index_.erase({pair_index, initiator, {}}, i << 2);
            sessions_.release(i);
            return npos;
        }
        pair_type& p = pairs_[pair_index];
        s.next = p.first_session;
        p.first_session = i;
        if (p.sessions++ == 0 && p.slot != npos) {
            slot_type& lock = slots_[p.slot];
            p.next_member = lock.first_member;
            p.previous_member = npos;
            if (lock.first_member != npos) {
                pairs_[lock.first_member].previous_member = pair_index;
            }
            lock.first_member = pair_index;
            ++lock.members;
        }
        push_half_open(i);
        return i;
    }

    /// Puts the keys of a session on a shared port in the table (N3 preserve): the half-open one while its responder is not known,
    /// or the complete one. False when the key is another client's (N5) or the table is full.
    [[nodiscard]] bool share_session(std::uint32_t i, bool half_open) noexcept {
        ike_session& s = sessions_[i];
        const std::uint32_t owner = slot_owner(pairs_[s.pair].slot);
        bool& flag = half_open ? s.shared_half_open : s.shared_complete;
        const ike_key key{owner, s.initiator, half_open ? ike_spi{} : s.responder};
        if (flag) {
            return true;
        }
        if (ike_index_.find(key, session_key()) != npos || !ike_index_.insert(key, i << 2 | (half_open ? 1U : 2U))) {
            return false;
        }
        flag = true;
        return true;
    }
    void unshare_session(std::uint32_t i, bool half_open) noexcept {
        ike_session& s = sessions_[i];
        bool& flag = half_open ? s.shared_half_open : s.shared_complete;
        if (flag) {
            const std::uint32_t owner = slot_owner(pairs_[s.pair].slot);
            ike_index_.erase({owner, s.initiator, half_open ? ike_spi{} : s.responder}, i << 2 | (half_open ? 1U : 2U));
            flag = false;
        }
    }
    /// The responder has answered (or answered anew): both directions are known.
    void set_responder(std::uint32_t i, ike_spi responder) noexcept {
        if (sessions_[i].responder != responder) {
            unshare_session(i, false);
            sessions_[i].responder = responder;
        }
    }
    /// Takes a session out of the list of half-open ones: it has been seen in both directions.
    void complete_session(std::uint32_t i) noexcept { pop_half_open(i); }
    /// The half-open session that has waited longest (L2), npos when there is none.
    [[nodiscard]] std::uint32_t oldest_half_open() const noexcept { return first_half_open_; }

    void end_session(std::uint32_t i) noexcept {
        ike_session& s = sessions_[i];
        unshare_session(i, true);
        unshare_session(i, false);
        pop_half_open(i);
        pair_type& p = pairs_[s.pair];
        unlink(p.first_session, i, sessions_, &ike_session::next);
        ike_index_.erase({s.pair, s.initiator, {}}, i << 2);
        if (--p.sessions == 0 && p.slot != npos) {
            slot_type& lock = slots_[p.slot];
            (p.previous_member != npos ? pairs_[p.previous_member].next_member : lock.first_member) = p.next_member;
            if (p.next_member != npos) {
                pairs_[p.next_member].previous_member = p.previous_member;
            }
            p.next_member = p.previous_member = npos;
            --lock.members;
        }
        sessions_.release(i);
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
        unlink(p.first_exchange, i, exchanges_, &exchange::next);
        --p.exchanges;
        for (std::uint32_t f = p.first_flow; f != npos; f = flows[f].next) {
            if (flows[f].session == i) {
                flows[f].session = npos;
                flows[f].flags &= static_cast<std::uint8_t>(~nat::flow_flag::consult);
            }
        }
        for (std::uint32_t s = p.first_session; s != npos; s = sessions_[s].next) {
            for (auto* newest : {&sessions_[s].newest_child, &sessions_[s].newest_child_of_server}) {
                if (*newest == i) {
                    *newest = npos;
                }
            }
        }
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
        x.next_parked = first;
        x.previous_parked = npos;
        if (first != npos) {
            exchanges_[first].previous_parked = i;
        }
        first = i;
        x.in_parked_list = true;
        ++slots_[s].parked;
    }
    void unpark(std::uint32_t i) noexcept {
        exchange& x = exchanges_[i];
        if (!x.in_parked_list) {
            return;
        }
        slot_type& lock = slots_[pairs_[x.pair].slot];
        if (x.previous_parked != npos) {
            exchanges_[x.previous_parked].next_parked = x.next_parked;
        } else {
            (lock.first_parked_unanswered == i ? lock.first_parked_unanswered : lock.first_parked_quiet) = x.next_parked;
        }
        if (x.next_parked != npos) {
            exchanges_[x.next_parked].previous_parked = x.previous_parked;
        }
        x.next_parked = x.previous_parked = npos;
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
        unlink(p.first_flow, flow_index, flows, &nat::flow<Family>::next);
        --p.flows;
    }

    // Held packets and the queue of a slot.

    /// Room for a packet of `size` bytes; npos when there is none (G4: bounded in number and bytes).
    [[nodiscard]] std::uint32_t take_held(std::uint32_t size) noexcept {
        if (held_bytes_ + size > settings.held_bytes) {
            return npos;
        }
        const std::uint32_t i = held_.allocate();
        if (i != npos) {
            held_[i].size = size;
            held_[i].since = now;
            held_bytes_ += size;
            last_held_ = i;
        }
        return i;
    }
    /// The packet that was held last, so that the gateway can note by which flow it goes on.
    [[nodiscard]] std::uint32_t last_held() const noexcept { return last_held_; }
    void note_held(std::uint32_t i) noexcept { last_held_ = i; }
    /// Appends a held packet to a list.
    void append(std::uint32_t& first, std::uint32_t& last, std::uint32_t i) noexcept {
        held_[i].next = npos;
        (last == npos ? first : held_[last].next) = i;
        last = i;
    }
    /// Takes a held packet out of a list; linear in the list.
    void take_out(std::uint32_t& first, std::uint32_t& last, std::uint32_t i) noexcept {
        std::uint32_t before = npos;
        for (std::uint32_t at = first; at != npos; before = at, at = held_[at].next) {
            if (at == i) {
                (before == npos ? first : held_[before].next) = held_[i].next;
                if (last == i) {
                    last = before;
                }
                held_[i].next = npos;
                return;
            }
        }
    }
    /// Hands a held packet back: to be forwarded, or dropped when `reason` is set. The owner collects it with `next_released`.
    void hand_back(std::uint32_t i, drop_reason reason) noexcept {
        held_[i].reason = reason;
        append(first_released_, last_released_, i);
    }
    /// The next packet that was handed back, npos when there is none. The caller moves the handle out, then calls `free_held`.
    [[nodiscard]] std::uint32_t next_released() noexcept {
        const std::uint32_t i = first_released_;
        if (i != npos) {
            first_released_ = held_[i].next;
            if (first_released_ == npos) {
                last_released_ = npos;
            }
        }
        return i;
    }
    void free_held(std::uint32_t i) noexcept {
        held_bytes_ -= held_[i].size;
        held_.release(i);
    }

    void join_queue(std::uint32_t pair_index, bool esp) noexcept {
        pair_type& p = pairs_[pair_index];
        bool& in = esp ? p.in_esp_queue : p.in_ike_queue;
        if (in) {
            return;
        }
        slot_type& lock = slots_[p.slot];
        std::uint32_t& first = esp ? lock.first_in_esp_queue : lock.first_in_ike_queue;
        std::uint32_t& last = esp ? lock.last_in_esp_queue : lock.last_in_ike_queue;
        auto& previous = esp ? p.previous_in_esp_queue : p.previous_in_ike_queue;
        auto& next = esp ? p.next_in_esp_queue : p.next_in_ike_queue;
        next = npos;
        previous = last;
        if (last == npos) {
            first = pair_index;
        } else {
            (esp ? pairs_[last].next_in_esp_queue : pairs_[last].next_in_ike_queue) = pair_index;
        }
        last = pair_index;
        in = true;
    }
    void leave_queue(std::uint32_t pair_index, bool esp) noexcept {
        pair_type& p = pairs_[pair_index];
        bool& in = esp ? p.in_esp_queue : p.in_ike_queue;
        if (!in) {
            return;
        }
        slot_type& lock = slots_[p.slot];
        std::uint32_t& first = esp ? lock.first_in_esp_queue : lock.first_in_ike_queue;
        std::uint32_t& last = esp ? lock.last_in_esp_queue : lock.last_in_ike_queue;
        const auto previous = esp ? p.previous_in_esp_queue : p.previous_in_ike_queue;
        const auto next = esp ? p.next_in_esp_queue : p.next_in_ike_queue;
        if (previous == npos) {
            first = next;
        } else {
            (esp ? pairs_[previous].next_in_esp_queue : pairs_[previous].next_in_ike_queue) = next;
        }
        if (next == npos) {
            last = previous;
        } else {
            (esp ? pairs_[next].previous_in_esp_queue : pairs_[next].previous_in_ike_queue) = previous;
        }
        in = false;
    }

private:
    static constexpr std::uint32_t pair_check_ms = 60'000;
    static constexpr std::uint32_t half_open_check_ms = 60'000;

    [[nodiscard]] static constexpr std::uint32_t decode(std::uint32_t ref) noexcept {
        return ref == npos ? npos : ref >> 2;
    }
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
    [[nodiscard]] auto session_key() const noexcept {
        return [this](std::uint32_t ref) noexcept {
            const ike_session& s = sessions_[ref >> 2];
            return (ref & 3) == 0   ? ike_key{s.pair, s.initiator, {}}
                   : (ref & 3) == 1 ? ike_key{slot_owner(pairs_[s.pair].slot), s.initiator, {}}
                                    : ike_key{slot_owner(pairs_[s.pair].slot), s.initiator, s.responder};
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

    void push_half_open(std::uint32_t i) noexcept {
        ike_session& s = sessions_[i];
        s.previous_half_open = last_half_open_;
        (last_half_open_ == npos ? first_half_open_ : sessions_[last_half_open_].next_half_open) = i;
        last_half_open_ = i;
    }
    void pop_half_open(std::uint32_t i) noexcept {
        ike_session& s = sessions_[i];
        if (first_half_open_ != i && s.previous_half_open == npos) {
            return;  // not in the list
        }
        (s.previous_half_open == npos ? first_half_open_ : sessions_[s.previous_half_open].next_half_open) =
            s.next_half_open;
        (s.next_half_open == npos ? last_half_open_ : sessions_[s.next_half_open].previous_half_open) =
            s.previous_half_open;
        s.next_half_open = s.previous_half_open = npos;
    }

    /// Takes `i` out of a singly linked list; linear in the list, which per-client limits keep short.
    template <class Records, class Record>
    static void unlink(std::uint32_t& first, std::uint32_t i, Records& records, std::uint32_t Record::*next) noexcept {
        for (std::uint32_t* at = &first; *at != npos; at = &(records[*at].*next)) {
            if (*at == i) {
                *at = records[i].*next;
                return;
            }
        }
    }

    table::slab<pair_type> pairs_;
    table::slab<slot_type> slots_;
    table::slab<ike_session> sessions_;
    table::slab<exchange> exchanges_;
    table::slab<held_type> held_;
    table::flow_table<address_pair_key<Family>> pair_index_;
    table::flow_table<address_pair_key<Family>> slot_index_;
    table::flow_table<ike_key> ike_index_;
    std::size_t held_bytes_ = 0;
    std::uint32_t last_held_ = npos;
    std::uint32_t first_released_ = npos;
    std::uint32_t last_released_ = npos;
    std::uint32_t first_half_open_ = npos;
    std::uint32_t last_half_open_ = npos;
};

}  // namespace ikealg::inline v0::alg

#endif
