// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/reader.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/junos/writer.hpp"
#include "junos/texts.hpp"

using namespace ikealg;
using namespace ikealg::tests;
using junos::read_result;
using junos::source_text;
using junos::statement;

namespace {

constexpr std::string_view manual_lines =
    "set security alg ike-esp-nat enable\n"
    "set security alg ike-esp-nat state-timeout 360\n"
    "set security alg ike-esp-nat esp-gate-timeout 20\n"
    "set security alg ike-esp-nat esp-session-timeout 2400\n"
    "set security nat source pool pool1 address 10.10.10.1/32 to 10.10.10.10/32\n"
    "set security nat source address-persistent\n"
    "set security nat source rule-set rs1 from zone green\n"
    "set security nat source rule-set rs1 to zone red\n"
    "set security nat source rule-set rs1 rule r1 match source-address 1.1.1.0/24\n"
    "set security nat source rule-set rs1 rule r1 match destination-address 2.2.2.0/24\n"
    "set security nat source rule-set rs1 rule r1 then source-nat pool pool1\n"
    "set security policies from-zone green to-zone red policy pol1 match source-address sa1\n"
    "set security policies from-zone green to-zone red policy pol1 match destination-address da1\n"
    "set security policies from-zone green to-zone red policy pol1 match application custom-ike-alg\n"
    "set security policies from-zone green to-zone red policy pol1 match application custom-ike-natt\n"
    "set security policies from-zone green to-zone red policy pol1 then permit\n"
    "set security zones security-zone Trust host-inbound-traffic system-services all\n"
    "set security zones security-zone Trust host-inbound-traffic protocols all\n"
    "set security zones security-zone Trust interfaces ge-0/0/1.0\n"
    "set security zones security-zone green address-book address sa1 1.1.1.0/24\n"
    "set security zones security-zone red address-book address da1 2.2.2.0/24\n"
    "set applications application custom-ike-alg application-protocol ike-esp-nat\n"
    "set applications application custom-ike-alg protocol udp\n"
    "set applications application custom-ike-alg source-port 500\n"
    "set applications application custom-ike-alg destination-port 500\n"
    "set applications application custom-ike-natt application-protocol ike-esp-nat\n"
    "set applications application custom-ike-natt protocol udp\n"
    "set applications application custom-ike-natt source-port 4500\n"
    "set applications application custom-ike-natt destination-port 4500\n";

}  // namespace

TEST_CASE("the examples of the Junos manual read as printed, alike in both forms") {
    for (const char* form : {".set", ".conf"}) {
        CAPTURE(form);
        const std::vector<source_text> texts{file(std::string("manual-ike-esp") + form),
                                             file(std::string("manual-timeouts") + form)};
        const read_result r = junos::read(texts);
        CHECK(r.errors.empty());
        CHECK(r.warnings.empty());
        CHECK(junos::write_set(r.root) == manual_lines);
    }
}

TEST_CASE(
    "statements said again merge: members and entries come together, of a leaf the last value counts, with a warning") {
    const read_result r = junos::read(
        "security { alg { ike-esp-nat { state-timeout 300; } } policies { from-zone a to-zone b { policy p { match { "
        "source-address x; } then { permit; } } } } }\n"
        "set security alg ike-esp-nat state-timeout 400\n"
        "security { policies { from-zone a to-zone b { policy q; policy p { match { source-address [ x y ]; } then { "
        "deny; } } } } }\n");
    CHECK(r.errors.empty());
    REQUIRE(r.warnings.size() == 2);
    CHECK(r.warnings[0].statement == "security alg ike-esp-nat state-timeout 400");
    CHECK(r.warnings[0].message == "this takes the place of \"state-timeout\" said in 1:32");
    CHECK(r.warnings[1].message.find("\"permit\" said in 1:") != std::string::npos);
    CHECK(junos::write_set(r.root) ==
          "set security alg ike-esp-nat state-timeout 400\n"
          "set security policies from-zone a to-zone b policy p match source-address x\n"
          "set security policies from-zone a to-zone b policy p match source-address y\n"
          "set security policies from-zone a to-zone b policy p then deny\n"
          "set security policies from-zone a to-zone b policy q\n");
    CHECK(
        junos::read("set security alg ike-esp-nat state-timeout 400\nset security alg ike-esp-nat state-timeout 400\n")
            .warnings.empty());
}

