// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike_notify.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "support/captured.hpp"
#include "support/ike_messages.hpp"

namespace wire = ikealg::wire;
namespace ike_messages = ikealg_tests::ike_messages;
using ikealg_tests::from_hex;
using wire::delete_payload;
using wire::notify_payload;
using wire::payload_type;

namespace {

wire::payload of(payload_type type, const std::vector<std::uint8_t>& body) {
    wire::payload p;
    p.type = type;
    p.body = body;
    return p;
}

std::vector<notify_payload> notifies(const std::vector<std::uint8_t>& m) {
    std::vector<notify_payload> all;
    wire::payload_reader reader(wire::ike_view::parse(m).view);
    while (const auto p = reader.next()) {
        if (const auto n = notify_payload::parse(*p)) {
            all.push_back(*n);
        }
    }
    return all;
}

}  // namespace

TEST_CASE("D1: the errors that IKE_SA_INIT is refused with are seen in clear") {
    auto all = notifies(ike_messages::no_proposal_chosen);
    REQUIRE(all.size() == 1);
    CHECK(all[0].type == wire::notify_v2::no_proposal_chosen);
    CHECK(all[0].name() == "NO_PROPOSAL_CHOSEN");
    CHECK(all[0].is_error());
    CHECK(all[0].data.empty());

    all = notifies(ike_messages::invalid_ke_payload);
    REQUIRE(all.size() == 1);
    CHECK(all[0].name() == "INVALID_KE_PAYLOAD");
    REQUIRE(all[0].data.size() == 2);
    CHECK(ikealg::load_be16(all[0].data.data()) == 14);  // the group that would do
}

TEST_CASE("R6: the notifies of an IKE_SA_INIT response") {
    const auto all = notifies(ike_messages::sa_init_response);
    std::vector<std::string_view> names;
    for (const auto& n : all) {
        CHECK_FALSE(n.is_v1);
        CHECK_FALSE(n.is_error());
        CHECK(n.spi.empty());
        names.push_back(n.name());
    }
    CHECK(names == std::vector<std::string_view>{"NAT_DETECTION_SOURCE_IP", "NAT_DETECTION_DESTINATION_IP",
                                                 "IKEV2_FRAGMENTATION_SUPPORTED", "SIGNATURE_HASH_ALGORITHMS",
                                                 "CHILDLESS_IKEV2_SUPPORTED", "MULTIPLE_AUTH_SUPPORTED"});
    CHECK(all[0].data.size() == 20);
    CHECK(all[3].data.size() == 8);
}

TEST_CASE("D1: the clear notifications with which a strongSwan server refuses IKEv1") {
    struct row {
        const char* capture;
        std::size_t number;
        std::uint16_t type;
        std::string_view name;
        const char* spi;  ///< of initiator and responder
    };
    for (const row& expected :
         {row{"lab_wire_ikev1_no_proposal", 2, 14, "NO-PROPOSAL-CHOSEN", "aaf10b60af173f6ce5a73c3062b72eb2"},
          row{"lab_wire_ikev1_fragments", 4, 24, "AUTHENTICATION-FAILED", "4371d092b412b2d812a9dba33bedeaa8"}}) {
        CAPTURE(expected.capture);
        const auto frame = ikealg_tests::captured(expected.capture)[expected.number - 1];
        const std::vector<std::uint8_t> message(frame.begin() + 42, frame.end());
        const auto all = notifies(message);
        REQUIRE(all.size() == 1);
        const auto& n = all[0];
        CHECK(n.is_v1);
        CHECK(n.doi == 1);
        CHECK(n.protocol == 1);
        CHECK(n.type == expected.type);
        CHECK(n.name() == expected.name);
        CHECK(n.is_error());
        CHECK(std::vector<std::uint8_t>(n.spi.begin(), n.spi.end()) == from_hex(expected.spi));
        CHECK(n.data.empty());
    }
}

