// SPDX-License-Identifier: Apache-2.0
/// The statements of one line while it is read, and which is inside which.
///
/// A container or an entry that may hold statements takes what is said after it; a leaf does not, so that what follows
/// it stands beside it.
///
/// Thread safety: none, one owner. Complexity: constant for each step; texts are linear in the line.
#ifndef IKEALG_JUNOS_LINE_STEPS_HPP
#define IKEALG_JUNOS_LINE_STEPS_HPP

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/junos/remarks.hpp"
#include "ikealg/junos/schema_node.hpp"
#include "ikealg/junos/statement.hpp"
#include "ikealg/junos/tree_builder.hpp"

namespace ikealg::inline v0::junos::detail {

class line_steps {
public:
    static constexpr std::size_t outside = ~std::size_t{0};

    struct step {
        said words{};
        std::size_t parent = outside;
    };

    /// `context`: what the whole line is inside of.
    explicit line_steps(const schema_node& context) noexcept : schema_(&context) {}

    /// What stands around the line, for messages.
    void around(std::string path) { around_ = std::move(path); }

    /// Adds a statement where the line is; further ones are inside it when it may hold any.
    void add(said words) {
        const schema_node& row = *words.schema;
        add_beside(std::move(words));
        if (row.holds_statements()) {
            here_ = all_.size() - 1;
            schema_ = &row;
        }
    }
    /// Adds a statement that nothing will be said inside of: one of several in a list.
    void add_beside(said words) { all_.push_back({std::move(words), here_}); }
    /// What follows is read as inside of `row`, whatever that may hold.
    void go_into(const schema_node& row) noexcept { schema_ = &row; }

    [[nodiscard]] std::vector<step>& all() noexcept { return all_; }
    [[nodiscard]] const std::vector<step>& all() const noexcept { return all_; }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    /// The row whose statements may follow.
    [[nodiscard]] const schema_node& schema() const noexcept { return *schema_; }
    /// The last statement is one that holds what follows.
    [[nodiscard]] bool last_is_open() const noexcept { return !all_.empty() && here_ + 1 == all_.size(); }

    /// What further words are inside of.
    [[nodiscard]] std::string place() const {
        std::vector<std::size_t> path;
        for (std::size_t i = here_; i != outside; i = all_[i].parent) {
            path.push_back(i);
        }
        std::string text = around_;
        for (auto i = path.rbegin(); i != path.rend(); ++i) {
            text = joined(std::move(text), text_of(all_[*i]));
        }
        return text;
    }
    /// The line so far, without leaves that others follow.
    [[nodiscard]] std::string text() const {
        std::string text = place();
        return empty() || last_is_open() ? text : joined(std::move(text), text_of(all_.back()));
    }

private:
    [[nodiscard]] static std::string text_of(const step& s) {
        statement part;
        part.keyword = s.words.schema->keyword;
        part.silent = s.words.schema->silent;
        part.values = s.words.values;
        return junos::text_of(part);
    }

    const schema_node* schema_;
    std::string around_{};
    std::vector<step> all_{};
    std::size_t here_ = outside;  ///< the step that further words are inside of
};

}  // namespace ikealg::inline v0::junos::detail

#endif
