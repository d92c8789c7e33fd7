// SPDX-License-Identifier: Apache-2.0
/// Everything a gateway is configured with: plain structs, checked as a whole when a gateway is built (P3).
///
/// Zones come first: they are declared in `policy.zones`, and a zone's id is its position there. `interfaces` says which addresses are the
/// gateway's own, per zone. The NAT part leaves its zones empty: they are taken from these two.
///
/// Thread safety: values.
#ifndef IKEALG_SETTINGS_HPP
#define IKEALG_SETTINGS_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "ikealg/alg/settings.hpp"
#include "ikealg/alg/state.hpp"
#include "ikealg/nat/nat_settings.hpp"
#include "ikealg/nat/timeouts.hpp"
#include "ikealg/policy/policy_settings.hpp"

namespace ikealg::inline v0 {

/// An address of the gateway itself.
template <class Family>
struct interface_address {
    std::string zone{};
    typename Family::address address{};
};

template <class Family>
struct settings {
    policy::policy_set_settings<Family> policy{};
    nat::nat_settings<Family> nat{};
    ikealg::alg::alg_settings alg{};
    nat::nat_timeouts timeouts{};
    std::vector<interface_address<Family>> interfaces{};
    bool hairpin = false;        ///< N12: clients may reach each other's nat addresses (UDP and TCP)
    bool decrement_ttl = true;   ///< false when the host does it

    /// A router with clients in `inside` and one nat address, or several, toward everywhere else: zones `trust` and `untrust`, everything permitted
    /// from trust to untrust, IKE on UDP 500 handed to the ALG. A starting point; `alg.enabled` is still false.
    [[nodiscard]] static settings source_nat(prefix<Family> inside, address_range<Family> pool);
};

template <class Family>
settings<Family> settings<Family>::source_nat(prefix<Family> inside, address_range<Family> pool) {
    settings s;
    s.policy.zones = {{"trust", {}, {inside}, {}}, {"untrust", {}, {prefix<Family>{}}, {}}};
    policy::application_settings ike;
    ike.name = "ike-alg";
    ike.protocol = static_cast<std::uint8_t>(ip_protocol::udp);
    ike.destination_port = {ike_port.value, ike_port.value};
    ike.alg = policy::application_protocol::ike_esp_nat;
    s.policy.applications = {ike};
    policy::policy_settings permit;
    permit.from_zone = "trust";
    permit.to_zone = "untrust";
    permit.source_addresses = permit.destination_addresses = {"any"};
    permit.action = policy::policy_action::permit;
    permit.name = "ike";
    permit.applications = {ike.name};
    s.policy.policies.push_back(permit);
    permit.name = "everything-else";
    permit.applications = {"any"};
    s.policy.policies.push_back(permit);
    s.nat.address_persistent = true;
    s.nat.pools = {{"pool", {}, {pool}, false, {}}};
    s.nat.rule_sets = {{"out", {"trust"}, {"untrust"}, {{"all", {}, {}, nat::nat_action::pool, "pool"}}}};
    return s;
}

/// What is fixed when a gateway is made and does not change with the configuration.
struct gateway_options {
    ikealg::alg::capacities capacity{};
    std::uint32_t mappings = 16384;        ///< clients with a nat address
    std::uint32_t ports = 65536;           ///< endpoint-independent UDP, TCP and echo mappings
    std::uint32_t fragments = 1024;        ///< datagrams whose fragments are followed at once
    std::uint32_t held_fragments = 512;    ///< fragments that came before their first
    std::chrono::seconds mapping_hold{300};  ///< N2
    std::uint64_t seed = 0;                ///< of all keyed hashes: random in a product, fixed in a test
    instant start{};                       ///< the time of construction on the caller's clock
    std::uint32_t shard = 0;               ///< this gateway's number among `shards`
    std::uint32_t shards = 1;
};

}  // namespace ikealg::inline v0

#endif
