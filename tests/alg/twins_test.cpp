// SPDX-License-Identifier: Apache-2.0
#include "ikealg/alg/twins.hpp"

#include "alg/harness.hpp"

namespace {

using namespace ikealg_tests;

constexpr std::uint32_t own = 1001;  ///< the SPI on which the server sends to the client

/// 1.25 round trips and 10 ms for two, of which nothing is known, and an eighth of learn-timeout.
constexpr duration patience = 5ms + 125ms;

/// Quick Mode that the server begins.
template <class F>
void quick_of_server(harness<F>& h, const peer& p, std::uint32_t id) {
    for (const direction way : {inbound, outbound, inbound}) {
        CHECK(h.quick(p, way, id) == forwarded);
    }
}

/// Client 1 asked for an SA, on which the server sends, `apart` later the server for another, on which it does not, and client 2 has its turn
/// next.
template <class F>
struct two_at_once {
    harness<F> h;
    peer a;
    peer b;

    explicit two_at_once(duration apart = 1s, const alg_settings& s = {})
        : h(s), a(h.connect(1, 1)), b(h.connect(2, 1)) {
        CHECK(h.quick(b, outbound, 7) == forwarded);
        CHECK(h.quick(b, inbound, 7) == forwarded);
        CHECK(h.quick_all(a, 7) == forwarded);
        CHECK(h.esp_out(a, 501) == forwarded);
        CHECK(h.esp_in(a, own) == a.pair);
        CHECK(h.state_of(a) == slot_state::free);
        h.pass(apart);
        quick_of_server(h, a, 8);
        CHECK(h.state_of(a) == slot_state::gate);
    }
    void esp_out_and_others_wait() {
        CHECK(h.esp_out(a, 502) == forwarded);
        CHECK(h.state_of(a) == slot_state::learning);
        others_wait();
    }
    void others_wait() { CHECK(h.quick(b, outbound, 7) == waits); }
    /// The tenure ends after this, not sooner.
    void ends_after(duration d) {
        h.pass(d - 1ns);
        CHECK(h.holds(a));
        h.pass(1ns);
        CHECK(h.holds(b));
        CHECK(h.newest(a).state == exchange_state::parked);
    }
};

}  // namespace

TEST_CASE_TEMPLATE("G17: while others wait, a learning tenure ends when the server answers on a twin", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.esp_out_and_others_wait();
    w.h.pass(1ms);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.ends_after(patience - 1ms);
    CHECK(w.h.count(counter::tenures_in_vain) == 1);
    CHECK(w.h.newest(w.a).tenures == 1);
    CHECK_FALSE(w.h.newest(w.a).one_way);
}

TEST_CASE_TEMPLATE("G17: a gate that nobody has hit does not: the server may be installing the SA", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.others_wait();
    for (int i = 0; i < 12; ++i) {
        CHECK(w.h.esp_in(w.a, own) == w.a.pair);
        w.h.pass(100ms);
    }
    CHECK(w.h.holds(w.a));
    CHECK(w.h.esp_in(w.a, 1002) == w.a.pair);
    CHECK(w.h.count(counter::tenures_in_vain) == 0);
}

TEST_CASE_TEMPLATE("G17, G15: what the server sent within the pause of the new SA is no evidence", F, ipv4, ipv6) {
    for (const bool within : {true, false}) {
        CAPTURE(within);
        two_at_once<F> w;
        w.h.newest(w.a).pause_of(outbound).end = w.h.now() + 20ms;
        w.esp_out_and_others_wait();
        w.h.pass(within ? 19ms : 20ms);
        CHECK(w.h.esp_in(w.a, own) == w.a.pair);
        w.h.pass(patience);
        CHECK(w.h.holds(w.a) == within);
    }
}

TEST_CASE_TEMPLATE("G17: what comes on the twin later ends the tenure at the next look", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.esp_out_and_others_wait();
    w.h.pass(patience * 3 + 10ms);
    CHECK(w.h.holds(w.a));
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.ends_after(patience - 10ms);
}

TEST_CASE_TEMPLATE("G17: without evidence a tenure lasts learn-timeout", F, ipv4, ipv6) {
    for (const bool waiting : {true, false}) {  // nobody waits: nobody gains
        CAPTURE(waiting);
        two_at_once<F> w;
        CHECK(w.h.esp_in(w.a, own) == w.a.pair);  // before the client's ESP
        w.h.pass(1ms);
        CHECK(w.h.esp_out(w.a, 502) == forwarded);
        if (waiting) {
            w.others_wait();
        } else {
            CHECK(w.h.esp_in(w.a, own) == w.a.pair);
        }
        w.h.pass(1s - 1ns);
        CHECK(w.h.holds(w.a));
        CHECK(w.h.count(counter::tenures_in_vain) == 0);
    }
}

