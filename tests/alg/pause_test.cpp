// SPDX-License-Identifier: Apache-2.0
/// The pause of a new SA, message by message: who waits for what, and what ends it.
#include "ikealg/alg/pause.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

namespace {

constexpr std::chrono::milliseconds installing{20};

using hand = alg::packet_at_hand<token>;

template <class F>
struct pausing : harness<F> {
    explicit pausing(const alg_settings& s = {}, const alg::capacities& room = {512, 128, 64, 128, 512, 128})
        : harness<F>(s, room) {
        this->memory().settings.new_sa_pause = installing;
    }

    /// ESP from the server, as the gateway treats it: to its owner, where it may have to wait.
    decision arrives(const peer& p, std::uint32_t value, std::uint32_t sequence = 1) {
        REQUIRE(this->esp_in(p, value, sequence) == p.pair);
        token packet(++this->last);
        const decision d =
            this->core.pauses_of_sas().arrived(this->inbound_flow(p, value), hand{packet, 100, inbound, 0});
        CHECK((packet.id == 0) == (d.act == decision::what::held));
        this->collect();
        return d;
    }
    /// The packets that came back since, all to go on.
    std::vector<std::uint32_t> gone_on() {
        std::vector<std::uint32_t> ids;
        for (const released& r : this->take_back()) {
            CHECK(r.reason == drop_reason::none);
            ids.push_back(r.id);
        }
        return ids;
    }
    bool flow_paused(const peer& p, std::uint32_t value) {
        return this->memory().flows[this->inbound_flow(p, value)].has(nat::flow_flag::paused);
    }
    /// Nothing waits and nothing is counted as waiting.
    void check_empty() {
        CHECK(this->memory().held().size() == 0);
        CHECK(this->memory().held_bytes() == 0);
        CHECK(this->memory().pause_timers.size() == 0);
        CHECK(this->memory().pause_timers.check());
        this->memory().pairs().for_each([](std::uint32_t, const auto& p) {
            CHECK(p.paused[0] == 0);
            CHECK(p.paused[1] == 0);
        });
    }
};

using ids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE_TEMPLATE("G15: IKEv1: the server gets time after message 3, the client after message 2", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    h.pass(30ms);
    CHECK(h.quick(a, inbound, 7) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);  // overtook message 3
    const std::uint32_t first = h.last;
    h.pass(5ms);
    CHECK(h.quick(a, outbound, 7) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t second = h.last;
    CHECK(h.state_of(a) == slot_state::gate);
    CHECK(h.outbound_flow(a, 0xb001) == npos);
    CHECK(h.core.next_slot_timer() == h.now() + installing);
    h.pass(installing - 1ns);
    CHECK(h.gone_on().empty());
    h.pass(1ns);
    CHECK(h.gone_on() == ids{first, second});
    CHECK(h.count(counter::esp_paused) == 2);
    CHECK(h.told(event_kind::esp_paused) == 2);
    CHECK(h.told(event_kind::released) == 2);
    CHECK(h.events.back().detail == 20);
    CHECK(h.esp_out(a, 0xb001) == forwarded);  // looked at anew: its tenure begins with it
    CHECK(h.state_of(a) == slot_state::learning);
    CHECK(h.slot_of(a).first_esp == h.now());
    h.pass(30ms);
    CHECK(h.arrives(a, 0xa001) == forwarded);
    CHECK(h.slot_of(a).rtt.smoothed() == 30ms);
    h.check_empty();
}

TEST_CASE_TEMPLATE(
    "G15: IKEv1 of a client with ESP: the server's first ESP, right behind message 2, shows that it needs no pause "
    "itself",
    F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 1, 30ms);
    CHECK(h.quick_all(a, 7) == forwarded);
    h.pass(installing);
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.pass(30ms);
    CHECK(h.arrives(a, 0xa001) == forwarded);
    CHECK(h.quick(a, outbound, 8) == forwarded);
    CHECK(h.state_of(a) == slot_state::wait);
    h.pass(30ms);
    CHECK(h.quick(a, inbound, 8) == forwarded);
    CHECK(h.arrives(a, 0xa002) == waits);  // for the client, which has message 2 only now
    const std::uint32_t first = h.last;
    CHECK(h.flow_paused(a, 0xa002));
    CHECK(h.newest(a).state == exchange_state::satisfied);  // bound as it came
    h.pass(1ms);
    SUBCASE("the client sends only message 3") {
        CHECK(h.quick(a, outbound, 8) == forwarded);
        h.pass(installing / 4 - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{first});
        CHECK(h.esp_out(a, 0xb002) == forwarded);
    }
    SUBCASE("the client sends on the SA: it has it") {
        CHECK(h.esp_out(a, 0xb002) == waits);  // the server sent 1 ms ago
        const std::uint32_t second = h.last;
        h.pass(installing / 4 - 1ms);
        CHECK(h.gone_on() == ids{second});
        h.pass(1ms - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{first});
    }
    CHECK(h.arrives(a, 0xa002) == forwarded);
    CHECK_FALSE(h.flow_paused(a, 0xa002));  // until the first packet after them
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: IKEv1, the server began: it gets time after message 2, the client after message 3", F, ipv4,
                   ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick(a, inbound, 9) == forwarded);
    h.pass(5ms);
    SUBCASE("the client sends first, before message 2") {
        CHECK(h.esp_out(a, 0xb001) == waits);
        CHECK(h.quick(a, outbound, 9) == forwarded);
        h.pass(installing - 1ms);
        CHECK(h.gone_on().empty());
        CHECK(h.quick(a, inbound, 9) == forwarded);
        CHECK(h.arrives(a, 0xa001) == forwarded);  // the client has sent on the SA, so it can answer
        h.pass(installing / 4 - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on().size() == 1);  // the server has sent: it has the SA
    }
    SUBCASE("the server sends first") {
        CHECK(h.quick(a, outbound, 9) == forwarded);
        h.pass(5ms);
        CHECK(h.quick(a, inbound, 9) == forwarded);
        h.pass(5ms);
        CHECK(h.arrives(a, 0xa001) == waits);  // the client receives on the SA, but it cannot answer yet
        h.pass(installing - 5ms - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on().size() == 1);
    }
    SUBCASE("the server sends before message 3") {
        CHECK(h.quick(a, outbound, 9) == forwarded);
        CHECK(h.arrives(a, 0xa001) == waits);
        h.pass(100ms);
        CHECK(h.quick(a, inbound, 9) == forwarded);
        h.pass(installing);
        CHECK(h.gone_on().size() == 1);
    }
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: IKEv1: toward who started, ESP waits for message 3, which shows that message 2 arrived", F, ipv4, ipv6) {
    pausing<F> h(long_gate());
    const peer a = h.connect(1, 1);
    SUBCASE("the server started") {
        CHECK(h.quick(a, inbound, 9) == forwarded);
        CHECK(h.quick(a, outbound, 9) == forwarded);  // and is lost beyond the gateway
        CHECK(h.esp_out(a, 0xb001) == waits);
        const std::uint32_t first = h.last;
        h.pass(500ms);
        CHECK(h.ike(a, exchange_type::quick_mode, inbound, 9, false) == forwarded);  // message 1 again is no message 3
        h.pass(200ms);
        CHECK(h.gone_on().empty());
        CHECK(h.quick(a, outbound, 9) == forwarded);
        CHECK(h.quick(a, inbound, 9) == forwarded);
        SUBCASE("") {}
        SUBCASE("the client has not had message 3, and repeats message 2: the server has the SA all the same") {
            CHECK(h.quick(a, outbound, 9) == forwarded);
        }
        h.pass(installing / 4 - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{first});
        CHECK(h.count(counter::learning_tenures) == 0);
        CHECK(h.esp_out(a, 0xb001) == forwarded);
    }
    SUBCASE("the server started, its message 2 comes again and again: esp-hold-limit") {
        CHECK(h.quick(a, inbound, 9) == forwarded);
        CHECK(h.quick(a, outbound, 9) == forwarded);
        CHECK(h.esp_out(a, 0xb001) == waits);
        const std::uint32_t first = h.last;
        h.pass(999ms);
        CHECK(h.quick(a, outbound, 9) == forwarded);
        h.pass(1ms - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{first});
        CHECK(h.quick(a, outbound, 9) == forwarded);
        CHECK(h.esp_out(a, 0xb001) == forwarded);  // it is over for good
    }
    SUBCASE("the client started: message 3 counts when it comes, though it has to wait for its turn") {
        const peer b = h.connect(2, 1);
        CHECK(h.quick(a, outbound, 7) == forwarded);
        CHECK(h.quick(a, inbound, 7) == forwarded);
        CHECK(h.quick_all(b, 7) == forwarded);
        CHECK(h.quick(a, outbound, 7) == waits);
        const alg::exchange& x = h.newest(a);
        CHECK(x.pause_of(inbound).state == alg::pause_state::ending);
        CHECK(x.pause_of(inbound).end == h.now() + installing / 4);
        CHECK(x.pause_of(outbound).state == alg::pause_state::expected);
        h.pass(6s);
        CHECK(h.take_back().size() == 1);  // hold-limit
    }
    SUBCASE("the client started, and sends before message 3") {
        CHECK(h.quick(a, outbound, 7) == forwarded);
        CHECK(h.quick(a, inbound, 7) == forwarded);
        CHECK(h.newest(a).pause_of(inbound).state == alg::pause_state::unconfirmed);
        CHECK(h.esp_out(a, 0xb001) == waits);
        CHECK(h.newest(a).pause_of(inbound).state == alg::pause_state::ending);
        CHECK(h.quick(a, outbound, 7) == forwarded);
        CHECK(h.newest(a).pause_of(inbound).end == h.now() + installing / 4);
        h.pass(installing);
        CHECK(h.gone_on().size() == 1);
        CHECK(h.esp_out(a, 0xb001) == forwarded);
    }
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: IKEv2, the client began: it gets time after the response, the server needs none", F, ipv4,
                   ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    SUBCASE("ESP behind the response") {
        CHECK(h.child_response(a, 2) == forwarded);
        h.pass(5ms);
        CHECK(h.arrives(a, 0xa001) == waits);
        CHECK(h.arrives(a, 0xa001, 2) == waits);
        const std::uint32_t last = h.last;
        h.pass(installing - 5ms - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{last - 1, last});
    }
    SUBCASE("ESP before the response") {
        h.pass(5ms);
        CHECK(h.arrives(a, 0xa001) == waits);
        h.pass(100ms);
        CHECK(h.gone_on().empty());
        CHECK(h.child_response(a, 2) == forwarded);
        h.pass(installing - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on().size() == 1);
    }
    SUBCASE("ESP before a response that never comes: esp-hold-limit") {
        CHECK(h.arrives(a, 0xa001) == waits);
        h.pass(500ms);
        CHECK(h.arrives(a, 0xa001, 2) == waits);
        h.pass(500ms - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on().size() == 2);
        token packet(h.last);
        const hand waited{packet, 100, inbound, 0, true};
        CHECK(h.core.pauses_of_sas().arrived(h.inbound_flow(a, 0xa001), waited) == forwarded);
        CHECK_FALSE(h.flow_paused(a, 0xa001));
        CHECK(h.child_response(a, 2) == forwarded);
        h.pass(installing);
    }
    SUBCASE("the response comes again") {
        CHECK(h.child_response(a, 2) == forwarded);
        CHECK(h.arrives(a, 0xa001) == waits);
        h.pass(installing - 1ms);
        CHECK(h.child_response(a, 2) == forwarded);  // the client asked again, so it has not had the first
        h.pass(installing - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on().size() == 1);
        CHECK(h.child_response(a, 2) == forwarded);
    }
    SUBCASE("the client asks again: it has not had the response, and another one is to come") {
        CHECK(h.child_response(a, 2) == forwarded);
        CHECK(h.arrives(a, 0xa001) == waits);
        h.pass(installing - 1ms);
        CHECK(h.child_request(a, 2) == forwarded);
        h.pass(500ms);
        CHECK(h.gone_on().empty());
        CHECK(h.child_response(a, 2) == forwarded);
        h.pass(installing - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on().size() == 1);
        CHECK(h.child_request(a, 2) == forwarded);  // its pause is over for good
    }
    CHECK(h.arrives(a, 0xa001, 9) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.check_empty();
}

TEST_CASE_TEMPLATE(
    "G15: IKEv2, the server began: what the client sends, before its response or behind, waits for the server", F, ipv4,
    ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    h.pass(5ms);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t first = h.last;
    h.pass(9ms);
    CHECK(h.child_response(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t second = h.last;
    h.pass(installing - 1ns);
    CHECK(h.gone_on().empty());
    h.pass(1ns);
    CHECK(h.gone_on() == ids{first, second});
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    CHECK(h.arrives(a, 0xa001) == forwarded);  // the client has had the SA since before it answered
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: each response of IKE_AUTH begins the pause, for which is the last is not visible", F, ipv4,
                   ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    for (std::uint32_t round = 1; round < 4; ++round) {
        CHECK(h.auth_request(a, round) == forwarded);
        h.pass(30ms);
        CHECK(h.auth_response(a, round) == forwarded);
        h.pass(installing + 1ms);
    }
    CHECK(h.auth_request(a, 4) == forwarded);
    h.pass(30ms);
    CHECK(h.auth_response(a, 4) == forwarded);
    CHECK(h.arrives(a, 0xa001) == waits);
    h.pass(installing);
    CHECK(h.gone_on().size() == 1);
    h.check_empty();
}

TEST_CASE_TEMPLATE(
    "G15: when more come than may wait, those that wait go on before the one for which there is no place", F, ipv4,
    ipv6) {
    for (const bool no_room : {false, true}) {
        for (const bool out : {false, true}) {
            CAPTURE(no_room);
            CAPTURE(out);
            pausing<F> h({}, {512, 128, 64, 128, 512, no_room ? 4U : 128U});
            h.memory().settings.held_esp_per_client = no_room ? 64 : 4;
            const peer a = h.connect(1, 2);
            CHECK(h.child_request(a, 2, out ? inbound : outbound) == forwarded);
            CHECK(h.child_response(a, 2, out ? inbound : outbound) == forwarded);
            const auto esp = [&](std::uint32_t sequence) {
                return out ? h.esp_out(a, 0xb001) : h.arrives(a, 0xa001, sequence);
            };
            ids sent;
            for (std::uint32_t i = 1; i <= 4; ++i) {
                CHECK(esp(i) == waits);
                sent.push_back(h.last);
            }
            CHECK(esp(5) == decision::ask_again());
            CHECK(std::exchange(h.memory().pause_overflowed, false));
            CHECK(h.gone_on() == sent);
            CHECK(esp(5) == forwarded);
            CHECK(esp(6) == forwarded);
            h.check_empty();
        }
    }
}

TEST_CASE_TEMPLATE("G15: without any place the first packet goes on at once, and so does the rest", F, ipv4, ipv6) {
    pausing<F> h;
    h.memory().settings.held_bytes = 50;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.memory().settings.held_bytes = 1 << 20;
    CHECK(h.child_response(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15, G4: ESP held behind its enabling message has its pause after that", F, ipv4, ipv6) {
    pausing<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);  // a has the slot
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t message = h.last;
    CHECK(h.esp_out(b, 0xb002) == waits);
    CHECK(h.esp_out(b, 0xb002) == waits);
    const std::uint32_t esp = h.last;
    CHECK(h.count(counter::esp_paused) == 0);
    h.pass(installing);
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.pass(5ms);
    SUBCASE("its turn comes") {
        CHECK(h.arrives(a, 0xa001) == forwarded);
        CHECK(h.gone_on() == ids{message});
        CHECK(h.holds(b));
        CHECK(h.state_of(b) == slot_state::gate);
        CHECK(h.slot_of(b).waiting == 0);
        h.pass(installing - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{esp - 1, esp});
        CHECK(h.esp_out(b, 0xb002) == forwarded);
        CHECK(h.state_of(b) == slot_state::learning);
        CHECK(h.arrives(b, 0xa002) == forwarded);
    }
    SUBCASE("its IKE session ends first") {
        h.core.end_session(h.memory().pair_at(b.pair).first_session);
        h.collect();
        CHECK(h.take_back().size() == 3);
    }
    SUBCASE("more than may wait: all go on, in order") {
        h.memory().settings.held_esp_per_client = 1;
        CHECK(h.arrives(a, 0xa001) == forwarded);
        CHECK(h.gone_on() == ids{message, esp - 1, esp});
    }
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15, G4: of an SPI that has gone on nothing has a pause behind a message that comes late", F, ipv4, ipv6) {
    pausing<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick(a, inbound, 9) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    h.pass(1s);
    CHECK(h.gone_on() == ids{h.last});
    token first(h.last);
    hand again{first, 100, outbound, 0, true, h.memory().pair_at(a.pair).first_exchange};
    CHECK(h.core.esp_outbound(a.pair, spi{0xb001}, npos, again) == forwarded);
    h.pass(1s);  // its tenure was in vain
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.quick_all(b, 7) == forwarded);  // b has the slot
    CHECK(h.quick(a, outbound, 9) == waits);
    const std::uint32_t message = h.last;
    token second(++h.last);
    CHECK(h.core.esp_outbound(a.pair, spi{0xb001}, h.outbound_flow(a, 0xb001), hand{second, 100, outbound, 0}) == waits);
    CHECK(h.esp_in(b, 0xa002) == b.pair);
    h.pass(10ms);  // settling
    CHECK(h.gone_on() == ids{message, h.last});
    CHECK(h.newest(a).pause_of(outbound).state == alg::pause_state::unconfirmed);
    CHECK(h.memory().pair_at(a.pair).paused[0] == 0);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: without message 3 for so long a new SPI does not wait", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick(a, inbound, 9) == forwarded);
    CHECK(h.quick(a, outbound, 9) == forwarded);
    SUBCASE("nobody waited") {
        h.pass(installing + 1s - 1ns);
        CHECK(h.newest(a).pause_of(outbound).state == alg::pause_state::unconfirmed);
        h.pass(1ns);
    }
    SUBCASE("what waits goes on then") {
        h.pass(1s);
        CHECK(h.esp_out(a, 0xb001) == waits);
        h.pass(installing - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{h.last});
    }
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    CHECK(h.newest(a).pause_of(outbound).state == alg::pause_state::over);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: IKEv2: what is no new request behind the response changes nothing", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    const auto still_runs = [&] { return h.newest(a).pause_of(inbound).state == alg::pause_state::running; };
    SUBCASE("a later IKE fragment of the request") {
        CHECK(h.child_request(a, 2) == forwarded);
        CHECK(h.child_response(a, 2) == forwarded);
        CHECK(h.ike(a, skf(a, exchange_type::create_child_sa, 0x08, 2, 2, 2), outbound) == forwarded);
        CHECK(still_runs());
        CHECK(h.ike(a, skf(a, exchange_type::create_child_sa, 0x08, 2, 1, 2), outbound) == forwarded);
        CHECK_FALSE(still_runs());
    }
    SUBCASE("an older round of IKE_AUTH") {
        for (std::uint32_t id = 1; id < 3; ++id) {
            CHECK(h.auth_request(a, id) == forwarded);
            CHECK(h.auth_response(a, id) == forwarded);
        }
        CHECK(h.auth_request(a, 1) == forwarded);
        CHECK(h.auth_request(a, 1) == forwarded);
        CHECK(still_runs());
    }
    SUBCASE("a further round of IKE_AUTH") {
        CHECK(h.auth_request(a, 1) == forwarded);
        CHECK(h.auth_response(a, 1) == forwarded);
        CHECK(still_runs());
        CHECK(h.auth_request(a, 2) == forwarded);
        CHECK_FALSE(still_runs());
    }
}

TEST_CASE_TEMPLATE("G15, G4: a pause that was ended before its message begins with that all the same", F, ipv4, ipv6) {
    pausing<F> h(long_gate());
    h.memory().settings.held_esp_per_client = 3;
    h.memory().settings.hold_limit = std::chrono::seconds{20};
    h.memory().settings.esp_hold_limit = std::chrono::seconds{3};
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick(b, inbound, 9) == forwarded);
    CHECK(h.esp_out(b, 0xb002) == waits);  // for message 2, which is to come
    ids sent{h.last};
    CHECK(h.quick_all(a, 7) == forwarded);  // a has the slot
    CHECK(h.quick(b, outbound, 9) == waits);
    const std::uint32_t message = h.last;
    const auto go_again = [&](const ids& packets) {
        for (const std::uint32_t id : packets) {
            token packet(id);
            hand p{packet, 100, outbound, 0, true, h.memory().pair_at(b.pair).first_exchange};
            CHECK(h.core.esp_outbound(b.pair, spi{0xb002}, npos, p) == waits);  // behind message 2, which waits
        }
        h.collect();
    };
    SUBCASE("too many waited") {
        for (int i = 0; i < 2; ++i) {
            CHECK(h.esp_out(b, 0xb002) == waits);
            sent.push_back(h.last);
        }
        CHECK(h.esp_out(b, 0xb002) == decision::ask_again());
        CHECK(h.newest(b).pause_of(outbound).state == alg::pause_state::skipped);
        go_again(h.gone_on());
        CHECK(h.newest(b).pause_of(outbound).state == alg::pause_state::skipped);
    }
    SUBCASE("they waited for esp-hold-limit") {
        h.pass(3s - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        go_again(h.gone_on());
    }
    CHECK(h.esp_in(a, 0xa001) == a.pair);
    CHECK(h.gone_on() == ids{message});
    CHECK(h.newest(b).pause_of(outbound).state == alg::pause_state::unconfirmed);
    CHECK(h.quick(b, inbound, 9) == forwarded);
    h.pass(installing / 4 - 1ns);
    CHECK(h.gone_on().empty());
    h.pass(1ns);
    CHECK(h.gone_on() == sent);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15, E3: ESP of an SA whose inbound SPI is bound has its pause, and no longer, while a request of its client waits", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    for (const peer& p : {a, b}) {
        CHECK(h.quick_all(p, 7) == forwarded);
        CHECK(h.esp_in(p, 0xa000 + p.pair) == p.pair);
        h.pass(1s);
        CHECK(h.esp_out(p, 0xb000 + p.pair) == forwarded);
    }
    CHECK(h.quick(b, inbound, 9) == forwarded);
    CHECK(h.quick(b, outbound, 9) == forwarded);
    CHECK(h.quick(b, inbound, 9) == forwarded);
    CHECK(h.esp_in(b, 0xa100) == b.pair);
    CHECK(h.quick(a, outbound, 20) == forwarded);
    CHECK(h.quick(b, outbound, 21) == waits);
    CHECK(h.esp_out(b, 0xb100) == waits);
    const std::uint32_t packet = h.last;
    h.pass(installing / 4 - 1ns);
    CHECK(h.gone_on().empty());
    h.pass(1ns);
    CHECK(h.gone_on() == ids{packet});
}

TEST_CASE_TEMPLATE(
    "G15, G10: while others wait, a gate lasts for the pause of its ESP if that is not longer than settling", F, ipv4,
    ipv6) {
    for (const duration round_trip : {duration{30ms}, duration{1ms}}) {
        CAPTURE(round_trip.count());
        pausing<F> h;
        std::vector<peer> all;
        for (unsigned n = 1; n <= 40; ++n) {
            all.push_back(h.connect(n, 1, round_trip));
        }
        const bool known = round_trip > installing;
        for (const peer& p : all) {
            CHECK(h.quick(p, outbound, 7) == forwarded);
            h.pass(round_trip);
            CHECK(h.quick(p, inbound, 7) == forwarded);
        }
        CHECK(h.quick(all[0], outbound, 7) == forwarded);
        for (std::size_t n = 1; n < all.size(); ++n) {
            CHECK(h.quick(all[n], outbound, 7) == waits);  // 5 s / 40^2 is 3 ms
        }
        h.pass(1ms);
        CHECK(h.esp_out(all[0], 0xb001) == waits);
        h.pass(installing - 1ms - 1ns);
        CHECK(h.holds(all[0]) == known);
        h.pass(1ns);
        if (known) {
            CHECK(h.esp_out(all[0], 0xb001) == forwarded);
            CHECK(h.state_of(all[0]) == slot_state::learning);
        }
    }
}

TEST_CASE_TEMPLATE("G15, G10: while others wait, a gate whose ESP waits for message 3 lasts until that should have come", F, ipv4, ipv6) {
    pausing<F> h;
    std::vector<peer> all;
    for (unsigned n = 1; n <= 10; ++n) {
        all.push_back(h.connect(n, 1, 80ms));
    }
    for (std::size_t n = 1; n < all.size(); ++n) {
        CHECK(h.quick(all[n], outbound, 7) == forwarded);
        h.pass(80ms);
        CHECK(h.quick(all[n], inbound, 7) == forwarded);
    }
    CHECK(h.quick(all[0], inbound, 9) == forwarded);
    CHECK(h.quick(all[0], outbound, 9) == forwarded);
    for (std::size_t n = 1; n < all.size(); ++n) {
        CHECK(h.quick(all[n], outbound, 7) == waits);  // 5 s / 10^2 is 50 ms
    }
    CHECK(h.esp_out(all[0], 0xb001) == waits);
    SUBCASE("it comes") {
        h.pass(80ms);
        CHECK(h.holds(all[0]));
        CHECK(h.quick(all[0], inbound, 9) == forwarded);
        h.pass(installing / 4);
        CHECK(h.esp_out(all[0], 0xb001) == forwarded);
        CHECK(h.state_of(all[0]) == slot_state::learning);
    }
    SUBCASE("it does not") {
        h.pass(200ms);
        CHECK_FALSE(h.holds(all[0]));
    }
    SUBCASE("message 2 comes again and again") {
        h.memory().settings.esp_hold_limit = 10s;
        for (duration t{}; t < 5'100ms; t += 50ms) {
            CHECK(h.quick(all[0], outbound, 9) != dropped(drop_reason::phase2_busy));
            h.pass(50ms);
        }
        CHECK_FALSE(h.holds(all[0]));  // esp-gate-timeout
    }
}

TEST_CASE_TEMPLATE("G15: clients do not wait for each other's pauses", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    const peer b = h.connect(2, 2);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    CHECK(h.child_response(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t of_a = h.last;
    h.pass(5ms);
    CHECK(h.child_request(b, 2, inbound) == forwarded);
    CHECK(h.esp_out(b, 0xb002) == waits);
    const std::uint32_t of_b = h.last;
    h.pass(installing - 5ms);
    CHECK(h.gone_on() == ids{of_a});
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    CHECK(h.arrives(a, 0xa001) == forwarded);
    h.pass(50ms);
    CHECK(h.child_response(b, 2, inbound) == forwarded);
    h.pass(installing);
    CHECK(h.gone_on() == ids{of_b});
    h.check_empty();
}

TEST_CASE_TEMPLATE(
    "G15: what is known of SAs from before is never asked: old SPIs, exchanges not seen, other SPIs of a satisfied one",
    F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.esp_out(a, 0xb001) == forwarded);  // the gateway restarted (E3)
    CHECK(h.arrives(a, 0xa001) == forwarded);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    CHECK(h.arrives(a, 0xa001) == forwarded);
    CHECK(h.esp_out(a, 0xb002) == waits);
    h.pass(1s);
    CHECK(h.gone_on().size() == 1);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15, E12: an older exchange that makes no SA does not hide the one whose response is to come", F,
                   ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, inbound) == forwarded);  // the server rekeys the IKE SA (X6)
    CHECK(h.child_response(a, 2, inbound) == forwarded);
    h.pass(10s);
    CHECK(h.newest(a).state == exchange_state::parked);
    peer rekeyed = a;
    rekeyed.initiator = {0x77};
    rekeyed.by_server = true;
    CHECK(h.child_request(rekeyed, 0, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t first = h.last;
    h.pass(5ms);
    CHECK(h.child_response(rekeyed, 0, inbound) == forwarded);  // ends what seemed a child
    h.pass(1ms);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t second = h.last;
    h.pass(installing - 1ms);
    CHECK(h.gone_on() == ids{first, second});
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: what waits for the response of one exchange is not put behind a newer one", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t first = h.last;
    CHECK(h.child_request(a, 3, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    const std::uint32_t second = h.last;
    CHECK(h.child_response(a, 2, inbound) == forwarded);
    h.pass(installing);
    CHECK(h.gone_on() == ids{first, second});
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: both ends rekey: an SPI given to one exchange may be of the other, whose client installs it yet", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 1);
    for (const direction way : {inbound, outbound, inbound}) {
        CHECK(h.quick(a, way, 7) == forwarded);
    }
    CHECK(h.esp_out(a, 0xb001) == waits);  // the client has the SA: a quarter of its pause remains
    h.pass(installing);
    CHECK(h.gone_on() == ids{h.last});
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    CHECK(h.quick(a, outbound, 8) == forwarded);
    SUBCASE("message 2 has passed") {
        CHECK(h.quick(a, inbound, 8) == forwarded);
        CHECK(h.arrives(a, 0xa001, 1) == waits);
        const std::uint32_t first = h.last;
        CHECK(h.quick(a, outbound, 8) == forwarded);
        CHECK(h.memory().flows[h.inbound_flow(a, 0xa001)].session != h.memory().pair_at(a.pair).first_exchange);
        SUBCASE("and nothing else") {}
        SUBCASE("the exchange that has the SPI ends meanwhile") {
            h.memory().settings.exchanges_per_client = 2;
            CHECK(h.quick(a, outbound, 9) == forwarded);
            CHECK(h.memory().flows[h.inbound_flow(a, 0xa001)].session == npos);
        }
        h.pass(installing / 4 - 1ns);
        CHECK(h.arrives(a, 0xa001, 2) == waits);
        const std::uint32_t second = h.last;
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{first, second});
    }
    SUBCASE("message 2 is to come, and the server cannot have sent on that SA") {}
    SUBCASE("the other exchange has its SPI") {
        CHECK(h.quick(a, inbound, 8) == forwarded);
        h.newest(a).state = exchange_state::satisfied;
    }
    CHECK(h.arrives(a, 0xa001, 3) == forwarded);
    CHECK_FALSE(h.flow_paused(a, 0xa001));
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15, X9: a refused exchange makes nobody wait", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    CHECK(h.child_response(a, 2, inbound, 80) == forwarded);
    h.pass(0ms);
    CHECK(h.gone_on().size() == 1);
    CHECK(h.esp_out(a, 0xb001) == forwarded);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: one client with a nat address of its own has pauses, and no slot", F, ipv4, ipv6) {
    pausing<F> h;
    peer a{h.make_pair(1, 1, 1, true), {0x11}, {0x22}, 2};
    h.phase1(a);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_response(a, 2) == forwarded);
    CHECK(h.core.esp_inbound_exclusive(a.pair, spi{0xa001}).pair == a.pair);
    token packet(99);
    CHECK(h.core.pauses_of_sas().arrived(h.inbound_flow(a, 0xa001), hand{packet, 100, inbound, 0}) == waits);
    h.pass(installing);
    CHECK(h.gone_on() == ids{99});
    CHECK(h.child_request(a, 3, inbound) == forwarded);
    CHECK(h.child_response(a, 3, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    h.pass(installing);
    CHECK(h.gone_on().size() == 1);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: what waits goes on when its exchange, session or pair ends", F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2, inbound) == forwarded);
    CHECK(h.esp_out(a, 0xb001) == waits);
    CHECK(h.child_request(a, 3) == forwarded);
    CHECK(h.child_response(a, 3) == forwarded);
    CHECK(h.memory().held().size() == 1);
    SUBCASE("the session") {
        h.core.end_session(h.memory().pair_at(a.pair).first_session);
    }
    SUBCASE("the pair, with its exchanges") {
        h.core.end_session(h.memory().pair_at(a.pair).first_session);
        h.core.end_pair(a.pair);
    }
    SUBCASE("the exchange, to make room (L2)") {
        h.memory().settings.exchanges_per_client = 2;
        CHECK(h.child_request(a, 4) == forwarded);
    }
    h.collect();
    CHECK(h.gone_on().size() == 1);
    h.pass(2s);
    CHECK(h.gone_on().empty());
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: inbound packets that wait are given back when their exchange ends, and its flow waits no more",
                   F, ipv4, ipv6) {
    pausing<F> h;
    const peer a = h.connect(1, 2);
    CHECK(h.child_request(a, 2) == forwarded);
    CHECK(h.child_response(a, 2) == forwarded);
    CHECK(h.arrives(a, 0xa001) == waits);
    CHECK(h.flow_paused(a, 0xa001));
    CHECK_FALSE(h.core.pair_is_idle(a.pair));
    h.core.end_session(h.memory().pair_at(a.pair).first_session);
    h.collect();
    CHECK(h.gone_on().size() == 1);
    CHECK(h.arrives(a, 0xa001) == forwarded);
    CHECK_FALSE(h.flow_paused(a, 0xa001));  // until the first packet after them
    h.check_empty();
}

TEST_CASE_TEMPLATE("G15: with a pause of 0, without esp-hold-limit and in the junos profile nothing waits", F, ipv4,
                   ipv6) {
    for (const int how : {0, 1, 2}) {
        CAPTURE(how);
        pausing<F> h(how == 2 ? alg_settings::of(alg::profile::junos) : alg_settings{});
        auto& s = h.memory().settings;
        (how == 0 ? s.new_sa_pause : s.esp_hold_limit) = 0ms;
        const peer a = h.connect(1, 2);
        CHECK(h.child_request(a, 2, inbound) == forwarded);
        CHECK(h.esp_out(a, 0xb001) == forwarded);
        CHECK(h.child_response(a, 2, inbound) == forwarded);
        CHECK(h.arrives(a, 0xa001) == forwarded);
        CHECK(h.child_request(a, 3) == forwarded);
        CHECK(h.arrives(a, 0xa002) == forwarded);
        CHECK(h.child_response(a, 3) == forwarded);
        CHECK(h.count(counter::esp_paused) == 0);
        h.check_empty();
    }
}
