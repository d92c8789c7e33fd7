// SPDX-License-Identifier: Apache-2.0
/// SPIs and whose they are: the E rules, L7 among them.
#include "ikealg/alg/binding.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

namespace {

template <class F>
void park(harness<F>& h, const peer& p, std::uint32_t spi_out = 0) {
    CHECK(h.quick_all(p, 7) == forwarded);
    if (spi_out != 0) {
        CHECK(h.esp_out(p, spi_out) == forwarded);
    }
    while (h.holds(p)) {
        h.pass(1s);
    }
}

}  // namespace

TEST_CASE_TEMPLATE("E3: a new outbound SPI completes the exchange whose inbound SPI is bound, without the slot", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.quick_all(b, 7) == forwarded);
    CHECK(h.esp_out(a, 500) == forwarded);
    CHECK(h.inbound_flow(a, 1000) == h.outbound_flow(a, 500));
    CHECK(h.memory().flows.size() == 1);
    CHECK(h.holds(b));
}

TEST_CASE_TEMPLATE("E3: a new SPI belongs to an enabled exchange before an older SA that was never sent on", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);
    h.pass(600s);
    CHECK(h.quick_all(a, 8) == forwarded);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.state_of(a) == slot_state::learning);
    CHECK(h.esp_in(a, 1001) == a.pair);
    CHECK(h.inbound_flow(a, 1001) == h.outbound_flow(a, 501));
    CHECK(h.inbound_flow(a, 1000) != h.inbound_flow(a, 1001));
}

TEST_CASE_TEMPLATE("E3, G4: no SPI belongs to an exchange whose answer the client awaits, nor waits behind its request", F, ipv4, ipv6) {
    for (const unsigned version : {1U, 2U}) {
        CAPTURE(version);
        harness<F> h;
        const auto request = [&](const peer& p, std::uint32_t id) { return version == 1 ? h.quick(p, outbound, id) : h.child_request(p, id); };
        const peer a = h.connect(1, version);
        const peer b = h.connect(2, version);
        for (const peer& p : {a, b}) {  // each has ESP
            CHECK((version == 1 ? h.quick_all(p, 7) : h.auth_request(p, 1)) == forwarded);
            CHECK((version == 1 || h.auth_response(p, 1) == forwarded));
            CHECK(h.esp_in(p, 0xa000 + p.pair) == p.pair);
            CHECK(h.esp_out(p, 0xb000 + p.pair) == forwarded);
            h.pass(1s);
        }
        if (version == 1) {  // the server of b makes an SA, and sends on it first
            CHECK(h.quick(b, inbound, 9) == forwarded);
            CHECK(h.quick(b, outbound, 9) == forwarded);
            CHECK(h.quick(b, inbound, 9) == forwarded);
        } else {
            CHECK(h.child_request(b, 9, inbound) == forwarded);
            CHECK(h.child_response(b, 9, inbound) == forwarded);
        }
        CHECK(h.esp_in(b, 0xa100) == b.pair);
        h.pass(1s);
        const bool contended = version == 1;
        if (contended) {
            CHECK(request(a, 20) == forwarded);
        }
        CHECK(request(b, 21) == (contended ? waits : forwarded));
        CHECK(h.holds(contended ? a : b));
        CHECK(h.esp_out(b, 0xb100) == forwarded);
        CHECK(h.state_of(b) == slot_state::wait);
        CHECK(h.newest(b).outbound_flow == npos);
    }
}

TEST_CASE_TEMPLATE("E3: live IKE state without an exchange, or midstream, needs the slot; neither: no gate", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer restarted = h.connect(1, 1);
    CHECK(h.esp_out(restarted, 500) == forwarded);
    CHECK(h.state_of(restarted) == slot_state::learning);
    const peer other{h.make_pair(2), {}, {}, 1};
    CHECK(h.esp_out(other, 501) == dropped(drop_reason::esp_no_gate));
    h.memory().pair_at(other.pair).midstream = true;
    CHECK(h.esp_out(other, 501) == waits);
    CHECK(h.esp_in(restarted, 1000) == restarted.pair);
    h.pass(20ms);
    CHECK(h.holds(other));
    CHECK(h.esp_in(other, 1001) == other.pair);
}

