// SPDX-License-Identifier: Apache-2.0
/// D1-D12 as sequences of events: what is told, that it is told once, and that nothing is told of healthy tunnels.
#include "ikealg/diagnose/findings.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace {

using namespace ikealg;
using namespace std::chrono_literals;
using alg::event_kind;
using diagnose::finding_kind;
using wire::exchange_type;

/// Tells events of one client and one server to findings.
template <class Family>
struct story {
    using address = typename Family::address;
    using event = alg::event<Family>;
    using finding = diagnose::finding<Family>;

    explicit story(const diagnose::findings_options& options = {64, 4, 30min}) : found(options, 7) {
        if constexpr (Family::version == 4) {
            client = {0x0a00'0002};
            server = {0xc633'6401};
            nat = {0xcb00'7105};
        } else {
            client = {0xfd00'0000'0000'0000, 2};
            server = {0x2001'0db8'0000'0000, 1};
            nat = {0x2001'0db8'0001'0000, 5};
        }
    }

    diagnose::findings<Family> found;
    instant now{1h};
    address client{}, server{}, nat{};
    ike_spi initiator{11}, responder{};
    bool natt_flow = false;

    event made(event_kind k) const {
        event e;
        e.kind = k;
        e.at = now;
        e.client = client;
        e.server = server;
        e.nat = nat;
        e.initiator = initiator;
        return e;
    }
    template <class Fill>
    void tell(event_kind k, Fill&& fill) {
        event e = made(k);
        fill(e);
        found(e);
    }
    void tell(event_kind k) { found(made(k)); }
    void pass(duration d) { now += d; }

    void ike(exchange_type type, bool out, std::uint32_t id = 0, std::uint32_t length = 300, bool encrypted = false,
             std::uint16_t fragment = 0) {
        tell(event_kind::ike_message, [&](event& e) {
            e.responder = responder;
            e.exchange_type = static_cast<std::uint8_t>(type);
            e.message_id = id;
            e.outbound = out;
            e.detail = length;
            e.ike_flags = encrypted ? wire::ike_flag::encryption : 0;
            e.fragment = fragment;
        });
    }
    void notify(exchange_type type, std::uint32_t number, bool out = false) {
        tell(event_kind::ike_notify, [&](event& e) {
            e.exchange_type = static_cast<std::uint8_t>(type);
            e.detail = number;
            e.outbound = out;
        });
    }
    void begin(std::uint64_t spi_of_client) {
        initiator = {spi_of_client};
        responder = {};
        tell(event_kind::ike_session_started);
    }
    /// IKE_SA_INIT and its answer, NAT-T announced by both ends, as real stacks do even on 500 (R6).
    void init(std::uint64_t spi_of_client) {
        begin(spi_of_client);
        ike(exchange_type::ike_sa_init, true);
        tell(event_kind::natt_announced, [](event& e) { e.outbound = true; });
        pass(30ms);
        responder = {22};
        ike(exchange_type::ike_sa_init, false);
        tell(event_kind::natt_announced);
    }
    void init_error(std::uint64_t spi_of_client, std::uint32_t number) {
        begin(spi_of_client);
        ike(exchange_type::ike_sa_init, true);
        pass(30ms);
        ike(exchange_type::ike_sa_init, false, 0, 38);
        notify(exchange_type::ike_sa_init, number);
    }
    void main_mode(std::uint64_t spi_of_client) {
        begin(spi_of_client);
        ike(exchange_type::main_mode, true);
        tell(event_kind::natt_announced, [](event& e) { e.outbound = true; });
        responder = {22};
        ike(exchange_type::main_mode, false);
        tell(event_kind::natt_announced);
        ike(exchange_type::main_mode, true);
        ike(exchange_type::main_mode, false);
    }
    void esp(std::uint32_t value) {
        tell(event_kind::spi_bound_outbound, [&](event& e) { e.spi = spi{value}; });
        tell(event_kind::learning_started);
        pass(30ms);
        tell(event_kind::spi_bound_gate, [&](event& e) { e.spi = spi{value + 1}; });
    }
    void udp_flow(event_kind k, address to, port to_port) {
        tell(k, [&](event& e) {
            e.server = to;
            e.protocol = static_cast<std::uint8_t>(ip_protocol::udp);
            e.server_port = to_port;
        });
    }
    void icmp(std::uint32_t detail, ip_protocol protocol, port to = {}) {
        tell(event_kind::icmp_error, [&](event& e) {
            e.detail = detail;
            e.protocol = static_cast<std::uint8_t>(protocol);
            e.server_port = to;
        });
    }

    std::vector<finding> report() {
        std::vector<finding> all;
        found.report(now, [&](const finding& f) { all.push_back(f); });
        return all;
    }
    std::size_t active() const {
        std::size_t n = 0;
        found.for_each([&](const finding&) { ++n; });
        return n;
    }
    /// Checks that exactly this is told, once.
    void expect(finding_kind k) {
        const auto told = report();
        REQUIRE(told.size() == 1);
        CHECK(told[0].kind == k);
        CHECK(told[0].active);
        CHECK(told[0].client == client);
        CHECK(told[0].count >= 1);
        CHECK(told[0].first_seen <= told[0].last_seen);
        CHECK(told[0].last_seen <= now);
        CHECK(report().empty());
        CHECK(active() == 1);
    }
    void expect_over(finding_kind k) {
        const auto told = report();
        REQUIRE(told.size() == 1);
        CHECK(told[0].kind == k);
        CHECK_FALSE(told[0].active);
        CHECK(report().empty());
        CHECK(active() == 0);
    }
    void expect_nothing() {
        for (const auto& f : report()) {
            FAIL_CHECK("false finding: " << to_string(f));
        }
        CHECK(active() == 0);
    }
};

using story4 = story<ipv4>;

}  // namespace

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

TEST_CASE("Each kind has a rule, a name of its own and a sentence of three parts") {
    for (std::size_t i = 0; i < diagnose::finding_kind_count; ++i) {
        const auto& r = diagnose::finding_rules[i];
        CAPTURE(r.name);
        CHECK(r.rule.front() == 'D');
        CHECK(r.window.count() > 0);
        CHECK((r.need != 0 || r.patience.count() != 0));
        diagnose::finding<ipv4> f;
        f.kind = r.kind;
        const std::string text = to_string(f);
        const auto arrow = text.find(": ");
        const auto first = text.find(" -> ", arrow);
        CHECK(first != std::string::npos);
        CHECK(text.find(" -> ", first + 1) != std::string::npos);
        CHECK(text.find(to_string(r.severity)) != std::string::npos);
        f.active = false;
        CHECK(to_string(f).find(" over ") != std::string::npos);
        for (std::size_t j = 0; j < i; ++j) {
            CHECK(diagnose::finding_rules[j].name != r.name);
        }
    }
}
