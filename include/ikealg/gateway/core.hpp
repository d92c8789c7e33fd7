// SPDX-License-Identifier: Apache-2.0
/// What the paths of a gateway share: its tables, a packet at hand, and the last step of every packet that goes on.
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant. Nothing allocates after construction but `replace`.
#ifndef IKEALG_GATEWAY_CORE_HPP
#define IKEALG_GATEWAY_CORE_HPP

#include <algorithm>
#include <optional>
#include <utility>

#include "ikealg/alg/alg.hpp"
#include "ikealg/base/packet.hpp"
#include "ikealg/gateway/configuration.hpp"
#include "ikealg/nat/address_map.hpp"
#include "ikealg/nat/fragments.hpp"
#include "ikealg/nat/identification.hpp"
#include "ikealg/nat/port_map.hpp"
#include "ikealg/nat/rewrite.hpp"
#include "ikealg/wire/natt.hpp"
#include "ikealg/wire/packet.hpp"

namespace ikealg::inline v0::detail {

/// A packet that the gateway looks at.
template <class Family, class Packet>
struct packet_in_hand {
    Packet* packet = nullptr;
    wire::parse_result<Family> parsed{};
    nat::flow_key<Family> key{};
    vrf_id vrf{};
    bool denial_logged = false;  ///< a policy with session-init denies it
    bool waited = false;         ///< ESP that had its pause (G15, G16)
    std::uint32_t waited_in = npos;  ///< and the exchange whose pause it was

    [[nodiscard]] const wire::packet_summary<Family>& s() const noexcept { return parsed.summary; }
    [[nodiscard]] mutable_bytes network() const noexcept { return packet->network(); }
    [[nodiscard]] zone_id zone() const noexcept { return key.zone; }
};

/// What was decided for the first fragment of a datagram (N9).
struct fragment_decision {
    std::uint32_t flow = npos;
    nat::flow_side side = nat::flow_side::outbound;
    std::uint32_t exchange = npos;  ///< the ALG held the first fragment for this exchange
    ikealg::spi spi{};              ///< of ESP that was held: its flow comes when it leaves
    drop_reason reason = drop_reason::none;
    bool new_identification = false;
    std::uint16_t identification = 0;
};

/// A verdict, or nothing while the packet is held.
using maybe_verdict = std::optional<verdict>;

/// The key under which a packet's flow is found.
template <class Family>
[[nodiscard]] constexpr nat::flow_key<Family> key_of(const wire::packet_summary<Family>& s, zone_id zone) noexcept {
    const bool esp = s.kind == wire::packet_kind::esp;
    return {s.source, s.destination, esp ? s.spi.value : nat::port_selector(s.source_port, s.destination_port), zone,
            s.protocol, 0};
}

template <class Family, class Packet, class Observer>
struct gateway_core {
    using family = Family;
    using packet_type = Packet;
    using address = typename Family::address;
    using hand = packet_in_hand<Family, Packet>;
    using alg_type = alg::alg<Family, Packet, Observer>;
    using flow_type = nat::flow<Family>;

    gateway_core(gateway_configuration<Family> c, const gateway_options& o, Observer observer)
        : configuration(std::move(c)),
          options(o),
          the_alg(configuration.alg, o.capacity, hash_secret::from_seed(o.seed), o.start, std::move(observer)),
          mappings({o.mappings, o.mapping_hold, std::chrono::hours{1}, o.shard, o.shards},
                   nat::address_pools<Family>(configuration.rules.pools(), configuration.rules.statics()),
                   hash_secret::from_seed(o.seed + 1)),
          ports(o.ports, hash_secret::from_seed(o.seed + 2)),
          fragments({o.fragments, o.held_fragments / 2 + 1, o.held_fragments}, hash_secret::from_seed(o.seed + 3)),
          identifications(4096, hash_secret::from_seed(o.seed + 4)) {}

    gateway_configuration<Family> configuration;
    gateway_options options;
    alg_type the_alg;
    nat::address_map<Family> mappings;
    nat::port_map<Family> ports;
    nat::fragment_table<Family, fragment_decision, Packet> fragments;
    nat::identification_counters identifications;
    monotonic_guard clock{};
    instant now{};
    std::uint8_t generation = 1;      ///< of the configuration; flows carry the one that permitted them (P4)
    nat::flow_match last_forwarded{};  ///< by which flow the newest packet went on: its later fragments follow

    [[nodiscard]] auto& state() noexcept { return the_alg.memory(); }
    [[nodiscard]] const auto& state() const noexcept { return the_alg.memory(); }
    [[nodiscard]] auto& flows() noexcept { return the_alg.memory().flows; }
    [[nodiscard]] const auto& flows() const noexcept { return the_alg.memory().flows; }
    [[nodiscard]] vrf_id vrf_of(zone_id zone) const noexcept {
        return zone.value < configuration.policy.zone_count() ? configuration.policy.vrf_of(zone) : vrf_id{};
    }

