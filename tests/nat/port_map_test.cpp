// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/port_map.hpp"

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

using namespace ikealg;
using nat::port_limits;
using nat::port_result;

namespace {

using map4 = nat::port_map<ipv4>;
using end4 = nat::client_end<ipv4>;

const hash_secret secret = hash_secret::from_seed(11);
constexpr vrf_id vrf0{0};
constexpr ipv4_address outside{0xc633'6401};
constexpr ipv4_address server{0xcb00'7101};

end4 end_of(std::uint32_t client, std::uint16_t p, ip_protocol protocol = ip_protocol::udp) {
    return {{0x0a00'0000 + client}, outside, vrf0, protocol, {p}};
}

}  // namespace

TEST_CASE("N14: one client port has one external port, whoever it talks to, while flows refer to it") {
    map4 m(8, secret);
    const auto first = m.acquire(end_of(1, 5000), {});
    REQUIRE(first.result == port_result::mapped);
    CHECK(m[first.ref].external == port{5000});
    CHECK(m.acquire(end_of(1, 5000), {}).ref == first.ref);
    CHECK(m[first.ref].references == 2);
    CHECK(m.find_external(vrf0, outside, ip_protocol::udp, port{5000}) == first.ref);
    CHECK(m.find_external(vrf_id{1}, outside, ip_protocol::udp, port{5000}) == npos);
    CHECK(m.find_external(vrf0, outside, ip_protocol::tcp, port{5000}) == npos);
    CHECK_FALSE(m.release(first.ref));
    CHECK(m.find(end_of(1, 5000)) == first.ref);
    CHECK(m.release(first.ref));
    CHECK(m.find(end_of(1, 5000)) == npos);
    CHECK(m.find_external(vrf0, outside, ip_protocol::udp, port{5000}) == npos);
    CHECK(m.size() == 0);
}

TEST_CASE("N14: a port taken by another client is replaced by one of the same class (RFC 4787 REQ-3)") {
    map4 m(8, secret);
    for (const auto protocol : {ip_protocol::udp, ip_protocol::tcp}) {
        for (const std::uint16_t p : {std::uint16_t{123}, std::uint16_t{40000}}) {
            CAPTURE(p);
            const auto first = m.acquire(end_of(1, p, protocol), {});
            const auto second = m.acquire(end_of(2, p, protocol), {});
            CHECK(m[first.ref].external == port{p});
            CHECK(m[second.ref].external != port{p});
            CHECK((m[second.ref].external.value < 1024) == (p < 1024));
            CHECK(m[second.ref].external.value != 0);
        }
    }
}

TEST_CASE("N14: ICMP echo identifiers are kept when free and may be any of 65536") {
    map4 m(8, secret);
    CHECK(m[m.acquire(end_of(1, 0, ip_protocol::icmp), {}).ref].external == port{0});
    CHECK(m[m.acquire(end_of(2, 500, ip_protocol::icmp), {}).ref].external == port{500});
    CHECK(m[m.acquire(end_of(3, 500, ip_protocol::icmp), {}).ref].external != port{500});
}

TEST_CASE("N3: UDP 500 is never handed out while it is the ALG's") {
    map4 m(2048, secret);
    const auto wanted = m.acquire(end_of(1, 500), {});
    REQUIRE(wanted.result == port_result::mapped);
    CHECK(m[wanted.ref].external != port{500});
    for (std::uint32_t i = 0; i < 600; ++i) {
        const auto made = m.acquire(end_of(2 + i, 77), {});
        REQUIRE(made.result == port_result::mapped);
        REQUIRE(m[made.ref].external != port{500});
    }
    CHECK(m[m.acquire(end_of(1, 500, ip_protocol::tcp), {}).ref].external == port{500});
    port_limits no_alg;
    no_alg.reserve_ike = false;
    CHECK(m[m.acquire(end_of(5000, 500), no_alg).ref].external == port{500});
}

TEST_CASE("N3: 4500 stays for clients that use it") {
    port_limits few;
    few.first = port{4499};
    few.last = port{4501};
    map4 m(8, secret);
    std::set<std::uint16_t> got;
    for (std::uint32_t i = 0; i < 2; ++i) {
        const auto made = m.acquire(end_of(i, 2000), few);
        REQUIRE(made.result == port_result::mapped);
        got.insert(m[made.ref].external.value);
    }
    CHECK(got == std::set<std::uint16_t>{4499, 4501});
    CHECK(m.acquire(end_of(3, 2000), few).result == port_result::exhausted);
    CHECK(m[m.acquire(end_of(4, 4500), few).ref].external == port{4500});
}

TEST_CASE("N3: a port of the ALG's own follows from (client, server) and collides with nothing") {
    map4 m(64, secret);
    map4 standby(64, secret);
    const auto own = m.reserve_for(end_of(1, 500), server, {}, 42);
    REQUIRE(own.result == port_result::mapped);
    CHECK(m[own.ref].reserved);
    CHECK(m[own.ref].owner == 42);
    CHECK(m[own.ref].external.value >= 1024);
    CHECK(m.find(end_of(1, 500)) == npos);
    CHECK(m.find_external(vrf0, outside, ip_protocol::udp, m[own.ref].external) == own.ref);

    auto elsewhere = end_of(1, 501);
    elsewhere.nat = {0xc633'6402};
    CHECK(standby[standby.reserve_for(elsewhere, server, {}, 7).ref].external == m[own.ref].external);
    map4 other_secret(64, hash_secret::from_seed(12));
    CHECK(other_secret[other_secret.reserve_for(end_of(1, 500), server, {}, 7).ref].external != m[own.ref].external);

    const auto again = m.reserve_for(end_of(1, 500), server, {}, 43);
    CHECK(m[again.ref].external != m[own.ref].external);
    const auto plain = m.acquire(end_of(9, m[own.ref].external.value), {});
    CHECK(m[plain.ref].external != m[own.ref].external);
    CHECK(m.reserve(end_of(3, 500), m[plain.ref].external, 1).result == port_result::exhausted);
    CHECK(m.release(own.ref));
    CHECK(m.reserve_for(end_of(1, 500), server, {}, 44).result == port_result::mapped);
    CHECK(m.reserve(end_of(3, 500), port{500}, 1).result == port_result::mapped);
}

TEST_CASE("N6: a pool's port range is used to its last port, then reported exhausted") {
    for (const std::uint16_t count :
         {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{7}, std::uint16_t{96}, std::uint16_t{128}}) {
        CAPTURE(count);
        port_limits few;
        few.first = port{20000};
        few.last = port{static_cast<std::uint16_t>(20000 + count - 1)};
        map4 m(200, secret);
        std::set<std::uint16_t> got;
        std::vector<std::uint32_t> refs;
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto made = m.acquire(end_of(i, 3000), few);
            REQUIRE(made.result == port_result::mapped);
            refs.push_back(made.ref);
            got.insert(m[made.ref].external.value);
        }
        CHECK(got.size() == count);
        CHECK(*got.begin() == 20000);
        CHECK(*got.rbegin() == 20000 + count - 1);
        CHECK(m.acquire(end_of(999, 3000), few).result == port_result::exhausted);
        CHECK(m.acquire(end_of(999, 20000), few).result == port_result::exhausted);
        m.release(refs.back());
        CHECK(m.acquire(end_of(999, 3000), few).result == port_result::mapped);
    }
}

TEST_CASE("RFC 4787 REQ-3: without low ports in the pool low clients get high ones; an empty range is exhausted") {
    map4 m(8, secret);
    port_limits limits;
    limits.low_first = port{1};
    limits.low_last = port{0};
    CHECK(m[m.acquire(end_of(1, 22), limits).ref].external.value >= 1024);
    limits.first = port{9};
    limits.last = port{8};
    CHECK(m.acquire(end_of(2, 22), limits).result == port_result::exhausted);
    CHECK(m.size() == 1);
}

TEST_CASE("N17: without port translation every port is kept, or refused") {
    map4 m(8, secret);
    port_limits keep;
    keep.translation = false;
    CHECK(m[m.acquire(end_of(1, 500), keep).ref].external == port{500});
    CHECK(m[m.acquire(end_of(1, 80, ip_protocol::tcp), keep).ref].external == port{80});
    CHECK(m.acquire(end_of(2, 80, ip_protocol::tcp), keep).result == port_result::exhausted);
}

TEST_CASE("L1: a full port map refuses and keeps what it has") {
    map4 m(2, secret);
    const auto first = m.acquire(end_of(1, 1111), {});
    const auto own = m.reserve_for(end_of(2, 500), server, {}, 1);
    CHECK(m.acquire(end_of(3, 1111), {}).result == port_result::full);
    CHECK(m.reserve_for(end_of(3, 500), server, {}, 1).result == port_result::full);
    CHECK(m.reserve(end_of(3, 500), port{7}, 1).result == port_result::full);
    CHECK(m.acquire(end_of(1, 1111), {}).ref == first.ref);
    CHECK(m.release(own.ref));
    CHECK(m.acquire(end_of(3, 1111), {}).result == port_result::mapped);
}

TEST_CASE("N14: random histories agree with a slow model") {
    using space = std::tuple<std::uint32_t, ip_protocol, std::uint16_t>;  // nat, protocol, external
    struct model_entry {
        end4 end;
        std::uint16_t external = 0;
        std::uint32_t references = 0;
        bool reserved = false;
    };
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        const std::size_t capacity = 8 + random() % 60;
        map4 m(capacity, hash_secret::from_seed(seed));
        port_limits limits;
        limits.first = port{1024};
        limits.last = port{static_cast<std::uint16_t>(1024 + random() % 40)};
        limits.low_first = port{490};
        limits.low_last = port{510};
        std::map<std::uint32_t, model_entry> model;  // by reference
        std::map<space, std::uint32_t> taken;
        for (int step = 0; step < 1500; ++step) {
            CAPTURE(step);
            auto end = end_of(static_cast<std::uint32_t>(random() % 10), 0,
                              random() % 2 == 0 ? ip_protocol::udp : ip_protocol::tcp);
            end.nat.value += static_cast<std::uint32_t>(random() % 2);
            end.client_port =
                port{static_cast<std::uint16_t>(random() % 2 == 0 ? 490 + random() % 21 : 1020 + random() % 60)};
            const auto known = [&] {
                for (const auto& [ref, e] : model) {
                    if (!e.reserved && e.end == end) {
                        return ref;
                    }
                }
                return npos;
            }();
            REQUIRE(m.find(end) == known);
            const auto what = random() % 8;
            if (what < 4) {
                const auto made = m.acquire(end, limits);
                if (known != npos) {
                    REQUIRE(made.ref == known);
                    ++model[known].references;
                    continue;
                }
                if (model.size() == capacity) {
                    REQUIRE(made.result == port_result::full);
                    continue;
                }
                const bool low = end.client_port.value < 1024;
                const std::uint16_t first = low ? 490 : 1024;
                const std::uint16_t last = low ? 510 : limits.last.value;
                const bool udp = end.protocol == ip_protocol::udp;
                std::set<std::uint16_t> open;
                for (std::uint32_t p = first; p <= last; ++p) {
                    const auto candidate = static_cast<std::uint16_t>(p);
                    if ((!udp || p != 500) && taken.count({end.nat.value, end.protocol, candidate}) == 0) {
                        open.insert(candidate);
                    }
                }
                if (open.empty()) {
                    REQUIRE(made.result == port_result::exhausted);
                    continue;
                }
                REQUIRE(made.result == port_result::mapped);
                const std::uint16_t external = m[made.ref].external.value;
                REQUIRE(open.count(external) == 1);
                if (open.count(end.client_port.value) == 1) {
                    REQUIRE(external == end.client_port.value);
                }
                model[made.ref] = {end, external, 1, false};
                taken[{end.nat.value, end.protocol, external}] = made.ref;
            } else if (what == 4) {
                const auto own = m.reserve_for(end, server, limits, static_cast<std::uint32_t>(step));
                if (own.result == port_result::mapped) {
                    const std::uint16_t external = m[own.ref].external.value;
                    REQUIRE(external >= 1024);
                    REQUIRE(external <= limits.last.value);
                    REQUIRE(taken.count({end.nat.value, end.protocol, external}) == 0);
                    model[own.ref] = {end, external, 1, true};
                    taken[{end.nat.value, end.protocol, external}] = own.ref;
                }
            } else if (!model.empty()) {
                auto it = model.begin();
                std::advance(it, static_cast<std::ptrdiff_t>(random() % model.size()));
                const bool last = --it->second.references == 0;
                REQUIRE(m.release(it->first) == last);
                if (last) {
                    taken.erase({it->second.end.nat.value, it->second.end.protocol, it->second.external});
                    model.erase(it);
                }
            }
            REQUIRE(m.size() == model.size());
            const auto probe =
                static_cast<std::uint16_t>(random() % 2 == 0 ? 490 + random() % 21 : 1020 + random() % 60);
            const auto held = taken.find({end.nat.value, end.protocol, probe});
            REQUIRE(m.find_external(vrf0, end.nat, end.protocol, port{probe}) ==
                    (held == taken.end() ? npos : held->second));
        }
    }
}

TEST_CASE("IPv6: mappings by 128-bit addresses, and copies that go their own way") {
    nat::port_map<ipv6> m(4, secret);
    const nat::client_end<ipv6> end{ipv6_address{1, 2}, ipv6_address{3, 4}, vrf0, ip_protocol::tcp, port{80}};
    const auto made = m.acquire(end, {});
    auto copy = m;
    CHECK(copy.release(made.ref));
    CHECK(m.find(end) == made.ref);
    CHECK(m.find_external(vrf0, ipv6_address{3, 4}, ip_protocol::tcp, port{80}) == made.ref);
    CHECK(copy.find_external(vrf0, ipv6_address{3, 4}, ip_protocol::tcp, port{80}) == npos);
}
