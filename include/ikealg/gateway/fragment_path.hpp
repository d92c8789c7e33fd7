// SPDX-License-Identifier: Apache-2.0
/// The way of IP fragments: the first one decides, the others follow it, early ones wait for it (N9); never reassembled.
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant, and linear in the fragments that waited.
#ifndef IKEALG_GATEWAY_FRAGMENT_PATH_HPP
#define IKEALG_GATEWAY_FRAGMENT_PATH_HPP

#include "ikealg/gateway/packet_ends.hpp"
#include "ikealg/gateway/packet_path.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class fragment_path {
public:
    using hand = typename Core::hand;
    using family = typename Core::family;
    using packet_type = typename Core::packet_type;
    using kind = wire::packet_kind;

    explicit fragment_path(Core& core) noexcept : c_(core), ends_(core) {}

    template <class Sink>
    [[nodiscard]] maybe_verdict operator()(hand& h, nat::flow_match m, Sink& sink) {
        const auto key = datagram_of(h);
        if (h.s().kind != kind::later_fragment) {
            return first_fragment(h, m, key, sink);
        }
        const auto a = c_.fragments.on_later(key, *h.packet, c_.now, [&](packet_type&& dropped) {
            ends_.finish(std::move(dropped), verdict::drop(drop_reason::fragment), sink);
        });
        switch (a.outcome) {
            case nat::fragment_outcome::decided: return later_fragment(h, a.decision);
            case nat::fragment_outcome::held: c_.state().counts.count(alg::counter::fragments_held); return std::nullopt;
            case nat::fragment_outcome::refused: break;
        }
        return verdict::drop(drop_reason::fragment);
    }

    /// A first fragment that waited by itself (N5) is dropped: so are those that waited for it.
    template <class Sink>
    void give_up(hand& h, drop_reason why, Sink& sink) {
        const auto key = datagram_of(h);
        ends_.finish(std::move(*h.packet), verdict::drop(why), sink, &h);
        if (why == drop_reason::superseded && waits_again(key)) {
            return;
        }
        fragment_decision decision;
        decision.reason = why;
        (void)c_.fragments.on_first(key, decision, c_.now, [&](packet_type&& early) { ends_.finish(std::move(early), verdict::drop(why), sink); });
    }

private:
    using datagram = nat::datagram_key<family>;

    [[nodiscard]] static datagram datagram_of(const hand& h) noexcept {
        return {h.s().source, h.s().destination, h.zone(), h.s().protocol, h.s().fragment_id};
    }
    /// The same fragment came twice, and the second one waits in the place of the first.
    [[nodiscard]] bool waits_again(const datagram& key) noexcept {
        for (std::uint32_t i = c_.state().collisions.first; i != npos; i = c_.state().held_at(i).next) {
            hand other;
            ends_.look_at(c_.state().held_at(i).packet, other);
            if (other.parsed && other.s().is_fragment() && datagram_of(other) == key) {
                return true;
            }
        }
        return false;
    }

    template <class Sink>
    [[nodiscard]] maybe_verdict first_fragment(hand& h, nat::flow_match m, const datagram& key, Sink& sink) {
        fragment_decision decision;
        const std::uint32_t identification = h.s().fragment_id;
        maybe_verdict v = packet_path<Core>(c_)(h, m);
        if (!v) {
            if (c_.state().pause_overflowed) {
                return v;  // it comes again (G15)
            }
            const auto& held = c_.state().held_at(c_.state().last_held());
            if (held.kind == alg::held_kind::ike_collision || held.kind == alg::held_kind::esp_paused) {
                return v;  // nothing is decided yet: those behind it wait as early ones do (N5, G15, N9)
            }
            decision = {held.flow, held.way == nat::direction::outbound ? nat::flow_side::outbound : nat::flow_side::inbound,
                        held.exchange, held.spi, drop_reason::none, held.has_identification, held.identification};
        } else if (v->act == action::forward) {
            decision.flow = c_.last_forwarded.index;
            decision.side = c_.last_forwarded.side;
            if constexpr (family::version == 4) {
                decision.identification = load_be16(h.network().data() + 4);
                decision.new_identification = decision.identification != identification;
            }
        } else {
            decision.reason = v->reason == drop_reason::none ? drop_reason::fragment : v->reason;
        }
        if (v) {  // before those that waited for it
            ends_.finish(std::move(*h.packet), *v, sink, &h);
            v.reset();
        }
        (void)c_.fragments.on_first(key, decision, c_.now, [&](packet_type&& early) {
            hand e;
            ends_.look_at(early, e);
            if (!e.parsed) {
                ends_.finish(std::move(early), verdict::drop(drop_reason::malformed), sink);
                return;
            }
            if (const auto verdict_of_early = later_fragment(e, decision)) {
                ends_.finish(std::move(early), *verdict_of_early, sink, &e);
            }
        });
        return v;
    }

    [[nodiscard]] maybe_verdict later_fragment(hand& h, const fragment_decision& d) {
        if (d.reason != drop_reason::none) {
            return verdict::drop(d.reason);
        }
        if (d.exchange != npos) {
            const auto answer = c_.the_alg.later_fragment(
                d.exchange, d.spi, {*h.packet, h.s().length,
                             d.side == nat::flow_side::outbound ? nat::direction::outbound : nat::direction::inbound,
                             alg::later_ip_fragment | h.s().fragment_offset});
            if (answer.act == alg::decision::what::drop) {
                return verdict::drop(answer.reason);
            }
            if (answer.act == alg::decision::what::held) {
                auto& held = c_.state().held_at(c_.state().last_held());
                held.flow = d.flow;
                held.spi = d.spi;
                held.has_identification = d.new_identification;
                held.identification = d.identification;
                return std::nullopt;
            }
        }
        const std::uint32_t flow = d.flow != npos ? d.flow : c_.flow_of_spi(h, d.spi);  // ESP that was held: bound when it left
        if (flow == npos || !c_.flows().is_live(flow)) {
            return verdict::drop(drop_reason::fragment);
        }
        return c_.forward(h, flow, d.side, &d);
    }

    Core& c_;
    packet_ends<Core> ends_;
};

}  // namespace ikealg::inline v0::detail

#endif
