// SPDX-License-Identifier: Apache-2.0
/// Events: names, texts, and that listening to nothing is possible.
#include "ikealg/alg/event.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace ikealg;

TEST_CASE("every event has a name and a text of its own") {
    std::set<std::string> names;
    std::set<std::string> texts;
    for (std::size_t i = 0; i < alg::event_kind_count; ++i) {
        names.emplace(to_string(static_cast<alg::event_kind>(i)));
        texts.emplace(describe(static_cast<alg::event_kind>(i)));
    }
    CHECK(names.size() == alg::event_kind_count);
    CHECK(texts.size() == alg::event_kind_count);
    CHECK(to_string(alg::event_kind::spi_contested) == "spi_contested");
}

TEST_CASE("no_observer takes any event") {
    constexpr alg::no_observer nobody;
    nobody(alg::event<ipv4>{});
    nobody(alg::event<ipv6>{});
    CHECK(alg::event<ipv4>{}.reason == drop_reason::none);
}
