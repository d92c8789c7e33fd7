// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike_bodies.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "support/ike_messages.hpp"

namespace wire = ikealg::wire;
namespace ike_messages = ikealg_tests::ike_messages;
using ikealg_tests::from_hex;
using wire::ike_view;
using wire::payload_type;

namespace {

/// The `nth` payload of `type`, from 0.
wire::payload find(const std::vector<std::uint8_t>& m, payload_type type, int nth = 0) {
    wire::payload_reader reader(ike_view::parse(m).view);
    while (const auto p = reader.next()) {
        if (p->type == type && nth-- == 0) {
            return *p;
        }
    }
    REQUIRE_MESSAGE(false, "no such payload");
    return {};
}

wire::payload of(payload_type type, const std::vector<std::uint8_t>& body) {
    wire::payload p;
    p.type = type;
    p.body = body;
    return p;
}

std::string text(ikealg::bytes b) {
    return {b.begin(), b.end()};
}

std::size_t parse_all(const wire::payload& p) {
    std::size_t touched = 0;
    const auto touch = [&touched](ikealg::bytes b) {
        for (const auto octet : b) {
            touched += octet;
        }
    };
    if (const auto x = wire::key_exchange_payload::parse(p)) {
        touch(x->data);
    }
    if (const auto x = wire::nonce_payload::parse(p)) {
        touch(x->data);
    }
    if (const auto x = wire::identity_payload::parse(p)) {
        touch(x->data);
    }
    if (const auto x = wire::certificate_payload::parse(p)) {
        touch(x->data);
    }
    if (const auto x = wire::nat_detection_payload::parse(p)) {
        touch(x->hash);
    }
    if (const auto x = wire::nat_original_address_payload::parse(p)) {
        touch(x->address);
    }
    if (const auto x = wire::encrypted_payload::parse(p)) {
        touch(x->ciphertext);
    }
    if (const auto x = wire::notify_payload::parse(p)) {
        touch(x->spi);
        touch(x->data);
    }
    if (const auto x = wire::delete_payload::parse(p)) {
        touch(x->spis);
    }
    touched += wire::vendor_name(p.body).size();
    return touched;
}

}  // namespace

TEST_CASE("the payloads of an Aggressive Mode answer") {
    const auto& m = ike_messages::aggressive_2;
    const auto ke = wire::key_exchange_payload::parse(find(m, payload_type::key_exchange_v1));
    REQUIRE(ke);
    CHECK_FALSE(ke->group);
    CHECK(ke->data.size() == 256);
    CHECK(ikealg::load_be32(ke->data.data()) == 0xa507e95c);
    const auto nonce = wire::nonce_payload::parse(find(m, payload_type::nonce_v1));
    REQUIRE(nonce);
    CHECK(nonce->data.size() == 32);
    CHECK(ikealg::load_be32(nonce->data.data()) == 0x516a3b1f);
    const auto id = wire::identity_payload::parse(find(m, payload_type::identification_v1));
    REQUIRE(id);
    CHECK(id->type == wire::id_type::fqdn);
    CHECK(id->protocol == 0);
    CHECK(id->port == 0);
    CHECK(text(id->data) == "server.lab");
    CHECK(wire::vendor_name(find(m, payload_type::vendor_id_v1, 0).body) == "XAUTH");
    CHECK(wire::vendor_name(find(m, payload_type::vendor_id_v1, 3).body) == "RFC 3947");
    const auto nat = wire::nat_detection_payload::parse(find(m, payload_type::nat_detection, 1));
    REQUIRE(nat);
    CHECK(nat->hash.size() == 20);
}

TEST_CASE("the payloads of an IKE_SA_INIT response") {
    const auto& m = ike_messages::sa_init_response;
    const auto ke = wire::key_exchange_payload::parse(find(m, payload_type::key_exchange));
    REQUIRE(ke);
    CHECK(ke->group == 14);
    CHECK(ke->data.size() == 256);
    CHECK(ikealg::load_be32(ke->data.data()) == 0x634454e6);
    const auto nonce = wire::nonce_payload::parse(find(m, payload_type::nonce));
    REQUIRE(nonce);
    CHECK(ikealg::load_be32(nonce->data.data()) == 0x0f869938);
    const auto request = wire::certificate_payload::parse(find(m, payload_type::certificate_request));
    REQUIRE(request);
    CHECK(request->is_request);
    CHECK(request->encoding == 4);
    CHECK(request->data.size() == 20);
}

TEST_CASE("R9: the clear head of an encrypted fragment and of an SK payload") {
    const auto skf =
        wire::encrypted_payload::parse(find(ike_messages::auth_fragment_2_of_2, payload_type::encrypted_fragment));
    REQUIRE(skf);
    CHECK(skf->first_inside == payload_type::none);
    CHECK(skf->fragment_number == 2);
    CHECK(skf->total_fragments == 2);
    CHECK(skf->ciphertext.size() == 612 - 28 - 8);
    const auto body = from_hex("0102030405");
    auto p = of(payload_type::encrypted, body);
    p.next = payload_type::id_initiator;
    const auto sk = wire::encrypted_payload::parse(p);
    REQUIRE(sk);
    CHECK(sk->first_inside == payload_type::id_initiator);
    CHECK(sk->fragment_number == 0);
    CHECK(sk->ciphertext.size() == 5);
}

