// SPDX-License-Identifier: Apache-2.0
/// The slot of the Junos profile, with its timer at the exact instant.
#include "ikealg/alg/junos_slot.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;
using alg::junos_state;

namespace {

alg_settings junos() { return alg_settings::of(alg::profile::junos); }

}  // namespace

TEST_CASE_TEMPLATE("G1: junos opens both gates at the first Phase 2 message; both hit is collapsed", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.connect(1, 1);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.slot_of(a).junos == junos_state::both);
    SUBCASE("outbound first") {
        CHECK(h.esp_out(a, 500) == forwarded);
        CHECK(h.slot_of(a).junos == junos_state::in);
        CHECK(h.esp_in(a, 1000) == a.pair);
    }
    SUBCASE("inbound first") {
        CHECK(h.esp_in(a, 1000) == a.pair);
        CHECK(h.slot_of(a).junos == junos_state::out);
        CHECK(h.esp_in(a, 1001) == npos);  // K is 1
        CHECK(h.why == drop_reason::esp_no_gate);
        CHECK(h.esp_out(a, 500) == forwarded);
    }
    CHECK(h.slot_of(a).junos == junos_state::free);
    CHECK(h.count(counter::gates_collapsed) == 1);
    CHECK(h.count(counter::gates_timed_out) == 0);
    CHECK(h.inbound_flow(a, 1000) == h.outbound_flow(a, 500));
    CHECK(h.quick(a, outbound, 7) == forwarded);  // a repetition opens nothing
    CHECK(h.slot_of(a).junos == junos_state::free);
}

TEST_CASE_TEMPLATE("G2: junos gates last esp-gate-timeout from the exchange's newest message", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.connect(1, 1);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    h.pass(3s);
    CHECK(h.quick(a, inbound, 7) == forwarded);
    h.pass(5s - 1ns);
    CHECK(h.slot_of(a).junos == junos_state::both);
    h.pass(1ns);
    CHECK(h.slot_of(a).junos == junos_state::free);
    CHECK(h.count(counter::gates_timed_out) == 1);
    CHECK(h.esp_in(a, 1000) == npos);
    CHECK(h.why == drop_reason::esp_no_gate);
    CHECK(h.esp_out(a, 500) == dropped(drop_reason::esp_no_gate));
    CHECK(h.quick(a, outbound, 7) == forwarded);  // the next message opens them again
    CHECK(h.slot_of(a).junos == junos_state::both);
}

TEST_CASE_TEMPLATE("G3: junos drops the holder's second exchange as busy", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_request(a, 3) == dropped(drop_reason::phase2_busy));
    CHECK(h.child_request(a, 0, inbound) == dropped(drop_reason::phase2_busy));
    CHECK(h.child_response(a, 2) == forwarded);
}

TEST_CASE_TEMPLATE("G6: junos refuses a second client's gates on one (server, nat address)", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    const peer c = h.connect(3, 1, {}, 2);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.quick(b, outbound, 7) == dropped(drop_reason::gate_failed));
    CHECK(h.esp_out(b, 500) == dropped(drop_reason::esp_no_gate));
    CHECK(h.quick(c, outbound, 7) == forwarded);
    CHECK(h.count(counter::gates_failed) == 1);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.esp_out(a, 400) == forwarded);
    CHECK(h.quick(b, outbound, 7) == forwarded);
    CHECK(h.count(counter::phase2_held) + h.count(counter::esp_held) == 0);
}

TEST_CASE_TEMPLATE("X3: junos drops Phase 2 on an IKE session not seen in both directions", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.stranger(1, 1);
    CHECK(h.quick(a, outbound, 7) == dropped(drop_reason::phase2_unsolicited));
    CHECK(h.count(counter::phase2_unsolicited) == 1);
    CHECK(h.slot_of(a).junos == junos_state::free);
}

TEST_CASE_TEMPLATE("X5: junos gives IKE_AUTH one tenure from its first request", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.connect(1, 2);
    for (std::uint32_t id = 1; id < 4; ++id) {
        CHECK(h.auth_request(a, id) == forwarded);
        CHECK(h.slot_of(a).junos == junos_state::both);
        h.pass(4s);
        CHECK(h.auth_response(a, id) == forwarded);
        h.pass(4s);
    }
    CHECK(h.count(counter::gates_opened) == 1);
}

TEST_CASE_TEMPLATE("X9: a refusal closes junos gates", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_response(a, 2, outbound, 100) == forwarded);
    CHECK(h.slot_of(a).junos == junos_state::free);
    CHECK(h.count(counter::phase2_failed) == 1);
    CHECK(h.child_request(h.connect(2, 2), 2) == forwarded);
}

TEST_CASE_TEMPLATE("E5: junos has no second chance", F, ipv4, ipv6) {
    harness<F> h(junos());
    const peer a = h.connect(1, 1);
    CHECK(h.esp_in(a, 1000) == npos);
    CHECK(h.why == drop_reason::esp_no_gate);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    h.pass(5s);
    CHECK(h.esp_in(a, 1000) == npos);
    CHECK(h.memory().flows.size() == 0);
}
