// SPDX-License-Identifier: Apache-2.0
/// Collects errors and warnings while texts are read: in order, one for each place, not more than somebody would read.
///
/// Thread safety: none, one owner. Complexity: constant for each remark.
#ifndef IKEALG_JUNOS_REMARKS_HPP
#define IKEALG_JUNOS_REMARKS_HPP

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/junos/statement.hpp"

namespace ikealg::inline v0::junos {

class remarks {
public:
    static constexpr std::size_t most = 1000;

    remarks(std::span<const source_text> sources, read_result& result) : sources_(sources), result_(result) {}

    void error(position at, std::string statement, std::string message) {
        add(result_.errors, at, std::move(statement), std::move(message), "errors");
    }
    void warn(position at, std::string statement, std::string message) {
        add(result_.warnings, at, std::move(statement), std::move(message), "warnings");
    }
    /// Nobody reads more errors: the rest of the texts need not be read either.
    [[nodiscard]] bool full() const noexcept { return result_.errors.size() > most; }
    /// `FILE:LINE:COLUMN` for the inside of messages.
    [[nodiscard]] std::string place(position at) const {
        const std::string name = at.source < sources_.size() ? sources_[at.source].name : std::string{};
        const std::string numbers = std::to_string(at.line) + ':' + std::to_string(at.column);
        return name.empty() ? numbers : name + ':' + numbers;
    }

private:
    static void add(std::vector<diagnostic>& list, position at, std::string statement, std::string message,
                    std::string_view what) {
        if (list.size() < most && (list.empty() || list.back().at != at)) {
            list.push_back({at, std::move(statement), std::move(message)});
        } else if (list.size() == most) {
            list.push_back({at, {}, "there are more " + std::string(what) + " than these"});
        }
    }

    std::span<const source_text> sources_;
    read_result& result_;
};

namespace detail {

/// Two parts of a statement with a blank between them.
[[nodiscard]] inline std::string joined(std::string a, std::string_view b) {
    a += a.empty() || b.empty() ? "" : " ";
    a += b;
    return a;
}
/// The rest of a line for a message: without what follows the statement, and without blanks and control characters.
[[nodiscard]] inline std::string trimmed(std::string_view line) {
    std::string text(line.substr(0, line.find_first_of(";{}")));
    text.erase(
        std::find_if(text.rbegin(), text.rend(), [](char c) { return c != ' ' && c != '\t' && c != '\r'; }).base(),
        text.end());
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return text;
}

}  // namespace detail

}  // namespace ikealg::inline v0::junos

#endif
