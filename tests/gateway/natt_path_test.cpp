// SPDX-License-Identifier: Apache-2.0
/// UDP 4500 where policy marks it, with whole packets (G16).
#include "ikealg/gateway/natt_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

template <class F>
settings<F> marked_settings(std::chrono::milliseconds pause = 20ms) {
    auto s = usual_settings<F>();
    mark_natt(s);
    s.alg.new_sa_pause = pause;
    return s;
}

/// A client with NAT-T: IKE and ESP on one flow.
template <class F>
struct natt_tunnel : basic_tunnel<F> {
    using basic_tunnel<F>::basic_tunnel;

    outcome ike(bool out, exchange_type type, std::uint32_t id, bool response) {
        return carry(out, joined(octets(4), this->message(type, id, response, out, 300)));
    }
    outcome child(bool out, bool response, std::uint32_t id = 2) { return ike(out, exchange_type::create_child_sa, id, response); }
    outcome sa(bool out, std::uint32_t spi, std::uint32_t sequence = 1) { return carry(out, esp_in_udp(spi, sequence)); }

    [[nodiscard]] static octets esp_in_udp(std::uint32_t spi, std::uint32_t sequence, std::size_t body = 40) {
        octets e(8 + body, 0xe5);
        store_be32(&e[0], spi);
        store_be32(&e[4], sequence);
        return e;
    }
    outcome carry(bool out, const octets& payload) {
        const outcome o = out ? this->w->out(udp(this->local, 4500, this->server, 4500, payload))
                              : this->w->in(udp(this->server, 4500, this->nat, this->nat_port, payload));
        if (out) {
            this->learn(o);
        }
        return o;
    }
    [[nodiscard]] octets left(std::uint32_t spi, std::uint32_t sequence) const {
        return udp(this->nat, this->nat_port, this->server, 4500, esp_in_udp(spi, sequence), {63});
    }
    [[nodiscard]] octets delivered(std::uint32_t spi, std::uint32_t sequence) const {
        return udp(this->server, 4500, this->local, 4500, esp_in_udp(spi, sequence), {63});
    }
};

template <class F>
void check_empty(basic_world<F>& w) {
    CHECK(w.g->records().held().size() == 0);
    CHECK(w.g->records().natt_watches.size() == 0);
    CHECK(w.g->records().natt_timers.size() == 0);
}
using packets = std::vector<octets>;

}  // namespace

TEST_CASE_TEMPLATE("G16: NAT-T, IKE_AUTH and a rekey by the client: the server's ESP reaches it a pause after the response", F, ipv4, ipv6) {
    basic_world<F> w(marked_settings<F>());
    natt_tunnel<F> a(w, 1);
    CHECK(a.ike(true, exchange_type::ike_auth, 1, false).forwarded());  // the first packet of the flow
    w.pass(10ms);
    CHECK(a.sa(false, 0xa001, 1).held);  // it outran the response
    w.pass(1ms);
    CHECK(a.ike(false, exchange_type::ike_auth, 1, true).forwarded());
    CHECK(a.sa(false, 0xa001, 2).held);
    CHECK(a.sa(true, 0xb001, 1).data == a.left(0xb001, 1));  // the server has the SA
    w.pass(20ms - 1us);
    CHECK(w.others.empty());
    w.pass(1us);
    CHECK(gone_on(w) == packets{a.delivered(0xa001, 1), a.delivered(0xa001, 2)});
    check_empty(w);
    for (std::uint32_t n = 3; n < 40; ++n) {
        CHECK(a.sa(false, 0xa001, n).data == a.delivered(0xa001, n));
    }
    CHECK(a.child(true, false).forwarded());
    CHECK(a.child(false, true).forwarded());
    CHECK(a.sa(false, 0xa002, 1).held);
    CHECK(a.sa(false, 0xa001, 40).data == a.delivered(0xa001, 40));  // the old SA goes on meanwhile
    w.pass(20ms);
    CHECK(gone_on(w) == packets{a.delivered(0xa002, 1)});
    check_empty(w);
    CHECK(w.count(counter::esp_paused) == 3);
    CHECK(w.g->records().pairs().size() == 0);  // of the ALG there is nothing else (R5)
    CHECK(w.g->records().slots().size() == 0);
}

