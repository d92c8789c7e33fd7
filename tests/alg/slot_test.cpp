// SPDX-License-Identifier: Apache-2.0
/// The slot of the practical profile, rule by rule, with its timers at the exact instant.
#include "ikealg/alg/slot.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

namespace {

std::vector<std::uint32_t> ids(const std::vector<released>& packets) {
    std::vector<std::uint32_t> result;
    for (const released& r : packets) {
        CHECK(r.reason == drop_reason::none);
        result.push_back(r.id);
    }
    return result;
}
using id_list = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE_TEMPLATE("G1: without memory for an exchange the Phase 2 message is dropped as gate_failed", F, ipv4, ipv6) {
    harness<F> h({}, {64, 16, 16, 16, 1, 16});
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick(b, outbound, 7) == dropped(drop_reason::gate_failed));
    CHECK(h.count(counter::gates_failed) == 1);
    CHECK(h.told(event_kind::gate_failed) == 1);
    CHECK(h.holds(a));
}

TEST_CASE_TEMPLATE("G3: a second exchange of the holder is allowed; the slot is free when each has its SPI", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(a, 8) == forwarded);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.holds(a));
    CHECK(h.esp_in(a, 1001) == a.pair);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.count(counter::phase2_completed) == 2);
    CHECK(h.count(counter::bindings_contested) == 0);
}

TEST_CASE_TEMPLATE("G4: enabling messages wait for the slot, first come, first served", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    std::vector<peer> others;
    id_list packets;
    for (unsigned i = 2; i < 6; ++i) {
        others.push_back(h.connect(i, 1));
        CHECK(h.quick_all(others.back(), 7) == waits);
        packets.push_back(h.last);
    }
    CHECK(h.count(counter::phase2_held) == 4);
    CHECK(h.esp_in(a, 1000) == a.pair);
    for (unsigned i = 0; i < 4; ++i) {
        h.pass(20ms);
        CHECK(h.holds(others[i]));
        CHECK(h.esp_in(others[i], 2000 + i) == others[i].pair);
    }
    h.pass(20ms);
    CHECK(ids(h.take_back()) == packets);
    CHECK(h.state_of(a) == slot_state::free);
    CHECK(h.memory().held().size() == 0);
    CHECK(h.memory().held_bytes() == 0);
}

