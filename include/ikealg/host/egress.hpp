// SPDX-License-Identifier: Apache-2.0
/// The way out: route, MTU, next hop, link header, device (RFC 1812 5.2, RFC 894).
///
/// A packet whose next hop is not known yet waits in the ARP table; it has its final network bytes then. A packet that cannot go out is handed to
/// `complain(packet, egress zone, error)`, which may tell its sender.
///
/// No redirects are sent; packets may leave by the interface they came in on.
/// Thread safety: none, one owner. Complexity: one route lookup and one ARP lookup a packet. Nothing allocates but what replaces the tables.
#ifndef IKEALG_HOST_EGRESS_HPP
#define IKEALG_HOST_EGRESS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ikealg/host/arp_table.hpp"
#include "ikealg/host/carried_packet.hpp"
#include "ikealg/host/counters.hpp"
#include "ikealg/host/fragmenter.hpp"
#include "ikealg/host/icmp_reply.hpp"
#include "ikealg/host/interface_table.hpp"
#include "ikealg/host/link_header.hpp"
#include "ikealg/host/mss_clamp.hpp"
#include "ikealg/host/route_table.hpp"
#include "ikealg/host/transmit_queue.hpp"
#include "ikealg/wire/arp.hpp"
#include "ikealg/wire/ipv4.hpp"

namespace ikealg::inline v0::host {

template <io::live_io Port>
class egress {
public:
    using packet = typename Port::packet;
    using carried = carried_packet<packet>;
    using counter = host_counter;

    egress(const std::vector<Port*>& ports, const arp_settings& arp_limits, hash_secret secret) : arp(arp_limits, secret) {
        for (Port* p : ports) {
            queues_.emplace_back(*p);
        }
    }

    interface_table interfaces{};
    route_table<ipv4> routes{};
    arp_table<carried> arp;
    host_counters counters{};
    std::uint16_t tcp_mss = 0;

    /// Sends a packet on that the core forwards to zone `to`. Its network header has been checked.
    template <class Complain>
    void forward(carried&& p, zone_id to, instant now, Complain&& complain) {
        const route<ipv4>* r = routes.find(destination_of(p));
        if (r == nullptr) {
            counters.count(counter::no_route);
            complain(std::move(p), to, error_kind::unreachable(wire::icmp_unreachable::net));
            return;
        }
        if (interfaces[r->interface].zone != to) {
            counters.count(counter::wrong_zone);
            return;
        }
        if (tcp_mss != 0 && clamp_mss(p.network(), tcp_mss)) {
            counters.count(counter::mss_clamped);
        }
        send(std::move(p), *r, now, complain);
    }

    /// Sends a packet by a route: cut when it must be and may be.
    template <class Complain>
    void send(carried&& p, const route<ipv4>& r, instant now, Complain&& complain) {
        const interface& out = interfaces[r.interface];
        if (r.connected && out.is_broadcast(destination_of(p))) {
            counters.count(counter::directed_broadcast);  // RFC 2644
            return;
        }
        const ipv4_address next_hop = r.connected ? destination_of(p) : r.next_hop;
        const std::size_t mtu = std::min(out.mtu, queues_[out.port].port().mtu());  // the device's may have become less
        if (p.network_length() <= mtu) [[likely]] {
            resolve(std::move(p), r.interface, next_hop, now, complain);
            return;
        }
        fragmenter pieces(p.network(), mtu);
        if (pieces.next_length() == 0) {
            counters.count(counter::too_big);
            complain(std::move(p), out.zone, error_kind::fragmentation_needed(mtu));
            return;
        }
        counters.count(counter::fragmented);
        while (const std::size_t n = pieces.next_length()) {
            carried piece{make(out, n), p.interface, p.own};
            if (!piece.frame) {
                counters.count(counter::no_buffer);
                return;
            }
            pieces.write(piece.network());
            resolve(std::move(piece), r.interface, next_hop, now, complain);
        }
    }

