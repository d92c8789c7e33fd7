// SPDX-License-Identifier: Apache-2.0
/// Port 500 of a nat address when the server begins a Phase 1 there for a client with a translated port: exact ports and addresses.
#include "ikealg/gateway/shared_port.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

/// Clients of one server behind one nat address; the first one has port 500.
template <class F>
struct office {
    basic_world<F> w;
    std::vector<basic_tunnel<F>> all;

    explicit office(std::uint32_t n, unsigned version = 1, alg::ike_port_mode mode = alg::ike_port_mode::prefer,
                    bool with_esp = true)
        : w(settings_of(mode)) {
        for (std::uint32_t i = 0; i < n; ++i) {
            all.emplace_back(w, i + 1, version);
            with_esp ? all.back().connect(0xa001 + i, 0xb001 + i) : all.back().phase1();
            CHECK((all.back().nat_port == 500) == (i == 0 || mode == alg::ike_port_mode::preserve));
        }
        w.pass(20min);
    }
    static settings<F> settings_of(alg::ike_port_mode mode) {
        auto s = usual_settings<F>();
        s.alg.ike_port = mode;
        return s;
    }

    /// What the server sends to port 500.
    outcome to_500(std::uint64_t initiator, std::uint64_t responder, exchange_type type = exchange_type::main_mode,
                   std::uint8_t flags = 0, std::uint32_t id = 0, std::uint8_t version = 0x10) {
        return w.in(udp(at<F>::server(), 500, at<F>::nat(), 500,
                        ike({initiator, responder, 0, version, static_cast<std::uint8_t>(type), flags, id})));
    }
    outcome from(std::uint32_t client, std::uint64_t initiator, std::uint64_t responder,
                 exchange_type type = exchange_type::main_mode, std::uint8_t flags = 0, std::uint32_t id = 0,
                 std::uint8_t version = 0x10) {
        return w.out(udp(at<F>::client(client), 500, at<F>::server(), 500,
                         ike({initiator, responder, 0, version, static_cast<std::uint8_t>(type), flags, id})));
    }
    /// The number of the client that it reached, on its port 500; 0: none.
    static std::uint32_t whom(const outcome& o) {
        for (std::uint32_t n = 1; n < 9 && o.forwarded(); ++n) {
            if (destination_in<F>(o.data) == at<F>::client(n) && destination_port_in(o.data) == 500 &&
                source_port_in(o.data) == 500) {
                return n;
            }
        }
        return 0;
    }
    /// The port that the server sees; 0: it sees nothing.
    static std::uint16_t seen(const outcome& o) {
        return o.forwarded() && source_in<F>(o.data) == at<F>::nat() && destination_in<F>(o.data) == at<F>::server()
                   ? source_port_in(o.data)
                   : std::uint16_t{0};
    }
    /// A whole Main Mode that the server began with message 1, every message by port 500.
    void main_mode(std::uint32_t client, std::uint64_t initiator, std::uint64_t responder) {
        CHECK(seen(from(client, initiator, responder)) == 500);
        CHECK(whom(to_500(initiator, responder)) == client);
        CHECK(seen(from(client, initiator, responder)) == 500);
        CHECK(whom(to_500(initiator, responder, exchange_type::main_mode, 1)) == client);
        CHECK(seen(from(client, initiator, responder, exchange_type::main_mode, 1)) == 500);
    }
    void fail(std::uint32_t client, std::uint64_t initiator, std::uint64_t responder) {
        main_mode(client, initiator, responder);
        for (int i = 0; i < 3; ++i) {
            CHECK(whom(to_500(initiator, responder, exchange_type::main_mode, 1)) == client);
        }
    }
    /// Every client still has what it had: its port in both directions, and its ESP.
    void undisturbed() {
        for (std::uint32_t i = 0; i < all.size(); ++i) {
            CAPTURE(i);
            auto& t = all[i];
            const std::uint16_t port = t.nat_port;
            const auto type = t.version == 1 ? exchange_type::informational_v1 : exchange_type::informational;
            const outcome dpd = t.in(type, 0x900, false);
            CHECK(whom(dpd) == i + 1);
            CHECK(seen(t.out(type, 0x900, true)) == port);
            CHECK(t.got(0xa001 + i, ++sequence));
            CHECK(t.esp_out(0xb001 + i, sequence).forwarded());
        }
    }
    std::uint32_t sequence = 20;
    /// Nothing is left when everybody is gone.
    void nothing_left() {
        w.pass(14400s + 14400s + 900s);
        CHECK(w.g->records().sessions().size() == 0);
        CHECK(w.g->records().pairs().size() == 0);
        CHECK(w.g->records().slots().size() == 0);
        CHECK(w.g->records().flows.size() == 0);
        CHECK(w.g->ports().size() == 0);
        CHECK(w.g->mappings().size() == 0);
    }
    /// The same state in another gateway.
    void restart() {
        std::vector<state_record<F>> records;
        w.g->export_records([&](const state_record<F>& r) { records.push_back(r); });
        auto o = small_options();
        o.start = instant{5h};
        basic_world<F> fresh(w.wanted, o);
        for (const auto& r : records) {
            CHECK(fresh.g->import_record(r, fresh.now));
        }
        CHECK(fresh.g->records().flows.size() == w.g->records().flows.size());
        w = std::move(fresh);
        for (auto& t : all) {
            t.w = &w;
        }
    }
};

}  // namespace

