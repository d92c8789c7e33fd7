// SPDX-License-Identifier: Apache-2.0
/// IKE sessions by their SPIs, on ports of their own and on shared ones, and the order of the half-open ones.
#include "ikealg/alg/session_store.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("N3, N5: on a shared port a session is found by both SPIs, or by the initiator's until the responder answers", F, ipv4,
                   ipv6) {
    harness<F> h;
    auto& m = h.memory();
    const std::uint32_t one = h.make_pair(1);
    const std::uint32_t two = h.make_pair(2);
    const std::uint32_t slot = m.pair_at(one).slot;
    const std::uint32_t a = m.make_session(one, {10}, {});
    const std::uint32_t b = m.make_session(two, {10}, {});
    CHECK(m.find_session(one, {10}) == a);
    CHECK(m.find_session(two, {10}) == b);  // equal SPIs of two clients are two sessions
    CHECK(m.find_shared(slot, {10}, {}) == npos);
    CHECK(m.share_session(a, true));
    CHECK_FALSE(m.share_session(b, true));  // N5
    CHECK(m.find_shared(slot, {10}, {}) == a);
    m.set_responder(a, {20});
    m.unshare_session(a, true);
    CHECK(m.share_session(a, false));
    CHECK(m.share_session(b, true));
    CHECK(m.find_shared(slot, {10}, {}) == b);
    CHECK(m.find_shared(slot, {10}, {20}) == a);
    m.set_responder(a, {21});  // it answered anew: the key of before is gone
    CHECK(m.find_shared(slot, {10}, {20}) == npos);
    m.end_session(a);
    m.end_session(b);
    CHECK(m.find_shared(slot, {10}, {}) == npos);
    CHECK(m.find_session(one, {10}) == npos);
    CHECK(m.sessions().size() == 0);
}

TEST_CASE_TEMPLATE("L2: half-open sessions stand in the order in which they began, and leave when both directions were seen", F, ipv4, ipv6) {
    harness<F> h;
    auto& m = h.memory();
    const std::uint32_t pair = h.make_pair(1);
    CHECK(m.oldest_half_open() == npos);
    const std::uint32_t first = m.make_session(pair, {1}, {});
    const std::uint32_t second = m.make_session(pair, {2}, {});
    const std::uint32_t third = m.make_session(pair, {3}, {});
    CHECK(m.oldest_half_open() == first);
    m.complete_session(first);
    m.complete_session(first);  // once more changes nothing
    CHECK(m.oldest_half_open() == second);
    m.end_session(second);
    CHECK(m.oldest_half_open() == third);
    m.complete_session(third);
    CHECK(m.oldest_half_open() == npos);
    CHECK(m.pair_at(pair).sessions == 2);
}

TEST_CASE_TEMPLATE("E5: a pair is a member of its slot exactly while it has sessions", F, ipv4, ipv6) {
    harness<F> h;
    auto& m = h.memory();
    const std::uint32_t pair = h.make_pair(1);
    const auto& slot = m.slot_at(m.pair_at(pair).slot);
    CHECK(slot.members == 0);
    const std::uint32_t a = m.make_session(pair, {1}, {});
    const std::uint32_t b = m.make_session(pair, {2}, {});
    CHECK(slot.members == 1);
    CHECK(slot.first_member == pair);
    m.end_session(a);
    CHECK(slot.members == 1);
    m.end_session(b);
    CHECK(slot.members == 0);
    CHECK(slot.first_member == npos);
}
