// SPDX-License-Identifier: Apache-2.0
/// What an exploration explores: who talks to whom, which exchanges they have, what may go wrong.
#ifndef IKEALG_TESTS_MODEL_PLAN_HPP
#define IKEALG_TESTS_MODEL_PLAN_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ikealg/alg/settings.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::tests::model {

/// How the SA of one exchange comes to be.
enum class script : std::uint8_t {
    quick_client,   ///< IKEv1 Quick Mode of the client
    quick_server,   ///< IKEv1 Quick Mode of the server
    child_client,   ///< CREATE_CHILD_SA of the client
    child_server,   ///< CREATE_CHILD_SA of the server
    child_refused,  ///< CREATE_CHILD_SA of the client, answered by an error
    auth,           ///< IKE_AUTH in one round
    auth_eap,       ///< IKE_AUTH in two rounds
    midstream,      ///< the SA was there before the gateway
};

/// One message of a script.
struct script_message {
    bool from_client = false;
    bool response = false;
    std::uint16_t size = 0;
    std::uint8_t id = 0;  ///< added to the exchange's first message id
};
struct script_text {
    wire::exchange_type type{};
    std::span<const script_message> messages;
    int client_up =
        0;  ///< the message whose sending (if the client's) or arrival makes the client able to send ESP; -1 never
    int server_up = 0;  ///< the same of the server
};

[[nodiscard]] inline const script_text& text_of(script s) {
    static constexpr std::array<script_message, 3> quick_c{
        {{true, false, 200, 0}, {false, false, 200, 0}, {true, false, 60, 0}}};
    static constexpr std::array<script_message, 3> quick_s{
        {{false, false, 200, 0}, {true, false, 200, 0}, {false, false, 60, 0}}};
    static constexpr std::array<script_message, 2> child_c{{{true, false, 200, 0}, {false, true, 200, 0}}};
    static constexpr std::array<script_message, 2> child_s{{{false, false, 200, 0}, {true, true, 200, 0}}};
    static constexpr std::array<script_message, 2> refused{{{true, false, 200, 0}, {false, true, 76, 0}}};
    static constexpr std::array<script_message, 4> eap{
        {{true, false, 200, 0}, {false, true, 200, 0}, {true, false, 200, 1}, {false, true, 200, 1}}};
    using wire::exchange_type;
    static const std::array<script_text, 8> texts{{
        {exchange_type::quick_mode, quick_c, 2, 2},
        {exchange_type::quick_mode, quick_s, 2, 1},
        {exchange_type::create_child_sa, child_c, 1, 0},
        {exchange_type::create_child_sa, child_s, 1, 1},
        {exchange_type::create_child_sa, refused, -1, -1},
        {exchange_type::ike_auth, child_c, 1, 0},
        {exchange_type::ike_auth, eap, 3, 2},
        {exchange_type::ike_auth, {}, 0, 0},
    }};
    return texts[static_cast<std::size_t>(s)];
}

/// A client, the server it talks to, and what it does there. Tunnels with equal plans are symmetric.
struct tunnel_plan {
    std::uint8_t client = 0;
    std::uint8_t server = 0;
    std::uint8_t nat = 0;
    std::vector<script> exchanges;
    friend bool operator==(const tunnel_plan&, const tunnel_plan&) = default;
};

/// Pauses (G15) only delay what comes to the slot and what it has bound: without them there are fewer states and the same answers.
[[nodiscard]] inline alg::alg_settings without_pause() {
    auto s = alg::alg_settings::of(alg::profile::practical);
    s.new_sa_pause = {};
    return s;
}

/// What one exploration explores.
struct plan {
    std::string name;
    std::vector<tunnel_plan> tunnels;
    unsigned sends = 2;    ///< of each IKE message: 2 is one repetition
    bool loss = true;      ///< one copy of each IKE message may be lost
    unsigned esp_out = 2;  ///< ESP packets of a client, for each exchange
    unsigned esp_in = 2;   ///< ESP packets of a server, for each exchange
    /// Each message may be repeated and lost, and each ESP packet sent, any number of times. Such a plan has no last step: it is complete when no
    /// step leads to a world that was not there before.
    bool unlimited = false;
    /// False: servers send ESP as answers only. On an SA from before its time that nobody has sent on, the gateway cannot know whose
    /// the server's first packet is, nor that it may be another's.
    bool server_first = true;
    bool prompt = false;        ///< with answers only: they come in the tenure that asked for them, or never
    bool nobody_parks = false;  ///< only histories in which no tenure ended without an SPI
    bool proven = true;         ///< IKE sessions were seen in both directions before
    duration round_trip{};      ///< zero: answers may come at once
    alg::alg_settings settings = without_pause();
    bool reduced = true;  ///< what no longer matters is left out: no actions that change nothing, one digest for what has one future
    unsigned pauses = 0;  ///< so often the clock goes half way to the next timer
    bool ends = false;    ///< each client's IKE sessions may end at any moment, after which it and its server are silent
    bool alone = false;  ///< no slot is shared: nothing may be held, dropped or contested (G5, G9)
};

inline constexpr std::size_t most_tunnels = 6;
inline constexpr std::size_t most_exchanges = 2;

}  // namespace ikealg::tests::model

#endif
