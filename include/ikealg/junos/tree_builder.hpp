// SPDX-License-Identifier: Apache-2.0
/// Statements put together into a tree while texts are read: what is said twice merges, what is deleted goes.
///
/// Every statement has a number. What can be there once is found among the few such ones of its parent; entries of
/// lists and members of leaf lists are found in an index by (parent, row of the schema, key), so that a text of n
/// statements costs n look-ups, however long a list gets. Deleted ones stay behind as husks until `finish`.
///
/// Thread safety: none, one owner. Complexity: constant for each operation, on average; `finish` sorts.
#ifndef IKEALG_JUNOS_TREE_BUILDER_HPP
#define IKEALG_JUNOS_TREE_BUILDER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ikealg/junos/schema_node.hpp"
#include "ikealg/junos/statement.hpp"

namespace ikealg::inline v0::junos {

/// One statement as a text says it, without what is inside.
struct said {
    const schema_node* schema = nullptr;
    std::vector<std::string> values{};
    std::vector<position> values_at{};
    position at{};
};

class tree_builder {
public:
    using id = std::uint32_t;
    static constexpr id root = 0;
    static constexpr id none = ~id{0};

    explicit tree_builder(const schema_node& top) {
        nodes_.emplace_back();
        nodes_.front().schema = &top;
    }

    [[nodiscard]] const schema_node& schema(id n) const noexcept { return *nodes_[n].schema; }
    [[nodiscard]] id parent(id n) const noexcept { return nodes_[n].parent; }
    [[nodiscard]] position at(id n) const noexcept { return nodes_[n].at; }
    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

    /// What `apply` did away with.
    struct applied {
        id node = none;
        const schema_node* replaced = nullptr;  ///< another of the same choice, or the same leaf with another value
        position replaced_at{};
    };

    /// Says a statement below `parent`. Values of a leaf list are added to those that are there.
    applied apply(id parent, said s) {
        applied result;
        replace_choice(parent, *s.schema, result);
        const bool fresh = is_fresh(parent, s, result.node);
        if (fresh) {
            add(parent, s.schema, s.at);
        }
        if (s.schema->kind == node_kind::leaf_list) {
            for (std::size_t i = 0; i < s.values.size(); ++i) {
                add_member(result.node, std::move(s.values[i]), s.values_at[i]);
            }
            return result;
        }
        node& n = nodes_[result.node];
        if (!fresh && s.schema->kind == node_kind::leaf && n.values != s.values) {
            result.replaced = s.schema;
            result.replaced_at = n.at;
        }
        if (fresh || s.schema->kind == node_kind::leaf || n.values.size() < s.values.size()) {
            n.values = std::move(s.values);
            n.values_at = std::move(s.values_at);
        }
        return result;
    }

    /// The statement that was said before, or `none`.
    [[nodiscard]] id find(id parent, const said& s) const {
        if (s.schema->kind != node_kind::entry) {
            return find_single(parent, *s.schema);
        }
        const auto place = index_.find(key_of(parent, *s.schema, s.values));
        return place == index_.end() ? none : place->second;
    }

    void set_inactive(id n, bool inactive) noexcept { nodes_[n].inactive = inactive; }
    [[nodiscard]] bool inactive(id n) const noexcept { return nodes_[n].inactive; }

    /// Something of a statement could not be read; so those around it are not whole either.
    void set_faulty(id n) noexcept {
        for (; n != none && !nodes_[n].faulty; n = nodes_[n].parent) {
            nodes_[n].faulty = true;
        }
    }

    /// Takes a statement and what is inside away.
    void remove(id n) {
        node& gone = nodes_[n];
        gone.removed = true;
        if (gone.schema == nullptr) {
            index_.erase(member_key(gone.parent, gone.values.front()));
        } else if (gone.schema->kind == node_kind::entry) {
            index_.erase(key_of(gone.parent, *gone.schema, gone.values));
        } else {
            auto& singles = nodes_[gone.parent].singles;
            singles.erase(std::find(singles.begin(), singles.end(), n));
        }
    }
    /// Takes a member of a leaf list away; false when it is not there.
    bool remove_member(id list, const std::string& value) {
        const auto place = index_.find(member_key(list, value));
        if (place == index_.end()) {
            return false;
        }
        remove(place->second);
        return true;
    }
    /// The words of a statement and of those around it.
    [[nodiscard]] std::string path(id n) const {
        std::vector<std::string> words;
        for (; n != root; n = nodes_[n].parent) {
            statement s;
            s.keyword = nodes_[n].schema->keyword;
            s.silent = nodes_[n].schema->silent;
            s.values = nodes_[n].values;
            words.push_back(text_of(s));
        }
        std::string text;
        for (auto word = words.rbegin(); word != words.rend(); ++word) {
            text += text.empty() ? "" : " ";
            text += *word;
        }
        return text;
    }

