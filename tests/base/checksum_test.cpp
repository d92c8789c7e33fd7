// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/checksum.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace ikealg;

namespace {

/// RFC 1071 word by word, the slow way.
std::uint16_t plain_checksum(const std::vector<std::uint8_t>& data) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < data.size(); i += 2) {
        sum += static_cast<std::uint32_t>(data[i] << 8) + (i + 1 < data.size() ? data[i + 1] : 0U);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

TEST_CASE("the example of RFC 1071 3") {
    const std::vector<std::uint8_t> data{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    CHECK(fold(sum_bytes(data)) == 0xddf2);
    CHECK(finish_checksum(sum_bytes(data)) == 0x220d);
}

TEST_CASE("a real IPv4 header sums to nothing wrong") {
    const std::vector<std::uint8_t> header{0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                           0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    CHECK(finish_checksum(sum_bytes(header)) == 0);
}

TEST_CASE("sums of any length and content agree with the plain way") {
    std::mt19937 random(1);
    for (int round = 0; round < 3000; ++round) {
        std::vector<std::uint8_t> data(random() % 70);
        for (auto& b : data) {
            b = random() % 4 == 0 ? 0xff : static_cast<std::uint8_t>(random());
        }
        CAPTURE(round);
        CHECK(finish_checksum(sum_bytes(data)) == plain_checksum(data));
    }
}

TEST_CASE("N10: a delta changes a checksum as recomputing would") {
    std::mt19937 random(2);
    for (int round = 0; round < 20000; ++round) {
        std::vector<std::uint8_t> data(32);
        for (auto& b : data) {
            b = random() % 3 == 0 ? static_cast<std::uint8_t>(random() % 2 * 255) : static_cast<std::uint8_t>(random());
        }
        const std::uint16_t before = plain_checksum(data);
        const auto old_address = ipv4_address::load(&data[12]);
        const std::uint16_t old_port = load_be16(&data[20]);
        const ipv4_address address{static_cast<std::uint32_t>(random())};
        const auto port = static_cast<std::uint16_t>(random());
        address.store(&data[12]);
        store_be16(&data[20], port);
        const auto delta = delta_of(old_address, address).plus(delta_of(old_port, port));
        const std::uint16_t after = delta.apply(before);
        CAPTURE(round);
        // 0 and 0xffff are the two zeros of ones' complement; both verify.
        CHECK((after == plain_checksum(data) || (after ^ plain_checksum(data)) == 0xffff));
        const std::uint16_t back = delta.inverse().apply(after);
        CHECK((back == before || (back ^ before) == 0xffff));
    }
}

TEST_CASE("N10: an IPv6 address delta is the sum of its words") {
    const ipv6_address a{0x2001'0db8'0000'0000, 1};
    const ipv6_address b{0xfd00'1234'5678'9abc, 0xffff'ffff'ffff'ffff};
    std::vector<std::uint8_t> data(16);
    a.store(data.data());
    const std::uint16_t before = plain_checksum(data);
    b.store(data.data());
    CHECK(delta_of(a, b).apply(before) == plain_checksum(data));
}

TEST_CASE("the pseudo-header of RFC 768") {
    // 10.0.0.1 -> 10.0.0.2, UDP, length 8: 0a00+0001+0a00+0002+0011+0008
    CHECK(fold(pseudo_header_sum(ipv4_address{0x0a000001}, ipv4_address{0x0a000002}, 17, 8)) == 0x141c);
}
