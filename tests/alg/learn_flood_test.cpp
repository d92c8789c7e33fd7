// SPDX-License-Identifier: Apache-2.0
/// The guard against forged ESP, by itself.
#include "ikealg/alg/learn_flood.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("L7: beyond learn-flood a second an SPI counts only when it comes twice with rising sequence numbers", F, ipv4, ipv6) {
    alg::slot<F> s;
    instant now{1h};
    const auto flooded = [&](std::uint32_t value, std::uint32_t sequence) { return alg::learn_flooded(s, spi{value}, sequence, 3, now); };
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK_FALSE(flooded(1000 + i, 1));
    }
    CHECK(flooded(2000, 5));
    CHECK(flooded(2000, 5));        // the same number again
    CHECK(flooded(2000, 4));        // a falling one
    CHECK_FALSE(flooded(2000, 6));  // relative to the last
    CHECK(flooded(2000, 7));        // it begins anew
    for (std::uint32_t i = 0; i < 8; ++i) {
        CHECK(flooded(3000 + i, 1));
    }
    CHECK(flooded(2000, 8));        // eight others pushed it out
    now += 999ms;
    CHECK(flooded(4000, 1));
    now += 1ms;
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK_FALSE(flooded(5000 + i, 1));
    }
    CHECK(flooded(5003, 1));
}

TEST_CASE("L7, L4: a slot in which nothing unknown came for 24 to 49 days, and one of a host that is up for so long, start anew") {
    for (const std::int64_t days : {0, 1, 24, 25, 26, 40, 49, 60}) {
        CAPTURE(days);
        alg::slot<ipv4> s;
        const instant begin{std::chrono::hours{24 * days}};
        for (std::uint32_t i = 0; i < 60; ++i) {
            CHECK_FALSE(alg::learn_flooded(s, spi{i + 1}, 1, 50, begin + i * 10s));
        }
        CHECK_FALSE(alg::learn_flooded(s, spi{99}, 1, 50, begin + std::chrono::hours{24 * 30}));
        CHECK(s.flood_count == 1);
    }
}
