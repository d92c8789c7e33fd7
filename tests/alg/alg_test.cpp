// SPDX-License-Identifier: Apache-2.0
/// Exchanges, sessions and their ends, through the ALG's entries: lost, doubled and reordered messages included.
#include "ikealg/alg/alg.hpp"

#include "alg/harness.hpp"
#include "support/ike_messages.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("R9: all fragments of a message are one event", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 2);
    const peer b = h.connect(2, 2);
    CHECK(h.auth_request(a, 1) == forwarded);
    CHECK(h.ike(a, skf(a, exchange_type::ike_auth, 0x20, 1, 1, 2), inbound) == forwarded);
    CHECK(h.ike(a, skf(a, exchange_type::ike_auth, 0x20, 1, 2, 2), inbound) == forwarded);
    CHECK(h.holds(a));  // 100 bytes of a fragment are no refusal (X9)
    CHECK(h.count(counter::gates_opened) == 1);
    CHECK(h.auth_request(b, 1) == forwarded);
    CHECK(h.ike(b, skf(b, exchange_type::ike_auth, 0x20, 1, 1, 2), inbound, 1) == waits);
    const std::uint32_t first = h.last;
    CHECK(h.ike(b, skf(b, exchange_type::ike_auth, 0x20, 1, 2, 2), inbound, 2) == waits);
    CHECK(h.count(counter::phase2_started) == 2);
    CHECK(h.esp_in(a, 1000) == a.pair);
    h.pass(20ms);
    CHECK(h.take_back() == std::vector<released>{{first, drop_reason::none}, {first + 1, drop_reason::none}});
    CHECK(h.holds(b));
}

TEST_CASE_TEMPLATE("X2: once satisfied an exchange passes without the slot; unsatisfied it needs it, first time or repeated", F, ipv4,
                   ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    const peer c = h.connect(3, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.quick_all(c, 7) == forwarded);
    h.pass(1200s);
    CHECK(h.newest(c).state == exchange_state::parked);
    CHECK(h.quick_all(b, 7) == forwarded);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.quick(c, outbound, 7) == waits);
    CHECK(h.holds(b));
}

TEST_CASE_TEMPLATE("X3: Phase 2 on an unproven session goes on without slot or gate; the enabling message proves it", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.stranger(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.count(counter::phase2_unsolicited) == 1);
    CHECK(h.child_response(a, 2) == forwarded);
    CHECK(h.state_of(a) == slot_state::gate);
    const peer b = h.stranger(2, 1, 2);
    CHECK(h.quick(b, outbound, 7) == forwarded);
    CHECK(h.state_of(b) == slot_state::free);
    CHECK(h.quick(b, inbound, 7) == forwarded);
    CHECK(h.state_of(b) == slot_state::free);
    CHECK(h.quick(b, outbound, 7) == forwarded);
    CHECK(h.state_of(b) == slot_state::gate);
    CHECK(h.count(counter::phase2_unsolicited) == 2);
}

TEST_CASE_TEMPLATE("X4: a repeated message 1 opens nothing, message 2 makes the next one message 3", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.quick(a, inbound, 7) == forwarded);
    CHECK(h.quick(a, inbound, 7) == forwarded);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.state_of(a) == slot_state::gate);
}

TEST_CASE_TEMPLATE("X4: two clients rekey by Quick Mode and the server sends right behind message 2: each has its own", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1, 40ms);
    const peer b = h.connect(2, 1, 40ms);
    std::uint32_t first = 1000;
    for (const peer& p : {a, b}) {
        CHECK(h.quick_all(p, 7) == forwarded);
        CHECK(h.esp_out(p, first) == forwarded);
        h.pass(40ms);
        CHECK(h.esp_in(p, first + 1) == p.pair);
        first += 10;
    }
    CHECK(h.quick(a, outbound, 8) == forwarded);
    CHECK(h.quick(b, outbound, 8) == waits);
    h.pass(30ms);
    CHECK(h.quick(a, inbound, 8) == forwarded);
    CHECK(h.esp_in(a, 2000) == a.pair);
    CHECK(h.take_back().size() == 1);
    CHECK(h.holds(b));
    CHECK(h.quick(a, outbound, 8) == forwarded);  // message 3: the SPI is known, nobody waits for it
    h.pass(30ms);
    CHECK(h.quick(b, inbound, 8) == forwarded);
    CHECK(h.esp_in(b, 2001) == b.pair);
    CHECK(h.quick(b, outbound, 8) == forwarded);
    CHECK(h.count(counter::bindings_contested) == 0);
}

