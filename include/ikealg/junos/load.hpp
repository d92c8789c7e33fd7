// SPDX-License-Identifier: Apache-2.0
/// From texts to settings in one step: `read` and `compile`, and the remarks of both in the order of the texts.
///
/// What could be read is compiled also when something could not, so that wrong references and values are told together with misspelt words; a
/// statement that was not understood may then be missed by another one. A place has one error for its form: the reader's.
///
/// Thread safety: none needed; no globals. Configuration path only. Nothing is thrown.
#ifndef IKEALG_JUNOS_LOAD_HPP
#define IKEALG_JUNOS_LOAD_HPP

#include <algorithm>
#include <iterator>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "ikealg/junos/compile.hpp"
#include "ikealg/junos/reader.hpp"

namespace ikealg::inline v0::junos {

/// `exists(std::string_view)` says whether the machine has a network device of that name.
template <class Exists>
[[nodiscard]] configuration_result load(std::span<const source_text> sources, const Exists& exists) {
    auto text = read(sources);
    auto result = compile(text.root, exists);
    const auto join = [](std::vector<diagnostic>& all, std::vector<diagnostic>& more) {
        all.insert(all.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
        const auto place = [](const diagnostic& d) { return std::tie(d.at.source, d.at.line, d.at.column); };
        std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
    };
    if (!text.errors.empty()) {
        result.value.reset();
    }
    const auto told = [&](const diagnostic& d) {
        return std::any_of(text.errors.begin(), text.errors.end(), [&](const diagnostic& t) { return t.at == d.at; });
    };
    for (auto* remarks : {&result.errors, &result.warnings}) {
        remarks->erase(std::remove_if(remarks->begin(), remarks->end(), told), remarks->end());
    }
    join(result.errors, text.errors);
    join(result.warnings, text.warnings);
    return result;
}

}  // namespace ikealg::inline v0::junos

#endif