/// The server has answered ESP so often, after 20 ms each.
template <class F>
void know_round_trip(harness<F>& h, const peer& p, int answers) {
    for (int i = 0; i < answers; ++i) {
        h.slot_of(p).rtt.esp_sample(20ms);
    }
}

TEST_CASE_TEMPLATE("E4: a few answers known, what comes sooner than the floor is nobody's; when it comes again it is the holder's", F, ipv4, ipv6) {
    harness<F> h;
    const peer p = h.connect(1, 1, 40ms);
    park(h, p, 501);
    const peer a = h.connect(2, 1, 40ms);
    know_round_trip(h, a, 8);
    CHECK(h.quick_all(a, 7) == forwarded);
    h.pass(7500us - 1ns);
    CHECK(h.esp_in(a, 1000) == npos);
    CHECK(h.why == drop_reason::esp_early);
    h.pass(1ns);
    CHECK(h.esp_in(a, 1000) == a.pair);
}

TEST_CASE_TEMPLATE("E4: fewer than four answers say nothing: hosts answer IKE slowly, their first ESP too, and the next one fast", F, ipv4, ipv6) {
    harness<F> h;
    const peer p = h.connect(1, 1, 400ms);
    park(h, p, 501);
    const peer a = h.connect(2, 1, 400ms);
    know_round_trip(h, a, 3);
    CHECK(h.quick_all(a, 7) == forwarded);
    h.pass(1ms);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.count(counter::bindings_contested) == 1);
}

TEST_CASE_TEMPLATE("E4: an early SPI is nobody's, though another client waits for one: it could be a fast answer", F, ipv4, ipv6) {
    harness<F> h;
    const peer p = h.connect(1, 1, 40ms);
    park(h, p, 501);
    const peer a = h.connect(2, 1, 40ms);
    know_round_trip(h, a, 16);
    CHECK(h.quick_all(a, 7) == forwarded);
    h.pass(15ms - 1ns);
    CHECK(h.esp_in(a, 1001) == npos);
    CHECK(h.why == drop_reason::esp_early);
    CHECK(h.count(counter::bindings_late) == 0);
    CHECK(h.holds(a));
}

TEST_CASE_TEMPLATE("E4: when nothing but an early SPI came, it was the answer: the next tenure takes it at once", F, ipv4, ipv6) {
    harness<F> h;
    const peer p = h.connect(1, 1, 40ms);
    park(h, p, 501);
    const peer a = h.connect(2, 1, 40ms);
    park(h, a);
    know_round_trip(h, a, 16);
    CHECK(h.esp_out(a, 502) == forwarded);
    h.pass(1ms);
    CHECK(h.esp_in(a, 1001) == npos);
    CHECK(h.why == drop_reason::esp_early);
    while (h.holds(a)) {
        h.pass(1s);
    }
    CHECK(h.esp_out(a, 502) == forwarded);
    h.pass(1ms);
    CHECK(h.esp_in(a, 1001) == a.pair);
}

TEST_CASE_TEMPLATE("E4: after the server's own enabling message nothing is too early", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2, 40ms);
    CHECK(h.auth_request(a, 1) == forwarded);
    h.pass(40ms);
    CHECK(h.auth_response(a, 1) == forwarded);
    SUBCASE("before ESP") {}
    SUBCASE("after ESP") { CHECK(h.esp_out(a, 500) == forwarded); }
    CHECK(h.esp_in(a, 1000) == a.pair);
}

