// SPDX-License-Identifier: Apache-2.0
/// The rows of the table of statements by their path.
#ifndef IKEALG_TESTS_JUNOS_ROWS_HPP
#define IKEALG_TESTS_JUNOS_ROWS_HPP

#include <algorithm>
#include <string_view>

#include "ikealg/junos/schema.hpp"

namespace ikealg::tests {

/// The row that a path of keywords leads to.
inline const junos::schema_node* row_of(std::string_view path) {
    const junos::schema_node* here = &junos::schema;
    while (!path.empty() && here != nullptr) {
        const auto end = std::min(path.find(' '), path.size());
        here = here->find(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return here;
}

}  // namespace ikealg::tests

#endif
