// SPDX-License-Identifier: Apache-2.0
/// A gateway's settings, checked and compiled: policy, NAT rules, own addresses.
///
/// Built whole or not at all, with every error at once (P3); replaced whole at run time (P4).
///
/// Thread safety: immutable after `build`. Complexity: see policy_set.hpp and rules.hpp.
#ifndef IKEALG_GATEWAY_CONFIGURATION_HPP
#define IKEALG_GATEWAY_CONFIGURATION_HPP

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "ikealg/nat/rules.hpp"
#include "ikealg/policy/policy_set.hpp"
#include "ikealg/settings.hpp"

namespace ikealg::inline v0 {

template <class Family>
struct gateway_configuration {
    using address = typename Family::address;

    policy::policy_set<Family> policy{};
    nat::nat_rules<Family> rules{};
    nat::nat_timeouts timeouts{};
    alg::alg_settings alg{};
    bool hairpin = false;
    bool decrement_ttl = true;
    std::vector<std::pair<vrf_id, address>> own{};  ///< sorted

    [[nodiscard]] static built<gateway_configuration> build(settings<Family> s) {
        built<gateway_configuration> result;
        gateway_configuration c;
        const auto take = [&result](auto&& part) {
            std::move(part.errors.begin(), part.errors.end(), std::back_inserter(result.errors));
            std::move(part.warnings.begin(), part.warnings.end(), std::back_inserter(result.warnings));
            return std::move(part.value);
        };
        s.nat.zones.clear();
        for (const auto& zone : s.policy.zones) {
            s.nat.zones.push_back({zone.name, zone.vrf, {}});
        }
        for (const auto& own : s.interfaces) {
            const auto zone = std::find_if(s.nat.zones.begin(), s.nat.zones.end(),
                                           [&](const auto& z) { return z.name == own.zone; });
            if (zone == s.nat.zones.end()) {
                result.errors.push_back({"interfaces address " + to_string(own.address),
                                         "zone " + own.zone + " is not defined"});
                continue;
            }
            zone->interface_addresses.push_back(own.address);
            c.own.emplace_back(zone->vrf, own.address);
        }
        std::sort(c.own.begin(), c.own.end());
        auto policy = take(policy::policy_set<Family>::build(s.policy));
        auto rules = take(nat::nat_rules<Family>::build(s.nat));
        s.alg.validate(result.errors);
        (void)nat::check(s.timeouts, [&](const nat::timeout_row& row, std::chrono::seconds value) {
            result.errors.push_back({"security flow " + std::string(row.name),
                                     std::to_string(value.count()) + " is out of range, allowed are " +
                                         std::to_string(row.least.count()) + " to " + std::to_string(row.most.count()) +
                                         " seconds"});
        });
        if (!result.errors.empty() || !policy || !rules) {
            return result;
        }
        c.policy = std::move(*policy);
        c.rules = std::move(*rules);
        c.timeouts = s.timeouts;
        c.alg = s.alg;
        c.hairpin = s.hairpin;
        c.decrement_ttl = s.decrement_ttl;
        result.value = std::move(c);
        return result;
    }

    [[nodiscard]] bool is_own(vrf_id vrf, address a) const noexcept {
        return std::binary_search(own.begin(), own.end(), std::pair{vrf, a});
    }
};

}  // namespace ikealg::inline v0

#endif
