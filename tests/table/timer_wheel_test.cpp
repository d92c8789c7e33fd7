// SPDX-License-Identifier: Apache-2.0
/// timer_wheel against a std::multimap over unwrapped 64-bit time.
#include "ikealg/table/timer_wheel.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <random>
#include <vector>

#include "ikealg/base/hash.hpp"

namespace {

using ikealg::small_random;
using ikealg::tick;
using ikealg::table::timer_wheel;

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
constexpr std::uint32_t day = 86'400'000;

struct fired_timer {
    std::uint32_t id;
    std::uint32_t deadline;
    friend bool operator==(const fired_timer&, const fired_timer&) = default;
};

std::vector<fired_timer> advance(timer_wheel& wheel, std::uint32_t now, std::size_t budget = unlimited) {
    std::vector<fired_timer> fired;
    const auto result = wheel.advance(tick{now}, budget, [&](std::uint32_t id, tick deadline) {
        fired.push_back({id, deadline.value});
    });
    CHECK(result.fired == fired.size());
    CHECK(wheel.check());
    return fired;
}

tick wrapped(std::uint64_t at) {
    return tick{static_cast<std::uint32_t>(at)};
}

}  // namespace

TEST_CASE("L5: a timer fires at its tick, not before") {
    for (const std::uint32_t start : {0U, 1U, 255U, 0x7fff'ffffU, 0xffff'ff00U, 0xffff'ffffU}) {
        for (const std::uint32_t delay :
             {0U, 1U, 255U, 256U, 257U, 65'535U, 65'536U, 16'777'215U, 16'777'216U, day, 0x7fff'fffeU}) {
            CAPTURE(start);
            CAPTURE(delay);
            timer_wheel wheel(1, tick{start});
            const std::uint32_t when = start + delay;
            REQUIRE(wheel.schedule(5, tick{when}));
            CHECK(wheel.next_deadline() == tick{when});
            if (delay != 0) {
                CHECK(advance(wheel, when - 1).empty());
                CHECK(wheel.next_deadline() == tick{when});
            }
            CHECK(advance(wheel, when) == std::vector<fired_timer>{{5, when}});
            CHECK(wheel.size() == 0);
            CHECK_FALSE(wheel.next_deadline());
        }
    }
}

TEST_CASE("L1: the capacity is reached exactly, however the timers spread over the slots") {
    for (const std::size_t capacity : {0U, 1U, 7U, 8U, 900U, 5'000U}) {
        CAPTURE(capacity);
        small_random random(capacity);
        timer_wheel wheel(capacity, tick{1000});
        std::uint32_t now = 1000;
        for (int refill = 0; refill < 4; ++refill) {
            while (wheel.size() < capacity) {
                REQUIRE(wheel.schedule(0, tick{now + static_cast<std::uint32_t>(random() >> (36 + random() % 28))}));
            }
            CHECK_FALSE(wheel.schedule(0, tick{now}));
            CHECK(wheel.size() == capacity);
            CHECK(wheel.check());
            // The budget cuts slots in the middle; the chunks that are free then must do for the next filling.
            now += 0x1000'0000;
            while (wheel.size() > capacity / 2) {
                (void)advance(wheel, now, 61);
            }
        }
    }
    timer_wheel large(1'000'000, tick{0});
    CHECK(large.memory_bytes() <= 16 * std::size_t{1'000'000});
}

TEST_CASE("L4, L5: agrees with a reference over random schedules, gaps, budgets and the wrap") {
    std::random_device device;
    for (int round = 0; round < 12; ++round) {
        const std::uint64_t seed = device();
        CAPTURE(seed);
        small_random random(seed);
        const std::size_t capacity = 1 + random() % 300;
        // Time without wrapping; its low 32 bits wrap early in every other round.
        std::uint64_t now = round % 2 == 0 ? 0xffff'ffffU - random() % 100'000 : random() % 0xffff'ffffU;
        timer_wheel wheel(capacity, wrapped(now));
        std::multimap<std::uint64_t, std::uint32_t> reference;
        std::uint32_t next_id = 0;
        const auto schedule = [&](std::uint64_t when) {
            const std::uint32_t id = next_id++;
            const bool done = wheel.schedule(id, wrapped(when));
            REQUIRE(done == (reference.size() < capacity));
            if (done) {
                reference.emplace(when, id);
            }
        };
        const auto random_delay = [&] { return (random() & 0x7ff'ffff) >> (random() % 28); };
        bool finished_last = true;
        for (int step = 0; step < 2'000; ++step) {
            for (std::uint64_t i = random() % 4; i != 0; --i) {
                const bool passed = random() % 8 == 0;
                schedule(passed ? now - random() % 50 : now + random_delay());
            }
            REQUIRE(wheel.check());
            if (finished_last && !reference.empty()) {
                const auto next = wheel.next_deadline();
                REQUIRE(next);
                const std::uint64_t earliest = reference.begin()->first;
                // Exact, except that overdue timers are all answered with a passed tick.
                REQUIRE((*next == wrapped(earliest) || (earliest < now && !ikealg::before(wrapped(now), *next))));
            }
            now += random_delay() >> (random() % 20);
            const std::size_t budget = random() % 3 == 0 ? random() % 20 : unlimited;
            std::size_t rearm = random() % 3;
            std::size_t fired = 0;
            std::uint64_t previous = 0;
            const std::size_t due_before =
                static_cast<std::size_t>(std::distance(reference.begin(), reference.upper_bound(now)));
            const auto result = wheel.advance(wrapped(now), budget, [&](std::uint32_t id, tick deadline) {
                ++fired;
                auto at = reference.begin();
                while (at != reference.end() && at->second != id) {
                    ++at;
                }
                REQUIRE(at != reference.end());
                REQUIRE(at->first <= now);
                REQUIRE(wrapped(at->first) == deadline);
                const std::uint64_t when = at->first;
                previous = std::max(previous, when);
                reference.erase(at);
                if (rearm != 0) {
                    --rearm;
                    // Some for a passed tick, some before `now`, some after it.
                    schedule(random() % 3 == 0 ? when - 1 : when + random_delay());
                }
            });
            REQUIRE(wheel.check());
            REQUIRE(result.fired == fired);
            REQUIRE(fired <= budget);
            REQUIRE(wheel.size() == reference.size());
            const bool due_now = !reference.empty() && reference.begin()->first <= now;
            if (due_now) {
                REQUIRE(result.more_due);
            }
            if (budget == unlimited) {
                REQUIRE(fired >= due_before);
                // Only what was scheduled for a passed tick by a timer that fired may be left.
                REQUIRE(result.more_due == due_now);
            }
            finished_last = !result.more_due;
        }
    }
}

TEST_CASE("L5: timers fire by rising deadline within one advance") {
    small_random random(11);
    timer_wheel wheel(2'000, tick{77});
    for (std::uint32_t id = 0; id < 2'000; ++id) {
        REQUIRE(wheel.schedule(id, wrapped(77 + (random() & 0xfff'ffff) % day)));
    }
    const auto fired = advance(wheel, 77 + day);
    REQUIRE(fired.size() == 2'000);
    for (std::size_t i = 1; i < fired.size(); ++i) {
        REQUIRE(fired[i - 1].deadline <= fired[i].deadline);
    }
}

TEST_CASE("L5: the budget bounds fired and moved timers together, and nothing is lost") {
    constexpr std::uint32_t count = 1'000;
    timer_wheel wheel(count, tick{0});
    for (std::uint32_t id = 0; id < count; ++id) {
        REQUIRE(wheel.schedule(id, tick{0x0200'0000 + id * 1'000}));
    }
    CHECK(advance(wheel, 0x3fff'ffff, 0).empty());
    std::vector<fired_timer> all;
    std::size_t calls = 0;
    bool more = true;
    for (; more; ++calls) {
        const auto result = wheel.advance(tick{0x3fff'ffff}, 10, [&](std::uint32_t id, tick deadline) {
            all.push_back({id, deadline.value});
        });
        REQUIRE(result.fired <= 10);
        REQUIRE(wheel.check());
        more = result.more_due;
    }
    REQUIRE(all.size() == count);
    for (std::uint32_t id = 0; id < count; ++id) {
        CHECK(all[id] == fired_timer{id, 0x0200'0000 + id * 1'000});
    }
    CHECK(calls >= count / 10);
    // Each timer fires once and moves at most three times.
    CHECK(calls <= 4 * count / 10 + 1);
}

TEST_CASE("L5: a timer that schedules itself for a passed tick fires once a call, not for ever") {
    timer_wheel wheel(2, tick{0});
    REQUIRE(wheel.schedule(1, tick{10}));
    std::size_t calls = 0;
    const auto again = [&](std::uint32_t id, tick deadline) {
        ++calls;
        REQUIRE(wheel.schedule(id, deadline));
    };
    for (std::size_t expected = 1; expected < 5; ++expected) {
        const auto result = wheel.advance(tick{10}, unlimited, again);
        CHECK(result.more_due);
        CHECK(calls == expected);
        CHECK(wheel.size() == 1);
        CHECK(wheel.next_deadline() == tick{10});
    }
}

TEST_CASE("L5: a periodic timer fires at each of its ticks within one long advance") {
    timer_wheel wheel(1, tick{0xffff'f000});
    REQUIRE(wheel.schedule(1, tick{0xffff'f000}));
    std::uint32_t expected = 0xffff'f000;
    const auto result = wheel.advance(tick{0xffff'f000 + 100'000}, unlimited, [&](std::uint32_t id, tick deadline) {
        CHECK(deadline == tick{expected});
        expected += 1'000;
        REQUIRE(wheel.schedule(id, tick{expected}));
    });
    CHECK(result.fired == 101);
    CHECK_FALSE(result.more_due);
}

TEST_CASE("L4: a step back of time fires nothing early and loses nothing") {
    timer_wheel wheel(10, tick{100});
    REQUIRE(wheel.schedule(1, tick{150}));
    CHECK(advance(wheel, 120).empty());
    CHECK(advance(wheel, 90).empty());
    REQUIRE(wheel.schedule(2, tick{110}));
    CHECK(advance(wheel, 115) == std::vector<fired_timer>{{2, 110}});
    CHECK(advance(wheel, 150) == std::vector<fired_timer>{{1, 150}});
}

TEST_CASE("L4: empty time is skipped: years of ticks, one timer a day") {
    timer_wheel wheel(1, tick{0});
    std::uint32_t now = 0;
    for (int i = 0; i < 100'000; ++i) {
        REQUIRE(wheel.schedule(7, tick{now + day}));
        REQUIRE(wheel.next_deadline() == tick{now + day});
        now += day;
        const auto result = wheel.advance(tick{now}, 4, [](std::uint32_t, tick) {});
        REQUIRE(result.fired == 1);
    }
    CHECK(wheel.check());
}

TEST_CASE("copies of a timer wheel do not share state") {
    timer_wheel original(20, tick{0});
    for (std::uint32_t id = 0; id < 10; ++id) {
        REQUIRE(original.schedule(id, tick{id * 300}));
    }
    timer_wheel copy = original;
    CHECK(advance(copy, 3'000).size() == 10);
    CHECK(original.size() == 10);
    CHECK(original.check());
    REQUIRE(original.schedule(10, tick{1}));
    CHECK(copy.size() == 0);
    CHECK(advance(original, 3'000).size() == 11);
}
