// SPDX-License-Identifier: Apache-2.0
/// IKE sessions: whose an IKE message is, learning SPIs, round trips, the two ways of ending (X6, N4, N5, L2, E6, E12).
///
/// From the client every message is its own. From the server a message is a client's by the UDP port when that is the client's own, else
/// by the IKE SPIs; what neither tells is decided here (a new Phase 1 in phase1_choice.hpp), and dropped when two clients would fit.
///
/// Thread safety: none, one owner. Complexity: constant; the search for a rekeyed IKE SA on a shared port walks at most 256 clients.
#ifndef IKEALG_ALG_IKE_SESSIONS_HPP
#define IKEALG_ALG_IKE_SESSIONS_HPP

#include <utility>

#include "ikealg/alg/phase1_choice.hpp"
#include "ikealg/alg/slot.hpp"
#include "ikealg/wire/ike.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class ike_sessions {
public:
    using pair_type = typename State::pair_type;
    using slot_type = typename State::slot_type;

    explicit ike_sessions(State& state) noexcept : st_(state) {}

    /// What became of finding or making the session of a message.
    struct found {
        std::uint32_t session = npos;
        drop_reason reason = drop_reason::none;
        bool collision = false;  ///< N5: wait until the other client's session has its answer
        bool fresh = false;      ///< a new Phase 1, or an IKE SA never seen
    };

    /// The session of a message from the client; made when it is new. `shared`: its port is shared with other clients.
    [[nodiscard]] found from_client(std::uint32_t pi, const wire::ike_view& m, std::uint32_t ike_flow, bool shared) noexcept {
        const ike_spi responder = m.responder_spi();
        found r{st_.find_session(pi, m.initiator_spi())};
        if (r.session == npos) {
            if (shared && responder.value == 0 && taken_by_other(pi, m.initiator_spi())) {
                r.collision = true;
                return r;
            }
            r = make(pi, m, ike_flow);
            if (r.session == npos) {
                return r;
            }
        }
        ike_session& s = st_.session_at(r.session);
        if (responder.value != 0) {
            st_.set_responder(r.session, responder);
        } else if (shared && !st_.share_session(r.session, true)) {
            r.collision = true;
            return r;
        }
        if (shared && responder.value != 0) {
            (void)st_.share_session(r.session, false);  // taken: two clients with equal SPIs of both sides, the first keeps them
        }
        r.fresh = r.fresh || !s.seen_outbound;  // the server rekeyed the IKE SA: the client's word makes it certain
        s.seen_outbound = true;
        note_known_port(pi, s);
        note_sent(s, m);
        touch(pi, r.session);
        return r;
    }

    /// The session of a message from the server on a pair that is known; made when it is new.
    [[nodiscard]] found from_server(std::uint32_t pi, const wire::ike_view& m, std::uint32_t ike_flow, bool shared) noexcept {
        const ike_spi responder = m.responder_spi();
        found r{st_.find_session(pi, m.initiator_spi())};
        if (r.session == npos) {
            r = make(pi, m, ike_flow);
            if (r.session == npos) {
                return r;
            }
            st_.session_at(r.session).by_server = true;
            st_.session_at(r.session).server_phase1 = begins_phase1(m);
        }
        ike_session& s = st_.session_at(r.session);
        if (responder.value != 0) {
            st_.set_responder(r.session, responder);
            if (shared) {
                if (!s.server_phase1) {  // else its first message may come again, and is this client's then (N4)
                    st_.unshare_session(r.session, true);
                }
                (void)st_.share_session(r.session, false);
            }
        } else if (shared && s.server_phase1) {
            (void)st_.share_session(r.session, true);
        }
        s.seen_inbound = true;
        note_answer(s, m);
        touch(pi, r.session);
        return r;
    }

    /// Whose a message from the server to a shared port is; npos when nobody's or several clients'.
    struct owner {
        std::uint32_t pair = npos;
        bool fan_out = false;  ///< several recently rekeyed: copy to each, if the settings say so (X6)
        std::uint32_t candidates = 0;  ///< of a choice that was made (N4)
    };
    /// `choose`: whether a new Phase 1 may be given to the client that is due (N4).
    [[nodiscard]] owner owner_on_shared_port(std::uint32_t si, const wire::ike_view& m, bool choose = true) const noexcept {
        const ike_spi responder = m.responder_spi();
        std::uint32_t session = st_.find_shared(si, m.initiator_spi(), responder);
        if (session == npos && responder.value != 0) {
            session = st_.find_shared(si, m.initiator_spi(), {});  // its first answer
        }
        if (session != npos) {
            return {st_.session_at(session).pair};
        }
        const slot_type& s = st_.slot_at(si);
        if (responder.value == 0) {  // the server starts a new Phase 1 (N4)
            if (choose && begins_phase1(m)) {
                if (const auto due = phase1_choice<State>(st_).choose(si, m); due.pair != npos) {
                    return {due.pair, false, due.candidates};
                }
            }
            return {s.port_owner == npos && s.members == 1 ? s.first_member : s.port_owner};
        }
        owner result;  // an IKE SA that the server rekeyed (X6)
        unsigned walked = 0;
        for (std::uint32_t pi = s.first_member; pi != npos && walked < most_candidates; ++walked) {
            if (recent_child(pi)) {
                if (result.pair != npos) {
                    return {s.port_owner, true};
                }
                result.pair = pi;
            }
            pi = st_.pair_at(pi).next_member;
        }
        return s.members > most_candidates || result.pair == npos ? owner{s.port_owner} : result;
    }
    /// A CREATE_CHILD_SA of the pair on a shared port in the last 60 s, so that SPIs never seen may be a rekeyed IKE SA's (X6).
    [[nodiscard]] bool recent_child(std::uint32_t pi) const noexcept {
        for (std::uint32_t i = st_.pair_at(pi).first_session; i != npos; i = st_.session_at(i).next) {
            const ike_session& s = st_.session_at(i);
            const bool shared = s.shared_half_open || s.shared_complete;
            if (shared && s.has_child && to_tick(st_.now) - s.last_child <= 60'000) {
                return true;
            }
        }
        return false;
    }

    /// When the session is idle for its timeout. ESP and IKE of (client, server) keep each other alive, as far as the IKE SA is not a former one:
    /// a tunnel renews it again and again, and the records of all of them would come to the client's limit (E6).
    [[nodiscard]] tick idle_end(std::uint32_t i) const noexcept {
        const ike_session& s = st_.session_at(i);
        if (!s.proven()) {
            return s.last_seen + half_open_limit_ms;
        }
        tick last = s.last_seen;
        unsigned newer = 0;
        for (std::uint32_t o = st_.pair_at(s.pair).first_session; o != npos; o = st_.session_at(o).next) {
            newer += st_.session_at(o).proven() && before(s.renewed, st_.session_at(o).renewed) ? 1U : 0U;
        }
        for (std::uint32_t f = newer < kept_by_esp ? st_.pair_at(s.pair).first_flow : npos; f != npos; f = st_.flows[f].next) {
            last = before(last, st_.flows[f].last_seen) ? st_.flows[f].last_seen : last;
        }
        return last + to_ms(st_.settings.state_timeout);
    }

    /// Ticks come round after 24 days: what is older than a week counts as a week old. To be called at least once in two weeks.
    void keep_ticks_in_range(std::uint32_t i) noexcept {
        constexpr std::uint32_t week_ms = 7 * 86'400'000U;
        const tick week_ago{to_tick(st_.now).value - week_ms};
        ike_session& s = st_.session_at(i);
        for (tick* t : {&s.began, &s.renewed, &s.last_child}) {
            *t = before(*t, week_ago) ? week_ago : *t;
        }
    }

    static constexpr unsigned most_candidates = 256;
    static constexpr std::uint32_t half_open_limit_ms = 180'000;
    static constexpr unsigned kept_by_esp = 4;  ///< the newest IKE SAs of a client with a server

