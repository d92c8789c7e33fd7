// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/mss_clamp.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;

namespace {

const ipv4_address a = v4("10.0.0.5"), b = v4("198.51.100.1");

octets syn(std::uint8_t flags, const octets& options, const ip_fields& f = {}, const octets& payload = {}) {
    octets t(20);
    store_be16(&t[0], 1000);
    store_be16(&t[2], 80);
    t[12] = static_cast<std::uint8_t>((5 + options.size() / 4) << 4);
    t[13] = flags;
    t = joined(joined(t, options), payload);
    store_be16(&t[16], checksum(t.data(), t.size(), pseudo_sum(a, b, 6, t.size())));
    return ip4(6, a, b, t, f);
}

}  // namespace

TEST_CASE("SYN and SYN-ACK announce no more than the bound, with a right checksum") {
    for (const std::uint8_t flags : octets{0x02, 0x12, 0xc2}) {
        octets p = syn(flags, hex("020405b4"));
        CHECK(host::clamp_mss(p, 1350));
        CHECK(p == syn(flags, hex("02040546")));
    }
    octets odd = syn(2, hex("01020405b4010101"));  // the value straddles two checksum words
    CHECK(host::clamp_mss(odd, 1350));
    CHECK(odd == syn(2, hex("0102040546010101")));
    octets behind = syn(2, hex("04020303 07080a00"));
    CHECK(!host::clamp_mss(behind, 1350));
}

TEST_CASE("everything else stays as it is") {
    const auto stays = [](octets p) {
        const octets before = p;
        const bool changed = host::clamp_mss(p, 1350);
        return !changed && p == before;
    };
    CHECK(stays(syn(2, hex("02040546"))));
    CHECK(stays(syn(2, hex("02040218"))));
    CHECK(stays(syn(2, {})));
    CHECK(stays(syn(0x10, hex("020405b4"))));
    CHECK(stays(syn(2, hex("020305b4"))));
    CHECK(stays(syn(2, hex("00000000020405b4"))));
    CHECK(stays(syn(2, hex("01010204"))));
    CHECK(stays(syn(2, hex("020405b4"), {64, 1, false, true, 5})));
    CHECK(stays(udp(a, 1, b, 2, octets(40, 2))));
    octets lies = syn(2, hex("020405b4"));
    lies[32] = 0xf0;
    CHECK(stays(lies));
    octets tiny = ip4(6, a, b, octets(13));
    CHECK(stays(tiny));
    CHECK(stays(hex("4500")));
}
