// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/time.hpp"

#include <doctest/doctest.h>

using namespace ikealg;
using namespace std::chrono_literals;

TEST_CASE("L4: tick differences are right across the wrap") {
    const tick late{0xffff'fff0};
    const tick early = late + 0x20U;
    CHECK(early.value == 0x10);
    CHECK(early - late == 0x20);
    CHECK(late - early == -0x20);
    CHECK(before(late, early));
    CHECK_FALSE(before(early, late));
    CHECK_FALSE(before(late, late));
}

TEST_CASE("instants become ticks by rounding down, spans by rounding up") {
    CHECK(to_tick(instant{1'999'999ns}).value == 1);
    CHECK(to_tick(instant{2ms}).value == 2);
    CHECK(to_tick(instant{4'294'967'296ms}).value == 0);  // 2^32 ms
    CHECK(to_ms(1ns) == 1);
    CHECK(to_ms(1ms) == 1);
    CHECK(to_ms(0ns) == 0);
    CHECK(to_ms(-5ms) == 0);
    CHECK(to_ms(24h * 365) == 0x7fff'ffff);
}

TEST_CASE("L4: a step back is answered with the latest time and counted") {
    monotonic_guard guard;
    CHECK(guard(instant{5s}) == instant{5s});
    CHECK(guard(instant{3s}) == instant{5s});
    CHECK(guard.steps_back() == 1);
    CHECK(guard(instant{5s}) == instant{5s});
    CHECK(guard(instant{6s}) == instant{6s});
    CHECK(guard.steps_back() == 1);
    CHECK(guard.latest() == instant{6s});
}
