// SPDX-License-Identifier: Apache-2.0
/// What the reader says about texts that are wrong, and that it gets over them.
#include "ikealg/junos/reader.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "junos/texts.hpp"

using namespace ikealg;
using namespace ikealg::tests;
using junos::diagnostic;
using junos::read_result;
using junos::source_text;

namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("punctuation that is missing or too much, with the place of its other half") {
    CHECK(only_error("security {\n    alg {\n        ike-esp-nat {\n            enable\n            state-timeout "
                     "300;\n        }\n    }\n}\n") == "4:19 a ; is missing");
    CHECK(only_error("security { alg { ike-esp-nat { enable } } }") == "1:38 a ; is missing");
    CHECK(only_error("security {\n    nat {\n        source {\n            address-persistent;\n        }\n    alg {\n "
                     "       ike-esp-nat {\n            enable;\n"
                     "        }\n    }\n}\n") == "6:5 a } is missing before \"alg\": the { in 2:9 is not closed");
    CHECK(only_error("security {\n    alg {\n        ike-esp-nat {\n            enable;\n") ==
          "5:1 a } is missing before the end of the text: the { in 3:21 is not closed, nor are 2 around it");
    CHECK(only_error("security {\n    alg {\nset security alg ike-esp-nat enable\n") ==
          "3:1 a } is missing before \"set\": the { in 2:9 is not closed, nor are 1 around it");
    CHECK(only_error("security { }\n}\n") == "2:1 this } closes nothing: there is no { for it");
    CHECK(only_error("set security policies from-zone a to-zone b policy p match application [ x y\nset security alg "
                     "ike-esp-nat enable") == "1:77 a ] is missing for the [ in 1:72");
    CHECK(only_error("set security alg ike-esp-nat enable;") == "1:36 \";\" is not expected here");
    CHECK(only_error("set security alg { ike-esp-nat { enable; } }") == "1:18 \"{\" is not expected here");
    CHECK(only_error("security { alg { ike-esp-nat { enable { now; } state-timeout 300; } } }") ==
          "1:39 \"enable\" takes no { }");
    CHECK(only_error("{ security { } }") == "1:1 a { without a statement before it");
    CHECK(only_error("security { zones { security-zone z { description \"never ends; } } }\n}}}") ==
          "1:50 a string begins here and does not end on its line");
    CHECK(only_error("set system host-name gw\n/* never ends") == "2:1 a comment begins here and does not end");
    CHECK(only_error(std::string_view("set system host-name g\0w", 24)) ==
          "1:22 this is not text: it holds a control character");
}

TEST_CASE("an error hides neither what is before nor what is behind it") {
    const read_result r = junos::read(
        "security {\n"
        "    nat {\n"
        "        sauce { pool p { address 10.0.0.1/32; } }\n"
        "        source {\n"
        "            pool p { adress { 10.0.0.1/32; 10.0.0.2/32; } port no-translation; }\n"
        "            rule-set r {\n"
        "                from zone a\n"
        "                to zone b;\n"
        "                rule q { match { source-address 10.0.0/24; destination-address 10.0.0.0/44; } }\n"
        "            }\n"
        "        }\n"
        "    }\n"
        "    alg { ike-esp-nat { enable; esp-gate-timeout 1; state-timeout; ikealg { profile best; } } }\n"
        "}\n"
        "set applications application a protocol udpp source-port 70000 destination-prt 4\n"
        "set applications aplication b\n"
        "set security flow tcp-mss all-tcp mss 1350\n");
    std::vector<std::size_t> at;
    for (const diagnostic& d : r.errors) {
        at.push_back(d.at.line);
    }
    CHECK(at == std::vector<std::size_t>{3, 5, 7, 9, 9, 13, 13, 13, 15, 15, 15, 16});
    CHECK(r.root.find_path({"security", "flow", "tcp-mss", "all-tcp", "mss"}) != nullptr);
    CHECK(r.root.find_path({"security", "alg", "ike-esp-nat", "enable"}) != nullptr);
    CHECK(r.root.find_path({"security", "nat", "source", "pool", "port", "no-translation"}) != nullptr);
    CHECK(r.root.find_path({"security", "nat", "source", "rule-set", "to", "zone"}) != nullptr);
}

TEST_CASE("each error has the whole statement, in either form of text") {
    const std::vector<source_text> texts{
        {"gw.conf",
         "security {\n    alg {\n        ike-esp-nat {\n            state-timeout 5; /* too short */\n        }\n    "
         "}\n}\n"},
        {"gw.set", "set applications application x protocol udp source-port 70000 destination-port 500\n"}};
    const read_result r = junos::read(texts);
    REQUIRE(r.errors.size() == 2);
    CHECK(junos::to_string(r.errors[0], texts) ==
          "gw.conf:4:27: state-timeout: \"5\" is out of range, allowed are 180 to 86400 seconds\n"
          "    security alg ike-esp-nat state-timeout 5");
    CHECK(r.errors[1].at == junos::position{1, 1, 57});
    CHECK(r.errors[1].statement == "applications application x source-port 70000 destination-port 500");
}

TEST_CASE("words of Junos that are not supported are refused, not skipped") {
    CHECK(has(only_error("security { alg { replace: ike-esp-nat { enable; } } }"), "\"replace:\" is not supported"));
    CHECK(has(only_error("protect: system { host-name g; }"), "only `inactive:` may stand before a statement"));
    CHECK(has(only_error("insert security policies from-zone a to-zone b policy p before policy q"),
              "\"insert\" is not supported"));
    CHECK(has(only_error("set security policies from-zone a to-zone b policy p match application [ x y ]\n"
                         "deactivate security policies from-zone a to-zone b policy p match application x"),
              "a single value cannot be made active or inactive"));
    CHECK(has(only_error("set security alg ike-esp-nat enable state-timeout 300\ndelete security alg ike-esp-nat "
                         "enable state-timeout"),
              "one statement at a time"));
    CHECK(has(only_error("set"), "a statement is missing behind \"set\""));
    CHECK(has(only_error("admin@gw# sett x"), "a command is expected behind the prompt"));
}

TEST_CASE("texts that are no texts, and far too many errors, have an end") {
    CHECK(only_error("\xff\xfe"
                     "s\0e\0t") == "1:1 the text is UTF-16; save it as UTF-8");
    CHECK(only_error(std::string((10U << 20) + 1, ' ')) == "1:1 the text is longer than 10 MB");
    std::string junk;
    for (int i = 0; i < 5000; ++i) {
        junk += "what is this;\n";
    }
    const auto list = errors(junk);
    REQUIRE(list.size() == 1001);
    CHECK(has(list.back(), "there are more errors"));
    // Everything behind the last error that is shown is not read: a long line of errors costs no more than a short one.
    std::string line = "set applications application a";
    for (int i = 0; i < 200000; ++i) {
        line += " source-port x";
    }
    CHECK(errors(line).size() == 1001);
    line = "set security nat source rule-set r rule q match source-address [";
    for (int i = 0; i < 200000; ++i) {
        line += " x";
    }
    CHECK(errors(line).size() == 1001);
    CHECK(only_error("\"security\" {\n}\n") == "1:1 \"security\" stands without quotes");
    // Braces deeper than any statement are skipped over, not followed.
    CHECK(errors("x " + std::string(1000000, '{')).size() == 1);
    CHECK(errors("security " + std::string(1000000, '{')).size() <= 2);
    CHECK(errors(std::string(1000, '}') + "\nset security nat\n").size() == 1000);
}
