// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "nat/base_settings.hpp"

using namespace ikealg;
using namespace ikealg::nat;
using tests::base_settings;
using tests::block;
using tests::numbered;
using tests::trust;
using tests::untrust;

namespace {

template <class Family>
[[nodiscard]] nat_rules<Family> compiled(const nat_settings<Family>& settings) {
    auto result = nat_rules<Family>::build(settings);
    INFO(tests::text_of(result.errors));
    REQUIRE(result);
    return std::move(*result.value);
}

}  // namespace

TEST_CASE_TEMPLATE("N7: the first rule in order decides, off included", Family, ipv4, ipv6) {
    const auto rules = compiled(base_settings<Family>());
    const auto at = [&](std::uint32_t source, std::uint32_t destination) {
        return rules.match(trust, untrust, numbered<Family>(source), numbered<Family>(destination));
    };
    CHECK(at(5, 0x2005) == nat_decision{nat_kind::off, off_pool, 0});
    CHECK(at(5, 0x5000) == nat_decision{nat_kind::pool, pool_id{0}, 1});
    CHECK(at(0x500, 0x5000) == nat_decision{nat_kind::interface, pool_id{1}, 2});
    CHECK(rules.match(untrust, trust, numbered<Family>(5), numbered<Family>(5)) == nat_decision{});
    CHECK(rules.match(trust, zone_id{7}, numbered<Family>(5), numbered<Family>(5)) == nat_decision{});
    CHECK(nat_rules<Family>().match(trust, untrust, {}, {}) == nat_decision{});
    CHECK(rules.rules()[2].rule == "rest");
    CHECK(rules.rules()[2].rule_set == "out");
}

TEST_CASE_TEMPLATE("N7: random rules decide as a search through the settings does", Family, ipv4, ipv6) {
    for (const std::size_t count : {1U, 50U, 1000U}) {
        const std::uint64_t seed = count + 3;
        CAPTURE(seed);
        small_random random(seed);
        auto s = base_settings<Family>();
        s.rule_sets.clear();
        const auto some = [&] {
            std::vector<prefix<Family>> prefixes;
            for (std::uint64_t n = random() % 3; n > 0; --n) {
                const auto host_bits = static_cast<unsigned>(random() % 8);
                const auto at = static_cast<std::uint32_t>(random() % 0x1000);
                prefixes.push_back(block<Family>(at >> host_bits << host_bits, host_bits));
            }
            return prefixes;
        };
        for (std::size_t i = 0; i < count; ++i) {
            if (i % 10 == 0) {
                s.rule_sets.push_back({"set" + std::to_string(i), {"trust"}, {"untrust"}, {}});
                if (random() % 2 == 0) {
                    s.rule_sets.back().from_zones.push_back("untrust");
                }
            }
            auto source = some();
            auto destination = some();
            if (source.empty() && destination.empty()) {
                source.push_back(block<Family>(0x100, 8));
            }
            const auto action = random() % 2 == 0 ? nat_action::off : nat_action::pool;
            s.rule_sets.back().rules.push_back({"rule" + std::to_string(i), source, destination, action, "public"});
        }
        const auto rules = compiled(s);
        std::size_t wrong = 0;
        for (int q = 0; q < 2000; ++q) {
            const zone_id from = random() % 2 == 0 ? trust : untrust;
            const auto source = numbered<Family>(static_cast<std::uint32_t>(random() % 0x1100));
            const auto destination = numbered<Family>(static_cast<std::uint32_t>(random() % 0x1100));
            const auto in = [](const auto& prefixes, auto a) {
                return prefixes.empty() ||
                       std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& p) { return p.contains(a); });
            };
            std::uint32_t number = 0;
            std::uint32_t expected = npos;
            for (const auto& rule_set : s.rule_sets) {
                for (const auto& rule : rule_set.rules) {
                    if (expected == npos && (from == trust || rule_set.from_zones.size() == 2) &&
                        in(rule.source_addresses, source) && in(rule.destination_addresses, destination)) {
                        expected = number;
                    }
                    ++number;
                }
            }
            wrong += rules.match(from, untrust, source, destination).rule == expected ? 0U : 1U;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE_TEMPLATE("N16: a static client comes before every rule, in its own zone only", Family, ipv4, ipv6) {
    auto s = base_settings<Family>();
    s.statics = {{"one", "trust", block<Family>(0x10, 2), block<Family>(0x4000, 2)},
                 {"two", "untrust", block<Family>(0x40, 0), block<Family>(0x4100, 0)}};
    const auto rules = compiled(s);
    const auto kind = [&](zone_id from, std::uint32_t source) {
        return rules.match(from, untrust, numbered<Family>(source), numbered<Family>(0x2000)).kind;
    };
    CHECK(kind(trust, 0x0f) == nat_kind::off);
    CHECK(kind(trust, 0x10) == nat_kind::static_nat);
    CHECK(kind(trust, 0x13) == nat_kind::static_nat);
    CHECK(kind(trust, 0x14) == nat_kind::off);
    CHECK(kind(trust, 0x40) == nat_kind::off);
    CHECK(kind(untrust, 0x40) == nat_kind::static_nat);
    CHECK(kind(untrust, 0x10) == nat_kind::none);
    REQUIRE(rules.statics().size() == 2);
    CHECK(rules.statics()[0].client == numbered<Family>(0x10));
    CHECK(rules.statics()[0].nat == numbered<Family>(0x4000));
    CHECK(rules.statics()[0].count == 4);
}
