// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ipv6.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "samples.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::ipv6_view;
using wire::parse_error;

TEST_CASE("IPv6 header of the lab") {
    const auto frame = hex(samples::ike6_frame);
    const auto r = ipv6_view::parse(bytes{frame}.subspan(14));
    REQUIRE(r);
    const auto& v = r.view;
    CHECK(v.traffic_class() == 0);
    CHECK(v.flow_label() == 0x0a92d);
    CHECK(v.payload_length() == 272);
    CHECK(v.next_header() == ip_protocol::udp);
    CHECK(v.protocol() == ip_protocol::udp);
    CHECK(v.hop_limit() == 64);
    CHECK(to_string(v.source()) == "fd10::2");
    CHECK(to_string(v.destination()) == "2001:db8::2");
    CHECK(v.payload().size() == 272);
    CHECK(v.transport().size() == 272);
    CHECK(v.transport_offset() == 40);
    CHECK(v.extensions().begin() == v.extensions().end());
    CHECK_FALSE(v.is_fragment());
}

TEST_CASE("extension headers of a Linux stack, one by one") {
    const auto packet = hex(samples::hop_by_hop6);
    const auto v = ipv6_view::parse(packet).view;
    std::vector<ip_protocol> types;
    std::vector<std::string> data;
    for (const auto& e : v.extensions()) {
        CHECK(e.offset == 40 + 8 * types.size());
        types.push_back(e.type);
        data.push_back(to_hex(e.data));
    }
    CHECK(types == std::vector{ip_protocol::hop_by_hop, ip_protocol::destination_options});
    CHECK(data == std::vector<std::string>{"3c00050200000100", "1100010400000000"});
    CHECK(v.next_header() == ip_protocol::hop_by_hop);
    CHECK(v.protocol() == ip_protocol::udp);
    CHECK(v.transport_offset() == 56);
    CHECK(v.transport().size() == 11);

    const auto last = hex(samples::last_fragment6);
    const auto f = ipv6_view::parse(last).view;
    CHECK(f.is_fragment());
    CHECK_FALSE(f.more_fragments());
    CHECK(f.fragment_offset() == 308);
    CHECK(f.fragment_id() == 0xc1bff8f3);
    auto header = f.extensions().begin();
    CHECK(header->type == ip_protocol::fragment);
    CHECK(header->next_header == ip_protocol::udp);
    CHECK(++header == f.extensions().end());
    CHECK(f.transport().size() == 144);
}

TEST_CASE("every extension header that a Linux stack sends") {
    struct header {
        ip_protocol type;
        ip_protocol next;
        std::size_t offset;
        std::string data;
        bool operator==(const header&) const = default;
    };
    struct row {
        unsigned payload;
        std::string destination;
        std::vector<header> chain;
        ip_protocol protocol;
        bool more;
        unsigned offset;
        std::uint32_t id;
    };
    using p = ip_protocol;
    // A segment list (RFC 8754): one segment left, the header's destination is the router.
    const std::string segments = "04040101000000 20010db8000200000000000000000007 20010db80001000000000000000000fe";
    const std::string experiment = "011e06696b65616c67010400000000";
    const auto bytes_of = [](const char* next, const std::string& rest) { return to_hex(hex(next + rest)); };
    const std::string router = "2001:db8:1::fe";
    const std::string server = "2001:db8:2::7";
    const header hop{p::hop_by_hop, p::destination_options, 40, bytes_of("3c", "00050200000100")};
    const header before{p::destination_options, p::routing, 48, bytes_of("2b", "00040103010100")};
    const header route{p::routing, p::fragment, 56, bytes_of("2c", segments)};
    const std::vector<row> rows{
        {19, server, {{p::destination_options, p::udp, 40, bytes_of("11", "00040103010100")}}, p::udp, false, 0, 0},
        {35, server, {hop, {p::destination_options, p::udp, 48, bytes_of("11", experiment)}}, p::udp, false, 0, 0},
        {53, router, {{p::routing, p::udp, 40, bytes_of("11", segments)}}, p::udp, false, 0, 0},
        {1456,
         router,
         {hop,
          before,
          route,
          {p::fragment, p::destination_options, 96, bytes_of("3c", "00000109051850")},
          {p::destination_options, p::udp, 104, bytes_of("11", experiment)}},
         p::udp,
         true,
         0,
         0x09051850},
        {196,
         router,
         {hop, before, route, {p::fragment, p::destination_options, 96, bytes_of("3c", "00057009051850")}},
         p::destination_options,
         false,
         174,
         0x09051850},
    };
    const auto frames = captured("lab_wire_ipv6_extensions");
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto& expected = rows[i];
        const auto r = ipv6_view::parse(network_of(frames[i]));
        REQUIRE(r);
        const auto& v = r.view;
        CHECK(v.traffic_class() == 0);
        CHECK(v.flow_label() == 0x0a4bb2);
        CHECK(v.payload_length() == expected.payload);
        CHECK(v.next_header() == expected.chain.front().type);
        CHECK(v.hop_limit() == 64);
        CHECK(to_string(v.source()) == "2001:db8:1::1");
        CHECK(to_string(v.destination()) == expected.destination);
        std::vector<header> chain;
        for (const auto& e : v.extensions()) {
            chain.push_back({e.type, e.next_header, e.offset, to_hex(e.data)});
        }
        CHECK(chain == expected.chain);
        CHECK(v.protocol() == expected.protocol);
        CHECK(v.is_fragment() == (expected.id != 0));
        CHECK(v.more_fragments() == expected.more);
        CHECK(v.fragment_offset() == expected.offset);
        CHECK(v.fragment_id() == expected.id);
        CHECK(v.payload().size() == expected.payload);
        CHECK(v.transport_offset() + v.transport().size() == 40 + expected.payload);
        if (v.protocol() == ip_protocol::udp) {
            CHECK(to_hex(v.transport().first(4)) == "01f40009");
        }
    }
}

