// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/fragments.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

using namespace ikealg;
using namespace std::chrono_literals;
using nat::fragment_limits;
using nat::fragment_outcome;

namespace {

using table4 = nat::fragment_table<ipv4, int, int>;
using key4 = nat::datagram_key<ipv4>;
const hash_secret secret = hash_secret::from_seed(5);

instant at(duration since) {
    return instant{} + since;
}
key4 key_of(std::uint32_t source, std::uint32_t id) {
    return {{source}, {0xcb00'7101}, zone_id{1}, 17, id};
}
void none(int&&) {
    FAIL("nothing is dropped or released here");
}

struct collect {
    std::vector<int>* into;
    void operator()(int&& packet) const { into->push_back(packet); }
};

fragment_outcome later(table4& t, const key4& key, int packet, instant now) {
    return t.on_later(key, packet, now, none).outcome;
}

}  // namespace

TEST_CASE("N9: later fragments follow the decision for the first, for five seconds") {
    table4 t({}, secret);
    CHECK(t.on_first(key_of(1, 100), 42, at(0s), none));
    int packet = 7;
    for (int i = 0; i < 3; ++i) {
        const auto answer = t.on_later(key_of(1, 100), packet, at(5s - 1ms), none);
        CHECK(answer.outcome == fragment_outcome::decided);
        CHECK(answer.decision == 42);
    }
    CHECK(later(t, key_of(1, 100), 1, at(5s)) == fragment_outcome::held);
    CHECK(t.decided() == 0);
    CHECK(t.waiting() == 1);
}

TEST_CASE("N9: each part of the key tells datagrams apart") {
    table4 t({}, secret);
    t.on_first(key_of(1, 100), 42, at(0s), none);
    auto other = key_of(1, 100);
    other.zone = zone_id{2};
    CHECK(later(t, other, 1, at(0s)) == fragment_outcome::held);
    other = key_of(1, 100);
    other.protocol = 50;
    CHECK(later(t, other, 1, at(0s)) == fragment_outcome::held);
    other = key_of(1, 100);
    other.destination.value ^= 1;
    CHECK(later(t, other, 1, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 101), 1, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(2, 100), 1, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 100), 1, at(0s)) == fragment_outcome::decided);
}

TEST_CASE("N9: IPv6 datagrams are told apart by addresses and identification only (RFC 8200 4.5)") {
    nat::fragment_table<ipv6, int, int> t({}, secret);
    t.on_first({{1, 2}, {3, 4}, zone_id{1}, 17, 0x12345678}, 9, at(0s), none);
    int packet = 1;
    CHECK(t.on_later({{1, 2}, {3, 4}, zone_id{1}, 60, 0x12345678}, packet, at(0s), none).decision == 9);
    CHECK(t.on_later({{1, 2}, {3, 4}, zone_id{1}, 17, 0x92345678}, packet, at(0s), none).outcome ==
          fragment_outcome::held);
}

TEST_CASE("N9: early fragments leave in order of arrival when the first one is decided") {
    table4 t({}, secret);
    for (int i = 0; i < 5; ++i) {
        CHECK(later(t, key_of(1, 100), i, at(1s)) == fragment_outcome::held);
    }
    CHECK(t.held() == 5);
    std::vector<int> released;
    CHECK(t.on_first(key_of(1, 100), 42, at(2s), collect{&released}));
    CHECK(released == std::vector<int>{0, 1, 2, 3, 4});
    CHECK(t.held() == 0);
    CHECK(t.waiting() == 0);
    CHECK(later(t, key_of(1, 100), 5, at(6s)) == fragment_outcome::decided);
}

TEST_CASE("N9: a second first fragment replaces the decision and its time; it can be changed in place") {
    table4 t({}, secret);
    t.on_first(key_of(1, 100), 1, at(0s), none);
    t.on_first(key_of(1, 100), 2, at(3s), none);
    int packet = 0;
    CHECK(t.on_later(key_of(1, 100), packet, at(7s), none).decision == 2);
    CHECK(t.decided() == 1);
    REQUIRE(t.decision(key_of(1, 100), at(7s)) != nullptr);
    *t.decision(key_of(1, 100), at(7s)) = 3;
    CHECK(t.on_later(key_of(1, 100), packet, at(7s), none).decision == 3);
    CHECK(t.decision(key_of(1, 100), at(8s)) == nullptr);
    CHECK(t.decision(key_of(9, 9), at(7s)) == nullptr);
}

