// SPDX-License-Identifier: Apache-2.0
#include "ikealg/table/rule_classifier.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "ikealg/base/hash.hpp"

using namespace ikealg;
using keys = table::key_set<std::uint32_t>;
using classifier = table::rule_classifier<std::uint32_t, std::uint32_t, std::uint32_t>;

namespace {

constexpr std::uint32_t top = 0xffff'ffff;
constexpr std::size_t plenty = std::size_t{1} << 30;

[[nodiscard]] keys random_keys(small_random& random, std::uint64_t percent_whole) {
    if (random() % 100 < percent_whole) {
        return {{0, top}};
    }
    keys set;
    for (std::uint64_t n = random() % 3 + (random() % 20 == 0 ? 0 : 1); n > 0; --n) {
        const auto first = static_cast<std::uint32_t>(random() % 1000);
        const auto last = static_cast<std::uint32_t>(first + random() % 300);
        set.push_back({first, random() % 30 == 0 ? top : last});
    }
    return set;
}

[[nodiscard]] bool contains(const keys& set, std::uint32_t key) {
    for (const auto& k : set) {
        if (k.first <= key && key <= k.last) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("the classifier answers the first matching rule, as a linear scan does") {
    for (const std::size_t rules : {1U, 2U, 63U, 64U, 65U, 130U, 1000U, 5000U}) {
        for (const std::uint64_t whole : {0U, 20U, 80U, 100U}) {
            const std::uint64_t seed = 1000 * rules + whole;
            CAPTURE(seed);
            small_random random(seed);
            std::vector<keys> a, b, c;
            for (std::size_t i = 0; i < rules; ++i) {
                a.push_back(random_keys(random, whole));
                b.push_back(random_keys(random, whole));
                c.push_back(random_keys(random, whole));
            }
            classifier compiled;
            std::size_t budget = plenty;
            REQUIRE(compiled.build(budget, a, b, c));
            CHECK(plenty - budget <= compiled.memory_bytes());
            std::size_t wrong = 0;
            for (int q = 0; q < 1000; ++q) {
                const auto x = static_cast<std::uint32_t>(q % 50 == 0 ? top : random() % 1400);
                const auto y = static_cast<std::uint32_t>(random() % 1400);
                const auto z = static_cast<std::uint32_t>(random() % 1400);
                std::uint32_t expected = npos;
                for (std::size_t i = 0; i < rules; ++i) {
                    if (contains(a[i], x) && contains(b[i], y) && contains(c[i], z)) {
                        expected = static_cast<std::uint32_t>(i);
                        break;
                    }
                }
                wrong += compiled.match(x, y, z) == expected ? 0U : 1U;
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("a classifier without rules matches nothing, built or not") {
    classifier compiled;
    CHECK(compiled.match(1, 2, 3) == npos);
    std::size_t budget = plenty;
    REQUIRE(compiled.build(budget, {}, {}, {}));
    CHECK(compiled.match(1, 2, 3) == npos);
}

TEST_CASE("a build that would need more than its budget gives up") {
    std::vector<keys> nested;
    for (std::uint32_t i = 0; i < 2000; ++i) {
        nested.push_back({{i, 10000 - i}});
    }
    const std::vector<keys> whole(nested.size(), keys{{0, top}});
    std::size_t budget = 100'000;
    classifier compiled;
    CHECK_FALSE(compiled.build(budget, nested, whole, whole));
    budget = plenty;
    classifier enough;
    REQUIRE(enough.build(budget, nested, whole, whole));
    CHECK(enough.match(1999, 0, 0) == 0);
    CHECK(enough.match(10000, 0, 0) == 0);
    CHECK(enough.match(10001, 0, 0) == npos);
}

TEST_CASE("ten thousand sparse rules stay within a few megabytes") {
    small_random random(3);
    std::vector<keys> a, b, c;
    for (std::uint32_t i = 0; i < 10000; ++i) {
        const auto x = static_cast<std::uint32_t>(random());
        const auto y = static_cast<std::uint32_t>(random());
        a.push_back(i % 10 == 0 ? keys{{0, top}} : keys{{x, x}});
        b.push_back(i % 10 == 1 ? keys{{0, top}} : keys{{y, y}});
        c.push_back({{i % 100, i % 100}});
    }
    std::size_t budget = 4'000'000;
    classifier compiled;
    CHECK(compiled.build(budget, a, b, c));

}
