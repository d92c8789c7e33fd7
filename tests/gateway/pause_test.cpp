// SPDX-License-Identifier: Apache-2.0
/// The pause of a new SA (G15), with whole packets.
#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

template <class F>
settings<F> pausing_settings(std::chrono::milliseconds pause = 20ms) {
    auto s = usual_settings<F>();
    s.alg.new_sa_pause = pause;
    return s;
}

/// ESP of a tunnel as it leaves the gateway.
template <class F>
octets left(const basic_tunnel<F>& t, std::uint32_t spi, std::uint32_t sequence) {
    return esp(t.nat, t.server, spi, sequence, 40, {63});
}
template <class F>
octets delivered(const basic_tunnel<F>& t, std::uint32_t spi, std::uint32_t sequence) {
    return esp(t.server, t.local, spi, sequence, 40, {63});
}

/// A burst of ESP: what came of it, in the order in which the sink had it.
template <class F>
std::vector<octets> burst(basic_world<F>& w, const std::vector<std::pair<octets, zone_id>>& packets) {
    std::vector<io::memory_packet> b;
    for (const auto& [data, zone] : packets) {
        b.emplace_back(data, zone);
    }
    w.g->process(b, w.now, w.collector());
    return gone_on(w);
}

template <class F>
void check_empty(basic_world<F>& w) {
    CHECK(w.g->records().held().size() == 0);
    CHECK(w.g->records().pause_timers.size() == 0);
}

}  // namespace

TEST_CASE_TEMPLATE(
    "G15: IKEv2 rekey by the server: what the client sends at once reaches the server a pause after the response, in "
    "order",
    F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    a.phase1();
    CHECK(a.in(exchange_type::create_child_sa, 2, false).forwarded());
    w.pass(3ms);
    CHECK(a.esp_out(0xb001, 1).held);
    w.pass(9ms);
    CHECK(a.out(exchange_type::create_child_sa, 2, true).forwarded());
    CHECK(a.esp_out(0xb001, 2).held);
    w.pass(20ms - 1us);
    CHECK(w.others.empty());
    w.pass(1us);
    CHECK(gone_on(w) == std::vector<octets>{left(a, 0xb001, 1), left(a, 0xb001, 2)});
    CHECK(w.count(counter::esp_paused) == 2);
    const auto learning = std::find_if(w.events->begin(), w.events->end(),
                                       [](const auto& e) { return e.kind == event_kind::spi_bound_outbound; });
    REQUIRE(learning != w.events->end());
    CHECK(learning->at == w.now);
    CHECK(a.esp_out(0xb001, 3).data == left(a, 0xb001, 3));
    CHECK(a.esp_in(0xa001, 1).data == delivered(a, 0xa001, 1));
    CHECK(a.esp_out(0xb001, 4).forwarded());
    check_empty(w);
}

