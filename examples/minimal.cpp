// SPDX-License-Identifier: Apache-2.0
// The README's first program: one IKE message of a client goes out through the nat address.
#include <cstdio>

#include "ikealg/ikealg.hpp"
#include "ikealg/io/memory.hpp"
using namespace ikealg;

int main() {
    const auto nat = *ipv4_address::parse("203.0.113.1");
    auto s = settings<ipv4>::source_nat(*prefix<ipv4>::parse("10.0.0.0/8"), {nat, nat});
    s.alg.enabled = true;  // security alg ike-esp-nat enable
    auto made = gateway<ipv4, io::memory_packet>::create(s, {});
    const std::array<std::uint8_t, 56> ike_sa_init{0x45, 0, 0, 56, 0, 1, 0x40, 0, 64, 17, 0x31, 0x58, 10, 0, 0, 11, 198, 51, 100, 1,
                                                   1, 0xf4, 1, 0xf4, 0, 36, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0,
                                                   0, 0, 0, 0, 33, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, 28};
    std::array<io::memory_packet, 1> burst{io::memory_packet(ike_sa_init, zone_id{0})};
    made.value->process(burst, instant{}, [](io::memory_packet&& p, verdict v) {
        std::printf("%s from %s\n", to_string(v.act).data(), to_string(ipv4_address::load(p.network().data() + 12)).c_str());
    });
}
