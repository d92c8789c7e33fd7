// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/address_map.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

using namespace ikealg;
using namespace std::chrono_literals;
using nat::map_result;
using nat::mapping_state;
using nat::pool_id;

namespace {

constexpr vrf_id vrf0{0};
constexpr pool_id pool0{0};
const hash_secret secret = hash_secret::from_seed(7);

ipv4_address a4(const char* text) {
    return ipv4_address::parse(text).value();
}
instant at(duration since) {
    return instant{} + since;
}

using map4 = nat::address_map<ipv4>;
using pools4 = nat::address_pools<ipv4>;

pools4 one_pool(const char* first, const char* last, bool translation = true) {
    return {{{vrf0, {{a4(first), a4(last)}}, translation, false}}, {}};
}
nat::address_map_settings room_for(std::size_t capacity) {
    nat::address_map_settings s;
    s.capacity = capacity;
    return s;
}
const auto nobody = [](ipv4_address) { return false; };
const auto ignore = [](const nat::mapping<ipv4>&) {};

}  // namespace

TEST_CASE("N1: one client keeps one nat address while anything refers to it") {
    map4 m(room_for(8), one_pool("198.51.100.1", "198.51.100.4"), secret);
    CHECK(m.find(vrf0, a4("10.0.0.1"), pool0) == npos);
    const auto made = m.create(vrf0, a4("10.0.0.1"), pool0, at(1s), nobody);
    REQUIRE(made.result == map_result::mapped);
    CHECK(m.find(vrf0, a4("10.0.0.1"), pool0) == made.ref);
    CHECK(m.find(vrf_id{1}, a4("10.0.0.1"), pool0) == npos);
    CHECK(m[made.ref].created == at(1s));
    CHECK(m[made.ref].state == mapping_state::idle);
    m.add_reference(made.ref);
    m.add_reference(made.ref);
    m.release(made.ref, at(10s));
    CHECK(m.expire(at(40h), 100, ignore) == 0);
    CHECK(m[made.ref].state == mapping_state::busy);
    CHECK_FALSE(m.next_deadline());
}

TEST_CASE("N2: a mapping without state lives for the hold, to the millisecond") {
    map4 m(room_for(8), one_pool("198.51.100.1", "198.51.100.4"), secret);
    const auto ref = m.create(vrf0, a4("10.0.0.1"), pool0, at(0s), nobody).ref;
    m.add_reference(ref);
    m.release(ref, at(1000s));
    CHECK(m.next_deadline() == to_tick(at(1300s)));
    CHECK(m.expire(at(1300s - 1ms), 100, ignore) == 0);
    m.add_reference(ref);  // used again within the hold
    m.release(ref, at(1301s));
    CHECK(m.expire(at(1601s - 1ms), 100, ignore) == 0);
    std::vector<nat::mapping<ipv4>> ended;
    CHECK(m.expire(at(1601s), 100, [&](const auto& e) { ended.push_back(e); }) == 1);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].client == a4("10.0.0.1"));
    CHECK(ended[0].created == at(0s));
    CHECK(m.size() == 0);
    CHECK(m.load(vrf0, a4("198.51.100.1")) == 0);
}

TEST_CASE("N6: a pool without port translation serves one client an address and takes from none (N17)") {
    map4 m(room_for(16), one_pool("198.51.100.1", "198.51.100.2", false), secret);
    const auto first = m.create(vrf0, a4("10.0.0.1"), pool0, at(0s), nobody);
    const auto second = m.create(vrf0, a4("10.0.0.2"), pool0, at(0s), nobody);
    CHECK(m[first.ref].nat != m[second.ref].nat);
    CHECK(m.is_exclusive(first.ref));
    CHECK(m.exclusive_client(vrf0, m[second.ref].nat) == a4("10.0.0.2"));
    CHECK(m.create(vrf0, a4("10.0.0.3"), pool0, at(0s), nobody).result == map_result::exhausted);
    CHECK(m.is_live(first.ref));
    CHECK(m.is_live(second.ref));
    m.add_reference(first.ref);
    CHECK(m.expire(at(300s), 10, ignore) == 1);
    const auto third = m.create(vrf0, a4("10.0.0.3"), pool0, at(301s), nobody);
    REQUIRE(third.result == map_result::mapped);
    CHECK(m[third.ref].nat == a4("198.51.100.2"));
    CHECK(m.exclusive_client(vrf0, a4("198.51.100.2")) == a4("10.0.0.3"));
}

