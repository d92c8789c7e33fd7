// SPDX-License-Identifier: Apache-2.0
/// The floor under an answer's time and the smoothed round trip, against what was fed.
#include "ikealg/alg/round_trip.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace ikealg;
using namespace std::chrono_literals;

TEST_CASE("E4: without a sample nothing is too early") {
    const alg::round_trip r;
    CHECK(r.floor() == 0ms);
    CHECK(r.smoothed() == 0ms);
    CHECK(r.least() == 0ms);
    CHECK_FALSE(r.has_esp());
}

TEST_CASE("E4: IKE alone gives no floor: its answers contain arithmetic") {
    alg::round_trip r;
    r.ike_sample(40ms);
    r.ike_sample(20ms);
    r.ike_sample(500ms);
    CHECK(r.floor() == 0ms);
    CHECK(r.least() == 20ms);
}

TEST_CASE("E4: four ESP answers give a floor, trusted the more the more there are, up to three quarters of the least") {
    alg::round_trip r;
    for (std::int64_t seen = 1; seen <= 40; ++seen) {
        r.esp_sample(32ms);
        CHECK(r.floor() == (seen < 4 ? 0us : std::chrono::microseconds{1500 * std::min<std::int64_t>(seen, 16)}));
    }
}

TEST_CASE("E4: slow ESP answers never lift the floor above nine tenths of IKE's least round trip") {
    alg::round_trip r;
    r.ike_sample(20ms);
    for (int i = 0; i < 4; ++i) {
        r.esp_sample(400ms);
    }
    CHECK(r.floor() == 18ms);
}

TEST_CASE("E4: a pushed packet that looked like a fast answer is forgotten after sixteen more") {
    alg::round_trip r;
    r.ike_sample(20ms);
    r.esp_sample(1ms);
    for (int i = 0; i < 15; ++i) {
        r.esp_sample(20ms);
        CHECK(r.floor() < 1ms);
    }
    for (int i = 0; i < 100; ++i) {  // the count of samples wraps without forgetting the window
        r.esp_sample(20ms);
        CHECK(r.floor() == 15ms);
    }
}

TEST_CASE("E4: a refuted floor is gone, and the answer that refuted it is the first of the new ones") {
    alg::round_trip r;
    for (int i = 0; i < 40; ++i) {
        r.esp_sample(100ms);
    }
    CHECK(r.floor() == 75ms);
    r.refute(2ms);
    CHECK(r.floor() == 0ms);
    CHECK(r.smoothed() == 2ms);
    for (int i = 0; i < 3; ++i) {
        r.esp_sample(100ms);
    }
    CHECK(r.floor() == 375us);
}

TEST_CASE("G13: the smoothed round trip is ESP's when known, else IKE's") {
    alg::round_trip r;
    r.ike_sample(80ms);
    CHECK(r.smoothed() == 80ms);
    r.ike_sample(160ms);
    CHECK(r.smoothed() == 90ms);
    r.esp_sample(8ms);
    CHECK(r.smoothed() == 8ms);
}

TEST_CASE("L4: round trips below zero count as zero, absurd ones as a minute") {
    alg::round_trip r;
    r.ike_sample(-5s);
    CHECK(r.least() == 0ms);
    alg::round_trip far;
    far.ike_sample(24h);
    CHECK(far.least() == 60s);
}
