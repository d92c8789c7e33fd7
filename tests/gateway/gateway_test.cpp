// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway.hpp"

#include "gateway/harness.hpp"
#include "ikealg/base/hash.hpp"

using namespace ikealg_tests;

namespace {

const ipv4_address router = v4("192.0.2.77");
const octets hello(64, 0x41);

/// An ICMP error about `packet`, quoting `quote` bytes of it.
octets error_about(ipv4_address from, ipv4_address to, const octets& packet, std::uint8_t type = 3, std::uint8_t code = 4,
                   std::size_t quote = 1000, std::uint32_t rest = 1400) {
    octets q = packet;
    q.resize(std::min(q.size(), quote));
    return icmp(from, to, type, code, rest, q);
}
octets quoted_in(const octets& error) { return {error.begin() + 28, error.end()}; }

}  // namespace

TEST_CASE("N8: an error from outside about UDP, TCP, echo and ESP reaches its client, both headers rewritten") {
    world w;
    tunnel t(w, 5);
    t.connect(0xa001, 0xb001);
    const std::vector<octets> sent{udp(client(5), 6000, server_1, 53, hello), tcp(client(5), 6000, server_1, 80, 2), echo(client(5), server_1, 9),
                                   esp(client(5), server_1, 0xb001, 7), udp(client(5), 500, server_1, 500, ike(t.ids))};
    for (const octets& packet : sent) {
        for (const std::size_t quote : {28UL, 60UL, 1000UL}) {
            for (const std::uint8_t type : {std::uint8_t{3}, std::uint8_t{4}, std::uint8_t{11}, std::uint8_t{12}}) {
                CAPTURE(int{packet[9]});
                CAPTURE(quote);
                const outcome out = w.out(packet);
                REQUIRE(out.forwarded());
                const std::size_t flows = w.g->records().flows.size();
                const outcome e = w.in(error_about(router, nat_1, out.data, type, 0, quote));
                REQUIRE(e.forwarded());
                CHECK(e.v.to == inside);
                CHECK(source_of(e.data) == router);
                CHECK(destination_of(e.data) == client(5));
                octets expected = packet;  // as the client sent it, but for the TTL
                expected[8] = 63;
                store_be16(&expected[10], 0);
                store_be16(&expected[10], checksum(expected.data(), 20));
                expected.resize(std::min(expected.size(), quote));
                CHECK(quoted_in(e.data) == expected);
                CHECK(w.g->records().flows.size() == flows);
            }
        }
    }
    CHECK(w.count(counter::icmp_translated) == 60);
    CHECK(w.told(event_kind::icmp_error) == 60);
}

TEST_CASE("N8: an error from inside about what the client got: the server sees the nat address in both headers") {
    world w;
    tunnel t(w, 5);
    t.connect(0xa001, 0xb001);
    const outcome query = w.out(udp(client(5), 6000, server_1, 53, hello));
    const outcome ping = w.out(echo(client(5), server_1, 9));
    const std::vector<octets> sent{udp(server_1, 53, nat_1, source_port_of(query.data), hello), echo(server_1, nat_1, load_be16(&ping.data[24]), 1, true),
                                   esp(server_1, nat_1, 0xa001, 7), udp(server_1, 500, nat_1, 500, ike(t.ids))};
    for (const octets& packet : sent) {
        CAPTURE(int{packet[9]});
        const outcome got = w.in(packet);
        REQUIRE(got.forwarded());
        const outcome e = w.out(error_about(client(99), server_1, got.data));  // a router inside
        REQUIRE(e.forwarded());
        CHECK(e.v.to == outside);
        CHECK(source_of(e.data) == nat_1);
        CHECK(destination_of(e.data) == server_1);
        octets expected = packet;
        expected[8] = 63;
        store_be16(&expected[10], 0);
        store_be16(&expected[10], checksum(expected.data(), 20));
        CHECK(quoted_in(e.data) == expected);
    }
}

