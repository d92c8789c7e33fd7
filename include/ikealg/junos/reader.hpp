// SPDX-License-Identifier: Apache-2.0
/// Reads configurations in both forms of Junos, braces and `set` lines, into one tree.
///
/// The forms may be mixed: outside of all braces a line that begins with `set`, `delete`, `activate` or `deactivate`
/// is a command, everything else is braces. `delete` takes back what was said before it. After a complete leaf further
/// words of the same statement belong to the container it is in, so that one `set` line may hold several leaves.
///
/// Text that was copied from a terminal is understood: prompts are skipped; `[edit PATH]`, `edit PATH`, `show PATH`,
/// `up` and `top` say where the lines after them belong; all of this with a warning. Comments and the order of blocks
/// are not kept.
///
/// Every error is found in one go, one for each bad place. Bounds: 10 MB a text, 1000 errors and as many warnings; the
/// nesting of braces is followed as deep as the schema goes, deeper ones are skipped over and counted.
///
/// Thread safety: functions without state. Complexity: linear in the texts, on average (hashing).
#ifndef IKEALG_JUNOS_READER_HPP
#define IKEALG_JUNOS_READER_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/junos/lexer.hpp"
#include "ikealg/junos/line_reader.hpp"
#include "ikealg/junos/remarks.hpp"
#include "ikealg/junos/schema.hpp"
#include "ikealg/junos/statement.hpp"
#include "ikealg/junos/terminal.hpp"
#include "ikealg/junos/tree_builder.hpp"
#include "ikealg/junos/values.hpp"

namespace ikealg::inline v0::junos {

namespace detail {

/// Reads one text into a tree that may hold what earlier texts said.
class text_reader {
public:
    using id = tree_builder::id;

    text_reader(std::string_view text, std::uint32_t source, tree_builder& tree, remarks& out)
        : lexer_(text, source), tree_(tree), out_(out), terminal_(lexer_, tree, out) {}

    void read() {
        while (lexer_.peek().kind != token_kind::end && !out_.full()) {
            read_at_top();
        }
    }

private:
    /// Braces that are open, outermost first.
    struct open_block {
        id node = tree_builder::root;
        position brace{};
        std::uint32_t column = 0;  ///< where the statement with the brace begins
    };

    void read_at_top() {
        const token first = lexer_.peek();
        if (first.first_on_line && terminal_.is_banner(first)) {
            terminal_.read_banner();
            return;
        }
        if (first.first_on_line && first.kind == token_kind::word && !first.in_quotes) {
            token command;
            const auto kind = terminal_.read_command(command);
            if (kind == terminal::line::change) {
                surplus_braces_ = 0;
                read_set_line(command);
            }
            if (kind != terminal::line::other) {
                return;
            }
        }
        if (first.kind != token_kind::close) {
            read_statement(terminal_.braces_context());
            return;
        }
        lexer_.take();
        if (surplus_braces_ == 0) {
            out_.error(first.at, {}, "this } closes nothing: there is no { for it");
        } else {
            --surplus_braces_;
        }
    }

    // Set lines

    void read_set_line(const token& command) {
        const id context = terminal_.set_context();
        const bool adds = command.is("set");
        line_reader line(lexer_, tree_.schema(context), adds ? line_form::set : line_form::reference, &out_);
        line.around(tree_.path(context));
        const line_end end = line.read(command);
        if (end == line_end::failed) {
            lexer_.skip_line(command);
        }
        if (end == line_end::failed && !adds) {
            return;
        }
        if (line.steps().empty() && !line.faulty()) {
            out_.error(command.at, std::string(command.raw), "a statement is missing behind " + shown(command.raw));
            return;
        }
        if (adds) {
            apply(context, line);
        } else {
            refer(context, line, command);
        }
    }