TEST_CASE_TEMPLATE("G16: Quick Mode on 4500: each way waits for its own message", F, ipv4, ipv6) {
    basic_world<F> w(marked_settings<F>());
    natt_tunnel<F> a(w, 1, 1);
    for (const bool by_client : {true, false}) {
        CAPTURE(by_client);
        const std::uint32_t id = by_client ? 77 : 78;
        const std::uint32_t out_spi = by_client ? 0xb001 : 0xb002;
        const std::uint32_t in_spi = by_client ? 0xa001 : 0xa002;
        CHECK(a.ike(by_client, exchange_type::quick_mode, id, false).forwarded());
        CHECK(a.ike(!by_client, exchange_type::quick_mode, id, false).forwarded());
        CHECK(a.sa(!by_client, by_client ? in_spi : out_spi).held);
        w.pass(5ms);
        CHECK(a.ike(by_client, exchange_type::quick_mode, id, false).forwarded());
        CHECK(a.sa(by_client, by_client ? out_spi : in_spi).held);
        w.pass(15ms);
        CHECK(gone_on(w) == packets{by_client ? a.delivered(in_spi, 1) : a.left(out_spi, 1)});
        w.pass(5ms);
        CHECK(gone_on(w) == packets{by_client ? a.left(out_spi, 1) : a.delivered(in_spi, 1)});
        check_empty(w);
    }
}

TEST_CASE_TEMPLATE("G16: more in one burst than may wait: all go on, in order", F, ipv4, ipv6) {
    basic_world<F> w(marked_settings<F>());
    natt_tunnel<F> a(w, 1);
    CHECK(a.child(true, false).forwarded());
    std::vector<io::memory_packet> burst;
    packets expected;
    for (std::uint32_t n = 1; n <= 7; ++n) {
        burst.emplace_back(udp(a.server, 4500, a.nat, a.nat_port, a.esp_in_udp(0xa001, n)), outside);
        expected.push_back(a.delivered(0xa001, n));
    }
    w.g->process(burst, w.now, w.collector());
    CHECK(gone_on(w) == expected);
    CHECK(w.count(counter::esp_paused) == 4);
    w.pass(1min);
    check_empty(w);
}

TEST_CASE_TEMPLATE("G16, N9: later IP fragments wait with the first, both ways; a fragmented IKE message counts by its first", F, ipv4, ipv6) {
    basic_world<F> w(marked_settings<F>());
    natt_tunnel<F> a(w, 1);
    CHECK(a.ike(true, exchange_type::ike_auth, 1, false).forwarded());
    w.pass(1min);
    for (const bool out : {true, false}) {
        CAPTURE(out);
        CHECK(a.child(!out, false).forwarded());
        const octets answer = joined(octets(4), a.message(exchange_type::create_child_sa, 2, true, out, 2000));
        const octets big = a.esp_in_udp(0xc001, 1, 3300);
        const auto datagram = [&](const octets& payload) {
            return out ? udp(a.local, 4500, a.server, 4500, payload) : udp(a.server, 4500, a.nat, a.nat_port, payload);
        };
        for (const octets& part : fragments_of<F>(datagram(answer), 1400, 76)) {
            CHECK((out ? w.out(part) : w.in(part)).forwarded());
        }
        const auto parts = fragments_of<F>(datagram(big), 1400, 77);
        REQUIRE(parts.size() == 3);
        for (const octets& part : {parts[1], parts[0], parts[2]}) {
            CHECK((out ? w.out(part) : w.in(part)).held);
        }
        w.pass(20ms);
        const auto all = gone_on(w);
        REQUIRE(all.size() == 3);
        CHECK(fragment_offset_of(all[0]) == 0);
        for (const octets& o : all) {
            CHECK(fragment_id_of(o) == fragment_id_of(all[0]));
            CHECK((out ? source_in<F>(o) == a.nat : destination_in<F>(o) == a.local));
        }
        check_empty(w);
    }
}

