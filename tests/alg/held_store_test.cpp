// SPDX-License-Identifier: Apache-2.0
/// Held packets: number, bytes, order.
#include "ikealg/alg/held_store.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("L1: held packets end at their number and their bytes, and go back in order", F, ipv4, ipv6) {
    alg_settings s;
    s.held_bytes = 100;
    harness<F> h(s, {16, 4, 4, 4, 16, 3});
    auto& m = h.memory();
    CHECK(m.take_held(101) == npos);
    const std::uint32_t a = m.take_held(60);
    CHECK(m.take_held(41) == npos);
    const std::uint32_t b = m.take_held(30);
    const std::uint32_t c = m.take_held(10);
    CHECK(m.held_bytes() == 100);
    CHECK(m.take_held(0) == npos);
    std::uint32_t first = npos;
    std::uint32_t last = npos;
    for (const std::uint32_t i : {a, b, c}) {
        m.append(first, last, i);
    }
    m.take_out(first, last, c);
    CHECK(last == b);
    m.take_out(first, last, a);
    CHECK(first == b);
    m.take_out(first, last, b);
    CHECK(first == npos);
    CHECK(last == npos);
    for (const std::uint32_t i : {b, c, a}) {
        m.hand_back(i, drop_reason::none);
    }
    for (const std::uint32_t i : {b, c, a}) {
        CHECK(m.next_released() == i);
        m.free_held(i);
    }
    CHECK(m.next_released() == npos);
    CHECK(m.held_bytes() == 0);
}