    void set_time(instant at) noexcept {
        const auto back = clock.steps_back();
        now = clock(at);
        state().counts.count(alg::counter::clock_steps_back, clock.steps_back() - back);
        the_alg.set_time(now);
    }

    /// Sends a packet on by a flow: rewrites it and refreshes the flow. `from_first` carries what the first fragment got.
    [[nodiscard]] verdict forward(hand& p, std::uint32_t index, nat::flow_side side,
                                  const fragment_decision* from_first = nullptr) noexcept {
        flow_type& f = flows()[index];
        if (configuration.decrement_ttl && p.s().ttl <= 1) {
            return verdict::drop(drop_reason::ttl);
        }
        const bool outbound = side == nat::flow_side::outbound;
        if (!p.packet->ensure_writable(nat::header_bytes(p.s()))) {
            return verdict::drop(drop_reason::no_memory);
        }
        nat::rewrite_options how{configuration.decrement_ttl, false, 0};
        if (from_first != nullptr) {
            how.new_identification = from_first->new_identification;
            how.identification = from_first->identification;
        } else {
            renew_identification(p.s(), f, outbound, how.new_identification, how.identification);
        }
        nat::rewrite(p.network(), p.s(), f, side, how);
        touch(p, f, outbound);
        last_forwarded = {index, side};
        return verdict::forward(outbound ? f.inbound.zone : f.outbound.zone);
    }

    /// N15: an outbound IPv4 packet that may be fragmented gets an identification of the nat address's own.
    void renew_identification(const wire::packet_summary<Family>& s, const flow_type& f, bool outbound, bool& renew,
                              std::uint16_t& value) noexcept {
        if constexpr (Family::version == 4) {
            const bool atomic = s.dont_fragment && !s.is_fragment();
            if (outbound && !atomic && !f.has(nat::flow_flag::untranslated)) {
                renew = true;
                value = identifications.next(vrf_of(f.inbound.zone), f.inbound.destination, f.inbound.source);
            }
        }
    }

    void touch(const hand& p, flow_type& f, bool outbound) noexcept {
        const auto tcp = static_cast<nat::tcp_state>(f.state);
        if (p.s().kind == wire::packet_kind::tcp) {
            const std::uint8_t flags = p.network()[p.s().transport_offset + std::size_t{13}];
            const auto next = nat::next_state(tcp, outbound ? nat::direction::outbound : nat::direction::inbound,
                                              nat::tcp_event_of(flags));
            if (next != tcp) {
                f.state = static_cast<std::uint8_t>(next);
                f.idle_ms = nat::idle_ms(configuration.timeouts, ip_protocol::tcp, {}, next);
            }
            if (!nat::refreshes(next)) {
                return;
            }
        }
        f.last_seen = to_tick(now);
        if (p.s().kind == wire::packet_kind::udp && (outbound ? p.s().destination_port : p.s().source_port) == natt_port) {
            count_natt(p);
        }
        if (!outbound) {
            if (!f.has(nat::flow_flag::seen_inbound) && p.s().kind == wire::packet_kind::udp && p.s().source_port == natt_port) {
                report_flow(alg::event_kind::natt_answered, f, [] { return false; });
            }
            f.flags |= nat::flow_flag::seen_inbound;
            f.last_inbound = p.waited ? f.last_inbound : f.last_seen;  // what waited came before
        }
    }

    /// R5: what passes on UDP 4500, for the counters.
    void count_natt(const hand& p) noexcept {
        const bytes datagram = p.s().transport(bytes{p.network()});
        switch (wire::classify_natt(datagram.subspan(std::min<std::size_t>(datagram.size(), 8)))) {
            case wire::natt_kind::keepalive: state().counts.count(alg::counter::natt_keepalives); break;
            case wire::natt_kind::esp_in_udp: state().counts.count(alg::counter::natt_esp); break;
            default: break;
        }
    }

