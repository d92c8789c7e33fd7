// SPDX-License-Identifier: Apache-2.0
/// First match of many rules over several fields, by intersecting bit vectors.
///
/// A rule is a box: per field a set of intervals, and it matches a key tuple when every field's set contains the
/// field's key. Each field is cut into the elementary intervals on whose inside no rule begins or ends; each of
/// those has a row that tells which rules cover it. A lookup fetches one row per field and takes the first common bit.
///
/// Rows are two-level: a summary bit per 64 rules, then only the words that are not zero; equal rows are stored once.
/// Rules that cover a whole field would fill its rows, so rules are numbered in groups: those that are whole in the
/// same fields stand together, from a word boundary on, and a field keeps one bit per word for the groups it is whole
/// in. Within a group order is kept; between groups the lowest rule wins. So a lookup meets few words for usual rule
/// sets.
/// In the worst case, that each rule overlaps most others without covering everything, a field costs (number of
/// elementary intervals) x (rules / 8) bytes; `build` gives up before it uses more than it is allowed.
///
/// Thread safety: immutable after `build`. Complexity: lookup O(fields x log intervals + rules / 64), in practice
/// one summary word for each 4096 rules and few others. Lookups do not allocate.
#ifndef IKEALG_TABLE_RULE_CLASSIFIER_HPP
#define IKEALG_TABLE_RULE_CLASSIFIER_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/table/interval_index.hpp"

namespace ikealg::inline v0::table {

/// Keys from `first` to `last`, both included.
template <class Key>
struct key_interval {
    Key first{};
    Key last{};
};

template <class Key>
using key_set = std::vector<key_interval<Key>>;

/// Sorts intervals and joins those that overlap or touch.
template <class Key>
void merge_intervals(key_set<Key>& keys) {
    using traits = key_traits<Key>;
    std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const auto& k : keys) {
        if (kept != 0 && (keys[kept - 1].last == traits::greatest || k.first <= traits::next(keys[kept - 1].last))) {
            keys[kept - 1].last = std::max(keys[kept - 1].last, k.last);
        } else {
            keys[kept++] = k;
        }
    }
    keys.resize(kept);
}

/// Whether merged intervals are all keys there are.
template <class Key>
[[nodiscard]] bool is_whole(const key_set<Key>& keys) noexcept {
    return keys.size() == 1 && keys[0].first == Key{} && keys[0].last == key_traits<Key>::greatest;
}

/// Number of set bits. The baseline of x86-64 has no instruction for it, and std::popcount calls a function there.
[[nodiscard]] constexpr std::size_t count_ones(std::uint64_t x) noexcept {
#if defined(__POPCNT__) || defined(__aarch64__)
    return static_cast<std::size_t>(std::popcount(x));
#else
    x -= x >> 1 & 0x5555'5555'5555'5555U;
    x = (x & 0x3333'3333'3333'3333U) + (x >> 2 & 0x3333'3333'3333'3333U);
    x = (x + (x >> 4)) & 0x0f0f'0f0f'0f0f'0f0fU;
    return static_cast<std::size_t>(x * 0x0101'0101'0101'0101U >> 56);
#endif
}

/// Which bit stands for which rule.
struct rule_layout {
    std::vector<std::uint32_t> bit_of_rule{};
    std::vector<std::uint32_t> rule_of_bit{};     ///< npos where a group ends before its last word does
    std::vector<std::uint32_t> whole_of_word{};   ///< fields that the rules of the word are whole in, one bit each
    std::size_t summaries = 0;                    ///< summary words

    /// `whole_of_rule`: the fields that each rule is whole in. Rules that fit one word are not divided into groups,
    /// but a field in which all rules are whole is known as such.
    explicit rule_layout(std::vector<std::uint32_t> whole_of_rule) : bit_of_rule(whole_of_rule.size()) {
        if (whole_of_rule.size() <= 64) {
            std::uint32_t shared = ~std::uint32_t{0};
            for (const std::uint32_t whole : whole_of_rule) {
                shared &= whole;
            }
            std::fill(whole_of_rule.begin(), whole_of_rule.end(), shared);
        }
        std::vector<std::uint32_t> order(whole_of_rule.size());
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return whole_of_rule[a] < whole_of_rule[b]; });
        for (const std::uint32_t rule : order) {
            if (rule_of_bit.size() % 64 != 0 && whole_of_word.back() != whole_of_rule[rule]) {
                rule_of_bit.resize((rule_of_bit.size() + 63) / 64 * 64, npos);
            }
            if (rule_of_bit.size() % 64 == 0) {
                whole_of_word.push_back(whole_of_rule[rule]);
            }
            bit_of_rule[rule] = static_cast<std::uint32_t>(rule_of_bit.size());
            rule_of_bit.push_back(rule);
        }
        summaries = (whole_of_word.size() + 63) / 64;
    }
};