TEST_CASE_TEMPLATE(
    "N4: a Phase 1 that the server begins toward 500 is answered from 500 by the client that is due, translated or not",
    F, ipv4, ipv6) {
    office<F> o(2);
    const std::uint16_t translated = o.all[1].nat_port;
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);  // in the order in which they began
    CHECK(o.w.g->records().flows.size() == 4);
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    CHECK(o.w.count(counter::phase1_chosen) == 2);
    CHECK(o.w.told(event_kind::phase1_chosen) == 2);
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);  // again
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    o.main_mode(2, 0x52, 0x62);
    o.main_mode(1, 0x51, 0x61);
    CHECK(o.w.count(counter::phase1_chosen) == 2);
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);  // a late copy
    o.undisturbed();
    CHECK(o.all[1].nat_port == translated);
    // Phase 2 on the new IKE SA of client 2, by either side.
    CHECK(o.whom(o.to_500(0x52, 0x62, exchange_type::quick_mode, 1, 7)) == 2);
    CHECK(o.seen(o.from(2, 0x52, 0x62, exchange_type::quick_mode, 1, 7)) == 500);
    CHECK(o.whom(o.to_500(0x52, 0x62, exchange_type::quick_mode, 1, 7)) == 2);
    CHECK(o.all[1].esp_out(0xb102).forwarded());
    o.w.pass(10ms);
    CHECK(o.all[1].got(0xa102));
    CHECK(o.seen(o.from(2, 0x52, 0x62, exchange_type::informational_v1, 1, 9)) == 500);
    // A new Phase 1 of its own begins on its own port.
    basic_tunnel<F> anew = o.all[1];
    anew.ids.initiator = 0x7777;
    anew.phase1();
    CHECK(anew.nat_port == translated);
    o.undisturbed();
    CHECK(o.w.count(drop_reason::ike_ambiguous) == 0);
    o.nothing_left();
}

TEST_CASE_TEMPLATE("N4: three clients, in the order of their Phase 1, again and again", F, ipv4, ipv6) {
    office<F> o(3);
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (std::uint32_t n = 1; n <= 3; ++n) {
            const std::uint64_t initiator = 0x100 * (round + 1) + n;
            CHECK(o.whom(o.to_500(initiator, 0)) == n);
            o.w.pass(5ms);
            CHECK(o.seen(o.from(n, initiator, initiator + 0x8000)) == 500);
        }
        for (std::uint32_t n = 1; n <= 3; ++n) {
            const std::uint64_t initiator = 0x100 * (round + 1) + n;
            o.main_mode(n, initiator, initiator + 0x8000);
        }
        o.w.pass(20min);
        o.undisturbed();
    }
    CHECK(o.w.count(counter::phase1_chosen) == 9);
    o.nothing_left();
}

