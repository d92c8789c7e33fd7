// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/hash.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstdlib>
#include <set>

using namespace ikealg;

TEST_CASE("L3: the secret decides the hash") {
    const std::array<std::uint64_t, 2> key{1, 2};
    const auto a = hash_secret::from_seed(1);
    const auto b = hash_secret::from_seed(2);
    CHECK(keyed_hash(key, a) == keyed_hash(key, a));
    CHECK(keyed_hash(key, a) != keyed_hash(key, b));
    CHECK((a.first != b.first && a.second != b.second));
}

TEST_CASE_TEMPLATE("each bit of the key changes about half of the hash", Words, std::integral_constant<std::size_t, 1>,
                   std::integral_constant<std::size_t, 2>, std::integral_constant<std::size_t, 3>,
                   std::integral_constant<std::size_t, 5>) {
    constexpr std::size_t n = Words::value;
    const auto secret = hash_secret::from_seed(99);
    small_random random(5);
    long flipped = 0;
    long trials = 0;
    for (int round = 0; round < 200; ++round) {
        std::array<std::uint64_t, n> key;
        for (auto& word : key) {
            word = random();
        }
        const std::uint64_t base = keyed_hash(key, secret);
        for (std::size_t bit = 0; bit < 64 * n; ++bit) {
            auto other = key;
            other[bit / 64] ^= std::uint64_t{1} << (bit % 64);
            const int changed = std::popcount(base ^ keyed_hash(other, secret));
            CHECK(changed > 5);
            flipped += changed;
            ++trials;
        }
    }
    const double mean = static_cast<double>(flipped) / static_cast<double>(trials);
    CHECK(mean > 31.5);
    CHECK(mean < 32.5);
}

TEST_CASE("small neighbouring keys do not collide") {
    const auto secret = hash_secret::from_seed(3);
    std::set<std::uint64_t> seen;
    for (std::uint64_t a = 0; a < 300; ++a) {
        for (std::uint64_t b = 0; b < 300; ++b) {
            seen.insert(keyed_hash(std::array<std::uint64_t, 2>{a, b}, secret));
        }
    }
    CHECK(seen.size() == 90000);
}

TEST_CASE("small_random repeats for a seed and differs between seeds") {
    small_random a(1), b(1), c(2);
    const auto first = a();
    CHECK(first == b());
    CHECK(first != c());
    CHECK(first != a());
}