/// The rules that cover one key of one field.
class rule_row {
public:
    rule_row(const std::uint64_t* whole, const std::uint64_t* part) noexcept : whole_(whole), part_(part) {}

    /// One bit for each of the 64 words from word `64 * s` on: whether it may hold a rule.
    [[nodiscard]] std::uint64_t summary(std::size_t s) const noexcept { return whole_[s] | part_[2 * s]; }
    /// The rules of word `64 * s + bit`; the bit is set in the summary.
    [[nodiscard]] std::uint64_t word(std::size_t s, unsigned bit) const noexcept {
        const std::uint64_t below = part_[2 * s] & ((std::uint64_t{1} << bit) - 1);
        const std::uint64_t fill = 0 - (whole_[s] >> bit & 1U);
        return part_[part_[2 * s + 1] + count_ones(below)] | fill;  // a word past the row may be read, and is filled
    }

private:
    const std::uint64_t* whole_;  // a bit per word whose rules are whole in this field
    const std::uint64_t* part_;   // the others: (summary, place of its first word) pairs, then words that are not zero
};

/// One field of all rules.
template <class Key>
class rule_field {
    using traits = key_traits<Key>;

public:
    /// `rules[i]`: the merged keys of rule i; `field`: its bit in `whole_of_word`. False when `budget` bytes are not
    /// enough; otherwise `budget` is lowered by what was used.
    [[nodiscard]] bool build(const std::vector<key_set<Key>>& rules, const rule_layout& layout, unsigned field,
                             std::size_t& budget) {
        whole_.assign(layout.summaries, 0);
        for (std::size_t w = 0; w < layout.whole_of_word.size(); ++w) {
            whole_[w / 64] |= std::uint64_t{layout.whole_of_word[w] >> field & 1U} << w % 64;
        }
        std::vector<toggle> toggles;
        for (std::size_t rule = 0; rule < rules.size(); ++rule) {
            if ((layout.whole_of_word[layout.bit_of_rule[rule] / 64] >> field & 1U) != 0) {
                continue;
            }
            for (const auto& keys : rules[rule]) {
                toggles.push_back({keys.first, layout.bit_of_rule[rule]});
                if (keys.last != traits::greatest) {
                    toggles.push_back({traits::next(keys.last), layout.bit_of_rule[rule]});
                }
            }
        }
        std::sort(toggles.begin(), toggles.end(), [](const toggle& a, const toggle& b) { return a.at < b.at; });
        std::vector<std::uint64_t> current(64 * layout.summaries, 0);
        std::vector<Key> starts;
        std::unordered_multimap<std::uint64_t, std::uint32_t> known;
        std::size_t next = 0;
        for (Key at{};; at = toggles[next].at) {
            for (; next < toggles.size() && toggles[next].at == at; ++next) {
                current[toggles[next].bit / 64] ^= std::uint64_t{1} << toggles[next].bit % 64;
            }
            starts.push_back(at);
            rows_.push_back(store(current, known));
            if (memory_bytes() > budget) {
                return false;
            }
            if (next == toggles.size()) {
                break;
            }
        }
        words_.push_back(0);
        index_ = interval_index<Key>(starts);
        rows_.shrink_to_fit();
        words_.shrink_to_fit();
        if (memory_bytes() > budget) {
            return false;
        }
        budget -= memory_bytes();
        return true;
    }

    [[nodiscard]] rule_row find(Key key) const noexcept {
        return {whole_.data(), words_.data() + rows_[index_.find(key)]};
    }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return index_.memory_bytes() + 8 * (whole_.size() + words_.size()) + 4 * rows_.size();
    }

