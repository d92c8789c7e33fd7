// SPDX-License-Identifier: Apache-2.0
/// A configuration as a tree of statements, and what is remarked on it: what the reader makes, the writer prints and
/// the compiler of settings takes.
///
/// Both forms of text, `set` lines and braces, give the same tree. A statement that was said several times is there
/// once: of a leaf the last value counts, the members of a leaf list and what is inside containers and list entries
/// come together. Children stand in the order of the schema; those of one keyword in the order in which they were
/// first said, which for policies and rules is the order of matching.
///
/// Where the text has a value and no keyword, the tree has the schema's keyword and `silent` is set: `ge-0/0/1` within
/// `interfaces` is {"interface", {"ge-0/0/1"}}, the prefix of `address N 10.0.0.0/8` is {"ip-prefix", {"10.0.0.0/8"}}.
///
/// Thread safety: values. Configuration path only: these types allocate.
#ifndef IKEALG_JUNOS_STATEMENT_HPP
#define IKEALG_JUNOS_STATEMENT_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ikealg::inline v0::junos {

/// A place in a text. Line and column count from 1, columns in bytes; line 0 is no place.
struct position {
    std::uint32_t source = 0;  ///< index of the text among those that were read
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    friend bool operator==(const position&, const position&) = default;
};

/// A text to read, with the name that messages use for it.
struct source_text {
    std::string name{};
    std::string text{};
};

struct statement {
    std::string keyword{};              ///< as in the schema; empty only at the root
    std::vector<std::string> values{};  ///< key of an entry, value of a leaf ("A/32", "to", "B/32"), members of a list
    std::vector<statement> children{};
    position at{};                      ///< where it was said first
    std::vector<position> values_at{};  ///< one for each value; of a leaf, where it was said last
    bool inactive = false;              ///< kept and written, but without effect, as is everything inside
    bool silent = false;                ///< the text has the values only
    bool faulty = false;                ///< something in it could not be read: what it lacks may have been said

    /// The first active child of a keyword, or nullptr. Linear in the number of children.
    [[nodiscard]] const statement* find(std::string_view name) const noexcept {
        for (const statement& child : children) {
            if (!child.inactive && child.keyword == name) {
                return &child;
            }
        }
        return nullptr;
    }
    /// The same down a path: `root.find_path({"security", "nat", "source"})`.
    [[nodiscard]] const statement* find_path(std::initializer_list<std::string_view> names) const noexcept {
        const statement* here = this;
        for (const std::string_view name : names) {
            here = here->find(name);
            if (here == nullptr) {
                return nullptr;
            }
        }
        return here;
    }
    /// All active children of a keyword.
    [[nodiscard]] std::vector<const statement*> all(std::string_view name) const {
        std::vector<const statement*> found;
        for (const statement& child : children) {
            if (!child.inactive && child.keyword == name) {
                found.push_back(&child);
            }
        }
        return found;
    }
    [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
    /// The first value, or nothing.
    [[nodiscard]] std::string_view value() const noexcept {
        return values.empty() ? std::string_view{} : values.front();
    }

    /// The same meaning, wherever it was said.
    friend bool operator==(const statement& a, const statement& b) {
        return a.keyword == b.keyword && a.values == b.values && a.inactive == b.inactive && a.children == b.children;
    }
};

/// An error or a warning: where, the whole statement from the top as a `set` line has it, and a sentence.
struct diagnostic {
    position at{};
    std::string statement{};
    std::string message{};
};

/// The tree is what could be read, and is to be used only when there are no errors.
struct read_result {
    statement root{};
    std::vector<diagnostic> errors{};
    std::vector<diagnostic> warnings{};
};

/// A word as both forms write it: in quotes when it would be read as something else without, or as nothing.
[[nodiscard]] inline std::string quoted(std::string_view word) {
    const bool plain = !word.empty() && word.front() != '#' && word.find("/*") != 0 && word.back() != ':' &&
                       word.find_first_of(" \t\r\n{}[];\"\\") == std::string_view::npos &&
                       word.find("\xc2\xa0") == std::string_view::npos && word.find('@') == std::string_view::npos;
    if (plain) {
        return std::string(word);
    }
    std::string text = "\"";
    for (const char c : word) {
        switch (c) {
            case '\n': text += "\\n"; break;
            case '\r': text += "\\r"; break;
            case '\t': text += "\\t"; break;
            case '"':
            case '\\': text += '\\'; [[fallthrough]];
            default: text += c;
        }
    }
    return text + '"';
}

/// The words of one statement: `from-zone green to-zone red`, `application [ a b ]`.
[[nodiscard]] inline std::string text_of(const statement& s, bool bracketed = false) {
    std::string text = s.silent ? std::string{} : s.keyword;
    const auto add = [&text](std::string_view word) {
        text += text.empty() ? "" : " ";
        text += word;
    };
    if (bracketed) {
        add("[");
    }
    for (const std::string& value : s.values) {
        add(quoted(value));
    }
    if (bracketed) {
        add("]");
    }
    return text;
}

/// The words of a statement and of those around it, outermost first: what `diagnostic::statement` holds.
[[nodiscard]] inline std::string path_of(std::span<const statement* const> path) {
    std::string text;
    for (const statement* s : path) {
        const std::string words = text_of(*s);
        text += text.empty() || words.empty() ? "" : " ";
        text += words;
    }
    return text;
}

/// `FILE:LINE:COLUMN: message`, and the statement in a line of its own when there is one.
[[nodiscard]] inline std::string to_string(const diagnostic& d, std::span<const source_text> sources) {
    std::string text = d.at.source < sources.size() ? sources[d.at.source].name : std::string{};
    if (d.at.line != 0) {
        text += (text.empty() ? "" : ":") + std::to_string(d.at.line) + ':' + std::to_string(d.at.column);
    }
    text += (text.empty() ? "" : ": ") + d.message;
    if (!d.statement.empty()) {
        text += "\n    " + d.statement;
    }
    return text;
}

}  // namespace ikealg::inline v0::junos

#endif
