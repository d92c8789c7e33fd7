// SPDX-License-Identifier: Apache-2.0
/// The way of UDP 4500 where policy marks it: translated like other UDP, and new SAs have their pause (G16).
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_GATEWAY_NATT_PATH_HPP
#define IKEALG_GATEWAY_NATT_PATH_HPP

#include <algorithm>

#include "ikealg/gateway/core.hpp"
#include "ikealg/wire/ike.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class natt_path {
public:
    using hand = typename Core::hand;
    using flow_type = typename Core::flow_type;

    explicit natt_path(Core& core) noexcept : c_(core) {}

    /// By a flow of kind natt.
    [[nodiscard]] maybe_verdict operator()(hand& h, nat::flow_match m) {
        const auto way = m.side == nat::flow_side::outbound ? nat::direction::outbound : nat::direction::inbound;
        constexpr std::size_t headers = udp_header + wire::non_esp_marker_size + wire::ike_view::header_size;
        if (!h.packet->ensure_contiguous(std::min<std::size_t>(h.s().length, h.s().transport_offset + headers))) {
            return c_.forward(h, m.index, m.side);  // unseen, as other UDP is
        }
        const auto what = wire::classify_natt(payload_of(h));
        if (what == wire::natt_kind::esp_in_udp) {
            return esp(h, m, way);
        }
        const verdict v = c_.forward(h, m.index, m.side);
        if (what == wire::natt_kind::ike_with_marker && v.act == action::forward) {
            note_message(h, m.index, way);
        }
        return v;
    }

    /// Makes a flow one that is watched, or no more one, as policy and settings say now (P4).
    void follow(std::uint32_t index, const policy::policy_decision& d) noexcept {
        flow_type& f = c_.flows()[index];
        if (f.kind == nat::flow_kind::natt && !is_marked(f, d)) {
            c_.the_alg.pauses_of_natt().forget(index);
            f.kind = nat::flow_kind::translated;
        } else if (f.kind == nat::flow_kind::translated && f.next == npos && is_marked(f, d)) {  // none of a hairpin (N12)
            f.kind = nat::flow_kind::natt;
        }
    }

private:
    static constexpr std::size_t udp_header = 8;

    [[nodiscard]] static bytes payload_of(const hand& h) noexcept {
        const bytes datagram = h.s().transport(bytes{h.network()});
        return datagram.subspan(std::min(datagram.size(), udp_header));
    }
    [[nodiscard]] bool is_marked(const flow_type& f, const policy::policy_decision& d) const noexcept {
        const std::uint32_t ports = f.has(nat::flow_flag::by_outside) ? nat::swapped(f.outbound.selector) : f.outbound.selector;
        return d.ike_esp_nat && c_.configuration.alg.enabled && c_.configuration.alg.pauses() &&
               f.outbound.protocol == static_cast<std::uint8_t>(ip_protocol::udp) && static_cast<std::uint16_t>(ports) == natt_port.value;
    }

    void note_message(const hand& h, std::uint32_t index, nat::direction way) noexcept {
        const bytes payload = payload_of(h);
        const std::size_t announced = load_be16(h.s().transport(bytes{h.network()}).data() + 4);
        const std::size_t size = std::max(announced, udp_header + payload.size()) - udp_header - wire::non_esp_marker_size;
        const auto parsed = wire::ike_view::parse(wire::ike_behind_marker(payload), size);
        if (parsed.error == wire::ike_error::none && parsed.view.is_phase2()) {
            c_.the_alg.pauses_of_natt().message(index, h.vrf, parsed.view, way);
        }
    }
    [[nodiscard]] maybe_verdict esp(hand& h, nat::flow_match m, nat::direction way) {
        const bytes payload = payload_of(h);
        const alg::packet_at_hand<std::remove_reference_t<decltype(*h.packet)>> p{*h.packet, h.s().length, way, 0, h.waited};
        const auto d = c_.the_alg.pauses_of_natt().esp(m.index, spi{load_be32(payload.data())}, load_be32(payload.data() + 4), p);
        return d.act == alg::decision::what::forward ? maybe_verdict{c_.forward(h, m.index, m.side)} : std::nullopt;
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
