// SPDX-License-Identifier: Apache-2.0
/// A router's configuration, checked and compiled: interfaces, routes, and the core's settings completed from them.
///
/// The core is told what the interfaces and routes say already: own addresses, and which zone the networks lie behind, as far as its settings do not
/// say so themselves. Time to live is the core's to decrement.
/// A zone's number is its position and part of the core's state, so zones that were there keep theirs: they are put in the old order, and one that is
/// gone leaves an empty zone behind.
///
/// Thread safety: pure functions. Complexity: n log n in interfaces, routes and zones.
#ifndef IKEALG_HOST_PLAN_HPP
#define IKEALG_HOST_PLAN_HPP

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/host/interface_table.hpp"
#include "ikealg/host/route_table.hpp"
#include "ikealg/settings.hpp"

namespace ikealg::inline v0::host {

struct router_plan {
    settings<ipv4> core{};
    interface_table interfaces{};
    route_table<ipv4> routes{};

    /// Builds what is to be in force; `old` and `old_zones` are what was, empty at first.
    [[nodiscard]] static built<router_plan> build(const settings<ipv4>& s, const host_settings& h, const std::vector<port_facts>& ports,
                                                  const interface_table& old, const std::vector<std::string>& old_zones) {
        built<router_plan> result;
        router_plan plan;
        plan.core = s;
        plan.core.decrement_ttl = true;
        plan.keep_zone_order(old_zones);
        configuration_report report;
        check(h, ports.size(), plan.core.policy.zones, report);
        check_ports(h, ports, report);
        if (report.clean()) {
            plan.interfaces = interface_table(h, plan.core.policy.zones, ports, old);
            std::vector<static_route<ipv4>> statics;
            for (const auto& r : h.routes) {
                statics.push_back({r.destination, r.next_hop});
            }
            auto routes = route_table<ipv4>::build(plan.interfaces.connected(), statics);
            std::move(routes.errors.begin(), routes.errors.end(), std::back_inserter(report.errors));
            if (routes.value) {
                plan.routes = std::move(*routes.value);
                plan.complete_core();
            }
        }
        result.errors = std::move(report.errors);
        result.warnings = std::move(report.warnings);
        if (result.errors.empty()) {
            result.value = std::move(plan);
        }
        return result;
    }
    /// Names of the zones in the order of their numbers.
    [[nodiscard]] std::vector<std::string> zone_names() const {
        std::vector<std::string> names;
        for (const auto& z : core.policy.zones) {
            names.push_back(z.name);
        }
        return names;
    }

private:
    static void check_ports(const host_settings& h, const std::vector<port_facts>& ports, configuration_report& report) {
        for (const auto& i : h.interfaces) {
            if (i.port < ports.size() && !ports[i.port].has_link_layer && (i.vlan || !i.proxy_arp.empty())) {
                report.error("interfaces " + i.name, "a device without a link layer has neither VLANs nor ARP");
            }
        }
    }

    void keep_zone_order(const std::vector<std::string>& old_zones) {
        auto& zones = core.policy.zones;
        std::vector<policy::zone_settings<ipv4>> ordered;
        for (const auto& name : old_zones) {
            const auto at = std::find_if(zones.begin(), zones.end(), [&](const auto& z) { return z.name == name; });
            if (at == zones.end()) {
                ordered.push_back({name, {}, {}, {}});
            } else {
                ordered.push_back(std::move(*at));
                zones.erase(at);
            }
        }
        std::move(zones.begin(), zones.end(), std::back_inserter(ordered));
        zones = std::move(ordered);
    }

    void complete_core() {
        std::set<std::pair<std::string, ipv4_address>> known;
        for (const auto& i : core.interfaces) {
            known.emplace(i.zone, i.address);
        }
        auto& zones = core.policy.zones;
        interfaces.for_each([&](std::uint32_t, const interface& i) {
            for (const auto& a : i.addresses) {
                if (known.emplace(zones[i.zone.value].name, a.address).second) {
                    core.interfaces.push_back({zones[i.zone.value].name, a.address});
                }
            }
        });
        std::set<prefix<ipv4>> claimed;
        for (const auto& z : zones) {
            if (z.vrf == vrf_id{}) {
                claimed.insert(z.networks.begin(), z.networks.end());
            }
        }
        for (const auto& r : routes.routes()) {
            if (claimed.insert(r.destination).second) {
                zones[interfaces[r.interface].zone.value].networks.push_back(r.destination);
            }
        }
    }
};

}  // namespace ikealg::inline v0::host

#endif
