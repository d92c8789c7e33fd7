// SPDX-License-Identifier: Apache-2.0
/// What messages say about a word that is not known: the word itself, the nearest known one, what is possible instead.
///
/// Thread safety: functions without state; `nearest_word` has one owner. Complexity: a suggestion compares with every
/// known word and is made for wrong texts only.
#ifndef IKEALG_JUNOS_SUGGESTIONS_HPP
#define IKEALG_JUNOS_SUGGESTIONS_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "ikealg/base/name_index.hpp"
#include "ikealg/junos/schema_node.hpp"

namespace ikealg::inline v0::junos {

/// A word as messages show it: in quotes, cut when it is long, without control characters.
[[nodiscard]] inline std::string shown(std::string_view word) {
    constexpr std::size_t most = 60;
    std::string text = "\"";
    text += word.substr(0, most);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return text + (word.size() > most ? "...\"" : "\"");
}

/// The one of `known()` calls that is most similar to a word, or nothing when none is similar enough to be a slip of
/// the pen.
class nearest_word {
public:
    explicit nearest_word(std::string_view word)
        : word_(word), least_(word.size() > 64 ? 0 : std::max<std::size_t>(1, (word.size() + 1) / 3) + 1) {}

    void known(std::string_view candidate) {
        const auto difference = std::max(candidate.size(), word_.size()) - std::min(candidate.size(), word_.size());
        if (difference >= least_ && !begins(candidate)) {
            return;
        }
        const std::size_t distance = begins(candidate) ? 1 : edit_distance(word_, candidate);
        if (distance < least_) {
            least_ = distance;
            best_ = candidate;
        }
    }
    [[nodiscard]] std::string_view best() const noexcept { return best_; }
    /// "; did you mean X?", or nothing.
    [[nodiscard]] std::string question() const {
        return best_.empty() ? std::string{} : "; did you mean " + shown(best_) + "?";
    }

private:
    /// Junos takes words that are cut short where a person types them.
    [[nodiscard]] bool begins(std::string_view candidate) const noexcept {
        return word_.size() >= 3 && candidate.substr(0, word_.size()) == word_ && least_ > 1;
    }

    std::string_view word_;
    std::size_t least_;
    std::string_view best_{};
};

/// The keyword nearest to a word among those that are written at a place.
[[nodiscard]] inline nearest_word nearest_keyword(const schema_node& place, std::string_view word) {
    nearest_word nearest(word);
    for (const schema_node& child : place.children) {
        if (!child.silent) {
            nearest.known(child.keyword);
        }
    }
    return nearest;
}
/// ", possible are A, B" of what may stand at a place; nothing when that is too long to be said.
[[nodiscard]] inline std::string choices(const schema_node& place) {
    std::string text;
    if (place.children.size() > 8) {
        return text;
    }
    for (const schema_node& child : place.children) {
        text += text.empty() ? ", possible are " : ", ";
        text += child.silent ? child.value.shown : child.keyword;
    }
    return text;
}

}  // namespace ikealg::inline v0::junos

#endif
