// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike_names.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace wire = ikealg::wire;

TEST_CASE("an IKEv2 transform id means what its type says") {
    struct row {
        std::uint8_t type;
        std::uint16_t id;
        std::string_view name;
    };
    for (const row& r : {
             row{1, 12, "ENCR_AES_CBC"},
             row{1, 20, "ENCR_AES_GCM_16"},
             row{1, 28, "ENCR_CHACHA20_POLY1305"},
             row{1, 11, "ENCR_NULL"},
             row{1, 10, "unknown"},
             row{2, 5, "PRF_HMAC_SHA2_256"},
             row{2, 8, "PRF_AES128_CMAC"},
             row{3, 0, "NONE"},
             row{3, 12, "AUTH_HMAC_SHA2_256_128"},
             row{3, 14, "AUTH_HMAC_SHA2_512_256"},
             row{4, 14, "2048-bit MODP"},
             row{4, 19, "256-bit ECP"},
             row{4, 31, "Curve25519"},
             row{5, 0, "No Extended Sequence Numbers"},
             row{5, 1, "Extended Sequence Numbers"},
             row{5, 2, "unknown"},
             row{6, 36, "ML-KEM-768"},
             row{12, 37, "ML-KEM-1024"},
             row{13, 14, "unknown"},
             row{0, 12, "unknown"},
             row{255, 12, "unknown"},
         }) {
        CAPTURE(r.type);
        CAPTURE(r.id);
        CHECK(wire::transform_name_v2(r.type, r.id) == r.name);
    }
    CHECK(wire::transform_type_name(1) == "ENCR");
    CHECK(wire::transform_type_name(6) == "ADDKE1");
    CHECK(wire::transform_type_name(0) == "unknown");
}

TEST_CASE("IKEv1 attributes and their values") {
    struct row {
        std::uint16_t type;
        std::string_view name;
        std::uint16_t value;
        std::string_view value_name;
    };
    for (const row& r : {
             row{1, "Encryption Algorithm", 7, "AES-CBC"},
             row{2, "Hash Algorithm", 4, "SHA2-256"},
             row{3, "Authentication Method", 1, "pre-shared key"},
             row{3, "Authentication Method", 65001, "XAUTHInitPreShared"},
             row{4, "Group Description", 14, "2048-bit MODP"},
             row{11, "Life Type", 1, "seconds"},
             row{14, "Key Length", 256, "unknown"},
             row{99, "unknown", 1, "unknown"},
         }) {
        CAPTURE(r.type);
        CHECK(wire::attribute_name_v1(r.type) == r.name);
        CHECK(wire::attribute_value_name_v1(r.type, r.value) == r.value_name);
    }
}

TEST_CASE("identities, certificates and protocols") {
    CHECK(to_string(wire::id_type::ipv4_address) == "ID_IPV4_ADDR");
    CHECK(to_string(wire::id_type::null) == "ID_NULL");
    CHECK(to_string(wire::id_type{200}) == "unknown");
    CHECK(wire::certificate_encoding_name(4) == "X.509 Certificate - Signature");
    CHECK(wire::certificate_encoding_name(0) == "unknown");
    CHECK(wire::protocol_name(1) == "IKE");
    CHECK(wire::protocol_name(3) == "ESP");
    CHECK(wire::protocol_name(255) == "unknown");
}
