// SPDX-License-Identifier: Apache-2.0
/// D1-D12 end to end: packets through a gateway, its events into findings.
#include "ikealg/diagnose/findings.hpp"

#include "gateway/harness.hpp"
#include "support/ike_messages.hpp"

using namespace ikealg_tests;
using diagnose::finding_kind;

namespace {

/// A world whose events are told to findings.
struct watched {
    explicit watched(const settings<ipv4>& s = usual_settings()) : w(s) {}

    world w;
    diagnose::findings<ipv4> found{{64, 8, 30min}, 7};

    std::vector<diagnose::finding<ipv4>> report() {
        for (const auto& e : *w.events) {
            found(e);
        }
        w.events->clear();
        std::vector<diagnose::finding<ipv4>> told;
        found.report(w.now, [&](const auto& f) { told.push_back(f); });
        return told;
    }
    void expect(finding_kind k, ipv4_address of, ipv4_address to = server_1) {
        const auto told = report();
        REQUIRE(told.size() == 1);
        CHECK(told[0].kind == k);
        CHECK(told[0].active);
        CHECK(told[0].client == of);
        CHECK(told[0].server == to);
        CHECK(report().empty());
    }
    void expect_nothing() {
        for (const auto& f : report()) {
            FAIL_CHECK("false finding: " << to_string(f));
        }
    }
    outcome ike_out(std::uint32_t n, const octets& message) {
        return w.out(udp(client(n), 500, server_1, 500, message));
    }
    outcome ike_in(const outcome& sent, const octets& message) {
        return w.in(udp(server_1, 500, source_of(sent.data), source_port_of(sent.data), message));
    }
    /// An ICMP error of a router about a packet that left.
    outcome error(const outcome& sent, std::uint8_t code, std::uint32_t rest = 0) {
        return w.in(icmp(server_2, source_of(sent.data), 3, code, rest, sent.data));
    }
};

octets answering(octets message, const octets& request) {
    std::copy_n(request.begin(), 8, message.begin());
    return message;
}
octets behind_marker(const octets& message) {
    return joined(octets(4), message);
}

}  // namespace

TEST_CASE("D1: the server's refusals of captured IKE_SA_INITs, and the agreement after them") {
    watched v;
    const auto& request = ike_messages::sa_init_request;
    const outcome sent = v.ike_out(2, request);
    CHECK(v.ike_in(sent, answering(ike_messages::invalid_ke_payload, request)).forwarded());
    v.expect_nothing();
    CHECK(v.ike_in(sent, answering(ike_messages::no_proposal_chosen, request)).forwarded());
    v.expect(finding_kind::algorithms_differ, client(2));
    v.ike_out(2, request);
    CHECK(v.ike_in(sent, ike_messages::sa_init_response).forwarded());
    const auto over = v.report();
    REQUIRE(over.size() == 1);
    CHECK(over[0].kind == finding_kind::algorithms_differ);
    CHECK_FALSE(over[0].active);
}

TEST_CASE("D2: port unreachable for IKE reaches the client it is about") {
    watched v;
    const outcome sent = v.ike_out(2, ike_messages::sa_init_request);
    CHECK(v.error(sent, 1).forwarded());
    v.expect_nothing();
    CHECK(v.error(sent, 3).forwarded());
    v.expect(finding_kind::no_ike_listener, client(2));
}

TEST_CASE("D3: a server that does not answer") {
    watched v;
    for (int i = 0; i < 3; ++i) {
        v.expect_nothing();
        CHECK(v.ike_out(2, ike_messages::main_mode_1).forwarded());
        v.w.pass(2s);
    }
    v.expect(finding_kind::server_silent, client(2));
}

TEST_CASE("D4: Quick Mode without an answer") {
    watched v;
    tunnel t(v.w, 2, 1);
    t.phase1();
    for (int i = 0; i < 3; ++i) {
        v.expect_nothing();
        CHECK(t.out(exchange_type::quick_mode, 77).forwarded());
        v.w.pass(2s);
    }
    v.expect(finding_kind::quick_mode_refused, client(2));
    CHECK(v.w.count(counter::phase2_retransmitted) == 2);
}

