// SPDX-License-Identifier: Apache-2.0
#include "ikealg/alg/lazy_timers.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

using namespace ikealg;
using alg::timer_kind;

namespace {

using fired_list = std::vector<std::pair<timer_kind, std::uint32_t>>;

fired_list advance(alg::lazy_timers& timers, std::uint32_t to) {
    fired_list fired;
    while (timers.advance(tick{to}, 1000, [&](timer_kind kind, std::uint32_t index) { fired.emplace_back(kind, index); }).more_due) {
    }
    return fired;
}

}  // namespace

TEST_CASE("L5: a timer fires once, at its time, for its record") {
    alg::lazy_timers timers({4, 4, 4}, tick{0});
    REQUIRE(timers.arm(timer_kind::session, 2, tick{100}));
    CHECK(timers.next_deadline() == tick{100});
    CHECK(advance(timers, 99).empty());
    CHECK(advance(timers, 100) == fired_list{{timer_kind::session, 2}});
    CHECK(advance(timers, 5000).empty());
    REQUIRE(timers.arm(timer_kind::session, 2, tick{5001}));
    CHECK(advance(timers, 5001).size() == 1);
}

TEST_CASE("a new record with a sooner deadline is not kept waiting by the timer of the old one") {
    alg::lazy_timers timers({4, 4, 4}, tick{0});
    REQUIRE(timers.arm(timer_kind::flow, 1, tick{1'800'000}));
    REQUIRE(timers.arm(timer_kind::flow, 1, tick{60'000}));
    CHECK(advance(timers, 60'000) == fired_list{{timer_kind::flow, 1}});
    CHECK(advance(timers, 1'900'000).empty());  // the older arming means nothing any more
}

TEST_CASE("a new record with a later deadline takes the armed timer over") {
    alg::lazy_timers timers({4, 4, 4}, tick{0});
    REQUIRE(timers.arm(timer_kind::pair, 0, tick{50}));
    REQUIRE(timers.arm(timer_kind::pair, 0, tick{500}));
    CHECK(advance(timers, 50).size() == 1);  // the record sees that it is too early, and arms again
}

TEST_CASE("L1, L2: records that come and go at one index do not fill the wheel") {
    alg::lazy_timers timers({8, 8, 8}, tick{0});
    for (int i = 0; i < 100'000; ++i) {
        REQUIRE(timers.arm(timer_kind::session, static_cast<std::uint32_t>(i % 8), tick{60'000U + static_cast<std::uint32_t>(i)}));
    }
    CHECK(advance(timers, 400'000).size() == 8);
}

TEST_CASE("against a map of deadlines, at random") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        alg::lazy_timers timers({32, 32, 32}, tick{0xffff'f000});
        std::map<std::pair<timer_kind, std::uint32_t>, std::uint32_t> model;  // armed for, since the start
        std::uint32_t now = 0;
        for (int step = 0; step < 2000; ++step) {
            const auto kind = static_cast<timer_kind>(random() % alg::timer_kind_count);
            const auto index = static_cast<std::uint32_t>(random() % 32);
            const std::uint32_t when = now + 1 + static_cast<std::uint32_t>(random() % 5000);
            if (timers.arm(kind, index, tick{0xffff'f000} + when)) {
                auto& armed = model.try_emplace({kind, index}, when).first->second;
                armed = std::min(armed, when);
            }
            now += static_cast<std::uint32_t>(random() % 100);
            std::map<std::pair<timer_kind, std::uint32_t>, int> fired;
            while (timers.advance(tick{0xffff'f000} + now, 100, [&](timer_kind k, std::uint32_t i) { ++fired[{k, i}]; }).more_due) {
            }
            for (auto at = model.begin(); at != model.end();) {
                const bool due = at->second <= now;
                CHECK(fired.count(at->first) == (due ? 1U : 0U));
                at = due ? model.erase(at) : std::next(at);
            }
        }
    }
}
