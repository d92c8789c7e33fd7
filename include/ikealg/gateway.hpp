// SPDX-License-Identifier: Apache-2.0
/// The gateway: what an embedder makes one of per core.
///
///     auto made = ikealg::gateway<ikealg::ipv4, my_packet>::create(settings, options);
///     made.value->process(burst, now, [](my_packet&& p, ikealg::verdict v) { ... });
///     while (made.value->advance(now, 64, sink)) {}
///
/// The host gives it packets (handles of its own, base/packet.hpp) and the time, and gets each handle back once, with a verdict, from
/// `process` or later from `advance`: a packet that waits is kept by the gateway meanwhile. Bytes are rewritten in place.
///
/// A packet goes: parse once -> one lookup -> rewrite by the flow -> forward. What no flow knows takes the slow path: policy, NAT mapping, ALG.
///
/// Thread safety: none; one owner, no globals, so that several gateways run on several cores. Complexity: constant a packet, within the limits of
/// the settings. `create` and `replace` allocate; nothing else does (L1). Nothing throws on the packet path (L6).
#ifndef IKEALG_GATEWAY_HPP
#define IKEALG_GATEWAY_HPP

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ikealg/gateway/core.hpp"
#include "ikealg/gateway/export.hpp"
#include "ikealg/gateway/new_flow_path.hpp"
#include "ikealg/nat/icmp_error.hpp"

namespace ikealg::inline v0 {

template <class Family, packet_handle Packet, class Observer = alg::no_observer>
class gateway {
public:
    using address = typename Family::address;
    using packet_type = Packet;
    static constexpr std::size_t max_burst = 64;

    /// Checks and compiles the settings and makes the gateway; or says everything that is wrong (P3).
    [[nodiscard]] static built<gateway> create(const settings<Family>& s, const gateway_options& options, Observer observer = {}) {
        auto configuration = gateway_configuration<Family>::build(s);
        built<gateway> result;
        result.errors = std::move(configuration.errors);
        result.warnings = std::move(configuration.warnings);
        if (configuration.value) {
            result.value.emplace(gateway(std::move(*configuration.value), options, std::move(observer)));
        }
        return result;
    }

    /// Takes every packet of the burst (any number; 64 are looked up at a time). `sink(Packet&&, verdict)` is called once for each packet that
    /// is not held, in order, then for packets held earlier that go on now (G14). It must not call the gateway.
    template <class Sink>
    void process(std::span<Packet> burst, instant now, Sink&& sink) {
        core_.set_time(now);
        while (!burst.empty()) {
            const std::size_t n = std::min(burst.size(), max_burst);
            process_group(burst.first(n), sink);
            burst = burst.subspan(n);
        }
        flush(sink);
    }

    /// Runs timers that are due, at most about `budget` of them, and hands out packets whose wait is over. True when more is due now.
    template <class Sink>
    bool advance(instant now, std::size_t budget, Sink&& sink) {
        core_.set_time(now);
        bool more = core_.the_alg.run_slot_timers(budget);
        const auto fired = core_.state().timers.advance(to_tick(core_.now), budget,
                                                       [&](alg::timer_kind what, std::uint32_t index) { on_timer(what, index); });
        more = fired.more_due || more;
        more = core_.mappings.expire(core_.now, budget, [&](const auto& m) {
            core_.state().counts.count(alg::counter::mappings_ended);
            core_.state().tell(alg::event_kind::mapping_ended, npos, [&](auto& e) {
                e.vrf = m.vrf;
                e.client = m.client;
                e.nat = m.nat;
                e.detail = to_ms(core_.now - m.created) / 1000;
            });
        }) == budget || more;
        more = core_.fragments.expire(core_.now, budget, [&](Packet&& p) {
            finish(std::move(p), verdict::drop(drop_reason::fragment), sink);
        }) == budget || more;
        flush(sink);
        return more;
    }

    /// A time before which `advance` has nothing to do; nothing when no timer runs. Exact for slots, to 1 ms for the rest.
    [[nodiscard]] std::optional<instant> next_timer() const noexcept {
        std::optional<instant> next = core_.the_alg.next_slot_timer();
        const auto consider = [&](std::optional<tick> t) {
            if (t) {
                const std::int32_t ms = *t - to_tick(core_.now);
                const instant at = core_.now + std::chrono::milliseconds{ms > 0 ? ms : 0};
                next = next ? std::min(*next, at) : at;
            }
        };
        consider(core_.state().timers.next_deadline());
        consider(core_.mappings.next_deadline());
        consider(core_.fragments.next_deadline());
        return next;
    }