TEST_CASE("entries keep the order in which they were first said, keywords that of the schema") {
    CHECK(lines("set security policies from-zone b to-zone a policy z\nset security policies from-zone b to-zone a "
                "policy y\n"
                "set security policies from-zone a to-zone b policy x\nset security policies from-zone b to-zone a "
                "policy z then permit\n"
                "set security nat source rule-set r2\nset security nat source rule-set r1\n") ==
          "set security nat source rule-set r2\nset security nat source rule-set r1\n"
          "set security policies from-zone b to-zone a policy z then permit\nset security policies from-zone b to-zone "
          "a policy y\n"
          "set security policies from-zone a to-zone b policy x\n");
}

TEST_CASE("delete takes back what was said: entries, leaves, members; what is not there is a warning") {
    CHECK(lines("set security nat source pool p address 10.0.0.1/32\nset security nat source pool q\n"
                "delete security nat source pool p\nset security nat source pool p address 10.0.0.2/32\n") ==
          "set security nat source pool q\nset security nat source pool p address 10.0.0.2/32\n");
    CHECK(
        lines(
            "set security alg ike-esp-nat enable state-timeout 300\ndelete security alg ike-esp-nat state-timeout\n") ==
        "set security alg ike-esp-nat enable\n");
    CHECK(lines("set security policies from-zone a to-zone b policy p match application [ x y z ]\n"
                "delete security policies from-zone a to-zone b policy p match application [ x z ]\n") ==
          "set security policies from-zone a to-zone b policy p match application y\n");
    CHECK(lines("set security policies from-zone a to-zone b policy p match application [ x y ]\n"
                "delete security policies from-zone a to-zone b policy p match application\n") ==
          "set security policies from-zone a to-zone b policy p\n");
    CHECK(lines("set security alg ike-esp-nat enable\ndelete security\n").empty());

    const read_result r = junos::read(
        "delete security nat source pool p\nset security policies from-zone a to-zone b policy p match application x\n"
        "delete security policies from-zone a to-zone b policy p match application y\n");
    CHECK(r.errors.empty());
    REQUIRE(r.warnings.size() == 2);
    CHECK(r.warnings[0].statement == "security nat source pool p");
    CHECK(r.warnings[0].message == "this was not said before, nothing to delete");
    CHECK(r.warnings[1].message == "\"y\" was not said before, nothing to delete");
}

TEST_CASE("inactive statements are kept, and are not found") {
    const statement root = clean(
        "set security nat source pool p\nset security nat source pool q\ndeactivate security nat source pool p\n"
        "deactivate security nat source pool q\nactivate security nat source pool q\n");
    const statement* source = root.find_path({"security", "nat", "source"});
    REQUIRE(source != nullptr);
    CHECK(source->children.size() == 2);
    REQUIRE(source->all("pool").size() == 1);
    CHECK(source->find("pool")->value() == "q");
    CHECK(clean("security { nat { source { inactive: pool p; pool q; } } }") == root);
    CHECK(clean("set security alg ike-esp-nat enable\ndeactivate security").find("security") == nullptr);
    CHECK(junos::read("deactivate security nat").warnings.size() == 1);
}

TEST_CASE("comments, quotes, blanks of every kind, line ends of other systems") {
    const std::string expected = "set security zones security-zone z description \"a \\\"b\\\" \\\\ #c\"\n";
    CHECK(lines("security { /* a { comment */ zones { # to the end }\n security-zone z { description \"a \\\"b\\\" "
                "\\\\ #c\"; } } }") == expected);
    CHECK(
        lines("\xef\xbb\xbfset security zones security-zone z description \"a \\\"b\\\" \\\\ #c\"\r\n# more\r\n\r\n") ==
        expected);
    CHECK(lines("\tset\tsecurity\xc2\xa0zones  security-zone z description \"a \\\"b\\\" \\\\ #c\"  # why\n") ==
          expected);
    CHECK(lines("security\n{\n/* one\n two */zones\n{security-zone\nz{description\"a \\\"b\\\" \\\\ #c\";}}}") ==
          expected);
    CHECK(lines("set security zones security-zone \"z\" description \"a \\\"b\\\" \\\\ #c\"") == expected);
    CHECK(clean("") == statement{});
    CHECK(clean("\n# nothing\n/* at all */") == statement{});
}

