// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/counters.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace ikealg;
using host::host_counter;

TEST_CASE("each counter has a name and a text of its own and counts for itself") {
    std::set<std::string_view> names, texts;
    host::host_counters c;
    for (std::size_t i = 0; i < host::host_counter_count; ++i) {
        const auto which = static_cast<host_counter>(i);
        names.insert(to_string(which));
        texts.insert(describe(which));
        c.count(which, i + 1);
    }
    CHECK(names.size() == host::host_counter_count);
    CHECK(texts.size() == host::host_counter_count);
    c.count(host_counter::rate_limited);
    CHECK(c[host_counter::received] == 1);
    CHECK(c[host_counter::rate_limited] == host::host_counter_count + 1);
    CHECK(to_string(host_counter::too_big) == "too_big");
    CHECK(to_string(static_cast<host_counter>(255)) == "unknown");
    CHECK(describe(static_cast<host_counter>(255)) == "unknown");
}
