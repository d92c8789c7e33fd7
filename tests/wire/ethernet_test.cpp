// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ethernet.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "samples.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::ether_type;
using wire::ethernet_error;
using wire::ethernet_view;

TEST_CASE("Ethernet of the lab") {
    const auto frame = hex(samples::esp_frame);
    const auto r = ethernet_view::parse(frame);
    REQUIRE(r);
    CHECK(to_string(r.view.destination()) == "02:00:00:0a:00:01");
    CHECK(to_string(r.view.source()) == "52:54:00:0a:00:0b");
    CHECK(r.view.type() == ether_type::ipv4);
    CHECK(r.view.tag_count() == 0);
    CHECK(r.view.payload_offset() == 14);
    CHECK(r.view.payload().size() == frame.size() - 14);
    CHECK_FALSE(r.view.destination().is_multicast());
    const auto arp = hex(samples::arp_request);
    CHECK(ethernet_view::parse(arp).view.type() == ether_type::arp);
    CHECK(ethernet_view::parse(arp).view.destination() == wire::mac_address::broadcast());
    CHECK(ethernet_view::parse(arp).view.destination().is_multicast());
    const auto six = hex(samples::ike6_frame);
    CHECK(ethernet_view::parse(six).view.type() == ether_type::ipv6);
}

TEST_CASE("VLAN tags of a Linux kernel: one, 802.1ad before 802.1Q, and two of 802.1Q") {
    struct tag {
        ether_type type;
        unsigned priority;
        unsigned id;
    };
    struct row {
        const char* capture;
        std::vector<tag> from_host;
        std::vector<tag> from_router;
    };
    constexpr auto q = ether_type::vlan;
    constexpr auto ad = ether_type::service_vlan;
    const std::vector<row> rows{
        {"lab_wire_vlan", {{q, 5, 100}}, {{q, 2, 100}}},
        {"lab_wire_vlan_802.1ad", {{ad, 6, 200}, {q, 5, 300}}, {{ad, 1, 200}, {q, 0, 300}}},
        {"lab_wire_vlan_double", {{q, 7, 4094}, {q, 0, 1}}, {{q, 0, 4094}, {q, 3, 1}}},
    };
    // Both ways: ARP, an IPv4 echo, UDP and the error that answers it; a neighbour advertisement and an IPv6 echo.
    struct frame {
        bool from_host;
        ether_type type;
        std::size_t payload;
    };
    const std::vector<frame> expected{
        {true, ether_type::arp, 28},   {false, ether_type::arp, 28}, {true, ether_type::ipv4, 44},
        {false, ether_type::ipv4, 44}, {true, ether_type::ipv4, 34}, {false, ether_type::ipv4, 62},
        {false, ether_type::ipv6, 72}, {true, ether_type::ipv6, 64}, {false, ether_type::ipv6, 64},
    };
    for (const row& capture : rows) {
        CAPTURE(capture.capture);
        const auto frames = captured(capture.capture);
        REQUIRE(frames.size() == expected.size());
        for (std::size_t i = 0; i < frames.size(); ++i) {
            CAPTURE(i);
            const auto& [from_host, type, payload] = expected[i];
            const auto r = ethernet_view::parse(frames[i]);
            REQUIRE(r);
            const auto& v = r.view;
            CHECK(to_string(v.source()) == (from_host ? "02:00:00:00:00:0a" : "02:00:00:00:00:fe"));
            CHECK(to_string(v.destination()) == (i == 0      ? "ff:ff:ff:ff:ff:ff"
                                                 : from_host ? "02:00:00:00:00:fe"
                                                             : "02:00:00:00:00:0a"));
            const auto& tags = from_host ? capture.from_host : capture.from_router;
            REQUIRE(v.tag_count() == tags.size());
            for (std::size_t t = 0; t < tags.size(); ++t) {
                CHECK(v.tag(t).type == tags[t].type);
                CHECK(v.tag(t).priority() == tags[t].priority);
                CHECK_FALSE(v.tag(t).drop_eligible());
                CHECK(v.tag(t).id() == tags[t].id);
            }
            CHECK(v.type() == type);
            CHECK(v.payload_offset() == 14 + 4 * tags.size());
            CHECK(v.payload().size() == payload);
        }
    }
}

