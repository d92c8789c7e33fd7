// SPDX-License-Identifier: Apache-2.0
/// What every part of the compiler needs: remarks with their place in the text, values read from words, and which statements had a meaning.
///
/// A statement that is asked for through `take` counts as used; what nobody asked for is named at the end as accepted but without effect. The
/// core names statements by their path (base/configuration_error.hpp); `locate` finds the longest beginning of such a path in the tree, and
/// `alias` serves paths that the text writes otherwise.
///
/// Thread safety: none; lives while one configuration is compiled. Complexity: a remark costs one walk through the tree.
#ifndef IKEALG_JUNOS_COMPILE_CONTEXT_HPP
#define IKEALG_JUNOS_COMPILE_CONTEXT_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/name_index.hpp"
#include "ikealg/junos/statement.hpp"

namespace ikealg::inline v0::junos {

/// "No value": a remark on the whole statement.
inline constexpr std::size_t whole_statement = static_cast<std::size_t>(-1);

/// Its values are one: A to B.
[[nodiscard]] inline bool is_range(const statement& s) {
    return s.values.size() == 3 && s.values[1] == "to";
}

/// The words of the statement `s` of the tree `root`, those around it first, with one of its values or all of them; a range stays whole.
[[nodiscard]] inline std::string words_of(const statement& root, const statement& s,
                                          std::size_t value = whole_statement) {
    std::vector<const statement*> path;
    const auto search = [&](const auto& self, const statement& from) -> bool {
        for (const auto& child : from.children) {
            path.push_back(&child);
            if (&child == &s || self(self, child)) {
                return true;
            }
            path.pop_back();
        }
        return false;
    };
    if (!search(search, root) || value >= s.values.size() || is_range(s)) {
        return path_of(path);
    }
    statement one;
    one.keyword = s.keyword;
    one.silent = s.silent;
    one.values = {s.values[value]};
    path.back() = &one;
    return path_of(path);
}

/// A place in the tree, and how much of a path led there.
struct located {
    const statement* at = nullptr;
    std::size_t value = whole_statement;
    std::size_t matched = 0;  ///< words of the path
};

/// The statement below `from` that the longest beginning of `path` names.
[[nodiscard]] inline located locate(const statement& from, const std::vector<std::string_view>& path,
                                    std::size_t matched = 0) {
    located best{nullptr, whole_statement, matched};
    const auto consider = [&best](located found) {
        if (found.at != nullptr && found.matched > best.matched) {
            best = found;
        }
    };
    for (const auto& child : from.children) {
        if (child.inactive || matched >= path.size() || (!child.silent && child.keyword != path[matched])) {
            continue;
        }
        const std::size_t first = matched + (child.silent ? 0U : 1U);
        std::size_t n = 0;
        while (n < child.values.size() && first + n < path.size() && child.values[n] == path[first + n]) {
            ++n;
        }
        if (n == child.values.size()) {
            consider({&child, whole_statement, first + n});
            consider(locate(child, path, first + n));
        } else if (child.children.empty()) {
            consider({&child, whole_statement, first});
            for (std::size_t i = 0; i < child.values.size() && first < path.size(); ++i) {
                if (child.values[i] == path[first]) {
                    consider({&child, i, first + 1});
                }
            }
        }
    }
    return best;
}

class compile_context {
public:
    explicit compile_context(const statement& root) : root_(root) {}

    [[nodiscard]] const statement& root() const noexcept { return root_; }

    // Remarks.