TEST_CASE("N8: errors about IKE on a shared port go to the client whose SPIs are quoted") {
    auto s = usual_settings();
    s.alg.ike_port = alg::ike_port_mode::preserve;
    world w(s);
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.phase1();
    b.phase1();
    for (tunnel* t : {&a, &b}) {
        const outcome out = t->out(exchange_type::informational, 7);
        REQUIRE(out.forwarded());
        const outcome e = w.in(error_about(router, nat_1, out.data));
        REQUIRE(e.forwarded());
        CHECK(destination_of(e.data) == t->local);
        CHECK(destination_of(quoted_in(e.data)) == server_1);
        CHECK(source_of(quoted_in(e.data)) == t->local);
        CHECK(w.in(error_about(router, nat_1, out.data, 3, 3, 28)).dropped(drop_reason::icmp_unmatched));
    }
}

TEST_CASE("N8: errors that quote nothing known are dropped and counted, and keep nothing alive") {
    world w;
    const outcome out = w.out(udp(client(5), 6000, server_1, 53, hello));
    CHECK(w.in(error_about(router, nat_1, udp(nat_1, 6001, server_1, 53, hello))).dropped(drop_reason::icmp_unmatched));
    CHECK(w.in(error_about(router, nat_1, out.data, 3, 4, 20)).v.act == action::drop);
    CHECK(w.in(icmp(router, nat_1, 3, 4, 0, octets(5))).v.act == action::drop);
    CHECK(w.in(icmp(router, nat_1, 5, 0, 0, out.data)).dropped(drop_reason::unsupported));  // a redirect
    CHECK(w.count(counter::icmp_unmatched) == 3);
    for (int i = 0; i < 5; ++i) {
        w.pass(100s);
        (void)w.in(error_about(router, nat_1, out.data));
    }
    CHECK(w.g->records().flows.size() == 0);
}

TEST_CASE("N9: later fragments follow their first, in any order; early ones wait for it, 5 s at most") {
    world w;
    tunnel t(w, 5);
    t.phase1();
    const octets big = udp(client(5), 500, server_1, 500, ike(t.ids, 4000));
    auto parts = fragments(big, 1400, 700);
    REQUIRE(parts.size() == 3);
    SUBCASE("in order") {
        std::vector<std::uint16_t> ids;
        for (const octets& p : parts) {
            const outcome o = w.out(p);
            REQUIRE(o.forwarded());
            CHECK(source_of(o.data) == nat_1);
            ids.push_back(identification_of(o.data));
        }
        CHECK(ids[0] == ids[1]);
        CHECK(ids[0] == ids[2]);
    }
    SUBCASE("the last one first") {
        CHECK(w.out(parts[2]).held);
        CHECK(w.out(parts[1]).held);
        const outcome o = w.out(parts[0]);
        REQUIRE(o.forwarded());
        const auto back = w.take_others();
        REQUIRE(back.size() == 2);
        for (const outcome& later : back) {
            CHECK(later.forwarded());
            CHECK(identification_of(later.data) == identification_of(o.data));
        }
        CHECK(w.count(counter::fragments_held) == 2);
    }
    SUBCASE("no first one") {
        CHECK(w.out(parts[1]).held);
        w.pass(4900ms);
        CHECK(w.take_others().empty());
        w.pass(200ms);
        const auto back = w.take_others();
        REQUIRE(back.size() == 1);
        CHECK(back[0].dropped(drop_reason::fragment));
    }
    SUBCASE("from outside, on a port that clients share") {
        auto s = usual_settings();
        s.alg.ike_port = alg::ike_port_mode::preserve;
        world shared(s);
        tunnel a(shared, 1);
        tunnel b(shared, 2);
        a.phase1();
        b.phase1();
        for (tunnel* to : {&a, &b}) {
            const auto answer = fragments(udp(server_1, 500, nat_1, 500, ike(to->ids, 3000)), 1400, static_cast<std::uint16_t>(to->local.value));
            CHECK(shared.in(answer[1]).held);
            CHECK(destination_of(shared.in(answer[0]).data) == to->local);
            CHECK(destination_of(shared.in(answer[2]).data) == to->local);
            const auto back = shared.take_others();
            REQUIRE(back.size() == 1);
            CHECK(destination_of(back[0].data) == to->local);
        }
    }
    SUBCASE("a fragment of a packet that was dropped is dropped for the same reason") {
        const auto denied = fragments(udp(server_1, 53, nat_1, 6000, hello), 32, 3);
        CHECK(w.in(denied[0]).dropped(drop_reason::no_state));
        CHECK(w.in(denied[1]).dropped(drop_reason::no_state));
    }
}

