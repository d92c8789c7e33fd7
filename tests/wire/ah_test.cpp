// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ah.hpp"

#include <doctest/doctest.h>

#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::ah_error;
using wire::ah_view;

namespace {
/// By hand, after RFC 4302 2 and RFC 2404: a 96-bit ICV before two bytes of UDP.
const octets sample = hex("1104 0000 00001001 00000002 a1a2a3a4b1b2b3b4c1c2c3c4 01f4");
}  // namespace

TEST_CASE("E10: AH header") {
    const auto r = ah_view::parse(sample);
    REQUIRE(r);
    CHECK(r.view.next_header() == ip_protocol::udp);
    CHECK(r.view.header_length() == 24);
    CHECK(r.view.spi() == spi{0x1001});
    CHECK(r.view.sequence() == 2);
    CHECK(to_hex(r.view.icv()) == "a1a2a3a4b1b2b3b4c1c2c3c4");
    CHECK(to_hex(r.view.payload()) == "01f4");
}

TEST_CASE("L6: what is wrong with an AH header is named, at every length") {
    for (std::size_t n = 0; n <= sample.size(); ++n) {
        CAPTURE(n);
        const exact_copy part(bytes{sample}.first(n));
        const auto expected = n < 12 ? ah_error::truncated_header : n < 24 ? ah_error::truncated_icv : ah_error::none;
        CHECK(to_string(ah_view::parse(part.bytes()).error) == to_string(expected));
    }
    auto bad = sample;
    bad[1] = 0;
    CHECK(to_string(ah_view::parse(bad).error) == "bad AH payload length");
    bad[1] = 1;  // no ICV at all
    CHECK(ah_view::parse(bad).view.icv().empty());
    bad[1] = 255;
    CHECK(ah_view::parse(bad).error == ah_error::truncated_icv);
}
