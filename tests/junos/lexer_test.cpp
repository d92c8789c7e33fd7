// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/lexer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace ikealg;
using junos::lexer;
using junos::token;
using junos::token_kind;

namespace {

/// Each token as LINE:COLUMN and its text, the first of a line with a star.
std::vector<std::string> tokens(std::string_view text) {
    std::vector<std::string> list;
    lexer lex(text, 0);
    while (lex.peek().kind != token_kind::end) {
        const token t = lex.take();
        list.push_back((t.first_on_line ? "*" : "") + std::to_string(t.at.line) + ':' + std::to_string(t.at.column) +
                       ' ' +
                       (t.kind == token_kind::bad ? "bad: " + std::string(t.problem)
                        : t.in_quotes             ? '<' + t.word() + '>'
                                                  : t.word()));
    }
    return list;
}
using list = std::vector<std::string>;

}  // namespace

TEST_CASE("words, punctuation and where they stand") {
    CHECK(tokens("a {b;}\n  [ c ]\n") ==
          list{"*1:1 a", "1:3 {", "1:4 b", "1:5 ;", "1:6 }", "*2:3 [", "2:5 c", "2:7 ]"});
    CHECK(tokens("user@host# set ge-0/0/1.0#x") == list{"*1:1 user@host#", "1:12 set", "1:16 ge-0/0/1.0#x"});
    CHECK(tokens("").empty());
}

TEST_CASE("comments are blanks; a line begins with its first word") {
    CHECK(tokens("# x\na/* y\n */b # z\n\n c;#d") == list{"*2:1 a/*", "2:5 y", "*3:2 */b", "*5:2 c", "5:3 ;"});
    CHECK(tokens("a /* y\n */ b") == list{"*1:1 a", "2:5 b"});
    CHECK(tokens("a /* y") == list{"*1:1 a", "1:3 bad: a comment begins here and does not end"});
    CHECK(tokens("/**/a/**/") == list{"*1:5 a/**/"});
}

TEST_CASE("strings in quotes, their escapes, and where they end") {
    CHECK(tokens("\"a \\\"b\\\\ \\n\\t{};\" \"\"") == list{"*1:1 <a \"b\\ \n\t{};>", "1:19 <>"});
    CHECK(tokens("x\"y\"z") == list{"*1:1 x", "1:2 <y>", "1:5 z"});
    CHECK(tokens("\"abc\nd") == list{"*1:1 bad: a string begins here and does not end on its line", "*2:1 d"});
    CHECK(tokens("\"abc\\") == list{"*1:1 bad: a string begins here and does not end on its line"});
}

TEST_CASE("blanks of every kind, byte order mark, other line ends, bytes that are no text") {
    CHECK(tokens("\xef\xbb\xbf"
                 "a\xc2\xa0"
                 "b\r\n\tc") == list{"*1:1 a", "1:4 b", "*2:2 c"});
    CHECK(tokens("\xc3\xa4\xc2\xa7") == list{"*1:1 \xc3\xa4\xc2\xa7"});
    CHECK(tokens("a\x01 b") == list{"*1:1 bad: this is not text: it holds a control character", "1:4 b"});
}

TEST_CASE("skip_line goes on behind the line of a token, from wherever the reader is") {
    lexer lex("a b\nc d\ne", 3);
    const token a = lex.take();
    lex.take();
    lex.take();
    lex.skip_line(a);
    CHECK(lex.peek().raw == "c");
    CHECK(lex.peek().at == junos::position{3, 2, 1});
    CHECK(lex.rest_of_line(lex.peek()) == "c d");
    lex.skip_line(lex.peek());
    CHECK(lex.peek().raw == "e");
    CHECK(lexer::end_of(lex.peek()) == junos::position{3, 3, 2});
}
