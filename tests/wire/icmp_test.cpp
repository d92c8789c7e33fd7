// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/icmp.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::icmp_error;
using wire::icmp_type;
using wire::icmp_unreachable;
using wire::icmp_view;
using wire::icmpv6_type;
using wire::icmpv6_view;
using wire::packet_kind;

TEST_CASE("N8: Port Unreachable of a Linux stack, IPv4") {
    const auto packet = hex(samples::port_unreachable);
    const auto r = icmp_view::parse(bytes{packet}.subspan(20));
    REQUIRE(r);
    CHECK(r.view.type() == icmp_type::destination_unreachable);
    CHECK(r.view.code() == static_cast<unsigned>(icmp_unreachable::port));
    CHECK(r.view.checksum() == 0xa2fd);
    CHECK(r.view.checksum_valid());
    CHECK(r.view.kind() == packet_kind::icmp_error);
    CHECK(r.view.payload().size() == 68);
    const auto quote = r.view.quoted();
    REQUIRE(quote);
    CHECK(quote.summary.source_port == ike_port);
    CHECK(to_string(quote.summary.source) == "192.0.2.1");
}

TEST_CASE("N8: Port Unreachable of a Linux stack, IPv6") {
    const auto packet = hex(samples::port_unreachable6);
    const auto r = icmpv6_view::parse(bytes{packet}.subspan(40));
    REQUIRE(r);
    const auto from = *ipv6_address::parse("2001:db8::7");
    const auto to = *ipv6_address::parse("2001:db8::1");
    CHECK(r.view.type() == icmpv6_type::destination_unreachable);
    CHECK(r.view.code() == 4);
    CHECK(r.view.checksum_valid(from, to));
    CHECK_FALSE(r.view.checksum_valid(from, from));
    CHECK(r.view.quoted().summary.destination_port == ike_port);
}

TEST_CASE("echo: identifier and sequence, rewritten with the checksum") {
    auto echo = hex("0800 0000 beef 0007 6162636465");
    store_be16(&echo[2], finish_checksum(sum_bytes(echo)));
    const auto v = wire::mutable_icmp_view::parse(echo).view;
    CHECK(v.kind() == packet_kind::icmp_echo_request);
    CHECK(v.identifier() == port{0xbeef});
    CHECK(v.sequence() == 7);
    v.set_identifier({0x1234});
    CHECK(v.identifier() == port{0x1234});
    CHECK(v.checksum_valid());
    v.adjust_checksum(delta_of(std::uint16_t{7}, std::uint16_t{8}));
    CHECK_FALSE(v.checksum_valid());
    store_be16(&echo[6], 8);
    CHECK(v.checksum_valid());
}

TEST_CASE("D8: the MTU of Fragmentation Needed and of Packet Too Big") {
    const auto needed = hex("03040000 0000 05a8");
    CHECK(icmp_view::parse(needed).view.mtu() == 1448);
    const auto big = hex("02000000 00010500");
    CHECK(icmpv6_view::parse(big).view.mtu() == 66816);
}

TEST_CASE("L6: an ICMP message below 8 bytes is refused") {
    const auto echo = hex("08000000beef0007");
    for (std::size_t n = 0; n <= 8; ++n) {
        const exact_copy part(bytes{echo}.first(n));
        const auto expected = n < 8 ? icmp_error::truncated_header : icmp_error::none;
        CHECK(to_string(icmp_view::parse(part.bytes()).error) == to_string(expected));
        CHECK(icmpv6_view::parse(part.bytes()).error == expected);
    }
    CHECK(icmp_view::parse(echo).view.quoted().error == wire::parse_error::truncated_header);
}

TEST_CASE("types and codes have the names of their RFCs") {
    CHECK(to_string(icmp_type::echo_request) == "Echo");
    CHECK(to_string(icmp_type::time_exceeded) == "Time Exceeded");
    CHECK(to_string(icmpv6_type::packet_too_big) == "Packet Too Big");
    CHECK(to_string(icmpv6_type::echo_request) == "Echo Request");
    CHECK(to_string(icmp_unreachable::port) == "Port Unreachable");
    CHECK(to_string(static_cast<icmp_type>(99)) == "unknown");
    CHECK(to_string(static_cast<icmpv6_type>(99)) == "unknown");
    CHECK(to_string(static_cast<icmp_unreachable>(99)) == "unknown");
}
