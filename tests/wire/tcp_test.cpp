// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/tcp.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::tcp_error;
using wire::tcp_flag;
using wire::tcp_view;

namespace {
constexpr ipv4_address client{0xc0000201};
constexpr ipv4_address server{0xc6336407};
octets segment(const char* sample, std::size_t offset = 20) {
    const auto packet = hex(sample);
    return {packet.begin() + static_cast<std::ptrdiff_t>(offset), packet.end()};
}
}  // namespace

TEST_CASE("TCP SYN of a Linux stack") {
    const auto data = segment(samples::tcp_syn);
    const auto r = tcp_view::parse(data);
    REQUIRE(r);
    const auto& v = r.view;
    CHECK(v.source_port() == port{40001});
    CHECK(v.destination_port() == port{8080});
    CHECK(v.sequence() == 0x393cfe54);
    CHECK(v.acknowledgment() == 0);
    CHECK(v.header_length() == 40);
    CHECK(v.flags() == 2);
    CHECK(v.has(tcp_flag::syn));
    CHECK_FALSE(v.has(tcp_flag::ack));
    CHECK(v.window() == 0xfbe0);
    CHECK(v.urgent_pointer() == 0);
    CHECK(v.checksum_valid(client, server));
    CHECK_FALSE(v.checksum_valid(client, client));
    CHECK(v.payload().empty());
    CHECK(v.mss() == 1240);
    std::string kinds;
    for (const auto& o : v.options()) {
        kinds += std::to_string(o.kind) + ' ';
    }
    CHECK(kinds == "2 4 8 1 3 ");

    const auto six = segment(samples::tcp6_syn, 40);
    const auto v6 = tcp_view::parse(six).view;
    CHECK(v6.mss() == 1220);
    CHECK(v6.checksum_valid(*ipv6_address::parse("2001:db8::1"), *ipv6_address::parse("2001:db8::7")));
}

TEST_CASE("L6: what is wrong with a TCP header is named, at every length") {
    const auto data = segment(samples::tcp_syn);
    for (std::size_t n = 0; n <= data.size(); ++n) {
        CAPTURE(n);
        const exact_copy part(bytes{data}.first(n));
        const auto expected = n < 20   ? tcp_error::truncated_header
                              : n < 40 ? tcp_error::truncated_options
                                       : tcp_error::none;
        CHECK(to_string(tcp_view::parse(part.bytes()).error) == to_string(expected));
    }
    auto bad = data;
    bad[12] = 0x40;
    CHECK(tcp_view::parse(bad).error == tcp_error::bad_data_offset);
}

TEST_CASE("D8: the MSS of a SYN is lowered, never raised or added, and the checksum follows") {
    auto data = segment(samples::tcp_syn);
    const auto v = wire::mutable_tcp_view::parse(data).view;
    CHECK_FALSE(v.clamp_mss(1240));
    CHECK_FALSE(v.clamp_mss(1460));
    CHECK(v.mss() == 1240);
    CHECK(v.clamp_mss(1200));
    CHECK(v.mss() == 1200);
    CHECK(v.checksum_valid(client, server));
    CHECK_FALSE(v.clamp_mss(1200));

    // Behind one no-operation the value straddles two checksum words.
    auto odd = hex("9c411f90 00000001 00000000 70020400 00000000 01 020405b4 0000 00");
    const auto o = wire::mutable_tcp_view::parse(odd).view;
    o.set_checksum(
        finish_checksum(sum_bytes(odd, pseudo_header_sum(client, server, 6, static_cast<std::uint32_t>(odd.size())))));
    REQUIRE(o.checksum_valid(client, server));
    CHECK(o.mss() == 1460);
    CHECK(o.clamp_mss(1237));
    CHECK(o.mss() == 1237);
    CHECK(o.checksum_valid(client, server));

    odd[13] = 0x10;  // no SYN: the option has no meaning
    CHECK_FALSE(o.mss());
    CHECK_FALSE(o.clamp_mss(500));
    auto ack = segment(samples::tcp_ack);
    CHECK_FALSE(wire::mutable_tcp_view::parse(ack).view.clamp_mss(500));
}

TEST_CASE("N10: port and address changes keep the checksum right") {
    auto data = segment(samples::tcp_ack);
    const auto v = wire::mutable_tcp_view::parse(data).view;
    REQUIRE(v.checksum_valid(client, server));
    v.set_source_port({61000});
    v.set_destination_port({443});
    const ipv4_address nat{0xcb007163};
    v.adjust_checksum(delta_of(client, nat));
    CHECK(v.source_port() == port{61000});
    CHECK(v.destination_port() == port{443});
    CHECK(v.checksum_valid(nat, server));
}

TEST_CASE("flags have their names") {
    CHECK(to_string(tcp_flag::fin) == "FIN");
    CHECK(to_string(tcp_flag::cwr) == "CWR");
    CHECK(to_string(static_cast<tcp_flag>(3)) == "unknown");
}
