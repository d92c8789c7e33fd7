// SPDX-License-Identifier: Apache-2.0
/// What the ports of Linux devices, af_packet_port and tun_port, have in common: whose device it is, its buffers, and why
/// it does not work now. On other systems this header declares nothing.
///
/// Thread safety: one thread, with the frames. Complexity: constant; nothing is allocated but the buffers.
#ifndef IKEALG_IO_LINUX_PORT_HPP
#define IKEALG_IO_LINUX_PORT_HPP

#if defined(__linux__)

#include <net/if.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/io/frame.hpp"
#include "ikealg/io/linux_device.hpp"
#include "ikealg/io/packet_io.hpp"
#include "ikealg/wire/ethernet.hpp"

namespace ikealg::inline v0::io::detail {

/// Why a port does not work.
struct device_fault {
    enum class trouble : std::uint8_t { none, down, gone };
    trouble what = trouble::none;
    const char* cannot = "";  ///< `gone`: what could not be done with the device
    int error = 0;            ///< and its errno

    [[nodiscard]] static constexpr device_fault down() noexcept { return {trouble::down, "", 0}; }
    [[nodiscard]] static constexpr device_fault gone(const char* cannot, int error) noexcept {
        return {trouble::gone, cannot, error};
    }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return what != trouble::none; }
};

/// Base of a port, with what its users see of it. The port itself receives, transmits and looks after the device.
class linux_port {
public:
    using packet = frame;

    [[nodiscard]] io_state state() const noexcept { return fault_ ? io_state::failed : io_state::ready; }
    [[nodiscard]] io_counters counters() const noexcept { return counters_; }

    [[nodiscard]] frame make(std::size_t n) noexcept { return pool_.make(n, zone_); }
    [[nodiscard]] zone_id zone() const noexcept { return zone_; }
    /// Of the device as it was opened, or when it last came up; less when it turned out to send less, until it sends more again.
    [[nodiscard]] std::size_t mtu() const noexcept { return mtu_; }
    /// That frames to this program go to; zero without a link layer.
    [[nodiscard]] wire::mac_address mac() const noexcept { return mac_; }

    // Besides the contract of live_io.hpp.

    /// As the kernel has it: with the number in place of "%d".
    [[nodiscard]] const std::string& device() const noexcept { return device_; }
    /// Why `state()` is failed, naming the device; empty when it is not.
    [[nodiscard]] std::string error() const {
        switch (fault_.what) {
            case device_fault::trouble::none: return {};
            case device_fault::trouble::down: return device_ + ": the device is down";
            case device_fault::trouble::gone: return device_error(device_, fault_.cannot, fault_.error);
        }
        return {};
    }
    [[nodiscard]] const frame_pool& pool() const noexcept { return pool_; }

protected:
    linux_port(const std::string& device, zone_id zone, bool promiscuous)
        : device_{device}, name_{kernel_name(device)}, zone_{zone}, promiscuous_{promiscuous} {}

    [[nodiscard]] bool check_name(configuration_report& report) const {
        if (name_[0] == '\0') {
            report.error(device_, "\"" + device_ + "\" cannot be the name of a network device");
        }
        return name_[0] != '\0';
    }
    void check_up(const device_facts& facts, configuration_report& report) {
        if (!facts.up()) {
            fault_ = device_fault::down();
            report.warn(device_, error());
        }
    }
    /// A port that was opened, unless there were errors.
    template <class Port>
    [[nodiscard]] static built<Port> opened(Port port, configuration_report report) {
        built<Port> result{std::nullopt, std::move(report.errors), std::move(report.warnings)};
        if (result.errors.empty()) {
            result.value.emplace(std::move(port));
        }
        return result;
    }

    std::string device_;
    std::array<char, IFNAMSIZ> name_;  ///< empty when it cannot be one
    zone_id zone_;
    bool promiscuous_;
    std::size_t mtu_ = 0;
    wire::mac_address mac_{};
    device_fault fault_{};
    frame_pool pool_{0};
    frame fresh_;  ///< the next to be received; a tun_port keeps it from an empty read to the next
    io_counters counters_;
};

}  // namespace ikealg::inline v0::io::detail

#endif  // defined(__linux__)

#endif
