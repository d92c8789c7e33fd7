// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/memory.hpp"

#include <doctest/doctest.h>

#include <array>
#include <numeric>

#include "ikealg/base/hash.hpp"
#include "io/conformance.hpp"

using namespace ikealg;
using io::memory_io;
using io::memory_packet;
using test::octets;

namespace {

octets counting(std::size_t size) {
    octets all(size);
    std::iota(all.begin(), all.end(), std::uint8_t{0});
    return all;
}

struct memory_harness {
    using io = memory_io;
    static constexpr bool can_limit_room = true;

    memory_io under_test{2};

    void feed(const std::vector<test::arrival>& arrivals) {
        const octets link = counting(14);
        for (const test::arrival& a : arrivals) {
            under_test.arrive(memory_packet{link, a.network, a.zone});
        }
    }
    void limit_room(zone_id zone, std::size_t packets) { under_test.set_room(zone, packets); }
    memory_io& adapter() { return under_test; }
    std::vector<octets> sent(zone_id zone) {
        std::vector<octets> all;
        while (auto p = under_test.depart(zone)) {
            all.push_back(p->network_copy());
        }
        return all;
    }
};

}  // namespace

TEST_CASE("memory_io conforms to packet_io") {
    test::conforms<memory_harness>();
}

TEST_CASE("a memory packet keeps its link header, marks and bytes apart") {
    const octets link = {0xaa, 0xbb, 0xcc};
    memory_packet p{link, counting(40), zone_id{7}};
    p.set_tag(0x1234'5678'9abc'def0);
    p.set_time(instant{std::chrono::nanoseconds{5}});
    p.set_missing(3);
    const memory_packet moved = std::move(p);
    CHECK(octets{moved.link_header().begin(), moved.link_header().end()} == link);
    CHECK(moved.network_copy() == counting(40));
    CHECK(moved.network_length() == 40);
    CHECK(moved.zone() == zone_id{7});
    CHECK(moved.tag() == 0x1234'5678'9abc'def0);
    CHECK(moved.time().time_since_epoch().count() == 5);
    CHECK(moved.missing() == 3);
    CHECK(moved.truncated_by_snaplen());
}

TEST_CASE("an empty slot is a packet of no bytes") {
    memory_packet p;
    CHECK(p.network().empty());
    CHECK(p.network_length() == 0);
    CHECK(p.link_header().empty());
    CHECK(p.ensure_contiguous(0));
    CHECK(p.ensure_writable(0));
    CHECK_FALSE(p.ensure_contiguous(1));
    CHECK_FALSE(p.ensure_writable(1));
    p.split(0);
    CHECK(p.segment_count() == 0);

    memory_packet from{counting(14), counting(3), zone_id{}};
    const memory_packet to = std::move(from);
    CHECK(from.network_length() == 0);
    CHECK(from.network().empty());
    CHECK(to.network_length() == 3);
}

TEST_CASE("ensure_contiguous gathers exactly what was asked for") {
    memory_packet p{counting(14), counting(60), zone_id{}};
    p.split(0);
    p.split(20);
    p.split(28);
    p.split(28);
    p.split(60);
    CHECK(p.segment_count() == 4);
    CHECK(p.network().empty());
    CHECK(p.network_length() == 60);

    REQUIRE(p.ensure_contiguous(24));
    CHECK(p.network().size() == 24);
    CHECK(p.network()[23] == 23);
    CHECK(p.network_copy() == counting(60));
    CHECK(p.link_header().size() == 14);

    CHECK_FALSE(p.ensure_contiguous(61));
    p.fail_contiguous();
    CHECK(p.ensure_contiguous(24));
    CHECK_FALSE(p.ensure_contiguous(25));
    CHECK(p.network_copy() == counting(60));
    p.fail_contiguous(false);
    REQUIRE(p.ensure_contiguous(60));
    CHECK(p.segment_count() == 1);
    CHECK(p.network_copy() == counting(60));
}

TEST_CASE("ensure_writable parts shared bytes, and only the segments asked for") {
    memory_packet p{counting(14), counting(60), zone_id{}};
    p.split(28);
    CHECK_FALSE(p.is_shared());
    const memory_packet other = p.share();
    CHECK(p.is_shared());

    p.fail_writable();
    CHECK_FALSE(p.ensure_writable(20));
    p.fail_writable(false);
    const std::uint8_t* before = p.network().data();
    REQUIRE(p.ensure_writable(20));
    CHECK(p.network().data() != before);
    CHECK(p.is_shared());
    p.network()[12] = 0xff;
    CHECK(other.network_copy() == counting(60));

    REQUIRE(p.ensure_writable(29));
    CHECK_FALSE(p.is_shared());
    CHECK_FALSE(other.is_shared());
    p.fail_writable();
    CHECK(p.ensure_writable(60));
    CHECK_FALSE(p.ensure_writable(61));
}

TEST_CASE("gathering shared segments leaves the other handle's bytes alone") {
    memory_packet p{{}, counting(60), zone_id{}};
    p.split(20);
    memory_packet other = p.share();
    REQUIRE(p.ensure_contiguous(40));
    REQUIRE(p.ensure_writable(40));
    p.network()[30] = 0xff;
    CHECK(other.segment_count() == 2);
    CHECK(other.network_copy() == counting(60));
    CHECK(other.network().size() == 20);
}

TEST_CASE("any splits and repairs keep the bytes") {
    small_random random{2024};
    for (int round = 0; round < 500; ++round) {
        CAPTURE(round);
        const octets content = counting(random() % 200);
        const octets link = counting(random() % 30);
        memory_packet p{link, content, zone_id{}};
        for (auto splits = random() % 6; splits > 0; --splits) {
            p.split(random() % 210);
        }
        const memory_packet other = p.share();
        for (int step = 0; step < 4; ++step) {
            const std::size_t n = random() % 210;
            CAPTURE(n);
            CHECK(p.ensure_contiguous(n) == (n <= content.size()));
            CHECK((n > content.size() || p.network().size() >= n));
            CHECK(p.ensure_writable(n) == (n <= content.size()));
            CHECK(p.network_copy() == content);
            CHECK(octets{p.link_header().begin(), p.link_header().end()} == link);
        }
        REQUIRE(p.ensure_contiguous(content.size()));
        REQUIRE(p.ensure_writable(content.size()));
        for (std::uint8_t& b : p.network()) {
            b = 0xee;
        }
        CHECK(other.network_copy() == content);
    }
}

TEST_CASE("drain stops at the budget and at the end") {
    memory_io io{1};
    for (std::uint64_t i = 0; i < 100; ++i) {
        memory_packet p{counting(1), zone_id{}};
        p.set_tag(i);
        io.arrive(std::move(p));
    }
    std::array<memory_packet, 32> slots;
    std::vector<std::uint64_t> tags;
    const auto sink = [&](std::span<memory_packet> burst) {
        for (const memory_packet& p : burst) {
            tags.push_back(p.tag());
        }
    };
    CHECK(io::drain(io, std::span{slots}, 0, sink) == 0);
    CHECK(io::drain(io, std::span{slots}, 40, sink) == 40);
    CHECK(tags.size() == 40);
    CHECK(io::drain(io, std::span{slots}, 1000, sink) == 60);
    REQUIRE(tags.size() == 100);
    CHECK(tags.front() == 0);
    CHECK(tags.back() == 99);
    CHECK(to_string(io.state()) == "ready");
}
