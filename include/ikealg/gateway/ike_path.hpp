// SPDX-License-Identifier: Apache-2.0
/// The way of IKE through the gateway: ports (N3), recognition (R1-R4), then the ALG.
///
/// No promise to users: include gateway.hpp.
///
/// Every IKE port of a pair is a flow of kind `ike` with the pair as its owner. On a port that several clients share, the inbound key
/// belongs to one flow of kind `ike_shared` whose owner is the slot; the clients' own flows then have outbound keys only (shared_port.hpp).
///
/// Thread safety: none, one owner. Complexity: constant; N3's fall-back walks the sessions of one client.
#ifndef IKEALG_GATEWAY_IKE_PATH_HPP
#define IKEALG_GATEWAY_IKE_PATH_HPP

#include "ikealg/gateway/core.hpp"
#include "ikealg/gateway/shared_port.hpp"
#include "ikealg/wire/ike.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class ike_path {
public:
    using hand = typename Core::hand;
    using flow_type = typename Core::flow_type;
    using address = typename Core::address;

    explicit ike_path(Core& core) noexcept : c_(core) {}

    /// The flow that carries a pair's IKE on the ports of `key`, or why there can be none (N3).
    struct made {
        std::uint32_t flow = npos;
        drop_reason reason = drop_reason::none;
    };
    [[nodiscard]] made make_flow(std::uint32_t pi, const nat::flow_key<typename Core::alg_type::pair_type::address_family>& key,
                                 bool by_outside = false) {
        auto& p = c_.state().pair_at(pi);
        const port client_port{static_cast<std::uint16_t>(key.selector >> 16)};
        const port server_port{static_cast<std::uint16_t>(key.selector)};
        const auto mode = c_.configuration.alg.enabled ? c_.configuration.alg.ike_port : alg::ike_port_mode::prefer;
        flow_type f;
        f.kind = nat::flow_kind::ike;
        f.owner = pi;
        f.outbound = key;
        f.inbound = {p.server, p.nat, nat::port_selector(server_port, client_port), p.outside, key.protocol, 0};
        f.idle_ms = to_ms(c_.configuration.alg.state_timeout);
        const bool exclusive = p.slot == npos;
        const bool shared = !exclusive && mode == alg::ike_port_mode::preserve && shared_port<Core>(c_).share(pi, f);
        if (shared) {
            f.flags = nat::flow_flag::has_outbound;
            return add(pi, f);
        }
        f.flags = nat::flow_flag::has_outbound | nat::flow_flag::has_inbound;
        f.flags |= by_outside ? nat::flow_flag::by_outside : std::uint8_t{0};
        const bool keep = exclusive || (mode != alg::ike_port_mode::translate && client_port == ike_port);
        if (keep) {
            const made r = add(pi, f);
            if (r.flow != npos || r.reason == drop_reason::table_full) {
                return r;
            }
            if (exclusive) {
                return r;
            }
        }
        if (mode == alg::ike_port_mode::exclusive && client_port == ike_port) {
            return {npos, drop_reason::ike_exclusive};
        }
        return add_with_own_port(pi, f, client_port, server_port);
    }

    /// From the client. `index` is the flow of its ports.
    [[nodiscard]] maybe_verdict outbound(hand& p, std::uint32_t index) {
        const std::uint32_t pi = c_.flows()[index].owner;
        c_.flows()[index].last_seen = to_tick(c_.now);
        if (c_.state().pair_at(pi).answer_flow != npos) {
            if (const auto message = header_of(p)) {
                index = shared_port<Core>(c_).flow_of_message(pi, index, *message);
            }
        }
        if (passes_unseen(index)) {
            note_phase2_unseen(p, pi);
            return c_.forward(p, index, nat::flow_side::outbound);
        }
        auto message = recognise(p);
        if (message.plain) {
            return c_.forward(p, index, nat::flow_side::outbound);
        }
        if (!message.view) {
            return verdict::drop(message.error);
        }
        if (must_fall_back(pi, index, *message.view)) {
            index = fall_back(pi, index);
        }
        const bool shared = is_shared(index);
        note_phase2(pi, *message.view);
        if (ungated(*message.view)) {
            return c_.forward(p, index, nat::flow_side::outbound);
        }
        const auto d = c_.the_alg.ike_outbound(pi, *message.view, index, shared, p.s().is_fragment(),
                                               at_hand(p, nat::direction::outbound, *message.view));
        return answer(p, d, index, nat::flow_side::outbound);
    }

    /// From the server, to a port of one client's own.
    [[nodiscard]] maybe_verdict inbound(hand& p, std::uint32_t index) {
        if (const std::uint32_t other = begun_for_another(p, index); other != npos) {
            return still_permitted(other) ? inbound_to(p, c_.flows()[other].owner, other, true) : maybe_verdict{verdict::drop(drop_reason::policy)};
        }
        return inbound_to(p, c_.flows()[index].owner, index, false);
    }

    /// From the server, to a port that clients share: told apart by SPIs (X6, N4).
    [[nodiscard]] maybe_verdict inbound_shared(hand& p, std::uint32_t shared_index) {
        const std::uint32_t si = c_.slot_of_shared(c_.flows()[shared_index]);
        c_.flows()[shared_index].last_seen = to_tick(c_.now);
        const auto message = recognise(p);
        if (si == npos) {
            return verdict::drop(drop_reason::no_state);
        }
        if (!message.view) {
            const std::uint32_t pi = c_.state().slot_at(si).port_owner;
            const std::uint32_t index = message.plain && pi != npos ? shared_port<Core>(c_).flow_of(pi, p.key) : npos;
            if (index != npos && !still_permitted(index)) {
                return verdict::drop(drop_reason::policy);
            }
            return index != npos ? c_.forward(p, index, nat::flow_side::inbound)
                                 : verdict::drop(message.plain ? drop_reason::no_state : message.error);
        }
        const auto owner = c_.the_alg.owner_on_shared_port(si, *message.view, c_.configuration.alg.enabled);
        if constexpr (requires(decltype(*p.packet)& packet) { packet.clone(); }) {
            if (owner.fan_out && c_.configuration.alg.ike_ambiguous == alg::ike_ambiguous_mode::fan_out) {
                return fan_out(p, si);
            }
        }
        if (owner.pair == npos) {
            return verdict::drop(drop_reason::ike_ambiguous);
        }
        const std::uint32_t index = shared_port<Core>(c_).flow_for(owner.pair, p.key);
        if (index == npos) {
            return verdict::drop(drop_reason::no_state);
        }
        if (!still_permitted(index)) {
            return verdict::drop(drop_reason::policy);
        }
        if (owner.candidates > 1) {
            c_.the_alg.phase1_of_server().note_chosen(owner.pair, owner.candidates, *message.view);
        }
        return inbound_to(p, owner.pair, index, true);
    }

    /// From the server, to a port 500 that nobody has: its owner is gone, or all were translated. Clients share it from now on if it begins a
    /// Phase 1 that is due with one of them (N4).
    [[nodiscard]] maybe_verdict inbound_unowned(hand& p, std::uint32_t si) {
        const auto message = header_of(p);
        const bool due = message && alg::begins_phase1(*message) && c_.the_alg.phase1_of_server().choose(si, *message).pair != npos;
        flow_type f;
        f.outbound = {p.key.destination, p.key.source, nat::swapped(p.key.selector), p.zone(), p.key.protocol, 0};
        f.inbound = p.key;
        f.idle_ms = to_ms(c_.configuration.alg.state_timeout);
        if (!due || !shared_port<Core>(c_).share(c_.state().slot_at(si).first_member, f)) {
            return verdict::drop(drop_reason::no_state);
        }
        return inbound_shared(p, c_.flows().find(p.key).index);
    }

