// SPDX-License-Identifier: Apache-2.0
/// Drives `alg::alg` as a gateway does, without packets of a network: pairs are made by hand, IKE headers are real bytes, time is
/// what the test says. Between two instants the slot timers run exactly when they are due.
#ifndef IKEALG_TESTS_ALG_HARNESS_HPP
#define IKEALG_TESTS_ALG_HARNESS_HPP

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/alg/alg.hpp"

namespace ikealg_tests {

using namespace ikealg;
using namespace std::chrono_literals;
using alg::alg_settings;
using alg::counter;
using alg::decision;
using alg::event_kind;
using alg::exchange_state;
using alg::slot_state;
using nat::direction;
using wire::exchange_type;

constexpr auto outbound = direction::outbound;
constexpr auto inbound = direction::inbound;

/// A handle that can only move, and shows by 0 that it was moved from.
struct token {
    std::uint32_t id = 0;
    token() = default;
    explicit token(std::uint32_t n) : id(n) {}
    token(token&& o) noexcept : id(std::exchange(o.id, 0)) {}
    token& operator=(token&& o) noexcept {
        id = std::exchange(o.id, 0);
        return *this;
    }
};

template <class Family>
struct recorder {
    std::vector<alg::event<Family>>* log = nullptr;
    void operator()(const alg::event<Family>& e) const { log->push_back(e); }
};

/// A packet that came back from waiting.
struct released {
    std::uint32_t id = 0;
    drop_reason reason = drop_reason::none;
    instant at{};
    friend bool operator==(const released& a, const released& b) { return a.id == b.id && a.reason == b.reason; }
    friend std::ostream& operator<<(std::ostream& os, const released& r) {
        return os << "packet " << r.id << ' ' << to_string(r.reason);
    }
};

/// The bytes of an IKE header; the message is as long as it says.
struct ike_bytes {
    std::vector<std::uint8_t> data;
    [[nodiscard]] wire::ike_view view() const {
        const auto p = wire::ike_view::parse(bytes(data));
        REQUIRE(p.error == wire::ike_error::none);
        return p.view;
    }
};

struct ike_header {
    ike_spi initiator{};
    ike_spi responder{};
    std::uint8_t version = 0x20;
    exchange_type exchange{};
    std::uint8_t flags = 0;
    std::uint32_t message_id = 0;
    std::uint32_t length = 300;
    std::uint8_t next_payload = 0;

