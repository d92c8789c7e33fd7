// SPDX-License-Identifier: Apache-2.0
/// The NAT rules, checked and compiled: which new flows are translated, and from which pool (N7, N16, N17, P3).
///
/// Static mappings come before the rule-sets, as in Junos. Then the first rule in order of declaration decides, among
/// those of all rule-sets whose from-zones and to-zones hold the flow's; `off` is a decision like the others.
///
/// The pools are numbered as declared, followed by one per zone that a rule with `interface` sends to; they and the
/// static mappings are in the form that `address_pools` is made from.
///
/// Thread safety: immutable after `build`. Complexity: a match is a binary search of the static mappings, two lookups
/// in search trees and an intersection of bit vectors (see rule_classifier.hpp); it does not allocate.
#ifndef IKEALG_NAT_RULES_HPP
#define IKEALG_NAT_RULES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/name_index.hpp"
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
class nat_rules {
    using address = typename Family::address;
    using settings_type = nat_settings<Family>;

public:
    /// No rules: nothing is translated.
    nat_rules() = default;

    /// Checks and compiles `settings`; reports every error at once.
    [[nodiscard]] static built<nat_rules> build(const settings_type& settings) {
        builder b(settings);
        b.take_zones();
        b.take_pools();
        b.take_rule_sets();
        b.take_statics();
        b.check_overlaps(b.nat_addresses);
        b.check_overlaps(b.clients);
        b.take_proxy_arp();
        if (b.report.clean()) {
            b.compile();
        }
        if (!b.report.clean()) {
            return {std::nullopt, std::move(b.report.errors), std::move(b.report.warnings)};
        }
        return {std::move(b.rules), {}, std::move(b.report.warnings)};
    }

    /// What happens to a new flow's source.
    [[nodiscard]] nat_decision match(zone_id from, zone_id to, address source, address destination) const noexcept {
        if (from.value >= zones_ || to.value >= zones_) {
            return {};
        }
        if (has_static(from, source)) {
            return {nat_kind::static_nat, static_pool, npos};
        }
        const std::uint32_t number = pair_of_[from.value * zones_ + to.value];
        if (number == npos) {
            return {};
        }
        const zone_pair& pair = pairs_[number];
        const std::uint32_t found = pair.rules.match(source, destination);
        return found == npos ? nat_decision{} : pair.decisions[found];
    }

    [[nodiscard]] const std::vector<address_pool<Family>>& pools() const noexcept { return pools_; }
    [[nodiscard]] const std::vector<static_mapping<Family>>& statics() const noexcept { return mappings_; }
    /// Name of each pool; `interface ZONE` for those of interfaces.
    [[nodiscard]] const std::vector<std::string>& pool_names() const noexcept { return pool_names_; }
    /// Translated source ports of each pool.
    [[nodiscard]] const std::vector<nat_port_range>& pool_ports() const noexcept { return pool_ports_; }
    /// Further addresses to answer ARP or neighbour solicitations for, merged.
    [[nodiscard]] const std::vector<address_range<Family>>& proxy_arp() const noexcept { return proxy_arp_; }
    /// Rules by the number that a decision gives.
    [[nodiscard]] const std::vector<nat_rule_name>& rules() const noexcept { return rule_names_; }

private:
    struct zone_pair {
        table::rule_classifier<address, address> rules{};
        std::vector<nat_decision> decisions{};
    };
    struct static_range {
        zone_id zone{};
        address_range<Family> clients{};
    };
    struct draft {
        std::vector<table::key_set<address>> sources{};
        std::vector<table::key_set<address>> destinations{};
        std::vector<nat_decision> decisions{};
    };
    /// Addresses in use, by whom.
    struct claim {
        vrf_id vrf{};
        address_range<Family> range{};
        std::string path{};
        std::string owner{};
    };

    struct builder {
        explicit builder(const settings_type& from) : settings(from) {}

        const settings_type& settings;
        configuration_report report{};
        nat_rules rules{};
        name_index zones{};
        name_index pools{};
        std::vector<draft> drafts{};
        std::vector<claim> nat_addresses{};
        std::vector<claim> clients{};
        std::vector<std::uint32_t> interface_pool_of_zone{};