TEST_CASE_TEMPLATE(
    "G15: IKEv2 rekey by the client: the server's ESP is bound when it comes and delivered a pause after the response",
    F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    a.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    w.pass(10ms);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    w.pass(1ms);
    CHECK(a.esp_in(0xa001, 1).held);
    CHECK(w.told(event_kind::spi_bound_gate) == 1);
    CHECK(a.esp_in(0xa001, 2).held);
    SUBCASE("the client is silent") {
        w.pass(19ms - 1us);
        CHECK(w.others.empty());
        w.pass(1us);
        CHECK(gone_on(w) == std::vector<octets>{delivered(a, 0xa001, 1), delivered(a, 0xa001, 2)});
        const auto& flows = w.g->records().flows;
        const auto bound = flows.find({a.server, a.nat, 0xa001, outside, static_cast<std::uint8_t>(ip_protocol::esp), 0});
        REQUIRE(bound);
        CHECK(flows[bound.index].last_inbound == to_tick(w.now - 19ms));  // G17: what waited came before
        CHECK(a.esp_in(0xa001, 3).data == delivered(a, 0xa001, 3));
        CHECK(flows[bound.index].last_inbound == to_tick(w.now));
        CHECK(a.esp_out(0xb001).data == left(a, 0xb001, 1));
    }
    SUBCASE("the client sends: a quarter of the pause is left, and nothing overtakes") {
        const auto from_server = [&](std::uint32_t n) {
            return std::pair{esp(at<F>::server(), a.nat, 0xa001, n), outside};
        };
        CHECK(burst(w, {from_server(3), {esp(a.local, at<F>::server(), 0xb001, 1), inside}, from_server(4)}) ==
              std::vector<octets>{left(a, 0xb001, 1)});
        w.pass(5ms - 1us);
        CHECK(w.others.empty());
        w.pass(1us);
        CHECK(gone_on(w) == std::vector<octets>{delivered(a, 0xa001, 1), delivered(a, 0xa001, 2),
                                                delivered(a, 0xa001, 3), delivered(a, 0xa001, 4)});
        CHECK(a.esp_in(0xa001, 5).data == delivered(a, 0xa001, 5));
    }
    SUBCASE("more come than may wait, in one burst") {
        std::vector<std::pair<octets, zone_id>> packets;
        std::vector<octets> expected{delivered(a, 0xa001, 1), delivered(a, 0xa001, 2)};
        for (std::uint32_t n = 3; n < 10; ++n) {
            packets.emplace_back(esp(at<F>::server(), a.nat, 0xa001, n), outside);
            expected.push_back(delivered(a, 0xa001, n));
        }
        CHECK(burst(w, packets) == expected);
    }
    SUBCASE("time has passed and nobody has run the timers") {
        w.now += 5s;
        CHECK(burst(w, {{esp(at<F>::server(), a.nat, 0xa001, 3), outside}}) ==
              std::vector<octets>{delivered(a, 0xa001, 1), delivered(a, 0xa001, 2), delivered(a, 0xa001, 3)});
        CHECK(a.esp_in(0xa001, 4).forwarded());
    }
    SUBCASE("time steps back") {
        w.now -= 1s;
        CHECK(a.esp_in(0xa001, 3).held);
        w.now += 1s;
        w.pass(19ms);
        CHECK(gone_on(w).size() == 3);
    }
    SUBCASE("the pair is denied meanwhile (P4)") {
        auto s = pausing_settings<F>();
        s.policy.policies.clear();
        CHECK(w.g->replace(s, w.now).empty());
        w.pass(30ms);
        const auto back = w.take_others();
        REQUIRE(back.size() == 2);
        CHECK(back[0].dropped(drop_reason::policy));
    }
    SUBCASE("pauses are switched off meanwhile: what waits goes on in its time") {
        CHECK(w.g->replace(usual_settings<F>(), w.now).empty());
        CHECK(a.esp_in(0xa001, 3).held);
        w.pass(30ms);
        CHECK(gone_on(w).size() == 3);
    }
    SUBCASE("the ALG is switched off meanwhile") {
        auto s = pausing_settings<F>();
        s.alg.enabled = false;
        CHECK(w.g->replace(s, w.now).empty());
        CHECK(a.esp_in(0xa001, 3).held);
        w.pass(30ms);
        CHECK(gone_on(w).size() == 3);
    }
    check_empty(w);
}

TEST_CASE_TEMPLATE(
    "G15: IKEv1, first Quick Mode of two clients at once: message 3 and the first ESP never leave together", F, ipv4,
    ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1, 1);
    basic_tunnel<F> b(w, 2, 1);
    a.phase1();
    b.phase1();
    CHECK(a.quick(7).forwarded());
    CHECK(a.esp_out(0xb001).held);
    CHECK(b.quick(7).held);
    CHECK(b.esp_out(0xb002).held);
    w.pass(20ms);
    CHECK(gone_on(w) == std::vector<octets>{left(a, 0xb001, 1)});
    w.pass(10ms);
    CHECK(a.got(0xa001));
    w.pass(1s);
    const auto back = w.take_others();
    REQUIRE(back.size() == 2);
    CHECK(source_port_in(back[0].data) == b.nat_port);
    b.nat = a.nat;
    CHECK(back[1].data == left(b, 0xb002, 1));
    std::vector<instant> at;
    for (const auto& e : *w.events) {
        if (e.kind == event_kind::released && e.client == b.local) {
            at.push_back(e.at);
        }
    }
    REQUIRE(at.size() == 2);
    CHECK(at[1] - at[0] == 20ms);
    CHECK(b.got(0xa002));
    CHECK(w.count(counter::bindings_contested) == 0);
    check_empty(w);
}

TEST_CASE_TEMPLATE(
    "G15: an outbound packet that had its pause asks for the slot, and may wait for another client's tenure (G4)", F,
    ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.phase1();
    b.phase1();
    CHECK(b.in(exchange_type::create_child_sa, 2, false).forwarded());
    CHECK(b.esp_out(0xb002).held);
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(b.out(exchange_type::create_child_sa, 2, true).held);
    CHECK(b.esp_out(0xb002, 2).held);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    w.pass(30ms);
    CHECK(a.got(0xa001));
    w.pass(1s);
    std::vector<octets> esp_of_b;
    for (const octets& o : gone_on(w)) {
        if (o == left(b, 0xb002, 1) || o == left(b, 0xb002, 2)) {
            esp_of_b.push_back(o);
        }
    }
    CHECK(esp_of_b == std::vector<octets>{left(b, 0xb002, 1), left(b, 0xb002, 2)});
    check_empty(w);
}

