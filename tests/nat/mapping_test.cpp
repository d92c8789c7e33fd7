// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/mapping.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

using namespace ikealg;
using nat::pool_id;

TEST_CASE("N1, N13: client, vrf and pool make the key, each in bits of its own") {
    nat::mapping<ipv4> m;
    m.client = {0x0a00'0001};
    m.vrf = vrf_id{0xabcd};
    m.pool = pool_id{0x1234};
    m.nat = {0xcb00'7105};
    const auto key = m.key();
    CHECK(key == nat::mapping_key<ipv4>{{0x0a00'0001}, vrf_id{0xabcd}, pool_id{0x1234}});
    CHECK(key.words() == std::array<std::uint64_t, 1>{0x0a00'0001'abcd'1234});

    nat::mapping<ipv6> six;
    six.client = {0xfd00'0000'0000'0000, 2};
    six.vrf = vrf_id{0xffff};
    six.pool = pool_id{0};
    CHECK(six.key().words() == std::array<std::uint64_t, 3>{0xfd00'0000'0000'0000, 2, 0xffff'0000});
}

TEST_CASE("what may change while a mapping lives is not in its key") {
    nat::mapping<ipv4> m;
    m.client = {0x0a00'0001};
    const auto key = m.key();
    m.nat = {0xcb00'7105};
    m.state = nat::mapping_state::retired;
    m.exclusive = m.wants_new_address = true;
    m.references = 7;
    CHECK(m.key() == key);
    m.pool = pool_id{1};
    CHECK_FALSE(m.key() == key);
}
