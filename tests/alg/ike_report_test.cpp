// SPDX-License-Identifier: Apache-2.0
/// What is counted and told of IKE messages.
#include "ikealg/alg/ike_report.hpp"

#include "alg/harness.hpp"
#include "support/ike_messages.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("R4: an unknown version or exchange goes on as part of its session, opens nothing and is counted", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    ike_header m{a.initiator, a.responder, 0x30, exchange_type::create_child_sa, 0x08, 2};
    CHECK(h.ike(a, m, outbound) == forwarded);
    m.version = 0x20;
    m.exchange = static_cast<exchange_type>(99);
    CHECK(h.ike(a, m, outbound) == forwarded);
    CHECK(h.count(counter::ike_unknown) == 2);
    CHECK(h.count(counter::phase2_started) == 0);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.memory().sessions().size() == 1);
}

TEST_CASE_TEMPLATE("R6: an announcement of NAT-T is noted once, and Phase 2 on 500 is the ALG's all the same", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.stranger(1, 2);
    const ike_bytes request{ike_messages::sa_init_request};
    const ike_bytes response{ike_messages::sa_init_response};
    const peer p{a.pair, request.view().initiator_spi(), response.view().responder_spi(), 2, false, false};
    CHECK(h.ike(p, request, outbound) == forwarded);
    CHECK(h.ike(p, request, outbound) == forwarded);
    CHECK(h.ike(p, response, inbound) == forwarded);
    CHECK(h.count(counter::natt_announced) == 1);
    CHECK(h.told(event_kind::ike_notify) != 0);
    CHECK(h.auth_request(p, 1) == forwarded);
    CHECK(h.auth_response(p, 1) == forwarded);
    CHECK(h.state_of(p) == slot_state::gate);
}
