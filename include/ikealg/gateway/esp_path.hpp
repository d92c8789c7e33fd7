// SPDX-License-Identifier: Apache-2.0
/// The way of ESP through the gateway: default pass-through without the ALG (E1), bindings and gates with it (E2-E7).
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_GATEWAY_ESP_PATH_HPP
#define IKEALG_GATEWAY_ESP_PATH_HPP

#include "ikealg/gateway/core.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class esp_path {
public:
    using hand = typename Core::hand;
    using flow_type = typename Core::flow_type;

    explicit esp_path(Core& core) noexcept : c_(core) {}

    /// E7: SPI 0 never travels, 1-255 are reserved.
    [[nodiscard]] static bool reserved(spi value) noexcept { return value.value < 256; }

    /// From a client, by a flow whose exchange has no inbound SPI yet.
    [[nodiscard]] maybe_verdict unsatisfied(hand& p, std::uint32_t index) {
        const auto d = c_.the_alg.esp_outbound(c_.flows()[index].owner, p.s().spi, index, at_hand(p));
        return answer(p, d);
    }

    /// From a client, with an SPI that is not bound.
    [[nodiscard]] maybe_verdict outbound(hand& p, zone_id to, const policy::policy_decision& d) {
        std::uint32_t pi = c_.state().find_pair(p.vrf, p.s().source, p.s().destination);
        if (!c_.configuration.alg.enabled) {
            return pass(p, to, d);
        }
        if (pi == npos) {
            if (d.action != policy::policy_action::permit || !d.midstream) {
                return verdict::drop(drop_reason::esp_no_gate);  // E2, E3, D9
            }
            const auto made = c_.pair_for(p.vrf, p.zone(), to, p.s().source, p.s().destination, true);
            if (made.pair == npos) {
                return verdict::drop(made.reason);
            }
            pi = made.pair;
        }
        if (!still_permitted(pi)) {
            return verdict::drop(drop_reason::policy);
        }
        return answer(p, c_.the_alg.esp_outbound(pi, p.s().spi, npos, at_hand(p)));
    }

    /// From a server to a nat address, with an SPI that is not bound. `pi` is the only pair it can be for, npos when the slot decides.
    [[nodiscard]] maybe_verdict inbound(hand& p, std::uint32_t pi) {
        alg::inbound_owner owner;
        const std::uint32_t si = c_.state().find_slot(p.vrf, p.s().source, p.s().destination);
        if (const std::uint32_t any = pi != npos ? pi : si != npos ? c_.state().slot_at(si).first_member : npos;
            any != npos && c_.state().pair_at(any).outside != p.zone()) {
            return verdict::drop(drop_reason::esp_no_gate);  // the server's address, but not where the server is
        }
        if (!c_.configuration.alg.enabled) {
            if (pi == npos && si == npos) {
                return verdict::drop(drop_reason::esp_no_gate);
            }
            if (pi == npos && c_.state().slot_at(si).plain != 1) {
                return verdict::drop(drop_reason::esp_ambiguous);
            }
            const std::uint32_t only = pi != npos ? pi : c_.state().slot_at(si).plain_mix;
            return still_permitted(only) ? pass_inbound(p, only) : maybe_verdict{verdict::drop(drop_reason::policy)};
        }
        if (pi != npos) {
            owner = c_.the_alg.esp_inbound_exclusive(pi, p.s().spi);
        } else if (si != npos) {
            owner = c_.the_alg.esp_inbound(si, p.s().spi, p.s().sequence);
        } else {
            return verdict::drop(drop_reason::esp_no_gate);
        }
        if (owner.pair == npos) {
            return verdict::drop(owner.reason);
        }
        if (!still_permitted(owner.pair)) {
            return verdict::drop(drop_reason::policy);
        }
        const auto m = c_.flows().find(p.key);
        return m ? arrived(p, m.index) : maybe_verdict{verdict::drop(drop_reason::table_full)};
    }

    /// By a flow whose inbound packets wait (G15).
    [[nodiscard]] maybe_verdict paused(hand& p, nat::flow_match m) {
        flow_type& f = c_.flows()[m.index];
        f.generation = 0;
        if (m.side == nat::flow_side::inbound) {
            return arrived(p, m.index);
        }
        c_.the_alg.pauses_of_sas().left(m.index);
        return f.has(nat::flow_flag::consult) ? unsatisfied(p, m.index) : maybe_verdict{c_.forward(p, m.index, m.side)};
    }

    /// G7, P4: a pair's ESP goes on while policy permits its IKE.
    [[nodiscard]] bool still_permitted(std::uint32_t pi) noexcept {
        auto& pr = c_.state().pair_at(pi);
        if (pr.generation == c_.generation) {
            return true;
        }
        if (!c_.policy_permits_pair(pi)) {
            return false;
        }
        pr.generation = c_.generation;
        return true;
    }

