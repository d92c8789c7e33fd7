// SPDX-License-Identifier: Apache-2.0
/// The role of every kind of Phase 2 message, row by row.
#include "ikealg/alg/phase2.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using ikealg::alg::message_role;
using ikealg::alg::phase2_message;
using ikealg::alg::requester_of;
using ikealg::alg::role_of;
using ikealg::nat::direction;
using ikealg::wire::exchange_type;

constexpr auto out = direction::outbound;
constexpr auto in = direction::inbound;

phase2_message quick(direction way) { return {exchange_type::quick_mode, 1, false, false, 7, 300, way}; }
phase2_message v2(exchange_type type, direction way, bool response, std::uint32_t length = 300, bool fragmented = false) {
    return {type, 2, response, fragmented, 2, length, way};
}

}  // namespace

TEST_CASE("X4: message 2 tells message 3 of Quick Mode from a repeated message 1") {
    CHECK(role_of(quick(out), out, false) == message_role::opening);
    CHECK(role_of(quick(in), out, false) == message_role::answer_before);
    CHECK(role_of(quick(out), out, true) == message_role::enabling);
    CHECK(role_of(quick(in), out, true) == message_role::answer_before);
}

TEST_CASE("X4: a client that has ESP already rekeys: message 1 is a request, message 2 its answer, message 3 enables") {
    CHECK(role_of(quick(out), out, false, true, false) == message_role::request);
    CHECK(role_of(quick(out), out, false, true, true) == message_role::request);  // repeated
    CHECK(role_of(quick(in), out, false, true, true) == message_role::answer);
    CHECK(role_of(quick(in), out, false, true, false) == message_role::answer_before);  // message 1 was not seen
    CHECK(role_of(quick(out), out, true, true, true) == message_role::enabling);
    CHECK(role_of(quick(out), in, false, true, false) == message_role::enabling);
    CHECK(role_of(quick(in), in, false, true, false) == message_role::opening);
}

TEST_CASE("X4: where the server started Quick Mode, the client's message 2 enables") {
    CHECK(role_of(quick(in), in, false) == message_role::opening);
    CHECK(role_of(quick(out), in, false) == message_role::enabling);
    CHECK(role_of(quick(in), in, true) == message_role::opening);
}

TEST_CASE("X5: each response of IKE_AUTH enables, each request is a round") {
    CHECK(role_of(v2(exchange_type::ike_auth, out, false), out, false) == message_role::round);
    CHECK(role_of(v2(exchange_type::ike_auth, in, true), out, false) == message_role::enabling);
    CHECK(role_of(v2(exchange_type::ike_auth, out, true), in, false) == message_role::enabling);
}

TEST_CASE("X1: exchanges 36 and 44 enable by the client's request, or by its response to the server's") {
    for (const auto type : {exchange_type::create_child_sa, exchange_type::ike_followup_ke}) {
        CHECK(role_of(v2(type, out, false), out, false) == message_role::request);
        CHECK(role_of(v2(type, in, true), out, false) == message_role::answer);
        CHECK(role_of(v2(type, in, false), in, false) == message_role::opening);
        CHECK(role_of(v2(type, out, true), in, false) == message_role::enabling);
    }
}

TEST_CASE("X1: response flag and side together tell the requester") {
    CHECK(requester_of(v2(exchange_type::create_child_sa, out, false)) == out);
    CHECK(requester_of(v2(exchange_type::create_child_sa, in, true)) == out);
    CHECK(requester_of(v2(exchange_type::create_child_sa, in, false)) == in);
    CHECK(requester_of(v2(exchange_type::create_child_sa, out, true)) == in);
}

TEST_CASE("X9: an unfragmented response below 120 bytes is a refusal, whoever sends it") {
    for (const auto type : {exchange_type::ike_auth, exchange_type::create_child_sa, exchange_type::ike_followup_ke}) {
        CHECK(role_of(v2(type, in, true, 119), out, false) == message_role::refusal);
        CHECK(role_of(v2(type, out, true, 119), in, false) == message_role::refusal);
        CHECK(role_of(v2(type, in, true, 120), out, false) != message_role::refusal);
        CHECK(role_of(v2(type, in, true, 119, true), out, false) != message_role::refusal);
        CHECK(role_of(v2(type, out, false, 60), out, false) != message_role::refusal);
    }
}

TEST_CASE("every role has a name of its own") {
    std::string all;
    for (int i = 0; i <= static_cast<int>(message_role::refusal); ++i) {
        const std::string name(to_string(static_cast<message_role>(i)));
        CHECK(name != "unknown");
        CHECK(all.find('|' + name + '|') == std::string::npos);
        all += '|' + name + '|';
    }
    CHECK(to_string(static_cast<message_role>(99)) == "unknown");
}
