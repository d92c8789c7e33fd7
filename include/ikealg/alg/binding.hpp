// SPDX-License-Identifier: Apache-2.0
/// Bindings: learned SPIs, as flows of a pair (E3-E6, E8).
///
/// The outbound and the inbound SPI of one Phase 2 exchange share one flow record, so that either direction refreshes both. A
/// further SPI of the same exchange (SA bundles) gets a record of its own. A new binding never removes an old one.
///
/// Invariant: a flow has `flow_flag::consult` exactly while its exchange is unsatisfied; without it the packet path forwards alone.
/// Thread safety: none, one owner. Complexity: linear in the flows of the pair, which `bindings_per_client` bounds.
#ifndef IKEALG_ALG_BINDING_HPP
#define IKEALG_ALG_BINDING_HPP

#include "ikealg/alg/state.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::alg {

/// How an inbound SPI was bound, for counters and events.
enum class binding_kind : std::uint8_t {
    gate,       ///< to the holder of the slot
    late,       ///< to the only candidate (E5)
    midstream,  ///< without an exchange seen
};

/// `flow::state` of ESP flows.
enum class esp_mark : std::uint8_t { plain, surplus, moved };

template <class State>
class bindings {
public:
    using flow_type = nat::flow<typename State::pair_type::address_family>;

    explicit bindings(State& state) noexcept : st_(state) {}

    /// Learns an outbound SPI. `exchange_index` may be npos (default pass-through). False when a table or the client's limit is full.
    [[nodiscard]] bool bind_outbound(std::uint32_t pair_index, std::uint32_t exchange_index, spi value) noexcept {
        const auto& p = st_.pair_at(pair_index);
        if (st_.flows.find(outbound_key(p, value))) {
            return true;  // a held packet of an SPI that was bound meanwhile
        }
        exchange* x = exchange_index == npos ? nullptr : &st_.exchange_at(exchange_index);
        if (x != nullptr && x->inbound_flow != npos && x->outbound_flow == npos) {
            auto& f = st_.flows[x->inbound_flow];
            f.outbound = outbound_key(p, value);
            if (st_.flows.attach(x->inbound_flow, nat::flow_side::outbound) != nat::add_result::added) {
                return false;
            }
            (void)st_.flows.attach(x->inbound_flow, nat::flow_side::quote);
            x->outbound_flow = x->inbound_flow;
        } else {
            flow_type f = blank(p);
            f.outbound = outbound_key(p, value);
            f.flags = nat::flow_flag::has_outbound;
            const std::uint32_t i = add(pair_index, exchange_index, f);
            if (i == npos) {
                return false;
            }
            (void)st_.flows.attach(i, nat::flow_side::quote);  // two clients with one SPI: the first one's errors are found
            if (x != nullptr) {
                if (x->outbound_flow == npos) {
                    x->outbound_flow = i;
                }
                if (x->state != exchange_state::satisfied && p.slot != npos) {
                    st_.flows[i].flags |= nat::flow_flag::consult;
                }
            }
        }
        st_.counts.count(counter::bindings_outbound);
        st_.tell(event_kind::spi_bound_outbound, pair_index, [&](auto& e) { e.spi = value; });
        return true;
    }

    /// Learns an inbound SPI and satisfies the exchange. False when a table or the client's limit is full.
    [[nodiscard]] bool bind_inbound(std::uint32_t pair_index, std::uint32_t exchange_index, spi value, binding_kind how,
                                    bool contested) noexcept {
        const auto& p = st_.pair_at(pair_index);
        exchange* x = exchange_index == npos ? nullptr : &st_.exchange_at(exchange_index);
        std::uint32_t i = npos;
        if (x != nullptr && x->outbound_flow != npos && x->inbound_flow == npos) {
            i = x->outbound_flow;
            st_.flows[i].inbound.selector = value.value;
            if (st_.flows.attach(i, nat::flow_side::inbound) != nat::add_result::added) {
                return false;
            }
        } else {
            flow_type f = blank(p);
            f.inbound.selector = value.value;
            f.flags = nat::flow_flag::has_inbound;
            i = add(pair_index, exchange_index, f);
            if (i == npos) {
                return false;
            }
        }
        if (x != nullptr) {
            satisfy(exchange_index, i, contested);
        }
        const bool surplus = x != nullptr && x->inbound_spis > 1 && x->type >= first_v2_exchange;  // IKEv1 may negotiate several SAs
        if (surplus && p.slot != npos) {
            st_.flows[i].state = static_cast<std::uint8_t>(esp_mark::surplus);
            st_.slot_at(p.slot).surplus_flow = i;
        }
        announce(pair_index, value, how, contested);
        return true;
    }

