// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/verdict.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace ikealg;

TEST_CASE("each drop reason has a name and a sentence of its own") {
    std::set<std::string> names, sentences;
    for (std::size_t i = 0; i < drop_reason_count; ++i) {
        names.emplace(to_string(static_cast<drop_reason>(i)));
        sentences.emplace(describe(static_cast<drop_reason>(i)));
    }
    CHECK(names.size() == drop_reason_count);
    CHECK(sentences.size() == drop_reason_count);
    CHECK(to_string(drop_reason::esp_ambiguous) == "esp_ambiguous");
    CHECK(to_string(static_cast<drop_reason>(drop_reason_count)) == "unknown");
    CHECK(describe(static_cast<drop_reason>(255)) == "unknown");
}

TEST_CASE("verdicts say what they were made from") {
    CHECK(verdict::forward(zone_id{3}) == verdict{action::forward, drop_reason::none, zone_id{3}});
    CHECK(verdict::drop(drop_reason::ttl).act == action::drop);
    CHECK(verdict::drop(drop_reason::ttl).reason == drop_reason::ttl);
    CHECK(to_string(action::not_mine) == "not_mine");
}
