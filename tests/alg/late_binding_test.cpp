// SPDX-License-Identifier: Apache-2.0
/// Whose an unknown inbound SPI is while the slot is free (E5), and who has a claim on one (E11, G13).
#include "ikealg/alg/late_binding.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

namespace {

template <class F>
using claims_of = alg::claims<typename harness<F>::alg_type::state_type>;

/// A client whose enabled exchange got no SPI in its tenure.
template <class F>
peer parked(harness<F>& h, unsigned client, unsigned server = 1, unsigned nat = 1) {
    const peer p = h.connect(client, 1, {}, server, nat);
    CHECK(h.quick_all(p, 7) == forwarded);
    while (h.holds(p)) {
        h.pass(1s);
    }
    CHECK(h.newest(p).state == exchange_state::parked);
    CHECK_FALSE(h.newest(p).unanswered);
    return p;
}
/// One that has sent ESP since, and had no answer.
template <class F>
peer parked_unanswered(harness<F>& h, unsigned client) {
    const peer p = parked(h, client);
    CHECK(h.esp_out(p, 0x9000 + client) == forwarded);
    h.pass(1s);
    CHECK(h.state_of(p) == slot_state::free);
    CHECK(h.newest(p).unanswered);
    return p;
}

}  // namespace

TEST_CASE_TEMPLATE("E5: no candidate: nobody has IKE state there, and the SPI is nobody's", F, ipv4, ipv6) {
    harness<F> h;
    const peer unknown = h.stranger(1, 1);
    CHECK(h.esp_in(unknown, 1000) == npos);
    CHECK(h.why == drop_reason::esp_no_gate);
    CHECK(h.memory().flows.size() == 0);
}

TEST_CASE_TEMPLATE("E5: exactly one candidate gets it, and further SPIs are not a candidate's any more", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked(h, 1);
    const peer b = h.connect(2, 1);  // IKE state, but nothing parked
    CHECK(h.esp_in(b, 1000) == a.pair);
    CHECK(h.newest(a).state == exchange_state::satisfied);
    CHECK(h.count(counter::bindings_late) == 1);
    CHECK(h.count(counter::bindings_contested) == 0);
    CHECK(h.esp_in(b, 1001) == npos);
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.esp_in(b, 1000, 2) == a.pair);
}

TEST_CASE_TEMPLATE("E5: several candidates: nobody gets it, whether all are quiet or all unanswered", F, ipv4, ipv6) {
    harness<F> h;
    peer a;
    SUBCASE("quiet") {
        a = parked(h, 1);
        (void)parked(h, 2);
        (void)parked(h, 3);
    }
    SUBCASE("unanswered") {
        a = parked_unanswered(h, 1);
        (void)parked_unanswered(h, 2);
        (void)parked(h, 3);
    }
    const std::size_t before = h.memory().flows.size();
    CHECK(h.esp_in(a, 1000) == npos);
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.memory().flows.size() == before);
    CHECK(h.count(counter::bindings_late) == 0);
    CHECK(h.newest(a).state == exchange_state::parked);
}

TEST_CASE_TEMPLATE("E5: several exchanges of one client are one candidate", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked(h, 1);
    CHECK(h.quick_all(a, 8) == forwarded);
    h.pass(5s);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.esp_in(a, 1001) == a.pair);
    CHECK(h.count(counter::bindings_late) == 2);
    CHECK(h.count(counter::phase2_completed) == 2);
}

TEST_CASE_TEMPLATE("E5: unanswered comes before quiet, is contested, and the quiet one is next", F, ipv4, ipv6) {
    harness<F> h;
    const peer quiet = parked(h, 1);
    const peer sender = parked_unanswered(h, 2);
    CHECK(h.esp_in(quiet, 1000) == sender.pair);
    CHECK(h.count(counter::bindings_contested) == 1);
    CHECK(h.told(event_kind::spi_contested) == 1);
    CHECK(h.newest(quiet).state == exchange_state::parked);
    CHECK(h.esp_in(quiet, 1001) == quiet.pair);
    CHECK(h.count(counter::bindings_late) == 2);
    CHECK(h.count(counter::bindings_contested) == 2);  // for the first may have been this one's
}