TEST_CASE("an IKEv1 notification has a DOI and its own numbers") {
    const auto body = from_hex("00000001 01 10 000e 0102030405060708 1112131415161718 aabb");
    const auto n = notify_payload::parse(of(payload_type::notification_v1, body));
    REQUIRE(n);
    CHECK(n->is_v1);
    CHECK(n->doi == 1);
    CHECK(n->protocol == 1);
    CHECK(n->spi.size() == 16);
    CHECK(n->data.size() == 2);
    CHECK(n->name() == "NO-PROPOSAL-CHOSEN");
    CHECK(wire::notify_name_v1(24578) == "INITIAL-CONTACT");
    CHECK(wire::notify_name_v1(36136) == "R-U-THERE");
    CHECK(wire::notify_name_v1(36137) == "R-U-THERE-ACK");
    CHECK(wire::notify_name_v1(16384) == "CONNECTED");
    CHECK(wire::notify_name_v1(31) == "unknown");
}

TEST_CASE("notify types of IKEv2 by number") {
    CHECK(wire::notify_name_v2(1) == "UNSUPPORTED_CRITICAL_PAYLOAD");
    CHECK(wire::notify_name_v2(38) == "TS_UNACCEPTABLE");
    CHECK(wire::notify_name_v2(16390) == "COOKIE");
    CHECK(wire::notify_name_v2(16393) == "REKEY_SA");
    CHECK(wire::notify_name_v2(16396) == "MOBIKE_SUPPORTED");
    CHECK(wire::notify_name_v2(16407) == "REDIRECT");
    CHECK(wire::notify_name_v2(16435) == "USE_PPK");
    CHECK(wire::notify_name_v2(16441) == "ADDITIONAL_KEY_EXCHANGE");
    CHECK(wire::notify_name_v2(2) == "unknown");
    CHECK(wire::notify_name_v2(40959) == "unknown");
    CHECK(wire::notify_name_v2(40960) == "private use");
    CHECK(wire::notify_name_v2(65535) == "private use");
    for (std::uint16_t type = 16384; type <= 16446; ++type) {
        CAPTURE(type);
        CHECK(wire::notify_name_v2(type) != "unknown");
    }
}

TEST_CASE("R3: notify and delete payloads whose parts do not fit are refused") {
    struct row {
        const char* what;
        payload_type type;
        const char* body;
        bool notify;
        bool deletes;
    };
    for (const row& r : {
             row{"v2 notify, empty", payload_type::notify, "", false, false},
             row{"v2 notify, cut", payload_type::notify, "00 00 40", false, false},
             row{"v2 notify, least", payload_type::notify, "00 00 4004", true, false},
             row{"v2 notify, SPI too long", payload_type::notify, "03 04 4009 010203", false, false},
             row{"v2 notify, SPI fits", payload_type::notify, "03 04 4009 01020304", true, false},
             row{"v1 notify, cut", payload_type::notification_v1, "00000001 01 00 00", false, false},
             row{"v1 notify, least", payload_type::notification_v1, "00000001 01 00 000e", true, false},
             row{"v1 notify, SPI too long", payload_type::notification_v1, "00000001 01 01 000e", false, false},
             row{"v2 delete of the IKE SA", payload_type::delete_, "01 00 0000", false, true},
             row{"v2 delete, cut", payload_type::delete_, "01 00 00", false, false},
             row{"v2 delete of two", payload_type::delete_, "03 04 0002 01020304 05060708", false, true},
             row{"v2 delete, one missing", payload_type::delete_, "03 04 0003 01020304 05060708", false, false},
             row{"v2 delete, largest", payload_type::delete_, "03 ff ffff 00", false, false},
             row{"v1 delete", payload_type::delete_v1, "00000001 03 04 0001 01020304", false, true},
             row{"v1 delete, cut", payload_type::delete_v1, "00000001 03 04 00", false, false},
             row{"another payload", payload_type::nonce, "00 00 4004 00 00 4004", false, false},
         }) {
        CAPTURE(r.what);
        const auto body = from_hex(r.body);
        CHECK(notify_payload::parse(of(r.type, body)).has_value() == r.notify);
        CHECK(delete_payload::parse(of(r.type, body)).has_value() == r.deletes);
    }
}

TEST_CASE("the SPIs of a delete payload") {
    const auto body = from_hex("00000001 03 04 0002 01020304 05060708 99");
    const auto d = delete_payload::parse(of(payload_type::delete_v1, body));
    REQUIRE(d);
    CHECK(d->is_v1);
    CHECK(d->doi == 1);
    CHECK(d->protocol == 3);
    CHECK(d->spi_size == 4);
    CHECK(d->count == 2);
    CHECK(std::vector<std::uint8_t>(d->spis.begin(), d->spis.end()) == from_hex("0102030405060708"));
}