TEST_CASE("N9: early fragments without a first one are dropped after five seconds, within the budget") {
    table4 t({}, secret);
    CHECK(later(t, key_of(1, 1), 10, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 1), 11, at(4s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 2), 12, at(1s)) == fragment_outcome::held);
    CHECK(t.next_deadline() == to_tick(at(5s)));
    std::vector<int> dropped;
    CHECK(t.expire(at(5s - 1ms), 10, collect{&dropped}) == 0);
    CHECK(t.expire(at(6s), 1, collect{&dropped}) == 1);
    CHECK(dropped == std::vector<int>{10, 11});
    CHECK(t.expire(at(6s), 1, collect{&dropped}) == 1);
    CHECK(dropped == std::vector<int>{10, 11, 12});
    CHECK_FALSE(t.next_deadline());
    CHECK(t.held() == 0);
}

TEST_CASE("L1: limits on packets per datagram and per source give the packet back") {
    fragment_limits limits;
    limits.held_per_datagram = 2;
    limits.held_per_source = 3;
    table4 t(limits, secret);
    CHECK(later(t, key_of(1, 1), 0, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 1), 1, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 1), 2, at(0s)) == fragment_outcome::refused);
    CHECK(later(t, key_of(1, 2), 3, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 3), 4, at(0s)) == fragment_outcome::refused);
    CHECK(later(t, key_of(2, 3), 5, at(0s)) == fragment_outcome::held);
    std::vector<int> released;
    t.on_first(key_of(1, 1), 1, at(0s), collect{&released});
    CHECK(released == std::vector<int>{0, 1});
    CHECK(later(t, key_of(1, 3), 6, at(0s)) == fragment_outcome::held);
}

TEST_CASE("L1: a flood of fragments without a first one takes no decision away") {
    fragment_limits limits;
    limits.decided = 4;
    limits.waiting = 3;
    limits.held = 8;
    table4 t(limits, secret);
    for (std::uint32_t i = 0; i < 4; ++i) {
        t.on_first(key_of(100 + i, 1), static_cast<int>(i), at(0s), none);
    }
    std::vector<int> dropped;
    for (int i = 0; i < 1000; ++i) {
        int packet = i;
        const auto answer = t.on_later(key_of(static_cast<std::uint32_t>(i), 7), packet, at(1s), collect{&dropped});
        CHECK(answer.outcome == fragment_outcome::held);
    }
    CHECK(dropped.size() == 997);
    CHECK(std::is_sorted(dropped.begin(), dropped.end()));  // the oldest first
    for (std::uint32_t i = 0; i < 4; ++i) {
        int packet = 0;
        CHECK(t.on_later(key_of(100 + i, 1), packet, at(1s), none).decision == static_cast<int>(i));
    }
    t.on_first(key_of(999, 7), 9, at(1s), [](int&&) {});  // decided: the oldest decision makes room
    CHECK(t.decided() == 4);
    CHECK(t.decision(key_of(100, 1), at(1s)) == nullptr);
    CHECK(t.decision(key_of(101, 1), at(1s)) != nullptr);
    CHECK(t.waiting() == 2);
}

TEST_CASE("L1: without room for packets a datagram does not push out itself") {
    fragment_limits limits;
    limits.held = 2;
    table4 t(limits, secret);
    CHECK(later(t, key_of(1, 1), 0, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 1), 1, at(0s)) == fragment_outcome::held);
    CHECK(later(t, key_of(1, 1), 2, at(0s)) == fragment_outcome::refused);
    limits.held = 0;
    table4 nothing(limits, secret);
    CHECK(later(nothing, key_of(1, 1), 0, at(0s)) == fragment_outcome::refused);
    CHECK(nothing.waiting() == 0);
}

TEST_CASE("N9: packets that can only be moved pass through, and stay with the caller when refused") {
    fragment_limits limits;
    limits.held_per_datagram = 1;
    nat::fragment_table<ipv4, int, std::unique_ptr<int>> t(limits, secret);
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    const int* const bytes = first.get();
    const auto drop = [](std::unique_ptr<int>&&) {};
    CHECK(t.on_later(key_of(1, 1), first, at(0s), drop).outcome == fragment_outcome::held);
    CHECK(t.on_later(key_of(1, 1), second, at(0s), drop).outcome == fragment_outcome::refused);
    REQUIRE(second);
    CHECK(*second == 2);
    std::unique_ptr<int> back;
    t.clear([&](std::unique_ptr<int>&& p) { back = std::move(p); });
    CHECK(back.get() == bytes);
    CHECK(t.held() == 0);
}

