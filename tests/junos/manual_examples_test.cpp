// SPDX-License-Identifier: Apache-2.0
/// The two examples of the Junos manual for this ALG, as printed: what a gateway made from their text does with packets.
#include "ikealg/junos/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "gateway/harness.hpp"
#include "support/captures.hpp"

using namespace ikealg_tests;

namespace {

std::vector<junos::source_text> texts(const std::vector<std::string>& files) {
    std::vector<junos::source_text> sources;
    for (const auto& name : files) {
        std::ifstream file(repository() / "tests" / "junos" / "data" / name);
        REQUIRE(file.is_open());
        sources.push_back({name, {std::istreambuf_iterator<char>(file), {}}});
    }
    return sources;
}
junos::configuration_result manual(const char* form) {
    const auto sources = texts({"manual-ike-esp." + std::string(form), "manual-timeouts." + std::string(form)});
    auto result = junos::load(sources, [](std::string_view) { return false; });
    for (const auto& e : result.errors) {
        FAIL_CHECK(to_string(e, sources));
    }
    REQUIRE(result.value);
    return result;
}

/// The manual's network: clients of 1.1.1.0/24 in zone green, servers of 2.2.2.0/24 in zone red.
struct manual_world {
    explicit manual_world(const junos::configuration& c) : manual_world(c, without_pause(c.gateway)) {}
    manual_world(const junos::configuration& c, const settings<ipv4>& s) : w(s), green(zone(c, "green")), red(zone(c, "red")) {}

    /// ESP right behind its IKE message goes on at once here, not after the pause of a new SA (G15).
    static settings<ipv4> without_pause(settings<ipv4> s) {
        s.alg.new_sa_pause = 0ms;
        return s;
    }
    static zone_id zone(const junos::configuration& c, std::string_view name) {
        const auto& zones = c.gateway.policy.zones;
        const auto at = std::find_if(zones.begin(), zones.end(), [&](const auto& z) { return z.name == name; });
        REQUIRE(at != zones.end());
        return {static_cast<std::uint16_t>(at - zones.begin())};
    }
    world w;
    zone_id green;
    zone_id red;

    outcome out(const octets& p) { return w.send(p, green); }
    outcome in(const octets& p) { return w.send(p, red); }
};

bool in_pool(ipv4_address a) {
    return v4("10.10.10.1") <= a && a <= v4("10.10.10.10");
}

/// One IKEv2 client: its IKE SA, its Phase 2 exchange and its ESP.
struct peer {
    manual_world* m;
    ipv4_address local;
    ipv4_address server;
    ipv4_address nat{};
    std::uint16_t nat_port = 0;
    ike_fields ids{};

    peer(manual_world& world, const char* client, const char* to) : m(&world), local(v4(client)), server(v4(to)) {
        ids.initiator = 0x1111'0000'0000'0000U + local.value;
        ids.responder = 0x2222'0000'0000'0000U + local.value;
    }
    outcome request(exchange_type type, std::uint32_t id) {
        ike_fields f = ids;
        f.exchange = static_cast<std::uint8_t>(type);
        f.message_id = id;
        f.responder = type == exchange_type::ike_sa_init ? 0 : ids.responder;
        outcome o = m->out(udp(local, 500, server, 500, ike(f)));
        if (o.forwarded()) {
            nat = source_of(o.data);
            nat_port = source_port_of(o.data);
        }
        return o;
    }
    outcome response(exchange_type type, std::uint32_t id) {
        ike_fields f = ids;
        f.exchange = static_cast<std::uint8_t>(type);
        f.message_id = id;
        f.flags = 0x20;
        return m->in(udp(server, 500, nat, nat_port, ike(f)));
    }
    /// The SA exists at both ends then; nothing of its ESP was seen.
    void negotiate() {
        CHECK(request(exchange_type::ike_sa_init, 0).forwarded());
        m->w.pass(10ms);
        CHECK(reached_me(response(exchange_type::ike_sa_init, 0)));
        CHECK(request(exchange_type::ike_auth, 1).forwarded());
        m->w.pass(10ms);
        CHECK(reached_me(response(exchange_type::ike_auth, 1)));
    }
    [[nodiscard]] bool reached_me(const outcome& o) const { return o.forwarded() && destination_of(o.data) == local; }
    bool esp_out(std::uint32_t spi, std::uint32_t sequence = 1) {
        const outcome o = m->out(esp(local, server, spi, sequence));
        return o.forwarded() && source_of(o.data) == nat && destination_of(o.data) == server;
    }
    bool esp_in(std::uint32_t spi, std::uint32_t sequence = 1) {
        return reached_me(m->in(esp(server, nat, spi, sequence)));
    }
};

}  // namespace

