// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/configuration_error.hpp"

#include <doctest/doctest.h>

using namespace ikealg;

TEST_CASE("a build result is true exactly when it has a value") {
    CHECK(built<int>{0, {}, {{"path", "note"}}});
    CHECK_FALSE(built<int>{std::nullopt, {{"path", "wrong"}}, {}});
}

TEST_CASE("a report is clean until an error is told, warnings do not count") {
    configuration_report report;
    report.warn("a", "note");
    CHECK(report.clean());
    report.error("b", "wrong");
    CHECK_FALSE(report.clean());
    CHECK(report.errors.front() == configuration_error{"b", "wrong"});
    CHECK(report.warnings.front() == configuration_error{"a", "note"});
}
