// SPDX-License-Identifier: Apache-2.0
/// Packets as a kernel leaves them in a ring, and the frames that come of them.
#include "ikealg/io/ring_to_frame.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "ikealg/wire/ipv4.hpp"

using namespace ikealg;
using io::detail::large_packet;
using io::detail::ring_packet;
using io::detail::undone_work;
using octets = std::vector<std::uint8_t>;

namespace {

constexpr std::size_t link_size = 14;
constexpr std::size_t udp_at = link_size + 20;

/// A UDP datagram over IPv4 on Ethernet; its checksum field holds the sum of the pseudo header.
octets udp_on_ethernet(std::size_t payload) {
    constexpr ipv4_address from{0x0a00'0001};
    constexpr ipv4_address to{0xc633'6401};
    octets p(udp_at + 8 + payload);
    for (std::size_t i = 0; i < p.size(); ++i) {
        p[i] = static_cast<std::uint8_t>(i);
    }
    store_be16(&p[12], 0x0800);
    p[link_size] = 0x45;
    store_be16(&p[link_size + 2], static_cast<std::uint16_t>(p.size() - link_size));
    store_be16(&p[link_size + 6], 0);
    p[link_size + 9] = 17;
    from.store(&p[link_size + 12]);
    to.store(&p[link_size + 16]);
    const auto length = static_cast<std::uint16_t>(8 + payload);
    store_be16(&p[udp_at + 4], length);
    store_be16(&p[udp_at + 6], fold(pseudo_header_sum(from, to, 17, length)));
    return p;
}

ring_packet in_ring(const octets& data, bool partial) {
    ring_packet p;
    p.data = data;
    if (partial) {
        p.undone.flags = undone_work::needs_checksum;
        p.undone.checksum_start = udp_at;
        p.undone.checksum_offset = 6;
    }
    return p;
}
ring_packet tagged(ring_packet p) {
    p.tagged = true;
    p.tag_type = 0x8100;
    p.tag_control = 0x2007;
    return p;
}

bool checksum_right(io::frame& f) {
    const auto ip = wire::ipv4_view::parse(bytes{f.network()});
    REQUIRE(ip);
    const bytes udp = ip.view.payload();
    const auto length = static_cast<std::uint32_t>(udp.size());
    return fold(sum_bytes(udp, pseudo_header_sum(ip.view.source(), ip.view.destination(), 17, length))) == 0xffff;
}

struct one_frame {
    io::frame_pool pool{1};
    io::frame f = pool.make(0, zone_id{});
};

}  // namespace

TEST_CASE("a packet that nothing was left undone of is copied") {
    const octets data = udp_on_ethernet(30);
    one_frame to;
    REQUIRE(io::detail::to_frame(in_ring(data, false), to.f));
    const bytes wire = to.f.wire();
    CHECK(octets(wire.begin(), wire.end()) == data);
    CHECK(to.f.link_header().size() == link_size);
}

TEST_CASE("a partial checksum is completed, behind a tag that is put back, too") {
    const octets data = udp_on_ethernet(31);
    for (const bool tag : {false, true}) {
        CAPTURE(tag);
        one_frame to;
        const ring_packet p = in_ring(data, true);
        REQUIRE(io::detail::to_frame(tag ? tagged(p) : p, to.f));
        CHECK(checksum_right(to.f));
        const bytes link = to.f.link_header();
        REQUIRE(link.size() == link_size + (tag ? 4U : 0U));
        CHECK(load_be16(&link[link.size() - 2]) == 0x0800);
        if (tag) {
            CHECK(load_be16(&link[12]) == 0x8100);
            CHECK(load_be16(&link[14]) == 0x2007);
        }
    }
}

TEST_CASE("a checksum inside the link header or behind the end, and a tag without a type, are damage") {
    const octets data = udp_on_ethernet(8);
    one_frame to;
    ring_packet p = in_ring(data, true);
    p.undone.checksum_start = link_size - 1;
    CHECK_FALSE(io::detail::to_frame(p, to.f));
    p.undone.checksum_start = static_cast<std::uint16_t>(data.size() - 7);
    CHECK_FALSE(io::detail::to_frame(p, to.f));
    octets cut(data.begin(), data.begin() + link_size);
    store_be16(&cut[12], 0x8100);
    CHECK_FALSE(io::detail::to_frame(in_ring(cut, false), to.f));
}

TEST_CASE("a packet of many becomes frames with checksums and the link header of their own") {
    constexpr std::size_t room = io::frame_pool::min_capacity;
    const octets data = udp_on_ethernet(2500);
    for (const bool tag : {false, true}) {
        CAPTURE(tag);
        ring_packet p = in_ring(data, true);
        p.undone.cut = undone_work::udp_datagrams;
        p.undone.cut_size = 1000;
        p = tag ? tagged(p) : p;
        REQUIRE(large_packet::is_one(p, room));
        large_packet large(p, 1500, room);
        std::size_t payload = 0;
        std::size_t frames = 0;
        for (; large; ++frames) {
            one_frame to;
            large.next(to.f);
            CHECK(checksum_right(to.f));
            CHECK(to.f.link_header().size() == link_size + (tag ? 4U : 0U));
            payload += to.f.network_length() - 28;
        }
        CHECK(frames == 3);
        CHECK(payload == 2500);
    }
}

TEST_CASE("a packet too long for a frame is a large one; one that cannot be cut gives no pieces") {
    constexpr std::size_t room = io::frame_pool::min_capacity;
    CHECK_FALSE(large_packet{});
    CHECK_FALSE(large_packet::is_one(in_ring(udp_on_ethernet(room - 28), false), room));
    const octets data = udp_on_ethernet(room - 27);
    const ring_packet p = in_ring(data, false);
    REQUIRE(large_packet::is_one(p, room));
    CHECK_FALSE(large_packet(p, 1500, room));  // the kernel says of UDP how it is to be cut
    octets tag_only(data.begin(), data.begin() + link_size);
    store_be16(&tag_only[12], 0x8100);
    CHECK_FALSE(large_packet(in_ring(tag_only, false), 1500, room));
}
