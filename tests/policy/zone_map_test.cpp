// SPDX-License-Identifier: Apache-2.0
#include "ikealg/policy/zone_map.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "support/addresses.hpp"

using namespace ikealg;
using policy::zone_map;
using policy::zone_network;
using tests::block;
using tests::numbered;

TEST_CASE_TEMPLATE("the longest prefix decides the zone", Family, ipv4, ipv6) {
    const zone_map<Family> map({{vrf_id{0}, {}, zone_id{0}},
                                {vrf_id{0}, block<Family>(0x100, 8), zone_id{1}},
                                {vrf_id{0}, block<Family>(0x100, 4), zone_id{2}},
                                {vrf_id{0}, block<Family>(0x1ff, 0), zone_id{3}},
                                {vrf_id{7}, block<Family>(0x100, 8), zone_id{4}}});
    const auto zone = [&](std::uint16_t vrf, std::uint32_t n) { return map.find(vrf_id{vrf}, numbered<Family>(n)); };
    CHECK(zone(0, 0xff) == zone_id{0});
    CHECK(zone(0, 0x100) == zone_id{2});
    CHECK(zone(0, 0x10f) == zone_id{2});
    CHECK(zone(0, 0x110) == zone_id{1});
    CHECK(zone(0, 0x1fe) == zone_id{1});
    CHECK(zone(0, 0x1ff) == zone_id{3});
    CHECK(zone(0, 0x200) == zone_id{0});
    CHECK(map.find(vrf_id{0}, all_addresses<Family>().last) == zone_id{0});
    CHECK(zone(7, 0x1ff) == zone_id{4});
    CHECK_FALSE(zone(7, 0x200));
    CHECK_FALSE(zone(7, 0));
    CHECK_FALSE(zone(1, 0x100));
    CHECK_FALSE(zone_map<Family>().find(vrf_id{0}, numbered<Family>(1)));
}

TEST_CASE_TEMPLATE("thousands of nested prefixes agree with a search through all of them", Family, ipv4, ipv6) {
    constexpr std::uint64_t seed = 5;
    CAPTURE(seed);
    small_random random(seed);
    std::vector<zone_network<Family>> networks;
    for (int i = 0; i < 4000; ++i) {
        const auto host_bits = static_cast<unsigned>(random() % 12);
        const auto n = static_cast<std::uint32_t>(random() % 0x10000) >> host_bits << host_bits;
        const zone_network<Family> network{vrf_id{static_cast<std::uint16_t>(i % 2)}, block<Family>(n, host_bits),
                                           zone_id{static_cast<std::uint16_t>(random() % 500)}};
        if (std::none_of(networks.begin(), networks.end(),
                         [&](const auto& o) { return o.vrf == network.vrf && o.network == network.network; })) {
            networks.push_back(network);
        }
    }
    const zone_map<Family> map(networks);
    std::size_t wrong = 0;
    for (int q = 0; q < 3000; ++q) {
        const vrf_id vrf{static_cast<std::uint16_t>(random() % 2)};
        const auto a = numbered<Family>(static_cast<std::uint32_t>(random() % 0x10800));
        const zone_network<Family>* longest = nullptr;
        for (const auto& n : networks) {
            if (n.vrf == vrf && n.network.contains(a) &&
                (longest == nullptr || n.network.length > longest->network.length)) {
                longest = &n;
            }
        }
        const auto expected = longest == nullptr ? std::nullopt : std::optional{longest->zone};
        wrong += map.find(vrf, a) == expected ? 0U : 1U;
    }
    CHECK(wrong == 0);
}
