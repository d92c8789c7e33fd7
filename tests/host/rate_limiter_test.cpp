// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/rate_limiter.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;
using namespace std::chrono_literals;

namespace {
const hash_secret secret = hash_secret::from_seed(3);
constexpr instant start{1h};
}  // namespace

TEST_CASE("a burst at once, then the rate, and a rest fills it again but not further") {
    host::rate_limiter l({1000, 1000}, {10, 3}, secret);
    const auto to = v4("10.0.0.5");
    for (int i = 0; i < 3; ++i) {
        CHECK(l.allow(to, start));
    }
    CHECK(!l.allow(to, start));
    CHECK(!l.allow(to, start + 99ms));
    CHECK(l.allow(to, start + 100ms));
    CHECK(!l.allow(to, start + 199ms));
    int allowed = 0;
    for (int i = 0; i < 10; ++i) {
        allowed += l.allow(to, start + 1h) ? 1 : 0;
    }
    CHECK(allowed == 3);
}

TEST_CASE("one destination does not use up another's, all together have a bound") {
    host::rate_limiter l({100, 5}, {10, 3}, secret);
    int allowed = 0;
    for (std::uint32_t i = 0; i < 100; ++i) {
        allowed += l.allow({i}, start) ? 1 : 0;
    }
    CHECK(allowed == 5);
    CHECK(l.allow({7}, start + 10ms));
    CHECK(!l.allow({8}, start + 10ms));
}

TEST_CASE("what a destination is refused takes nothing from all") {
    host::rate_limiter l({100, 5}, {10, 1}, secret);
    CHECK(l.allow(v4("10.0.0.1"), start));
    for (int i = 0; i < 50; ++i) {
        CHECK(!l.allow(v4("10.0.0.1"), start));
    }
    CHECK(l.allow(v4("10.0.0.2"), start));
}

TEST_CASE("a rate of 0 lets nothing pass; other rates may follow") {
    host::rate_limiter l({0, 5}, {10, 1}, secret);
    CHECK(!l.allow(v4("10.0.0.1"), start));
    l.set_rates({10, 1}, {10, 1});
    CHECK(l.allow(v4("10.0.0.1"), start));
}