private:
    [[nodiscard]] auto at_hand(hand& p, nat::direction way = nat::direction::outbound) const noexcept {
        return alg::packet_at_hand<std::remove_reference_t<decltype(*p.packet)>>{*p.packet, p.s().length, way, 0, p.waited, p.waited_in};
    }
    /// From a server, with an SPI that is bound: its delivery may have to wait (G15).
    [[nodiscard]] maybe_verdict arrived(hand& p, std::uint32_t index) {
        const auto d = c_.the_alg.pauses_of_sas().arrived(index, at_hand(p, nat::direction::inbound));
        return d.act == alg::decision::what::forward ? maybe_verdict{c_.forward(p, index, nat::flow_side::inbound)} : std::nullopt;
    }
    [[nodiscard]] maybe_verdict answer(hand& p, alg::decision d) {
        switch (d.act) {
            case alg::decision::what::drop: return verdict::drop(d.reason);
            case alg::decision::what::held: {
                auto& held = c_.state().held_at(c_.state().last_held());
                held.flow = npos;  // its SPI is bound when it leaves
                if (p.s().is_fragment() && held.kind != alg::held_kind::esp_paused) {
                    c_.renew_identification(p.s(), passing_flow(held.pair), true, held.has_identification, held.identification);
                }
                return std::nullopt;
            }
            case alg::decision::what::again: return std::nullopt;  // `pause_overflowed`: the gateway comes again
            case alg::decision::what::forward: break;
        }
        const auto m = c_.flows().find(p.key);
        return m ? maybe_verdict{c_.forward(p, m.index, m.side)} : maybe_verdict{verdict::drop(drop_reason::table_full)};
    }

    /// E1, from the client: ESP passes for the first client of (server, nat address) that sends it, until nothing of it is left.
    [[nodiscard]] maybe_verdict pass(hand& p, zone_id to, const policy::policy_decision& d) {
        if (d.action != policy::policy_action::permit) {
            return verdict::drop(drop_reason::policy);
        }
        const auto made = c_.pair_for(p.vrf, p.zone(), to, p.s().source, p.s().destination, false);
        if (made.pair == npos) {
            return verdict::drop(made.reason);
        }
        const auto& pr = c_.state().pair_at(made.pair);
        if (pr.slot != npos) {
            auto& s = c_.state().slot_at(pr.slot);
            c_.state().note_plain_esp(made.pair);  // also where it is dropped: it has an SA, and its server may send
            if (s.passing != npos && s.passing != made.pair && c_.state().pair_at(s.passing).ike_ports == 0) {
                c_.state().forget_plain_esp(s.passing);  // its flows have idled out
            }
            if (s.passing == npos) {
                s.passing = made.pair;
            } else if (s.passing != made.pair) {
                return verdict::drop(drop_reason::esp_ambiguous);
            }
        }
        flow_type f = passing_flow(made.pair);
        f.outbound.selector = p.s().spi.value;
        f.flags = nat::flow_flag::has_outbound;
        return add_and_forward(p, made.pair, f, nat::flow_side::outbound);
    }
    /// E1, from the server: to the only client that may have ESP with it.
    [[nodiscard]] maybe_verdict pass_inbound(hand& p, std::uint32_t pi) {
        flow_type f = passing_flow(pi);
        f.inbound.selector = p.s().spi.value;
        f.flags = nat::flow_flag::has_inbound;
        return add_and_forward(p, pi, f, nat::flow_side::inbound);
    }
    [[nodiscard]] flow_type passing_flow(std::uint32_t pi) const noexcept {
        const auto& pr = c_.state().pair_at(pi);
        flow_type f;
        f.outbound = {pr.client, pr.server, 0, pr.inside, static_cast<std::uint8_t>(ip_protocol::esp), 0};
        f.inbound = {pr.server, pr.nat, 0, pr.outside, static_cast<std::uint8_t>(ip_protocol::esp), 0};
        f.kind = nat::flow_kind::esp_passing;
        f.owner = pi;
        f.idle_ms = to_ms(c_.configuration.alg.esp_session_timeout);
        return f;
    }
    [[nodiscard]] maybe_verdict add_and_forward(hand& p, std::uint32_t pi, const flow_type& f, nat::flow_side side) {
        const auto added = c_.add_flow(f);
        if (added.result != nat::add_result::added) {
            return verdict::drop(drop_reason::table_full);
        }
        ++c_.state().pair_at(pi).ike_ports;
        if (side == nat::flow_side::outbound) {
            (void)c_.flows().attach(added.index, nat::flow_side::quote);
        }
        return c_.forward(p, added.index, side);
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