private:
    struct toggle {
        Key at;
        std::uint32_t bit;
    };

    /// Appends the row of `dense` unless an equal one is there; its place in `words_`.
    std::uint32_t store(const std::vector<std::uint64_t>& dense,
                        std::unordered_multimap<std::uint64_t, std::uint32_t>& known) {
        const std::size_t summaries = whole_.size();
        std::vector<std::uint64_t> row(2 * summaries, 0);
        for (std::size_t s = 0; s < summaries; ++s) {
            row[2 * s + 1] = row.size();
            for (std::size_t bit = 0; bit < 64; ++bit) {
                if (const std::uint64_t word = dense[64 * s + bit]; word != 0) {
                    row[2 * s] |= std::uint64_t{1} << bit;
                    row.push_back(word);
                }
            }
        }
        std::uint64_t hash = row.size();
        for (const std::uint64_t word : row) {
            hash = (hash ^ word) * 0x9e37'79b9'7f4a'7c15U;
            hash ^= hash >> 29;
        }
        const auto [first, last] = known.equal_range(hash);
        for (auto at = first; at != last; ++at) {
            if (words_.size() - at->second >= row.size() &&
                std::equal(row.begin(), row.end(), words_.begin() + static_cast<std::ptrdiff_t>(at->second))) {
                return at->second;
            }
        }
        const auto place = static_cast<std::uint32_t>(words_.size());
        words_.insert(words_.end(), row.begin(), row.end());
        known.emplace(hash, place);
        return place;
    }

    interval_index<Key> index_{};
    std::vector<std::uint32_t> rows_{};   // of each elementary interval
    std::vector<std::uint64_t> words_{};  // the rows
    std::vector<std::uint64_t> whole_{};
};

/// Rules over the fields `Keys`. Without `build` it matches nothing.
template <class... Keys>
class rule_classifier {
    static_assert(sizeof...(Keys) >= 1 && sizeof...(Keys) <= 8, "groups are a power of two of the fields");

public:
    /// One vector per field, each with one entry per rule, in order of matching; the intervals of an entry may overlap
    /// and stand in any order. False when it would take more than `budget` bytes, which is lowered by what was used;
    /// the classifier is then not to be used.
    [[nodiscard]] bool build(std::size_t& budget, std::vector<key_set<Keys>>... fields) {
        return build_each(budget, std::index_sequence_for<Keys...>{}, fields...);
    }

    /// The first rule that contains all keys, or `npos`.
    [[nodiscard]] std::uint32_t match(Keys... keys) const noexcept {
        return match_each(std::index_sequence_for<Keys...>{}, keys...);
    }

    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return 4 * rule_of_bit_.size() +
               std::apply([](const auto&... field) { return (field.memory_bytes() + ...); }, fields_);
    }

private:
    template <std::size_t... I>
    bool build_each(std::size_t& budget, std::index_sequence<I...>, std::vector<key_set<Keys>>&... fields) {
        std::vector<std::uint32_t> whole(std::get<0>(std::tie(fields...)).size(), 0);
        const auto prepare = [&](auto& rules, unsigned field) {
            for (std::size_t i = 0; i < rules.size(); ++i) {
                merge_intervals(rules[i]);
                whole[i] |= (is_whole(rules[i]) ? 1U : 0U) << field;
            }
        };
        (prepare(fields, static_cast<unsigned>(I)), ...);
        rule_layout layout(std::move(whole));
        if (!(std::get<I>(fields_).build(fields, layout, static_cast<unsigned>(I), budget) && ...)) {
            return false;
        }
        rule_of_bit_ = std::move(layout.rule_of_bit);
        summaries_ = layout.summaries;
        return true;
    }

    template <std::size_t... I>
    std::uint32_t match_each(std::index_sequence<I...>, Keys... keys) const noexcept {
        if (summaries_ == 0) {
            return npos;
        }
        const std::array<rule_row, sizeof...(Keys)> rows{std::get<I>(fields_).find(keys)...};
        std::uint32_t best = npos;
        for (std::size_t s = 0; s < summaries_; ++s) {
            for (std::uint64_t live = (rows[I].summary(s) & ...); live != 0; live &= live - 1) {
                const auto bit = static_cast<unsigned>(std::countr_zero(live));
                const std::uint64_t common = (rows[I].word(s, bit) & ...);
                if (common != 0) {  // a word that is all padding and fill does not occur
                    const std::size_t at = 64 * (64 * s + bit) + static_cast<std::size_t>(std::countr_zero(common));
                    best = std::min(best, rule_of_bit_[at]);
                }
            }
        }
        return best;
    }

    std::tuple<rule_field<Keys>...> fields_{};
    std::vector<std::uint32_t> rule_of_bit_{};
    std::size_t summaries_ = 0;
};

}  // namespace ikealg::inline v0::table

#endif
