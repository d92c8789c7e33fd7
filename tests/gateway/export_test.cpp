// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/export.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

std::vector<state_record<ipv4>> all_of(const world& w) {
    std::vector<state_record<ipv4>> records;
    w.g->export_records([&](const state_record<ipv4>& r) { records.push_back(r); });
    return records;
}
/// How many records of each kind.
std::array<std::size_t, 6> census(const std::vector<state_record<ipv4>>& records) {
    std::array<std::size_t, 6> n{};
    for (const auto& r : records) {
        ++n[r.body.index()];
    }
    return n;
}

}  // namespace

TEST_CASE("N18: what one gateway exports another imports, on a clock of its own, and every tunnel and flow goes on") {
    for (const auto mode : {alg::ike_port_mode::prefer, alg::ike_port_mode::preserve, alg::ike_port_mode::translate}) {
        CAPTURE(static_cast<int>(mode));
        auto s = usual_settings(2);
        s.alg.ike_port = mode;
        world old(s);
        std::vector<tunnel> tunnels;
        for (std::uint32_t i = 0; i < 6; ++i) {
            tunnels.emplace_back(old, 10 + i, 1 + i % 2);
            tunnels.back().connect(0xa000 + i, 0xb000 + i);
        }
        CHECK(tunnels[3].out(exchange_type::create_child_sa, 9).forwarded());  // waits for its SPI at the time of the export
        CHECK(tunnels[3].in(exchange_type::create_child_sa, 9).forwarded());
        CHECK(tunnels[3].esp_out(0xbb03).forwarded());
        const octets dns = udp(client(3), 6000, server_2, 53, octets(9));
        CHECK(old.out(udp(client(2), 6000, server_2, 53, octets(9))).forwarded());
        const outcome before = old.out(dns);
        const auto records = all_of(old);
        auto o = small_options();
        o.start = instant{77h};
        o.capacity.flows = 512;
        o.seed = 99;
        world fresh(s, o);
        for (const auto& r : records) {
            CHECK(fresh.g->import_record(r, fresh.now));
        }
        CHECK(census(all_of(fresh)) == census(records));
        CHECK(fresh.out(dns).data == before.data);
        CHECK(fresh.in(udp(server_2, 53, source_of(before.data), source_port_of(before.data), octets(9))).forwarded());
        for (std::uint32_t i = 0; i < 6; ++i) {
            CAPTURE(i);
            tunnel& t = tunnels[i];
            t.w = &fresh;
            const std::uint16_t port = t.nat_port;
            CHECK(t.got(0xa000 + i, 2));
            CHECK(t.esp_out(0xb000 + i, 2).forwarded());
            const auto type = t.version == 2 ? exchange_type::informational : exchange_type::informational_v1;
            const outcome dpd = t.in(type, 50, false);
            CHECK(dpd.forwarded());
            CHECK(destination_of(dpd.data) == t.local);
            CHECK(t.out(type, 50, true).forwarded());
            CHECK(t.nat_port == port);
        }
        CHECK(tunnels[3].got(0xaa03));  // E5: the one exchange that waits
        fresh.pass(100ms);
        tunnel more(fresh, 40);
        more.connect(0xa040, 0xb040);
        fresh.pass(24h);
        CHECK(fresh.g->records().flows.size() == 0);
        CHECK(fresh.g->records().pairs().size() == 0);
        CHECK(fresh.g->records().exchanges().size() == 0);
        CHECK(fresh.g->ports().size() == 0);
        CHECK(fresh.g->mappings().size() == 0);
    }
}

TEST_CASE("N18: records of another version, and such as do not fit, are refused and change nothing") {
    world old(usual_settings());
    tunnel t(old, 10);
    t.connect(0xa001, 0xb001);
    auto records = all_of(old);
    world fresh(usual_settings());
    for (auto r : records) {
        r.version = record_version + 1;
        CHECK_FALSE(fresh.g->import_record(r, fresh.now));
    }
    for (const auto& r : records) {
        if (r.body.index() != 0) {
            CHECK_FALSE(fresh.g->import_record(r, fresh.now));  // its mapping is not there
        }
    }
    CHECK(all_of(fresh).empty());
    auto other_pool = usual_settings();
    other_pool.nat.pools[0].addresses = {address_range<ipv4>{v4("203.0.113.77"), v4("203.0.113.77")}};
    world elsewhere(other_pool);
    for (const auto& r : records) {
        CHECK_FALSE(elsewhere.g->import_record(r, elsewhere.now));
    }
    CHECK(all_of(elsewhere).empty());
}
