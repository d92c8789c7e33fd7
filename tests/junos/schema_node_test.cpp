// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/schema_node.hpp"

#include <doctest/doctest.h>

#include <string_view>

using namespace ikealg;
using junos::node_kind;
using junos::schema_node;

namespace {

constexpr schema_node members[] = {
    junos::leaf("port", junos::number(1, 5, "s"), "a number"),
    junos::entry("member", junos::name_of("N"), "without its keyword").without_keyword(),
    junos::flag("all", "said or not"),
};
constexpr schema_node top = junos::container("top", members, "holds the others");

}  // namespace

TEST_CASE("a row whose keyword is not written is found by its name, and never by a word of the text") {
    CHECK(top.find("member") == &members[1]);
    CHECK(top.find_said("member") == nullptr);
    CHECK(top.silent_child() == &members[1]);
    CHECK(members[1].silent_child() == nullptr);
    CHECK(top.find("por") == nullptr);
    CHECK(top.find_said("port") == &members[0]);
}

TEST_CASE("what a row holds and takes follows from how it was made") {
    CHECK(top.holds_statements());
    CHECK_FALSE(top.takes_values());
    CHECK(members[0].kind == node_kind::leaf);
    CHECK(members[0].takes_values());
    CHECK(members[0].value.low == 1);
    CHECK(members[0].value.high == 5);
    CHECK_FALSE(members[2].takes_values());
    constexpr schema_node changed = members[0].in_choice(3).written_in_line().written_as_block();
    CHECK(changed.choice == 3);
    CHECK(changed.in_line);
    CHECK(changed.block);
    CHECK_FALSE(changed.silent);
    CHECK(changed.keyword == "port");
    CHECK(members[0].choice == 0);
}
