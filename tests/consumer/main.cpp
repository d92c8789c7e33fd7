// SPDX-License-Identifier: Apache-2.0
/// A consumer: two translation units with everything in them.
#include <ikealg/ikealg.hpp>

bool other_agrees(ikealg::ipv4_address address);

int main() {
    const auto address = ikealg::ipv4_address::parse("192.0.2.1");
    return address && other_agrees(*address) ? 0 : 1;
}
