// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/fragmenter.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "support/packets.hpp"

using namespace ikealg_tests;

namespace {

const ipv4_address a = v4("10.0.0.5"), b = v4("198.51.100.1");

std::vector<octets> cut(const octets& packet, std::size_t mtu) {
    std::vector<octets> all;
    host::fragmenter f(packet, mtu);
    while (const std::size_t n = f.next_length()) {
        octets piece(n, 0xee);
        f.write(piece);
        all.push_back(std::move(piece));
    }
    return all;
}
octets counted(std::size_t n) {
    octets o(n);
    for (std::size_t i = 0; i < n; ++i) {
        o[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    }
    return o;
}

}  // namespace

TEST_CASE("exact bytes of the pieces") {
    const octets body = counted(100);
    const auto pieces = cut(ip4(17, a, b, body, {64, 0x4242, false}), 68);
    REQUIRE(pieces.size() == 3);
    const auto part = [&](std::size_t from, std::size_t to) { return octets(body.begin() + static_cast<std::ptrdiff_t>(from), body.begin() + static_cast<std::ptrdiff_t>(to)); };
    CHECK(pieces[0] == ip4(17, a, b, part(0, 48), {64, 0x4242, false, true, 0}));
    CHECK(pieces[1] == ip4(17, a, b, part(48, 96), {64, 0x4242, false, true, 6}));
    CHECK(pieces[2] == ip4(17, a, b, part(96, 100), {64, 0x4242, false, false, 12}));
}

TEST_CASE("a fragment is cut again: offsets go on, the last piece keeps its flag") {
    const auto middle = cut(ip4(17, a, b, counted(160), {64, 1, false, true, 100}), 100);
    REQUIRE(middle.size() == 2);
    CHECK(load_be16(&middle[0][6]) == (0x2000 | 100));
    CHECK(load_be16(&middle[1][6]) == (0x2000 | 110));
    const auto last = cut(ip4(17, a, b, counted(160), {64, 1, false, false, 100}), 100);
    CHECK(load_be16(&last[1][6]) == 110);
}

TEST_CASE("options: all in the first piece, the copied ones in the others") {
    // record route (7, not copied), no-operation, router alert (0x94, copied), end of list
    const octets options = hex("07070400000000 01 94040000");
    const octets body = counted(200);
    const auto pieces = cut(ip4(17, a, b, body, {64, 1, false, false, 0, options}), 100);
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0] == ip4(17, a, b, octets(body.begin(), body.begin() + 64), {64, 1, false, true, 0, options}));
    CHECK(pieces[1] == ip4(17, a, b, octets(body.begin() + 64, body.begin() + 136), {64, 1, false, true, 8, hex("94040000")}));
    CHECK(pieces[2] == ip4(17, a, b, octets(body.begin() + 136, body.end()), {64, 1, false, false, 17, hex("94040000")}));
}

TEST_CASE("nothing to do: DF, short enough, malformed, an MTU that no network may have") {
    CHECK(cut(ip4(17, a, b, counted(200), {64, 1, true}), 100).empty());
    CHECK(cut(ip4(17, a, b, counted(80), {64, 1, false}), 100).empty());
    CHECK(cut(ip4(17, a, b, counted(200), {64, 1, false}), 67).empty());
    octets cut_off = ip4(17, a, b, counted(200), {64, 1, false});
    cut_off.resize(150);
    CHECK(cut(cut_off, 100).empty());
    CHECK(cut({}, 100).empty());
}

TEST_CASE("the pieces make the packet again, for every size and many MTUs") {
    for (const std::size_t mtu : {68UL, 69UL, 75UL, 76UL, 576UL, 1279UL, 1500UL}) {
        for (std::size_t size = 0; size < 4000; size += 13) {
            CAPTURE(mtu);
            CAPTURE(size);
            const octets body = counted(size);
            octets whole;
            const auto pieces = cut(ip4(50, a, b, body, {9, 77, false}), mtu);
            if (size + 20 <= mtu) {
                REQUIRE(pieces.empty());
                continue;
            }
            for (const auto& p : pieces) {
                REQUIRE(p.size() <= mtu);
                REQUIRE(load_be16(&p[2]) == p.size());
                REQUIRE((load_be16(&p[6]) & 0x1fff) * 8U == whole.size());
                REQUIRE((ones_sum(p.data(), 20) & 0xffff) == 0xffff);
                whole.insert(whole.end(), p.begin() + 20, p.end());
                REQUIRE(((p[6] & 0x20) != 0) == (whole.size() < size));
            }
            REQUIRE(whole == body);
        }
    }
}
