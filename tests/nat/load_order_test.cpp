// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/load_order.hpp"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "ikealg/base/hash.hpp"

using namespace ikealg;

namespace {

std::vector<std::uint32_t> walk(const nat::load_order& order, std::uint32_t group) {
    std::vector<std::uint32_t> items;
    for (std::uint32_t i = order.first(group); i != npos; i = order.next(i)) {
        items.push_back(i);
    }
    return items;
}

}  // namespace

TEST_CASE("load order: an empty group has no first item, an item not inserted no load") {
    const nat::load_order order(3, 2);
    CHECK(order.first(0) == npos);
    CHECK(order.first(1) == npos);
    CHECK(order.load(2) == 0);
}

TEST_CASE("load order: random steps agree with stable sorting") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        const std::uint32_t items = 1 + static_cast<std::uint32_t>(random() % 24);
        constexpr std::uint32_t groups = 3;
        nat::load_order order(items, groups);
        struct model_item {
            std::uint32_t load = 0;
            std::uint64_t arrived = 0;
            bool in = false;
        };
        std::vector<model_item> model(items);
        std::uint64_t clock = 0;
        for (int step = 0; step < 3000; ++step) {
            const auto item = static_cast<std::uint32_t>(random() % items);
            model_item& m = model[item];
            const std::uint32_t group = item % groups;
            if (!m.in) {
                order.insert(group, item);
                m = {0, ++clock, true};
            } else if (random() % 2 == 0 && m.load != 0) {
                order.decrement(item);
                m = {m.load - 1, ++clock, true};
            } else {
                order.increment(item);
                m = {m.load + 1, ++clock, true};
            }
            REQUIRE(order.load(item) == m.load);
            std::vector<std::uint32_t> expected;
            for (std::uint32_t i = 0; i < items; ++i) {
                if (model[i].in && i % groups == group) {
                    expected.push_back(i);
                }
            }
            std::sort(expected.begin(), expected.end(), [&](std::uint32_t a, std::uint32_t b) {
                return model[a].load != model[b].load ? model[a].load < model[b].load
                                                      : model[a].arrived < model[b].arrived;
            });
            REQUIRE(walk(order, group) == expected);
        }
    }
}
