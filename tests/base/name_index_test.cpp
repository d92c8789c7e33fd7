// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/name_index.hpp"

#include <doctest/doctest.h>

#include "support/addresses.hpp"

using namespace ikealg;

TEST_CASE("edit distance counts insertions, deletions, replacements and swaps") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("server", "sever") == 1);
    CHECK(edit_distance("server", "servers") == 1);
    CHECK(edit_distance("server", "sarver") == 1);
    CHECK(edit_distance("server", "sevrer") == 1);
    CHECK(edit_distance("abc", "xyz") == 3);
}

TEST_CASE("P3: duplicate and empty names are refused, unknown names get the nearest known one") {
    configuration_report report;
    name_index names;
    names.add("zone", "trust", 0, "zones trust", report);
    names.add("zone", "untrust", 1, "zones untrust", report);
    CHECK(report.clean());
    names.add("zone", "trust", 2, "zones trust", report);
    names.add("zone", "", 3, "zones ", report);
    REQUIRE(report.errors.size() == 2);
    CHECK(tests::says(report.errors, "zones trust", "zone trust is defined twice"));
    CHECK(tests::says(report.errors, "zones ", "zone without a name"));
    CHECK(names.find("trust") == 0U);
    CHECK_FALSE(names.find("dmz"));

    name_index more;
    more.add("zone", "truth", 0, "", report);
    CHECK(undefined_name("zone", "trsut", {&names}) == "zone trsut is not defined; did you mean trust?");
    CHECK(undefined_name("zone", "trut", {&names, &more}) == "zone trut is not defined; did you mean trust?");
    CHECK(undefined_name("zone", "truhh", {&names, &more}) == "zone truhh is not defined; did you mean truth?");
    CHECK(undefined_name("zone", "completely-else", {&names, &more}) == "zone completely-else is not defined");
}
