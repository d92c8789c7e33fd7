// SPDX-License-Identifier: Apache-2.0
/// What NAT rules are compiled to: decisions by pair of zones, pools, static mappings, names.
///
/// The pools are numbered as declared, followed by one per zone that a rule with `interface` sends to; they and the
/// static mappings are in the form that `address_pools` is made from.
///
/// rule_compiler.hpp makes it of settings, rules.hpp searches it. Thread safety: values.
#ifndef IKEALG_NAT_COMPILED_RULES_HPP
#define IKEALG_NAT_COMPILED_RULES_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/nat/address_pools.hpp"
#include "ikealg/nat/nat_settings.hpp"
#include "ikealg/table/rule_classifier.hpp"

namespace ikealg::inline v0::nat {

enum class nat_kind : std::uint8_t {
    none,        ///< no rule matches
    pool,        ///< `pool` is the pool named
    interface,   ///< `pool` is that of the to-zone's interface addresses
    off,         ///< `pool` is off_pool
    static_nat,  ///< `pool` is static_pool; address_pools has the address
};

struct nat_decision {
    nat_kind kind = nat_kind::none;
    pool_id pool = off_pool;
    std::uint32_t rule = npos;  ///< number of the rule, counted through all rule-sets; npos: none or static
    friend constexpr bool operator==(const nat_decision&, const nat_decision&) = default;
};

/// Names of a rule, for logs and show commands.
struct nat_rule_name {
    std::string rule_set{};
    std::string rule{};
};

template <class Family>
struct compiled_rules {
    using address = typename Family::address;

    /// The rules for flows from one zone to another.
    struct zone_pair {
        table::rule_classifier<address, address> rules{};
        std::vector<nat_decision> decisions{};
    };
    struct static_range {
        zone_id zone{};
        address_range<Family> clients{};
    };

    std::size_t zones = 0;
    std::vector<std::uint32_t> pair_of{};  ///< [from * zones + to]: number of the pair
    std::vector<zone_pair> pairs{};
    std::vector<static_range> static_clients{};  ///< by zone and first address
    std::vector<address_pool<Family>> pools{};
    std::vector<static_mapping<Family>> static_mappings{};
    std::vector<std::string> pool_names{};
    std::vector<nat_port_range> pool_ports{};
    std::vector<address_range<Family>> proxy_arp{};  ///< merged
    std::vector<nat_rule_name> rule_names{};
};

}  // namespace ikealg::inline v0::nat

#endif