        void take_zones() {
            for (std::size_t i = 0; i < settings.zones.size(); ++i) {
                const std::string& name = settings.zones[i].name;
                zones.add("zone", name, static_cast<std::uint32_t>(i), "security zones security-zone " + name, report);
            }
            rules.zones_ = settings.zones.size();
            rules.pair_of_.assign(rules.zones_ * rules.zones_, npos);
            interface_pool_of_zone.assign(rules.zones_, npos);
        }

        void take_pools() {
            for (const auto& pool : settings.pools) {
                const std::string path = "security nat source pool " + pool.name;
                pools.add("pool", pool.name, static_cast<std::uint32_t>(rules.pools_.size()), path, report);
                address_pool<Family> compiled{pool.vrf, {}, !pool.port_no_translation, false};
                std::uint64_t count = 0;
                for (const auto& spec : pool.addresses) {
                    if (!sound(spec, path + " address " + to_string(spec))) {
                        continue;
                    }
                    const auto range = range_of(spec);
                    compiled.ranges.push_back(range);
                    count = count + range.count() < count ? ~std::uint64_t{0} : count + range.count();
                    nat_addresses.push_back(
                        {pool.vrf, range, path + " address " + to_string(spec), "pool " + pool.name});
                }
                if (pool.addresses.empty()) {
                    report.error(path, "pool " + pool.name + " has no addresses");
                }
                if (count > settings.limits.pool_addresses) {
                    report.error(path, "pool " + pool.name + " has " + std::to_string(count) +
                                           " addresses, more than " + std::to_string(settings.limits.pool_addresses));
                }
                const std::string ports = std::to_string(pool.ports.low) + " to " + std::to_string(pool.ports.high);
                if (pool.ports.low > pool.ports.high) {
                    report.error(path + " port range", "range " + ports + " is empty: its end lies below its start");
                } else if (pool.ports.low < 1024) {
                    report.error(path + " port range", "range " + ports + " is not within 1024 to 65535");
                }
                if (pool.port_no_translation && pool.ports != nat_port_range{}) {
                    report.error(path + " port", "a port range has no meaning with no-translation");
                }
                add_pool(std::move(compiled), pool.name, pool.ports);
            }
            if (!settings.pools.empty() && !settings.address_persistent) {
                report.warn("security nat source address-persistent",
                            "not configured, but always on: a client keeps one address for all its protocols");
            }
            if (settings.pools.size() > max_pools) {
                report.error("security nat source", "there are more than " + std::to_string(max_pools) + " pools");
            }
        }

        void take_rule_sets() {
            std::set<std::string> names;
            for (const auto& rule_set : settings.rule_sets) {
                const std::string path = "security nat source rule-set " + rule_set.name;
                check_name("rule-set", rule_set.name, path, names);
                const auto from = zone_list(rule_set.from_zones, path + " from zone");
                const auto to = zone_list(rule_set.to_zones, path + " to zone");
                if (rule_set.rules.empty()) {
                    report.error(path, "rule-set " + rule_set.name + " has no rules");
                }
                std::set<std::string> rule_names;
                for (const auto& rule : rule_set.rules) {
                    const std::string rule_path = path + " rule " + rule.name;
                    check_name("rule", rule.name, rule_path, rule_names);
                    take_rule(rule, rule_path, from, to);
                    rules.rule_names_.push_back({rule_set.name, rule.name});
                }
            }
        }

        void take_rule(const nat_rule_settings<Family>& rule, const std::string& path,
                       const std::vector<std::uint32_t>& from, const std::vector<std::uint32_t>& to) {
            const auto sources = keys_of(rule.source_addresses, path + " match source-address");
            const auto destinations = keys_of(rule.destination_addresses, path + " match destination-address");
            std::optional<std::uint32_t> pool;
            if (rule.action == nat_action::pool) {
                pool = pools.find(rule.pool);
                if (!pool) {
                    report.error(path + " then source-nat pool " + rule.pool,
                                 undefined_name("pool", rule.pool, {&pools}));
                    return;
                }
            }
            const auto number = static_cast<std::uint32_t>(rules.rule_names_.size());
            for (const std::uint32_t t : to) {
                nat_decision decision{nat_kind::off, off_pool, number};
                if (pool) {
                    decision = {nat_kind::pool, pool_id{static_cast<std::uint16_t>(*pool)}, number};
                    check_vrf(rule.pool, rules.pools_[*pool].vrf, settings.zones[t], path);
                } else if (rule.action == nat_action::interface) {
                    decision = {nat_kind::interface, interface_pool(t, path), number};
                }
                for (const std::uint32_t f : from) {
                    draft& d = draft_of(f, t);
                    d.sources.push_back(sources);
                    d.destinations.push_back(destinations);
                    d.decisions.push_back(decision);
                }
            }
        }

