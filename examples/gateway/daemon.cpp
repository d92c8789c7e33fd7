// SPDX-License-Identifier: Apache-2.0
#include "daemon.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <sstream>
#include <utility>

#include "configuration_file.hpp"
#include "privileges.hpp"
#include "report.hpp"
#include "state_file.hpp"

namespace gateway_example {
namespace {

constexpr std::size_t packets_a_round = 1024;
constexpr std::size_t timers_a_round = 1024;
constexpr std::chrono::milliseconds look_at_devices{1000};

/// The device as a port; `error` says why not.
[[nodiscard]] std::unique_ptr<device_port> open_port(const ikealg::junos::device& d, std::string& error) {
    namespace io = ikealg::io;
    const auto take = [&error](auto made) -> std::unique_ptr<device_port> {
        if (!made) {
            error = made.errors.empty() ? std::string("unknown error") : made.errors.front().message;
            return nullptr;
        }
        return std::make_unique<device_port>(std::move(*made.value));
    };
    if (d.kind == ikealg::junos::backend::af_packet) {
        io::af_packet_options o;
        o.device = d.name;
        o.receive_ring = d.receive_buffer != 0 ? d.receive_buffer : o.receive_ring;
        return take(io::af_packet_port::create(o));
    }
    io::tun_options o;
    o.device = d.name;
    o.kind = d.kind == ikealg::junos::backend::tap ? io::tun_kind::tap : io::tun_kind::tun;
    return take(io::tun_port::create(o));
}

/// Levels of the command line and of Junos' traceoptions and syslog.
[[nodiscard]] spdlog::level::level_enum level_named(std::string_view name) {
    namespace level = spdlog::level;
    if (name == "any" || name == "all" || name == "trace") {
        return level::trace;
    }
    if (name == "verbose" || name == "debug") {
        return level::debug;
    }
    if (name == "info" || name == "notice") {
        return level::info;
    }
    if (name == "warning") {
        return level::warn;
    }
    if (name == "error") {
        return level::err;
    }
    return name == "off" || name == "none" ? level::off : level::critical;  // critical, alert, emergency
}

/// Of those limits that are fixed at start.
[[nodiscard]] bool same_limits(const ikealg::gateway_options& a, const ikealg::gateway_options& b) {
    return a.capacity == b.capacity && a.mappings == b.mappings && a.ports == b.ports && a.fragments == b.fragments &&
           a.held_fragments == b.held_fragments;
}

template <class Devices>
[[nodiscard]] std::vector<device_port*> ports_of(const Devices& devices) {
    std::vector<device_port*> ports;
    for (const auto& d : devices) {
        ports.push_back(d.port.get());
    }
    return ports;
}

[[nodiscard]] std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

std::shared_ptr<spdlog::logger> gateway_daemon::logger_for(const ikealg::junos::configuration& c, std::vector<std::string>& errors,
                                                           std::vector<std::string>& made) const {
    std::vector<spdlog::sink_ptr> sinks;
    const auto add = [&](const std::string& file, spdlog::level::level_enum level) {
        if (file.empty()) {
            sinks.push_back(std::make_shared<spdlog::sinks::stderr_color_sink_st>());
        } else {
            const bool fresh = !std::ifstream(file);
            if (!std::ofstream(file, std::ios::app)) {  // the sink would make folders
                errors.push_back("the log file " + file + " cannot be written: " + std::strerror(errno));
                return;
            }
            if (fresh) {
                made.push_back(file);
            }
            sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_st>(file));
        }
        sinks.back()->set_level(level);
    };
    auto level = level_named(options_.log_level.empty() ? "info" : options_.log_level);
    if (c.trace.enabled && c.trace.file.empty() && options_.log_level.empty()) {
        level = std::min(level, level_named(c.trace.level));
    }
    add(options_.log_file, level);
    for (const auto& log : c.logs) {
        add(log.file, level_named(log.level));
    }
    if (c.trace.enabled && !c.trace.file.empty()) {
        add(c.trace.file, level_named(c.trace.level));
    }
    if (!errors.empty()) {
        return nullptr;
    }
    auto logger = std::make_shared<spdlog::logger>("ikealg", sinks.begin(), sinks.end());
    for (const auto& sink : sinks) {
        level = std::min(level, sink->level());
    }
    logger->set_level(level);
    logger->flush_on(spdlog::level::warn);
    return logger;
}

void gateway_daemon::use(std::shared_ptr<spdlog::logger> logger) {
    logger_ = std::move(logger);
    events_.set_logger(logger_);
}

std::optional<std::vector<gateway_daemon::open_device>> gateway_daemon::open_further(ikealg::junos::configuration& c) const {
    std::vector<open_device> further;
    std::vector<std::size_t> place;
    bool good = true;
    for (const auto& d : c.devices) {
        const auto old = std::find_if(devices_.begin(), devices_.end(), [&](const auto& o) { return o.name == d.name; });
        if (old != devices_.end()) {
            place.push_back(static_cast<std::size_t>(old - devices_.begin()));
            if (old->kind != d.kind) {
                logger_->error("device {} is open as {}; to use it as {} the gateway has to be started anew", d.name,
                               to_string(old->kind), to_string(d.kind));
                good = false;
            } else if (old->receive_buffer != d.receive_buffer) {
                logger_->warn("device {}: receive-buffer stays as it was until the gateway is started anew", d.name);
            }
            continue;
        }
        place.push_back(devices_.size() + further.size());
        std::string error;
        if (auto port = open_port(d, error)) {
            further.push_back({d.name, d.kind, d.receive_buffer, std::move(port)});
        } else {
            logger_->error("device {} ({}): {}", d.name, to_string(d.kind), error);
            good = false;
        }
    }
    for (auto& interface : c.host.interfaces) {
        interface.port = place[interface.port];
    }
    return good ? std::optional{std::move(further)} : std::nullopt;
}

bool gateway_daemon::start(ikealg::junos::configuration c) {
    std::vector<std::string> log_errors;
    std::vector<std::string> logs_made;
    auto logger = logger_for(c, log_errors, logs_made);
    for (const auto& error : log_errors) {
        std::cerr << "ikealg-gateway: " << error << '\n';
    }
    if (!logger) {
        return false;
    }
    use(std::move(logger));
    if (signals_.fd() < 0) {
        logger_->error("signals cannot be received: {}", std::strerror(errno));
        return false;
    }
    auto devices = open_further(c);
    if (!devices) {
        return false;
    }
    devices_ = std::move(*devices);
    ikealg::gateway_options options = c.options;
    options.seed = random_seed();
    options.start = now();
    started_ = c.options;
    auto made = router::create(c.gateway, c.host, options, ports_of(devices_), event_log::observer{&events_});
    for (const auto& e : made.errors) {
        logger_->error("{}: {}", e.path, e.message);
    }
    if (!made) {
        return false;
    }
    router_.emplace(std::move(*made.value));
    restore_state(c.gateway);
    const char* ready = std::getenv("GW_READY_FILE");
    const bool tell_ready = ready != nullptr && *ready != '\0';
    if (tell_ready && !std::ofstream(ready)) {  // while it may still be written
        logger_->error("GW_READY_FILE {} cannot be made: {}", ready, std::strerror(errno));
        return false;
    }
    if (const std::string error = drop_privileges(options_.user); !error.empty()) {
        logger_->error("{}", error);
        if (tell_ready) {
            (void)std::remove(ready);
        }
        return false;
    }
    if (const std::string error = options_.state_file.empty() ? "" : why_not_writable(options_.state_file); !error.empty()) {
        logger_->warn("{}: tunnels will not outlive the end of this run", error);
    }
    logger_->info("ready: {} devices, {} interfaces", c.devices.size(), c.host.interfaces.size());
    return true;
}

int gateway_daemon::run() {
    do {
        wait();
        work();
    } while (handle_signals());
    const bool saved = save_state();
    report();
    return saved ? 0 : 1;
}

void gateway_daemon::wait() {
    polled_.assign(1, {signals_.fd(), POLLIN, 0});
    for (const auto& d : devices_) {
        polled_.push_back({d.port->fd(), POLLIN, 0});
    }
    int timeout = static_cast<int>(look_at_devices.count());
    if (busy_) {
        timeout = 0;
    } else if (const auto next = router_->next_timer()) {
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*next - now()).count();
        timeout = static_cast<int>(std::clamp<std::int64_t>(ms, 0, timeout));
    }
    (void)poll(polled_.data(), polled_.size(), timeout);
}

