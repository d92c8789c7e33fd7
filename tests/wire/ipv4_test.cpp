// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ipv4.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "samples.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::ipv4_view;
using wire::parse_error;

namespace {
octets esp_packet() {
    const auto frame = hex(samples::esp_frame);
    return {frame.begin() + 14, frame.end()};
}
}  // namespace

TEST_CASE("IPv4 header of the lab") {
    const auto packet = esp_packet();
    const auto r = ipv4_view::parse(packet);
    REQUIRE(r);
    const auto& v = r.view;
    CHECK(v.header_length() == 20);
    CHECK(v.dscp() == 0);
    CHECK(v.ecn() == 0);
    CHECK(v.total_length() == 156);
    CHECK(v.identification() == 0x0861);
    CHECK(v.dont_fragment());
    CHECK_FALSE(v.more_fragments());
    CHECK(v.fragment_offset() == 0);
    CHECK(v.is_atomic());
    CHECK(v.ttl() == 64);
    CHECK(v.protocol() == ip_protocol::esp);
    CHECK(v.checksum() == 0xeb55);
    CHECK(v.checksum_valid());
    CHECK(to_string(v.source()) == "10.10.0.11");
    CHECK(to_string(v.destination()) == "203.0.113.100");
    CHECK(v.header().size() == 20);
    CHECK(v.payload().size() == 136);
    CHECK(v.options().begin() == v.options().end());
}

TEST_CASE("IPv4 options, traffic class and fragments of a Linux stack") {
    const auto alert = hex(samples::router_alert);
    const auto v = ipv4_view::parse(alert).view;
    CHECK(v.header_length() == 24);
    CHECK(v.checksum_valid());
    auto option = v.options().begin();
    REQUIRE(option != v.options().end());
    CHECK(option->kind == 0x94);
    CHECK(to_hex(option->data) == "0000");
    CHECK(++option == v.options().end());
    CHECK(v.payload().size() == 10);

    const auto error = hex(samples::port_unreachable);
    CHECK(ipv4_view::parse(error).view.dscp() == 48);  // CS6
    CHECK(ipv4_view::parse(error).view.ecn() == 0);

    const auto last = hex(samples::last_fragment);
    const auto f = ipv4_view::parse(last).view;
    CHECK(f.is_fragment());
    CHECK_FALSE(f.more_fragments());
    CHECK(f.fragment_offset() == 314);
    CHECK_FALSE(f.is_atomic());
}

TEST_CASE("IPv4 options that a Linux stack sends, and those that its router and server wrote") {
    const auto frames = captured("lab_wire_ipv4_options");
    struct option {
        unsigned kind;
        std::size_t offset;
        std::string data;
        bool operator==(const option&) const = default;
    };
    struct row {
        unsigned header;
        unsigned length;
        unsigned identification;
        bool dont_fragment;
        unsigned ttl;
        ip_protocol protocol;
        unsigned checksum;
        std::string source;
        std::string destination;
        std::vector<option> options;
    };
    const std::string request = "192.0.2.1";
    const std::string server = "198.51.100.7";
    const std::string empty4 = "00000000";
    const std::string now = "01a83fd8";
    const std::string later = "01a83fdc";
    const std::string nothing16 = empty4 + empty4 + empty4 + empty4;
    // The addresses of record route: host, router, server twice, router.
    const std::string route =
        "c0000201"
        "c63364fe"
        "c6336407"
        "c6336407"
        "c00002fe";
    const std::vector<row> rows{
        {60,
         76,
         0xf1e8,
         true,
         64,
         ip_protocol::icmp,
         0x687b,
         request,
         server,
         {{1, 0, ""}, {7, 1, "08c0000201" + nothing16 + nothing16}}},
        {60, 76, 0xcfc2, false, 63, ip_protocol::icmp, 0xed86, server, request, {{7, 0, "18" + route + nothing16}}},
        {60,
         76,
         0xf1e9,
         true,
         64,
         ip_protocol::icmp,
         0xc3e2,
         request,
         server,
         {{68, 0, "0900" + now + nothing16 + nothing16}}},
        {60,
         76,
         0xcfc3,
         false,
         63,
         ip_protocol::icmp,
         0x1108,
         server,
         request,
         {{68, 0, "1900" + now + now + now + now + now + nothing16}}},
        {56,
         72,
         0xf1ea,
         true,
         64,
         ip_protocol::icmp,
         0xfee2,
         request,
         server,
         {{68, 0, "0d01c0000201" + later + nothing16 + empty4 + empty4}}},
        {56,
         72,
         0xcfc4,
         false,
         63,
         ip_protocol::icmp,
         0x6df7,
         server,
         request,
         {{68, 0, "2511c0000201" + later + "c00002fe" + later + "c6336407" + later + "c6336407" + later}}},
        // A loose source route: the header names the next hop, the option who comes after it.
        {28,
         39,
         0xa3ef,
         true,
         64,
         ip_protocol::udp,
         0x4da4,
         request,
         "192.0.2.254",
         {{131, 0, "04c6336407"}, {1, 7, ""}}},
    };
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto& expected = rows[i];
        const auto r = ipv4_view::parse(network_of(frames[i]));
        REQUIRE(r);
        const auto& v = r.view;
        CHECK(v.header_length() == expected.header);
        CHECK(v.header().size() == expected.header);
        CHECK(v.dscp() == 0);
        CHECK(v.ecn() == 0);
        CHECK(v.total_length() == expected.length);
        CHECK(v.identification() == expected.identification);
        CHECK(v.dont_fragment() == expected.dont_fragment);
        CHECK_FALSE(v.is_fragment());
        CHECK(v.ttl() == expected.ttl);
        CHECK(v.protocol() == expected.protocol);
        CHECK(v.checksum() == expected.checksum);
        CHECK(v.checksum_valid());
        CHECK(to_string(v.source()) == expected.source);
        CHECK(to_string(v.destination()) == expected.destination);
        CHECK(v.payload().size() == expected.length - expected.header);
        std::vector<option> options;
        for (const auto& o : v.options()) {
            options.push_back({o.kind, o.offset, to_hex(o.data)});
        }
        CHECK(options == expected.options);
    }
}

