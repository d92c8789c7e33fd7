// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ah.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "ikealg/wire/ipv4.hpp"
#include "ikealg/wire/ipv6.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::ah_error;
using wire::ah_view;

namespace {
/// By hand, after RFC 4302 2 and RFC 2404: a 96-bit ICV before two bytes of UDP.
const octets sample = hex("1104 0000 00001001 00000002 a1a2a3a4b1b2b3b4c1c2c3c4 01f4");

/// An AH as an independent decoder shows it.
struct row {
    unsigned next_header;
    std::size_t header_length;
    std::uint32_t spi;
    std::uint32_t sequence;
    const char* icv;
    std::size_t payload;
};

void check(const ah_view& v, const row& expected) {
    CHECK(static_cast<unsigned>(v.next_header()) == expected.next_header);
    CHECK(v.header_length() == expected.header_length);
    CHECK(v.spi() == spi{expected.spi});
    CHECK(v.sequence() == expected.sequence);
    CHECK(to_hex(v.icv()) == expected.icv);
    CHECK(v.payload().size() == expected.payload);
}
}  // namespace

TEST_CASE("E10: AH of a Linux kernel, IPv4: two algorithms, both modes, around ESP") {
    // The ICV of HMAC-SHA-256-128 has 16 bytes; four more, of any value, bring the header to a multiple of 8.
    const std::vector<row> rows{
        {1, 32, 0x1001, 1, "6db1c4c0fdd2e7c68a85e0d3561a5271c00002fe", 24},
        {1, 32, 0x2001, 1, "bb08f97ce0d9818f2ace1c5e3fa9ad7ac0000201", 24},
        {17, 32, 0x1001, 2, "82a57b080df7570a0430dd534ce7b394c00002fe", 11},
        {1, 32, 0x2001, 2, "19fa4225f800b0a450503f8413662638c0000201", 39},
        {1, 24, 0x1002, 1, "6bd0514467b622e6a2540261", 24},
        {1, 24, 0x2002, 1, "3c1a39f429f32ac1a5d9c767", 24},
        {17, 24, 0x1002, 2, "c0fe366968a265b13e2f0963", 11},
        {1, 24, 0x2002, 2, "8a6dbba4350ba5df297a3986", 39},
        {4, 32, 0x1003, 1, "738ca38976d5a2804b94fcde4e020b0400000000", 44},
        {4, 32, 0x2003, 1, "c0a616bfb727e548745f6f642611e5b900000000", 44},
        {4, 32, 0x1003, 2, "b83455230f0d846451fd58015443279c00000000", 31},
        {4, 32, 0x2003, 2, "74bbab60f7712e5e3468bb184b8d0b5e00000000", 59},
        {50, 32, 0x1005, 1, "c650c3f09eff90473de75436280ba76fc00002fe", 60},
        {50, 32, 0x2005, 1, "4052d9b43b271c07738e25acb3892a3bc0000201", 60},
        {50, 32, 0x1005, 2, "d48a96879e70c8a8f4ed7288e50193d1c00002fe", 48},
        {50, 32, 0x2005, 2, "9d9a64e393c3d0e3491f0334a0fb8f11c0000201", 76},
    };
    const auto frames = captured("lab_wire_ah");
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto packet = wire::ipv4_view::parse(network_of(frames[i])).view;
        CHECK(packet.protocol() == ip_protocol::ah);
        const auto r = ah_view::parse(packet.payload());
        REQUIRE(r);
        check(r.view, rows[i]);
    }
}

TEST_CASE("E10: AH of a Linux kernel, IPv6: also behind destination options") {
    const std::vector<row> rows{
        {58, 32, 0x1006, 1, "da67218474b23f38237ac1e3feb0f4a2000000fe", 24},
        {58, 32, 0x2006, 1, "0f0561c1d0c2ecfcac4ef8a1333a411f00000001", 24},
        {17, 32, 0x1006, 2, "4e97d1472bdbcfcc61f890d5f72a1858000000fe", 11},
        {58, 32, 0x2006, 2, "7fe7b249c8a2b5ae71c4ae094ce3108400000001", 59},
        {41, 24, 0x1007, 1, "80a4f44cc095377c15e1ddba", 64},
        {41, 24, 0x2007, 1, "d6c732f8e3c33c2fc0649d4c", 64},
        {41, 24, 0x1007, 2, "39aa8a09264ccd0688ce471f", 51},
        {41, 24, 0x2007, 2, "3b67ed72993e0ef3f73e3f55", 99},
        {50, 32, 0x1009, 1, "e05118d23224442d7614c1abd2bd5f8b000000fe", 60},
        {50, 32, 0x2009, 1, "7413fb5bbc5a762d45d0e6d40f6114e100000001", 60},
        {50, 32, 0x1009, 2, "d8619790e72cf6ece07ee5bf20409762000000fe", 48},
        {50, 32, 0x2009, 2, "c288f1aab22ff21079d89f3c485ce70800000001", 96},
        {17, 32, 0x100a, 1, "7d8603abe1c4f3a9df5c16ffb48bbdef03010100", 11},
        {58, 32, 0x200a, 1, "044d786af1c7a54ceb376f922fc353e200000001", 67},
    };
    const auto frames = captured("lab_wire_ah_ipv6");
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto packet = wire::ipv6_view::parse(network_of(frames[i])).view;
        CHECK(packet.next_header() == (i == 12 ? ip_protocol::destination_options : ip_protocol::ah));
        CHECK(packet.protocol() == ip_protocol::ah);
        const auto r = ah_view::parse(packet.transport());
        REQUIRE(r);
        check(r.view, rows[i]);
    }
}

TEST_CASE("E10: AH header") {
    const auto r = ah_view::parse(sample);
    REQUIRE(r);
    CHECK(r.view.next_header() == ip_protocol::udp);
    CHECK(r.view.header_length() == 24);
    CHECK(r.view.spi() == spi{0x1001});
    CHECK(r.view.sequence() == 2);
    CHECK(to_hex(r.view.icv()) == "a1a2a3a4b1b2b3b4c1c2c3c4");
    CHECK(to_hex(r.view.payload()) == "01f4");
}

TEST_CASE("L6: what is wrong with an AH header is named, at every length") {
    for (std::size_t n = 0; n <= sample.size(); ++n) {
        CAPTURE(n);
        const exact_copy part(bytes{sample}.first(n));
        const auto expected = n < 12 ? ah_error::truncated_header : n < 24 ? ah_error::truncated_icv : ah_error::none;
        CHECK(to_string(ah_view::parse(part.bytes()).error) == to_string(expected));
    }
    auto bad = sample;
    bad[1] = 0;
    CHECK(to_string(ah_view::parse(bad).error) == "bad AH payload length");
    bad[1] = 1;  // no ICV at all
    CHECK(ah_view::parse(bad).view.icv().empty());
    bad[1] = 255;
    CHECK(ah_view::parse(bad).error == ah_error::truncated_icv);
}
