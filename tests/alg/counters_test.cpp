// SPDX-License-Identifier: Apache-2.0
/// Counters: each counts alone, each has a name of its own.
#include "ikealg/alg/counters.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace ikealg;

TEST_CASE("counters count alone") {
    for (std::size_t i = 0; i < alg::counter_count; ++i) {
        alg::counters c;
        c.count(static_cast<alg::counter>(i), 3);
        c.count(static_cast<alg::counter>(i));
        for (std::size_t k = 0; k < alg::counter_count; ++k) {
            CHECK(c[static_cast<alg::counter>(k)] == (k == i ? 4U : 0U));
        }
    }
    for (std::size_t i = 0; i < drop_reason_count; ++i) {
        alg::counters c;
        c.count(static_cast<drop_reason>(i));
        for (std::size_t k = 0; k < drop_reason_count; ++k) {
            CHECK(c[static_cast<drop_reason>(k)] == (k == i ? 1U : 0U));
        }
    }
}

TEST_CASE("every counter has a name of its own") {
    std::set<std::string> names;
    for (std::size_t i = 0; i < alg::counter_count; ++i) {
        names.emplace(to_string(static_cast<alg::counter>(i)));
    }
    CHECK(names.size() == alg::counter_count);
    CHECK(names.count("phase2_unsolicited") == 1);
}
