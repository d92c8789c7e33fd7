// SPDX-License-Identifier: Apache-2.0
/// Lists by index against std::list, at random.
#include "ikealg/alg/links.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <list>
#include <vector>

#include "ikealg/base/hash.hpp"

using namespace ikealg;

namespace {

struct node {
    std::uint32_t next = npos;
    std::uint32_t previous = npos;
    std::uint32_t single = npos;
};

std::list<std::uint32_t> walk(const std::vector<node>& nodes, std::uint32_t first, std::uint32_t node::*link) {
    std::list<std::uint32_t> seen;
    for (std::uint32_t i = first; i != npos; i = nodes[i].*link) {
        seen.push_back(i);
    }
    return seen;
}

}  // namespace

TEST_CASE("L1: a queue and a list without an end agree with std::list after any links and unlinks") {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        std::vector<node> nodes(12);
        std::list<std::uint32_t> expected;
        std::list<std::uint32_t> stack;
        std::uint32_t first = npos;
        std::uint32_t last = npos;
        std::uint32_t top = npos;
        for (int round = 0; round < 3000; ++round) {
            const auto i = static_cast<std::uint32_t>(random() % nodes.size());
            if (std::find(expected.begin(), expected.end(), i) != expected.end()) {
                alg::unlink(nodes, first, last, i, &node::next, &node::previous);
                alg::unlink(nodes, top, i, &node::single);
                expected.remove(i);
                stack.remove(i);
                CHECK(nodes[i].next == npos);
                CHECK(nodes[i].previous == npos);
            } else {
                alg::link_last(nodes, first, last, i, &node::next, &node::previous);
                nodes[i].single = top;
                top = i;
                expected.push_back(i);
                stack.push_front(i);
            }
            REQUIRE((walk(nodes, first, &node::next) == expected));
            auto backwards = walk(nodes, last, &node::previous);
            backwards.reverse();
            REQUIRE((backwards == expected));
            REQUIRE((walk(nodes, top, &node::single) == stack));
        }
    }
}

TEST_CASE("L1: a doubly linked list without an end: first in front, out from anywhere") {
    std::vector<node> nodes(3);
    std::uint32_t first = npos;
    for (const std::uint32_t i : {0U, 1U, 2U}) {
        alg::link_first(nodes, first, i, &node::next, &node::previous);
    }
    CHECK((walk(nodes, first, &node::next) == std::list<std::uint32_t>{2, 1, 0}));
    alg::unlink(nodes, first, 1, &node::next, &node::previous);
    CHECK((walk(nodes, first, &node::next) == std::list<std::uint32_t>{2, 0}));
    CHECK(nodes[0].previous == 2);
    alg::unlink(nodes, first, 2, &node::next, &node::previous);
    alg::unlink(nodes, first, 0, &node::next, &node::previous);
    CHECK(first == npos);
}
