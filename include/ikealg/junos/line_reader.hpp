// SPDX-License-Identifier: Apache-2.0
/// Reads the words of one statement against the schema: a `set` line, or what stands before a `;` or a `{`.
///
/// The result is a list of steps: `nat source pool P address A` is five of them, each inside the one before, and of
/// `application N source-port 500 protocol udp` the last two are both inside the first. Words that cannot be read are
/// reported and hide nothing that is wrong behind them: a wrong value is kept, a word that is not known is read as the
/// nearest one that is, and when there is none a set line goes on at the next word that is known at the place.
///
/// Thread safety: none, one owner. Complexity: linear in the words, times the number of statements known at one place.
#ifndef IKEALG_JUNOS_LINE_READER_HPP
#define IKEALG_JUNOS_LINE_READER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/junos/lexer.hpp"
#include "ikealg/junos/line_steps.hpp"
#include "ikealg/junos/remarks.hpp"
#include "ikealg/junos/schema_node.hpp"
#include "ikealg/junos/suggestions.hpp"
#include "ikealg/junos/tree_builder.hpp"
#include "ikealg/junos/values.hpp"

namespace ikealg::inline v0::junos::detail {

enum class line_form : std::uint8_t {
    braces,     ///< ends with ; or {
    set,        ///< ends with its line
    reference,  ///< of `delete` and the like: ends with its line, leaves need no value
    path,       ///< of `edit` and the like: ends with its line or a ], only what holds statements, nothing is reported
};
enum class line_end : std::uint8_t {
    complete,
    brace,   ///< a { is next, for the last step
    failed,  ///< was reported; the rest of the statement is still to be skipped
};

class line_reader {
public:
    static constexpr std::size_t outside = line_steps::outside;
    using step = line_steps::step;

    /// `out` may be null in form `path` only.
    line_reader(lexer& lex, const schema_node& context, line_form form, remarks* out) noexcept
        : lexer_(lex), steps_(context), form_(form), out_(out) {}

    /// What stands around the statement, for messages.
    void around(std::string path) { steps_.around(std::move(path)); }
    [[nodiscard]] std::vector<step>& steps() noexcept { return steps_.all(); }
    [[nodiscard]] const std::vector<step>& steps() const noexcept { return steps_.all(); }
    /// The brace that is next holds the values of the last step.
    [[nodiscard]] bool awaits_value() const noexcept { return awaits_value_; }
    /// Something was reported.
    [[nodiscard]] bool faulty() const noexcept { return faulty_; }
    /// The statement so far, without leaves that others follow.
    [[nodiscard]] std::string text() const { return steps_.text(); }

    /// Reads one statement; `first` is its first token, or the command before it.
    [[nodiscard]] line_end read(const token& first) {
        last_ = first;
        return go_on();
    }
    /// Reads a value of `row` without its keyword, and what follows it.
    [[nodiscard]] line_end read_value_of(const schema_node& row, const token& first) {
        last_ = first;
        if (lexer_.peek().kind != token_kind::word) {
            return unexpected(lexer_.peek());
        }
        const bool good = read_values(row, token(lexer_.peek()));
        steps_.go_into(row);
        return good ? go_on() : line_end::failed;
    }

private:
    [[nodiscard]] line_end go_on() {
        for (;;) {
            const token& t = lexer_.peek();
            if (closed_ || line_ended(t)) {
                return line_end::complete;
            }
            if (out_ != nullptr && out_->full()) {
                return line_end::failed;
            }
            if (t.kind == token_kind::word) {
                if (form_ == line_form::braces && ended_without_semicolon(t)) {
                    return missing_semicolon();
                }
                if (!read_word(t)) {
                    return line_end::failed;
                }
                continue;
            }
            if (t.kind == token_kind::list_open && form_ != line_form::path &&
                steps_.schema().silent_child() != nullptr) {
                if (!read_list(*steps_.schema().silent_child(), token(t))) {
                    return line_end::failed;
                }
                continue;
            }
            if (form_ == line_form::path) {
                return t.kind == token_kind::list_close && is_place() ? line_end::complete : line_end::failed;
            }
            if (form_ != line_form::braces) {
                return unexpected(t);
            }
            switch (t.kind) {
                case token_kind::semicolon: lexer_.take(); return line_end::complete;
                case token_kind::close:
                case token_kind::end: return steps_.empty() ? line_end::complete : missing_semicolon();
                case token_kind::open:
                    if (!steps_.empty() && (awaits_value_ || steps_.last_is_open())) {
                        return line_end::brace;
                    }
                    return fail(t, steps_.empty() ? "a { without a statement before it"
                                                  : shown(steps().back().words.schema->keyword) + " takes no { }");
                default: return unexpected(t);
            }
        }
    }

