// SPDX-License-Identifier: Apache-2.0
/// Address translation: `security nat source|static|proxy-arp ...`.
///
/// A static rule of Junos is written for packets that come to the nat address; the core's is named after the clients, whose zone is the one
/// that holds their network. Proxy ARP goes both to the core, which knows nat addresses, and to the interface, which answers.
///
/// Refused, as by Junos: two source rule-sets for the same pair of zones.
///
/// Warned of: a source rule that an earlier one of its rule-set leaves nothing to match; a pool on a connected network whose addresses nobody answers for; the same of any pool when nothing is connected at all.
///
/// Thread safety: none. Complexity: quadratic in the rules of one rule-set.
#ifndef IKEALG_JUNOS_COMPILE_NAT_HPP
#define IKEALG_JUNOS_COMPILE_NAT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/junos/compile_context.hpp"
#include "ikealg/junos/compile_interfaces.hpp"
#include "ikealg/junos/configuration.hpp"
#include "ikealg/policy/zone_map.hpp"

namespace ikealg::inline v0::junos {

class nat_compiler {
    using nat_type = nat::nat_settings<ipv4>;

public:
    /// Zones have their networks already.
    nat_compiler(compile_context& said, interface_table& interfaces, configuration& to)
        : said_(said), interfaces_(interfaces), nat_(to.gateway.nat), zones_(to.gateway.policy.zones) {
        const auto* nat = said.take(said.root(), {"security", "nat"});
        if (nat == nullptr) {
            return;
        }
        if (const auto* source = said.take(*nat, "source")) {
            for (const auto* p : said.take_all(*source, "pool")) {
                take_pool(*p);
            }
            nat_.address_persistent = said.flag(*source, "address-persistent");
            if (nat_.address_persistent) {
                said.alias("security nat source address-persistent", *source->find("address-persistent"));
            } else {
                said.alias("security nat source address-persistent", *source);
            }
            for (const auto* r : said.take_all(*source, "rule-set")) {
                take_rule_set(*r);
            }
        }
        if (const auto* statics = said.take(*nat, "static")) {
            for (const auto* r : said.take_all(*statics, "rule-set")) {
                take_static_rule_set(*r);
            }
        }
        if (const auto* proxy = said.take(*nat, "proxy-arp")) {
            for (const auto* i : said.take_all(*proxy, "interface")) {
                take_proxy_arp(*i);
            }
        }
        for (const auto& p : pools_) {
            warn_unanswered(p.at, p.range);
        }
        check_contexts();
    }

    /// For a configuration without errors: what is never reached.
    void look_closer() {
        for (std::size_t n = 0; n < nat_.rule_sets.size(); ++n) {
            const auto& rules = nat_.rule_sets[n].rules;
            for (std::size_t i = 0; i < rules.size(); ++i) {
                if (places_[n].rules[i]->faulty) {
                    continue;
                }
                for (std::size_t before = 0; before < i; ++before) {
                    if (!places_[n].rules[before]->faulty && covers(rules[before], rules[i])) {
                        said_.warn(*places_[n].rules[i], "rule " + rules[i].name + " is never reached: rule " +
                                                             rules[before].name +
                                                             " before it matches all that it does");
                        break;
                    }
                }
            }
        }
    }

private:
    /// Where a rule-set of the settings and its rules stand.
    struct rule_set_place {
        const statement* at;
        std::vector<const statement*> rules;
    };
    struct pool_range {
        const statement* at;
        address_range<ipv4> range;
    };

