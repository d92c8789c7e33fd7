// SPDX-License-Identifier: Apache-2.0
/// D2, D6, D8, D9 and D11: what tunnels' packets and ICMP errors tell.
#include "ikealg/diagnose/traffic_signs.hpp"

#include "diagnose/story.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("D2: ICMP port unreachable for udp 500, in both families") {
    story<ipv4> four;
    four.icmp(0x0303, ip_protocol::udp, port{4500});
    four.icmp(0x0303, ip_protocol::tcp, ike_port);
    four.icmp(0x0301, ip_protocol::udp, ike_port);
    four.expect_nothing();
    four.icmp(0x0303, ip_protocol::udp, ike_port);
    four.expect(finding_kind::no_ike_listener);
    four.responder = {22};
    four.ike(exchange_type::ike_sa_init, false);
    four.expect_over(finding_kind::no_ike_listener);

    story<ipv6> six;
    six.icmp(0x0303, ip_protocol::udp, ike_port);
    six.expect_nothing();
    six.icmp(0x0104, ip_protocol::udp, ike_port);
    six.expect(finding_kind::no_ike_listener);
}

TEST_CASE("D2: an error from the client's side, about what came in, is none; nor is D3 told beside it") {
    story4 s;
    s.tell(event_kind::icmp_error, [](auto& e) {
        e.detail = 0x0303;
        e.protocol = 17;
        e.server_port = ike_port;
        e.outbound = true;
    });
    s.expect_nothing();
    s.begin(1);
    for (int i = 0; i < 5; ++i) {
        s.ike(exchange_type::ike_sa_init, true);
        s.icmp(0x0303, ip_protocol::udp, ike_port);
        s.pass(2s);
    }
    s.expect(finding_kind::no_ike_listener);
}

TEST_CASE("D6: the client sends ESP in one tenure after the other and nothing comes back") {
    story4 s;
    s.init(1);
    s.ike(exchange_type::ike_auth, true, 1);
    s.ike(exchange_type::ike_auth, false, 1);
    s.tell(event_kind::spi_bound_outbound);
    for (int i = 0; i < 2; ++i) {
        s.expect_nothing();
        s.pass(5s);
        s.tell(event_kind::learning_started);
    }
    s.expect(finding_kind::nothing_inbound);
    s.tell(event_kind::spi_bound_late);
    s.expect_over(finding_kind::nothing_inbound);
    s.tell(event_kind::one_way);  // one SA of several: the path is open
    s.expect_nothing();
}

TEST_CASE("D6: six tenures without an answer are enough") {
    story4 s;
    s.init(1);
    s.ike(exchange_type::ike_auth, true, 1);
    s.tell(event_kind::spi_bound_outbound);
    s.tell(event_kind::one_way);
    s.expect(finding_kind::nothing_inbound);
}

TEST_CASE("D8: frag-needed again and again about the tunnel") {
    story4 s;
    for (int i = 0; i < 20; ++i) {
        s.icmp(1400U << 16 | 0x0304, ip_protocol::esp);  // one window of large packets: path MTU discovery at work
    }
    s.expect_nothing();
    s.pass(5s);
    s.icmp(1400U << 16 | 0x0304, ip_protocol::tcp, port{443});
    s.icmp(1400U << 16 | 0x0304, ip_protocol::udp, port{4500});
    s.pass(5s);
    s.icmp(1300U << 16 | 0x0304, ip_protocol::esp);
    const auto told = s.report();
    REQUIRE(told.size() == 1);
    CHECK(told[0].kind == finding_kind::mtu_too_large);
    CHECK(told[0].mtu == 1300);
    CHECK(told[0].count == 3);
    CHECK(to_string(told[0]).find("next-hop MTU 1300") != std::string::npos);
    CHECK(to_string(told[0]).rfind("D8 warning 10.0.0.2 -> 198.51.100.1: ", 0) == 0);

    story<ipv6> six;
    for (int i = 0; i < 3; ++i) {
        six.icmp(1280U << 16 | 0x0200, ip_protocol::esp);
        six.pass(2s);
    }
    six.expect(finding_kind::mtu_too_large);
}

TEST_CASE("D9: ESP dropped without a gate, of a client that no IKE was seen of") {
    const auto drop = [](story4& s, bool out, drop_reason why) {
        s.tell(event_kind::dropped, [&](auto& e) {
            e.reason = why;
            e.outbound = out;
        });
        s.pass(1s);
    };
    story4 s;
    for (int i = 0; i < 5; ++i) {
        drop(s, false, drop_reason::esp_no_gate);
        drop(s, true, drop_reason::policy);
    }
    s.expect_nothing();
    for (int i = 0; i < 3; ++i) {
        drop(s, true, drop_reason::esp_no_gate);
    }
    s.expect(finding_kind::esp_without_ike);
    s.init(1);
    s.ike(exchange_type::ike_auth, true, 1);
    s.expect_over(finding_kind::esp_without_ike);
    for (int i = 0; i < 5; ++i) {
        drop(s, true, drop_reason::esp_no_gate);  // as the Junos profile does
    }
    s.expect_nothing();
    s.tell(event_kind::ike_session_ended);
    for (int i = 0; i < 5; ++i) {
        drop(s, true, drop_reason::esp_no_gate);
    }
    s.expect(finding_kind::esp_without_ike);
}

TEST_CASE("D11: a private range is reached with a public source address") {
    story4 s;
    const ipv4_address branch{0xc0a8'0700};
    s.udp_flow(event_kind::flow_started, {0x0808'0808}, port{53});
    for (std::uint32_t i = 1; i <= 3; ++i) {
        s.expect_nothing();
        s.udp_flow(event_kind::flow_started, branch.plus(i), port{443});
        s.pass(1s);
    }
    const auto told = s.report();
    REQUIRE(told.size() == 1);
    CHECK(told[0].kind == finding_kind::nat_exemption_missing);
    CHECK(told[0].server == branch);
    CHECK(told[0].severity() == diagnose::severity::notice);
    s.found([&] {
        auto e = s.made(event_kind::configuration_replaced);
        e.client = e.server = {};
        return e;
    }());
    s.expect_over(finding_kind::nat_exemption_missing);
}

TEST_CASE("D11: exempted traffic, and a private NAT address as in a lab, are not told") {
    story4 s;
    const ipv4_address branch{0x0a14'0001};
    for (int i = 0; i < 5; ++i) {
        s.tell(event_kind::flow_started, [&](auto& e) {
            e.server = branch;
            e.nat = e.client;
        });
        s.tell(event_kind::flow_started, [&](auto& e) {
            e.server = branch;
            e.nat = {0xac10'0001};
        });
        s.tell(event_kind::flow_started, [&](auto& e) { e.server = {0x0a14'0001U + (static_cast<unsigned>(i) << 8)}; });
    }
    s.expect_nothing();
    CHECK(diagnose::is_private(ipv4_address{0xac1f'ffff}));
    CHECK_FALSE(diagnose::is_private(ipv4_address{0xac20'0000}));
    CHECK(diagnose::is_private(ipv6_address{0xfd12'0000'0000'0000, 1}));
    CHECK_FALSE(diagnose::is_private(ipv6_address{0xfe80'0000'0000'0000, 1}));
}
