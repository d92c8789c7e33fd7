// SPDX-License-Identifier: Apache-2.0
/// flow_table against a std::map; capacity, chosen keys, bursts.
#include "ikealg/table/flow_table.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace {

using ikealg::hash_secret;
using ikealg::npos;
using ikealg::small_random;

struct test_key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    [[nodiscard]] std::array<std::uint64_t, 2> words() const noexcept { return {high, low}; }
    friend auto operator<=>(const test_key&, const test_key&) = default;
};
using table_type = ikealg::table::flow_table<test_key>;

/// Equal words, so equal hashes: twenty such keys fill their two buckets.
struct colliding_key {
    std::uint32_t value = 0;
    [[nodiscard]] std::array<std::uint64_t, 1> words() const noexcept { return {42}; }
    friend bool operator==(const colliding_key&, const colliding_key&) = default;
};

/// The caller's records: ref is the index of the key.
struct key_store {
    std::vector<test_key> keys;
    auto key_of() const {
        return [this](std::uint32_t ref) -> const test_key& { return keys[ref]; };
    }
};

constexpr auto no_prefetch = [](std::uint32_t) {};

/// A seed that differs from run to run; failures print it.
std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

/// Keys whose primary bucket is 0 of `buckets`, as an attacker who knows the secret would search them.
std::vector<test_key> keys_of_one_bucket(std::size_t count, std::uint32_t buckets, hash_secret secret) {
    std::vector<test_key> found;
    for (std::uint64_t i = 0; found.size() < count; ++i) {
        const test_key key{1, i};
        if ((keyed_hash(key.words(), secret) >> 32) * buckets >> 32 == 0) {
            found.push_back(key);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("L1: the promised capacity is reached under random secrets, and not exceeded") {
    const std::uint64_t seed = random_seed();
    CAPTURE(seed);
    small_random random(seed);
    for (int round = 0; round < 300; ++round) {
        const std::size_t capacity = round < 100 ? static_cast<std::size_t>(round) : 1 + random() % 5000;
        CAPTURE(round);
        CAPTURE(capacity);
        table_type table(capacity, hash_secret::from_seed(random()));
        key_store store;
        const bool sequential = round % 2 == 0;
        for (std::uint32_t ref = 0; ref < capacity; ++ref) {
            store.keys.push_back(sequential ? test_key{0, ref} : test_key{random(), ref});
            REQUIRE(table.insert(store.keys[ref], ref));
        }
        store.keys.push_back({1, npos});
        CHECK_FALSE(table.insert(store.keys.back(), static_cast<std::uint32_t>(capacity)));
        CHECK(table.size() == capacity);
        CHECK(table.capacity() == capacity);
        CHECK(table.check(store.key_of()));
    }
}

TEST_CASE("L1: a million keys fit into a table of a million, at no more than 12 bytes a key") {
    constexpr std::uint32_t capacity = 1'000'000;
    const std::uint64_t seed = random_seed();
    CAPTURE(seed);
    table_type table(capacity, hash_secret::from_seed(seed));
    key_store store;
    for (std::uint32_t ref = 0; ref < capacity; ++ref) {
        store.keys.push_back({0x0a00'0001'c000'0201U, ref});
        REQUIRE(table.insert(store.keys[ref], ref));
    }
    CHECK(table.memory_bytes() <= 12 * std::size_t{capacity});
    CHECK(table.check(store.key_of()));
}

TEST_CASE("L3: insert, erase, find and find_burst agree with a reference") {
    const std::uint64_t seed = random_seed();
    CAPTURE(seed);
    small_random random(seed);
    for (int round = 0; round < 8; ++round) {
        // The larger ones are beyond what find_burst() takes key by key.
        const std::size_t capacity = round % 2 == 0 ? 1 + random() % 400 : 3'100 + random() % 400;
        CAPTURE(round);
        CAPTURE(capacity);
        table_type table(capacity, hash_secret::from_seed(random()));
        key_store store;
        store.keys.resize(capacity);
        std::vector<std::uint32_t> free_refs;
        for (std::uint32_t ref = 0; ref < capacity; ++ref) {
            free_refs.push_back(ref);
        }
        std::map<test_key, std::uint32_t> reference;
        const auto any_key = [&] { return test_key{random() % 3, random() % capacity}; };
        for (int step = 0; step < (round % 2 == 0 ? 4'000 : 40'000); ++step) {
            const test_key key = any_key();
            table.prefetch(key);
            const auto known = reference.find(key);
            const std::uint32_t ref = table.find(key, store.key_of());
            REQUIRE(ref == (known == reference.end() ? npos : known->second));
            const bool prefer_insert = step / (round % 2 == 0 ? 1'000 : 10'000) % 2 == 0 || random() % 3 == 0;
            if (known != reference.end() && !prefer_insert) {
                REQUIRE_FALSE(table.erase(key, ref + 1));
                REQUIRE(table.erase(key, ref));
                REQUIRE_FALSE(table.erase(key, ref));
                free_refs.push_back(ref);
                reference.erase(known);
            } else if (known == reference.end() && prefer_insert) {
                if (free_refs.empty()) {
                    REQUIRE_FALSE(table.insert(key, 0));
                } else {
                    const std::uint32_t fresh = free_refs.back();
                    free_refs.pop_back();
                    store.keys[fresh] = key;
                    REQUIRE(table.insert(key, fresh));
                    reference[key] = fresh;
                }
            }
            REQUIRE(table.size() == reference.size());
            if (round % 2 == 0 || step % 100 == 0) {
                REQUIRE(table.check(store.key_of()));
            }
            if (step % 16 == 0) {
                std::vector<test_key> burst(random() % 100);
                for (test_key& wanted : burst) {
                    wanted = any_key();
                }
                std::vector<std::uint32_t> refs(burst.size());
                table.find_burst(burst, refs, store.key_of(), no_prefetch);
                for (std::size_t i = 0; i < burst.size(); ++i) {
                    REQUIRE(refs[i] == table.find(burst[i], store.key_of()));
                }
            }
        }
    }
}

TEST_CASE("L3: keys chosen for one bucket by an owner of the secret stay correct; twenty or more are taken") {
    constexpr std::size_t capacity = 4'000;
    const hash_secret secret = hash_secret::from_seed(99);
    const auto buckets = static_cast<std::uint32_t>(table_type(capacity, secret).memory_bytes() / 64);
    key_store store;
    store.keys = keys_of_one_bucket(capacity, buckets, secret);
    table_type table(capacity, secret);
    std::set<std::uint32_t> taken;
    for (std::uint32_t ref = 0; ref < store.keys.size(); ++ref) {
        if (table.insert(store.keys[ref], ref)) {
            taken.insert(ref);
        }
    }
    CHECK(taken.size() >= 20);
    CHECK(table.size() == taken.size());
    CHECK(table.check(store.key_of()));
    std::vector<std::uint32_t> refs(store.keys.size());
    table.find_burst(store.keys, refs, store.key_of(), no_prefetch);
    for (std::uint32_t ref = 0; ref < store.keys.size(); ++ref) {
        REQUIRE(table.find(store.keys[ref], store.key_of()) == (taken.count(ref) != 0 ? ref : npos));
        REQUIRE(refs[ref] == (taken.count(ref) != 0 ? ref : npos));
    }
    // Erasing in an order of its own, then filling again, leaves no trace of the first fill.
    small_random random(5);
    while (!taken.empty()) {
        auto victim = taken.lower_bound(static_cast<std::uint32_t>(random() % capacity));
        victim = victim == taken.end() ? taken.begin() : victim;
        REQUIRE(table.erase(store.keys[*victim], *victim));
        taken.erase(victim);
        REQUIRE(table.check(store.key_of()));
    }
    CHECK(table.size() == 0);
}

TEST_CASE("L3: a lookup compares no more than twenty records, whatever the keys") {
    std::vector<colliding_key> keys;
    for (std::uint32_t i = 0; i < 64; ++i) {
        keys.push_back({i});
    }
    std::size_t compared = 0;
    const auto key_of = [&](std::uint32_t ref) -> const colliding_key& {
        ++compared;
        return keys[ref];
    };
    ikealg::table::flow_table<colliding_key> table(1'000, hash_secret::from_seed(random_seed()));
    for (std::uint32_t i = 0; i < 64; ++i) {
        CHECK(table.insert(keys[i], i) == (i < 20));
    }
    for (std::uint32_t i = 0; i < 64; ++i) {
        compared = 0;
        CHECK(table.find(keys[i], key_of) == (i < 20 ? i : npos));
        CHECK(compared <= 20);
    }
    // The bucket is full of its own; erasing one makes room for exactly one.
    CHECK(table.erase(keys[3], 3));
    CHECK(table.insert(keys[40], 40));
    CHECK_FALSE(table.insert(keys[41], 41));
    CHECK(table.check(key_of));
}

TEST_CASE("a burst prefetches each record before its key is read, and any length works") {
    table_type table(4'000, hash_secret::from_seed(3));
    key_store store;
    for (std::uint32_t ref = 0; ref < 100; ++ref) {
        store.keys.push_back({ref, 5});
        REQUIRE(table.insert(store.keys[ref], ref));
    }
    for (std::size_t length = 0; length <= 100; ++length) {
        CAPTURE(length);
        std::set<std::uint32_t> prefetched;
        bool in_order = true;
        std::vector<std::uint32_t> refs(length, 1'234);
        table.find_burst(
            std::span<const test_key>(store.keys).first(length), refs,
            [&](std::uint32_t ref) -> const test_key& {
                in_order = in_order && prefetched.count(ref) == 1;
                return store.keys[ref];
            },
            [&](std::uint32_t ref) { prefetched.insert(ref); });
        for (std::uint32_t ref = 0; ref < length; ++ref) {
            REQUIRE(refs[ref] == ref);
        }
        CHECK(in_order);
        CHECK(prefetched.size() == length);
    }
}

TEST_CASE("copies of a flow table do not share state") {
    key_store store;
    store.keys = {{1, 1}, {2, 2}};
    table_type original(10, hash_secret::from_seed(4));
    REQUIRE(original.insert(store.keys[0], 0));
    table_type copy = original;
    REQUIRE(copy.insert(store.keys[1], 1));
    REQUIRE(copy.erase(store.keys[0], 0));
    CHECK(original.find(store.keys[0], store.key_of()) == 0);
    CHECK(original.find(store.keys[1], store.key_of()) == npos);
    CHECK(copy.find(store.keys[0], store.key_of()) == npos);
    CHECK(copy.find(store.keys[1], store.key_of()) == 1);
    CHECK(original.check(store.key_of()));
    CHECK(copy.check(store.key_of()));
}