    [[nodiscard]] bool line_ended(const token& t) const noexcept {
        return form_ != line_form::braces && (t.kind == token_kind::end || t.at.line != last_.at.line) &&
               (form_ != line_form::path || is_place());
    }
    /// Every step holds statements, each is inside the one before.
    [[nodiscard]] bool is_place() const noexcept { return steps_.empty() || steps_.last_is_open(); }
    /// A word on a new line begins another statement, unless the last one is a container or an entry that it can be in.
    [[nodiscard]] bool ended_without_semicolon(const token& t) const noexcept {
        const bool may_go_on = steps_.last_is_open() && (steps_.schema().find_said(t.raw) != nullptr ||
                                                         steps_.schema().silent_child() != nullptr);
        return t.first_on_line && !steps_.empty() && !may_go_on;
    }

    /// One statement below where the line is.
    [[nodiscard]] bool read_word(const token& t) {
        const schema_node* row = t.in_quotes ? nullptr : steps_.schema().find_said(t.raw);
        if (row != nullptr) {
            return read_keyword(*row);
        }
        row = steps_.schema().silent_child();
        if (row == nullptr || (!check_value(row->value, t.word()).empty() && !nearest(t.raw).best().empty())) {
            return read_unknown(token(t));
        }
        return read_values(*row, token(t));
    }
    [[nodiscard]] bool read_keyword(const schema_node& row) {
        const token keyword = lexer_.take();
        last_ = keyword;
        return read_values(row, keyword);
    }
    [[nodiscard]] bool read_unknown(const token& t) {
        const nearest_word similar = nearest(t.raw);
        const std::string_view best = similar.best();
        if (!spoiled_ || !best.empty()) {
            report(t, t.in_quotes && best == t.raw
                          ? shown(t.raw) + " stands without quotes"
                          : shown(t.raw) + " is not known here" +
                                (best.empty() ? choices(steps_.schema()) : similar.question()));
        }
        if (form_ == line_form::path) {
            return false;
        }
        if (const schema_node* row = steps_.schema().find_said(best); row != nullptr) {
            return read_keyword(*row);
        }
        if (best == "set") {
            form_ = line_form::set;
            last_ = lexer_.take();
            return true;
        }
        return form_ == line_form::set && skip_to_known();
    }
    /// Goes on at the next word of the line that is known here, or at its end.
    bool skip_to_known() {
        bool in_list = false;
        do {
            last_ = lexer_.take();
            in_list = last_.kind == token_kind::list_open || (in_list && last_.kind != token_kind::list_close);
        } while (!ended_here(lexer_.peek()) && lexer_.peek().kind != token_kind::bad &&
                 (in_list || lexer_.peek().in_quotes || steps_.schema().find_said(lexer_.peek().raw) == nullptr));
        return true;
    }
    [[nodiscard]] nearest_word nearest(std::string_view word) const {
        nearest_word nearest = nearest_keyword(steps_.schema(), word);
        if (steps_.schema().keyword.empty() && steps_.empty() && form_ == line_form::braces) {
            for (const std::string_view command : {"set", "delete", "activate", "deactivate"}) {
                nearest.known(command);
            }
        }
        return nearest;
    }

