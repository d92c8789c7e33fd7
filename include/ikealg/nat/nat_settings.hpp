// SPDX-License-Identifier: Apache-2.0
/// Address translation as it is configured: pools, rule-sets, static 1:1 mappings, proxy ARP.
///
/// Plain structs with the meaning of the Junos statements below `security nat`; nothing here is checked.
/// `nat_rules<Family>::build` checks and compiles them.
///
/// Thread safety: values.
#ifndef IKEALG_NAT_NAT_SETTINGS_HPP
#define IKEALG_NAT_NAT_SETTINGS_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::nat {

/// Translated source ports from `low` to `high`, both included; within 1024 to 65535.
struct nat_port_range {
    std::uint16_t low = 1024;
    std::uint16_t high = 65535;
    friend constexpr bool operator==(const nat_port_range&, const nat_port_range&) = default;
};

template <class Family>
struct nat_pool_settings {
    std::string name{};
    vrf_id vrf{};  ///< that of the zones the pool is used toward
    std::vector<address_spec<Family>> addresses{};
    bool port_no_translation = false;
    nat_port_range ports{};
};

enum class nat_action : std::uint8_t {
    pool,       ///< an address of the pool named
    interface,  ///< an address of the interface in the to-zone
    off,        ///< not translated
};

/// Matches when a source and a destination prefix contain the packet's; without prefixes, any.
template <class Family>
struct nat_rule_settings {
    std::string name{};
    std::vector<prefix<Family>> source_addresses{};
    std::vector<prefix<Family>> destination_addresses{};
    nat_action action = nat_action::off;
    std::string pool{};  ///< for nat_action::pool
};

template <class Family>
struct nat_rule_set_settings {
    std::string name{};
    std::vector<std::string> from_zones{};
    std::vector<std::string> to_zones{};
    std::vector<nat_rule_settings<Family>> rules{};
};

/// Clients of `inside` and their nat addresses of `outside`, position by position; prefixes of equal length (N16).
template <class Family>
struct static_nat_settings {
    std::string name{};
    std::string zone{};  ///< the clients' zone
    prefix<Family> inside{};
    prefix<Family> outside{};
};

/// What NAT needs to know of a zone.
template <class Family>
struct nat_zone_settings {
    std::string name{};
    vrf_id vrf{};
    std::vector<typename Family::address> interface_addresses{};
};

struct nat_limits {
    std::uint64_t pool_addresses = 65536;  ///< of one pool
    std::size_t matcher_bytes = std::size_t{64} << 20;
};

template <class Family>
struct nat_settings {
    std::vector<nat_zone_settings<Family>> zones{};  ///< the zones of the policy, in the same order
    std::vector<nat_pool_settings<Family>> pools{};
    std::vector<nat_rule_set_settings<Family>> rule_sets{};  ///< in order of matching
    std::vector<static_nat_settings<Family>> statics{};
    std::vector<address_spec<Family>> proxy_arp{};
    bool address_persistent = false;  ///< always on; a configuration without it gets a warning (N17)
    nat_limits limits{};
};

}  // namespace ikealg::inline v0::nat

#endif
