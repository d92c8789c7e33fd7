// SPDX-License-Identifier: Apache-2.0
/// Two translation units that include everything link into one program and see the same objects.
#include "ikealg/ikealg.hpp"

const ikealg::version_number* version_seen_by_other();

int main() {
    return version_seen_by_other() == &ikealg::version ? 0 : 1;
}
