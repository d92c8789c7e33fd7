// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/timer_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("next_timer is empty without state and never later than the next thing that happens") {
    world w;
    CHECK_FALSE(w.g->next_timer());
    CHECK(w.out(udp(client(1), 6000, server_1, 53, hello)).forwarded());
    REQUIRE(w.g->next_timer());
    CHECK(*w.g->next_timer() <= w.now + 300s + 1ms);
    w.pass(1h);
    CHECK_FALSE(w.g->next_timer());
}

TEST_CASE_TEMPLATE("L5: a gate ends at its exact tick, seen from process() and advance()", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.phase1();
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    w.pass(3ms);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    const instant opened = w.now;
    CHECK(w.g->next_timer() == opened + 5s);
    w.pass(4999ms);
    CHECK(w.told(event_kind::gate_timed_out) == 0);
    w.pass(1ms);
    REQUIRE(w.told(event_kind::gate_timed_out) == 1);
    const auto end = std::find_if(w.events->begin(), w.events->end(), [](const auto& e) { return e.kind == event_kind::gate_timed_out; });
    CHECK(end->at == opened + 5s);
    CHECK(b.out(exchange_type::create_child_sa, 2).forwarded());  // the slot is free
}

TEST_CASE_TEMPLATE("L5: idle timers are at most a second late, and the caller's budget bounds the work of one call", F, ipv4, ipv6) {
    basic_world<F> w;
    for (std::uint16_t i = 0; i < 40; ++i) {
        CHECK(w.out(udp(at<F>::client(1 + i % 4), static_cast<std::uint16_t>(6000 + i), at<F>::server(), 53, hello)).forwarded());
    }
    w.pass(299s);
    CHECK(w.g->records().flows.size() == 40);
    w.now += 2s;
    std::size_t calls = 0;
    while (w.g->advance(w.now, 8, w.collector())) {
        ++calls;
        CHECK(w.g->records().flows.size() + 8 * calls >= 40);
        REQUIRE(calls < 100);
    }
    CHECK(calls >= 4);
    CHECK(w.g->records().flows.size() == 0);
}

TEST_CASE("L4: a client whose ESP passes for 26 days without IKE is forgotten when that is over") {
    auto s = usual_settings();
    s.alg.enabled = false;
    world w(s);
    tunnel a(w, 1);
    a.nat = nat_1;
    for (std::uint32_t i = 1; i <= 26 * 24 * 3; ++i) {
        CHECK(a.esp_out(0xb001, i).forwarded());
        w.pass(20min);
    }
    CHECK(w.g->records().pairs().size() == 1);
    w.pass(24h);
    CHECK(w.g->records().pairs().size() == 0);
    CHECK(w.g->mappings().size() == 0);
}
