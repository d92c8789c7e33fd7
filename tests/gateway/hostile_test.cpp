// SPDX-License-Identifier: Apache-2.0
/// L1, L2, L6: random and mutated packets of every kind, with tables so small that each of them fills. Run it with sanitizers.
#include "ikealg/gateway.hpp"

#include "gateway/harness.hpp"
#include "gateway/packet_mix.hpp"

using namespace ikealg_tests;

namespace {

gateway_options tiny_options(std::uint64_t seed) {
    gateway_options o;
    o.capacity = {12, 5, 4, 6, 8, 5};
    o.mappings = 6;
    o.ports = 5;
    o.fragments = 4;
    o.held_fragments = 4;
    o.mapping_hold = 5s;
    o.seed = seed;
    o.start = instant{1h};
    return o;
}

/// Settings that vary with the seed, so that every mode is met.
settings<ipv4> mixed_settings(small_random& random) {
    auto s = usual_settings(1 + static_cast<std::uint32_t>(random() % 3));
    const auto profile = random() % 4 == 0 ? alg::profile::junos : alg::profile::practical;
    s.alg = alg::alg_settings::of(profile);
    s.alg.enabled = random() % 5 != 0;
    s.alg.ike_port = static_cast<alg::ike_port_mode>(random() % 4);
    s.alg.ike_ambiguous = static_cast<alg::ike_ambiguous_mode>(random() % 2);
    s.alg.esp_session_timeout = 60s;
    s.alg.state_timeout = 180s;
    s.alg.sessions_per_client = 1 + static_cast<std::uint32_t>(random() % 4);
    s.alg.bindings_per_client = 2 + static_cast<std::uint32_t>(random() % 4);
    s.alg.exchanges_per_client = 4;
    mark_natt(s);
    s.alg.new_sa_pause = std::chrono::milliseconds{random() % 3 * 20};
    s.hairpin = random() % 2 == 0;
    s.policy.policies[1].midstream = random() % 2 == 0;
    s.nat.pools[0].port_no_translation = random() % 6 == 0;
    s.nat.statics = {{"static", "trust", {client(5), 32}, {v4("203.0.113.200"), 32}}};
    s.interfaces = {{"untrust", v4("203.0.113.99")}};
    auto from_outside = s.policy.policies[0];
    from_outside.from_zone = "untrust";
    from_outside.to_zone = "trust";
    s.policy.policies.push_back(from_outside);
    if (random() % 3 == 0) {
        s.nat.rule_sets[0].rules.insert(s.nat.rule_sets[0].rules.begin(), {"exempt", {{client(4), 32}}, {}, nat::nat_action::off, {}});
    }
    return s;
}

}  // namespace

TEST_CASE("L1, L2, L6: hostile packets meet tiny tables: every packet comes back once, drops are counted, nothing is left at the end") {
    std::uint64_t drops[drop_reason_count] = {};
    std::size_t watched = 0;
    for (std::uint64_t seed = 1; seed <= 120; ++seed) {
        CAPTURE(seed);
        small_random random(seed);
        world w(mixed_settings(random), seed % 3 == 0 ? small_options() : tiny_options(seed));
        packet_mix mix(seed);
        std::uint64_t sent = 0;
        std::uint64_t returned = 0;
        const auto sink = [&](io::memory_packet&& p, verdict v) {
            ++returned;
            mix.remember(p.network_copy(), v);
        };
        for (int round = 0; round < 60; ++round) {
            std::vector<io::memory_packet> burst;
            for (std::uint64_t n = random() % 20; n > 0; --n) {
                burst.push_back(mix.next());
                ++sent;
            }
            w.g->process(burst, w.now, sink);
            if (random() % 8 == 0) {
                w.now -= std::chrono::milliseconds{random() % 100};
            }
            w.now += std::chrono::milliseconds{random() % (random() % 4 == 0 ? 20'000 : 200)};
            for (std::uint64_t n = random() % 4; n > 0; --n) {
                (void)w.g->advance(w.now, 1 + random() % 8, sink);
            }
            if (random() % 25 == 0) {
                CHECK(w.g->replace(mixed_settings(random), w.now).empty());
            }
            CHECK(w.g->records().flows.size() <= w.options.capacity.flows);
            watched += w.g->records().natt_watches.size();
        }
        const std::uint64_t copies = w.count(counter::ike_fan_out);
        w.pass(8h);
        returned += w.take_others().size();
        CHECK(returned >= sent);
        CHECK(returned <= sent + copies * 8);
        CHECK(w.g->records().flows.size() == 0);
        CHECK(w.g->records().held().size() == 0);
        CHECK(w.g->records().held_bytes() == 0);
        CHECK(w.g->records().natt_watches.size() == 0);
        CHECK(w.g->records().sessions().size() == 0);
        CHECK(w.g->records().exchanges().size() == 0);
        CHECK(w.g->records().pairs().size() == 0);
        CHECK(w.g->records().slots().size() == 0);
        CHECK(w.g->ports().size() == 0);
        CHECK(w.g->mappings().size() == 0);
        CHECK_FALSE(w.g->next_timer());
        for (std::size_t i = 0; i < drop_reason_count; ++i) {
            drops[i] += w.count(static_cast<drop_reason>(i));
        }
    }
    CHECK(watched > 0);  // G16
    for (const auto reason : {drop_reason::malformed, drop_reason::policy, drop_reason::no_state, drop_reason::nat_exhausted, drop_reason::table_full,
                              drop_reason::client_limit, drop_reason::esp_no_gate, drop_reason::esp_ambiguous, drop_reason::spi_reserved,
                              drop_reason::ike_ambiguous, drop_reason::gate_failed, drop_reason::ah, drop_reason::fragment, drop_reason::ttl,
                              drop_reason::icmp_unmatched, drop_reason::hairpin, drop_reason::unsupported, drop_reason::no_memory}) {
        CAPTURE(to_string(reason));
        CHECK(drops[static_cast<std::size_t>(reason)] > 0);
    }
}
