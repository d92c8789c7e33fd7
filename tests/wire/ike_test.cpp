// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike.hpp"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "support/captured.hpp"
#include "support/ike_messages.hpp"

namespace wire = ikealg::wire;
using ikealg::bytes;
using ikealg_tests::from_hex;
using wire::exchange_type;
using wire::ike_error;
using wire::ike_view;
using wire::payload_type;

namespace {

/// A header of IKE_SA_INIT with this length field, followed by zeros up to `size` bytes.
std::vector<std::uint8_t> message(std::size_t size, std::uint32_t length) {
    auto m = from_hex("0102030405060708 0000000000000000 21 20 22 08 00000000 00000000");
    ikealg::store_be32(&m[24], length);
    m.resize(size);
    m.shrink_to_fit();
    return m;
}

}  // namespace

TEST_CASE("R7: the header of an IKEv2 message") {
    const auto [ike, error] = ike_view::parse(ikealg_tests::ike_messages::sa_init_response);
    REQUIRE(error == ike_error::none);
    CHECK(ike.initiator_spi() == ikealg::ike_spi{0x1782e45788a54599});
    CHECK(ike.responder_spi() == ikealg::ike_spi{0x59310bd5d298d4f4});
    CHECK(ike.next_payload() == payload_type::sa);
    CHECK(ike.version() == 0x20);
    CHECK(ike.major_version() == 2);
    CHECK(ike.minor_version() == 0);
    CHECK(ike.exchange() == exchange_type::ike_sa_init);
    CHECK(ike.flags() == 0x20);
    CHECK(ike.is_response());
    CHECK_FALSE(ike.is_initiator());
    CHECK_FALSE(ike.is_encrypted());
    CHECK(ike.message_id() == 0);
    CHECK(ike.length() == 497);
    CHECK(ike.message().size() == 497);
    CHECK(ike.payloads().size() == 469);
    CHECK(ike.recognised());
    CHECK_FALSE(ike.is_phase2());
    CHECK_FALSE(ike.fragment());
}

TEST_CASE("R7: the header of an IKEv1 message") {
    const auto [ike, error] = ike_view::parse(ikealg_tests::ike_messages::quick_mode_3);
    REQUIRE(error == ike_error::none);
    CHECK(ike.initiator_spi() == ikealg::ike_spi{0x3527586fcb81c7f0});
    CHECK(ike.responder_spi() == ikealg::ike_spi{0xf6e6dc654341b145});
    CHECK(ike.next_payload() == payload_type::hash);
    CHECK(ike.is_v1());
    CHECK(ike.exchange() == exchange_type::quick_mode);
    CHECK(ike.is_encrypted());
    CHECK(ike.message_id() == 0xd37dcd66);
    CHECK(ike.length() == 76);
    CHECK(ike.is_phase2());
}

TEST_CASE("R7: a flag bit means one thing in IKEv1 and another in IKEv2") {
    for (unsigned flags = 0; flags < 256; ++flags) {
        CAPTURE(flags);
        for (const unsigned version : {0x10U, 0x20U, 0x30U}) {
            auto m = message(28, 28);
            m[17] = static_cast<std::uint8_t>(version);
            m[19] = static_cast<std::uint8_t>(flags);
            const auto ike = ike_view::parse(m).view;
            CHECK(ike.flags() == flags);
            CHECK(ike.is_encrypted() == (version == 0x10 && (flags & 1) != 0));
            CHECK(ike.is_commit() == (version == 0x10 && (flags & 2) != 0));
            CHECK(ike.is_authentication_only() == (version == 0x10 && (flags & 4) != 0));
            CHECK(ike.is_initiator() == (version == 0x20 && (flags & 8) != 0));
            CHECK(ike.is_response() == (version == 0x20 && (flags & 32) != 0));
        }
    }
}

