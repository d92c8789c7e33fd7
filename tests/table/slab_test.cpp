// SPDX-License-Identifier: Apache-2.0
/// slab against a std::map of live records.
#include "ikealg/table/slab.hpp"

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "ikealg/base/hash.hpp"

namespace {

using ikealg::npos;
using ikealg::table::slab;

struct record {
    std::uint64_t value = 7;
    friend bool operator==(const record&, const record&) = default;
};

using live_records = std::map<std::uint32_t, std::uint64_t>;

live_records contents(const slab<record>& of) {
    live_records found;
    of.for_each([&](std::uint32_t index, const record& at) { found[index] = at.value; });
    return found;
}

}  // namespace

TEST_CASE("L1: a slab gives out exactly its capacity, then npos") {
    for (const std::size_t capacity : {0U, 1U, 2U, 63U, 64U, 65U, 4095U, 4096U, 4097U, 262'144U, 262'145U}) {
        CAPTURE(capacity);
        slab<record> records(capacity);
        CHECK(records.capacity() == capacity);
        for (std::uint32_t expected = 0; expected < capacity; ++expected) {
            REQUIRE(records.allocate() == expected);
        }
        CHECK(records.allocate() == npos);
        CHECK(records.size() == capacity);
        if (capacity != 0) {
            const auto last = static_cast<std::uint32_t>(capacity - 1);
            records.release(last);
            CHECK_FALSE(records.is_live(last));
            CHECK(records.allocate() == last);
            records.release(0);
            CHECK(records.allocate() == 0);
        }
        CHECK(records.allocate() == npos);
    }
}

TEST_CASE("L1: allocate and release agree with a reference") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        ikealg::small_random random(seed);
        const std::size_t capacity = 100 + random() % 9000;
        CAPTURE(capacity);
        slab<record> records(capacity);
        live_records reference;
        for (int round = 0; round < 30'000; ++round) {
            // Phases of growth and of shrinking visit both the full and the empty slab.
            const bool grow = random() % 10 < (round / 10'000 % 2 == 0 ? 9U : 1U);
            if (grow) {
                const std::uint32_t index = records.allocate();
                if (reference.size() == capacity) {
                    REQUIRE(index == npos);
                    continue;
                }
                REQUIRE(index < capacity);
                REQUIRE(reference.count(index) == 0);
                REQUIRE(records[index] == record{});
                reference[index] = records[index].value = random();
            } else if (!reference.empty()) {
                auto victim = reference.lower_bound(static_cast<std::uint32_t>(random() % capacity));
                if (victim == reference.end()) {
                    victim = reference.begin();
                }
                records.release(victim->first);
                reference.erase(victim);
            }
            REQUIRE(records.size() == reference.size());
        }
        CHECK(contents(records) == reference);
        for (std::uint32_t index = 0; index < capacity; ++index) {
            REQUIRE(records.is_live(index) == (reference.count(index) != 0));
        }
        CHECK_FALSE(records.is_live(static_cast<std::uint32_t>(capacity)));
        CHECK_FALSE(records.is_live(npos));
    }
}

TEST_CASE("a record may be released while it is visited") {
    slab<record> records(200);
    for (int i = 0; i < 200; ++i) {
        (void)records.allocate();
    }
    records.for_each([&](std::uint32_t index, record&) {
        if (index % 2 == 0) {
            records.release(index);
        }
    });
    CHECK(records.size() == 100);
    for (std::uint32_t index = 0; index < 200; ++index) {
        CHECK(records.is_live(index) == (index % 2 == 1));
    }
}

TEST_CASE("copies of a slab do not share state") {
    slab<record> original(70);
    const std::uint32_t first = original.allocate();
    original[first].value = 1;
    slab<record> copy = original;
    const std::uint32_t second = copy.allocate();
    copy[first].value = 2;
    copy[second].value = 3;
    CHECK(contents(original) == live_records{{first, 1}});
    CHECK(contents(copy) == live_records{{first, 2}, {second, 3}});
    copy.release(first);
    CHECK(original.is_live(first));
}
