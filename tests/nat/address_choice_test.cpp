// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/address_choice.hpp"

#include <cstdint>
#include <set>

#include <doctest/doctest.h>

using namespace ikealg;
using nat::pool_id;

namespace {

constexpr vrf_id vrf0{0};
constexpr pool_id pool0{0};

ipv4_address a4(const char* text) {
    return ipv4_address::parse(text).value();
}

using choice4 = nat::address_choice<ipv4>;
using pools4 = nat::address_pools<ipv4>;

pools4 one_pool(const char* first, const char* last, bool translation = true) {
    return {{{vrf0, {{a4(first), a4(last)}}, translation, false}}, {}};
}
const auto nobody = [](ipv4_address) { return false; };
const auto somebody = [](ipv4_address) { return true; };

}  // namespace

TEST_CASE("N2: an address with no other client toward the server comes before a less loaded one") {
    choice4 c(one_pool("198.51.100.1", "198.51.100.3"), 0, 1, 16);
    const auto has_other = [&](ipv4_address n) { return n != a4("198.51.100.3"); };
    for (std::uint32_t i = 0; i < 4; ++i) {
        const std::uint32_t node = c.choose(pool0, npos, has_other);
        CHECK(c.nat(node) == a4("198.51.100.3"));
        c.occupy(node, i);
    }
    CHECK(c.load(c.find(vrf0, a4("198.51.100.3"))) == 4);
    CHECK(c.nat(c.choose(pool0, npos, somebody)) == a4("198.51.100.1"));
}

TEST_CASE("N2: at most 64 addresses are asked about, least loaded first") {
    const choice4 c(one_pool("198.18.0.0", "198.18.255.255"), 0, 1, 4096);
    unsigned asked = 0;
    const std::uint32_t node = c.choose(pool0, npos, [&](ipv4_address) { return ++asked, true; });
    CHECK(asked == 64);
    CHECK(c.nat(node) == a4("198.18.0.0"));
}

TEST_CASE("E8: the address to avoid is taken only when there is no other") {
    for (const bool translation : {true, false}) {
        CAPTURE(translation);
        const choice4 two(one_pool("198.51.100.1", "198.51.100.2", translation), 0, 1, 16);
        const std::uint32_t first = two.find(vrf0, a4("198.51.100.1"));
        CHECK(two.nat(two.choose(pool0, first, nobody)) == a4("198.51.100.2"));
        CHECK(two.nat(two.choose(pool0, first, somebody)) == a4("198.51.100.2"));
        const choice4 one(one_pool("198.51.100.1", "198.51.100.1", translation), 0, 1, 16);
        CHECK(one.choose(pool0, first, nobody) == first);
    }
}

TEST_CASE("N6: a pool without port translation gives an address that nobody has, else none (N17)") {
    choice4 c(one_pool("198.51.100.1", "198.51.100.2", false), 0, 1, 16);
    const std::uint32_t first = c.choose(pool0, npos, somebody);
    CHECK_FALSE(c.translates(first));
    c.occupy(first, 7);
    const std::uint32_t second = c.choose(pool0, npos, somebody);
    CHECK(second != first);
    c.occupy(second, 8);
    CHECK(c.choose(pool0, npos, nobody) == npos);
    c.vacate(first, 7);
    CHECK(c.choose(pool0, npos, nobody) == first);
}

TEST_CASE("the first occupant is who came to an address without load, and nobody when that one has gone") {
    choice4 c(one_pool("198.51.100.1", "198.51.100.1"), 0, 1, 16);
    const std::uint32_t node = c.find(vrf0, a4("198.51.100.1"));
    CHECK(c.first_occupant(node) == npos);
    c.occupy(node, 7);
    c.occupy(node, 8);
    CHECK(c.first_occupant(node) == 7);
    c.vacate(node, 7);
    CHECK(c.load(node) == 1);
    CHECK(c.first_occupant(node) == npos);
}

TEST_CASE("N16: no pool hands out a static client's address") {
    const choice4 c({{{vrf0, {{a4("198.51.100.1"), a4("198.51.100.2")}}, true, false}},
                     {{vrf0, a4("10.0.0.9"), a4("198.51.100.1"), 1}}},
                    0, 1, 16);
    CHECK(c.find(vrf0, a4("198.51.100.1")) == npos);
    CHECK(c.nat(c.choose(pool0, npos, somebody)) == a4("198.51.100.2"));
}

TEST_CASE("shards hand out disjoint addresses of one pool, each its own") {
    std::set<std::uint32_t> seen;
    for (std::uint32_t shard = 0; shard < 3; ++shard) {
        choice4 c(one_pool("198.51.100.0", "198.51.100.9", false), shard, 3, 16);
        for (std::uint32_t node = c.choose(pool0, npos, nobody); node != npos; node = c.choose(pool0, npos, nobody)) {
            c.occupy(node, 0);
            CHECK(c.pools().owner_shard(vrf0, c.nat(node), 3) == shard);
            CHECK(c.find(vrf0, c.nat(node)) == node);
            CHECK(c.pool(node) == pool0);
            CHECK(seen.insert(c.nat(node).value).second);
        }
        CHECK(c.find(vrf0, a4("198.51.100.0").plus((shard + 1) % 3)) == npos);
    }
    CHECK(seen.size() == 10);
}

TEST_CASE("N2: an IPv6 pool of 2^64 addresses serves as many clients as there is room for") {
    const auto base = ipv6_address::parse("2001:db8::").value();
    nat::address_choice<ipv6> c({{{vrf0, {{base, base.plus(~std::uint64_t{0})}}, false, false}}, {}}, 0, 1, 50);
    const auto nobody6 = [](ipv6_address) { return false; };
    for (std::uint32_t i = 0; i < 50; ++i) {
        const std::uint32_t node = c.choose(pool0, npos, nobody6);
        REQUIRE(node != npos);
        CHECK(c.nat(node) == base.plus(i));
        c.occupy(node, i);
    }
    CHECK(c.choose(pool0, npos, nobody6) == npos);
    CHECK(c.find(vrf0, base.plus(50)) == npos);
}
