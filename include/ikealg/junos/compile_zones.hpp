// SPDX-License-Identifier: Apache-2.0
/// Zones, what the gateway answers in them, and address books: `security zones`, `security address-book`.
///
/// Of `host-inbound-traffic` an interface's statement replaces the zone's, as in Junos; `ping` is what the gateway has, and `ping except` takes
/// it out of `all`. A book attached to a
/// zone and the zone's own book are one name space.
///
/// The networks behind a zone, by which the core tells where a packet goes, are those that its interfaces are connected to and the
/// destinations of static routes through them: a default route makes a zone that of all addresses with no longer prefix elsewhere. A zone
/// that has none of these takes the prefixes in its address book that are not another zone's already: so the examples of manuals,
/// which have no interfaces, decide about packets as they say.
///
/// Thread safety: none.
#ifndef IKEALG_JUNOS_COMPILE_ZONES_HPP
#define IKEALG_JUNOS_COMPILE_ZONES_HPP

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ikealg/junos/compile_context.hpp"
#include "ikealg/junos/compile_interfaces.hpp"
#include "ikealg/junos/configuration.hpp"

namespace ikealg::inline v0::junos {

class zone_compiler {
    using policy_type = policy::policy_set_settings<ipv4>;

public:
    zone_compiler(compile_context& said, interface_table& interfaces, configuration& to)
        : said_(said), interfaces_(interfaces), policy_(to.gateway.policy), host_(to.host) {
        if (const auto* zones = said.take(said.root(), {"security", "zones"})) {
            for (const auto* z : said.take_all(*zones, "security-zone")) {
                take_zone(*z);
            }
        }
        take_books();
        take_routes();
        give_networks();
    }

private:
    struct zone_place {
        const statement* at;
        bool has_interface;
    };
    using zone_type = policy::zone_settings<ipv4>;
    using book_type = policy::address_book_settings<ipv4>;

    void take_zone(const statement& s) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        (void)said_.take(s, "description");
        zone_type& zone = policy_.zones.emplace_back();
        zone.name = *name;
        zones_at_.push_back({&s, false});
        if (const auto* book = said_.take(s, "address-book")) {
            take_book(*book, zone.address_book, "security zones security-zone " + zone.name + " address-book");
        }
        const bool ping = answers_ping(s).value_or(false);
        if (const auto* list = said_.take(s, "interfaces")) {
            for (const auto* i : said_.take_all(*list, "interface")) {
                zones_at_.back().has_interface = true;
                take_interface(*i, zone.name, ping);
            }
        }
    }

