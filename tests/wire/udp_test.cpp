// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/udp.hpp"

#include <doctest/doctest.h>

#include "ikealg/base/hash.hpp"
#include "samples.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::udp_error;
using wire::udp_view;

namespace {
constexpr ipv4_address client{0x0a0a0002};
constexpr ipv4_address server{0xc0000202};
octets keepalive() {
    const auto frame = hex(samples::keepalive_frame);
    return {frame.begin() + 34, frame.end()};
}
}  // namespace

TEST_CASE("UDP of the lab") {
    const auto data = keepalive();
    const auto r = udp_view::parse(data);
    REQUIRE(r);
    CHECK(r.view.source_port() == natt_port);
    CHECK(r.view.destination_port() == natt_port);
    CHECK(r.view.length() == 9);
    CHECK(r.view.checksum() == 0xcc28);
    CHECK(to_hex(r.view.payload()) == "ff");
    CHECK(r.view.is_complete());
}

TEST_CASE("N10: a keepalive that a Linux stack sent without a checksum stays without") {
    auto frame = captured("lab_wire_udp_no_checksum").front();
    const auto v = wire::mutable_udp_view::parse(mutable_bytes{frame}.subspan(34)).view;
    CHECK(v.source_port() == natt_port);
    CHECK(v.destination_port() == natt_port);
    CHECK(v.length() == 9);
    CHECK(v.checksum() == 0);
    CHECK(v.checksum_valid(ipv4_address{0xc0000201}, ipv4_address{0xc6336407}));
    CHECK(to_hex(v.payload()) == "ff");
    v.set_source_port({1024});
    CHECK(to_hex(bytes{frame}.subspan(34)) == "0400119400090000ff");
}

TEST_CASE("UDP checksums over both pseudo headers") {
    auto good = hex("11941194 0009 0000 ff");
    const auto v = wire::mutable_udp_view::parse(good).view;
    CHECK(v.checksum_valid(client, server));  // none: allowed for IPv4
    const auto c6 = *ipv6_address::parse("fd10::2");
    const auto s6 = *ipv6_address::parse("2001:db8::2");
    CHECK_FALSE(v.checksum_valid(c6, s6));  // and not for IPv6
    v.set_checksum(finish_checksum(sum_bytes(good, pseudo_header_sum(client, server, 17, 9))));
    CHECK(v.checksum_valid(client, server));
    CHECK_FALSE(v.checksum_valid(client, client));
}

TEST_CASE("R3: a UDP length beyond the IP payload or below the header is malformed") {
    const auto data = keepalive();
    for (std::size_t n = 0; n <= data.size(); ++n) {
        CAPTURE(n);
        const exact_copy part(bytes{data}.first(n));
        const auto expected = n < 8   ? udp_error::truncated_header
                              : n < 9 ? udp_error::length_beyond_payload
                                      : udp_error::none;
        CHECK(to_string(udp_view::parse(part.bytes()).error) == to_string(expected));
        const auto start = udp_view::parse_start(part.bytes());
        CHECK(static_cast<bool>(start) == (n >= 8));
        if (start) {
            CHECK(start.view.payload().size() == n - 8);
            CHECK(start.view.is_complete() == (n == 9));
        }
    }
    auto bad = data;
    bad[5] = 7;
    CHECK(udp_view::parse(bad).error == udp_error::length_below_header);
    CHECK(udp_view::parse_start(bad).error == udp_error::length_below_header);
    auto trailing = data;
    trailing.push_back(0xee);
    CHECK(udp_view::parse(trailing).view.payload().size() == 1);
}

TEST_CASE("N10: port and address changes keep the checksum right, none stays none, zero becomes 0xFFFF") {
    small_random random(11);
    int ones = 0;
    for (int round = 0; round < 200'000; ++round) {
        auto data = hex("01f401f4 000a 0000 abcd");
        const auto v = wire::mutable_udp_view::parse(data).view;
        const auto first = finish_checksum(sum_bytes(data, pseudo_header_sum(client, server, 17, 10)));
        v.set_checksum(first == 0 ? 0xffff : first);
        const ipv4_address nat{static_cast<std::uint32_t>(random())};
        v.set_source_port({static_cast<std::uint16_t>(random())});
        v.set_destination_port({static_cast<std::uint16_t>(random())});
        v.adjust_checksum(delta_of(client, nat));
        ones += v.checksum() == 0xffff ? 1 : 0;
        if (v.checksum() == 0 || !v.checksum_valid(nat, server)) {
            CAPTURE(round);
            FAIL("wrong checksum: " << to_hex(data));
        }
    }
    CHECK(ones > 0);

    auto none = hex("01f401f4 0008 0000");
    const auto v = wire::mutable_udp_view::parse(none).view;
    v.set_source_port({1024});
    v.set_destination_port({4500});
    v.adjust_checksum({0x1234});
    CHECK(to_hex(none) == "0400119400080000");
}
