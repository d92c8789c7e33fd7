// SPDX-License-Identifier: Apache-2.0
/// Lines that are not statements: commands, and what a terminal leaves around them in text that was copied from it.
///
/// `[edit PATH]`, `edit PATH`, `up`, `top` and `show PATH` say where the lines after them belong: set lines and braces
/// to the place that is edited, braces also to what is shown. A line whose first word is not known there belongs to
/// the top, as in manuals that are not strict about it.
///
/// Thread safety: none, one owner. Complexity: linear in the line.
#ifndef IKEALG_JUNOS_TERMINAL_HPP
#define IKEALG_JUNOS_TERMINAL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/junos/lexer.hpp"
#include "ikealg/junos/line_reader.hpp"
#include "ikealg/junos/remarks.hpp"
#include "ikealg/junos/schema.hpp"
#include "ikealg/junos/schema_node.hpp"
#include "ikealg/junos/tree_builder.hpp"
#include "ikealg/junos/values.hpp"

namespace ikealg::inline v0::junos::detail {

class terminal {
public:
    using id = tree_builder::id;

    enum class line : std::uint8_t {
        other,   ///< no command
        done,    ///< was read
        change,  ///< `set`, `delete`, `activate` or `deactivate` was read, the rest of the line is next
    };

    terminal(lexer& lex, tree_builder& tree, remarks& out) noexcept : lexer_(lex), tree_(tree), out_(out) {}

    /// `[edit security]`, and the line of a cluster's node before it: `{primary:node0}[edit]`.
    [[nodiscard]] bool is_banner(const token& t) const noexcept {
        const auto text = lexer_.rest_of_line(t);
        const auto begins = [text](std::string_view what) { return text.substr(0, what.size()) == what; };
        return begins("[edit") || ((begins("{primary") || begins("{secondary") || begins("{master")) &&
                                   text.find('}') != std::string_view::npos);
    }
    /// `user@host#`
    [[nodiscard]] static bool is_prompt(const token& t) noexcept {
        const auto sign = t.raw.find('@');
        return t.kind == token_kind::word && !t.in_quotes && sign != std::string_view::npos && sign != 0 &&
               (t.raw.back() == '#' || t.raw.back() == '>' || t.raw.back() == '%');
    }

    void read_banner() {
        const token first = lexer_.peek();
        const std::string text(lexer_.rest_of_line(first));
        out_.warn(first.at, trimmed(text.substr(std::min(text.find('['), text.size()))),
                  "a line of a terminal, not a statement");
        while (on_line(first) && !lexer_.peek().is("edit")) {
            lexer_.take();
        }
        if (on_line(first)) {
            lexer_.take();
            edited_ = {};
            shown_ = {};
            move(first, edited_);
        }
        lexer_.skip_line(first);
    }

    /// Reads a line that begins with a command, or only a prompt. `command` is the word of a `change`.
    [[nodiscard]] line read_command(token& command) {
        const token first = lexer_.peek();
        command = first;
        if (is_prompt(first)) {
            if (!prompted_) {
                out_.warn(first.at, trimmed(lexer_.rest_of_line(first)),
                          "this is a terminal's prompt; prompts are skipped");
            }
            prompted_ = true;
            lexer_.take();
            command = lexer_.peek();
            if (!on_line(first)) {
                return line::done;
            }
        }
        const auto is_any = [&command](std::initializer_list<std::string_view> words) {
            return std::any_of(words.begin(), words.end(), [&command](std::string_view w) { return command.is(w); });
        };
        if (is_any({"set", "delete", "activate", "deactivate"})) {
            lexer_.take();
            return line::change;
        }
        const std::string text = trimmed(lexer_.rest_of_line(command));
        if (is_any({"edit", "show", "up", "top", "exit", "quit"})) {
            out_.warn(command.at, text, "a command, not a statement");
            lexer_.take();
            go(command, first);
        } else if (is_any({"commit", "run", "configure", "rollback", "status"})) {
            out_.warn(command.at, text, "a command, not a statement; it is skipped");
        } else if (is_any({"insert", "rename", "copy", "load", "replace", "annotate", "protect", "unprotect",
                           "wildcard"})) {
            out_.error(command.at, text,
                       "the command " + shown(command.raw) + " is not supported; say the result of it instead");
        } else if (command.offset != first.offset) {
            out_.error(command.at, text, "a command is expected behind the prompt");
        } else {
            return line::other;
        }
        lexer_.skip_line(first);
        return line::done;
    }

    /// What the words of a set line are inside of; the next token is the first of them.
    [[nodiscard]] id set_context() { return place(edited_); }
    /// What a statement in braces is inside of.
    [[nodiscard]] id braces_context() { return place(shown_.empty() ? edited_ : shown_); }

private:
    void go(const token& command, const token& first) {
        shown_ = {};
        if (command.is("edit")) {
            move(first, edited_);
        } else if (command.is("show")) {
            move(first, shown_);
        } else if (command.is("top")) {
            edited_ = {};
        } else if (!edited_.empty()) {
            edited_.pop_back();
        }
    }
    /// Follows the words of a line from the edited place; stays when they lead nowhere.
    void move(const token& first, std::vector<said>& to) {
        line_reader words(lexer_, edited_.empty() ? schema : *edited_.back().schema, line_form::path, nullptr);
        if (words.read(first) == line_end::complete) {
            std::vector<said> place = edited_;
            for (auto& step : words.steps()) {
                place.push_back(std::move(step.words));
            }
            to = std::move(place);
        }
    }
    [[nodiscard]] id place(const std::vector<said>& context) {
        const std::string_view word = lexer_.peek().raw;
        id here = tree_builder::root;
        if (context.empty()) {
            return here;
        }
        const schema_node& row = *context.back().schema;
        if (row.find_said(word) == nullptr && (row.silent_child() == nullptr || schema.find_said(word) != nullptr)) {
            return here;
        }
        for (const said& s : context) {
            here = tree_.apply(here, s).node;
        }
        return here;
    }
    [[nodiscard]] bool on_line(const token& first) const noexcept {
        return lexer_.peek().kind != token_kind::end && lexer_.peek().at.line == first.at.line;
    }

    lexer& lexer_;
    tree_builder& tree_;
    remarks& out_;
    bool prompted_ = false;       ///< a prompt was remarked on
    std::vector<said> edited_{};  ///< where the terminal was
    std::vector<said> shown_{};   ///< what it was asked to show
};

}  // namespace ikealg::inline v0::junos::detail

#endif
