// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/esp.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"
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