TEST_CASE_TEMPLATE("G15: later IP fragments wait with the first, both ways (N9)", F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    a.phase1();
    for (const bool out : {true, false}) {
        CAPTURE(out);
        CHECK((out ? a.in(exchange_type::create_child_sa, 2, false) : a.out(exchange_type::create_child_sa, 3))
                  .forwarded());
        CHECK((out ? a.out(exchange_type::create_child_sa, 2, true) : a.in(exchange_type::create_child_sa, 3))
                  .forwarded());
        const auto parts = out ? fragments_of<F>(esp(at<F>::client(1), at<F>::server(), 0xb001, 1, 3300), 1400, 77)
                               : fragments_of<F>(esp(at<F>::server(), at<F>::nat(), 0xa001, 1, 3300), 1400, 78);
        REQUIRE(parts.size() == 3);
        for (const octets& part : {parts[1], parts[0], parts[2]}) {
            CHECK((out ? w.out(part) : w.in(part)).held);
        }
        w.pass(20ms);
        const auto all = gone_on(w);
        REQUIRE(all.size() == 3);
        CHECK(fragment_offset_of(all[0]) == 0);
        for (const octets& o : all) {
            CHECK(fragment_id_of(o) == fragment_id_of(all[0]));
            CHECK((out ? source_in<F>(o) == at<F>::nat() : destination_in<F>(o) == a.local));
        }
        if (out) {
            CHECK(a.got(0xa009));
        }
    }
    check_empty(w);
}

TEST_CASE_TEMPLATE(
    "G15, G4: fragments of ESP that was held behind its message have its pause too, and one identification", F, ipv4,
    ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1, 1);
    basic_tunnel<F> b(w, 2, 1);
    a.phase1();
    b.phase1();
    CHECK(a.quick(7).forwarded());
    CHECK(b.quick(7).held);
    const auto parts = fragments_of<F>(esp(at<F>::client(2), at<F>::server(), 0xb002, 1, 3300), 1400, 77);
    CHECK(w.out(parts[0]).held);
    CHECK(w.out(parts[1]).held);
    w.pass(25ms);
    CHECK(a.got(0xa001));
    CHECK(w.out(parts[2]).held);
    w.pass(1s);
    std::vector<octets> all = gone_on(w);
    REQUIRE(all.size() == 4);  // message 3 first
    CHECK(fragment_offset_of(all[1]) == 0);
    CHECK(fragment_id_of(all[2]) == fragment_id_of(all[1]));
    CHECK(fragment_id_of(all[3]) == fragment_id_of(all[1]));
    check_empty(w);
}

TEST_CASE_TEMPLATE("G15: an inbound packet whose SPI is nobody's any more when its pause ends is dropped", F, ipv4,
                   ipv6) {
    auto s = pausing_settings<F>(10s);
    s.alg.esp_hold_limit = 10s;
    s.alg.esp_session_timeout = 60s;
    basic_world<F> w(s);
    basic_tunnel<F> a(w, 1);
    a.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.esp_in(0xa001, 1).held);
    w.now += 10min;  // the flow's timer and the end of the pause are due in one call
    while (w.g->advance(w.now, 1, w.collector())) {
    }
    CHECK(w.others.size() == 1);
    w.pass(24h);
    CHECK(w.g->records().pairs().size() == 0);
    CHECK(w.g->records().flows.size() == 0);
    check_empty(w);
}

TEST_CASE_TEMPLATE("G15: with a pause of 0 everything goes on at once", F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>(0ms));
    basic_tunnel<F> a(w, 1);
    a.phase1();
    CHECK(a.in(exchange_type::create_child_sa, 2, false).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    CHECK(a.out(exchange_type::create_child_sa, 2, true).forwarded());
    CHECK(a.got(0xa001));
    CHECK(a.out(exchange_type::create_child_sa, 3).forwarded());
    CHECK(a.got(0xa002));
    CHECK(w.count(counter::esp_paused) == 0);
}

