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

TEST_CASE_TEMPLATE("E1: a client that moves to NAT-T takes nothing from one with plain ESP: new SPIs of it pass both ways", F, ipv4, ipv6) {
    auto s = usual_settings<F>();
    s.alg.enabled = false;
    basic_world<F> w(s);
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    for (basic_tunnel<F>* t : {&a, &b}) {
        CHECK(t->out(exchange_type::ike_sa_init, 0).forwarded());
        CHECK(destination_in<F>(t->in(exchange_type::ike_sa_init, 0).data) == t->local);
    }
    const outcome natt = w.out(udp(at<F>::client(2), 4500, at<F>::server(), 4500, joined(octets(4), b.message(exchange_type::ike_auth, 1, false, true, 300))));
    REQUIRE(natt.forwarded());
    CHECK(w.in(udp(at<F>::server(), 4500, at<F>::nat(), source_port_in(natt.data), joined({0, 0, 0x20, 1}, octets(40)))).forwarded());
    CHECK(w.in(esp(at<F>::server(), at<F>::nat(), 0xa000)).dropped(drop_reason::esp_ambiguous));  // nobody is known to have plain ESP
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

TEST_CASE_TEMPLATE("G17: the server's ESP on an SA of the same time ends a tenure in vain, while another client waits", F, ipv4, ipv6) {
    for (const bool answered : {true, false}) {
        CAPTURE(answered);
        basic_world<F> w;
        basic_tunnel<F> a(w, 1);
        basic_tunnel<F> b(w, 2);
        b.phase1();
        a.connect(0xa001, 0xb001);
        CHECK(a.in(exchange_type::create_child_sa, 0, false).forwarded());  // a rekey by the server, which goes on sending on 0xa001
        CHECK(a.out(exchange_type::create_child_sa, 0, true).forwarded());
        CHECK(a.esp_out(0xb002).forwarded());
        w.pass(6s);  // a whole tenure without an answer
        CHECK(a.esp_out(0xb002, 2).forwarded());
        CHECK(b.out(exchange_type::ike_auth, 1).forwarded());
        CHECK(b.in(exchange_type::ike_auth, 1).held);
        for (int i = 0; i < 5; ++i) {
            w.pass(40ms);
            CHECK((!answered || a.got(0xa001, 2 + static_cast<std::uint32_t>(i))));
        }
        CHECK(gone_on(w).size() == (answered ? 1 : 0));
        CHECK(w.count(counter::tenures_in_vain) == (answered ? 1 : 0));
        w.pass(1s);
        CHECK(gone_on(w).size() == (answered ? 0 : 1));
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

TEST_CASE("E6: unanswered Phase 1s do not push the live IKE session out of those that ESP keeps") {
    auto s = usual_settings<ipv4>();
    s.alg.state_timeout = 180s;
    basic_world<ipv4> w(s);
    basic_tunnel<ipv4> a(w, 1);
    a.connect(0xa001, 0xb001);
    for (std::uint32_t i = 0; i < 10; ++i) {
        for (std::uint32_t k = 0; k < 4; ++k) {
            const ike_fields f{.initiator = 0x9999'0000U + i * 16 + k};
            CHECK(w.in(udp(a.server, 500, a.nat, a.nat_port, ike(f, 300))).forwarded());
        }
        w.pass(60s);
        CHECK(a.esp_out(0xb001, 10 + i).forwarded());
        CHECK(a.got(0xa001, 10 + i));
    }
    int proven = 0;
    w.g->records().sessions().for_each([&](std::uint32_t, const auto& x) { proven += x.proven() ? 1 : 0; });
    CHECK(proven == 1);
}

TEST_CASE("E6, N18: ESP keeps the newest IKE sessions after a restart as before") {
    for (const bool restart : {false, true}) {
        CAPTURE(restart);
        auto s = usual_settings<ipv4>();
        s.alg.state_timeout = 180s;
        basic_world<ipv4> before(s);
        basic_tunnel<ipv4> a(before, 1);
        a.connect(0xa001, 0xb001);
        for (std::uint32_t i = 0; i < 13; ++i) {
            a.ids.initiator = 0x5000 + i;
            a.ids.responder = 0x6000 + i;
            a.phase1();
            before.pass(35s);
            CHECK(a.esp_out(0xb001, 10 + i).forwarded());
        }
        auto o = small_options();
        o.start = before.now;
        basic_world<ipv4> after(s, o);
        after.now = before.now;
        if (restart) {
            before.g->export_records([&](const auto& r) { CHECK(after.g->import_record(r, before.now)); });
            a.w = &after;
        }
        for (std::uint32_t i = 0; i < 10; ++i) {
            a.w->pass(60s);
            CHECK(a.esp_out(0xb001, 100 + i).forwarded());
        }
        bool live = false;
        a.w->g->records().sessions().for_each([&](std::uint32_t, const auto& x) { live = live || x.initiator.value == a.ids.initiator; });
        CHECK(live);
    }
}

TEST_CASE_TEMPLATE("E6: both directions keep one session alive, and ESP keeps its IKE session and port", F, ipv4, ipv6) {
    auto s = usual_settings<F>();
    s.alg.esp_session_timeout = 60s;
    s.alg.state_timeout = 180s;
    basic_world<F> w(s);
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
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

TEST_CASE_TEMPLATE("E7: SPI 0 to 255 is dropped and counted; ESP is not rewritten beyond the IP header", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    a.connect(0xa001, 0xb001);
    for (const std::uint32_t spi : {0U, 1U, 255U}) {
        CHECK(w.out(esp(at<F>::client(1), at<F>::server(), spi)).dropped(drop_reason::spi_reserved));
        CHECK(w.in(esp(at<F>::server(), at<F>::nat(), spi)).dropped(drop_reason::spi_reserved));
    }
    CHECK(w.count(drop_reason::spi_reserved) == 6);
    CHECK(a.esp_out(0xb001, 9).data == esp(at<F>::nat(), at<F>::server(), 0xb001, 9, 40, {63}));
    CHECK(a.esp_in(0xa001, 9).data == esp(at<F>::server(), at<F>::client(1), 0xa001, 9, 40, {63}));
}

TEST_CASE_TEMPLATE("E8: a small sequence number on a client's SPI while another waits for its own counts as a conflict; the first keeps it", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
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

TEST_CASE_TEMPLATE("L7: while forged ESP floods a slot, only an SPI that comes twice with rising sequence numbers ends a tenure", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.phase1();
    b.phase1();
    for (std::uint32_t i = 0; i < 60; ++i) {
        CHECK_FALSE(w.in(esp(at<F>::server(), a.nat, 0x7000 + i)).forwarded());
    }
    CHECK(a.out(exchange_type::ike_auth, 1).forwarded());
    CHECK(a.in(exchange_type::ike_auth, 1).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    w.pass(20ms);
    for (std::uint32_t i = 0; i < 60; ++i) {
        CHECK_FALSE(w.in(esp(at<F>::server(), a.nat, 0x8000 + i)).forwarded());
    }
    CHECK(w.count(counter::learn_flood) >= 60);
    CHECK_FALSE(a.got(0xa001, 1));
    CHECK(a.got(0xa001, 2));
    CHECK(a.got(0xa001, 3));
    CHECK(w.count(counter::bindings_contested) == 0);
    w.pass(1s);
    CHECK(b.out(exchange_type::ike_auth, 1).forwarded());  // the flood is over
    CHECK(b.in(exchange_type::ike_auth, 1).forwarded());
    CHECK(b.esp_out(0xb002).forwarded());
    w.pass(20ms);
    CHECK(b.got(0xa002));
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

TEST_CASE_TEMPLATE("G9: other servers and other nat addresses are independent of a slot that is held", F, ipv4, ipv6) {
    basic_world<F> w(usual_settings<F>(2));
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);             // the second nat address (N2)
    basic_tunnel<F> c(w, 1, 2, at<F>::server(1));
    for (basic_tunnel<F>* t : {&a, &b, &c}) {
        t->phase1();
    }
    CHECK(a.nat != b.nat);
    for (basic_tunnel<F>* t : {&a, &b, &c}) {
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

TEST_CASE_TEMPLATE("G4: ESP of a client that has to wait is held, and its fragments behind it (N9)", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.connect(0xa001, 0xb001);
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    const auto parts = fragments_of<F>(esp(at<F>::client(2), at<F>::server(), 0xb002, 1, 2000), 1400, 77);
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
    CHECK(fragment_id_of(back[0].data) == fragment_id_of(back[1].data));
    CHECK(source_in<F>(back[1].data) == at<F>::nat());
    CHECK(fragment_offset_of(back[0].data) == 0);
    // A third fragment that comes after they have left follows them.
    const outcome o = w.out(fragments_of<F>(esp(at<F>::client(2), at<F>::server(), 0xb002, 1, 3300), 1400, 77)[2]);
    CHECK(o.forwarded());
    CHECK(fragment_id_of(o.data) == fragment_id_of(back[0].data));
}

TEST_CASE("E1, L2: a client with 65536 SPIs that pass is still one that has ESP") {
    auto s = usual_settings();
    s.alg.enabled = false;
    auto o = small_options();
    o.capacity.flows = 140'000;
    world w(s, o);
    tunnel a(w, 1);
    for (std::uint32_t i = 0; i < 65'536; ++i) {
        REQUIRE(a.esp_out(0x10000 + i).forwarded());
    }
    w.pass(3min);
    CHECK(w.g->records().pairs().size() == 1);
    CHECK(w.out(esp(client(2), server_1, 0x9999)).dropped(drop_reason::esp_ambiguous));
}

TEST_CASE("P4: a client that policy denies by now gets no ESP, not on SPIs that are new either") {
    for (const bool enabled : {true, false}) {
        CAPTURE(enabled);
        auto s = usual_settings();
        s.alg.enabled = enabled;
        world w(s);
        tunnel a(w, 1);
        enabled ? a.connect(0xa001, 0xb001) : (void)a.esp_out(0xb001);
        a.nat = nat_1;
        CHECK(a.esp_in(0xa001, 2).forwarded());
        s.policy.policies.clear();
        CHECK(w.g->replace(s, w.now).empty());
        CHECK(a.esp_out(0xb001, 2).dropped(drop_reason::policy));
        CHECK(a.esp_in(0xa001, 3).dropped(drop_reason::policy));
        for (std::uint32_t n = 1; n < 4; ++n) {
            CHECK(a.esp_in(0xa002, n).dropped(drop_reason::policy));
        }
    }
}

TEST_CASE("E3: ESP with the server's address from another zone than the server's opens no gate and takes no tenure") {
    auto s = usual_settings();
    s.policy.zones.push_back({"dmz", {}, {{v4("172.16.0.0"), 16}}, {}});
    world w(s);
    tunnel a(w, 1);
    a.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    w.pass(10ms);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(w.send(esp(server_1, a.nat, 0xbad1), zone_id{2}).dropped(drop_reason::esp_no_gate));
    CHECK(w.count(counter::bindings_gate) == 0);
    CHECK(a.got(0xa001));
}
