// SPDX-License-Identifier: Apache-2.0
/// What the paths of a gateway share, without the paths: keys, mappings, pairs, flows, the last step of a packet.
#include "ikealg/gateway/core.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

struct bench {
    using core_type = detail::gateway_core<ipv4, io::memory_packet, recorder>;
    std::vector<alg::event<ipv4>> events;
    core_type core;

    explicit bench(const settings<ipv4>& s = usual_settings(), const gateway_options& o = small_options())
        : core(*gateway_configuration<ipv4>::build(s).value, o, recorder{&events}) {
        core.set_time(o.start);
    }
    /// A packet as the paths get it; the bytes stay with the caller.
    [[nodiscard]] core_type::hand hand_of(io::memory_packet& p) {
        core_type::hand h;
        h.packet = &p;
        wire::parse_packet<ipv4>(p.network(), p.network_length(), h.parsed);
        REQUIRE(h.parsed);
        h.key = detail::key_of(h.s(), p.zone());
        h.vrf = core.vrf_of(p.zone());
        return h;
    }
    /// A UDP flow of client `n` with a mapping and a port, as new_flow_path makes it.
    [[nodiscard]] std::uint32_t udp_flow(std::uint32_t n, std::uint16_t from = 6000) {
        const auto m = core.map_client({}, inside, outside, client(n), server_1);
        REQUIRE(m.ref != npos);
        nat::flow<ipv4> f;
        f.outbound = {client(n), server_1, nat::port_selector(port{from}, port{53}), inside, 17, 0};
        const auto mapped = core.ports.acquire({client(n), core.mappings[m.ref].nat, {}, ip_protocol::udp, port{from}}, core.limits_of(m.pool));
        REQUIRE(mapped.result == nat::port_result::mapped);
        f.session = mapped.ref;
        f.inbound = {server_1, core.mappings[m.ref].nat, nat::port_selector(port{53}, core.ports[mapped.ref].external), outside, 17, 0};
        f.kind = nat::flow_kind::translated;
        f.flags = nat::flow_flag::has_outbound | nat::flow_flag::has_inbound;
        f.owner = m.ref;
        f.idle_ms = 300'000;
        const auto added = core.add_flow(f);
        REQUIRE(added.result == nat::add_result::added);
        core.mappings.add_reference(m.ref);
        return added.index;
    }
};

}  // namespace

TEST_CASE_TEMPLATE("E4, N13: a packet's key is its addresses, zone, protocol, and its ports or its SPI", F, ipv4, ipv6) {
    wire::packet_summary<F> s;
    s.source = tests::numbered<F>(1);
    s.destination = tests::numbered<F>(2);
    s.source_port = port{7};
    s.destination_port = port{8};
    s.protocol = 17;
    s.kind = wire::packet_kind::udp;
    const auto udp_key = detail::key_of(s, zone_id{3});
    CHECK(udp_key == nat::flow_key<F>{s.source, s.destination, 7U << 16 | 8U, zone_id{3}, 17, 0});
    CHECK_FALSE(udp_key == detail::key_of(s, zone_id{4}));
    s.kind = wire::packet_kind::esp;
    s.protocol = 50;
    s.spi = spi{0xcafe};
    CHECK(detail::key_of(s, zone_id{3}) == nat::flow_key<F>{s.source, s.destination, 0xcafe, zone_id{3}, 50, 0});
}

TEST_CASE("N1: a client's mapping is made once and told; N6: without an address there is a reason and an event") {
    auto s = usual_settings(1);
    s.nat.pools[0].port_no_translation = true;  // one client an address
    bench b(s);
    const auto first = b.core.map_client({}, inside, outside, client(1), server_1);
    REQUIRE(first.ref != npos);
    CHECK(b.core.mappings[first.ref].nat == nat_1);
    CHECK(b.core.map_client({}, inside, outside, client(1), server_2).ref == first.ref);
    CHECK(b.core.state().counts[counter::mappings_created] == 1);
    const auto second = b.core.map_client({}, inside, outside, client(2), server_1);
    CHECK(second.ref == npos);
    CHECK(second.reason == drop_reason::nat_exhausted);
    REQUIRE(b.events.size() == 2);
    CHECK(b.events[0].kind == event_kind::mapping_created);
    CHECK(b.events[1].kind == event_kind::nat_exhausted);
    CHECK(b.events[1].client == client(2));
}

TEST_CASE("N2: a new client gets the address on which nobody talks to its server") {
    bench b(usual_settings(3));
    for (std::uint32_t n = 1; n <= 3; ++n) {
        REQUIRE(b.core.pair_for({}, inside, outside, client(n), server_1, false).pair != npos);
    }
    CHECK(b.core.state().slots().size() == 3);
}

TEST_CASE("L1: a pair is found again, holds its mapping, and is refused as table_full when there is no room") {
    auto o = small_options();
    o.capacity.pairs = 2;
    bench b(usual_settings(), o);
    const auto one = b.core.pair_for({}, inside, outside, client(1), server_1, true);
    REQUIRE(one.pair != npos);
    CHECK(b.core.pair_for({}, inside, outside, client(1), server_1, false).pair == one.pair);
    CHECK(b.core.state().pair_at(one.pair).midstream);
    CHECK(b.core.state().pair_at(one.pair).nat == nat_1);
    CHECK(b.core.pair_for({}, inside, outside, client(1), server_2, false).pair != npos);
    const auto third = b.core.pair_for({}, inside, outside, client(2), server_1, false);
    CHECK(third.pair == npos);
    CHECK(third.reason == drop_reason::table_full);
    CHECK(b.core.state().pairs().size() == 2);
}