    void take_interface(const statement& s, const std::string& zone, bool ping) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        if (*name == "all") {
            said_.error(s, "all is not supported here: name the interfaces of the zone", 0);
            return;
        }
        logical_interface* i = interfaces_.find(*name);
        if (i == nullptr) {
            said_.warn(s, interfaces_.not_configured(*name), 0);
            i = &interfaces_.add_unconfigured(std::string(*name), s);
        }
        if (!i->host.zone.empty()) {
            said_.error(s, "interface " + i->host.name + " is already in zone " + i->host.zone, 0);
            return;
        }
        i->host.zone = zone;
        i->host.answer_ping = answers_ping(s).value_or(ping);
    }

    /// Nothing when `s` says nothing about the traffic to the gateway itself.
    [[nodiscard]] std::optional<bool> answers_ping(const statement& s) {
        const auto* traffic = said_.take(s, "host-inbound-traffic");
        if (traffic == nullptr) {
            return std::nullopt;
        }
        const auto services = said_.take_all(*traffic, "system-services");
        const bool all =
            std::any_of(services.begin(), services.end(), [](const auto* each) { return each->value() == "all"; });
        bool ping = false;
        bool no_ping = false;
        for (const auto* service : services) {
            const std::string name(service->value());
            const bool among_all = name == "all" || name == "any-service";
            if (said_.flag(*service, "except")) {
                no_ping = no_ping || name == "ping";
                check_except(*service, all);
            } else if (among_all || name == "ping") {
                ping = true;
            } else {
                said_.warn(*service, name + " is accepted, but without effect: the gateway itself answers ping only",
                           0);
            }
        }
        return ping && !no_ping;
    }
    void check_except(const statement& service, bool all) {
        const std::string name(service.value());
        if (name == "all" || name == "any-service") {
            said_.error(*service.find("except"), name + " cannot be an exception; leave it out to have no service");
        } else if (!all) {
            said_.missing(service, service.find("except"),
                          name + " is an exception from `all`: system-services all must be said too");
        }
    }

    void take_books() {
        const auto* security = said_.take(said_.root(), "security");
        if (security == nullptr) {
            return;
        }
        for (const auto* s : said_.take_all(*security, "address-book")) {
            (void)said_.take(*s, "description");
            if (s->value() == "global") {
                take_book(*s, policy_.global_address_book, "security address-book global");
                if (const auto* attach = said_.take(*s, "attach")) {
                    said_.error(*attach, "the book global belongs to every zone and cannot be attached to one");
                }
                continue;
            }
            const auto* attach = said_.take(*s, "attach");
            const auto zones = attach != nullptr ? said_.take_all(*attach, "zone") : std::vector<const statement*>{};
            bool attached = false;
            for (const auto* z : zones) {
                attached = attach_book(*s, *z) || attached;
            }
            if (!attached) {
                said_.warn(*s, "address-book " + std::string(s->value()) + " is attached to no zone: nothing uses it");
                book_type unused;
                take_book(*s, unused, "security address-book " + std::string(s->value()));
            }
        }
    }
    bool attach_book(const statement& book, const statement& to) {
        const auto name = said_.word(to);
        const auto zone = std::find_if(policy_.zones.begin(), policy_.zones.end(),
                                       [&](const auto& z) { return name && z.name == *name; });
        if (zone != policy_.zones.end()) {
            take_book(book, zone->address_book, "security zones security-zone " + zone->name + " address-book");
            return true;
        }
        if (name) {
            name_index known;
            configuration_report ignored;
            for (const auto& z : policy_.zones) {
                known.add("zone", z.name, 0, {}, ignored);
            }
            said_.error(to, undefined_name("zone", *name, {&known}), 0);
        }
        return false;
    }

    /// `core_path`: what the core calls the book.
    void take_book(const statement& s, book_type& book, const std::string& core_path) {
        for (const auto* a : said_.take_all(s, "address")) {
            if (const auto name = said_.word(*a)) {
                said_.alias(core_path + " address " + std::string(*name), *a);
                book.addresses.push_back({std::string(*name), value_of_address(*a)});
            }
        }
        for (const auto* set : said_.take_all(s, "address-set")) {
            const auto name = said_.word(*set);
            if (!name) {
                continue;
            }
            said_.alias(core_path + " address-set " + std::string(*name), *set);
            (void)said_.take(*set, "description");
            auto& to = book.address_sets.emplace_back();
            to.name = *name;
            for (const auto& [keyword, members] :
                 {std::pair{"address", &to.addresses}, std::pair{"address-set", &to.address_sets}}) {
                for (const auto* m : said_.take_all(*set, keyword)) {
                    members->insert(members->end(), m->values.begin(), m->values.end());
                }
            }
        }
    }
    /// When it cannot be read the name stays defined, so that one slip is one error.
    [[nodiscard]] address_spec<ipv4> value_of_address(const statement& s) {
        (void)said_.take(s, "description");
        if (const auto* p = said_.take(s, "ip-prefix")) {
            return said_.network(*p).value_or(unreadable);
        }
        if (const auto* range = said_.take(s, "range-address")) {
            return said_.addresses(*range).value_or(address_spec<ipv4>{unreadable});
        }
        said_.missing(s, "address " + std::string(s.value()) + " has neither a prefix nor a range");
        return unreadable;
    }

    void take_routes() {
        const auto* statics = said_.take(said_.root(), {"routing-options", "static"});
        for (const auto* s : statics != nullptr ? said_.take_all(*statics, "route") : std::vector<const statement*>{}) {
            const auto* via = said_.take(*s, "next-hop");
            const auto destination = said_.network(*s);
            if (via == nullptr) {
                said_.missing(*s, "route has no next-hop");
                continue;
            }
            const auto next_hop = said_.address(*via);
            if (!destination || !next_hop) {
                continue;
            }
            const auto [i, own] = interfaces_.connected(*next_hop);
            if (i != nullptr && i->host.zone.empty()) {
                said_.error(*via, to_string(*next_hop) + " lies on interface " + i->host.name + ", which is in no zone",
                            0);
                continue;
            }
            said_.alias("routing-options static route " + to_string(*destination), *s);
            host_.routes.push_back({*destination, *next_hop});
            if (i == nullptr) {
                continue;
            }
            if (is_connected(*destination)) {
                said_.warn(*s, "without effect: " + to_string(*destination) + " is connected");
                continue;
            }
            routed_.emplace_back(*destination, i->host.zone);
        }
    }
    [[nodiscard]] bool is_connected(const prefix<ipv4>& p) const {
        for (const auto& i : interfaces_.all()) {
            for (const auto& own : i.host.addresses) {
                if (own.network() == p) {
                    return true;
                }
            }
        }
        return false;
    }

    void give_networks() {
        std::map<std::string, zone_type*, std::less<>> zones;
        for (auto& z : policy_.zones) {
            zones.emplace(z.name, &z);
        }
        std::map<prefix<ipv4>, const zone_type*> taken;
        const auto give = [&](const prefix<ipv4>& network, zone_type& zone) {
            if (taken.emplace(network, &zone).second) {
                zone.networks.push_back(network);
            }
        };
        for (const auto& i : interfaces_.all()) {
            for (const auto& own : i.host.addresses) {
                if (const auto zone = zones.find(i.host.zone); zone != zones.end()) {
                    give(own.network(), *zone->second);
                }
            }
        }
        for (const auto& [network, name] : routed_) {
            if (const auto zone = zones.find(name); zone != zones.end()) {
                give(network, *zone->second);
            }
        }
        const auto routed = taken;
        for (std::size_t n = 0; n < policy_.zones.size(); ++n) {
            zone_type& zone = policy_.zones[n];
            if (zone.networks.empty()) {
                for (const auto& a : zone.address_book.addresses) {
                    const auto* p = std::get_if<prefix<ipv4>>(&a.value);
                    const bool is_free = p != nullptr && std::none_of(routed.begin(), routed.end(), [&](const auto& r) {
                                             return range_of(r.first).overlaps(range_of(*p));
                                         });
                    if (is_free) {
                        give(*p, zone);
                    }
                }
                const std::string lacks =
                    zones_at_[n].has_interface ? " has no interface with an address" : " has no interface";
                if (!zones_at_[n].at->faulty) {
                    said_.warn(*zones_at_[n].at,
                               "zone " + zone.name + lacks +
                                   (zone.networks.empty() ? "" : "; what its address book holds counts as behind it"));
                }
            }
        }
    }

    static constexpr prefix<ipv4> unreadable{};

    compile_context& said_;
    interface_table& interfaces_;
    policy_type& policy_;
    host::host_settings& host_;
    std::vector<zone_place> zones_at_{};  // of each zone of the policy
    std::vector<std::pair<prefix<ipv4>, std::string>> routed_{};
};

}  // namespace ikealg::inline v0::junos

#endif