TEST_CASE_TEMPLATE("G16: no pause without the mark, the ALG, the profile or the time", F, ipv4, ipv6) {
    auto s = marked_settings<F>();
    SUBCASE("not marked: plain UDP (R5)") { s.policy.policies[0].applications.pop_back(); }
    SUBCASE("no ALG") { s.alg.enabled = false; }
    SUBCASE("junos") {
        s.alg = alg::alg_settings::of(alg::profile::junos);
        s.alg.enabled = true;
    }
    SUBCASE("no pause") { s.alg.new_sa_pause = 0ms; }
    SUBCASE("nothing may wait") { s.alg.esp_hold_limit = 0ms; }
    SUBCASE("another port of the server") { s.policy.applications[1].destination_port = {4499, 4499}; }
    basic_world<F> w(s);
    natt_tunnel<F> a(w, 1);
    CHECK(a.child(true, false).forwarded());
    CHECK(a.child(false, true).forwarded());
    CHECK(a.sa(false, 0xa001).forwarded());
    CHECK(a.sa(true, 0xb001).forwarded());
    check_empty(w);
}

TEST_CASE_TEMPLATE("G16, P4: a new configuration takes the mark away, and gives it", F, ipv4, ipv6) {
    basic_world<F> w(marked_settings<F>());
    natt_tunnel<F> a(w, 1);
    CHECK(a.child(true, false).forwarded());
    CHECK(a.sa(false, 0xa001, 1).held);
    auto without = marked_settings<F>();
    SUBCASE("not marked") { without.policy.policies[0].applications.pop_back(); }
    SUBCASE("the ALG is off") { without.alg.enabled = false; }
    SUBCASE("another profile") {
        without.alg = alg::alg_settings::of(alg::profile::junos);
        without.alg.enabled = true;
    }
    CHECK(w.g->replace(without, w.now).empty());
    std::vector<io::memory_packet> burst;
    burst.emplace_back(udp(a.server, 4500, a.nat, a.nat_port, a.esp_in_udp(0xa001, 2)), outside);
    burst.emplace_back(udp(a.local, 4500, a.server, 4500, a.esp_in_udp(0xb001, 1)), inside);
    w.g->process(burst, w.now, w.collector());
    CHECK(gone_on(w) == packets{a.delivered(0xa001, 1), a.delivered(0xa001, 2), a.left(0xb001, 1)});  // none overtakes
    CHECK(a.child(true, false).forwarded());
    CHECK(a.sa(false, 0xa002).forwarded());
    check_empty(w);
    CHECK(w.g->replace(marked_settings<F>(), w.now).empty());
    CHECK(a.child(true, false, 3).forwarded());
    CHECK(a.sa(false, 0xa003, 1).held);
    auto none = marked_settings<F>();  // and the policy
    none.policy.policies.clear();
    CHECK(w.g->replace(none, w.now).empty());
    w.pass(1s);
    REQUIRE(w.others.size() == 1);
    CHECK(w.others[0].dropped(drop_reason::policy));
    w.pass(1min);
    check_empty(w);
}

TEST_CASE_TEMPLATE("G16, N18: what another gateway hands over is watched again, from its next exchange on", F, ipv4, ipv6) {
    basic_world<F> first(marked_settings<F>());
    basic_world<F> second(marked_settings<F>());
    natt_tunnel<F> a(first, 1);
    CHECK(a.child(true, false).forwarded());
    CHECK(a.sa(false, 0xa001).held);
    first.g->export_records([&](const state_record<F>& r) { CHECK(second.g->import_record(r, second.now)); });
    a.w = &second;
    CHECK(a.sa(false, 0xa001).forwarded());  // the exchange was seen by the first one alone
    CHECK(a.child(false, true).forwarded());
    CHECK(a.sa(false, 0xa002).held);
    second.pass(20ms);
    CHECK(gone_on(second) == packets{a.delivered(0xa002, 1)});
}

TEST_CASE_TEMPLATE("G16, N16: an inside responder behind 1:1 NAT, begun from outside", F, ipv4, ipv6) {
    auto s = marked_settings<F>();
    const auto mapped = at<F>::nat(20);
    s.nat.statics = {{"static", "trust", {at<F>::client(5), F::address::size * 8}, {mapped, F::address::size * 8}}};
    auto from_outside = s.policy.policies[0];
    from_outside.from_zone = "untrust";
    from_outside.to_zone = "trust";
    s.policy.policies.push_back(from_outside);
    basic_world<F> w(s);
    natt_tunnel<F> a(w, 5);
    const auto ask = [&](const octets& payload) { return w.in(udp(a.server, 31000, mapped, 4500, payload)); };
    const auto answer = [&](const octets& payload) { return w.out(udp(a.local, 4500, a.server, 31000, payload)); };
    CHECK(ask(joined(octets(4), a.message(exchange_type::ike_auth, 1, false, false, 300))).forwarded());
    CHECK(answer(joined(octets(4), a.message(exchange_type::ike_auth, 1, true, true, 300))).forwarded());
    CHECK(answer(a.esp_in_udp(0xb001, 1)).held);
    CHECK(ask(a.esp_in_udp(0xa001, 1)).forwarded());
    w.pass(20ms);
    CHECK(gone_on(w) == packets{udp(mapped, 4500, a.server, 31000, a.esp_in_udp(0xb001, 1), {63})});
    check_empty(w);
}

