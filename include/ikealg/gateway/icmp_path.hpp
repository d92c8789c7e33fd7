// SPDX-License-Identifier: Apache-2.0
/// The way of an ICMP error through the gateway: to whom the packet belongs that it quotes (N8, RFC 5508).
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_GATEWAY_ICMP_PATH_HPP
#define IKEALG_GATEWAY_ICMP_PATH_HPP

#include "ikealg/gateway/core.hpp"
#include "ikealg/gateway/shared_port.hpp"
#include "ikealg/nat/icmp_error.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class icmp_path {
public:
    using hand = typename Core::hand;
    using family = typename Core::family;
    using kind = wire::packet_kind;

    explicit icmp_path(Core& core) noexcept : c_(core) {}

    [[nodiscard]] maybe_verdict operator()(hand& h) {
        const auto unmatched = [&](drop_reason why) {
            c_.state().counts.count(alg::counter::icmp_unmatched);
            return verdict::drop(why);
        };
        if (!h.packet->ensure_contiguous(h.s().length) || h.s().is_fragment()) {
            return unmatched(drop_reason::icmp_unmatched);
        }
        const bytes icmp = h.s().transport(bytes{h.network()});
        const auto quoted = wire::quoted_packet<family>(icmp.subspan(std::min(icmp.size(), nat::icmp_header_size)));
        if (!quoted) {
            return unmatched(drop_reason::malformed);
        }
        auto m = nat::find_quoted(c_.flows(), quoted.summary, h.zone());
        if (m.flow == npos) {
            m = find_quoted_inside(quoted.summary, h.zone());
        } else if (c_.flows()[m.flow].kind == nat::flow_kind::ike_shared) {
            m.flow = find_quoted_sharer(quoted.summary, icmp.subspan(nat::icmp_header_size), h.vrf);
        }
        if (m.flow == npos) {
            const bool own = c_.configuration.is_own(h.vrf, h.s().destination);
            return own ? verdict{action::local, drop_reason::none, h.zone()} : unmatched(drop_reason::icmp_unmatched);
        }
        if (c_.configuration.decrement_ttl && h.s().ttl <= 1) {
            return verdict::drop(drop_reason::ttl);
        }
        if (!h.packet->ensure_writable(h.s().length)) {
            return verdict::drop(drop_reason::no_memory);
        }
        const auto& f = c_.flows()[m.flow];
        const bytes again = h.s().transport(bytes{h.network()});
        c_.state().counts.count(alg::counter::icmp_translated);
        c_.state().tell(alg::event_kind::icmp_error, npos, [&](auto& e) {
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
            const bool too_big = family::version == 4 ? e.detail == 0x0304 : again[0] == 2;
            if (too_big) {  // RFC 1191 4: 16 bits; RFC 4443 3.2: 32
                const std::uint32_t mtu = family::version == 4 ? load_be16(again.data() + 6) : load_be32(again.data() + 4);
                e.detail |= std::min<std::uint32_t>(mtu, 0xffff) << 16;
            }
        });
        nat::rewrite_options how{c_.configuration.decrement_ttl, false, 0};
        nat::rewrite_error(h.network(), h.s(), quoted.summary, f, m.from_outside, how);
        return verdict::forward(m.from_outside ? f.outbound.zone : f.inbound.zone);
    }

private:
    /// An error from inside about inbound ESP, or IKE on a shared port: the quote names the client, and its pair the rest.
    [[nodiscard]] nat::error_match find_quoted_inside(const wire::packet_summary<family>& quoted, zone_id zone) const noexcept {
        const std::uint32_t pi = c_.state().find_pair(c_.vrf_of(zone), quoted.destination, quoted.source);
        if (pi == npos || quoted.kind != kind::esp) {
            return {};
        }
        const auto& p = c_.state().pair_at(pi);
        const auto m = c_.flows().find({p.server, p.nat, quoted.spi.value, p.outside, quoted.protocol, 0});
        return m ? nat::error_match{m.index, false} : nat::error_match{};
    }

    /// An error from outside about IKE on a shared port: the SPIs tell whose, if enough is quoted.
    [[nodiscard]] std::uint32_t find_quoted_sharer(const wire::packet_summary<family>& quoted, bytes quote, vrf_id vrf) noexcept {
        const std::uint32_t si = c_.state().find_slot(vrf, quoted.destination, quoted.source);
        const std::size_t ike = quoted.transport_offset + std::size_t{8};
        if (si == npos) {
            return npos;
        }
        std::uint32_t pi = npos;
        if (quote.size() >= ike + 16) {
            const ike_spi initiator{load_be64(quote.data() + ike)};
            const std::uint32_t session = c_.state().find_shared(si, initiator, {load_be64(quote.data() + ike + 8)});
            pi = session == npos ? npos : c_.state().session_at(session).pair;
        } else if (c_.state().slot_at(si).members == 1) {
            pi = c_.state().slot_at(si).first_member;
        }
        if (pi == npos) {
            return npos;
        }
        const auto& p = c_.state().pair_at(pi);
        return shared_port<Core>(c_).flow_of(pi, {p.server, p.nat, nat::port_selector(quoted.destination_port, quoted.source_port), p.outside, quoted.protocol, 0});
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