    /// The tree. The builder is empty afterwards.
    [[nodiscard]] statement finish() {
        statement top = finish(root);
        top.keyword.clear();
        return top;
    }

private:
    struct node {
        const schema_node* schema = nullptr;  ///< none of a member of a leaf list
        id parent = none;
        std::vector<std::string> values{};
        std::vector<position> values_at{};
        std::vector<id> children{};
        std::vector<id> singles{};  ///< the children that can be there once
        position at{};
        bool inactive = false;
        bool faulty = false;
        bool removed = false;
    };

    [[nodiscard]] id next_id() const noexcept { return static_cast<id>(nodes_.size()); }
    void add(id parent, const schema_node* row, position at) {
        nodes_[parent].children.push_back(next_id());
        nodes_.emplace_back();
        nodes_.back().schema = row;
        nodes_.back().parent = parent;
        nodes_.back().at = at;
    }
    void add_member(id list, std::string value, position at) {
        if (index_.try_emplace(member_key(list, value), next_id()).second) {
            add(list, nullptr, at);
            nodes_.back().values.push_back(std::move(value));
            nodes_.back().values_at.push_back(at);
        }
    }
    void replace_choice(id parent, const schema_node& row, applied& result) {
        if (row.choice == 0) {
            return;
        }
        for (const schema_node& other : nodes_[parent].schema->children) {
            if (&other == &row || other.choice != row.choice) {
                continue;
            }
            if (const id place = find_single(parent, other); place != none) {
                result.replaced = &other;
                result.replaced_at = nodes_[place].at;
                remove(place);
            }
        }
    }

    /// Whether a statement is said for the first time; `number` is its number in any case.
    [[nodiscard]] bool is_fresh(id parent, const said& s, id& number) {
        if (s.schema->kind == node_kind::entry) {
            const auto [place, fresh] = index_.try_emplace(key_of(parent, *s.schema, s.values), next_id());
            number = place->second;
            return fresh;
        }
        number = find_single(parent, *s.schema);
        if (number != none) {
            return false;
        }
        number = next_id();
        nodes_[parent].singles.push_back(number);
        return true;
    }
    [[nodiscard]] id find_single(id parent, const schema_node& row) const noexcept {
        for (const id child : nodes_[parent].singles) {
            if (nodes_[child].schema == &row) {
                return child;
            }
        }
        return none;
    }
    /// An entry is told apart by its name, a range of addresses by where it begins.
    [[nodiscard]] std::string key_of(id parent, const schema_node& row, const std::vector<std::string>& values) const {
        const auto number = static_cast<std::size_t>(&row - nodes_[parent].schema->children.data());
        std::string key = std::to_string(parent) + ' ' + std::to_string(number);
        const std::size_t words = row.value.kind == value_kind::prefix_range ? 1 : values.size();
        for (std::size_t i = 0; i < std::min(words, values.size()); ++i) {
            key += '\0';
            key += values[i];
        }
        return key;
    }
    [[nodiscard]] static std::string member_key(id list, std::string_view value) {
        return std::to_string(list) + " = " + std::string(value);
    }

    [[nodiscard]] statement finish(id number) {
        node& n = nodes_[number];
        statement s;
        s.keyword = n.schema->keyword;
        s.silent = n.schema->silent;
        s.values = std::move(n.values);
        s.values_at = std::move(n.values_at);
        s.at = n.at;
        s.inactive = n.inactive;
        s.faulty = n.faulty;
        if (n.schema->kind == node_kind::leaf_list) {
            for (const id child : n.children) {
                if (!nodes_[child].removed) {
                    s.values.push_back(std::move(nodes_[child].values.front()));
                    s.values_at.push_back(nodes_[child].values_at.front());
                }
            }
            return s;
        }
        std::stable_sort(n.children.begin(), n.children.end(),
                         [this](id a, id b) { return nodes_[a].schema < nodes_[b].schema; });
        for (const id child : n.children) {
            if (nodes_[child].removed) {
                continue;
            }
            statement c = finish(child);
            const node_kind kind = nodes_[child].schema->kind;
            const bool nothing = (kind == node_kind::container && c.children.empty()) ||
                                 (kind == node_kind::leaf_list && c.values.empty());
            if (!nothing) {
                s.children.push_back(std::move(c));
            }
        }
        return s;
    }

    std::vector<node> nodes_{};
    std::unordered_map<std::string, id> index_{};
};

}  // namespace ikealg::inline v0::junos

#endif
