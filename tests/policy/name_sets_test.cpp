// SPDX-License-Identifier: Apache-2.0
#include "ikealg/policy/name_sets.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "support/addresses.hpp"

using namespace ikealg;
using tests::says;

TEST_CASE("sets nest, in any order of declaration, and hold each item once") {
    configuration_report report;
    policy::name_sets names("address", "address-set", "book");
    names.add_set("outer", {"c", "a"}, {"inner"}, report);
    CHECK(names.add_item("a", report) == 0);
    CHECK(names.add_item("b", report) == 1);
    CHECK(names.add_item("c", report) == 2);
    names.add_set("inner", {"a", "b"}, {}, report);
    names.resolve(report);
    INFO(tests::text_of(report.errors));
    REQUIRE(report.clean());
    CHECK(*names.find("b") == std::vector<std::uint32_t>{1});
    CHECK(*names.find("inner") == std::vector<std::uint32_t>{0, 1});
    CHECK(*names.find("outer") == std::vector<std::uint32_t>{0, 1, 2});
    CHECK(names.find("none") == nullptr);
}

TEST_CASE("P3: circles, unknown members, empty sets, mixed-up kinds and duplicates are all reported at once") {
    configuration_report report;
    policy::name_sets names("address", "address-set", "book");
    names.add_item("host", report);
    names.add_item("host", report);
    names.add_set("one", {}, {"two"}, report);
    names.add_set("two", {}, {"three"}, report);
    names.add_set("three", {"host"}, {"one"}, report);
    names.add_set("self", {}, {"self"}, report);
    names.add_set("empty", {}, {}, report);
    names.add_set("typo", {"hots", "one"}, {"host"}, report);
    names.add_set("host", {"host"}, {}, report);
    names.resolve(report);
    INFO(tests::text_of(report.errors));
    CHECK(says(report.errors, "book address host", "address host is defined twice"));
    CHECK(says(report.errors, "book address-set host", "address-set host is defined twice"));
    CHECK(says(report.errors, "book address-set three address-set one",
               "address-set one contains itself: one > two > three > one"));
    CHECK(says(report.errors, "book address-set self address-set self", "self > self"));
    CHECK(says(report.errors, "book address-set empty", "has no members"));
    CHECK(says(report.errors, "book address-set typo address hots", "address hots is not defined; did you mean host?"));
    CHECK(says(report.errors, "book address-set typo address one", "one is an address-set, not an address"));
    CHECK(says(report.errors, "book address-set typo address-set host", "host is an address, not an address-set"));
    CHECK(report.errors.size() == 8);
}

TEST_CASE("P3: for a member that is not defined neither the set itself nor one of the other kind is suggested") {
    configuration_report report;
    policy::name_sets names("address", "address-set", "book");
    names.add_item("server", report);
    names.add_set("hosts", {"host"}, {"hostz"}, report);
    names.add_set("servers", {"servrs"}, {"host"}, report);
    names.resolve(report);
    INFO(tests::text_of(report.errors));
    REQUIRE(report.errors.size() == 4);
    CHECK(report.errors[0].message == "address host is not defined");
    CHECK(report.errors[1].message == "address-set hostz is not defined");
    CHECK(report.errors[2].message == "address servrs is not defined; did you mean server?");
    CHECK(report.errors[3].message == "address-set host is not defined; did you mean hosts?");
}
