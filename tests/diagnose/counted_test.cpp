// SPDX-License-Identifier: Apache-2.0
/// "Counters at least" of the rules for operators: each is counted where the thing happens, and only there.
#include "ikealg/alg/counters.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("Counters: IKE messages by exchange type") {
    struct row {
        std::uint8_t version;
        std::uint8_t exchange;
        counter which;
    };
    for (const row& r : {row{0x10, 2, counter::ike_main}, row{0x10, 4, counter::ike_aggressive},
                         row{0x10, 5, counter::ike_informational}, row{0x10, 6, counter::ike_transaction},
                         row{0x10, 32, counter::ike_quick}, row{0x10, 33, counter::ike_other},
                         row{0x20, 34, counter::ike_sa_init}, row{0x20, 35, counter::ike_auth},
                         row{0x20, 36, counter::ike_create_child_sa}, row{0x20, 37, counter::ike_informational},
                         row{0x20, 43, counter::ike_intermediate}, row{0x20, 44, counter::ike_followup_ke},
                         row{0x20, 99, counter::ike_unknown}, row{0x30, 34, counter::ike_unknown}}) {
        CAPTURE(int{r.exchange});
        world w;
        ike_fields f;
        f.initiator = 1;
        f.version = r.version;
        f.exchange = r.exchange;
        f.message_id = 5;
        (void)w.out(udp(client(2), 500, server_1, 500, ike(f)));
        CHECK(w.count(r.which) == 1);
        CHECK(w.count(counter::ike_messages) == 1);
    }
}

TEST_CASE("Counters: a Phase 2 exchange, its gate and its bindings, the client's ESP first or the server's") {
    for (const bool server_first : {false, true}) {
        CAPTURE(server_first);
        world w;
        tunnel t(w, 2, 1);
        t.phase1();
        CHECK(t.quick(77).forwarded());
        CHECK(w.count(counter::phase2_started) == 1);
        CHECK(w.count(counter::phase2_completed) == 0);
        CHECK(w.count(counter::gates_opened) == 1);
        w.pass(15ms);
        if (server_first) {
            CHECK(t.got(0xa001));
            CHECK(w.count(counter::gates_hit_in) == 1);
            CHECK(w.count(counter::gates_collapsed) == 0);
            CHECK(t.esp_out(0xb001).forwarded());
        } else {
            CHECK(t.esp_out(0xb001).forwarded());
            CHECK(w.count(counter::gates_hit_out) == 1);
            CHECK(w.count(counter::gates_collapsed) == 0);
            w.pass(15ms);
            CHECK(t.got(0xa001));
        }
        for (std::uint32_t i = 2; i < 9; ++i) {
            CHECK(t.esp_out(0xb001, i).forwarded());
            CHECK(t.got(0xa001, i));
        }
        CHECK(w.count(counter::phase2_started) == 1);
        CHECK(w.count(counter::phase2_completed) == 1);
        CHECK(w.count(counter::phase2_retransmitted) == 0);
        CHECK(w.count(counter::gates_hit_out) == 1);
        CHECK(w.count(counter::gates_hit_in) == 1);
        CHECK(w.count(counter::gates_collapsed) == 1);
        CHECK(w.count(counter::gates_timed_out) == 0);
        CHECK(w.count(counter::bindings_gate) == 1);
        CHECK(w.count(counter::bindings_outbound) == 1);
    }
}

TEST_CASE("Counters: repetitions of each message of a Phase 2 exchange, and no rounds or fragments among them") {
    world w;
    tunnel one(w, 2, 1);
    one.phase1();
    const auto quick = exchange_type::quick_mode;
    CHECK(one.out(quick, 7).forwarded());
    CHECK(one.out(quick, 7).forwarded());
    CHECK(w.count(counter::phase2_retransmitted) == 1);
    CHECK(one.in(quick, 7, false).forwarded());
    CHECK(one.in(quick, 7, false).forwarded());
    CHECK(w.count(counter::phase2_retransmitted) == 2);
    CHECK(one.out(quick, 7).forwarded());  // message 1 once more, as long as before
    CHECK(w.count(counter::phase2_retransmitted) == 3);
    CHECK(one.out(quick, 7, false, 76).forwarded());
    CHECK(w.count(counter::phase2_retransmitted) == 3);
    CHECK(one.out(quick, 7, false, 76).forwarded());
    CHECK(w.count(counter::phase2_retransmitted) == 4);
    CHECK(one.in(quick, 8, false).forwarded());  // the server's own
    CHECK(one.out(quick, 8).forwarded());
    CHECK(one.in(quick, 8, false, 76).forwarded());
    CHECK(w.count(counter::phase2_retransmitted) == 4);

    world v;
    tunnel two(v, 2, 2);
    two.phase1();
    for (std::uint32_t id = 1; id < 5; ++id) {
        ike_fields f = two.ids;
        f.exchange = 35;
        f.message_id = id;
        f.next_payload = static_cast<std::uint8_t>(wire::payload_type::encrypted_fragment);
        for (std::uint16_t part = 1; part <= 3; ++part) {
            octets m = ike(f);
            store_be16(&m[30], 272);
            store_be16(&m[32], part);
            store_be16(&m[34], 3);
            CHECK(v.out(udp(two.local, 500, server_1, 500, m)).forwarded());
        }
        CHECK(two.in(exchange_type::ike_auth, id).forwarded());
    }
    CHECK(v.count(counter::phase2_retransmitted) == 0);
    CHECK(two.in(exchange_type::ike_auth, 4).forwarded());
    CHECK(v.count(counter::phase2_retransmitted) == 1);
}

