// SPDX-License-Identifier: Apache-2.0
/// What every packet_io adapter must do, as one test any adapter can be run through.
///
/// An adapter brings a harness, made afresh for each part:
/// - `using io`: the adapter;
/// - `static constexpr bool can_limit_room`: whether `limit_room` works;
/// - `static constexpr std::uint16_t zones`: how many are served, from 0 on; 2 when absent;
/// - `void feed(const std::vector<arrival>&)`: makes these packets arrive, in this order; called once, before
///   `adapter()`;
/// - `void limit_room(zone_id, std::size_t)`: room for so many departures, if it can be limited;
/// - `io& adapter()`: the adapter under test, not serving zone 9; `receive` waits for what was fed;
/// - `std::vector<octets> sent(zone_id)`: the bytes from the network header on of all that left by a zone; called
///   last.
#ifndef IKEALG_TESTS_IO_CONFORMANCE_HPP
#define IKEALG_TESTS_IO_CONFORMANCE_HPP

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "ikealg/io/packet_io.hpp"

namespace ikealg::test {

using octets = std::vector<std::uint8_t>;

struct arrival {
    zone_id zone;
    octets network;
};

/// A small IPv4 packet that carries `number`; its length varies with it.
inline octets numbered_packet(std::uint32_t number) {
    octets p(20 + 8 + 4 + number % 5 * 100, static_cast<std::uint8_t>(number));
    p[0] = 0x45;
    store_be16(&p[2], static_cast<std::uint16_t>(p.size()));
    p[8] = 64;
    p[9] = 17;
    ipv4_address{0x0a00'0001}.store(&p[12]);
    ipv4_address{0xc633'6401}.store(&p[16]);
    store_be32(&p[28], number);
    return p;
}

/// Over zones 0 to `last`, which is 0 or 1.
inline std::vector<arrival> numbered_arrivals(std::size_t count, zone_id last) {
    std::vector<arrival> all;
    for (std::uint32_t i = 0; i < count; ++i) {
        all.push_back({zone_id{static_cast<std::uint16_t>(i % 3 == 1 ? last.value : 0)}, numbered_packet(i)});
    }
    return all;
}

template <class Harness>
constexpr zone_id last_zone() {
    if constexpr (requires { Harness::zones; }) {
        return zone_id{Harness::zones - 1};
    } else {
        return zone_id{1};
    }
}

template <class Packet>
octets network_octets(Packet& p) {
    REQUIRE(p.ensure_contiguous(p.network_length()));
    const mutable_bytes all = p.network().first(p.network_length());
    return {all.begin(), all.end()};
}

template <class Harness>
void receives_in_bursts_of(std::size_t burst_size) {
    CAPTURE(burst_size);
    const std::vector<arrival> arrivals = numbered_arrivals(150, last_zone<Harness>());
    Harness harness;
    harness.feed(arrivals);
    auto& io = harness.adapter();
    std::array<typename Harness::io::packet, io::max_burst> slots;
    CHECK(io.receive(std::span{slots}.first(0)) == 0);
    std::size_t got = 0;
    while (const std::size_t n = io.receive(std::span{slots}.first(burst_size))) {
        REQUIRE(n <= burst_size);
        for (std::size_t i = 0; i < n; ++i, ++got) {
            CAPTURE(got);
            REQUIRE(got < arrivals.size());
            CHECK(slots[i].zone() == arrivals[got].zone);
            CHECK(slots[i].network_length() == arrivals[got].network.size());
            CHECK(network_octets(slots[i]) == arrivals[got].network);
        }
    }
    CHECK(got == arrivals.size());
    CHECK(io.state() != io::io_state::failed);
    CHECK(io.counters().received == arrivals.size());
    CHECK(io.counters().receive_errors == 0);
}

/// Handles stay good while more is received, and slots that were not filled stay as they were.
template <class Harness>
void keeps_ownership_straight() {
    const std::vector<arrival> arrivals = numbered_arrivals(10, last_zone<Harness>());
    Harness harness;
    harness.feed(arrivals);
    auto& io = harness.adapter();
    std::array<typename Harness::io::packet, io::max_burst> slots;
    REQUIRE(io.receive(std::span{slots}.first(1)) == 1);
    typename Harness::io::packet held = std::move(slots[0]);
    REQUIRE(io.receive(std::span{slots}.first(8)) == 8);
    REQUIRE(io.receive(std::span{slots}.first(8)) == 1);
    CHECK(network_octets(held) == arrivals[0].network);
    CHECK(network_octets(slots[0]) == arrivals[9].network);
    for (std::size_t i = 1; i < 8; ++i) {
        CHECK(network_octets(slots[i]) == arrivals[1 + i].network);
    }
}

template <class Harness>
void transmits_in_order() {
    const std::vector<arrival> arrivals = numbered_arrivals(65, last_zone<Harness>());
    Harness harness;
    harness.feed(arrivals);
    auto& io = harness.adapter();
    constexpr zone_id out = last_zone<Harness>();
    std::vector<typename Harness::io::packet> slots(arrivals.size());
    std::size_t got = 0;
    while (const std::size_t n = io.receive(std::span{slots}.subspan(got))) {
        got += n;
    }
    REQUIRE(got == arrivals.size());
    CHECK(io.transmit(std::span{slots}.first(0), out) == 0);
    CHECK(io.transmit(std::span{slots}.first(1), out) == 1);
    CHECK(io::transmit_all(io, std::span{slots}.subspan(1), out) == 64);
    CHECK(io.counters().transmitted == 65);
    CHECK(io.counters().transmit_errors == 0);
    const std::vector<octets> sent = harness.sent(out);
    REQUIRE(sent.size() == arrivals.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        CAPTURE(i);
        CHECK(sent[i] == arrivals[i].network);
    }
    if constexpr (out != zone_id{0}) {
        CHECK(harness.sent(zone_id{0}).empty());
    }
}

/// What is refused stays with the caller, bytes and zone untouched.
template <class Harness>
void leaves_the_refused_with_the_caller() {
    const std::vector<arrival> arrivals = numbered_arrivals(5, last_zone<Harness>());
    Harness harness;
    harness.feed(arrivals);
    auto& io = harness.adapter();
    std::array<typename Harness::io::packet, 5> slots;
    std::size_t got = 0;
    while (const std::size_t n = io.receive(std::span{slots}.subspan(got))) {
        got += n;
    }
    REQUIRE(got == slots.size());
    const auto still_mine = [&](std::size_t from) {
        for (std::size_t i = from; i < slots.size(); ++i) {
            CAPTURE(i);
            CHECK(slots[i].zone() == arrivals[i].zone);
            CHECK(network_octets(slots[i]) == arrivals[i].network);
        }
    };
    CHECK(io.transmit(slots, zone_id{9}) == 0);
    still_mine(0);
    if constexpr (Harness::can_limit_room) {
        harness.limit_room(zone_id{0}, 2);
        CHECK(io::transmit_all(io, std::span{slots}, zone_id{0}) == 2);
        still_mine(2);
        CHECK(io.transmit(std::span{slots}.subspan(2), zone_id{0}) == 0);
        CHECK(io.counters().transmitted == 2);
        const std::vector<octets> sent = harness.sent(zone_id{0});
        REQUIRE(sent.size() == 2);
        CHECK(sent[1] == arrivals[1].network);
    }
}

/// The whole of it. Call inside one TEST_CASE per adapter.
template <class Harness>
void conforms() {
    static_assert(io::packet_io<typename Harness::io>);
    for (const std::size_t burst_size : {std::size_t{1}, std::size_t{7}, io::max_burst}) {
        receives_in_bursts_of<Harness>(burst_size);
    }
    keeps_ownership_straight<Harness>();
    transmits_in_order<Harness>();
    leaves_the_refused_with_the_caller<Harness>();
}

}  // namespace ikealg::test

#endif