    /// Ends a flow: its keys, its record, and what its exchange knows of it.
    void end_flow(std::uint32_t i) noexcept {
        const auto& f = st_.flows[i];
        if (f.session != npos) {
            exchange& x = st_.exchange_at(f.session);
            for (auto* side : {&x.outbound_flow, &x.inbound_flow}) {
                if (*side == i) {
                    *side = npos;
                }
            }
        }
        const std::uint32_t s = st_.pair_at(f.owner).slot;
        if (s != npos && st_.slot_at(s).surplus_flow == i) {
            st_.slot_at(s).surplus_flow = npos;
        }
        st_.unlink_flow(i);
        st_.flows.remove(i);
    }

    /// Gives the inbound SPI of flow `i` to another client's exchange (E11).
    [[nodiscard]] bool move_inbound(std::uint32_t i, std::uint32_t pair_index, std::uint32_t exchange_index) noexcept {
        const spi value{st_.flows[i].inbound.selector};
        const std::uint32_t before = st_.flows[i].owner;
        end_flow(i);
        if (!bind_inbound(pair_index, exchange_index, value, binding_kind::late, true)) {
            return false;
        }
        const exchange& x = st_.exchange_at(exchange_index);
        if (x.inbound_flow != npos) {
            st_.flows[x.inbound_flow].state = static_cast<std::uint8_t>(esp_mark::moved);
        }
        st_.counts.count(counter::bindings_moved);
        st_.tell(event_kind::spi_moved, before, [&](auto& e) { e.spi = value; });
        return true;
    }

    /// The inbound SPIs of an exchange are nobody's again (E11): the surplus ones, or all of them, and then it waits like one without. Linear
    /// in the flows of one client.
    void take_back(std::uint32_t exchange_index, bool surplus_only) noexcept {
        exchange& x = st_.exchange_at(exchange_index);
        for (std::uint32_t i = st_.pair_at(x.pair).first_flow; i != npos;) {
            flow_type& f = st_.flows[i];
            const std::uint32_t next = f.next;
            const bool inbound = f.session == exchange_index && f.has(nat::flow_flag::has_inbound);
            if (inbound && (!surplus_only || f.state == static_cast<std::uint8_t>(esp_mark::surplus))) {
                const spi value{f.inbound.selector};
                --x.inbound_spis;
                if (f.has(nat::flow_flag::has_outbound)) {
                    st_.flows.detach(i, nat::flow_side::inbound);
                } else {
                    end_flow(i);
                }
                st_.counts.count(counter::bindings_taken_back);
                st_.tell(event_kind::spi_taken_back, x.pair, [&](auto& e) { e.spi = value; });
            }
            i = next;
        }
        if (!surplus_only) {
            x.inbound_flow = npos;
            x.guessed = false;
            if (x.outbound_flow != npos) {
                st_.flows[x.outbound_flow].flags |= nat::flow_flag::consult;
            }
            st_.park(exchange_index);
        }
    }

    /// E8: ESP from the server on flow `flow_index`, whose SPI is bound. An SPI whose sequence numbers were high and that comes with a small one while
    /// another client waits for its own is probably that client's too: both chose the same. The first keeps it.
    void note_inbound(std::uint32_t flow_index, std::uint32_t sequence) noexcept {
        auto& f = st_.flows[flow_index];
        if (sequence > small_sequence) {
            f.flags |= nat::flow_flag::grown;
            return;
        }
        const std::uint32_t si = st_.pair_at(f.owner).slot;
        if (!f.has(nat::flow_flag::grown) || si == npos) {
            return;
        }
        const std::uint32_t holder = st_.slot_at(si).holder;
        if (holder == npos || holder == f.owner || !waits_for_spi(holder)) {
            return;
        }
        st_.counts.count(counter::spi_conflicts);
        if (!std::exchange(st_.pair_at(holder).spi_conflict, true)) {
            st_.tell(event_kind::spi_conflict, holder, [&](auto& e) { e.spi = spi{f.inbound.selector}; });
        }
    }

