// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/ike_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

template <class F = ipv4>
settings<F> with_mode(alg::ike_port_mode mode) {
    auto s = usual_settings<F>();
    s.alg.ike_port = mode;
    return s;
}
template <class F>
octets from_client(std::uint32_t n, const octets& payload, std::uint16_t port = 500) {
    return udp(at<F>::client(n), port, at<F>::server(), 500, payload);
}
template <class F>
octets from_server(std::uint16_t nat_port, const octets& payload, std::uint16_t server_port = 500) {
    return udp(at<F>::server(), server_port, at<F>::nat(), nat_port, payload);
}

}  // namespace

TEST_CASE_TEMPLATE("G2, E4: two clients behind one address each get their own ESP, with IKEv1 and with IKEv2", F, ipv4, ipv6) {
    for (const unsigned version : {1U, 2U}) {
        CAPTURE(version);
        basic_world<F> w;
        basic_tunnel<F> a(w, 11, version);
        basic_tunnel<F> b(w, 12, version);
        a.connect(0xa001, 0xb001);
        b.connect(0xa002, 0xb002);
        CHECK(a.nat == at<F>::nat());
        CHECK(b.nat == at<F>::nat());
        for (std::uint32_t i = 2; i < 20; ++i) {
            CHECK(a.got(0xa001, i));
            CHECK(b.got(0xa002, i));
            CHECK(a.esp_out(0xb001, i).forwarded());
            CHECK(b.esp_out(0xb002, i).forwarded());
        }
        CHECK(w.count(counter::bindings_gate) == 2);
        CHECK(w.count(counter::bindings_contested) == 0);
        CHECK(w.count(counter::gates_opened) == 2);
    }
}

TEST_CASE_TEMPLATE("R1: short payloads on an IKE port are malformed", F, ipv4, ipv6) {
    basic_world<F> w;
    for (std::size_t n = 2; n < 28; ++n) {
        CAPTURE(n);
        CHECK(w.out(from_client<F>(1, octets(n, 0x31))).dropped(drop_reason::malformed));
    }
    CHECK(w.out(from_client<F>(1, {})).dropped(drop_reason::malformed));
    CHECK(w.out(from_client<F>(1, ike({1, 0}, 28))).forwarded());
    CHECK(w.in(from_server<F>(500, octets(27, 0x31))).dropped(drop_reason::malformed));
    CHECK(w.count(drop_reason::malformed) == 28);
}

TEST_CASE_TEMPLATE("R1: the port that policy marks is an IKE port; 500 is none without the mark", F, ipv4, ipv6) {
    auto s = usual_settings<F>();
    s.policy.applications[0].destination_port = {1500, 1500};
    basic_world<F> w(s);
    CHECK(w.out(udp(at<F>::client(1), 500, at<F>::server(), 500, octets(5, 1))).forwarded());
    CHECK(w.out(udp(at<F>::client(1), 500, at<F>::server(), 1500, octets(5, 1))).dropped(drop_reason::malformed));
    CHECK(w.out(udp(at<F>::client(1), 500, at<F>::server(), 1500, ike({1, 0}))).forwarded());
    CHECK(w.count(counter::ike_messages) == 1);
}

TEST_CASE_TEMPLATE("R2: a keepalive and old-draft ESP-in-UDP are plain UDP", F, ipv4, ipv6) {
    basic_world<F> w;
    CHECK(w.out(from_client<F>(1, {0xff})).forwarded());
    CHECK(w.out(from_client<F>(1, {0xfe})).dropped(drop_reason::malformed));
    octets old_draft(60, 0x99);
    std::fill_n(old_draft.begin(), 8, std::uint8_t{0});
    CHECK(w.out(from_client<F>(1, old_draft)).forwarded());
    CHECK(w.in(from_server<F>(500, old_draft)).forwarded());
    CHECK(w.count(counter::ike_messages) == 0);
    CHECK(w.count(counter::natt_keepalives) == 1);
}

TEST_CASE_TEMPLATE("R3: a length field beyond the payload or below the header is malformed; trailing bytes pass and are counted", F, ipv4, ipv6) {
    basic_world<F> w;
    octets m = ike({1, 0}, 100);
    store_be32(&m[24], 101);
    CHECK(w.out(from_client<F>(1, m)).dropped(drop_reason::malformed));
    store_be32(&m[24], 27);
    CHECK(w.out(from_client<F>(1, m)).dropped(drop_reason::malformed));
    store_be32(&m[24], 96);
    CHECK(w.out(from_client<F>(1, m)).forwarded());
    CHECK(w.count(counter::ike_trailing_bytes) == 1);
}

