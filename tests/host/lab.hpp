// SPDX-License-Identifier: Apache-2.0
/// A router between two LANs and a VLAN, for end-to-end tests of the host, with stations that the test plays.
///
///     client 10.0.0.5 --- lan.0 10.0.0.1/24 [trust] = router = [untrust] wan.0 192.0.2.1/24 --- 192.0.2.254 --- server 198.51.100.1
///     guest 10.0.1.5 --- VLAN 10: lan.10 10.0.1.1/24 [guests], not translated                    nat pool 192.0.2.100 (proxy ARP)
#ifndef IKEALG_TESTS_HOST_LAB_HPP
#define IKEALG_TESTS_HOST_LAB_HPP

#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/fake_port.hpp"
#include "ikealg/host/router.hpp"
#include "support/addresses.hpp"
#include "support/packets.hpp"

namespace ikealg_tests {

using namespace std::chrono_literals;
using host::host_counter;

inline const ipv4_address client_1 = v4("10.0.0.5"), client_2 = v4("10.0.0.6"), guest = v4("10.0.1.5"), lan_0 = v4("10.0.0.1"), lan_10 = v4("10.0.1.1"),
                          wan_0 = v4("192.0.2.1"), upstream = v4("192.0.2.254"), pool_1 = v4("192.0.2.100"), server = v4("198.51.100.1");
inline const wire::mac_address lan_mac = mac(1), wan_mac = mac(2), client_mac = mac(0x15), client_2_mac = mac(0x16), guest_mac = mac(0x1a), upstream_mac = mac(0x2f);

/// A frame that left, taken apart.
struct sent {
    octets link{};
    octets packet{};

    explicit sent(const octets& frame) {
        if (frame.size() >= 14) {
            const std::size_t n = frame[12] == 0x81 && frame[13] == 0 ? 18 : 14;
            link.assign(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(n));
            packet.assign(frame.begin() + static_cast<std::ptrdiff_t>(n), frame.end());
        }
    }
    [[nodiscard]] bool none() const { return link.empty(); }
    [[nodiscard]] wire::mac_address to() const { return wire::mac_address::load(&link[0]); }
    [[nodiscard]] wire::mac_address from() const { return wire::mac_address::load(&link[6]); }
    [[nodiscard]] std::uint16_t vlan() const { return link.size() == 18 ? load_be16(&link[14]) : 0; }
    [[nodiscard]] std::uint16_t type() const { return load_be16(&link[link.size() - 2]); }
    [[nodiscard]] ipv4_address source() const { return ipv4_address::load(&packet[12]); }
    [[nodiscard]] ipv4_address destination() const { return ipv4_address::load(&packet[16]); }
    [[nodiscard]] std::uint8_t ttl() const { return packet[8]; }
    [[nodiscard]] std::uint8_t protocol() const { return packet[9]; }
};

/// Whether all checksums of a whole IPv4 packet are right, by the slow sum.
inline bool checksums_right(const octets& p) {
    const std::size_t header = (p[0] & 15U) * std::size_t{4};
    if (p.size() != load_be16(&p[2]) || (ones_sum(p.data(), header) & 0xffff) != 0xffff) {
        return false;
    }
    const std::size_t size = p.size() - header;
    const bool fragment = (load_be16(&p[6]) & 0x3fff) != 0;
    const auto pseudo = pseudo_sum(ipv4_address::load(&p[12]), ipv4_address::load(&p[16]), p[9], size);
    switch (fragment ? 0 : p[9]) {
        case 1: return ones_sum(&p[header], size) == 0xffff;
        case 6: return ones_sum(&p[header], size, pseudo) == 0xffff;
        case 17: return load_be16(&p[header + 6]) == 0 || ones_sum(&p[header], size, pseudo) == 0xffff;
        default: return true;
    }
}
/// The packet that an ICMP error quotes.
inline octets quote_of(const octets& error) { return {error.begin() + 28, error.end()}; }

class lab {
public:
    using router_type = host::router<ipv4, fake_port>;

    settings<ipv4> core;
    host::host_settings local;
    fake_port lan{lan_mac};
    fake_port wan{wan_mac};
    std::optional<router_type> router{};
    instant now{1h};

    lab() {
        core = settings<ipv4>::source_nat({v4("10.0.0.0"), 24}, {pool_1, pool_1});
        core.alg.enabled = true;
        core.alg.new_sa_pause = 0ms;  // ESP right behind its IKE message goes on at once here (G15)
        core.policy.zones[1].networks.clear();  // the routes say it
        core.policy.zones.push_back({"guests", {}, {}, {}});
        permit("guests", "untrust");
        permit("trust", "guests");
        permit("untrust", "guests");
        local.interfaces = {{"lan.0", 0, {}, "trust", {{lan_0, 24}}, {}, 0, true, false},
                            {"lan.10", 0, std::uint16_t{10}, "guests", {{lan_10, 24}}, {}, 0, false, true},
                            {"wan.0", 1, {}, "untrust", {{wan_0, 24}}, {{pool_1, pool_1}}, 0, false, false}};
        local.routes = {{{v4("0.0.0.0"), 0}, upstream}};
    }
    void permit(const std::string& from, const std::string& to, policy::policy_action action = policy::policy_action::permit) {
        policy::policy_settings p;
        p.from_zone = from;
        p.to_zone = to;
        p.name = "p";
        p.source_addresses = p.destination_addresses = p.applications = {"any"};
        p.action = action;
        core.policy.policies.push_back(p);
    }
    static gateway_options options() {
        gateway_options o;
        o.capacity = {1024, 128, 128, 256, 512, 128};
        o.mappings = 64;
        o.ports = 1024;
        o.seed = 7;
        o.start = instant{1h};
        return o;
    }
    /// Makes the router; the stations are known to it and its announcements are gone.
    void start() {
        make();
        lan.arrive(ethernet(lan_mac, client_mac, 0x806, arp(1, client_mac, client_1, {}, lan_0)));
        lan.arrive(ethernet(lan_mac, client_2_mac, 0x806, arp(1, client_2_mac, client_2, {}, lan_0)));
        lan.arrive(ethernet(lan_mac, guest_mac, 0x806, arp(1, guest_mac, guest, {}, lan_10), 10));
        wan.arrive(ethernet(wan_mac, upstream_mac, 0x806, arp(1, upstream_mac, upstream, {}, wan_0)));
        run();
        lan.clear();
        wan.clear();
    }
    void make() {
        auto made = router_type::create(core, local, options(), {&lan, &wan});
        for (const auto& e : made.errors) {
            FAIL_CHECK(e.path << ": " << e.message);
        }
        REQUIRE(made);
        router.emplace(std::move(*made.value));
    }
    void run() {
        while (router->poll(now) != 0) {
        }
        while (router->advance(now, 64)) {
        }
    }
    void pass(duration d) {
        now += d;
        run();
    }

    void from_client(const octets& packet) { arrive(lan, ethernet(lan_mac, client_mac, 0x800, packet)); }
    void from_guest(const octets& packet) { arrive(lan, ethernet(lan_mac, guest_mac, 0x800, packet, 10)); }
    void from_upstream(const octets& packet) { arrive(wan, ethernet(wan_mac, upstream_mac, 0x800, packet)); }
    void arrive(fake_port& port, const octets& frame) {
        port.arrive(frame);
        run();
    }
    [[nodiscard]] sent to_lan() { return sent(lan.leave()); }
    [[nodiscard]] sent to_wan() { return sent(wan.leave()); }
    [[nodiscard]] std::uint64_t count(host_counter c) const { return router->counters()[c]; }
};

}  // namespace ikealg_tests

#endif
