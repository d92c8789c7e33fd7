// SPDX-License-Identifier: Apache-2.0
/// What the ALG remembers: pair, IKE session, Phase 2 exchange, slot, held packet.
///
///   slot (vrf, server, nat address) --- members ---> pair (vrf, client, server) --- sessions ---> ike_session
///        |                                             |--- exchanges ---> exchange --- SPIs ---> nat::flow
///        |--- queue of waiting pairs                   |--- held packets
///        |--- parked exchanges
///
/// All lists are intrusive: indexes into slabs, npos at the end. A pair whose nat address is its own alone has no slot (G9).
///
/// Thread safety: plain data of one owner.
#ifndef IKEALG_ALG_RECORDS_HPP
#define IKEALG_ALG_RECORDS_HPP

#include <array>
#include <cstdint>

#include "ikealg/alg/gate.hpp"
#include "ikealg/alg/round_trip.hpp"
#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/base/verdict.hpp"
#include "ikealg/nat/flow.hpp"

namespace ikealg::inline v0::alg {

/// A client and a server: the unit that a tunnel lies between.
template <class Family>
struct pair {
    using address_family = Family;
    using address = typename Family::address;
    vrf_id vrf{};
    zone_id inside{};
    zone_id outside{};
    address client{};
    address server{};
    address nat{};
    std::uint32_t mapping = npos;  ///< the client's nat address mapping, for its owner
    std::uint32_t slot = npos;
    std::uint32_t first_session = npos;
    std::uint32_t first_exchange = npos;
    std::uint32_t first_flow = npos;  ///< ESP flows, newest first
    std::uint32_t next_member = npos;
    std::uint32_t previous_member = npos;
    std::uint32_t next_in_ike_queue = npos;
    std::uint32_t previous_in_ike_queue = npos;
    std::uint32_t next_in_esp_queue = npos;
    std::uint32_t previous_in_esp_queue = npos;
    std::uint32_t first_message = npos;  ///< held enabling messages, in order
    std::uint32_t last_message = npos;
    std::uint32_t answer_flow = npos;    ///< without keys: by it the client talks on a port that another one has (N4)
    std::uint32_t first_held_esp = npos;
    std::uint32_t last_held_esp = npos;
    std::uint16_t sessions = 0;
    std::uint16_t exchanges = 0;
    std::uint16_t flows = 0;
    std::uint32_t ike_ports = 0;       ///< flows that lead here besides those of bound ESP: of IKE, and of ESP that passes (E1)
    std::uint8_t held_messages = 0;
    std::uint8_t held_esp = 0;
    std::uint8_t open_claims = 0;      ///< its share of `slot::open_claims`
    std::array<std::uint8_t, 2> paused{};  ///< ESP that waits for an SA to be installed, by direction (G15)
    bool in_ike_queue = false;
    bool in_esp_queue = false;
    bool midstream = false;            ///< policy permits ESP without IKE (E3)
    bool plain_esp = false;            ///< it sent ESP, or had Phase 2 where NAT-T never has it (R6): it may have ESP of its own (E1)
    bool spi_conflict = false;         ///< wants another nat address when its mapping idles out (E8)
    std::uint8_t generation = 0;       ///< configuration under which policy permitted it (P4)
    tick last_seen{};

    void ike_port_ended(std::uint32_t flow) noexcept {
        --ike_ports;
        answer_flow = answer_flow == flow ? npos : answer_flow;
    }
};

/// One IKE SA seen from outside.
struct ike_session {
    std::uint32_t pair = npos;
    std::uint32_t next = npos;          ///< next of the pair
    ike_spi initiator{};
    ike_spi responder{};                ///< 0 until the responder has answered
    std::uint32_t ike_flow = npos;      ///< the UDP ports it runs on
    std::uint32_t next_half_open = npos;
    std::uint32_t previous_half_open = npos;
    std::uint32_t newest_child = npos;  ///< newest exchange 36 of the client, which a 44 continues (X1)
    std::uint32_t newest_child_of_server = npos;
    std::uint32_t last_message_id = 0;  ///< of the newest message from the client, for the round trip
    instant last_sent{};
    tick last_seen{};
    tick last_child{};                  ///< newest exchange 36, for X6; valid with `has_child`
    tick began{};                       ///< first message
    tick renewed{};                     ///< newest message of its Phase 1 or IKE_AUTH: the lifetime runs from there (N4)
    std::uint8_t version = 0;           ///< major version
    std::uint8_t last_exchange_type = 0;
    bool sample_valid = false;
    bool seen_outbound = false;
    bool seen_inbound = false;
    bool has_child = false;
    bool by_server = false;             ///< the server is the initiator
    bool server_phase1 = false;         ///< and its first message, with responder SPI 0, was seen (N4)
    bool failed = false;                ///< N4: the server did not get what it wanted from this client
    std::uint8_t repeated = 0;          ///< how often the server sent the message of Phase 1 that shows it
    bool shared_half_open = false;      ///< its key with responder SPI 0 is in the table of shared ports
    bool shared_complete = false;       ///< its key with both SPIs is in the table of shared ports
    std::uint8_t natt = 0;              ///< who announced NAT-T: bit 0 the client, bit 1 the server
    bool phase2_seen = false;

