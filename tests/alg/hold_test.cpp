// SPDX-License-Identifier: Apache-2.0
/// Packets that wait for their client's turn (G4): ages at the exact tick, limits, repetitions, order, fragments.
#include "ikealg/alg/hold.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

namespace {

using list = std::vector<released>;

/// Client 1 has the slot for long; the others find it busy.
template <class F>
peer holder_of(harness<F>& h) {
    const peer a = h.connect(1, 1);
    CHECK(h.quick_all(a, 7) == forwarded);
    CHECK(h.holds(a));
    return a;
}
/// Ends the holder's tenure, so that whoever waits has its turn.
template <class F>
void let_go(harness<F>& h, const peer& a) {
    CHECK(h.esp_in(a, 1000) == a.pair);
    h.pass(20ms);
}
/// A client with a parked exchange: its ESP waits without a message.
template <class F>
peer parked(harness<F>& h, unsigned client) {
    const peer p = h.connect(client, 1);
    CHECK(h.quick_all(p, 7) == forwarded);
    CHECK(h.holds(p));
    h.pass(1200s);
    CHECK(h.newest(p).state == exchange_state::parked);
    return p;
}
template <class F>
decision later_fragment(harness<F>& h, const peer& p, std::uint32_t part, spi value = {}) {
    token packet(++h.last);
    const std::uint32_t xi = h.memory().pair_at(p.pair).first_exchange;
    const decision d = h.core.later_fragment(xi, value, {packet, 100, outbound, part});
    CHECK((packet.id == 0) == (d.act == decision::what::held));
    h.collect();
    return d;
}

}  // namespace

TEST_CASE_TEMPLATE("G4: each kind has its own age limit, to the tick, counted from its own arrival", F, ipv4, ipv6) {
    alg_settings s = long_gate();
    s.hold_limit = 70ms;
    s.esp_hold_limit = 20ms;
    harness<F> h(s);
    const peer p = parked(h, 3);
    const peer a = holder_of(h);
    const peer b = h.connect(2, 1);
    const instant start = h.now();
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t message = h.last;
    CHECK(h.slot_of(a).hold_end == start + 70ms);
    CHECK(h.esp_out(p, 500) == waits);
    const std::uint32_t first = h.last;
    CHECK(h.slot_of(a).hold_end == start + 20ms);
    h.pass(5ms);
    CHECK(h.esp_out(p, 500) == waits);
    const std::uint32_t second = h.last;
    CHECK(h.slot_of(a).waiting == 2);
    h.pass(15ms - 1ns);
    CHECK(h.take_back().empty());
    h.pass(1ns);
    CHECK(h.take_back() == list{{first, drop_reason::esp_busy}});
    CHECK(h.slot_of(a).hold_end == start + 25ms);
    h.pass(5ms);
    CHECK(h.take_back() == list{{second, drop_reason::esp_busy}});
    CHECK(h.slot_of(a).waiting == 1);
    h.pass(45ms - 1ns);
    CHECK(h.take_back().empty());
    h.pass(1ns);
    CHECK(h.take_back() == list{{message, drop_reason::phase2_busy}});
    CHECK(h.slot_of(a).waiting == 0);
    CHECK(h.memory().held().size() == 0);
}

TEST_CASE_TEMPLATE("G4: with a limit of 0 nothing waits", F, ipv4, ipv6) {
    alg_settings s = long_gate();
    s.hold_limit = 0ms;
    s.esp_hold_limit = 0ms;
    harness<F> h(s);
    const peer p = parked(h, 3);
    const peer a = holder_of(h);
    CHECK(h.quick_all(h.connect(2, 1), 7) == dropped(drop_reason::phase2_busy));
    CHECK(h.esp_out(p, 500) == dropped(drop_reason::esp_busy));
    CHECK(h.slot_of(a).waiting == 0);
    CHECK(h.count(counter::phase2_held) + h.count(counter::esp_held) == 0);
}

TEST_CASE_TEMPLATE("G4: bytes are bounded to the byte, for a repetition too, and come free again", F, ipv4, ipv6) {
    alg_settings s = long_gate();
    s.held_bytes = 400 + harness<F>::third_length;
    harness<F> h(s);
    const peer a = holder_of(h);
    const peer b = h.connect(2, 1);
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t old = h.last;
    CHECK(h.ike(b, exchange_type::quick_mode, outbound, 7, false, 401) == dropped(drop_reason::phase2_busy));
    CHECK(h.take_back().empty());  // what waits already stays
    CHECK(h.ike(b, exchange_type::quick_mode, outbound, 7, false, 400) == waits);
    const std::uint32_t longer = h.last;
    CHECK(h.take_back() == list{{old, drop_reason::superseded}});
    CHECK(h.memory().held_bytes() == 400);
    let_go(h, a);
    CHECK(h.take_back() == list{{longer, drop_reason::none}});
    CHECK(h.memory().held_bytes() == 0);
}

