// SPDX-License-Identifier: Apache-2.0
#include "ikealg/table/interval_index.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "ikealg/base/hash.hpp"

using namespace ikealg;

namespace {

template <class Key>
[[nodiscard]] Key random_key(small_random& random) {
    if constexpr (std::is_same_v<Key, ipv6_address>) {
        return {random() % 3, random() % 2 == 0 ? random() : random() % 100};  // equal halves are frequent
    } else {
        return Key{static_cast<std::uint32_t>(random())};
    }
}

}  // namespace

TEST_CASE_TEMPLATE("an interval index finds what a binary search finds", Key, std::uint32_t, ipv4_address,
                   ipv6_address) {
    constexpr std::uint64_t seed = 20;
    CAPTURE(seed);
    small_random random(seed);
    for (const std::size_t size : {1U, 2U, 7U, 8U, 9U, 16U, 17U, 64U, 65U, 255U, 256U, 257U, 4097U}) {
        CAPTURE(size);
        std::vector<Key> starts{Key{}};
        while (starts.size() < size) {
            starts.push_back(random_key<Key>(random));
        }
        std::sort(starts.begin(), starts.end());
        starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
        const table::interval_index<Key> index(starts);
        std::vector<Key> keys{Key{}, table::key_traits<Key>::greatest};
        for (const Key& start : starts) {
            keys.push_back(start);
            keys.push_back(table::key_traits<Key>::next(start));
            keys.push_back(random_key<Key>(random));
        }
        std::size_t wrong = 0;
        for (const Key& key : keys) {
            const auto expected = std::upper_bound(starts.begin(), starts.end(), key) - starts.begin() - 1;
            wrong += index.find(key) == static_cast<std::size_t>(expected) ? 0U : 1U;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("the greatest key may begin an interval of its own") {
    const table::interval_index<std::uint32_t> index({0, 5, 0xffff'ffff});
    CHECK(index.find(0xffff'fffe) == 1);
    CHECK(index.find(0xffff'ffff) == 2);
}

TEST_CASE("without intervals every key is in the first") {
    CHECK(table::interval_index<ipv6_address>().find({7, 7}) == 0);
}
