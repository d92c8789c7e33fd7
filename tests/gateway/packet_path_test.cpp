// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/packet_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("E10: AH is dropped with its own counter and an event") {
    world w;
    CHECK(w.out(ah(client(1), server_1, 0x1000)).dropped(drop_reason::ah));
    CHECK(w.in(ah(server_1, nat_1, 0x1000)).dropped(drop_reason::ah));
    CHECK(w.count(drop_reason::ah) == 2);
    CHECK(w.told(event_kind::ah_seen) == 2);
}