TEST_CASE_TEMPLATE("R4: an unknown version or exchange passes as UDP of its session, without a gate", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> t(w, 1);
    t.phase1();
    ike_fields f = t.ids;
    f.version = 0x30;
    CHECK(w.out(from_client<F>(1, ike(f))).forwarded());
    f.version = 0x20;
    f.exchange = 99;
    CHECK(w.out(from_client<F>(1, ike(f))).forwarded());
    CHECK(w.in(from_server<F>(500, ike(f))).forwarded());
    CHECK(w.count(counter::ike_unknown) == 3);
    CHECK(w.count(counter::phase2_started) == 0);
    CHECK(w.g->records().sessions().size() == 1);
}

TEST_CASE_TEMPLATE("R5: UDP 4500 is plain NAT, counted by what it carries, never gated", F, ipv4, ipv6) {
    basic_world<F> w;
    const auto natt = [&](const octets& payload) { return w.out(udp(at<F>::client(1), 4500, at<F>::server(), 4500, payload)); };
    CHECK(natt({0xff}).forwarded());
    CHECK(natt(joined(octets(4), ike({1, 2, 0, 0x20, 35}))).forwarded());
    CHECK(natt(octets(60, 0x55)).forwarded());
    CHECK(w.in(udp(at<F>::server(), 4500, at<F>::nat(), 4500, octets(60, 0x56))).forwarded());
    CHECK(w.in(udp(at<F>::server(), 4500, at<F>::nat(), 4500, {0xff})).forwarded());
    CHECK(w.count(counter::natt_keepalives) == 2);
    CHECK(w.count(counter::natt_esp) == 2);
    CHECK(w.count(counter::natt_sessions) == 1);
    CHECK(w.told(event_kind::natt_started) == 1);
    CHECK(w.count(counter::ike_messages) == 0);
    CHECK(w.count(counter::phase2_started) == 0);
}

TEST_CASE_TEMPLATE("X3: Phase 2 on a session not seen in both directions: practical forwards and counts, junos drops", F, ipv4, ipv6) {
    for (const auto profile : {alg::profile::practical, alg::profile::junos}) {
        auto s = usual_settings<F>();
        s.alg = alg::alg_settings::of(profile);
        s.alg.enabled = true;
        s.alg.new_sa_pause = 0ms;  // ESP right behind the answer goes on at once (G15)
        basic_world<F> w(s);
        basic_tunnel<F> t(w, 1);
        const outcome o = t.out(exchange_type::create_child_sa, 5);
        CHECK(o.forwarded() == (profile == alg::profile::practical));
        CHECK(w.count(counter::phase2_unsolicited) == 1);
        if (profile == alg::profile::junos) {
            CHECK(o.dropped(drop_reason::phase2_unsolicited));
            continue;
        }
        CHECK(t.in(exchange_type::create_child_sa, 5).forwarded());  // the answer proves the session, and enables
        CHECK(w.count(counter::gates_opened) == 1);
        CHECK(t.got(0xa001));
    }
}

TEST_CASE_TEMPLATE("N3: prefer keeps 500 for the first client, gives each further one a port of its own, the same after a restart", F, ipv4, ipv6) {
    std::vector<std::uint16_t> ports;
    for (int run = 0; run < 2; ++run) {
        basic_world<F> w;
        for (std::uint32_t i = 0; i < 5; ++i) {
            basic_tunnel<F> t(w, 10 + i);
            t.phase1();
            CHECK((t.nat_port == 500) == (i == 0));
            ports.push_back(t.nat_port);
        }
    }
    CHECK(std::vector<std::uint16_t>(ports.begin(), ports.begin() + 5) == std::vector<std::uint16_t>(ports.begin() + 5, ports.end()));
    std::sort(ports.begin(), ports.end());
    CHECK(std::unique(ports.begin(), ports.end()) - ports.begin() == 5);
}