TEST_CASE("manual: both forms mean the same, and are accepted with warnings") {
    for (const char* form : {"conf", "set"}) {
        CAPTURE(form);
        const auto result = manual(form);
        const auto& c = *result.value;
        CHECK(c.gateway.alg.enabled);
        CHECK(c.gateway.alg.state_timeout == 360s);
        CHECK(c.gateway.alg.esp_gate_timeout == 20s);
        CHECK(c.gateway.alg.esp_session_timeout == 2400s);
        CHECK(c.gateway.nat.address_persistent);
        REQUIRE(c.devices.size() == 1);
        CHECK(c.devices[0].name == "ge-0/0/1");
        CHECK_FALSE(c.devices[0].present);
        REQUIRE(c.host.interfaces.size() == 1);
        CHECK(c.host.interfaces[0].name == "ge-0/0/1.0");
        CHECK(c.host.interfaces[0].zone == "Trust");
        CHECK(c.host.interfaces[0].answer_ping);
        const auto warned = [&](const std::string& statement, const std::string& part) {
            return std::any_of(result.warnings.begin(), result.warnings.end(), [&](const auto& d) {
                return d.statement == statement && d.message.find(part) != std::string::npos && d.at.line != 0;
            });
        };
        CHECK(warned("security zones security-zone Trust interfaces ge-0/0/1.0", "no Linux device ge-0/0/1"));
        CHECK(warned("security zones security-zone green", "has no interface"));
        CHECK(warned("security zones security-zone red", "has no interface"));
        CHECK(warned("security nat source pool pool1 address 10.10.10.1/32 to 10.10.10.10/32", "no proxy-arp"));
    }
    const auto braces = manual("conf");
    const auto lines = manual("set");
    CHECK(braces.warnings.size() == lines.warnings.size());
    CHECK(to_string(braces.value->gateway.nat.pools[0].addresses[0]) ==
          to_string(lines.value->gateway.nat.pools[0].addresses[0]));
}

TEST_CASE("manual: two clients of green reach one server in red with IKE and ESP, through addresses of pool1") {
    for (const char* form : {"conf", "set"}) {
        CAPTURE(form);
        const auto result = manual(form);
        manual_world m(*result.value);
        peer a(m, "1.1.1.10", "2.2.2.2");
        peer b(m, "1.1.1.11", "2.2.2.2");
        a.negotiate();
        b.negotiate();
        CHECK(in_pool(a.nat));
        CHECK(in_pool(b.nat));
        CHECK(a.esp_out(0xb001));
        CHECK(b.esp_out(0xb002));
        CHECK(a.esp_in(0xa001));
        CHECK(b.esp_in(0xa002));
        CHECK(b.esp_in(0xa002, 2));
        CHECK(a.esp_in(0xa001, 2));
        CHECK(a.esp_out(0xb001, 2));
        CHECK(m.w.count(counter::gates_opened) >= 2);
        CHECK(m.in(esp(v4("2.2.2.2"), v4("10.10.10.9"), 0xdead)).v.act == action::drop);
    }
}

TEST_CASE("manual, G15: exactly as printed, with the pause of new SAs that is in force then") {
    for (const char* form : {"conf", "set"}) {
        CAPTURE(form);
        const auto result = manual(form);
        manual_world m(*result.value, result.value->gateway);
        peer a(m, "1.1.1.10", "2.2.2.2");
        peer b(m, "1.1.1.11", "2.2.2.2");
        for (const auto& [client, number] : {std::pair{&a, 1U}, std::pair{&b, 2U}}) {
            client->negotiate();
            CHECK(in_pool(client->nat));
            CHECK(m.in(esp(client->server, client->nat, 0xa000 + number)).held);
            m.w.pass(20ms);
            const auto back = m.w.take_others();
            REQUIRE(back.size() == 1);
            CHECK(client->reached_me(back[0]));
            CHECK(client->esp_out(0xb000 + number));
            CHECK(client->esp_in(0xa000 + number, 2));
        }
    }
}

TEST_CASE("manual: eleven clients share ten addresses, and each gets its own ESP") {
    const auto result = manual("set");
    manual_world m(*result.value);
    std::vector<peer> clients;
    std::set<std::uint32_t> addresses;
    for (std::uint32_t i = 0; i < 11; ++i) {
        const std::string name = "1.1.1." + std::to_string(100 + i);
        clients.emplace_back(m, name.c_str(), "2.2.2.7");
        clients.back().negotiate();
        CHECK(clients.back().esp_out(0xb000 + 256 + i));
        m.w.pass(10ms);
        CHECK(clients.back().esp_in(0xa000 + 256 + i));
        m.w.pass(100ms);
        CHECK(in_pool(clients.back().nat));
        addresses.insert(clients.back().nat.value);
    }
    CHECK(addresses.size() == 10);
    for (std::uint32_t i = 0; i < 11; ++i) {
        CAPTURE(i);
        CHECK(clients[i].esp_in(0xa000 + 256 + i, 2));
    }
}