    void error(const statement& s, std::string message, std::size_t value = whole_statement) {
        errors_.push_back(remark(s, std::move(message), value));
    }
    void warn(const statement& s, std::string message, std::size_t value = whole_statement) {
        warnings_.push_back(remark(s, std::move(message), value));
    }
    /// `s` lacks something, in `part` of it if there is that. Not told when something in `s` could not be read: that
    /// may be what is missed.
    void missing(const statement& s, const statement* part, std::string message) {
        if (!s.faulty) {
            error(part != nullptr ? *part : s, std::move(message));
        }
    }
    void missing(const statement& s, std::string message) { missing(s, nullptr, std::move(message)); }
    /// The core calls `s` by `path`.
    void alias(std::string path, const statement& s) { aliases_.push_back({std::move(path), &s}); }
    /// Takes over the remarks of a `configuration_report` or of a `built` value.
    template <class Report>
    void add(const Report& report) {
        for (const auto& e : report.errors) {
            if (!may_be_said(e)) {
                errors_.push_back(remark(e));
            }
        }
        for (const auto& w : report.warnings) {
            if (!may_be_said(w)) {
                warnings_.push_back(remark(w));
            }
        }
    }
    /// The same, but only where nothing is remarked yet: for checks that find again what is known.
    template <class Report>
    void add_new(const Report& report) {
        const auto add_to = [this](std::vector<diagnostic>& known, const std::vector<configuration_error>& list) {
            const std::size_t before = known.size();
            for (const auto& e : list) {
                diagnostic d = remark(e);
                if (!may_be_said(e) && std::none_of(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(before),
                                                    [&](const auto& k) { return k.statement == d.statement; })) {
                    known.push_back(std::move(d));
                }
            }
        };
        add_to(errors_, report.errors);
        add_to(warnings_, report.warnings);
    }

    [[nodiscard]] bool clean() const noexcept { return errors_.empty(); }
    /// All remarks in the order of the text, each once.
    [[nodiscard]] std::vector<diagnostic> take_errors() { return in_order(std::move(errors_)); }
    [[nodiscard]] std::vector<diagnostic> take_warnings() { return in_order(std::move(warnings_)); }

    // Statements, which count as used then.

    const statement* take(const statement& parent, std::string_view keyword) {
        const statement* found = parent.find(keyword);
        if (found != nullptr) {
            used_.insert(found);
        }
        return found;
    }
    /// The statement at the end of a path of keywords.
    const statement* take(const statement& from, std::initializer_list<std::string_view> path) {
        const statement* at = &from;
        for (const auto keyword : path) {
            at = at == nullptr ? nullptr : take(*at, keyword);
        }
        return at;
    }
    [[nodiscard]] std::vector<const statement*> take_all(const statement& parent, std::string_view keyword) {
        auto found = parent.all(keyword);
        used_.insert(found.begin(), found.end());
        return found;
    }
    /// A word below `parent` that says all by being there.
    bool flag(const statement& parent, std::string_view word) { return take(parent, word) != nullptr; }
    /// Names every statement that nobody took; of a whole unused branch only its root.
    void warn_unused() { warn_unused_below(root_); }

    // Values; an error is reported and nothing given when the word does not fit.

