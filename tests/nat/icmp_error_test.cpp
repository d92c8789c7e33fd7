// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/icmp_error.hpp"

#include <doctest/doctest.h>

#include "support/packets.hpp"

using namespace ikealg_tests;
using namespace ikealg::nat;

namespace {

template <class Family>
typename Family::address at(std::uint32_t n) {
    if constexpr (Family::version == 4) {
        return {0x0a00'0000U + n};
    } else {
        return {0x2001'0db8'0000'0000U + n, 0xffff'0000'1234'0000U + n};
    }
}

}  // namespace

TEST_CASE_TEMPLATE("N8: the quote and the outer header are rewritten from either side, as if built anew (RFC 5508)", Family, ipv4, ipv6) {
    const auto client = at<Family>(11);
    const auto nat = at<Family>(0x77'1234);
    const auto server = at<Family>(0x99'0001);
    const auto router = at<Family>(0x55'0001);
    const bool v4_family = Family::version == 4;
    const std::uint8_t type = v4_family ? 3 : 2;
    const std::uint8_t icmp_protocol = v4_family ? 1 : 58;
    const std::uint8_t request = v4_family ? 8 : 128;
    const std::uint8_t reply = v4_family ? 0 : 129;
    struct row {
        std::uint8_t protocol;
        std::uint32_t out, in;
        octets sent, seen_outside, arrived, seen_inside;
    };
    const octets body(20, 0x42);
    const auto ping = [&](auto from, auto to, std::uint8_t t, std::uint32_t id) { return icmp(from, to, t, 0, id << 16 | 1, body); };
    const row rows[]{
        {17, port_selector(port{6000}, port{53}), port_selector(port{53}, port{7001}), udp(client, 6000, server, 53, body),
         udp(nat, 7001, server, 53, body), udp(server, 53, nat, 7001, body), udp(server, 53, client, 6000, body)},
        {6, port_selector(port{6000}, port{80}), port_selector(port{80}, port{7002}), tcp(client, 6000, server, 80, 2, body),
         tcp(nat, 7002, server, 80, 2, body), tcp(server, 80, nat, 7002, 2, body), tcp(server, 80, client, 6000, 2, body)},
        {50, 0xb001, 0xa001, esp(client, server, 0xb001, 4), esp(nat, server, 0xb001, 4), esp(server, nat, 0xa001, 4), esp(server, client, 0xa001, 4)},
        {icmp_protocol, port_selector(port{5}, port{5}), port_selector(port{9}, port{9}), ping(client, server, request, 5),
         ping(nat, server, request, 9), ping(server, nat, reply, 9), ping(server, client, reply, 5)},
    };
    for (const row& r : rows) {
        CAPTURE(int{r.protocol});
        flow_store<Family> store(4, hash_secret::from_seed(1));
        flow<Family> f;
        f.outbound = {client, server, r.out, zone_id{0}, r.protocol, 0};
        f.inbound = {server, nat, r.in, zone_id{1}, r.protocol, 0};
        f.flags = flow_flag::has_outbound | flow_flag::has_inbound | (r.protocol == 50 ? flow_flag::has_quote : std::uint8_t{0});
        const auto added = store.add(f);
        REQUIRE(added.result == add_result::added);
        for (const std::size_t quote : {std::size_t{Family::version == 4 ? 28U : 48U}, std::size_t{1000}}) {
            CAPTURE(quote);
            const auto cut = [&](octets p) {
                p.resize(std::min(p.size(), quote));
                return p;
            };
            const auto go = [&](octets error, const octets& quoted_bytes, bool from_outside) {
                const auto outer = wire::parse_packet<Family>(error);
                REQUIRE(outer);
                const auto quoted = wire::quoted_packet<Family>(quoted_bytes);
                REQUIRE(quoted);
                error_match m = find_quoted(store, quoted.summary, from_outside ? zone_id{1} : zone_id{0});
                if (r.protocol == 50 && !from_outside) {
                    CHECK(m.flow == npos);  // the gateway asks the client's pair (no ports to find it by)
                    m = {added.index, false};
                }
                REQUIRE(m.flow == added.index);
                CHECK(m.from_outside == from_outside);
                rewrite_error(mutable_bytes{error}, outer.summary, quoted.summary, store[m.flow], m.from_outside, {false, false, 0});
                return error;
            };
            CHECK(go(icmp(router, nat, type, 0, 1280, cut(r.seen_outside)), cut(r.seen_outside), true) ==
                  icmp(router, client, type, 0, 1280, cut(r.sent)));
            CHECK(go(icmp(router, server, type, 0, 1280, cut(r.seen_inside)), cut(r.seen_inside), false) ==
                  icmp(nat, server, type, 0, 1280, cut(r.arrived)));
        }
    }
}

TEST_CASE("N8: a quote of nothing that is translated finds nothing") {
    flow_store<ipv4> store(4, hash_secret::from_seed(1));
    const octets later = ip4(17, at<ipv4>(1), at<ipv4>(2), octets(16), {64, 1, false, false, 4});
    CHECK(find_quoted(store, wire::quoted_packet<ipv4>(later).summary, zone_id{1}).flow == npos);
    CHECK(find_quoted(store, wire::quoted_packet<ipv4>(udp(at<ipv4>(1), 1, at<ipv4>(2), 2)).summary, zone_id{1}).flow == npos);
    CHECK(find_quoted(store, wire::quoted_packet<ipv4>(ah(at<ipv4>(1), at<ipv4>(2), 5)).summary, zone_id{1}).flow == npos);
}
