// SPDX-License-Identifier: Apache-2.0
/// Drives a whole gateway with real packets of either family: builders with correct checksums, a recorder of verdicts, bytes and events, and peers
/// that speak IKE and ESP through it. Time is what the test says.
#ifndef IKEALG_TESTS_GATEWAY_HARNESS_HPP
#define IKEALG_TESTS_GATEWAY_HARNESS_HPP

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "support/packets.hpp"
#include "ikealg/gateway.hpp"
#include "ikealg/io/memory.hpp"
#include "support/addresses.hpp"

namespace ikealg_tests {

using namespace std::chrono_literals;
using alg::counter;
using alg::event_kind;
using wire::exchange_type;

inline constexpr zone_id inside{0};
inline constexpr zone_id outside{1};
inline const ipv4_address nat_1 = v4("203.0.113.1");
inline const ipv4_address server_1 = v4("198.51.100.1");
inline const ipv4_address server_2 = v4("198.51.100.2");

/// Client `n` of 10.0.0.0/8.
inline ipv4_address client(std::uint32_t n) { return {0x0a00'0000U + n}; }

/// The same places for either family.
template <class F>
struct at;
template <>
struct at<ipv4> {
    static ipv4_address client(std::uint32_t n) { return ikealg_tests::client(n); }
    static prefix<ipv4> clients() { return {v4("10.0.0.0"), 8}; }
    static ipv4_address nat(std::uint32_t n = 0) { return nat_1.plus(n); }
    static ipv4_address server(std::uint32_t n = 0) { return server_1.plus(n); }
};
template <>
struct at<ipv6> {
    static ipv6_address client(std::uint32_t n) { return v6("fd00:1::").plus(n); }
    static prefix<ipv6> clients() { return {v6("fd00:1::"), 64}; }
    static ipv6_address nat(std::uint32_t n = 0) { return v6("2001:db8:ffff::1").plus(n); }
    static ipv6_address server(std::uint32_t n = 0) { return v6("2001:db8:5::1").plus(n); }
};

inline const ipv4_address router = v4("192.0.2.77");
inline const octets hello(64, 0x41);

/// An ICMP error about `packet`, quoting `quote` bytes of it.
inline octets error_about(ipv4_address from, ipv4_address to, const octets& packet, std::uint8_t type = 3, std::uint8_t code = 4,
                   std::size_t quote = 1000, std::uint32_t rest = 1400) {
    octets q = packet;
    q.resize(std::min(q.size(), quote));
    return icmp(from, to, type, code, rest, q);
}
inline octets quoted_in(const octets& error) { return {error.begin() + 28, error.end()}; }

template <class F>
struct basic_recorder {
    std::vector<alg::event<F>>* log = nullptr;
    void operator()(const alg::event<F>& e) const {
        if (log != nullptr) {
            log->push_back(e);
        }
    }
};

using recorder = basic_recorder<ipv4>;

/// What became of one packet.
struct outcome {
    bool held = true;
    verdict v{};
    octets data{};
    std::uint64_t tag = 0;

    [[nodiscard]] bool forwarded() const { return !held && v.act == action::forward; }
    [[nodiscard]] bool dropped(drop_reason why) const { return !held && v.act == action::drop && v.reason == why; }
};
inline std::ostream& operator<<(std::ostream& os, const outcome& o) {
    return os << (o.held ? "held" : to_string(o.v.act)) << ' ' << (o.held ? "" : to_string(o.v.reason));
}

/// A gateway for tests: the clients behind one nat address, the ALG on.
template <class F = ipv4>
settings<F> usual_settings(std::uint32_t nat_addresses = 1) {
    auto s = settings<F>::source_nat(at<F>::clients(), {at<F>::nat(), at<F>::nat(nat_addresses - 1)});
    s.alg.enabled = true;
    s.alg.new_sa_pause = 0ms;  // ESP goes on at once; G15 is tested where it is set again
    return s;
}
/// Marks UDP 4500 too: new SAs of NAT-T have their pause (G16).
template <class F>
void mark_natt(settings<F>& s) {
    auto natt = s.policy.applications.front();
    natt.name = "ike-natt-alg";
    natt.destination_port = {natt_port.value, natt_port.value};
    s.policy.applications.push_back(natt);
    s.policy.policies.front().applications.push_back(natt.name);
}
inline gateway_options small_options() {
    gateway_options o;
    o.capacity = {1024, 128, 128, 256, 512, 128};
    o.mappings = 64;
    o.ports = 1024;
    o.fragments = 64;
    o.held_fragments = 32;
    o.seed = 7;
    o.start = instant{1h};
    return o;
}

template <class F>
struct basic_world {
    using gateway_type = gateway<F, io::memory_packet, basic_recorder<F>>;

    explicit basic_world(const settings<F>& s = usual_settings<F>(), const gateway_options& o = small_options())
        : wanted(s), options(o), now(o.start) {
        auto made = gateway_type::create(s, o, basic_recorder<F>{events.get()});
        INFO(tests::text_of(made.errors));
        REQUIRE(made.value);
        g.emplace(std::move(*made.value));
    }

    settings<F> wanted;
    gateway_options options;
    instant now;
    std::unique_ptr<std::vector<alg::event<F>>> events = std::make_unique<std::vector<alg::event<F>>>();
    std::optional<gateway_type> g;
    std::vector<outcome> others;  ///< packets that came back later than they went in
    std::uint64_t next_tag = 0;

    [[nodiscard]] std::uint64_t count(counter c) const { return g->counters()[c]; }
    [[nodiscard]] std::uint64_t count(drop_reason r) const { return g->counters()[r]; }
    [[nodiscard]] std::size_t told(event_kind k) const {
        return static_cast<std::size_t>(std::count_if(events->begin(), events->end(), [&](const auto& e) { return e.kind == k; }));
    }

    outcome send(io::memory_packet p) {
        const std::uint64_t tag = ++next_tag;
        p.set_tag(tag);
        outcome mine;
        mine.tag = tag;
        std::vector<io::memory_packet> burst;
        burst.push_back(std::move(p));
        g->process(burst, now, [&](io::memory_packet&& back, verdict v) {
            outcome o{false, v, back.network_copy(), back.tag()};
            if (v.act == action::forward) {
                INFO("packet ", back.tag());
                CHECK(sound(o.data));
            }
            (o.tag == tag && mine.held ? mine : others.emplace_back()) = std::move(o);  // a copy has the tag too
        });
        return mine;
    }
    outcome send(const octets& packet, zone_id from) { return send(io::memory_packet(packet, from)); }
    outcome out(const octets& packet) { return send(packet, inside); }
    outcome in(const octets& packet) { return send(packet, outside); }

    [[nodiscard]] auto collector() {
        return [this](io::memory_packet&& back, verdict v) {
            outcome o{false, v, back.network_copy(), back.tag()};
            if (v.act == action::forward) {
                CAPTURE(to_hex(o.data));
                CHECK(sound(o.data));
            }
            others.push_back(std::move(o));
        };
    }

    /// Lets time pass, running every timer when it is due.
    void pass(duration d) {
        const instant until = now + d;
        for (int turns = 0; turns < 1'000'000; ++turns) {
            const auto next = g->next_timer();
            if (!next || *next > until) {
                break;
            }
            now = std::max(now, *next);
            while (g->advance(now, 64, collector())) {
            }
            const auto again = g->next_timer();
            if (again && *again <= now) {
                now += 1ms;  // what is due within this millisecond
            }
        }
        now = std::max(now, until);
        while (g->advance(now, 64, collector())) {
        }
    }
    [[nodiscard]] std::vector<outcome> take_others() { return std::exchange(others, {}); }
};

using world = basic_world<ipv4>;

/// The bytes of what came back, all of it forwarded.
template <class F>
std::vector<octets> gone_on(basic_world<F>& w) {
    std::vector<octets> all;
    for (const outcome& o : w.take_others()) {
        CHECK(o.forwarded());
        all.push_back(o.data);
    }
    return all;
}

/// One client's IKE SA and its ESP, as both ends see them.
template <class F>
struct basic_tunnel {
    using address = typename F::address;
    basic_world<F>* w = nullptr;
    address local{};
    address server{};
    unsigned version = 2;
    std::uint16_t port = 500;
    ike_fields ids{};
    address nat{};               ///< as the server sees the client, after its first message
    std::uint16_t nat_port = 0;

    basic_tunnel(basic_world<F>& in, std::uint32_t number, unsigned ike_version = 2, address to = at<F>::server())
        : w(&in), local(at<F>::client(number)), server(to), version(ike_version) {
        ids.initiator = 0x1111'0000'0000'0000U + number;
        ids.responder = 0x2222'0000'0000'0000U + number;
        ids.version = static_cast<std::uint8_t>(ike_version << 4);
    }

    [[nodiscard]] octets message(exchange_type type, std::uint32_t id, bool response, bool by_client, std::size_t length) const {
        ike_fields f = ids;
        f.exchange = static_cast<std::uint8_t>(type);
        f.message_id = id;
        f.flags = version == 2 ? static_cast<std::uint8_t>((response ? 0x20 : 0) | (by_client ? 0x08 : 0)) : 0;
        const bool phase1_start = by_client && !response && (type == exchange_type::ike_sa_init || (type == exchange_type::main_mode && id == 0 && !answered));
        if (phase1_start) {
            f.responder = 0;
        }
        return ike(f, length);
    }
    bool answered = false;

    outcome out(exchange_type type, std::uint32_t id, bool response = false, std::size_t length = 300) {
        outcome o = w->out(udp(local, port, server, 500, message(type, id, response, true, length)));
        learn(o);
        return o;
    }
    outcome in(exchange_type type, std::uint32_t id, bool response = true, std::size_t length = 300) {
        answered = true;
        return w->in(udp(server, 500, nat, nat_port, message(type, id, response, false, length)));
    }
    void learn(const outcome& o) {
        if (o.forwarded()) {
            nat = source_in<F>(o.data);
            nat_port = source_port_in(o.data);
        }
    }
    /// Phase 1, `rtt` long; leaves an IKE SA seen in both directions.
    void phase1(duration rtt = 10ms) {
        const auto type = version == 1 ? exchange_type::main_mode : exchange_type::ike_sa_init;
        answered = false;
        CHECK(out(type, 0).forwarded());
        w->pass(rtt);
        const outcome back = in(type, 0);
        CHECK(back.forwarded());
        CHECK(destination_in<F>(back.data) == local);
    }
    /// Quick Mode 1 to 3; the outcome is that of message 3, the enabling one.
    outcome quick(std::uint32_t id) {
        CHECK(out(exchange_type::quick_mode, id).forwarded());
        CHECK(in(exchange_type::quick_mode, id, false).forwarded());
        return out(exchange_type::quick_mode, id, false, 76);
    }
    outcome esp_out(std::uint32_t spi, std::uint32_t sequence = 1) { return w->out(esp(local, server, spi, sequence)); }
    outcome esp_in(std::uint32_t spi, std::uint32_t sequence = 1) { return w->in(esp(server, nat, spi, sequence)); }
    /// Whether ESP from the server reached this client.
    bool got(std::uint32_t spi, std::uint32_t sequence = 1) {
        const outcome o = esp_in(spi, sequence);
        return o.forwarded() && destination_in<F>(o.data) == local;
    }
    /// Phase 1, a Phase 2 exchange and ESP both ways: `in_spi` to the client, `out_spi` to the server.
    void connect(std::uint32_t in_spi, std::uint32_t out_spi, duration rtt = 10ms) {
        phase1(rtt);
        if (version == 1) {
            CHECK(quick(77).forwarded());
        } else {
            CHECK(out(exchange_type::ike_auth, 1).forwarded());
            w->pass(rtt);
            CHECK(in(exchange_type::ike_auth, 1).forwarded());
        }
        CHECK(esp_out(out_spi).forwarded());
        w->pass(rtt);
        CHECK(got(in_spi));
        w->pass(100ms);
    }
};

using tunnel = basic_tunnel<ipv4>;

}  // namespace ikealg_tests

#endif