    [[nodiscard]] std::optional<std::uint32_t> number(const statement& s, std::uint32_t low, std::uint32_t high,
                                                      std::size_t value = 0) {
        const auto text = word(s, value);
        if (!text) {
            return std::nullopt;
        }
        const auto n = ikealg::detail::parse_decimal(*text, 0xffff'ffff);
        if (!n || *n < low || *n > high) {
            error(s,
                  std::string(*text) + (n ? " is out of range" : " is not a number in range") + ", allowed are " +
                      std::to_string(low) + " to " + std::to_string(high),
                  value);
            return std::nullopt;
        }
        return n;
    }
    [[nodiscard]] std::optional<ipv4_address> address(const statement& s, std::size_t value = 0) {
        const auto text = word(s, value);
        const auto a = text ? ipv4_address::parse(*text) : std::nullopt;
        if (text && !a) {
            error(s, std::string(*text) + " is not an IPv4 address", value);
        }
        return a;
    }
    /// "A/L", or "A" as a host; host bits are an error unless `host_bits`.
    [[nodiscard]] std::optional<prefix<ipv4>> network(const statement& s, std::size_t value = 0,
                                                      bool host_bits = false) {
        const auto text = word(s, value);
        if (!text) {
            return std::nullopt;
        }
        const auto p = *text == "default" || *text == "0/0" ? prefix<ipv4>{} : prefix<ipv4>::parse(*text);
        if (!p) {
            error(s, std::string(*text) + " is not an IPv4 prefix", value);
            return std::nullopt;
        }
        if (const auto defect = defect_of(*p); defect && !host_bits) {
            error(s, *defect, value);
            return std::nullopt;
        }
        return p;
    }
    /// "A/L", or "A[/32] to B[/32]", beginning with value `first`.
    [[nodiscard]] std::optional<address_spec<ipv4>> addresses(const statement& s, std::size_t first = 0) {
        const auto from = network(s, first);
        if (!from || s.values.size() <= first + 1) {
            return from ? std::optional<address_spec<ipv4>>{*from} : std::nullopt;
        }
        const auto to = network(s, first + 2);
        if (!to) {
            return std::nullopt;
        }
        const address_range<ipv4> range{from->address, to->address};
        if (from->length != 32 || to->length != 32) {
            error(s, "the ends of a range are single addresses", from->length != 32 ? first : first + 2);
            return std::nullopt;
        }
        if (const auto defect = defect_of(address_spec<ipv4>{range})) {
            error(s, *defect, first);
            return std::nullopt;
        }
        return range;
    }

    /// Value `value` of `s`; an error when it has so few.
    [[nodiscard]] std::optional<std::string_view> word(const statement& s, std::size_t value = 0) {
        if (value < s.values.size()) {
            return std::string_view(s.values[value]);
        }
        error(s, s.keyword + " needs a value");
        return std::nullopt;
    }

private:
    struct name_of_core {
        std::string path;
        const statement* at;
    };

    [[nodiscard]] diagnostic remark(const statement& s, std::string message, std::size_t value) const {
        return {value < s.values_at.size() ? s.values_at[value] : s.at, words_of(root_, s, value), std::move(message)};
    }
    /// The core misses what the text may have said where it could not be read; as `missing`.
    [[nodiscard]] bool may_be_said(const configuration_error& e) const {
        const bool misses =
            e.message.find(" has no ") != std::string::npos || e.message.find("at least one ") != std::string::npos;
        const statement* at = misses ? place_of(e.path, split(e.path)).at : nullptr;
        return at != nullptr && at->faulty;
    }
    [[nodiscard]] located place_of(const std::string& name, const std::vector<std::string_view>& path) const {
        located place = locate(root_, path);
        for (const auto& known : aliases_) {
            const bool begins = name.compare(0, known.path.size(), known.path) == 0 &&
                                (name.size() == known.path.size() || name[known.path.size()] == ' ');
            if (!begins) {
                continue;
            }
            if (const std::size_t words = split(known.path).size(); words > place.matched) {
                const located deeper = locate(*known.at, path, words);
                place = deeper.at != nullptr ? deeper : located{known.at, whole_statement, words};
            }
        }
        return place;
    }
    [[nodiscard]] diagnostic remark(const configuration_error& e) const {
        const auto path = split(e.path);
        located place = place_of(e.path, path);
        if (place.at == nullptr) {
            return {{}, e.path, e.message};
        }
        if (place.matched == path.size() && place.at->children.empty() &&
            (place.at->values.size() == 1 || is_range(*place.at))) {
            place.value = 0;  // about the one value
        }
        diagnostic d = remark(*place.at, e.message, place.value);
        for (std::size_t i = place.matched; i < path.size(); ++i) {
            d.statement += ' ' + std::string(path[i]);
        }
        return d;
    }
    [[nodiscard]] static std::vector<std::string_view> split(std::string_view path) {
        std::vector<std::string_view> words;
        while (!path.empty()) {
            const auto end = std::min(path.find(' '), path.size());
            if (end != 0) {
                words.push_back(path.substr(0, end));
            }
            path.remove_prefix(std::min(end + 1, path.size()));
        }
        return words;
    }
    [[nodiscard]] static std::vector<diagnostic> in_order(std::vector<diagnostic> list) {
        const auto key = [](const diagnostic& d) {
            return std::tie(d.at.source, d.at.line, d.at.column, d.statement, d.message);
        };
        std::sort(list.begin(), list.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
        list.erase(
            std::unique(list.begin(), list.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); }),
            list.end());
        return list;
    }
    void warn_unused_below(const statement& s) {
        for (const auto& child : s.children) {
            if (child.inactive) {
                continue;
            }
            if (used_.count(&child) != 0) {
                warn_unused_below(child);
            } else {
                warn(child, "accepted, but without effect");
            }
        }
    }

    const statement& root_;
    std::vector<diagnostic> errors_{};
    std::vector<diagnostic> warnings_{};
    std::vector<name_of_core> aliases_{};
    std::unordered_set<const statement*> used_{};
};

}  // namespace ikealg::inline v0::junos

#endif
