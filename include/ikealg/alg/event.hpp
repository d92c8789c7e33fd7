// SPDX-License-Identifier: Apache-2.0
/// What the gateway tells an observer: one flat record an event.
///
/// Events exist for logs (RFC 6888 mapping logs, session-init and session-close), for the timeline of a replay and for the findings
/// of diagnose/. An observer is a callable `(const event<Family>&)`; it runs inside `process()` or `advance()`, must not call the
/// gateway, and should be cheap: it may copy the record. `no_observer` costs nothing.
///
/// Thread safety: values.
#ifndef IKEALG_ALG_EVENT_HPP
#define IKEALG_ALG_EVENT_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/base/verdict.hpp"

namespace ikealg::inline v0::alg {

/// X(enumerator, what it means and which fields say more)
#define IKEALG_EVENTS(X)                                                                                          \
    X(mapping_created, "a client was given its nat address")                                                      \
    X(mapping_ended, "the client's nat address is free again; `detail` is the mapping's age in seconds")          \
    X(ike_session_started, "an IKE SA was seen for the first time")                                               \
    X(ike_session_ended, "an IKE session was idle for state-timeout, or made room")                               \
    X(ike_message, "an IKE message passed: `exchange_type`, `message_id`, `ike_flags`, `fragment`; `detail` is its length")\
    X(ike_notify, "an IKE notify in clear; `detail` is its type")                                                 \
    X(natt_announced, "a peer announced NAT traversal in clear; `outbound` says which")                           \
    X(natt_started, "a client uses UDP 4500; `initiator`, `exchange_type` if it began with IKE")                  \
    X(natt_answered, "the first packet came back on a flow of UDP 4500")                                          \
    X(port_fallback, "the server does not answer a translated port; the pair goes back to 500")                   \
    X(phase1_chosen, "a Phase 1 that the server began went to this one of several clients; `detail` is how many")    \
    X(phase2_started, "a Phase 2 exchange was seen for the first time")                                           \
    X(phase2_failed, "the answer is too small to hold an SA")                                                     \
    X(gate_opened, "the client holds the slot, both gates are open")                                              \
    X(gate_waiting, "the client holds the slot and waits for the answer to its request")                          \
    X(learning_started, "the client holds the slot because it sent ESP")                                          \
    X(gate_closed, "the client holds the slot no more")                                                           \
    X(gate_timed_out, "the tenure ended without an SPI; the exchange is parked")                                  \
    X(gate_failed, "the gates could not be opened")                                                               \
    X(held, "a packet waits for its client's turn; `detail` 0 for IKE, 1 for ESP")                                \
    X(esp_paused, "ESP of a new SA waits until the host it goes to can have installed that; `outbound` says which")\
    X(released, "a held packet goes on; `detail` is its wait in milliseconds")                                    \
    X(spi_bound_outbound, "an outbound SPI was learned")                                                          \
    X(spi_bound_gate, "an inbound SPI was bound to the holder of the slot")                                       \
    X(spi_bound_late, "an inbound SPI was bound to the only candidate")                                           \
    X(spi_bound_midstream, "an inbound SPI was bound without an exchange seen")                                   \
    X(spi_contested, "the binding just made could be another client's")                                           \
    X(spi_moved, "a surplus SPI was moved to the sole claimant")                                                  \
    X(spi_taken_back, "a surplus SPI is nobody's again, for several clients wait")                                \
    X(spi_conflict, "two clients of one nat address seem to use one inbound SPI")                                 \
    X(esp_session_ended, "an ESP session was idle for esp-session-timeout")                                       \
    X(one_way, "no answer in six tenures: ESP is forwarded freely")                                               \
    X(icmp_error, "an ICMP error reached its owner; `detail` is next-hop MTU << 16 | type << 8 | code")           \
    X(flow_started, "session-init; `logged` when its policy says so")                                             \
    X(flow_ended, "session-close; `logged` when its policy says so")                                              \
    X(dropped, "a packet was dropped for `reason`; to a nat address, `client` is not known; `logged` as above")   \
    X(nat_exhausted, "a client found no nat address or port")                                                     \
    X(ah_seen, "AH cannot pass NAT; the client's tunnel must use ESP")                                            \
    X(configuration_replaced, "a new configuration is in force")

enum class event_kind : std::uint8_t {
#define IKEALG_X(name, text) name,
    IKEALG_EVENTS(IKEALG_X)
#undef IKEALG_X
};

inline constexpr std::size_t event_kind_count = 0
#define IKEALG_X(name, text) +1
    IKEALG_EVENTS(IKEALG_X)
#undef IKEALG_X
    ;

[[nodiscard]] constexpr std::string_view to_string(event_kind k) noexcept {
    constexpr std::array<std::string_view, event_kind_count> names{
#define IKEALG_X(name, text) #name,
        IKEALG_EVENTS(IKEALG_X)
#undef IKEALG_X
    };
    return names[static_cast<std::size_t>(k)];
}

[[nodiscard]] constexpr std::string_view describe(event_kind k) noexcept {
    constexpr std::array<std::string_view, event_kind_count> texts{
#define IKEALG_X(name, text) text,
        IKEALG_EVENTS(IKEALG_X)
#undef IKEALG_X
    };
    return texts[static_cast<std::size_t>(k)];
}

/// Fields that an event does not speak of are zero.
template <class Family>
struct event {
    using address = typename Family::address;
    event_kind kind{};
    instant at{};
    vrf_id vrf{};
    address client{};
    address server{};
    address nat{};
    port client_port{};
    port nat_port{};
    port server_port{};
    std::uint8_t protocol = 0;
    ike_spi initiator{};
    ike_spi responder{};
    std::uint8_t exchange_type = 0;
    std::uint8_t ike_flags = 0;   ///< of the IKE header (R7)
    std::uint16_t fragment = 0;   ///< number of the IKE fragment, 0 when the message is whole (R9)
    std::uint32_t message_id = 0;
    ikealg::spi spi{};
    drop_reason reason = drop_reason::none;
    bool outbound = false;   ///< the packet at hand came from the client
    bool logged = false;     ///< the policy in force wants this session-init, denied session or session-close in the log
    std::uint32_t detail = 0;
};

/// Listens to nothing.
struct no_observer {
    template <class Family>
    constexpr void operator()(const event<Family>&) const noexcept {}
};

}  // namespace ikealg::inline v0::alg

#endif