TEST_CASE("N9: a first fragment that is held keeps those behind it, and they leave together") {
    world w;
    tunnel a(w, 1);
    tunnel b(w, 2);
    a.phase1();
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    const octets big = udp(client(2), 500, server_1, 500, b.message(exchange_type::create_child_sa, 2, false, true, 4000));
    const auto parts = fragments(big, 1400, 701);
    CHECK(w.out(parts[2]).held);  // early
    CHECK(w.out(parts[0]).held);  // no turn yet
    CHECK(w.out(parts[1]).held);
    CHECK(w.take_others().empty());
    w.pass(10ms);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    w.pass(1500ms);
    const auto back = w.take_others();
    REQUIRE(back.size() == 3);
    CHECK(source_port_of(back[0].data) == b.nat_port);
    for (const outcome& o : back) {
        CHECK(o.forwarded());
        CHECK(source_of(o.data) == nat_1);
        CHECK(identification_of(o.data) == identification_of(back[0].data));
    }
}

TEST_CASE("L4: a clock that steps back is clamped and counted; ticks may wrap") {
    auto o = small_options();
    o.start = instant{std::chrono::milliseconds{0xffff'0000LL}};  // 65 s before the 32-bit tick wraps
    world w(usual_settings(), o);
    tunnel a(w, 1);
    a.connect(0xa001, 0xb001);
    w.now -= 30s;
    CHECK(a.got(0xa001, 2));
    CHECK(w.count(counter::clock_steps_back) >= 1);
    w.now += 31s;
    for (std::uint32_t i = 3; i < 10; ++i) {
        w.pass(60s);
        CHECK(a.got(0xa001, i));
        CHECK(a.out(exchange_type::informational, i).forwarded());
    }
    w.pass(4h + 4h);
    CHECK(w.g->records().flows.size() == 0);
    CHECK(w.g->mappings().size() == 0);
}

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

TEST_CASE("G14: a burst gives the same verdicts and bytes as its packets one by one") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        auto s = usual_settings(2);
        s.alg.ike_port = seed % 3 == 0 ? alg::ike_port_mode::preserve : alg::ike_port_mode::prefer;
        world one(s);
        world many(s);
        const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
        for (int round = 0; round < 40; ++round) {
            std::vector<octets> packets;
            std::vector<zone_id> zones;
            const std::size_t count = 1 + below(100);
            for (std::size_t i = 0; i < count; ++i) {
                const std::uint32_t n = 1 + below(4);
                const ipv4_address nat = nat_1.plus(below(2));
                ike_fields f{n, below(3) == 0 ? 0U : 100U + n};
                f.exchange = static_cast<std::uint8_t>(34 + below(4));
                f.message_id = below(4);
                const bool response = below(2) == 0;
                f.flags = static_cast<std::uint8_t>(response ? 0x20 : 0x08);
                const auto port = static_cast<std::uint16_t>(below(4) == 0 ? 1024 + below(60000) : 500);
                zones.push_back(below(2) == 0 ? inside : outside);
                const bool in = zones.back() == inside;
                switch (below(5)) {
                    case 0: packets.push_back(in ? udp(client(n), 500, server_1, 500, ike(f)) : udp(server_1, 500, nat, port, ike(f))); break;
                    case 1: packets.push_back(in ? esp(client(n), server_1, 0xb000 + below(6)) : esp(server_1, nat, 0xa000 + below(6))); break;
                    case 2: packets.push_back(in ? udp(client(n), 6000, server_1, 53, hello) : udp(server_1, 53, nat, 6000, hello)); break;
                    case 3: packets.push_back(fragments(in ? udp(client(n), 500, server_1, 500, ike(f, 400)) : udp(server_1, 500, nat, port, ike(f, 400)), 200,
                                                        static_cast<std::uint16_t>(below(8)))[below(2)]); break;
                    default: packets.push_back(in ? echo(client(n), server_1, 5) : echo(server_1, nat, 5, 1, true)); break;
                }
            }
            std::vector<outcome> a;
            std::vector<outcome> b;
            const auto into = [](std::vector<outcome>& to) {
                return [&to](io::memory_packet&& p, verdict v) { to.push_back({false, v, p.network_copy(), p.tag()}); };
            };
            std::vector<io::memory_packet> burst;
            for (std::size_t i = 0; i < count; ++i) {
                io::memory_packet p(packets[i], zones[i]);
                io::memory_packet q(packets[i], zones[i]);
                p.set_tag(i);
                q.set_tag(i);
                burst.push_back(std::move(p));
                std::array<io::memory_packet, 1> single{std::move(q)};
                one.g->process(single, one.now, into(a));
            }
            many.g->process(burst, many.now, into(b));
            const auto order = [](const outcome& x, const outcome& y) { return x.tag != y.tag ? x.tag < y.tag : x.data < y.data; };
            std::sort(a.begin(), a.end(), order);
            std::sort(b.begin(), b.end(), order);
            REQUIRE(a.size() == b.size());
            for (std::size_t i = 0; i < a.size(); ++i) {
                CHECK(a[i].tag == b[i].tag);
                CHECK(a[i].v == b[i].v);
                CHECK(a[i].data == b[i].data);
            }
            const duration step = std::chrono::milliseconds{below(3000)};
            one.pass(step);
            many.pass(step);
            CHECK(one.take_others().size() == many.take_others().size());
        }
        for (std::size_t i = 0; i < alg::counter_count; ++i) {
            CAPTURE(to_string(static_cast<counter>(i)));
            CHECK(one.count(static_cast<counter>(i)) == many.count(static_cast<counter>(i)));
        }
    }
}