    /// Puts a new configuration in force and keeps all state (P4); or changes nothing and says why. Options stay. Allocates.
    [[nodiscard]] std::vector<configuration_error> replace(const settings<Family>& s, instant now) {
        core_.set_time(now);
        auto built = gateway_configuration<Family>::build(s);
        if (!built.value) {
            return std::move(built.errors);
        }
        const auto& old = core_.configuration.rules.pool_names();
        const auto& fresh = built.value->rules.pool_names();
        std::vector<nat::pool_id> moved;
        for (const auto& name : old) {
            const auto at = std::find(fresh.begin(), fresh.end(), name);
            moved.push_back(at == fresh.end() ? nat::gone_pool
                                              : nat::pool_id{static_cast<std::uint16_t>(at - fresh.begin())});
        }
        core_.mappings.replace_pools(nat::address_pools<Family>(built.value->rules.pools(), built.value->rules.statics()), moved);
        core_.configuration = std::move(*built.value);
        core_.state().settings = core_.configuration.alg;
        core_.next_generation();
        core_.state().tell(alg::event_kind::configuration_replaced, npos);
        return {};
    }

    /// Which shard of `shards` a packet belongs to, so that both directions of a client meet: to a nat address by that address, from a client by
    /// the client. A pool with fewer addresses than shards is divided by server, what is not translated by both ends; ICMP errors
    /// follow what they quote. Packets without a summary go to shard 0.
    [[nodiscard]] std::uint32_t steer(bytes network, zone_id zone, std::uint32_t shards) const noexcept {
        const auto r = wire::parse_packet<Family>(network);
        if (!r || shards < 2) {
            return 0;
        }
        address source = r.summary.source;
        address destination = r.summary.destination;
        if (r.summary.kind == kind::icmp_error) {  // goes where the packets go that it is about
            const bytes icmp = r.summary.transport(network);
            const auto quoted = wire::quoted_packet<Family>(icmp.subspan(std::min(icmp.size(), nat::icmp_header_size)));
            source = quoted ? quoted.summary.destination : source;
            destination = quoted ? quoted.summary.source : destination;
        }
        const vrf_id vrf = core_.vrf_of(zone);
        const auto& pools = core_.mappings.pools();
        if (const auto client = pools.static_client(vrf, destination)) {
            return shard_of(sum_of(*client), shards);
        }
        if (pools.owner(vrf, destination) != nat::address_owner::none) {
            const auto shard = pools.owner_shard(vrf, destination, shards);
            return shard ? *shard : shard_of(sum_of(source), shards);
        }
        const auto to = core_.configuration.policy.zone_of(vrf, destination);
        const auto d = to ? core_.configuration.rules.match(zone, *to, source, destination) : nat::nat_decision{};
        switch (d.kind) {
            case nat::nat_kind::none:
            case nat::nat_kind::off: return shard_of(sum_of(source) + sum_of(destination), shards);  // the same from either side
            case nat::nat_kind::static_nat: return shard_of(sum_of(source), shards);
            default: return shard_of(sum_of(pools.is_divided(d.pool, shards) ? source : destination), shards);
        }
    }

    /// Calls `visit(const state_record<Family>&)` for all that a successor or a standby needs, in the order to import it (N18). Linear in the capacities.
    template <class Visit>
    void export_records(Visit&& visit) const {
        detail::state_exporter<core_type, Family> give(core_);
        give(visit);
    }
    /// Takes one record of another gateway's export. False when it does not fit; then nothing has changed.
    [[nodiscard]] bool import_record(const state_record<Family>& record, instant now) {
        core_.set_time(now);
        detail::state_importer<core_type, Family> take(core_);
        return take(record);
    }

    // What the gateway knows.

    [[nodiscard]] const alg::counters& counters() const noexcept { return core_.state().counts; }
    [[nodiscard]] const gateway_configuration<Family>& configuration() const noexcept { return core_.configuration; }

