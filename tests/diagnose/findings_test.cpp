// SPDX-License-Identifier: Apache-2.0
/// That a finding is told once, that nothing is told of healthy tunnels, and that the memory is bounded.
#include "ikealg/diagnose/findings.hpp"

#include "diagnose/story.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("healthy: IKEv2 on 500 with rekeys of both kinds, a lost packet here and there, and DPD") {
    story4 s;
    s.init_error(1, 16390);
    s.init_error(1, 17);
    s.init(1);
    s.ike(exchange_type::ike_auth, true, 1, 300, false, 1);
    s.ike(exchange_type::ike_auth, true, 1, 300, false, 2);
    s.ike(exchange_type::ike_auth, false, 1);
    s.esp(1000);
    for (std::uint32_t i = 2; i < 200; ++i) {
        s.ike(exchange_type::create_child_sa, i % 2 != 0, i);
        s.ike(exchange_type::create_child_sa, i % 2 == 0, i);
        if (i % 5 == 0) {  // of the IKE SA: new SPIs, no ESP
            s.begin(1000 + i);
            s.responder = {2000 + i};
            s.ike(exchange_type::informational, true);
        } else {
            s.esp(1000 + 2 * i);
        }
        s.tell(event_kind::esp_session_ended);
        s.ike(exchange_type::informational, true, i);
        s.ike(exchange_type::informational, false, i);
        s.pass(10min);
        s.expect_nothing();
    }
}

TEST_CASE("healthy: IKEv1 on 500, Main and Quick Mode with single losses, XAUTH, rekeys by either side") {
    story4 s;
    for (std::uint32_t i = 1; i < 60; ++i) {
        s.begin(i);
        s.ike(exchange_type::main_mode, true);
        s.pass(1s);
        s.main_mode(i);
        s.ike(exchange_type::main_mode, true, 0, 100, true);
        s.pass(2s);
        s.ike(exchange_type::main_mode, true, 0, 100, true);
        s.ike(exchange_type::main_mode, false, 0, 100, true);
        s.ike(exchange_type::transaction, false, 900 + i, 100, true);
        s.pass(20s);
        s.ike(exchange_type::transaction, true, 900 + i, 100, true);
        const bool by_client = i % 2 == 0;
        s.ike(exchange_type::quick_mode, by_client, 7000 + i);
        s.pass(2s);
        s.ike(exchange_type::quick_mode, by_client, 7000 + i);
        s.ike(exchange_type::quick_mode, !by_client, 7000 + i);
        s.ike(exchange_type::quick_mode, by_client, 7000 + i);
        s.esp(5000 + 2 * i);
        s.expect_nothing();
        s.pass(8min);
        s.expect_nothing();
    }
}

TEST_CASE("healthy: NAT-T moves to 4500 and is rekeyed there; the client is away at times") {
    story<ipv6> s;
    for (std::uint64_t i = 1; i < 50; ++i) {
        s.init(i);
        if (!s.natt_flow) {
            s.tell(event_kind::natt_started, [](auto& e) { e.exchange_type = 35; });
            s.pass(50ms);
            s.udp_flow(event_kind::natt_answered, s.server, natt_port);
        }
        s.natt_flow = i % 3 != 0;
        s.pass(20s);
        s.expect_nothing();
        s.pass(1h);
        if (!s.natt_flow) {
            s.udp_flow(event_kind::flow_ended, s.server, natt_port);
            s.tell(event_kind::ike_session_ended);
        }
        s.expect_nothing();
    }
}

TEST_CASE(
    "A finding that nothing renews is over after a while; one that comes back before it was told so is not told "
    "again") {
    story4 s;
    s.icmp(0x0303, ip_protocol::udp, ike_port);
    s.expect(finding_kind::no_ike_listener);
    s.responder = {22};
    s.ike(exchange_type::ike_sa_init, false);
    s.icmp(0x0303, ip_protocol::udp, ike_port);
    CHECK(s.report().empty());
    s.pass(29min);
    CHECK(s.report().empty());
    s.pass(1min);
    s.expect_over(finding_kind::no_ike_listener);
    s.icmp(0x0303, ip_protocol::udp, ike_port);
    s.expect(finding_kind::no_ike_listener);
}

TEST_CASE("L1, L2: the memory is bounded, and a client that talks to everybody hides only itself") {
    story4 s({8, 4, 30min});
    const ipv4_address quiet = s.client;
    s.icmp(0x0303, ip_protocol::udp, ike_port);
    s.client = {0x0a00'0003};
    for (std::uint32_t i = 0; i < 1000; ++i) {
        s.server = {0xc633'6500U + i};
        s.icmp(0x0303, ip_protocol::udp, ike_port);
        CHECK(s.found.size() <= 5);
    }
    CHECK(s.found.evicted() == 996);
    CHECK(s.active() == 5);
    bool still = false;
    s.found.for_each([&](const auto& f) { still = still || f.client == quiet; });
    CHECK(still);
    for (std::uint32_t i = 0; i < 1000; ++i) {  // many clients: the longest unused makes room
        s.client = {0x0a01'0000U + i};
        s.icmp(0x0303, ip_protocol::udp, ike_port);
        CHECK(s.found.size() <= s.found.capacity());
    }
    CHECK(s.active() == 8);
    s.found.for_each([](const auto& f) { CHECK(f.client.value >= 0x0a01'0000U + 992); });
}

TEST_CASE("Two vrfs with the same addresses have findings of their own (N13)") {
    story4 s;
    for (const vrf_id vrf : {vrf_id{1}, vrf_id{2}, vrf_id{2}}) {
        s.tell(event_kind::icmp_error, [&](auto& e) {
            e.vrf = vrf;
            e.detail = 0x0303;
            e.protocol = 17;
            e.server_port = ike_port;
        });
    }
    CHECK(s.report().size() == 2);
}
