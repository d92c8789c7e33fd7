// SPDX-License-Identifier: Apache-2.0
/// What the gateway tells, as lines of a log.
///
/// The gateway speaks in the middle of its work, so events are only copied then and written by `flush()`, after the burst. At most
/// `limit` wait; what comes beyond is counted, and the log says how many lines are missing.
#ifndef GATEWAY_EVENT_LOG_HPP
#define GATEWAY_EVENT_LOG_HPP

#include <spdlog/spdlog.h>

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ikealg/alg/event.hpp"

namespace gateway_example {

using event = ikealg::alg::event<ikealg::ipv4>;

/// Kinds of events that a level shows: `info` what happens to clients, tunnels and logged sessions; `debug` also drops, waiting packets and
/// gates; `trace` every event.
[[nodiscard]] spdlog::level::level_enum level_of(ikealg::alg::event_kind kind) noexcept;

/// One line: the event's name and each field that it speaks of.
[[nodiscard]] std::string line_of(const event& e);

class event_log {
public:
    static constexpr std::size_t limit = 65536;

    event_log() { waiting_.reserve(1024); }

    /// The events of `level` and more important ones are written from now on.
    void set_logger(std::shared_ptr<spdlog::logger> logger);
    void add(const event& e) {
        if (!wanted_[static_cast<std::size_t>(e.kind)] && !(e.logged && logged_drops_)) {
            return;
        }
        if (waiting_.size() < limit) {
            waiting_.push_back(e);
        } else {
            ++missing_;
        }
    }
    void flush();

    /// What the gateway calls; the log outlives the gateway.
    struct observer {
        event_log* log = nullptr;
        void operator()(const event& e) const { log->add(e); }
    };

private:
    std::shared_ptr<spdlog::logger> logger_{};
    std::bitset<ikealg::alg::event_kind_count> wanted_{};
    bool logged_drops_ = false;  ///< of sessions that a policy with session-init denies
    std::vector<event> waiting_{};
    std::uint64_t missing_ = 0;
};

}  // namespace gateway_example

#endif
