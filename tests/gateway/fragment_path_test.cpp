// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/fragment_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("N9: later fragments follow their first, in any order; early ones wait for it, 5 s at most") {
    world w;
    tunnel t(w, 5);
    t.phase1();
    const octets big = udp(client(5), 500, server_1, 500, ike(t.ids, 4000));
    auto parts = fragments(big, 1400, 700);
    REQUIRE(parts.size() == 3);
    SUBCASE("in order") {
        std::vector<std::uint16_t> ids;
        for (const octets& p : parts) {
            const outcome o = w.out(p);
            REQUIRE(o.forwarded());
            CHECK(source_of(o.data) == nat_1);
            ids.push_back(identification_of(o.data));
        }
        CHECK(ids[0] == ids[1]);
        CHECK(ids[0] == ids[2]);
    }
    SUBCASE("the last one first") {
        CHECK(w.out(parts[2]).held);
        CHECK(w.out(parts[1]).held);
        const outcome o = w.out(parts[0]);
        REQUIRE(o.forwarded());
        const auto back = w.take_others();
        REQUIRE(back.size() == 2);
        for (const outcome& later : back) {
            CHECK(later.forwarded());
            CHECK(identification_of(later.data) == identification_of(o.data));
        }
        CHECK(w.count(counter::fragments_held) == 2);
    }
    SUBCASE("no first one") {
        CHECK(w.out(parts[1]).held);
        w.pass(4900ms);
        CHECK(w.take_others().empty());
        w.pass(200ms);
        const auto back = w.take_others();
        REQUIRE(back.size() == 1);
        CHECK(back[0].dropped(drop_reason::fragment));
    }
    SUBCASE("from outside, on a port that clients share") {
        auto s = usual_settings();
        s.alg.ike_port = alg::ike_port_mode::preserve;
        world shared(s);
        tunnel a(shared, 1);
        tunnel b(shared, 2);
        a.phase1();
        b.phase1();
        for (tunnel* to : {&a, &b}) {
            const auto answer = fragments(udp(server_1, 500, nat_1, 500, ike(to->ids, 3000)), 1400, static_cast<std::uint16_t>(to->local.value));
            CHECK(shared.in(answer[1]).held);
            CHECK(destination_of(shared.in(answer[0]).data) == to->local);
            CHECK(destination_of(shared.in(answer[2]).data) == to->local);
            const auto back = shared.take_others();
            REQUIRE(back.size() == 1);
            CHECK(destination_of(back[0].data) == to->local);
        }
    }
    SUBCASE("a fragment of a packet that was dropped is dropped for the same reason") {
        const auto denied = fragments(udp(server_1, 53, nat_1, 6000, hello), 32, 3);
        CHECK(w.in(denied[0]).dropped(drop_reason::no_state));
        CHECK(w.in(denied[1]).dropped(drop_reason::no_state));
    }
}

TEST_CASE("N9: a first fragment that is held keeps those behind it, and they leave together") {
    world w;
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.phase1();
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    const octets big = udp(client(2), 500, server_1, 500, b.message(exchange_type::create_child_sa, 2, false, true, 4000));
    const auto parts = fragments(big, 1400, 701);
    CHECK(w.out(parts[2]).held);  // early
    CHECK(w.out(parts[0]).held);  // no turn yet
    CHECK(w.out(parts[1]).held);
    CHECK(w.take_others().empty());
    w.pass(10ms);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    w.pass(1500ms);
    const auto back = w.take_others();
    REQUIRE(back.size() == 3);
    CHECK(source_port_of(back[0].data) == b.nat_port);
    for (const outcome& o : back) {
        CHECK(o.forwarded());
        CHECK(source_of(o.data) == nat_1);
        CHECK(identification_of(o.data) == identification_of(back[0].data));
    }
}
