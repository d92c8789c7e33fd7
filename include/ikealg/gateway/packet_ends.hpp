// SPDX-License-Identifier: Apache-2.0
/// The first and the last step of every packet: parsed in place; given back to the host with its verdict.
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_GATEWAY_PACKET_ENDS_HPP
#define IKEALG_GATEWAY_PACKET_ENDS_HPP

#include "ikealg/gateway/core.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class packet_ends {
public:
    using hand = typename Core::hand;
    using family = typename Core::family;
    using packet_type = typename Core::packet_type;

    explicit packet_ends(Core& core) noexcept : c_(core) {}

    /// Parses in place: the burst's summaries are never copied.
    void look_at(packet_type& packet, hand& h) noexcept {
        h.packet = &packet;
        const std::size_t length = packet.network_length();
        wire::parse_packet<family>(packet.network(), length, h.parsed);
        while (h.parsed.error == wire::parse_error::needs_more) {  // each time for more, so it ends
            if (!packet.ensure_contiguous(h.parsed.needed)) {
                h.parsed.error = wire::parse_error::truncated_packet;
                return;
            }
            wire::parse_packet<family>(packet.network(), length, h.parsed);
        }
        h.key = key_of(h.s(), packet.zone());
        h.vrf = c_.vrf_of(packet.zone());
        h.denial_logged = h.waited = false;
        h.waited_in = npos;
    }

    /// Gives the packet back; a drop is counted and told by what `h` knows of the packet.
    template <class Sink>
    void finish(packet_type&& packet, verdict v, Sink& sink, const hand* h = nullptr) {
        if (v.act == action::drop || v.act == action::reject) {
            c_.state().counts.count(v.reason);
            c_.state().tell(alg::event_kind::dropped, npos, [&](auto& e) {
                e.reason = v.reason;
                if (h != nullptr) {
                    e.vrf = h->vrf;
                    e.logged = h->denial_logged;
                    e.protocol = h->s().protocol;
                    e.spi = h->s().spi;
                    e.outbound = c_.mappings.pools().owner(h->vrf, h->s().destination) == nat::address_owner::none;
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

private:
    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
