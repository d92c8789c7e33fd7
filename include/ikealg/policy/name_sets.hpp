// SPDX-License-Identifier: Apache-2.0
/// Named items and nestable sets of them, in one name space: address books and applications alike.
///
/// Errors (P3): names without text, duplicate names, undefined members, sets without members, and sets that contain
/// themselves. Each is reported once, at the path of its statement.
///
/// Thread safety: const members may run concurrently. Configuration path only.
#ifndef IKEALG_POLICY_NAME_SETS_HPP
#define IKEALG_POLICY_NAME_SETS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/name_index.hpp"

namespace ikealg::inline v0::policy {

/// Resolves names to item numbers.
class name_sets {
public:
    /// `kind` ("address") and `set_kind` ("address-set") are the Junos keywords of items and sets; `path` is that of
    /// the statement which holds them.
    name_sets(std::string kind, std::string set_kind, std::string path)
        : kind_(std::move(kind)), set_kind_(std::move(set_kind)), path_(std::move(path)) {}

    /// The item's number, counted from 0 in order of addition, whether or not its name was accepted.
    std::uint32_t add_item(const std::string& name, configuration_report& report) {
        const std::uint32_t item = items_++;
        names_.add(kind_, name, static_cast<std::uint32_t>(groups_.size()), statement(kind_, name), report);
        groups_.push_back({name, {item}, {}, {}, false, state::done});
        return item;
    }
    void add_set(const std::string& name, std::vector<std::string> items, std::vector<std::string> sets,
                 configuration_report& report) {
        names_.add(set_kind_, name, static_cast<std::uint32_t>(groups_.size()), statement(set_kind_, name), report);
        if (items.empty() && sets.empty()) {
            report.error(statement(set_kind_, name), set_kind_ + " " + name + " has no members");
        }
        groups_.push_back({name, {}, std::move(items), std::move(sets), true, state::untouched});
    }
    /// Expands the sets; call it once, after everything is added.
    void resolve(configuration_report& report) {
        std::vector<std::uint32_t> chain;
        for (std::uint32_t i = 0; i < groups_.size(); ++i) {
            expand(i, chain, report);
        }
    }
    /// Items that a name stands for, ascending and without repetition, or null for an unknown name.
    [[nodiscard]] const std::vector<std::uint32_t>* find(std::string_view name) const {
        const auto at = names_.find(name);
        return at ? &groups_[*at].members : nullptr;
    }
    [[nodiscard]] const name_index& names() const noexcept { return names_; }

private:
    enum class state : std::uint8_t { untouched, open, done };
    struct group {
        std::string name;
        std::vector<std::uint32_t> members;
        std::vector<std::string> items;
        std::vector<std::string> sets;
        bool is_set;
        state progress;
    };

    [[nodiscard]] std::string statement(const std::string& kind, const std::string& name) const {
        return path_ + " " + kind + " " + name;
    }

    /// Depth first; a set met again while still open closes a circle.
    void expand(std::uint32_t index, std::vector<std::uint32_t>& chain, configuration_report& report) {
        if (groups_[index].progress != state::untouched) {
            return;
        }
        groups_[index].progress = state::open;
        chain.push_back(index);
        std::vector<std::uint32_t> members;
        const auto take = [&](const std::string& kind, const std::string& name, bool want_set) {
            const std::string path = statement(set_kind_, groups_[index].name) + " " + kind + " " + name;
            const auto found = names_.find(name);
            if (!found) {
                const name_index others = others_of(index, want_set);
                report.error(path, undefined_name(kind, name, {&others}));
                return;
            }
            const group& member = groups_[*found];
            if (member.is_set != want_set) {
                report.error(path, name + " is an " + (member.is_set ? set_kind_ : kind_) + ", not an " + kind);
                return;
            }
            if (member.progress == state::open) {
                report.error(path, circle(*found, chain));
                return;
            }
            expand(*found, chain, report);
            members.insert(members.end(), groups_[*found].members.begin(), groups_[*found].members.end());
        };
        for (const auto& name : groups_[index].items) {
            take(kind_, name, false);
        }
        for (const auto& name : groups_[index].sets) {
            take(set_kind_, name, true);
        }
        std::sort(members.begin(), members.end());
        members.erase(std::unique(members.begin(), members.end()), members.end());
        groups_[index].members = std::move(members);
        groups_[index].progress = state::done;
        chain.pop_back();
    }

    /// What may be meant in a set by a name that is not defined: the sets, or the items, other than itself.
    [[nodiscard]] name_index others_of(std::uint32_t index, bool sets) const {
        name_index others;
        configuration_report ignored;
        for (std::uint32_t i = 0; i < groups_.size(); ++i) {
            if (i != index && groups_[i].is_set == sets) {
                others.add(sets ? set_kind_ : kind_, groups_[i].name, i, {}, ignored);
            }
        }
        return others;
    }

    [[nodiscard]] std::string circle(std::uint32_t from, const std::vector<std::uint32_t>& chain) const {
        std::string text = set_kind_ + " " + groups_[from].name + " contains itself: ";
        for (auto at = std::find(chain.begin(), chain.end(), from); at != chain.end(); ++at) {
            text += groups_[*at].name + " > ";
        }
        return text + groups_[from].name;
    }

    std::string kind_;
    std::string set_kind_;
    std::string path_;
    name_index names_{};
    std::vector<group> groups_{};
    std::uint32_t items_ = 0;
};

}  // namespace ikealg::inline v0::policy

#endif
