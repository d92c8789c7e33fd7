// SPDX-License-Identifier: Apache-2.0
/// The way of packets that were held and go on now, behind the burst (G14).
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: linear in the packets handed out.
#ifndef IKEALG_GATEWAY_HELD_PATH_HPP
#define IKEALG_GATEWAY_HELD_PATH_HPP

#include "ikealg/gateway/fragment_path.hpp"
#include "ikealg/gateway/packet_ends.hpp"
#include "ikealg/gateway/packet_path.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class held_path {
public:
    using hand = typename Core::hand;
    using family = typename Core::family;
    using packet_type = typename Core::packet_type;

    explicit held_path(Core& core) noexcept : c_(core), ends_(core) {}

    /// Hands out what was held and goes on now, behind the burst (G14), and what waits no more (G15, G16).
    template <class Sink>
    void hand_out(Sink& sink) {
        do {
            hand_out_released(sink);
        } while (c_.the_alg.end_due_pauses());
    }

private:
    template <class Sink>
    void hand_out_released(Sink& sink) {
        for (std::uint32_t i = c_.state().next_released(); i != npos; i = c_.state().next_released()) {
            auto held = std::move(c_.state().held_at(i));
            c_.state().held_at(i).packet = packet_type{};
            c_.state().held_at(i).size = held.size;
            c_.state().free_held(i);
            const bool collision = held.kind == alg::held_kind::ike_collision;
            const bool paused = held.kind == alg::held_kind::esp_paused;
            if (held.reason != drop_reason::none && !collision) {
                ends_.finish(std::move(held.packet), verdict::drop(held.reason), sink);
                continue;
            }
            hand h;
            ends_.look_at(held.packet, h);
            if (!h.parsed) {
                ends_.finish(std::move(held.packet), verdict::drop(drop_reason::malformed), sink);
                continue;
            }
            h.waited = paused;
            h.waited_in = paused ? held.exchange : npos;
            if (paused && gone(h, held.way)) {
                held.reason = drop_reason::no_state;
            }
            if (const auto v = collision || paused ? look_again(h, held.reason, sink) : release(h, held)) {
                ends_.finish(std::move(held.packet), *v, sink, &h);
            }
        }
    }

    /// An inbound packet whose SPI was bound when it came, and is not any more.
    [[nodiscard]] bool gone(const hand& h, nat::direction way) const noexcept {
        return way == nat::direction::inbound && h.s().kind == wire::packet_kind::esp && !c_.flows().find(h.key);
    }
    /// N5, G15, G16: a message that waited for another client's answer, or ESP that had its pause, is looked at anew, with its later IP fragments.
    template <class Sink>
    [[nodiscard]] maybe_verdict look_again(hand& h, drop_reason dropped, Sink& sink) {
        const auto m = c_.flows().find(h.key);
        if (!h.s().is_fragment()) {
            return dropped != drop_reason::none ? maybe_verdict{verdict::drop(dropped)} : packet_path<Core>(c_)(h, m);
        }
        fragment_path<Core> fragments(c_);
        if (dropped == drop_reason::none) {
            return fragments(h, m, sink);
        }
        fragments.give_up(h, dropped, sink);
        return std::nullopt;
    }
    template <class Held>
    [[nodiscard]] maybe_verdict release(hand& h, const Held& held) {
        const auto side = held.way == nat::direction::outbound ? nat::flow_side::outbound : nat::flow_side::inbound;
        std::uint32_t flow = held.flow;
        if (held.kind == alg::held_kind::esp) {
            flow = c_.flow_of_spi(h, held.spi);
        }
        if (flow == npos || !c_.flows().is_live(flow) || c_.flows()[flow].owner != held.pair) {
            return verdict::drop(drop_reason::shutdown);
        }
        if (!esp_path<Core>(c_).still_permitted(held.pair)) {
            return verdict::drop(drop_reason::policy);  // P4: it is not any more
        }
        const fragment_decision how{flow, side, npos, {}, drop_reason::none, held.has_identification, held.identification};
        return c_.forward(h, flow, side, h.s().is_fragment() ? &how : nullptr);
    }

    Core& c_;
    packet_ends<Core> ends_;
};

}  // namespace ikealg::inline v0::detail

#endif
