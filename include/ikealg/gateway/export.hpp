// SPDX-License-Identifier: Apache-2.0
/// State as records, one by one: for a restart without losing tunnels, and for a standby (N18).
///
///     old.export_records([&](const auto& record) { ...write it... });
///     made.value->import_record(record);
///
/// Records are plain structs of addresses, ports, SPIs and ages; no index of a table is in them, so the other gateway may have other
/// capacities. Order matters and is that of the export: a mapping before its pairs and flows, a pair before its sessions and its
/// slot, those before its exchanges, and these before their bindings. The
/// configuration must be the same, for a record names zones and pools by number.
///
/// The tenure of a slot goes on where it was, or what the server sends for its holder would be taken for the next client's (E4). Held packets are
/// not carried over: they are handles of the host's, which end with the process that owns them, and every sender of one repeats it. What was held of an exchange is then its first message that
/// the successor sees; the exchange itself is known there (X1), so that the repetition, or the answer, means what it meant before.
///
/// Thread safety: as the gateway. Complexity: export is linear in the capacities, import constant a record. Errors: a record that does not fit (another
/// version, a nat address or port that is taken, a full table) is refused and changes nothing.
#ifndef IKEALG_GATEWAY_EXPORT_HPP
#define IKEALG_GATEWAY_EXPORT_HPP

#include <cstdint>
#include <utility>
#include <variant>

#include "ikealg/gateway/ike_path.hpp"
#include "ikealg/gateway/state_record.hpp"

namespace ikealg::inline v0::detail {

template <class Core, class Family>
class state_exporter {
public:
    explicit state_exporter(const Core& core) noexcept : c_(core) {}

    template <class Visit>
    void operator()(Visit&& visit) const {
        const auto& st = c_.state();
        const auto give = [&](auto&& body) { visit(state_record<Family>{record_version, body}); };
        c_.mappings.for_each([&](std::uint32_t, const auto& m) { give(mapping_record<Family>{m.vrf, m.pool, m.client, m.nat}); });
        st.pairs().for_each([&](std::uint32_t, const auto& p) {
            give(pair_record<Family>{p.vrf, p.inside, p.outside, c_.mappings[p.mapping].pool, p.client, p.server, p.midstream, p.plain_esp});
        });
        c_.flows().for_each([&](std::uint32_t, const auto& f) {
            const bool translated = f.kind == nat::flow_kind::translated || f.kind == nat::flow_kind::natt;
            if (!translated && f.kind != nat::flow_kind::ike) {
                return;
            }
            const std::uint32_t mapping = translated ? f.owner : st.pair_at(f.owner).mapping;
            const bool has_port = f.session != npos;
            give(flow_record<Family>{f.outbound, f.inbound, translated ? nat::flow_kind::translated : f.kind, f.flags, f.state, c_.mappings[mapping].pool, has_port,
                                     has_port ? c_.ports[f.session].end.client_port : port{}, f.idle_ms, age(f.last_seen)});
        });
        st.sessions().for_each([&](std::uint32_t, const auto& s) {
            const auto& p = st.pair_at(s.pair);
            const bool known = c_.flows().is_live(s.ike_flow) && c_.flows()[s.ike_flow].owner == s.pair;
            give(session_record<Family>{p.vrf, p.client, p.server, s.initiator, s.responder, known ? c_.flows()[s.ike_flow].outbound.selector : 0,
                                        s.version, s.seen_outbound, s.seen_inbound, s.by_server, s.shared_half_open, s.shared_complete,
                                        known && s.ike_flow == p.answer_flow, s.server_phase1, s.failed, s.repeated, age(s.began), age(s.renewed),
                                        age(s.last_seen)});
        });
        st.slots().for_each([&](std::uint32_t, const auto& s) {
            slot_record<Family> r{s.vrf, s.server, s.nat, s.rtt, s.server_knows_ports, s.port_owner != npos};
            if (r.has_port_owner) {
                r.port_owner = st.pair_at(s.port_owner).client;
            }
            if (s.holder != npos) {
                r.held = true;
                r.holder = st.pair_at(s.holder).client;
                r.state = s.state;
                r.junos = s.junos;
                r.timed = s.timed;
                r.first_esp_valid = s.first_esp_valid;
                r.began = c_.now - s.began;
                r.left = c_.now - s.left;
                r.completed = c_.now - s.completed;
                r.first_esp = c_.now - s.first_esp;
                r.remains = s.tenure_end - c_.now;
            }
            give(r);
        });
        st.pairs().for_each([&](std::uint32_t, const auto& p) { give_exchanges(p, p.first_exchange, give); });
        c_.flows().for_each([&](std::uint32_t, const auto& f) {
            if (f.kind == nat::flow_kind::esp) {
                const auto& p = st.pair_at(f.owner);
                give(binding_record<Family>{p.vrf, p.client, p.server, {f.has(nat::flow_flag::has_outbound) ? f.outbound.selector : 0},
                                            {f.has(nat::flow_flag::has_inbound) ? f.inbound.selector : 0}, identity_of(f.session),
                                            f.has(nat::flow_flag::consult), age(f.last_seen)});
            }
        });
    }

private:
    [[nodiscard]] exchange_identity identity_of(std::uint32_t xi) const noexcept {
        if (xi == npos || c_.state().exchange_at(xi).session == npos) {
            return {};
        }
        const auto& x = c_.state().exchange_at(xi);
        return {c_.state().session_at(x.session).initiator, x.message_id, x.type, x.requester};
    }
    /// The oldest first, for the order says which is the newer one (E3). As deep as a client has exchanges, which the settings bound.
    template <class Pair, class Give>
    void give_exchanges(const Pair& p, std::uint32_t xi, Give& give) const {
        if (xi == npos) {
            return;
        }
        const auto& x = c_.state().exchange_at(xi);
        give_exchanges(p, x.next, give);
        if (x.session != npos) {
            const auto& s = c_.state().session_at(x.session);
            give(exchange_record<Family>{p.vrf, p.client, p.server, identity_of(xi), x.state, x.newest_id, x.seen_messages, x.answered, x.requested,
                                         x.unanswered, x.one_way, x.claims_open,
                                         p.slot != npos && c_.state().slot_at(p.slot).holder_exchange == xi, s.newest_child == xi || s.newest_child_of_server == xi,
                                         age(x.started)});
        } else if (x.state != alg::exchange_state::satisfied && x.outbound_flow == npos) {
            give(binding_record<Family>{p.vrf, p.client, p.server, {}, {}, {}, true, age(x.started)});
        }
    }
    [[nodiscard]] std::uint32_t age(tick last) const noexcept {
        const std::int32_t ms = to_tick(c_.now) - last;
        return ms > 0 ? static_cast<std::uint32_t>(ms) : 0;
    }
    const Core& c_;
};

template <class Core, class Family>
class state_importer {
public:
    explicit state_importer(Core& core) noexcept : c_(core) {}

