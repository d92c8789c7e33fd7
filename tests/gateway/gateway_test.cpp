// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway.hpp"

#include "gateway/harness.hpp"
#include "ikealg/base/hash.hpp"

using namespace ikealg_tests;

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
                if (!in && f.responder == 0) {
                    f.initiator += 0x50;  // a Phase 1 of the server's own; a client's that has the same SPI would wait for the end of the burst (N5, G14)
                }
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

TEST_CASE_TEMPLATE("P3: settings with errors make no gateway, and replacing by them changes nothing for what passes", F, ipv4, ipv6) {
    auto wrong = usual_settings<F>();
    wrong.policy.policies[0].applications = {"no-such-application"};
    wrong.nat.rule_sets[0].rules[0].pool = "no-such-pool";
    wrong.alg.esp_gate_timeout = 1s;
    CHECK_FALSE(basic_world<F>::gateway_type::create(wrong, small_options()).value);
    CHECK(basic_world<F>::gateway_type::create(wrong, small_options()).errors.size() == 3);
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    a.connect(0xa001, 0xb001);
    CHECK(w.g->replace(wrong, w.now).size() == 3);
    CHECK(w.told(event_kind::configuration_replaced) == 0);
    CHECK(a.got(0xa001, 2));
    CHECK(a.esp_out(0xb001, 2).forwarded());
    basic_tunnel<F> b(w, 2);
    b.connect(0xa002, 0xb002);
}

namespace {

settings<ipv4> of_profile(alg::profile p) {
    auto s = usual_settings<ipv4>();
    s.alg = alg::alg_settings::of(p);
    s.alg.enabled = true;
    s.alg.new_sa_pause = 0ms;
    return s;
}
/// CREATE_CHILD_SA of the client and its ESP, which nobody else's tenure disturbs.
void rekeys(world& w, tunnel& a, std::uint32_t n) {
    CHECK(a.out(exchange_type::create_child_sa, n).forwarded());
    w.pass(10ms);
    CHECK(a.in(exchange_type::create_child_sa, n).forwarded());
    w.pass(100ms);
    CHECK(a.esp_out(0xb000 + n).forwarded());
    w.pass(30ms);
    CHECK(a.got(0xa000 + n));
    w.pass(60s);
}

}  // namespace

TEST_CASE("P4, G3, G6: another profile ends what is under way, in whatever state, and bound SPIs pass on") {
    for (const auto from : {alg::profile::practical, alg::profile::junos}) {
        CAPTURE(from == alg::profile::junos);
        const auto to = from == alg::profile::junos ? alg::profile::practical : alg::profile::junos;
        world w(of_profile(from));
        tunnel a(w, 1);
        tunnel b(w, 2);
        tunnel c(w, 3);
        for (tunnel* t : {&a, &b, &c}) {
            t->phase1();
        }
        rekeys(w, c, 2);
        CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
        w.pass(10ms);
        CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
        const bool waits = b.out(exchange_type::create_child_sa, 2).held;
        CHECK(waits == (from == alg::profile::practical));
        CHECK(w.g->replace(of_profile(to), w.now).empty());
        w.g->records().slots().for_each([](std::uint32_t, const auto& s) {
            CHECK(s.holder == npos);
            CHECK(s.waiting == 0);
        });
        CHECK_FALSE(a.esp_in(0xa001).forwarded());  // no gate is open
        const auto back = w.take_others();
        REQUIRE(back.size() == (waits ? 1 : 0));
        CHECK((!waits || back[0].forwarded()));
        CHECK(c.got(0xa002, 2));
        w.pass(10s);
        for (std::uint32_t n = 3; n < 6; ++n) {
            rekeys(w, a, n);
        }
        w.pass(10min);
        CHECK(w.g->replace(of_profile(from), w.now).empty());
        rekeys(w, b, 6);
    }
}
