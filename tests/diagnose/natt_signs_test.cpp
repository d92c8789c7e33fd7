// SPDX-License-Identifier: Apache-2.0
/// D7 and D12: what the move to NAT-T tells.
#include "ikealg/diagnose/natt_signs.hpp"

#include "diagnose/story.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("D7: both announce NAT-T, and 4500 stays silent, whether the client sends there or not") {
    for (const bool sends : {false, true}) {
        CAPTURE(sends);
        story4 s;
        s.init(1);
        if (sends) {
            s.udp_flow(event_kind::natt_started, s.server, natt_port);
        }
        s.pass(14s);
        s.expect_nothing();
        s.pass(1s);
        s.expect(finding_kind::natt_blocked);
        s.udp_flow(event_kind::natt_answered, s.server, natt_port);
        s.expect_over(finding_kind::natt_blocked);
    }
}

TEST_CASE("D7: a report that comes late tells it all the same; one announcement alone says nothing") {
    story4 s;
    s.init(1);
    s.pass(10min);
    s.expect(finding_kind::natt_blocked);

    story4 quiet;
    quiet.begin(1);
    quiet.ike(exchange_type::ike_sa_init, true);
    quiet.tell(event_kind::natt_announced, [](auto& e) { e.outbound = true; });
    quiet.begin(2);
    quiet.tell(event_kind::natt_announced);  // of another IKE SA
    quiet.pass(10min);
    quiet.expect_nothing();
}

TEST_CASE("D7: a new IKE SA while a flow on 4500 lives and works needs no new flow") {
    story4 s;
    s.init(1);
    s.udp_flow(event_kind::natt_started, s.server, natt_port);
    s.udp_flow(event_kind::natt_answered, s.server, natt_port);
    s.pass(1h);
    s.init(2);
    s.pass(1min);
    s.expect_nothing();
    s.udp_flow(event_kind::flow_ended, s.server, natt_port);
    s.init(3);
    s.pass(1min);
    s.expect(finding_kind::natt_blocked);
}

TEST_CASE("D12: 500 and 4500 of a client leave with different nat addresses") {
    story4 s;
    s.init(1);
    const auto before = s.nat;
    s.nat = {0xcb00'7106};
    s.udp_flow(event_kind::natt_started, s.server, natt_port);
    const auto told = s.report();
    REQUIRE(told.size() == 1);
    CHECK(told[0].kind == finding_kind::address_not_persistent);
    CHECK(told[0].other == before);
    s.nat = before;
    s.udp_flow(event_kind::natt_started, s.server, natt_port);
    s.expect_over(finding_kind::address_not_persistent);
}

TEST_CASE("D12: IKE that began on 500 of one client goes on on 4500 of another") {
    for (const exchange_type type : {exchange_type::ike_auth, exchange_type::informational}) {
        CAPTURE(static_cast<int>(type));
        story4 s;
        s.init(77);
        const auto first = s.client;
        s.client = {0x0a00'0063};
        s.tell(event_kind::natt_started, [&](auto& e) { e.exchange_type = static_cast<std::uint8_t>(type); });
        const auto told = s.report();
        if (type == exchange_type::informational) {
            CHECK(told.empty());  // MOBIKE: the client has moved
            continue;
        }
        REQUIRE(told.size() == 1);
        CHECK(told[0].kind == finding_kind::address_not_persistent);
        CHECK(told[0].client == s.client);
        CHECK(told[0].other == first);
    }
}
