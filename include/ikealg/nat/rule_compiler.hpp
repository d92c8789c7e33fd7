// SPDX-License-Identifier: Apache-2.0
/// Checks NAT settings and compiles them (N7, N16, N17, P3): every refusal of a pool, a rule-set, a static mapping or a
/// proxy-arp address comes from here.
///
/// No promise to users: include rules.hpp.
///
/// Thread safety: none, one call. Complexity: O(n log n) in the settings, apart from the search structures
/// (rule_classifier.hpp), whose size is limited.
#ifndef IKEALG_NAT_RULE_COMPILER_HPP
#define IKEALG_NAT_RULE_COMPILER_HPP

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
#include "ikealg/nat/compiled_rules.hpp"
#include "ikealg/nat/nat_settings.hpp"
#include "ikealg/table/rule_classifier.hpp"

namespace ikealg::inline v0::nat {

template <class Family>
class rule_compiler {
    using address = typename Family::address;
    using settings_type = nat_settings<Family>;
    using rules_type = compiled_rules<Family>;

public:
    /// Checks and compiles `settings`; reports every error at once.
    [[nodiscard]] static built<rules_type> compile(const settings_type& settings) {
        rule_compiler c(settings);
        c.take_zones();
        c.take_pools();
        c.take_rule_sets();
        c.take_statics();
        c.check_overlaps(c.nat_addresses_);
        c.check_overlaps(c.clients_);
        c.take_proxy_arp();
        if (c.report_.clean()) {
            c.compile_pairs();
        }
        if (!c.report_.clean()) {
            return {std::nullopt, std::move(c.report_.errors), std::move(c.report_.warnings)};
        }
        return {std::move(c.rules_), {}, std::move(c.report_.warnings)};
    }

private:
    static constexpr std::size_t max_pools = 0xf000;  // the ids above are for interfaces and for special pools

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

    explicit rule_compiler(const settings_type& from) : settings_(from) {}

    void take_zones() {
        for (std::size_t i = 0; i < settings_.zones.size(); ++i) {
            const std::string& name = settings_.zones[i].name;
            zones_.add("zone", name, static_cast<std::uint32_t>(i), "security zones security-zone " + name, report_);
        }
        rules_.zones = settings_.zones.size();
        rules_.pair_of.assign(rules_.zones * rules_.zones, npos);
        interface_pool_of_zone_.assign(rules_.zones, npos);
    }

    void take_pools() {
        for (const auto& pool : settings_.pools) {
            const std::string path = "security nat source pool " + pool.name;
            pools_.add("pool", pool.name, static_cast<std::uint32_t>(rules_.pools.size()), path, report_);
            address_pool<Family> compiled{pool.vrf, {}, !pool.port_no_translation, false};
            std::uint64_t count = 0;
            for (const auto& spec : pool.addresses) {
                if (!sound(spec, path + " address " + to_string(spec))) {
                    continue;
                }
                const auto range = range_of(spec);
                compiled.ranges.push_back(range);
                count = count + range.count() < count ? ~std::uint64_t{0} : count + range.count();
                nat_addresses_.push_back({pool.vrf, range, path + " address " + to_string(spec), "pool " + pool.name});
            }
            if (pool.addresses.empty()) {
                report_.error(path, "pool " + pool.name + " has no addresses");
            }
            if (count > settings_.limits.pool_addresses) {
                report_.error(path, "pool " + pool.name + " has " + std::to_string(count) + " addresses, more than " +
                                        std::to_string(settings_.limits.pool_addresses));
            }
            const std::string ports = std::to_string(pool.ports.low) + " to " + std::to_string(pool.ports.high);
            if (pool.ports.low > pool.ports.high) {
                report_.error(path + " port range", "range " + ports + " is empty: its end lies below its start");
            } else if (pool.ports.low < 1024) {
                report_.error(path + " port range", "range " + ports + " is not within 1024 to 65535");
            }
            if (pool.port_no_translation && pool.ports != nat_port_range{}) {
                report_.error(path + " port", "a port range has no meaning with no-translation");
            }
            add_pool(std::move(compiled), pool.name, pool.ports);
        }
        if (!settings_.pools.empty() && !settings_.address_persistent) {
            report_.warn("security nat source address-persistent",
                         "not configured, but always on: a client keeps one address for all its protocols");
        }
        if (settings_.pools.size() > max_pools) {
            report_.error("security nat source", "there are more than " + std::to_string(max_pools) + " pools");
        }
    }

