// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/tree_builder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/junos/schema.hpp"

using namespace ikealg;
using junos::said;
using junos::statement;
using junos::tree_builder;

namespace {

said make(const junos::schema_node& above, std::string_view keyword, std::vector<std::string> values = {},
          std::uint32_t line = 1) {
    said s{above.find(keyword), std::move(values), {}, {0, line, 1}};
    REQUIRE(s.schema != nullptr);
    s.values_at.assign(s.values.size(), {0, line, 2});
    return s;
}
tree_builder::id say(tree_builder& tree, tree_builder::id above, std::string_view keyword,
                     std::vector<std::string> values = {}) {
    return tree.apply(above, make(tree.schema(above), keyword, std::move(values))).node;
}

}  // namespace

TEST_CASE("the same statement has one number; the tree has the order of the schema and leaves nothing empty") {
    tree_builder tree(junos::schema);
    const auto security = say(tree, tree_builder::root, "security");
    const auto zones = say(tree, security, "zones");
    say(tree, security, "flow");
    const auto source = say(tree, say(tree, security, "nat"), "source");
    const auto b = say(tree, source, "pool", {"b"});
    say(tree, source, "pool", {"a"});
    CHECK(say(tree, source, "pool", {"b"}) == b);
    CHECK(say(tree, security, "zones") == zones);
    CHECK(tree.path(b) == "security nat source pool b");
    const statement root = tree.finish();
    REQUIRE(root.children.size() == 1);
    REQUIRE(root.children[0].children.size() == 1);  // neither zones nor flow hold anything
    const auto pools = root.find_path({"security", "nat", "source"})->all("pool");
    REQUIRE(pools.size() == 2);
    CHECK(pools[0]->value() == "b");
}

TEST_CASE("of a leaf and of a choice the last one counts, and what it replaced is told") {
    tree_builder tree(junos::schema);
    const auto alg = say(tree, say(tree, say(tree, tree_builder::root, "security"), "alg"), "ike-esp-nat");
    say(tree, alg, "state-timeout", {"300"});
    CHECK(tree.apply(alg, make(tree.schema(alg), "state-timeout", {"300"}, 2)).replaced == nullptr);
    const auto again = tree.apply(alg, make(tree.schema(alg), "state-timeout", {"400"}, 3));
    REQUIRE(again.replaced != nullptr);
    CHECK(again.replaced->keyword == "state-timeout");
    CHECK(again.replaced_at == junos::position{0, 1, 1});

    const auto policies = say(tree, say(tree, tree_builder::root, "security"), "policies");
    const auto otherwise = say(tree, policies, "default-policy");
    say(tree, otherwise, "permit-all");
    const auto deny = tree.apply(otherwise, make(tree.schema(otherwise), "deny-all"));
    REQUIRE(deny.replaced != nullptr);
    CHECK(deny.replaced->keyword == "permit-all");
    const statement root = tree.finish();
    CHECK(root.find_path({"security", "alg", "ike-esp-nat", "state-timeout"})->value() == "400");
    CHECK(root.find_path({"security", "policies", "default-policy"})->children.size() == 1);
}

TEST_CASE("a range of addresses is told apart by where it begins") {
    tree_builder tree(junos::schema);
    const auto source = say(tree, say(tree, say(tree, tree_builder::root, "security"), "nat"), "source");
    const auto pool = say(tree, source, "pool", {"p"});
    const auto one = say(tree, pool, "address", {"10.0.0.1/32"});
    CHECK(say(tree, pool, "address", {"10.0.0.1/32", "to", "10.0.0.9/32"}) == one);
    CHECK(say(tree, pool, "address", {"10.0.0.1/32"}) == one);
    const statement root = tree.finish();
    CHECK(root.find_path({"security", "nat", "source", "pool", "address"})->values ==
          std::vector<std::string>{"10.0.0.1/32", "to", "10.0.0.9/32"});
}

TEST_CASE("a statement in which something could not be read is marked, and so are those around it, no others") {
    tree_builder tree(junos::schema);
    const auto source = say(tree, say(tree, say(tree, tree_builder::root, "security"), "nat"), "source");
    const auto bad = say(tree, source, "pool", {"p"});
    say(tree, bad, "address", {"10.0.0.1/32"});
    say(tree, source, "pool", {"q"});
    tree.set_faulty(bad);
    const statement root = tree.finish();
    CHECK(root.faulty);
    const auto* above = root.find_path({"security", "nat", "source"});
    REQUIRE(above != nullptr);
    CHECK(above->faulty);
    CHECK(above->children[0].faulty);
    CHECK_FALSE(above->children[0].children[0].faulty);
    CHECK_FALSE(above->children[1].faulty);
}

TEST_CASE("what is removed is gone, with what is inside, and can be said again") {
    tree_builder tree(junos::schema);
    const auto source = say(tree, say(tree, say(tree, tree_builder::root, "security"), "nat"), "source");
    const auto pool = say(tree, source, "pool", {"p"});
    say(tree, pool, "address", {"10.0.0.1/32"});
    tree.remove(pool);
    CHECK(tree.find(source, make(tree.schema(source), "pool", {"p"})) == tree_builder::none);
    const auto fresh = say(tree, source, "pool", {"p"});
    CHECK(fresh != pool);

    const auto policies = say(tree, say(tree, tree_builder::root, "security"), "policies");
    const auto policy = say(tree, say(tree, policies, "from-zone", {"a", "to-zone", "b"}), "policy", {"p"});
    const auto match = say(tree, policy, "match");
    const auto list = say(tree, match, "application", {"x", "y", "x"});
    CHECK(say(tree, match, "application", {"y", "z"}) == list);
    CHECK(tree.remove_member(list, "y"));
    CHECK(!tree.remove_member(list, "y"));
    const statement root = tree.finish();
    CHECK(root.find_path({"security", "nat", "source", "pool"})->children.empty());
    CHECK(root.find_path({"security", "policies", "from-zone", "policy", "match", "application"})->values ==
          std::vector<std::string>{"x", "z"});
}
