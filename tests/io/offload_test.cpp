// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/offload.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "ikealg/wire/ipv4.hpp"
#include "ikealg/wire/tcp.hpp"
#include "ikealg/wire/udp.hpp"

using namespace ikealg;
using io::segmentation;
using io::segmenter;
using octets = std::vector<std::uint8_t>;

namespace {

constexpr ipv4_address client{0x0a00'0001};
constexpr ipv4_address server{0xc633'6401};

octets counting(std::size_t size) {
    octets all(size);
    std::iota(all.begin(), all.end(), std::uint8_t{0});
    return all;
}

/// An IPv4 packet with a transport header and payload behind it; its length field 0 above 64 KB.
octets ipv4_packet(ip_protocol protocol, const octets& transport, const octets& payload, std::size_t options = 0) {
    octets p(20 + options, std::uint8_t{1});
    p.insert(p.end(), transport.begin(), transport.end());
    p.insert(p.end(), payload.begin(), payload.end());
    p[0] = static_cast<std::uint8_t>(0x45 + options / 4);
    store_be16(&p[2], static_cast<std::uint16_t>(p.size() > 0xffff ? 0 : p.size()));
    store_be16(&p[4], 0xfffe);
    p[6] = 0x40;
    p[7] = 0;
    p[8] = 64;
    p[9] = static_cast<std::uint8_t>(protocol);
    client.store(&p[12]);
    server.store(&p[16]);
    return p;
}

octets ipv6_packet(std::uint8_t next, const octets& behind) {
    octets p(40, std::uint8_t{0});
    p[0] = 0x60;
    store_be16(&p[4], static_cast<std::uint16_t>(behind.size()));
    p[6] = next;
    p[7] = 64;
    p[23] = 1;
    p[39] = 2;
    p.insert(p.end(), behind.begin(), behind.end());
    return p;
}

octets tcp_header(std::uint32_t sequence, std::uint8_t flags, std::size_t options = 12) {
    octets t(20 + options, std::uint8_t{1});
    store_be16(&t[0], 1000);
    store_be16(&t[2], 80);
    store_be32(&t[4], sequence);
    store_be32(&t[8], 77);
    t[12] = static_cast<std::uint8_t>((t.size() / 4) << 4U);
    t[13] = flags;
    store_be16(&t[14], 500);
    store_be16(&t[16], 0xdead);
    store_be16(&t[18], 0);
    return t;
}

octets udp_header(std::size_t payload, std::uint16_t checksum) {
    octets u(8);
    store_be16(&u[0], 4500);
    store_be16(&u[2], 4500);
    store_be16(&u[4], static_cast<std::uint16_t>(8 + payload));
    store_be16(&u[6], checksum);
    return u;
}

std::vector<octets> all_pieces(segmenter s) {
    std::vector<octets> all;
    while (s) {
        octets piece(s.next_length());
        REQUIRE_FALSE(piece.empty());
        octets too_small(piece.size() - 1);
        REQUIRE_FALSE(s.next(too_small));
        REQUIRE(s.next(piece));
        all.push_back(std::move(piece));
        REQUIRE(all.size() < 10'000);
    }
    CHECK(s.next_length() == 0);
    octets room(100);
    CHECK_FALSE(s.next(room));
    return all;
}

constexpr std::uint8_t fin = 1, psh = 8, ack = 16, cwr = 128;

}  // namespace

TEST_CASE("a partial checksum is completed over all from the transport header on") {
    const octets payload = counting(101);
    octets p = ipv4_packet(ip_protocol::udp, udp_header(payload.size(), 0), payload);
    const auto pseudo = fold(pseudo_header_sum(client, server, 17, static_cast<std::uint32_t>(8 + payload.size())));
    store_be16(&p[26], pseudo);
    REQUIRE(io::complete_checksum(p, 20, 6));
    const auto udp = wire::udp_view::parse(bytes{p}.subspan(20));
    REQUIRE(udp);
    CHECK(udp.view.checksum_valid(client, server));
}

TEST_CASE("a checksum that comes to 0 is sent as 0xffff") {
    octets data{0, 0, 0, 0, 0xff, 0xff};
    REQUIRE(io::complete_checksum(data, 0, 2));
    CHECK(load_be16(&data[2]) == 0xffff);
}

TEST_CASE("a checksum field that lies outside is refused") {
    octets data = counting(40);
    const octets before = data;
    CHECK_FALSE(io::complete_checksum(data, 41, 0));
    CHECK_FALSE(io::complete_checksum(data, 39, 0));
    CHECK_FALSE(io::complete_checksum(data, 20, 19));
    CHECK_FALSE(io::complete_checksum(data, 20, 0xffff));
    CHECK_FALSE(io::complete_checksum({}, 0, 0));
    CHECK(data == before);
    CHECK(io::complete_checksum(data, 20, 18));
}

TEST_CASE("TCP is cut into segments that a sender might have sent") {
    for (const std::size_t options : {0U, 8U}) {
        for (const std::size_t size : {1448U, 1000U, 7U, 70'000U}) {
            CAPTURE(options);
            CAPTURE(size);
            const octets payload = counting(4000);
            const octets p =
                ipv4_packet(ip_protocol::tcp, tcp_header(0xffff'ff00, ack | psh | fin | cwr), payload, options);
            const std::vector<octets> pieces = all_pieces({p, segmentation::tcp, size});
            REQUIRE(pieces.size() == (payload.size() + size - 1) / size);
            octets back;
            for (std::size_t i = 0; i < pieces.size(); ++i) {
                CAPTURE(i);
                const auto ip = wire::ipv4_view::parse(pieces[i]);
                REQUIRE(ip);
                CHECK(ip.view.total_length() == pieces[i].size());
                CHECK(ip.view.checksum_valid());
                CHECK(ip.view.identification() == static_cast<std::uint16_t>(0xfffe + i));
                CHECK(ip.view.dont_fragment());
                const auto tcp = wire::tcp_view::parse(ip.view.payload());
                REQUIRE(tcp);
                CHECK(tcp.view.checksum_valid(client, server));
                CHECK(tcp.view.sequence() == static_cast<std::uint32_t>(0xffff'ff00 + back.size()));
                CHECK(tcp.view.acknowledgment() == 77);
                CHECK(tcp.view.window() == 500);
                CHECK(tcp.view.header_length() == 32);
                const bool last = i + 1 == pieces.size();
                CHECK(tcp.view.flags() == (ack | (last ? fin | psh : 0) | (i == 0 ? cwr : 0)));
                CHECK((tcp.view.payload().size() == size || last));
                back.insert(back.end(), tcp.view.payload().begin(), tcp.view.payload().end());
            }
            CHECK(back == payload);
        }
    }
}

TEST_CASE("TCP over IPv6 is cut behind its extension headers") {
    const octets payload = counting(3000);
    octets behind{6, 0, 1, 4, 0, 0, 0, 0};  // destination options: padding
    const octets header = tcp_header(5, ack | psh);
    behind.insert(behind.end(), header.begin(), header.end());
    behind.insert(behind.end(), payload.begin(), payload.end());
    const octets p = ipv6_packet(60, behind);
    const std::vector<octets> pieces = all_pieces({p, segmentation::tcp, 1000});
    REQUIRE(pieces.size() == 3);
    octets back;
    for (const octets& piece : pieces) {
        CHECK(load_be16(&piece[4]) == piece.size() - 40);
        const auto tcp = wire::tcp_view::parse(bytes{piece}.subspan(48));
        REQUIRE(tcp);
        CHECK(tcp.view.checksum_valid(ipv6_address::load(&p[8]), ipv6_address::load(&p[24])));
        CHECK(tcp.view.sequence() == 5 + back.size());
        back.insert(back.end(), tcp.view.payload().begin(), tcp.view.payload().end());
    }
    CHECK(back == payload);
}

TEST_CASE("a packet above 64 KB, which has no length field, is cut whole") {
    const octets payload = counting(150'000);
    const octets p = ipv4_packet(ip_protocol::tcp, tcp_header(0, ack), payload);
    std::size_t total = 0;
    for (const octets& piece : all_pieces({p, segmentation::tcp, 1448})) {
        CHECK(load_be16(&piece[2]) == piece.size());
        total += piece.size() - 52;
    }
    CHECK(total == payload.size());
}

TEST_CASE("link padding is not cut") {
    octets p = ipv4_packet(ip_protocol::tcp, tcp_header(0, ack), counting(10));
    p.resize(p.size() + 20, 0xee);
    const std::vector<octets> pieces = all_pieces({p, segmentation::tcp, 100});
    REQUIRE(pieces.size() == 1);
    CHECK(pieces[0].size() == 62);
}

TEST_CASE("UDP is cut into datagrams, without a checksum where there was none") {
    for (const std::uint16_t checksum : {std::uint16_t{0}, std::uint16_t{0x1234}}) {
        CAPTURE(checksum);
        const octets payload = counting(2500);
        const octets p = ipv4_packet(ip_protocol::udp, udp_header(payload.size(), checksum), payload);
        const std::vector<octets> pieces = all_pieces({p, segmentation::udp, 1000});
        REQUIRE(pieces.size() == 3);
        octets back;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const auto ip = wire::ipv4_view::parse(pieces[i]);
            REQUIRE(ip);
            CHECK(ip.view.checksum_valid());
            const auto udp = wire::udp_view::parse(ip.view.payload());
            REQUIRE(udp);
            CHECK(udp.view.length() == ip.view.payload().size());
            CHECK((checksum == 0 ? udp.view.checksum() == 0 : udp.view.checksum_valid(client, server)));
            back.insert(back.end(), udp.view.payload().begin(), udp.view.payload().end());
        }
        CHECK(back == payload);
    }
}

TEST_CASE("a large UDP datagram is cut into fragments") {
    const octets payload = counting(4001);
    octets whole = ipv4_packet(ip_protocol::udp, udp_header(payload.size(), 0), payload);
    store_be16(&whole[26], fold(pseudo_header_sum(client, server, 17, static_cast<std::uint32_t>(8 + payload.size()))));
    octets done = whole;
    REQUIRE(io::complete_checksum(done, 20, 6));
    for (const bool partial : {true, false}) {
        CAPTURE(partial);
        const std::vector<octets> pieces =
            all_pieces({partial ? whole : done, segmentation::udp_fragments, 1483, partial});
        REQUIRE(pieces.size() == 3);
        octets back;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const auto ip = wire::ipv4_view::parse(pieces[i]);
            REQUIRE(ip);
            CHECK(ip.view.checksum_valid());
            CHECK(ip.view.identification() == 0xfffe);
            CHECK(ip.view.fragment_offset() * std::size_t{8} == back.size());
            CHECK(ip.view.more_fragments() == (i < 2));
            back.insert(back.end(), ip.view.payload().begin(), ip.view.payload().end());
        }
        CHECK(back == octets(done.begin() + 20, done.end()));
    }
}

TEST_CASE("what cannot be cut is refused") {
    const octets good = ipv4_packet(ip_protocol::tcp, tcp_header(0, ack), counting(100));
    CHECK(segmenter{good, segmentation::tcp, 10});
    CHECK_FALSE(segmenter{});
    CHECK_FALSE(segmenter{good, segmentation::tcp, 0});
    CHECK_FALSE(segmenter{good, segmentation::udp, 10});
    CHECK_FALSE(segmenter{{}, segmentation::tcp, 10});
    CHECK_FALSE(segmenter{good, segmentation::udp_fragments, 7});
    for (const std::size_t cut : {1U, 19U, 30U, 51U, 100U}) {
        CHECK_FALSE(segmenter{bytes{good}.first(cut), segmentation::tcp, 10});
    }
    octets fragment = good;
    fragment[6] = 0x20;
    CHECK_FALSE(segmenter{fragment, segmentation::tcp, 10});
    octets other = good;
    other[0] = 0x55;
    CHECK_FALSE(segmenter{other, segmentation::tcp, 10});
    octets no_payload = ipv4_packet(ip_protocol::tcp, tcp_header(0, ack), {});
    CHECK_FALSE(segmenter{no_payload, segmentation::tcp, 10});
    octets jumbo{6, 0, 0xc2, 4, 0, 1, 0x11, 0x70};
    const octets header = tcp_header(5, ack);
    jumbo.insert(jumbo.end(), header.begin(), header.end());
    jumbo.resize(70'000);
    octets p = ipv6_packet(0, jumbo);
    store_be16(&p[4], 0);
    CHECK_FALSE(segmenter{p, segmentation::tcp, 1000});
}

TEST_CASE("no bytes, however damaged, make the segmenter read or write outside") {
    small_random random{4711};
    const octets payload = counting(300);
    octets behind{6, 0, 1, 4, 0, 0, 0, 0};
    const octets header = tcp_header(5, ack | psh);
    behind.insert(behind.end(), header.begin(), header.end());
    behind.insert(behind.end(), payload.begin(), payload.end());
    const std::vector<octets> seeds{ipv4_packet(ip_protocol::tcp, tcp_header(1, ack), payload, 4),
                                    ipv6_packet(60, behind),
                                    ipv4_packet(ip_protocol::udp, udp_header(300, 1), payload)};
    std::size_t accepted = 0;
    for (std::uint32_t round = 0; round < 20'000; ++round) {
        CAPTURE(round);
        octets p = seeds[random() % seeds.size()];
        if (random() % 4 == 0) {
            p.resize(random() % (p.size() + 1));
        }
        for (auto damage = random() % 4; damage > 0 && !p.empty(); --damage) {
            p[random() % std::min<std::size_t>(p.size(), 70)] = static_cast<std::uint8_t>(random());
        }
        p.shrink_to_fit();
        segmenter s{p, static_cast<segmentation>(random() % 3), random() % 400};
        accepted += s ? 1U : 0U;
        for (std::size_t n = 0; s; ++n) {
            REQUIRE(n <= payload.size());
            octets piece(s.next_length());
            REQUIRE(s.next(piece));
        }
    }
    CHECK(accepted > 1000);
}
