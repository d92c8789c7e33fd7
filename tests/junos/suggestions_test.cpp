// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/suggestions.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace ikealg;

namespace {

constexpr junos::schema_node members[] = {
    junos::leaf("port", junos::number(1, 5, "s"), "a number"),
    junos::entry("member", junos::name_of("N"), "without its keyword").without_keyword(),
    junos::flag("all", "said or not"),
};
constexpr junos::schema_node top = junos::container("top", members, "holds the others");

}  // namespace

TEST_CASE("the nearest word is a slip of the pen away, or what the word begins") {
    const auto best = [](std::string_view word) {
        junos::nearest_word nearest(word);
        for (const char* known : {"address", "address-book", "security-zone", "pool", "to", "enable"}) {
            nearest.known(known);
        }
        return std::string(nearest.best());
    };
    CHECK(best("addres") == "address");
    CHECK(best("adderss-book") == "address-book");
    CHECK(best("sec") == "security-zone");
    CHECK(best("enabel") == "enable");
    CHECK(best("polo") == "pool");
    CHECK(best("xyz").empty());
    CHECK(best("").empty());
    CHECK(best(std::string(1000, 'a')).empty());
}

TEST_CASE("words in messages are cut and harmless") {
    CHECK(junos::shown("a\x1b[31m") == "\"a?[31m\"");
    CHECK(junos::shown(std::string(100, 'x')) == '"' + std::string(60, 'x') + "...\"");
}

TEST_CASE("of a place the written keywords are near or possible, and the values of what has none") {
    CHECK(junos::nearest_keyword(top, "prot").best() == "port");
    CHECK(junos::nearest_keyword(top, "membre").best().empty());
    CHECK(junos::nearest_keyword(top, "al").question() == "; did you mean \"all\"?");
    CHECK(junos::choices(top) == ", possible are port, N, all");
    CHECK(junos::choices(members[0]).empty());
}