TEST_CASE("N9: random histories agree with a slow model") {
    struct datagram {
        std::uint32_t source = 0;
        std::uint32_t id = 0;
        bool decided = false;
        int decision = 0;
        instant since;
        std::vector<int> held;
    };
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        fragment_limits limits;
        limits.decided = 1 + random() % 6;
        limits.waiting = 1 + random() % 6;
        limits.held = 1 + random() % 12;
        limits.held_per_datagram = 1 + random() % 4;
        limits.held_per_source = 1000;  // hashed counters: exact limits have a test of their own
        table4 t(limits, hash_secret::from_seed(seed));
        std::deque<datagram> model;  // in order of time
        instant now = at(0s);
        int serial = 0;
        for (int step = 0; step < 2000; ++step) {
            CAPTURE(step);
            const auto source = static_cast<std::uint32_t>(random() % 4);
            const auto id = static_cast<std::uint32_t>(random() % 4);
            const auto what = random() % 10;
            if (what == 0) {
                now += std::chrono::milliseconds(random() % 3000);
            }
            auto it = std::find_if(model.begin(), model.end(),
                                   [&](const auto& d) { return d.source == source && d.id == id; });
            const auto count = [&](bool decided) {
                return static_cast<std::size_t>(
                    std::count_if(model.begin(), model.end(), [&](const auto& d) { return d.decided == decided; }));
            };
            const auto oldest = [&](bool decided) {
                return std::find_if(model.begin(), model.end(), [&](const auto& d) { return d.decided == decided; });
            };
            std::vector<int> expected;
            std::vector<int> out;
            if (what < 4) {
                datagram d{source, id, true, ++serial, now, {}};
                if (it != model.end()) {
                    expected = it->held;
                }
                if ((it == model.end() || !it->decided) && count(true) == limits.decided) {
                    model.erase(oldest(true));
                    it = std::find_if(model.begin(), model.end(),
                                      [&](const auto& e) { return e.source == source && e.id == id; });
                }
                if (it != model.end()) {
                    model.erase(it);
                }
                model.push_back(d);
                REQUIRE(t.on_first(key_of(source, id), serial, now, collect{&out}));
            } else if (what < 9) {
                int packet = ++serial;
                const auto answer = t.on_later(key_of(source, id), packet, now, collect{&out});
                if (it != model.end() && now - it->since >= 5s) {
                    expected = it->held;
                    model.erase(it);
                    it = model.end();
                }
                if (it != model.end() && it->decided) {
                    REQUIRE(answer.outcome == fragment_outcome::decided);
                    REQUIRE(answer.decision == it->decision);
                } else {
                    std::size_t held = 0;
                    for (const auto& d : model) {
                        held += d.held.size();
                    }
                    const bool no_place = held == limits.held || (it == model.end() && count(false) == limits.waiting);
                    const auto victim = oldest(false);
                    if ((it != model.end() && it->held.size() == limits.held_per_datagram) ||
                        (no_place && (victim == model.end() || victim == it))) {
                        REQUIRE(answer.outcome == fragment_outcome::refused);
                    } else {
                        REQUIRE(answer.outcome == fragment_outcome::held);
                        if (no_place) {
                            expected.insert(expected.end(), victim->held.begin(), victim->held.end());
                            model.erase(victim);
                        }
                        it = std::find_if(model.begin(), model.end(),
                                          [&](const auto& d) { return d.source == source && d.id == id; });
                        if (it == model.end()) {
                            model.push_back({source, id, false, 0, now, {}});
                            it = model.end() - 1;
                        }
                        it->held.push_back(packet);
                    }
                }
            } else {
                t.expire(now, 100, collect{&out});
                for (auto d = model.begin(); d != model.end();) {
                    if (now - d->since >= 5s) {
                        expected.insert(expected.end(), d->held.begin(), d->held.end());
                        d = model.erase(d);
                    } else {
                        ++d;
                    }
                }
            }
            REQUIRE(out == expected);
            REQUIRE(t.decided() == count(true));
            REQUIRE(t.waiting() == count(false));
        }
    }
}

TEST_CASE("N9: a copy of the table goes its own way") {
    table4 t({}, secret);
    CHECK(later(t, key_of(1, 1), 5, at(0s)) == fragment_outcome::held);
    table4 copy = t;
    std::vector<int> released;
    copy.on_first(key_of(1, 1), 1, at(0s), collect{&released});
    CHECK(released == std::vector<int>{5});
    CHECK(t.held() == 1);
    CHECK(copy.held() == 0);
}
