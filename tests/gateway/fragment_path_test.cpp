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

namespace {

/// Two clients with one initiator SPI on a shared port; the second one's first message comes in three IP fragments.
struct colliding {
    world w;
    tunnel a;
    tunnel b;

    explicit colliding(std::chrono::milliseconds hold_limit = 6s) : w(settings_with(hold_limit)), a(w, 1), b(w, 2) {
        b.ids.initiator = a.ids.initiator;
        CHECK(a.out(exchange_type::ike_sa_init, 0).forwarded());
    }
    static settings<ipv4> settings_with(std::chrono::milliseconds hold_limit) {
        auto s = usual_settings();
        s.alg.ike_port = alg::ike_port_mode::preserve;
        s.alg.hold_limit = hold_limit;
        return s;
    }
    [[nodiscard]] std::vector<octets> parts(std::uint16_t id) const {
        return fragments(udp(client(2), 500, server_1, 500, b.message(exchange_type::ike_sa_init, 0, false, true, 3500)), 1400, id);
    }
    /// The first client's answer comes; what then leaves must be these offsets, in this order, of one datagram from the nat address.
    void answer_and_expect(const std::vector<unsigned>& offsets) {
        CHECK(w.take_others().empty());
        CHECK(destination_of(a.in(exchange_type::ike_sa_init, 0).data) == client(1));
        const auto back = w.take_others();
        REQUIRE(back.size() == offsets.size());
        for (std::size_t i = 0; i < back.size(); ++i) {
            CAPTURE(i);
            CHECK(back[i].forwarded());
            CHECK(source_of(back[i].data) == nat_1);
            CHECK(identification_of(back[i].data) == identification_of(back[0].data));
            CHECK((load_be16(&back[i].data[6]) & 0x1fff) == offsets[i]);
        }
        b.learn(back[0]);
        CHECK(destination_of(b.in(exchange_type::ike_sa_init, 0).data) == client(2));
    }
    void nothing_is_left() {
        CHECK(w.g->records().held().size() == 0);
        w.pass(24h);
        CHECK(w.take_others().empty());
        CHECK(w.g->records().held_bytes() == 0);
    }
};

}  // namespace

TEST_CASE("N5: later IP fragments of a colliding first message wait with it and leave behind it, in any order of arrival") {
    const std::vector<std::vector<std::size_t>> orders{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    for (const auto& order : orders) {
        CAPTURE(order[0]);
        CAPTURE(order[1]);
        colliding c;
        const auto parts = c.parts(701);
        std::vector<unsigned> offsets{0};
        for (const std::size_t i : order) {
            CHECK(c.w.out(parts[i]).held);
            if (i != 0) {
                offsets.push_back(static_cast<unsigned>(i * 175));
            }
        }
        c.w.pass(10ms);
        c.answer_and_expect(offsets);
        c.nothing_is_left();
    }
}

TEST_CASE("N5: a later fragment that comes when the message has left follows it at once; one that is lost stays lost") {
    colliding c;
    const auto parts = c.parts(701);
    CHECK(c.w.out(parts[0]).held);
    CHECK(c.w.out(parts[1]).held);
    c.answer_and_expect({0, 175});
    const outcome late = c.w.out(parts[2]);
    CHECK(late.forwarded());
    CHECK(source_of(late.data) == nat_1);
    c.nothing_is_left();
}

TEST_CASE("N5: when the message grows too old, what waited for it is dropped with it") {
    colliding c(2s);
    const auto parts = c.parts(701);
    for (const octets& p : parts) {
        CHECK(c.w.out(p).held);
    }
    c.w.pass(1999ms);
    CHECK(c.w.take_others().empty());
    c.w.pass(1ms);
    const auto back = c.w.take_others();
    REQUIRE(back.size() == 3);
    for (const outcome& o : back) {
        CHECK(o.dropped(drop_reason::ike_ambiguous));
    }
    CHECK(c.w.out(parts[2]).dropped(drop_reason::ike_ambiguous));
    c.nothing_is_left();
}

TEST_CASE("N5: a repeated message takes the place of the old one with all its fragments; the same fragment again changes nothing") {
    colliding c;
    const auto old = c.parts(701);
    for (const octets& p : old) {
        CHECK(c.w.out(p).held);
    }
    CHECK(c.w.out(old[0]).held);  // doubled on the way
    auto back = c.w.take_others();
    REQUIRE(back.size() == 1);
    CHECK(back[0].dropped(drop_reason::superseded));
    const auto fresh = c.parts(702);
    CHECK(c.w.out(fresh[0]).held);
    back = c.w.take_others();
    REQUIRE(back.size() == 3);
    for (const outcome& o : back) {
        CHECK(o.dropped(drop_reason::superseded));
    }
    CHECK(c.w.out(old[1]).dropped(drop_reason::superseded));
    CHECK(c.w.out(fresh[2]).held);
    CHECK(c.w.out(fresh[1]).held);
    c.answer_and_expect({0, 350, 175});
    c.nothing_is_left();
}

TEST_CASE("L1: the fragments that wait for a colliding message are bounded") {
    colliding c;
    const auto parts = fragments(udp(client(2), 500, server_1, 500, c.b.message(exchange_type::ike_sa_init, 0, false, true, 3500)), 80, 701);
    std::size_t held = 0;
    for (const octets& p : parts) {
        held += c.w.out(p).held ? 1U : 0U;
    }
    CHECK(held == 17);  // the first, and sixteen behind it
    c.w.pass(24h);
    CHECK(c.w.take_others().size() == 17);
    c.nothing_is_left();
}

TEST_CASE_TEMPLATE("N9: IKE and ESP in fragments, for either family: in any order they follow the first one", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> t(w, 5);
    t.connect(0xa001, 0xb001);
    const std::vector<octets> sent{udp(at<F>::client(5), 500, at<F>::server(), 500, ike(t.ids, 3500)), esp(at<F>::client(5), at<F>::server(), 0xb001, 7, 3500),
                                   udp(at<F>::server(), 500, at<F>::nat(), 500, ike(t.ids, 3500)), esp(at<F>::server(), at<F>::nat(), 0xa001, 7, 3500)};
    std::uint16_t id = 900;
    for (std::size_t kind = 0; kind < sent.size(); ++kind) {
        const bool outbound = kind < 2;
        for (const std::vector<std::size_t>& order : {std::vector<std::size_t>{0, 1, 2}, {2, 0, 1}, {2, 1, 0}}) {
            CAPTURE(kind);
            CAPTURE(order[0]);
            const auto parts = fragments_of<F>(sent[kind], 1400, ++id);
            REQUIRE(parts.size() == 3);
            std::vector<outcome> out;
            for (const std::size_t i : order) {
                const outcome o = w.send(parts[i], outbound ? inside : outside);
                if (!o.held) {
                    out.push_back(o);
                }
                for (const outcome& later : w.take_others()) {
                    out.push_back(later);
                }
            }
            REQUIRE(out.size() == 3);
            CHECK(fragment_offset_of(out[0].data) == 0);
            for (const outcome& o : out) {
                CHECK(o.forwarded());
                CHECK(source_in<F>(o.data) == (outbound ? at<F>::nat() : at<F>::server()));
                CHECK(destination_in<F>(o.data) == (outbound ? at<F>::server() : at<F>::client(5)));
                CHECK(fragment_id_of(o.data) == fragment_id_of(out[0].data));
            }
        }
    }
}
