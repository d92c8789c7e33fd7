// SPDX-License-Identifier: Apache-2.0
/// What a replay counts.
#ifndef REPLAY_TOTALS_HPP
#define REPLAY_TOTALS_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "ikealg/alg/counters.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/base/verdict.hpp"

namespace replay {

struct totals {
    std::uint32_t clients = 0;
    std::uint64_t seed = 0;
    std::uint64_t packets = 0;   ///< given to the gateway, repetitions included
    std::uint64_t repeated = 0;  ///< IKE sent again
    std::uint64_t forwarded = 0;
    std::uint64_t held = 0;  ///< that the gateway kept for a while
    std::array<std::uint64_t, ikealg::drop_reason_count> dropped{};

    // Of the recorded packets, each counted once:
    std::uint64_t from_clients = 0;
    std::uint64_t from_server = 0;
    std::uint64_t passed = 0;        ///< of the clients': left on the outside
    std::uint64_t delivered = 0;     ///< of the server's: came out at their client, byte for byte
    std::uint64_t misdelivered = 0;  ///< came out at another client; every time it happens
    std::uint64_t altered = 0;       ///< came out at their client, but not as recorded
    std::uint64_t unreachable = 0;   ///< of the server's: the client has no nat address or port to send to
    std::uint64_t unasked = 0;       ///< ESP not sent: nothing of what it answers had arrived
    std::uint64_t unfinished = 0;    ///< neither through nor lost at the end

    std::vector<ikealg::duration> delays{};  ///< of what got through: since it was first sent
    ikealg::duration gateway_time{};         ///< processor time in process() and advance()
    ikealg::duration played{};               ///< by the capture's clock
    ikealg::duration wall{};
    ikealg::alg::counters counters{};

    [[nodiscard]] std::uint64_t all_dropped() const noexcept {
        std::uint64_t n = 0;
        for (const auto d : dropped) {
            n += d;
        }
        return n;
    }
    [[nodiscard]] double ns_per_packet() const noexcept {
        return packets == 0 ? 0 : static_cast<double>(gateway_time.count()) / static_cast<double>(packets);
    }
    [[nodiscard]] double delivered_share() const noexcept {
        return from_server == 0 ? 1 : static_cast<double>(delivered) / static_cast<double>(from_server);
    }
};

/// The value that `share` of the sorted delays do not exceed, in seconds.
[[nodiscard]] inline double quantile(const std::vector<ikealg::duration>& sorted, double share) noexcept {
    if (sorted.empty()) {
        return 0;
    }
    const auto last = static_cast<double>(sorted.size() - 1);
    return std::chrono::duration<double>(sorted[static_cast<std::size_t>(share * last + 0.5)]).count();
}

}  // namespace replay

#endif
