// SPDX-License-Identifier: Apache-2.0
/// Sequences of a gateway's events, made by hand, and what findings say of them.
#ifndef IKEALG_TESTS_DIAGNOSE_STORY_HPP
#define IKEALG_TESTS_DIAGNOSE_STORY_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ikealg/diagnose/findings.hpp"

namespace ikealg::tests {

using namespace std::chrono_literals;
using alg::event_kind;
using diagnose::finding_kind;
using wire::exchange_type;

/// Tells events of one client and one server to findings.
template <class Family>
struct story {
    using address = typename Family::address;
    using event = alg::event<Family>;
    using finding = diagnose::finding<Family>;

    explicit story(const diagnose::findings_options& options = {64, 4, 30min}) : found(options, 7) {
        if constexpr (Family::version == 4) {
            client = {0x0a00'0002};
            server = {0xc633'6401};
            nat = {0xcb00'7105};
        } else {
            client = {0xfd00'0000'0000'0000, 2};
            server = {0x2001'0db8'0000'0000, 1};
            nat = {0x2001'0db8'0001'0000, 5};
        }
    }

    diagnose::findings<Family> found;
    instant now{1h};
    address client{}, server{}, nat{};
    ike_spi initiator{11}, responder{};
    bool natt_flow = false;

    event made(event_kind k) const {
        event e;
        e.kind = k;
        e.at = now;
        e.client = client;
        e.server = server;
        e.nat = nat;
        e.initiator = initiator;
        return e;
    }
    template <class Fill>
    void tell(event_kind k, Fill&& fill) {
        event e = made(k);
        fill(e);
        found(e);
    }
    void tell(event_kind k) { found(made(k)); }
    void pass(duration d) { now += d; }

    void ike(exchange_type type, bool out, std::uint32_t id = 0, std::uint32_t length = 300, bool encrypted = false,
             std::uint16_t fragment = 0) {
        tell(event_kind::ike_message, [&](event& e) {
            e.responder = responder;
            e.exchange_type = static_cast<std::uint8_t>(type);
            e.message_id = id;
            e.outbound = out;
            e.detail = length;
            e.ike_flags = encrypted ? wire::ike_flag::encryption : 0;
            e.fragment = fragment;
        });
    }
    void notify(exchange_type type, std::uint32_t number, bool out = false) {
        tell(event_kind::ike_notify, [&](event& e) {
            e.exchange_type = static_cast<std::uint8_t>(type);
            e.detail = number;
            e.outbound = out;
        });
    }
    void begin(std::uint64_t spi_of_client) {
        initiator = {spi_of_client};
        responder = {};
        tell(event_kind::ike_session_started);
    }
    /// IKE_SA_INIT and its answer, NAT-T announced by both ends, as real stacks do even on 500 (R6).
    void init(std::uint64_t spi_of_client) {
        begin(spi_of_client);
        ike(exchange_type::ike_sa_init, true);
        tell(event_kind::natt_announced, [](event& e) { e.outbound = true; });
        pass(30ms);
        responder = {22};
        ike(exchange_type::ike_sa_init, false);
        tell(event_kind::natt_announced);
    }
    void init_error(std::uint64_t spi_of_client, std::uint32_t number) {
        begin(spi_of_client);
        ike(exchange_type::ike_sa_init, true);
        pass(30ms);
        ike(exchange_type::ike_sa_init, false, 0, 38);
        notify(exchange_type::ike_sa_init, number);
    }
    void main_mode(std::uint64_t spi_of_client) {
        begin(spi_of_client);
        ike(exchange_type::main_mode, true);
        tell(event_kind::natt_announced, [](event& e) { e.outbound = true; });
        responder = {22};
        ike(exchange_type::main_mode, false);
        tell(event_kind::natt_announced);
        ike(exchange_type::main_mode, true);
        ike(exchange_type::main_mode, false);
    }
    void esp(std::uint32_t value) {
        tell(event_kind::spi_bound_outbound, [&](event& e) { e.spi = spi{value}; });
        tell(event_kind::learning_started);
        pass(30ms);
        tell(event_kind::spi_bound_gate, [&](event& e) { e.spi = spi{value + 1}; });
    }
    void udp_flow(event_kind k, address to, port to_port) {
        tell(k, [&](event& e) {
            e.server = to;
            e.protocol = static_cast<std::uint8_t>(ip_protocol::udp);
            e.server_port = to_port;
        });
    }
    void icmp(std::uint32_t detail, ip_protocol protocol, port to = {}) {
        tell(event_kind::icmp_error, [&](event& e) {
            e.detail = detail;
            e.protocol = static_cast<std::uint8_t>(protocol);
            e.server_port = to;
        });
    }

    std::vector<finding> report() {
        std::vector<finding> all;
        found.report(now, [&](const finding& f) { all.push_back(f); });
        return all;
    }
    std::size_t active() const {
        std::size_t n = 0;
        found.for_each([&](const finding&) { ++n; });
        return n;
    }
    /// Checks that exactly this is told, once.
    void expect(finding_kind k) {
        const auto told = report();
        REQUIRE(told.size() == 1);
        CHECK(told[0].kind == k);
        CHECK(told[0].active);
        CHECK(told[0].client == client);
        CHECK(told[0].count >= 1);
        CHECK(told[0].first_seen <= told[0].last_seen);
        CHECK(told[0].last_seen <= now);
        CHECK(report().empty());
        CHECK(active() == 1);
    }
    void expect_over(finding_kind k) {
        const auto told = report();
        REQUIRE(told.size() == 1);
        CHECK(told[0].kind == k);
        CHECK_FALSE(told[0].active);
        CHECK(report().empty());
        CHECK(active() == 0);
    }
    void expect_nothing() {
        for (const auto& f : report()) {
            FAIL_CHECK("false finding: " << to_string(f));
        }
        CHECK(active() == 0);
    }
};

using story4 = story<ipv4>;

}  // namespace ikealg::tests

#endif
