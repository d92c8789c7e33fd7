// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/flow_store.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "support/addresses.hpp"

using namespace ikealg;
using namespace ikealg::nat;
using tests::numbered;

namespace {

template <class Family>
flow_key<Family> some_key(small_random& random, unsigned variety) {
    return {numbered<Family>(static_cast<std::uint32_t>(random() % variety)), numbered<Family>(7), static_cast<std::uint32_t>(random() % 4),
            zone_id{static_cast<std::uint16_t>(random() % 2)}, 50, 0};
}

}  // namespace

TEST_CASE_TEMPLATE("the flow store answers as a map of its flows does", Family, ipv4, ipv6) {
    for (const unsigned variety : {4U, 200U}) {
        const std::uint64_t seed = variety;
        CAPTURE(seed);
        small_random random(seed);
        flow_store<Family> store(64, hash_secret::from_seed(seed));
        std::map<std::uint32_t, flow<Family>> reference;  // by index
        const auto look = [&](const flow_key<Family>& key) {
            for (const auto& [index, f] : reference) {
                if ((f.flags & 1) != 0 && f.outbound == key) {
                    return flow_match{index, flow_side::outbound};
                }
                if ((f.flags & 2) != 0 && f.inbound == key) {
                    return flow_match{index, flow_side::inbound};
                }
                if ((f.flags & 4) != 0 && quote_key(f) == key) {
                    return flow_match{index, flow_side::quote};
                }
            }
            return flow_match{};
        };
        std::array<std::size_t, 3> results{};
        for (int step = 0; step < 20'000; ++step) {
            const auto removed_before = store.keys_removed();
            const std::uint64_t what = random() % 10;
            if (what < 5) {
                flow<Family> f;
                f.outbound = some_key<Family>(random, variety);
                f.inbound = some_key<Family>(random, variety);
                f.flags = static_cast<std::uint8_t>(1 + random() % 7);
                const auto taken = [&](std::uint8_t bit, const flow_key<Family>& key) { return (f.flags & bit) != 0 && look(key); };
                const bool own_clash = (f.flags & 3) == 3 && f.outbound == f.inbound;
                const bool clash = own_clash || taken(1, f.outbound) || taken(2, f.inbound) || taken(4, quote_key(f));
                const auto added = store.add(f);
                ++results[static_cast<std::size_t>(added.result)];
                if (reference.size() == 64) {
                    CHECK(added.result == add_result::full);
                } else if (clash) {
                    CHECK(added.result == add_result::taken);
                } else if (added.result == add_result::added) {
                    CHECK_FALSE(reference.contains(added.index));
                    f.flags = store[added.index].flags;
                    reference[added.index] = f;
                } else {
                    CHECK(added.result == add_result::full);  // three keys each: the table of keys may fill first
                }
            } else if (!reference.empty()) {
                auto it = reference.begin();
                std::advance(it, static_cast<std::ptrdiff_t>(random() % reference.size()));
                if (what < 8) {
                    store.remove(it->first);
                    reference.erase(it);
                    CHECK(store.keys_removed() > removed_before);
                } else if (what == 8) {
                    const auto side = static_cast<flow_side>(random() % 3);
                    const bool had = (it->second.flags & 1U << static_cast<unsigned>(side)) != 0;
                    store.detach(it->first, side);
                    CHECK((store.keys_removed() != removed_before) == had);
                    it->second.flags = static_cast<std::uint8_t>(it->second.flags & ~(1U << static_cast<unsigned>(side)));
                    if ((it->second.flags & 7) == 0) {
                        store.remove(it->first);
                        reference.erase(it);
                    }
                } else if (!it->second.has(flow_flag::has_inbound)) {
                    const bool clash = static_cast<bool>(look(it->second.inbound));
                    const auto r = store.attach(it->first, flow_side::inbound);
                    CHECK((r == add_result::taken) == clash);
                    if (r == add_result::added) {
                        it->second.flags |= flow_flag::has_inbound;
                    }
                }
            }
            REQUIRE(store.size() == reference.size());
            std::array<flow_key<Family>, 5> keys;
            std::array<std::uint32_t, 5> refs{};
            for (auto& k : keys) {
                k = some_key<Family>(random, variety);
                k.role = random() % 4 == 0 ? 1 : 0;
            }
            store.find_burst(keys, refs);
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const auto expected = look(keys[i]);
                const auto found = store.find(keys[i]);
                const auto in_burst = flow_store<Family>::decode(refs[i]);
                CHECK(found.index == expected.index);
                CHECK(in_burst.index == expected.index);
                CHECK((!expected || found.side == expected.side));
            }
        }
        CHECK(results[0] > 100);
        CHECK(results[2] > 100);
        std::size_t visited = 0;
        store.for_each([&](std::uint32_t index, const flow<Family>& f) {
            ++visited;
            REQUIRE(reference.contains(index));
            CHECK(reference[index].flags == f.flags);
        });
        CHECK(visited == reference.size());
    }
}

TEST_CASE("L1: a full flow store refuses and keeps what it has") {
    flow_store<ipv4> store(4, hash_secret::from_seed(1));
    for (std::uint32_t i = 0; i < 6; ++i) {
        flow<ipv4> f;
        f.outbound = {{i}, {9}, 0, zone_id{}, 50, 0};
        f.flags = flow_flag::has_outbound;
        CHECK(store.add(f).result == (i < 4 ? add_result::added : add_result::full));
    }
    CHECK(store.size() == 4);
    CHECK(store.find({{3}, {9}, 0, zone_id{}, 50, 0}));
}
