// SPDX-License-Identifier: Apache-2.0
/// State as records, one by one: for a restart without losing tunnels, and for a standby (N18).
///
///     old.export_records([&](const auto& record) { ...write it... });
///     made.value->import_record(record);
///
/// Records are plain structs of addresses, ports, SPIs and ages; no index of a table is in them, so the other gateway may have other
/// capacities. Order matters and is that of the export: a mapping before its pairs and flows, a pair before its sessions and bindings. The
/// configuration must be the same, for a record names zones and pools by number. Held packets and tenures are not carried over: an
/// exchange that waited for its SPI waits parked (E5).
///
/// Thread safety: as the gateway. Complexity: export is linear in the capacities, import constant a record. Errors: a record that does not fit (another
/// version, a nat address or port that is taken, a full table) is refused and changes nothing.
#ifndef IKEALG_GATEWAY_EXPORT_HPP
#define IKEALG_GATEWAY_EXPORT_HPP

#include <cstdint>
#include <variant>

#include "ikealg/gateway/ike_path.hpp"

namespace ikealg::inline v0 {

inline constexpr std::uint16_t record_version = 1;

/// A client's nat address.
template <class Family>
struct mapping_record {
    vrf_id vrf{};
    nat::pool_id pool{};
    typename Family::address client{};
    typename Family::address nat{};
};
/// A client and a server between which IKE or ESP passes.
template <class Family>
struct pair_record {
    vrf_id vrf{};
    zone_id inside{};
    zone_id outside{};
    nat::pool_id pool{};
    typename Family::address client{};
    typename Family::address server{};
    bool midstream = false;
};
/// UDP, TCP and echo flows, and the UDP ports of IKE.
template <class Family>
struct flow_record {
    nat::flow_key<Family> outbound{};
    nat::flow_key<Family> inbound{};
    nat::flow_kind kind{};
    std::uint8_t flags = 0;
    std::uint8_t state = 0;
    nat::pool_id pool{};
    bool has_port = false;       ///< it holds a port of the nat address
    port client_port{};          ///< for which that port was given
    std::uint32_t idle_ms = 0;
    std::uint32_t age_ms = 0;    ///< since its last packet
};
template <class Family>
struct session_record {
    vrf_id vrf{};
    typename Family::address client{};
    typename Family::address server{};
    ike_spi initiator{};
    ike_spi responder{};
    std::uint32_t ports = 0;     ///< selector of the client's packets
    std::uint8_t version = 0;
    bool seen_outbound = false;
    bool seen_inbound = false;
    bool by_server = false;
    bool shared_half_open = false;
    bool shared_complete = false;
    std::uint32_t age_ms = 0;
};
/// An ESP session: a learned SPI of one or of both directions.
template <class Family>
struct binding_record {
    vrf_id vrf{};
    typename Family::address client{};
    typename Family::address server{};
    spi outbound{};              ///< 0: not learned
    spi inbound{};               ///< 0: not learned
    bool unsatisfied = false;    ///< its exchange waits for the inbound SPI
    std::uint32_t age_ms = 0;
};
/// What is known of the way to a server.
template <class Family>
struct slot_record {
    vrf_id vrf{};
    typename Family::address server{};
    typename Family::address nat{};
    alg::round_trip rtt{};
};

template <class Family>
struct state_record {
    std::uint16_t version = record_version;
    std::variant<mapping_record<Family>, pair_record<Family>, flow_record<Family>, session_record<Family>, binding_record<Family>,
                 slot_record<Family>>
        body{};
};

namespace detail {

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
            give(pair_record<Family>{p.vrf, p.inside, p.outside, c_.mappings[p.mapping].pool, p.client, p.server, p.midstream});
        });
        c_.flows().for_each([&](std::uint32_t, const auto& f) {
            if (f.kind != nat::flow_kind::translated && f.kind != nat::flow_kind::ike) {
                return;
            }
            const bool translated = f.kind == nat::flow_kind::translated;
            const std::uint32_t mapping = translated ? f.owner : st.pair_at(f.owner).mapping;
            const bool has_port = f.session != npos;
            give(flow_record<Family>{f.outbound, f.inbound, f.kind, f.flags, f.state, c_.mappings[mapping].pool, has_port,
                                     has_port ? c_.ports[f.session].end.client_port : port{}, f.idle_ms, age(f.last_seen)});
        });
        st.sessions().for_each([&](std::uint32_t, const auto& s) {
            const auto& p = st.pair_at(s.pair);
            const bool known = c_.flows().is_live(s.ike_flow) && c_.flows()[s.ike_flow].owner == s.pair;
            give(session_record<Family>{p.vrf, p.client, p.server, s.initiator, s.responder, known ? c_.flows()[s.ike_flow].outbound.selector : 0,
                                        s.version, s.seen_outbound, s.seen_inbound, s.by_server, s.shared_half_open, s.shared_complete,
                                        age(s.last_seen)});
        });
        c_.flows().for_each([&](std::uint32_t, const auto& f) {
            if (f.kind == nat::flow_kind::esp) {
                const auto& p = st.pair_at(f.owner);
                give(binding_record<Family>{p.vrf, p.client, p.server, {f.has(nat::flow_flag::has_outbound) ? f.outbound.selector : 0},
                                            {f.has(nat::flow_flag::has_inbound) ? f.inbound.selector : 0}, f.has(nat::flow_flag::consult),
                                            age(f.last_seen)});
            }
        });
        st.exchanges().for_each([&](std::uint32_t, const auto& x) {  // enabled, and no ESP yet
            const bool waits = x.state == alg::exchange_state::enabled || x.state == alg::exchange_state::parked;
            if (waits && x.outbound_flow == npos) {
                const auto& p = st.pair_at(x.pair);
                give(binding_record<Family>{p.vrf, p.client, p.server, {}, {}, true, age(x.started)});
            }
        });
        st.slots().for_each([&](std::uint32_t, const auto& s) { give(slot_record<Family>{s.vrf, s.server, s.nat, s.rtt}); });
    }

