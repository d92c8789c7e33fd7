// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/natt.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::classify_natt;
using wire::natt_kind;

TEST_CASE("R5: what travels on 4500 in the lab") {
    const auto payload = [](const octets& frame, std::size_t headers) { return bytes{frame}.subspan(headers); };
    const auto ike = hex(samples::natt_ike_frame);
    CHECK(classify_natt(payload(ike, 42)) == natt_kind::ike_with_marker);
    const auto message = wire::ike_behind_marker(payload(ike, 42));
    CHECK(load_be64(message.data()) == 0x5c3e98511a9db53b);
    CHECK(message.size() == 336);
    const auto esp = hex(samples::natt_esp_frame);
    CHECK(classify_natt(payload(esp, 42)) == natt_kind::esp_in_udp);
    const auto esp6 = hex(samples::natt_esp6_frame);
    CHECK(classify_natt(payload(esp6, 62)) == natt_kind::esp_in_udp);
}

TEST_CASE("R2: a keepalive is exactly one byte 0xFF") {
    const auto frame = hex(samples::keepalive_frame);
    CHECK(classify_natt(bytes{frame}.subspan(42)) == natt_kind::keepalive);
    CHECK(wire::is_keepalive(bytes{frame}.subspan(42)));
    const auto other = hex("0a");
    CHECK(classify_natt(other) == natt_kind::other);
    const auto two = hex("ffff");
    CHECK(classify_natt(two) == natt_kind::other);
    CHECK_FALSE(wire::is_keepalive({}));
}

TEST_CASE("R5: boundary lengths of each kind") {
    for (std::size_t n = 0; n <= 40; ++n) {
        CAPTURE(n);
        const exact_copy zeros(octets(n, 0));
        CHECK(classify_natt(zeros.bytes()) == (n >= 32 ? natt_kind::ike_with_marker : natt_kind::other));
        octets spi(n, 0);
        if (n >= 4) {
            spi[3] = 1;
        }
        const exact_copy esp(spi);
        CHECK(classify_natt(esp.bytes()) == (n >= 8 ? natt_kind::esp_in_udp : natt_kind::other));
    }
    CHECK(to_string(natt_kind::keepalive) == "NAT-keepalive");
    CHECK(to_string(natt_kind::ike_with_marker) == "IKE with Non-ESP Marker");
    CHECK(to_string(natt_kind::esp_in_udp) == "UDP-encapsulated ESP");
    CHECK(to_string(natt_kind::other) == "other");
    CHECK(to_string(static_cast<natt_kind>(9)) == "unknown");
}
