// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/packet_ends.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("L6: packets in pieces and with shared bytes are repaired; when they cannot be, they are dropped") {
    for (std::size_t cut = 0; cut < 60; cut += 3) {
        CAPTURE(cut);
        world w;
        tunnel t(w, 5);
        t.phase1();
        const std::vector<octets> sent{udp(client(5), 6000, server_1, 53, hello), tcp(client(5), 6000, server_1, 80, 2, hello),
                                       echo(client(5), server_1, 9), udp(client(5), 500, server_1, 500, ike(t.ids)),
                                       esp(client(5), server_1, 0xb001, 7)};
        for (const octets& packet : sent) {
            CAPTURE(int{packet[9]});
            const auto make = [&] {
                io::memory_packet p(packet, inside);
                p.split(cut);
                p.split(cut + 7);
                return p;
            };
            const outcome plain = w.out(packet);
            REQUIRE(plain.forwarded());
            const outcome split = w.send(make());
            CHECK(split.forwarded());
            CHECK(split.data == plain.data);
            io::memory_packet p = make();
            const io::memory_packet other = p.share();
            CHECK(w.send(std::move(p)).data == plain.data);
            CHECK(other.network_copy() == packet);
            io::memory_packet stuck = make();
            const io::memory_packet third = stuck.share();
            stuck.fail_writable();
            const outcome o = w.send(std::move(stuck));  // what was gathered is its own already
            CHECK((o.dropped(drop_reason::no_memory) || o.data == plain.data));
            CHECK(third.network_copy() == packet);
            io::memory_packet apart(packet, inside);
            apart.split(10);
            apart.fail_contiguous();
            CHECK(w.send(std::move(apart)).v.act == action::drop);
        }
        io::memory_packet p(udp(client(5), 500, server_1, 500, ike(t.ids)), inside);
        p.split(40);
        p.fail_contiguous();
        CHECK(w.send(std::move(p)).dropped(drop_reason::no_memory));
    }
}

TEST_CASE("L6: what is not IP of this family is not the gateway's") {
    world w;
    CHECK(w.out(ip6(17, v6("2001:db8::1"), v6("2001:db8::2"), octets(8))).v.act == action::not_mine);
    CHECK(w.out({}).v.act == action::drop);
    CHECK(w.send(udp(client(1), 1, server_1, 2, hello), zone_id{77}).v.act == action::drop);
}