    /// Address and port under which a client's packet is seen outside.
    struct outside_end {
        address nat{};
        port external{};
    };
    /// Where the client's UDP or TCP port, toward this server and port, is translated to; nothing without a flow.
    [[nodiscard]] std::optional<outside_end> outside_of(zone_id inside, address client, port client_port, address server,
                                                        port server_port, ip_protocol protocol) const noexcept {
        const auto m = core_.flows().find({client, server, nat::port_selector(client_port, server_port), inside,
                                           static_cast<std::uint8_t>(protocol), 0});
        if (!m || m.side != nat::flow_side::outbound) {
            return std::nullopt;
        }
        const auto& f = core_.flows()[m.index];
        return outside_end{f.inbound.destination, port{static_cast<std::uint16_t>(f.inbound.selector)}};
    }
    /// The nat address of a client's mapping toward a server; the client's pair is asked first.
    [[nodiscard]] std::optional<address> nat_address_of(zone_id inside, address client, address server) const noexcept {
        const vrf_id vrf = core_.vrf_of(inside);
        if (const std::uint32_t pi = core_.state().find_pair(vrf, client, server); pi != npos) {
            return core_.state().pair_at(pi).nat;
        }
        const auto to = core_.configuration.policy.zone_of(vrf, server);
        if (!to) {
            return std::nullopt;
        }
        const auto d = core_.configuration.rules.match(inside, *to, client, server);
        const std::uint32_t ref = core_.mappings.find(vrf, client, d.kind == nat::nat_kind::none ? nat::off_pool : d.pool);
        return ref == npos ? std::nullopt : std::optional{core_.mappings[ref].nat};
    }

    /// Read access to all records, for reports, show commands and export.
    [[nodiscard]] const auto& records() const noexcept { return core_.state(); }
    [[nodiscard]] const nat::address_map<Family>& mappings() const noexcept { return core_.mappings; }
    [[nodiscard]] const nat::port_map<Family>& ports() const noexcept { return core_.ports; }

private:
    using core_type = detail::gateway_core<Family, Packet, Observer>;
    using hand = typename core_type::hand;
    using kind = wire::packet_kind;

    gateway(gateway_configuration<Family> c, const gateway_options& options, Observer observer)
        : core_(std::move(c), options, std::move(observer)) {}

    template <class Sink>
    void process_group(std::span<Packet> burst, Sink& sink) {
        auto& hands = scratch_->hands;
        auto& keys = scratch_->keys;
        auto& refs = scratch_->refs;
        for (std::size_t i = 0; i < burst.size(); ++i) {
            look_at(burst[i], hands[i]);
            keys[i] = hands[i].key;
        }
        const std::uint64_t before = core_.flows().keys_removed();
        core_.flows().find_burst(std::span<const nat::flow_key<Family>>(keys).first(burst.size()),
                                 std::span<std::uint32_t>(refs).first(burst.size()));
        for (std::size_t i = 0; i < burst.size(); ++i) {
            if (!hands[i].parsed) {
                const bool other = hands[i].parsed.error == wire::parse_error::not_this_family;
                finish(std::move(burst[i]), other ? verdict{action::not_mine, drop_reason::none, {}} : verdict::drop(drop_reason::malformed), sink);
                continue;
            }
            auto m = core_.flows().decode(refs[i]);
            if (!m || core_.flows().keys_removed() != before) {
                m = core_.flows().find(keys[i]);  // an earlier packet of the burst may have made or ended the flow
            }
            const detail::maybe_verdict v = act(hands[i], m, sink);
            if (v) {
                finish(std::move(burst[i]), *v, sink, &hands[i]);
            }
        }
    }

    /// Parses in place: the burst's summaries are never copied.
    void look_at(Packet& packet, hand& h) noexcept {
        h.packet = &packet;
        const std::size_t length = packet.network_length();
        wire::parse_packet<Family>(packet.network(), length, h.parsed);
        while (h.parsed.error == wire::parse_error::needs_more) {  // each time for more, so it ends
            if (!packet.ensure_contiguous(h.parsed.needed)) {
                h.parsed.error = wire::parse_error::truncated_packet;
                return;
            }
            wire::parse_packet<Family>(packet.network(), length, h.parsed);
        }
        h.key = detail::key_of(h.s(), packet.zone());
        h.vrf = core_.vrf_of(packet.zone());
    }

    template <class Sink>
    [[nodiscard]] detail::maybe_verdict act(hand& h, nat::flow_match m, Sink& sink) {
        if (h.s().is_fragment()) {
            return fragment(h, m, sink);
        }
        return whole(h, m);
    }

