// SPDX-License-Identifier: Apache-2.0
#include "ikealg/alg/twins.hpp"

#include "alg/harness.hpp"

namespace {

using namespace ikealg_tests;

constexpr std::uint32_t own = 1001;  ///< the SPI on which the server sends to the client

/// 1.25 round trips, which are none here, and an eighth of learn-timeout.
constexpr duration patience = 125ms;

/// Quick Mode that the server begins.
template <class F>
void quick_of_server(harness<F>& h, const peer& p, std::uint32_t id) {
    for (const direction way : {inbound, outbound, inbound}) {
        CHECK(h.quick(p, way, id) == forwarded);
    }
}

/// Client 1 asked for an SA, on which the server sends, `apart` later the server for another, on which it does not; a whole learning tenure
/// showed that. Client 2 has its turn next.
template <class F>
struct two_at_once {
    harness<F> h;
    peer a;
    peer b;

    explicit two_at_once(duration apart = 1s) : a(h.connect(1, 1)), b(h.connect(2, 1)) {
        CHECK(h.quick(b, outbound, 7) == forwarded);
        CHECK(h.quick(b, inbound, 7) == forwarded);
        CHECK(h.quick_all(a, 7) == forwarded);
        CHECK(h.esp_out(a, 501) == forwarded);
        CHECK(h.esp_in(a, own) == a.pair);
        CHECK(h.state_of(a) == slot_state::free);
        h.pass(apart);
        quick_of_server(h, a, 8);
        CHECK(h.state_of(a) == slot_state::gate);
        CHECK(h.esp_out(a, 502) == forwarded);
        h.pass(5s);
        CHECK(h.newest(a).state == exchange_state::parked);
        CHECK(h.newest(a).tenures == 1);
    }
    void learns() {
        CHECK(h.esp_out(a, 502) == forwarded);
        CHECK(h.state_of(a) == slot_state::learning);
    }
    void others_wait() { CHECK(h.quick(b, outbound, 7) == waits); }
    void learns_and_others_wait() {
        learns();
        others_wait();
    }
    /// The tenure ends after this, not sooner.
    void ends_after(duration d) {
        h.pass(d - 1ns);
        CHECK(h.holds(a));
        h.pass(1ns);
        CHECK(h.holds(b));
        CHECK(h.newest(a).state == exchange_state::parked);
    }
    /// It does not, whatever the server sends on the twin.
    void lasts() {
        for (int i = 0; i < 9; ++i) {
            CHECK(h.esp_in(a, own) == a.pair);
            h.pass(100ms);
        }
        CHECK(h.holds(a));
        CHECK(h.count(counter::tenures_in_vain) == 0);
    }
};

}  // namespace

TEST_CASE_TEMPLATE("G17: while others wait, a learning tenure ends when the server answers on a twin", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.learns_and_others_wait();
    w.h.pass(1ms);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.ends_after(patience - 1ms);
    CHECK(w.h.count(counter::tenures_in_vain) == 1);
    CHECK(w.h.newest(w.a).tenures == 2);
    CHECK_FALSE(w.h.newest(w.a).one_way);
}

TEST_CASE_TEMPLATE("G17: the first tenure of an exchange lasts: the server may be installing the SA", F, ipv4, ipv6) {
    for (const bool esp : {true, false}) {
        CAPTURE(esp);
        two_at_once<F> w;
        CHECK(w.h.quick_all(w.a, 9) == forwarded);
        CHECK(w.h.esp_in(w.a, 1009) == w.a.pair);
        quick_of_server(w.h, w.a, 10);
        if (esp) {
            CHECK(w.h.esp_out(w.a, 510) == forwarded);
        }
        w.others_wait();
        w.lasts();
    }
}

TEST_CASE_TEMPLATE("G17: what comes on the twin later ends the tenure at the next look", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.learns_and_others_wait();
    w.h.pass(patience * 3 + 10ms);
    CHECK(w.h.holds(w.a));
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.ends_after(patience - 10ms);
}

TEST_CASE_TEMPLATE("G17: without evidence a tenure lasts learn-timeout", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.pass(700us);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.h.pass(200us);  // within the same millisecond
    w.learns_and_others_wait();
    w.ends_after(1s);
    CHECK(w.h.count(counter::tenures_in_vain) == 0);
}

TEST_CASE_TEMPLATE("G17: nobody waits: nobody gains", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.learns();
    w.lasts();
}

TEST_CASE_TEMPLATE("G17: without a known round trip nothing is in vain", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.slot_of(w.a).rtt = {};
    w.learns_and_others_wait();
    w.lasts();
}

TEST_CASE_TEMPLATE("G17: an answer that takes longer than others may wait is waited for", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.slot_of(w.a).rtt = {};
    w.h.slot_of(w.a).rtt.esp_sample(400ms);
    w.learns_and_others_wait();
    for (unsigned i = 0; i < 5; ++i) {
        CHECK(w.h.quick_all(w.h.connect(3 + i, 1), 7) == waits);
    }
    w.h.pass(1ms);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.ends_after(624ms);
}

