// SPDX-License-Identifier: Apache-2.0
/// The whole path without I/O: parse, lookup, session, rewrite, in bursts of 32 over many established flows, sessions cold.
///
/// Peers in the same run: the same hand-written rest (parse, 64-byte record, incremental checksums) around std::unordered_map, and around
/// rte_hash bulk with CRC where DPDK is there. ns are thread CPU time a packet; read ratios, not numbers.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ikealg/ikealg.hpp"
#ifdef IKEALG_BENCH_DPDK
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#endif

namespace {

using namespace ikealg;

constexpr std::size_t burst_size = 32;
constexpr std::size_t packet_bytes = 96;

/// A packet handle over bytes of the benchmark: what an mbuf pointer is to a dataplane.
struct plain_packet {
    std::uint8_t* data = nullptr;
    zone_id in{};
    [[nodiscard]] zone_id zone() const { return in; }
    [[nodiscard]] std::size_t network_length() const { return packet_bytes; }
    [[nodiscard]] mutable_bytes network() { return {data, packet_bytes}; }
    [[nodiscard]] bool ensure_contiguous(std::size_t) { return true; }
    [[nodiscard]] bool ensure_writable(std::size_t) { return true; }
};

constexpr std::uint32_t server = 0xc6336401;  // 198.51.100.1

/// An outbound UDP packet of flow `i`: 10.a.b.c, port by the low bits; ESP in UDP when it goes to port 4500.
void write_udp(std::uint8_t* at, std::uint32_t i, port to = port{53}) {
    std::memset(at, 0, packet_bytes);
    at[0] = 0x45;
    store_be16(at + 2, packet_bytes);
    at[6] = 0x40;
    at[8] = 64;
    at[9] = 17;
    store_be32(at + 12, 0x0a000001 + i / 16);
    store_be32(at + 16, server);
    store_be16(at + 10, finish_checksum(sum_bytes({at, 20})));
    store_be16(at + 20, static_cast<std::uint16_t>(2000 + i % 16));
    store_be16(at + 22, to.value);
    store_be16(at + 24, packet_bytes - 20);
    store_be32(at + 28, 0x1000 + i);
    store_be32(at + 32, 1000);
}

/// Flow numbers in a random order that visits all.
std::vector<std::uint32_t> shuffled(std::size_t n) {
    std::vector<std::uint32_t> order(n);
    for (std::size_t i = 0; i < n; ++i) {
        order[i] = static_cast<std::uint32_t>(i);
    }
    small_random random(7);
    for (std::size_t i = n; i > 1; --i) {
        std::swap(order[i - 1], order[random() % i]);
    }
    return order;
}

/// Fresh packets for the flows of `order`, a ring that stays in the cache: sessions are cold, packets are not.
struct packet_ring {
    std::vector<std::uint8_t> bytes_ = std::vector<std::uint8_t>(burst_size * packet_bytes);
    void fill(std::span<const std::uint32_t> flows, port to = port{53}) {
        for (std::size_t i = 0; i < flows.size(); ++i) {
            write_udp(&bytes_[i * packet_bytes], flows[i], to);
        }
    }
};

void only_fill(benchmark::State& state) {
    const auto order = shuffled(static_cast<std::size_t>(state.range(0)));
    packet_ring ring;
    std::size_t at = 0;
    for (auto _ : state) {
        ring.fill(std::span(order).subspan(at, burst_size));
        benchmark::DoNotOptimize(ring.bytes_.data());
        at = at + 2 * burst_size > order.size() ? 0 : at + burst_size;
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{burst_size});
}

/// `marked`: policy gives UDP 4500 the pause of new SAs (G16).
void path_to(benchmark::State& state, port to, bool marked) {
    const auto n = static_cast<std::size_t>(state.range(0));
    auto s = settings<ipv4>::source_nat(*prefix<ipv4>::parse("10.0.0.0/8"),
                                        {*ipv4_address::parse("203.0.113.0"), *ipv4_address::parse("203.0.113.255")});
    s.alg.enabled = true;
    s.policy.applications[0].destination_port.high = marked ? natt_port.value : ike_port.value;
    gateway_options options;
    options.capacity.flows = static_cast<std::uint32_t>(n + 64);
    options.ports = static_cast<std::uint32_t>(n + 64);
    options.mappings = static_cast<std::uint32_t>(n / 16 + 64);
    auto made = gateway<ipv4, plain_packet>::create(s, options);
    auto& gw = *made.value;
    const auto order = shuffled(n);
    packet_ring ring;
    std::array<plain_packet, burst_size> burst;
    std::size_t refused = 0;
    const auto sink = [&](plain_packet&&, verdict v) { refused += v.act != action::forward ? 1U : 0U; };
    const auto play = [&](std::span<const std::uint32_t> flows) {
        ring.fill(flows, to);
        for (std::size_t i = 0; i < flows.size(); ++i) {
            burst[i] = {&ring.bytes_[i * packet_bytes], zone_id{0}};
        }
        gw.process(std::span(burst).first(flows.size()), instant{}, sink);
    };
    for (std::size_t at = 0; at < n; at += burst_size) {
        play(std::span(order).subspan(at, std::min(burst_size, n - at)));
    }
    std::size_t at = 0;
    for (auto _ : state) {
        play(std::span(order).subspan(at, burst_size));
        at = at + 2 * burst_size > n ? 0 : at + burst_size;
    }
    if (refused != 0) {
        state.SkipWithError("packets were refused");
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{burst_size});
}

void gateway_path(benchmark::State& state) { path_to(state, port{53}, false); }
void gateway_path_natt(benchmark::State& state) { path_to(state, natt_port, false); }
void gateway_path_natt_marked(benchmark::State& state) { path_to(state, natt_port, true); }

// The peers: a record and a rewrite by hand, the least that a NAT must do.

struct hand_key {
    std::uint32_t source, destination, ports, protocol;
    bool operator==(const hand_key&) const = default;
};
struct alignas(64) hand_session {
    hand_key key;
    std::uint32_t nat;
    std::uint16_t external;
    checksum_delta address, transport;
    std::uint64_t last_seen;
};
hand_key key_at(const std::uint8_t* p) {
    return {load_be32(p + 12), load_be32(p + 16), load_be32(p + 20), p[9]};
}
void rewrite_by_hand(std::uint8_t* p, hand_session& s, std::uint64_t now) {
    store_be32(p + 12, s.nat);
    store_be16(p + 20, s.external);
    p[8] = static_cast<std::uint8_t>(p[8] - 1);
    store_be16(p + 10, s.address.apply(load_be16(p + 10)));
    if (load_be16(p + 26) != 0) {
        store_be16(p + 26, s.transport.apply(load_be16(p + 26)));
    }
    s.last_seen = now;
}
bool checked_by_hand(const std::uint8_t* p) {
    return p[0] == 0x45 && load_be16(p + 2) <= packet_bytes && load_be16(p + 24) <= packet_bytes - 20 && p[8] > 1;
}
hand_session session_for(std::uint32_t i) {
    std::array<std::uint8_t, packet_bytes> p{};
    write_udp(p.data(), i);
    return {key_at(p.data()), 0xcb007100, static_cast<std::uint16_t>(i), {1}, {2}, 0};
}

void unordered_path(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    struct hasher {
        std::size_t operator()(const hand_key& k) const {
            return keyed_hash(std::array<std::uint64_t, 2>{std::uint64_t{k.source} << 32 | k.destination,
                                                           std::uint64_t{k.ports} << 32 | k.protocol},
                              hash_secret{3, 5});
        }
    };
    std::unordered_map<hand_key, hand_session, hasher> sessions;
    sessions.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
        const auto s = session_for(static_cast<std::uint32_t>(i));
        sessions.emplace(s.key, s);
    }
    const auto order = shuffled(n);
    packet_ring ring;
    std::size_t at = 0;
    for (auto _ : state) {
        ring.fill(std::span(order).subspan(at, burst_size));
        for (std::size_t i = 0; i < burst_size; ++i) {
            std::uint8_t* p = &ring.bytes_[i * packet_bytes];
            if (checked_by_hand(p)) {
                if (const auto found = sessions.find(key_at(p)); found != sessions.end()) {
                    rewrite_by_hand(p, found->second, at);
                }
            }
        }
        benchmark::DoNotOptimize(ring.bytes_.data());
        at = at + 2 * burst_size > n ? 0 : at + burst_size;
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{burst_size});
}

