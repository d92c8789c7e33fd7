// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/ike_sa_payload.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "support/ike_messages.hpp"

namespace wire = ikealg::wire;
namespace ike_messages = ikealg_tests::ike_messages;
using ikealg_tests::from_hex;
using wire::ike_view;
using wire::payload_error;
using wire::payload_type;

namespace {

wire::payload first_payload(const std::vector<std::uint8_t>& m) {
    wire::payload_reader reader(ike_view::parse(m).view);
    return reader.next().value();
}

/// An SA payload of this body, as it would stand behind the IKE header.
wire::payload sa(payload_type type, const std::vector<std::uint8_t>& body) {
    wire::payload p;
    p.type = type;
    p.offset = 28;
    p.body = body;
    return p;
}

wire::payload_fault fault_of(const wire::payload& p) {
    wire::proposal_reader proposals(p);
    wire::payload_fault first;
    while (const auto q = proposals.next()) {
        auto transforms = q->transforms();
        while (const auto t = transforms.next()) {
            auto attributes = t->attributes();
            while (attributes.next()) {
            }
            CHECK_FALSE(attributes.next());
            first = first ? first : attributes.fault();
        }
        first = first ? first : transforms.fault();
    }
    return first ? first : proposals.fault();
}

std::vector<unsigned> clear_types(const std::vector<std::uint8_t>& m) {
    std::vector<unsigned> types;
    (void)wire::visit_clear_types(ike_view::parse(m).view,
                                  [&](payload_type t) { types.push_back(static_cast<unsigned>(t)); });
    return types;
}

/// The same list, made with plain indices.
struct reference {
    const std::vector<std::uint8_t>& m;
    std::size_t end;
    std::vector<unsigned> types;

    unsigned word(std::size_t at) const { return m[at] * 256U + m[at + 1]; }
    /// Length of the element at `at` if it lies before `limit`; else 0.
    std::size_t element(std::size_t at, std::size_t limit, std::size_t least) const {
        if (limit - at < 4) {
            return 0;
        }
        const std::size_t n = word(at + 2);
        return n < least || n > limit - at ? 0 : n;
    }
    void transforms(std::size_t at, std::size_t limit) {
        for (unsigned type = at < limit ? 3 : 0; type == 3;) {
            const std::size_t n = element(at, limit, 8);
            if (n == 0) {
                return;
            }
            types.push_back(3);
            type = m[at];
            at += n;
        }
    }
    void proposals(std::size_t at, std::size_t limit) {
        for (unsigned type = at < limit ? 2 : 0; type == 2;) {
            const std::size_t n = element(at, limit, 8);
            if (n == 0 || m[at + 6] > n - 8) {
                return;
            }
            types.push_back(2);
            transforms(at + 8 + m[at + 6], at + n);
            type = m[at];
            at += n;
        }
    }
    void payloads() {
        const unsigned major = m[17] >> 4U;
        if ((major != 1 && major != 2) || (major == 1 && m[19] % 2 == 1)) {
            return;
        }
        std::size_t at = 28;
        for (unsigned type = m[16]; type != 0;) {
            const std::size_t n = element(at, end, 4);
            if (n == 0) {
                return;
            }
            types.push_back(type);
            if (type == 33) {
                proposals(at + 4, at + n);
            } else if (type == 1 && n >= 12 && word(at + 4) == 0 && word(at + 6) == 1 && m[at + 11] / 2 % 4 == 0) {
                proposals(at + 12, at + n);
            }
            if (type == 46 || type == 53 || type == 132) {
                return;
            }
            type = m[at];
            at += n;
        }
    }
};

}  // namespace

TEST_CASE("the proposal of an IKE_SA_INIT") {
    const auto p = first_payload(ike_messages::sa_init_response);
    wire::proposal_reader proposals(p);
    const auto q = proposals.next();
    REQUIRE(q);
    CHECK_FALSE(q->is_v1);
    CHECK(q->number == 1);
    CHECK(q->protocol == 1);
    CHECK(q->announced_transforms == 4);
    CHECK(q->offset == 32);
    CHECK(q->spi.empty());

    struct row {
        std::uint8_t type;
        std::uint16_t id;
        std::size_t offset;
    };
    auto transforms = q->transforms();
    for (const row& r : {row{1, 12, 40}, row{3, 12, 52}, row{2, 5, 60}, row{4, 14, 68}}) {
        const auto t = transforms.next();
        REQUIRE(t);
        CHECK(t->type == r.type);
        CHECK(t->id == r.id);
        CHECK(t->offset == r.offset);
        auto attributes = t->attributes();
        const auto a = attributes.next();
        CHECK(a.has_value() == (r.type == 1));
        if (a) {
            CHECK(a->type == 14);
            CHECK(a->is_short);
            CHECK(a->value == 256);
            CHECK(a->offset == 48);
        }
        CHECK_FALSE(attributes.next());
    }
    CHECK_FALSE(transforms.next());
    CHECK_FALSE(transforms.fault());
    CHECK_FALSE(proposals.next());
    CHECK_FALSE(proposals.fault());
}