TEST_CASE_TEMPLATE("N4: an attempt that failed: the repetition goes to the other client; swapped ones come apart", F,
                   ipv4, ipv6) {
    {
        office<F> o(2);
        CHECK(o.whom(o.to_500(0x51, 0)) == 1);
        o.fail(1, 0x51, 0x61);
        o.w.pass(64s);
        CHECK(o.whom(o.to_500(0x52, 0)) == 2);
        o.main_mode(2, 0x52, 0x62);
        o.undisturbed();
    }
    office<F> o(2);
    std::uint64_t spi = 0x100;
    bool right = false;
    for (int round = 0; round < 40 && !right; ++round) {  // the server begins with client 2's
        const std::uint64_t for_2 = ++spi;
        const std::uint32_t got_2 = o.whom(o.to_500(for_2, 0));
        o.w.pass(20ms);
        const std::uint64_t for_1 = ++spi;
        CHECK(o.whom(o.to_500(for_1, 0)) == 3 - got_2);
        right = got_2 == 2;
        CHECK((round != 0 || !right));
        for (const auto& [initiator, n] : {std::pair{for_2, got_2}, std::pair{for_1, 3 - got_2}}) {
            right ? o.main_mode(n, initiator, initiator + 0x8000) : o.fail(n, initiator, initiator + 0x8000);
        }
        o.w.pass(64s);
    }
    CHECK(right);
    o.undisturbed();
    o.nothing_left();
}

TEST_CASE_TEMPLATE("N4: IKEv2: the answer leaves from 500; when the IKE SA is rekeyed its successor stays there", F,
                   ipv4, ipv6) {
    office<F> o(2, 2);
    const auto v2 = [&](exchange_type t, std::uint64_t i, std::uint64_t r, std::uint8_t flags, std::uint32_t id) {
        return o.to_500(i, r, t, flags, id, 0x20);
    };
    const auto answer = [&](exchange_type t, std::uint64_t i, std::uint64_t r, std::uint8_t flags, std::uint32_t id) {
        return o.from(2, i, r, t, flags, id, 0x20);
    };
    CHECK(o.whom(v2(exchange_type::ike_sa_init, 0x51, 0, 8, 0)) == 1);
    CHECK(o.whom(v2(exchange_type::ike_sa_init, 0x52, 0, 8, 0)) == 2);
    CHECK(o.seen(answer(exchange_type::ike_sa_init, 0x52, 0x62, 0x20, 0)) == 500);
    CHECK(o.whom(v2(exchange_type::ike_auth, 0x52, 0x62, 8, 1)) == 2);
    CHECK(o.seen(answer(exchange_type::ike_auth, 0x52, 0x62, 0x20, 1)) == 500);
    CHECK(o.all[1].esp_out(0xb102).forwarded());
    o.w.pass(2s);
    CHECK(o.all[1].got(0xa102));
    CHECK(o.whom(v2(exchange_type::create_child_sa, 0x52, 0x62, 8, 2)) == 2);
    CHECK(o.seen(answer(exchange_type::create_child_sa, 0x52, 0x62, 0x20, 2)) == 500);
    SUBCASE("the server is the first on it") {
        CHECK(o.whom(v2(exchange_type::informational, 0x53, 0x63, 8, 0)) == 2);
        CHECK(o.seen(answer(exchange_type::informational, 0x53, 0x63, 0x20, 0)) == 500);
    }
    SUBCASE("the client is the first on it") {
        CHECK(o.seen(answer(exchange_type::informational, 0x53, 0x63, 0, 0)) == 500);
        CHECK(o.whom(v2(exchange_type::informational, 0x53, 0x63, 0x28, 0)) == 2);
    }
    o.undisturbed();
    o.nothing_left();
}

