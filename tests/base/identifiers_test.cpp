// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/identifiers.hpp"

#include <doctest/doctest.h>

#include <type_traits>

using namespace ikealg;

TEST_CASE("identifiers are as small as their numbers, ordered, and never converted by themselves") {
    CHECK(sizeof(spi) == 4);
    CHECK(sizeof(ike_spi) == 8);
    CHECK(sizeof(port) == 2);
    CHECK(spi{1} < spi{2});
    CHECK(ike_port == port{500});
    CHECK(natt_port == port{4500});
    CHECK_FALSE(std::is_convertible_v<port, zone_id>);
    CHECK_FALSE(std::is_convertible_v<std::uint16_t, port>);
    CHECK_FALSE(std::is_convertible_v<port, std::uint16_t>);
}