TEST_CASE("N10, N15: forward() rewrites by the flow, refreshes it and remembers it for later fragments") {
    bench b;
    const std::uint32_t i = b.udp_flow(1);
    b.core.set_time(b.core.now + 100s);
    io::memory_packet p(udp(client(1), 6000, server_1, 53, hello), inside);
    auto h = b.hand_of(p);
    const verdict v = b.core.forward(h, i, nat::flow_side::outbound);
    CHECK(v == verdict::forward(outside));
    CHECK(source_of(p.network_copy()) == nat_1);
    CHECK(sound(p.network_copy()));
    CHECK(b.core.flows()[i].last_seen == to_tick(b.core.now));
    CHECK_FALSE(b.core.flows()[i].has(nat::flow_flag::seen_inbound));
    CHECK(b.core.last_forwarded.index == i);
    const auto port = static_cast<std::uint16_t>(b.core.flows()[i].inbound.selector);
    io::memory_packet back(udp(server_1, 53, nat_1, port, hello), outside);
    auto hb = b.hand_of(back);
    CHECK(b.core.forward(hb, i, nat::flow_side::inbound) == verdict::forward(inside));
    CHECK(destination_of(back.network_copy()) == client(1));
    CHECK(b.core.flows()[i].has(nat::flow_flag::seen_inbound));
    CHECK(b.core.last_forwarded.side == nat::flow_side::inbound);
}

TEST_CASE("L6: forward() drops what has no hop left, or whose bytes cannot be written, and leaves it as it was") {
    bench b;
    const std::uint32_t i = b.udp_flow(1);
    const octets last_hop = udp(client(1), 6000, server_1, 53, hello, {1});
    io::memory_packet p(last_hop, inside);
    auto h = b.hand_of(p);
    CHECK(b.core.forward(h, i, nat::flow_side::outbound) == verdict::drop(drop_reason::ttl));
    CHECK(p.network_copy() == last_hop);
    const octets packet = udp(client(1), 6000, server_1, 53, hello);
    io::memory_packet shared(packet, inside);
    const io::memory_packet other = shared.share();
    shared.fail_writable();
    auto hs = b.hand_of(shared);
    CHECK(b.core.forward(hs, i, nat::flow_side::outbound) == verdict::drop(drop_reason::no_memory));
    CHECK(other.network_copy() == packet);
}

TEST_CASE("L1: a flow that ends gives back its port and its mapping; one that finds no room is not there") {
    auto o = small_options();
    o.capacity.flows = 3;
    bench b(usual_settings(), o);
    std::vector<std::uint32_t> made{b.udp_flow(1), b.udp_flow(2), b.udp_flow(3)};
    auto extra = b.core.flows()[made[0]];
    extra.outbound.source = client(9);
    extra.inbound.selector ^= 1;
    CHECK(b.core.add_flow(extra).result == nat::add_result::full);
    CHECK(b.core.ports.size() == 3);
    for (const std::uint32_t i : made) {
        b.core.end_flow(i);
    }
    CHECK(b.core.flows().size() == 0);
    CHECK(b.core.ports.size() == 0);
    CHECK(b.core.state().counts[counter::flows_created] == 3);
    CHECK(b.core.state().counts[counter::flows_ended] == 3);
    b.core.set_time(b.core.now + 301s);
    CHECK(b.core.mappings.expire(b.core.now, 10, [](const auto&) {}) == 3);  // the hold, and nothing else, kept them
}

TEST_CASE("P4: after the generation number wraps nothing looks permitted that an older configuration permitted") {
    bench b;
    const std::uint32_t i = b.udp_flow(1);
    const std::uint32_t pi = b.core.pair_for({}, inside, outside, client(1), server_1, false).pair;
    for (int n = 0; n < 600; ++n) {
        b.core.next_generation();
        CAPTURE(n);
        REQUIRE(b.core.generation != 0);
        REQUIRE(b.core.flows()[i].generation != b.core.generation);
        REQUIRE(b.core.state().pair_at(pi).generation != b.core.generation);
    }
}

TEST_CASE("P1, G7: policy is asked by ports, by ICMP type for echo, and for a pair by its IKE") {
    auto s = usual_settings();
    bench b(s);
    const nat::flow_key<ipv4> ike_key{client(1), server_1, nat::port_selector(ike_port, ike_port), inside, 17, 0};
    CHECK(b.core.ask_policy(ike_key, outside).action == policy::policy_action::permit);
    CHECK(b.core.ask_policy(ike_key, outside).ike_esp_nat);
    CHECK_FALSE(b.core.ask_policy({client(1), server_1, nat::port_selector(ike_port, port{53}), inside, 17, 0}, outside).ike_esp_nat);
    CHECK(b.core.ask_policy({server_1, client(1), nat::port_selector(ike_port, ike_port), outside, 17, 0}, inside).action !=
          policy::policy_action::permit);
    const std::uint32_t pi = b.core.pair_for({}, inside, outside, client(1), server_1, false).pair;
    CHECK(b.core.policy_permits_pair(pi));
    s.policy.policies.clear();
    b.core.configuration = std::move(*gateway_configuration<ipv4>::build(s).value);
    CHECK_FALSE(b.core.policy_permits_pair(pi));
}