    void take_rule_sets() {
        std::set<std::string> names;
        for (const auto& rule_set : settings_.rule_sets) {
            const std::string path = "security nat source rule-set " + rule_set.name;
            check_name("rule-set", rule_set.name, path, names);
            const auto from = zone_list(rule_set.from_zones, path + " from zone");
            const auto to = zone_list(rule_set.to_zones, path + " to zone");
            if (rule_set.rules.empty()) {
                report_.error(path, "rule-set " + rule_set.name + " has no rules");
            }
            std::set<std::string> rule_names;
            for (const auto& rule : rule_set.rules) {
                const std::string rule_path = path + " rule " + rule.name;
                check_name("rule", rule.name, rule_path, rule_names);
                take_rule(rule, rule_path, from, to);
                rules_.rule_names.push_back({rule_set.name, rule.name});
            }
        }
    }

    void take_rule(const nat_rule_settings<Family>& rule, const std::string& path,
                   const std::vector<std::uint32_t>& from, const std::vector<std::uint32_t>& to) {
        const auto sources = keys_of(rule.source_addresses, path + " match source-address");
        const auto destinations = keys_of(rule.destination_addresses, path + " match destination-address");
        std::optional<std::uint32_t> pool;
        if (rule.action == nat_action::pool) {
            pool = pools_.find(rule.pool);
            if (!pool) {
                report_.error(path + " then source-nat pool " + rule.pool,
                              undefined_name("pool", rule.pool, {&pools_}));
                return;
            }
        }
        const auto number = static_cast<std::uint32_t>(rules_.rule_names.size());
        for (const std::uint32_t t : to) {
            nat_decision decision{nat_kind::off, off_pool, number};
            if (pool) {
                decision = {nat_kind::pool, pool_id{static_cast<std::uint16_t>(*pool)}, number};
                check_vrf(rule.pool, rules_.pools[*pool].vrf, settings_.zones[t], path);
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
        for (const auto& s : settings_.statics) {
            const std::string path = "security nat static rule " + s.name;
            check_name("static rule", s.name, path, names);
            const auto zone = zones_.find(s.zone);
            if (!zone) {
                report_.error(path + " from zone " + s.zone, undefined_name("zone", s.zone, {&zones_}));
            }
            const bool inside_sound = sound(s.inside, path + " inside " + to_string(s.inside));
            const bool outside_sound = sound(s.outside, path + " outside " + to_string(s.outside));
            if (s.inside.length != s.outside.length) {
                report_.error(path, to_string(s.inside) + " and " + to_string(s.outside) + " differ in length");
            } else if (zone && inside_sound && outside_sound) {
                const vrf_id vrf = settings_.zones[*zone].vrf;
                const auto inside = range_of(s.inside);
                clients_.push_back({vrf, inside, path + " inside", "static rule " + s.name});
                nat_addresses_.push_back({vrf, range_of(s.outside), path + " outside", "static rule " + s.name});
                rules_.static_mappings.push_back({vrf, s.inside.address, s.outside.address, inside.count()});
                rules_.static_clients.push_back({zone_id{static_cast<std::uint16_t>(*zone)}, inside});
            }
        }
        std::sort(rules_.static_clients.begin(), rules_.static_clients.end(), [](const auto& a, const auto& b) {
            return a.zone != b.zone ? a.zone < b.zone : a.clients.first < b.clients.first;
        });
    }

    void take_proxy_arp() {
        for (const auto& spec : settings_.proxy_arp) {
            const std::string path = "security nat proxy-arp address " + to_string(spec);
            if (!sound(spec, path)) {
                continue;
            }
            const auto range = range_of(spec);
            rules_.proxy_arp.push_back(range);
            if (std::none_of(nat_addresses_.begin(), nat_addresses_.end(),
                             [&](const claim& c) { return c.range.overlaps(range); })) {
                report_.warn(path, "no pool and no static rule has these addresses");
            }
        }
        merge_ranges(rules_.proxy_arp);
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
                report_.error(c.path, to_string(c.range) + " of " + c.owner + " overlaps " + to_string(highest->range) +
                                          " of " + highest->owner);
            }
            if (!same || highest->range.last < c.range.last) {
                highest = &c;
            }
        }
    }