TEST_CASE("D5: a small answer to IKE_AUTH") {
    watched v;
    tunnel t(v.w, 2);
    t.phase1();
    CHECK(t.out(exchange_type::ike_auth, 1).forwarded());
    CHECK(t.in(exchange_type::ike_auth, 1, true, 80).forwarded());
    v.w.pass(9s);
    v.expect_nothing();
    v.w.pass(1s);
    v.expect(finding_kind::authentication_refused, client(2));
}

TEST_CASE("D6: ESP leaves and none comes back") {
    watched v;
    tunnel t(v.w, 2);
    t.phase1();
    CHECK(t.out(exchange_type::ike_auth, 1).forwarded());
    CHECK(t.in(exchange_type::ike_auth, 1).forwarded());
    for (std::uint32_t i = 1; i <= 30; ++i) {
        CHECK(t.esp_out(0xb001, i).forwarded());
        v.w.pass(500ms);
    }
    v.expect(finding_kind::nothing_inbound, client(2));
    CHECK(t.got(0xa001));
    CHECK(v.report().size() == 1);
    CHECK(v.report().empty());
}

TEST_CASE("D7: NAT-T announced in captured messages; silence on 4500 is told, an answer is not") {
    for (const bool answers : {false, true}) {
        CAPTURE(answers);
        watched v;
        const outcome sent = v.ike_out(2, ike_messages::sa_init_request);
        CHECK(v.ike_in(sent, ike_messages::sa_init_response).forwarded());
        ike_fields f;
        f.initiator = load_be64(ike_messages::sa_init_request.data());
        f.responder = load_be64(ike_messages::sa_init_response.data() + 8);
        f.exchange = 35;
        const outcome auth = v.w.out(udp(client(2), 4500, server_1, 4500, behind_marker(ike(f))));
        CHECK(auth.forwarded());
        if (answers) {
            v.w.pass(40ms);
            CHECK(v.w.in(udp(server_1, 4500, source_of(auth.data), source_port_of(auth.data), behind_marker(ike(f))))
                      .forwarded());
            CHECK(v.w.in(udp(server_1, 4500, source_of(auth.data), source_port_of(auth.data), behind_marker(ike(f))))
                      .forwarded());
            CHECK(v.w.told(event_kind::natt_answered) == 1);
        }
        v.w.pass(20s);
        answers ? v.expect_nothing() : v.expect(finding_kind::natt_blocked, client(2));
    }
}

TEST_CASE("D8: a router reports the tunnel's packets as too large again and again") {
    watched v;
    tunnel t(v.w, 2);
    t.connect(0xa001, 0xb001);
    for (std::uint32_t i = 2; i < 5; ++i) {
        v.expect_nothing();
        const outcome sent = t.esp_out(0xb001, i);
        CHECK(v.error(sent, 4, 1400).forwarded());
        v.w.pass(2s);
    }
    const auto told = v.report();
    REQUIRE(told.size() == 1);
    CHECK(told[0].kind == finding_kind::mtu_too_large);
    CHECK(told[0].mtu == 1400);
}

TEST_CASE("D9: ESP of a client that came before its gateway; ESP of a stranger is nobody's finding") {
    watched v;
    tunnel t(v.w, 2);
    t.nat = nat_1;
    for (std::uint32_t i = 1; i < 5; ++i) {
        CHECK(t.esp_in(0xa001, i).dropped(drop_reason::esp_no_gate));
        v.w.pass(1s);
    }
    v.expect_nothing();
    for (std::uint32_t i = 1; i < 4; ++i) {
        CHECK(t.esp_out(0xb001, i).dropped(drop_reason::esp_no_gate));
        v.w.pass(1s);
    }
    v.expect(finding_kind::esp_without_ike, client(2));
}