TEST_CASE("the fragments of a datagram of a Linux stack, IPv6") {
    const auto frames = captured("lab_wire_ipv6_fragments");
    struct row {
        std::uint32_t label;
        unsigned payload;
        bool more;
        unsigned offset;
        std::uint32_t id;
        std::string source;
    };
    const std::vector<row> rows{{0x12345, 1256, true, 0, 0x1b9e1e90, "2001:db8:2::7"},
                                {0x12345, 368, false, 156, 0x1b9e1e90, "2001:db8:2::7"},
                                {0x32952, 1256, true, 0, 0x2b3fee08, "2001:db8:2::fe"},
                                {0x32952, 368, false, 156, 0x2b3fee08, "2001:db8:2::fe"}};
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto r = ipv6_view::parse(network_of(frames[i]));
        REQUIRE(r);
        const auto& v = r.view;
        CHECK(v.traffic_class() == 0xb9);
        CHECK(v.dscp() == 46);
        CHECK(v.ecn() == 1);
        CHECK(v.flow_label() == rows[i].label);
        CHECK(v.payload_length() == rows[i].payload);
        CHECK(v.next_header() == ip_protocol::fragment);
        CHECK(v.protocol() == ip_protocol::icmpv6);
        CHECK(v.hop_limit() == 64);
        CHECK(to_string(v.source()) == rows[i].source);
        CHECK(v.is_fragment());
        CHECK(v.more_fragments() == rows[i].more);
        CHECK(v.fragment_offset() == rows[i].offset);
        CHECK(v.fragment_id() == rows[i].id);
        CHECK(v.transport_offset() == 48);
        CHECK(v.transport().size() == rows[i].payload - 8);
    }
}

TEST_CASE("hop-by-hop options of a multicast listener report") {
    const auto frames = captured("lab_wire_neighbours");
    const auto v = ipv6_view::parse(network_of(frames[1])).view;
    CHECK(to_string(v.source()) == "fe80::ff:fe00:a");
    CHECK(to_string(v.destination()) == "ff02::16");
    CHECK(v.hop_limit() == 1);
    CHECK(v.payload_length() == 56);
    CHECK(v.next_header() == ip_protocol::hop_by_hop);
    const auto first = v.extensions().begin();
    CHECK(first->next_header == ip_protocol::icmpv6);
    CHECK(to_hex(first->data) == "3a00050200000100");  // Router Alert: MLD
    CHECK(v.protocol() == ip_protocol::icmpv6);
    CHECK(v.transport().size() == 48);
}

TEST_CASE("L6: what is wrong with an IPv6 packet is named, at every length") {
    const auto packet = hex(samples::hop_by_hop6);
    for (std::size_t n = 0; n <= packet.size(); ++n) {
        CAPTURE(n);
        const exact_copy part(bytes{packet}.first(n));
        const auto expected = n < 40              ? parse_error::truncated_header
                              : n < packet.size() ? parse_error::truncated_packet
                                                  : parse_error::none;
        CHECK(ipv6_view::parse(part.bytes()).error == expected);
    }
    struct row {
        std::size_t at;
        std::uint8_t value;
        parse_error error;
    };
    for (const auto& r :
         {row{0, 0x45, parse_error::not_this_family}, row{5, 28, parse_error::truncated_packet},
          row{5, 15, parse_error::bad_extension_header}, row{49, 200, parse_error::bad_extension_header},
          row{40, 0, parse_error::bad_extension_header}}) {
        auto bad = packet;
        bad[r.at] = r.value;
        CAPTURE(r.at);
        CHECK(to_string(ipv6_view::parse(bad).error) == to_string(r.error));
    }
    auto huge = packet;
    huge[4] = huge[5] = 0xff;
    CHECK(ipv6_view::parse(huge).error == parse_error::bad_total_length);
    auto long_chain = hex("6000000000483c4020010db800000000000000000000000120010db8000000000000000000000007");
    for (int i = 0; i < 9; ++i) {
        const auto header = hex("3c00010400000000");
        long_chain.insert(long_chain.end(), header.begin(), header.end());
    }
    CHECK(ipv6_view::parse(long_chain).error == parse_error::too_many_extension_headers);
}

TEST_CASE("fields without a length are rewritten, and no others change") {
    auto packet = hex(samples::hop_by_hop6);
    const auto v = wire::mutable_ipv6_view::parse(packet).view;
    v.set_traffic_class(0xb9);
    CHECK(v.traffic_class() == 0xb9);
    CHECK(v.dscp() == 46);
    CHECK(v.ecn() == 1);
    CHECK(v.flow_label() == 0x18ca1);
    v.set_hop_limit(63);
    v.set_source(*ipv6_address::parse("fd00::1"));
    v.set_destination(*ipv6_address::parse("fd00::2"));
    CHECK(to_hex(bytes{packet}.first(40)) ==
          "6b918ca1001b003ffd000000000000000000000000000001fd000000000000000000000000000002");
}
