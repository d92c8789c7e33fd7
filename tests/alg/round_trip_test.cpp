// SPDX-License-Identifier: Apache-2.0
/// The floor under an answer's time and the smoothed round trip, against what was fed.
#include "ikealg/alg/round_trip.hpp"

#include <doctest/doctest.h>

using namespace ikealg;
using namespace std::chrono_literals;

TEST_CASE("E4: without a sample nothing is too early") {
    const alg::round_trip r;
    CHECK(r.floor() == 0ms);
    CHECK(r.smoothed() == 0ms);
    CHECK(r.least() == 0ms);
    CHECK_FALSE(r.has_esp());
}

TEST_CASE("E4: IKE alone gives a floor of nine tenths of its least round trip") {
    alg::round_trip r;
    r.ike_sample(40ms);
    r.ike_sample(20ms);
    r.ike_sample(500ms);
    CHECK(r.floor() == 18ms);
    CHECK(r.least() == 20ms);
}

TEST_CASE("E4: ESP answers lower the floor to three quarters of their least, and never lift it above IKE's") {
    alg::round_trip r;
    r.ike_sample(20ms);
    r.esp_sample(4ms);
    CHECK(r.floor() == 3ms);
    alg::round_trip slow;
    slow.ike_sample(20ms);
    slow.esp_sample(400ms);
    CHECK(slow.floor() == 18ms);
    alg::round_trip only_esp;
    only_esp.esp_sample(40ms);
    CHECK(only_esp.floor() == 30ms);
}

TEST_CASE("E4: a pushed packet that looked like a fast answer is forgotten after sixteen more") {
    alg::round_trip r;
    r.ike_sample(20ms);
    r.esp_sample(1ms);
    for (int i = 0; i < 15; ++i) {
        r.esp_sample(20ms);
        CHECK(r.floor() == 750us);
    }
    r.esp_sample(20ms);
    CHECK(r.floor() == 15ms);
    for (int i = 0; i < 100; ++i) {  // the count of samples wraps without forgetting the window
        r.esp_sample(20ms);
        CHECK(r.floor() == 15ms);
    }
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