    [[nodiscard]] ike_bytes bytes_of() const {
        ike_bytes m{std::vector<std::uint8_t>(length)};
        store_be64(m.data.data(), initiator.value);
        store_be64(m.data.data() + 8, responder.value);
        m.data[16] = next_payload;
        m.data[17] = version;
        m.data[18] = static_cast<std::uint8_t>(exchange);
        m.data[19] = flags;
        store_be32(m.data.data() + 20, message_id);
        store_be32(m.data.data() + 24, length);
        return m;
    }
};

template <class Family>
typename Family::address numbered(unsigned net, unsigned host) {
    if constexpr (Family::version == 4) {
        return {net << 24 | host};
    } else {
        return {std::uint64_t{0x2001'0db8} << 32 | net, host};
    }
}

/// One client's IKE SA as both ends know it.
struct peer {
    std::uint32_t pair = npos;
    ike_spi initiator{};
    ike_spi responder{};
    unsigned version = 1;
    bool shared = false;
    bool by_server = false;
};

/// An IKEv2 fragment (SKF) of a message.
inline ike_bytes skf(const peer& p, exchange_type type, std::uint8_t flags, std::uint32_t id, std::uint16_t number, std::uint16_t total) {
    ike_bytes m = ike_header{p.initiator, p.responder, 0x20, type, flags, id, 100, 53}.bytes_of();
    store_be16(m.data.data() + 30, 72);
    store_be16(m.data.data() + 32, number);
    store_be16(m.data.data() + 34, total);
    return m;
}

template <class Family>
struct harness {
    using alg_type = alg::alg<Family, token, recorder<Family>>;
    using event = alg::event<Family>;

    static constexpr unsigned inside_net = 10;
    static constexpr unsigned outside_net = 198;
    static constexpr unsigned nat_net = 203;

    explicit harness(const alg_settings& s = {}, const alg::capacities& room = {512, 128, 64, 128, 512, 128},
                     instant start = instant{1h})
        : core(s, room, hash_secret::from_seed(1), start, recorder<Family>{&events}) {
        memory().settings.new_sa_pause = 0ms;  // ESP at once asks for the slot; G15 is tested where it is set again
    }

    std::vector<event> events;
    alg_type core;
    std::vector<released> back;
    std::uint32_t last = 0;  ///< id of the newest packet
    bool fragment_of_ip = false;
    duration round_trip{};   ///< of the newest Phase 1, and so of Quick Mode
    static constexpr std::uint32_t third_length = 76;  ///< bytes of Quick Mode message 3
    /// Who began each Quick Mode, and whether it was answered.
    std::map<std::pair<ike_spi, std::uint32_t>, std::pair<direction, bool>> quick_modes;

    [[nodiscard]] auto& memory() { return core.memory(); }
    [[nodiscard]] instant now() { return core.memory().now; }
    [[nodiscard]] std::uint64_t count(counter c) { return memory().counts[c]; }
    [[nodiscard]] auto& slot_of(const peer& p) { return memory().slot_at(memory().pair_at(p.pair).slot); }
    [[nodiscard]] slot_state state_of(const peer& p) { return slot_of(p).state; }
    [[nodiscard]] bool holds(const peer& p) { return slot_of(p).holder == p.pair; }
    [[nodiscard]] std::size_t told(event_kind k) const {
        return static_cast<std::size_t>(
            std::count_if(events.begin(), events.end(), [&](const event& e) { return e.kind == k; }));
    }
    /// The newest exchange of a pair.
    [[nodiscard]] auto& newest(const peer& p) {
        REQUIRE(memory().pair_at(p.pair).first_exchange != npos);
        return memory().exchange_at(memory().pair_at(p.pair).first_exchange);
    }

    // Time.

    void pass(duration d) {
        const instant until = now() + d;
        for (;;) {
            const auto next = core.next_slot_timer();
            if (!next || *next > until) {
                break;
            }
            core.set_time(std::max(*next, now()));
            const bool more = core.run_slot_timers(64);
            collect();
            if (more) {
                continue;
            }
        }
        core.set_time(until);
        collect();
    }

    void collect() {
        auto& st = memory();
        for (std::uint32_t h = st.next_released(); h != npos; h = st.next_released()) {
            REQUIRE(st.held_at(h).packet.id != 0);
            back.push_back({st.held_at(h).packet.id, st.held_at(h).reason, now()});
            st.held_at(h).packet = token{};
            st.free_held(h);
        }
    }
    [[nodiscard]] std::vector<released> take_back() { return std::exchange(back, {}); }

    // Peers.

    [[nodiscard]] std::uint32_t make_pair(unsigned client, unsigned server = 1, unsigned nat = 1, bool exclusive = false) {
        alg::pair<Family> p;
        p.client = numbered<Family>(inside_net, client);
        p.server = numbered<Family>(outside_net, server);
        p.nat = numbered<Family>(nat_net, nat);
        p.inside = zone_id{0};
        p.outside = zone_id{1};
        const std::uint32_t found = memory().find_pair({}, p.client, p.server);
        return found != npos ? found : memory().make_pair(p, exclusive);
    }
    [[nodiscard]] peer stranger(unsigned client, unsigned version, unsigned server = 1, unsigned nat = 1) {
        const std::uint64_t n = ++ike_sas_;
        return {make_pair(client, server, nat), {n << 32 | client}, {n << 32 | 0x8000'0000U | client}, version};
    }
    /// A client whose IKE SA was seen in both directions, `rtt` apart.
    [[nodiscard]] peer connect(unsigned client, unsigned version, duration rtt = {}, unsigned server = 1, unsigned nat = 1) {
        peer p = stranger(client, version, server, nat);
        phase1(p, rtt);
        return p;
    }
    void phase1(const peer& p, duration rtt = {}) {
        const auto type = p.version == 1 ? exchange_type::main_mode : exchange_type::ike_sa_init;
        const peer first{p.pair, p.initiator, {}, p.version, p.shared, p.by_server};
        CHECK(ike(first, type, outbound, 0, false) == decision::forward());
        round_trip = rtt;
        pass(rtt);
        CHECK(ike(p, type, inbound, 0, true) == decision::forward());
    }

    // Packets.

    /// An IKE message of a peer. `response` is a matter of IKEv2.
    decision ike(const peer& p, exchange_type type, direction way, std::uint32_t id, bool response, std::uint32_t length = 300) {
        ike_header h{p.initiator, p.responder, static_cast<std::uint8_t>(p.version << 4), type, 0, id, length};
        if (p.version == 2) {
            const bool by_initiator = (way == outbound) != p.by_server;
            h.flags = static_cast<std::uint8_t>((response ? 0x20 : 0) | (by_initiator ? 0x08 : 0));
        }
        return ike(p, h, way);
    }
    decision ike(const peer& p, const ike_header& h, direction way) {
        const ike_bytes m = h.bytes_of();
        return ike(p, m, way);
    }
    decision ike(const peer& p, const ike_bytes& m, direction way, std::uint32_t part = 0) {
        token packet(++last);
        const alg::packet_at_hand<token> at{packet, static_cast<std::uint32_t>(m.data.size()), way, part};
        const decision d = way == outbound ? core.ike_outbound(p.pair, m.view(), npos, p.shared, fragment_of_ip, at)
                                           : core.ike_inbound(p.pair, m.view(), npos, p.shared, fragment_of_ip, at);
        CHECK((packet.id == 0) == (d.act == decision::what::held));
        collect();
        return d;
    }
    /// A message of a Quick Mode: the first one's sender's are the first, until there was an answer, then the third, which is short.
    decision quick(const peer& p, direction way, std::uint32_t id) {
        auto& [by, answered] = quick_modes.try_emplace({p.initiator, id}, way, false).first->second;
        answered = answered || way != by;
        return ike(p, exchange_type::quick_mode, way, id, false, answered && way == by ? third_length : 300);
    }
    /// Quick Mode 1 to 3 of the client; the answer is the one to message 3.
    decision quick_all(const peer& p, std::uint32_t id) {
        CHECK(quick(p, outbound, id) == decision::forward());
        pass(round_trip);
        CHECK(quick(p, inbound, id) == decision::forward());
        return quick(p, outbound, id);
    }
    decision child_request(const peer& p, std::uint32_t id, direction requester = outbound) {
        return ike(p, exchange_type::create_child_sa, requester, id, false);
    }
    decision child_response(const peer& p, std::uint32_t id, direction requester = outbound, std::uint32_t length = 300) {
        return ike(p, exchange_type::create_child_sa, requester == outbound ? inbound : outbound, id, true, length);
    }
    decision auth_request(const peer& p, std::uint32_t id) { return ike(p, exchange_type::ike_auth, outbound, id, false); }
    decision auth_response(const peer& p, std::uint32_t id, std::uint32_t length = 300) {
        return ike(p, exchange_type::ike_auth, inbound, id, true, length);
    }

    /// ESP from the client, as the gateway treats it: bound SPIs go on without the ALG, unless it wants to be asked.
    decision esp_out(const peer& p, std::uint32_t value) {
        token packet(++last);
        auto& st = memory();
        const auto hit = st.flows.find(alg::bindings<typename alg_type::state_type>::outbound_key(st.pair_at(p.pair), spi{value}));
        if (hit) {
            st.flows[hit.index].last_seen = to_tick(now());
            if (!st.flows[hit.index].has(nat::flow_flag::consult)) {
                return decision::forward();
            }
        }
        const decision d = core.esp_outbound(p.pair, spi{value}, hit.index, {packet, 100, outbound, 0});
        CHECK((packet.id == 0) == (d.act == decision::what::held));
        collect();
        return d;
    }
    /// Whom ESP from the server of `p` to its nat address reaches: a pair, or npos and why not in `why`.
    std::uint32_t esp_in(const peer& p, std::uint32_t value, std::uint32_t sequence = 1) {
        auto& st = memory();
        const std::uint32_t f = inbound_flow(p, value);
        if (f != npos) {
            core.esp_inbound_bound(f, sequence);
            why = drop_reason::none;
            passed_in(f);
            return st.flows[f].owner;
        }
        const auto owner = core.esp_inbound(st.pair_at(p.pair).slot, spi{value}, sequence);
        why = owner.reason;
        CHECK((owner.pair == npos) == (owner.reason != drop_reason::none));
        if (owner.pair != npos) {
            passed_in(inbound_flow(p, value));
        }
        collect();
        return owner.pair;
    }
    drop_reason why = drop_reason::none;

    [[nodiscard]] std::uint32_t inbound_flow(const peer& p, std::uint32_t value) {
        const auto& pr = memory().pair_at(p.pair);
        const auto hit = memory().flows.find({pr.server, pr.nat, value, pr.outside, static_cast<std::uint8_t>(ip_protocol::esp), 0});
        return hit ? hit.index : npos;
    }
    [[nodiscard]] std::uint32_t outbound_flow(const peer& p, std::uint32_t value) {
        const auto hit = memory().flows.find(
            alg::bindings<typename alg_type::state_type>::outbound_key(memory().pair_at(p.pair), spi{value}));
        return hit ? hit.index : npos;
    }

private:
    void passed_in(std::uint32_t f) {
        auto& flow = memory().flows[f];
        flow.last_seen = flow.last_inbound = to_tick(now());
        flow.flags |= nat::flow_flag::seen_inbound;
    }

    std::uint64_t ike_sas_ = 0;
};

/// A long gate, so that a holder keeps the slot while others wait.
inline alg_settings long_gate() {
    alg_settings s;
    s.esp_gate_timeout = 1200s;
    return s;
}

constexpr decision dropped(drop_reason why) { return decision::drop(why); }
constexpr decision forwarded = decision::forward();
constexpr decision waits = decision::hold();

/// A client whose exchange was enabled and got no SPI; `with_esp`: it has sent ESP since.
template <class F>
peer parked_client(harness<F>& h, unsigned client, bool with_esp = false, duration rtt = {}) {
    const peer p = h.connect(client, 1, rtt);
    CHECK(h.quick_all(p, 7) == forwarded);
    if (with_esp) {
        CHECK(h.esp_out(p, 0x9000 + client) == forwarded);
    }
    while (h.holds(p)) {
        h.pass(1s);
    }
    CHECK(h.newest(p).state == exchange_state::parked);
    return p;
}

/// A peer on the server's shared port 500 (N3 preserve).
template <class F>
peer sharing(harness<F>& h, unsigned client, unsigned version = 2) {
    peer p = h.stranger(client, version);
    p.shared = true;
    return p;
}
/// Whose a message with these SPIs to the shared port is.
template <class F>
auto owner_of(harness<F>& h, const peer& slot_of, ike_spi initiator, ike_spi responder) {
    const auto m = ike_header{initiator, responder, 0x20, exchange_type::informational, 0, 5}.bytes_of();
    return h.core.owner_on_shared_port(h.memory().pair_at(slot_of.pair).slot, m.view());
}

}  // namespace ikealg_tests

namespace ikealg::inline v0::alg {
/// For messages of failed checks.
inline std::ostream& operator<<(std::ostream& os, const decision& d) {
    return os << (d.act == decision::what::forward ? "forward" : d.act == decision::what::held ? "held" : "drop ")
              << (d.act == decision::what::drop ? to_string(d.reason) : std::string_view{});
}
inline std::ostream& operator<<(std::ostream& os, slot_state s) { return os << to_string(s); }
}  // namespace ikealg::inline v0::alg

#endif