TEST_CASE_TEMPLATE("E13, G15: what a server sends to silent clients reaches none on a guess that is refuted, else a tenth of a second later", F,
                   ipv4, ipv6) {
    for (const bool refuted : {true, false}) {
        CAPTURE(refuted);
        basic_world<F> w(pausing_settings<F>());
        basic_tunnel<F> a(w, 1);
        basic_tunnel<F> c(w, 2);
        for (basic_tunnel<F>* t : {&a, &c}) {
            t->phase1();
            CHECK(t->out(exchange_type::ike_auth, 1).forwarded());
            CHECK(t->in(exchange_type::ike_auth, 1).forwarded());
            if (t == &a) {
                w.pass(6s);  // its gate is over, and nobody has sent
            }
        }
        w.pass(200ms);
        CHECK(c.esp_in(0xa001, 1).held);
        CHECK(c.esp_in(0xa001, 2).held);
        w.pass(1ms);
        if (refuted) {
            CHECK(c.esp_in(0xa002, 1).dropped(drop_reason::esp_ambiguous));
            const auto ended = w.take_others();
            REQUIRE(ended.size() == 2);
            CHECK(ended[0].dropped(drop_reason::no_state));
            CHECK(ended[1].dropped(drop_reason::no_state));
            CHECK(c.esp_in(0xa001, 3).dropped(drop_reason::esp_ambiguous));
            CHECK(c.esp_out(0xb002).forwarded());
            CHECK(c.got(0xa002, 2));
        } else {
            w.pass(99ms - 1us);
            CHECK(w.others.empty());
            w.pass(1us);
            CHECK(gone_on(w) == std::vector<octets>{delivered(c, 0xa001, 1), delivered(c, 0xa001, 2)});
            CHECK(c.got(0xa001, 3));
        }
        check_empty(w);
    }
}

TEST_CASE("G15: no room for the packet itself either: it comes back once, and the next one is not taken for it") {
    auto o = small_options();
    o.capacity.held = 4;
    basic_world<ipv4> w(pausing_settings<ipv4>(), o);
    basic_tunnel<ipv4> a(w, 1);
    basic_tunnel<ipv4> b(w, 2);
    basic_tunnel<ipv4> c(w, 3);
    basic_tunnel<ipv4> d(w, 4);
    for (auto* t : {&a, &b, &c, &d}) {
        t->phase1();
    }
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.in(exchange_type::create_child_sa, 2, true, 80).forwarded());  // refused
    CHECK(a.in(exchange_type::create_child_sa, 10, false).forwarded());
    CHECK(a.esp_out(0xb001).held);
    CHECK(a.in(exchange_type::create_child_sa, 11, false).forwarded());
    CHECK(a.esp_out(0xb002).held);
    CHECK(a.in(exchange_type::create_child_sa, 12, false).forwarded());
    CHECK(b.out(exchange_type::create_child_sa, 2).forwarded());  // the slot is b's, so what a's pauses let go is held again
    CHECK(c.out(exchange_type::create_child_sa, 2).held);
    CHECK(d.out(exchange_type::create_child_sa, 2).held);
    CHECK(w.g->records().held().size() == 4);
    CHECK(a.esp_out(0xb002, 2).dropped(drop_reason::esp_busy));
    CHECK_FALSE(w.g->records().pause_overflowed);
    w.pass(30s);
    CHECK(w.g->records().held().size() == 0);
}

TEST_CASE_TEMPLATE("G15: a packet that had its pause does not end that of another SA", F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    a.phase1();
    CHECK(a.in(exchange_type::create_child_sa, 2, false).forwarded());
    CHECK(a.out(exchange_type::create_child_sa, 2, true).forwarded());
    w.pass(1ms);
    CHECK(a.esp_out(0xb001).held);
    w.pass(9ms);
    CHECK(a.in(exchange_type::create_child_sa, 3, false).forwarded());
    CHECK(a.out(exchange_type::create_child_sa, 3, true).forwarded());
    w.pass(10ms);
    CHECK(gone_on(w) == std::vector<octets>{left(a, 0xb001, 1)});
    w.pass(1ms);
    CHECK(a.esp_out(0xb002).held);  // 11 ms after the response of the second SA
    w.pass(9ms);
    CHECK(gone_on(w) == std::vector<octets>{left(a, 0xb002, 1)});
}

TEST_CASE_TEMPLATE("G15: what waited goes first, also when its exchange ends within a burst", F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    a.connect(0xa000, 0xb000);
    w.pass(1s);
    CHECK(a.in(exchange_type::create_child_sa, 2, false).forwarded());  // rekeys the IKE SA
    CHECK(a.esp_out(0xb001, 1).held);
    auto rekeyed = a;
    rekeyed.ids.initiator = 0x7777;
    rekeyed.ids.responder = 0x8888;
    const octets first_on_it = udp(a.local, 500, a.server, 500, rekeyed.message(exchange_type::informational, 0, false, true, 100));
    std::vector<io::memory_packet> b;
    b.emplace_back(first_on_it, inside);
    b.emplace_back(esp(a.local, a.server, 0xb001, 2), inside);
    w.g->process(b, w.now, w.collector());
    w.pass(1s);
    std::vector<octets> of_the_sa;
    for (const octets& o : gone_on(w)) {
        if (o == left(a, 0xb001, 1) || o == left(a, 0xb001, 2)) {
            of_the_sa.push_back(o);
        }
    }
    CHECK(of_the_sa == std::vector<octets>{left(a, 0xb001, 1), left(a, 0xb001, 2)});
}