    /// `delete`, `activate` and `deactivate`: about what was said before.
    void refer(id context, const line_reader& line, const token& command) {
        id here = context;
        const auto& steps = line.steps();
        if (steps.empty()) {
            return;
        }
        for (std::size_t i = 0; i < steps.size(); ++i) {
            if (i != 0 && steps[i].parent != i - 1) {
                out_.error(steps[i].words.at, line.text(),
                           "one statement at a time is possible with " + shown(command.raw));
                return;
            }
            const id next = tree_.find(here, steps[i].words);
            if (next == tree_builder::none) {
                out_.warn(command.at, line.text(), "this was not said before, nothing to " + std::string(command.raw));
                return;
            }
            here = next;
        }
        const said& last = steps.back().words;
        const bool values = last.schema->kind == node_kind::leaf_list && !last.values.empty();
        if (!command.is("delete")) {
            if (values) {
                out_.error(command.at, line.text(), "a single value cannot be made active or inactive");
            } else {
                tree_.set_inactive(here, command.is("deactivate"));
            }
        } else if (!values) {
            tree_.remove(here);
        } else {
            for (const std::string& value : last.values) {
                if (!tree_.remove_member(here, value)) {
                    out_.warn(command.at, line.text(), shown(value) + " was not said before, nothing to delete");
                }
            }
        }
    }

    /// Says the statements of a line, also of one that is not all in order; the number of the last one is returned.
    id apply(id context, line_reader& line, bool inactive = false) {
        std::vector<id> numbers;
        for (auto& step : line.steps()) {
            const id parent = step.parent == line_reader::outside ? context : numbers[step.parent];
            const position at = step.words.at;
            const auto done = tree_.apply(parent, std::move(step.words));
            numbers.push_back(done.node);
            if (done.replaced != nullptr) {
                out_.warn(at, tree_.path(done.node),
                          "this takes the place of " + shown(done.replaced->keyword) + " said in " +
                              out_.place(done.replaced_at));
            }
        }
        if (inactive && !numbers.empty()) {
            tree_.set_inactive(numbers.front(), true);
        }
        if (line.faulty()) {
            tree_.set_faulty(context);
            for (const id n : numbers) {
                tree_.set_faulty(n);
            }
        }
        return numbers.empty() ? context : numbers.back();
    }

    // Braces

    void read_statement(id context) {
        const token first = lexer_.peek();
        bool inactive = false;
        if (first.kind == token_kind::word && !first.in_quotes && first.raw.size() > 1 && first.raw.back() == ':') {
            lexer_.take();
            inactive = first.raw == "inactive:";
            if (!inactive) {
                tree_.set_faulty(context);
                out_.error(first.at, joined(tree_.path(context), lexer_.rest_of_line(first)),
                           shown(first.raw) + " is not supported" +
                               (first.raw == "active:" ? "" : "; only `inactive:` may stand before a statement"));
            }
        }
        if (lexer_.peek().kind == token_kind::close || lexer_.peek().kind == token_kind::end) {
            if (inactive) {
                out_.error(first.at, tree_.path(context), "a statement is missing behind `inactive:`");
            }
            return;
        }
        line_reader line(lexer_, tree_.schema(context), line_form::braces, &out_);
        line.around(tree_.path(context));
        switch (line.read(first)) {
            case line_end::complete: apply(context, line, inactive); break;
            case line_end::failed:
                apply(context, line, inactive);
                skip_statement(tree_.schema(context));
                break;
            case line_end::brace: {
                const token brace = lexer_.take();
                const bool values = line.awaits_value();
                const schema_node* row = line.steps().back().words.schema;
                if (values) {
                    const std::size_t parent = line.steps().back().parent;
                    line.steps().pop_back();
                    const id here = apply(context, line, inactive);
                    read_block({parent == line_reader::outside ? context : here, brace.at, first.at.column}, row,
                               inactive && parent == line_reader::outside);
                } else {
                    read_block({apply(context, line, inactive), brace.at, first.at.column}, nullptr, false);
                }
                break;
            }
        }
    }

    /// What is between braces: statements, or the values of `row`, `{ A; B; }`.
    void read_block(open_block block, const schema_node* row, bool inactive) {
        open_.push_back(block);
        while (lexer_.peek().kind != token_kind::close && closing_ == 0 && !out_.full()) {
            const token& t = lexer_.peek();
            if (t.kind == token_kind::end || (t.first_on_line && closes_all(t))) {
                unclosed(t, open_.size());
            } else if (row != nullptr) {
                read_values(block.node, *row, inactive);
            } else if (const std::size_t levels = implied_closes(t); levels != 0) {
                unclosed(t, levels);
            } else {
                read_statement(block.node);
            }
        }
        if (closing_ != 0) {
            --closing_;
        } else {
            lexer_.take();
        }
        open_.pop_back();
    }
    /// One of the values in `keyword { A; B { ... } }`.
    void read_values(id context, const schema_node& row, bool all_inactive) {
        const token first = lexer_.peek();
        const bool inactive = first.is("inactive:");
        if (inactive) {
            lexer_.take();
        }
        line_reader line(lexer_, tree_.schema(context), line_form::braces, &out_);
        line.around(tree_.path(context));
        const line_end end = line.read_value_of(row, first);
        if (end == line_end::failed) {
            tree_.set_faulty(context);
            skip_statement(tree_.schema(context));
            return;
        }
        const id node = apply(context, line, inactive || all_inactive);
        if (end == line_end::brace) {
            const token brace = lexer_.take();
            read_block({node, brace.at, first.at.column}, nullptr, false);
        }
    }

