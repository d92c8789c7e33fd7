// SPDX-License-Identifier: Apache-2.0
/// The consumer's second translation unit.
#include <ikealg/ikealg.hpp>

bool other_agrees(ikealg::ipv4_address address);

bool other_agrees(ikealg::ipv4_address address) {
    return ikealg::to_string(address) == "192.0.2.1";
}