    void take_pool(const statement& s) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        (void)said_.take(s, "description");
        auto& pool = nat_.pools.emplace_back();
        pool.name = *name;
        const auto addresses = said_.take_all(s, "address");
        for (const auto* a : addresses) {
            if (const auto spec = said_.addresses(*a)) {
                said_.alias("security nat source pool " + pool.name + " address " + to_string(*spec), *a);
                pool.addresses.push_back(*spec);
                pools_.push_back({a, range_of(*spec)});
            }
        }
        if (pool.addresses.empty() && !addresses.empty()) {  // told already: not an empty pool as well
            pool.addresses.push_back(prefix<ipv4>{{static_cast<std::uint32_t>(nat_.pools.size())}, 32});
        }
        if (const auto* port = said_.take(s, "port")) {
            pool.port_no_translation = said_.flag(*port, "no-translation");
            if (const auto* range = said_.take(*port, "range")) {
                const auto low = said_.number(*range, 1024, 65535);
                const auto high = range->values.size() > 1 ? said_.number(*range, 1024, 65535, 2) : low;
                if (low && high) {
                    pool.ports = {static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)};
                }
            }
        }
    }

    void take_rule_set(const statement& s) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        (void)said_.take(s, "description");
        auto& set = nat_.rule_sets.emplace_back();
        set.name = *name;
        places_.push_back({&s, {}});
        for (const auto& [keyword, zones] : {std::pair{"from", &set.from_zones}, std::pair{"to", &set.to_zones}}) {
            if (const auto* list = said_.take(s, {keyword, "zone"})) {
                *zones = list->values;
            }
        }
        for (const auto* r : said_.take_all(s, "rule")) {
            take_rule(*r, set);
        }
    }
    void take_rule(const statement& s, nat::nat_rule_set_settings<ipv4>& set) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        (void)said_.take(s, "description");
        auto& rule = set.rules.emplace_back();
        rule.name = *name;
        places_.back().rules.push_back(&s);
        const auto* match = said_.take(s, "match");
        for (const auto& [keyword, prefixes] : {std::pair{"source-address", &rule.source_addresses},
                                                std::pair{"destination-address", &rule.destination_addresses}}) {
            const auto* list = match != nullptr ? said_.take(*match, keyword) : nullptr;
            for (std::size_t i = 0; list != nullptr && i < list->values.size(); ++i) {
                if (const auto p = said_.network(*list, i)) {
                    prefixes->push_back(*p);
                }
            }
        }
        const auto* then = said_.take(s, {"then", "source-nat"});
        const auto* pool = then != nullptr ? said_.take(*then, "pool") : nullptr;
        if (pool != nullptr) {
            rule.action = nat::nat_action::pool;
            rule.pool = pool->value();
        } else if (then != nullptr && said_.flag(*then, "interface")) {
            rule.action = nat::nat_action::interface;
        } else if (then == nullptr || !said_.flag(*then, "off")) {
            said_.missing(s, "rule " + rule.name + " has no action: then source-nat pool, interface or off");
        }
    }

    void check_contexts() {
        std::map<std::pair<std::string, std::string>, std::size_t> first;  // the rule-set of each pair of zones
        for (std::size_t n = 0; n < nat_.rule_sets.size(); ++n) {
            std::vector<std::size_t> told;
            for (const auto& from : nat_.rule_sets[n].from_zones) {
                for (const auto& to : nat_.rule_sets[n].to_zones) {
                    const std::size_t other = first.try_emplace({from, to}, n).first->second;
                    if (other != n && std::find(told.begin(), told.end(), other) == told.end()) {
                        told.push_back(other);
                        said_.error(*places_[n].at,
                                    "rule-set " + nat_.rule_sets[n].name + " has the same context as rule-set " +
                                        nat_.rule_sets[other].name + ": from zone " + from + " to zone " + to);
                    }
                }
            }
        }
    }
    /// Every packet that `narrow` matches is one that `wide` matches; no prefix is any address.
    [[nodiscard]] static bool covers(const nat::nat_rule_settings<ipv4>& wide,
                                     const nat::nat_rule_settings<ipv4>& narrow) {
        const auto hold = [](const std::vector<prefix<ipv4>>& all, const std::vector<prefix<ipv4>>& some) {
            std::vector<address_range<ipv4>> merged;
            for (const auto& p : all) {
                merged.push_back(range_of(p));
            }
            merge_ranges(merged);
            const auto is_in = [&](const prefix<ipv4>& p) {
                const auto range = range_of(p);
                return std::any_of(merged.begin(), merged.end(),
                                   [&](const auto& m) { return m.contains(range.first) && m.contains(range.last); });
            };
            return all.empty() || (some.empty() ? is_in({}) : std::all_of(some.begin(), some.end(), is_in));
        };
        return hold(wide.source_addresses, narrow.source_addresses) &&
               hold(wide.destination_addresses, narrow.destination_addresses);
    }

    void take_static_rule_set(const statement& s) {
        (void)said_.take(s, "description");
        if (const auto* from = said_.take(s, {"from", "zone"})) {
            name_index known;
            configuration_report ignored;
            for (const auto& z : zones_) {
                known.add("zone", z.name, 0, {}, ignored);
            }
            for (std::size_t i = 0; i < from->values.size(); ++i) {
                if (!known.find(from->values[i])) {
                    said_.error(*from, undefined_name("zone", from->values[i], {&known}), i);
                }
            }
        } else {
            said_.missing(s, "rule-set " + std::string(s.value()) + " has no from zone");
        }
        for (const auto* r : said_.take_all(s, "rule")) {
            take_static_rule(*r, s);
        }
    }
    void take_static_rule(const statement& s, const statement& set) {
        (void)said_.take(s, "description");
        const auto* match = said_.take(s, {"match", "destination-address"});
        const auto* then = said_.take(s, {"then", "static-nat", "prefix"});
        if (match == nullptr || then == nullptr) {
            said_.missing(s, "a static rule needs match destination-address and then static-nat prefix");
            return;
        }
        const auto outside = said_.network(*match);
        const auto inside = said_.network(*then);
        if (!outside || !inside) {
            return;
        }
        const auto zone = zone_of(inside->address);
        if (!zone) {
            said_.error(*then, to_string(*inside) + " is behind no zone", 0);
            return;
        }
        const std::string name = std::string(set.value()) + '/' + std::string(s.value());
        said_.alias("security nat static rule " + name, s);
        nat_.statics.push_back({name, *zone, *inside, *outside});
        pools_.push_back({match, range_of(*outside)});
    }
    [[nodiscard]] std::optional<std::string> zone_of(ipv4_address a) const {
        const prefix<ipv4>* best = nullptr;
        std::optional<std::string> name;
        for (const auto& z : zones_) {
            for (const auto& n : z.networks) {
                if (n.contains(a) && (best == nullptr || n.length > best->length)) {
                    best = &n;
                    name = z.name;
                }
            }
        }
        return name;
    }

    void take_proxy_arp(const statement& s) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        logical_interface* i = interfaces_.find(*name);
        if (i == nullptr) {
            said_.error(s, interfaces_.not_configured(*name), 0);
        }
        for (const auto* a : said_.take_all(s, "address")) {
            const auto spec = said_.addresses(*a);
            if (!spec) {
                continue;
            }
            said_.alias("security nat proxy-arp address " + to_string(*spec), *a);
            nat_.proxy_arp.push_back(*spec);
            if (i != nullptr) {
                said_.alias("interfaces " + i->host.name + " proxy-arp " + to_string(range_of(*spec)), *a);
                i->host.proxy_arp.push_back(range_of(*spec));
            }
        }
    }

    void warn_unanswered(const statement* at, const address_range<ipv4>& range) {
        bool connected = false;
        for (const auto& i : interfaces_.all()) {
            for (const auto& own : i.host.addresses) {
                connected = true;
                const auto net = range_of(own.network());
                if (!net.overlaps(range)) {
                    continue;
                }
                auto answered = i.host.proxy_arp;
                answered.push_back({own.address, own.address});
                merge_ranges(answered);
                const address_range<ipv4> needed{std::max(net.first, range.first), std::min(net.last, range.last)};
                if (std::none_of(answered.begin(), answered.end(),
                                 [&](const auto& r) { return r.contains(needed.first) && r.contains(needed.last); })) {
                    said_.warn(*at, to_string(needed) + " lies on the network of " + i.host.name +
                                        " and is not all below security nat proxy-arp: nobody answers ARP for it");
                }
            }
        }
        if (!connected && nat_.proxy_arp.empty()) {
            said_.warn(*at, "no proxy-arp for these addresses: neighbours find them only by a route to the gateway");
        }
    }

    compile_context& said_;
    interface_table& interfaces_;
    nat_type& nat_;
    const std::vector<policy::zone_settings<ipv4>>& zones_;
    std::vector<pool_range> pools_{};
    std::vector<rule_set_place> places_{};  // of each rule-set of the settings
};

}  // namespace ikealg::inline v0::junos

#endif
