// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ipv6.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "samples.hpp"
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
