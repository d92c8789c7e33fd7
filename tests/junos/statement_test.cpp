// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/statement.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace ikealg;
using junos::statement;

namespace {

statement make(std::string keyword, std::vector<std::string> values = {}, std::vector<statement> children = {}) {
    statement s;
    s.keyword = std::move(keyword);
    s.values = std::move(values);
    s.children = std::move(children);
    return s;
}

}  // namespace

TEST_CASE("inactive statements are not found; places do not matter for equality") {
    statement root = make("", {}, {make("pool", {"a"}), make("pool", {"b"}), make("pool", {"c"}, {make("port")})});
    root.children[0].inactive = true;
    CHECK(root.find("pool")->value() == "b");
    CHECK(root.all("pool").size() == 2);
    CHECK(root.find_path({"pool", "port"}) == nullptr);  // the first active pool has none
    CHECK(!root.has("rule-set"));
    CHECK(make("enable").value().empty());

    statement other = root;
    other.children[1].at = {0, 5, 5};
    CHECK(other == root);
    other.children[0].inactive = false;
    CHECK(!(other == root));
}

TEST_CASE("words stand in quotes where they must") {
    CHECK(junos::quoted("ge-0/0/1.0") == "ge-0/0/1.0");
    CHECK(junos::quoted("a#b") == "a#b");
    CHECK(junos::quoted("") == "\"\"");
    CHECK(junos::quoted("a b") == "\"a b\"");
    CHECK(junos::quoted("#a") == "\"#a\"");
    CHECK(junos::quoted("/*") == "\"/*\"");
    CHECK(junos::quoted("inactive:") == "\"inactive:\"");
    CHECK(junos::quoted("u@h#") == "\"u@h#\"");
    CHECK(junos::quoted("q\"\\\n") == "\"q\\\"\\\\\\n\"");
}

TEST_CASE("statements and their paths as text") {
    const statement pair = make("from-zone", {"green", "to-zone", "red"});
    const statement list = make("application", {"a", "b c"});
    statement device = make("interface", {"ge-0/0/1"});
    device.silent = true;
    CHECK(junos::text_of(list) == "application a \"b c\"");
    CHECK(junos::text_of(list, true) == "application [ a \"b c\" ]");
    CHECK(junos::text_of(device) == "ge-0/0/1");
    const statement root;
    const std::vector<const statement*> path{&root, &pair, &device, &list};
    CHECK(junos::path_of(path) == "from-zone green to-zone red ge-0/0/1 application a \"b c\"");
}

TEST_CASE("a diagnostic names file, line and column, and the statement below") {
    const std::vector<junos::source_text> texts{{"gw.conf", ""}};
    CHECK(junos::to_string({{0, 7, 3}, "security nat", "no"}, texts) == "gw.conf:7:3: no\n    security nat");
    CHECK(junos::to_string({{0, 7, 3}, "", "no"}, {}) == "7:3: no");
    CHECK(junos::to_string({{}, "", "no"}, {}) == "no");
}