TEST_CASE_TEMPLATE("G16: what is neither IKE nor ESP passes: keepalives, short and broken messages, split packets", F, ipv4, ipv6) {
    basic_world<F> w(marked_settings<F>());
    natt_tunnel<F> a(w, 1);
    for (const octets& payload : {octets{0xff}, octets{}, octets(7), octets(8), octets(31), joined(octets(4), octets(28, 0x24)),
                                  joined(octets(4), ike({1, 2, 0, 0x20, 37}))}) {
        CAPTURE(payload.size());
        CHECK(a.carry(true, payload).forwarded());
        CHECK(w.g->records().natt_watches.size() == 0);
    }
    CHECK(a.child(true, false).forwarded());
    io::memory_packet split(udp(a.server, 4500, a.nat, a.nat_port, a.esp_in_udp(0xa001, 1)), outside);
    split.split(is_v6(a.left(1, 1)) ? 50 : 30);
    CHECK(w.send(std::move(split)).held);
    io::memory_packet broken(udp(a.server, 4500, a.nat, a.nat_port, a.esp_in_udp(0xa002, 1)), outside);
    broken.split(is_v6(a.left(1, 1)) ? 50 : 30);
    broken.fail_contiguous(true);
    CHECK(w.send(std::move(broken)).forwarded());  // unseen
    io::memory_packet response(udp(a.server, 4500, a.nat, a.nat_port, joined(octets(4), a.message(exchange_type::create_child_sa, 2, true, false, 300))), outside);
    response.split(is_v6(a.left(1, 1)) ? 50 : 30);
    CHECK(w.send(std::move(response)).forwarded());
    w.pass(20ms);
    CHECK(gone_on(w) == packets{a.delivered(0xa001, 1)});
    check_empty(w);
}

TEST_CASE_TEMPLATE("G16: what waits leaves before its flow ends, however late the timers run", F, ipv4, ipv6) {
    basic_world<F> w(marked_settings<F>());
    natt_tunnel<F> a(w, 1);
    CHECK(a.child(true, false).forwarded());
    CHECK(a.sa(false, 0xa001).held);
    w.now += 1h;
    while (w.g->advance(w.now, 64, w.collector())) {
    }
    CHECK(gone_on(w) == packets{a.delivered(0xa001, 1)});
    w.pass(1h);
    check_empty(w);
    CHECK(w.g->records().flows.size() == 0);
}

TEST_CASE("G16, N12: a hairpin session toward UDP 4500 is plain UDP, also when the nat address is the client's own") {
    auto s = marked_settings<ipv4>();
    s.hairpin = true;
    s.policy.zones.push_back({"lab", {}, {{v4("10.99.0.0"), 16}}, {}});
    auto from_lab = s.policy.policies[0];
    from_lab.from_zone = "lab";
    s.policy.policies.push_back(from_lab);
    from_lab.to_zone = "trust";
    s.policy.policies.push_back(from_lab);
    s.nat.rule_sets[0].from_zones.push_back("lab");
    world w(s);
    natt_tunnel<ipv4> a(w, 1);
    CHECK(a.carry(true, {0xff}).forwarded());
    const auto ask = joined(octets(4), a.message(exchange_type::create_child_sa, 2, false, true, 300));
    const outcome reached = w.send(udp(v4("10.99.0.1"), 4500, a.nat, a.nat_port, ask), zone_id{2});
    CHECK(reached.forwarded());
    CHECK(destination_of(reached.data) == a.local);
    CHECK(w.g->records().natt_watches.size() == 0);
    w.pass(24h);
    CHECK(w.g->ports().size() == 0);
}