#ifdef IKEALG_BENCH_DPDK
void rte_hash_path(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    static const bool ready = [] {
        std::vector<std::string> words{"path_bench", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf",
                                       "-m", "4096", "--log-level=critical"};
        std::vector<char*> arguments;
        for (auto& word : words) {
            arguments.push_back(word.data());
        }
        return rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
    }();
    if (!ready) {
        state.SkipWithError("EAL does not start");
        return;
    }
    rte_hash_parameters parameters{};
    parameters.name = "path";
    parameters.entries = static_cast<std::uint32_t>(n + n / 4 + 64);
    parameters.key_len = sizeof(hand_key);
    parameters.hash_func = rte_hash_crc;
    const std::unique_ptr<rte_hash, void (*)(rte_hash*)> table(rte_hash_create(&parameters), rte_hash_free);
    std::vector<hand_session> sessions(n + n / 4 + 65);
    for (std::size_t i = 0; i < n; ++i) {
        const auto s = session_for(static_cast<std::uint32_t>(i));
        const int at = rte_hash_add_key(table.get(), &s.key);
        if (at < 0) {
            state.SkipWithError("rte_hash is full");
            return;
        }
        sessions[static_cast<std::size_t>(at)] = s;
    }
    const auto order = shuffled(n);
    packet_ring ring;
    std::size_t at = 0;
    std::array<hand_key, burst_size> keys;
    std::array<const void*, burst_size> pointers;
    std::array<std::int32_t, burst_size> found;
    for (std::size_t i = 0; i < burst_size; ++i) {
        pointers[i] = &keys[i];
    }
    for (auto _ : state) {
        ring.fill(std::span(order).subspan(at, burst_size));
        for (std::size_t i = 0; i < burst_size; ++i) {
            keys[i] = key_at(&ring.bytes_[i * packet_bytes]);
        }
        rte_hash_lookup_bulk(table.get(), pointers.data(), burst_size, found.data());
        for (std::size_t i = 0; i < burst_size; ++i) {
            if (found[i] >= 0) {
                __builtin_prefetch(&sessions[static_cast<std::size_t>(found[i])], 1);
            }
        }
        for (std::size_t i = 0; i < burst_size; ++i) {
            std::uint8_t* p = &ring.bytes_[i * packet_bytes];
            if (found[i] >= 0 && checked_by_hand(p)) {
                rewrite_by_hand(p, sessions[static_cast<std::size_t>(found[i])], at);
            }
        }
        benchmark::DoNotOptimize(ring.bytes_.data());
        at = at + 2 * burst_size > n ? 0 : at + burst_size;
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{burst_size});
}
BENCHMARK(rte_hash_path)->RangeMultiplier(10)->Range(1000, 1000000);
#endif

BENCHMARK(only_fill)->Arg(1000000);  // what every row below contains: making the packets
BENCHMARK(gateway_path)->RangeMultiplier(10)->Range(1000, 1000000);
BENCHMARK(gateway_path_natt)->RangeMultiplier(10)->Range(1000, 1000000);
BENCHMARK(gateway_path_natt_marked)->RangeMultiplier(10)->Range(1000, 1000000);
BENCHMARK(unordered_path)->RangeMultiplier(10)->Range(1000, 1000000);

}  // namespace

BENCHMARK_MAIN();