TEST_CASE("the proposal of a Main Mode") {
    const auto p = first_payload(ike_messages::main_mode_1);
    wire::proposal_reader proposals(p);
    const auto q = proposals.next();
    REQUIRE(q);
    CHECK(q->is_v1);
    CHECK(q->number == 0);
    CHECK(q->protocol == 1);
    CHECK(q->announced_transforms == 1);
    CHECK(q->offset == 40);
    auto transforms = q->transforms();
    const auto t = transforms.next();
    REQUIRE(t);
    CHECK(t->is_v1);
    CHECK(t->number == 0);
    CHECK(t->id == 1);
    CHECK(t->offset == 48);
    auto attributes = t->attributes();
    std::vector<std::pair<unsigned, unsigned>> values;
    while (const auto a = attributes.next()) {
        values.emplace_back(a->type, a->value);
    }
    CHECK(values ==
          std::vector<std::pair<unsigned, unsigned>>{{11, 1}, {12, 3600}, {1, 7}, {2, 4}, {3, 1}, {4, 14}, {14, 256}});
    CHECK_FALSE(transforms.next());
    CHECK_FALSE(proposals.next());
}

TEST_CASE("long attributes carry their bytes; one of length zero is an attribute") {
    const auto body = from_hex("000b 0004 0000000a 000c 0000 800e 0100");
    wire::attribute_reader reader(body, 100);
    auto a = reader.next();
    REQUIRE(a);
    CHECK(a->type == 11);
    CHECK_FALSE(a->is_short);
    CHECK(std::vector<std::uint8_t>(a->data.begin(), a->data.end()) == from_hex("0000000a"));
    a = reader.next();
    CHECK(a->type == 12);
    CHECK(a->data.empty());
    CHECK(a->offset == 108);
    a = reader.next();
    CHECK(a->value == 256);
    CHECK(std::vector<std::uint8_t>(a->data.begin(), a->data.end()) == from_hex("0100"));
    CHECK_FALSE(reader.next());
    CHECK_FALSE(reader.fault());
}

TEST_CASE("R3: malformed SA payloads end with a fault that says what and where") {
    struct row {
        const char* what;
        payload_type type;
        const char* body;
        payload_error error;
        payload_type at_type;
        std::size_t offset;
    };
    const auto v1 = payload_type::sa_v1;
    const auto v2 = payload_type::sa;
    const auto p = payload_type::proposal;
    const auto t = payload_type::transform;
    for (const row& r : {
             row{"no proposal at all", v2, "", payload_error::none, payload_type::none, 0},
             row{"proposal header cut", v2, "00 00 00", payload_error::truncated_header, p, 32},
             row{"proposal of length zero", v2, "00 00 0000 01 01 00 00", payload_error::length_below_header, p, 32},
             row{"proposal of length four", v2, "00 00 0004 01 01 00 00", payload_error::length_below_header, p, 32},
             row{"proposal too long", v2, "00 00 0009 01 01 00 00", payload_error::length_beyond_end, p, 32},
             row{"proposal without transforms", v2, "00 00 0008 01 01 00 00", payload_error::none, payload_type::none,
                 0},
             row{"SPI too long", v2, "00 00 0008 01 03 01 00", payload_error::spi_beyond_end, p, 32},
             row{"SPI of 255", v2, "00 00 000c 01 03 ff 00 01020304", payload_error::spi_beyond_end, p, 32},
             row{"second proposal missing", v2, "02 00 0008 01 01 00 00", payload_error::truncated_header, p, 40},
             row{"a payload among the proposals", v2, "22 00 0008 01 01 00 00 00 00 0008 01 01 00 00",
                 payload_error::unexpected_type, payload_type::key_exchange, 40},
             row{"transform of length zero", v2, "00 00 0010 01 01 00 01 00 00 0000 01 00 000c",
                 payload_error::length_below_header, t, 40},
             row{"transform without its fixed part", v2, "00 00 000c 01 01 00 01 00 00 0004",
                 payload_error::length_below_header, t, 40},
             row{"transform beyond its proposal", v2,
                 "02 00 0010 01 01 00 01 00 00 0010 01 00 000c 00 00 0008 02 01 00 00",
                 payload_error::length_beyond_end, t, 40},
             row{"transform announces a proposal", v2, "00 00 0010 01 01 00 01 02 00 0008 01 00 000c",
                 payload_error::unexpected_type, p, 48},
             row{"attribute cut", v2, "00 00 0012 01 01 00 01 00 00 000a 01 00 000c 80 0e",
                 payload_error::truncated_header, t, 48},
             row{"attribute too long", v2, "00 00 0014 01 01 00 01 00 00 000c 01 00 000c 000e 0001",
                 payload_error::length_beyond_end, t, 48},
             row{"v1: no situation", v1, "00000001 000000", payload_error::unknown_situation, v1, 28},
             row{"v1: ISAKMP DOI", v1, "00000000 00000001", payload_error::unknown_situation, v1, 28},
             row{"v1: labelled situation", v1, "00000001 00000003", payload_error::unknown_situation, v1, 28},
             row{"v1: no proposal", v1, "00000001 00000001", payload_error::none, payload_type::none, 0},
             row{"v1: proposal too long", v1, "00000001 00000001 00 00 0009 01 01 00 00",
                 payload_error::length_beyond_end, p, 40},
         }) {
        CAPTURE(r.what);
        const auto body = from_hex(r.body);
        CHECK(fault_of(sa(r.type, body)) == wire::payload_fault{r.error, r.at_type, r.offset});
    }
}

