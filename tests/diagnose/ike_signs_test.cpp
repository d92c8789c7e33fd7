// SPDX-License-Identifier: Apache-2.0
/// D1, D3, D4, D5 and D10: what IKE on port 500 tells.
#include "ikealg/diagnose/ike_signs.hpp"

#include "diagnose/story.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("D1: each refusal in clear has its own finding, and an agreement ends it") {
    struct row {
        std::uint32_t notify;
        finding_kind kind;
        unsigned times;
    };
    for (const row& r : {row{14, finding_kind::algorithms_differ, 1}, row{17, finding_kind::group_refused, 3},
                         row{5, finding_kind::version_differs, 1}, row{16390, finding_kind::server_under_load, 3}}) {
        CAPTURE(r.notify);
        story4 s;
        for (unsigned i = 1; i <= r.times; ++i) {
            s.expect_nothing();
            s.init_error(i, r.notify);
            s.pass(1s);
        }
        s.expect(r.kind);
        s.init_error(9, r.notify);
        CHECK(s.report().empty());
        s.init(10);
        s.ike(exchange_type::ike_auth, true, 1);
        s.expect_over(r.kind);
    }
}

TEST_CASE("D1: INVALID_KE_PAYLOAD or COOKIE once is told only when nothing better follows") {
    for (const std::uint32_t notify : {17U, 16390U}) {
        CAPTURE(notify);
        story4 s;
        s.init_error(1, notify);
        s.pass(9s);
        s.expect_nothing();
        s.pass(1s);
        s.expect(notify == 17 ? finding_kind::group_refused : finding_kind::server_under_load);
    }
}

TEST_CASE("D1: IKEv1 says it in a clear Informational; COOKIE is not IKEv1's, and what the client says is no refusal") {
    story4 s;
    s.begin(1);
    s.ike(exchange_type::main_mode, true);
    s.ike(exchange_type::informational_v1, false, 77, 40);
    s.notify(exchange_type::informational_v1, 16390);
    s.notify(exchange_type::informational_v1, 14, true);
    s.expect_nothing();
    s.notify(exchange_type::informational_v1, 14);
    s.expect(finding_kind::algorithms_differ);
    s.responder = {22};
    s.ike(exchange_type::main_mode, false);
    s.expect_over(finding_kind::algorithms_differ);
}

TEST_CASE("D3: a Phase 1 request three times within three seconds or more, and no answer") {
    for (const exchange_type type :
         {exchange_type::main_mode, exchange_type::aggressive_mode, exchange_type::ike_sa_init}) {
        CAPTURE(static_cast<int>(type));
        story4 s;
        s.begin(1);
        s.ike(type, true);
        s.pass(1s);
        s.ike(type, true);
        s.pass(1s);
        s.ike(type, true);
        s.expect_nothing();
        s.pass(2s);
        s.begin(2);  // it tries anew
        s.ike(type, true);
        s.expect(finding_kind::server_silent);
        s.responder = {22};
        s.ike(type, false);
        s.expect_over(finding_kind::server_silent);
    }
}

TEST_CASE("D3: three clients' worth of parallel requests, fragments, and slow but living servers are not silence") {
    story4 s;
    for (std::uint64_t i = 1; i <= 3; ++i) {
        s.begin(i);
        s.ike(exchange_type::ike_sa_init, true);
    }
    s.pass(2s);
    s.responder = {22};
    s.ike(exchange_type::ike_sa_init, false);
    for (int i = 0; i < 10; ++i) {
        s.pass(61s);
        s.begin(4);
        s.ike(exchange_type::ike_sa_init, true);
        s.ike(exchange_type::ike_sa_init, true, 0, 300, false, 2);
    }
    s.expect_nothing();
}

TEST_CASE("D4: Quick Mode message 1 is repeated and message 2 does not come") {
    story4 s;
    s.main_mode(1);
    s.ike(exchange_type::main_mode, true, 0, 300, true);
    s.ike(exchange_type::main_mode, false, 0, 300, true);
    for (int i = 0; i < 3; ++i) {
        s.expect_nothing();
        s.ike(exchange_type::quick_mode, true, 0x1111);
        s.ike(exchange_type::quick_mode, true, 0x2222);  // one that is answered
        s.ike(exchange_type::quick_mode, false, 0x2222);
        s.pass(2s);
    }
    s.expect(finding_kind::quick_mode_refused);
    s.ike(exchange_type::quick_mode, false, 0x1111);
    s.expect_over(finding_kind::quick_mode_refused);
}