TEST_CASE_TEMPLATE("E5: free slot, one parked client: bound late; two: dropped as ambiguous", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    park(h, a);
    SUBCASE("one") {
        CHECK(h.esp_in(a, 1000) == a.pair);
        CHECK(h.count(counter::bindings_late) == 1);
        CHECK(h.count(counter::bindings_contested) == 0);
    }
    SUBCASE("two") {
        park(h, b);
        CHECK(h.esp_in(a, 1000) == npos);
        CHECK(h.why == drop_reason::esp_ambiguous);
        CHECK(h.memory().flows.size() == 0);
    }
    SUBCASE("of two, the one with unanswered ESP; that is contested") {
        park(h, b, 500);
        CHECK(h.esp_in(a, 1000) == b.pair);
        CHECK(h.count(counter::bindings_contested) == 1);
        CHECK(h.told(event_kind::spi_contested) == 1);
    }
}

TEST_CASE_TEMPLATE("E5: nobody parked: the only client with IKE state; two: dropped", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.count(counter::bindings_midstream) == 1);
    const peer b = h.connect(2, 1);
    CHECK(h.esp_in(b, 1001) == npos);
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.esp_in(a, 1000) == a.pair);
}

TEST_CASE_TEMPLATE("E6: old and new SPIs live side by side, and a session's directions refresh together", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    for (std::uint32_t id = 1; id < 9; ++id) {
        CHECK(h.quick_all(a, id) == forwarded);
        CHECK(h.esp_out(a, 500 + id) == forwarded);
        CHECK(h.esp_in(a, 1000 + id) == a.pair);
        h.pass(1s);
    }
    for (std::uint32_t id = 1; id < 9; ++id) {
        CHECK(h.inbound_flow(a, 1000 + id) == h.outbound_flow(a, 500 + id));
    }
    CHECK(h.memory().flows.size() == 8);
    h.pass(100s);
    CHECK(h.esp_in(a, 1003) == a.pair);
    CHECK(h.core.session_last_seen(h.outbound_flow(a, 503)) == to_tick(h.now()));
    CHECK(h.core.session_last_seen(h.outbound_flow(a, 504)) != to_tick(h.now()));
    h.pass(1s);
    CHECK(h.ike(a, exchange_type::informational_v1, outbound, 99, false) == forwarded);
    CHECK(h.core.session_last_seen(h.outbound_flow(a, 508)) == to_tick(h.now()));  // the newest
    CHECK(h.core.session_last_seen(h.outbound_flow(a, 507)) != to_tick(h.now()));
}

TEST_CASE_TEMPLATE("E6: a tunnel that renews its IKE SA every hour never comes to the client's limit", F, ipv4, ipv6) {
    alg_settings s;
    s.sessions_per_client = 16;
    harness<F> h(s);
    peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.esp_in(a, 1001) == a.pair);
    std::vector<std::uint32_t> sessions;
    for (unsigned hour = 0; hour < 200; ++hour) {
        h.pass(1h);
        CHECK(h.esp_out(a, 501) == forwarded);
        sessions.clear();
        for (std::uint32_t i = h.memory().pair_at(a.pair).first_session; i != npos; i = h.memory().session_at(i).next) {
            sessions.push_back(i);
        }
        for (const std::uint32_t i : sessions) {
            tick again{};
            (void)h.core.session_stays(i, again);
        }
        a = h.connect(1, 1);
    }
    CHECK(h.count(counter::ike_sessions_evicted) == 0);
    CHECK(sessions.size() <= 9);  // 4, and those of the last four hours
    CHECK(h.memory().session_at(h.memory().pair_at(a.pair).first_session).initiator == a.initiator);
}

TEST_CASE_TEMPLATE("E6: ESP keeps the IKE session of (client, server) alive", F, ipv4, ipv6) {
    alg_settings s;
    s.state_timeout = 180s;
    harness<F> h(s);
    const peer a = h.connect(1, 1);
    const std::uint32_t session = h.memory().pair_at(a.pair).first_session;
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);
    tick again{};
    for (int i = 0; i < 10; ++i) {
        h.pass(100s);
        CHECK(h.esp_in(a, 1000) == a.pair);
        CHECK(h.core.session_stays(session, again));
    }
    h.pass(180s - 1ms);
    CHECK(h.core.session_stays(session, again));
    h.pass(1ms);
    CHECK_FALSE(h.core.session_stays(session, again));
    CHECK(h.memory().sessions().size() == 0);
    CHECK(h.told(event_kind::ike_session_ended) == 1);
}

