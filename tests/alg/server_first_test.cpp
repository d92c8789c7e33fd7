// SPDX-License-Identifier: Apache-2.0
#include "ikealg/alg/server_first.hpp"

#include "alg/harness.hpp"

namespace {

using namespace ikealg_tests;

/// IKEv2: the tunnel is up and nobody has sent on it.
template <class F>
peer silent(harness<F>& h, unsigned client) {
    const peer p = h.connect(client, 2);
    CHECK(h.auth_request(p, 1) == forwarded);
    CHECK(h.auth_response(p, 1) == forwarded);
    return p;
}
template <class F>
void parks(harness<F>& h, const peer& p) {
    while (h.holds(p)) {
        h.pass(1s);
    }
    CHECK(h.newest(p).state == exchange_state::parked);
}
/// Three tunnels come up, nobody has sent anything; the gate of the last is open.
template <class F>
std::array<peer, 3> three_silent(harness<F>& h) {
    std::array<peer, 3> all;
    for (unsigned i = 0; i < 3; ++i) {
        all[i] = silent(h, i + 1);
        if (i < 2) {
            parks(h, all[i]);
        }
    }
    return all;
}

}  // namespace

TEST_CASE_TEMPLATE("E13: what a server sends to three silent clients at once is nobody's", F, ipv4, ipv6) {
    harness<F> h;
    const auto [a, b, c] = three_silent(h);
    CHECK(h.esp_in(a, 1001) == c.pair);  // likely enough, alone
    CHECK(h.state_of(c) == slot_state::settle);
    h.pass(1ms);
    CHECK(h.esp_in(c, 1003) == npos);  // the holder's own, as it happens
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.count(counter::bindings_taken_back) == 1);
    CHECK(h.state_of(c) == slot_state::free);
    for (const std::uint32_t each : {1001U, 1002U, 1003U}) {
        CHECK(h.esp_in(a, each) == npos);
    }
    CHECK(h.slot_of(a).parked == 3);
    std::uint32_t n = 0;
    for (const peer& p : {a, b, c}) {
        ++n;
        CHECK(h.esp_out(p, 500 + n) == forwarded);  // a client speaks, and the answer says whose it is
        CHECK(h.esp_in(p, 1000 + n) == p.pair);
        CHECK(h.inbound_flow(p, 1000 + n) == h.outbound_flow(p, 500 + n));
        h.pass(1s);
    }
    CHECK(h.slot_of(a).parked == 0);
}

TEST_CASE_TEMPLATE("E13: the second SPI refutes the first within a tenth of a second, also when the slot is free again", F, ipv4, ipv6) {
    for (const auto after : {99ms, 100ms}) {
        const bool refutes = after < 100ms;
        CAPTURE(after.count());
        harness<F> h;
        const auto [a, b, c] = three_silent(h);
        CHECK(h.esp_in(a, 1001) == c.pair);
        h.pass(after);
        CHECK(h.state_of(c) == slot_state::free);
        CHECK(h.esp_in(a, 1002) == npos);
        CHECK(h.why == drop_reason::esp_ambiguous);
        CHECK((h.inbound_flow(c, 1001) == npos) == refutes);
        CHECK(h.count(counter::bindings_taken_back) == (refutes ? 1 : 0));
    }
}

TEST_CASE_TEMPLATE("E13: nothing is refuted once the client has spoken, or when it is another's turn", F, ipv4, ipv6) {
    for (const bool another : {false, true}) {
        CAPTURE(another);
        harness<F> h;
        const auto [a, b, c] = three_silent(h);
        CHECK(h.esp_in(c, 1003) == c.pair);
        if (another) {
            h.pass(50ms);
            CHECK(h.esp_out(a, 501) == forwarded);
            CHECK(h.esp_in(a, 1001) == a.pair);
        } else {
            CHECK(h.esp_out(c, 503) == forwarded);
            CHECK(h.esp_in(a, 1001) == c.pair);  // E11: surplus, and moves when its owner waits in vain
        }
        CHECK(h.inbound_flow(c, 1003) != npos);
        CHECK(h.count(counter::bindings_taken_back) == 0);
    }
}

TEST_CASE_TEMPLATE("E13: no guess where the others have had ESP, or the client itself", F, ipv4, ipv6) {
    SUBCASE("a rekey beside a silent client") {
        harness<F> h;
        const peer c = silent(h, 3);
        CHECK(h.esp_in(c, 1003) == c.pair);
        h.pass(1s);
        const peer a = silent(h, 1);
        parks(h, a);
        CHECK(h.child_request(c, 2) == forwarded);
        CHECK(h.child_response(c, 2) == forwarded);
        CHECK(h.esp_in(c, 1004) == c.pair);
        CHECK(h.slot_of(c).guess == npos);
    }
    SUBCASE("a new client beside a rekey without ESP") {
        harness<F> h;
        const peer a = silent(h, 1);
        CHECK(h.esp_in(a, 1001) == a.pair);
        h.pass(1s);
        CHECK(h.child_request(a, 2) == forwarded);
        CHECK(h.child_response(a, 2) == forwarded);
        parks(h, a);
        const peer c = silent(h, 3);
        CHECK(h.esp_in(c, 1003) == c.pair);
        CHECK(h.slot_of(c).guess == npos);
    }
}

TEST_CASE_TEMPLATE("E13: a guess ends with its exchange", F, ipv4, ipv6) {
    harness<F> h;
    const auto [a, b, c] = three_silent(h);
    CHECK(h.esp_in(c, 1003) == c.pair);
    CHECK(h.slot_of(c).guess != npos);
    h.core.end_session(h.memory().pair_at(c.pair).first_session);
    CHECK(h.slot_of(c).guess == npos);
    CHECK(h.esp_in(a, 1001) == npos);
    CHECK(h.inbound_flow(c, 1003) != npos);  // its ESP session goes on
}