TEST_CASE("Counters: held, busy, timed out, unsolicited, failed") {
    auto s = usual_settings();
    s.alg.hold_limit = 100ms;
    world w(s);
    tunnel a(w, 2, 1);
    tunnel b(w, 3, 1);
    a.phase1();
    b.phase1();
    CHECK(a.quick(1).forwarded());
    CHECK(b.out(exchange_type::quick_mode, 2).forwarded());
    CHECK(b.in(exchange_type::quick_mode, 2, false).forwarded());
    CHECK(w.count(counter::phase2_held) == 0);
    (void)b.out(exchange_type::quick_mode, 2);
    CHECK(w.count(counter::phase2_held) == 1);
    w.pass(30s);
    CHECK(w.count(counter::gates_timed_out) >= 1);

    tunnel c(w, 4, 2);
    c.phase1();
    CHECK(c.out(exchange_type::create_child_sa, 1).forwarded());
    w.pass(60s);
    CHECK(w.count(counter::phase2_timed_out) == 1);
    CHECK(c.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(c.in(exchange_type::create_child_sa, 2, true, 80).forwarded());
    CHECK(w.count(counter::phase2_failed) == 1);

    tunnel d(w, 5, 1);
    CHECK(w.count(counter::phase2_unsolicited) == 0);
    CHECK(d.out(exchange_type::quick_mode, 9).forwarded());
    CHECK(w.count(counter::phase2_unsolicited) == 1);

    s.alg = alg::alg_settings::of(alg::profile::junos);
    s.alg.enabled = true;
    world j(s);
    tunnel e(j, 2, 1);
    tunnel f(j, 3, 1);
    e.phase1();
    f.phase1();
    CHECK(e.out(exchange_type::quick_mode, 1).forwarded());
    CHECK(e.out(exchange_type::quick_mode, 2).dropped(drop_reason::phase2_busy));
    CHECK(f.out(exchange_type::quick_mode, 3).dropped(drop_reason::gate_failed));
    CHECK(j.count(drop_reason::phase2_busy) == 1);
    CHECK(j.count(drop_reason::gate_failed) == 1);
    CHECK(j.count(counter::gates_failed) == 1);
    CHECK(j.count(counter::gates_opened) == 1);
    CHECK(e.esp_out(0xb001).forwarded());
    j.pass(10s);
    CHECK(j.count(counter::gates_hit_out) == 1);
    CHECK(j.count(counter::gates_timed_out) == 1);
    CHECK(j.count(counter::gates_collapsed) == 0);
}

TEST_CASE("Counters: bindings made late and in midstream") {
    world w;
    tunnel a(w, 2, 1);
    a.phase1();
    CHECK(a.quick(1).forwarded());
    w.pass(20s);  // the gate closes; the exchange is parked
    CHECK(w.count(counter::exchanges_parked) == 1);
    CHECK(a.got(0xa001));
    CHECK(w.count(counter::bindings_late) == 1);
    CHECK(w.count(counter::bindings_gate) == 0);

    world v;
    tunnel b(v, 2, 1);
    b.phase1();
    CHECK(b.got(0xa001));  // the gateway was started again
    CHECK(v.count(counter::bindings_midstream) == 1);
}

TEST_CASE("Counters: drops by reason") {
    auto s = usual_settings();
    s.policy.policies[1].destination_addresses = {"any"};
    world w(s);
    tunnel a(w, 2, 1);
    a.phase1();
    const auto one_more = [&](drop_reason why, const outcome& o) {
        CAPTURE(to_string(why));
        CHECK(o.dropped(why));
        CHECK(w.count(why) == 1);
        CHECK(w.told(event_kind::dropped) != 0);
    };
    one_more(drop_reason::esp_no_gate, w.out(esp(client(9), server_1, 0xb001)));
    one_more(drop_reason::spi_reserved, w.out(esp(client(2), server_1, 255)));
    one_more(drop_reason::malformed, w.out(udp(client(2), 500, server_1, 500, octets(20, 1))));
    one_more(drop_reason::ah, w.out(ah(client(2), server_1, 0x1000)));
    ip_fields dying;
    dying.ttl = 1;
    one_more(drop_reason::ttl, w.out(udp(client(2), 4000, server_1, 53, {}, dying)));
    one_more(drop_reason::policy, w.in(udp(server_1, 53, v4("10.0.0.77"), 4000)));
    one_more(drop_reason::icmp_unmatched,
             w.in(icmp(server_2, nat_1, 3, 3, 0, udp(nat_1, 9999, server_2, 9999, octets(20)))));
    CHECK(w.count(counter::icmp_unmatched) == 1);
    CHECK(w.count(counter::icmp_translated) == 0);

    tunnel b(w, 3, 1);
    b.phase1();
    one_more(drop_reason::esp_ambiguous, b.esp_in(0xcccc));
}

TEST_CASE("Counters: drops for want of addresses, of room, of certainty about IKE, and of a first fragment") {
    auto s = usual_settings();
    s.nat.pools[0].port_no_translation = true;  // N17: one client an address
    world w(s);
    CHECK(w.out(udp(client(2), 4000, server_1, 53)).forwarded());
    CHECK(w.out(udp(client(3), 4000, server_1, 53)).dropped(drop_reason::nat_exhausted));
    CHECK(w.count(drop_reason::nat_exhausted) == 1);

    auto small = small_options();
    small.mappings = 1;
    world full(usual_settings(), small);
    CHECK(full.out(udp(client(2), 4000, server_1, 53)).forwarded());
    CHECK(full.out(udp(client(3), 4000, server_1, 53)).dropped(drop_reason::table_full));
    CHECK(full.count(drop_reason::table_full) == 1);

    auto shared = usual_settings();
    shared.alg.ike_port = alg::ike_port_mode::preserve;
    world v(shared);
    tunnel(v, 2).phase1();
    tunnel(v, 3).phase1();
    const ike_fields fresh{0x5555, 0, 0, 0x10, 2, 0};  // the server begins an IKEv1 Phase 1, and the clients have IKEv2 (N4)
    CHECK(v.in(udp(server_1, 500, nat_1, 500, ike(fresh))).dropped(drop_reason::ike_ambiguous));
    CHECK(v.count(drop_reason::ike_ambiguous) == 1);

    const auto parts = fragments(udp(client(2), 4000, server_1, 53, octets(100)), 64, 99);
    CHECK(v.out(parts[1]).held);
    CHECK(v.count(counter::fragments_held) == 1);
    v.pass(10s);
    CHECK(v.count(drop_reason::fragment) == 1);
}

TEST_CASE("Counters: ICMP errors that are translated") {
    world w;
    const outcome sent = w.out(udp(client(2), 4000, server_1, 53, octets(20)));
    CHECK(w.in(icmp(server_2, nat_1, 3, 3, 0, sent.data)).forwarded());
    CHECK(w.count(counter::icmp_translated) == 1);
    CHECK(w.count(counter::icmp_unmatched) == 0);
}

TEST_CASE("Counters, R5: what passes on UDP 4500") {
    world w;
    const auto send = [&](const octets& payload) { return w.out(udp(client(2), 4500, server_1, 4500, payload)); };
    const outcome first = send(joined(octets(4), ike({})));
    CHECK(first.forwarded());
    CHECK(w.count(counter::natt_sessions) == 1);
    CHECK(w.count(counter::natt_keepalives) == 0);
    CHECK(send({0xff}).forwarded());
    CHECK(send({0x00}).forwarded());
    CHECK(w.count(counter::natt_keepalives) == 1);
    CHECK(send(octets(60, 0x11)).forwarded());
    CHECK(w.in(udp(server_1, 4500, nat_1, source_port_of(first.data), octets(60, 0x11))).forwarded());
    CHECK(w.count(counter::natt_esp) == 2);
    CHECK(w.count(counter::natt_sessions) == 1);
    CHECK(w.out(udp(client(2), 500, server_1, 500, octets{0xff})).forwarded());  // R2
    CHECK(w.count(counter::natt_keepalives) == 2);
    CHECK(w.out(udp(client(2), 4500, server_1, 53, octets{0xff})).forwarded());
    CHECK(w.count(counter::natt_keepalives) == 2);
}