    /// A mapping for a new flow or pair toward `server`, or why there is none (N1, N2, N6).
    struct mapped {
        std::uint32_t ref = npos;
        drop_reason reason = drop_reason::none;
        nat::pool_id pool{};
    };
    [[nodiscard]] mapped map_client(vrf_id vrf, zone_id from, zone_id to, address client, address server) {
        const nat::nat_decision d = configuration.rules.match(from, to, client, server);
        const nat::pool_id pool = d.kind == nat::nat_kind::none ? nat::off_pool : d.pool;
        std::uint32_t ref = mappings.find(vrf, client, pool);
        if (ref != npos) {
            return {ref, drop_reason::none, pool};
        }
        const auto answer = mappings.create(vrf, client, pool, now, [&](address nat) {
            const std::uint32_t s = state().find_slot(vrf, server, nat);
            return s != npos && state().slot_at(s).references != 0;
        });
        if (answer.result != nat::map_result::mapped) {
            report(alg::event_kind::nat_exhausted, vrf, client, server, {});
            return {npos, answer.result == nat::map_result::full ? drop_reason::table_full : drop_reason::nat_exhausted, pool};
        }
        ref = answer.ref;
        state().counts.count(alg::counter::mappings_created);
        report(alg::event_kind::mapping_created, vrf, client, server, mappings[ref].nat);
        return {ref, drop_reason::none, pool};
    }
    [[nodiscard]] nat::port_limits limits_of(nat::pool_id pool) const noexcept {
        nat::port_limits limits;
        limits.reserve_ike = configuration.alg.enabled;
        if (pool.value < configuration.rules.pool_ports().size()) {
            const auto range = configuration.rules.pool_ports()[pool.value];
            limits.first = port{range.low};
            limits.last = port{range.high};
            limits.translation = configuration.rules.pools()[pool.value].port_translation;
        } else {
            limits.translation = false;  // off and static keep ports
        }
        return limits;
    }

    void report(alg::event_kind kind, vrf_id vrf, address client, address server, address nat) {
        state().tell(kind, npos, [&](auto& e) {
            e.vrf = vrf;
            e.client = client;
            e.server = server;
            e.nat = nat;
        });
    }

    /// Policy for a packet with this key that goes to zone `to`. ESP and AH have no ports; echo asks by ICMP type.
    [[nodiscard]] policy::policy_decision ask_policy(const typename flow_type::key_type& key, zone_id to) const noexcept {
        policy::policy_query<Family> q{key.zone, to, key.source, key.destination, key.protocol, {}, {}};
        switch (static_cast<ip_protocol>(key.protocol)) {
            case ip_protocol::udp:
            case ip_protocol::tcp:
                q.source_port = port{static_cast<std::uint16_t>(key.selector >> 16)};
                q.destination_port = port{static_cast<std::uint16_t>(key.selector)};
                break;
            case ip_protocol::icmp: q.destination_port = policy::icmp_port(8, 0); break;
            case ip_protocol::icmpv6: q.destination_port = policy::icmp_port(128, 0); break;
            default: break;
        }
        return configuration.policy.match(q);
    }
    /// The same question for a flow that is there, in the direction in which it began (P4).
    [[nodiscard]] bool policy_permits(const flow_type& f) const noexcept {
        return policy_of(f).action == policy::policy_action::permit;
    }
    [[nodiscard]] policy::policy_decision policy_of(const flow_type& f) const noexcept {
        auto key = f.outbound;
        zone_id to = f.outbound.zone;
        if (f.has(nat::flow_flag::by_outside)) {
            key = {f.outbound.destination, f.outbound.source, nat::swapped(f.outbound.selector), f.inbound.zone, f.outbound.protocol, 0};
        } else {
            const auto there = configuration.policy.zone_of(vrf_of(key.zone), key.destination);
            to = there ? *there : f.inbound.zone;
        }
        return ask_policy(key, to);
    }
    /// G7, P4: whether policy still permits a pair's ESP: by its IKE, else as ESP of its own.
    [[nodiscard]] bool policy_permits_pair(std::uint32_t pi) const noexcept {
        const auto& pr = state().pair_at(pi);
        for (std::uint32_t i = pr.first_session; i != npos; i = state().session_at(i).next) {
            const std::uint32_t fi = state().session_at(i).ike_flow;
            if (flows().is_live(fi) && flows()[fi].kind == nat::flow_kind::ike && flows()[fi].owner == pi) {
                return policy_permits(flows()[fi]);
            }
        }
        const typename flow_type::key_type ike{pr.client, pr.server, nat::port_selector(ike_port, ike_port), pr.inside,
                                               static_cast<std::uint8_t>(ip_protocol::udp), 0};
        const typename flow_type::key_type esp{pr.client, pr.server, 0, pr.inside, static_cast<std::uint8_t>(ip_protocol::esp), 0};
        return ask_policy(pr.midstream ? esp : ike, pr.outside).action == policy::policy_action::permit;
    }