    /// The values of a row whose keyword was read, or that has none; adds the step.
    [[nodiscard]] bool read_values(const schema_node& row, const token& keyword) {
        said words{&row, {}, {}, keyword.at};
        const token& t = lexer_.peek();
        if (!row.takes_values()) {
            steps_.add(std::move(words));
            return true;
        }
        if (form_ == line_form::braces && t.kind == token_kind::open) {
            awaits_value_ = true;
            steps_.add(std::move(words));
            return true;
        }
        if (t.kind == token_kind::list_open && !ended_here(t)) {
            return read_list(row, keyword);
        }
        if (form_ == line_form::reference && ended_here(t) && row.kind != node_kind::entry) {
            steps_.add(std::move(words));
            return true;
        }
        if (!read_value(row, words) ||
            (row.value.kind == value_kind::zone_pair && !(read_literal("to-zone", words) && read_value(row, words))) ||
            (takes_second(row.value) && !read_second(row, words))) {
            return false;
        }
        steps_.add(std::move(words));
        return true;
    }
    [[nodiscard]] bool ended_here(const token& t) const noexcept {
        return t.kind == token_kind::end || (form_ != line_form::braces && t.at.line != last_.at.line);
    }

    bool read_value(const schema_node& row, said& words) {
        const token t = lexer_.peek();
        if (t.kind != token_kind::word || ended_here(t)) {
            if (t.kind == token_kind::bad && !ended_here(t)) {
                report(t, std::string(t.problem));
            } else {
                report_at(lexer::end_of(last_), said_so_far(words),
                          shown(row.keyword) + " needs a value: " + std::string(row.value.shown) +
                              (row.value.kind == value_kind::number || row.value.kind == value_kind::word
                                   ? ", " + allowed(row.value)
                                   : std::string{}));
            }
            return false;
        }
        std::string word = t.word();
        if (std::string wrong = check_value(row.value, word); !wrong.empty()) {
            report_at(t.at, joined(said_so_far(words), trimmed(lexer_.rest_of_line(t))),
                      (row.silent ? std::string{} : std::string(row.keyword) + ": ") + wrong);
            spoiled_ = true;
        }
        last_ = lexer_.take();
        words.values.push_back(std::move(word));
        words.values_at.push_back(t.at);
        return true;
    }
    bool read_literal(std::string_view word, said& words) {
        const token t = lexer_.peek();
        if (ended_here(t) || !t.is(word)) {
            report_at(ended_here(t) ? lexer::end_of(last_) : t.at, said_so_far(words),
                      shown(word) + " is expected here");
            return false;
        }
        last_ = lexer_.take();
        words.values.emplace_back(word);
        words.values_at.push_back(t.at);
        return true;
    }
    /// `to B`, or as Junos shows some ranges, `{ to { B; } }`.
    bool read_second(const schema_node& row, said& words) {
        if (form_ == line_form::braces && lexer_.peek().kind == token_kind::open) {
            lexer_.take();
            if (!read_literal("to", words)) {
                return false;
            }
            const bool inner = lexer_.peek().kind == token_kind::open;
            if (inner) {
                lexer_.take();
            }
            if (!read_value(row, words) || !expect(token_kind::semicolon, ";") ||
                (inner && !expect(token_kind::close, "}")) || !expect(token_kind::close, "}")) {
                return false;
            }
            closed_ = true;
            return true;
        }
        if (!ended_here(lexer_.peek()) && lexer_.peek().is("to")) {
            return read_literal("to", words) && read_value(row, words);
        }
        return !needs_second(row.value) || form_ == line_form::reference || read_literal("to", words);
    }
    bool expect(token_kind kind, std::string_view what) {
        if (lexer_.peek().kind != kind) {
            report_at(lexer::end_of(last_), text(), shown(what) + " is missing");
            return false;
        }
        last_ = lexer_.take();
        return true;
    }
    /// `[ A B C ]`. When the ] is missing the values count up to a word that is known at the place.
    bool read_list(const schema_node& row, const token& keyword) {
        const token open = lexer_.peek();
        if (row.kind != node_kind::leaf_list &&
            (row.kind != node_kind::entry || (row.holds_statements() && !row.silent && !row.block))) {
            report(open, shown(row.keyword) + " takes one value, not a list in brackets");
            return false;
        }
        last_ = lexer_.take();
        said words{&row, {}, {}, keyword.at};
        const std::string list = said_so_far(words);
        std::size_t sure = 0;  // values before a word that may be the next statement
        bool next = false;
        while (lexer_.peek().kind == token_kind::word && !ended_here(lexer_.peek()) &&
               (out_ == nullptr || !out_->full())) {
            next = next || (!lexer_.peek().in_quotes && steps_.schema().find_said(lexer_.peek().raw) != nullptr);
            read_value(row, words);
            sure = next ? sure : words.values.size();
        }
        const bool finished = lexer_.peek().kind == token_kind::list_close && !ended_here(lexer_.peek());
        if (finished) {
            last_ = lexer_.take();
        } else {
            report_at(lexer::end_of(last_), list, "a ] is missing for the [ in " + out_place(open.at));
            words.values.resize(sure);
            words.values_at.resize(sure);
        }
        if (finished && words.values.empty()) {
            report_at(open.at, list, "the list is empty");
            return false;
        }
        add_list(row, std::move(words));
        return finished || lexer_.peek().kind == token_kind::semicolon || ended_here(lexer_.peek());
    }
    void add_list(const schema_node& row, said words) {
        if (row.kind == node_kind::leaf_list) {
            steps_.add(std::move(words));
            return;
        }
        for (std::size_t i = 0; i < words.values.size(); ++i) {
            steps_.add_beside({&row, {words.values[i]}, {words.values_at[i]}, words.values_at[i]});
        }
    }

