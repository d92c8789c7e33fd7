// SPDX-License-Identifier: Apache-2.0
/// Idle timeouts of translated flows, with their names, defaults and ranges in one table (N14).
///
/// The lower bounds are those that RFC 5382 REQ-5 (TCP), RFC 4787 REQ-5 (UDP) and RFC 5508 REQ-2 (ICMP) demand; the
/// upper bound of a day keeps times comparable (base/time.hpp).
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_NAT_TIMEOUTS_HPP
#define IKEALG_NAT_TIMEOUTS_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/nat/tcp_state.hpp"

namespace ikealg::inline v0::nat {

struct nat_timeouts {
    std::chrono::seconds tcp_established{7440};  ///< 2 h 4 min
    std::chrono::seconds tcp_transitory{240};    ///< opening, closed or reset
    std::chrono::seconds udp{300};
    std::chrono::seconds natt{300};  ///< UDP with port 4500 at the server, never less than `udp`
    std::chrono::seconds icmp_echo{60};
    std::chrono::seconds other{60};
};

/// One row for each timeout: its statement, where it is kept, and what is allowed.
struct timeout_row {
    std::string_view name;
    std::chrono::seconds nat_timeouts::*value;
    std::chrono::seconds least;
    std::chrono::seconds most;

    [[nodiscard]] constexpr bool allows(std::chrono::seconds s) const noexcept { return least <= s && s <= most; }
};

inline constexpr std::array<timeout_row, 6> timeout_rows{{
    {"tcp-established-timeout", &nat_timeouts::tcp_established, std::chrono::seconds{7440},
     std::chrono::seconds{86400}},
    {"tcp-transitory-timeout", &nat_timeouts::tcp_transitory, std::chrono::seconds{240}, std::chrono::seconds{86400}},
    {"udp-timeout", &nat_timeouts::udp, std::chrono::seconds{120}, std::chrono::seconds{86400}},
    {"natt-timeout", &nat_timeouts::natt, std::chrono::seconds{300}, std::chrono::seconds{86400}},
    {"icmp-echo-timeout", &nat_timeouts::icmp_echo, std::chrono::seconds{60}, std::chrono::seconds{86400}},
    {"other-timeout", &nat_timeouts::other, std::chrono::seconds{10}, std::chrono::seconds{86400}},
}};

/// Calls `report(const timeout_row&, std::chrono::seconds)` for each value outside its range; true when there is none
/// (P3).
template <class Report>
constexpr bool check(const nat_timeouts& timeouts, Report&& report) {
    bool good = true;
    for (const timeout_row& row : timeout_rows) {
        if (!row.allows(timeouts.*row.value)) {
            report(row, timeouts.*row.value);
            good = false;
        }
    }
    return good;
}

/// Idle timeout of a flow in milliseconds. `server_port` matters for UDP, `state` for TCP.
[[nodiscard]] constexpr std::uint32_t idle_ms(const nat_timeouts& timeouts, ip_protocol protocol, port server_port,
                                              tcp_state state) noexcept {
    switch (protocol) {
        case ip_protocol::tcp:
            return to_ms(phase_of(state) == tcp_phase::established ? timeouts.tcp_established
                                                                   : timeouts.tcp_transitory);
        case ip_protocol::udp:
            return to_ms(server_port == natt_port ? std::max(timeouts.natt, timeouts.udp) : timeouts.udp);
        case ip_protocol::icmp:
        case ip_protocol::icmpv6: return to_ms(timeouts.icmp_echo);
        default: return to_ms(timeouts.other);
    }
}

}  // namespace ikealg::inline v0::nat

#endif