    /// A packet that is no fragment, or the first one.
    [[nodiscard]] detail::maybe_verdict whole(hand& h, nat::flow_match m) {
        if (!m) {
            return without_flow(h);
        }
        auto& f = core_.flows()[m.index];
        if (f.generation != core_.generation && !detail::new_flow_path<core_type>(core_).still_permitted(m.index)) {
            return verdict::drop(drop_reason::policy);
        }
        switch (f.kind) {
            case nat::flow_kind::esp:
                if (m.side == nat::flow_side::inbound) {
                    core_.the_alg.esp_inbound_bound(m.index, h.s().sequence);
                } else if (f.has(nat::flow_flag::consult) && core_.configuration.alg.enabled) {
                    return detail::esp_path<core_type>(core_).unsatisfied(h, m.index);
                }
                [[fallthrough]];
            case nat::flow_kind::translated:
            case nat::flow_kind::esp_passing: return core_.forward(h, m.index, m.side);
            case nat::flow_kind::ike:
                return m.side == nat::flow_side::outbound ? detail::ike_path<core_type>(core_).outbound(h, m.index)
                                                          : detail::ike_path<core_type>(core_).inbound(h, m.index);
            case nat::flow_kind::ike_shared: return detail::ike_path<core_type>(core_).inbound_shared(h, m.index);
            case nat::flow_kind::none: break;
        }
        return verdict::drop(drop_reason::no_state);
    }

    [[nodiscard]] detail::maybe_verdict without_flow(hand& h) {
        const bool has_ports = h.s().kind != kind::ah && h.s().kind != kind::icmp_other && h.s().kind != kind::other;
        const bool own = core_.configuration.is_own(h.vrf, h.s().destination) &&
                         (!has_ports || core_.mappings.pools().owner(h.vrf, h.s().destination) == nat::address_owner::none);
        if (own) {
            return verdict{action::local, drop_reason::none, h.zone()};
        }
        switch (h.s().kind) {
            case kind::ah:
                core_.report(alg::event_kind::ah_seen, h.vrf, h.s().source, h.s().destination, {});
                return verdict::drop(drop_reason::ah);  // E10
            case kind::icmp_error: return icmp_error(h);
            case kind::icmp_other: return verdict::drop(drop_reason::unsupported);
            default: return detail::new_flow_path<core_type>(core_)(h);
        }
    }

    [[nodiscard]] detail::maybe_verdict icmp_error(hand& h) {
        const auto unmatched = [&](drop_reason why) {
            core_.state().counts.count(alg::counter::icmp_unmatched);
            return verdict::drop(why);
        };
        if (!h.packet->ensure_contiguous(h.s().length) || h.s().is_fragment()) {
            return unmatched(drop_reason::icmp_unmatched);
        }
        const bytes icmp = h.s().transport(bytes{h.network()});
        const auto quoted = wire::quoted_packet<Family>(icmp.subspan(std::min(icmp.size(), nat::icmp_header_size)));
        if (!quoted) {
            return unmatched(drop_reason::malformed);
        }
        auto m = nat::find_quoted(core_.flows(), quoted.summary, h.zone());
        if (m.flow == npos) {
            m = find_quoted_inside(quoted.summary, h.zone());
        } else if (core_.flows()[m.flow].kind == nat::flow_kind::ike_shared) {
            m.flow = find_quoted_sharer(quoted.summary, icmp.subspan(nat::icmp_header_size), h.vrf);
        }
        if (m.flow == npos) {
            const bool own = core_.configuration.is_own(h.vrf, h.s().destination);
            return own ? verdict{action::local, drop_reason::none, h.zone()} : unmatched(drop_reason::icmp_unmatched);
        }
        if (core_.configuration.decrement_ttl && h.s().ttl <= 1) {
            return verdict::drop(drop_reason::ttl);
        }
        if (!h.packet->ensure_writable(h.s().length)) {
            return verdict::drop(drop_reason::no_memory);
        }
        const auto& f = core_.flows()[m.flow];
        const bytes again = h.s().transport(bytes{h.network()});
        core_.state().counts.count(alg::counter::icmp_translated);
        core_.state().tell(alg::event_kind::icmp_error, npos, [&](auto& e) {
            e.client = f.outbound.source;
            e.server = f.outbound.destination;
            e.nat = f.inbound.destination;
            e.vrf = h.vrf;
            e.protocol = f.outbound.protocol;
            if (quoted.summary.kind == kind::esp) {
                e.spi = quoted.summary.spi;
            } else {
                e.client_port = port{static_cast<std::uint16_t>(f.outbound.selector >> 16)};
                e.server_port = port{static_cast<std::uint16_t>(f.outbound.selector)};
            }
            e.outbound = !m.from_outside;
            e.detail = std::uint32_t{again[0]} << 8 | again[1];
            const bool too_big = Family::version == 4 ? e.detail == 0x0304 : again[0] == 2;
            if (too_big) {  // RFC 1191 4: 16 bits; RFC 4443 3.2: 32
                const std::uint32_t mtu = Family::version == 4 ? load_be16(again.data() + 6) : load_be32(again.data() + 4);
                e.detail |= std::min<std::uint32_t>(mtu, 0xffff) << 16;
            }
        });
        nat::rewrite_options how{core_.configuration.decrement_ttl, false, 0};
        nat::rewrite_error(h.network(), h.s(), quoted.summary, f, m.from_outside, how);
        return verdict::forward(m.from_outside ? f.outbound.zone : f.inbound.zone);
    }

