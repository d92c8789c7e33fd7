// SPDX-License-Identifier: Apache-2.0
/// First match of many rules over several fields, by intersecting bit vectors.
///
/// A rule is a box: per field a set of intervals, and it matches a key tuple when every field's set contains the
/// field's key. Each field is cut into the elementary intervals on whose inside no rule begins or ends; each of
/// those has a row that tells which rules cover it. A lookup fetches one row per field and takes the first common bit.
///
/// Rows are two-level: a summary bit per 64 rules, then only the words that are not zero. Rules that cover a whole
/// field are kept apart, once per field, and equal rows are stored once, so a row is a few words for usual rule sets.
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
#include <optional>
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

/// The rules that cover one key of one field.
class rule_row {
public:
    rule_row(const std::uint64_t* whole, const std::uint64_t* part, std::size_t summaries) noexcept
        : whole_(whole), part_(part), summaries_(summaries) {}

    /// One bit for each of the 64 words from word `64 * s` on: whether it may hold a rule.
    [[nodiscard]] std::uint64_t summary(std::size_t s) const noexcept { return whole_[s] | part_[2 * s]; }
    /// The rules `64 * (64 * s + bit)` to 63 above.
    [[nodiscard]] std::uint64_t word(std::size_t s, unsigned bit) const noexcept {
        std::uint64_t rules = whole_[summaries_ + 64 * s + bit];
        const std::uint64_t mask = part_[2 * s];
        if ((mask >> bit & 1U) != 0) {
            const auto below = static_cast<std::size_t>(std::popcount(mask & ((std::uint64_t{1} << bit) - 1)));
            rules |= part_[part_[2 * s + 1] + below];
        }
        return rules;
    }

private:
    const std::uint64_t* whole_;  // rules that cover the field: summaries, then all words
    const std::uint64_t* part_;   // the others: (summary, place of its first word) pairs, then words that are not zero
    std::size_t summaries_;
};

/// One field of all rules.
template <class Key>
class rule_field {
    using traits = key_traits<Key>;

public:
    /// `rules[i]`: the keys of rule i, in any order, overlaps allowed. False when `budget` bytes are not enough;
    /// otherwise `budget` is lowered by what was used.
    [[nodiscard]] bool build(std::vector<key_set<Key>> rules, std::size_t& budget) {
        summaries_ = (rules.size() + 64 * 64 - 1) / (64 * 64);
        std::vector<std::uint64_t> current(64 * summaries_, 0);
        whole_.assign(summaries_ + 64 * summaries_, 0);
        std::vector<toggle> toggles;
        for (std::size_t rule = 0; rule < rules.size(); ++rule) {
            merge(rules[rule]);
            for (const auto& keys : rules[rule]) {
                if (keys.first == Key{} && keys.last == traits::greatest) {
                    whole_[summaries_ + rule / 64] |= std::uint64_t{1} << rule % 64;
                    whole_[rule / 4096] |= std::uint64_t{1} << rule / 64 % 64;
                    continue;
                }
                toggles.push_back({keys.first, rule});
                if (keys.last != traits::greatest) {
                    toggles.push_back({traits::next(keys.last), rule});
                }
            }
        }
        std::sort(toggles.begin(), toggles.end(), [](const toggle& a, const toggle& b) { return a.at < b.at; });
        std::vector<Key> starts;
        std::unordered_multimap<std::uint64_t, std::uint32_t> known;
        std::size_t next = 0;
        for (Key at{};; at = toggles[next].at) {
            for (; next < toggles.size() && toggles[next].at == at; ++next) {
                current[toggles[next].rule / 64] ^= std::uint64_t{1} << toggles[next].rule % 64;
            }
            starts.push_back(at);
            rows_.push_back(store(current, known));
            if (8 * words_.size() + 4 * rows_.size() > budget) {
                return false;
            }
            if (next == toggles.size()) {
                break;
            }
        }
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
        return {whole_.data(), words_.data() + rows_[index_.find(key)], summaries_};
    }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return index_.memory_bytes() + 8 * (whole_.size() + words_.size()) + 4 * rows_.size();
    }

private:
    struct toggle {
        Key at;
        std::size_t rule;
    };

    static void merge(key_set<Key>& keys) {
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

    /// Appends the row of `dense` unless an equal one is there; its place in `words_`.
    std::uint32_t store(const std::vector<std::uint64_t>& dense,
                        std::unordered_multimap<std::uint64_t, std::uint32_t>& known) {
        std::vector<std::uint64_t> row(2 * summaries_, 0);
        for (std::size_t s = 0; s < summaries_; ++s) {
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
    std::size_t summaries_ = 0;
};

/// Rules over the fields `Keys`. Without `build` it matches nothing.
template <class... Keys>
class rule_classifier {
public:
    /// One vector per field, each with one entry per rule, in order of matching. False when it would take more than
    /// `budget` bytes, which is lowered by what was used; the classifier is then not to be used.
    [[nodiscard]] bool build(std::size_t& budget, std::vector<key_set<Keys>>... fields) {
        summaries_ = (std::get<0>(std::tie(fields...)).size() + 64 * 64 - 1) / (64 * 64);
        return build_each(budget, std::index_sequence_for<Keys...>{}, std::move(fields)...);
    }

    /// The first rule that contains all keys, or `npos`.
    [[nodiscard]] std::uint32_t match(Keys... keys) const noexcept {
        return match_each(std::index_sequence_for<Keys...>{}, keys...);
    }

    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return std::apply([](const auto&... field) { return (field.memory_bytes() + ...); }, fields_);
    }

private:
    template <std::size_t... I>
    bool build_each(std::size_t& budget, std::index_sequence<I...>, std::vector<key_set<Keys>>... fields) {
        return (std::get<I>(fields_).build(std::move(fields), budget) && ...);
    }

    template <std::size_t... I>
    std::uint32_t match_each(std::index_sequence<I...>, Keys... keys) const noexcept {
        if (summaries_ == 0) {
            return npos;
        }
        const std::array<rule_row, sizeof...(Keys)> rows{std::get<I>(fields_).find(keys)...};
        for (std::size_t s = 0; s < summaries_; ++s) {
            std::uint64_t live = (rows[I].summary(s) & ...);
            for (; live != 0; live &= live - 1) {
                const auto bit = static_cast<unsigned>(std::countr_zero(live));
                if (const std::uint64_t common = (rows[I].word(s, bit) & ...); common != 0) {
                    const std::size_t word = 64 * s + bit;
                    return static_cast<std::uint32_t>(64 * word + static_cast<std::size_t>(std::countr_zero(common)));
                }
            }
        }
        return npos;
    }

    std::tuple<rule_field<Keys>...> fields_{};
    std::size_t summaries_ = 0;
};

}  // namespace ikealg::inline v0::table

#endif
