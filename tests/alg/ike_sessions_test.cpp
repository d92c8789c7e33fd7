// SPDX-License-Identifier: Apache-2.0
/// Whose an IKE message is: shared ports, rekeyed IKE SAs, equal initiator SPIs, limits.
#include "ikealg/alg/ike_sessions.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("N3: on a shared port the IKE SPIs tell the client, and a first answer completes its session", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = sharing(h, 1);
    const peer b = sharing(h, 2);
    for (const peer& p : {a, b}) {
        CHECK(h.ike({p.pair, p.initiator, {}, 2, true}, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    }
    CHECK(owner_of(h, a, a.initiator, a.responder).pair == a.pair);
    CHECK(owner_of(h, a, b.initiator, b.responder).pair == b.pair);
    CHECK(owner_of(h, a, {4711}, a.responder).pair == npos);
    CHECK(h.ike(a, exchange_type::ike_sa_init, inbound, 0, true) == forwarded);
    CHECK(owner_of(h, a, a.initiator, a.responder).pair == a.pair);
    CHECK(owner_of(h, a, a.initiator, {4711}).pair == npos);  // complete: another responder is another SA
    CHECK(owner_of(h, a, b.initiator, {4711}).pair == b.pair);
}

TEST_CASE_TEMPLATE("N3: an answer that makes the client ask again (COOKIE) leaves its session findable", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = sharing(h, 1);
    const peer first{a.pair, a.initiator, {}, 2, true};
    CHECK(h.ike(first, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    const peer other{a.pair, a.initiator, {99}, 2, true};
    CHECK(h.ike(other, exchange_type::ike_sa_init, inbound, 0, true) == forwarded);
    CHECK(h.ike(first, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    CHECK(owner_of(h, a, a.initiator, a.responder).pair == a.pair);
    CHECK(h.ike(a, exchange_type::ike_sa_init, inbound, 0, true) == forwarded);
    CHECK(owner_of(h, a, a.initiator, a.responder).pair == a.pair);
    CHECK(h.memory().sessions().size() == 1);
}

TEST_CASE_TEMPLATE("N4: a Phase 1 that the server starts on a shared port is the only client's, or nobody's", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = sharing(h, 1);
    CHECK(owner_of(h, a, {77}, {}).pair == npos);  // no IKE state yet
    h.phase1(a);
    CHECK(owner_of(h, a, {77}, {}).pair == a.pair);
    const peer b = sharing(h, 2);
    h.phase1(b);
    CHECK(owner_of(h, a, {77}, {}).pair == npos);
    CHECK_FALSE(owner_of(h, a, {77}, {}).fan_out);
}

TEST_CASE_TEMPLATE("X6: SPIs never seen from the client are learned at once", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = sharing(h, 1);
    h.phase1(a);
    peer rekeyed = sharing(h, 1);
    CHECK(h.ike(rekeyed, exchange_type::informational, outbound, 0, false) == forwarded);
    CHECK(owner_of(h, a, rekeyed.initiator, rekeyed.responder).pair == a.pair);
    CHECK(h.memory().sessions().size() == 2);
    CHECK(h.told(event_kind::ike_session_started) == 2);
}

TEST_CASE_TEMPLATE("X6: SPIs never seen from the server are the one client's with an exchange 36 in the last 60 s", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = sharing(h, 1);
    const peer b = sharing(h, 2);
    for (const peer& p : {a, b}) {
        h.phase1(p);
    }
    CHECK(owner_of(h, a, {77}, {78}).pair == npos);
    CHECK(h.child_request(a, 2) == forwarded);
    h.pass(30s);
    CHECK(owner_of(h, a, {77}, {78}).pair == a.pair);
    CHECK(h.child_request(b, 2) == forwarded);
    const auto both = owner_of(h, a, {77}, {78});
    CHECK(both.pair == npos);
    CHECK(both.fan_out);
    std::vector<std::uint32_t> copies;
    h.core.for_each_fan_out(h.memory().pair_at(a.pair).slot, [&](std::uint32_t pi) { copies.push_back(pi); });
    CHECK(copies.size() == 2);
    h.pass(30s);
    CHECK(owner_of(h, a, {77}, {78}).pair == npos);  // 60 s are recent
    h.pass(1ms);
    CHECK(owner_of(h, a, {77}, {78}).pair == b.pair);
}

TEST_CASE_TEMPLATE("L2: a client's IKE sessions are bounded; half-open ones make room, proven ones never", F, ipv4, ipv6) {
    alg_settings s;
    s.sessions_per_client = 3;
    harness<F> h(s);
    const peer a = h.connect(1, 2);
    const peer half = h.stranger(1, 2);
    CHECK(h.ike({half.pair, half.initiator, {}, 2}, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    for (int i = 0; i < 10; ++i) {
        const peer next = h.stranger(1, 2);
        CHECK(h.ike({next.pair, next.initiator, {}, 2}, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    }
    CHECK(h.memory().sessions().size() == 3);
    CHECK(h.count(counter::ike_sessions_evicted) == 9);
    CHECK(h.memory().find_session(a.pair, a.initiator) != npos);
    CHECK(h.memory().find_session(a.pair, half.initiator) == npos);
    h.phase1(h.stranger(1, 2));
    h.phase1(h.stranger(1, 2));
    const peer refused = h.stranger(1, 2);
    CHECK(h.ike({refused.pair, refused.initiator, {}, 2}, exchange_type::ike_sa_init, outbound, 0, false) ==
          dropped(drop_reason::client_limit));
}

TEST_CASE_TEMPLATE("L2: in a full table the oldest half-open session makes room, whoever's it is", F, ipv4, ipv6) {
    harness<F> h({}, {64, 16, 16, 4, 64, 16});
    const peer proven = h.connect(1, 2);
    const peer busy = h.stranger(2, 2);
    CHECK(h.child_request(busy, 2) == forwarded);  // half-open, but an exchange leads to it
    const peer oldest = h.stranger(3, 2);
    const peer newer = h.stranger(4, 2);
    for (const peer& p : {oldest, newer}) {
        CHECK(h.ike({p.pair, p.initiator, {}, 2}, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    }
    h.phase1(h.stranger(5, 2));
    CHECK(h.memory().find_session(oldest.pair, oldest.initiator) == npos);
    CHECK(h.memory().find_session(newer.pair, newer.initiator) != npos);
    CHECK(h.memory().find_session(proven.pair, proven.initiator) != npos);
    CHECK(h.memory().find_session(busy.pair, busy.initiator) != npos);
}

TEST_CASE_TEMPLATE("L2: a half-open session ends after 180 s, a proven one after state-timeout", F, ipv4, ipv6) {
    harness<F> h;
    const peer half = h.stranger(1, 2);
    CHECK(h.ike({half.pair, half.initiator, {}, 2}, exchange_type::ike_sa_init, outbound, 0, false) == forwarded);
    const peer a = h.connect(2, 2);
    tick again{};
    h.pass(180s - 1ms);
    CHECK(h.core.session_stays(h.memory().pair_at(half.pair).first_session, again));
    h.pass(1ms);
    CHECK_FALSE(h.core.session_stays(h.memory().pair_at(half.pair).first_session, again));
    h.pass(14400s - 180s - 1ms);
    CHECK(h.core.session_stays(h.memory().pair_at(a.pair).first_session, again));
    h.pass(1ms);
    CHECK_FALSE(h.core.session_stays(h.memory().pair_at(a.pair).first_session, again));
    CHECK(h.slot_of(a).members == 0);
}

TEST_CASE_TEMPLATE("E4: round trips are taken from requests sent once, and not from IKE_AUTH", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2, 50ms);
    CHECK(h.slot_of(a).rtt.least() == 50ms);
    CHECK(h.ike(a, exchange_type::informational, outbound, 1, false) == forwarded);
    h.pass(100ms);
    CHECK(h.ike(a, exchange_type::informational, outbound, 1, false) == forwarded);  // sent twice: which was answered?
    h.pass(1ms);
    CHECK(h.ike(a, exchange_type::informational, inbound, 1, true) == forwarded);
    CHECK(h.slot_of(a).rtt.least() == 50ms);
    CHECK(h.auth_request(a, 2) == forwarded);
    h.pass(1ms);
    CHECK(h.auth_response(a, 2) == forwarded);
    CHECK(h.slot_of(a).rtt.least() == 50ms);
    CHECK(h.ike(a, exchange_type::informational, outbound, 3, false) == forwarded);
    h.pass(40ms);
    CHECK(h.ike(a, exchange_type::informational, inbound, 3, true) == forwarded);
    CHECK(h.slot_of(a).rtt.least() == 40ms);
}