    /// An error from inside about inbound ESP, or IKE on a shared port: the quote names the client, and its pair the rest.
    [[nodiscard]] nat::error_match find_quoted_inside(const wire::packet_summary<Family>& quoted, zone_id zone) const noexcept {
        const std::uint32_t pi = core_.state().find_pair(core_.vrf_of(zone), quoted.destination, quoted.source);
        if (pi == npos || quoted.kind != kind::esp) {
            return {};
        }
        const auto& p = core_.state().pair_at(pi);
        const auto m = core_.flows().find({p.server, p.nat, quoted.spi.value, p.outside, quoted.protocol, 0});
        return m ? nat::error_match{m.index, false} : nat::error_match{};
    }

    /// An error from outside about IKE on a shared port: the SPIs tell whose, if enough is quoted.
    [[nodiscard]] std::uint32_t find_quoted_sharer(const wire::packet_summary<Family>& quoted, bytes quote, vrf_id vrf) noexcept {
        const std::uint32_t si = core_.state().find_slot(vrf, quoted.destination, quoted.source);
        const std::size_t ike = quoted.transport_offset + std::size_t{8};
        if (si == npos) {
            return npos;
        }
        std::uint32_t pi = npos;
        if (quote.size() >= ike + 16) {
            const ike_spi initiator{load_be64(quote.data() + ike)};
            const std::uint32_t session = core_.state().find_shared(si, initiator, {load_be64(quote.data() + ike + 8)});
            pi = session == npos ? npos : core_.state().session_at(session).pair;
        } else if (core_.state().slot_at(si).members == 1) {
            pi = core_.state().slot_at(si).first_member;
        }
        if (pi == npos) {
            return npos;
        }
        const auto& p = core_.state().pair_at(pi);
        const auto m = core_.flows().find({p.client, p.server, nat::port_selector(quoted.source_port, quoted.destination_port), p.inside,
                                           quoted.protocol, 0});
        return m && core_.flows()[m.index].kind == nat::flow_kind::ike ? m.index : npos;
    }

    template <class Sink>
    [[nodiscard]] detail::maybe_verdict fragment(hand& h, nat::flow_match m, Sink& sink) {
        const nat::datagram_key<Family> key{h.s().source, h.s().destination, h.zone(), h.s().protocol, h.s().fragment_id};
        if (h.s().kind != kind::later_fragment) {
            return first_fragment(h, m, key, sink);
        }
        const auto a = core_.fragments.on_later(key, *h.packet, core_.now, [&](Packet&& dropped) {
            finish(std::move(dropped), verdict::drop(drop_reason::fragment), sink);
        });
        switch (a.outcome) {
            case nat::fragment_outcome::decided: return later_fragment(h, a.decision);
            case nat::fragment_outcome::held: core_.state().counts.count(alg::counter::fragments_held); return std::nullopt;
            case nat::fragment_outcome::refused: break;
        }
        return verdict::drop(drop_reason::fragment);
    }