TEST_CASE_TEMPLATE("X4: message 2 after 3, and CONNECTED with the exchange's id, restart the timer", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    h.pass(4s);
    SUBCASE("message 2") { CHECK(h.quick(a, inbound, 7) == forwarded); }
    SUBCASE("CONNECTED") { CHECK(h.ike(a, exchange_type::informational_v1, inbound, 7, false) == forwarded); }
    h.pass(5s - 1ns);
    CHECK(h.holds(a));
    CHECK(h.ike(a, exchange_type::informational_v1, inbound, 8, false) == forwarded);  // another's id
    h.pass(1ns);
    CHECK_FALSE(h.holds(a));
}

TEST_CASE_TEMPLATE("X4: the commit bit changes nothing", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    ike_header m{a.initiator, a.responder, 0x10, exchange_type::quick_mode, 0x03, 7};
    CHECK(h.ike(a, m, outbound) == forwarded);
    CHECK(h.ike(a, m, inbound) == forwarded);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.ike(a, m, outbound) == forwarded);
    CHECK(h.state_of(a) == slot_state::gate);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.state_of(a) == slot_state::free);
}

TEST_CASE_TEMPLATE("X5: each response of IKE_AUTH enables, a further request gives the slot back", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 2);
    const peer b = h.connect(2, 1);
    for (std::uint32_t id = 1; id < 4; ++id) {
        CHECK(h.auth_request(a, id) == forwarded);
        CHECK(h.state_of(a) == slot_state::free);
        CHECK(h.auth_response(a, id) == forwarded);
        CHECK(h.holds(a));
    }
    CHECK(h.count(counter::phase2_started) == 1);
    CHECK(h.quick_all(b, 7) == waits);
    CHECK(h.auth_request(a, 4) == forwarded);  // a person is typing: others go on
    CHECK(h.take_back().size() == 1);
    CHECK(h.holds(b));
    h.pass(100s);
    CHECK(h.auth_response(a, 4) == waits);
    CHECK(h.esp_in(b, 2000) == b.pair);
    h.pass(20ms);
    CHECK(h.holds(a));
    CHECK(h.esp_in(a, 1000) == a.pair);
}

TEST_CASE_TEMPLATE("X7: an exchange under way when first seen opens gates at its enabling message", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.stranger(1, 1);
    CHECK(h.quick(a, inbound, 7) == forwarded);  // message 2
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.state_of(a) == slot_state::gate);
    const peer b = h.stranger(2, 2, 2);
    CHECK(h.child_response(b, 9) == forwarded);
    CHECK(h.state_of(b) == slot_state::gate);
    CHECK(h.esp_in(b, 1000) == b.pair);
}

TEST_CASE_TEMPLATE("X8: a request without an answer holds the slot for 30 s, 2 s while others wait", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    const peer b = h.connect(2, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.state_of(a) == slot_state::wait);
    SUBCASE("alone") {
        h.pass(30s - 1ns);
        CHECK(h.holds(a));
        h.pass(1ns);
        CHECK(h.state_of(a) == slot_state::free);
        CHECK(h.child_response(a, 2) == forwarded);  // late, and the slot is free
        CHECK(h.state_of(a) == slot_state::gate);
    }
    SUBCASE("while another waits") {
        h.pass(500ms);
        CHECK(h.child_request(b, 2) == waits);
        h.pass(1500ms - 1ns);
        CHECK(h.holds(a));
        h.pass(1ns);
        CHECK(h.holds(b));
        CHECK(h.child_response(a, 2) == forwarded);
        CHECK(h.newest(a).state == exchange_state::parked);
        CHECK(h.holds(b));
    }
    CHECK(h.count(counter::phase2_timed_out) == 1);
}

