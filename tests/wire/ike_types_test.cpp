// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike_types.hpp"

#include <doctest/doctest.h>


namespace wire = ikealg::wire;
using wire::exchange_type;
using wire::payload_type;

TEST_CASE("R8: every exchange has its number, its name and its version") {
    struct row {
        unsigned number;
        exchange_type exchange;
        const char* name;
        unsigned version;
        bool phase2;
    };
    for (const row& r : {
             row{1, exchange_type::base, "Base", 1, false},
             row{2, exchange_type::main_mode, "Main Mode", 1, false},
             row{3, exchange_type::authentication_only, "Authentication Only", 1, false},
             row{4, exchange_type::aggressive_mode, "Aggressive Mode", 1, false},
             row{5, exchange_type::informational_v1, "Informational", 1, false},
             row{6, exchange_type::transaction, "Transaction", 1, false},
             row{32, exchange_type::quick_mode, "Quick Mode", 1, true},
             row{33, exchange_type::new_group_mode, "New Group Mode", 1, false},
             row{34, exchange_type::ike_sa_init, "IKE_SA_INIT", 2, false},
             row{35, exchange_type::ike_auth, "IKE_AUTH", 2, true},
             row{36, exchange_type::create_child_sa, "CREATE_CHILD_SA", 2, true},
             row{37, exchange_type::informational, "INFORMATIONAL", 2, false},
             row{38, exchange_type::ike_session_resume, "IKE_SESSION_RESUME", 2, false},
             row{39, exchange_type::gsa_auth, "GSA_AUTH", 2, false},
             row{40, exchange_type::gsa_registration, "GSA_REGISTRATION", 2, false},
             row{41, exchange_type::gsa_rekey, "GSA_REKEY", 2, false},
             row{42, exchange_type::gsa_inband_rekey, "GSA_INBAND_REKEY", 2, false},
             row{43, exchange_type::ike_intermediate, "IKE_INTERMEDIATE", 2, false},
             row{44, exchange_type::ike_followup_ke, "IKE_FOLLOWUP_KE", 2, true},
         }) {
        CAPTURE(r.number);
        CHECK(static_cast<unsigned>(r.exchange) == r.number);
        CHECK(to_string(r.exchange) == r.name);
        CHECK(is_known(r.exchange, 1) == (r.version == 1));
        CHECK(is_known(r.exchange, 2) == (r.version == 2));
        CHECK(is_phase2(r.exchange) == r.phase2);
    }
}

TEST_CASE("R4: all other exchange numbers are unknown to both versions, and all exchanges to other versions") {
    unsigned known = 0;
    for (unsigned n = 0; n < 256; ++n) {
        const auto e = static_cast<exchange_type>(n);
        for (unsigned version = 0; version < 16; ++version) {
            CAPTURE(n);
            CAPTURE(version);
            const bool expected =
                (version == 1 && ((n >= 1 && n <= 6) || n == 32 || n == 33)) || (version == 2 && n >= 34 && n <= 44);
            CHECK(is_known(e, version) == expected);
            known += expected ? 1U : 0U;
        }
        const bool named = n <= 6 || (n >= 32 && n <= 44);
        CHECK((to_string(e) != "unknown") == named);
    }
    CHECK(known == 19);
}

TEST_CASE("payload types print the abbreviations of the RFCs") {
    CHECK(to_string(payload_type{1}) == "SA");
    CHECK(to_string(payload_type{5}) == "ID");
    CHECK(to_string(payload_type{13}) == "VID");
    CHECK(to_string(payload_type{20}) == "NAT-D");
    CHECK(to_string(payload_type{33}) == "SA");
    CHECK(to_string(payload_type{43}) == "V");
    CHECK(to_string(payload_type{46}) == "SK");
    CHECK(to_string(payload_type{53}) == "SKF");
    CHECK(to_string(payload_type{130}) == "NAT-D (draft)");
    CHECK(to_string(payload_type{132}) == "FRAG");
    for (unsigned n = 0; n < 256; ++n) {
        CAPTURE(n);
        const bool named = n <= 22 || (n >= 33 && n <= 54) || (n >= 130 && n <= 132);
        CHECK((to_string(static_cast<payload_type>(n)) != "unknown") == named);
    }
}
