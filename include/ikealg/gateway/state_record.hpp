// SPDX-License-Identifier: Apache-2.0
/// The records of an export (N18): plain structs of addresses, ports, SPIs and ages, without any index of a table.
///
/// A record of another `record_version` is refused on import. An age of 0 is the time of the export.
///
/// Thread safety: values.
#ifndef IKEALG_GATEWAY_STATE_RECORD_HPP
#define IKEALG_GATEWAY_STATE_RECORD_HPP

#include <cstdint>
#include <variant>

#include "ikealg/alg/records.hpp"
#include "ikealg/nat/address_pools.hpp"
#include "ikealg/nat/flow.hpp"

namespace ikealg::inline v0 {

inline constexpr std::uint16_t record_version = 3;

/// A client's nat address.
template <class Family>
struct mapping_record {
    vrf_id vrf{};
    nat::pool_id pool{};
    typename Family::address client{};
    typename Family::address nat{};
};
/// A client and a server between which IKE or ESP passes.
template <class Family>
struct pair_record {
    vrf_id vrf{};
    zone_id inside{};
    zone_id outside{};
    nat::pool_id pool{};
    typename Family::address client{};
    typename Family::address server{};
    bool midstream = false;
    bool plain_esp = false;      ///< it may have ESP without NAT-T (E1)
};
/// UDP, TCP and echo flows, and the UDP ports of IKE.
template <class Family>
struct flow_record {
    nat::flow_key<Family> outbound{};
    nat::flow_key<Family> inbound{};
    nat::flow_kind kind{};
    std::uint8_t flags = 0;
    std::uint8_t state = 0;
    nat::pool_id pool{};
    bool has_port = false;       ///< it holds a port of the nat address
    port client_port{};          ///< for which that port was given
    std::uint32_t idle_ms = 0;
    std::uint32_t age_ms = 0;    ///< since its last packet
};
template <class Family>
struct session_record {
    vrf_id vrf{};
    typename Family::address client{};
    typename Family::address server{};
    ike_spi initiator{};
    ike_spi responder{};
    std::uint32_t ports = 0;     ///< selector of the client's packets
    std::uint8_t version = 0;
    bool seen_outbound = false;
    bool seen_inbound = false;
    bool by_server = false;
    bool shared_half_open = false;
    bool shared_complete = false;
    bool on_answer_flow = false; ///< it runs on a port that its client only answers on (N4)
    bool server_phase1 = false;
    bool failed = false;
    std::uint8_t repeated = 0;
    std::uint32_t began_ms = 0;  ///< ago, as the next two
    std::uint32_t renewed_ms = 0;
    std::uint32_t age_ms = 0;
};
/// What tells an exchange from others of its pair (X1).
struct exchange_identity {
    ike_spi initiator{};         ///< of its IKE session; 0: made up for ESP whose Phase 2 was not seen
    std::uint32_t message_id = 0;
    std::uint8_t type = 0;       ///< IKE exchange type
    nat::direction requester{};
    friend constexpr bool operator==(const exchange_identity&, const exchange_identity&) = default;
};
/// What is known of the way to a server, and who is expected to get the next unknown SPI.
template <class Family>
struct slot_record {
    vrf_id vrf{};
    typename Family::address server{};
    typename Family::address nat{};
    alg::round_trip rtt{};
    bool server_knows_ports = false;
    bool has_port_owner = false; ///< a client had the shared port 500 for its own
    typename Family::address port_owner{};
    bool held = false;           ///< a tenure runs: what follows is meaningful
    typename Family::address holder{};
    alg::slot_state state{};
    alg::junos_state junos{};
    bool timed = false;
    bool first_esp_valid = false;
    duration began{};            ///< ago, as the next three
    duration left{};
    duration completed{};
    duration first_esp{};
    duration remains{};          ///< until the tenure ends
};
/// A remembered Phase 2 exchange.
template <class Family>
struct exchange_record {
    vrf_id vrf{};
    typename Family::address client{};
    typename Family::address server{};
    exchange_identity identity{};
    alg::exchange_state state{};
    std::uint32_t newest_id = 0;
    std::uint8_t seen_messages = 0;
    bool answered = false;
    bool requested = false;
    bool unanswered = false;     ///< the client sent ESP on it and nothing came back
    bool one_way = false;
    bool claims_open = false;
    bool holds = false;          ///< the exchange of the tenure that settles, or whose gates are open (junos)
    bool newest_child = false;   ///< a followup continues it
    std::uint32_t age_ms = 0;
};
/// An ESP session: a learned SPI of one or of both directions.
template <class Family>
struct binding_record {
    vrf_id vrf{};
    typename Family::address client{};
    typename Family::address server{};
    spi outbound{};              ///< 0: not learned
    spi inbound{};               ///< 0: not learned
    exchange_identity exchange{};
    bool unsatisfied = false;    ///< its exchange waits for the inbound SPI
    std::uint32_t age_ms = 0;
};

template <class Family>
struct state_record {
    std::uint16_t version = record_version;
    std::variant<mapping_record<Family>, pair_record<Family>, flow_record<Family>, session_record<Family>, slot_record<Family>,
                 exchange_record<Family>, binding_record<Family>>
        body{};
};

}  // namespace ikealg::inline v0

#endif
