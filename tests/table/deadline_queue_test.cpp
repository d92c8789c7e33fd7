// SPDX-License-Identifier: Apache-2.0
/// deadline_queue against a std::map of deadlines.
#include "ikealg/table/deadline_queue.hpp"

#include <doctest/doctest.h>

#include <map>

#include "ikealg/base/hash.hpp"

namespace {

using namespace ikealg;
using namespace std::chrono_literals;
using table::deadline_queue;

instant at(std::uint64_t ms) { return instant{std::chrono::milliseconds{ms}}; }

}  // namespace

TEST_CASE("L5: a deadline comes due at its instant, not a nanosecond before") {
    deadline_queue q(4);
    CHECK_FALSE(q.next());
    CHECK(q.pop_due(instant::max()) == npos);
    q.arm(2, at(10));
    CHECK(q.armed(2));
    CHECK(q.next() == at(10));
    CHECK(q.pop_due(at(10) - 1ns) == npos);
    CHECK(q.pop_due(at(10)) == 2);
    CHECK_FALSE(q.armed(2));
    CHECK(q.pop_due(at(10)) == npos);
}

TEST_CASE("L5: deadlines move both ways and end") {
    deadline_queue q(3);
    q.arm(0, at(10));
    q.arm(1, at(20));
    q.arm(2, at(30));
    q.arm(2, at(5));
    CHECK(q.next() == at(5));
    q.arm(2, at(25));
    CHECK(q.deadline(2) == at(25));
    q.disarm(0);
    q.disarm(0);
    CHECK(q.size() == 2);
    CHECK(q.pop_due(at(100)) == 1);
    CHECK(q.pop_due(at(100)) == 2);
    CHECK(q.check());
}

TEST_CASE("L1: a queue and its copy hold every id at once") {
    deadline_queue full(1000);
    const deadline_queue empty = full;
    deadline_queue copy = empty;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        full.arm(i, at(1000 - i));
        copy.arm(i, at(i));
    }
    CHECK(full.check());
    CHECK(copy.check());
    CHECK(empty.size() == 0);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        CHECK(full.pop_due(at(1000)) == 999 - i);
        CHECK(copy.pop_due(at(1000)) == i);
    }
}

TEST_CASE("L5: agrees with a reference") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        small_random random(seed);
        const auto ids = static_cast<std::uint32_t>(1 + random() % 64);
        deadline_queue q(ids);
        std::map<std::uint32_t, instant> reference;
        for (int round = 0; round < 20'000; ++round) {
            const auto id = static_cast<std::uint32_t>(random() % ids);
            const instant when = at(random() % 200);
            switch (random() % 4) {
                case 0:
                case 1:
                    q.arm(id, when);
                    reference[id] = when;
                    break;
                case 2:
                    q.disarm(id);
                    reference.erase(id);
                    break;
                default: {
                    const std::uint32_t due = q.pop_due(when);
                    if (due != npos) {
                        REQUIRE(reference.count(due) == 1);
                        REQUIRE(reference[due] <= when);
                        for (const auto& [other, deadline] : reference) {
                            REQUIRE(reference[due] <= deadline);
                        }
                        reference.erase(due);
                    } else {
                        for (const auto& [other, deadline] : reference) {
                            REQUIRE(deadline > when);
                        }
                    }
                }
            }
            REQUIRE(q.size() == reference.size());
            if (round % 100 == 0) {
                REQUIRE(q.check());
                for (const auto& [other, deadline] : reference) {
                    REQUIRE(q.deadline(other) == deadline);
                }
            }
        }
    }
}
