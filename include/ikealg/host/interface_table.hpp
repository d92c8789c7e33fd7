// SPDX-License-Identifier: Apache-2.0
/// The logical interfaces in force: which one a frame belongs to, what is the gateway's own there, and the routes they make.
///
/// An interface keeps its number for as long as one of its name is configured, over replacements, so that what refers to it (waiting packets,
/// ARP entries) stays right. Numbers of interfaces that are gone are used again by later ones.
///
/// Thread safety: immutable after construction. Complexity: lookup by port and VLAN constant; own addresses of an interface linear in their number, proxy
/// ARP logarithmic.
#ifndef IKEALG_HOST_INTERFACE_TABLE_HPP
#define IKEALG_HOST_INTERFACE_TABLE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/host/route_table.hpp"
#include "ikealg/host/settings.hpp"
#include "ikealg/wire/ethernet.hpp"

namespace ikealg::inline v0::host {

/// What an interface needs to know of its device.
struct port_facts {
    wire::mac_address mac{};
    std::size_t mtu = 1500;
    bool has_link_layer = true;
};

/// A logical interface in force.
struct interface {
    std::string name{};
    std::size_t port = 0;
    std::uint16_t vlan = 0;  ///< 0: untagged
    zone_id zone{};
    std::size_t mtu = 0;
    wire::mac_address mac{};
    bool has_link_layer = true;
    bool answer_ping = false;
    bool answer_closed = false;
    bool live = false;  ///< false: this number is free
    std::vector<own_address> addresses{};
    std::vector<address_range<ipv4>> proxy_arp{};  ///< sorted, disjoint

    [[nodiscard]] bool owns(ipv4_address a) const noexcept {
        return std::any_of(addresses.begin(), addresses.end(), [a](const own_address& o) { return o.address == a; });
    }
    /// Whether ARP requests for `a` are answered here.
    [[nodiscard]] bool answers_for(ipv4_address a) const noexcept {
        const auto r = std::upper_bound(proxy_arp.begin(), proxy_arp.end(), a, [](ipv4_address x, const auto& range) { return x < range.first; });
        return owns(a) || (r != proxy_arp.begin() && std::prev(r)->contains(a));
    }
    /// The own address that shares a network with `a`; nullptr when `a` is not connected here.
    [[nodiscard]] const own_address* neighbour_of(ipv4_address a) const noexcept {
        const auto o = std::find_if(addresses.begin(), addresses.end(), [a](const own_address& own) { return own.network().contains(a); });
        return o == addresses.end() ? nullptr : &*o;
    }
    /// The own address to speak to `a` with; 0.0.0.0 when there is none.
    [[nodiscard]] ipv4_address address_toward(ipv4_address a) const noexcept {
        const own_address* own = neighbour_of(a);
        return own != nullptr ? own->address : addresses.empty() ? ipv4_address{} : addresses.front().address;
    }
    /// Whether `a` is the network or broadcast address of a connected network.
    [[nodiscard]] bool is_broadcast(ipv4_address a) const noexcept {
        return std::any_of(addresses.begin(), addresses.end(), [a](const own_address& o) {
            return o.has_broadcast() && (a == o.broadcast() || a == o.network().address);
        });
    }
    /// Whether stations reached through this one are reached through `o` as they were.
    [[nodiscard]] bool same_link(const interface& o) const noexcept {
        return live && o.live && port == o.port && vlan == o.vlan && has_link_layer == o.has_link_layer;
    }
};

class interface_table {
public:
    interface_table() = default;