        void take_statics() {
            std::set<std::string> names;
            for (const auto& s : settings.statics) {
                const std::string path = "security nat static rule " + s.name;
                check_name("static rule", s.name, path, names);
                const auto zone = zones.find(s.zone);
                if (!zone) {
                    report.error(path + " from zone " + s.zone, undefined_name("zone", s.zone, {&zones}));
                }
                const bool inside_sound = sound(s.inside, path + " inside " + to_string(s.inside));
                const bool outside_sound = sound(s.outside, path + " outside " + to_string(s.outside));
                if (s.inside.length != s.outside.length) {
                    report.error(path, to_string(s.inside) + " and " + to_string(s.outside) + " differ in length");
                } else if (zone && inside_sound && outside_sound) {
                    const vrf_id vrf = settings.zones[*zone].vrf;
                    const auto inside = range_of(s.inside);
                    clients.push_back({vrf, inside, path + " inside", "static rule " + s.name});
                    nat_addresses.push_back({vrf, range_of(s.outside), path + " outside", "static rule " + s.name});
                    rules.mappings_.push_back({vrf, s.inside.address, s.outside.address, inside.count()});
                    rules.statics_.push_back({zone_id{static_cast<std::uint16_t>(*zone)}, inside});
                }
            }
            std::sort(rules.statics_.begin(), rules.statics_.end(), [](const auto& a, const auto& b) {
                return a.zone != b.zone ? a.zone < b.zone : a.clients.first < b.clients.first;
            });
        }

        void take_proxy_arp() {
            for (const auto& spec : settings.proxy_arp) {
                const std::string path = "security nat proxy-arp address " + to_string(spec);
                if (!sound(spec, path)) {
                    continue;
                }
                const auto range = range_of(spec);
                rules.proxy_arp_.push_back(range);
                if (std::none_of(nat_addresses.begin(), nat_addresses.end(),
                                 [&](const claim& c) { return c.range.overlaps(range); })) {
                    report.warn(path, "no pool and no static rule has these addresses");
                }
            }
            merge_ranges(rules.proxy_arp_);
        }

        /// Reports each claim that overlaps one before it in address order.
        void check_overlaps(std::vector<claim>& claims) {
            std::stable_sort(claims.begin(), claims.end(), [](const claim& a, const claim& b) {
                return a.vrf != b.vrf ? a.vrf < b.vrf : a.range.first < b.range.first;
            });
            const claim* highest = nullptr;
            for (const auto& c : claims) {
                const bool same = highest != nullptr && highest->vrf == c.vrf;
                if (same && highest->range.overlaps(c.range)) {
                    report.error(c.path, to_string(c.range) + " of " + c.owner + " overlaps " +
                                             to_string(highest->range) + " of " + highest->owner);
                }
                if (!same || highest->range.last < c.range.last) {
                    highest = &c;
                }
            }
        }

        void compile() {
            std::size_t budget = settings.limits.matcher_bytes;
            for (auto& d : drafts) {
                zone_pair& pair = rules.pairs_.emplace_back();
                pair.decisions = std::move(d.decisions);
                if (!pair.rules.build(budget, std::move(d.sources), std::move(d.destinations))) {
                    report.error("security nat source", "the compiled rules need more than " +
                                                            std::to_string(settings.limits.matcher_bytes) +
                                                            " bytes: too many of them overlap each other");
                    return;
                }
            }
        }

