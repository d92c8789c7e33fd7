// SPDX-License-Identifier: Apache-2.0
/// Names of a configuration and the index each stands for, with a suggestion for names that are not defined (P3).
///
/// Thread safety: const members may run concurrently. Complexity: lookups logarithmic in the number of names; a
/// suggestion compares with every name and is made for wrong configurations only.
#ifndef IKEALG_BASE_NAME_INDEX_HPP
#define IKEALG_BASE_NAME_INDEX_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/base/configuration_error.hpp"

namespace ikealg::inline v0 {

/// Number of insertions, deletions, replacements and swaps of neighbours between two names.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        before_last.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

/// Maps names to indices.
class name_index {
public:
    /// Adds a name; reports an empty or an already used one at `path` and leaves the first in place.
    void add(std::string_view kind, const std::string& name, std::uint32_t index, const std::string& path,
             configuration_report& report) {
        if (name.empty()) {
            report.error(path, std::string(kind) + " without a name");
        } else if (!names_.try_emplace(name, index).second) {
            report.error(path, std::string(kind) + " " + name + " is defined twice");
        }
    }
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const {
        const auto at = names_.find(name);
        return at == names_.end() ? std::nullopt : std::optional{at->second};
    }
    /// The most similar name, when one is similar enough to be a slip of the pen.
    [[nodiscard]] std::optional<std::string> nearest(std::string_view name) const {
        std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
        std::optional<std::string> best;
        for (const auto& [known, index] : names_) {
            if (const auto distance = edit_distance(name, known); distance < least) {
                least = distance;
                best = known;
            }
        }
        return best;
    }

private:
    std::map<std::string, std::uint32_t, std::less<>> names_;
};

/// The sentence for a name that none of `scopes` defines; suggests the most similar name they do define.
[[nodiscard]] inline std::string undefined_name(std::string_view kind, std::string_view name,
                                                std::initializer_list<const name_index*> scopes) {
    std::string text = std::string(kind) + " " + std::string(name) + " is not defined";
    std::optional<std::string> best;
    for (const name_index* scope : scopes) {
        const auto candidate = scope->nearest(name);
        if (candidate && (!best || edit_distance(name, *candidate) < edit_distance(name, *best))) {
            best = candidate;
        }
    }
    return best ? text + "; did you mean " + *best + "?" : text;
}

}  // namespace ikealg::inline v0

#endif