TEST_CASE("steer() brings both directions of a client to one shard, and ICMP errors with them") {
    for (const std::uint32_t addresses : {1U, 3U, 64U}) {
        for (const std::uint32_t shards : {2U, 4U}) {
            CAPTURE(addresses);
            CAPTURE(shards);
            auto s = usual_settings(addresses);
            s.nat.statics = {{"responder", "trust", {client(250), 32}, {v4("203.0.113.200"), 32}}};
            s.nat.rule_sets[0].rules.insert(s.nat.rule_sets[0].rules.begin(),
                                            {"exempt", {}, {{server_2, 32}}, nat::nat_action::off, {}});
            std::vector<std::unique_ptr<world>> cores;
            for (std::uint32_t i = 0; i < shards; ++i) {
                auto o = small_options();
                o.mappings = 256;
                o.capacity.flows = 4096;
                o.shard = i;
                o.shards = shards;
                cores.push_back(std::make_unique<world>(s, o));
            }
            std::vector<bool> used(shards);
            const auto steer = [&](const octets& p, zone_id zone) { return cores[0]->g->steer(p, zone, shards); };
            for (std::uint32_t n = 200; n <= 250; ++n) {
                for (const ipv4_address server : {server_1, server_2, server_1.plus(n)}) {
                    const octets packet = udp(client(n), 6000, server, 53, hello);
                    const std::uint32_t shard = steer(packet, inside);
                    used[shard] = true;
                    world& core = *cores[shard];
                    const outcome out = core.out(packet);
                    REQUIRE(out.forwarded());
                    const octets answer = udp(server, 53, source_of(out.data), source_port_of(out.data), hello);
                    CHECK(steer(answer, outside) == shard);
                    CHECK(core.in(answer).forwarded());
                    CHECK(steer(error_about(router, source_of(out.data), out.data), outside) == shard);
                    CHECK(steer(error_about(client(3), server, udp(server, 53, client(n), 6000, hello)), inside) == shard);
                    CHECK(steer(fragments(answer, 32, 5)[1], outside) == shard);
                    CHECK(steer(esp(client(n), server, 0x1000), inside) == shard);
                    CHECK(steer(esp(server, source_of(out.data), 0x1000), outside) == shard);
                }
            }
            CHECK(std::count(used.begin(), used.end(), true) == static_cast<std::ptrdiff_t>(shards));
            CHECK(steer({}, inside) == 0);
        }
    }
}

TEST_CASE("next_timer is empty without state and never later than the next thing that happens") {
    world w;
    CHECK_FALSE(w.g->next_timer());
    CHECK(w.out(udp(client(1), 6000, server_1, 53, hello)).forwarded());
    REQUIRE(w.g->next_timer());
    CHECK(*w.g->next_timer() <= w.now + 300s + 1ms);
    w.pass(1h);
    CHECK_FALSE(w.g->next_timer());
}
