// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/writer.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "ikealg/junos/reader.hpp"
#include "junos/random_tree.hpp"

using namespace ikealg;
using junos::read_result;
using junos::statement;

namespace {

void check_clean(const read_result& r) {
    for (const auto& d : r.errors) {
        FAIL_CHECK(junos::to_string(d, {}));
    }
    for (const auto& d : r.warnings) {
        FAIL_CHECK(junos::to_string(d, {}));
    }
}

}  // namespace

TEST_CASE("what is written in either form reads back as the same tree, for whatever the schema allows") {
    std::size_t written = 0;
    for (std::uint32_t seed = 1; seed <= 400; ++seed) {
        CAPTURE(seed);
        const statement tree = test::random_tree(seed).make();
        const std::string braces = junos::write_braces(tree);
        const std::string lines = junos::write_set(tree);
        CAPTURE(braces);
        CAPTURE(lines);
        const read_result from_braces = junos::read(braces);
        const read_result from_lines = junos::read(lines);
        check_clean(from_braces);
        check_clean(from_lines);
        REQUIRE(from_braces.root == tree);
        REQUIRE(from_lines.root == tree);
        REQUIRE(junos::write_braces(from_lines.root) == braces);
        REQUIRE(junos::write_set(from_braces.root) == lines);
        written += lines.size();
    }
    CHECK(written > 400 * 1000);
}

TEST_CASE("the layout of Junos: four blanks, lists in brackets, blocks of values, one line for an only child") {
    const std::string text =
        "security {\n"
        "    nat {\n"
        "        source {\n"
        "            pool p {\n"
        "                address {\n"
        "                    10.0.0.1/32;\n"
        "                    10.0.0.2/32 to 10.0.0.9/32;\n"
        "                }\n"
        "                port no-translation;\n"
        "            }\n"
        "            inactive: rule-set rs {\n"
        "                from zone [ a b ];\n"
        "                rule r {\n"
        "                    then {\n"
        "                        source-nat {\n"
        "                            pool {\n"
        "                                p;\n"
        "                            }\n"
        "                        }\n"
        "                    }\n"
        "                }\n"
        "            }\n"
        "        }\n"
        "    }\n"
        "    zones {\n"
        "        security-zone a {\n"
        "            address-book {\n"
        "                address one 10.1.0.0/16;\n"
        "                address two {\n"
        "                    description \"the other one\";\n"
        "                    10.2.0.0/16;\n"
        "                }\n"
        "            }\n"
        "            host-inbound-traffic {\n"
        "                system-services {\n"
        "                    all;\n"
        "                    ping {\n"
        "                        except;\n"
        "                    }\n"
        "                }\n"
        "            }\n"
        "            interfaces {\n"
        "                ge-0/0/1.0;\n"
        "            }\n"
        "        }\n"
        "    }\n"
        "}\n"
        "interfaces {\n"
        "    ge-0/0/1 {\n"
        "        unit 0 {\n"
        "            family inet {\n"
        "                address 10.1.0.1/16;\n"
        "            }\n"
        "        }\n"
        "    }\n"
        "}\n"
        "routing-options {\n"
        "    static {\n"
        "        route 0.0.0.0/0 next-hop 10.1.0.2;\n"
        "    }\n"
        "}\n";
    const read_result r = junos::read(text);
    check_clean(r);
    // In the table's order a prefix comes before its description.
    std::string expected = text;
    const std::string swapped =
        "                    description \"the other one\";\n                    10.2.0.0/16;\n";
    expected.replace(expected.find(swapped), swapped.size(),
                     "                    10.2.0.0/16;\n                    description \"the other one\";\n");
    CHECK(junos::write_braces(r.root) == expected);
}

TEST_CASE("each set line is complete in itself; inactive statements get a line of their own") {
    const read_result r = junos::read(
        "security { policies { from-zone a to-zone b { inactive: policy \"p 1\" { match { application [ x y ]; } } "
        "policy q { match { inactive: source-address [ s t ]; } then { inactive: permit; } } } } zones { "
        "security-zone z; } }");
    check_clean(r);
    CHECK(junos::write_set(r.root) ==
          "set security policies from-zone a to-zone b policy \"p 1\" match application x\n"
          "set security policies from-zone a to-zone b policy \"p 1\" match application y\n"
          "deactivate security policies from-zone a to-zone b policy \"p 1\"\n"
          "set security policies from-zone a to-zone b policy q match source-address s\n"
          "set security policies from-zone a to-zone b policy q match source-address t\n"
          "deactivate security policies from-zone a to-zone b policy q match source-address\n"
          "set security policies from-zone a to-zone b policy q then permit\n"
          "deactivate security policies from-zone a to-zone b policy q then permit\n"
          "set security zones security-zone z\n");
}

TEST_CASE("an empty tree is an empty text") {
    CHECK(junos::write_braces({}).empty());
    CHECK(junos::write_set({}).empty());
}