    [[nodiscard]] constexpr bool proven() const noexcept { return seen_outbound && seen_inbound; }
    /// No Phase 2 was seen on it, so no exchange leads here.
    [[nodiscard]] constexpr bool first_exchange_free() const noexcept { return !phase2_seen; }
};

enum class exchange_state : std::uint8_t {
    seen,       ///< not enabled: the server may not send on its SA yet
    enabled,    ///< enabled in the tenure that runs, or without a slot
    parked,     ///< enabled and unsatisfied, without the slot
    satisfied,  ///< an inbound SPI is bound
};

/// A list of held packets.
struct held_list {
    std::uint32_t first = npos;
    std::uint32_t last = npos;
};

enum class pause_state : std::uint8_t {
    over,         ///< or there is none
    expected,     ///< the message that it begins with is to come
    unconfirmed,  ///< it has passed, and whether it arrived shows by the next one: Quick Mode message 2
    skipped,      ///< what waited for that message went on before: the pause begins with it all the same
    running,      ///< until `sa_pause::end`
    ending,       ///< the same, whatever messages pass: the host has shown that it has the SA
};

/// What ESP of an exchange waits for in one direction, and what waits (G15).
struct sa_pause {
    instant end{};
    held_list waiting{};
    pause_state state = pause_state::over;

    [[nodiscard]] constexpr bool awaits_message() const noexcept {
        return state == pause_state::expected || state == pause_state::unconfirmed;
    }
    [[nodiscard]] constexpr bool is_over() const noexcept { return state == pause_state::over || state == pause_state::skipped; }
    /// The message that it would begin with has not passed.
    [[nodiscard]] constexpr bool not_begun() const noexcept { return state == pause_state::expected || state == pause_state::skipped; }
    constexpr void finish() noexcept { state = not_begun() ? pause_state::skipped : pause_state::over; }
};

/// One Phase 2 exchange (X1).
struct exchange {
    std::uint32_t pair = npos;
    std::uint32_t session = npos;  ///< npos: made up for ESP without a Phase 2 seen (E3)
    std::uint32_t next = npos;     ///< next of the pair, newest first
    std::uint32_t next_parked = npos;
    std::uint32_t previous_parked = npos;
    std::uint32_t message_id = 0;
    std::uint32_t newest_id = 0;   ///< message id seen last: differs in rounds of IKE_AUTH and followups
    std::uint32_t outbound_flow = npos;
    std::uint32_t inbound_flow = npos;
    instant first_unanswered{};    ///< first ESP out since nothing came back; valid with `unanswered`
    tick started{};
    tick next_ask{};               ///< one-way: when it asks for the slot again (G12)
    std::uint8_t type = 0;         ///< IKE exchange type
    nat::direction requester = nat::direction::outbound;
    exchange_state state = exchange_state::seen;
    std::uint8_t inbound_spis = 0;
    std::uint8_t tenures = 0;
    std::uint8_t asks = 0;
    bool in_parked_list = false;
    bool unanswered = false;       ///< ESP left on it and nothing came back
    bool answered = false;         ///< IKEv1: message 2 seen; IKEv2: a response seen
    bool one_way = false;
    bool guessed = false;          ///< satisfied while it was silent and others had claims: its SPI may be another's (E11)
    bool claims_open = false;      ///< counted in `slot::open_claims`: the server may send on it although it is not enabled
    bool requested = false;        ///< IKEv2 36, 44: the client's request went through the slot
    std::uint8_t seen_messages = 0;  ///< of `newest_id`: a bit for each place in the exchange
    std::uint32_t first_length = UINT32_MAX;  ///< bytes of its first message, if that was seen and whole
    std::array<sa_pause, 2> pauses{};  ///< by direction of the ESP that waits

    static constexpr std::uint8_t first_message = 1;
    static constexpr std::uint8_t second_message = 2;
    static constexpr std::uint8_t third_message = 4;  ///< of Quick Mode

    [[nodiscard]] constexpr bool has_seen(std::uint8_t message) const noexcept { return (seen_messages & message) != 0; }
    /// An inbound SPI may come for it in a tenure of its client.
    [[nodiscard]] constexpr bool is_open() const noexcept {
        return state == exchange_state::enabled || (state == exchange_state::parked && unanswered);
    }
    [[nodiscard]] constexpr sa_pause& pause_of(nat::direction way) noexcept { return pauses[static_cast<std::size_t>(way)]; }
    [[nodiscard]] constexpr const sa_pause& pause_of(nat::direction way) const noexcept { return pauses[static_cast<std::size_t>(way)]; }
};

/// A NAT-T flow while Phase 2 exchanges are under way on it (G16).
struct natt_watch {
    /// An IKEv1 exchange, whose messages show neither their number nor who asks.
    struct quick_mode {
        std::uint32_t message_id = 0;
        nat::direction requester = nat::direction::outbound;
        bool answered = false;  ///< message 2 was seen
    };
    /// ESP of one direction.
    struct pause {
        instant running{};  ///< until then it waits for the host to install an SA; 0: not set
        instant asked{};    ///< until then for the message by which the host can; 0: not set
        std::uint32_t asked_id = 0;  ///< message id of the exchange that was asked for last
        held_list waiting{};
        std::uint32_t paused = 0;    ///< how many wait
        std::array<std::uint32_t, 4> passed{};  ///< SPIs that went on lately, newest first

