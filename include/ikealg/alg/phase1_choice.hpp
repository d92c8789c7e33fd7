// SPDX-License-Identifier: Apache-2.0
/// Whose a Phase 1 is that the server begins toward a port which does not tell (N4).
///
/// A server that renews its IKE SAs does so in the order in which their lifetimes end; nothing in the message says for which client it is.
/// So each goes to the client whose Phase 1 is due, and what can be seen of a wrong guess corrects the next one:
///
///   newest Phase 1 of a client        counts as            its client
///   seen in both directions           a renewal            comes last
///   begun by the server, < 5 s ago    a renewal            is passed over while there is another
///   begun by the server, unanswered   a failed attempt     was tried
///   `failed`                          a failed attempt     was tried
///
/// The hash that decides when all were tried is keyed, so that nobody can make it choose, and depends on the client and on the SPI, so that
/// every attempt is another draw.
///
/// Thread safety: none, one owner. Complexity: twice the IKE sessions of at most 256 clients, for the first message of a Phase 1 only.
#ifndef IKEALG_ALG_PHASE1_CHOICE_HPP
#define IKEALG_ALG_PHASE1_CHOICE_HPP

#include <algorithm>
#include <array>
#include <cstdint>

#include "ikealg/alg/phase2.hpp"
#include "ikealg/alg/state.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/wire/ike.hpp"

namespace ikealg::inline v0::alg {

/// A message that can only be the first one of a Phase 1.
[[nodiscard]] inline bool begins_phase1(const wire::ike_view& m) noexcept {
    return m.recognised() && wire::is_phase1(m.exchange()) && m.responder_spi().value == 0 && !m.is_response();
}

template <class State>
class phase1_choice {
public:
    explicit phase1_choice(State& state) noexcept : st_(state) {}

    struct chosen {
        std::uint32_t pair = npos;  ///< npos: there is nothing to choose, the port decides
        std::uint32_t candidates = 0;
    };
    /// For a Phase 1 that the server begins, with an initiator SPI that no session on this port has.
    [[nodiscard]] chosen choose(std::uint32_t si, const wire::ike_view& m) const noexcept {
        const auto& slot = st_.slot_at(si);
        const auto version = static_cast<std::uint8_t>(m.major_version());
        if (slot.server_knows_ports || slot.members > most_members) {
            return {};
        }
        chosen r;
        place due;
        place busy;
        for_each_candidate(slot, version, [&](std::uint32_t pi, const standing& c) {
            ++r.candidates;
            (c.busy ? busy : due).take_older(pi, c);
        });
        if (due.pair == npos) {
            r.pair = busy.pair;
        } else if (!due.at.tried) {
            r.pair = due.pair;
        } else {
            r.pair = after_failure(slot, version, due.at, m.initiator_spi());
        }
        return r;
    }

    /// The message that begins it goes to this client, one of `candidates`.
    void note_chosen(std::uint32_t pi, std::uint32_t candidates, const wire::ike_view& m) noexcept {
        st_.counts.count(counter::phase1_chosen);
        st_.tell(event_kind::phase1_chosen, pi, [&](auto& e) {
            e.initiator = m.initiator_spi();
            e.exchange_type = static_cast<std::uint8_t>(m.exchange());
            e.detail = candidates;
        });
    }

    /// Remembers of a message what tells of the end of a Phase 1 and of how it went.
    void note(std::uint32_t i, const wire::ike_view& m, nat::direction way) noexcept {
        using wire::exchange_type;
        ike_session& s = st_.session_at(i);
        const exchange_type type = m.exchange();
        if (wire::is_phase1(type) || type == exchange_type::ike_auth) {
            s.renewed = to_tick(st_.now);
        }
        const auto part = m.fragment();
        if (!s.server_phase1 || (part && part->number > 1)) {
            return;
        }
        const bool inbound = way == nat::direction::inbound;
        const bool refusal = !inbound && m.is_response() && !part && m.length() < least_sa_answer;
        switch (type) {
            case exchange_type::main_mode:  // D10: message 5 is the first encrypted one of the initiator's
                if (inbound && m.is_encrypted()) {
                    repetition(s, 3);
                }
                break;
            case exchange_type::aggressive_mode:
                if (inbound && s.seen_outbound && m.responder_spi().value == 0) {
                    repetition(s, 2);
                }
                break;
            case exchange_type::informational_v1: s.failed = s.failed || (!m.is_encrypted() && !s.phase2_seen); break;
            case exchange_type::ike_sa_init:
            case exchange_type::ike_auth:
                s.failed = inbound ? s.failed : refusal;
                break;  // COOKIE is followed by a true answer
            case exchange_type::quick_mode:
            case exchange_type::transaction:
            case exchange_type::create_child_sa: s.failed = s.failed && !inbound; break;
            default: break;
        }
    }