TEST_CASE("D10: Main Mode message 5 comes again and again") {
    watched v;
    tunnel t(v.w, 2, 1);
    t.phase1();
    ike_fields five = t.ids;
    five.exchange = 2;
    five.flags = wire::ike_flag::encryption;
    for (int i = 0; i < 3; ++i) {
        v.expect_nothing();
        CHECK(v.ike_out(2, ike(five, 108)).forwarded());
        v.w.pass(2s);
    }
    v.expect(finding_kind::phase1_key_differs, client(2));
}

TEST_CASE("D11: a branch's subnet without NAT exemption, and with it") {
    for (const bool exempted : {false, true}) {
        CAPTURE(exempted);
        auto s = usual_settings();
        if (exempted) {
            s.nat.rule_sets[0].rules.insert(s.nat.rule_sets[0].rules.begin(),
                                            {"branch", {}, {{v4("192.168.7.0"), 24}}, nat::nat_action::off, ""});
        }
        watched v(s);
        for (std::uint16_t i = 1; i <= 3; ++i) {
            CHECK(
                v.w.out(tcp(client(2), static_cast<std::uint16_t>(40000 + i), v4("192.168.7.9"), 443, 2)).forwarded());
        }
        exempted ? v.expect_nothing() : v.expect(finding_kind::nat_exemption_missing, client(2), v4("192.168.7.0"));
    }
}

TEST_CASE(
    "D12: IKE that began on 500 of one client goes on on 4500 of another, of a NAT between them and the gateway") {
    watched v;
    const outcome sent = v.ike_out(2, ike_messages::sa_init_request);
    CHECK(v.ike_in(sent, ike_messages::sa_init_response).forwarded());
    ike_fields f;
    f.initiator = load_be64(ike_messages::sa_init_request.data());
    f.exchange = 35;
    CHECK(v.w.out(udp(client(3), 4500, server_1, 4500, behind_marker(ike(f)))).forwarded());
    const auto told = v.report();
    REQUIRE(told.size() == 1);
    CHECK(told[0].kind == finding_kind::address_not_persistent);
    CHECK(told[0].client == client(3));
    CHECK(told[0].other == client(2));
}

TEST_CASE("healthy: tunnels of both versions with ESP, rekeys and keepalives through a gateway have no findings") {
    watched v;
    tunnel a(v.w, 2, 1);
    tunnel b(v.w, 3, 2);
    a.connect(0xa001, 0xb001);
    b.connect(0xa002, 0xb002);
    for (std::uint32_t i = 1; i < 30; ++i) {
        v.w.pass(5min);
        CHECK(a.quick(100 + i).forwarded());
        CHECK(a.esp_out(0xb100 + 2 * i).forwarded());
        v.w.pass(10ms);
        CHECK(a.got(0xa100 + 2 * i));
        v.w.pass(5s);
        CHECK(b.out(exchange_type::create_child_sa, 10 + i).forwarded());
        v.w.pass(10ms);
        CHECK(b.in(exchange_type::create_child_sa, 10 + i).forwarded());
        CHECK(b.esp_out(0xb101 + 2 * i).forwarded());
        v.w.pass(10ms);
        CHECK(b.got(0xa101 + 2 * i));
        CHECK(v.w.out(udp(client(2), 4500, server_1, 4500, octets{0xff})).forwarded());
        v.expect_nothing();
    }
}

TEST_CASE("Findings are an observer of a gateway") {
    using findings = diagnose::findings<ipv4>;
    using gateway_type = gateway<ipv4, io::memory_packet, findings::listener>;
    findings found({16, 4, 30min}, 1);
    auto made = gateway_type::create(usual_settings(), small_options(), found.listen());
    REQUIRE(made.value);
    instant now{1h};
    std::vector<io::memory_packet> burst;
    for (int i = 0; i < 4; ++i) {
        burst.clear();
        burst.emplace_back(bytes(udp(client(2), 500, server_1, 500, ike_messages::sa_init_request)), inside);
        made.value->process(burst, now, [](io::memory_packet&&, verdict v) { CHECK(v.act == action::forward); });
        now += 2s;
    }
    std::vector<finding_kind> told;
    found.report(now, [&](const auto& f) { told.push_back(f.kind); });
    CHECK(told == std::vector{finding_kind::server_silent});
}