TEST_CASE_TEMPLATE("N3: translate always gives a port of its own, exclusive refuses the second client", F, ipv4, ipv6) {
    {
        basic_world<F> w(with_mode<F>(alg::ike_port_mode::translate));
        basic_tunnel<F> a(w, 1);
        a.connect(0xa001, 0xb001);
        CHECK(a.nat_port != 500);
    }
    basic_world<F> w(with_mode<F>(alg::ike_port_mode::exclusive));
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.phase1();
    CHECK(b.out(exchange_type::ike_sa_init, 0).dropped(drop_reason::ike_exclusive));
    basic_tunnel<F> other(w, 2, 2, at<F>::server(1));
    other.phase1();
    CHECK(other.nat_port == 500);
    CHECK(w.count(drop_reason::ike_exclusive) == 1);
}

TEST_CASE_TEMPLATE("N3: preserve: all keep 500, told apart by their SPIs, also when the server starts", F, ipv4, ipv6) {
    basic_world<F> w(with_mode<F>(alg::ike_port_mode::preserve));
    std::vector<basic_tunnel<F>> all;
    for (std::uint32_t i = 0; i < 5; ++i) {
        all.emplace_back(w, 10 + i, i % 2 == 0 ? 2 : 1);
        all.back().connect(0xa000 + i, 0xb000 + i);
        CHECK(all.back().nat_port == 500);
    }
    for (std::uint32_t i = 0; i < 5; ++i) {
        CHECK(all[i].got(0xa000 + i, 2));
        // The server's requests and the client's answers.
        const auto type = all[i].version == 2 ? exchange_type::informational : exchange_type::informational_v1;
        const outcome dpd = all[i].in(type, 9, false);
        REQUIRE(dpd.forwarded());
        CHECK(destination_in<F>(dpd.data) == all[i].local);
        CHECK(all[i].out(type, 9, true).forwarded());
    }
    CHECK(w.in(from_server<F>(500, ike({0xdead, 0xbeef}))).dropped(drop_reason::ike_ambiguous));
    w.pass(14400s + 14400s + 600s);
    CHECK(w.g->records().sessions().size() == 0);
    CHECK(w.g->records().pairs().size() == 0);
    CHECK(w.g->records().flows.size() == 0);
    CHECK(w.g->mappings().size() == 0);
}