    // Messages

    /// The statement up to the next value of `words`; of a list only where it begins.
    [[nodiscard]] std::string said_so_far(const said& words) const {
        std::string so_far = words.schema->silent ? steps_.place() : joined(steps_.place(), words.schema->keyword);
        for (std::size_t i = 0; i < words.values.size() && i < 3; ++i) {
            so_far = joined(std::move(so_far), quoted(words.values[i]));
        }
        return so_far;
    }
    [[nodiscard]] std::string out_place(position at) const { return out_ == nullptr ? std::string{} : out_->place(at); }
    void report_at(position at, std::string statement, std::string message) {
        faulty_ = true;
        if (out_ != nullptr) {
            out_->error(at, std::move(statement), std::move(message));
        }
    }
    void report(const token& t, std::string message) {
        report_at(t.at, joined(steps_.place(), trimmed(lexer_.rest_of_line(t))), std::move(message));
    }
    [[nodiscard]] line_end fail(const token& t, std::string message) {
        report_at(t.at, text(), std::move(message));
        return line_end::failed;
    }
    [[nodiscard]] line_end unexpected(const token& t) {
        if (t.kind != token_kind::bad) {
            return fail(t, t.kind == token_kind::end ? "the text ends within a statement"
                                                     : shown(t.raw) + " is not expected here");
        }
        const token bad = lexer_.take();
        return fail(bad, std::string(bad.problem));
    }
    [[nodiscard]] line_end missing_semicolon() {
        report_at(lexer::end_of(last_), text(), steps_.last_is_open() ? "a ; or a { is missing" : "a ; is missing");
        return line_end::complete;
    }

    lexer& lexer_;
    line_steps steps_;
    line_form form_;
    remarks* out_;
    token last_{};  ///< taken last
    bool awaits_value_ = false;
    bool spoiled_ = false;  ///< a value was wrong: what follows may not be what it seems
    bool closed_ = false;   ///< ended with the } of a range
    bool faulty_ = false;
};

}  // namespace ikealg::inline v0::junos::detail

#endif
