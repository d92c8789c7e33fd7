// SPDX-License-Identifier: Apache-2.0
/// What a host around the core is configured with: logical interfaces, static routes, limits and rates.
///
/// Plain structs; `check` says everything that is wrong with them at once (P3). Zones are named here and declared in the
/// core's settings. Only routing instance 0 is served: one route table.
///
/// Thread safety: values. Configuration path only.
#ifndef IKEALG_HOST_SETTINGS_HPP
#define IKEALG_HOST_SETTINGS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/policy/policy_settings.hpp"

namespace ikealg::inline v0::host {

/// An address of an interface, with the length of the prefix that is connected there.
struct own_address {
    ipv4_address address{};
    std::uint8_t prefix_length = 32;

    [[nodiscard]] constexpr prefix<ipv4> network() const noexcept { return {address.masked(prefix_length), prefix_length}; }
    /// RFC 3021: a prefix of 31 bits has neither network nor broadcast address.
    [[nodiscard]] constexpr bool has_broadcast() const noexcept { return prefix_length < 31; }
    [[nodiscard]] constexpr ipv4_address broadcast() const noexcept { return highest_of(address, prefix_length); }
    friend constexpr bool operator==(const own_address&, const own_address&) = default;
};

/// A logical interface: a Junos unit.
struct interface_settings {
    std::string name{};                             ///< "ge-0/0/1.0"; who it is across a replacement
    std::size_t port = 0;                           ///< index of its device among the router's ports
    std::optional<std::uint16_t> vlan{};            ///< 802.1Q identifier, 1 to 4094; untagged when not set
    std::string zone{};                             ///< one of the policy's zones
    std::vector<own_address> addresses{};           ///< the first of a network speaks for the gateway there
    std::vector<address_range<ipv4>> proxy_arp{};   ///< answered for besides the own addresses (N11)
    std::size_t mtu = 0;                            ///< of IP packets, 576 or more; the port's when 0 or above it
    bool answer_ping = false;                       ///< host-inbound-traffic system-services ping
    bool answer_closed = false;                     ///< what else comes to an own address: unreachable or reset rather than silence
};

struct route_settings {
    prefix<ipv4> destination{};
    ipv4_address next_hop{};  ///< on a connected network
};

/// RFC 1122 2.3.2: ages and bounds of the ARP cache.
struct arp_settings {
    std::uint32_t entries = 4096;
    std::uint32_t waiting = 1024;            ///< packets that wait for an answer, all together
    std::uint32_t waiting_per_entry = 16;    ///< the oldest gives way
    duration retry = std::chrono::seconds{1};
    unsigned tries = 3;
    duration reachable = std::chrono::seconds{60};    ///< then asked again, by unicast, when it is used
    duration stale = std::chrono::minutes{20};        ///< unused for so long, it is forgotten
    duration failed = std::chrono::seconds{3};        ///< nobody answered: not asked again before
};

/// A token bucket: `per_second` on average, `burst` at once. 0 per second: nothing at all.
struct rate {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;
};

struct host_settings {
    std::vector<interface_settings> interfaces{};
    std::vector<route_settings> routes{};
    std::uint16_t tcp_mss = 0;                ///< security flow tcp-mss all-tcp; 0 leaves it alone
    arp_settings arp{};                       ///< fixed when the router is made
    rate errors{1000, 50};                    ///< ICMP errors and resets that the gateway itself sends (RFC 1812 4.3.2.8)
    rate errors_per_destination{10, 10};
};

namespace detail {

[[nodiscard]] constexpr bool is_loopback(ipv4_address a) noexcept { return a.value >> 24 == 127; }
[[nodiscard]] constexpr bool is_multicast(ipv4_address a) noexcept { return a.value >> 28 == 14; }
/// Neither "this host", loopback, multicast, reserved nor broadcast (RFC 1122 3.2.1.3, RFC 1812 5.3.7).
[[nodiscard]] constexpr bool is_unicast(ipv4_address a) noexcept {
    return a.value >> 24 != 0 && !is_loopback(a) && a.value >> 28 < 14;
}

/// Checks the parts of host settings one by one.
class settings_check {
public:
    settings_check(const host_settings& s, configuration_report& report) : s_(s), report_(report) {}

    void interfaces(std::size_t ports, const std::vector<policy::zone_settings<ipv4>>& zones) {
        std::set<std::string> names;
        std::map<std::pair<std::size_t, std::uint16_t>, std::string> places;
        for (const auto& i : s_.interfaces) {
            const std::string path = "interfaces " + i.name;
            if (i.name.empty() || !names.insert(i.name).second) {
                report_.error(path, i.name.empty() ? "an interface has no name" : "interface " + i.name + " is there twice");
            }
            if (i.port >= ports) {
                report_.error(path, "device " + std::to_string(i.port) + " of " + std::to_string(ports) + " does not exist");
            }
            if (i.vlan && (*i.vlan == 0 || *i.vlan > 4094)) {
                report_.error(path + " vlan-id", std::to_string(*i.vlan) + " is out of range, allowed are 1 to 4094");
            }
            const auto [place, fresh] = places.try_emplace({i.port, i.vlan.value_or(0)}, i.name);
            if (!fresh) {
                report_.error(path + " vlan-id", "interface " + place->second + " of the same device has the same tag, or neither has one");
            }
            const auto zone = std::find_if(zones.begin(), zones.end(), [&](const auto& z) { return z.name == i.zone; });
            if (zone == zones.end()) {
                report_.error(path, i.zone.empty() ? "is in no zone" : "zone " + i.zone + " is not defined");
            } else if (zone->vrf != vrf_id{}) {
                report_.error(path, "zone " + i.zone + " is in a routing instance; only the default one is served");
            }
            if (i.mtu != 0 && (i.mtu < 576 || i.mtu > 65535)) {
                report_.error(path + " mtu", std::to_string(i.mtu) + " is out of range, allowed are 576 to 65535");
            }
            if (i.addresses.empty()) {
                report_.warn(path, "has no address: nothing is routed there");
            }
            addresses(i, path);
            proxies(i, path);
        }
    }