TEST_CASE_TEMPLATE("E13, G15: a repeated message takes nothing from the time in which a guess may be refuted", F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> c(w, 2);
    for (basic_tunnel<F>* t : {&a, &c}) {
        t->phase1();
        CHECK(t->out(exchange_type::ike_auth, 1).forwarded());
        CHECK(t->in(exchange_type::ike_auth, 1).forwarded());
        if (t == &a) {
            w.pass(6s);
        }
    }
    CHECK(c.esp_in(0xa001).held);
    w.pass(5ms);
    CHECK(c.in(exchange_type::ike_auth, 1).forwarded());
    w.pass(94ms);
    CHECK(w.others.empty());
    w.pass(1ms);
    CHECK(gone_on(w).size() == 1);
}

/// Seen with libreswan: asked for a new SA by both sides, the client began its own Quick Mode while ESP of the server's had its pause.
TEST_CASE_TEMPLATE("G15, E3: ESP that had its pause is of the exchange whose pause it was, also when a newer one has begun", F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1, 1);
    basic_tunnel<F> b(w, 2, 1);
    for (const auto& [t, in_spi] : {std::pair{&a, 0xa000U}, std::pair{&b, 0xc000U}}) {
        t->phase1();
        CHECK(t->quick(77).forwarded());
        w.pass(20ms);
        CHECK(t->esp_out(in_spi + 0x1000).forwarded());
        CHECK(t->got(in_spi));
        w.pass(1s);
    }
    CHECK(a.in(exchange_type::quick_mode, 8).forwarded());  // the server's
    CHECK(a.esp_out(0xb001).held);
    CHECK(a.out(exchange_type::quick_mode, 8).forwarded());
    w.pass(2ms);
    (void)a.esp_in(0xa001);  // the server has it: a needs the slot no more
    CHECK(b.out(exchange_type::quick_mode, 9).forwarded());
    CHECK(a.out(exchange_type::quick_mode, 10).held);  // the client's own waits for b
    w.pass(18ms);
    bool left_in_time = false;
    for (const outcome& o : w.take_others()) {
        left_in_time = left_in_time || (o.forwarded() && o.data == left(a, 0xb001, 1));
    }
    CHECK(left_in_time);
}

TEST_CASE_TEMPLATE("G15: nothing overtakes when the pauses of two clients end in one burst", F, ipv4, ipv6) {
    basic_world<F> w(pausing_settings<F>());
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.connect(0xa000, 0xb000);
    w.pass(1s);
    b.connect(0xc000, 0xd000);
    w.pass(1s);
    (void)w.take_others();
    CHECK(a.in(exchange_type::create_child_sa, 2, false).forwarded());
    CHECK(a.esp_out(0xb001, 1).held);
    CHECK(b.in(exchange_type::create_child_sa, 2, false).forwarded());
    CHECK(b.esp_out(0xd001, 1).held);
    std::vector<std::pair<octets, zone_id>> packets;
    std::uint64_t fresh = 0x7777;
    for (const basic_tunnel<F>* t : {&a, &b}) {  // both servers rekeyed the IKE SA (E12)
        auto rekeyed = *t;
        rekeyed.ids.initiator = fresh++;
        rekeyed.ids.responder = fresh++;
        packets.emplace_back(udp(t->local, 500, t->server, 500, rekeyed.message(exchange_type::informational, 0, false, true, 100)), inside);
    }
    packets.emplace_back(esp(a.local, a.server, 0xb001, 2), inside);
    std::vector<octets> of_a = burst(w, packets);
    w.pass(1s);
    for (const octets& o : gone_on(w)) {
        of_a.push_back(o);
    }
    of_a.erase(std::remove_if(of_a.begin(), of_a.end(), [&](const octets& o) { return o != left(a, 0xb001, 1) && o != left(a, 0xb001, 2); }),
               of_a.end());
    CHECK(of_a == std::vector<octets>{left(a, 0xb001, 1), left(a, 0xb001, 2)});
    check_empty(w);
}
