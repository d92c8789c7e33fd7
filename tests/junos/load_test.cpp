// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("errors of form and of meaning are told together, in the order of the text") {
    const loaded l(
        "set security zones security-zone a interfacs eth0.0\n"
        "set security nat source pool P adress 10.0.0.1\n"
        "set security nat source rule-set r from zone b\n");
    INFO(l.told());
    CHECK_FALSE(l.result.value);
    CHECK(l.error("security nat source rule-set r", "has no rules", "rule-set r"));
    CHECK(l.error("security nat source rule-set r from zone b", "zone b is not defined", "b\n"));
    CHECK(l.result.errors.size() >= 4);
    CHECK(std::is_sorted(l.result.errors.begin(), l.result.errors.end(),
                         [](const auto& x, const auto& y) { return x.at.line < y.at.line; }));
}
