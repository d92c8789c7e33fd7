// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/icmp.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "ikealg/wire/ipv4.hpp"
#include "ikealg/wire/ipv6.hpp"
#include "samples.hpp"
#include "support/captured.hpp"
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

TEST_CASE("N8: every ICMP message that Linux hosts and routers sent, IPv4") {
    struct row {
        icmp_type type;
        icmp_unreachable code;
        unsigned checksum;
        packet_kind kind;
        const char* from;
        std::size_t length;   ///< of the message
        const char* to = "";  ///< whom the quoted packet was for
        unsigned protocol = 0;
        unsigned length_of_quote = 0;
    };
    constexpr auto error = packet_kind::icmp_error;
    constexpr auto no_code = icmp_unreachable::net;
    constexpr auto unreachable = icmp_type::destination_unreachable;
    const char* const host = "192.0.2.1";
    const char* const router = "192.0.2.254";
    const char* const server = "198.51.100.7";
    const std::vector<row> rows{
        {icmp_type::echo_request, no_code, 0xb0bc, packet_kind::icmp_echo_request, host, 24},
        {icmp_type::echo_reply, no_code, 0xb8bc, packet_kind::icmp_echo_reply, server, 24},
        {unreachable, icmp_unreachable::port, 0xe956, error, server, 40, server, 17, 32},
        {unreachable, icmp_unreachable::protocol, 0x3e47, error, server, 36, server, 253, 28},
        {unreachable, icmp_unreachable::net, 0x8531, error, router, 39, "198.18.0.1", 17, 31},
        {unreachable, icmp_unreachable::host, 0xfb9f, error, router, 40, "203.0.113.129", 17, 32},
        {unreachable, icmp_unreachable::administratively_prohibited, 0xfbe0, error, router, 46, "203.0.113.200", 17,
         38},
        {unreachable, icmp_unreachable::fragmentation_needed, 0x3e2e, error, router, 556, server, 1, 548},  // cut
        {icmp_type::echo_request, no_code, 0x6e5f, packet_kind::icmp_echo_request, host, 24},
        {icmp_type::time_exceeded, no_code, 0xf4ff, error, router, 52, server, 1, 44},
        {icmp_type::redirect, icmp_unreachable::host, 0x371a, packet_kind::icmp_other, router, 44, "203.0.113.1", 17,
         36},
        {icmp_type::parameter_problem, no_code, 0xda0f, error, router, 44, router, 17, 36},
        {unreachable, icmp_unreachable::source_route_failed, 0xf90a, error, router, 44, router, 17, 36},
    };
    const auto frames = captured("lab_wire_icmp");
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto& expected = rows[i];
        const auto packet = wire::ipv4_view::parse(network_of(frames[i])).view;
        CHECK(to_string(packet.source()) == expected.from);
        const auto r = icmp_view::parse(packet.payload());
        REQUIRE(r);
        const auto& v = r.view;
        CHECK(to_string(v.type()) == to_string(expected.type));
        CHECK(v.code() == static_cast<unsigned>(expected.code));
        CHECK(v.checksum() == expected.checksum);
        CHECK(v.checksum_valid());
        CHECK(v.kind() == expected.kind);
        CHECK(v.payload().size() == expected.length - 8);
        if (expected.protocol == 0) {
            continue;
        }
        const auto quote = v.quoted();
        REQUIRE(quote);
        CHECK(to_string(quote.summary.source) == host);
        CHECK(to_string(quote.summary.destination) == expected.to);
        CHECK(quote.summary.protocol == expected.protocol);
        CHECK(quote.summary.length == expected.length_of_quote);
        if (expected.protocol == 17) {
            CHECK(quote.summary.source_port == ike_port);
            CHECK(quote.summary.destination_port == ike_port);
        }
    }
    const auto message = [&](std::size_t number) {
        return icmp_view::parse(network_of(frames[number - 1]).subspan(20)).view;
    };
    CHECK(message(1).identifier() == port{24429});
    CHECK(message(1).sequence() == 1);
    CHECK(message(2).identifier() == port{24429});
    CHECK(message(8).mtu() == 1300);
    CHECK(message(8).quoted().summary.kind == packet_kind::icmp_echo_request);
    CHECK(message(8).quoted().summary.source_port == port{24635});
    CHECK(message(10).quoted().summary.source_port == port{24636});
    CHECK(message(4).quoted().summary.kind == packet_kind::other);
}