TEST_CASE_TEMPLATE("E8: a small sequence number on an SPI in use while another's gate is open counts spi_conflict", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 1000, 1) == a.pair);
    CHECK(h.quick_all(b, 7) == forwarded);
    CHECK(h.esp_in(a, 1000, 2) == a.pair);  // a young SA's own small numbers
    CHECK(h.count(counter::spi_conflicts) == 0);
    CHECK(h.esp_in(a, 1000, 17) == a.pair);
    CHECK(h.esp_in(a, 1000, 1) == a.pair);  // the first keeps it
    CHECK(h.count(counter::spi_conflicts) == 1);
    CHECK(h.told(event_kind::spi_conflict) == 1);
    CHECK(h.memory().pair_at(b.pair).spi_conflict);
    CHECK_FALSE(h.memory().pair_at(a.pair).spi_conflict);
    CHECK(h.esp_in(a, 1000, 2) == a.pair);
    CHECK(h.told(event_kind::spi_conflict) == 1);
    CHECK(h.esp_in(b, 1001, 1) == b.pair);
    CHECK(h.esp_in(a, 1000, 3) == a.pair);  // nobody waits: no sign of a conflict
    CHECK(h.count(counter::spi_conflicts) == 2);
}

TEST_CASE_TEMPLATE("E9: a sequence number is never a reason to drop", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    for (const std::uint32_t sequence : {0xffff'ffffU, 0U, 5U, 1U, 0x8000'0000U, 1U}) {
        CHECK(h.esp_in(a, 1000, sequence) == a.pair);
    }
}

TEST_CASE_TEMPLATE("E11: a binding while another client has a claim is contested; the sure ones are not", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.count(counter::bindings_contested) == 0);
    CHECK(h.quick_all(a, 8) == forwarded);
    h.pass(5s);
    CHECK(h.quick_all(b, 7) == forwarded);
    CHECK(h.esp_in(b, 2000) == b.pair);
    CHECK(h.count(counter::bindings_contested) == 1);
    CHECK(h.count(counter::bindings_gate) == 2);
}

TEST_CASE_TEMPLATE("E11: a surplus SPI of IKEv2 moves, once, to the sole claimant after 3 s without an answer", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2, 40ms);
    const peer b = h.connect(2, 2, 40ms);
    CHECK(h.child_request(a, 2) == forwarded);
    h.pass(40ms);
    CHECK(h.child_response(a, 2) == forwarded);
    CHECK(h.esp_out(a, 501) == forwarded);
    h.pass(5s);
    CHECK(h.newest(a).state == exchange_state::parked);
    CHECK(h.child_request(b, 2) == forwarded);
    h.pass(40ms);
    CHECK(h.child_response(b, 2) == forwarded);
    CHECK(h.esp_out(b, 502) == forwarded);
    h.pass(40ms);
    CHECK(h.esp_in(b, 1002) == b.pair);
    CHECK(h.esp_in(b, 1001) == b.pair);  // a's, in fact
    h.pass(1s);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.esp_in(a, 1001) == a.pair);
    CHECK(h.count(counter::bindings_moved) == 1);
    CHECK(h.told(event_kind::spi_moved) == 1);
    CHECK(h.esp_in(b, 1002) == b.pair);
    CHECK(h.newest(a).state == exchange_state::satisfied);
}

