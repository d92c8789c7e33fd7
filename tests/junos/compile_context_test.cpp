// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/compile_context.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/junos/reader.hpp"

using namespace ikealg;
using junos::compile_context;
using junos::statement;

namespace {

/// A tree that the reader may have found errors in.
const statement root = junos::read(
                           "set security nat source pool P address 10.0.0.1/32 to 10.0.0.9/32\n"
                           "set security nat source pool P port no-translation\n"
                           "set security alg ike-esp-nat state-timeout 100\n"
                           "set security policies from-zone a to-zone b policy p match application [ x y ]\n"
                           "set security zones security-zone z address-book address bits 10.1.1.1/24\n"
                           "set routing-options static route 10.0.0.0/8 next-hop here\n")
                           .root;
const statement& at(std::initializer_list<std::string_view> path) {
    const statement* found = root.find_path(path);
    REQUIRE(found != nullptr);
    return *found;
}
const statement& pool_address() {
    return at({"security", "nat", "source", "pool", "address"});
}
const statement& applications() {
    return at({"security", "policies", "from-zone", "policy", "match", "application"});
}

/// Lines of LINE:COLUMN statement: message
std::string told(const std::vector<junos::diagnostic>& list) {
    std::string lines;
    for (const auto& d : list) {
        lines +=
            std::to_string(d.at.line) + ':' + std::to_string(d.at.column) + ' ' + d.statement + ": " + d.message + '\n';
    }
    return lines;
}

}  // namespace

TEST_CASE("the words of a statement, with one value of a list; a range stays whole") {
    const std::string match = "security policies from-zone a to-zone b policy p match application";
    CHECK(junos::words_of(root, applications()) == match + " x y");
    CHECK(junos::words_of(root, applications(), 1) == match + " y");
    CHECK(junos::words_of(root, applications(), 2) == match + " x y");
    CHECK(junos::words_of(root, pool_address(), 0) == "security nat source pool P address 10.0.0.1/32 to 10.0.0.9/32");
}

TEST_CASE("a path of words leads as far into the tree as it goes") {
    const auto member = junos::locate(root, {"security", "policies", "from-zone", "a", "to-zone", "b", "policy", "p",
                                             "match", "application", "y", "more"});
    CHECK(member.at == &applications());
    CHECK(member.value == 1);
    CHECK(member.matched == 11);
    const auto other_pool = junos::locate(root, {"security", "nat", "source", "pool", "Q"});
    CHECK(other_pool.at == &at({"security", "nat", "source"}));
    CHECK(other_pool.value == junos::whole_statement);
    CHECK(other_pool.matched == 3);
    CHECK(junos::locate(root, {"interfaces"}).at == nullptr);
}

TEST_CASE("values that do not fit are errors at the value, and nothing is given") {
    compile_context said(root);
    const auto& timeout = at({"security", "alg", "ike-esp-nat", "state-timeout"});
    CHECK(said.number(timeout, 100, 100) == 100);
    CHECK_FALSE(said.number(timeout, 101, 200));
    CHECK_FALSE(said.number(timeout, 0, 99));
    const auto& hop = at({"routing-options", "static", "route", "next-hop"});
    CHECK_FALSE(said.number(hop, 1, 5));
    CHECK_FALSE(said.address(hop));
    CHECK_FALSE(said.network(hop));
    const auto& bits = at({"security", "zones", "security-zone", "address-book", "address"}).children.front();
    CHECK_FALSE(said.network(bits));
    CHECK(to_string(said.network(bits, 0, true).value()) == "10.1.1.1/24");
    CHECK(to_string(said.addresses(pool_address()).value()) == "10.0.0.1 to 10.0.0.9");
    CHECK_FALSE(said.word(hop, 1));
    CHECK_FALSE(said.clean());
    CHECK(told(said.take_errors()) ==
          "3:44 security alg ike-esp-nat state-timeout 100: 100 is out of range, allowed are 0 to 99\n"
          "3:44 security alg ike-esp-nat state-timeout 100: 100 is out of range, allowed are 101 to 200\n"
          "5:62 security zones security-zone z address-book address bits 10.1.1.1/24: prefix 10.1.1.1/24 has host bits "
          "set; the network is 10.1.1.0/24\n"
          "6:45 routing-options static route 10.0.0.0/8 next-hop here: next-hop needs a value\n"
          "6:54 routing-options static route 10.0.0.0/8 next-hop here: here is not a number in range, allowed are 1 to "
          "5\n"
          "6:54 routing-options static route 10.0.0.0/8 next-hop here: here is not an IPv4 address\n"
          "6:54 routing-options static route 10.0.0.0/8 next-hop here: here is not an IPv4 prefix\n");
}

TEST_CASE("remarks of the core get their place in the text, also by an alias, in order and once each") {
    compile_context said(root);
    said.alias("nat pool 0", at({"security", "nat", "source", "pool"}));
    configuration_report report;
    report.error("security policies from-zone a to-zone b policy p match application y", "one");
    report.error("security nat source pool P address 10.0.0.1/32 to 10.0.0.9/32", "two");
    report.error("nat pool 0 port range", "three");
    report.error("elsewhere 5", "four");
    said.add(report);
    said.add(report);
    configuration_report later;
    later.error("nat pool 0 port range", "again");
    later.error("nat pool 01", "no alias");
    said.add_new(later);
    CHECK(told(said.take_errors()) ==
          "0:0 elsewhere 5: four\n"
          "0:0 nat pool 01: no alias\n"
          "1:40 security nat source pool P address 10.0.0.1/32 to 10.0.0.9/32: two\n"
          "2:32 security nat source pool P port range: three\n"
          "4:76 security policies from-zone a to-zone b policy p match application y: one\n");
}

TEST_CASE("what nobody asked for is named, of a branch only its root") {
    compile_context said(root);
    const auto* security = said.take(root, "security");
    REQUIRE(security != nullptr);
    CHECK(said.take(*security, {"alg", "ike-esp-nat", "state-timeout"}) != nullptr);
    CHECK(said.take(*security, {"alg", "sip", "enable"}) == nullptr);
    CHECK_FALSE(said.flag(*security, "flow"));
    REQUIRE(said.take(*security, {"nat", "source"}) != nullptr);
    said.warn_unused();
    CHECK(told(said.take_warnings()) ==
          "1:25 security nat source pool P: accepted, but without effect\n"
          "4:14 security policies: accepted, but without effect\n"
          "5:14 security zones: accepted, but without effect\n"
          "6:5 routing-options: accepted, but without effect\n");
    CHECK(said.clean());
}