    // Braces that are missing

    [[nodiscard]] static bool closes_all(const token& t) noexcept {
        return t.at.column == 1 &&
               (t.is("set") || t.is("delete") || t.is("deactivate") || t.is("activate") || terminal::is_prompt(t));
    }
    /// How many blocks must end before a word that is not known where it stands: a } is missing when the word is known
    /// further out and is indented no deeper than the statement whose block is open.
    [[nodiscard]] std::size_t implied_closes(const token& t) const {
        if (!t.first_on_line || t.kind != token_kind::word || t.at.column > open_.back().column ||
            tree_.schema(open_.back().node).find_said(t.raw) != nullptr) {
            return 0;
        }
        for (std::size_t levels = 1; levels <= open_.size(); ++levels) {
            const id outside = levels == open_.size() ? tree_builder::root : open_[open_.size() - levels - 1].node;
            if (tree_.schema(outside).find_said(t.raw) != nullptr) {
                return levels;
            }
        }
        return 0;
    }
    void unclosed(const token& t, std::size_t levels) {
        const open_block& inner = open_.back();
        std::string message = "a } is missing before " +
                              (t.kind == token_kind::end ? "the end of the text" : shown(t.raw)) + ": the { in " +
                              out_.place(inner.brace) + " is not closed";
        if (levels > 1) {
            message += ", nor are " + std::to_string(levels - 1) + " around it";
        }
        out_.error(t.at, tree_.path(inner.node), std::move(message));
        tree_.set_faulty(inner.node);
        closing_ = levels;
        if (t.kind != token_kind::end) {
            surplus_braces_ += levels;
        }
    }

    /// Goes on behind a statement that cannot be read: behind its ; or its braces, or before the next statement that
    /// is known.
    void skip_statement(const schema_node& context) {
        std::size_t depth = 0;
        while (lexer_.peek().kind != token_kind::end) {
            const token& t = lexer_.peek();
            if (depth == 0 && (t.kind == token_kind::close ||
                               (t.first_on_line && t.kind == token_kind::word && !t.in_quotes &&
                                (context.find_said(t.raw) != nullptr || (open_.empty() && closes_all(t)))))) {
                return;
            }
            const token_kind kind = lexer_.take().kind;
            depth += kind == token_kind::open ? 1U : 0U;
            if (kind == token_kind::close && --depth == 0) {
                return;
            }
            if (kind == token_kind::semicolon && depth == 0) {
                return;
            }
        }
    }

    lexer lexer_;
    tree_builder& tree_;
    remarks& out_;
    terminal terminal_;
    std::vector<open_block> open_{};
    std::size_t closing_ = 0;         ///< blocks that end without a }
    std::size_t surplus_braces_ = 0;  ///< } that such blocks may leave behind
};

}  // namespace detail

/// Reads texts one after the other into one tree. With errors the tree holds what could be read and is not to be used.
[[nodiscard]] inline read_result read(std::span<const source_text> sources) {
    constexpr std::size_t most_bytes = 10U << 20;
    read_result result;
    tree_builder tree(schema);
    remarks out(sources, result);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const std::string_view text = sources[i].text;
        const auto source = static_cast<std::uint32_t>(i);
        if (text.size() > most_bytes) {
            out.error({source, 1, 1}, {}, "the text is longer than 10 MB");
        } else if (text.substr(0, 2) == "\xff\xfe" || text.substr(0, 2) == "\xfe\xff") {
            out.error({source, 1, 1}, {}, "the text is UTF-16; save it as UTF-8");
        } else {
            detail::text_reader(text, source, tree, out).read();
        }
    }
    result.root = tree.finish();
    return result;
}
/// One text.
[[nodiscard]] inline read_result read(std::string_view text, std::string name = {}) {
    const source_text source{std::move(name), std::string(text)};
    return read(std::span(&source, 1));
}

}  // namespace ikealg::inline v0::junos

#endif