        [[nodiscard]] constexpr bool over() const noexcept { return running == instant{} && asked == instant{}; }
    };
    std::uint32_t flow = npos;
    vrf_id vrf{};
    std::array<pause, 2> pauses{};
    std::array<quick_mode, 4> quick_modes{};  ///< newest first
};

enum class held_kind : std::uint8_t { request, enabling, esp, ike_collision, esp_paused };

/// A packet that waits, handle and all.
template <class Packet>
struct held_packet {
    Packet packet{};
    std::uint32_t next = npos;
    std::uint32_t pair = npos;
    std::uint32_t exchange = npos;
    std::uint32_t size = 0;     ///< bytes, for the limit
    std::uint32_t part = 0;     ///< which fragment of its message: a repetition takes the place of the same part
    instant since{};
    held_kind kind = held_kind::esp;
    nat::direction way = nat::direction::outbound;
    drop_reason reason = drop_reason::none;  ///< set when it comes back as dropped
    ikealg::spi spi{};
    std::uint32_t flow = npos;  ///< by which it goes on; for the gateway
    std::uint16_t identification = 0;
    bool has_identification = false;
};

/// The lock of one (vrf, server, nat address), its queue and its parked exchanges.
template <class Family>
struct slot {
    using address = typename Family::address;
    vrf_id vrf{};
    address server{};
    address nat{};
    slot_state state = slot_state::free;
    junos_state junos = junos_state::free;
    bool esp_turn_last = false;           ///< whose turn it was last, for the alternation of G4
    bool timed = false;                   ///< `left` is set: the tenure began with a packet to the server (E4)
    bool first_esp_valid = false;
    bool early_valid = false;
    bool passing_on = false;              ///< the queue is being served; a second call finds it so and returns
    std::uint32_t holder = npos;          ///< a pair
    std::uint32_t holder_exchange = npos; ///< junos: the exchange that opened the gates
    instant began{};                      ///< of the tenure
    instant left{};                       ///< when the first packet of the tenure left toward the server
    instant completed{};                  ///< newest enabling message: gate times count from here (G2, G10)
    instant first_esp{};                  ///< first ESP of the tenure
    instant tenure_end{};
    instant hold_end{};                   ///< when the oldest held packet is too old
    spi early{};                          ///< an SPI that came too early (E4), and when
    instant early_at{};
    std::uint32_t first_in_ike_queue = npos;
    std::uint32_t last_in_ike_queue = npos;
    std::uint32_t first_in_esp_queue = npos;
    std::uint32_t last_in_esp_queue = npos;
    std::uint32_t waiting = 0;            ///< clients that wait with a packet
    std::uint32_t open_claims = 0;        ///< exchanges that are not enabled, but whose server may send already
    std::uint32_t surplus_flow = npos;    ///< newest surplus SPI of an IKEv2 exchange (E11)
    std::uint32_t guess = npos;           ///< the exchange whose SPI was bound last on a guess, and until when another SPI refutes it (E13)
    instant guess_end{};
    std::uint32_t first_parked_unanswered = npos;
    std::uint32_t first_parked_quiet = npos;
    std::uint32_t parked = 0;
    std::uint32_t first_member = npos;    ///< pairs with IKE state here
    std::uint32_t members = 0;
    std::uint32_t port_owner = npos;      ///< the pair that had the shared port 500 for its own (X6, N4)
    bool server_knows_ports = false;      ///< it has begun a Phase 1 toward a translated port (N4)
    std::uint32_t references = 0;         ///< pairs
    std::uint32_t plain = 0;              ///< pairs with `plain_esp`, and the exclusive or of their indexes: the pair itself when there is one
    std::uint32_t plain_mix = 0;
    std::uint32_t passing = npos;         ///< the pair that ESP passes for while the ALG is off (E1)
    std::uint32_t contested_pair = npos;  ///< a pair whose binding may be another's, and until when it counts as a claim
    bool contested_many = false;
    instant contested_until{};
    round_trip rtt{};
    tick flood_began{};
    std::uint32_t flood_count = 0;
    struct once {
        ikealg::spi spi{};
        std::uint32_t sequence = 0;
        bool used = false;
    };
    std::array<once, 8> seen_once{};      ///< L7: SPIs that came once while the flood lasts
    std::uint8_t next_once = 0;
};

}  // namespace ikealg::inline v0::alg

#endif
