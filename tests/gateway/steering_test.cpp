// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/steering.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("steer() brings both directions of a client to one shard, and ICMP errors with them") {
    for (const std::uint32_t addresses : {1U, 3U, 64U}) {
        for (const std::uint32_t shards : {2U, 4U}) {
            CAPTURE(addresses);
            CAPTURE(shards);
            auto s = usual_settings(addresses);
            s.nat.statics = {{"responder", "trust", {client(250), 32}, {v4("203.0.113.200"), 32}}};
            s.nat.rule_sets[0].rules.insert(s.nat.rule_sets[0].rules.begin(),
                                            {"exempt", {}, {{server_2, 32}}, nat::nat_action::off, {}});
            std::vector<std::unique_ptr<world>> cores;
            for (std::uint32_t i = 0; i < shards; ++i) {
                auto o = small_options();
                o.mappings = 256;
                o.capacity.flows = 4096;
                o.shard = i;
                o.shards = shards;
                cores.push_back(std::make_unique<world>(s, o));
            }
            std::vector<bool> used(shards);
            const auto steer = [&](const octets& p, zone_id zone) { return cores[0]->g->steer(p, zone, shards); };
            for (std::uint32_t n = 200; n <= 250; ++n) {
                for (const ipv4_address server : {server_1, server_2, server_1.plus(n)}) {
                    const octets packet = udp(client(n), 6000, server, 53, hello);
                    const std::uint32_t shard = steer(packet, inside);
                    used[shard] = true;
                    world& core = *cores[shard];
                    const outcome out = core.out(packet);
                    REQUIRE(out.forwarded());
                    const octets answer = udp(server, 53, source_of(out.data), source_port_of(out.data), hello);
                    CHECK(steer(answer, outside) == shard);
                    CHECK(core.in(answer).forwarded());
                    CHECK(steer(error_about(router, source_of(out.data), out.data), outside) == shard);
                    CHECK(steer(error_about(client(3), server, udp(server, 53, client(n), 6000, hello)), inside) == shard);
                    CHECK(steer(fragments(answer, 32, 5)[1], outside) == shard);
                    CHECK(steer(esp(client(n), server, 0x1000), inside) == shard);
                    CHECK(steer(esp(server, source_of(out.data), 0x1000), outside) == shard);
                }
            }
            CHECK(std::count(used.begin(), used.end(), true) == static_cast<std::ptrdiff_t>(shards));
            CHECK(steer({}, inside) == 0);
        }
    }
}
