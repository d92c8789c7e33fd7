// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/packet_summary.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>

#include "ikealg/base/bytes.hpp"

using namespace ikealg;

TEST_CASE("a summary fits a cache line") {
    CHECK(sizeof(wire::packet_summary<ipv4>) == 36);
    CHECK(sizeof(wire::parse_result<ipv4>) == 40);
    CHECK(sizeof(wire::packet_summary<ipv6>) == 64);
}

TEST_CASE("fragment predicates") {
    wire::packet_summary<ipv4> s;
    CHECK_FALSE(s.is_fragment());
    CHECK_FALSE(s.is_first_fragment());
    s.more_fragments = true;
    CHECK(s.is_fragment());
    CHECK(s.is_first_fragment());
    s.fragment_offset = 1;
    CHECK(s.is_fragment());
    CHECK_FALSE(s.is_first_fragment());
    s.more_fragments = false;
    CHECK(s.is_fragment());
    CHECK_FALSE(s.is_first_fragment());
}

TEST_CASE("transport() shows what is contiguous and no padding") {
    std::array<std::uint8_t, 64> data{};
    wire::packet_summary<ipv4> s;
    s.transport_offset = 24;
    s.length = 40;
    CHECK(s.transport_length() == 16);
    CHECK(s.transport(bytes{data}).data() == &data[24]);
    CHECK(s.transport(bytes{data}).size() == 16);
    CHECK(s.transport(mutable_bytes{data}.first(32)).size() == 8);
    CHECK(s.transport(bytes{data}.first(20)).empty());
}

TEST_CASE("every kind and every error has a text of its own") {
    std::set<std::string_view> texts;
    for (unsigned i = 0; i <= static_cast<unsigned>(wire::packet_kind::later_fragment); ++i) {
        CHECK(texts.insert(to_string(static_cast<wire::packet_kind>(i))).second);
    }
    for (unsigned i = 0; i <= static_cast<unsigned>(wire::parse_error::bad_transport_length); ++i) {
        CHECK(texts.insert(to_string(static_cast<wire::parse_error>(i))).second);
    }
    CHECK_FALSE(texts.contains("unknown"));
    CHECK(to_string(static_cast<wire::packet_kind>(200)) == "unknown");
    CHECK(to_string(static_cast<wire::parse_error>(200)) == "unknown");
}