    /// The key under which an outbound ESP packet of the pair is found.
    [[nodiscard]] static auto outbound_key(const typename State::pair_type& p, spi value) noexcept {
        return nat::flow_key<typename State::pair_type::address_family>{
            p.client, p.server, value.value, p.inside, static_cast<std::uint8_t>(ip_protocol::esp), 0};
    }

private:
    static constexpr std::uint32_t small_sequence = 16;
    static constexpr auto first_v2_exchange = static_cast<std::uint8_t>(wire::exchange_type::ike_sa_init);

    [[nodiscard]] bool waits_for_spi(std::uint32_t pi) const noexcept {
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            const exchange_state s = st_.exchange_at(xi).state;
            if (s == exchange_state::enabled || s == exchange_state::parked) {
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] flow_type blank(const typename State::pair_type& p) const noexcept {
        flow_type f;
        f.outbound = outbound_key(p, {});
        f.inbound = {p.server, p.nat, 0, p.outside, static_cast<std::uint8_t>(ip_protocol::esp), 0};
        f.kind = nat::flow_kind::esp;
        f.last_seen = f.last_inbound = to_tick(st_.now);
        f.generation = p.generation;
        f.idle_ms = to_ms(st_.settings.esp_session_timeout);
        return f;
    }

    [[nodiscard]] std::uint32_t add(std::uint32_t pair_index, std::uint32_t exchange_index, flow_type& f) noexcept {
        if (st_.pair_at(pair_index).flows >= st_.settings.bindings_per_client) {
            return npos;
        }
        f.session = exchange_index;
        const auto added = st_.flows.add(f);
        if (added.result != nat::add_result::added) {
            return npos;
        }
        if (!st_.timers.arm(timer_kind::flow, added.index, to_tick(st_.now) + f.idle_ms)) {
            st_.flows.remove(added.index);
            return npos;
        }
        st_.link_flow(pair_index, added.index);
        st_.note_plain_esp(pair_index);
        st_.counts.count(counter::flows_created);
        return added.index;
    }

    void satisfy(std::uint32_t exchange_index, std::uint32_t flow_index, bool contested) noexcept {
        exchange& x = st_.exchange_at(exchange_index);
        if (x.state != exchange_state::satisfied) {
            st_.counts.count(counter::phase2_completed);
            x.guessed = contested && x.outbound_flow == npos;
        }
        st_.unpark(exchange_index);
        st_.close_claim(exchange_index);
        x.state = exchange_state::satisfied;
        x.unanswered = false;
        x.one_way = false;
        ++x.inbound_spis;
        if (x.inbound_flow == npos) {
            x.inbound_flow = flow_index;
        }
        for (std::uint32_t f = st_.pair_at(x.pair).first_flow; f != npos; f = st_.flows[f].next) {
            if (st_.flows[f].session == exchange_index) {
                st_.flows[f].flags &= static_cast<std::uint8_t>(~nat::flow_flag::consult);
            }
        }
    }

    void announce(std::uint32_t pair_index, spi value, binding_kind how, bool contested) noexcept {
        const event_kind kind = how == binding_kind::gate   ? event_kind::spi_bound_gate
                                : how == binding_kind::late ? event_kind::spi_bound_late
                                                            : event_kind::spi_bound_midstream;
        st_.counts.count(how == binding_kind::gate   ? counter::bindings_gate
                         : how == binding_kind::late ? counter::bindings_late
                                                     : counter::bindings_midstream);
        st_.tell(kind, pair_index, [&](auto& e) { e.spi = value; });
        if (contested) {
            st_.counts.count(counter::bindings_contested);
            st_.tell(event_kind::spi_contested, pair_index, [&](auto& e) { e.spi = value; });
        }
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
