// SPDX-License-Identifier: Apache-2.0
/// Reads the words of one statement against the schema: a `set` line, or what stands before a `;` or a `{`.
///
/// The result is a list of steps: `nat source pool P address A` is five of them, each inside the one before, and of
/// `application N source-port 500 protocol udp` the last two are both inside the first. Words that cannot be read are
/// reported; a wrong value is kept, so that it does not hide what is wrong behind it.
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
#include "ikealg/junos/remarks.hpp"
#include "ikealg/junos/schema_node.hpp"
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
    static constexpr std::size_t outside = ~std::size_t{0};

    struct step {
        said words{};
        std::size_t parent = outside;
    };

    /// `out` may be null in form `path` only.
    line_reader(lexer& lex, const schema_node& context, line_form form, remarks* out) noexcept
        : lexer_(lex), schema_(&context), form_(form), out_(out) {}

    /// What stands around the statement, for messages.
    void around(std::string path) { around_ = std::move(path); }
    [[nodiscard]] std::vector<step>& steps() noexcept { return steps_; }
    [[nodiscard]] const std::vector<step>& steps() const noexcept { return steps_; }
    /// The brace that is next holds the values of the last step.
    [[nodiscard]] bool awaits_value() const noexcept { return awaits_value_; }
    /// The statement so far, without leaves that others follow.
    [[nodiscard]] std::string text() const {
        std::string text = place();
        return steps_.empty() || here_ + 1 == steps_.size() ? text : joined(std::move(text), text_of(steps_.back()));
    }

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
        schema_ = &row;
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
                    if (!steps_.empty() && (awaits_value_ || (here_ + 1 == steps_.size() && here_ != outside))) {
                        return line_end::brace;
                    }
                    return fail(t, steps_.empty() ? "a { without a statement before it"
                                                  : shown(steps_.back().words.schema->keyword) + " takes no { }");
                default: return unexpected(t);
            }
        }
    }

    [[nodiscard]] bool line_ended(const token& t) const noexcept {
        return form_ != line_form::braces && (t.kind == token_kind::end || t.at.line != last_.at.line) &&
               (form_ != line_form::path || is_place());
    }
    /// Every step holds statements, each is inside the one before.
    [[nodiscard]] bool is_place() const noexcept { return here_ + 1 == steps_.size() || steps_.empty(); }
    /// A word on a new line begins another statement, unless the last one is a container or an entry that it can be in.
    [[nodiscard]] bool ended_without_semicolon(const token& t) const noexcept {
        const bool may_go_on = here_ != outside && here_ + 1 == steps_.size() &&
                               (schema_->find_said(t.raw) != nullptr || schema_->silent_child() != nullptr);
        return t.first_on_line && !steps_.empty() && !may_go_on;
    }

    /// One statement below where the line is.
    [[nodiscard]] bool read_word(const token& t) {
        const schema_node* row = t.in_quotes ? nullptr : schema_->find_said(t.raw);
        if (row != nullptr) {
            const token keyword = lexer_.take();
            last_ = keyword;
            return read_values(*row, keyword);
        }
        row = schema_->silent_child();
        if (row == nullptr || (!check_value(row->value, t.word()).empty() && !nearest(t.raw).best().empty())) {
            if (!spoiled_) {
                const auto similar = nearest(t.raw);
                report(t, t.in_quotes && similar.best() == t.raw
                              ? shown(t.raw) + " stands without quotes"
                              : shown(t.raw) + " is not known here" +
                                    (similar.best().empty() ? choices() : similar.question()));
            }
            return false;
        }
        return read_values(*row, token(t));
    }
    [[nodiscard]] nearest_word nearest(std::string_view word) const {
        nearest_word nearest(word);
        for (const schema_node& child : schema_->children) {
            if (!child.silent) {
                nearest.known(child.keyword);
            }
        }
        if (schema_->keyword.empty() && steps_.empty() && form_ == line_form::braces) {
            for (const std::string_view command : {"set", "delete", "activate", "deactivate"}) {
                nearest.known(command);
            }
        }
        return nearest;
    }
    /// What is possible, when that is short enough to be said.
    [[nodiscard]] std::string choices() const {
        std::string text;
        if (schema_->children.size() > 8) {
            return text;
        }
        for (const schema_node& child : schema_->children) {
            text += text.empty() ? ", possible are " : ", ";
            text += child.silent ? child.value.shown : child.keyword;
        }
        return text;
    }

    /// The values of a row whose keyword was read, or that has none; adds the step.
    [[nodiscard]] bool read_values(const schema_node& row, const token& keyword) {
        said words{&row, {}, {}, keyword.at};
        const token& t = lexer_.peek();
        if (!row.takes_values()) {
            add(std::move(words));
            return true;
        }
        if (form_ == line_form::braces && t.kind == token_kind::open) {
            awaits_value_ = true;
            add(std::move(words));
            return true;
        }
        if (t.kind == token_kind::list_open && !ended_here(t)) {
            return read_list(row, keyword);
        }
        if (form_ == line_form::reference && ended_here(t) && row.kind != node_kind::entry) {
            add(std::move(words));
            return true;
        }
        if (!read_value(row, words) ||
            (row.value.kind == value_kind::zone_pair && !(read_literal("to-zone", words) && read_value(row, words))) ||
            (takes_second(row.value) && !read_second(row, words))) {
            return false;
        }
        add(std::move(words));
        return true;
    }
    void add(said words) {
        const std::size_t parent = here_;
        const schema_node* row = words.schema;
        steps_.push_back({std::move(words), parent});
        if (row->holds_statements()) {
            here_ = steps_.size() - 1;
            schema_ = row;
        }
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
    /// `[ A B C ]`.
    bool read_list(const schema_node& row, const token& keyword) {
        const token open = lexer_.peek();
        if (row.kind != node_kind::leaf_list && (row.kind != node_kind::entry || row.holds_statements())) {
            report(open, shown(row.keyword) + " takes one value, not a list in brackets");
            return false;
        }
        last_ = lexer_.take();
        said words{&row, {}, {}, keyword.at};
        while (lexer_.peek().kind == token_kind::word && !ended_here(lexer_.peek()) &&
               (out_ == nullptr || !out_->full())) {
            read_value(row, words);
        }
        if (lexer_.peek().kind != token_kind::list_close || ended_here(lexer_.peek())) {
            report_at(lexer::end_of(last_), joined(place(), keyword.raw),
                      "a ] is missing for the [ in " + out_place(open.at));
            return false;
        }
        last_ = lexer_.take();
        if (words.values.empty()) {
            report_at(open.at, joined(place(), keyword.raw), "the list is empty");
            return false;
        }
        if (row.kind == node_kind::leaf_list) {
            add(std::move(words));
            return true;
        }
        for (std::size_t i = 0; i < words.values.size(); ++i) {
            add({&row, {words.values[i]}, {words.values_at[i]}, words.values_at[i]});
        }
        return true;
    }

    // Messages

    [[nodiscard]] static std::string text_of(const step& s) {
        statement part;
        part.keyword = s.words.schema->keyword;
        part.silent = s.words.schema->silent;
        part.values = s.words.values;
        return junos::text_of(part);
    }
    /// What further words of the statement are inside of.
    [[nodiscard]] std::string place() const {
        std::vector<std::size_t> path;
        for (std::size_t i = here_; i != outside; i = steps_[i].parent) {
            path.push_back(i);
        }
        std::string text = around_;
        for (auto i = path.rbegin(); i != path.rend(); ++i) {
            text = joined(std::move(text), text_of(steps_[*i]));
        }
        return text;
    }
    /// The statement up to the next value of `words`; of a list only where it begins.
    [[nodiscard]] std::string said_so_far(const said& words) const {
        std::string so_far = words.schema->silent ? place() : joined(place(), words.schema->keyword);
        for (std::size_t i = 0; i < words.values.size() && i < 3; ++i) {
            so_far = joined(std::move(so_far), quoted(words.values[i]));
        }
        return so_far;
    }
    [[nodiscard]] std::string out_place(position at) const { return out_ == nullptr ? std::string{} : out_->place(at); }
    void report_at(position at, std::string statement, std::string message) {
        if (out_ != nullptr) {
            out_->error(at, std::move(statement), std::move(message));
        }
    }
    void report(const token& t, std::string message) {
        report_at(t.at, joined(place(), trimmed(lexer_.rest_of_line(t))), std::move(message));
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
        report_at(lexer::end_of(last_), text(),
                  here_ != outside && here_ + 1 == steps_.size() ? "a ; or a { is missing" : "a ; is missing");
        return line_end::complete;
    }

    lexer& lexer_;
    const schema_node* schema_;
    line_form form_;
    remarks* out_;
    std::string around_{};
    std::vector<step> steps_{};
    std::size_t here_ = outside;  ///< the step that further words are inside of
    token last_{};                ///< taken last
    bool awaits_value_ = false;
    bool spoiled_ = false;  ///< a value was wrong: what follows may not be what it seems
    bool closed_ = false;   ///< ended with the } of a range
};

}  // namespace ikealg::inline v0::junos::detail

#endif
