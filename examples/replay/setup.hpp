// SPDX-License-Identifier: Apache-2.0
/// The gateway that captures are played through: two zones, one pool, IKE on 500 for the ALG, everything permitted from the inside.
#ifndef REPLAY_SETUP_HPP
#define REPLAY_SETUP_HPP

#include "ikealg/settings.hpp"
#include "options.hpp"

namespace replay {

inline constexpr ikealg::zone_id inside_zone{0};
inline constexpr ikealg::zone_id outside_zone{1};

[[nodiscard]] inline ikealg::settings<ipv4> settings_of(const options& o) {
    ikealg::settings<ipv4> s;
    ikealg::policy::zone_settings<ipv4> inside;
    inside.name = "inside";
    inside.networks = o.inside;
    ikealg::policy::zone_settings<ipv4> outside;
    outside.name = "outside";
    outside.networks = {{}};  // 0.0.0.0/0
    s.policy.zones = {inside, outside};

    ikealg::policy::application_settings ike;
    ike.name = "ike-esp-nat";
    ike.protocol = static_cast<std::uint8_t>(ikealg::ip_protocol::udp);
    ike.destination_port = {500, 500};
    ike.alg = ikealg::policy::application_protocol::ike_esp_nat;
    s.policy.applications = {ike};
    for (const char* application : {"ike-esp-nat", "any"}) {
        ikealg::policy::policy_settings p;
        p.from_zone = "inside";
        p.to_zone = "outside";
        p.name = std::string("permit-") + application;
        p.source_addresses = p.destination_addresses = {"any"};
        p.applications = {application};
        p.action = ikealg::policy::policy_action::permit;
        s.policy.policies.push_back(p);
    }

    s.nat.address_persistent = true;
    s.nat.pools.resize(1);
    s.nat.pools[0].name = "pool";
    s.nat.pools[0].addresses = {o.pool};
    s.nat.rule_sets.resize(1);
    s.nat.rule_sets[0].name = "out";
    s.nat.rule_sets[0].from_zones = {"inside"};
    s.nat.rule_sets[0].to_zones = {"outside"};
    s.nat.rule_sets[0].rules.resize(1);
    s.nat.rule_sets[0].rules[0].name = "all";
    s.nat.rule_sets[0].rules[0].action = ikealg::nat::nat_action::pool;
    s.nat.rule_sets[0].rules[0].pool = "pool";
    s.alg = o.alg;
    return s;
}

/// Room for that many clients with some tunnels each.
[[nodiscard]] inline ikealg::gateway_options capacity_for(std::uint32_t clients, std::uint64_t seed) {
    ikealg::gateway_options g;
    g.capacity.flows += 16 * clients;
    g.capacity.pairs += 4 * clients;
    g.capacity.sessions += 4 * clients;
    g.capacity.exchanges += 16 * clients;
    g.capacity.held += 16 * clients;
    g.mappings += 2 * clients;
    g.ports += 4 * clients;
    g.seed = seed;
    return g;
}

}  // namespace replay

#endif