TEST_CASE("manual: NAT-T on 4500 is plain NAT, with the address that the client has already") {
    const auto result = manual("conf");
    manual_world m(*result.value);
    peer a(m, "1.1.1.10", "2.2.2.2");
    a.negotiate();
    const octets payload(120, 0x5a);
    const outcome o = m.out(udp(a.local, 4500, a.server, 4500, payload));
    REQUIRE(o.forwarded());
    CHECK(source_of(o.data) == a.nat);
    const outcome back = m.in(udp(a.server, 4500, a.nat, source_port_of(o.data), payload));
    CHECK(a.reached_me(back));
    CHECK(m.w.told(event_kind::natt_started) == 1);
    CHECK(m.w.count(counter::gates_opened) == 1);  // that of IKE on 500
    const outcome elsewhere = m.out(udp(a.local, 4500, v4("2.2.2.9"), 4500, payload));
    REQUIRE(elsewhere.forwarded());
    CHECK(source_of(elsewhere.data) == a.nat);  // address-persistent
}

TEST_CASE("manual: the policy permits what it names and nothing else") {
    const auto result = manual("conf");
    manual_world m(*result.value);
    const octets payload(40, 1);
    const auto client = v4("1.1.1.10");
    const auto server = v4("2.2.2.2");
    CHECK(m.out(udp(client, 500, server, 500, ike({0x77, 0}))).forwarded());
    CHECK(m.out(udp(client, 4500, server, 4500, payload)).forwarded());
    CHECK(m.out(udp(client, 5000, server, 500, ike({0x78, 0}))).dropped(drop_reason::policy));  // source-port 500
    CHECK(m.out(udp(client, 53, server, 53, payload)).dropped(drop_reason::policy));
    CHECK(m.out(echo(client, server, 7)).dropped(drop_reason::policy));
    CHECK(m.out(udp(v4("1.1.2.1"), 500, server, 500, ike({0x79, 0}))).dropped(drop_reason::policy));  // not sa1
    CHECK_FALSE(m.out(udp(client, 500, v4("3.3.3.3"), 500, ike({0x7a, 0}))).forwarded());             // no zone's
    CHECK_FALSE(m.in(udp(server, 500, client, 500, ike({0x7b, 0}))).forwarded());  // no policy from red
    CHECK(m.out(esp(client, v4("2.2.2.3"), 0xb001)).dropped(drop_reason::esp_no_gate));
}

TEST_CASE("manual: timeouts 360, 20 and 2400 seconds are in force") {
    const auto result = manual("set");
    SUBCASE("esp-gate-timeout") {
        manual_world m(*result.value);
        peer a(m, "1.1.1.10", "2.2.2.2");
        a.negotiate();
        m.w.pass(19900ms);
        CHECK(m.w.told(event_kind::gate_timed_out) == 0);
        m.w.pass(200ms);
        CHECK(m.w.told(event_kind::gate_timed_out) == 1);
    }
    SUBCASE("state-timeout") {
        manual_world m(*result.value);
        peer a(m, "1.1.1.10", "2.2.2.2");
        CHECK(a.request(exchange_type::ike_sa_init, 0).forwarded());
        CHECK(a.response(exchange_type::ike_sa_init, 0).forwarded());
        m.w.pass(359s);
        CHECK(m.w.told(event_kind::ike_session_ended) == 0);
        m.w.pass(2s);  // L5: idle timers may be lazy up to a second
        CHECK(m.w.told(event_kind::ike_session_ended) == 1);
    }
    SUBCASE("esp-session-timeout") {
        manual_world m(*result.value);
        peer a(m, "1.1.1.10", "2.2.2.2");
        a.negotiate();
        CHECK(a.esp_out(0xb001));
        CHECK(a.esp_in(0xa001));
        m.w.pass(2399s);
        CHECK(a.esp_in(0xa001, 2));
        CHECK(m.w.told(event_kind::esp_session_ended) == 0);
        m.w.pass(2402s);
        CHECK(m.w.told(event_kind::esp_session_ended) >= 1);
        CHECK_FALSE(a.esp_in(0xa001, 3));
    }
}
