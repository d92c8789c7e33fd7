// SPDX-License-Identifier: Apache-2.0
/// Port 500 of a nat address when several clients talk on it: whose key it is, and by which flow each of them does (N3, N4).
///
/// No promise to users: include gateway.hpp.
///
/// On a port that several clients share, the inbound key belongs to one flow of kind `ike_shared`. A client that kept its port there, and lost
/// only the key, still talks by its own flow. One that has a translated port besides talks on the shared one by its *answer flow*: a record
/// of kind `ike` without any key, found by the pair, for those IKE SAs only that the server began there (`ike_session::ike_flow`):
///
///     own flow      client:500 -> nat:30806   both keys in the table    the client's other IKE SAs
///     answer flow   client:500 -> nat:500     no key in the table       IKE SAs that the server began toward 500
///
/// Invariants: a pair has at most one answer flow; it counts as one of `pair::ike_ports` and ends before the pair does.
/// Thread safety: none, one owner. Complexity: linear in the IKE sessions of one client where a flow is made or shared, else constant.
#ifndef IKEALG_GATEWAY_SHARED_PORT_HPP
#define IKEALG_GATEWAY_SHARED_PORT_HPP

#include "ikealg/gateway/core.hpp"
#include "ikealg/wire/ike.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class shared_port {
public:
    using flow_type = typename Core::flow_type;
    using key_type = typename flow_type::key_type;

    explicit shared_port(Core& core) noexcept : c_(core) {}

    /// Makes sure that the inbound key of `f` belongs to the slot. A client that had it for its own shares it from now on. False: nothing has
    /// changed.
    [[nodiscard]] bool share(std::uint32_t pi, const flow_type& f) {
        const std::uint32_t si = c_.state().pair_at(pi).slot;
        const auto there = c_.flows().find(f.inbound);
        if (there && c_.flows()[there.index].kind == nat::flow_kind::ike_shared) {
            return true;
        }
        if (there) {
            if (c_.flows()[there.index].kind != nat::flow_kind::ike || there.side != nat::flow_side::inbound) {
                return false;
            }
            c_.flows().detach(there.index, nat::flow_side::inbound);
        }
        flow_type shared = f;
        shared.kind = nat::flow_kind::ike_shared;
        shared.owner = si;
        shared.session = npos;
        shared.flags = nat::flow_flag::has_inbound;
        const bool done = c_.add_flow(shared).result == nat::add_result::added;
        if (there && done) {
            const std::uint32_t owner = c_.flows()[there.index].owner;
            c_.state().slot_at(si).port_owner = owner;
            share_sessions_of(owner);
        } else if (there) {
            (void)c_.flows().attach(there.index, nat::flow_side::inbound);  // where it was a moment ago
        }
        return done;
    }
    /// The SPIs of the pair's sessions are found on shared ports from now on.
    void share_sessions_of(std::uint32_t pi) noexcept {
        auto& st = c_.state();
        for (std::uint32_t i = st.pair_at(pi).first_session; i != npos; i = st.session_at(i).next) {
            const bool answered = st.session_at(i).responder.value != 0;
            if (answered) {
                (void)st.share_session(i, false);
            }
            if (!answered || st.session_at(i).server_phase1) {  // N4: its first message may come again
                (void)st.share_session(i, true);
            }
        }
    }

    /// The flow by which a client talks on the shared port that packets with this inbound key come to; npos when it never did.
    [[nodiscard]] std::uint32_t flow_of(std::uint32_t pi, const key_type& key) const noexcept {
        const auto& pr = c_.state().pair_at(pi);
        const auto own =
            c_.flows().find({pr.client, pr.server, nat::swapped(key.selector), pr.inside, key.protocol, 0});
        if (own && own.side == nat::flow_side::outbound && c_.flows()[own.index].inbound == key) {
            return own.index;
        }
        const bool answers = c_.flows().is_live(pr.answer_flow) && c_.flows()[pr.answer_flow].inbound == key;
        return answers ? pr.answer_flow : npos;
    }
    /// The same; made when it is not there, after the flow of the client's newest session. npos when the client's port is not known, it answers on
    /// another port already, or the table is full.
    [[nodiscard]] std::uint32_t flow_for(std::uint32_t pi, const key_type& key) {
        if (const std::uint32_t known = flow_of(pi, key); known != npos) {
            return known;
        }
        auto& pr = c_.state().pair_at(pi);
        if (pr.answer_flow != npos) {
            return npos;
        }
        for (std::uint32_t i = pr.first_session; i != npos; i = c_.state().session_at(i).next) {
            const std::uint32_t like = c_.state().session_at(i).ike_flow;
            if (!is_ike_of(like, pi) || (c_.flows()[like].outbound.selector & 0xffffU) != key.selector >> 16) {
                continue;
            }
            flow_type f = c_.flows()[like];
            f.inbound = key;
            f.session = npos;
            f.flags = f.state = 0;
            const std::uint32_t made = adopt(pi, c_.add_flow(f));
            if (made != npos) {
                c_.flows()[made].generation = c_.flows()[like].generation;  // policy was not asked again (P4)
            }
            return made;
        }
        return npos;
    }
    /// Takes a flow without keys, just added, as the pair's answer flow.
    template <class Added>
    [[nodiscard]] std::uint32_t adopt(std::uint32_t pi, const Added& added) noexcept {
        if (added.result != nat::add_result::added) {
            return npos;
        }
        auto& pr = c_.state().pair_at(pi);
        pr.answer_flow = added.index;
        ++pr.ike_ports;
        return added.index;
    }

    /// By which flow a message from the client leaves: that of its session. An IKE SA never seen, with both SPIs, comes from the rekey of another
    /// (X6) and stays on its port.
    [[nodiscard]] std::uint32_t flow_of_message(std::uint32_t pi, std::uint32_t own,
                                                const wire::ike_view& m) const noexcept {
        const auto& st = c_.state();
        const std::uint32_t answer = st.pair_at(pi).answer_flow;
        std::uint32_t i = st.find_session(pi, m.initiator_spi());
        if (i == npos && m.responder_spi().value != 0) {
            for (std::uint32_t s = st.pair_at(pi).first_session; s != npos; s = st.session_at(s).next) {
                const bool newer = i == npos || before(st.session_at(i).last_child, st.session_at(s).last_child);
                i = st.session_at(s).has_child && newer ? s : i;
            }
        }
        return i != npos && st.session_at(i).ike_flow == answer && c_.flows().is_live(answer) ? answer : own;
    }

private:
    [[nodiscard]] bool is_ike_of(std::uint32_t flow, std::uint32_t pi) const noexcept {
        return c_.flows().is_live(flow) && c_.flows()[flow].kind == nat::flow_kind::ike && c_.flows()[flow].owner == pi;
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
