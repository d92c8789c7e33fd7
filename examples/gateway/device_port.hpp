// SPDX-License-Identifier: Apache-2.0
/// One port type for every backend that a configuration can name, so that one router serves a mixture of them.
#ifndef GATEWAY_DEVICE_PORT_HPP
#define GATEWAY_DEVICE_PORT_HPP

#include <cstddef>
#include <span>
#include <utility>
#include <variant>

#include "ikealg/io/af_packet.hpp"
#include "ikealg/io/live_io.hpp"
#include "ikealg/io/tun.hpp"

namespace gateway_example {

class device_port {
public:
    using packet = ikealg::io::frame;

    explicit device_port(ikealg::io::af_packet_port port) : port_(std::move(port)) {}
    explicit device_port(ikealg::io::tun_port port) : port_(std::move(port)) {}

    [[nodiscard]] std::size_t receive(std::span<packet> burst) {
        return std::visit([&](auto& p) { return p.receive(burst); }, port_);
    }
    [[nodiscard]] std::size_t transmit(std::span<packet> burst, ikealg::zone_id to) {
        return std::visit([&](auto& p) { return p.transmit(burst, to); }, port_);
    }
    [[nodiscard]] packet make(std::size_t n) {
        return std::visit([&](auto& p) { return p.make(n); }, port_);
    }
    [[nodiscard]] ikealg::io::io_state state() const {
        return std::visit([](const auto& p) { return p.state(); }, port_);
    }
    [[nodiscard]] ikealg::io::io_counters counters() const {
        return std::visit([](const auto& p) { return p.counters(); }, port_);
    }
    [[nodiscard]] ikealg::zone_id zone() const {
        return std::visit([](const auto& p) { return p.zone(); }, port_);
    }
    [[nodiscard]] std::size_t mtu() const {
        return std::visit([](const auto& p) { return p.mtu(); }, port_);
    }
    [[nodiscard]] ikealg::wire::mac_address mac() const {
        return std::visit([](const auto& p) { return p.mac(); }, port_);
    }
    [[nodiscard]] bool has_link_layer() const {
        return std::visit([](const auto& p) { return p.has_link_layer(); }, port_);
    }
    /// Asks for the device's address, MTU and state.
    void refresh() {
        std::visit([](auto& p) { p.refresh(); }, port_);
    }
    [[nodiscard]] int fd() const {
        return std::visit([](const auto& p) { return p.fd(); }, port_);
    }

private:
    std::variant<ikealg::io::af_packet_port, ikealg::io::tun_port> port_;
};

static_assert(ikealg::io::live_io<device_port>);

}  // namespace gateway_example

#endif
