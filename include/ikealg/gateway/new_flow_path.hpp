// SPDX-License-Identifier: Apache-2.0
/// The way of a packet that no flow knows: local, to a nat address, or from a client toward a server (N1-N17, P1, E1-E3).
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: one policy match, one NAT rule match, a bounded search for address and port.
#ifndef IKEALG_GATEWAY_NEW_FLOW_PATH_HPP
#define IKEALG_GATEWAY_NEW_FLOW_PATH_HPP

#include "ikealg/gateway/esp_path.hpp"
#include "ikealg/gateway/ike_path.hpp"
#include "ikealg/gateway/natt_path.hpp"
#include "ikealg/policy/application.hpp"
#include "ikealg/wire/natt.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class new_flow_path {
public:
    using hand = typename Core::hand;
    using flow_type = typename Core::flow_type;
    using address = typename Core::address;
    using key_type = typename flow_type::key_type;
    using kind = wire::packet_kind;

    explicit new_flow_path(Core& core) noexcept : c_(core) {}

    [[nodiscard]] maybe_verdict operator()(hand& p) {
        if (p.s().kind == kind::esp && esp_path<Core>::reserved(p.s().spi)) {
            return verdict::drop(drop_reason::spi_reserved);
        }
        const auto owner = c_.mappings.pools().owner(p.vrf, p.s().destination);
        if (owner != nat::address_owner::none) {
            return to_nat_address(p, owner);
        }
        if (c_.configuration.is_own(p.vrf, p.s().destination)) {
            return verdict{action::local, drop_reason::none, p.zone()};
        }
        return from_client(p);
    }

    /// Asks policy again for a flow that an older configuration permitted (P4). True when it may go on.
    [[nodiscard]] bool still_permitted(std::uint32_t index) {
        flow_type& f = c_.flows()[index];
        if (f.kind == nat::flow_kind::esp) {
            if (!esp_path<Core>(c_).still_permitted(f.owner)) {
                return false;
            }
        } else if (f.kind == nat::flow_kind::ike_shared) {
            return true;  // the clients' own flows are asked for
        } else {
            const auto d = c_.policy_of(f);
            if (d.action != policy::policy_action::permit) {
                return false;
            }
            natt_path<Core>(c_).follow(index, d);
        }
        f.generation = c_.generation;
        return true;
    }

