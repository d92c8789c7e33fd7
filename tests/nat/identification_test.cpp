// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/identification.hpp"

#include <bitset>
#include <memory>

#include <doctest/doctest.h>

using namespace ikealg;

TEST_CASE("N15: a pair's identifications are all 65536 before one repeats, other pairs on its counter or not") {
    const ipv4_address nat{0xc633'6401};
    nat::identification_counters ids(4, hash_secret::from_seed(3));
    auto seen = std::make_unique<std::bitset<65536>>();
    const auto first = ids.next(vrf_id{0}, nat, {0xcb00'7101});
    seen->set(first);
    for (int i = 1; i < 65536; ++i) {
        seen->set(ids.next(vrf_id{0}, nat, {0xcb00'7101}));
    }
    CHECK(seen->all());
    CHECK(ids.next(vrf_id{0}, nat, {0xcb00'7101}) == first);

    nat::identification_counters one(1, hash_secret::from_seed(4));
    seen->reset();
    for (std::uint32_t i = 0; i < 65536 / 8; ++i) {
        const auto id = one.next(vrf_id{0}, nat, {0xcb00'7101});
        REQUIRE_FALSE(seen->test(id));
        seen->set(id);
        for (std::uint32_t other = 1; other < 8; ++other) {
            static_cast<void>(one.next(vrf_id{0}, nat, {0xcb00'7101 + other}));
        }
    }
}

TEST_CASE("N15: the secret and the VRF decide where a pair begins") {
    unsigned differ = 0;
    for (std::uint32_t i = 0; i < 64; ++i) {
        nat::identification_counters a(1, hash_secret::from_seed(1));
        nat::identification_counters b(1, hash_secret::from_seed(2));
        nat::identification_counters c(1, hash_secret::from_seed(1));
        const auto id = a.next(vrf_id{0}, {i}, {7});
        differ += id != b.next(vrf_id{0}, {i}, {7}) ? 1U : 0U;
        differ += id != c.next(vrf_id{1}, {i}, {7}) ? 1U : 0U;
    }
    CHECK(differ > 120);
}

TEST_CASE("N15: atomic is DF without more fragments and without offset (RFC 6864 4)") {
    CHECK(nat::is_atomic(0x4000));
    CHECK(nat::is_atomic(0xc000));
    CHECK_FALSE(nat::is_atomic(0x0000));
    CHECK_FALSE(nat::is_atomic(0x2000));
    CHECK_FALSE(nat::is_atomic(0x6000));
    CHECK_FALSE(nat::is_atomic(0x4001));
    CHECK_FALSE(nat::is_atomic(0x5fff));
}
