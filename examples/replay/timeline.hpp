// SPDX-License-Identifier: Apache-2.0
/// Prints what the gateway tells while packets are played: one line an event, by the capture's clock.
#ifndef REPLAY_TIMELINE_HPP
#define REPLAY_TIMELINE_HPP

#include <cstdint>
#include <ostream>
#include <string>
#include <unordered_set>
#include <vector>

#include "ikealg/alg/event.hpp"
#include "options.hpp"

namespace replay {

using event = ikealg::alg::event<ipv4>;

/// The gateway's observer: keeps the events until the call is over.
struct into_log {
    std::vector<event>* log = nullptr;
    void operator()(const event& e) const { log->push_back(e); }
};

class timeline {
public:
    explicit timeline(std::ostream& out) : out_(out) {}
    [[nodiscard]] into_log observer() noexcept { return {&log_}; }
    /// A packet came out at another client than its own; the first time for each client.
    void misdelivered(std::uint32_t client, ikealg::ipv4_address owner, ikealg::ipv4_address to, ikealg::instant now);
    /// Prints and forgets what was told.
    void flush();

private:
    void print(const event& e);
    void row(ikealg::instant at, const char* what, const std::string& who, const std::string& detail);

    std::ostream& out_;
    std::vector<event> log_;
    std::unordered_set<std::uint32_t> seen_misdelivered_;
    std::unordered_set<std::uint64_t> seen_drops_;  ///< a drop is printed once for each (from, to, SPI, reason)
};

}  // namespace replay

#endif