void gateway_daemon::work() {
    const bool more_packets = router_->poll(now(), packets_a_round) >= packets_a_round;
    const bool more_timers = router_->advance(now(), timers_a_round);
    busy_ = more_packets || more_timers;
    events_.flush();
    if (!busy_) {
        logger_->flush();
    }
    watch_devices();
}

void gateway_daemon::watch_devices() {
    if (now() - looked_ >= look_at_devices) {
        looked_ = now();
        for (auto& d : devices_) {
            d.port->refresh();
        }
        if (router_->refresh_devices(now())) {
            logger_->warn("a device is back or has another link address: its stations are forgotten and the gateway's addresses announced");
        }
    }
    for (auto& d : devices_) {
        const auto state = d.port->state();
        if (state != d.reported) {
            d.reported = state;
            logger_->warn("device {} is {}", d.name, state == ikealg::io::io_state::ready ? "up again" : "down or gone");
        }
    }
}

bool gateway_daemon::handle_signals() {
    while (const auto signal = signals_.next()) {
        switch (*signal) {
            case SIGHUP: reload(); break;
            case SIGUSR1: report(); break;
            default: logger_->info("ending on signal {}", *signal); return false;
        }
    }
    return true;
}

void gateway_daemon::reload() {
    std::ostringstream remarks;
    auto c = load(options_.configurations, remarks);
    std::istringstream lines(remarks.str());
    for (std::string line; std::getline(lines, line);) {
        logger_->log(c ? spdlog::level::warn : spdlog::level::err, "{}", line);
    }
    if (!c) {
        logger_->error("the configuration has errors; nothing was changed");
        return;
    }
    std::vector<std::string> errors;
    std::vector<std::string> logs_made;
    auto logger = logger_for(*c, errors, logs_made);
    auto further = open_further(*c);
    if (logger && further) {
        for (const auto& e : router_->replace(c->gateway, c->host, now(), ports_of(*further))) {
            errors.push_back(e.path + ": " + e.message);
        }
    }
    for (const auto& error : errors) {
        logger_->error("{}", error);
    }
    if (!further || !errors.empty()) {
        for (const auto& file : logs_made) {
            (void)std::remove(file.c_str());
        }
        logger_->error("nothing was changed");
        return;
    }
    std::move(further->begin(), further->end(), std::back_inserter(devices_));
    use(std::move(logger));
    fingerprint_ = fingerprint_of(c->gateway);
    if (!same_limits(started_, c->options)) {
        logger_->warn("limits that are fixed at start stay as they were until the gateway is started anew");
    }
    logger_->info("the configuration was replaced");
}

