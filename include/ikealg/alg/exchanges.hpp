// SPDX-License-Identifier: Apache-2.0
/// Phase 2 exchanges: which one a message belongs to, and which one a new outbound SPI completes (X1, E3).
///
/// Thread safety: none, one owner. Complexity: linear in the exchanges of one client, which `exchanges_per_client` bounds.
#ifndef IKEALG_ALG_EXCHANGES_HPP
#define IKEALG_ALG_EXCHANGES_HPP

#include <cstdint>

#include "ikealg/alg/pause.hpp"
#include "ikealg/alg/phase2.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class exchanges {
public:
    explicit exchanges(State& state) noexcept : st_(state) {}

    /// X1. IKEv1: by message id, whoever sends. IKEv2: by requester and message id; all IKE_AUTH of a session are one exchange, and a
    /// followup continues its requester's newest CREATE_CHILD_SA.
    [[nodiscard]] std::uint32_t find(std::uint32_t i, const phase2_message& m) const noexcept {
        const ike_session& s = st_.session_at(i);
        const nat::direction requester = requester_of(m);
        if (m.type == wire::exchange_type::ike_followup_ke) {
            return requester == nat::direction::outbound ? s.newest_child : s.newest_child_of_server;
        }
        for (std::uint32_t xi = st_.pair_at(s.pair).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            const exchange& x = st_.exchange_at(xi);
            if (x.session != i || x.type != static_cast<std::uint8_t>(m.type)) {
                continue;
            }
            if (m.type == wire::exchange_type::ike_auth ||
                (x.message_id == m.message_id && (m.version == 1 || x.requester == requester))) {
                return xi;
            }
        }
        return npos;
    }

    /// Names a new exchange record after its first message.
    void begin(std::uint32_t xi, std::uint32_t i, const phase2_message& m) noexcept {
        exchange& x = st_.exchange_at(xi);
        ike_session& s = st_.session_at(i);
        x.session = i;
        x.message_id = x.newest_id = m.message_id;
        x.type = static_cast<std::uint8_t>(m.type);
        x.requester = m.version == 1 ? m.way : requester_of(m);
        x.first_length = m.fragmented ? UINT32_MAX : m.length;
        if (m.type == wire::exchange_type::create_child_sa) {
            (x.requester == nat::direction::outbound ? s.newest_child : s.newest_child_of_server) = xi;
        }
        pauses<State>(st_).begin(x);
        st_.counts.count(counter::phase2_started);
        st_.tell(event_kind::phase2_started, s.pair, [&](auto& e) {
            e.exchange_type = x.type;
            e.message_id = x.message_id;
            e.initiator = s.initiator;
            e.responder = s.responder;
            e.outbound = x.requester == nat::direction::outbound;
        });
    }

    /// Notes the place of a message in its exchange, and counts one that was seen before: the same message id, from the same side, in the same
    /// place. Quick Mode message 3 is no more than a hash, so it is shorter than message 1, which may be repeated as late.
    void note_place(exchange& x, const phase2_message& m) noexcept {
        if (!m.first_part) {
            return;  // R9: the fragments of a message are one
        }
        if (m.message_id > x.newest_id) {  // a round of IKE_AUTH, or a followup
            x.newest_id = m.message_id;
            x.seen_messages = 0;
        }
        const bool quick = m.type == wire::exchange_type::quick_mode;
        const bool by_requester = quick ? m.way == x.requester : !m.response;
        const bool third = quick && x.has_seen(exchange::second_message) && !m.fragmented && m.length < x.first_length;
        const std::uint8_t place = !by_requester ? exchange::second_message : third ? exchange::third_message : exchange::first_message;
        st_.counts.count(counter::phase2_retransmitted, x.has_seen(place) ? 1 : 0);
        x.seen_messages |= place;
    }

    /// E3: the exchange that a new outbound SPI completes: the oldest whose inbound SPI is bound, unless a newer one is enabled (an old SA
    /// that the client never sent on); else the oldest enabled one without; else one that was seen. The client has no SA of an exchange whose
    /// answer it awaits: that one comes last. Never `but`.
    [[nodiscard]] std::uint32_t completed_by_esp(std::uint32_t pi, std::uint32_t but = npos) const noexcept {
        std::uint32_t best = npos;
        int rank = 0;
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            const exchange& x = st_.exchange_at(xi);
            if (x.outbound_flow != npos || xi == but) {
                continue;
            }
            const bool satisfied = x.state == exchange_state::satisfied;
            const bool open = (x.state != exchange_state::seen || enabling_is_held(pi, xi)) && !(x.requested && !x.answered);
            const int r = satisfied && rank == 2 ? 0 : satisfied ? 3 : open ? 2 : 1;
            if (r >= rank) {  // newest first: the oldest of a rank wins
                rank = r;
                best = xi;
            }
        }
        return best;
    }

private:
    /// An enabling message of the exchange waits for its turn, not its request.
    [[nodiscard]] bool enabling_is_held(std::uint32_t pi, std::uint32_t xi) const noexcept {
        std::uint32_t h = st_.pair_at(pi).first_message;
        while (h != npos && (st_.held_at(h).exchange != xi || st_.held_at(h).kind == held_kind::request)) {
            h = st_.held_at(h).next;
        }
        return h != npos;
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
