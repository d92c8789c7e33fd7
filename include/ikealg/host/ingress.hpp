// SPDX-License-Identifier: Apache-2.0
/// What a router looks at before the core does: whose frame it is, and whether its IPv4 header may be forwarded at all.
///
/// Dropped here: frames for other stations or unknown VLANs; headers with a wrong length or checksum (RFC 1812 4.2.2.5, 5.2.2); sources that no host has,
/// or the gateway itself (5.3.7); destinations that are not forwarded: broadcast, multicast, loopback, 0/8, class E; unicast packets in broadcast frames (RFC 1122 3.3.6).
/// Link padding is cut off.
///
/// Thread safety: pure functions. Complexity: linear in the IPv4 header.
#ifndef IKEALG_HOST_INGRESS_HPP
#define IKEALG_HOST_INGRESS_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ikealg/base/checksum.hpp"
#include "ikealg/host/counters.hpp"
#include "ikealg/host/interface_table.hpp"
#include "ikealg/host/link_header.hpp"
#include "ikealg/io/live_io.hpp"
#include "ikealg/wire/ipv4.hpp"

namespace ikealg::inline v0::host {

/// Where a frame goes next: to the core, to ARP, or nowhere for a reason.
struct arrival {
    std::uint32_t interface = npos;
    bool arp = false;
    std::optional<host_counter> dropped{};
};

namespace detail {

/// Checks an IPv4 packet and cuts its padding off.
template <io::live_packet Packet>
[[nodiscard]] std::optional<host_counter> inspect_ipv4(Packet& p, const interface& in) noexcept {
    const auto ip = wire::ipv4_view::parse(p.network());
    if (!ip) {
        return ip.error == wire::parse_error::not_this_family ? host_counter::other_type : host_counter::bad_header;
    }
    if (!ip.view.checksum_valid()) {
        return host_counter::bad_header;
    }
    if (!is_unicast(ip.view.source()) || in.owns(ip.view.source())) {
        return host_counter::bad_source;
    }
    if (!is_unicast(ip.view.destination())) {
        return host_counter::bad_destination;
    }
    if (ip.view.total_length() < p.network_length()) {
        (void)p.set_network_length(ip.view.total_length());
    }
    return std::nullopt;
}

}  // namespace detail

/// Looks at a frame of `port`. One that goes to the core has its interface's zone then.
template <io::live_packet Packet>
[[nodiscard]] arrival inspect(Packet& p, std::size_t port, bool has_link_layer, const interface_table& interfaces) noexcept {
    arrival a;
    const auto drop = [&a](host_counter why) {
        a.dropped = why;
        return a;
    };
    bool to_all = false;
    if (has_link_layer) {
        const link_fields link = read_link_header(p.link_header());
        if (!link.valid) {
            return drop(host_counter::bad_frame);
        }
        a.interface = link.service_tag ? npos : interfaces.find(port, link.vlan);
        if (a.interface == npos) {
            return drop(host_counter::unknown_vlan);
        }
        to_all = link.destination.is_multicast();
        if (!to_all && link.destination != interfaces[a.interface].mac) {
            return drop(host_counter::not_for_us);
        }
        if (link.type == wire::ether_type::arp) {
            a.arp = true;
            return a;
        }
        if (link.type != wire::ether_type::ipv4) {
            return drop(host_counter::other_type);
        }
    } else {
        a.interface = interfaces.find(port, 0);
        if (a.interface == npos) {
            return drop(host_counter::unknown_vlan);
        }
    }
    if (const auto defect = detail::inspect_ipv4(p, interfaces[a.interface])) {
        return drop(*defect);
    }
    if (to_all) {
        return drop(host_counter::link_broadcast);
    }
    p.set_zone(interfaces[a.interface].zone);
    return a;
}

}  // namespace ikealg::inline v0::host

#endif