TEST_CASE_TEMPLATE(
    "X6: the owner of 500 is found as before when others answer there: rekeyed SAs, unknown SPIs, plain UDP", F, ipv4,
    ipv6) {
    office<F> o(2, 2);
    CHECK(o.whom(o.to_500(0x51, 0, exchange_type::ike_sa_init, 8, 0, 0x20)) == 1);
    CHECK(o.whom(o.to_500(0x52, 0, exchange_type::ike_sa_init, 8, 0, 0x20)) == 2);
    CHECK(o.seen(o.from(2, 0x52, 0x62, exchange_type::ike_sa_init, 0x20, 0, 0x20)) == 500);
    o.w.pass(6s);
    CHECK(o.whom(o.to_500(0xdead, 0xbeef, exchange_type::informational, 0, 0, 0x20)) == 1);
    octets old_draft(60, 0x99);
    std::fill_n(old_draft.begin(), 8, std::uint8_t{0});
    CHECK(o.whom(o.w.in(udp(at<F>::server(), 500, at<F>::nat(), 500, old_draft))) == 1);
    CHECK(o.whom(o.w.in(udp(at<F>::server(), 500, at<F>::nat(), 500, {0xff}))) == 1);
    CHECK(o.w.in(udp(at<F>::server(), 500, at<F>::nat(), 500, octets(9, 1))).dropped(drop_reason::malformed));
    // A CREATE_CHILD_SA on the other client's own port does not make it a candidate.
    CHECK(o.all[1].out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(o.all[1].in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(o.whom(o.to_500(0xdead, 0xbee0, exchange_type::informational, 0, 0, 0x20)) == 1);
    // A new client of the address gets a port of its own, as ever.
    basic_tunnel<F> late(o.w, 3);
    late.phase1();
    CHECK(late.nat_port != 500);
    o.undisturbed();
    o.nothing_left();
}

TEST_CASE_TEMPLATE("N4: a server that uses the ports it knows: 500 is its owner's alone", F, ipv4, ipv6) {
    office<F> o(2);
    const std::uint16_t port = o.all[1].nat_port;
    CHECK(o.whom(o.w.in(udp(at<F>::server(), 500, at<F>::nat(), port, ike({0x52, 0, 0, 0x10, 2, 0})))) == 2);
    CHECK(o.seen(o.from(2, 0x52, 0x62)) == port);
    o.w.pass(20min);
    for (std::uint64_t i = 0x90; i < 0x94; ++i) {
        CHECK(o.whom(o.to_500(i, 0)) == 1);
    }
    CHECK(o.w.count(counter::phase1_chosen) == 0);
    o.restart();
    CHECK(o.whom(o.to_500(0x94, 0)) == 1);
    CHECK(o.whom(o.to_500(0x95, 0)) == 1);
}

TEST_CASE_TEMPLATE("N4: a port 500 that nobody has, as all are translated or its owner is gone, is found by who is due", F, ipv4, ipv6) {
    office<F> o(3);
    for (int i = 0; i < 60; ++i) {  // the owner goes home
        o.w.pass(10min);
        for (std::uint32_t n = 2; n <= 3; ++n) {
            CHECK(o.whom(o.all[n - 1].in(exchange_type::informational_v1, 0x900)) == n);
        }
    }
    CHECK(o.w.g->records().pairs().size() == 2);
    CHECK(o.to_500(0xdead, 0xbeef).dropped(drop_reason::no_state));
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    CHECK(o.whom(o.to_500(0x53, 0)) == 3);
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    o.main_mode(3, 0x53, 0x63);
    o.main_mode(2, 0x52, 0x62);
    CHECK(o.to_500(0xdead, 0xbeef).dropped(drop_reason::ike_ambiguous));
    o.restart();
    CHECK(o.whom(o.to_500(0x52, 0x62, exchange_type::informational_v1, 1, 9)) == 2);
    CHECK(o.seen(o.from(3, 0x53, 0x63, exchange_type::informational_v1, 1, 9)) == 500);
    o.nothing_left();

    for (const auto mode : {alg::ike_port_mode::translate, alg::ike_port_mode::exclusive}) {
        basic_world<F> w(office<F>::settings_of(mode));
        basic_tunnel<F> a(w, 1, 1);
        a.port = 501;
        if (mode == alg::ike_port_mode::translate) {
            a.port = 500;
        }
        a.phase1();
        CHECK(a.nat_port != 500);
        const outcome one = w.in(udp(at<F>::server(), 500, at<F>::nat(), 500, ike({0x51, 0, 0, 0x10, 2, 0})));
        CHECK((office<F>::whom(one) == 1) == (mode == alg::ike_port_mode::translate));
        CHECK(one.dropped(drop_reason::no_state) == (mode == alg::ike_port_mode::exclusive));
    }
}

TEST_CASE_TEMPLATE("N4: on a port that all keep (preserve) the one that is due gets it", F, ipv4, ipv6) {
    office<F> o(3, 1, alg::ike_port_mode::preserve);
    for (std::uint32_t n = 1; n <= 3; ++n) {
        CHECK(o.whom(o.to_500(0x50 + n, 0)) == n);
    }
    for (std::uint32_t n = 3; n >= 1; --n) {
        o.main_mode(n, 0x50 + n, 0x60 + n);
    }
    CHECK(o.w.count(drop_reason::ike_ambiguous) == 0);
    o.undisturbed();
    o.nothing_left();
}

TEST_CASE_TEMPLATE("N4, N18: whose turn it is, and who answers on 500, outlive a restart", F, ipv4, ipv6) {
    office<F> o(3);
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    o.main_mode(2, 0x52, 0x62);
    o.restart();
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);
    CHECK(o.whom(o.to_500(0x53, 0)) == 3);
    o.main_mode(3, 0x53, 0x63);
    CHECK(o.whom(o.to_500(0x52, 0x62, exchange_type::informational_v1, 1, 9)) == 2);
    CHECK(o.seen(o.from(2, 0x52, 0x62, exchange_type::informational_v1, 1, 9)) == 500);
    CHECK(o.whom(o.to_500(0xdead, 0xbeef, exchange_type::informational_v1, 1, 9)) == 1);
    o.undisturbed();
    o.nothing_left();
}

TEST_CASE_TEMPLATE("N4: an answer flow ends with its IKE SAs, the client's own port stays; and it is made again", F,
                   ipv4, ipv6) {
    office<F> o(2);
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    const std::size_t with = o.w.g->records().flows.size();
    // Nobody answers: the half-open sessions end after 180 s, the flow when it was idle. The tunnels live on.
    for (int i = 0; i < 30; ++i) {
        o.w.pass(10min);
        o.undisturbed();
    }
    CHECK(o.w.g->records().flows.size() == with - 1);
    const std::uint32_t first = o.whom(o.to_500(0x53, 0));
    CHECK(o.whom(o.to_500(0x54, 0)) == 3 - first);
    CHECK(o.w.g->records().flows.size() == with);
    o.nothing_left();
}

TEST_CASE_TEMPLATE(
    "N4, P4: what policy denies is not chosen past it, and the ALG off chooses nothing new and keeps what there is", F,
    ipv4, ipv6) {
    office<F> o(2);
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    o.main_mode(2, 0x52, 0x62);
    auto off = o.w.wanted;
    off.alg.enabled = false;
    CHECK(o.w.g->replace(off, o.w.now).empty());
    o.w.pass(20min);
    CHECK(o.whom(o.to_500(0x91, 0)) == 1);
    CHECK(o.whom(o.to_500(0x92, 0)) == 1);
    CHECK(o.whom(o.to_500(0x52, 0x62, exchange_type::informational_v1, 1, 9)) == 2);
    CHECK(o.seen(o.from(2, 0x52, 0x62, exchange_type::informational_v1, 1, 9)) == 500);
    o.undisturbed();
    auto none = o.w.wanted;
    none.policy.policies.clear();
    REQUIRE(o.w.g->replace(none, o.w.now).empty());
    CHECK(o.to_500(0x52, 0x62, exchange_type::informational_v1, 1, 9).dropped(drop_reason::policy));
    CHECK(o.to_500(0x51, 0x61, exchange_type::informational_v1, 1, 9).dropped(drop_reason::policy));
    CHECK(o.from(2, 0x52, 0x62, exchange_type::informational_v1, 1, 9).dropped(drop_reason::policy));
    o.nothing_left();
}

TEST_CASE_TEMPLATE("N4, N8: an ICMP error about an answer from 500 reaches the client that sent it", F, ipv4) {
    office<F> o(2);
    CHECK(o.whom(o.to_500(0x51, 0)) == 1);
    CHECK(o.whom(o.to_500(0x52, 0)) == 2);
    const outcome answer = o.from(2, 0x52, 0x62);
    REQUIRE(o.seen(answer) == 500);
    const outcome error = o.w.in(error_about(at<F>::server(), at<F>::nat(), answer.data, 3, 3));
    REQUIRE(error.forwarded());
    CHECK(destination_of(error.data) == at<F>::client(2));
    CHECK(source_port_in(quoted_in(error.data)) == 500);
}

TEST_CASE_TEMPLATE("L1: without room for one more flow the owner of 500 gets it, and keeps its port", F, ipv4, ipv6) {
    for (const std::size_t leave : {0U, 1U}) {
        CAPTURE(leave);
        office<F> o(2, 1, alg::ike_port_mode::prefer, false);  // ESP has three keys a flow
        const auto& flows = o.w.g->records().flows;
        for (std::uint16_t p = 2000; p < 4000 && flows.size() + leave < flows.capacity(); ++p) {
            CHECK(o.w.out(udp(at<F>::client(7), p, at<F>::server(1), 53, octets(9))).forwarded());
        }
        REQUIRE(flows.size() + leave == flows.capacity());
        for (std::uint64_t i = 0x51; i < 0x54; ++i) {
            CHECK(o.whom(o.to_500(i, 0)) == 1);
        }
        CHECK(flows.size() + leave == flows.capacity());
        CHECK(o.whom(o.to_500(0xdead, 0xbeef)) == 1);
        CHECK(o.whom(o.all[1].in(exchange_type::informational_v1, 9)) == 2);
    }
}

TEST_CASE("P4: what is no IKE goes to the owner of a shared 500 only while policy permits that") {
    basic_world<ipv4> w(usual_settings<ipv4>());
    basic_tunnel<ipv4> a(w, 1);
    basic_tunnel<ipv4> b(w, 2);
    a.phase1();
    w.pass(10s);
    b.phase1();
    w.pass(10s);
    a.ids.initiator = 0x5555;
    a.ids.responder = 0x6666;
    a.phase1();
    w.pass(10s);
    const ike_fields f{.initiator = 0x9999'0000};
    const outcome begun = w.in(udp(a.server, 500, a.nat, 500, ike(f, 300)));
    CHECK(begun.forwarded());
    CHECK(destination_in<ipv4>(begun.data) == b.local);  // so the port is shared now
    const octets keepalive(1, 0xff);
    CHECK(w.in(udp(a.server, 500, a.nat, 500, keepalive)).forwarded());
    auto s = usual_settings<ipv4>();
    s.policy.policies.clear();
    CHECK(w.g->replace(s, w.now).empty());
    CHECK(w.in(udp(a.server, 500, a.nat, 500, keepalive)).dropped(drop_reason::policy));
}

TEST_CASE("N4, L4: whose Phase 1 is due is right also after 26 days, when ticks have come round") {
    basic_world<ipv4> w(usual_settings<ipv4>());
    basic_tunnel<ipv4> a(w, 1);
    basic_tunnel<ipv4> b(w, 2);
    a.phase1();
    w.pass(10s);
    b.phase1();
    w.pass(10s);
    ike_fields f{.initiator = 0x9999'0000};  // the server renews a's
    CHECK(destination_in<ipv4>(w.in(udp(a.server, 500, a.nat, 500, ike(f, 300))).data) == a.local);
    f.responder = 0x7777;
    f.flags = 0x20;
    CHECK(w.out(udp(a.local, 500, a.server, 500, ike(f, 300))).forwarded());
    for (std::uint32_t hour = 0; hour < 24 * 26; ++hour) {
        w.pass(1h);
        ike_fields alive = f;
        alive.exchange = 37;
        alive.flags = 8;
        alive.message_id = 100 + hour;
        CHECK(w.in(udp(a.server, 500, a.nat, 500, ike(alive, 100))).forwarded());
        CHECK(b.in(exchange_type::informational, 100 + hour, false, 100).forwarded());
    }
    b.ids.initiator = 0x5555;
    b.ids.responder = 0x6666;
    b.phase1();  // so that a is due
    w.pass(10s);
    f.initiator = 0x9999'0001;
    f.responder = 0;
    f.flags = 8;
    CHECK(destination_in<ipv4>(w.in(udp(a.server, 500, a.nat, 500, ike(f, 300))).data) == a.local);
}