TEST_CASE("N7: `off` maps a client to itself, beside its mapping in a pool") {
    map4 m(room_for(8), one_pool("198.51.100.1", "198.51.100.1"), secret);
    const auto off = m.create(vrf0, a4("10.0.0.1"), nat::off_pool, at(0s), nobody);
    const auto pooled = m.create(vrf0, a4("10.0.0.1"), pool0, at(0s), nobody);
    CHECK(m[off.ref].nat == a4("10.0.0.1"));
    CHECK(m.is_exclusive(off.ref));
    CHECK(m.exclusive_client(vrf0, a4("10.0.0.1")) == a4("10.0.0.1"));
    CHECK_FALSE(m.is_exclusive(pooled.ref));
    CHECK_FALSE(m.exclusive_client(vrf0, a4("198.51.100.1")));
    CHECK(m.find(vrf0, a4("10.0.0.1"), nat::off_pool) == off.ref);
    CHECK(m.find(vrf0, a4("10.0.0.1"), pool0) == pooled.ref);
}

TEST_CASE("N16: static clients have their own address, which no pool hands out") {
    const pools4 pools{{{vrf0, {{a4("198.51.100.1"), a4("198.51.100.2")}}, true, false}},
                       {{vrf0, a4("10.0.0.9"), a4("198.51.100.1"), 1}}};
    map4 m(room_for(8), pools, secret);
    const auto fixed = m.create(vrf0, a4("10.0.0.9"), nat::static_pool, at(0s), nobody);
    CHECK(m[fixed.ref].nat == a4("198.51.100.1"));
    CHECK(m.is_exclusive(fixed.ref));
    CHECK(m.exclusive_client(vrf0, a4("198.51.100.1")) == a4("10.0.0.9"));
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK(m[m.create(vrf0, a4("10.0.1.0").plus(i), pool0, at(0s), nobody).ref].nat == a4("198.51.100.2"));
    }
    CHECK(m.create(vrf0, a4("10.0.0.8"), nat::static_pool, at(0s), nobody).result == map_result::no_pool);
    m.replace_pools(pools, {});
    CHECK(m.load(vrf0, a4("198.51.100.1")) == 0);
    CHECK(m.is_exclusive(fixed.ref));
}

TEST_CASE("N13: a pool serves its own VRF only") {
    map4 m(room_for(8), one_pool("198.51.100.1", "198.51.100.2"), secret);
    CHECK(m.create(vrf_id{1}, a4("10.0.0.1"), pool0, at(0s), nobody).result == map_result::no_pool);
    CHECK(m.create(vrf0, a4("10.0.0.1"), pool_id{1}, at(0s), nobody).result == map_result::no_pool);
}

TEST_CASE("E8: after a conflict and an idle end the client gets another address, if there is one") {
    for (const bool translation : {true, false}) {
        CAPTURE(translation);
        map4 m(room_for(8), one_pool("198.51.100.1", "198.51.100.2", translation), secret);
        const auto client = a4("10.0.0.1");
        auto ref = m.create(vrf0, client, pool0, at(0s), nobody).ref;
        CHECK(m[ref].nat == a4("198.51.100.1"));
        if (translation) {  // the other address is more loaded, and not clean: still preferred
            const auto only_second = [](ipv4_address n) { return n != a4("198.51.100.2"); };
            for (std::uint32_t i = 0; i < 2; ++i) {
                m.add_reference(m.create(vrf0, a4("10.0.1.0").plus(i), pool0, at(0s), only_second).ref);
            }
        }
        m.want_new_address(ref);
        CHECK(m.wants_new_address(ref));
        CHECK(m.find(vrf0, client, pool0) == ref);
        CHECK(m.expire(at(300s), 10, ignore) == 1);
        CHECK_FALSE(m.is_live(ref));
        CHECK(m.find(vrf0, client, pool0) == npos);
        CHECK(m.load(vrf0, a4("198.51.100.1")) == 0);
        ref = m.create(vrf0, client, pool0, at(400s), [](ipv4_address) { return true; }).ref;
        CHECK(m[ref].nat == a4("198.51.100.2"));
        CHECK_FALSE(m.wants_new_address(ref));
    }
}

