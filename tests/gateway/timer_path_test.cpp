// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/timer_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("next_timer is empty without state and never later than the next thing that happens") {
    world w;
    CHECK_FALSE(w.g->next_timer());
    CHECK(w.out(udp(client(1), 6000, server_1, 53, hello)).forwarded());
    REQUIRE(w.g->next_timer());
    CHECK(*w.g->next_timer() <= w.now + 300s + 1ms);
    w.pass(1h);
    CHECK_FALSE(w.g->next_timer());
}
