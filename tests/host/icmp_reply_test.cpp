// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/icmp_reply.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;
using host::error_kind;

namespace {

const ipv4_address a = v4("10.0.0.5"), b = v4("198.51.100.1"), gw = v4("10.0.0.1");

bool answerable(const octets& packet) {
    const auto r = wire::parse_packet<ipv4>(packet);
    REQUIRE(r);
    return host::may_answer(r.summary);
}
octets error_about(const octets& packet, error_kind kind) {
    octets out(host::error_size(packet.size()), 0xee);
    host::write_error(out, packet, kind, gw);
    return out;
}
/// An expected error, with the TOS of network control, put together by the test's own builder.
octets expected(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const octets& quote) {
    octets p = icmp(gw, a, type, code, rest, quote, {64, 0});
    p[1] = 0xc0;
    p[10] = p[11] = 0;
    store_be16(&p[10], checksum(p.data(), 20));
    return p;
}

}  // namespace

TEST_CASE("exact bytes of time exceeded, unreachable and fragmentation needed") {
    const octets p = udp(a, 1000, b, 53, octets(30, 7));
    CHECK(error_about(p, error_kind::time_exceeded()) == expected(11, 0, 0, p));
    CHECK(error_about(p, error_kind::unreachable(wire::icmp_unreachable::host)) == expected(3, 1, 0, p));
    CHECK(error_about(p, error_kind::unreachable(wire::icmp_unreachable::administratively_prohibited)) == expected(3, 13, 0, p));
    CHECK(error_about(p, error_kind::fragmentation_needed(1400)) == expected(3, 4, 1400, p));
}

TEST_CASE("a long packet is quoted as far as fits in 576 bytes") {
    const octets p = udp(a, 1000, b, 53, octets(1400, 7));
    const octets e = error_about(p, error_kind::time_exceeded());
    CHECK(e.size() == 576);
    CHECK(e == expected(11, 0, 0, octets(p.begin(), p.begin() + 548)));
    const octets just = udp(a, 1000, b, 53, octets(548 - 28, 7));
    CHECK(error_about(just, error_kind::time_exceeded()) == expected(11, 0, 0, just));
}

TEST_CASE("the TOS of the packet is kept, with the precedence of network control, without ECN") {
    octets p = udp(a, 1000, b, 53);
    p[1] = 0x3f;
    CHECK(error_about(p, error_kind::time_exceeded())[1] == 0xde);
}

TEST_CASE("what is never answered with an error") {
    CHECK(answerable(udp(a, 1, b, 2)));
    CHECK(answerable(tcp(a, 1, b, 2, 2)));
    CHECK(answerable(echo(a, b, 1)));
    CHECK(answerable(echo(a, b, 1, 1, true)));
    CHECK(answerable(esp(a, b, 0x1000)));
    CHECK(answerable(ip4(47, a, b, octets(20))));
    CHECK(answerable(udp(a, 1, b, 2, octets(24), {64, 1, false, true, 0})));
    CHECK(!answerable(udp(a, 1, b, 2, octets(24), {64, 1, false, true, 3})));
    CHECK(!answerable(udp(a, 1, b, 2, octets(24), {64, 1, false, false, 3})));
    for (const std::uint8_t type : octets{3, 4, 5, 11, 12, 42}) {
        CAPTURE(int{type});
        CHECK(!answerable(icmp(a, b, type, 0, 0, udp(b, 1, a, 2))));
    }
    for (const char* source : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"}) {
        CAPTURE(source);
        CHECK(!answerable(udp(v4(source), 1, b, 2)));
        CHECK(!answerable(udp(a, 1, v4(source), 2)));
    }
}

TEST_CASE("a reset answers a segment") {
    octets out(host::reset_size, 0xee);
    octets p = tcp(a, 1000, b, 80, 0x02);
    store_be32(&p[24], 0x01020304);
    SUBCASE("without ACK: acknowledges it") {
        p = joined(p, hex("aabbcc"));
        store_be16(&p[2], static_cast<std::uint16_t>(p.size()));
        REQUIRE(host::write_reset(out, p));
        CHECK(load_be32(&out[24]) == 0);
        CHECK(load_be32(&out[28]) == 0x01020304 + 3 + 1);
        CHECK(out[33] == 0x14);
    }
    SUBCASE("with ACK: stands where the other expects the next") {
        p[33] = 0x11;
        store_be32(&p[28], 0xa0b0c0d0);
        REQUIRE(host::write_reset(out, p));
        CHECK(load_be32(&out[24]) == 0xa0b0c0d0);
        CHECK(load_be32(&out[28]) == 0);
        CHECK(out[33] == 0x04);
    }
    SUBCASE("but never a reset") {
        p[33] = 0x14;
        CHECK(!host::write_reset(out, p));
        return;
    }
    SUBCASE("nor what is no segment") {
        p.resize(30);
        store_be16(&p[2], 30);
        CHECK(!host::write_reset(out, p));
        return;
    }
    CHECK(load_be32(&out[12]) == b.value);
    CHECK(load_be32(&out[16]) == a.value);
    CHECK(load_be16(&out[20]) == 80);
    CHECK(load_be16(&out[22]) == 1000);
    CHECK((ones_sum(out.data(), 20) & 0xffff) == 0xffff);
    CHECK(ones_sum(&out[20], 20, pseudo_sum(b, a, 6, 20)) == 0xffff);
}

TEST_CASE("an echo reply") {
    octets p = echo(a, gw, 0x1234, 7);
    CHECK(host::make_echo_reply(p) == p.size());
    CHECK(p == icmp(gw, a, 0, 0, 0x1234'0007, octets(16, 0x61), {64, 0}));
    SUBCASE("keeps the TOS and loses options") {
        octets q = ip4(1, a, gw, icmp_message(8, 0, 5, hex("010203")), {64, 9, true, false, 0, hex("0101010101010100")});
        q[1] = 0xb8;
        const std::size_t n = host::make_echo_reply(q);
        REQUIRE(n == q.size() - 8);
        q.resize(n);
        CHECK(q[1] == 0xb8);
        CHECK((ones_sum(q.data(), 20) & 0xffff) == 0xffff);
        CHECK(octets(q.begin() + 20, q.end()) == icmp_message(0, 0, 5, hex("010203")));
    }
    SUBCASE("may be fragmented when it is large") {
        octets q = icmp(a, gw, 8, 0, 5, octets(1400, 1));
        REQUIRE(host::make_echo_reply(q) == q.size());
        CHECK(q == icmp(gw, a, 0, 0, 5, octets(1400, 1), {64, 0, false}));
    }
    SUBCASE("is not made of a damaged request") {
        octets q = echo(a, gw, 1);
        q.back() ^= 1;
        const octets before = q;
        CHECK(host::make_echo_reply(q) == 0);
        CHECK(q == before);
    }
}
