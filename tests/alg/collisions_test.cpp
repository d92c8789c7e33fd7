// SPDX-License-Identifier: Apache-2.0
/// Two clients with one initiator SPI on a shared port.
#include "ikealg/alg/collisions.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("N5: of two clients with one initiator SPI the second waits until the first is answered", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = sharing(h, 1);
    peer b = sharing(h, 2);
    b.initiator = a.initiator;
    const peer first_a{a.pair, a.initiator, {}, 2, true};
    const peer first_b{b.pair, b.initiator, {}, 2, true};
    CHECK(h.ike(first_a, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    CHECK(h.ike(first_b, exchange_type::ike_sa_init, outbound, 0, false) == waits);
    const std::uint32_t packet = h.last;
    h.pass(1s);
    CHECK(h.ike(first_b, exchange_type::ike_sa_init, outbound, 0, false) == waits);
    CHECK(h.take_back() == std::vector<released>{{packet, drop_reason::superseded}});
    SUBCASE("another's answer changes nothing") {
        const peer c = sharing(h, 3);
        h.phase1(c);
        CHECK(h.take_back().empty());
    }
    SUBCASE("the first is answered") {
        CHECK(h.ike(a, exchange_type::ike_sa_init, inbound, 0, true) == forwarded);
        CHECK(h.take_back() == std::vector<released>{{packet + 1, drop_reason::none}});
        CHECK(h.ike(first_b, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);  // the gateway looks at it anew
        CHECK(owner_of(h, a, b.initiator, b.responder).pair == b.pair);
        CHECK(owner_of(h, a, a.initiator, a.responder).pair == a.pair);
    }
    SUBCASE("it never is") {
        h.pass(6s - 1ns);
        CHECK(h.take_back().empty());
        h.pass(1ns);
        CHECK(h.take_back() == std::vector<released>{{packet + 1, drop_reason::ike_ambiguous}});
    }
    SUBCASE("the client's state ends") {
        h.core.end_pair(b.pair);
        h.collect();
        CHECK(h.take_back() == std::vector<released>{{packet + 1, drop_reason::shutdown}});
    }
}