    template <class Sink>
    [[nodiscard]] detail::maybe_verdict first_fragment(hand& h, nat::flow_match m, const nat::datagram_key<Family>& key, Sink& sink) {
        detail::fragment_decision decision;
        const std::uint32_t identification = h.s().fragment_id;
        detail::maybe_verdict v = whole(h, m);
        if (!v) {
            const auto& held = core_.state().held_at(core_.state().last_held());
            decision = {held.flow, held.way == nat::direction::outbound ? nat::flow_side::outbound : nat::flow_side::inbound,
                        held.exchange, held.spi, drop_reason::none, held.has_identification, held.identification};
        } else if (v->act == action::forward) {
            decision.flow = core_.last_forwarded.index;
            decision.side = core_.last_forwarded.side;
            if constexpr (Family::version == 4) {
                decision.identification = load_be16(h.network().data() + 4);
                decision.new_identification = decision.identification != identification;
            }
        } else {
            decision.reason = v->reason == drop_reason::none ? drop_reason::fragment : v->reason;
        }
        if (v) {  // before those that waited for it
            finish(std::move(*h.packet), *v, sink, &h);
            v.reset();
        }
        (void)core_.fragments.on_first(key, decision, core_.now, [&](Packet&& early) {
            hand e;
            look_at(early, e);
            if (!e.parsed) {
                finish(std::move(early), verdict::drop(drop_reason::malformed), sink);
                return;
            }
            if (const auto verdict_of_early = later_fragment(e, decision)) {
                finish(std::move(early), *verdict_of_early, sink, &e);
            }
        });
        return v;
    }
    [[nodiscard]] detail::maybe_verdict later_fragment(hand& h, const detail::fragment_decision& d) {
        if (d.reason != drop_reason::none) {
            return verdict::drop(d.reason);
        }
        if (d.exchange != npos) {
            const auto answer = core_.the_alg.later_fragment(
                d.exchange, d.spi, {*h.packet, h.s().length,
                             d.side == nat::flow_side::outbound ? nat::direction::outbound : nat::direction::inbound,
                             alg::later_ip_fragment | h.s().fragment_offset});
            if (answer.act == alg::decision::what::drop) {
                return verdict::drop(answer.reason);
            }
            if (answer.act == alg::decision::what::held) {
                auto& held = core_.state().held_at(core_.state().last_held());
                held.flow = d.flow;
                held.spi = d.spi;
                held.has_identification = d.new_identification;
                held.identification = d.identification;
                return std::nullopt;
            }
        }
        const std::uint32_t flow = d.flow != npos ? d.flow : flow_of_spi(h, d.spi);  // ESP that was held: bound when it left
        if (flow == npos || !core_.flows().is_live(flow)) {
            return verdict::drop(drop_reason::fragment);
        }
        return core_.forward(h, flow, d.side, &d);
    }

    /// Hands out what was held and goes on now, behind the burst (G14).
    template <class Sink>
    void flush(Sink& sink) {
        for (std::uint32_t i = core_.state().next_released(); i != npos; i = core_.state().next_released()) {
            auto held = std::move(core_.state().held_at(i));
            core_.state().held_at(i).packet = Packet{};
            core_.state().held_at(i).size = held.size;
            core_.state().free_held(i);
            if (held.reason != drop_reason::none) {
                finish(std::move(held.packet), verdict::drop(held.reason), sink);
                continue;
            }
            hand h;
            look_at(held.packet, h);
            if (!h.parsed) {
                finish(std::move(held.packet), verdict::drop(drop_reason::malformed), sink);
                continue;
            }
            if (const auto v = release(h, held)) {
                finish(std::move(held.packet), *v, sink, &h);
            }
        }
    }
    template <class Held>
    [[nodiscard]] detail::maybe_verdict release(hand& h, const Held& held) {
        if (held.kind == alg::held_kind::ike_collision) {
            return whole(h, core_.flows().find(h.key));  // N5: looked at anew
        }
        const auto side = held.way == nat::direction::outbound ? nat::flow_side::outbound : nat::flow_side::inbound;
        std::uint32_t flow = held.flow;
        if (held.kind == alg::held_kind::esp) {
            flow = flow_of_spi(h, held.spi);
        }
        if (flow == npos || !core_.flows().is_live(flow) || core_.flows()[flow].owner != held.pair) {
            return verdict::drop(drop_reason::shutdown);
        }
        const detail::fragment_decision how{flow, side, npos, {}, drop_reason::none, held.has_identification, held.identification};
        return core_.forward(h, flow, side, h.s().is_fragment() ? &how : nullptr);
    }

    /// The flow of a client's ESP, of whose packets only the first fragment tells the SPI.
    [[nodiscard]] std::uint32_t flow_of_spi(const hand& h, spi value) const noexcept {
        return core_.flows().find({h.s().source, h.s().destination, value.value, h.zone(), h.s().protocol, 0}).index;
    }

