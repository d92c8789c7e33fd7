// SPDX-License-Identifier: Apache-2.0
/// A device of queues for tests of the host: what arrives is put in as bytes, what leaves is taken out as bytes.
#ifndef IKEALG_TESTS_HOST_FAKE_PORT_HPP
#define IKEALG_TESTS_HOST_FAKE_PORT_HPP

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <limits>

#include "ikealg/io/frame.hpp"
#include "ikealg/io/live_io.hpp"
#include "support/packets.hpp"

namespace ikealg_tests {

inline wire::mac_address mac(std::uint8_t last) { return {{2, 0, 0, 0, 0, last}}; }

/// Ethernet header and what follows; `vlan` 0: untagged.
inline octets ethernet(wire::mac_address to, wire::mac_address from, std::uint16_t type, const octets& body, std::uint16_t vlan = 0) {
    octets f(to.octets.begin(), to.octets.end());
    f.insert(f.end(), from.octets.begin(), from.octets.end());
    if (vlan != 0) {
        f.insert(f.end(), {0x81, 0, static_cast<std::uint8_t>(vlan >> 8), static_cast<std::uint8_t>(vlan)});
    }
    f.insert(f.end(), {static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type)});
    return joined(std::move(f), body);
}

/// An ARP packet, written out field by field.
inline octets arp(std::uint16_t operation, wire::mac_address sender_mac, ipv4_address sender, wire::mac_address target_mac, ipv4_address target) {
    octets p = hex("0001080006040000");
    p[7] = static_cast<std::uint8_t>(operation);
    const auto put = [&p](wire::mac_address m, ipv4_address a) {
        p.insert(p.end(), m.octets.begin(), m.octets.end());
        p.resize(p.size() + 4);
        a.store(&p[p.size() - 4]);
    };
    put(sender_mac, sender);
    put(target_mac, target);
    return p;
}

class fake_port {
public:
    using packet = io::frame;

    fake_port(wire::mac_address mac, bool link_layer = true, std::size_t mtu = 1500, std::size_t frames = 512)
        : mac_(mac), link_layer_(link_layer), mtu_(mtu), pool_(frames) {}

    /// Queues a frame (without a link layer: a packet) to be received.
    void arrive(const octets& frame) { in_.push_back(frame); }
    /// Frames that nobody has received.
    [[nodiscard]] std::size_t waiting() const { return in_.size(); }
    [[nodiscard]] bool has_left() const { return !out_.empty(); }
    [[nodiscard]] std::size_t left() const { return out_.size(); }
    /// The oldest frame that was sent; empty when there is none.
    octets leave() {
        if (out_.empty()) {
            return {};
        }
        const io::frame f = std::move(out_.front());
        out_.pop_front();
        return {f.wire().begin(), f.wire().end()};
    }
    void clear() { out_.clear(); }

    std::size_t room = std::numeric_limits<std::size_t>::max();  ///< frames that transmit still takes
    std::size_t per_call = std::numeric_limits<std::size_t>::max();
    std::size_t calls = 0;  ///< of transmit
    bool discard = false;   ///< what is sent is not kept
    [[nodiscard]] io::frame_pool& pool() { return pool_; }

    std::size_t receive(std::span<packet> burst) {
        std::size_t n = 0;
        for (; n < burst.size() && !in_.empty(); ++n) {
            io::frame f = pool_.make(0, zone());
            if (!f) {
                break;
            }
            const octets& bytes = in_.front();
            std::copy(bytes.begin(), bytes.end(), f.room().begin());
            std::size_t link = 0;
            if (link_layer_ && bytes.size() >= 14) {
                link = 14;
                while (link + 4 <= bytes.size() && link < 22 && bytes[link - 2] == 0x81 && bytes[link - 1] == 0) {
                    link += 4;
                }
            }
            f.settle(link, bytes.size());
            burst[n] = std::move(f);
            in_.pop_front();
        }
        counters_.received += n;
        return n;
    }
    std::size_t transmit(std::span<packet> burst, zone_id to) {
        ++calls;
        if (to != zone()) {
            return 0;
        }
        const std::size_t n = std::min({burst.size(), room, per_call});
        for (packet& p : burst.first(n)) {
            if (p.network_length() > mtu_ || p.link_header().empty() == link_layer_) {
                std::abort();  // what no device would send
            }
            if (discard) {
                p = packet{};
            } else {
                out_.push_back(std::move(p));
            }
        }
        room -= room == std::numeric_limits<std::size_t>::max() ? 0 : n;
        counters_.transmitted += n;
        return n;
    }
    [[nodiscard]] io::io_state state() const { return state_; }
    void set_state(io::io_state state) { state_ = state; }
    [[nodiscard]] io::io_counters counters() const { return counters_; }
    [[nodiscard]] packet make(std::size_t n) { return pool_.make(n, zone()); }
    [[nodiscard]] zone_id zone() const { return {77}; }
    [[nodiscard]] std::size_t mtu() const { return mtu_; }
    void set_mtu(std::size_t mtu) { mtu_ = mtu; }
    void set_mac(wire::mac_address mac) { mac_ = mac; }
    [[nodiscard]] wire::mac_address mac() const { return link_layer_ ? mac_ : wire::mac_address{}; }
    [[nodiscard]] bool has_link_layer() const { return link_layer_; }
    [[nodiscard]] int fd() const { return -1; }

private:
    wire::mac_address mac_;
    bool link_layer_;
    std::size_t mtu_;
    io::io_state state_ = io::io_state::ready;
    io::frame_pool pool_;
    std::deque<octets> in_{};
    std::deque<io::frame> out_{};
    io::io_counters counters_{};
};

static_assert(io::live_io<fake_port>);

}  // namespace ikealg_tests

#endif
