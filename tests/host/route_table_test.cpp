// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/route_table.hpp"

#include <doctest/doctest.h>

#include <random>

#include "support/packets.hpp"

using namespace ikealg_tests;

namespace {

using table_type = host::route_table<ipv4>;

prefix<ipv4> net(std::string_view text) { return *prefix<ipv4>::parse(text); }

/// The slow way: look at all of them.
std::uint32_t slow(const std::vector<host::connected_route<ipv4>>& connected, const std::vector<host::static_route<ipv4>>& statics, ipv4_address a,
                   ipv4_address& next_hop) {
    int best = -1;
    std::uint32_t interface = npos;
    for (const auto& c : connected) {
        if (c.network.contains(a) && c.network.length >= best) {
            best = c.network.length;
            interface = c.interface;
            next_hop = a;
        }
    }
    for (const auto& s : statics) {
        if (s.destination.contains(a) && s.destination.length > best) {
            best = s.destination.length;
            next_hop = s.next_hop;
            ipv4_address ignored;
            interface = slow(connected, {}, s.next_hop, ignored);
        }
    }
    return interface;
}

}  // namespace

TEST_CASE("longest prefix, connected before static, none without a route") {
    const auto made = table_type::build({{net("10.0.0.0/24"), 0}, {net("192.0.2.0/24"), 1}},
                                        {{net("0.0.0.0/0"), v4("192.0.2.254")}, {net("10.0.0.0/8"), v4("10.0.0.9")}, {net("10.0.0.0/24"), v4("192.0.2.9")},
                                         {net("10.1.2.3/32"), v4("192.0.2.7")}});
    REQUIRE(made);
    const auto& t = *made.value;
    CHECK(t.find(v4("10.0.0.77"))->connected);
    CHECK(t.find(v4("10.0.0.77"))->interface == 0);
    CHECK(t.find(v4("10.1.2.3"))->next_hop == v4("192.0.2.7"));
    CHECK(t.find(v4("10.1.2.4"))->next_hop == v4("10.0.0.9"));
    CHECK(t.find(v4("11.0.0.0"))->next_hop == v4("192.0.2.254"));
    CHECK(t.find(v4("255.255.255.255"))->interface == 1);
    CHECK(t.routes().size() == 5);
    const auto few = table_type::build({{net("10.0.0.0/24"), 0}}, {});
    CHECK(few.value->find(v4("10.0.1.0")) == nullptr);
    CHECK(few.value->find(v4("9.255.255.255")) == nullptr);
    CHECK(table_type{}.find(v4("10.0.0.1")) == nullptr);
}

TEST_CASE("a next hop must be on a connected network, each that is not is an error") {
    const auto made = table_type::build({{net("10.0.0.0/24"), 0}},
                                        {{net("0.0.0.0/0"), v4("10.0.0.254")}, {net("20.0.0.0/8"), v4("10.0.1.1")}, {net("30.0.0.0/8"), v4("20.0.0.1")}});
    CHECK(!made);
    REQUIRE(made.errors.size() == 2);
    CHECK(made.errors[0].path == "routing-options static route 20.0.0.0/8 next-hop 10.0.1.1");
    CHECK(made.errors[0].message == "the next hop is on no connected network");
}

TEST_CASE("the same answers as the slow way, up to many routes") {
    for (const std::size_t count : {3UL, 40UL, 2000UL}) {
        std::mt19937 random(static_cast<unsigned>(count));
        std::vector<host::connected_route<ipv4>> connected{{net("10.0.0.0/24"), 0}, {net("10.0.1.0/24"), 1}, {net("192.0.2.0/25"), 2}};
        std::vector<host::static_route<ipv4>> statics;
        for (std::size_t i = 0; i < count; ++i) {
            const auto length = static_cast<std::uint8_t>(random() % 33);
            const ipv4_address a = ipv4_address{static_cast<std::uint32_t>(random()) & (random() % 2 == 0 ? 0x0fff'ffffU : ~0U)}.masked(length);
            const bool twice = std::any_of(statics.begin(), statics.end(), [&](const auto& s) { return s.destination == prefix<ipv4>{a, length}; });
            if (!twice) {
                statics.push_back({{a, length}, ipv4_address{v4("10.0.0.0").value + static_cast<std::uint32_t>(random() % 512)}});
            }
        }
        const auto made = table_type::build(connected, statics);
        REQUIRE(made);
        for (int i = 0; i < 3000; ++i) {
            ipv4_address a{static_cast<std::uint32_t>(random())};
            if (i % 2 == 0) {  // at the edges
                const auto& s = statics[random() % statics.size()].destination;
                a = i % 4 == 0 ? s.address.plus(~std::uint64_t{0}) : highest_of(s.address, s.length).plus(i % 8 == 2 ? 1 : 0);
            }
            CAPTURE(count);
            CAPTURE(to_string(a));
            ipv4_address hop;
            const std::uint32_t expected = slow(connected, statics, a, hop);
            const auto* found = made.value->find(a);
            REQUIRE((found == nullptr ? npos : found->interface) == expected);
            if (found != nullptr) {
                REQUIRE((found->connected ? a : found->next_hop) == hop);
            }
        }
    }
}
