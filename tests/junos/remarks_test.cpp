// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/remarks.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using namespace ikealg;

TEST_CASE("one remark for each place, not more than somebody would read, errors and warnings apart") {
    const std::vector<junos::source_text> texts{{"gw.conf", ""}, {"", ""}};
    junos::read_result result;
    junos::remarks out(texts, result);
    out.error({0, 1, 1}, "a", "first");
    out.error({0, 1, 1}, "a", "its consequence");
    out.warn({0, 1, 1}, "a", "a warning");
    CHECK(result.errors.size() == 1);
    CHECK(result.warnings.size() == 1);
    CHECK(out.place({0, 4, 2}) == "gw.conf:4:2");
    CHECK(out.place({1, 4, 2}) == "4:2");
    for (std::uint32_t line = 2; line <= 1000; ++line) {
        out.error({0, line, 1}, {}, "more");
    }
    CHECK(result.errors.size() == 1000);
    CHECK(!out.full());
    out.error({0, 1001, 1}, {}, "too many");
    out.error({0, 1002, 1}, {}, "too many");
    CHECK(out.full());
    REQUIRE(result.errors.size() == 1001);
    CHECK(result.errors.back().message == "there are more errors than these");
}

TEST_CASE("the rest of a line for a message ends with the statement") {
    CHECK(junos::detail::trimmed("a b \t\r") == "a b");
    CHECK(junos::detail::trimmed("a b; c") == "a b");
    CHECK(junos::detail::trimmed("pool { p; }") == "pool");
    CHECK(junos::detail::trimmed("a\tb\x1b") == "a?b?");
    CHECK(junos::detail::joined("", "a") == "a");
    CHECK(junos::detail::joined("a", "") == "a");
    CHECK(junos::detail::joined("a", "b") == "a b");
}