TEST_CASE("R1: fewer than 28 bytes are no IKE message") {
    const auto& whole = ikealg_tests::ike_messages::main_mode_1;
    for (std::size_t size = 0; size < 28; ++size) {
        CAPTURE(size);
        const std::vector<std::uint8_t> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto result = ike_view::parse(part);
        CHECK(result.error == ike_error::too_short);
        CHECK_FALSE(result);
        CHECK(result.view.length() == 0);
    }
}

TEST_CASE("R1: an initiator SPI of zero is refused, and can still be shown") {
    auto m = ikealg_tests::ike_messages::main_mode_1;
    std::fill_n(m.begin(), 8, std::uint8_t{0});
    const auto result = ike_view::parse(m);
    CHECK(result.error == ike_error::zero_initiator_spi);
    CHECK(result.view.length() == 124);
    m[7] = 1;
    CHECK(ike_view::parse(m));
}

TEST_CASE("R3: a length field below the header or beyond the payload is malformed") {
    struct row {
        std::size_t size;
        std::uint32_t length;
        ike_error error;
    };
    for (const row& r : {
             row{28, 0, ike_error::length_below_header},
             row{28, 27, ike_error::length_below_header},
             row{28, 28, ike_error::none},
             row{28, 29, ike_error::length_beyond_payload},
             row{28, 0xffffffff, ike_error::length_beyond_payload},
             row{100, 99, ike_error::none},
             row{100, 100, ike_error::none},
             row{100, 101, ike_error::length_beyond_payload},
         }) {
        CAPTURE(r.size);
        CAPTURE(r.length);
        const auto m = message(r.size, r.length);
        CHECK(ike_view::parse(m).error == r.error);
    }
}

TEST_CASE("R3: bytes behind the message are allowed and told") {
    auto m = message(100, 40);
    const auto ike = ike_view::parse(m).view;
    CHECK(ike.trailing() == 60);
    CHECK(ike.message().size() == 40);
    CHECK(ike.is_complete());
    m = message(40, 40);
    CHECK(ike_view::parse(m).view.trailing() == 0);
}

TEST_CASE("R3: the first IP fragment of a message is held against the length of the whole datagram") {
    const auto m = message(100, 400);
    CHECK(ike_view::parse(m).error == ike_error::length_beyond_payload);
    CHECK(ike_view::parse(m, 399).error == ike_error::length_beyond_payload);
    const auto [ike, error] = ike_view::parse(m, 410);
    REQUIRE(error == ike_error::none);
    CHECK_FALSE(ike.is_complete());
    CHECK(ike.message().size() == 100);
    CHECK(ike.length() == 400);
    CHECK(ike.trailing() == 10);
}

TEST_CASE("R4: other major versions and foreign exchanges parse and are not recognised") {
    struct row {
        std::uint8_t version;
        std::uint8_t exchange;
        bool recognised;
        bool phase2;
    };
    for (const row& r : {
             row{0x20, 35, true, true},
             row{0x21, 35, true, true},
             row{0x10, 32, true, true},
             row{0x1f, 32, true, true},
             row{0x10, 35, false, false},
             row{0x20, 32, false, false},
             row{0x00, 35, false, false},
             row{0x30, 35, false, false},
             row{0xf0, 35, false, false},
             row{0x10, 243, false, false},  // Microsoft AuthIP
             row{0x20, 45, false, false},
         }) {
        CAPTURE(r.version);
        CAPTURE(r.exchange);
        auto m = message(28, 28);
        m[17] = r.version;
        m[18] = r.exchange;
        const auto result = ike_view::parse(m);
        REQUIRE(result);
        CHECK(result.view.recognised() == r.recognised);
        CHECK(result.view.is_phase2() == r.phase2);
    }
}

