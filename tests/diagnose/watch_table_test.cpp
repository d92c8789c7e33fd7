// SPDX-License-Identifier: Apache-2.0
#include "ikealg/diagnose/watch_table.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>

using namespace ikealg;

namespace {

using table4 = diagnose::watch_table<ipv4>;
constexpr vrf_id vrf0{0};

table4 room_for(std::size_t capacity, std::size_t per_client) {
    return {capacity, per_client, hash_secret::from_seed(3)};
}
ipv4_address client(std::uint32_t n) {
    return {0x0a00'0000U + n};
}
ipv4_address server(std::uint32_t n) {
    return {0xc633'6400U + n};
}
/// Last octets of client and server of each record, the one used last first.
std::string order(const table4& t) {
    std::string text;
    t.for_each([&](vrf_id vrf, ipv4_address c, const diagnose::watch<ipv4>& w) {
        text += (vrf == vrf0 ? "" : "v") + std::to_string(c.value & 0xff) + '-' +
                std::to_string(w.server.value & 0xff) + ' ';
    });
    return text;
}

}  // namespace

TEST_CASE("one record for each vrf, client and server; whoever is looked for is the last that makes room") {
    table4 t = room_for(4, 4);
    CHECK(t.find(vrf0, client(1), server(1)) == nullptr);
    auto* const first = t.get(vrf0, client(1), server(1));
    REQUIRE(first != nullptr);
    first->mtu = 1400;
    CHECK(t.get(vrf0, client(1), server(2)) != first);
    CHECK(t.get(vrf_id{1}, client(1), server(1)) != first);
    CHECK(t.find(vrf0, client(2), server(1)) == nullptr);
    CHECK(t.size() == 3);
    CHECK(order(t) == "v1-1 1-2 1-1 ");
    CHECK(t.get(vrf0, client(1), server(1)) == first);
    CHECK(first->mtu == 1400);
    CHECK(order(t) == "1-1 v1-1 1-2 ");
    CHECK(t.evicted() == 0);
}

TEST_CASE("L2: a client with its share loses its own longest unused record, others lose nothing") {
    table4 t = room_for(8, 2);
    (void)t.get(vrf0, client(9), server(1));
    (void)t.get(vrf0, client(1), server(1));
    (void)t.get(vrf0, client(1), server(2));
    (void)t.find(vrf0, client(1), server(1));
    auto* const made = t.get(vrf0, client(1), server(3));
    REQUIRE(made != nullptr);
    CHECK(order(t) == "1-3 1-1 9-1 ");
    CHECK(t.evicted() == 1);
    made->mtu = 1300;
    (void)t.get(vrf0, client(1), server(1));
    (void)t.get(vrf0, client(1), server(4));
    CHECK(order(t) == "1-4 1-1 9-1 ");
    CHECK(t.find(vrf0, client(1), server(4))->mtu == 0);  // nothing of the record that was in its place
}

TEST_CASE("L1: a full table gives up the longest unused record of all, and forgets a client with its last one") {
    table4 t = room_for(3, 3);
    for (const std::uint32_t n : {1U, 2U, 3U}) {
        REQUIRE(t.get(vrf0, client(n), server(n)) != nullptr);
    }
    REQUIRE(t.get(vrf0, client(4), server(4)) != nullptr);
    CHECK(order(t) == "4-4 3-3 2-2 ");
    CHECK(t.find(vrf0, client(1), server(1)) == nullptr);
    for (std::uint32_t n = 5; n < 1000; ++n) {
        REQUIRE(t.get(vrf0, client(n), server(1)) != nullptr);  // room for clients too
    }
    CHECK(t.size() == 3);
    CHECK(t.capacity() == 3);
    CHECK(t.evicted() == 996);
}

TEST_CASE("with a share of one, a client's only record makes room for its next") {
    table4 t = room_for(2, 1);
    for (const std::uint32_t n : {1U, 2U, 3U}) {
        REQUIRE(t.get(vrf0, client(7), server(n)) != nullptr);
    }
    CHECK(order(t) == "7-3 ");
    CHECK(t.evicted() == 2);
}