TEST_CASE_TEMPLATE("E11: a surplus SPI is nobody's again when several clients wait, and goes to whom it answers", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2, 40ms);
    const peer b = h.connect(2, 2, 40ms);
    const peer c = h.connect(3, 2, 40ms);
    for (const auto& [p, out] : {std::pair{a, 501U}, std::pair{c, 503U}}) {
        CHECK(h.child_request(p, 2) == forwarded);
        h.pass(40ms);
        CHECK(h.child_response(p, 2) == forwarded);
        CHECK(h.esp_out(p, out) == forwarded);
        h.pass(5s);
    }
    CHECK(h.child_request(b, 2) == forwarded);
    h.pass(40ms);
    CHECK(h.child_response(b, 2) == forwarded);
    CHECK(h.esp_out(b, 502) == forwarded);
    h.pass(40ms);
    CHECK(h.esp_in(b, 1002) == b.pair);
    CHECK(h.esp_in(b, 1001) == b.pair);  // a's, in fact
    CHECK(h.esp_in(b, 1003) == b.pair);  // c's
    h.pass(1s);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.count(counter::bindings_taken_back) == 2);
    CHECK(h.told(event_kind::spi_taken_back) == 2);
    h.pass(40ms);
    CHECK(h.esp_in(a, 1001) == a.pair);
    CHECK(h.esp_in(b, 1002) == b.pair);
    CHECK(h.count(counter::bindings_moved) == 0);
    CHECK(h.newest(b).inbound_spis == 1);
    CHECK(h.newest(a).state == exchange_state::satisfied);
    h.pass(2s);
    CHECK(h.esp_out(c, 503) == forwarded);
    h.pass(40ms);
    CHECK(h.esp_in(c, 1003) == c.pair);
}

TEST_CASE_TEMPLATE("E11: the server speaks first, to several: none of the SPIs that the holder was given is certain", F, ipv4, ipv6) {
    harness<F> h;
    std::vector<peer> peers;
    for (unsigned i = 1; i <= 3; ++i) {
        const peer p = h.connect(i, 2, 40ms);
        CHECK(h.child_request(p, 1) == forwarded);  // it has had ESP before; who never had is E13's
        CHECK(h.child_response(p, 1) == forwarded);
        CHECK(h.esp_out(p, 800 + i) == forwarded);
        CHECK(h.esp_in(p, 900 + i) == p.pair);
        h.pass(1s);
        CHECK(h.child_request(p, 2) == forwarded);
        h.pass(40ms);
        CHECK(h.child_response(p, 2) == forwarded);
        if (i != 3) {
            h.pass(25s);
        }
        peers.push_back(p);
    }
    const peer a = peers[0];
    const peer b = peers[1];
    const peer c = peers[2];
    for (const std::uint32_t value : {1001U, 1002U, 1003U}) {
        CHECK(h.esp_in(c, value) == c.pair);
    }
    CHECK(h.esp_out(c, 503) == forwarded);
    h.pass(100ms);
    CHECK(h.esp_out(a, 501) == forwarded);
    h.pass(3s);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.count(counter::bindings_taken_back) == 3);
    CHECK(h.newest(c).state == exchange_state::parked);
    CHECK(h.memory().pair_at(c.pair).flows == 2);  // its outbound SPI stays
    h.pass(40ms);
    CHECK(h.esp_in(a, 1001) == a.pair);
    h.pass(1s);
    CHECK(h.esp_out(c, 503) == forwarded);
    h.pass(40ms);
    CHECK(h.esp_in(c, 1003) == c.pair);
    h.pass(1s);
    CHECK(h.esp_out(b, 502) == forwarded);
    h.pass(40ms);
    CHECK(h.esp_in(b, 1002) == b.pair);
    for (const peer& p : peers) {
        CHECK(h.memory().pair_at(p.pair).flows == 2);
        CHECK(h.newest(p).inbound_spis == 1);
        CHECK(h.newest(p).state == exchange_state::satisfied);
    }
}