TEST_CASE("D4: a lost message 2 or 3, and a Quick Mode of the server, are no refusal") {
    story4 s;
    s.main_mode(1);
    s.ike(exchange_type::main_mode, true, 0, 300, true);
    s.ike(exchange_type::main_mode, false, 0, 300, true);
    s.ike(exchange_type::quick_mode, true, 1);
    s.pass(2s);
    s.ike(exchange_type::quick_mode, true, 1);
    s.ike(exchange_type::quick_mode, false, 1);
    for (int i = 0; i < 4; ++i) {
        s.ike(exchange_type::quick_mode, true, 1);
        s.pass(2s);
    }
    s.ike(exchange_type::quick_mode, false, 2);
    for (int i = 0; i < 4; ++i) {
        s.ike(exchange_type::quick_mode, true, 2);
        s.pass(2s);
    }
    s.expect_nothing();
}

TEST_CASE("D5: an IKE_AUTH answer too small for an SA, then silence") {
    story4 s;
    s.init(1);
    s.ike(exchange_type::ike_auth, true, 1);
    s.ike(exchange_type::ike_auth, false, 1, 80);
    s.tell(event_kind::phase2_failed, [](auto& e) { e.exchange_type = 35; });
    s.pass(9s);
    s.expect_nothing();
    s.pass(1s);
    s.expect(finding_kind::authentication_refused);
    s.esp(1000);
    s.expect_over(finding_kind::authentication_refused);
}

TEST_CASE("D5: an IKE_AUTH answer too small for an SA, then a new IKE_SA_INIT") {
    story4 s;
    s.init(1);
    s.ike(exchange_type::ike_auth, true, 1);
    s.ike(exchange_type::ike_auth, false, 1, 80);
    s.tell(event_kind::phase2_failed, [](auto& e) { e.exchange_type = 35; });
    s.pass(2s);
    s.init(2);
    s.expect(finding_kind::authentication_refused);
}

TEST_CASE("D5: large answers without ESP are told when the client starts over three times") {
    story4 s;
    for (std::uint64_t i = 1; i <= 4; ++i) {
        s.expect_nothing();
        s.init(i);
        s.ike(exchange_type::ike_auth, true, 1);
        s.ike(exchange_type::ike_auth, false, 1, 400);
        s.pass(5s);
    }
    s.expect(finding_kind::authentication_refused);
}

TEST_CASE("D5: small answers in the middle of EAP are no refusal") {
    story4 s;
    s.init(1);
    for (std::uint32_t id = 1; id < 6; ++id) {
        s.ike(exchange_type::ike_auth, true, id);
        s.ike(exchange_type::ike_auth, false, id, 90);
        s.tell(event_kind::phase2_failed, [](auto& e) { e.exchange_type = 35; });
        s.pass(4s);  // a person types
    }
    s.ike(exchange_type::ike_auth, true, 6);
    s.ike(exchange_type::ike_auth, false, 6, 300);
    s.pass(60s);
    s.expect_nothing();
}

TEST_CASE("D10: Main Mode message 5 is repeated") {
    story4 s;
    s.main_mode(1);
    for (int i = 0; i < 3; ++i) {
        s.expect_nothing();
        s.ike(exchange_type::main_mode, true, 0, 100, true);
        s.pass(2s);
    }
    s.expect(finding_kind::phase1_key_differs);
    s.ike(exchange_type::main_mode, false, 0, 100, true);
    s.expect_over(finding_kind::phase1_key_differs);
}

TEST_CASE("D10: Main Mode message 5 is answered by an Informational in clear") {
    story4 s;
    s.main_mode(1);
    s.ike(exchange_type::informational_v1, false, 5, 40);  // before message 5 it says nothing of the key
    s.expect_nothing();
    s.ike(exchange_type::main_mode, true, 0, 100, true);
    s.ike(exchange_type::informational_v1, false, 6, 60, true);
    s.expect_nothing();
    s.ike(exchange_type::informational_v1, false, 7, 40);
    s.notify(exchange_type::informational_v1, 14);
    s.expect(finding_kind::phase1_key_differs);
}

TEST_CASE("D10: message 6 of the client, and message 5 after it was answered, are no evidence") {
    story4 s;
    s.main_mode(1);
    s.ike(exchange_type::main_mode, false, 0, 100, true);  // the server is the initiator
    for (int i = 0; i < 5; ++i) {
        s.ike(exchange_type::main_mode, true, 0, 100, true);
        s.pass(2s);
    }
    s.ike(exchange_type::quick_mode, true, 1);
    s.ike(exchange_type::quick_mode, false, 1);
    s.expect_nothing();
}
