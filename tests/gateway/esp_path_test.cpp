// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/esp_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("E1: ALG off: ESP passes for the one client it can be, is dropped for a second, never misdelivered") {
    auto s = usual_settings();
    s.alg.enabled = false;
    world w(s);
    tunnel a(w, 1);
    tunnel b(w, 2);
    CHECK(a.out(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    CHECK(a.got(0xa001));
    CHECK(b.out(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(b.nat_port != 500);
    CHECK(destination_of(b.in(exchange_type::ike_sa_init, 0).data) == client(2));
    CHECK(b.esp_out(0xb002).dropped(drop_reason::esp_ambiguous));
    CHECK(w.in(esp(server_1, nat_1, 0xa002)).dropped(drop_reason::esp_ambiguous));
    CHECK(a.got(0xa001, 2));
    CHECK(a.esp_out(0xb001, 2).forwarded());
    tunnel elsewhere(w, 2, 2, server_2);
    CHECK(elsewhere.esp_out(0xb003).forwarded());
    elsewhere.nat = nat_1;
    CHECK(elsewhere.got(0xa003));
    CHECK(w.count(counter::gates_opened) == 0);
}

TEST_CASE("E1: when the first client's ESP has idled out, the second one passes") {
    auto s = usual_settings();
    s.alg.enabled = false;
    s.alg.esp_session_timeout = 60s;
    world w(s);
    CHECK(w.out(esp(client(1), server_1, 0xb001)).forwarded());
    CHECK(w.out(esp(client(2), server_1, 0xb002)).dropped(drop_reason::esp_ambiguous));
    w.pass(200s);
    CHECK(w.out(esp(client(2), server_1, 0xb002)).forwarded());
    const outcome o = w.in(esp(server_1, nat_1, 0xa002));
    REQUIRE(o.forwarded());
    CHECK(destination_of(o.data) == client(2));
    w.pass(900s);
    CHECK(w.g->records().pairs().size() == 0);
    CHECK(w.g->records().slots().size() == 0);
}

TEST_CASE("E1: a client that moves to NAT-T takes nothing from one with plain ESP: new SPIs of it pass both ways") {
    auto s = usual_settings();
    s.alg.enabled = false;
    world w(s);
    tunnel a(w, 1);
    tunnel b(w, 2);
    for (tunnel* t : {&a, &b}) {
        CHECK(t->out(exchange_type::ike_sa_init, 0).forwarded());
        CHECK(destination_of(t->in(exchange_type::ike_sa_init, 0).data) == t->local);
    }
    const outcome natt = w.out(udp(client(2), 4500, server_1, 4500, joined(octets(4), b.message(exchange_type::ike_auth, 1, false, true, 300))));
    REQUIRE(natt.forwarded());
    CHECK(w.in(udp(server_1, 4500, nat_1, source_port_of(natt.data), joined({0, 0, 0x20, 1}, octets(40)))).forwarded());
    CHECK(w.in(esp(server_1, nat_1, 0xa000)).dropped(drop_reason::esp_ambiguous));  // nobody is known to have plain ESP
    CHECK(a.out(exchange_type::ike_auth, 1).forwarded());
    CHECK(a.in(exchange_type::ike_auth, 1).forwarded());
    CHECK(a.got(0xa001));  // the server may be first
    for (std::uint32_t rekey = 1; rekey < 5; ++rekey) {
        CHECK(a.out(exchange_type::create_child_sa, 1 + rekey).forwarded());
        CHECK(a.in(exchange_type::create_child_sa, 1 + rekey).forwarded());
        CHECK(a.esp_out(0xb001 + rekey).forwarded());
        CHECK(a.got(0xa001 + rekey));
        CHECK(b.out(exchange_type::informational, rekey).forwarded());
    }
}

TEST_CASE("E1: a second client that may have plain ESP makes new SPIs of the server ambiguous; what passed before passes on") {
    auto s = usual_settings();
    s.alg.enabled = false;
    s.alg.esp_session_timeout = 600s;
    s.alg.state_timeout = 180s;
    for (const auto mode : {alg::ike_port_mode::prefer, alg::ike_port_mode::preserve}) {
        s.alg.ike_port = mode;
        world w(s);
        tunnel a(w, 1);
        tunnel b(w, 2);
        for (tunnel* t : {&a, &b}) {
            CHECK(t->out(exchange_type::ike_sa_init, 0).forwarded());
            CHECK(t->in(exchange_type::ike_sa_init, 0).forwarded());
        }
        CHECK(a.out(exchange_type::ike_auth, 1).forwarded());
        CHECK(a.in(exchange_type::ike_auth, 1).forwarded());
        CHECK(a.esp_out(0xb001).forwarded());
        CHECK(a.got(0xa001));
        CHECK(b.out(exchange_type::ike_auth, 1).forwarded());  // IKE is UDP: it is not hindered
        CHECK(b.in(exchange_type::ike_auth, 1).forwarded());
        CHECK(w.in(esp(server_1, nat_1, 0xa002)).dropped(drop_reason::esp_ambiguous));  // could be either's
        CHECK(b.esp_out(0xb002).dropped(drop_reason::esp_ambiguous));
        CHECK(a.esp_out(0xb003).forwarded());  // the first one keeps what it has, and may rekey
        CHECK(a.got(0xa001, 2));
        for (std::uint32_t i = 0; i < 10; ++i) {  // the second one gives up
            w.pass(100s);
            CHECK(a.got(0xa001, 3 + i));
            CHECK(a.out(exchange_type::informational, 5 + i).forwarded());
        }
        CHECK(a.got(0xa004));
        w.pass(24h);
        CHECK(w.g->records().pairs().size() == 0);
        CHECK(w.g->records().slots().size() == 0);
    }
}

TEST_CASE("E2: ALG on: ESP without IKE is dropped, whatever policy says; midstream asks for the slot (E3)") {
    for (const bool midstream : {false, true}) {
        CAPTURE(midstream);
        auto s = usual_settings();
        s.policy.policies[1].midstream = midstream;
        world w(s);
        const outcome o = w.out(esp(client(1), server_1, 0xb001));
        CHECK(o.forwarded() == midstream);
        if (!midstream) {
            CHECK(o.dropped(drop_reason::esp_no_gate));
            CHECK(w.count(drop_reason::esp_no_gate) == 1);
            CHECK(w.g->records().pairs().size() == 0);
            continue;
        }
        CHECK(w.out(esp(client(2), server_1, 0xb002)).held);
        w.pass(20ms);
        CHECK(destination_of(w.in(esp(server_1, nat_1, 0xa001)).data) == client(1));
        w.pass(50ms);  // G13
        const auto back = w.take_others();
        REQUIRE(back.size() == 1);
        CHECK(back[0].forwarded());
        w.pass(20ms);
        CHECK(destination_of(w.in(esp(server_1, nat_1, 0xa002)).data) == client(2));
        CHECK(destination_of(w.in(esp(server_1, nat_1, 0xa001, 2)).data) == client(1));
        CHECK(w.g->replace(s, w.now).empty());
        CHECK(w.out(esp(client(1), server_1, 0xb001, 2)).forwarded());
    }
}

TEST_CASE("E6: both directions keep one session alive, and ESP keeps its IKE session and port") {
    auto s = usual_settings();
    s.alg.esp_session_timeout = 60s;
    s.alg.state_timeout = 180s;
    world w(s);
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.connect(0xa001, 0xb001);
    b.connect(0xa002, 0xb002);
    for (std::uint32_t i = 2; i < 12; ++i) {
        w.pass(50s);
        CHECK(b.got(0xa002, i));
    }
    CHECK(b.esp_out(0xb002, 2).forwarded());
    CHECK(b.in(exchange_type::informational, 2, false).forwarded());
    CHECK_FALSE(a.got(0xa001, 2));
    w.pass(900s);
    CHECK(w.g->records().flows.size() == 0);
    CHECK(w.g->records().sessions().size() == 0);
    CHECK(w.g->records().exchanges().size() == 0);
    CHECK(w.g->records().pairs().size() == 0);
    CHECK(w.g->records().slots().size() == 0);
    CHECK(w.g->records().held().size() == 0);
    CHECK(w.g->ports().size() == 0);
}

TEST_CASE("E7: SPI 0 to 255 is dropped and counted; ESP is not rewritten beyond the IP header") {
    world w;
    tunnel a(w, 1);
    a.connect(0xa001, 0xb001);
    for (const std::uint32_t spi : {0U, 1U, 255U}) {
        CHECK(w.out(esp(client(1), server_1, spi)).dropped(drop_reason::spi_reserved));
        CHECK(w.in(esp(server_1, nat_1, spi)).dropped(drop_reason::spi_reserved));
    }
    CHECK(w.count(drop_reason::spi_reserved) == 6);
    CHECK(a.esp_out(0xb001, 9).data == esp(nat_1, server_1, 0xb001, 9, 40, {63}));
    CHECK(a.esp_in(0xa001, 9).data == esp(server_1, client(1), 0xa001, 9, 40, {63}));
}

TEST_CASE("E8: a small sequence number on a client's SPI while another waits for its own counts as a conflict; the first keeps it") {
    world w;
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.connect(0xa001, 0xb001);
    CHECK(a.got(0xa001, 1000));
    b.phase1();
    CHECK(b.out(exchange_type::ike_auth, 1).forwarded());
    CHECK(b.in(exchange_type::ike_auth, 1).forwarded());
    CHECK(b.esp_out(0xb002).forwarded());
    w.pass(20ms);
    CHECK(a.got(0xa001, 1));
    CHECK(w.count(counter::spi_conflicts) == 1);
    CHECK(w.told(event_kind::spi_conflict) == 1);
}

TEST_CASE("G7: gates inherit the decision of their IKE session: ESP needs no policy of its own, and ends with IKE's") {
    auto s = usual_settings();
    s.policy.policies.pop_back();  // IKE only
    world w(s);
    tunnel a(w, 1);
    a.connect(0xa001, 0xb001);
    CHECK(a.got(0xa001, 2));
    s.policy.policies[0].source_addresses = {"other"};
    s.policy.zones[0].address_book.addresses = {{"other", prefix<ipv4>{client(2), 32}}};
    CHECK(w.g->replace(s, w.now).empty());
    CHECK(a.esp_in(0xa001, 3).dropped(drop_reason::policy));
    CHECK(a.esp_out(0xb001, 3).dropped(drop_reason::policy));
    CHECK(a.out(exchange_type::informational, 2).dropped(drop_reason::policy));
    CHECK(a.esp_out(0xb009).dropped(drop_reason::policy));
    tunnel b(w, 2);
    b.connect(0xa002, 0xb002);
}

TEST_CASE("G9: other servers and other nat addresses are independent of a slot that is held") {
    world w(usual_settings(2));
    tunnel a(w, 1);
    tunnel b(w, 2);             // the second nat address (N2)
    tunnel c(w, 1, 2, server_2);
    for (tunnel* t : {&a, &b, &c}) {
        t->phase1();
    }
    CHECK(a.nat != b.nat);
    for (tunnel* t : {&a, &b, &c}) {
        CHECK(t->out(exchange_type::create_child_sa, 2).forwarded());
        CHECK(t->in(exchange_type::create_child_sa, 2).forwarded());
        CHECK(t->esp_out(0xb001).forwarded());
    }
    w.pass(20ms);
    CHECK(a.got(0xa001));
    CHECK(b.got(0xa001));
    CHECK(c.got(0xa001));
    CHECK(w.count(counter::phase2_held) == 0);
}

TEST_CASE("G4: ESP of a client that has to wait is held, and its fragments behind it (N9)") {
    world w;
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.connect(0xa001, 0xb001);
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    const auto parts = fragments(esp(client(2), server_1, 0xb002, 1, 2000), 1400, 77);
    REQUIRE(parts.size() == 2);
    CHECK(w.out(parts[0]).held);
    CHECK(w.out(parts[1]).held);
    CHECK(a.esp_out(0xb005).forwarded());
    w.pass(20ms);
    (void)a.got(0xa005);
    w.pass(500ms);
    const auto back = w.take_others();
    REQUIRE(back.size() == 2);
    CHECK(back[0].forwarded());
    CHECK(back[1].forwarded());
    CHECK(identification_of(back[0].data) == identification_of(back[1].data));
    CHECK(source_of(back[1].data) == nat_1);
    CHECK((load_be16(&back[0].data[6]) & 0x1fff) == 0);
    // A third fragment that comes after they have left follows them.
    ip_fields late;
    late.id = 77;
    late.offset = 400;
    const outcome o = w.out(ip4(50, client(2), server_1, octets(8), late));
    CHECK(o.forwarded());
    CHECK(identification_of(o.data) == identification_of(back[0].data));
}