TEST_CASE_TEMPLATE("E11: a second SPI of an IKEv1 exchange is no surplus, Quick Mode may negotiate several", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    park(h, a, 501);
    CHECK(h.quick_all(b, 7) == forwarded);
    CHECK(h.esp_in(b, 1002) == b.pair);
    CHECK(h.esp_in(b, 1003) == b.pair);
    h.pass(4s);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.esp_in(b, 1003) == b.pair);
    CHECK(h.count(counter::bindings_moved) == 0);
}

TEST_CASE_TEMPLATE("E11: with drop-contested an SPI that may be another's is dropped, in a gate, in learning and late", F, ipv4, ipv6) {
    alg_settings s;
    s.drop_contested = true;
    harness<F> h(s);
    const peer idle = parked_client(h, 1);
    const peer a = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 1002) == npos);  // in the gate
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.holds(a));
    CHECK(h.esp_out(a, 502) == forwarded);
    CHECK(h.esp_in(a, 1002) == npos);  // learning
    h.pass(10s);
    CHECK(h.esp_in(a, 1002) == npos);  // late: a, which waits for an answer, would come first
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.count(counter::bindings_contested) == 0);
    CHECK(h.esp_out(a, 502) == forwarded);
    h.core.end_session(h.memory().pair_at(idle.pair).first_session);  // the idle tunnel is gone
    CHECK(h.esp_in(a, 1002) == a.pair);
    CHECK(h.count(counter::bindings_contested) == 0);
}

TEST_CASE_TEMPLATE("E12: parked ends at esp-session-timeout", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    park(h, a);
    h.pass(1794s);
    h.core.age_pair(a.pair);
    CHECK(h.slot_of(a).parked == 1);
    h.pass(2s);
    h.core.age_pair(a.pair);
    CHECK(h.slot_of(a).parked == 0);
    CHECK(h.memory().exchanges().size() == 0);
}

TEST_CASE_TEMPLATE("E12: a new Phase 1 of the client ends what is parked", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    park(h, a);
    CHECK(h.slot_of(a).parked == 1);
    const peer forged = h.stranger(1, 1);
    CHECK(h.ike(peer{a.pair, forged.initiator, {}, 1}, exchange_type::main_mode, inbound, 0, false) == forwarded);
    CHECK(h.slot_of(a).parked == 1);  // the server's word alone may be forged
    (void)h.connect(1, 1);
    CHECK(h.slot_of(a).parked == 0);
}

TEST_CASE_TEMPLATE("E12: an IKE SA rekeyed by exchange 36 leaves no phantom, and other children stay", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_response(a, 2) == forwarded);
    h.pass(5s);
    CHECK(h.child_request(a, 3) == forwarded);  // rekeys the IKE SA
    CHECK(h.child_response(a, 3) == forwarded);
    CHECK(h.holds(a));
    const peer rekeyed = h.stranger(1, 2);
    CHECK(h.ike(rekeyed, exchange_type::informational, outbound, 0, false) == forwarded);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.slot_of(a).parked == 1);
    CHECK(h.newest(a).message_id == 2);
}

TEST_CASE_TEMPLATE("E12: the phantom ends, not the child whose request is the first message on the rekeyed IKE SA", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 2);
    const peer b = h.connect(2, 2);
    CHECK(h.child_request(a, 3, inbound) == forwarded);  // the server rekeys the IKE SA
    CHECK(h.child_response(a, 3, inbound) == forwarded);
    h.pass(5s);
    const peer rekeyed = h.stranger(1, 2);
    const peer again{a.pair, rekeyed.initiator, rekeyed.responder, 2};
    CHECK(h.child_request(again, 0, inbound) == forwarded);  // ... and, on the new one, a child
    CHECK(h.child_response(again, 0, inbound) == forwarded);
    CHECK(h.memory().exchanges().size() == 1);
    CHECK(h.newest(a).message_id == 0);
    CHECK(h.child_request(b, 7) == waits);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.esp_in(a, 1001) == a.pair);
    CHECK_FALSE(h.holds(a));  // nothing more is awaited for a, b has its turn
    CHECK(h.holds(b));
}

