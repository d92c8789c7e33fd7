// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/arp_table.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "support/packets.hpp"

using namespace ikealg_tests;
using namespace std::chrono_literals;
using host::arp_key;
using host::arp_lesson;
using host::arp_source;
using host::arp_state;

namespace {

using numbered = std::unique_ptr<int>;  // as a packet: move-only, nothing when moved from
using table_type = host::arp_table<numbered>;
using outcome = table_type::outcome;

constexpr instant start{1h};

wire::mac_address station(std::uint8_t n) { return {{2, 0, 0, 0, 1, n}}; }
arp_key key(std::uint32_t n) { return {0, {0x0a00'0000U + n}}; }

struct bench {
    host::arp_settings settings{};
    table_type table;
    std::vector<int> dropped{}, delivered{}, failed{};
    std::vector<std::pair<arp_key, std::optional<wire::mac_address>>> asked{};

    explicit bench(host::arp_settings s) : settings(s), table(s, hash_secret::from_seed(1)) {}
    bench() : bench(host::arp_settings{}) {}

    table_type::resolution send(std::uint32_t n, int what, instant now) {
        numbered p = std::make_unique<int>(what);
        const auto r = table.resolve(key(n), p, now, [&](numbered&& d) { dropped.push_back(*d); });
        CHECK((p == nullptr) == (r.result == outcome::waiting));
        return r;
    }
    arp_lesson learn(std::uint32_t n, std::uint8_t mac, arp_source how, instant now) {
        return table.learn(key(n), station(mac), how, now, [&](numbered&& p, wire::mac_address m) {
            CHECK(m == station(mac));
            delivered.push_back(*p);
        });
    }
    bool advance(instant now, std::size_t budget = 100) {
        return table.advance(now, budget, [&](const arp_key& k, std::optional<wire::mac_address> m) { asked.emplace_back(k, m); },
                             [&](const arp_key&, numbered&& p) { failed.push_back(*p); });
    }
    [[nodiscard]] std::optional<arp_state> state(std::uint32_t n) const {
        const auto* e = table.find_entry(key(n));
        return e == nullptr ? std::nullopt : std::optional{e->state};
    }
};

}  // namespace

TEST_CASE("packets wait for an answer and leave in order") {
    bench b;
    auto r = b.send(5, 1, start);
    CHECK(r.result == outcome::waiting);
    CHECK(r.ask);
    CHECK(!b.send(5, 2, start).ask);
    CHECK(b.table.waiting() == 2);
    CHECK(b.learn(5, 9, arp_source::reply_to_us, start + 10ms) == arp_lesson::learned);
    CHECK(b.delivered == std::vector{1, 2});
    CHECK(b.table.waiting() == 0);
    r = b.send(5, 3, start + 11ms);
    CHECK(r.result == outcome::known);
    CHECK(r.mac == station(9));
    CHECK(!r.ask);
}

TEST_CASE("without an answer it is asked three times, a second apart, then everything that waits fails, and the failure is remembered") {
    bench b;
    b.send(5, 1, start);
    b.send(5, 2, start);
    CHECK(b.table.next_timer() == start + 1s);
    CHECK(!b.advance(start + 999ms));
    CHECK(b.asked.empty());
    b.advance(start + 1s);
    b.advance(start + 2s);
    REQUIRE(b.asked.size() == 2);  // and the first one when the packet came
    CHECK(b.asked[0].first == key(5));
    CHECK(!b.asked[0].second);
    CHECK(b.failed.empty());
    b.advance(start + 3s);
    CHECK(b.asked.size() == 2);
    CHECK(b.failed == std::vector{1, 2});
    CHECK(b.state(5) == arp_state::failed);
    CHECK(b.send(5, 3, start + 5s).result == outcome::failed);
    b.advance(start + 6s);
    CHECK(b.table.size() == 0);
    CHECK(b.send(5, 4, start + 6s).ask);
}

TEST_CASE("an entry that is used is asked again by unicast before it is lost") {
    bench b;
    b.send(5, 1, start);
    b.learn(5, 9, arp_source::reply_to_us, start);
    b.advance(start + 59s);
    CHECK(b.state(5) == arp_state::reachable);
    b.advance(start + 60s);
    CHECK(b.state(5) == arp_state::stale);
    CHECK(b.asked.empty());
    const auto r = b.send(5, 2, start + 61s);
    CHECK(r.result == outcome::known);
    CHECK(r.ask);
    CHECK(!b.send(5, 3, start + 61s).ask);
    SUBCASE("an answer makes it reachable again") {
        CHECK(b.learn(5, 9, arp_source::reply_to_us, start + 62s) == arp_lesson::learned);
        CHECK(b.state(5) == arp_state::reachable);
        b.advance(start + 63s);
        CHECK(b.asked.empty());
    }
    SUBCASE("no answer ends it") {
        b.advance(start + 62s);
        b.advance(start + 63s);
        REQUIRE(b.asked.size() == 2);
        CHECK(b.asked[0].second == station(9));
        CHECK(b.send(5, 4, start + 63s).result == outcome::known);
        b.advance(start + 64s);
        CHECK(!b.state(5));
        CHECK(b.send(5, 5, start + 64s).ask);
    }
}

TEST_CASE("an unused entry is forgotten after 20 minutes") {
    bench b;
    b.learn(5, 9, arp_source::request_to_us, start);
    b.advance(start + 60s);
    b.advance(start + 60s + 20min - 1ns);
    CHECK(b.state(5) == arp_state::stale);
    b.advance(start + 60s + 20min);
    CHECK(!b.state(5));
    CHECK(!b.table.next_timer());
}

TEST_CASE("what is learnt from whom") {
    bench b;
    SUBCASE("a request to us makes an entry") {
        CHECK(b.learn(5, 9, arp_source::request_to_us, start) == arp_lesson::learned);
        CHECK(b.state(5) == arp_state::reachable);
    }
    SUBCASE("a reply that nobody asked for does not") {
        CHECK(b.learn(5, 9, arp_source::reply_to_us, start) == arp_lesson::unsolicited);
        CHECK(b.table.size() == 0);
    }
    SUBCASE("nor does it change one") {
        b.learn(5, 9, arp_source::request_to_us, start);
        CHECK(b.learn(5, 10, arp_source::reply_to_us, start) == arp_lesson::unsolicited);
        CHECK(b.send(5, 1, start).mac == station(9));
    }
    SUBCASE("an announcement makes none but changes one that is there") {
        CHECK(b.learn(5, 9, arp_source::announcement, start) == arp_lesson::ignored);
        CHECK(b.table.size() == 0);
        b.learn(5, 9, arp_source::request_to_us, start);
        CHECK(b.learn(5, 10, arp_source::announcement, start) == arp_lesson::learned);
        CHECK(b.send(5, 1, start).mac == station(10));
    }
    SUBCASE("an announcement answers who waits") {
        b.send(5, 1, start);
        CHECK(b.learn(5, 9, arp_source::announcement, start) == arp_lesson::learned);
        CHECK(b.delivered == std::vector{1});
    }
}

TEST_CASE("the queue of one entry and of all are bounded") {
    host::arp_settings s;
    s.waiting = 5;
    s.waiting_per_entry = 3;
    bench b(s);
    for (int i = 1; i <= 5; ++i) {
        CHECK(b.send(5, i, start).result == outcome::waiting);
    }
    CHECK(b.dropped == std::vector{1, 2});  // the oldest give way
    b.send(6, 11, start);
    b.send(6, 12, start);
    CHECK(b.send(6, 13, start).result == outcome::queue_full);
    CHECK(b.table.waiting() == 5);
    b.learn(5, 9, arp_source::reply_to_us, start);
    CHECK(b.delivered == std::vector{3, 4, 5});
    CHECK(b.send(6, 14, start).result == outcome::waiting);
}

TEST_CASE("a full table gives up failed entries, then stale ones, then for a packet reachable ones, the oldest first") {
    host::arp_settings s;
    s.entries = 3;
    bench b(s);
    b.learn(1, 1, arp_source::request_to_us, start);
    b.learn(2, 2, arp_source::request_to_us, start + 1s);
    b.learn(3, 3, arp_source::request_to_us, start + 2s);
    CHECK(b.learn(4, 4, arp_source::request_to_us, start + 2s) == arp_lesson::no_room);
    CHECK(b.send(4, 1, start + 3s).result == outcome::waiting);  // in place of 1
    CHECK(!b.state(1));
    CHECK(b.state(2) == arp_state::reachable);
    for (int second = 4; second <= 6; ++second) {
        b.advance(start + second * 1s);
    }
    CHECK(b.state(4) == arp_state::failed);
    CHECK(b.learn(5, 5, arp_source::request_to_us, start + 7s) == arp_lesson::learned);  // in place of 4
    CHECK(!b.state(4));
    b.advance(start + 61s);
    CHECK(b.state(2) == arp_state::stale);
    CHECK(b.learn(6, 6, arp_source::request_to_us, start + 61s) == arp_lesson::learned);  // in place of 2
    CHECK(!b.state(2));
    CHECK(b.state(3) == arp_state::reachable);
    SUBCASE("incomplete ones stay") {
        host::arp_settings one;
        one.entries = 1;
        bench c(one);
        c.send(1, 1, start);
        CHECK(c.send(2, 2, start).result == outcome::table_full);
        CHECK(c.state(1) == arp_state::incomplete);
    }
}

TEST_CASE("removing hands back what waits") {
    bench b;
    b.send(5, 1, start);
    b.send(6, 2, start);
    b.learn(7, 9, arp_source::request_to_us, start);
    std::vector<int> gone;
    b.table.remove_if([](const arp_key& k) { return k.address != key(6).address; }, [&](numbered&& p) { gone.push_back(*p); });
    CHECK(gone == std::vector{1});
    CHECK(b.table.size() == 1);
    CHECK(b.state(6) == arp_state::incomplete);
    b.advance(start + 1h);
    CHECK(b.asked.size() == 1);
}

TEST_CASE("the budget bounds the timers that run") {
    bench b;
    for (std::uint32_t n = 1; n <= 10; ++n) {
        b.send(n, 0, start);
    }
    CHECK(b.advance(start + 1s, 4));
    CHECK(b.asked.size() == 4);
    CHECK(!b.advance(start + 1s, 6));
    CHECK(b.asked.size() == 10);
}

TEST_CASE("no packet is lost or doubled, whatever happens") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        host::arp_settings s;
        s.entries = 8;
        s.waiting = 12;
        s.waiting_per_entry = 4;
        bench b(s);
        instant now = start;
        int sent = 0;
        int known = 0;
        int refused = 0;
        for (int i = 0; i < 2000; ++i) {
            now += std::chrono::milliseconds{random() % 400};
            const auto n = static_cast<std::uint32_t>(random() % 16);
            switch (random() % 8) {
                case 0: b.learn(n, static_cast<std::uint8_t>(n), arp_source::reply_to_us, now); break;
                case 1: b.learn(n, static_cast<std::uint8_t>(n), arp_source::request_to_us, now); break;
                case 2: b.learn(n, static_cast<std::uint8_t>(n), arp_source::announcement, now); break;
                case 3: b.advance(now, random() % 4); break;
                default: {
                    const auto r = b.send(n, sent++, now);
                    known += r.result == outcome::known ? 1 : 0;
                    refused += r.result != outcome::known && r.result != outcome::waiting ? 1 : 0;
                    if (r.result == outcome::known) {
                        CHECK(r.mac == station(static_cast<std::uint8_t>(n)));
                    }
                }
            }
            const auto told = b.dropped.size() + b.delivered.size() + b.failed.size();
            REQUIRE(static_cast<std::size_t>(sent) == told + b.table.waiting() + static_cast<std::size_t>(known + refused));
            REQUIRE(b.table.size() <= 8);
        }
        CHECK(known > 0);
        CHECK(refused > 0);
    }
}
