// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike_vendor_id.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "support/ike_messages.hpp"

namespace wire = ikealg::wire;
using ikealg_tests::from_hex;
using wire::vendor_kind;

TEST_CASE("R6: vendor IDs of NAT traversal") {
    for (const char* hex :
         {"4a131c81070358455c5728f20e95452f", "cd60464335df21f87cfdb2fc68b6a448", "90cb80913ebb696e086381b5ec427b1f",
          "7d9419a65310ca6f2c179d9215529d56", "4485152d18b6bbcd0be8a8469579ddcc"}) {
        CAPTURE(hex);
        auto body = from_hex(hex);
        REQUIRE(wire::find_vendor_id(body) != nullptr);
        CHECK(wire::find_vendor_id(body)->kind == vendor_kind::nat_traversal);
        body.push_back(0);
        CHECK(wire::find_vendor_id(body) == nullptr);
        body.resize(15);
        CHECK(wire::find_vendor_id(body) == nullptr);
    }
}

TEST_CASE("other vendor IDs, some with a version behind them") {
    struct row {
        const char* hex;
        vendor_kind kind;
        std::string_view name;
    };
    for (const row& r : {
             row{"afcad71368a1f1c96b8696fc77570100", vendor_kind::dead_peer_detection,
                 "Dead Peer Detection (RFC 3706)"},
             row{"09002689dfd6b712", vendor_kind::xauth, "XAUTH"},
             row{"12f5f28c457168a9702d9fe274cc0100", vendor_kind::implementation, "Cisco Unity"},
             row{"4048b7d56ebce88525e7de7f00d6c2d3", vendor_kind::ike_fragmentation, "IKE fragmentation"},
             row{"4048b7d56ebce88525e7de7f00d6c2d380000000", vendor_kind::ike_fragmentation, "IKE fragmentation"},
             row{"882fe56d6fd20dbc2251613b2ebe5beb", vendor_kind::implementation, "strongSwan"},
             row{"1e2b516905991c7d7c96fcbfb587e46100000009", vendor_kind::implementation,
                 "Microsoft (MS NT5 ISAKMPOAKLEY)"},
             row{"4f45706c75746f756e697430", vendor_kind::implementation, "Openswan or FreeS/WAN"},
             row{"4f452d4c696272657377616e2d342e39", vendor_kind::implementation, "Libreswan"},
             row{"8299031757a36082c6a621de00000000", vendor_kind::implementation, "FortiGate"},
         }) {
        CAPTURE(r.hex);
        const auto body = from_hex(r.hex);
        const auto* known = wire::find_vendor_id(body);
        REQUIRE(known != nullptr);
        CHECK(known->kind == r.kind);
        CHECK(wire::vendor_name(body) == r.name);
    }
    CHECK(wire::vendor_name({}) == "unknown");
    CHECK(wire::vendor_name(from_hex("4f")) == "unknown");
    CHECK(wire::vendor_name(from_hex("00112233445566778899aabbccddeeff")) == "unknown");
}
