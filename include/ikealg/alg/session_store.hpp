// SPDX-License-Identifier: Apache-2.0
/// The IKE sessions of the ALG's memory: records, the index by SPIs, and the list of half-open ones.
///
/// A session is found by its client and initiator SPI; on a port that clients share, by both SPIs, or by the initiator's alone until the
/// responder has answered (N3 preserve, N5). `State` is the memory that derives from this: it has the pairs, the timers and the time.
///
/// Invariants: a session is in the list of its pair; it is in the list of half-open ones until it was seen in both directions.
/// Thread safety: none, one owner. Complexity: constant; ending one is linear in the sessions of its client.
#ifndef IKEALG_ALG_SESSION_STORE_HPP
#define IKEALG_ALG_SESSION_STORE_HPP

#include <cstddef>
#include <cstdint>

#include "ikealg/alg/keys.hpp"
#include "ikealg/alg/lazy_timers.hpp"
#include "ikealg/alg/links.hpp"
#include "ikealg/alg/records.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class session_store {
public:
    session_store(std::uint32_t capacity, hash_secret secret) : sessions_(capacity), ike_index_(3 * std::size_t{capacity}, secret) {}

    [[nodiscard]] ike_session& session_at(std::uint32_t i) noexcept { return sessions_[i]; }
    [[nodiscard]] const ike_session& session_at(std::uint32_t i) const noexcept { return sessions_[i]; }
    [[nodiscard]] const table::slab<ike_session>& sessions() const noexcept { return sessions_; }

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
        s.last_seen = s.began = s.renewed = to_tick(state().now);
        if (!ike_index_.insert({pair_index, initiator, {}}, i << 2)) {
            sessions_.release(i);
            return npos;
        }
        if (!state().timers.arm(timer_kind::session, i, to_tick(state().now) + half_open_check_ms)) {
            ike_index_.erase({pair_index, initiator, {}}, i << 2);
            sessions_.release(i);
            return npos;
        }
        auto& p = state().pair_at(pair_index);
        s.next = p.first_session;
        p.first_session = i;
        if (p.sessions++ == 0) {
            state().join_slot(pair_index);
        }
        link_last(sessions_, first_half_open_, last_half_open_, i, &ike_session::next_half_open, &ike_session::previous_half_open);
        return i;
    }

    /// Puts the keys of a session on a shared port in the table (N3 preserve): the half-open one while its responder is not known,
    /// or the complete one. False when the key is another client's (N5) or the table is full.
    [[nodiscard]] bool share_session(std::uint32_t i, bool half_open) noexcept {
        ike_session& s = sessions_[i];
        const std::uint32_t owner = slot_owner(state().pair_at(s.pair).slot);
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
            const std::uint32_t owner = slot_owner(state().pair_at(s.pair).slot);
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
    void complete_session(std::uint32_t i) noexcept {
        if (first_half_open_ == i || sessions_[i].previous_half_open != npos) {
            unlink(sessions_, first_half_open_, last_half_open_, i, &ike_session::next_half_open, &ike_session::previous_half_open);
        }
    }
    /// The half-open session that has waited longest (L2), npos when there is none.
    [[nodiscard]] std::uint32_t oldest_half_open() const noexcept { return first_half_open_; }

    void end_session(std::uint32_t i) noexcept {
        ike_session& s = sessions_[i];
        unshare_session(i, true);
        unshare_session(i, false);
        complete_session(i);
        auto& p = state().pair_at(s.pair);
        unlink(sessions_, p.first_session, i, &ike_session::next);
        ike_index_.erase({s.pair, s.initiator, {}}, i << 2);
        if (--p.sessions == 0) {
            state().leave_slot(s.pair);
        }
        sessions_.release(i);
    }

protected:
    /// No session of the pair points to the exchange any more.
    template <class Pair>
    void forget_exchange(const Pair& p, std::uint32_t exchange_index) noexcept {
        for (std::uint32_t s = p.first_session; s != npos; s = sessions_[s].next) {
            for (auto* newest : {&sessions_[s].newest_child, &sessions_[s].newest_child_of_server}) {
                if (*newest == exchange_index) {
                    *newest = npos;
                }
            }
        }
    }

private:
    static constexpr std::uint32_t half_open_check_ms = 60'000;

    [[nodiscard]] State& state() noexcept { return static_cast<State&>(*this); }
    [[nodiscard]] const State& state() const noexcept { return static_cast<const State&>(*this); }

    /// The index holds session << 2 | which of its keys; a key on a shared port belongs to a slot.
    [[nodiscard]] static constexpr std::uint32_t decode(std::uint32_t ref) noexcept {
        return ref == npos ? npos : ref >> 2;
    }
    [[nodiscard]] static constexpr std::uint32_t slot_owner(std::uint32_t slot_index) noexcept { return slot_index | 0x8000'0000U; }
    [[nodiscard]] auto session_key() const noexcept {
        return [this](std::uint32_t ref) noexcept {
            const ike_session& s = sessions_[ref >> 2];
            return (ref & 3) == 0   ? ike_key{s.pair, s.initiator, {}}
                   : (ref & 3) == 1 ? ike_key{slot_owner(state().pair_at(s.pair).slot), s.initiator, {}}
                                    : ike_key{slot_owner(state().pair_at(s.pair).slot), s.initiator, s.responder};
        };
    }

    table::slab<ike_session> sessions_;
    table::flow_table<ike_key> ike_index_;
    std::uint32_t first_half_open_ = npos;
    std::uint32_t last_half_open_ = npos;
};

}  // namespace ikealg::inline v0::alg

#endif
