// SPDX-License-Identifier: Apache-2.0
/// Which exchange a message belongs to.
#include "ikealg/alg/exchanges.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("X1: IKEv2 message ids of the two sides are two exchanges, of IKEv1 one", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, outbound) == forwarded);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    CHECK(h.count(counter::phase2_started) == 2);
    CHECK(h.child_response(a, 2, inbound) == forwarded);
    CHECK(h.child_response(a, 2, outbound) == forwarded);
    CHECK(h.count(counter::phase2_started) == 2);
    const peer b = h.connect(2, 1, {}, 2);
    CHECK(h.quick(b, inbound, 7) == forwarded);
    CHECK(h.quick(b, outbound, 7) == forwarded);
    CHECK(h.count(counter::phase2_started) == 3);
}

TEST_CASE_TEMPLATE("X1: equal message ids of two IKE sessions are two exchanges", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    const peer again = h.connect(1, 2);
    CHECK(a.pair == again.pair);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_request(again, 2) == forwarded);
    CHECK(h.count(counter::phase2_started) == 2);
}

TEST_CASE_TEMPLATE("X1: IKE_FOLLOWUP_KE continues its requester's newest CREATE_CHILD_SA", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_response(a, 2) == forwarded);
    h.pass(4s);
    CHECK(h.ike(a, exchange_type::ike_followup_ke, outbound, 3, false) == forwarded);
    CHECK(h.ike(a, exchange_type::ike_followup_ke, inbound, 3, true) == forwarded);
    CHECK(h.count(counter::phase2_started) == 1);
    h.pass(5s - 1ns);
    CHECK(h.holds(a));
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.newest(a).state == exchange_state::satisfied);
}