TEST_CASE_TEMPLATE("G17: what the server sent before it can have had the client's ESP is no evidence", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.slot_of(w.a).rtt = {};
    for (int i = 0; i < 16; ++i) {
        w.h.slot_of(w.a).rtt.esp_sample(100ms);
    }
    const duration floor = w.h.slot_of(w.a).rtt.floor();
    REQUIRE(floor == 75ms);
    w.esp_out_and_others_wait();
    w.h.pass(floor - 1ms);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    const duration slow = 100ms * 5 / 4 + patience;
    w.h.pass(slow - floor + 2ms);
    CHECK(w.h.holds(w.a));
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.ends_after(slow - 1ms);
}

TEST_CASE_TEMPLATE("G17: an SA of more than ten seconds before is no twin: a host may be slow to leave it", F, ipv4,
                   ipv6) {
    for (const bool twin : {true, false}) {
        CAPTURE(twin);
        two_at_once<F> w(twin ? 10s : 10s + 1ms);
        w.esp_out_and_others_wait();
        w.h.pass(1ms);
        CHECK(w.h.esp_in(w.a, own) == w.a.pair);
        w.h.pass(patience);
        CHECK(w.h.holds(w.a) != twin);
    }
}

TEST_CASE_TEMPLATE("G17: exchanges that one side asked for may be of different subnets", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick(b, outbound, 7) == forwarded);
    CHECK(h.quick(b, inbound, 7) == forwarded);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.esp_in(a, own) == a.pair);
    CHECK(h.quick_all(a, 8) == forwarded);
    CHECK(h.esp_out(a, 502) == forwarded);
    CHECK(h.quick(b, outbound, 7) == waits);
    CHECK(h.esp_in(a, own) == a.pair);
    h.pass(1s - 1ns);
    CHECK(h.esp_in(a, 1002) == a.pair);
}

TEST_CASE_TEMPLATE("G17: two exchanges of one tenure: the server's ESP satisfies one, and its next one ends the tenure",
                   F, ipv4, ipv6) {
    two_at_once<F> w;
    CHECK(w.h.quick_all(w.a, 9) == forwarded);  // G3
    w.esp_out_and_others_wait();
    CHECK(w.h.esp_in(w.a, 1002) == w.a.pair);
    CHECK(w.h.state_of(w.a) == slot_state::learning);
    w.h.pass(1ms);
    CHECK(w.h.esp_in(w.a, 1002) == w.a.pair);
    w.h.pass(patience - 1ms - 1ns);
    CHECK(w.h.holds(w.a));
    w.h.pass(1ns);
    CHECK(w.h.holds(w.b));
    CHECK(w.h.count(counter::tenures_in_vain) == 1);
}

TEST_CASE_TEMPLATE("G17: an answer that comes in time after all is the holder's", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.esp_out_and_others_wait();
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.h.pass(patience - 1ns);
    CHECK(w.h.esp_in(w.a, 1002) == w.a.pair);
    CHECK(w.h.inbound_flow(w.a, 1002) == w.h.outbound_flow(w.a, 502));
    CHECK(w.h.holds(w.b));
    CHECK(w.h.count(counter::tenures_in_vain) == 0);
}

TEST_CASE_TEMPLATE(
    "G17, G12: six tenures in vain make the exchange one-way; three clients with twins each wait less than "
    "esp-hold-limit",
    F, ipv4, ipv6) {
    alg_settings short_gate;
    short_gate.esp_gate_timeout = 2s;
    harness<F> h(short_gate);
    std::array<peer, 3> all;
    for (unsigned i = 0; i < 3; ++i) {
        all[i] = h.connect(1 + i, 1);
        CHECK(h.quick_all(all[i], 7) == forwarded);
        CHECK(h.esp_out(all[i], 500 + i) == forwarded);
        CHECK(h.esp_in(all[i], 1000 + i) == all[i].pair);
        h.pass(100ms);
    }
    for (const peer& p : all) {
        quick_of_server(h, p, 8);
        while (h.holds(p)) {
            h.pass(1s);
        }
    }
    std::size_t sent = 0;
    for (int round = 0; round < 200; ++round) {  // pings, whose answers come on the twin
        for (unsigned i = 0; i < 3; ++i) {
            sent += h.esp_out(all[i], 600 + i) == forwarded ? 1 : 0;
            CHECK(h.esp_in(all[i], 1000 + i) == all[i].pair);
        }
        h.pass(200ms);
    }
    const auto waited = h.take_back();
    h.pass(1s);
    CHECK(sent + waited.size() + h.take_back().size() == 600);
    for (const released& r : waited) {
        CHECK(r.reason == drop_reason::none);
    }
    CHECK(h.count(counter::exchanges_one_way) == 3);
    CHECK(h.count(counter::tenures_in_vain) >= 15);
}