TEST_CASE("one and two VLAN tags, of all three types") {
    const auto one = hex("0200000a00015254000a000b 8100 a064 0800 45");
    auto r = ethernet_view::parse(one);
    REQUIRE(r);
    CHECK(r.view.tag_count() == 1);
    CHECK(r.view.tag(0) == wire::vlan_tag{ether_type::vlan, 0xa064});
    CHECK(r.view.tag(0).id() == 100);
    CHECK(r.view.tag(0).priority() == 5);
    CHECK_FALSE(r.view.tag(0).drop_eligible());
    CHECK(r.view.type() == ether_type::ipv4);
    CHECK(r.view.payload_offset() == 18);
    CHECK(r.view.payload()[0] == 0x45);

    const auto two = hex("0200000a00015254000a000b 88a8 1001 8100 0fff 86dd 60");
    r = ethernet_view::parse(two);
    REQUIRE(r);
    CHECK(r.view.tag_count() == 2);
    CHECK(r.view.tag(0) == wire::vlan_tag{ether_type::service_vlan, 0x1001});
    CHECK(r.view.tag(0).drop_eligible());
    CHECK(r.view.tag(1).id() == 4095);
    CHECK(r.view.type() == ether_type::ipv6);
    CHECK(r.view.payload_offset() == 22);

    const auto old = hex("0200000a00015254000a000b 9100 0001 0806");
    CHECK(ethernet_view::parse(old).view.type() == ether_type::arp);
    CHECK(to_string(ethernet_view::parse(old).view.tag(0).type) == "QinQ");
}

TEST_CASE("an IEEE 802.3 length is no type") {
    const auto frame = captured("lab_wire_802.3").front();  // a spanning tree's, of a Linux bridge
    const auto r = ethernet_view::parse(frame);
    REQUIRE(r);
    CHECK(to_string(r.view.destination()) == "01:80:c2:00:00:00");
    CHECK(to_string(r.view.source()) == "02:00:00:00:00:0b");
    CHECK(r.view.tag_count() == 0);
    CHECK(r.view.payload().size() == 0x26);
    CHECK(static_cast<unsigned>(r.view.type()) == 0x26);
    CHECK(to_string(r.view.type()) == "unknown");
}

TEST_CASE("L6: what is wrong with a frame is named, at every length") {
    const auto frame = hex("0200000a00015254000a000b 88a8 0001 8100 0002 0800");
    for (std::size_t n = 0; n <= frame.size(); ++n) {
        CAPTURE(n);
        const exact_copy part(bytes{frame}.first(n));
        const auto expected = n < 14   ? ethernet_error::truncated_header
                              : n < 22 ? ethernet_error::truncated_tag
                                       : ethernet_error::none;
        CHECK(ethernet_view::parse(part.bytes()).error == expected);
    }
    CHECK(ethernet_view::parse(hex("0200000a00015254000a000b 8100 0001 8100 0002 8100 0003 0800")).error ==
          ethernet_error::too_many_tags);
    CHECK(to_string(ethernet_error::truncated_tag) == "truncated VLAN tag");
    CHECK(to_string(ethernet_error::none) == "no error");
}

TEST_CASE("addresses are rewritten and headers written") {
    auto frame = hex(samples::arp_request);
    const auto r = wire::mutable_ethernet_view::parse(frame);
    REQUIRE(r);
    r.view.set_destination({{2, 0, 0, 0, 0, 1}});
    r.view.set_source({{2, 0, 0, 0, 0, 2}});
    CHECK(to_hex(bytes{frame}.first(14)) == "0200000000010200000000020806");
    octets out(14);
    CHECK(wire::write_ethernet(out, {{1, 2, 3, 4, 5, 6}}, {{7, 8, 9, 10, 11, 12}}, ether_type::ipv6));
    CHECK(to_hex(out) == "0102030405060708090a0b0c86dd");
    CHECK_FALSE(wire::write_ethernet(mutable_bytes{out}.first(13), {}, {}, ether_type::arp));
}