private:
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
        return c_.state().find_pair(r.vrf, r.client, r.server) != npos ||
               c_.make_pair(m, r.vrf, r.inside, r.outside, r.client, r.server, r.midstream) != npos;
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
        const bool shared = ike && !f.has(nat::flow_flag::has_inbound);
        const bool sharable = shared && c_.state().pair_at(f.owner).slot != npos;
        const bool good = (!shared || (sharable && ike_path<Core>(c_).share_port(f.owner, f))) && add(f, r.age_ms);
        if (!good && f.session != npos) {
            (void)c_.ports.release(f.session);
        }
        return good;
    }
    [[nodiscard]] bool add(const flow_type& f, std::uint32_t age_ms) {
        const auto added = c_.add_flow(f);
        if (added.result != nat::add_result::added) {
            return false;
        }
        c_.flows()[added.index].last_seen = to_tick(c_.now) + (0U - age_ms);
        f.kind == nat::flow_kind::ike ? static_cast<void>(++c_.state().pair_at(f.owner).ike_ports) : c_.mappings.add_reference(f.owner);
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
        s.ike_flow = c_.flows().find({r.client, r.server, r.ports, st.pair_at(pi).inside, static_cast<std::uint8_t>(ip_protocol::udp), 0}).index;
        s.version = r.version;
        s.seen_outbound = r.seen_outbound;
        s.seen_inbound = r.seen_inbound;
        s.by_server = r.by_server;
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
    [[nodiscard]] bool take(const binding_record<Family>& r) {
        auto& st = c_.state();
        const std::uint32_t pi = st.find_pair(r.vrf, r.client, r.server);
        if (pi == npos) {
            return false;
        }
        const std::uint32_t xi = st.make_exchange(pi);
        if (xi == npos) {
            return false;
        }
        alg_bindings bind(st);
        const bool out = r.outbound == spi{} || bind.bind_outbound(pi, xi, r.outbound);
        const bool in = r.inbound == spi{} || bind.bind_inbound(pi, xi, r.inbound, alg::binding_kind::midstream, false);
        auto& x = st.exchange_at(xi);
        if (!out || !in) {
            for (const std::uint32_t f : {x.outbound_flow, x.inbound_flow}) {
                if (f != npos && c_.flows().is_live(f)) {
                    bind.end_flow(f);
                }
            }
            st.end_exchange(xi);
            return false;
        }
        const tick last = to_tick(c_.now) + (0U - r.age_ms);
        for (const std::uint32_t f : {x.outbound_flow, x.inbound_flow}) {
            if (f != npos) {
                c_.flows()[f].last_seen = last;
            }
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
        c_.state().slot_at(si).rtt = r.rtt;
        return true;
    }

    Core& c_;
};

}  // namespace detail
}  // namespace ikealg::inline v0

#endif
