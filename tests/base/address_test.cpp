// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/address.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace ikealg;

TEST_CASE("IPv4 text forms, read and written") {
    CHECK(ipv4_address::parse("10.0.0.1") == ipv4_address{0x0a000001});
    CHECK(ipv4_address::parse("255.255.255.255") == ipv4_address{0xffffffff});
    CHECK(to_string(ipv4_address{0xc6336401}) == "198.51.100.1");
    for (const char* bad : {"", "10", "10.0.0", "10.0.0.1.2", "256.0.0.1", "10.0.0.01", "10.0.0.-1", " 10.0.0.1", "10.0.0.1 ",
                            "10.0.0.", ".10.0.0", "10..0.1", "0x0a.0.0.1", "4294967296.0.0.0"}) {
        CAPTURE(bad);
        CHECK_FALSE(ipv4_address::parse(bad));
    }
}

TEST_CASE("IPv6 text forms: RFC 4291 2.2 read, RFC 5952 written") {
    struct row {
        const char* text;
        ipv6_address value;
        const char* canonical;
    };
    const std::vector<row> rows{
        {"::", {0, 0}, "::"},
        {"::1", {0, 1}, "::1"},
        {"1::", {0x0001'0000'0000'0000, 0}, "1::"},
        {"2001:DB8::8:800:200C:417A", {0x2001'0db8'0000'0000, 0x0008'0800'200c'417a}, "2001:db8::8:800:200c:417a"},
        {"2001:db8:0:0:1:0:0:1", {0x2001'0db8'0000'0000, 0x0001'0000'0000'0001}, "2001:db8::1:0:0:1"},
        {"2001:0:0:1:0:0:0:1", {0x2001'0000'0000'0001, 1}, "2001:0:0:1::1"},
        {"1:2:3:4:5:6:7:8", {0x0001'0002'0003'0004, 0x0005'0006'0007'0008}, "1:2:3:4:5:6:7:8"},
        {"1:0:3:4:5:6:7:8", {0x0001'0000'0003'0004, 0x0005'0006'0007'0008}, "1:0:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", {0, 0x0000'ffff'c000'0201}, "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", {0x0064'ff9b'0000'0000, 0xc000'0221}, "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:7::", {0x0001'0002'0003'0004, 0x0005'0006'0007'0000}, "1:2:3:4:5:6:7:0"},
    };
    for (const auto& r : rows) {
        CAPTURE(r.text);
        REQUIRE(ipv6_address::parse(r.text));
        CHECK(*ipv6_address::parse(r.text) == r.value);
        CHECK(to_string(r.value) == r.canonical);
    }
    for (const char* bad : {"", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:", ":1",
                            "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4"}) {
        CAPTURE(bad);
        CHECK_FALSE(ipv6_address::parse(bad));
    }
}

TEST_CASE("every IPv6 address that is written is read back") {
    std::mt19937_64 random(20261122);
    for (int i = 0; i < 20000; ++i) {
        ipv6_address a;
        for (int group = 0; group < 8; ++group) {  // many zero groups, so that runs of them are common
            const std::uint64_t value = random() % 3 == 0 ? random() & 0xffff : 0;
            (group < 4 ? a.high : a.low) |= value << (16 * (group % 4));
        }
        CAPTURE(to_string(a));
        CHECK(ipv6_address::parse(to_string(a)) == a);
    }
}

TEST_CASE("addresses come from and go to packets in network order") {
    const std::vector<std::uint8_t> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    CHECK(ipv4_address::load(bytes.data()) == ipv4_address{0x01020304});
    CHECK(ipv6_address::load(bytes.data()) == ipv6_address{0x0102030405060708, 0x090a0b0c0d0e0f10});
    std::vector<std::uint8_t> out(16);
    ipv6_address::load(bytes.data()).store(out.data());
    CHECK(out == bytes);
    ipv4_address{0xaabbccdd}.store(out.data());
    CHECK(std::vector<std::uint8_t>(out.begin(), out.begin() + 4) == std::vector<std::uint8_t>{0xaa, 0xbb, 0xcc, 0xdd});
}

TEST_CASE("IPv6 arithmetic carries between the halves") {
    const ipv6_address edge{1, ~std::uint64_t{0}};
    CHECK(edge.plus(1) == ipv6_address{2, 0});
    CHECK(ipv6_address{2, 4}.distance_from(edge) == 5);
    CHECK(ipv6_address{9, 0}.distance_from(edge) == ~std::uint64_t{0});
    CHECK(edge.masked(64) == ipv6_address{1, 0});
    CHECK(edge.masked(128) == edge);
    CHECK(edge.masked(0) == ipv6_address{});
    CHECK(edge.masked(68) == ipv6_address{1, 0xf000'0000'0000'0000});
}

TEST_CASE("prefixes: containment, host bits and lengths (P3)") {
    const auto p = prefix<ipv4>::parse("10.1.0.0/16");
    REQUIRE(p);
    CHECK(p->valid());
    CHECK(p->contains(ipv4_address{0x0a01ffff}));
    CHECK_FALSE(p->contains(ipv4_address{0x0a020000}));
    CHECK(prefix<ipv4>::parse("10.1.0.1")->length == 32);
    CHECK_FALSE(prefix<ipv4>::parse("10.1.0.1/16")->valid());
    CHECK(prefix<ipv4>::parse("0.0.0.0/0")->contains(ipv4_address{0xffffffff}));
    CHECK(to_string(*prefix<ipv6>::parse("2001:db8::/32")) == "2001:db8::/32");
    for (const char* bad : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "/8", "10.0.0.0/08"}) {
        CAPTURE(bad);
        CHECK_FALSE(prefix<ipv4>::parse(bad));
    }
    CHECK_FALSE(prefix<ipv6>::parse("::/129"));
}

TEST_CASE("ranges: both ends included") {
    const address_range<ipv4> a{{10}, {20}};
    CHECK(a.count() == 11);
    CHECK(a.contains({10}));
    CHECK(a.contains({20}));
    CHECK_FALSE(a.contains({21}));
    CHECK(a.overlaps({{20}, {30}}));
    CHECK_FALSE(a.overlaps({{21}, {30}}));
    CHECK_FALSE(address_range<ipv4>{{2}, {1}}.valid());
    CHECK(address_range<ipv6>{{0, 0}, {5, 0}}.count() == ~std::uint64_t{0});
}
