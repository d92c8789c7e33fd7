// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ipv4.hpp"

#include <doctest/doctest.h>

#include "ikealg/base/hash.hpp"
#include "samples.hpp"
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