    /// `settings` have passed `check`; `zones` in the order of their ids. Interfaces of `old` keep their numbers.
    interface_table(const host_settings& settings, const std::vector<policy::zone_settings<ipv4>>& zones,
                    const std::vector<port_facts>& ports, const interface_table& old) {
        std::map<std::string, std::size_t> numbers;
        std::map<std::string, std::uint16_t> zone_ids;
        for (std::size_t i = 0; i < old.all_.size(); ++i) {
            if (old.all_[i].live) {
                numbers.emplace(old.all_[i].name, i);
            }
        }
        for (std::size_t i = 0; i < zones.size(); ++i) {
            zone_ids.emplace(zones[i].name, static_cast<std::uint16_t>(i));
        }
        all_.resize(std::max(settings.interfaces.size(), old.all_.size()));
        by_port_.resize(ports.size());
        for (const bool known : {true, false}) {  // those that keep a number first
            for (const auto& s : settings.interfaces) {
                const auto number = numbers.find(s.name);
                if ((number != numbers.end()) != known) {
                    continue;
                }
                const std::size_t at = known ? number->second : first_free();
                all_[at] = make(s, ports[s.port], zone_id{zone_ids[s.zone]});
                enter(static_cast<std::uint32_t>(at));
            }
        }
    }

    /// The interface that a frame of `port` with this tag (0: none) belongs to; npos when there is none.
    [[nodiscard]] std::uint32_t find(std::size_t port, std::uint16_t vlan) const noexcept {
        const auto& p = by_port_[port];
        return vlan == 0 ? p.untagged : vlan < p.tagged.size() ? p.tagged[vlan] : npos;
    }
    [[nodiscard]] const interface& operator[](std::uint32_t number) const noexcept { return all_[number]; }
    [[nodiscard]] bool is_live(std::uint32_t number) const noexcept { return number < all_.size() && all_[number].live; }
    /// All numbers, live or not.
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    /// Calls `visit(number, const interface&)` for each interface.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::uint32_t i = 0; i < all_.size(); ++i) {
            if (all_[i].live) {
                visit(i, all_[i]);
            }
        }
    }
    /// The networks that the addresses are on.
    [[nodiscard]] std::vector<connected_route<ipv4>> connected() const {
        std::vector<connected_route<ipv4>> routes;
        for_each([&](std::uint32_t number, const interface& i) {
            for (const auto& a : i.addresses) {
                routes.push_back({a.network(), number});
            }
        });
        return routes;
    }
    /// Takes a device's link address as it is now. True when it is another than before.
    bool take_mac(std::size_t port, wire::mac_address mac) noexcept {
        bool changed = false;
        for (interface& i : all_) {
            if (i.live && i.port == port && i.mac != mac) {
                i.mac = mac;
                changed = true;
            }
        }
        return changed;
    }

private:
    struct port_map {
        std::uint32_t untagged = npos;
        std::vector<std::uint32_t> tagged{};  ///< by VLAN identifier; empty without tagged interfaces
    };

    static interface make(const interface_settings& s, const port_facts& port, zone_id zone) {
        interface i;
        i.name = s.name;
        i.port = s.port;
        i.vlan = s.vlan.value_or(0);
        i.zone = zone;
        i.mtu = s.mtu == 0 ? port.mtu : std::min(s.mtu, port.mtu);
        i.mac = port.mac;
        i.has_link_layer = port.has_link_layer;
        i.answer_ping = s.answer_ping;
        i.answer_closed = s.answer_closed;
        i.live = true;
        i.addresses = s.addresses;
        i.proxy_arp = s.proxy_arp;
        merge_ranges(i.proxy_arp);
        return i;
    }
    [[nodiscard]] std::size_t first_free() {
        const auto at = std::find_if(all_.begin(), all_.end(), [](const interface& i) { return !i.live; });
        if (at == all_.end()) {
            all_.emplace_back();
            return all_.size() - 1;
        }
        return static_cast<std::size_t>(at - all_.begin());
    }
    void enter(std::uint32_t number) {
        const interface& i = all_[number];
        port_map& p = by_port_[i.port];
        if (i.vlan == 0) {
            p.untagged = number;
            return;
        }
        p.tagged.resize(4095, npos);
        p.tagged[i.vlan] = number;
    }

    std::vector<interface> all_{};
    std::vector<port_map> by_port_{};
};

}  // namespace ikealg::inline v0::host

#endif
