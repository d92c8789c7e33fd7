// SPDX-License-Identifier: Apache-2.0
/// Texts in Junos words, read: the tree of those that are in order, the errors of the others.
#ifndef IKEALG_TESTS_JUNOS_TEXTS_HPP
#define IKEALG_TESTS_JUNOS_TEXTS_HPP

#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/junos/reader.hpp"
#include "ikealg/junos/writer.hpp"

namespace ikealg::tests {

inline junos::source_text file(const std::string& name) {
    std::ifstream in(std::string(IKEALG_TEST_CAPTURES) + "/../junos/data/" + name, std::ios::binary);
    REQUIRE(in.good());
    return {name, {std::istreambuf_iterator<char>(in), {}}};
}

/// The tree of a text that is in order.
inline junos::statement clean(std::string_view text) {
    const junos::read_result r = junos::read(text);
    for (const auto& d : r.errors) {
        FAIL_CHECK(junos::to_string(d, {}));
    }
    CHECK(r.warnings.empty());
    return r.root;
}
inline std::string lines(std::string_view text) {
    return junos::write_set(clean(text));
}

/// LINE:COLUMN message
inline std::vector<std::string> errors(std::string_view text) {
    const junos::read_result r = junos::read(text);
    std::vector<std::string> list;
    for (const junos::diagnostic& d : r.errors) {
        list.push_back(std::to_string(d.at.line) + ':' + std::to_string(d.at.column) + ' ' + d.message);
    }
    return list;
}
inline std::string only_error(std::string_view text) {
    const auto list = errors(text);
    CAPTURE(text);
    for (std::size_t i = 1; i < list.size(); ++i) {
        FAIL_CHECK(list[i]);
    }
    return list.empty() ? std::string("no error") : list.front();
}

}  // namespace ikealg::tests

#endif