        template <class Spec>
        bool sound(const Spec& spec, const std::string& path) {
            const auto defect = defect_of(spec);
            if (defect) {
                report.error(path, *defect);
            }
            return !defect;
        }
        void check_name(const std::string& kind, const std::string& name, const std::string& path,
                        std::set<std::string>& names) {
            if (name.empty()) {
                report.error(path, kind + " without a name");
            } else if (!names.insert(name).second) {
                report.error(path, kind + " " + name + " is defined twice");
            }
        }
        void check_vrf(const std::string& pool, vrf_id vrf, const nat_zone_settings<Family>& zone,
                       const std::string& path) {
            if (vrf != zone.vrf) {
                report.error(path + " then source-nat pool " + pool,
                             "pool " + pool + " belongs to routing instance " + std::to_string(vrf.value) + ", zone " +
                                 zone.name + " to " + std::to_string(zone.vrf.value));
            }
        }
        std::vector<std::uint32_t> zone_list(const std::vector<std::string>& names, const std::string& path) {
            if (names.empty()) {
                report.error(path, "at least one zone is needed");
            }
            std::vector<std::uint32_t> found;
            for (const auto& name : names) {
                const auto zone = zones.find(name);
                if (!zone) {
                    report.error(path + " " + name, undefined_name("zone", name, {&zones}));
                } else if (std::find(found.begin(), found.end(), *zone) != found.end()) {
                    report.error(path + " " + name, "zone " + name + " is listed twice");
                } else {
                    found.push_back(*zone);
                }
            }
            return found;
        }
        table::key_set<address> keys_of(const std::vector<prefix<Family>>& prefixes, const std::string& path) {
            table::key_set<address> keys;
            for (const auto& p : prefixes) {
                sound(p, path + " " + to_string(p));
                keys.push_back({range_of(p).first, range_of(p).last});
            }
            if (prefixes.empty()) {
                keys.push_back({{}, all_addresses<Family>().last});
            }
            return keys;
        }
        draft& draft_of(std::uint32_t from, std::uint32_t to) {
            std::uint32_t& number = rules.pair_of_[from * rules.zones_ + to];
            if (number == npos) {
                number = static_cast<std::uint32_t>(drafts.size());
                drafts.emplace_back();
            }
            return drafts[number];
        }
        pool_id interface_pool(std::uint32_t zone, const std::string& path) {
            const auto& z = settings.zones[zone];
            if (z.interface_addresses.empty()) {
                report.error(path + " then source-nat interface", "zone " + z.name + " has no interface address");
                return off_pool;
            }
            std::uint32_t& number = interface_pool_of_zone[zone];
            if (number == npos) {
                number = static_cast<std::uint32_t>(rules.pools_.size());
                address_pool<Family> pool{z.vrf, {}, true, true};
                for (const auto a : z.interface_addresses) {
                    pool.ranges.push_back({a, a});
                    nat_addresses.push_back({z.vrf, {a, a}, path + " then source-nat interface",
                                             "the interface of zone " + z.name});
                }
                add_pool(std::move(pool), "interface " + z.name, {});
            }
            return pool_id{static_cast<std::uint16_t>(number)};
        }
        void add_pool(address_pool<Family> pool, const std::string& name, nat_port_range ports) {
            rules.pools_.push_back(std::move(pool));
            rules.pool_names_.push_back(name);
            rules.pool_ports_.push_back(ports);
        }
    };

    static constexpr std::size_t max_pools = 0xf000;  // the ids above are for interfaces and for special pools

    [[nodiscard]] bool has_static(zone_id zone, address client) const noexcept {
        auto at = std::upper_bound(statics_.begin(), statics_.end(), client, [zone](address a, const static_range& s) {
            return zone != s.zone ? zone < s.zone : a < s.clients.first;
        });
        return at != statics_.begin() && (--at)->zone == zone && at->clients.contains(client);
    }

    std::size_t zones_ = 0;
    std::vector<std::uint32_t> pair_of_{};  // [from * zones + to]: number of the pair
    std::vector<zone_pair> pairs_{};
    std::vector<static_range> statics_{};  // by zone and first address
    std::vector<address_pool<Family>> pools_{};
    std::vector<static_mapping<Family>> mappings_{};
    std::vector<std::string> pool_names_{};
    std::vector<nat_port_range> pool_ports_{};
    std::vector<address_range<Family>> proxy_arp_{};
    std::vector<nat_rule_name> rule_names_{};
};

}  // namespace ikealg::inline v0::nat

#endif