    static constexpr std::uint32_t most_members = 256;

private:
    static constexpr std::int32_t in_progress_ms = 5000;

    /// What the sessions of one version say of a client.
    struct standing {
        tick newest{};
        tick first_failed{};  ///< of the attempts since; valid with `tried`
        bool candidate = false;
        bool tried = false;
        bool busy = false;
    };
    /// The candidate with the oldest Phase 1. Members are listed newest first, so of equals the last one was there first.
    struct place {
        std::uint32_t pair = npos;
        standing at{};
        void take_older(std::uint32_t pi, const standing& c) noexcept {
            if (pair == npos || !before(at.newest, c.newest)) {
                pair = pi;
                at = c;
            }
        }
    };

    [[nodiscard]] standing standing_of(std::uint32_t pi, std::uint8_t version) const noexcept {
        standing r;
        const tick now = to_tick(st_.now);
        bool any = false;
        const auto for_each = [&](auto&& visit) {
            for (std::uint32_t i = st_.pair_at(pi).first_session; i != npos; i = st_.session_at(i).next) {
                if (const ike_session& s = st_.session_at(i); s.version == version) {
                    const bool progress = s.server_phase1 && now - s.began < in_progress_ms;
                    visit(s, progress, !s.failed && (s.proven() || progress));
                }
            }
        };
        for_each([&](const ike_session& s, bool progress, bool counts) {
            r.busy = r.busy || progress;
            r.candidate = r.candidate || (s.proven() && !s.failed);
            if (counts && (!any || before(r.newest, s.renewed))) {
                r.newest = s.renewed;
                any = true;
            }
        });
        for_each([&](const ike_session& s, bool, bool counts) {
            const bool since = !counts && s.server_phase1 && before(r.newest, s.began);
            if (since && (!r.tried || before(s.began, r.first_failed))) {
                r.tried = true;
                r.first_failed = s.began;
            }
        });
        return r;
    }
    template <class Slot, class Visit>
    void for_each_candidate(const Slot& slot, std::uint8_t version, Visit&& visit) const noexcept {
        for (std::uint32_t pi = slot.first_member; pi != npos; pi = st_.pair_at(pi).next_member) {
            if (const standing c = standing_of(pi, version); c.candidate) {
                visit(pi, c);
            }
        }
    }

    /// The one that is due was tried: another that is due as well and was not, else the draw among all of them.
    template <class Slot>
    [[nodiscard]] std::uint32_t after_failure(const Slot& slot, std::uint8_t version, const standing& oldest,
                                              ike_spi initiator) const noexcept {
        const std::int32_t least_age = (oldest.first_failed - oldest.newest) / 2;
        place untried;
        std::uint32_t drawn = npos;
        std::uint64_t highest = 0;
        for_each_candidate(slot, version, [&](std::uint32_t pi, const standing& c) {
            if (c.busy || to_tick(st_.now) - c.newest < least_age) {
                return;
            }
            if (!c.tried) {
                untried.take_older(pi, c);
            }
            const std::uint64_t lot = keyed_hash(std::array<std::uint64_t, 2>{initiator.value, pi}, st_.choice_secret);
            if (drawn == npos || lot > highest) {
                drawn = pi;
                highest = lot;
            }
        });
        return untried.pair != npos ? untried.pair : drawn;
    }

    /// The server sent this message for the n-th time: at `limit` it has waited in vain for long enough. One repetition may be a loss.
    static void repetition(ike_session& s, std::uint8_t limit) noexcept {
        s.repeated = std::min<std::uint8_t>(static_cast<std::uint8_t>(s.repeated + 1), limit);
        s.failed = s.failed || s.repeated == limit;
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