TEST_CASE("R9: an IKEv2 fragment tells its number and the total, also when its rest is in another IP fragment") {
    const auto& m = ikealg_tests::ike_messages::auth_fragment_2_of_2;
    for (const std::size_t here : {m.size(), std::size_t{36}}) {
        const std::vector<std::uint8_t> present(m.begin(), m.begin() + static_cast<std::ptrdiff_t>(here));
        const auto [ike, error] = ike_view::parse(present, m.size());
        REQUIRE(error == ike_error::none);
        CHECK(ike.is_phase2());
        CHECK(ike.message_id() == 1);
        const auto fragment = ike.fragment();
        REQUIRE(fragment);
        CHECK(*fragment == wire::fragment_info{2, 2, 0, true});
        CHECK(fragment->plausible());
    }
    const std::vector<std::uint8_t> cut(m.begin(), m.begin() + 35);
    CHECK_FALSE(ike_view::parse(cut, m.size()).view.fragment());
}

TEST_CASE("R9: the IKEv1 fragments of a strongSwan client") {
    const auto frames = ikealg_tests::captured("lab_wire_ikev1_fragments");
    std::size_t whole = 0;
    for (std::uint16_t number = 1; number <= 3; ++number) {
        CAPTURE(number);
        const auto& frame = frames[number - 1U];
        const auto r = ike_view::parse(bytes{frame}.subspan(42));
        REQUIRE(r);
        const auto& v = r.view;
        CHECK(v.initiator_spi() == ikealg::ike_spi{0x4371d092b412b2d8});
        CHECK(v.responder_spi() == ikealg::ike_spi{});
        CHECK(v.next_payload() == payload_type::fragment_v1);
        CHECK(v.version() == 0x10);
        CHECK(v.exchange() == exchange_type::aggressive_mode);
        CHECK(v.flags() == 0);
        CHECK(v.message_id() == 0);
        CHECK(v.length() == (number == 3 ? 116 : 372));
        REQUIRE(v.fragment());
        CHECK(*v.fragment() == wire::fragment_info{number, 0, 1, number == 3});
        CHECK(v.fragment()->plausible());
        whole += v.length() - 28U - 8U;
    }
    CHECK(whole == 752);
}

TEST_CASE("R9: an IKEv1 fragment tells id, number and whether it is the last") {
    auto m = from_hex("0102030405060708 1112131415161718 84 10 02 00 00000000 00000028 00 00 000c 1234 03 01 aabbccdd");
    REQUIRE(m.size() == 40);
    CHECK(*ike_view::parse(m).view.fragment() == wire::fragment_info{3, 0, 0x1234, true});
    m[35] = 0;
    CHECK(*ike_view::parse(m).view.fragment() == wire::fragment_info{3, 0, 0x1234, false});
    m[19] = 1;  // the encryption flag: what looks like numbers is ciphertext
    CHECK_FALSE(ike_view::parse(m).view.fragment());
    m[19] = 0;
    m[17] = 0x20;
    CHECK_FALSE(ike_view::parse(m).view.fragment());
    m[16] = 53;
    CHECK(*ike_view::parse(m).view.fragment() == wire::fragment_info{0x1234, 0x0300, 0, false});
    m[17] = 0x10;
    CHECK_FALSE(ike_view::parse(m).view.fragment());
}

TEST_CASE("R9: fragment numbers that no peer accepts are told, and are not plausible") {
    struct row {
        std::uint16_t number;
        std::uint16_t total;
        bool plausible;
    };
    for (const row& r : {row{0, 0, false}, row{0, 2, false}, row{1, 1, true}, row{2, 2, true}, row{3, 2, false},
                         row{65535, 65535, true}}) {
        CHECK(wire::fragment_info{r.number, r.total, 0, false}.plausible() == r.plausible);
    }
}

TEST_CASE("a default-constructed view reads as zeros") {
    const ike_view ike;
    CHECK(ike.initiator_spi().value == 0);
    CHECK(ike.next_payload() == payload_type::none);
    CHECK_FALSE(ike.recognised());
    CHECK(ike.payloads().empty());
    CHECK_FALSE(ike.fragment());
}
