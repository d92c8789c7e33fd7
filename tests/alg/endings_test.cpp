// SPDX-License-Identifier: Apache-2.0
/// What ends, and that what is held of it comes back (L2, E12).
#include "ikealg/alg/endings.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("L2: one exchange too many of a client ends its oldest satisfied one, else its oldest", F, ipv4, ipv6) {
    alg::alg_settings settings = long_gate();
    settings.exchanges_per_client = 3;
    harness<F> h(settings);
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(a, 8) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);  // of 7
    CHECK(h.quick_all(a, 9) == forwarded);
    CHECK(h.memory().pair_at(a.pair).exchanges == 3);
    CHECK(h.quick_all(a, 10) == forwarded);
    CHECK(h.memory().pair_at(a.pair).exchanges == 3);
    std::vector<std::uint32_t> left;
    for (std::uint32_t xi = h.memory().pair_at(a.pair).first_exchange; xi != npos; xi = h.memory().exchange_at(xi).next) {
        left.push_back(h.memory().exchange_at(xi).message_id);
    }
    CHECK(left == std::vector<std::uint32_t>{10, 9, 8});
    CHECK(h.quick_all(a, 11) == forwarded);  // none is satisfied: the oldest goes
    CHECK(h.memory().pair_at(a.pair).exchanges == 3);
    CHECK(h.esp_in(a, 1000) == a.pair);  // its SPI stays bound
}

TEST_CASE_TEMPLATE("L2: a session that ends gives back what is held of its exchanges, and the slot", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    CHECK(h.holds(a));
    h.core.end_session(h.memory().pair_at(b.pair).first_session);
    CHECK(h.slot_of(a).waiting == 0);
    CHECK(h.memory().held().size() == 1);  // the host takes it back, as dropped
    h.collect();
    CHECK(h.memory().held().size() == 0);
    h.core.end_session(h.memory().pair_at(a.pair).first_session);
    CHECK(h.state_of(b) == slot_state::free);
    CHECK(h.memory().exchanges().size() == 0);
    CHECK(h.told(event_kind::ike_session_ended) == 2);
}

TEST_CASE_TEMPLATE("L2, E11: a claim does not make room for exchanges that were refused", F, ipv4, ipv6) {
    alg::alg_settings settings = long_gate();
    settings.exchanges_per_client = 3;
    harness<F> h(settings);
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, outbound) == forwarded);
    CHECK(h.child_response(a, 2, outbound) == forwarded);
    h.pass(1h);
    const std::uint32_t claim = h.memory().pair_at(a.pair).first_exchange;
    REQUIRE(h.memory().exchange_at(claim).state == exchange_state::parked);
    for (std::uint32_t n = 3; n < 9; ++n) {
        CHECK(h.child_request(a, n, outbound) == forwarded);
        CHECK(h.child_response(a, n, outbound, 80) == forwarded);
        h.pass(30s);
        CHECK(h.memory().pair_at(a.pair).exchanges <= 3);
        CHECK(h.memory().exchange_at(claim).message_id == 2);
        CHECK(h.memory().exchange_at(claim).state == exchange_state::parked);
    }
}
