// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/line_reader.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "junos/texts.hpp"

using namespace ikealg;
using namespace ikealg::tests;
using junos::detail::line_end;
using junos::detail::line_form;
using junos::detail::line_reader;

namespace {

/// One line read against the whole table.
struct one_line {
    junos::read_result result{};
    junos::remarks out{{}, result};
    junos::lexer lex;
    line_reader reader;
    line_end end;

    one_line(std::string_view text, line_form form)
        : lex(text, 0), reader(lex, junos::schema, form, &out), end(reader.read(first(form))) {}

    /// Each step: the number of the one around it, keyword, values.
    [[nodiscard]] std::vector<std::string> steps() const {
        std::vector<std::string> list;
        for (const auto& step : reader.steps()) {
            std::string text = step.parent == line_reader::outside ? "-" : std::to_string(step.parent);
            text += ' ' + std::string(step.words.schema->keyword);
            for (const auto& value : step.words.values) {
                text += ' ' + value;
            }
            list.push_back(text);
        }
        return list;
    }

private:
    /// The command, or the first word itself.
    junos::token first(line_form form) { return form == line_form::braces ? junos::token(lex.peek()) : lex.take(); }
};
using list = std::vector<std::string>;

}  // namespace

TEST_CASE("the words of a line are steps, each inside the one before, leaves beside leaves") {
    const one_line set("set applications application a source-port 500 protocol udp\nset", line_form::set);
    CHECK(set.end == line_end::complete);
    CHECK(set.steps() == list{"- applications", "0 application a", "1 source-port 500", "1 protocol udp"});
    CHECK(set.reader.text() == "applications application a protocol udp");

    one_line braces("security { alg", line_form::braces);
    CHECK(braces.end == line_end::brace);
    CHECK(braces.steps() == list{"- security"});
    CHECK(braces.lex.peek().kind == junos::token_kind::open);
    CHECK_FALSE(braces.reader.awaits_value());

    one_line values("security nat source pool p address { 10.0.0.1/32; }", line_form::braces);
    CHECK(values.end == line_end::brace);
    CHECK(values.reader.awaits_value());
}

TEST_CASE("a reference needs no value of a leaf; a path leads to what holds statements, or fails without a word") {
    const one_line reference("delete security alg ike-esp-nat state-timeout", line_form::reference);
    CHECK(reference.end == line_end::complete);
    CHECK(reference.steps() == list{"- security", "0 alg", "1 ike-esp-nat", "2 state-timeout"});

    const one_line path("edit security nat source", line_form::path);
    CHECK(path.end == line_end::complete);
    CHECK(path.steps() == list{"- security", "0 nat", "1 source"});
    const one_line leaf("edit security alg ike-esp-nat enable", line_form::path);
    CHECK(leaf.end == line_end::failed);
    CHECK(leaf.result.errors.empty());
}

TEST_CASE("several leaves on a set line belong to the container of the first") {
    CHECK(lines("set applications application a source-port 500 destination-port 500-600 protocol udp "
                "application-protocol ike-esp-nat") ==
          "set applications application a application-protocol ike-esp-nat\n"
          "set applications application a protocol udp\n"
          "set applications application a source-port 500\n"
          "set applications application a destination-port 500-600\n");
}

TEST_CASE("one keyword with its values in braces, in brackets and repeated are the same") {
    const auto expected = clean(
        "set security nat source pool p address 10.0.0.1/32\nset security nat source pool p address 10.0.0.4/32 to "
        "10.0.0.9/32\n");
    CHECK(clean("security { nat { source { pool p { address { 10.0.0.1/32; 10.0.0.4/32 to 10.0.0.9/32; } } } } }") ==
          expected);
    CHECK(clean("security { nat { source { pool p { address 10.0.0.1/32; address { 10.0.0.4/32 { to { 10.0.0.9/32; } } "
                "} } } } }") == expected);
    CHECK(clean("security nat source pool p { address 10.0.0.1/32; address 10.0.0.4/32 to 10.0.0.9/32; }") == expected);
    CHECK(clean("security { zones { security-zone z { address-book { address a { range-address 10.0.0.1 { to { "
                "10.0.0.5; } } } } } } }") ==
          clean("set security zones security-zone z address-book address a range-address 10.0.0.1 to 10.0.0.5"));
    CHECK(clean("security { policies { from-zone a to-zone b { policy p { match { application x; application y; } } } "
                "} }") == clean("set security policies from-zone a to-zone b policy p match application [ x y ]"));
    CHECK(
        clean("security { zones { security-zone z { interfaces { eth0.0 { host-inbound-traffic { system-services { "
              "ping; ssh; } } } } } } }") ==
        clean(
            "set security zones security-zone z interfaces eth0.0 host-inbound-traffic system-services [ ping ssh ]"));
    CHECK(clean("security { zones { security-zone z { interfaces [ eth0.0 eth1.0 ]; } } }") ==
          clean("set security zones security-zone z interfaces eth0.0\nset security zones security-zone z interfaces "
                "eth1.0"));
    CHECK(
        lines("set security zones security-zone z interfaces [ eth0.0 eth1.0 ]") ==
        "set security zones security-zone z interfaces eth0.0\nset security zones security-zone z interfaces eth1.0\n");
    CHECK(only_error("security { zones { security-zone z { interfaces [ a b ] { host-inbound-traffic { } } } } }") ==
          "1:57 \"interface\" takes no { }");
    CHECK(clean("applications { application-set s { application [ a b ]; } }") ==
          clean("set applications application-set s application a\nset applications application-set s application b"));
    CHECK(clean("security { nat { source { rule-set r { rule q { then { source-nat { pool { p; } } } } } } } }") ==
          clean("set security nat source rule-set r rule q then source-nat pool p"));
}

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