TEST_CASE_TEMPLATE("G4: turns of ESP and of IKE alternate when both wait", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer p = parked_client(h, 1);
    const peer q = parked_client(h, 2);
    const peer a = h.connect(3, 1);
    const peer b = h.connect(4, 1);
    const peer c = h.connect(5, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    id_list sent;
    CHECK(h.quick_all(b, 7) == waits);
    sent.push_back(h.last);
    CHECK(h.quick_all(c, 7) == waits);
    sent.push_back(h.last);
    CHECK(h.esp_out(p, 501) == waits);
    sent.push_back(h.last);
    CHECK(h.esp_out(q, 502) == waits);
    sent.push_back(h.last);
    id_list holders;
    for (unsigned i = 0; i < 5; ++i) {
        const std::uint32_t holder = h.slot_of(a).holder;
        holders.push_back(holder);
        CHECK(h.esp_in(a, 3000 + i) == holder);
        for (int ms = 0; ms < 100 && h.slot_of(a).holder == holder; ++ms) {
            h.pass(1ms);
        }
    }
    CHECK(holders == id_list{a.pair, p.pair, b.pair, q.pair, c.pair});
    CHECK(ids(h.take_back()) == id_list{sent[2], sent[0], sent[3], sent[1]});
}

TEST_CASE_TEMPLATE("G4: ESP waits behind its own enabling message and leaves after it, in order", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t message = h.last;
    CHECK(h.esp_out(b, 500) == waits);
    CHECK(h.esp_out(b, 500) == waits);
    CHECK(h.esp_in(a, 1000) == a.pair);
    h.pass(20ms);
    CHECK(ids(h.take_back()) == id_list{message, message + 1, message + 2});
    CHECK(h.state_of(b) == slot_state::learning);
    CHECK(h.outbound_flow(b, 500) != npos);
    CHECK(h.esp_in(b, 2000) == b.pair);
}

TEST_CASE_TEMPLATE("G4: hold-limit bounds the age of a message, exactly, and not its place", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    const peer c = h.connect(3, 1);
    const peer d = h.connect(4, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t of_b = h.last;
    CHECK(h.quick_all(c, 7) == waits);
    const std::uint32_t of_c = h.last;
    h.pass(6s - 1ns);
    CHECK(h.take_back().empty());
    CHECK(h.quick(b, outbound, 7) == waits);  // a repetition: the old packet comes back, the new one has its place
    const std::uint32_t b_again = h.last;
    CHECK(h.take_back() == std::vector<released>{{of_b, drop_reason::superseded}});
    h.pass(1ns);
    CHECK(h.take_back() == std::vector<released>{{of_c, drop_reason::phase2_busy}});
    CHECK(h.quick_all(d, 7) == waits);
    const std::uint32_t of_d = h.last;
    CHECK(h.quick(c, outbound, 7) == waits);
    const std::uint32_t c_again = h.last;
    for (const peer& p : {a, b, c, d}) {
        CHECK(h.holds(p));
        CHECK(h.esp_in(p, 1000 + p.pair) == p.pair);
        h.pass(20ms);
    }
    CHECK(ids(h.take_back()) == id_list{b_again, c_again, of_d});
}

TEST_CASE_TEMPLATE("G4: ESP waits at most a second, exactly", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer p = parked_client(h, 1);
    const peer a = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.esp_out(p, 500) == waits);
    const std::uint32_t first = h.last;
    h.pass(400ms);
    CHECK(h.esp_out(p, 500) == waits);
    const std::uint32_t second = h.last;
    h.pass(600ms - 1ns);
    CHECK(h.take_back().empty());
    h.pass(1ns);
    CHECK(h.take_back() == std::vector<released>{{first, drop_reason::esp_busy}});
    h.pass(400ms);
    CHECK(h.take_back() == std::vector<released>{{second, drop_reason::esp_busy}});
    CHECK(h.slot_of(a).waiting == 0);
    CHECK(h.holds(a));
}

TEST_CASE_TEMPLATE("G4: a packet whose turn comes at the very end of its age goes on", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked_client(h, 1);
    const peer b = parked_client(h, 2);
    CHECK(h.esp_out(a, 501) == forwarded);
    CHECK(h.esp_out(b, 502) == waits);
    const std::uint32_t packet = h.last;
    h.pass(1s);
    CHECK(ids(h.take_back()) == id_list{packet});
    CHECK(h.holds(b));
}

TEST_CASE_TEMPLATE("G4: ESP whose enabling message grew too old is dropped: nobody could answer it", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t message = h.last;
    h.pass(5500ms);
    CHECK(h.esp_out(b, 500) == waits);
    const std::uint32_t esp = h.last;
    h.pass(500ms);
    CHECK(h.take_back() ==
          std::vector<released>{{message, drop_reason::phase2_busy}, {esp, drop_reason::esp_busy}});
    CHECK(h.esp_out(b, 500) == dropped(drop_reason::esp_busy));
    CHECK(h.slot_of(a).waiting == 0);
    CHECK(h.quick(b, outbound, 7) == waits);
    CHECK(h.esp_out(b, 500) == waits);
}

TEST_CASE_TEMPLATE("G4: a client has at most eight messages and four ESP packets waiting", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer p = parked_client(h, 3);
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    for (std::uint32_t id = 1; id <= 8; ++id) {
        CHECK(h.quick_all(b, id) == waits);
    }
    CHECK(h.quick_all(b, 9) == dropped(drop_reason::phase2_busy));
    CHECK(h.quick(b, outbound, 8) == waits);  // a repetition is no further message
    CHECK(h.take_back().size() == 1);
    for (int i = 0; i < 4; ++i) {
        CHECK(h.esp_out(p, 500) == waits);
    }
    const std::uint32_t oldest = h.last - 3;
    CHECK(h.esp_out(p, 500) == waits);
    CHECK(h.take_back() == std::vector<released>{{oldest, drop_reason::esp_busy}});
    CHECK(h.slot_of(a).waiting == 2);
}

TEST_CASE_TEMPLATE("G4: all that waits is bounded in bytes", F, ipv4, ipv6) {
    alg_settings s = long_gate();
    s.held_bytes = 2 * harness<F>::third_length + 100;
    harness<F> h(s);
    const peer p = parked_client(h, 4);
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    const peer c = h.connect(3, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    CHECK(h.quick_all(c, 7) == waits);
    CHECK(h.esp_out(p, 500) == waits);
    CHECK(h.memory().held_bytes() == s.held_bytes);
    CHECK(h.esp_out(p, 500) == dropped(drop_reason::esp_busy));
    CHECK(h.quick_all(c, 8) == dropped(drop_reason::phase2_busy));
    h.pass(6s);
    CHECK(h.memory().held_bytes() == 0);
}

TEST_CASE_TEMPLATE("G5: a client alone never waits", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    for (std::uint32_t id = 1; id < 20; ++id) {
        CHECK(h.quick_all(a, id) == forwarded);
        CHECK(h.esp_out(a, 100 + id) == forwarded);
        CHECK(h.esp_out(a, 100 + id) == forwarded);
        if (id % 3 != 0) {
            CHECK(h.esp_in(a, 1000 + id) == a.pair);
        }
        h.pass(id % 2 == 0 ? 5s : 10ms);
    }
    CHECK(h.count(counter::phase2_held) + h.count(counter::esp_held) == 0);
    CHECK(h.count(counter::bindings_contested) == 0);
}

TEST_CASE_TEMPLATE("G8: a client that just had the slot queues behind those who wait", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked_client(h, 1);
    const peer b = parked_client(h, 2);
    const peer c = parked_client(h, 3);
    CHECK(h.esp_out(a, 501) == forwarded);
    h.pass(500ms);
    CHECK(h.esp_out(b, 502) == waits);
    CHECK(h.esp_out(c, 503) == waits);
    h.pass(500ms);
    CHECK(h.holds(b));
    CHECK(h.esp_out(a, 501) == waits);
    CHECK(h.esp_in(b, 1002) == b.pair);
    h.pass(20ms);
    CHECK(h.holds(c));
    CHECK(h.esp_in(c, 1003) == c.pair);
    h.pass(20ms);
    CHECK(h.holds(a));
}

TEST_CASE_TEMPLATE("G9: other servers, other nat addresses and addresses of one's own never wait", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    const peer other_server = h.connect(1, 1, {}, 2);
    CHECK(h.quick_all(other_server, 7) == forwarded);
    const peer other_nat = h.connect(2, 1, {}, 1, 2);
    CHECK(h.quick_all(other_nat, 7) == forwarded);
    peer alone = h.stranger(9, 1, 1, 9);
    alone.pair = h.make_pair(10, 1, 10, true);
    h.phase1(alone);
    CHECK(h.memory().pair_at(alone.pair).slot == npos);
    CHECK(h.quick_all(alone, 7) == forwarded);
    CHECK(h.esp_out(alone, 500) == forwarded);
    const auto owner = h.core.esp_inbound_exclusive(alone.pair, spi{1000});
    CHECK(owner.pair == alone.pair);
    CHECK(h.newest(alone).state == exchange_state::satisfied);
    CHECK(h.holds(a));
    CHECK(h.holds(other_server));
    CHECK(h.holds(other_nat));
}

TEST_CASE_TEMPLATE("G13: after a bind the slot goes on at once when no other client has a claim", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = h.connect(1, 1, 40ms);
    const peer b = h.connect(2, 1, 40ms);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);  // its server cannot send yet: no claim
    const std::uint32_t packet = h.last;
    h.pass(40ms);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(ids(h.take_back()) == id_list{packet});
    CHECK(h.holds(b));
    CHECK(h.count(counter::bindings_contested) == 0);
}

TEST_CASE_TEMPLATE("G13: with other claims it settles for 1.25 round trips and 10 ms, up to K SPIs", F, ipv4, ipv6) {
    harness<F> h;
    const peer p = parked_client(h, 1, true, 40ms);
    const peer a = h.connect(2, 1, 40ms);
    CHECK(h.quick_all(a, 7) == forwarded);
    h.pass(36ms);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.state_of(a) == slot_state::settle);
    for (std::uint32_t k = 1; k < 4; ++k) {
        CHECK(h.esp_in(a, 1000 + k) == a.pair);
    }
    CHECK(h.esp_in(a, 1004) == npos);
    CHECK(h.why == drop_reason::esp_ambiguous);
    CHECK(h.count(counter::bindings_contested) == 4);
    CHECK(h.esp_out(p, 0x9001) == waits);
    h.pass(60ms - 1ns);
    CHECK(h.holds(a));
    h.pass(1ns);
    CHECK(h.holds(p));
}