TEST_CASE_TEMPLATE("N3: a server that never answers a translated port: the client falls back to 500", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    a.connect(0xa001, 0xb001);
    basic_tunnel<F> b(w, 2);
    for (int i = 0; i < 3; ++i) {
        CHECK(b.out(exchange_type::ike_sa_init, 0).forwarded());
        CHECK(b.nat_port != 500);
        w.pass(1s);
    }
    CHECK(b.out(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(b.nat_port == 500);
    CHECK(w.told(event_kind::port_fallback) == 1);
    const outcome answer = b.in(exchange_type::ike_sa_init, 0);
    REQUIRE(answer.forwarded());
    CHECK(destination_in<F>(answer.data) == at<F>::client(2));
    CHECK(a.in(exchange_type::informational, 3, false).forwarded());
    CHECK(a.out(exchange_type::informational, 3, true).forwarded());
    CHECK(b.out(exchange_type::ike_auth, 1).forwarded());
    CHECK(b.in(exchange_type::ike_auth, 1).forwarded());
    CHECK(b.esp_out(0xb002).forwarded());
    w.pass(20ms);
    CHECK(b.got(0xa002));
    CHECK(a.got(0xa001, 5));
    CHECK(w.g->ports().size() == 0);
}

TEST_CASE_TEMPLATE("N4: the server starts a new Phase 1: by the client's own port, on a shared 500 to the only client, else to the one that is due", F, ipv4, ipv6) {
    const ike_fields fresh{0x9999, 0};
    {
        basic_world<F> w;
        basic_tunnel<F> a(w, 1);
        basic_tunnel<F> b(w, 2);
        a.phase1();
        b.phase1();
        const outcome o = w.in(from_server<F>(b.nat_port, ike(fresh)));
        REQUIRE(o.forwarded());
        CHECK(destination_in<F>(o.data) == at<F>::client(2));
        CHECK(destination_port_in(o.data) == 500);
        CHECK(destination_in<F>(w.in(from_server<F>(500, ike({0x9998, 0}))).data) == at<F>::client(1));
    }
    basic_world<F> w(with_mode<F>(alg::ike_port_mode::preserve));
    basic_tunnel<F> a(w, 1);
    a.phase1();
    const outcome o = w.in(from_server<F>(500, ike(fresh)));
    REQUIRE(o.forwarded());
    CHECK(destination_in<F>(o.data) == at<F>::client(1));
    basic_tunnel<F> b(w, 2);
    b.phase1();
    CHECK(destination_in<F>(w.in(from_server<F>(500, ike({0x9998, 0}))).data) == at<F>::client(2));  // the other one has one just now
    CHECK(w.in(from_server<F>(500, ike({0x9997, 0, 0, 0x10, 2, 0}))).dropped(drop_reason::ike_ambiguous));  // IKEv1 is nobody's
    CHECK(w.count(drop_reason::ike_ambiguous) == 1);
}

TEST_CASE_TEMPLATE("N5: two clients with one initiator SPI on a shared port: the second waits until the first is answered", F, ipv4, ipv6) {
    basic_world<F> w(with_mode<F>(alg::ike_port_mode::preserve));
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    b.ids.initiator = a.ids.initiator;
    CHECK(a.out(exchange_type::ike_sa_init, 0).forwarded());
    const outcome second = b.out(exchange_type::ike_sa_init, 0);
    CHECK(second.held);
    w.pass(10ms);
    const outcome first = a.in(exchange_type::ike_sa_init, 0);
    REQUIRE(first.forwarded());
    CHECK(destination_in<F>(first.data) == at<F>::client(1));
    auto back = w.take_others();
    REQUIRE(back.size() == 1);
    CHECK(back[0].tag == second.tag);
    CHECK(back[0].forwarded());
    b.learn(back[0]);
    const outcome answer = b.in(exchange_type::ike_sa_init, 0);
    REQUIRE(answer.forwarded());
    CHECK(destination_in<F>(answer.data) == at<F>::client(2));
    CHECK(destination_in<F>(a.in(exchange_type::informational, 4, false).data) == at<F>::client(1));
    CHECK(destination_in<F>(b.in(exchange_type::informational, 4, false).data) == at<F>::client(2));
}

TEST_CASE_TEMPLATE("N5: who waits in vain is dropped after the hold limit", F, ipv4, ipv6) {
    basic_world<F> w(with_mode<F>(alg::ike_port_mode::preserve));
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    b.ids.initiator = a.ids.initiator;
    CHECK(a.out(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(b.out(exchange_type::ike_sa_init, 0).held);
    w.pass(5900ms);
    CHECK(w.take_others().empty());
    w.pass(200ms);
    const auto back = w.take_others();
    REQUIRE(back.size() == 1);
    CHECK(back[0].dropped(drop_reason::ike_ambiguous));
}

TEST_CASE_TEMPLATE("X6: after the IKE SA was rekeyed its new SPIs are learned: from the client at once, from the server by port or by the only fit", F, ipv4, ipv6) {
    for (const auto mode : {alg::ike_port_mode::prefer, alg::ike_port_mode::preserve}) {
        CAPTURE(static_cast<int>(mode));
        basic_world<F> w(with_mode<F>(mode));
        basic_tunnel<F> a(w, 1);
        basic_tunnel<F> b(w, 2);
        a.connect(0xa001, 0xb001);
        b.connect(0xa002, 0xb002);
        CHECK(b.out(exchange_type::create_child_sa, 2).forwarded());
        CHECK(b.in(exchange_type::create_child_sa, 2).forwarded());
        b.ids.initiator ^= 0xffff;
        b.ids.responder ^= 0xffff;
        const outcome o = b.in(exchange_type::informational, 0, false);
        REQUIRE(o.forwarded());
        CHECK(destination_in<F>(o.data) == at<F>::client(2));
        a.ids.initiator ^= 0xffff;
        CHECK(a.out(exchange_type::informational, 0).forwarded());
        CHECK(destination_in<F>(a.in(exchange_type::informational, 0).data) == at<F>::client(1));
    }
}

TEST_CASE_TEMPLATE("X6: several clients may be meant: dropped, or copied to each with fan-out and learned from who answers", F, ipv4, ipv6) {
    for (const bool fan_out : {false, true}) {
        CAPTURE(fan_out);
        auto s = with_mode<F>(alg::ike_port_mode::preserve);
        s.alg.ike_ambiguous = fan_out ? alg::ike_ambiguous_mode::fan_out : alg::ike_ambiguous_mode::drop;
        basic_world<F> w(s);
        basic_tunnel<F> a(w, 1);
        basic_tunnel<F> b(w, 2);
        a.connect(0xa001, 0xb001);
        b.connect(0xa002, 0xb002);
        for (basic_tunnel<F>* t : {&a, &b}) {
            CHECK(t->out(exchange_type::create_child_sa, 2).forwarded());
            w.pass(10ms);
            CHECK(t->in(exchange_type::create_child_sa, 2).forwarded());
            w.pass(20s);
        }
        w.others.clear();
        b.ids.initiator ^= 0xffff;
        b.ids.responder ^= 0xffff;
        const outcome o = b.in(exchange_type::informational, 0, false);
        if (!fan_out) {
            CHECK(o.dropped(drop_reason::ike_ambiguous));
            continue;
        }
        CHECK(w.count(counter::ike_fan_out) == 1);
        REQUIRE(o.forwarded());
        const auto copies = w.take_others();
        REQUIRE(copies.size() == 1);
        std::vector<typename F::address> reached{destination_in<F>(o.data), destination_in<F>(copies[0].data)};
        std::sort(reached.begin(), reached.end());
        CHECK(reached == std::vector<typename F::address>{at<F>::client(1), at<F>::client(2)});
        CHECK(b.out(exchange_type::informational, 0, true).forwarded());
        const outcome next = b.in(exchange_type::informational, 1, false);
        REQUIRE(next.forwarded());
        CHECK(destination_in<F>(next.data) == at<F>::client(2));
        CHECK(w.take_others().empty());
    }
}

TEST_CASE_TEMPLATE("P4: ALG switched off: bindings go on, nothing waits, new SPIs are passed only where they are unambiguous; on again", F, ipv4, ipv6) {
    for (const auto mode : {alg::ike_port_mode::prefer, alg::ike_port_mode::preserve}) {
        CAPTURE(static_cast<int>(mode));
        auto s = with_mode<F>(mode);
        basic_world<F> w(s);
        basic_tunnel<F> a(w, 1);
        basic_tunnel<F> b(w, 2);
        a.connect(0xa001, 0xb001);
        b.connect(0xa002, 0xb002);
        s.alg.enabled = false;
        CHECK(w.g->replace(s, w.now).empty());
        CHECK(a.got(0xa001, 2));
        CHECK(b.got(0xa002, 2));
        CHECK(a.esp_out(0xb001, 2).forwarded());
        CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
        CHECK(b.out(exchange_type::create_child_sa, 2).forwarded());
        CHECK(destination_in<F>(b.in(exchange_type::create_child_sa, 2).data) == at<F>::client(2));
        CHECK(destination_in<F>(a.in(exchange_type::create_child_sa, 2).data) == at<F>::client(1));
        CHECK_FALSE(a.got(0xa003));  // could be either's
        s.alg.enabled = true;
        CHECK(w.g->replace(s, w.now).empty());
        CHECK(a.got(0xa001, 3));
        CHECK(b.esp_out(0xb002, 3).forwarded());
        w.pass(40s);
        CHECK(a.out(exchange_type::create_child_sa, 3).forwarded());
        w.pass(10ms);
        CHECK(a.in(exchange_type::create_child_sa, 3).forwarded());
        CHECK(a.esp_out(0xb005).forwarded());
        w.pass(10ms);
        CHECK(a.got(0xa005));
    }
}

TEST_CASE_TEMPLATE("P4: ALG switched on over IKE and ESP that pass already: they keep passing, new SPIs need the slot", F, ipv4, ipv6) {
    auto s = usual_settings<F>();
    s.alg.enabled = false;
    basic_world<F> w(s);
    basic_tunnel<F> a(w, 1);
    CHECK(a.out(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(a.nat_port == 500);
    CHECK(a.in(exchange_type::ike_sa_init, 0).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    CHECK(a.got(0xa001));
    s.alg.enabled = true;
    CHECK(w.g->replace(s, w.now).empty());
    CHECK(a.esp_out(0xb001, 2).forwarded());
    CHECK(a.got(0xa001, 2));
    CHECK(w.in(esp(at<F>::server(), at<F>::nat(), 0xa009)).dropped(drop_reason::esp_no_gate));
    CHECK(a.out(exchange_type::create_child_sa, 1).forwarded());
    CHECK(a.nat_port == 500);
    CHECK(a.in(exchange_type::create_child_sa, 1).forwarded());
    CHECK(a.esp_out(0xb002).forwarded());
    w.pass(10ms);
    CHECK(a.got(0xa002));
    CHECK(w.count(counter::bindings_gate) == 1);
}