TEST_CASE("each statement and each value knows where it was said") {
    const std::vector<source_text> texts{
        {"one", "set security nat source pool p address 10.0.0.1/32 to 10.0.0.2/32\n"},
        {"two",
         "security {\n  policies {\n    from-zone a to-zone b {\n      policy p {\n        match {\n"
         "          application [ x\n   y ];\n"}};
    const read_result r = junos::read(texts);
    const statement* pool = r.root.find_path({"security", "nat", "source", "pool"});
    REQUIRE(pool != nullptr);
    CHECK(pool->at == junos::position{0, 1, 25});
    CHECK(pool->values_at == std::vector<junos::position>{{0, 1, 30}});
    CHECK(pool->children.front().values_at == std::vector<junos::position>{{0, 1, 40}, {0, 1, 52}, {0, 1, 55}});
    const statement* list = r.root.find_path({"security", "policies", "from-zone", "policy", "match", "application"});
    REQUIRE(list != nullptr);
    CHECK(list->at == junos::position{1, 6, 11});
    CHECK(list->values_at == std::vector<junos::position>{{1, 6, 25}, {1, 7, 4}});
    REQUIRE(r.errors.size() == 1);
    CHECK(junos::to_string(r.errors.front(), texts)
              .find("two:8:1: a } is missing before the end of the text: the { in two:5:15") == 0);
}

TEST_CASE("the first configuration of docs/configuration.md is in order") {
    std::ifstream in(std::string(IKEALG_TEST_CAPTURES) + "/../../docs/configuration.md", std::ios::binary);
    REQUIRE(in.good());
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    const std::size_t begin = page.find("```text\n") + 8;
    const std::string example = page.substr(begin, page.find("```", begin) - begin);
    CHECK(clean(example).find_path(
              {"security", "nat", "source", "rule-set", "rule", "then", "source-nat", "interface"}) != nullptr);
}

TEST_CASE("every statement of the table can be said on a set line and in braces") {
    struct walk {
        static void at(const junos::schema_node& row, const std::string& line, std::size_t& count) {
            for (const auto& child : row.children) {
                std::string here = line + (child.silent ? "" : ' ' + std::string(child.keyword));
                switch (child.value.kind) {
                    using enum junos::value_kind;
                    case none: break;
                    case name:
                    case text: here += " n"; break;
                    case word: here += ' ' + std::string(child.value.words.front()); break;
                    case number: here += ' ' + std::to_string(child.value.low); break;
                    case address: here += " 10.0.0.1"; break;
                    case host_prefix: here += " 10.0.0.1/24"; break;
                    case prefix: here += " 10.0.0.0/24"; break;
                    case prefix_range: here += " 10.0.0.1/32 to 10.0.0.2/32"; break;
                    case address_range: here += " 10.0.0.1 to 10.0.0.2"; break;
                    case ports: here += " 500-600"; break;
                    case port_range: here += " 2000 to 3000"; break;
                    case protocol: here += " udp"; break;
                    case device: here += " eth0"; break;
                    case interface: here += " eth0.0"; break;
                    case zone_pair: here += " a to-zone b"; break;
                }
                if (child.kind != junos::node_kind::container) {
                    CAPTURE(here);
                    CHECK(lines("set" + here + '\n') == "set" + here + '\n');
                    CHECK(lines(here + ";\n") == "set" + here + '\n');
                    ++count;
                }
                at(child, here, count);
            }
        }
    };
    std::size_t count = 0;
    walk::at(junos::schema, {}, count);
    CHECK(count > 120);
}

TEST_CASE("long texts: each statement is looked up once, none is compared with all others") {
    // 100000 lines that would take minutes if each entry were looked for among the others.
    std::string text;
    for (int i = 0; i < 100000; ++i) {
        text += "set security nat source pool p address 10." + std::to_string(i / 65536) + '.' +
                std::to_string(i / 256 % 256) + '.' + std::to_string(i % 256) + "/32\n";
    }
    const std::size_t entries = text.size();
    for (int i = 0; i < 50000; ++i) {
        text +=
            "set security policies from-zone a to-zone b policy p match application app-" + std::to_string(i) + '\n';
    }
    text += "delete security policies from-zone a to-zone b policy p match application app-7\n";
    CHECK(entries > 5000000);
    const statement root = clean(text);
    CHECK(root.find_path({"security", "nat", "source", "pool"})->children.size() == 100000);
    CHECK(root.find_path({"security", "policies", "from-zone", "policy", "match", "application"})->values.size() ==
          49999);
}
