// SPDX-License-Identifier: Apache-2.0
/// What a message means for the Phase 2 exchange it belongs to (the words of semantics.md section 1; X1, X4, X5, X9).
///
/// `enabling` is the message from which on the server may send on the new SA. Which one that is depends on the protocol and on who
/// started, and is read off the table below:
///
///   exchange            started by   message                       role
///   IKEv1 Quick Mode    client       client, before message 2      opening       (a rekey: request)
///                                    server (message 2)            answer_before (a rekey: answer)
///                                    client, after message 2       enabling      (message 3)
///                       server       server (1 or 3)               opening
///                                    client (message 2)            enabling
///   IKEv2 IKE_AUTH      either       request                       round         (each round gives the slot back)
///                                    response                      enabling      (X5: which one is the last is not visible)
///   IKEv2 36, 44        client       request                       request       (its answer and the first ESP may come together)
///                                    response                      answer
///                       server       request                       opening
///                                    response                      enabling
///   any IKEv2           either       response below 120 bytes      refusal       (X9; unfragmented ones only)
///
/// A rekey is a Quick Mode of a client that has ESP with this server already. Hosts were seen that, as responder, send on the new SA right
/// behind message 2 then, before message 3 (libreswan); for a first SA they wait for message 3.
///
/// Thread safety: pure functions. Complexity: constant.
#ifndef IKEALG_ALG_PHASE2_HPP
#define IKEALG_ALG_PHASE2_HPP

#include <cstdint>
#include <string_view>

#include "ikealg/nat/flow.hpp"
#include "ikealg/wire/ike.hpp"

namespace ikealg::inline v0::alg {

enum class message_role : std::uint8_t {
    opening,        ///< creates nothing yet
    answer_before,  ///< Quick Mode message 2 of a client's exchange
    enabling,       ///< the server may send from now on
    request,        ///< enabling, with an answer to come
    answer,         ///< the answer to such a request
    round,          ///< one more round of IKE_AUTH
    refusal,        ///< an answer too small to create an SA
};

[[nodiscard]] constexpr std::string_view to_string(message_role r) noexcept {
    switch (r) {
        case message_role::opening: return "opening";
        case message_role::answer_before: return "answer_before";
        case message_role::enabling: return "enabling";
        case message_role::request: return "request";
        case message_role::answer: return "answer";
        case message_role::round: return "round";
        case message_role::refusal: return "refusal";
    }
    return "unknown";
}

/// The least size of an IKEv2 response that can hold an SA and traffic selectors (X9).
inline constexpr std::uint32_t least_sa_answer = 120;

/// What identifies a Phase 2 message, all of it in clear.
struct phase2_message {
    wire::exchange_type type{};
    std::uint8_t version = 0;  ///< major
    bool response = false;     ///< IKEv2
    bool fragmented = false;   ///< by IKE or by IP
    std::uint32_t message_id = 0;
    std::uint32_t length = 0;
    nat::direction way = nat::direction::outbound;
    bool first_part = true;    ///< whole, or the first IKE fragment
};

[[nodiscard]] inline phase2_message describe_phase2(const wire::ike_view& m, nat::direction way, bool ip_fragment) noexcept {
    const auto part = m.fragment();
    return {m.exchange(),
            static_cast<std::uint8_t>(m.major_version()),
            m.is_response(),
            ip_fragment || part.has_value(),
            m.message_id(),
            m.length(),
            way,
            !part || part->number <= 1};
}

/// IKEv2: who asked. A response travels against its request, so flag and side together tell (X1).
[[nodiscard]] constexpr nat::direction requester_of(const phase2_message& m) noexcept {
    const bool outbound = m.way == nat::direction::outbound;
    return outbound != m.response ? nat::direction::outbound : nat::direction::inbound;
}

/// The role of a message in its exchange: `requester` is who started it, `answered` whether Quick Mode message 2 was seen (X4), `rekey` whether the
/// client has ESP with the server, `requested` whether the exchange took a turn with a request.
[[nodiscard]] constexpr message_role role_of(const phase2_message& m, nat::direction requester, bool answered, bool rekey = false,
                                             bool requested = false) noexcept {
    const bool from_client = m.way == nat::direction::outbound;
    if (m.type == wire::exchange_type::quick_mode) {
        if (requester == nat::direction::inbound) {
            return from_client ? message_role::enabling : message_role::opening;
        }
        if (!from_client) {
            return requested ? message_role::answer : message_role::answer_before;
        }
        return answered ? message_role::enabling : rekey ? message_role::request : message_role::opening;
    }
    if (m.response && !m.fragmented && m.length < least_sa_answer) {
        return message_role::refusal;
    }
    if (m.type == wire::exchange_type::ike_auth) {
        return m.response ? message_role::enabling : message_role::round;
    }
    if (requester == nat::direction::outbound) {
        return m.response ? message_role::answer : message_role::request;
    }
    return m.response ? message_role::enabling : message_role::opening;
}

}  // namespace ikealg::inline v0::alg

#endif