TEST_CASE("a word that is not known hides nothing behind it: the nearest known one is read in its place") {
    CHECK(errors("set applications application x protocl udp destination-port 99999 application-protocol ike-esp") ==
          list{"1:32 \"protocl\" is not known here; did you mean \"protocol\"?",
               "1:61 destination-port: \"99999\" is not a port, a range P-Q within 0 to 65535 or a known name",
               "1:88 application-protocol: \"ike-esp\" is not known here; did you mean \"ike-esp-nat\"?"});
    CHECK(errors("securty { alg { ike-esp-nat { enabel; state-timeout 3; } } }") ==
          list{"1:1 \"securty\" is not known here; did you mean \"security\"?",
               "1:31 \"enabel\" is not known here; did you mean \"enable\"?",
               "1:53 state-timeout: \"3\" is out of range, allowed are 180 to 86400 seconds"});
    CHECK(errors("sett applications aplication x protocol 300\nset system host-nam x") ==
          list{"1:1 \"sett\" is not known here; did you mean \"set\"?",
               "1:19 \"aplication\" is not known here; did you mean \"application\"?",
               "1:41 protocol: \"300\" is not a protocol, allowed are 0 to 255 and names such as udp, tcp, icmp, esp",
               "2:12 \"host-nam\" is not known here; did you mean \"host-name\"?"});
    CHECK(errors("\"securty\" { \"alg\" { sip; } }").size() == 3);
    CHECK(errors("delete securty alg ike-esp-nat enabel").size() == 2);
}

TEST_CASE("a word of a set line without a near known one: the line is read on from the next word that is known there") {
    CHECK(
        errors("set applications application x colour [ icmp-type red ] blue protocol 300 size 5 source-port 70000") ==
        list{"1:32 \"colour\" is not known here, possible are description, application-protocol, protocol, "
             "source-port, destination-port, icmp-type, icmp-code, inactivity-timeout",
             "1:71 protocol: \"300\" is not a protocol, allowed are 0 to 255 and names such as udp, tcp, icmp, esp",
             "1:94 source-port: \"70000\" is not a port, a range P-Q within 0 to 65535 or a known name"});
    const one_line skipped("set security xyz nat source foo", line_form::set);
    CHECK(skipped.end == line_end::complete);
    CHECK(skipped.reader.faulty());
    CHECK(skipped.steps() == list{"- security", "0 nat", "1 source"});
    CHECK(only_error("set xyz") ==
          "1:5 \"xyz\" is not known here, possible are version, system, security, interfaces, "
          "routing-options, applications");
    CHECK(errors("set security xyz \"never ends") ==
          list{"1:14 \"xyz\" is not known here, possible are address-book, alg, flow, nat, policies, zones",
               "1:18 a string begins here and does not end on its line"});
}

TEST_CASE("a list without its ] is told once, and its values count") {
    one_line line("set security policies from-zone a to-zone b policy p match application [ x y", line_form::set);
    CHECK(line.end == line_end::complete);
    CHECK(line.steps().back() == "4 application x y");
    CHECK(line.result.errors.size() == 1);
    const one_line more(
        "set security policies from-zone a to-zone b policy p match source-address [ x destination-address y",
        line_form::set);
    CHECK(more.end == line_end::complete);
    CHECK(more.steps().back() == "4 source-address x");
    CHECK(more.result.errors.size() == 1);
    CHECK(only_error("security { policies { from-zone a to-zone b { policy p { match {\n    source-address [ x y\n"
                     "    destination-address any;\n    application any;\n} } } } }") ==
          "3:28 a ] is missing for the [ in 2:20");
    const auto r = junos::read(
        "security { policies { from-zone a to-zone b { policy p { match {\nsource-address [ x y\n"
        "destination-address any;\napplication any;\n} } } } }");
    const auto* names = r.root.find_path({"security", "policies", "from-zone", "policy", "match", "source-address"});
    REQUIRE(names != nullptr);
    CHECK(names->values == list{"x", "y"});
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
        {"set security nat source pool p port range 1023 to 2000",
         "1:43 range: \"1023\" is out of range, allowed are 1024 to 65535"},
        {"set security nat source pool p port range 2000 to 65536",
         "1:51 range: \"65536\" is out of range, allowed are 1024 to 65535"},
        {"set applications application a protocol udpp",
         "1:41 protocol: \"udpp\" is not a protocol; did you mean \"udp\"?"},
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