private:
    [[nodiscard]] bool taken_by_other(std::uint32_t pi, ike_spi initiator) const noexcept {
        const std::uint32_t other = st_.find_shared(st_.pair_at(pi).slot, initiator, {});
        return other != npos && st_.session_at(other).pair != pi;
    }

    [[nodiscard]] found make(std::uint32_t pi, const wire::ike_view& m, std::uint32_t ike_flow) noexcept {
        if (st_.pair_at(pi).sessions >= st_.settings.sessions_per_client && !evict_unused(pi)) {
            return {npos, drop_reason::client_limit};
        }
        std::uint32_t i = st_.make_session(pi, m.initiator_spi(), m.responder_spi());
        if (i == npos && evict_oldest_half_open()) {
            i = st_.make_session(pi, m.initiator_spi(), m.responder_spi());
        }
        if (i == npos) {
            return {npos, drop_reason::table_full};
        }
        ike_session& s = st_.session_at(i);
        s.ike_flow = ike_flow;
        s.version = static_cast<std::uint8_t>(m.major_version());
        st_.tell(event_kind::ike_session_started, pi, [&](auto& e) {
            e.initiator = m.initiator_spi();
            e.responder = m.responder_spi();
        });
        return {i, drop_reason::none, false, true};
    }
    /// L2: the client's own oldest half-open session makes room, or one on which the server was not content (N4). Others never do.
    [[nodiscard]] bool evict_unused(std::uint32_t pi) noexcept {
        std::uint32_t oldest = npos;
        for (std::uint32_t i = st_.pair_at(pi).first_session; i != npos; i = st_.session_at(i).next) {
            const ike_session& s = st_.session_at(i);
            if ((!s.proven() || s.failed) && s.first_exchange_free()) {
                oldest = i;
            }
        }
        return evict(oldest);
    }
    [[nodiscard]] bool evict_oldest_half_open() noexcept {
        std::uint32_t i = st_.oldest_half_open();
        for (unsigned walked = 0; i != npos && !st_.session_at(i).first_exchange_free() && walked < most_candidates; ++walked) {
            i = st_.session_at(i).next_half_open;
        }
        return i != npos && st_.session_at(i).first_exchange_free() && evict(i);
    }
    [[nodiscard]] bool evict(std::uint32_t i) noexcept {
        if (i == npos) {
            return false;
        }
        st_.counts.count(counter::ike_sessions_evicted);
        st_.end_session(i);
        return true;
    }

    /// N4: the client answers a Phase 1 that the server began toward its translated port.
    void note_known_port(std::uint32_t pi, const ike_session& s) noexcept {
        const std::uint32_t si = st_.pair_at(pi).slot;
        if (s.server_phase1 && si != npos && st_.flows.is_live(s.ike_flow) && st_.flows[s.ike_flow].session != npos) {
            st_.slot_at(si).server_knows_ports = true;
        }
    }
    /// Round trips are taken from messages that were sent once (Karn), and not from IKE_AUTH: its answers wait for EAP servers.
    void note_sent(ike_session& s, const wire::ike_view& m) noexcept {
        const bool repeated = s.last_message_id == m.message_id() && s.last_exchange_type == static_cast<std::uint8_t>(m.exchange()) &&
                              m.is_v2() && s.last_sent != instant{};
        s.sample_valid = !repeated && !m.is_response() && m.exchange() != wire::exchange_type::ike_auth;
        s.last_message_id = m.message_id();
        s.last_exchange_type = static_cast<std::uint8_t>(m.exchange());
        s.last_sent = st_.now;
    }
    void note_answer(ike_session& s, const wire::ike_view& m) noexcept {
        const bool answers = s.sample_valid && s.last_message_id == m.message_id() &&
                             s.last_exchange_type == static_cast<std::uint8_t>(m.exchange()) &&
                             (m.is_v1() || m.is_response());
        s.sample_valid = false;
        const std::uint32_t si = st_.pair_at(s.pair).slot;
        if (answers && si != npos) {
            st_.slot_at(si).rtt.ike_sample(st_.now - s.last_sent);
        }
    }
    void touch(std::uint32_t pi, std::uint32_t i) noexcept {
        ike_session& s = st_.session_at(i);
        pair_type& p = st_.pair_at(pi);
        s.last_seen = p.last_seen = to_tick(st_.now);
        if (s.proven()) {
            st_.complete_session(i);
        }
        if (p.first_flow != npos) {
            st_.flows[p.first_flow].last_seen = to_tick(st_.now);  // the newest ESP session (E6)
        }
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