TEST_CASE_TEMPLATE("G17: what the server sent before it can have had the client's ESP is no evidence", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.slot_of(w.a).rtt = {};
    for (int i = 0; i < 16; ++i) {
        w.h.slot_of(w.a).rtt.esp_sample(100ms);
    }
    const duration floor = w.h.slot_of(w.a).rtt.floor();
    REQUIRE(floor == 75ms);
    w.learns_and_others_wait();
    w.h.pass(floor);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.h.pass(patience + 125ms - floor);
    CHECK(w.h.holds(w.a));
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.ends_after(patience + 125ms);
}

TEST_CASE_TEMPLATE("G17: SAs of more than ten seconds apart are no twins: a host may be slow to leave one", F, ipv4,
                   ipv6) {
    for (const bool twin : {true, false}) {
        CAPTURE(twin);
        two_at_once<F> w(twin ? 10s : 10s + 1ms);
        w.learns_and_others_wait();
        w.h.pass(1ms);
        CHECK(w.h.esp_in(w.a, own) == w.a.pair);
        w.h.pass(patience);
        CHECK(w.h.holds(w.a) != twin);
    }
}

TEST_CASE_TEMPLATE("G17: exchanges that one side asked for may be of different subnets", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.newest(w.a).requester = outbound;
    w.learns_and_others_wait();
    w.lasts();
}

TEST_CASE_TEMPLATE("G17, E3: so may exchanges made up for ESP without a Phase 2 seen", F, ipv4, ipv6) {
    two_at_once<F> w;
    const std::uint32_t session = std::exchange(w.h.newest(w.a).session, npos);
    w.learns_and_others_wait();
    w.lasts();
    w.h.newest(w.a).session = session;
}

TEST_CASE_TEMPLATE("G17: another exchange of the client waits, which has no twin", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.learns();
    w.h.pass(10s);
    CHECK(w.h.quick_all(w.a, 9) == forwarded);
    CHECK(w.h.esp_out(w.a, 503) == forwarded);
    w.h.pass(10s);
    w.learns_and_others_wait();  // 8 has its twin and is the one that sends, 9 has none
    w.lasts();
}

TEST_CASE_TEMPLATE("G17: a look that is due is not lost by what comes just before", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.learns_and_others_wait();
    w.h.pass(1ms);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.h.core.set_time(w.h.now() + patience);  // and no timer has run
    CHECK(w.h.esp_out(w.a, 502) == forwarded);
    w.h.pass(0ns);
    CHECK(w.h.holds(w.b));
}

TEST_CASE_TEMPLATE("G17, G4: a packet whose turn comes by this at the very end of its age goes on", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.memory().settings.hold_limit = std::chrono::milliseconds{126};
    w.learns_and_others_wait();
    w.h.pass(126ms - 1ns);
    CHECK(w.h.holds(w.a));
    w.h.core.set_time(w.h.now() + 1ns);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.h.pass(0ns);
    CHECK(w.h.holds(w.b));
    CHECK(w.h.take_back().back() == released{w.h.last, drop_reason::none, {}});
}

TEST_CASE_TEMPLATE("G17, E4: an SPI that was too early refutes nothing when the tenure ends in vain", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.h.slot_of(w.a).rtt = {};
    for (int i = 0; i < 16; ++i) {
        w.h.slot_of(w.a).rtt.esp_sample(100ms);
    }
    w.learns_and_others_wait();
    w.h.pass(10ms);
    w.h.slot_of(w.a).early_valid = true;
    w.h.slot_of(w.a).early_at = w.h.now();
    w.h.pass(100ms);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.h.pass(1s - 110ms - 1ns);
    CHECK(w.h.holds(w.b));
    CHECK(w.h.slot_of(w.a).rtt.floor() == 75ms);
}

TEST_CASE_TEMPLATE("G17: an answer that comes in time after all is the holder's", F, ipv4, ipv6) {
    two_at_once<F> w;
    w.learns_and_others_wait();
    w.h.pass(1ms);
    CHECK(w.h.esp_in(w.a, own) == w.a.pair);
    w.h.pass(patience - 1ms - 1ns);
    CHECK(w.h.esp_in(w.a, 1002) == w.a.pair);
    CHECK(w.h.inbound_flow(w.a, 1002) == w.h.outbound_flow(w.a, 502));
    CHECK(w.h.holds(w.b));
    CHECK(w.h.count(counter::tenures_in_vain) == 0);
}

TEST_CASE_TEMPLATE(
    "G17, G12: six tenures in vain make the exchange one-way; three clients with twins each wait less than "
    "esp-hold-limit",
    F, ipv4, ipv6) {
    alg_settings slow_hosts;
    slow_hosts.esp_gate_timeout = 2s;
    slow_hosts.esp_hold_limit = 3s;
    slow_hosts.held_esp_per_client = 16;
    harness<F> h(slow_hosts);
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
            sent += h.esp_out(all[i], 600 + i) == forwarded ? 1U : 0U;
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
    CHECK(h.count(counter::tenures_in_vain) >= 15);  // one-way ones ask again, ever more rarely
}
