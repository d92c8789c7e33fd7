// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike_payload.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "support/ike_messages.hpp"

namespace wire = ikealg::wire;
namespace ike_messages = ikealg_tests::ike_messages;
using ikealg_tests::from_hex;
using wire::ike_view;
using wire::payload_error;
using wire::payload_reader;
using wire::payload_type;

namespace {

/// An IKEv2 request (or with `version` 0x10 an IKEv1 message) of these payload bytes, the first of type `first`.
std::vector<std::uint8_t> message(std::uint8_t first, std::string_view payloads, std::uint8_t version = 0x20) {
    auto m = from_hex("0102030405060708 1112131415161718 00 00 22 08 00000000 00000000");
    const auto rest = from_hex(payloads);
    m.insert(m.end(), rest.begin(), rest.end());
    m[16] = first;
    m[17] = version;
    ikealg::store_be32(&m[24], static_cast<std::uint32_t>(m.size()));
    return {m.begin(), m.end()};
}

struct walk {
    std::vector<unsigned> types;
    std::vector<std::size_t> offsets;
    std::vector<std::size_t> sizes;
    wire::payload_fault fault;
    std::size_t left = 0;
};

walk read(const std::vector<std::uint8_t>& m) {
    payload_reader reader(ike_view::parse(m).view);
    walk w;
    while (const auto p = reader.next()) {
        w.types.push_back(static_cast<unsigned>(p->type));
        w.offsets.push_back(p->offset);
        w.sizes.push_back(p->body.size());
    }
    CHECK_FALSE(reader.next());
    w.fault = reader.fault();
    w.left = reader.left();
    return w;
}

}  // namespace

TEST_CASE("the clear payloads of real messages, with their places") {
    const auto init = read(ike_messages::sa_init_response);
    CHECK(init.types == std::vector<unsigned>{33, 34, 40, 41, 41, 38, 41, 41, 41, 41});
    CHECK(init.offsets == std::vector<std::size_t>{28, 76, 340, 376, 404, 432, 457, 465, 481, 489});
    CHECK(init.sizes == std::vector<std::size_t>{44, 260, 32, 24, 24, 21, 4, 12, 4, 4});
    CHECK_FALSE(init.fault);
    CHECK(init.left == 0);

    const auto aggressive = read(ike_messages::aggressive_2);
    CHECK(aggressive.types == std::vector<unsigned>{1, 4, 10, 5, 13, 13, 13, 13, 20, 20, 8});
    CHECK_FALSE(aggressive.fault);

    CHECK(read(ike_messages::main_mode_1).types == std::vector<unsigned>{1, 13, 13});
    CHECK(read(ike_messages::no_proposal_chosen).types == std::vector<unsigned>{41});
}

TEST_CASE("R9: nothing behind an encrypted or a fragment payload is entered") {
    CHECK(read(ike_messages::auth_fragment_2_of_2).types == std::vector<unsigned>{53});
    CHECK(read(message(46, "23 00 0008 01020304 29 00 0008 00004004")).types == std::vector<unsigned>{46});
    CHECK(read(message(53, "23 00 000c 00010002 01020304 29 00 0008 00004004")).types == std::vector<unsigned>{53});
    CHECK(read(message(132, "01 00 000c 00010101 01020304 0d 00 0008 00004004", 0x10)).types ==
          std::vector<unsigned>{132});
    CHECK(read(message(41, "2e 00 0008 00004004 21 00 0008 deadbeef")).types == std::vector<unsigned>{41, 46});
}

TEST_CASE("R7: nothing is read of an encrypted IKEv1 message or of an unknown major version") {
    CHECK(read(ike_messages::quick_mode_3).types.empty());
    CHECK_FALSE(read(ike_messages::quick_mode_3).fault);
    CHECK(read(message(41, "00 00 0008 00004004", 0x30)).types.empty());
    CHECK(read(message(41, "00 00 0008 00004004", 0x00)).types.empty());
}

TEST_CASE("the critical bit") {
    const auto m = message(60, "3d 80 0004 00 7f 0004");
    payload_reader reader(ike_view::parse(m).view);
    CHECK(reader.next()->critical);
    const auto second = reader.next();
    CHECK_FALSE(second->critical);
    CHECK(second->body.empty());
    CHECK(second->type == payload_type{61});
}

TEST_CASE("R3: a nested length that does not fit ends the walk with a fault that says what and where") {
    struct row {
        const char* what;
        const char* payloads;
        std::vector<unsigned> types;
        wire::payload_fault fault;
    };
    const auto notify = payload_type::notify;
    for (const row& r : {
             row{"nothing where a payload is announced", "", {}, {payload_error::truncated_header, notify, 28}},
             row{"three bytes", "29 00 00", {}, {payload_error::truncated_header, notify, 28}},
             row{"length zero", "29 00 0000", {}, {payload_error::length_below_header, notify, 28}},
             row{"length three", "29 00 0003 00", {}, {payload_error::length_below_header, notify, 28}},
             row{"one too long", "29 00 0009 01020304", {}, {payload_error::length_beyond_end, notify, 28}},
             row{"far too long", "00 00 ffff 01020304", {}, {payload_error::length_beyond_end, notify, 28}},
             row{"the second is missing", "29 00 0004", {41}, {payload_error::truncated_header, notify, 32}},
             row{"the second has length zero",
                 "29 00 0005 aa 29 00 0000",
                 {41},
                 {payload_error::length_below_header, notify, 33}},
         }) {
        CAPTURE(r.what);
        const auto w = read(message(41, r.payloads));
        CHECK(w.types == r.types);
        CHECK(w.fault == r.fault);
        CHECK(to_string(w.fault.error) != "none");
    }
}

TEST_CASE("padding behind the last payload is no fault") {
    const auto w = read(message(13, "00 00 0006 aabb 00000000", 0x10));
    CHECK(w.types == std::vector<unsigned>{13});
    CHECK_FALSE(w.fault);
    CHECK(w.left == 4);
}

TEST_CASE("the longest possible chain of payloads ends") {
    std::string chain;
    for (int i = 0; i < 16000; ++i) {
        chain += "29000004";
    }
    const auto w = read(message(41, chain));
    CHECK(w.types.size() == 16000);
    CHECK(w.fault.error == payload_error::truncated_header);
    CHECK(w.fault.offset == 28 + 64000);
}

TEST_CASE("R3: the payloads that are here of an IP fragment are read, and the cut is told") {
    const auto& m = ike_messages::sa_init_response;
    for (std::size_t size = 28; size <= m.size(); ++size) {
        CAPTURE(size);
        const std::vector<std::uint8_t> part(m.begin(), m.begin() + static_cast<std::ptrdiff_t>(size));
        payload_reader reader(ike_view::parse(part, m.size()).view);
        std::size_t end = 28;
        while (const auto p = reader.next()) {
            end = p->body_offset() + p->body.size();
            CHECK(end <= size);
        }
        CHECK(reader.fault().offset == (size == m.size() ? 0 : end));
        CHECK(static_cast<bool>(reader.fault()) == (size != m.size()));
    }
}