TEST_CASE_TEMPLATE("E5, G15: one whose ESP is in its pause is a candidate beside those with unanswered ESP", F, ipv4, ipv6) {
    harness<F> h;
    const peer sender = parked_unanswered(h, 2);
    const peer a = h.connect(1, 1);
    h.memory().settings.new_sa_pause = 20ms;
    h.memory().settings.esp_hold_limit = 20s;
    CHECK(h.quick(a, inbound, 9) == forwarded);
    CHECK(h.quick(a, outbound, 9) == forwarded);
    SUBCASE("it is") {
        CHECK(h.esp_out(a, 0x9001) == waits);  // for message 3
        h.pass(6s);
        CHECK(h.newest(a).state == exchange_state::parked);
        CHECK_FALSE(h.newest(a).unanswered);
        CHECK(h.esp_in(a, 1000) == npos);
        CHECK(h.why == drop_reason::esp_ambiguous);
        h.pass(20s);
        CHECK(h.take_back().size() == 1);
    }
    SUBCASE("it has sent nothing") {
        h.pass(6s);
        CHECK(h.newest(a).state == exchange_state::parked);
        CHECK(h.esp_in(a, 1000) == sender.pair);
    }
}

TEST_CASE_TEMPLATE("E5: candidates are those of one server and one nat address", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked(h, 1);
    const peer other_server = parked(h, 2, 2);
    const peer other_nat = parked(h, 3, 1, 2);
    CHECK(h.esp_in(other_server, 1000) == other_server.pair);
    CHECK(h.esp_in(other_nat, 1000) == other_nat.pair);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.count(counter::bindings_contested) == 0);
}

TEST_CASE_TEMPLATE("E5: the only member gets it while nothing is parked; a second member ends that, not what is bound", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.count(counter::bindings_midstream) == 1);
    CHECK(h.count(counter::bindings_late) == 0);
    const peer b = h.connect(2, 2);
    CHECK(h.esp_in(a, 1001) == npos);
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.esp_in(b, 1000, 2) == a.pair);
}

TEST_CASE_TEMPLATE("E5: without late-binding a free slot has no gate", F, ipv4, ipv6) {
    alg_settings s;
    s.late_binding = false;
    harness<F> h(s);
    const peer a = parked(h, 1);
    CHECK(h.esp_in(a, 1000) == npos);
    CHECK(h.why == drop_reason::esp_no_gate);
}

TEST_CASE_TEMPLATE("E11: parked exchanges and open answers are claims of the others, never one's own", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const claims_of<F> claims(h.memory());
    const peer a = h.connect(1, 2);
    const peer b = h.connect(2, 2);
    auto& s = h.slot_of(a);
    CHECK_FALSE(claims.may_be_anothers(s, a.pair));
    CHECK_FALSE(claims.may_be_anothers(s, npos));
    CHECK(h.auth_request(a, 1) == forwarded);
    CHECK(h.auth_response(a, 1) == forwarded);
    CHECK(claims.has_open(a.pair));
    CHECK_FALSE(claims.has_open(b.pair));
    CHECK(claims.may_be_anothers(s, b.pair));  // the holder's
    CHECK_FALSE(claims.may_be_anothers(s, a.pair));
    CHECK_FALSE(claims.others_claim(s, a.pair));
    CHECK(h.auth_request(b, 1) == forwarded);  // any round of IKE_AUTH may be the last: the server may send after it
    CHECK(claims.others_claim(s, a.pair));
    CHECK_FALSE(claims.others_claim(s, b.pair));
    CHECK(h.auth_response(b, 1) == waits);
    CHECK(claims.others_claim(s, a.pair));
    CHECK(claims.may_be_anothers(s, a.pair));
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.count(counter::bindings_contested) == 1);
}

TEST_CASE_TEMPLATE("E11: a contested binding is a claim of everybody else's for 300 s, to the tick", F, ipv4, ipv6) {
    harness<F> h;
    claims_of<F> claims(h.memory());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    auto& s = h.slot_of(a);
    claims.note(s, a.pair);
    CHECK(claims.may_be_anothers(s, b.pair));
    CHECK_FALSE(claims.may_be_anothers(s, a.pair));
    h.pass(300s - 1ns);
    CHECK(claims.others_claim(s, b.pair));
    h.pass(1ns);
    CHECK_FALSE(claims.others_claim(s, b.pair));
    claims.note(s, b.pair);
    CHECK_FALSE(claims.may_be_anothers(s, b.pair));  // the note of a is over
    claims.note(s, a.pair);
    CHECK(claims.may_be_anothers(s, b.pair));
    CHECK(claims.may_be_anothers(s, a.pair));
}
