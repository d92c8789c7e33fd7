// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/flow.hpp"

#include <doctest/doctest.h>

#include "ikealg/base/hash.hpp"
#include "support/addresses.hpp"

using namespace ikealg;
using namespace ikealg::nat;
using tests::numbered;

TEST_CASE("port_selector() has the source in the high half; swapped() is the other side's") {
    CHECK(port_selector(port{500}, port{4500}) == 500U * 65536 + 4500);
    CHECK(swapped(port_selector(port{1}, port{2})) == port_selector(port{2}, port{1}));
    CHECK(swapped(swapped(0x1234'5678U)) == 0x1234'5678U);
}

TEST_CASE_TEMPLATE("N13: each field of a flow key tells flows apart", Family, ipv4, ipv6) {
    using key = flow_key<Family>;
    const key base{numbered<Family>(1), numbered<Family>(2), 3, zone_id{4}, 17, 0};
    const key others[]{{numbered<Family>(9), numbered<Family>(2), 3, zone_id{4}, 17, 0},
                       {numbered<Family>(1), numbered<Family>(9), 3, zone_id{4}, 17, 0},
                       {numbered<Family>(1), numbered<Family>(2), 9, zone_id{4}, 17, 0},
                       {numbered<Family>(1), numbered<Family>(2), 3, zone_id{9}, 17, 0},
                       {numbered<Family>(1), numbered<Family>(2), 3, zone_id{4}, 6, 0},
                       {numbered<Family>(1), numbered<Family>(2), 3, zone_id{4}, 17, 1}};
    for (const key& k : others) {
        CHECK(k != base);
        CHECK(k.words() != base.words());
    }
    CHECK(key(base) == base);
}

TEST_CASE_TEMPLATE("N10: deltas carry the addresses, and the ports where there are any", Family, ipv4, ipv6) {
    small_random random(3);
    for (int i = 0; i < 500; ++i) {
        flow<Family> f;
        const auto protocol = std::array{ip_protocol::udp, ip_protocol::tcp, ip_protocol::esp}[random() % 3];
        const auto client = numbered<Family>(static_cast<std::uint32_t>(random() % 65536));
        const auto server = numbered<Family>(static_cast<std::uint32_t>(random() % 65536));
        const auto nat = numbered<Family>(static_cast<std::uint32_t>(random() % 65536));
        const auto out = static_cast<std::uint32_t>(random());
        const auto in = static_cast<std::uint32_t>(random());
        f.outbound = {client, server, out, zone_id{0}, static_cast<std::uint8_t>(protocol), 0};
        f.inbound = {server, nat, in, zone_id{1}, static_cast<std::uint8_t>(protocol), 0};
        compute_deltas(f);
        const bool esp = protocol == ip_protocol::esp;
        const auto words = [](std::uint32_t selector) { return std::uint64_t{selector >> 16} + (selector & 0xffff); };
        const std::uint64_t before = 0x1234 + sum_of(client) + sum_of(server) + (esp ? 0 : words(out));
        const std::uint64_t after = 0x1234 + sum_of(nat) + sum_of(server) + (esp ? 0 : words(in));
        CHECK(f.transport_delta.apply(finish_checksum(before)) == finish_checksum(after));
        CHECK(f.transport_delta.inverse().apply(finish_checksum(after)) == finish_checksum(before));
        CHECK(f.address_delta.apply(finish_checksum(0x99 + sum_of(client))) == finish_checksum(0x99 + sum_of(nat)));
        CHECK(f.has(flow_flag::untranslated) == (client == nat && (esp || out == swapped(in))));
    }
}

TEST_CASE("N8: the quote key of an ESP flow is the outbound packet as seen outside, swapped, and equals no packet's key") {
    flow<ipv4> f;
    f.outbound = {{1}, {2}, 0xabcd, zone_id{0}, 50, 0};
    f.inbound = {{2}, {3}, 0, zone_id{1}, 50, 0};
    CHECK(quote_key(f) == flow_key<ipv4>{{2}, {3}, 0xabcd, zone_id{1}, 50, 1});
}