    [[nodiscard]] bool operator()(const state_record<Family>& r) {
        return r.version == record_version && std::visit([this](const auto& body) { return this->take(body); }, r.body);
    }

private:
    using flow_type = typename Core::flow_type;
    using alg_bindings = alg::bindings<typename Core::alg_type::state_type>;

    [[nodiscard]] bool take(const mapping_record<Family>& r) {
        const auto m = c_.mappings.restore(r.vrf, r.client, r.pool, r.nat, c_.now);
        return m.result == nat::map_result::mapped;
    }
    [[nodiscard]] bool take(const pair_record<Family>& r) {
        const std::uint32_t m = c_.mappings.find(r.vrf, r.client, r.pool);
        if (m == npos || r.inside.value >= c_.configuration.policy.zone_count() || r.outside.value >= c_.configuration.policy.zone_count()) {
            return false;
        }
        std::uint32_t pi = c_.state().find_pair(r.vrf, r.client, r.server);
        if (pi == npos) {
            pi = c_.make_pair(m, r.vrf, r.inside, r.outside, r.client, r.server, r.midstream);
        }
        if (pi != npos && r.plain_esp) {
            c_.state().note_plain_esp(pi);
        }
        return pi != npos;
    }
    [[nodiscard]] bool take(const flow_record<Family>& r) {
        flow_type f;
        f.outbound = r.outbound;
        f.inbound = r.inbound;
        f.kind = r.kind;
        f.flags = static_cast<std::uint8_t>(r.flags & ~nat::flow_flag::has_quote);
        f.state = r.state;
        f.idle_ms = r.idle_ms;
        const vrf_id vrf = c_.vrf_of(r.outbound.zone);
        const auto& client = r.outbound.source;
        const auto& nat = r.inbound.destination;
        const bool ike = r.kind == nat::flow_kind::ike;
        f.owner = ike ? c_.state().find_pair(vrf, client, r.outbound.destination) : c_.mappings.find(vrf, client, r.pool);
        if (f.owner == npos || (!ike && r.kind != nat::flow_kind::translated)) {
            return false;
        }
        if (nat != (ike ? c_.state().pair_at(f.owner).nat : c_.mappings[f.owner].nat)) {
            return false;
        }
        if (r.has_port) {
            const port external{static_cast<std::uint16_t>(r.inbound.selector)};
            const nat::client_end<Family> end{client, nat, vrf, static_cast<ip_protocol>(r.outbound.protocol), r.client_port};
            const auto held = ike ? c_.ports.reserve(end, external, f.owner) : c_.ports.acquire_at(end, external);
            if (held.result != nat::port_result::mapped) {
                return false;
            }
            f.session = held.ref;
        }
        if (!ike && f.inbound.source != f.outbound.destination) {  // N12: it reaches another client's port, under its external name
            const nat::client_end<Family> target{f.inbound.source, f.outbound.destination, vrf, static_cast<ip_protocol>(r.outbound.protocol),
                                                 port{static_cast<std::uint16_t>(f.inbound.selector >> 16)}};
            const auto reached = c_.ports.acquire_at(target, port{static_cast<std::uint16_t>(f.outbound.selector)});
            if (reached.result != nat::port_result::mapped) {
                c_.release_ports(f);
                return false;
            }
            f.next = reached.ref;
        }
        const bool answers = ike && !f.has(nat::flow_flag::has_inbound) && !f.has(nat::flow_flag::has_outbound);
        if (answers && c_.state().pair_at(f.owner).answer_flow != npos) {
            return false;  // it has one, and no key tells that it is the same
        }
        const bool shared = ike && !f.has(nat::flow_flag::has_inbound);
        const bool sharable = shared && c_.state().pair_at(f.owner).slot != npos;
        const bool good = (!shared || (sharable && shared_port<Core>(c_).share(f.owner, f))) && add(f, r.age_ms);
        if (!good) {
            c_.release_ports(f);
        }
        return good;
    }
    [[nodiscard]] bool add(const flow_type& f, std::uint32_t age_ms) {
        const auto added = c_.add_flow(f);
        if (added.result != nat::add_result::added) {
            return false;
        }
        c_.flows()[added.index].last_seen = to_tick(c_.now) + (0U - age_ms);
        if (f.kind != nat::flow_kind::ike) {
            c_.mappings.add_reference(f.owner);
            c_.flows()[added.index].generation = 0;  // its first packet asks what policy marks (G16)
        } else if (f.has(nat::flow_flag::has_outbound)) {
            ++c_.state().pair_at(f.owner).ike_ports;
        } else {
            (void)shared_port<Core>(c_).adopt(f.owner, added);
        }
        return true;
    }
    [[nodiscard]] bool take(const session_record<Family>& r) {
        auto& st = c_.state();
        const std::uint32_t pi = st.find_pair(r.vrf, r.client, r.server);
        if (pi == npos || st.find_session(pi, r.initiator) != npos) {
            return false;
        }
        const std::uint32_t i = st.make_session(pi, r.initiator, r.responder);
        if (i == npos) {
            return false;
        }
        auto& s = st.session_at(i);
        s.ike_flow = r.on_answer_flow ? st.pair_at(pi).answer_flow : c_.flows().find({r.client, r.server, r.ports, st.pair_at(pi).inside, static_cast<std::uint8_t>(ip_protocol::udp), 0}).index;
        s.version = r.version;
        s.seen_outbound = r.seen_outbound;
        s.seen_inbound = r.seen_inbound;
        s.by_server = r.by_server;
        s.server_phase1 = r.server_phase1;
        s.failed = r.failed;
        s.repeated = r.repeated;
        s.began = to_tick(c_.now) + (0U - r.began_ms);
        s.renewed = to_tick(c_.now) + (0U - r.renewed_ms);
        s.last_seen = to_tick(c_.now) + (0U - r.age_ms);
        if (s.proven()) {
            st.complete_session(i);
        }
        if (st.pair_at(pi).slot != npos) {
            (void)(!r.shared_half_open || st.share_session(i, true));
            (void)(!r.shared_complete || st.share_session(i, false));
        }
        return true;
    }
    [[nodiscard]] std::uint32_t find(std::uint32_t pi, const exchange_identity& which) const noexcept {
        const auto& st = c_.state();
        const std::uint32_t session = which.initiator.value == 0 ? npos : st.find_session(pi, which.initiator);
        for (std::uint32_t xi = session == npos ? npos : st.pair_at(pi).first_exchange; xi != npos; xi = st.exchange_at(xi).next) {
            const auto& x = st.exchange_at(xi);
            if (x.session == session && exchange_identity{which.initiator, x.message_id, x.type, x.requester} == which) {
                return xi;
            }
        }
        return npos;
    }
    [[nodiscard]] bool take(const exchange_record<Family>& r) {
        using alg::exchange_state;
        auto& st = c_.state();
        const std::uint32_t pi = st.find_pair(r.vrf, r.client, r.server);
        const std::uint32_t si = pi == npos ? npos : st.find_session(pi, r.identity.initiator);
        if (si == npos || r.state > exchange_state::satisfied || find(pi, r.identity) != npos) {
            return false;
        }
        const std::uint32_t xi = st.make_exchange(pi);
        if (xi == npos) {
            return false;
        }
        auto& s = st.session_at(si);
        auto& x = st.exchange_at(xi);
        x.session = si;
        x.message_id = r.identity.message_id;
        x.type = r.identity.type;
        x.requester = r.identity.requester;
        x.newest_id = r.newest_id;
        x.seen_messages = r.seen_messages;
        x.answered = r.answered;
        x.requested = r.requested;
        x.one_way = r.one_way;
        x.unanswered = r.unanswered;
        x.first_unanswered = c_.now;
        x.next_ask = to_tick(c_.now);
        x.started = to_tick(c_.now) + (0U - r.age_ms);
        s.phase2_seen = true;
        if (r.newest_child) {
            (x.requester == nat::direction::outbound ? s.newest_child : s.newest_child_of_server) = xi;
        }
        const std::uint32_t slot = st.pair_at(pi).slot;
        const bool holder = slot != npos && st.slot_at(slot).holder == pi;
        if (holder && r.holds) {
            st.slot_at(slot).holder_exchange = xi;
        }
        const bool waits = r.state == exchange_state::enabled || r.state == exchange_state::parked;
        const bool no_answer = r.requested && !r.answered && !r.unanswered;  // X8: without its tenure it is given up until the answer comes
        if (r.state == exchange_state::enabled && holder) {
            x.state = r.state;
        } else if (waits && !no_answer) {
            st.park(xi);
        } else {
            x.state = r.state == exchange_state::satisfied ? r.state : exchange_state::seen;
            if (r.claims_open || (waits && no_answer)) {
                st.open_claim(xi);
            }
        }
        return true;
    }
    [[nodiscard]] bool take(const binding_record<Family>& r) {
        auto& st = c_.state();
        const std::uint32_t pi = st.find_pair(r.vrf, r.client, r.server);
        if (pi == npos) {
            return false;
        }
        const auto& p = st.pair_at(pi);
        const typename flow_type::key_type in_key{p.server, p.nat, r.inbound.value, p.outside, static_cast<std::uint8_t>(ip_protocol::esp), 0};
        if ((r.outbound != spi{} && st.flows.find(alg_bindings::outbound_key(p, r.outbound))) || (r.inbound != spi{} && st.flows.find(in_key))) {
            return false;  // known already, or another client's
        }
        const std::uint32_t known = find(pi, r.exchange);
        const std::uint32_t xi = known != npos ? known : st.make_exchange(pi);
        if (xi == npos) {
            return false;
        }
        const std::uint32_t newest = st.pair_at(pi).first_flow;
        alg_bindings bind(st);
        const bool out = r.outbound == spi{} || bind.bind_outbound(pi, xi, r.outbound);
        const bool in = r.inbound == spi{} || bind.bind_inbound(pi, xi, r.inbound, alg::binding_kind::midstream, false);
        auto& x = st.exchange_at(xi);
        const std::uint32_t flow = st.pair_at(pi).first_flow;
        const bool made = flow != newest;
        if (!out || !in) {
            if (made) {
                bind.end_flow(flow);
            }
            if (known == npos) {
                st.end_exchange(xi);
            }
            return false;
        }
        const tick last = to_tick(c_.now) + (0U - r.age_ms);
        if (made) {
            c_.flows()[flow].last_seen = last;
        }
        if (known != npos) {
            return true;
        }
        if (r.unsatisfied) {
            x.unanswered = r.outbound != spi{};
            x.first_unanswered = c_.now;
            x.started = last;
            st.park(xi);
        } else if (r.inbound == spi{}) {
            st.end_exchange(xi);  // one direction that nothing waits for
        }
        return true;
    }
    [[nodiscard]] bool take(const slot_record<Family>& r) noexcept {
        const std::uint32_t si = c_.state().find_slot(r.vrf, r.server, r.nat);
        if (si == npos) {
            return false;
        }
        auto& s = c_.state().slot_at(si);
        s.rtt = r.rtt;
        s.server_knows_ports = r.server_knows_ports;
        if (const std::uint32_t owner = r.has_port_owner ? c_.state().find_pair(r.vrf, r.port_owner, r.server) : npos;
            owner != npos && c_.state().pair_at(owner).slot == si) {
            s.port_owner = owner;
        }
        const std::uint32_t pi = r.held ? c_.state().find_pair(r.vrf, r.holder, r.server) : npos;
        if (pi == npos || c_.state().pair_at(pi).slot != si || s.holder != npos) {
            return true;
        }
        s.holder = pi;
        s.state = r.state;
        s.junos = r.junos;
        s.timed = r.timed;
        s.first_esp_valid = r.first_esp_valid;
        s.began = c_.now - r.began;
        s.left = c_.now - r.left;
        s.completed = c_.now - r.completed;
        s.first_esp = c_.now - r.first_esp;
        s.tenure_end = c_.now + r.remains;
        c_.state().slot_timers.arm(si, s.tenure_end);
        return true;
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
