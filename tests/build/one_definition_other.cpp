// SPDX-License-Identifier: Apache-2.0
/// The second translation unit of one_definition.cpp.
#include "ikealg/ikealg.hpp"

const ikealg::version_number* version_seen_by_other();

const ikealg::version_number* version_seen_by_other() {
    return &ikealg::version;
}
