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
#include "ikealg/gateway/fragment_path.hpp"
#include "ikealg/gateway/held_path.hpp"
#include "ikealg/gateway/packet_ends.hpp"
#include "ikealg/gateway/packet_path.hpp"
#include "ikealg/gateway/steering.hpp"
#include "ikealg/gateway/timer_path.hpp"

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
    /// is not held, in order, then for packets held earlier that go on now (G14; a pause without room for one more goes on before that, G15, G16). It must not call the gateway.
    template <class Sink>
    void process(std::span<Packet> burst, instant now, Sink&& sink) {
        core_.set_time(now);
        while (!burst.empty()) {
            const std::size_t n = std::min(burst.size(), max_burst);
            process_group(burst.first(n), sink);
            burst = burst.subspan(n);
        }
        detail::held_path<core_type>(core_).hand_out(sink);
    }

    /// Runs timers that are due, at most about `budget` of them, and hands out packets whose wait is over. True when more is due now.
    template <class Sink>
    bool advance(instant now, std::size_t budget, Sink&& sink) {
        core_.set_time(now);
        bool more = core_.the_alg.run_slot_timers(budget);
        detail::held_path<core_type>(core_).hand_out(sink);  // while their flows are there
        const auto fired = core_.state().timers.advance(to_tick(core_.now), budget,
                                                       detail::timer_path<core_type>(core_));
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
            detail::packet_ends<core_type>(core_).finish(std::move(p), verdict::drop(drop_reason::fragment), sink);
        }) == budget || more;
        detail::held_path<core_type>(core_).hand_out(sink);
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
        if (built.value->alg.profile != core_.configuration.alg.profile) {
            core_.the_alg.end_all_exchanges();  // a tenure of one profile means nothing to the other
        }
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
        return detail::steering<core_type>(core_)(network, zone, shards);
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

    gateway(gateway_configuration<Family> c, const gateway_options& options, Observer observer)
        : core_(std::move(c), options, std::move(observer)) {}

    template <class Sink>
    void process_group(std::span<Packet> burst, Sink& sink) {
        auto& hands = scratch_->hands;
        auto& keys = scratch_->keys;
        auto& refs = scratch_->refs;
        detail::packet_ends<core_type> ends(core_);
        for (std::size_t i = 0; i < burst.size(); ++i) {
            ends.look_at(burst[i], hands[i]);
            keys[i] = hands[i].key;
        }
        const std::uint64_t before = core_.flows().keys_removed();
        core_.flows().find_burst(std::span<const nat::flow_key<Family>>(keys).first(burst.size()),
                                 std::span<std::uint32_t>(refs).first(burst.size()));
        for (std::size_t i = 0; i < burst.size(); ++i) {
            if (!hands[i].parsed) {
                const bool other = hands[i].parsed.error == wire::parse_error::not_this_family;
                ends.finish(std::move(burst[i]), other ? verdict{action::not_mine, drop_reason::none, {}} : verdict::drop(drop_reason::malformed), sink);
                continue;
            }
            auto m = core_.flows().decode(refs[i]);
            if (!m || core_.flows().keys_removed() != before) {
                m = core_.flows().find(keys[i]);  // an earlier packet of the burst may have made or ended the flow
            }
            detail::maybe_verdict v = decide(hands[i], m, sink);
            while (!v && std::exchange(core_.state().pause_overflowed, false)) {  // G15, G16: those that wait go before it
                detail::held_path<core_type>(core_).hand_out(sink);
                v = decide(hands[i], core_.flows().find(keys[i]), sink);
            }
            if (v) {
                ends.finish(std::move(burst[i]), *v, sink, &hands[i]);
            }
        }
    }
    template <class Sink>
    [[nodiscard]] detail::maybe_verdict decide(hand& h, nat::flow_match m, Sink& sink) {
        return h.s().is_fragment() ? detail::fragment_path<core_type>(core_)(h, m, sink) : detail::packet_path<core_type>(core_)(h, m);
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