/// Seen with libreswan: asked for a child on a rekeyed IKE SA, the client sent on the new SA before its answer.
TEST_CASE_TEMPLATE("E12: ESP that waited while the phantom was taken for its exchange is the child's", F, ipv4, ipv6) {
    for (const bool child_seen : {true, false}) {
        CAPTURE(child_seen);
        harness<F> h(long_gate());
        const peer a = h.connect(1, 2);
        const peer b = h.connect(2, 2);
        CHECK(h.child_request(a, 3, inbound) == forwarded);  // the server rekeys the IKE SA
        CHECK(h.child_response(a, 3, inbound) == forwarded);
        while (h.holds(a)) {
            h.pass(60s);
        }
        CHECK(h.child_request(b, 7) == forwarded);
        const peer rekeyed = h.stranger(1, 2);
        const peer again{a.pair, rekeyed.initiator, rekeyed.responder, 2};
        if (child_seen) {
            CHECK(h.child_request(again, 0, inbound) == forwarded);  // ... and, on the new one, a child
        }
        CHECK(h.esp_out(a, 501) == waits);
        const std::uint32_t esp = h.last;
        if (child_seen) {
            CHECK(h.child_response(again, 0, inbound) == waits);
        } else {
            CHECK(h.ike(again, exchange_type::informational, outbound, 0, false) == forwarded);
        }
        CHECK(h.memory().exchanges().size() == 2);  // b's and the child
        CHECK(h.take_back().empty());
        CHECK(h.child_response(b, 7) == forwarded);
        CHECK(h.esp_out(b, 502) == forwarded);
        CHECK(h.esp_in(b, 1002) == b.pair);
        h.pass(500ms);
        const auto back = h.take_back();
        REQUIRE(!back.empty());
        CHECK(back.back() == released{esp, drop_reason::none, back.back().at});  // behind its message, where there is one
        CHECK(h.holds(a));
        CHECK(h.esp_in(a, 1001) == a.pair);
        CHECK(h.newest(a).outbound_flow == h.outbound_flow(a, 501));
        CHECK(h.outbound_flow(a, 501) == h.inbound_flow(a, 1001));
    }
}

TEST_CASE_TEMPLATE("L7: in a flood of unknown SPIs one must come twice with rising sequence numbers", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer idle = h.connect(1, 1);
    const peer idle_too = h.connect(2, 1);
    const peer a = h.connect(3, 1);
    for (std::uint32_t i = 0; i < 51; ++i) {  // the tenure that follows expects one of its own
        CHECK(h.esp_in(idle, 5000 + i) == npos);
    }
    CHECK(h.count(counter::learn_flood) == 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_in(a, 6000, 9) == npos);
    CHECK(h.esp_in(a, 1000, 1) == npos);
    CHECK(h.esp_in(a, 6000, 9) == npos);  // not rising
    CHECK(h.holds(a));
    CHECK(h.esp_in(a, 1000, 2) == a.pair);
    CHECK(h.count(counter::learn_flood) == 4);
    h.pass(1s);
    CHECK(h.quick_all(idle_too, 7) == forwarded);
    CHECK(h.esp_in(idle_too, 2000, 1) == idle_too.pair);  // the flood is over
}

TEST_CASE_TEMPLATE("L2: the bindings of a client are bounded", F, ipv4, ipv6) {
    alg_settings s;
    s.bindings_per_client = 2;
    harness<F> h(s);
    const peer a = h.connect(1, 1);
    for (std::uint32_t id = 1; id < 4; ++id) {
        CHECK(h.quick_all(a, id) == forwarded);
        CHECK(h.esp_out(a, 500 + id) == (id < 3 ? forwarded : dropped(drop_reason::table_full)));
        CHECK(h.esp_in(a, 1000 + id) == (id < 3 ? a.pair : npos));
        h.pass(10s);
    }
    CHECK(h.memory().flows.size() == 2);
}