    /// The pair of a client and a server; made when it is not there. ESP and IKE meet in it.
    struct paired {
        std::uint32_t pair = npos;
        drop_reason reason = drop_reason::none;
    };
    [[nodiscard]] paired pair_for(vrf_id vrf, zone_id inside, zone_id outside, address client, address server,
                                  bool midstream) {
        if (const std::uint32_t known = state().find_pair(vrf, client, server); known != npos) {
            return {known};
        }
        const mapped m = map_client(vrf, inside, outside, client, server);
        if (m.ref == npos) {
            return {npos, m.reason};
        }
        const std::uint32_t i = make_pair(m.ref, vrf, inside, outside, client, server, midstream);
        return i == npos ? paired{npos, drop_reason::table_full} : paired{i};
    }
    [[nodiscard]] std::uint32_t make_pair(std::uint32_t mapping, vrf_id vrf, zone_id inside, zone_id outside, address client,
                                          address server, bool midstream) {
        alg::pair<Family> wanted;
        wanted.vrf = vrf;
        wanted.inside = inside;
        wanted.outside = outside;
        wanted.client = client;
        wanted.server = server;
        wanted.nat = mappings[mapping].nat;
        wanted.mapping = mapping;
        wanted.midstream = midstream;
        wanted.generation = generation;
        const std::uint32_t i = state().make_pair(wanted, mappings.is_exclusive(mapping));
        if (i != npos) {
            mappings.add_reference(mapping);
        }
        return i;
    }

    /// The flow of a client's ESP, of whose packets only the first fragment tells the SPI.
    [[nodiscard]] std::uint32_t flow_of_spi(const hand& h, spi value) const noexcept {
        return flows().find({h.s().source, h.s().destination, value.value, h.zone(), h.s().protocol, 0}).index;
    }

    /// The slot whose clients share the IKE port of this flow; npos when nobody is left.
    [[nodiscard]] std::uint32_t slot_of_shared(const flow_type& f) const noexcept {
        return state().find_slot(vrf_of(f.inbound.zone), f.inbound.source, f.inbound.destination);
    }

    /// A new configuration is in force: what an older one permitted is asked about again (P4). When the number wraps, everything is marked as
    /// old, so that nothing looks permitted that was not; linear then, once in 255 replacements.
    void next_generation() {
        if (++generation != 0) {
            return;
        }
        generation = 1;
        auto& st = state();
        st.flows.for_each([&st](std::uint32_t i, const flow_type&) { st.flows[i].generation = 0; });
        st.pairs().for_each([&st](std::uint32_t i, const auto&) { st.pair_at(i).generation = 0; });
    }

    /// Gives back the ports of a translated flow: its own, and of a hairpin flow the one that it reaches (N12).
    void release_ports(const flow_type& f) noexcept {
        for (const std::uint32_t ref : {f.session, f.next}) {
            if (ref != npos) {
                (void)ports.release(ref);
            }
        }
    }
    /// Ends a flow of any kind and gives back what it held.
    void end_flow(std::uint32_t index) {
        state().counts.count(alg::counter::flows_ended);
        flow_type& f = flows()[index];
        switch (f.kind) {
            case nat::flow_kind::esp: the_alg.end_esp_flow(index); return;
            case nat::flow_kind::natt:
                the_alg.pauses_of_natt().forget(index);
                f.next = npos;
                [[fallthrough]];
            case nat::flow_kind::translated:
                report_flow(alg::event_kind::flow_ended, f, [&] { return policy_of(f).log_close; });
                release_ports(f);
                mappings.release(f.owner, now);
                break;
            case nat::flow_kind::esp_passing: --state().pair_at(f.owner).ike_ports; break;
            case nat::flow_kind::ike:
                if (f.session != npos) {
                    (void)ports.release(f.session);
                }
                state().pair_at(f.owner).ike_port_ended(index);
                break;
            default: break;
        }
        flows().remove(index);
    }
    /// `logged`: whether its policy wants it logged; asked when there is an observer.
    template <class Logged>
    void report_flow(alg::event_kind kind, const flow_type& f, Logged&& logged) {
        state().tell(kind, npos, [&](auto& e) {
            e.logged = logged();
            e.vrf = vrf_of(f.outbound.zone);
            e.client = f.outbound.source;
            e.server = f.outbound.destination;
            e.nat = f.inbound.destination;
            e.protocol = f.outbound.protocol;
            e.client_port = port{static_cast<std::uint16_t>(f.outbound.selector >> 16)};
            e.server_port = port{static_cast<std::uint16_t>(f.outbound.selector)};
            e.nat_port = port{static_cast<std::uint16_t>(f.inbound.selector)};
        });
    }
    /// Adds a flow with its idle timer.
    [[nodiscard]] auto add_flow(const flow_type& wanted) noexcept {
        flow_type f = wanted;
        f.last_seen = f.last_inbound = to_tick(now);
        f.generation = generation;
        auto added = flows().add(f);
        if (added.result == nat::add_result::added &&
            !state().timers.arm(alg::timer_kind::flow, added.index, to_tick(now) + f.idle_ms)) {
            flows().remove(added.index);
            added = {nat::add_result::full, npos};
        }
        if (added.result == nat::add_result::added) {
            state().counts.count(alg::counter::flows_created);
        }
        return added;
    }
};

}  // namespace ikealg::inline v0::detail

#endif