TEST_CASE("E8: with one address the client gets it again; the memory ends by itself and yields to newcomers") {
    map4 m(room_for(2), one_pool("198.51.100.1", "198.51.100.1"), secret);
    const auto conflict = [&](instant now) {
        const auto ref = m.create(vrf0, a4("10.0.0.1"), pool0, now, nobody).ref;
        CHECK(m[ref].nat == a4("198.51.100.1"));
        m.want_new_address(ref);
        CHECK(m.expire(now + 300s, 10, ignore) == 1);
        CHECK(m.size() == 1);
    };
    conflict(at(0s));
    conflict(at(1000s));
    CHECK(m.next_deadline() == to_tick(at(1300s + 1h)));
    CHECK(m.expire(at(1300s + 1h), 10, ignore) == 1);
    CHECK(m.size() == 0);
    conflict(at(2h));
    CHECK(m.create(vrf0, a4("10.0.0.2"), pool0, at(3h), nobody).result == map_result::mapped);
    CHECK(m.create(vrf0, a4("10.0.0.3"), pool0, at(3h), nobody).result == map_result::mapped);
    CHECK(m.create(vrf0, a4("10.0.0.4"), pool0, at(3h), nobody).result == map_result::full);
}

TEST_CASE("L1: a full map refuses, and serves again when a mapping has ended") {
    map4 m(room_for(3), one_pool("198.51.100.1", "198.51.100.1"), secret);
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK(m.create(vrf0, a4("10.0.0.1").plus(i), pool0, at(0s), nobody).result == map_result::mapped);
    }
    CHECK(m.create(vrf0, a4("10.0.0.9"), pool0, at(0s), nobody).result == map_result::full);
    CHECK(m.load(vrf0, a4("198.51.100.1")) == 3);
    CHECK(m.end(m.find(vrf0, a4("10.0.0.2"), pool0)).client == a4("10.0.0.2"));
    CHECK(m.create(vrf0, a4("10.0.0.9"), pool0, at(0s), nobody).result == map_result::mapped);
    CHECK(m.expire(at(300s), 2, ignore) == 2);  // bounded by the budget
    CHECK(m.expire(at(300s), 2, ignore) == 1);
}

TEST_CASE("P4: replacing pools keeps living mappings and gives their lost addresses to nobody") {
    map4 m(room_for(16),
           {{{vrf0, {{a4("198.51.100.1"), a4("198.51.100.2")}}, true, false},
             {vrf0, {{a4("203.0.113.1"), a4("203.0.113.1")}}, false, false}},
            {}},
           secret);
    const auto lost = m.create(vrf0, a4("10.0.0.1"), pool0, at(0s), nobody).ref;
    const auto kept = m.create(vrf0, a4("10.0.0.2"), pool0, at(0s), nobody).ref;
    const auto gone = m.create(vrf0, a4("10.0.0.3"), pool_id{1}, at(0s), nobody).ref;
    CHECK(m.is_exclusive(gone));
    const std::vector<pool_id> moved{pool_id{1}, nat::gone_pool};
    m.replace_pools({{{vrf0, {{a4("192.0.2.1"), a4("192.0.2.1")}}, true, false},
                      {vrf0, {{a4("198.51.100.2"), a4("198.51.100.3")}}, false, false}},
                     {}},
                    moved);
    CHECK(m.find(vrf0, a4("10.0.0.1"), pool_id{1}) == lost);
    CHECK(m[lost].nat == a4("198.51.100.1"));
    CHECK(m.load(vrf0, a4("198.51.100.1")) == 0);
    CHECK(m.find(vrf0, a4("10.0.0.2"), pool_id{1}) == kept);
    CHECK(m.load(vrf0, a4("198.51.100.2")) == 1);
    CHECK(m.is_exclusive(kept));
    CHECK(m[gone].nat == a4("203.0.113.1"));
    CHECK(m[gone].pool == nat::gone_pool);
    const auto fresh = m.create(vrf0, a4("10.0.0.4"), pool_id{1}, at(1s), nobody);
    CHECK(m[fresh.ref].nat == a4("198.51.100.3"));
    CHECK(m.create(vrf0, a4("10.0.0.5"), pool_id{1}, at(1s), nobody).result == map_result::exhausted);
    std::size_t ended = 0;
    CHECK(m.expire(at(400s), 10, [&](const auto&) { ++ended; }) == 4);
    CHECK(ended == 4);
    CHECK(m.size() == 0);
}

