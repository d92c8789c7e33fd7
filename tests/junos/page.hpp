// SPDX-License-Identifier: Apache-2.0
/// docs/configuration.md, and lists as it has them.
#ifndef IKEALG_TESTS_JUNOS_PAGE_HPP
#define IKEALG_TESTS_JUNOS_PAGE_HPP

#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace ikealg::tests {

inline std::string configuration_page() {
    std::ifstream in(std::string(IKEALG_TEST_CAPTURES) + "/../../docs/configuration.md", std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A paragraph of the items with commas between them.
inline std::string paragraph(const std::vector<std::string>& items) {
    constexpr std::size_t width = 120;
    std::string text;
    std::size_t column = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string item = items[i] + (i + 1 == items.size() ? "." : ",");
        if (column != 0 && column + 1 + item.size() > width) {
            text += '\n';
            column = 0;
        }
        text += (column == 0 ? "" : " ") + item;
        column += (column == 0 ? 0U : 1U) + item.size();
    }
    return text;
}

/// The page has this paragraph.
inline void check_documented(const std::vector<std::string>& items) {
    const std::string text = paragraph(items);
    INFO("docs/configuration.md has to have:\n" << text);
    CHECK(configuration_page().find("\n\n" + text + '\n') != std::string::npos);
}

}  // namespace ikealg::tests

#endif
