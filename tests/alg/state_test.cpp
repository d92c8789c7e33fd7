// SPDX-License-Identifier: Apache-2.0
/// The ALG's memory: limits, lists, and that what is made and ended leaves nothing.
#include "ikealg/alg/state.hpp"

#include <map>
#include <set>

#include "alg/harness.hpp"
#include "ikealg/base/hash.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("L1: pairs, slots and sessions end at their capacity and nothing is made by halves", F, ipv4, ipv6) {
    harness<F> h({}, {16, 3, 2, 2, 16, 4});
    auto& m = h.memory();
    CHECK(h.make_pair(1, 1) != npos);
    CHECK(h.make_pair(2, 2) != npos);
    CHECK(h.make_pair(3, 3) == npos);  // no third slot
    CHECK(m.pairs().size() == 2);
    CHECK(h.make_pair(3, 3, 3, true) != npos);  // an address of its own needs none
    CHECK(h.make_pair(4, 1) == npos);
    CHECK(m.slots().size() == 2);
    CHECK(m.make_session(0, {1}, {}) != npos);
    CHECK(m.make_session(0, {2}, {}) != npos);
    CHECK(m.make_session(0, {3}, {}) == npos);
    CHECK(m.pair_at(0).sessions == 2);
}

TEST_CASE_TEMPLATE("N13: pairs and slots of two routing instances never meet", F, ipv4, ipv6) {
    harness<F> h;
    auto& m = h.memory();
    const std::uint32_t one = h.make_pair(1);
    alg::pair<F> p = m.pair_at(one);
    p.vrf = vrf_id{1};
    const std::uint32_t two = m.make_pair(p, false);
    CHECK(two != one);
    CHECK(m.find_pair({}, p.client, p.server) == one);
    CHECK(m.find_pair(vrf_id{1}, p.client, p.server) == two);
    CHECK(m.pair_at(one).slot != m.pair_at(two).slot);
}

TEST_CASE_TEMPLATE("L1: queues, member lists and parked lists agree with a reference", F, ipv4, ipv6) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        small_random random(seed);
        harness<F> h({}, {64, 16, 4, 64, 64, 16});
        auto& m = h.memory();
        std::vector<std::uint32_t> pairs;
        for (unsigned i = 0; i < 8; ++i) {
            pairs.push_back(h.make_pair(1 + i));
        }
        auto& slot = m.slot_at(m.pair_at(pairs[0]).slot);
        std::vector<std::uint32_t> queue[2];
        std::map<std::uint32_t, std::vector<std::uint32_t>> sessions;
        std::map<std::uint32_t, bool> parked;  // exchange, unanswered
        std::vector<std::uint32_t> exchanges;
        for (const std::uint32_t pi : pairs) {
            exchanges.push_back(m.make_exchange(pi));
        }
        for (std::uint64_t round = 1; round < 4000; ++round) {
            const std::uint32_t pi = pairs[random() % pairs.size()];
            const std::uint32_t xi = exchanges[random() % exchanges.size()];
            const bool esp = random() % 2 == 0;
            auto& q = queue[esp ? 1 : 0];
            const auto place = std::find(q.begin(), q.end(), pi);
            switch (random() % 6) {
                case 0:
                    m.join_queue(pi, esp);
                    if (place == q.end()) {
                        q.push_back(pi);
                    }
                    break;
                case 1:
                    m.leave_queue(pi, esp);
                    if (place != q.end()) {
                        q.erase(place);
                    }
                    break;
                case 2:
                    if (const std::uint32_t s = m.make_session(pi, {round}, {}); s != npos) {
                        sessions[pi].push_back(s);
                    }
                    break;
                case 3:
                    if (!sessions[pi].empty()) {
                        auto& own = sessions[pi];
                        const auto at = own.begin() + static_cast<std::ptrdiff_t>(random() % own.size());
                        m.end_session(*at);
                        own.erase(at);
                    }
                    break;
                case 4:
                    m.exchange_at(xi).unanswered = esp;
                    m.park(xi);
                    parked[xi] = esp;
                    break;
                default:
                    m.unpark(xi);
                    parked.erase(xi);
            }
            for (const bool of_esp : {false, true}) {
                std::vector<std::uint32_t> walked;
                for (std::uint32_t i = of_esp ? slot.first_in_esp_queue : slot.first_in_ike_queue; i != npos;
                     i = of_esp ? m.pair_at(i).next_in_esp_queue : m.pair_at(i).next_in_ike_queue) {
                    walked.push_back(i);
                }
                REQUIRE((walked == queue[of_esp ? 1 : 0]));
                std::set<std::uint32_t> found;
                for (std::uint32_t i = of_esp ? slot.first_parked_unanswered : slot.first_parked_quiet; i != npos;
                     i = m.exchange_at(i).next_parked) {
                    found.insert(i);
                }
                std::set<std::uint32_t> expected;
                for (const auto& [i, unanswered] : parked) {
                    if (unanswered == of_esp) {
                        expected.insert(i);
                    }
                }
                REQUIRE((found == expected));
            }
            std::set<std::uint32_t> members;
            for (std::uint32_t i = slot.first_member; i != npos; i = m.pair_at(i).next_member) {
                members.insert(i);
            }
            std::set<std::uint32_t> expected;
            for (const auto& [i, own] : sessions) {
                if (!own.empty()) {
                    expected.insert(i);
                }
            }
            REQUIRE((members == expected));
            REQUIRE(slot.members == members.size());
            REQUIRE(slot.parked == parked.size());
        }
    }
}