TEST_CASE_TEMPLATE("G4: packets are bounded in number", F, ipv4, ipv6) {
    harness<F> h(long_gate(), {64, 16, 16, 16, 64, 2});
    (void)holder_of(h);
    CHECK(h.quick_all(h.connect(2, 1), 7) == waits);
    CHECK(h.quick_all(h.connect(3, 1), 7) == waits);
    CHECK(h.quick_all(h.connect(4, 1), 7) == dropped(drop_reason::phase2_busy));
    CHECK(h.memory().held().size() == 2);
}

TEST_CASE_TEMPLATE("G4: the limits of one client are not another's; of its ESP the oldest makes room", F, ipv4, ipv6) {
    alg_settings s = long_gate();
    s.held_messages_per_client = 2;
    s.held_esp_per_client = 1;
    harness<F> h(s);
    const peer p = parked(h, 4);
    const peer a = holder_of(h);
    const peer b = h.connect(2, 1);
    const peer c = h.connect(3, 1);
    CHECK(h.quick_all(b, 1) == waits);
    CHECK(h.quick_all(b, 2) == waits);
    CHECK(h.quick_all(b, 3) == dropped(drop_reason::phase2_busy));
    CHECK(h.quick_all(c, 1) == waits);
    CHECK(h.quick_all(c, 2) == waits);
    CHECK(h.esp_out(p, 500) == waits);
    const std::uint32_t oldest = h.last;
    CHECK(h.esp_out(p, 500) == waits);
    CHECK(h.take_back() == list{{oldest, drop_reason::esp_busy}});
    CHECK(h.slot_of(a).waiting == 3);
    CHECK(h.memory().held().size() == 5);
}

TEST_CASE_TEMPLATE("G4: a repetition takes the old place and begins a new age; ESP leaves behind its message", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = holder_of(h);
    const peer b = h.connect(2, 1);
    const peer c = h.connect(3, 1);
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t old = h.last;
    CHECK(h.quick_all(c, 7) == waits);
    h.pass(5500ms);
    CHECK(h.esp_out(b, 500) == waits);
    const std::uint32_t esp = h.last;
    CHECK(h.quick(b, outbound, 7) == waits);
    const std::uint32_t again = h.last;
    CHECK(h.take_back() == list{{old, drop_reason::superseded}});
    CHECK(h.slot_of(a).waiting == 2);
    h.pass(500ms);
    CHECK(h.take_back().size() == 1);  // that of c, too old
    let_go(h, a);
    CHECK(h.take_back() == list{{again, drop_reason::none}, {esp, drop_reason::none}});
    CHECK(h.holds(b));
    CHECK(h.told(event_kind::released) == 2);
}

TEST_CASE_TEMPLATE("G4, R9: interleaved fragments of two messages are two messages", F, ipv4, ipv6) {
    alg_settings s = long_gate();
    s.held_messages_per_client = 2;
    harness<F> h(s);
    const peer a = holder_of(h);
    const peer b = h.connect(2, 1);
    for (std::uint16_t number = 1; number <= 3; ++number) {
        for (const std::uint32_t id : {2U, 3U}) {
            ike_bytes m = ike_header{b.initiator, b.responder, 0x20, exchange_type::create_child_sa, 0x20, id, 100, 53}.bytes_of();
            store_be16(m.data.data() + 30, 72);
            store_be16(m.data.data() + 32, number);
            store_be16(m.data.data() + 34, 3);
            CAPTURE(id);
            CAPTURE(number);
            CHECK(h.ike(b, m, inbound, number) == waits);
        }
    }
    CHECK(h.memory().held().size() == 6);
    let_go(h, a);
    CHECK(h.take_back().size() == 6);
}

TEST_CASE_TEMPLATE("G4: later fragments wait behind their message, each once, and go on when it has gone", F, ipv4, ipv6) {
    harness<F> h(long_gate());
    const peer a = holder_of(h);
    const peer b = h.connect(2, 1);
    h.fragment_of_ip = true;
    CHECK(h.quick_all(b, 7) == waits);
    const std::uint32_t first = h.last;
    CHECK(later_fragment(h, b, ikealg::alg::later_ip_fragment | 100) == waits);
    CHECK(later_fragment(h, b, ikealg::alg::later_ip_fragment | 200) == waits);
    CHECK(later_fragment(h, b, ikealg::alg::later_ip_fragment | 100) == dropped(drop_reason::superseded));
    CHECK(later_fragment(h, b, ikealg::alg::later_ip_fragment | 200) == dropped(drop_reason::superseded));
    CHECK(h.memory().held().size() == 3);
    CHECK(h.slot_of(a).waiting == 1);
    CHECK(h.quick(b, outbound, 7) == waits);  // another datagram: the old one's later fragments do not belong to it
    const std::uint32_t again = h.last;
    CHECK(h.take_back() == list{{first, drop_reason::superseded},
                                {first + 1, drop_reason::superseded},
                                {first + 2, drop_reason::superseded}});
    CHECK(later_fragment(h, b, ikealg::alg::later_ip_fragment | 100) == waits);
    const std::uint32_t second = h.last;
    let_go(h, a);
    CHECK(h.take_back() == list{{again, drop_reason::none}, {second, drop_reason::none}});
    CHECK(later_fragment(h, b, ikealg::alg::later_ip_fragment | 300) == forwarded);
    CHECK(h.memory().held_bytes() == 0);
}