private:
    [[nodiscard]] bool is_shared(std::uint32_t index) const noexcept { return !c_.flows()[index].has(nat::flow_flag::has_inbound); }
    /// P4, E1: while the ALG is off, IKE is UDP. On shared ports its sessions are still followed, but nothing waits.
    [[nodiscard]] bool passes_unseen(std::uint32_t index) const noexcept { return !c_.configuration.alg.enabled && !is_shared(index); }
    [[nodiscard]] bool ungated(const wire::ike_view& m) const noexcept { return !c_.configuration.alg.enabled && m.is_phase2(); }

    /// P4: the packet came by another flow, whose generation says nothing of this one.
    [[nodiscard]] bool still_permitted(std::uint32_t index) {
        flow_type& f = c_.flows()[index];
        if (f.generation != c_.generation && !c_.policy_permits(f)) {
            return false;
        }
        f.generation = c_.generation;
        return true;
    }

    /// E1: peers that use NAT-T behind a NAT have left this port before Phase 2 (R6); who has Phase 2 here will have plain ESP.
    void note_phase2(std::uint32_t pi, const wire::ike_view& m) noexcept {
        if (m.is_phase2()) {
            c_.state().note_plain_esp(pi);
        }
    }
    void note_phase2_unseen(hand& p, std::uint32_t pi) noexcept {
        if (!c_.state().pair_at(pi).plain_esp) {
            if (const auto message = recognise(p); message.view) {
                note_phase2(pi, *message.view);
            }
        }
    }

    /// The header of what can only be IKE, without a word on what else it may be.
    [[nodiscard]] std::optional<wire::ike_view> header_of(hand& p) noexcept {
        constexpr std::size_t least = 8 + wire::ike_view::header_size;
        return p.s().length < p.s().transport_offset + least ? std::nullopt : recognise(p).view;
    }
    /// N4: the flow of another client behind this address, when the server begins a Phase 1 toward the port 500 that one of them kept, and it is
    /// not the owner's turn. From then on they share the port. npos: the packet is the owner's.
    [[nodiscard]] std::uint32_t begun_for_another(hand& p, std::uint32_t index) {
        const flow_type own = c_.flows()[index];
        auto& st = c_.state();
        const std::uint32_t si = st.pair_at(own.owner).slot;
        const bool kept = own.session == npos && (own.inbound.selector & 0xffffU) == ike_port.value;
        if (!kept || !c_.configuration.alg.enabled || si == npos || st.slot_at(si).members < 2) {
            return npos;
        }
        const auto message = header_of(p);
        if (!message || !alg::begins_phase1(*message) || st.find_session(own.owner, message->initiator_spi()) != npos) {
            return npos;
        }
        const auto due = c_.the_alg.phase1_of_server().choose(si, *message);
        std::uint32_t other = npos;
        if (due.pair != npos && due.pair != own.owner) {
            shared_port<Core> port_500(c_);
            const bool known = port_500.flow_of(due.pair, p.key) != npos;
            other = port_500.flow_for(due.pair, p.key);
            if (other != npos && !port_500.share(own.owner, own)) {
                if (!known) {
                    c_.end_flow(other);
                }
                other = npos;
            }
        }
        if (due.candidates > 1 && (other != npos || due.pair == own.owner)) {
            c_.the_alg.phase1_of_server().note_chosen(due.pair, due.candidates, *message);
        }
        return other;
    }

    struct recognised {
        std::optional<wire::ike_view> view{};
        bool plain = false;  ///< UDP of this port, but no IKE (R2)
        drop_reason error = drop_reason::malformed;  ///< when it is neither
    };
    /// R1-R3: what a UDP payload on an IKE port is.
    [[nodiscard]] recognised recognise(hand& p) noexcept {
        constexpr std::size_t udp_header = 8;
        if (!p.packet->ensure_contiguous(p.s().length)) {
            return {std::nullopt, false, drop_reason::no_memory};
        }
        const bytes transport = p.s().transport(bytes{p.network()});
        const std::size_t size = std::size_t{load_be16(transport.data() + 4)} - udp_header;
        const bytes present = transport.subspan(udp_header).first(std::min(size, transport.size() - udp_header));
        if (size == 1 && present.size() == 1 && present[0] == 0xff) {
            c_.state().counts.count(alg::counter::natt_keepalives);
            return {std::nullopt, true};
        }
        if (size >= 28 && present.size() >= 8 && load_be64(present.data()) == 0) {
            return {std::nullopt, true};  // R2: ESP-in-UDP of old drafts begins like this
        }
        const auto parsed = wire::ike_view::parse(present, size);
        if (parsed.error != wire::ike_error::none) {
            return {};
        }
        return {parsed.view, false};
    }

    [[nodiscard]] auto at_hand(hand& p, nat::direction way, const wire::ike_view& m) const noexcept {
        const auto fragment = m.fragment();
        return alg::packet_at_hand<std::remove_reference_t<decltype(*p.packet)>>{
            *p.packet, p.s().length, way, fragment ? (std::uint32_t{fragment->id} << 16 | fragment->number) & ~alg::later_ip_fragment : 0U};
    }

    [[nodiscard]] maybe_verdict inbound_to(hand& p, std::uint32_t pi, std::uint32_t index, bool shared) {
        c_.flows()[index].last_seen = to_tick(c_.now);
        if (passes_unseen(index)) {
            note_phase2_unseen(p, pi);
            return c_.forward(p, index, nat::flow_side::inbound);
        }
        const auto message = recognise(p);
        if (message.view) {
            note_phase2(pi, *message.view);
        }
        if (message.plain || (message.view && ungated(*message.view))) {
            return c_.forward(p, index, nat::flow_side::inbound);
        }
        if (!message.view) {
            return verdict::drop(message.error);
        }
        const auto d = c_.the_alg.ike_inbound(pi, *message.view, index, shared, p.s().is_fragment(),
                                              at_hand(p, nat::direction::inbound, *message.view));
        return answer(p, d, index, nat::flow_side::inbound);
    }

    [[nodiscard]] maybe_verdict answer(hand& p, alg::decision d, std::uint32_t index, nat::flow_side side) {
        switch (d.act) {
            case alg::decision::what::forward: return c_.forward(p, index, side);
            case alg::decision::what::drop: return verdict::drop(d.reason);
            case alg::decision::what::again:  // of ESP only
            case alg::decision::what::held: break;
        }
        auto& held = c_.state().held_at(c_.state().last_held());
        held.flow = index;
        if (p.s().is_fragment()) {
            c_.renew_identification(p.s(), c_.flows()[index], side == nat::flow_side::outbound, held.has_identification,
                                    held.identification);
        }
        return std::nullopt;
    }

    [[nodiscard]] made add(std::uint32_t pi, const flow_type& f) {
        const auto added = c_.add_flow(f);
        if (added.result != nat::add_result::added) {
            return {npos, added.result == nat::add_result::full ? drop_reason::table_full : drop_reason::nat_exhausted};
        }
        ++c_.state().pair_at(pi).ike_ports;
        return {added.index, drop_reason::none};
    }
    /// A port of the pair's own; the same one after a restart with the same seed (N3).
    [[nodiscard]] made add_with_own_port(std::uint32_t pi, flow_type& f, port client_port, port server_port) {
        const auto& p = c_.state().pair_at(pi);
        const auto limits = c_.limits_of(c_.mappings[p.mapping].pool);
        const auto reserved =
            c_.ports.reserve_for({p.client, p.nat, p.vrf, ip_protocol::udp, client_port}, p.server, limits, pi);
        if (reserved.result != nat::port_result::mapped) {
            return {npos, drop_reason::nat_exhausted};
        }
        f.session = reserved.ref;
        f.inbound.selector = nat::port_selector(server_port, c_.ports[reserved.ref].external);
        const made r = add(pi, f);
        if (r.flow == npos) {
            (void)c_.ports.release(reserved.ref);
        }
        return r;
    }

    /// N3: three Phase 1 requests from a translated port without any answer, while the server talks to another client on 500.
    [[nodiscard]] bool must_fall_back(std::uint32_t pi, std::uint32_t index, const wire::ike_view& m) noexcept {
        auto& st = c_.state();
        const std::uint32_t si = st.pair_at(pi).slot;
        flow_type& f = c_.flows()[index];
        if (f.session == npos || si == npos || c_.configuration.alg.ike_port != alg::ike_port_mode::prefer ||
            f.has(nat::flow_flag::seen_inbound) || m.responder_spi().value != 0 || f.outbound.selector >> 16 != ike_port.value ||
            (f.state < 255 && ++f.state <= 3)) {
            return false;
        }
        unsigned walked = 0;
        for (std::uint32_t other = st.slot_at(si).first_member; other != npos && walked < 16; ++walked) {
            if (other != pi && st.session_at(st.pair_at(other).first_session).proven()) {
                return true;
            }
            other = st.pair_at(other).next_member;
        }
        return false;
    }
    [[nodiscard]] std::uint32_t fall_back(std::uint32_t pi, std::uint32_t index) {
        flow_type f = c_.flows()[index];
        f.inbound.selector = nat::port_selector(port{static_cast<std::uint16_t>(f.outbound.selector)}, ike_port);
        shared_port<Core> port_500(c_);
        if (!port_500.share(pi, f)) {
            return index;
        }
        (void)c_.ports.release(f.session);
        c_.flows().detach(index, nat::flow_side::inbound);
        flow_type& own = c_.flows()[index];
        own.session = npos;
        own.inbound.selector = f.inbound.selector;
        nat::compute_deltas(own);
        port_500.share_sessions_of(pi);
        c_.state().tell(alg::event_kind::port_fallback, pi);
        return index;
    }

    /// X6 `fan-out`: a copy to each client that may be meant; the packet itself goes to the last of them.
    [[nodiscard]] maybe_verdict fan_out(hand& p, std::uint32_t si) {
        std::uint32_t index = npos;
        c_.the_alg.for_each_fan_out(si, [&](std::uint32_t pi) {
            std::uint32_t next = shared_port<Core>(c_).flow_of(pi, p.key);
            next = next != npos && still_permitted(next) ? next : npos;
            if (next != npos && index != npos) {
                send_copy(p, index);
            }
            index = next != npos ? next : index;
        });
        c_.state().counts.count(alg::counter::ike_fan_out);
        return index == npos ? maybe_verdict{verdict::drop(drop_reason::ike_ambiguous)}
                             : maybe_verdict{c_.forward(p, index, nat::flow_side::inbound)};
    }

    /// Copies leave behind the burst, like packets that were held.
    void send_copy(hand& p, std::uint32_t index) {
        auto copy = p.packet->clone();
        const std::uint32_t h = copy ? c_.state().take_held(p.s().length) : npos;
        if (h != npos) {
            auto& held = c_.state().held_at(h);
            held.packet = std::move(*copy);
            held.pair = c_.flows()[index].owner;
            held.way = nat::direction::inbound;
            held.kind = alg::held_kind::enabling;
            held.flow = index;
            c_.state().hand_back(h, drop_reason::none);
        }
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
