// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/bytes.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace ikealg;

TEST_CASE("numbers are read and written in network order at any alignment") {
    std::array<std::uint8_t, 12> data{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    CHECK(load_be16(&data[1]) == 0x0102);
    CHECK(load_be24(&data[1]) == 0x010203);
    CHECK(load_be32(&data[3]) == 0x03040506);
    CHECK(load_be64(&data[1]) == 0x0102030405060708);
    store_be16(&data[1], 0xa1a2);
    store_be32(&data[3], 0xb1b2b3b4);
    CHECK(data == std::array<std::uint8_t, 12>{0, 0xa1, 0xa2, 0xb1, 0xb2, 0xb3, 0xb4, 7, 8, 9, 10, 11});
    store_be64(&data[1], 0xc1c2c3c4c5c6c7c8);
    CHECK(data == std::array<std::uint8_t, 12>{0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 9, 10, 11});
}