TEST_CASE_TEMPLATE("X9: a refusal frees the slot and parks nothing", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    const peer b = h.connect(2, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_request(b, 2) == waits);
    CHECK(h.child_response(a, 2, outbound, 119) == forwarded);
    CHECK(h.holds(b));
    CHECK(h.newest(a).state == exchange_state::seen);
    CHECK(h.slot_of(a).parked == 0);
    CHECK(h.count(counter::phase2_failed) == 1);
    CHECK(h.child_response(b, 2) == forwarded);
    CHECK(h.esp_in(b, 1000) == b.pair);
    CHECK(h.count(counter::bindings_contested) == 0);
}

TEST_CASE_TEMPLATE("X2: messages lost, doubled and reordered still end in one binding", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_request(a, 2) == forwarded);   // doubled
    h.pass(500ms);
    CHECK(h.child_request(a, 2) == forwarded);   // its answer was lost beyond
    CHECK(h.esp_in(a, 1000) == a.pair);          // ESP overtakes the answer
    CHECK(h.child_response(a, 2) == forwarded);
    CHECK(h.child_response(a, 2) == forwarded);
    CHECK(h.child_request(a, 2) == forwarded);   // a repetition that arrives late
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.esp_out(a, 500) == forwarded);
    CHECK(h.inbound_flow(a, 1000) == h.outbound_flow(a, 500));
    CHECK(h.count(counter::phase2_started) == 1);
    CHECK(h.count(counter::phase2_completed) == 1);
    CHECK(h.memory().flows.size() == 1);
}

TEST_CASE_TEMPLATE("L2: the exchanges a client may have are bounded, done ones go first", F, ipv4, ipv6) {
    alg_settings s;
    s.exchanges_per_client = 4;
    harness<F> h(s);
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 1) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);
    for (std::uint32_t id = 2; id < 50; ++id) {
        CHECK(h.quick_all(a, id) == forwarded);
    }
    CHECK(h.memory().pair_at(a.pair).exchanges == 4);
    CHECK(h.memory().exchanges().size() == 4);
    CHECK(h.inbound_flow(a, 1000) != npos);
}

TEST_CASE_TEMPLATE("L4: ages are right across the wrap of the tick", F, ipv4, ipv6) {
    const instant start{std::chrono::milliseconds{0xffff'ffffU} - 2s};
    harness<F> h({}, {64, 16, 16, 16, 64, 16}, start);
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    h.pass(5s);
    CHECK(h.newest(a).state == exchange_state::parked);
    tick again{};
    CHECK(h.core.session_stays(h.memory().pair_at(a.pair).first_session, again));
    CHECK(again - to_tick(h.now()) > 0);
    h.pass(1795s - 1ms);
    h.core.age_pair(a.pair);
    CHECK(h.memory().exchanges().size() == 1);
    h.pass(2ms);
    h.core.age_pair(a.pair);
    CHECK(h.memory().exchanges().size() == 0);
}

TEST_CASE_TEMPLATE("L1: a pair that ends gives back what it held and leaves nothing behind", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_out(a, 500) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    CHECK(h.esp_out(b, 501) == waits);
    CHECK_FALSE(h.core.pair_is_idle(b.pair));
    h.core.end_session(h.memory().pair_at(b.pair).first_session);
    h.collect();
    CHECK(h.take_back() == std::vector<released>{{h.last - 1, drop_reason::shutdown}, {h.last, drop_reason::shutdown}});
    CHECK(h.core.pair_is_idle(b.pair));
    h.core.end_pair(b.pair);
    h.core.end_session(h.memory().pair_at(a.pair).first_session);
    CHECK(h.state_of(a) == slot_state::free);
    while (h.memory().pair_at(a.pair).first_flow != npos) {
        h.core.end_esp_flow(h.memory().pair_at(a.pair).first_flow);
    }
    CHECK(h.core.pair_is_idle(a.pair));
    h.core.end_pair(a.pair);
    auto& m = h.memory();
    CHECK(m.pairs().size() + m.slots().size() + m.sessions().size() + m.exchanges().size() + m.held().size() + m.flows.size() == 0);
    CHECK(m.slot_timers.size() == 0);
}
