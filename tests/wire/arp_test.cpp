// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/arp.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::arp_error;
using wire::arp_message;
using wire::arp_operation;
using wire::arp_view;

namespace {
constexpr ipv4_address client{0x0a0a000b};
constexpr ipv4_address gateway{0x0a0a0001};
constexpr wire::mac_address client_mac{{0x52, 0x54, 0, 0x0a, 0, 0x0b}};
constexpr wire::mac_address gateway_mac{{2, 0, 0, 0x0a, 0, 1}};
}  // namespace

TEST_CASE("ARP request and reply of the lab") {
    const auto frame = hex(samples::arp_request);
    const auto request = arp_view::parse(bytes{frame}.subspan(14));
    REQUIRE(request);
    CHECK(request.view.operation() == arp_operation::request);
    CHECK(request.view.sender_mac() == client_mac);
    CHECK(request.view.sender() == client);
    CHECK(request.view.target_mac() == wire::mac_address{});
    CHECK(request.view.target() == gateway);
    CHECK(to_string(request.view.operation()) == "REQUEST");
    const auto reply_frame = hex(samples::arp_reply);
    const auto reply = arp_view::parse(bytes{reply_frame}.subspan(14));
    REQUIRE(reply);
    CHECK(reply.view.message() == arp_message{arp_operation::reply, gateway_mac, gateway, client_mac, client});
    CHECK(to_string(reply.view.operation()) == "REPLY");
}

TEST_CASE("N11: the frames we write are the frames that real stacks sent") {
    octets out(42, 0xee);
    CHECK(wire::write_arp_frame(out, arp_message::request(client_mac, client, gateway)) == 42);
    CHECK(to_hex(out) == samples::arp_request);
    const auto request = arp_view::parse(bytes{out}.subspan(14)).view.message();
    octets answer(60, 0);
    CHECK(wire::write_arp_frame(answer, request.reply(gateway_mac)) == 42);
    CHECK(to_hex(bytes{answer}.first(42)) == samples::arp_reply);

    CHECK(wire::write_arp_frame(out, arp_message::announcement(gateway_mac, gateway)) == 42);
    CHECK(to_hex(out) == "ffffffffffff0200000a0001080600010800060400010200000a00010a0a00010000000000000a0a0001");

    octets tight(41, 0xee);
    CHECK(wire::write_arp_frame(tight, request) == 0);
    CHECK(tight == octets(41, 0xee));
    CHECK_FALSE(arp_view::write(mutable_bytes{tight}.first(27), request));
}

TEST_CASE("N11: announcement, request and reply of a Linux stack, read and written") {
    const auto frames = captured("lab_wire_neighbours");
    const wire::mac_address host{{2, 0, 0, 0, 0, 0x0a}};
    const wire::mac_address router{{2, 0, 0, 0, 0, 0xfe}};
    const ipv4_address host_address{0xc0000201};
    const ipv4_address router_address{0xc00002fe};
    struct row {
        std::size_t number;
        arp_message message;
    };
    for (const row& expected : {row{1, arp_message::announcement(host, host_address)},
                                row{5, arp_message::request(host, host_address, router_address)},
                                row{6, {arp_operation::reply, router, router_address, host, host_address}}}) {
        CAPTURE(expected.number);
        const auto& frame = frames[expected.number - 1];
        const auto r = arp_view::parse(network_of(frame));
        REQUIRE(r);
        CHECK(r.view.message() == expected.message);
        octets out(42);
        CHECK(wire::write_arp_frame(out, expected.message) == 42);
        CHECK(to_hex(out) == to_hex(frame));
    }
}

TEST_CASE("L6: what is wrong with an ARP packet is named") {
    const auto frame = hex(samples::arp_request);
    const octets packet(frame.begin() + 14, frame.end());
    for (std::size_t n = 0; n < packet.size(); ++n) {
        const exact_copy part(bytes{packet}.first(n));
        CHECK(arp_view::parse(part.bytes()).error == arp_error::truncated);
    }
    struct row {
        std::size_t at;
        std::uint8_t value;
        arp_error error;
    };
    for (const auto& r : {row{1, 6, arp_error::not_ethernet}, row{2, 0x86, arp_error::not_ipv4},
                          row{4, 8, arp_error::bad_address_length}, row{5, 16, arp_error::bad_address_length}}) {
        auto bad = packet;
        bad[r.at] = r.value;
        CHECK(to_string(arp_view::parse(bad).error) == to_string(r.error));
    }
    auto odd = packet;
    odd[7] = 8;  // InARP request: not known here, and not refused
    CHECK(to_string(arp_view::parse(odd).view.operation()) == "unknown");
}