TEST_CASE("the fragments of a datagram of a Linux stack, IPv4") {
    const auto frames = captured("lab_wire_ipv4_fragments");
    struct row {
        unsigned length;
        unsigned identification;
        bool more;
        unsigned offset;
        unsigned checksum;
        std::string source;
    };
    const std::vector<row> rows{{1300, 0x22af, true, 0, 0xdd14, "198.51.100.7"},
                                {348, 0x22af, false, 160, 0x002d, "198.51.100.7"},
                                {1300, 0x7898, true, 0, 0x872b, "198.51.100.254"},
                                {348, 0x7898, false, 160, 0xaa43, "198.51.100.254"}};
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto r = ipv4_view::parse(network_of(frames[i]));
        REQUIRE(r);
        const auto& v = r.view;
        CHECK(v.header_length() == 20);
        CHECK(v.dscp() == 46);
        CHECK(v.ecn() == 1);
        CHECK(v.total_length() == rows[i].length);
        CHECK(v.identification() == rows[i].identification);
        CHECK_FALSE(v.dont_fragment());
        CHECK(v.more_fragments() == rows[i].more);
        CHECK(v.fragment_offset() == rows[i].offset);
        CHECK(v.is_fragment());
        CHECK_FALSE(v.is_atomic());
        CHECK(v.ttl() == 64);
        CHECK(v.protocol() == ip_protocol::icmp);
        CHECK(v.checksum() == rows[i].checksum);
        CHECK(v.checksum_valid());
        CHECK(to_string(v.source()) == rows[i].source);
        CHECK(v.payload().size() == rows[i].length - 20);
    }
}

TEST_CASE("L6: what is wrong with an IPv4 header is named, at every length") {
    const auto packet = hex(samples::router_alert);
    for (std::size_t n = 0; n <= packet.size(); ++n) {
        CAPTURE(n);
        const exact_copy part(bytes{packet}.first(n));
        const auto expected = n < 20              ? parse_error::truncated_header
                              : n < packet.size() ? parse_error::truncated_packet
                                                  : parse_error::none;
        CHECK(ipv4_view::parse(part.bytes()).error == expected);
    }
    struct row {
        std::size_t at;
        std::uint8_t value;
        parse_error error;
    };
    for (const auto& r : {row{0, 0x66, parse_error::not_this_family}, row{0, 0x44, parse_error::bad_header_length},
                          row{3, 23, parse_error::bad_total_length}, row{3, 35, parse_error::truncated_packet},
                          row{0, 0x4f, parse_error::bad_total_length}}) {
        auto bad = packet;
        bad[r.at] = r.value;
        CHECK(to_string(ipv4_view::parse(bad).error) == to_string(r.error));
    }
    auto padded = packet;
    padded.resize(46);
    CHECK(ipv4_view::parse(padded).view.payload().size() == 10);
}

TEST_CASE("N10: setters keep the header checksum as if it were computed anew") {
    small_random random(7);
    for (int round = 0; round < 2000; ++round) {
        CAPTURE(round);
        auto packet = esp_packet();
        const auto v = wire::mutable_ipv4_view::parse(packet).view;
        v.set_source({static_cast<std::uint32_t>(random())});
        v.set_destination({static_cast<std::uint32_t>(random())});
        v.set_ttl(static_cast<std::uint8_t>(random()));
        v.set_identification(static_cast<std::uint16_t>(random()));
        REQUIRE(v.checksum_valid());
        const auto kept = v.checksum();
        v.update_checksum();
        REQUIRE(v.checksum() == kept);
    }
    auto packet = esp_packet();
    const auto v = wire::mutable_ipv4_view::parse(packet).view;
    v.set_ttl(63);
    CHECK(v.ttl() == 63);
    CHECK(v.protocol() == ip_protocol::esp);
    v.set_source({0xcb007101});
    CHECK(v.source() == ipv4_address{0xcb007101});
    v.set_identification(0xffff);
    CHECK(v.identification() == 0xffff);
    v.set_checksum(static_cast<std::uint16_t>(v.checksum() ^ 1U));
    v.set_ttl(62);
    CHECK_FALSE(v.checksum_valid());  // wrong before, wrong after
}