    void routes() {
        std::set<prefix<ipv4>> seen;
        for (const auto& r : s_.routes) {
            const std::string path = "routing-options static route " + to_string(r.destination);
            if (const auto defect = defect_of(r.destination)) {
                report_.error(path, *defect);
                continue;
            }
            if (!seen.insert(r.destination).second) {
                report_.error(path, "this route is there twice");
            }
            bool connected = false;
            for (const auto& i : s_.interfaces) {
                for (const auto& a : i.addresses) {
                    connected = connected || (a.prefix_length < 32 && a.network().contains(r.next_hop));
                }
            }
            if (own_.count(r.next_hop) != 0) {
                report_.error(path + " next-hop " + to_string(r.next_hop), "the next hop is an address of the gateway itself");
            } else if (!connected || !is_unicast(r.next_hop)) {
                report_.error(path + " next-hop " + to_string(r.next_hop), "the next hop is on no connected network");
            }
        }
    }

    void limits() {
        if (s_.tcp_mss != 0 && s_.tcp_mss < 64) {
            report_.error("security flow tcp-mss all-tcp mss", std::to_string(s_.tcp_mss) + " is out of range, allowed are 64 to 65535");
        }
        const auto& a = s_.arp;
        if (a.entries == 0 || a.waiting == 0 || a.waiting_per_entry == 0 || a.tries == 0) {
            report_.error("arp", "entries, waiting packets and tries must not be 0");
        }
        if (a.retry <= duration{} || a.reachable <= duration{} || a.stale <= duration{} || a.failed < duration{}) {
            report_.error("arp", "a time is not positive");
        }
        if ((s_.errors.per_second != 0 && s_.errors.burst == 0) ||
            (s_.errors_per_destination.per_second != 0 && s_.errors_per_destination.burst == 0)) {
            report_.error("icmp", "a rate without a burst lets nothing pass; a rate of 0 says so");
        }
    }

private:
    void addresses(const interface_settings& i, const std::string& path) {
        for (const auto& a : i.addresses) {
            const std::string at = path + " family inet address " + to_string(a.address) + '/' + std::to_string(a.prefix_length);
            if (a.prefix_length == 0 || a.prefix_length > 32) {
                report_.error(at, "prefix length " + std::to_string(a.prefix_length) + " is out of range, allowed are 1 to 32");
                continue;
            }
            if (!is_unicast(a.address)) {
                report_.error(at, "this is no address of a host");
            } else if (a.has_broadcast() && (a.address == a.network().address || a.address == a.broadcast())) {
                report_.error(at, "this is the network or the broadcast address of its network");
            }
            if (!own_.insert(a.address).second) {
                report_.error(at, "this address is there twice");
            }
            const auto [owner, fresh] = networks_.try_emplace(a.network(), i.name);
            if (!fresh && owner->second != i.name) {
                report_.error(at, "network " + to_string(a.network()) + " is connected at interface " + owner->second + " too");
            }
        }
    }

    void proxies(const interface_settings& i, const std::string& path) {
        for (const auto& r : i.proxy_arp) {
            const std::string at = path + " proxy-arp " + to_string(r);
            if (!r.valid()) {
                report_.error(at, "range is empty: its end lies below its start");
                continue;
            }
            if (!is_unicast(r.first) || !is_unicast(r.last)) {
                report_.error(at, "holds addresses that are no hosts'");
            }
            for (const auto& [other, name] : proxies_) {
                if (other.overlaps(r)) {
                    report_.error(at, "overlaps with " + to_string(other) + " of interface " + name);
                }
            }
            proxies_.emplace_back(r, i.name);
        }
    }

    const host_settings& s_;
    configuration_report& report_;
    std::set<ipv4_address> own_{};
    std::map<prefix<ipv4>, std::string> networks_{};
    std::vector<std::pair<address_range<ipv4>, std::string>> proxies_{};
};

}  // namespace detail

/// Reports everything that is wrong with `s` on a host with so many ports and the core's zones.
inline void check(const host_settings& s, std::size_t ports, const std::vector<policy::zone_settings<ipv4>>& zones,
                  configuration_report& report) {
    detail::settings_check check(s, report);
    check.interfaces(ports, zones);
    check.routes();
    check.limits();
}

}  // namespace ikealg::inline v0::host

#endif
