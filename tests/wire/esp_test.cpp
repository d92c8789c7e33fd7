// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/esp.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "ikealg/wire/ah.hpp"
#include "ikealg/wire/ipv4.hpp"
#include "ikealg/wire/ipv6.hpp"
#include "samples.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::esp_error;
using wire::esp_view;

TEST_CASE("ESP of the lab, raw and in UDP") {
    const auto raw = hex(samples::esp_frame);
    const auto r = esp_view::parse(bytes{raw}.subspan(34));
    REQUIRE(r);
    CHECK(r.view.spi() == spi{0x5a9ce879});
    CHECK(r.view.sequence() == 1);
    const auto natt = hex(samples::natt_esp_frame);
    const auto u = esp_view::parse(bytes{natt}.subspan(42));
    REQUIRE(u);
    CHECK(u.view.spi() == spi{0x56a8db31});
    CHECK(u.view.sequence() == 1);
}

TEST_CASE("ESP of a Linux kernel over IPv6, transport and tunnel mode") {
    struct row {
        std::uint32_t spi;
        std::uint32_t sequence;
        std::size_t length;  ///< of the IPv6 payload
    };
    const std::vector<row> rows{{0x100b, 1, 60},  {0x200b, 1, 60},  {0x100b, 2, 48}, {0x200b, 2, 96},
                                {0x100c, 1, 100}, {0x200c, 1, 100}, {0x100c, 2, 88}, {0x200c, 2, 136}};
    const auto frames = captured("lab_wire_esp_ipv6");
    REQUIRE(frames.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const auto packet = wire::ipv6_view::parse(network_of(frames[i])).view;
        CHECK(packet.protocol() == ip_protocol::esp);
        const auto r = esp_view::parse(packet.transport());
        REQUIRE(r);
        CHECK(r.view.spi() == spi{rows[i].spi});
        CHECK(r.view.sequence() == rows[i].sequence);
        CHECK(packet.transport().size() == rows[i].length);
    }
}

TEST_CASE("ESP of a Linux kernel behind AH") {
    const auto frames = captured("lab_wire_ah");
    const auto six = captured("lab_wire_ah_ipv6");
    for (std::uint32_t i = 0; i < 4; ++i) {
        CAPTURE(i);
        const auto packet = wire::ipv4_view::parse(network_of(frames[12 + i])).view;
        const auto v = esp_view::parse(wire::ah_view::parse(packet.payload()).view.payload()).view;
        CHECK(v.spi() == spi{i % 2 == 0 ? 0x1004U : 0x2004U});
        CHECK(v.sequence() == 1 + i / 2);
        const auto packet6 = wire::ipv6_view::parse(network_of(six[8 + i])).view;
        const auto v6 = esp_view::parse(wire::ah_view::parse(packet6.transport()).view.payload()).view;
        CHECK(v6.spi() == spi{i % 2 == 0 ? 0x1008U : 0x2008U});
        CHECK(v6.sequence() == 1 + i / 2);
    }
}

TEST_CASE("L6: ESP below 8 bytes is refused") {
    const auto data = hex("0000100000000001");
    for (std::size_t n = 0; n <= 8; ++n) {
        const exact_copy part(bytes{data}.first(n));
        const auto expected = n < 8 ? esp_error::truncated_header : esp_error::none;
        CHECK(to_string(esp_view::parse(part.bytes()).error) == to_string(expected));
    }
}

TEST_CASE("E7: SPI 0 and 1 to 255 are reserved") {
    CHECK(wire::is_reserved(spi{0}));
    CHECK(wire::is_reserved(spi{1}));
    CHECK(wire::is_reserved(spi{255}));
    CHECK_FALSE(wire::is_reserved(spi{256}));
    CHECK_FALSE(wire::is_reserved(spi{0xffff'ffff}));
}
