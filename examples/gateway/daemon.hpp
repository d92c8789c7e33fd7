// SPDX-License-Identifier: Apache-2.0
/// The running gateway: devices, router and event loop.
///
/// One thread does everything: it sleeps in poll() until a device has packets, a timer is due or a signal came. Nothing but a signal ends
/// it: a device that goes down is reported and waited for.
#ifndef GATEWAY_DAEMON_HPP
#define GATEWAY_DAEMON_HPP

#include <poll.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device_port.hpp"
#include "event_log.hpp"
#include "ikealg/host/router.hpp"
#include "ikealg/junos/configuration.hpp"
#include "options.hpp"
#include "signals.hpp"

namespace gateway_example {

class gateway_daemon {
public:
    using router = ikealg::host::router<ikealg::ipv4, device_port, event_log::observer>;

    explicit gateway_daemon(options o) : options_(std::move(o)) {}

    /// Opens the devices and makes the router. False when that failed; it is said on standard error.
    [[nodiscard]] bool start(ikealg::junos::configuration c);
    /// Until SIGTERM or SIGINT. The exit status.
    [[nodiscard]] int run();

private:
    /// In the router's order. A device stays open when a new configuration no longer names it; it may name it again.
    struct open_device {
        std::string name{};
        ikealg::junos::backend kind{};
        std::size_t receive_buffer = 0;
        std::unique_ptr<device_port> port{};
        ikealg::io::io_state reported = ikealg::io::io_state::ready;
    };

    /// The devices of `c` that are not open yet, which come behind those that are: its interfaces name devices by their places then. Nothing when
    /// one cannot be had; that is in the log.
    [[nodiscard]] std::optional<std::vector<open_device>> open_further(ikealg::junos::configuration& c) const;
    /// The log that `c` asks for; empty, with the reasons in `errors`, when there is a file that cannot be written. `made`: the files that were not
    /// there before.
    [[nodiscard]] std::shared_ptr<spdlog::logger> logger_for(const ikealg::junos::configuration& c, std::vector<std::string>& errors,
                                                             std::vector<std::string>& made) const;
    void use(std::shared_ptr<spdlog::logger> logger);
    void wait();
    void work();
    void reload();
    void report() const;
    void watch_devices();
    [[nodiscard]] bool handle_signals();
    void restore_state(const ikealg::settings<ikealg::ipv4>& s);
    /// False when it could not be written.
    [[nodiscard]] bool save_state() const;

    [[nodiscard]] static ikealg::instant now() {
        return ikealg::instant{std::chrono::duration_cast<ikealg::duration>(std::chrono::steady_clock::now().time_since_epoch())};
    }

    options options_;
    signals signals_{};
    event_log events_{};
    std::shared_ptr<spdlog::logger> logger_{};
    std::vector<open_device> devices_{};
    std::optional<router> router_{};
    std::string fingerprint_{};
    ikealg::gateway_options started_{};  ///< the limits that are in force
    std::vector<pollfd> polled_{};
    ikealg::instant looked_{};  ///< when the devices were asked last
    bool busy_ = false;  ///< more is to be done at once
};

}  // namespace gateway_example

#endif