TEST_CASE("N8: every ICMPv6 message that Linux hosts and routers sent") {
    struct row {
        icmpv6_type type;
        unsigned code;
        unsigned checksum;
        packet_kind kind;
        const char* from;
        std::size_t length;   ///< of the message
        const char* to = "";  ///< whom the quoted packet was for
        unsigned protocol = 0;
        unsigned length_of_quote = 0;
    };
    constexpr auto error = packet_kind::icmp_error;
    const char* const host = "2001:db8:1::1";
    const char* const router = "2001:db8:1::fe";
    const char* const server = "2001:db8:2::7";
    const std::vector<row> rows{
        {icmpv6_type::echo_request, 0, 0x7434, packet_kind::icmp_echo_request, host, 24},
        {icmpv6_type::echo_reply, 0, 0x7334, packet_kind::icmp_echo_reply, server, 24},
        {icmpv6_type::destination_unreachable, 4, 0x3151, error, server, 60, server, 17, 52},
        {icmpv6_type::parameter_problem, 1, 0xd60d, error, server, 54, server, 253, 46},
        {icmpv6_type::destination_unreachable, 0, 0x393a, error, router, 61, "2001:db8:99::1", 17, 53},
        {icmpv6_type::destination_unreachable, 1, 0x430a, error, router, 66, "2001:db8:4::1", 17, 58},
        {icmpv6_type::packet_too_big, 0, 0xaa60, error, router, 1240, server, 58, 1232},  // cut
        {icmpv6_type::echo_request, 0, 0x0ffd, packet_kind::icmp_echo_request, host, 24},
        {icmpv6_type::time_exceeded, 0, 0xa737, error, router, 72, server, 58, 64},
        {icmpv6_type::redirect, 0, 0xa78b, packet_kind::icmp_other, "fe80::ff:fe00:fe", 104},
    };
    const auto frames = captured("lab_wire_icmpv6");
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto& expected = rows[i];
        const auto packet = wire::ipv6_view::parse(network_of(frames[i])).view;
        CHECK(to_string(packet.source()) == expected.from);
        const auto r = icmpv6_view::parse(packet.transport());
        REQUIRE(r);
        const auto& v = r.view;
        CHECK(to_string(v.type()) == to_string(expected.type));
        CHECK(v.code() == expected.code);
        CHECK(v.checksum() == expected.checksum);
        CHECK(v.checksum_valid(packet.source(), packet.destination()));
        CHECK(v.kind() == expected.kind);
        CHECK(v.payload().size() == expected.length - 8);
        if (expected.protocol == 0) {
            continue;
        }
        const auto quote = v.quoted();
        REQUIRE(quote);
        CHECK(to_string(quote.summary.source) == host);
        CHECK(to_string(quote.summary.destination) == expected.to);
        CHECK(quote.summary.protocol == expected.protocol);
        CHECK(quote.summary.length == expected.length_of_quote);
    }
    const auto message = [&](std::size_t number) {
        return icmpv6_view::parse(network_of(frames[number - 1]).subspan(40)).view;
    };
    CHECK(message(1).identifier() == port{0x6095});
    CHECK(message(1).sequence() == 1);
    CHECK(message(2).identifier() == port{0x6095});
    CHECK(message(3).quoted().summary.source_port == ike_port);
    CHECK(message(3).quoted().summary.destination_port == ike_port);
    CHECK(message(7).mtu() == 1300);
    CHECK(message(7).quoted().summary.source_port == port{0x613a});
    CHECK(message(9).quoted().summary.source_port == port{0x613b});

    const auto neighbours = captured("lab_wire_neighbours");
    const auto kind_of = [&](std::size_t number) {
        const auto packet = wire::ipv6_view::parse(network_of(neighbours[number - 1])).view;
        const auto v = icmpv6_view::parse(packet.transport()).view;
        CHECK(v.checksum_valid(packet.source(), packet.destination()));
        CHECK(v.kind() == packet_kind::icmp_other);
        return to_string(v.type());
    };
    CHECK(kind_of(2) == "unknown");  // a listener report (143), behind hop-by-hop options
    CHECK(kind_of(3) == "Router Solicitation");
    CHECK(kind_of(9) == "Neighbor Solicitation");
    CHECK(kind_of(10) == "Neighbor Advertisement");
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