private:
    [[nodiscard]] maybe_verdict from_client(hand& p) {
        if (p.s().kind == kind::esp) {
            // A client behind no NAT: what comes back to its own address belongs to its pair (N7 off, G9).
            const std::uint32_t pi = c_.state().find_pair(p.vrf, p.s().destination, p.s().source);
            if (pi != npos && c_.state().pair_at(pi).nat == p.s().destination && c_.state().pair_at(pi).outside == p.zone()) {
                return esp_path<Core>(c_).inbound(p, pi);
            }
        }
        const auto to = c_.configuration.policy.zone_of(p.vrf, p.s().destination);
        if (!to) {
            return verdict::drop(drop_reason::no_route);
        }
        const auto d = c_.ask_policy(p.key, *to);
        const bool alg_esp = p.s().kind == kind::esp && c_.configuration.alg.enabled;  // G7: gates inherit IKE's decision
        if (!alg_esp && d.action != policy::policy_action::permit) {
            p.denial_logged = d.log_init;
            return verdict{d.action == policy::policy_action::reject ? action::reject : action::drop, drop_reason::policy, *to};
        }
        switch (p.s().kind) {
            case kind::esp: return esp_path<Core>(c_).outbound(p, *to, d);
            case kind::udp:
                if (is_ike(p, d)) {
                    return new_ike(p, *to);
                }
                return new_translated(p, *to, d);
            case kind::tcp:
            case kind::icmp_echo_request: return new_translated(p, *to, d);
            case kind::icmp_echo_reply: return verdict::drop(drop_reason::no_state);
            default: return other_protocol(p, *to, d);
        }
    }

    /// R1. While the ALG is off, IKE is known by its own port, so that E1 knows of each client of a server.
    [[nodiscard]] bool is_ike(const hand& p, const policy::policy_decision& d) const noexcept {
        const bool marked = d.ike_esp_nat || (!c_.configuration.alg.enabled && p.s().destination_port == ike_port);
        return p.s().kind == kind::udp && marked && p.s().destination_port != natt_port;
    }

    [[nodiscard]] maybe_verdict new_ike(hand& p, zone_id to) {
        const auto pair = c_.pair_for(p.vrf, p.zone(), to, p.s().source, p.s().destination, false);
        if (pair.pair == npos) {
            return verdict::drop(pair.reason);
        }
        ike_path<Core> ike(c_);
        const auto made = ike.make_flow(pair.pair, p.key);
        return made.flow == npos ? maybe_verdict{verdict::drop(made.reason)} : ike.outbound(p, made.flow);
    }

    [[nodiscard]] maybe_verdict new_translated(hand& p, zone_id to, const policy::policy_decision& permitted) {
        const auto m = c_.map_client(p.vrf, p.zone(), to, p.s().source, p.s().destination);
        if (m.ref == npos) {
            return verdict::drop(m.reason);
        }
        const auto protocol = static_cast<ip_protocol>(p.s().protocol);
        const bool echo = p.s().kind == kind::icmp_echo_request;
        flow_type f = blank(p.key, to, m.ref);
        f.inbound.destination = c_.mappings[m.ref].nat;
        if (m.pool != nat::off_pool) {
            const auto mapped = c_.ports.acquire({p.s().source, c_.mappings[m.ref].nat, p.vrf, protocol, p.s().source_port},
                                                 c_.limits_of(m.pool));
            if (mapped.result != nat::port_result::mapped) {
                c_.report(alg::event_kind::nat_exhausted, p.vrf, p.s().source, p.s().destination, f.inbound.destination);
                return verdict::drop(mapped.result == nat::port_result::full ? drop_reason::table_full : drop_reason::nat_exhausted);
            }
            f.session = mapped.ref;
            const port external = c_.ports[mapped.ref].external;
            f.inbound.selector = echo ? nat::port_selector(external, external)
                                      : nat::port_selector(p.s().destination_port, external);
        }
        const auto v = start(p, f, nat::flow_side::outbound, permitted);
        if (v && v->act == action::forward && protocol == ip_protocol::udp && p.s().destination_port == natt_port) {
            c_.state().counts.count(alg::counter::natt_sessions);  // R5
            c_.state().tell(alg::event_kind::natt_started, npos, [&](auto& e) {
                e.vrf = p.vrf;
                e.client = p.s().source;
                e.server = p.s().destination;
                e.nat = f.inbound.destination;
                const bytes datagram = p.s().transport(bytes{p.network()});
                const bytes payload = datagram.subspan(std::min<std::size_t>(datagram.size(), 8));
                if (wire::classify_natt(payload) != wire::natt_kind::ike_with_marker) {
                    return;
                }
                const auto ike = wire::ike_view::parse(wire::ike_behind_marker(payload));
                if (ike.error == wire::ike_error::none) {
                    e.initiator = ike.view.initiator_spi();
                    e.exchange_type = static_cast<std::uint8_t>(ike.view.exchange());
                }
            });
        }
        return v;
    }

    /// Protocols that NAT cannot translate pass only where nothing is translated.
    [[nodiscard]] maybe_verdict other_protocol(hand& p, zone_id to, const policy::policy_decision& permitted) {
        const auto d = c_.configuration.rules.match(p.zone(), to, p.s().source, p.s().destination);
        const bool untranslated = d.kind == nat::nat_kind::none || d.kind == nat::nat_kind::off;
        if (!untranslated) {
            return verdict::drop(drop_reason::unsupported);
        }
        const auto m = c_.map_client(p.vrf, p.zone(), to, p.s().source, p.s().destination);
        return m.ref == npos ? verdict::drop(m.reason) : start(p, blank(p.key, to, m.ref), nat::flow_side::outbound, permitted);
    }

    /// To a nat address, and no flow knows the packet.
    [[nodiscard]] maybe_verdict to_nat_address(hand& p, nat::address_owner owner) {
        const auto client = c_.mappings.exclusive_client(p.vrf, p.s().destination);
        if (p.s().kind == kind::esp) {
            const std::uint32_t pi = client ? c_.state().find_pair(p.vrf, *client, p.s().source) : npos;
            const bool known = pi != npos || c_.state().find_slot(p.vrf, p.s().source, p.s().destination) != npos;
            if (known && !is_inside(p)) {
                return esp_path<Core>(c_).inbound(p, pi);
            }
        }
        if (owner == nat::address_owner::static_nat && client) {
            return to_static_client(p, *client);
        }
        const bool own = owner == nat::address_owner::interface && c_.configuration.is_own(p.vrf, p.s().destination);
        if (is_inside(p) && (!own || (c_.configuration.hairpin && hairpin_target(p) != npos))) {  // N12
            return c_.configuration.hairpin ? hairpin(p) : maybe_verdict{verdict::drop(drop_reason::hairpin)};
        }
        if (own) {
            return verdict{action::local, drop_reason::none, p.zone()};
        }
        if (p.s().kind == kind::udp && p.s().destination_port == ike_port && c_.configuration.alg.enabled &&
            c_.configuration.alg.ike_port != alg::ike_port_mode::exclusive) {
            if (const std::uint32_t si = c_.state().find_slot(p.vrf, p.s().source, p.s().destination); si != npos) {
                return ike_path<Core>(c_).inbound_unowned(p, si);  // N4
            }
        }
        return verdict::drop(p.s().kind == kind::esp ? drop_reason::esp_no_gate : drop_reason::no_state);  // N11
    }

    /// The packet comes from a zone whose clients are translated toward the zone of the nat address.
    [[nodiscard]] bool is_inside(const hand& p) const noexcept {
        const auto to = c_.configuration.policy.zone_of(p.vrf, p.s().destination);
        if (!to || *to == p.zone()) {
            return false;
        }
        const auto d = c_.configuration.rules.match(p.zone(), *to, p.s().source, p.s().destination);
        return d.kind != nat::nat_kind::none && d.kind != nat::nat_kind::off;
    }

    /// N16: a static 1:1 mapping works from outside too: an inside responder is reached.
    [[nodiscard]] maybe_verdict to_static_client(hand& p, address client) {
        const auto inside = c_.configuration.policy.zone_of(p.vrf, client);
        if (!inside) {
            return verdict::drop(drop_reason::no_route);
        }
        auto as_seen_inside = p.key;
        as_seen_inside.destination = client;
        const bool esp = p.s().kind == kind::esp;
        if (esp && c_.configuration.alg.enabled) {  // G7
            as_seen_inside.protocol = static_cast<std::uint8_t>(ip_protocol::udp);
            as_seen_inside.selector = nat::port_selector(ike_port, ike_port);
        }
        const auto d = c_.ask_policy(as_seen_inside, *inside);
        if (d.action != policy::policy_action::permit) {
            return verdict::drop(drop_reason::policy);
        }
        if (esp || is_ike(p, d)) {
            const auto pair = c_.pair_for(p.vrf, *inside, p.zone(), client, p.s().source, esp && d.midstream);
            if (pair.pair == npos) {
                return verdict::drop(pair.reason);
            }
            if (esp) {
                return esp_path<Core>(c_).inbound(p, pair.pair);
            }
            ike_path<Core> ike(c_);
            const auto made = ike.make_flow(pair.pair, {client, p.s().source, nat::swapped(p.key.selector), *inside, p.s().protocol, 0}, true);
            return made.flow == npos ? maybe_verdict{verdict::drop(made.reason)} : ike.inbound(p, made.flow);
        }
        if (p.s().kind != kind::udp && p.s().kind != kind::tcp && p.s().kind != kind::icmp_echo_request) {
            return verdict::drop(drop_reason::unsupported);
        }
        const auto m = c_.map_client(p.vrf, *inside, p.zone(), client, p.s().source);
        if (m.ref == npos) {
            return verdict::drop(m.reason);
        }
        flow_type f = blank({client, p.s().source, nat::swapped(p.key.selector), *inside, p.s().protocol, 0}, p.zone(), m.ref);
        f.inbound = p.key;
        f.flags |= nat::flow_flag::by_outside;
        return start(p, f, nat::flow_side::inbound, d);
    }

    /// The client's port that UDP or TCP to a nat address reaches, npos when there is none.
    [[nodiscard]] std::uint32_t hairpin_target(const hand& p) const noexcept {
        if (p.s().kind != kind::udp && p.s().kind != kind::tcp) {
            return npos;
        }
        const auto protocol = static_cast<ip_protocol>(p.s().protocol);
        const std::uint32_t target = c_.ports.find_external(p.vrf, p.s().destination, protocol, p.s().destination_port);
        return target != npos && c_.ports[target].reserved ? npos : target;
    }
    /// N12, when enabled: a client reaches another client's mapped UDP or TCP port by the nat address; both ends are translated.
    [[nodiscard]] maybe_verdict hairpin(hand& p) {
        if (p.s().kind != kind::udp && p.s().kind != kind::tcp) {
            return verdict::drop(drop_reason::hairpin);
        }
        const auto protocol = static_cast<ip_protocol>(p.s().protocol);
        const std::uint32_t target = hairpin_target(p);
        const auto outside = c_.configuration.policy.zone_of(p.vrf, p.s().destination);
        if (target == npos || !outside) {
            return verdict::drop(drop_reason::no_state);
        }
        const auto inside = c_.configuration.policy.zone_of(p.vrf, c_.ports[target].end.client);
        const auto d = c_.ask_policy(p.key, *outside);
        if (!inside || d.action != policy::policy_action::permit) {
            return verdict::drop(drop_reason::policy);
        }
        const auto m = c_.map_client(p.vrf, p.zone(), *outside, p.s().source, p.s().destination);
        if (m.ref == npos) {
            return verdict::drop(m.reason);
        }
        const address nat = c_.mappings[m.ref].nat;
        const auto mapped = c_.ports.acquire({p.s().source, nat, p.vrf, protocol, p.s().source_port}, c_.limits_of(m.pool));
        if (mapped.result != nat::port_result::mapped) {
            return verdict::drop(drop_reason::nat_exhausted);
        }
        flow_type f = blank(p.key, *inside, m.ref);
        f.session = mapped.ref;
        f.next = target;
        c_.ports.add_reference(target);
        f.inbound = {c_.ports[target].end.client, nat,
                     nat::port_selector(c_.ports[target].end.client_port, c_.ports[mapped.ref].external), *inside, p.s().protocol, 0};
        return start(p, f, nat::flow_side::outbound, d);
    }

    [[nodiscard]] flow_type blank(const key_type& key, zone_id to, std::uint32_t mapping) const noexcept {
        flow_type f;
        f.outbound = key;
        f.inbound = {key.destination, key.source, nat::swapped(key.selector), to, key.protocol, 0};
        f.kind = nat::flow_kind::translated;
        f.flags = nat::flow_flag::has_outbound | nat::flow_flag::has_inbound;
        f.owner = mapping;
        const port server_port{static_cast<std::uint16_t>(key.selector)};
        f.idle_ms = nat::idle_ms(c_.configuration.timeouts, static_cast<ip_protocol>(key.protocol), server_port,
                                 nat::tcp_state::none);
        return f;
    }

    [[nodiscard]] maybe_verdict start(hand& p, const flow_type& f, nat::flow_side side, const policy::policy_decision& permitted) {
        const auto added = c_.add_flow(f);
        if (added.result != nat::add_result::added) {
            c_.release_ports(f);
            return verdict::drop(added.result == nat::add_result::full ? drop_reason::table_full : drop_reason::nat_exhausted);
        }
        c_.mappings.add_reference(f.owner);
        c_.report_flow(alg::event_kind::flow_started, c_.flows()[added.index], [&] { return permitted.log_init; });
        natt_path<Core> natt(c_);
        natt.follow(added.index, permitted);
        return c_.flows()[added.index].kind == nat::flow_kind::natt ? natt(p, {added.index, side})
                                                                    : maybe_verdict{c_.forward(p, added.index, side)};
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
