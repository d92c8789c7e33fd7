// SPDX-License-Identifier: Apache-2.0
/// The way of a packet that is no fragment, or the first one: by its flow, or to whoever makes one.
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant with a flow; else see new_flow_path.hpp.
#ifndef IKEALG_GATEWAY_PACKET_PATH_HPP
#define IKEALG_GATEWAY_PACKET_PATH_HPP

#include "ikealg/gateway/icmp_path.hpp"
#include "ikealg/gateway/new_flow_path.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class packet_path {
public:
    using hand = typename Core::hand;
    using kind = wire::packet_kind;

    explicit packet_path(Core& core) noexcept : c_(core) {}

    /// A packet that is no fragment, or the first one.
    [[nodiscard]] maybe_verdict operator()(hand& h, nat::flow_match m) {
        if (!m) {
            return without_flow(h);
        }
        auto& f = c_.flows()[m.index];
        if (f.generation != c_.generation) {
            if (!new_flow_path<Core>(c_).still_permitted(m.index)) {
                return verdict::drop(drop_reason::policy);
            }
            if (f.kind == nat::flow_kind::esp && f.has(nat::flow_flag::paused)) {
                return esp_path<Core>(c_).paused(h, m);
            }
            if (f.kind == nat::flow_kind::translated && !h.waited && c_.state().handing_out) {
                c_.state().pause_overflowed = true;  // it was watched (G16), and what waited goes first
                return std::nullopt;
            }
        }
        switch (f.kind) {
            case nat::flow_kind::esp:
                if (m.side == nat::flow_side::inbound) {
                    c_.the_alg.esp_inbound_bound(m.index, h.s().sequence);
                } else if (f.has(nat::flow_flag::consult) && c_.configuration.alg.enabled) {
                    return esp_path<Core>(c_).unsatisfied(h, m.index);
                }
                [[fallthrough]];
            case nat::flow_kind::translated:
            case nat::flow_kind::esp_passing: return c_.forward(h, m.index, m.side);
            case nat::flow_kind::ike:
                return m.side == nat::flow_side::outbound ? ike_path<Core>(c_).outbound(h, m.index)
                                                          : ike_path<Core>(c_).inbound(h, m.index);
            case nat::flow_kind::natt: return natt_path<Core>(c_)(h, m);
            case nat::flow_kind::ike_shared: return ike_path<Core>(c_).inbound_shared(h, m.index);
            case nat::flow_kind::none: break;
        }
        return verdict::drop(drop_reason::no_state);
    }

private:
    [[nodiscard]] maybe_verdict without_flow(hand& h) {
        const bool has_ports = h.s().kind != kind::ah && h.s().kind != kind::icmp_other && h.s().kind != kind::other;
        const bool own = c_.configuration.is_own(h.vrf, h.s().destination) &&
                         (!has_ports || c_.mappings.pools().owner(h.vrf, h.s().destination) == nat::address_owner::none);
        if (own) {
            return verdict{action::local, drop_reason::none, h.zone()};
        }
        switch (h.s().kind) {
            case kind::ah:
                c_.report(alg::event_kind::ah_seen, h.vrf, h.s().source, h.s().destination, {});
                return verdict::drop(drop_reason::ah);  // E10
            case kind::icmp_error: return icmp_path<Core>(c_)(h);
            case kind::icmp_other: return verdict::drop(drop_reason::unsupported);
            default: return new_flow_path<Core>(c_)(h);
        }
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
