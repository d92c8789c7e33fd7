// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/link.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

using namespace ikealg;
using namespace ikealg::io;

namespace {

using octets = std::vector<std::uint8_t>;

/// `size` zeros with `tail` at the end.
octets ending_in(std::size_t size, std::initializer_list<std::uint8_t> tail) {
    octets all(size - tail.size());
    all.insert(all.end(), tail);
    return all;
}

struct row {
    const char* what;
    link_type type;
    octets frame;
    link_info expected;
};

link_info found(std::size_t offset, std::uint16_t ethertype) {
    return {link_fault::none, offset, ethertype};
}
link_info fault(link_fault why) {
    return {why, 0, 0};
}

}  // namespace

TEST_CASE("the network header is found behind each link layer") {
    using enum link_type;
    const std::vector<row> rows{
        {"ethernet, IPv4", ethernet, ending_in(14, {0x08, 0x00}), found(14, 0x0800)},
        {"ethernet, IPv6", ethernet, ending_in(14, {0x86, 0xdd}), found(14, 0x86dd)},
        {"ethernet, ARP", ethernet, ending_in(14, {0x08, 0x06}), found(14, 0x0806)},
        {"ethernet, smallest EtherType", ethernet, ending_in(14, {0x06, 0x00}), found(14, 0x0600)},
        {"ethernet, 802.3 length", ethernet, ending_in(14, {0x05, 0xff}), fault(link_fault::no_ethertype)},
        {"ethernet, 13 bytes", ethernet, octets(13), fault(link_fault::too_short)},
        {"ethernet, nothing", ethernet, {}, fault(link_fault::too_short)},
        {"one tag 0x8100", ethernet, ending_in(18, {0x81, 0, 0, 5, 0x08, 0}), found(18, 0x0800)},
        {"one tag 0x88a8", ethernet, ending_in(18, {0x88, 0xa8, 0, 5, 0x86, 0xdd}), found(18, 0x86dd)},
        {"one tag 0x9100", ethernet, ending_in(18, {0x91, 0, 0, 5, 0x08, 0}), found(18, 0x0800)},
        {"two tags", ethernet, ending_in(22, {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x08, 0}), found(22, 0x0800)},
        {"three tags", ethernet, ending_in(26, {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, 0x08, 0}),
         fault(link_fault::too_many_tags)},
        {"tag cut", ethernet, ending_in(17, {0x81, 0, 0, 5, 0x08}), fault(link_fault::too_short)},
        {"second tag cut", ethernet, ending_in(21, {0x81, 0, 0, 5, 0x81, 0, 0, 6, 0x08}), fault(link_fault::too_short)},
        {"tag before a length", ethernet, ending_in(18, {0x81, 0, 0, 5, 0x00, 0x40}), fault(link_fault::no_ethertype)},
        {"raw, IPv4", raw, {0x45}, found(0, 0x0800)},
        {"raw, IPv6", raw, {0x60}, found(0, 0x86dd)},
        {"raw, version 5", raw, {0x50}, fault(link_fault::not_ip)},
        {"raw, nothing", raw, {}, fault(link_fault::too_short)},
        {"IPV4", raw_ipv4, {}, found(0, 0x0800)},
        {"IPV6", raw_ipv6, {}, found(0, 0x86dd)},
        {"null, little endian, IPv4", null, {2, 0, 0, 0}, found(4, 0x0800)},
        {"null, big endian, IPv4", null, {0, 0, 0, 2}, found(4, 0x0800)},
        {"null, IPv6 of Linux", null, {10, 0, 0, 0}, found(4, 0x86dd)},
        {"null, IPv6 of NetBSD", null, {0, 0, 0, 24}, found(4, 0x86dd)},
        {"null, IPv6 of FreeBSD", null, {28, 0, 0, 0}, found(4, 0x86dd)},
        {"null, IPv6 of macOS", null, {30, 0, 0, 0}, found(4, 0x86dd)},
        {"null, another family", null, {7, 0, 0, 0}, fault(link_fault::not_ip)},
        {"null, 3 bytes", null, {2, 0, 0}, fault(link_fault::too_short)},
        {"loop, IPv4", loop, {0, 0, 0, 2}, found(4, 0x0800)},
        {"loop is in network order", loop, {2, 0, 0, 0}, fault(link_fault::not_ip)},
        {"cooked v1", linux_sll, ending_in(16, {0x08, 0x00}), found(16, 0x0800)},
        {"cooked v1, tag", linux_sll, ending_in(20, {0x81, 0x00, 0, 5, 0x86, 0xdd}), found(20, 0x86dd)},
        {"cooked v1, 15 bytes", linux_sll, octets(15), fault(link_fault::too_short)},
        {"cooked v1, 802.2", linux_sll, ending_in(16, {0x00, 0x04}), fault(link_fault::no_ethertype)},
        {"cooked v2",
         linux_sll2,
         {0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0},
         found(20, 0x86dd)},
        {"cooked v2, 19 bytes",
         linux_sll2,
         {0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0},
         fault(link_fault::too_short)},
    };
    for (const row& r : rows) {
        CAPTURE(std::string{r.what});
        const link_info got = parse_link(r.type, r.frame);
        CHECK(describe(got.fault) == describe(r.expected.fault));
        CHECK(got.network_offset == r.expected.network_offset);
        CHECK(got.ethertype == r.expected.ethertype);
        CHECK(static_cast<bool>(got) == (r.expected.fault == link_fault::none));
    }
}

TEST_CASE("link type numbers and names") {
    CHECK(find_link_type(1) == link_type::ethernet);
    for (const int raw : {12, 14, 101}) {
        CHECK(find_link_type(raw) == link_type::raw);
    }
    CHECK(find_link_type(276) == link_type::linux_sll2);
    CHECK_FALSE(find_link_type(105).has_value());
    CHECK_FALSE(find_link_type(-1).has_value());
    for (const link_type_name& r : link_type_names) {
        CHECK(find_link_type(r.number) == r.type);
        CHECK(to_string(r.type) == r.name);
    }
}

TEST_CASE("a written header is read back, with addresses made from those of the packet") {
    octets v4(20);
    v4[0] = 0x45;
    v4[12] = 10;
    v4[15] = 1;
    v4[16] = 198;
    v4[19] = 2;
    const auto header = make_link_header(link_type::ethernet, v4);
    REQUIRE(header.has_value());
    const octets expected{0x02, 0, 198, 0, 0, 2, 0x02, 0, 10, 0, 0, 1, 0x08, 0x00};
    CHECK(octets{header->view().begin(), header->view().end()} == expected);
    CHECK(parse_link(link_type::ethernet, header->view()) == found(14, 0x0800));

    octets v6(40);
    v6[0] = 0x60;
    v6[8] = 0x20;
    v6[23] = 0x01;
    v6[24] = 0x30;
    v6[28] = 0x05;
    const auto header6 = make_link_header(link_type::ethernet, v6);
    REQUIRE(header6.has_value());
    const octets expected6{0x02, 0x06, 0x35, 0, 0, 0, 0x02, 0x06, 0x20, 0, 0, 1, 0x86, 0xdd};
    CHECK(octets{header6->view().begin(), header6->view().end()} == expected6);

    CHECK(make_link_header(link_type::raw, v6)->view().empty());
    v4.resize(19);
    CHECK(make_link_header(link_type::ethernet, v4)->octets[2] == 0);
    CHECK_FALSE(make_link_header(link_type::ethernet, octets{0x50}).has_value());
    CHECK_FALSE(make_link_header(link_type::raw, octets{}).has_value());
    CHECK_FALSE(make_link_header(link_type::linux_sll, v6).has_value());
}
