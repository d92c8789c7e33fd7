// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/held_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("G4, G14: a message that another client's gate keeps waiting goes on when the SPI is bound, behind the burst", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.phase1();
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    const outcome second = b.out(exchange_type::create_child_sa, 2);
    CHECK(second.held);
    w.pass(10ms);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    CHECK(w.take_others().empty());
    w.pass(3ms);
    (void)w.take_others();
    w.pass(8ms);
    CHECK(a.got(0xa001));
    w.pass(100ms);
    bool released = false;
    for (const auto& o : w.others) {
        released = released || (o.tag == second.tag && o.forwarded() && source_in<F>(o.data) == at<F>::nat() && source_port_in(o.data) == b.nat_port);
    }
    CHECK(released);
    CHECK(w.count(counter::phase2_held) == 1);
}

TEST_CASE("P4: what waits for the slot of a client that policy denies by now is dropped") {
    world w;
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.phase1();
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(b.out(exchange_type::create_child_sa, 2).held);
    auto denied = w.wanted;
    denied.policy.policies.clear();
    CHECK(w.g->replace(denied, w.now).empty());
    w.pass(3s);
    const auto back = w.take_others();
    REQUIRE(back.size() == 1);
    CHECK(back[0].dropped(drop_reason::policy));
}

TEST_CASE_TEMPLATE("X2, G4: ESP that waits for the slot goes on when its exchange is satisfied and needs the slot no more", F, ipv4, ipv6) {
    auto s = usual_settings<F>();
    s.alg.esp_gate_timeout = 2s;
    basic_world<F> w(s);
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    for (basic_tunnel<F>* t : {&b, &a}) {
        t->phase1(200ms);
        CHECK(t->out(exchange_type::create_child_sa, 2).forwarded());
        w.pass(200ms);
        CHECK(t->in(exchange_type::create_child_sa, 2).forwarded());
        if (t == &b) {
            w.pass(10s);  // b is parked
        }
    }
    CHECK(a.esp_out(0xb001, 1).forwarded());
    w.pass(500ms);
    CHECK(b.esp_out(0xb002, 1).held);
    w.pass(350ms);
    CHECK(a.esp_out(0xb001, 2).held);  // an answer to it would come in b's tenure
    w.pass(50ms);
    CHECK(w.others.empty());
    CHECK(a.got(0xa001));
    const auto back = w.take_others();
    REQUIRE(back.size() == 1);
    CHECK(back[0].data == esp(a.nat, a.server, 0xb001, 2, 40, {63}));
    CHECK(a.esp_out(0xb001, 3).forwarded());
    w.pass(5s);
    CHECK(w.count(drop_reason::esp_busy) == 0);
    CHECK(w.g->records().held().size() == 0);
}