    void compile_pairs() {
        std::size_t budget = settings_.limits.matcher_bytes;
        for (auto& d : drafts_) {
            auto& pair = rules_.pairs.emplace_back();
            pair.decisions = std::move(d.decisions);
            if (!pair.rules.build(budget, std::move(d.sources), std::move(d.destinations))) {
                report_.error("security nat source", "the compiled rules need more than " +
                                                         std::to_string(settings_.limits.matcher_bytes) +
                                                         " bytes: too many of them overlap each other");
                return;
            }
        }
    }

    template <class Spec>
    bool sound(const Spec& spec, const std::string& path) {
        const auto defect = defect_of(spec);
        if (defect) {
            report_.error(path, *defect);
        }
        return !defect;
    }
    void check_name(const std::string& kind, const std::string& name, const std::string& path,
                    std::set<std::string>& names) {
        if (name.empty()) {
            report_.error(path, kind + " without a name");
        } else if (!names.insert(name).second) {
            report_.error(path, kind + " " + name + " is defined twice");
        }
    }
    void check_vrf(const std::string& pool, vrf_id vrf, const nat_zone_settings<Family>& zone,
                   const std::string& path) {
        if (vrf != zone.vrf) {
            report_.error(path + " then source-nat pool " + pool,
                          "pool " + pool + " belongs to routing instance " + std::to_string(vrf.value) + ", zone " +
                              zone.name + " to " + std::to_string(zone.vrf.value));
        }
    }
    std::vector<std::uint32_t> zone_list(const std::vector<std::string>& names, const std::string& path) {
        if (names.empty()) {
            report_.error(path, "at least one zone is needed");
        }
        std::vector<std::uint32_t> found;
        for (const auto& name : names) {
            const auto zone = zones_.find(name);
            if (!zone) {
                report_.error(path + " " + name, undefined_name("zone", name, {&zones_}));
            } else if (std::find(found.begin(), found.end(), *zone) != found.end()) {
                report_.error(path + " " + name, "zone " + name + " is listed twice");
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
        std::uint32_t& number = rules_.pair_of[from * rules_.zones + to];
        if (number == npos) {
            number = static_cast<std::uint32_t>(drafts_.size());
            drafts_.emplace_back();
        }
        return drafts_[number];
    }
    pool_id interface_pool(std::uint32_t zone, const std::string& path) {
        const auto& z = settings_.zones[zone];
        if (z.interface_addresses.empty()) {
            report_.error(path + " then source-nat interface", "zone " + z.name + " has no interface address");
            return off_pool;
        }
        std::uint32_t& number = interface_pool_of_zone_[zone];
        if (number == npos) {
            number = static_cast<std::uint32_t>(rules_.pools.size());
            address_pool<Family> pool{z.vrf, {}, true, true};
            for (const auto a : z.interface_addresses) {
                pool.ranges.push_back({a, a});
                nat_addresses_.push_back(
                    {z.vrf, {a, a}, path + " then source-nat interface", "the interface of zone " + z.name});
            }
            add_pool(std::move(pool), "interface " + z.name, {});
        }
        return pool_id{static_cast<std::uint16_t>(number)};
    }
    void add_pool(address_pool<Family> pool, const std::string& name, nat_port_range ports) {
        rules_.pools.push_back(std::move(pool));
        rules_.pool_names.push_back(name);
        rules_.pool_ports.push_back(ports);
    }

    const settings_type& settings_;
    configuration_report report_{};
    rules_type rules_{};
    name_index zones_{};
    name_index pools_{};
    std::vector<draft> drafts_{};
    std::vector<claim> nat_addresses_{};
    std::vector<claim> clients_{};
    std::vector<std::uint32_t> interface_pool_of_zone_{};
};

}  // namespace ikealg::inline v0::nat

#endif