    /// Sends an ARP packet to one station or to all.
    bool send_arp(const interface& out, const wire::arp_message& m, wire::mac_address to) {
        packet p = make(out, wire::arp_view::packet_size);
        if (!p || !wire::arp_view::write(p.network(), m)) {
            counters.count(counter::no_buffer);
            return false;
        }
        put_on_wire(std::move(p), out, to, wire::ether_type::arp);
        return true;
    }
    void ask(const arp_key& key, std::optional<wire::mac_address> station) {
        const interface& out = interfaces[key.interface];
        if (send_arp(out, wire::arp_message::request(out.mac, out.address_toward(key.address), key.address),
                     station.value_or(wire::mac_address::broadcast()))) {
            counters.count(counter::arp_requests_sent);
        }
    }

    /// Sends a packet to a station; or just out, where there is no link layer.
    void put_on_wire(packet&& p, const interface& out, wire::mac_address to, wire::ether_type type) {
        const bool fits = out.has_link_layer ? p.set_link_header(link_header(to, out.mac, out.vlan, type).bytes()) : p.set_link_header({});
        if (!fits) {
            counters.count(counter::no_buffer);
            return;
        }
        queues_[out.port].push(std::move(p), counters);
    }
    /// A packet of the port's own for the interface; empty when none is free.
    [[nodiscard]] packet make(const interface& out, std::size_t length) { return queues_[out.port].port().make(length); }

    void flush() {
        for (auto& q : queues_) {
            q.flush(counters);
        }
    }
    /// For interfaces of a table that comes after it.
    void add_port(Port& port) { queues_.emplace_back(port); }
    [[nodiscard]] std::size_t port_count() const noexcept { return queues_.size(); }
    [[nodiscard]] Port& port(std::size_t i) const noexcept { return queues_[i].port(); }
    [[nodiscard]] std::vector<port_facts> facts() const {
        std::vector<port_facts> all;
        for (const auto& q : queues_) {
            all.push_back(facts_of(q.port()));
        }
        return all;
    }
    [[nodiscard]] static std::vector<port_facts> facts_of(const std::vector<Port*>& ports) {
        std::vector<port_facts> all;
        for (const Port* p : ports) {
            all.push_back(facts_of(*p));
        }
        return all;
    }

    [[nodiscard]] static ipv4_address destination_of(carried& p) noexcept { return ipv4_address::load(p.network().data() + 16); }

private:
    [[nodiscard]] static port_facts facts_of(const Port& p) { return {p.mac(), p.mtu(), p.has_link_layer()}; }

    template <class Complain>
    void resolve(carried&& p, std::uint32_t number, ipv4_address next_hop, instant now, Complain& complain) {
        const interface& out = interfaces[number];
        if (!out.has_link_layer) {
            put_on_wire(std::move(p.frame), out, {}, wire::ether_type::ipv4);
            return;
        }
        using outcome = typename arp_table<carried>::outcome;
        const arp_key key{number, next_hop};
        const auto found = arp.resolve(key, p, now, [this](carried&&) { counters.count(counter::arp_queue_full); });
        switch (found.result) {
            case outcome::known: put_on_wire(std::move(p.frame), out, found.mac, wire::ether_type::ipv4); break;
            case outcome::waiting: break;
            case outcome::failed:
                counters.count(counter::arp_failed);
                complain(std::move(p), out.zone, error_kind::unreachable(wire::icmp_unreachable::host));
                break;
            case outcome::table_full: counters.count(counter::arp_table_full); break;
            case outcome::queue_full: counters.count(counter::arp_queue_full); break;
        }
        if (found.ask) {
            ask(key, found.result == outcome::known ? std::optional{found.mac} : std::nullopt);
        }
    }

    std::vector<transmit_queue<Port>> queues_{};
};

}  // namespace ikealg::inline v0::host

#endif
