// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/terminal.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "junos/texts.hpp"

using namespace ikealg;
using namespace ikealg::tests;
using junos::read_result;
using junos::source_text;
using junos::detail::terminal;

TEST_CASE("text copied from a terminal: prompts, [edit PATH], edit, show, with warnings") {
    const std::vector<source_text> texts{file("manual-terminal.txt")};
    const read_result r = junos::read(texts);
    CHECK(r.errors.empty());
    CHECK(r.warnings.size() == 10);
    CHECK(r.warnings.front().statement == "[edit security zones]");
    CHECK(junos::write_set(r.root) ==
          "set security alg ike-esp-nat enable\n"
          "set security alg ike-esp-nat state-timeout 360\n"
          "set security alg ike-esp-nat esp-gate-timeout 20\n"
          "set security alg ike-esp-nat esp-session-timeout 2400\n"
          "set security nat source pool pool1 address 10.10.10.1/32 to 10.10.10.10/32\n"
          "set security zones security-zone green address-book address sa1 1.1.1.0/24\n"
          "set security zones security-zone red address-book address da1 2.2.2.0/24\n"
          "set applications application custom-ike-alg application-protocol ike-esp-nat\n"
          "set applications application custom-ike-alg protocol udp\n"
          "set applications application custom-ike-alg source-port 500\n"
          "set applications application custom-ike-alg destination-port 500\n");
}

TEST_CASE("terminal commands: up, top, a cluster's banner, whole paths in spite of an edit") {
    const read_result r = junos::read(
        "{primary:node0}[edit security alg ike-esp-nat]\n"
        "admin@gw# set state-timeout 400\n"
        "admin@gw# up\n"
        "admin@gw# set ike-esp-nat enable\n"
        "admin@gw# set security flow tcp-mss all-tcp mss 1350\n"
        "admin@gw# top\n"
        "admin@gw#\n"
        "admin@gw# set system host-name gw\n");
    CHECK(r.errors.empty());
    CHECK(r.warnings.size() == 4);
    CHECK(
        junos::write_set(r.root) ==
        "set system host-name gw\nset security alg ike-esp-nat enable\nset security alg ike-esp-nat state-timeout 400\n"
        "set security flow tcp-mss all-tcp mss 1350\n");
}

TEST_CASE("prompts and banners are told from words, strings and braces of the text") {
    const auto prompt = [](std::string_view text) { return terminal::is_prompt(junos::lexer(text, 0).take()); };
    for (const std::string_view text : {"admin@gw#", "admin@gw>", "root@gw%"}) {
        CAPTURE(text);
        CHECK(prompt(text));
    }
    for (const std::string_view text : {"@gw#", "gw#x", "admin@gw", "\"admin@gw#\"", ""}) {
        CAPTURE(text);
        CHECK_FALSE(prompt(text));
    }
    const auto banner = [](std::string_view text) {
        read_result r;
        junos::lexer lex(text, 0);
        junos::tree_builder tree(junos::schema);
        junos::remarks out({}, r);
        return terminal(lex, tree, out).is_banner(junos::token(lex.peek()));
    };
    CHECK(banner("[edit]"));
    CHECK(banner("{secondary:node1}[edit security]"));
    CHECK_FALSE(banner("{primary:node0"));
    CHECK_FALSE(banner("{ security; }"));
    CHECK_FALSE(banner("[ edit ]"));
}

TEST_CASE("commands that would change the text are errors, those that would not are skipped with a warning") {
    const std::string_view text = "commit and-quit\nrename security nat\nadmin@gw# who\nset system host-name gw\n";
    CHECK(errors(text) ==
          std::vector<std::string>{"2:1 the command \"rename\" is not supported; say the result of it instead",
                                   "3:11 a command is expected behind the prompt"});
    const read_result r = junos::read(text);
    CHECK(junos::write_set(r.root) == "set system host-name gw\n");
    REQUIRE(r.warnings.size() == 2);
    CHECK(r.warnings[0].at == junos::position{0, 1, 1});
    CHECK(r.warnings[0].statement == "commit and-quit");
    CHECK(r.warnings[0].message == "a command, not a statement; it is skipped");
    CHECK(r.warnings[1].at == junos::position{0, 3, 1});
}