TEST_CASE("255 proposals of 255 transforms are read, whatever they announce") {
    std::string transforms;
    for (int i = 0; i < 255; ++i) {
        transforms += i < 254 ? "03000008" : "00000008";
        transforms += "0100000c";
    }
    // A payload holds 65535 bytes: 31 such proposals, and 255 small ones in another.
    std::string large;
    for (int i = 0; i < 31; ++i) {
        large += i < 30 ? "02" : "00";
        large += "0008000101000a" + transforms;  // 2048 bytes; announces ten
    }
    std::string small;
    for (int i = 0; i < 255; ++i) {
        small += i < 254 ? "02" : "00";
        small +=
            "00001001010001"
            "000000080100000c";
    }
    const auto count = [](const std::vector<std::uint8_t>& body) {
        std::pair<std::size_t, std::size_t> n;
        const auto p = sa(payload_type::sa, body);
        wire::proposal_reader proposals(p);
        while (const auto q = proposals.next()) {
            ++n.first;
            auto t = q->transforms();
            while (t.next()) {
                ++n.second;
            }
            CHECK_FALSE(t.fault());
        }
        CHECK_FALSE(proposals.fault());
        return n;
    };
    CHECK(count(from_hex(large)) == std::pair<std::size_t, std::size_t>{31, 31 * 255});
    CHECK(count(from_hex(small)) == std::pair<std::size_t, std::size_t>{255, 255});
}

TEST_CASE("clear types depth first, as an independent decoder lists them") {
    CHECK(clear_types(ike_messages::sa_init_response) ==
          std::vector<unsigned>{33, 2, 3, 3, 3, 3, 34, 40, 41, 41, 38, 41, 41, 41, 41});
    CHECK(clear_types(ike_messages::aggressive_2) ==
          std::vector<unsigned>{1, 2, 3, 4, 10, 5, 13, 13, 13, 13, 20, 20, 8});
    CHECK(clear_types(ike_messages::quick_mode_3).empty());
    CHECK(clear_types(ike_messages::auth_fragment_2_of_2) == std::vector<unsigned>{53});
}

TEST_CASE("R3: a faulty SA does not hide the payloads behind it") {
    auto m = ike_messages::sa_init_response;
    m[35] = 0xff;  // length of the proposal
    std::vector<unsigned> types;
    const auto fault = wire::visit_clear_types(ike_view::parse(m).view,
                                               [&](payload_type t) { types.push_back(static_cast<unsigned>(t)); });
    CHECK(types == std::vector<unsigned>{33, 34, 40, 41, 41, 38, 41, 41, 41, 41});
    CHECK(fault == wire::payload_fault{payload_error::length_beyond_end, payload_type::proposal, 32});
}

TEST_CASE("L6: mutated messages give the list that a plain reading gives, and no byte beyond them is read") {
    constexpr unsigned seed = 20240229;
    std::mt19937 random(seed);
    const std::array<const std::vector<std::uint8_t>*, 5> originals{
        &ike_messages::main_mode_1, &ike_messages::aggressive_2, &ike_messages::sa_init_request,
        &ike_messages::sa_init_response, &ike_messages::invalid_ke_payload};
    unsigned with_fault = 0;
    for (unsigned round = 0; round < 20000; ++round) {
        CAPTURE(seed);
        CAPTURE(round);
        auto m = *originals[random() % originals.size()];
        // Most headers of proposals and transforms are near the start.
        const std::size_t range = random() % 2 == 0 ? std::min<std::size_t>(m.size(), 120) : m.size();
        for (unsigned i = random() % 4; i != ~0U; --i) {
            const std::size_t at = 16 + random() % (range - 16);
            m[at] = static_cast<std::uint8_t>(random() % 2 == 0 ? random() : m[at] ^ (1U << random() % 8));
        }
        ikealg::store_be32(&m[24], static_cast<std::uint32_t>(m.size()));
        reference expected{m, m.size(), {}};
        expected.payloads();
        REQUIRE(clear_types(m) == expected.types);
        const auto fault = wire::visit_clear_types(ike_view::parse(m).view, [](payload_type) {});
        with_fault += fault ? 1U : 0U;
        if (fault) {
            CHECK(fault.offset >= 28);
            CHECK(fault.offset <= m.size());
        }
        wire::payload_reader payloads(ike_view::parse(m).view);
        while (const auto p = payloads.next()) {
            (void)fault_of(*p);
        }
    }
    CHECK(with_fault > 1000);
}