TEST_CASE_TEMPLATE("G13: while only IKE's round trip is known, which contains arithmetic, those who wait shorten the settling", F, ipv4, ipv6) {
    harness<F> h;
    const peer p = parked_client(h, 1, false, 800ms);
    const peer a = h.connect(2, 1, 800ms);
    const peer b = h.connect(3, 1, 800ms);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    h.pass(1ms);
    CHECK(h.esp_in(a, 1000) == a.pair);
    CHECK(h.state_of(p) == slot_state::settle);
    h.pass(500ms - 1ns);
    CHECK(h.holds(a));
    h.pass(1ns);
    CHECK(h.holds(b));
}

TEST_CASE_TEMPLATE("G14: what a freed slot hands out comes back in the same call", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = h.connect(1, 1);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t packet = h.last;
    SUBCASE("by a packet") { CHECK(h.esp_in(a, 1000) == a.pair); }
    SUBCASE("by the timer") { h.pass(1250ms); }
    const auto back = h.take_back();
    REQUIRE(back.size() == 1);
    CHECK(back[0] == released{packet, drop_reason::none});
    CHECK(back[0].at == h.now());
}

TEST_CASE_TEMPLATE("G11: the holder's ESP waits when its answer would come in another's tenure", F, ipv4, ipv6) {
    harness<F> h;
    const peer a = parked_client(h, 1, false, 40ms);
    const peer b = parked_client(h, 2, false, 40ms);
    CHECK(h.esp_out(a, 501) == forwarded);
    h.pass(10ms);
    CHECK(h.esp_out(b, 502) == waits);
    h.pass(890ms);
    CHECK(h.esp_out(a, 501) == forwarded);
    h.pass(60ms);
    CHECK(h.esp_out(a, 501) == waits);
    h.pass(40ms);
    CHECK(h.holds(b));
}
