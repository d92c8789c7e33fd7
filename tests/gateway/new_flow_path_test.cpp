// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/new_flow_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

constexpr std::uint8_t fin = 1;
constexpr std::uint8_t syn = 2;
constexpr std::uint8_t ack = 16;

/// The answer to a translated UDP or TCP packet, as the server sends it.
octets answer_udp(const octets& seen, const octets& payload = hello) {
    return udp(destination_of(seen), destination_port_of(seen), source_of(seen), source_port_of(seen), payload);
}
octets answer_tcp(const octets& seen, std::uint8_t flags) {
    return tcp(destination_of(seen), destination_port_of(seen), source_of(seen), source_port_of(seen), flags);
}

}  // namespace

TEST_CASE("N1: every protocol of a client uses the one nat address of its mapping") {
    world w(usual_settings(16));
    tunnel t(w, 11);
    t.connect(0xa001, 0xb001);
    const ipv4_address nat = t.nat;
    CHECK(source_of(w.out(udp(client(11), 4500, server_2, 4500, hello)).data) == nat);
    CHECK(source_of(w.out(udp(client(11), 1234, server_2, 53, hello)).data) == nat);
    CHECK(source_of(w.out(tcp(client(11), 1234, server_2, 80, syn)).data) == nat);
    CHECK(source_of(w.out(echo(client(11), server_2, 9)).data) == nat);
    CHECK(source_of(t.esp_out(0xb001, 2).data) == nat);
    tunnel second(w, 11, 2, server_2);
    CHECK(second.out(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(second.nat == nat);
    CHECK(w.g->nat_address_of(inside, client(11), server_1) == nat);
    CHECK(w.count(counter::mappings_created) == 1);
}

TEST_CASE("P1: session-init and session-close are for the log when the policy in force says so") {
    for (const bool init : {false, true}) {
        for (const bool close : {false, true}) {
            auto s = usual_settings(1);
            for (auto& policy : s.policy.policies) {
                policy.log_session_init = init;
                policy.log_session_close = close;
            }
            world w(s);
            CHECK(w.out(echo(client(11), server_1, 1)).forwarded());
            w.pass(60s + 2s);
            std::size_t seen = 0;
            for (const auto& e : *w.events) {
                if (e.kind == event_kind::flow_started || e.kind == event_kind::flow_ended) {
                    ++seen;
                    CHECK(e.logged == (e.kind == event_kind::flow_started ? init : close));
                }
            }
            CHECK(seen == 2);
        }
    }
}

TEST_CASE("P1: a denied session is for the log when the policy that denies it has session-init, other drops are not") {
    for (const auto act : {policy::policy_action::deny, policy::policy_action::reject}) {
        for (const bool init : {false, true}) {
            auto s = usual_settings(1);
            for (auto& policy : s.policy.policies) {
                policy.action = act;
                policy.log_session_init = init;
                policy.log_session_close = !init;
            }
            world w(s);
            CHECK_FALSE(w.out(udp(client(11), 1234, server_1, 53, hello)).forwarded());
            CHECK_FALSE(w.in(udp(server_1, 53, client(11), 1234, hello)).forwarded());
            std::vector<bool> logged;
            for (const auto& e : *w.events) {
                if (e.kind == event_kind::dropped) {
                    logged.push_back(e.logged);
                }
            }
            CHECK(logged == std::vector<bool>{init, false});
        }
    }
}

TEST_CASE("N2: clients of one server are spread over the pool; a mapping lives as long as its state and then 300 s") {
    world w(usual_settings(4));
    std::vector<ipv4_address> used;
    for (std::uint32_t i = 0; i < 4; ++i) {
        tunnel t(w, 20 + i);
        t.phase1();
        CHECK(std::count(used.begin(), used.end(), t.nat) == 0);
        used.push_back(t.nat);
    }
    const ipv4_address first = source_of(w.out(echo(client(99), server_2, 1)).data);
    w.pass(60s + 2s);  // the echo flow ends
    CHECK(w.count(counter::mappings_ended) == 0);
    w.pass(290s);
    CHECK(w.count(counter::mappings_ended) == 0);
    CHECK(source_of(w.out(echo(client(99), server_2, 1)).data) == first);
    w.pass(60s + 310s);
    CHECK(w.count(counter::mappings_ended) == 1);
}

TEST_CASE("N6: an exhausted pool drops the first packet, counted and told; no living client loses anything") {
    auto s = usual_settings(2);
    s.nat.pools[0].port_no_translation = true;  // one client an address (N17)
    world w(s);
    const outcome a = w.out(udp(client(1), 5353, server_1, 53, hello));
    const outcome b = w.out(udp(client(2), 5353, server_1, 53, hello));
    REQUIRE(a.forwarded());
    REQUIRE(b.forwarded());
    CHECK(source_of(a.data) != source_of(b.data));
    CHECK(source_port_of(a.data) == 5353);
    CHECK(source_port_of(b.data) == 5353);
    CHECK(w.out(udp(client(3), 5353, server_1, 53, hello)).dropped(drop_reason::nat_exhausted));
    CHECK(w.count(drop_reason::nat_exhausted) == 1);
    CHECK(w.told(event_kind::nat_exhausted) == 1);
    CHECK(w.in(answer_udp(a.data)).forwarded());
    CHECK(w.out(udp(client(2), 5353, server_1, 53, hello)).forwarded());
}

TEST_CASE("N6: no port is left") {
    auto s = usual_settings();
    s.nat.pools[0].ports = {2000, 2003};
    world w(s);
    for (std::uint16_t i = 0; i < 4; ++i) {
        const outcome o = w.out(udp(client(1), static_cast<std::uint16_t>(40000 + i), server_1, 53, hello));
        REQUIRE(o.forwarded());
        CHECK(source_port_of(o.data) >= 2000);
        CHECK(source_port_of(o.data) <= 2003);
    }
    CHECK(w.out(udp(client(1), 40010, server_1, 53, hello)).dropped(drop_reason::nat_exhausted));
    w.pass(301s);
    CHECK(w.out(udp(client(1), 40010, server_1, 53, hello)).forwarded());
}

TEST_CASE("N7: NAT off before the pool: nothing is rewritten but the TTL, the tunnel works and is never queued (G9)") {
    auto s = usual_settings();
    s.nat.rule_sets[0].rules.insert(s.nat.rule_sets[0].rules.begin(),
                                    {"exempt", {{v4("10.0.0.0"), 24}}, {{server_1, 32}}, nat::nat_action::off, {}});
    world w(s);
    const outcome o = w.out(udp(client(11), 700, server_1, 53, hello));
    REQUIRE(o.forwarded());
    CHECK(o.data == udp(client(11), 700, server_1, 53, hello, {63}));
    CHECK(w.in(udp(server_1, 53, client(11), 700, hello)).data == udp(server_1, 53, client(11), 700, hello, {63}));
    tunnel a(w, 11);
    tunnel b(w, 12);
    a.phase1();
    b.phase1();
    CHECK(a.nat == client(11));
    CHECK(b.nat_port == 500);
    // Both at once, and both servers answer at once: nobody waits and nothing is ambiguous.
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(b.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(b.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(b.got(0x7777));
    CHECK(a.got(0x7777));  // even the same SPI
    CHECK(a.esp_out(0x8888).forwarded());
    CHECK(b.esp_out(0x8888).forwarded());
    CHECK(source_of(w.out(udp(client(11), 700, server_2, 53, hello)).data) == nat_1);
}

TEST_CASE("N11: a packet to a nat address without state is dropped, never sent back out") {
    world w(usual_settings(4));
    CHECK(w.in(udp(server_1, 53, nat_1, 4000, hello)).dropped(drop_reason::no_state));
    CHECK(w.in(tcp(server_1, 80, nat_1.plus(3), 4000, syn)).dropped(drop_reason::no_state));
    CHECK(w.in(echo(server_1, nat_1, 4)).dropped(drop_reason::no_state));
    CHECK(w.in(esp(server_1, nat_1, 0x5000)).dropped(drop_reason::esp_no_gate));
    CHECK(w.in(udp(server_1, 500, nat_1, 500, ike({1, 2}))).dropped(drop_reason::no_state));
    CHECK(w.count(drop_reason::no_state) == 4);
}

TEST_CASE("N11: what is addressed to an interface is the host's") {
    auto s = usual_settings();
    s.interfaces = {{"untrust", v4("192.0.2.1")}, {"trust", v4("10.255.0.1")}};
    s.nat.rule_sets[0].rules[0] = {"masquerade", {}, {}, nat::nat_action::interface, {}};
    world w(s);
    CHECK(w.out(udp(client(1), 99, v4("10.255.0.1"), 53, hello)).v.act == action::local);
    CHECK(w.in(udp(server_1, 500, v4("192.0.2.1"), 500, ike({1, 2}))).v.act == action::local);
    CHECK(w.in(esp(server_1, v4("192.0.2.1"), 0x5000)).v.act == action::local);
    CHECK(w.in(ah(server_1, v4("192.0.2.1"), 0x5000)).v.act == action::local);
    const outcome o = w.out(udp(client(1), 99, server_1, 53, hello));
    CHECK(source_of(o.data) == v4("192.0.2.1"));
    CHECK(w.in(answer_udp(o.data)).forwarded());
}

TEST_CASE("N11, N12: clients reach the gateway itself at the interface address that they are translated to") {
    for (const bool hairpins : {false, true}) {
        CAPTURE(hairpins);
        auto s = usual_settings();
        s.hairpin = hairpins;
        s.interfaces = {{"untrust", v4("192.0.2.1")}};
        s.nat.rule_sets[0].rules[0] = {"masquerade", {}, {}, nat::nat_action::interface, {}};
        world w(s);
        const outcome o = w.out(udp(client(2), 6000, server_1, 53, hello));
        REQUIRE(o.forwarded());
        for (const octets& packet : {echo(client(1), v4("192.0.2.1"), 1), tcp(client(1), 80, v4("192.0.2.1"), 22, syn),
                                     udp(client(1), 7000, v4("192.0.2.1"), 53, hello), esp(client(1), v4("192.0.2.1"), 0x5000)}) {
            CHECK(w.out(packet).v.act == action::local);
        }
        const outcome to_2 = w.out(udp(client(1), 7000, v4("192.0.2.1"), source_port_of(o.data), hello));
        CHECK((hairpins ? to_2.forwarded() : to_2.v.act == action::local));
        CHECK(w.count(drop_reason::hairpin) == 0);
    }
}

TEST_CASE("N12: hairpin traffic is dropped and counted, unless it is enabled; then both ends are translated") {
    for (const bool enabled : {false, true}) {
        CAPTURE(enabled);
        auto s = usual_settings();
        s.hairpin = enabled;
        world w(s);
        const outcome o = w.out(udp(client(2), 6000, server_1, 53, hello));
        REQUIRE(o.forwarded());
        const octets question = udp(client(1), 7000, nat_1, source_port_of(o.data), hello);
        const outcome to_2 = w.out(question);
        if (!enabled) {
            CHECK(to_2.dropped(drop_reason::hairpin));
            CHECK(w.out(esp(client(1), nat_1, 0x1000)).dropped(drop_reason::hairpin));
            CHECK(w.out(echo(client(1), nat_1, 1)).dropped(drop_reason::hairpin));
            CHECK(w.count(drop_reason::hairpin) == 3);
            continue;
        }
        REQUIRE(to_2.forwarded());
        CHECK(to_2.v.to == inside);
        CHECK(source_of(to_2.data) == nat_1);
        CHECK(destination_of(to_2.data) == client(2));
        CHECK(destination_port_of(to_2.data) == 6000);
        const outcome back = w.out(answer_udp(to_2.data));
        REQUIRE(back.forwarded());
        CHECK(back.v.to == inside);
        CHECK(back.data == udp(nat_1, source_port_of(o.data), client(1), 7000, hello, {63}));
        CHECK(w.out(udp(client(1), 7000, nat_1, 1, hello)).dropped(drop_reason::no_state));
    }
}

TEST_CASE_TEMPLATE("P2: only flows that an ike-esp-nat application matches are the ALG's; elsewhere IKE is UDP and opens nothing", F, ipv4, ipv6) {
    auto s = usual_settings<F>();
    s.policy.zones[1].address_book.addresses = {{"gateways", prefix<F>{at<F>::server(), F::address::bits}}};
    s.policy.policies[0].destination_addresses = {"gateways"};
    auto& ike_alg = s.policy.applications[0];
    auto odd = ike_alg;
    odd.name = "ike-elsewhere";
    odd.destination_port = {5500, 5500};
    s.policy.applications.push_back(odd);
    s.policy.policies[0].applications.push_back(odd.name);
    basic_world<F> w(s);
    basic_tunnel<F> a(w, 1);
    a.connect(0xa001, 0xb001);
    CHECK(w.g->records().sessions().size() == 1);
    basic_tunnel<F> elsewhere(w, 1, 2, at<F>::server(1));  // permitted by a policy without the ALG
    CHECK(elsewhere.out(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(elsewhere.in(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(elsewhere.out(exchange_type::ike_auth, 1).forwarded());
    CHECK(w.g->records().sessions().size() == 1);
    CHECK(elsewhere.esp_out(0xb002).dropped(drop_reason::esp_no_gate));
    CHECK(elsewhere.esp_in(0xa002).dropped(drop_reason::esp_no_gate));
    CHECK(w.out(udp(at<F>::client(2), 500, at<F>::server(1), 500, octets(20))).forwarded());  // R1 does not hold there
    CHECK(w.out(udp(at<F>::client(2), 500, at<F>::server(), 500, octets(20))).dropped(drop_reason::malformed));
    CHECK(w.out(udp(at<F>::client(2), 5500, at<F>::server(), 5500, octets(20))).dropped(drop_reason::malformed));
    CHECK(w.out(udp(at<F>::client(2), 5500, at<F>::server(), 5501, octets(20))).forwarded());
}

TEST_CASE("N12: a hairpin flow holds the port that it reaches, for as long as it lives and no longer") {
    auto s = usual_settings();
    s.hairpin = true;
    s.nat.pools[0].ports = {2000, 2001};
    world w(s);
    const outcome o = w.out(udp(client(2), 6000, server_1, 53, hello));
    REQUIRE(o.forwarded());
    const std::uint16_t reached = source_port_of(o.data);
    const octets question = udp(client(1), 7000, nat_1, reached, hello);
    for (int i = 0; i < 12; ++i) {  // the reached client's own flow idles out after 300 s
        const outcome to_2 = w.out(question);
        REQUIRE(to_2.forwarded());
        CHECK(destination_of(to_2.data) == client(2));
        CHECK(w.out(udp(client(2), 6000, nat_1, source_port_of(to_2.data), hello)).forwarded());
        w.pass(100s);
    }
    CHECK(w.g->records().flows.size() == 1);
    CHECK(w.g->ports().size() == 2);
    CHECK(w.out(udp(client(3), 6500, server_1, 53, hello)).dropped(drop_reason::nat_exhausted));  // the port is not another's
    SUBCASE("a third client still reaches it, and a restart keeps it") {
        std::vector<state_record<ipv4>> records;
        w.g->export_records([&](const auto& r) { records.push_back(r); });
        world fresh(s);
        for (const auto& r : records) {
            CHECK(fresh.g->import_record(r, fresh.now));
        }
        CHECK(fresh.g->ports().size() == 2);
        CHECK(destination_of(fresh.out(question).data) == client(2));
        CHECK(source_port_of(fresh.out(udp(client(2), 6000, server_1, 53, hello)).data) == reached);
        fresh.pass(24h);
        CHECK(fresh.g->ports().size() == 0);
        CHECK(fresh.g->mappings().size() == 0);
    }
    SUBCASE("it ends") {
        w.pass(301s);
        CHECK(w.g->ports().size() == 0);
        CHECK(w.out(question).dropped(drop_reason::no_state));
        CHECK(w.out(udp(client(3), 6500, server_1, 53, hello)).forwarded());
    }
}

TEST_CASE("N13: two VRFs with the same private and nat addresses never meet") {
    auto s = usual_settings();
    s.policy.zones.push_back({"trust-2", vrf_id{2}, {{v4("10.0.0.0"), 8}}, {}});
    s.policy.zones.push_back({"untrust-2", vrf_id{2}, {prefix<ipv4>{}}, {}});
    for (std::size_t i = 0; i < 2; ++i) {
        auto p = s.policy.policies[i];
        p.from_zone = "trust-2";
        p.to_zone = "untrust-2";
        s.policy.policies.push_back(p);
    }
    s.nat.pools.push_back(s.nat.pools[0]);
    s.nat.pools[1].name = "pool-2";
    s.nat.pools[1].vrf = vrf_id{2};
    s.nat.rule_sets.push_back({"out-2", {"trust-2"}, {"untrust-2"}, {{"all", {}, {}, nat::nat_action::pool, "pool-2"}}});
    world w(s);
    const zone_id in_2{2};
    const zone_id out_2{3};
    const octets first = udp(client(1), 7000, server_1, 53, hello);
    const outcome a = w.send(first, inside);
    const outcome b = w.send(first, in_2);
    REQUIRE(a.forwarded());
    REQUIRE(b.forwarded());
    CHECK(a.v.to == outside);
    CHECK(b.v.to == out_2);
    CHECK(a.data == b.data);
    CHECK(w.send(answer_udp(a.data), outside).v.to == inside);
    CHECK(w.send(answer_udp(a.data), out_2).v.to == in_2);
    // ESP: a slot and its bindings belong to one VRF.
    tunnel t(w, 1);
    t.connect(0xa001, 0xb001);
    CHECK(t.got(0xa001, 2));
    CHECK(w.send(esp(server_1, nat_1, 0xa001, 3), out_2).dropped(drop_reason::esp_no_gate));
    CHECK(w.send(esp(client(1), server_1, 0xb001, 3), in_2).dropped(drop_reason::esp_no_gate));
    CHECK(w.send(udp(client(1), 500, server_1, 500, ike({5, 0})), in_2).v.to == out_2);
    CHECK(w.send(esp(server_1, nat_1, 0xa002, 3), out_2).v.to == in_2);  // E5: its only client with IKE state
    CHECK(w.send(esp(server_1, nat_1, 0xa001, 4), outside).v.to == inside);
}

TEST_CASE("N14: UDP mappings are endpoint-independent, and end after 300 s without a packet") {
    world w;
    const outcome a = w.out(udp(client(1), 6000, server_1, 53, hello));
    const outcome b = w.out(udp(client(1), 6000, server_2, 99, hello));
    const outcome c = w.out(udp(client(2), 6000, server_1, 53, hello));
    REQUIRE(a.forwarded());
    CHECK(a.v.to == outside);
    CHECK(source_port_of(a.data) == 6000);
    CHECK(source_port_of(b.data) == 6000);
    CHECK(source_port_of(c.data) != 6000);
    const auto end = w.g->outside_of(inside, client(2), port{6000}, server_1, port{53}, ip_protocol::udp);
    REQUIRE(end);
    CHECK(end->nat == nat_1);
    CHECK(end->external.value == source_port_of(c.data));
    const outcome back = w.in(answer_udp(c.data));
    CHECK(back.v.to == inside);
    CHECK(back.data == udp(server_1, 53, client(2), 6000, hello, {63}));
    w.pass(299s);
    CHECK(w.in(answer_udp(c.data)).forwarded());
    CHECK(w.g->records().flows.size() == 3);
    w.pass(2s);
    CHECK(w.in(answer_udp(a.data)).dropped(drop_reason::no_state));
    CHECK(w.g->records().flows.size() == 1);
    CHECK(w.told(event_kind::flow_ended) == 2);
    w.pass(600s);
    CHECK(w.g->records().flows.size() == 0);
    CHECK(w.g->ports().size() == 0);
    CHECK(w.g->mappings().size() == 0);
}

TEST_CASE("N14: UDP without a checksum keeps none; TTL runs out") {
    world w;
    const outcome o = w.out(udp(client(1), 6000, server_1, 53, hello, {}, false));
    REQUIRE(o.forwarded());
    CHECK(load_be16(&o.data[26]) == 0);
    CHECK(w.out(udp(client(1), 6000, server_1, 53, hello, {1})).dropped(drop_reason::ttl));
    CHECK(w.out(udp(client(1), 6000, server_1, 53, hello, {2})).data[8] == 1);
}

TEST_CASE("N14: TCP by its state: 4 minutes while opening and when closed, 2 h 4 min while established") {
    world w;
    const outcome open = w.out(tcp(client(1), 6000, server_1, 80, syn));
    REQUIRE(open.forwarded());
    SUBCASE("never answered") {
        w.pass(241s);
        CHECK(w.in(answer_tcp(open.data, syn | ack)).dropped(drop_reason::no_state));
    }
    SUBCASE("established, then closed") {
        CHECK(w.in(answer_tcp(open.data, syn | ack)).forwarded());
        CHECK(w.out(tcp(client(1), 6000, server_1, 80, ack)).forwarded());
        w.pass(7400s);
        CHECK(w.in(answer_tcp(open.data, ack)).forwarded());
        w.pass(1000s);
        CHECK(w.out(tcp(client(1), 6000, server_1, 80, fin | ack)).forwarded());
        CHECK(w.in(answer_tcp(open.data, fin | ack)).forwarded());
        CHECK(w.out(tcp(client(1), 6000, server_1, 80, ack)).forwarded());
        w.pass(241s);
        CHECK(w.in(answer_tcp(open.data, ack)).dropped(drop_reason::no_state));
        CHECK(w.g->records().flows.size() == 0);
    }
}

TEST_CASE("N14: echo by its identifier, 60 s; 4500 at least 300 s") {
    world w;
    const outcome a = w.out(echo(client(1), server_1, 77));
    const outcome b = w.out(echo(client(2), server_1, 77));
    REQUIRE(a.forwarded());
    REQUIRE(b.forwarded());
    CHECK(load_be16(&a.data[24]) == 77);
    const std::uint16_t id = load_be16(&b.data[24]);
    CHECK(id != 77);
    CHECK(w.in(echo(server_1, nat_1, id, 1, true)).data ==
          icmp(server_1, client(2), 0, 0, 77U << 16 | 1U, octets(16, 0x61), {63}));
    CHECK(w.out(echo(client(1), server_1, 78, 1, true)).dropped(drop_reason::no_state));  // a reply that nobody asked for
    const outcome natt = w.out(udp(client(1), 4500, server_1, 4500, hello));
    w.pass(61s);
    CHECK(w.in(echo(server_1, nat_1, id, 1, true)).dropped(drop_reason::no_state));
    w.pass(230s);
    CHECK(w.in(answer_udp(natt.data)).forwarded());
}

TEST_CASE("N15: packets that may be fragmented get an identification of their own for (nat address, destination); atomic ones keep theirs") {
    world w;
    ip_fields loose;
    loose.dont_fragment = false;
    loose.id = 5;
    std::vector<std::uint16_t> seen;
    for (std::uint32_t c = 1; c <= 3; ++c) {
        for (int i = 0; i < 20; ++i) {
            const outcome o = w.out(udp(client(c), 6000, server_1, 53, hello, loose));
            REQUIRE(o.forwarded());
            seen.push_back(identification_of(o.data));
        }
    }
    std::sort(seen.begin(), seen.end());
    CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
    const outcome atomic = w.out(udp(client(1), 6000, server_1, 53, hello));
    CHECK(identification_of(atomic.data) == 0x1234);
    CHECK(identification_of(w.in(udp(server_1, 53, nat_1, 6000, hello, loose)).data) == 5);
}

TEST_CASE("N16: a static 1:1 client: an inside responder is reached from outside, both sides talk, nothing is queued") {
    auto s = usual_settings();
    s.nat.statics = {{"responder", "trust", {client(200), 32}, {v4("203.0.113.200"), 32}}};
    auto from_outside = s.policy.policies[0];
    from_outside.from_zone = "untrust";
    from_outside.to_zone = "trust";
    s.policy.policies.push_back(from_outside);
    from_outside.name = "web";
    from_outside.applications = {"junos-http"};
    s.policy.policies.push_back(from_outside);
    world w(s);
    const ipv4_address nat = v4("203.0.113.200");
    // The peer outside starts IKE.
    ike_fields f{0x77, 0};
    const outcome first = w.in(udp(server_1, 500, nat, 500, ike(f)));
    REQUIRE(first.forwarded());
    CHECK(first.v.to == inside);
    CHECK(destination_of(first.data) == client(200));
    f.responder = 0x88;
    f.flags = 0x20;
    const outcome answer = w.out(udp(client(200), 500, server_1, 500, ike(f)));
    REQUIRE(answer.forwarded());
    CHECK(source_of(answer.data) == nat);
    CHECK(source_port_of(answer.data) == 500);
    f.exchange = static_cast<std::uint8_t>(exchange_type::ike_auth);
    f.message_id = 1;
    f.flags = 0x08;
    CHECK(w.in(udp(server_1, 500, nat, 500, ike(f))).forwarded());
    f.flags = 0x20;
    CHECK(w.out(udp(client(200), 500, server_1, 500, ike(f))).forwarded());
    const outcome e = w.in(esp(server_1, nat, 0x4000));
    CHECK(e.forwarded());
    CHECK(destination_of(e.data) == client(200));
    CHECK(source_of(w.out(esp(client(200), server_1, 0x5000)).data) == nat);
    // Other traffic, and what policy does not permit.
    CHECK(destination_of(w.in(tcp(server_2, 1000, nat, 80, syn)).data) == client(200));
    CHECK(w.out(tcp(client(200), 80, server_2, 1000, syn | ack)).forwarded());
    CHECK(w.in(tcp(server_2, 1000, nat, 22, syn)).dropped(drop_reason::policy));
    CHECK(source_of(w.out(udp(client(200), 4444, server_2, 53, hello)).data) == nat);
    // P4: the flows began outside, and are asked for in that direction.
    CHECK(w.g->replace(s, w.now).empty());
    CHECK(w.out(tcp(client(200), 80, server_2, 1000, ack)).forwarded());
    CHECK(w.in(udp(server_1, 500, nat, 500, ike(f))).forwarded());
    s.policy.policies.pop_back();
    CHECK(w.g->replace(s, w.now).empty());
    CHECK(w.in(tcp(server_2, 1000, nat, 80, ack)).dropped(drop_reason::policy));
    CHECK(w.in(esp(server_1, nat, 0x4000, 2)).forwarded());
}

TEST_CASE("N17: every mapping made and ended, and every flow, is an event with its time") {
    world w;
    CHECK(w.out(udp(client(1), 6000, server_1, 53, hello)).forwarded());
    w.pass(700s);
    const auto of = [&](event_kind k) {
        const auto it = std::find_if(w.events->begin(), w.events->end(), [&](const auto& e) { return e.kind == k; });
        REQUIRE(it != w.events->end());
        return *it;
    };
    const auto made = of(event_kind::mapping_created);
    CHECK(made.at == instant{1h});
    CHECK(made.client == client(1));
    CHECK(made.nat == nat_1);
    const auto flow = of(event_kind::flow_started);
    CHECK(flow.client_port.value == 6000);
    CHECK(flow.nat_port.value == 6000);
    CHECK(flow.server_port.value == 53);
    CHECK(of(event_kind::flow_ended).at >= instant{1h + 300s});
    const auto ended = of(event_kind::mapping_ended);
    CHECK(ended.at >= instant{1h + 600s});
    CHECK(ended.detail >= 600);
    CHECK(ended.detail <= 602);
}

TEST_CASE("P1: permit, deny, reject and the default") {
    auto s = usual_settings();
    s.policy.policies[1].applications = {"junos-http", "junos-ping"};
    auto reject = s.policy.policies[1];
    reject.name = "no telnet";
    reject.applications = {"junos-telnet"};
    reject.action = policy::policy_action::reject;
    s.policy.policies.push_back(reject);
    world w(s);
    CHECK(w.out(tcp(client(1), 6000, server_1, 80, syn)).forwarded());
    CHECK(w.out(echo(client(1), server_1, 1)).forwarded());
    const outcome o = w.out(tcp(client(1), 6000, server_1, 23, syn));
    CHECK(o.v.act == action::reject);
    CHECK(o.v.reason == drop_reason::policy);
    CHECK(w.out(tcp(client(1), 6000, server_1, 25, syn)).dropped(drop_reason::policy));
    CHECK(w.in(tcp(server_1, 1, client(1), 80, syn)).dropped(drop_reason::policy));
    CHECK(w.count(drop_reason::policy) == 3);
    CHECK(w.g->records().flows.size() == 2);
}

TEST_CASE("P4: a flow that the new configuration denies is dropped from its next packet on; the others pass") {
    auto s = usual_settings();
    world w(s);
    const outcome web = w.out(tcp(client(1), 6000, server_1, 80, syn));
    const outcome dns = w.out(udp(client(1), 6000, server_1, 53, hello));
    s.policy.policies[1].applications = {"junos-dns-udp"};
    CHECK(w.g->replace(s, w.now).empty());
    CHECK(w.in(answer_tcp(web.data, syn | ack)).dropped(drop_reason::policy));
    CHECK(w.out(tcp(client(1), 6000, server_1, 80, syn)).dropped(drop_reason::policy));
    CHECK(w.in(answer_udp(dns.data)).forwarded());
    auto broken = s;
    broken.policy.policies[0].from_zone = "nowhere";
    broken.alg.esp_gate_timeout = 1s;
    CHECK(w.g->replace(broken, w.now).size() == 2);
    CHECK(w.in(answer_udp(dns.data)).forwarded());
}

TEST_CASE("P4: what an old configuration permitted stays forgotten, however often it is replaced") {
    auto s = usual_settings();
    world w(s);
    const outcome web = w.out(tcp(client(1), 6000, server_1, 80, syn));
    REQUIRE(web.forwarded());
    s.policy.policies[1].applications = {"junos-dns-udp"};
    for (int i = 1; i <= 520; ++i) {  // twice around an 8-bit generation
        REQUIRE(w.g->replace(s, w.now).empty());
        CAPTURE(i);
        if (i > 250) {
            CHECK(w.out(tcp(client(1), 6000, server_1, 80, syn)).dropped(drop_reason::policy));
        }
    }
}