TEST_CASE("P4: clients that shared an address do not have it alone when its pool stops translating ports") {
    map4 m(room_for(16), one_pool("198.51.100.1", "198.51.100.1"), secret);
    const auto first = m.create(vrf0, a4("10.0.0.1"), pool0, at(0s), nobody).ref;
    const auto second = m.create(vrf0, a4("10.0.0.2"), pool0, at(0s), nobody).ref;
    const std::vector<pool_id> same{pool0};
    m.replace_pools(one_pool("198.51.100.1", "198.51.100.1", false), same);
    CHECK_FALSE(m.is_exclusive(first));
    CHECK_FALSE(m.is_exclusive(second));
    CHECK_FALSE(m.exclusive_client(vrf0, a4("198.51.100.1")));
    CHECK(m.create(vrf0, a4("10.0.0.3"), pool0, at(0s), nobody).result == map_result::exhausted);
    m.end(first);
    CHECK_FALSE(m.exclusive_client(vrf0, a4("198.51.100.1")));
}

TEST_CASE("N2: random histories agree with a slow model") {
    struct model_mapping {
        ipv4_address nat;
        std::uint32_t references = 0;
        instant idle_since;
        std::uint64_t serial = 0;
        bool wants_new = false;
    };
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        const std::uint32_t addresses = 1 + static_cast<std::uint32_t>(random() % 6);
        const bool translation = random() % 3 != 0;
        const std::size_t capacity = 6 + random() % 12;
        const auto base = a4("198.51.100.0");
        map4 m(room_for(capacity), {{{vrf0, {{base, base.plus(addresses - 1)}}, translation, false}}, {}}, secret);
        std::map<std::uint32_t, model_mapping> model;                             // by client
        std::map<std::uint32_t, std::pair<std::uint64_t, std::uint32_t>> memory;  // retired: serial, address
        std::map<std::uint32_t, std::uint64_t> touched;                           // when an address's load last changed
        for (std::uint32_t i = 0; i < addresses; ++i) {
            touched[base.plus(i).value] = i;
        }
        std::uint64_t serial = addresses;
        instant now = at(0s);
        const auto load = [&](std::uint32_t nat) {
            return std::count_if(model.begin(), model.end(), [&](const auto& e) { return e.second.nat.value == nat; });
        };
        for (int step = 0; step < 800; ++step) {
            CAPTURE(step);
            const std::uint32_t client = a4("10.0.0.0").value + static_cast<std::uint32_t>(random() % 20);
            const auto known = model.find(client);
            const std::uint32_t ref = m.find(vrf0, {client}, pool0);
            REQUIRE((ref != npos) == (known != model.end()));
            const auto what = random() % 8;
            if (ref == npos && what < 5) {
                const std::uint64_t busy_mask = random();
                const auto has_other = [&](ipv4_address n) { return (busy_mask >> (n.value & 31) & 1U) != 0; };
                std::vector<std::uint32_t> order;
                for (const auto& [nat, when] : touched) {
                    order.push_back(nat);
                }
                std::sort(order.begin(), order.end(), [&](auto a, auto b) {
                    return std::tuple(load(a), touched[a]) < std::tuple(load(b), touched[b]);
                });
                if (!translation) {
                    order.erase(std::remove_if(order.begin(), order.end(), [&](auto a) { return load(a) != 0; }),
                                order.end());
                }
                const auto avoided = memory.find(client);
                if (avoided != memory.end() && order.size() > 1) {
                    order.erase(std::remove(order.begin(), order.end(), avoided->second.second), order.end());
                }
                const auto clean = std::find_if(order.begin(), order.end(), [&](auto a) { return !has_other({a}); });
                const auto made = m.create(vrf0, {client}, pool0, now, has_other);
                if (order.empty()) {
                    REQUIRE(made.result == map_result::exhausted);
                    continue;
                }
                memory.erase(client);
                if (model.size() + memory.size() == capacity && !memory.empty()) {
                    memory.erase(std::min_element(memory.begin(), memory.end(), [](const auto& a, const auto& b) {
                        return a.second.first < b.second.first;
                    }));
                }
                if (model.size() + memory.size() == capacity) {
                    REQUIRE(made.result == map_result::full);
                    continue;
                }
                REQUIRE(made.result == map_result::mapped);
                const std::uint32_t expected = translation && clean != order.end() ? *clean : order.front();
                REQUIRE(m[made.ref].nat.value == expected);
                model[client] = {{expected}, 0, now, ++serial, false};
                touched[expected] = serial;
            } else if (ref != npos && what < 3) {
                m.add_reference(ref);
                ++known->second.references;
            } else if (ref != npos && what < 6 && known->second.references > 0) {
                m.release(ref, now);
                if (--known->second.references == 0) {
                    known->second.idle_since = now;
                    known->second.serial = ++serial;
                }
            } else if (ref != npos && what == 6) {
                m.want_new_address(ref);
                known->second.wants_new = true;
            } else {
                now += std::chrono::milliseconds(random() % 200'000);
                std::vector<std::uint32_t> expected;
                while (true) {
                    auto oldest = model.end();
                    for (auto it = model.begin(); it != model.end(); ++it) {
                        if (it->second.references == 0 && now - it->second.idle_since >= 300s &&
                            (oldest == model.end() || it->second.serial < oldest->second.serial)) {
                            oldest = it;
                        }
                    }
                    if (oldest == model.end()) {
                        break;
                    }
                    expected.push_back(oldest->first);
                    touched[oldest->second.nat.value] = ++serial;
                    if (oldest->second.wants_new) {
                        memory[oldest->first] = {++serial, oldest->second.nat.value};
                    }
                    model.erase(oldest);
                }
                std::vector<std::uint32_t> ended;
                m.expire(now, 1000, [&](const auto& e) { ended.push_back(e.client.value); });
                REQUIRE(ended == expected);
                if (memory.size() + model.size() != m.size()) {  // memories end after an hour
                    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint32_t>> rest;
                    std::vector<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>> by_age;
                    for (const auto& [c, e] : memory) {
                        by_age.emplace_back(e.first, c, e.second);
                    }
                    std::sort(by_age.rbegin(), by_age.rend());
                    by_age.resize(m.size() - model.size());
                    for (const auto& [when, c, nat] : by_age) {
                        rest[c] = {when, nat};
                    }
                    memory = rest;
                }
            }
            REQUIRE(m.size() == model.size() + memory.size());
        }
    }
}

TEST_CASE("a copy of the map goes its own way") {
    map4 m(room_for(4), one_pool("198.51.100.1", "198.51.100.2"), secret);
    const auto ref = m.create(vrf0, a4("10.0.0.1"), pool0, at(0s), nobody).ref;
    map4 copy = m;
    copy.end(ref);
    CHECK(m.find(vrf0, a4("10.0.0.1"), pool0) == ref);
    CHECK(copy.find(vrf0, a4("10.0.0.1"), pool0) == npos);
}
