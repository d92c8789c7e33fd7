// SPDX-License-Identifier: Apache-2.0
/// Hears and answers ARP on the interfaces, and announces the gateway's addresses (RFC 826, RFC 5227, RFC 1027 for proxy ARP, N11).
///
/// Requests are answered for own and proxied addresses of the interface, never for others. A station that claims one of them is counted as a
/// conflict and never learnt; so is nobody who is not on a network of the interface (it is answered all the same).
///
/// Announcements are spread: 64 at a time, 20 ms apart, so that a pool of many addresses floods nobody.
/// Thread safety: none, one owner. Complexity: constant a packet. `start` allocates.
#ifndef IKEALG_HOST_ARP_SPEAKER_HPP
#define IKEALG_HOST_ARP_SPEAKER_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ikealg/host/egress.hpp"
#include "ikealg/wire/arp.hpp"

namespace ikealg::inline v0::host {

template <io::live_io Port>
class arp_speaker {
public:
    using packet = typename Port::packet;
    using carried = carried_packet<packet>;
    using counter = host_counter;

    /// Takes an ARP packet that came in on interface `number`.
    void receive(egress<Port>& out, packet&& p, std::uint32_t number, instant now) {
        const interface& in = out.interfaces[number];
        const auto arp = wire::arp_view::parse(p.network());
        if (!arp || arp.view.sender_mac().is_multicast() || arp.view.sender_mac() == wire::mac_address{}) {
            out.counters.count(counter::arp_bad);
            return;
        }
        const wire::arp_message m = arp.view.message();
        if (m.sender_mac == in.mac) {
            out.counters.count(counter::arp_ignored);  // what we sent, brought back by somebody
            return;
        }
        if (in.answers_for(m.sender)) {
            out.counters.count(counter::arp_conflict);
            return;
        }
        const bool to_us = in.answers_for(m.target);
        const bool announcement = m.sender == m.target;
        if (m.operation == wire::arp_operation::request && to_us) {
            learn(out, number, m, arp_source::request_to_us, now);
            answer(out, std::move(p), in, m);
        } else if (announcement) {
            learn(out, number, m, arp_source::announcement, now);
        } else if (m.operation == wire::arp_operation::reply && to_us) {
            learn(out, number, m, arp_source::reply_to_us, now);
        } else {
            out.counters.count(counter::arp_ignored);
        }
    }

    /// From `now` on all own and proxied addresses are announced once.
    void start(const interface_table& interfaces, instant now) {
        todo_.clear();
        interfaces.for_each([&](std::uint32_t number, const interface& i) {
            if (i.has_link_layer) {
                for (const auto& a : i.addresses) {
                    todo_.push_back({number, {a.address, a.address}});
                }
                for (const auto& r : i.proxy_arp) {
                    todo_.push_back({number, r});
                }
            }
        });
        at_ = 0;
        due_ = now;
    }
    /// Sends announcements that are due.
    void advance(egress<Port>& out, instant now) {
        if (at_ == todo_.size() || now < due_) {
            return;
        }
        for (std::size_t n = 0; n < at_once && at_ < todo_.size(); ++n) {
            auto& t = todo_[at_];
            const interface& i = out.interfaces[t.interface];
            if (out.send_arp(i, wire::arp_message::announcement(i.mac, t.left.first), wire::mac_address::broadcast())) {
                out.counters.count(counter::arp_announced);
            }
            if (t.left.first == t.left.last) {
                ++at_;
            } else {
                t.left.first = t.left.first.plus(1);
            }
        }
        due_ = now + pause;
    }
    [[nodiscard]] std::optional<instant> next_timer() const noexcept {
        return at_ == todo_.size() ? std::nullopt : std::optional{due_};
    }

private:
    static constexpr std::size_t at_once = 64;
    static constexpr duration pause = std::chrono::milliseconds{20};

    struct announcement_range {
        std::uint32_t interface = 0;
        address_range<ipv4> left{};
    };

    static void learn(egress<Port>& out, std::uint32_t number, const wire::arp_message& m, arp_source source, instant now) {
        const interface& in = out.interfaces[number];
        const own_address* own = in.neighbour_of(m.sender);
        if (own == nullptr || in.is_broadcast(m.sender) || !detail::is_unicast(m.sender)) {
            return;  // a probe (RFC 5227 1.1), or a stranger to the network
        }
        const auto lesson = out.arp.learn({number, m.sender}, m.sender_mac, source, now, [&](carried&& p, wire::mac_address mac) {
            out.put_on_wire(std::move(p.frame), in, mac, wire::ether_type::ipv4);
        });
        switch (lesson) {
            case arp_lesson::learned: out.counters.count(counter::arp_learned); break;
            case arp_lesson::ignored: out.counters.count(counter::arp_ignored); break;
            case arp_lesson::unsolicited: out.counters.count(counter::arp_unsolicited); break;
            case arp_lesson::no_room: out.counters.count(counter::arp_table_full); break;
        }
    }
    static void answer(egress<Port>& out, packet&& p, const interface& in, const wire::arp_message& m) {
        if (p.set_network_length(wire::arp_view::packet_size) && wire::arp_view::write(p.network(), m.reply(in.mac))) {
            out.put_on_wire(std::move(p), in, m.sender_mac, wire::ether_type::arp);
            out.counters.count(counter::arp_requests_answered);
        }
    }

    std::vector<announcement_range> todo_{};
    std::size_t at_ = 0;
    instant due_{};
};

}  // namespace ikealg::inline v0::host

#endif
