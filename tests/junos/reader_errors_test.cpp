// SPDX-License-Identifier: Apache-2.0
/// What the reader says about texts that are wrong, and that it gets over them.
#include "ikealg/junos/reader.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ikealg;
using junos::diagnostic;
using junos::read_result;
using junos::source_text;

namespace {

/// LINE:COLUMN message
std::vector<std::string> errors(std::string_view text) {
    const read_result r = junos::read(text);
    std::vector<std::string> list;
    for (const diagnostic& d : r.errors) {
        list.push_back(std::to_string(d.at.line) + ':' + std::to_string(d.at.column) + ' ' + d.message);
    }
    return list;
}
std::string only_error(std::string_view text) {
    const auto list = errors(text);
    CAPTURE(text);
    for (std::size_t i = 1; i < list.size(); ++i) {
        FAIL_CHECK(list[i]);
    }
    return list.empty() ? std::string("no error") : list.front();
}
bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("misspelt statements, with the nearest one that is possible at the place") {
    const std::vector<std::pair<std::string_view, std::string_view>> table{
        {"securty { nat { } }", "1:1 \"securty\" is not known here; did you mean \"security\"?"},
        {"set security nta source address-persistent", "1:14 \"nta\" is not known here; did you mean \"nat\"?"},
        {"set security nat source adress-persistent",
         "1:25 \"adress-persistent\" is not known here; did you mean \"address-persistent\"?"},
        {"security { nat { source { pool p { addres 10.0.0.1/32; } } } }",
         "1:36 \"addres\" is not known here; did you mean \"address\"?"},
        {"set security alg ike-esp-nat ikealg profile practcal",
         "1:45 profile: \"practcal\" is not known here; did you mean \"practical\"?"},
        {"set security alg ike-esp-nat ikealg hold-limt 5",
         "1:37 \"hold-limt\" is not known here; did you mean \"hold-limit\"?"},
        {"set security policies default-policy permit",
         "1:38 \"permit\" is not known here; did you mean \"permit-all\"?"},
        {"set applications application a application-protocol ftp",
         "1:53 application-protocol: \"ftp\" is not known here, allowed are ike-esp-nat or none"},
        {"sett security alg ike-esp-nat enable", "1:1 \"sett\" is not known here; did you mean \"set\"?"},
        {"set security alg sip", "1:18 \"sip\" is not known here, possible are ike-esp-nat"},
        {"set security zones security-zone z address-book address a 10.0.0.0/33",
         "1:59 \"10.0.0.0/33\" is not an IPv4 prefix"},
    };
    for (const auto& [text, message] : table) {
        CHECK(only_error(text) == message);
    }
}

TEST_CASE("values of the wrong type or out of range, with what is allowed") {
    const std::vector<std::pair<std::string_view, std::string_view>> table{
        {"set security alg ike-esp-nat state-timeout 100",
         "1:44 state-timeout: \"100\" is out of range, allowed are 180 to 86400 seconds"},
        {"set security alg ike-esp-nat state-timeout 5m",
         "1:44 state-timeout: \"5m\" is not a number, allowed are 180 to 86400 seconds"},
        {"set security alg ike-esp-nat state-timeout 99999999999999999999",
         "1:44 state-timeout: \"99999999999999999999\" is out of range, allowed are 180 to 86400 seconds"},
        {"set security alg ike-esp-nat state-timeout 0360", "1:44 state-timeout: \"0360\" begins with 0"},
        {"set security alg ike-esp-nat state-timeout",
         "1:43 \"state-timeout\" needs a value: NUMBER, 180 to 86400 seconds"},
        {"security { alg { ike-esp-nat { state-timeout; } } }",
         "1:45 \"state-timeout\" needs a value: NUMBER, 180 to 86400 seconds"},
        {"set security nat source pool", "1:29 \"pool\" needs a value: P"},
        {"set interfaces e0 unit 0 vlan-id 4095", "1:34 vlan-id: \"4095\" is out of range, allowed are 1 to 4094"},
        {"set interfaces e0 unit 0 family inet address 10.0.0.1",
         "1:46 address: \"10.0.0.1\" lacks the length of its prefix, as in 10.0.0.1/24"},
        {"set interfaces e0 unit 0 family inet address 2001:db8::1/64",
         "1:46 address: \"2001:db8::1/64\" is of IPv6; the gateway knows IPv4 only"},
        {"set routing-options static route 0.0.0.0/0 next-hop 10.0.0.256",
         "1:53 next-hop: \"10.0.0.256\" is not an IPv4 address"},
        {"set applications application a destination-port 600-500",
         "1:49 destination-port: \"600-500\" is not a port, a range P-Q within 0 to 65535 or a known name"},
        {"set applications application a protocol udpp",
         "1:41 protocol: \"udpp\" is not a protocol, allowed are 0 to 255 and names such as udp, tcp, icmp, esp"},
        {"set security nat source pool p address 10.0.0.1/32 to", "1:54 \"address\" needs a value: A/32 [to B/32]"},
        {"set security zones security-zone z address-book address a range-address 10.0.0.1",
         "1:81 \"to\" is expected here"},
        {"set security policies from-zone a policy p", "1:35 \"to-zone\" is expected here"},
        {"set security alg ike-esp-nat state-timeout [ 300 400 ]",
         "1:44 \"state-timeout\" takes one value, not a list in brackets"},
        {"set security policies from-zone a to-zone b policy p match application [ ]", "1:72 the list is empty"},
        {"set security zones security-zone \"\"", "1:34 security-zone: a name is empty"},
    };
    for (const auto& [text, message] : table) {
        CHECK(only_error(text) == message);
    }
}

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
    CHECK(at == std::vector<std::size_t>{3, 5, 7, 9, 9, 13, 13, 13, 15, 15, 16});
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
