// SPDX-License-Identifier: Apache-2.0
/// The NAT rules, checked and compiled: which new flows are translated, and from which pool (N7, N16, N17, P3).
///
/// Static mappings come before the rule-sets, as in Junos. Then the first rule in order of declaration decides, among
/// those of all rule-sets whose from-zones and to-zones hold the flow's; `off` is a decision like the others.
///
/// Thread safety: immutable after `build`. Complexity: a match is a binary search of the static mappings, two lookups
/// in search trees and an intersection of bit vectors (see rule_classifier.hpp); it does not allocate.
#ifndef IKEALG_NAT_RULES_HPP
#define IKEALG_NAT_RULES_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/nat/address_pools.hpp"
#include "ikealg/nat/compiled_rules.hpp"
#include "ikealg/nat/nat_settings.hpp"
#include "ikealg/nat/rule_compiler.hpp"

namespace ikealg::inline v0::nat {

template <class Family>
class nat_rules {
    using address = typename Family::address;
    using settings_type = nat_settings<Family>;

public:
    /// No rules: nothing is translated.
    nat_rules() = default;

    /// Checks and compiles `settings`; reports every error at once.
    [[nodiscard]] static built<nat_rules> build(const settings_type& settings) {
        auto compiled = rule_compiler<Family>::compile(settings);
        built<nat_rules> result{std::nullopt, std::move(compiled.errors), std::move(compiled.warnings)};
        if (compiled) {
            result.value.emplace(nat_rules{std::move(*compiled.value)});
        }
        return result;
    }

    /// What happens to a new flow's source.
    [[nodiscard]] nat_decision match(zone_id from, zone_id to, address source, address destination) const noexcept {
        if (from.value >= c_.zones || to.value >= c_.zones) {
            return {};
        }
        if (has_static(from, source)) {
            return {nat_kind::static_nat, static_pool, npos};
        }
        const std::uint32_t number = c_.pair_of[from.value * c_.zones + to.value];
        if (number == npos) {
            return {};
        }
        const auto& pair = c_.pairs[number];
        const std::uint32_t found = pair.rules.match(source, destination);
        return found == npos ? nat_decision{} : pair.decisions[found];
    }

    [[nodiscard]] const std::vector<address_pool<Family>>& pools() const noexcept { return c_.pools; }
    [[nodiscard]] const std::vector<static_mapping<Family>>& statics() const noexcept { return c_.static_mappings; }
    /// Name of each pool; `interface ZONE` for those of interfaces.
    [[nodiscard]] const std::vector<std::string>& pool_names() const noexcept { return c_.pool_names; }
    /// Translated source ports of each pool.
    [[nodiscard]] const std::vector<nat_port_range>& pool_ports() const noexcept { return c_.pool_ports; }
    /// Further addresses to answer ARP or neighbour solicitations for, merged.
    [[nodiscard]] const std::vector<address_range<Family>>& proxy_arp() const noexcept { return c_.proxy_arp; }
    /// Rules by the number that a decision gives.
    [[nodiscard]] const std::vector<nat_rule_name>& rules() const noexcept { return c_.rule_names; }

private:
    explicit nat_rules(compiled_rules<Family> compiled) : c_(std::move(compiled)) {}

    [[nodiscard]] bool has_static(zone_id zone, address client) const noexcept {
        auto at = std::upper_bound(
            c_.static_clients.begin(), c_.static_clients.end(), client,
            [zone](address a, const auto& s) { return zone != s.zone ? zone < s.zone : a < s.clients.first; });
        return at != c_.static_clients.begin() && (--at)->zone == zone && at->clients.contains(client);
    }

    compiled_rules<Family> c_{};
};

}  // namespace ikealg::inline v0::nat

#endif
