// SPDX-License-Identifier: Apache-2.0
/// The times of a tenure: gates, learning, one-way tunnels, at the exact instant.
#include "ikealg/alg/tenure.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("G2: a gate lasts esp-gate-timeout from the last message of its exchange", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.state_of(a) == slot_state::gate);
    h.pass(3s);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    h.pass(5s - 1ns);
    CHECK(h.holds(a));
    h.pass(1ns);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.newest(a).state == exchange_state::parked);
    CHECK(h.count(counter::gates_timed_out) == 1);
    CHECK(h.count(counter::gates_opened) == 1);
}

TEST_CASE_TEMPLATE("G10: while k others wait a gate lasts (1 + k)^2 times less, from completion", F, ipv4, ipv6) {
    for (const unsigned k : {1U, 2U, 3U}) {
        CAPTURE(k);
        harness<F> h;
        const peer a = h.connect(1, 1);
        CHECK(h.quick_all(a, 7) == forwarded);
        h.pass(100ms);
        for (unsigned i = 0; i < k; ++i) {
            CHECK(h.quick_all(h.connect(2 + i, 1), 7) == waits);
        }
        h.pass(duration{5s} / ((1 + k) * (1 + k)) - 100ms - 1ns);
        CHECK(h.holds(a));
        h.pass(1ns);
        CHECK_FALSE(h.holds(a));
        CHECK(h.newest(a).state == exchange_state::parked);
    }
}

TEST_CASE_TEMPLATE("G10: a gate lasts gate-min at least", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    std::vector<peer> others;
    for (unsigned i = 0; i < 80; ++i) {
        others.push_back(h.connect(2 + i, 1));
        CHECK(h.quick(others.back(), outbound, 7) == forwarded);
        CHECK(h.quick(others.back(), inbound, 7) == forwarded);
    }
    CHECK(h.quick_all(a, 7) == forwarded);
    for (const peer& p : others) {
        CHECK(h.quick(p, outbound, 7) == waits);
    }
    h.pass(1ms - 1ns);
    CHECK(h.holds(a));
    h.pass(1ns);
    CHECK(h.holds(others[0]));
}

TEST_CASE_TEMPLATE("G11: a learning tenure ends with the answer, or after learn-timeout", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked_client(h, 1);
    CHECK(h.esp_out(a, 500) == forwarded);
    CHECK(h.state_of(a) == slot_state::learning);
    h.pass(300ms);
    CHECK(h.esp_out(a, 500) == forwarded);
    h.pass(700ms - 1ns);
    CHECK(h.holds(a));
    h.pass(1ns);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.newest(a).state == exchange_state::parked);
    CHECK(h.esp_out(a, 500) == forwarded);
    h.pass(10ms);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.count(counter::learning_tenures) == 2);
}

TEST_CASE_TEMPLATE("G11: ESP out of a gate leaves it the learning time at least; a repeated message takes nothing of it", F, ipv4,
                   ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    for (unsigned i = 0; i < 9; ++i) {
        CHECK(h.quick_all(h.connect(2 + i, 1), 7) == waits);
    }
    h.pass(40ms);
    CHECK(h.esp_out(a, 500) == forwarded);  // the gate would last 50 ms
    CHECK(h.state_of(a) == slot_state::learning);
    h.pass(500ms);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    h.pass(500ms - 1ns);
    CHECK(h.holds(a));
    h.pass(1ns);
    CHECK_FALSE(h.holds(a));
}

TEST_CASE_TEMPLATE("G12: after six tenures without an answer ESP goes freely and asks after 1, 2, 4 s", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = parked_client(h, 1);
    for (int i = 0; i < 6; ++i) {
        CHECK(h.told(event_kind::one_way) == 0);
        CHECK(h.esp_out(a, 500) == forwarded);
        CHECK(h.holds(a));
        h.pass(1s);
    }
    CHECK(h.told(event_kind::one_way) == 1);
    CHECK(h.count(counter::exchanges_one_way) == 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(b, 7) == forwarded);
    for (const auto rest : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        h.pass(rest - 1ms);
        CHECK(h.esp_out(a, 500) == forwarded);
        h.pass(1ms);
        CHECK(h.esp_out(a, 500) == waits);
    }
}

TEST_CASE_TEMPLATE("G12: an answer ends one-way", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked_client(h, 1);
    for (int i = 0; i < 6; ++i) {
        CHECK(h.esp_out(a, 500) == forwarded);
        h.pass(1s);
    }
    CHECK(h.esp_in(a, 1000) == a.pair);  // E5: the only candidate
    CHECK_FALSE(h.newest(a).one_way);
    CHECK(h.count(counter::bindings_late) == 1);
}
