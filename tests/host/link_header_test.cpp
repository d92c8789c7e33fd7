// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/link_header.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;

namespace {
const wire::mac_address a{{2, 0, 0, 0, 0, 1}}, b{{2, 0, 0, 0, 0, 2}};
}

TEST_CASE("headers are written as they travel, and read back") {
    const host::link_header plain(a, b, 0, wire::ether_type::ipv4);
    CHECK(to_hex(plain.bytes()) == "0200000000010200000000020800");
    const host::link_header tagged(a, b, 4094, wire::ether_type::arp);
    CHECK(to_hex(tagged.bytes()) == "02000000000102000000000281000ffe0806");
    const auto f = host::read_link_header(tagged.bytes());
    CHECK(f.valid);
    CHECK(f.vlan == 4094);
    CHECK(f.destination == a);
    CHECK(f.source == b);
    CHECK(f.type == wire::ether_type::arp);
    CHECK(!f.service_tag);
}

TEST_CASE("priority tags are no tags; service tags and two tags are told; what is cut is not valid") {
    CHECK(host::read_link_header(hex("0200000000010200000000028100e0000800")).vlan == 0);
    CHECK(host::read_link_header(hex("020000000001020000000002810060070800")).vlan == 7);
    CHECK(host::read_link_header(hex("02000000000102000000000288a800070800")).service_tag);
    CHECK(host::read_link_header(hex("0200000000010200000000028100000781000008 0800")).service_tag);
    CHECK(!host::read_link_header(hex("02000000000102000000000281000007")).valid);
    CHECK(!host::read_link_header({}).valid);
}