void gateway_daemon::restore_state(const ikealg::settings<ikealg::ipv4>& s) {
    fingerprint_ = fingerprint_of(s);
    if (options_.state_file.empty() || !std::ifstream(options_.state_file)) {
        return;
    }
    const auto r = read_state(options_.state_file, router_->core(), fingerprint_, now());
    if (!r.error.empty()) {
        logger_->warn("{}", r.error);
    }
    logger_->info("state of the last run: {} records taken, {} did not fit", r.taken, r.refused);
}

bool gateway_daemon::save_state() const {
    const std::string error = options_.state_file.empty() ? "" : write_state(options_.state_file, router_->core(), fingerprint_);
    if (!error.empty()) {
        logger_->error("{}", error);
    }
    return error.empty();
}

void gateway_daemon::report() const {
    std::ostream& out = std::cout;
    print_sessions(out, router_->core());
    print_counters(out, router_->core().counters());
    out << "host\n";
    for (std::size_t i = 0; i < ikealg::host::host_counter_count; ++i) {
        const auto which = static_cast<ikealg::host::host_counter>(i);
        print_counter(out, to_string(which), router_->counters()[which], describe(which));
    }
    out << "devices\n";
    for (const auto& d : devices_) {
        const auto c = d.port->counters();
        out << "  " << d.name << ": received " << c.received << ", transmitted " << c.transmitted << ", receive errors "
            << c.receive_errors << ", transmit errors " << c.transmit_errors << '\n';
    }
    out.flush();
}

}  // namespace gateway_example