    template <class Sink>
    void finish(Packet&& packet, verdict v, Sink& sink, const hand* h = nullptr) {
        if (v.act == action::drop || v.act == action::reject) {
            core_.state().counts.count(v.reason);
            core_.state().tell(alg::event_kind::dropped, npos, [&](auto& e) {
                e.reason = v.reason;
                if (h != nullptr) {
                    e.vrf = h->vrf;
                    e.protocol = h->s().protocol;
                    e.spi = h->s().spi;
                    e.outbound = core_.mappings.pools().owner(h->vrf, h->s().destination) == nat::address_owner::none;
                    if (e.outbound) {
                        e.client = h->s().source;
                        e.server = h->s().destination;
                        e.client_port = h->s().source_port;
                        e.server_port = h->s().destination_port;
                    } else {
                        e.server = h->s().source;
                        e.nat = h->s().destination;
                        e.server_port = h->s().source_port;
                        e.nat_port = h->s().destination_port;
                    }
                }
            });
        }
        sink(std::move(packet), v);
    }

    // Lazy timers: the record says whether it is idle.

    void on_timer(alg::timer_kind what, std::uint32_t index) {
        switch (what) {
            case alg::timer_kind::flow: on_flow_timer(index); break;
            case alg::timer_kind::session: on_session_timer(index); break;
            case alg::timer_kind::pair: on_pair_timer(index); break;
        }
    }
    void on_session_timer(std::uint32_t index) {
        tick again;
        if (core_.state().sessions().is_live(index) && core_.the_alg.session_stays(index, again)) {
            (void)core_.state().timers.arm(alg::timer_kind::session, index, again);
        }
    }
    void on_flow_timer(std::uint32_t index) {
        if (!core_.flows().is_live(index)) {
            return;
        }
        auto& f = core_.flows()[index];
        const tick last = f.kind == nat::flow_kind::esp ? core_.the_alg.session_last_seen(index) : f.last_seen;
        const tick end = last + f.idle_ms;
        const tick t = to_tick(core_.now);
        const bool in_use = (f.kind == nat::flow_kind::ike && core_.state().pair_at(f.owner).sessions != 0) ||
                            (f.kind == nat::flow_kind::ike_shared && core_.slot_of_shared(f) != npos);
        if (before(t, end) || in_use) {
            tick next = before(t, end) ? end : t + 60'000U;
            if (f.kind == nat::flow_kind::translated && f.outbound.protocol == static_cast<std::uint8_t>(ip_protocol::tcp)) {
                const tick soon = t + to_ms(core_.configuration.timeouts.tcp_transitory);  // its timeout shrinks when it closes
                next = before(soon, next) ? soon : next;
            }
            (void)core_.state().timers.arm(alg::timer_kind::flow, index, next);
            return;
        }
        core_.end_flow(index);
    }
    void on_pair_timer(std::uint32_t index) {
        if (!core_.state().pairs().is_live(index)) {
            return;
        }
        core_.the_alg.age_pair(index);
        const auto& p = core_.state().pair_at(index);
        if (core_.the_alg.pair_is_idle(index) && to_tick(core_.now) - p.last_seen >= 60'000) {
            const std::uint32_t mapping = p.mapping;
            if (p.spi_conflict) {
                core_.mappings.want_new_address(mapping);  // E8
            }
            core_.the_alg.end_pair(index);
            core_.mappings.release(mapping, core_.now);
            return;
        }
        (void)core_.state().timers.arm(alg::timer_kind::pair, index, to_tick(core_.now) + 60'000U);
    }

    [[nodiscard]] static std::uint32_t shard_of(std::uint64_t sum, std::uint32_t shards) noexcept {
        constexpr hash_secret fixed{0x9e37'79b9'7f4a'7c15U, 0xbf58'476d'1ce4'e5b9U};  // equal on every shard, for steering only
        return static_cast<std::uint32_t>((keyed_hash(std::array<std::uint64_t, 1>{sum}, fixed) >> 32) % shards);
    }

    /// What a burst needs, kept so that small bursts do not pay for clearing it.
    struct scratch {
        std::array<hand, max_burst> hands;
        std::array<nat::flow_key<Family>, max_burst> keys;
        std::array<std::uint32_t, max_burst> refs;
    };

    core_type core_;
    std::unique_ptr<scratch> scratch_ = std::make_unique<scratch>();
};

}  // namespace ikealg::inline v0

#endif
