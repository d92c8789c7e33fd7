// SPDX-License-Identifier: Apache-2.0
/// Writes a tree of statements as text, in braces (`show configuration`) or as `set` lines (`| display set`).
///
/// What is written reads back as the same tree, and the same tree is always written in the same way: in the order of
/// its statements, in the layout of Junos. Words stand in quotes only where they must. Containers and lists without
/// anything inside mean nothing and are left out; the reader makes none. Comments are not part of a tree and so are
/// not written.
///
/// Thread safety: functions without state. Complexity: linear in the text that is written.
#ifndef IKEALG_JUNOS_WRITER_HPP
#define IKEALG_JUNOS_WRITER_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "ikealg/junos/schema.hpp"
#include "ikealg/junos/schema_node.hpp"
#include "ikealg/junos/statement.hpp"

namespace ikealg::inline v0::junos {

namespace detail {

/// The kind that a statement is written as; what the schema does not know is taken for what it looks like.
[[nodiscard]] inline node_kind kind_of(const statement& s, const schema_node* row) noexcept {
    return row != nullptr ? row->kind : s.children.empty() ? node_kind::leaf : node_kind::entry;
}
/// Nothing would come back from it.
[[nodiscard]] inline bool is_void(const statement& s, const schema_node* row) noexcept {
    const node_kind kind = kind_of(s, row);
    return (kind == node_kind::leaf_list && s.values.empty()) || (kind == node_kind::container && s.children.empty());
}

class braces_writer {
public:
    [[nodiscard]] std::string write(const statement& root) {
        children(root, &schema, 0);
        return std::move(text_);
    }

private:
    static constexpr std::size_t step = 4;

    void children(const statement& s, const schema_node* row, std::size_t depth) {
        for (std::size_t i = 0; i < s.children.size();) {
            const statement& child = s.children[i];
            const schema_node* known = row == nullptr ? nullptr : row->find(child.keyword);
            if (is_void(child, known)) {
                ++i;
            } else if (known != nullptr && known->block) {
                i = block(s, i, *known, depth);
            } else {
                indent(depth);
                one(child, known, depth);
                ++i;
            }
        }
    }
    /// All statements of a keyword from number `i` on in one pair of braces; the number behind them.
    [[nodiscard]] std::size_t block(const statement& s, std::size_t i, const schema_node& row, std::size_t depth) {
        const std::string_view keyword = s.children[i].keyword;
        indent(depth);
        if (row.kind == node_kind::leaf_list) {
            open((s.children[i].inactive ? "inactive: " : "") + std::string(keyword));
            for (const std::string& value : s.children[i].values) {
                indent(depth + 1);
                text_ += quoted(value) + ";\n";
            }
            close(depth);
            return i + 1;
        }
        open(keyword);
        for (; i < s.children.size() && s.children[i].keyword == keyword; ++i) {
            statement value = s.children[i];
            value.silent = true;
            indent(depth + 1);
            one(value, &row, depth + 1);
        }
        close(depth);
        return i;
    }
    /// One statement, where its line has begun.
    void one(const statement& s, const schema_node* row, std::size_t depth) {
        text_ += s.inactive ? "inactive: " : "";
        words(s, row, depth);
    }
    void words(const statement& s, const schema_node* row, std::size_t depth) {
        const std::string said = text_of(s, kind_of(s, row) == node_kind::leaf_list && s.values.size() > 1);
        if (s.children.empty()) {
            text_ += said + ";\n";
            return;
        }
        const statement& first = s.children.front();
        const schema_node* inner = row == nullptr ? nullptr : row->find(first.keyword);
        if (row != nullptr && row->in_line && s.children.size() == 1 && !first.inactive && inner != nullptr &&
            !inner->block && !is_void(first, inner)) {
            text_ += said + ' ';
            words(first, inner, depth);
            return;
        }
        open(said);
        children(s, row, depth + 1);
        close(depth);
    }

    void indent(std::size_t depth) { text_.append(depth * step, ' '); }
    void open(std::string_view words) {
        text_ += words;
        text_ += " {\n";
    }
    void close(std::size_t depth) {
        indent(depth);
        text_ += "}\n";
    }

    std::string text_{};
};

class set_writer {
public:
    [[nodiscard]] std::string write(const statement& root) {
        std::string path;
        children(root, &schema, path);
        return std::move(text_);
    }

private:
    void children(const statement& s, const schema_node* row, std::string& path) {
        for (const statement& child : s.children) {
            const schema_node* known = row == nullptr ? nullptr : row->find(child.keyword);
            if (!is_void(child, known)) {
                one(child, known, path);
            }
        }
    }
    void one(const statement& s, const schema_node* row, std::string& path) {
        const std::size_t around = path.size();
        if (kind_of(s, row) == node_kind::leaf_list) {
            add(path, s.keyword);
            for (const std::string& value : s.values) {
                line("set", path + ' ' + quoted(value));
            }
        } else {
            add(path, text_of(s));
            if (s.children.empty()) {
                line("set", path);
            }
            children(s, row, path);
        }
        if (s.inactive) {
            line("deactivate", path);
        }
        path.resize(around);
    }
    static void add(std::string& path, std::string_view words) {
        path += path.empty() ? "" : " ";
        path += words;
    }
    void line(std::string_view command, std::string_view words) {
        text_ += command;
        text_ += ' ';
        text_ += words;
        text_ += '\n';
    }

    std::string text_{};
};

}  // namespace detail

/// The tree in braces, four blanks a level.
[[nodiscard]] inline std::string write_braces(const statement& root) {
    return detail::braces_writer().write(root);
}
/// The tree as `set` lines, each complete in itself, and `deactivate` lines for what is inactive.
[[nodiscard]] inline std::string write_set(const statement& root) {
    return detail::set_writer().write(root);
}

}  // namespace ikealg::inline v0::junos

#endif