TEST_CASE("identities and original addresses of both versions") {
    const auto body = from_hex("01 11 01f4 c0000201");
    auto id = wire::identity_payload::parse(of(payload_type::identification_v1, body));
    REQUIRE(id);
    CHECK(id->type == wire::id_type::ipv4_address);
    CHECK(id->protocol == 17);
    CHECK(id->port == 500);
    CHECK(id->data.size() == 4);
    id = wire::identity_payload::parse(of(payload_type::id_responder, body));
    REQUIRE(id);
    CHECK(id->protocol == 0);
    CHECK(id->port == 0);

    struct row {
        const char* body;
        bool fits;
    };
    for (const row& r :
         {row{"01 000000 0a000001", true}, row{"01 000000 0a0000", false}, row{"01 000000 0a00000101", false},
          row{"02 000000 0a000001", false}, row{"05 000000 20010db8000000000000000000000001", true},
          row{"05 000000 0a000001", false}, row{"01 0000", false}}) {
        CAPTURE(r.body);
        const auto octets = from_hex(r.body);
        for (const auto type : {payload_type::nat_original_address, payload_type::nat_original_address_draft}) {
            CHECK(wire::nat_original_address_payload::parse(of(type, octets)).has_value() == r.fits);
        }
        CHECK_FALSE(wire::nat_original_address_payload::parse(of(payload_type::nonce, octets)));
    }
}

TEST_CASE("R3: bodies shorter than their fixed part are refused") {
    const auto three = from_hex("010203");
    CHECK_FALSE(wire::key_exchange_payload::parse(of(payload_type::key_exchange, three)));
    CHECK_FALSE(wire::identity_payload::parse(of(payload_type::identification_v1, three)));
    CHECK_FALSE(wire::identity_payload::parse(of(payload_type::id_initiator, three)));
    CHECK_FALSE(wire::encrypted_payload::parse(of(payload_type::encrypted_fragment, three)));
    CHECK_FALSE(wire::certificate_payload::parse(of(payload_type::certificate, {})));
    CHECK_FALSE(wire::certificate_payload::parse(of(payload_type::certificate_request_v1, {})));
    CHECK_FALSE(wire::nonce_payload::parse(of(payload_type::key_exchange, three)));
    CHECK_FALSE(wire::nat_detection_payload::parse(of(payload_type::nonce, three)));
    CHECK(wire::nat_detection_payload::parse(of(payload_type::nat_detection_draft, {})));
}

TEST_CASE("R6: NAT traversal is announced by a vendor ID in IKEv1 and by notifies in IKEv2") {
    const auto announces = [](const std::vector<std::uint8_t>& m) {
        return wire::announces_nat_traversal(ike_view::parse(m).view);
    };
    CHECK(announces(ike_messages::sa_init_request));
    CHECK(announces(ike_messages::sa_init_response));
    CHECK(announces(ike_messages::aggressive_2));
    CHECK_FALSE(announces(ike_messages::main_mode_1));  // libreswan with encapsulation=no
    CHECK_FALSE(announces(ike_messages::no_proposal_chosen));
    CHECK_FALSE(announces(ike_messages::quick_mode_3));
    CHECK_FALSE(announces(ike_messages::auth_fragment_2_of_2));

    auto m = ike_messages::aggressive_2;
    const std::size_t at = find(m, payload_type::vendor_id_v1, 3).body_offset();
    m[at] ^= 1;
    CHECK_FALSE(announces(m));
    m = ike_messages::aggressive_2;
    m[19] |= 1;  // encrypted: nothing is announced in clear
    CHECK_FALSE(announces(m));
}

TEST_CASE("L6: no payload, cut or mutated, is read beyond its bytes") {
    constexpr unsigned seed = 77;
    std::mt19937 random(seed);
    std::size_t touched = 0;
    for (const auto* original :
         {&ike_messages::main_mode_1, &ike_messages::aggressive_2, &ike_messages::sa_init_response,
          &ike_messages::no_proposal_chosen, &ike_messages::invalid_ke_payload, &ike_messages::auth_fragment_2_of_2}) {
        for (std::size_t size = 0; size <= original->size(); ++size) {
            CAPTURE(size);
            const std::vector<std::uint8_t> part(original->begin(),
                                                 original->begin() + static_cast<std::ptrdiff_t>(size));
            wire::payload_reader reader(ike_view::parse(part, original->size()).view);
            while (const auto p = reader.next()) {
                touched += parse_all(*p);
            }
        }
    }
    std::vector<std::uint8_t> body;
    for (unsigned round = 0; round < 50000; ++round) {
        CAPTURE(seed);
        CAPTURE(round);
        body.resize(random() % 24);
        for (auto& octet : body) {
            octet = static_cast<std::uint8_t>(random() % 3 == 0 ? random() % 6 : random());
        }
        const std::vector<std::uint8_t> exact(body.begin(), body.end());
        touched += parse_all(of(static_cast<payload_type>(random() % 136), exact));
    }
    CHECK(touched > 0);
}
