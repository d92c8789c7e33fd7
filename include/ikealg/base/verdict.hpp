// SPDX-License-Identifier: Apache-2.0
/// What happens to a packet: the verdict, and why a packet was dropped.
///
/// Drop reasons are one list: the enumerator, the counter and the text of a reason all come from it, so they cannot
/// disagree. Exactly one reason is given for each dropped packet.
#ifndef IKEALG_BASE_VERDICT_HPP
#define IKEALG_BASE_VERDICT_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0 {

/// X(enumerator, text for an operator)
#define IKEALG_DROP_REASONS(X)                                                                        \
    X(none, "not dropped")                                                                            \
    X(malformed, "the packet or its IKE header is malformed")                                         \
    X(policy, "denied by policy")                                                                     \
    X(no_route, "no zone holds the destination")                                                      \
    X(no_state, "addressed to a NAT address without state")                                           \
    X(nat_exhausted, "no NAT address or port is free")                                                \
    X(table_full, "a table is full")                                                                  \
    X(client_limit, "the client has reached a limit")                                                 \
    X(esp_no_gate, "ESP with an unknown SPI and no gate")                                             \
    X(esp_ambiguous, "ESP with an unknown SPI that could be several clients'")                        \
    X(esp_early, "ESP with an unknown SPI sooner than the holder's answer can come")                  \
    X(esp_busy, "ESP waited for the slot too long, or too many wait")                                 \
    X(spi_reserved, "ESP with SPI 0 to 255")                                                          \
    X(ike_ambiguous, "IKE from the server that could be several clients'")                            \
    X(ike_exclusive, "a second client of the server is refused by ike-port exclusive")                \
    X(phase2_busy, "a Phase 2 message waited for the slot too long, or too many wait")                \
    X(phase2_unsolicited, "Phase 2 on an IKE session not seen in both directions")                    \
    X(gate_failed, "the gates could not be opened")                                                   \
    X(superseded, "a repetition took the place of a held message")                                    \
    X(ah, "AH cannot pass NAT")                                                                       \
    X(fragment, "fragment without its first, or too many are held")                                   \
    X(ttl, "TTL or hop limit exceeded")                                                               \
    X(icmp_unmatched, "ICMP error that quotes no flow")                                               \
    X(hairpin, "from the inside to a NAT address")                                                    \
    X(unsupported, "a protocol that NAT does not translate")                                          \
    X(no_memory, "the packet could not be made contiguous or writable")                               \
    X(shutdown, "the gateway or a client's state ended while the packet was held")

enum class drop_reason : std::uint8_t {
#define IKEALG_X(name, text) name,
    IKEALG_DROP_REASONS(IKEALG_X)
#undef IKEALG_X
};

inline constexpr std::size_t drop_reason_count = 0
#define IKEALG_X(name, text) +1
    IKEALG_DROP_REASONS(IKEALG_X)
#undef IKEALG_X
    ;

/// The enumerator's name, as used in counters and reports.
[[nodiscard]] constexpr std::string_view to_string(drop_reason reason) noexcept {
    constexpr std::array<std::string_view, drop_reason_count> names{
#define IKEALG_X(name, text) #name,
        IKEALG_DROP_REASONS(IKEALG_X)
#undef IKEALG_X
    };
    const auto i = static_cast<std::size_t>(reason);
    return i < names.size() ? names[i] : "unknown";
}

/// A sentence for an operator.
[[nodiscard]] constexpr std::string_view describe(drop_reason reason) noexcept {
    constexpr std::array<std::string_view, drop_reason_count> texts{
#define IKEALG_X(name, text) text,
        IKEALG_DROP_REASONS(IKEALG_X)
#undef IKEALG_X
    };
    const auto i = static_cast<std::size_t>(reason);
    return i < texts.size() ? texts[i] : "unknown";
}

enum class action : std::uint8_t {
    forward,   ///< send it out of zone `to`; its bytes are rewritten
    drop,      ///< the packet ends here, for `reason`
    reject,    ///< like drop, and policy asks the host to answer with an ICMP error or a TCP reset
    local,     ///< addressed to the gateway itself: the host's own stack
    not_mine,  ///< not IP of this gateway's family (ARP, other): untouched, the host decides
};

[[nodiscard]] constexpr std::string_view to_string(action a) noexcept {
    switch (a) {
        case action::forward: return "forward";
        case action::drop: return "drop";
        case action::reject: return "reject";
        case action::local: return "local";
        case action::not_mine: return "not_mine";
    }
    return "unknown";
}

/// The answer for one packet. A packet that is held has no verdict yet: it comes back with one later.
struct verdict {
    action act = action::drop;
    drop_reason reason = drop_reason::none;  ///< set when dropped or rejected
    zone_id to{};                            ///< egress zone, set when forwarded

    [[nodiscard]] static constexpr verdict forward(zone_id to) noexcept { return {action::forward, drop_reason::none, to}; }
    [[nodiscard]] static constexpr verdict drop(drop_reason why) noexcept { return {action::drop, why, {}}; }
    friend constexpr bool operator==(const verdict&, const verdict&) = default;
};

}  // namespace ikealg::inline v0

#endif
