// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/icmp_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("N8: an error from outside about UDP, TCP, echo and ESP reaches its client, both headers rewritten") {
    world w;
    tunnel t(w, 5);
    t.connect(0xa001, 0xb001);
    const std::vector<octets> sent{udp(client(5), 6000, server_1, 53, hello), tcp(client(5), 6000, server_1, 80, 2), echo(client(5), server_1, 9),
                                   esp(client(5), server_1, 0xb001, 7), udp(client(5), 500, server_1, 500, ike(t.ids))};
    for (const octets& packet : sent) {
        for (const std::size_t quote : {28UL, 60UL, 1000UL}) {
            for (const std::uint8_t type : {std::uint8_t{3}, std::uint8_t{4}, std::uint8_t{11}, std::uint8_t{12}}) {
                CAPTURE(int{packet[9]});
                CAPTURE(quote);
                const outcome out = w.out(packet);
                REQUIRE(out.forwarded());
                const std::size_t flows = w.g->records().flows.size();
                const outcome e = w.in(error_about(router, nat_1, out.data, type, 0, quote));
                REQUIRE(e.forwarded());
                CHECK(e.v.to == inside);
                CHECK(source_of(e.data) == router);
                CHECK(destination_of(e.data) == client(5));
                octets expected = packet;  // as the client sent it, but for the TTL
                expected[8] = 63;
                store_be16(&expected[10], 0);
                store_be16(&expected[10], checksum(expected.data(), 20));
                expected.resize(std::min(expected.size(), quote));
                CHECK(quoted_in(e.data) == expected);
                CHECK(w.g->records().flows.size() == flows);
            }
        }
    }
    CHECK(w.count(counter::icmp_translated) == 60);
    CHECK(w.told(event_kind::icmp_error) == 60);
}

TEST_CASE("N8: an error from inside about what the client got: the server sees the nat address in both headers") {
    world w;
    tunnel t(w, 5);
    t.connect(0xa001, 0xb001);
    const outcome query = w.out(udp(client(5), 6000, server_1, 53, hello));
    const outcome ping = w.out(echo(client(5), server_1, 9));
    const std::vector<octets> sent{udp(server_1, 53, nat_1, source_port_of(query.data), hello), echo(server_1, nat_1, load_be16(&ping.data[24]), 1, true),
                                   esp(server_1, nat_1, 0xa001, 7), udp(server_1, 500, nat_1, 500, ike(t.ids))};
    for (const octets& packet : sent) {
        CAPTURE(int{packet[9]});
        const outcome got = w.in(packet);
        REQUIRE(got.forwarded());
        const outcome e = w.out(error_about(client(99), server_1, got.data));  // a router inside
        REQUIRE(e.forwarded());
        CHECK(e.v.to == outside);
        CHECK(source_of(e.data) == nat_1);
        CHECK(destination_of(e.data) == server_1);
        octets expected = packet;
        expected[8] = 63;
        store_be16(&expected[10], 0);
        store_be16(&expected[10], checksum(expected.data(), 20));
        CHECK(quoted_in(e.data) == expected);
    }
}

TEST_CASE("N8: errors about IKE on a shared port go to the client whose SPIs are quoted") {
    auto s = usual_settings();
    s.alg.ike_port = alg::ike_port_mode::preserve;
    world w(s);
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.phase1();
    b.phase1();
    for (tunnel* t : {&a, &b}) {
        const outcome out = t->out(exchange_type::informational, 7);
        REQUIRE(out.forwarded());
        const outcome e = w.in(error_about(router, nat_1, out.data));
        REQUIRE(e.forwarded());
        CHECK(destination_of(e.data) == t->local);
        CHECK(destination_of(quoted_in(e.data)) == server_1);
        CHECK(source_of(quoted_in(e.data)) == t->local);
        CHECK(w.in(error_about(router, nat_1, out.data, 3, 3, 28)).dropped(drop_reason::icmp_unmatched));
    }
}

TEST_CASE("N8: errors that quote nothing known are dropped and counted, and keep nothing alive") {
    world w;
    const outcome out = w.out(udp(client(5), 6000, server_1, 53, hello));
    CHECK(w.in(error_about(router, nat_1, udp(nat_1, 6001, server_1, 53, hello))).dropped(drop_reason::icmp_unmatched));
    CHECK(w.in(error_about(router, nat_1, out.data, 3, 4, 20)).v.act == action::drop);
    CHECK(w.in(icmp(router, nat_1, 3, 4, 0, octets(5))).v.act == action::drop);
    CHECK(w.in(icmp(router, nat_1, 5, 0, 0, out.data)).dropped(drop_reason::unsupported));  // a redirect
    CHECK(w.count(counter::icmp_unmatched) == 3);
    for (int i = 0; i < 5; ++i) {
        w.pass(100s);
        (void)w.in(error_about(router, nat_1, out.data));
    }
    CHECK(w.g->records().flows.size() == 0);
}

TEST_CASE("N8: ICMPv6 errors about UDP, TCP, echo, IKE and ESP reach their client, or the server, both headers rewritten") {
    basic_world<ipv6> w;
    basic_tunnel<ipv6> t(w, 5);
    t.connect(0xa001, 0xb001);
    using here = at<ipv6>;
    const ipv6_address far = v6("2001:db8:99::1");
    const std::vector<octets> sent{udp(here::client(5), 6000, here::server(), 53, hello), tcp(here::client(5), 6000, here::server(), 80, 2),
                                   icmp(here::client(5), here::server(), 128, 0, 0x0009'0001, octets(16)), esp(here::client(5), here::server(), 0xb001, 7),
                                   udp(here::client(5), 500, here::server(), 500, ike(t.ids))};
    const auto cut = [](octets p, std::size_t n) {
        p.resize(std::min(p.size(), n));
        return p;
    };
    for (const octets& packet : sent) {
        for (const std::uint8_t type : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{4}}) {
            for (const std::size_t quote : {std::size_t{48}, std::size_t{1200}}) {
                CAPTURE(int{packet[6]});
                CAPTURE(int{type});
                CAPTURE(quote);
                const outcome out = w.out(packet);
                REQUIRE(out.forwarded());
                const outcome e = w.in(icmp(far, here::nat(), type, 0, 1280, cut(out.data, quote)));
                REQUIRE(e.forwarded());
                CHECK(source_in<ipv6>(e.data) == far);
                CHECK(destination_in<ipv6>(e.data) == here::client(5));
                octets expected = packet;
                expected[7] = 63;
                CHECK(octets(e.data.begin() + 48, e.data.end()) == cut(expected, quote));
            }
        }
    }
    const octets in = esp(here::server(), here::nat(), 0xa001, 9);
    const outcome got = w.in(in);
    REQUIRE(got.forwarded());
    const outcome back = w.out(icmp(here::client(5), here::server(), 2, 0, 1280, got.data));
    REQUIRE(back.forwarded());
    CHECK(source_in<ipv6>(back.data) == here::nat());
    octets expected = in;
    expected[7] = 63;
    CHECK(octets(back.data.begin() + 48, back.data.end()) == expected);
    CHECK(w.in(icmp(far, here::nat(), 1, 0, 0, esp(here::nat(), here::server(), 0xb777))).dropped(drop_reason::icmp_unmatched));
}
