// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/address_pools.hpp"

#include <doctest/doctest.h>

using namespace ikealg;
using nat::address_owner;

namespace {

ipv4_address a4(const char* text) {
    return ipv4_address::parse(text).value();
}
ipv6_address a6(const char* text) {
    return ipv6_address::parse(text).value();
}
address_range<ipv4> r4(const char* first, const char* last) {
    return {a4(first), a4(last)};
}

nat::address_pools<ipv4> sample() {
    return {{{vrf_id{0}, {r4("198.51.100.8", "198.51.100.11"), r4("198.51.100.2", "198.51.100.3")}, true, false},
             {vrf_id{0}, {r4("203.0.113.1", "203.0.113.1")}, true, true},
             {vrf_id{1}, {r4("198.51.100.0", "198.51.100.255")}, false, false}},
            {{vrf_id{0}, a4("10.0.0.16"), a4("192.0.2.32"), 16}, {vrf_id{0}, a4("10.0.0.1"), a4("192.0.2.1"), 1}}};
}

}  // namespace

TEST_CASE("N11: which addresses are ours, in each VRF") {
    const auto pools = sample();
    CHECK(pools.owner(vrf_id{0}, a4("198.51.100.8")) == address_owner::pool);
    CHECK(pools.owner(vrf_id{0}, a4("198.51.100.11")) == address_owner::pool);
    CHECK(pools.owner(vrf_id{0}, a4("198.51.100.12")) == address_owner::none);
    CHECK(pools.owner(vrf_id{0}, a4("198.51.100.4")) == address_owner::none);
    CHECK(pools.owner(vrf_id{0}, a4("198.51.100.1")) == address_owner::none);
    CHECK(pools.owner(vrf_id{0}, a4("203.0.113.1")) == address_owner::interface);
    CHECK(pools.owner(vrf_id{0}, a4("192.0.2.47")) == address_owner::static_nat);
    CHECK(pools.owner(vrf_id{0}, a4("192.0.2.48")) == address_owner::none);
    CHECK(pools.owner(vrf_id{1}, a4("198.51.100.12")) == address_owner::pool);
    CHECK(pools.owner(vrf_id{1}, a4("203.0.113.1")) == address_owner::none);
    CHECK(pools.owner(vrf_id{2}, a4("198.51.100.8")) == address_owner::none);
    CHECK(nat::address_pools<ipv4>{}.owner(vrf_id{0}, a4("198.51.100.8")) == address_owner::none);
    CHECK(to_string(address_owner::static_nat) == "static_nat");
}

TEST_CASE("N16: static mappings translate one address for one, both ways") {
    const auto pools = sample();
    for (std::uint32_t i = 0; i < 16; ++i) {
        CHECK(pools.static_nat(vrf_id{0}, a4("10.0.0.16").plus(i)) == a4("192.0.2.32").plus(i));
        CHECK(pools.static_client(vrf_id{0}, a4("192.0.2.32").plus(i)) == a4("10.0.0.16").plus(i));
    }
    CHECK(pools.static_nat(vrf_id{0}, a4("10.0.0.1")) == a4("192.0.2.1"));
    CHECK_FALSE(pools.static_nat(vrf_id{0}, a4("10.0.0.2")));
    CHECK_FALSE(pools.static_nat(vrf_id{0}, a4("10.0.0.32")));
    CHECK_FALSE(pools.static_nat(vrf_id{1}, a4("10.0.0.1")));
    CHECK_FALSE(pools.static_client(vrf_id{0}, a4("192.0.2.0")));
}

TEST_CASE("positions run through a pool's ranges in the order of the configuration") {
    const auto pools = sample();
    CHECK(pools.size(nat::pool_id{0}) == 6);
    CHECK(pools.at(nat::pool_id{0}, 0) == a4("198.51.100.8"));
    CHECK(pools.at(nat::pool_id{0}, 4) == a4("198.51.100.2"));
    for (std::uint16_t p = 0; p < pools.count(); ++p) {
        for (std::uint64_t i = 0; i < pools.size(nat::pool_id{p}); ++i) {
            const auto where = pools.find(pools[nat::pool_id{p}].vrf, pools.at(nat::pool_id{p}, i));
            REQUIRE(where);
            CHECK(where->pool == nat::pool_id{p});
            CHECK(where->position == i);
        }
    }
}

TEST_CASE("steering: shards share a pool's addresses evenly, or all of a pool that is too small") {
    const auto pools = sample();
    CHECK(pools.owner_shard(vrf_id{0}, a4("198.51.100.8"), 4) == 0U);
    CHECK(pools.owner_shard(vrf_id{0}, a4("198.51.100.11"), 4) == 3U);
    CHECK(pools.owner_shard(vrf_id{0}, a4("198.51.100.3"), 4) == 1U);
    CHECK_FALSE(pools.owner_shard(vrf_id{0}, a4("203.0.113.1"), 4));
    CHECK(pools.owner_shard(vrf_id{0}, a4("203.0.113.1"), 1) == 0U);
    CHECK_FALSE(pools.owner_shard(vrf_id{0}, a4("198.51.100.8"), 7));
    CHECK_FALSE(pools.owner_shard(vrf_id{0}, a4("8.8.8.8"), 1));
}

TEST_CASE("IPv6 pools beyond 2^64 addresses have saturated sizes") {
    const nat::address_pools<ipv6> pools{
        {{vrf_id{0}, {{a6("2001:db8::"), a6("2001:db8:0:ffff:ffff:ffff:ffff:ffff")}}, true, false}}, {}};
    CHECK(pools.size(nat::pool_id{0}) == ~std::uint64_t{0});
    CHECK(pools.owner(vrf_id{0}, a6("2001:db8::77")) == address_owner::pool);
    CHECK(pools.at(nat::pool_id{0}, 0x77) == a6("2001:db8::77"));
}
