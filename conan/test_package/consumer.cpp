// SPDX-License-Identifier: Apache-2.0
/// The package, used: exits 0 when the headers are there and do what they say.
#include <ikealg/ikealg.hpp>

int main() {
    const auto address = ikealg::ipv4_address::parse("192.0.2.1");
    return address && ikealg::to_string(*address) == "192.0.2.1" ? 0 : 1;
}
