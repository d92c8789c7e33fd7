// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/export.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

namespace {

template <class F>
std::vector<state_record<F>> all_of(const basic_world<F>& w) {
    std::vector<state_record<F>> records;
    w.g->export_records([&](const state_record<F>& r) { records.push_back(r); });
    return records;
}
/// How many records of each kind.
template <class F>
std::array<std::size_t, 7> census(const std::vector<state_record<F>>& records) {
    std::array<std::size_t, 7> n{};
    for (const auto& r : records) {
        ++n[r.body.index()];
    }
    return n;
}

}  // namespace

TEST_CASE_TEMPLATE("N18: what one gateway exports another imports, on a clock of its own, and every tunnel and flow goes on", F, ipv4, ipv6) {
    for (const auto mode : {alg::ike_port_mode::prefer, alg::ike_port_mode::preserve, alg::ike_port_mode::translate}) {
        CAPTURE(static_cast<int>(mode));
        auto s = usual_settings<F>(2);
        s.alg.ike_port = mode;
        basic_world<F> old(s);
        std::vector<basic_tunnel<F>> tunnels;
        for (std::uint32_t i = 0; i < 6; ++i) {
            tunnels.emplace_back(old, 10 + i, 1 + i % 2);
            tunnels.back().connect(0xa000 + i, 0xb000 + i);
        }
        CHECK(tunnels[3].out(exchange_type::create_child_sa, 9).forwarded());  // waits for its SPI at the time of the export
        CHECK(tunnels[3].in(exchange_type::create_child_sa, 9).forwarded());
        CHECK(tunnels[3].esp_out(0xbb03).forwarded());
        const octets dns = udp(at<F>::client(3), 6000, at<F>::server(1), 53, octets(9));
        CHECK(old.out(udp(at<F>::client(2), 6000, at<F>::server(1), 53, octets(9))).forwarded());
        const outcome before = old.out(dns);
        const auto records = all_of(old);
        auto o = small_options();
        o.start = instant{77h};
        o.capacity.flows = 512;
        o.seed = 99;
        basic_world<F> fresh(s, o);
        for (const auto& r : records) {
            CHECK(fresh.g->import_record(r, fresh.now));
        }
        CHECK(census(all_of(fresh)) == census(records));
        CHECK(fresh.out(dns).data == before.data);
        CHECK(fresh.in(udp(at<F>::server(1), 53, source_in<F>(before.data), source_port_in(before.data), octets(9))).forwarded());
        for (std::uint32_t i = 0; i < 6; ++i) {
            CAPTURE(i);
            auto& t = tunnels[i];
            t.w = &fresh;
            const std::uint16_t port = t.nat_port;
            CHECK(t.got(0xa000 + i, 2));
            CHECK(t.esp_out(0xb000 + i, 2).forwarded());
            const auto type = t.version == 2 ? exchange_type::informational : exchange_type::informational_v1;
            const outcome dpd = t.in(type, 50, false);
            CHECK(dpd.forwarded());
            CHECK(destination_in<F>(dpd.data) == t.local);
            CHECK(t.out(type, 50, true).forwarded());
            CHECK(t.nat_port == port);
        }
        CHECK(tunnels[3].got(0xaa03));  // E5: the one exchange that waits
        fresh.pass(100ms);
        basic_tunnel<F> more(fresh, 40);
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

namespace {

/// A client and its server, each with its part of an IKE negotiation and of ESP, that repeat what was not delivered. What the gateway does to a
/// packet is all they know of each other.
template <class F>
class peers {
public:
    struct step {
        bool by_client;
        exchange_type type;
        std::uint32_t id;
        bool response;
    };
    peers(basic_world<F>& w, std::uint32_t number, unsigned version) : t_(w, number, version), number_(number) {
        if (version == 1) {
            script_ = {{true, exchange_type::main_mode, 0, false},  {false, exchange_type::main_mode, 0, false},
                       {true, exchange_type::main_mode, 0, false},  {false, exchange_type::main_mode, 0, false},
                       {true, exchange_type::quick_mode, 7, false}, {false, exchange_type::quick_mode, 7, false},
                       {true, exchange_type::quick_mode, 7, false}};
        } else {
            script_ = {{true, exchange_type::ike_sa_init, 0, false}, {false, exchange_type::ike_sa_init, 0, true},
                       {true, exchange_type::ike_auth, 1, false},    {false, exchange_type::ike_auth, 1, true}};
            rekey_ = {{true, exchange_type::create_child_sa, 2, false}, {false, exchange_type::create_child_sa, 2, true}};
        }
    }
    void move_to(basic_world<F>& w) { t_.w = &w; }
    [[nodiscard]] bool done() const { return sas_ == (rekey_.empty() ? 1U : 2U); }
    [[nodiscard]] std::size_t position() const { return sas_ * 100 + at_; }

    /// Sends the next thing, or the last one again.
    void turn() {
        if (done()) {
            return;
        }
        const auto& script = sas_ == 0 ? script_ : rekey_;
        if (at_ < script.size()) {
            const step& s = script[at_];
            const outcome o = s.by_client ? t_.out(s.type, s.id, s.response) : t_.in(s.type, s.id, s.response);
            waits_for_ = o.held ? o.tag : 0;
            advance(o);
        } else {
            const outcome o = t_.esp_out(spi_out(), ++sequence_);
            waits_for_ = o.held ? o.tag : 0;
            advance(o);
        }
    }
    /// When the server's answer to ESP of this client comes, if one is on its way.
    [[nodiscard]] std::optional<instant> answer_due() const { return answer_; }
    void answer() {
        answer_.reset();
        const outcome o = t_.esp_in(spi_in());
        if (o.forwarded() && !done()) {
            CHECK(destination_in<F>(o.data) == t_.local);
            ++sas_;
            at_ = 0;
        }
    }
    /// A packet that was held comes back.
    void take(const outcome& o) {
        if (o.tag == waits_for_) {
            const auto& script = sas_ == 0 ? script_ : rekey_;
            if (at_ < script.size() && script[at_].by_client) {
                t_.learn(o);
            }
            advance(o);
        }
    }

private:
    [[nodiscard]] std::uint32_t spi_out() const { return 0xb000 + number_ * 16 + static_cast<std::uint32_t>(sas_); }
    [[nodiscard]] std::uint32_t spi_in() const { return 0xa000 + number_ * 16 + static_cast<std::uint32_t>(sas_); }
    void advance(const outcome& o) {
        const auto& script = sas_ == 0 ? script_ : rekey_;
        if (!o.forwarded()) {
            return;
        }
        waits_for_ = 0;
        if (at_ < script.size()) {
            if (!script[at_].by_client) {
                CHECK(destination_in<F>(o.data) == t_.local);
            }
            ++at_;
        } else {
            answer_ = t_.w->now + 20ms;
        }
    }

    basic_tunnel<F> t_;
    std::uint32_t number_;
    std::vector<step> script_{};
    std::vector<step> rekey_{};
    std::size_t at_ = 0;
    std::size_t sas_ = 0;
    std::uint64_t waits_for_ = 0;
    std::uint32_t sequence_ = 1;
    std::optional<instant> answer_{};
};

/// An exchange that was made up for ESP: nothing tells it from another one.
template <class F>
bool is_empty(const state_record<F>& r) {
    const auto* b = std::get_if<binding_record<F>>(&r.body);
    return b != nullptr && b->outbound == spi{} && b->inbound == spi{};
}

/// Plays two clients of one server to their ends, with a restart after `restart_at` turns (none when it is that many). Returns the turns it took.
template <class F>
std::size_t play(const settings<F>& s, unsigned version_a, unsigned version_b, std::uint64_t order, std::size_t restart_at) {
    auto w = std::make_unique<basic_world<F>>(s);
    std::array<peers<F>, 2> both{peers<F>(*w, 1, version_a), peers<F>(*w, 2, version_b)};
    small_random random(order);
    std::size_t turns = 0;
    const auto settle = [&](duration d) {
        const instant until = w->now + d;
        while (w->now < until) {
            w->pass(1ms);
            for (const outcome& o : w->take_others()) {
                both[0].take(o);
                both[1].take(o);
            }
            for (peers<F>& p : both) {
                if (p.answer_due() && *p.answer_due() <= w->now) {
                    p.answer();
                }
            }
        }
    };
    for (; turns < 400 && !(both[0].done() && both[1].done()); ++turns) {
        if (turns == restart_at) {
            const auto records = all_of(*w);
            auto fresh = std::make_unique<basic_world<F>>(s);
            fresh->now = w->now;
            for (const auto& r : records) {
                CHECK(fresh->g->import_record(r, fresh->now));
                CHECK_FALSE((r.body.index() > 1 && r.body.index() != 4 && !is_empty(r) && fresh->g->import_record(r, fresh->now)));  // not twice
            }
            CHECK(census(all_of(*fresh)) == census(records));
            w = std::move(fresh);
            both[0].move_to(*w);
            both[1].move_to(*w);
        }
        both[random() % 2].turn();
        settle(std::chrono::milliseconds{5 + random() % 40});
        if (random() % 8 == 0) {
            settle(600ms);
        }
    }
    INFO("stuck at ", both[0].position(), " and ", both[1].position());
    CHECK(both[0].done());
    CHECK(both[1].done());
    w->pass(48h);
    CHECK(w->g->records().pairs().size() == 0);
    CHECK(w->g->records().exchanges().size() == 0);
    CHECK(w->g->records().held().size() == 0);
    CHECK(w->g->ports().size() == 0);
    return turns;
}

}  // namespace

TEST_CASE_TEMPLATE("N18: a restart at any moment of two clients' negotiations: nothing is misdelivered and every tunnel comes up", F, ipv4, ipv6) {
    for (const auto mode : {alg::ike_port_mode::prefer, alg::ike_port_mode::preserve}) {
        auto s = usual_settings<F>();
        s.alg.ike_port = mode;
        for (const auto& versions : {std::pair{1U, 1U}, std::pair{2U, 2U}, std::pair{1U, 2U}}) {
            const unsigned a = versions.first;  // no structured binding: clang 14 cannot capture one
            const unsigned b = versions.second;
            for (std::uint64_t order = 1; order <= 4; ++order) {
                CAPTURE(static_cast<int>(mode));
                CAPTURE(a);
                CAPTURE(b);
                CAPTURE(order);
                const std::size_t turns = play(s, a, b, order, 1000);
                for (std::size_t at = 0; at <= turns; ++at) {
                    CAPTURE(at);
                    (void)play(s, a, b, order, at);
                }
            }
        }
    }
}

TEST_CASE_TEMPLATE("N18: a held message is not exported; its repetition after the restart is known for what it is", F, ipv4, ipv6) {
    basic_world<F> old;
    basic_tunnel<F> a(old, 1);
    basic_tunnel<F> b(old, 2);
    a.phase1();
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    CHECK(b.out(exchange_type::create_child_sa, 2).held);
    const auto records = all_of(old);
    basic_world<F> fresh;
    fresh.now = old.now;
    for (const auto& r : records) {
        REQUIRE(fresh.g->import_record(r, fresh.now));
    }
    CHECK(fresh.g->records().held().size() == 0);
    CHECK(fresh.g->records().exchanges().size() == 2);
    a.w = b.w = &fresh;
    const outcome again = b.out(exchange_type::create_child_sa, 2);
    CHECK(again.held);  // the tenure of the first client goes on
    CHECK(fresh.count(counter::phase2_started) == 0);
    CHECK(fresh.count(counter::phase2_retransmitted) == 1);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());  // the answer to a request that the old gateway saw
    CHECK(a.esp_out(0xb001).forwarded());
    fresh.pass(10ms);
    CHECK(a.got(0xa001));
    CHECK(fresh.count(counter::bindings_contested) == 0);
    fresh.pass(100ms);
    const auto back = fresh.take_others();
    REQUIRE(back.size() == 1);
    CHECK(back[0].tag == again.tag);
    CHECK(back[0].forwarded());
    CHECK(b.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(fresh.count(counter::phase2_started) == 0);
    CHECK(b.esp_out(0xb002).forwarded());
    fresh.pass(10ms);
    CHECK(b.got(0xa002));
}

TEST_CASE("N18: a tenure whose exchange was made for ESP alone, and is not exported, takes no further SPI after the restart") {
    basic_world<ipv4> w;
    basic_tunnel<ipv4> a(w, 1);
    basic_tunnel<ipv4> b(w, 2);
    a.phase1(50ms);
    b.phase1(50ms);
    CHECK(b.out(exchange_type::create_child_sa, 2).forwarded());
    w.pass(10ms);
    CHECK(b.in(exchange_type::create_child_sa, 2).forwarded());
    w.pass(10s);  // b is parked: a claim, so a settles
    CHECK(a.esp_out(0xb001).forwarded());
    w.pass(50ms);
    CHECK(a.esp_in(0xa001).forwarded());
    basic_world<ipv4> next;
    next.now = w.now;
    for (const auto& r : all_of(w)) {
        CHECK(next.g->import_record(r, next.now));
    }
    bool settles = false;
    next.g->records().slots().for_each([&](std::uint32_t, const auto& s) { settles = s.state == alg::slot_state::settle && s.holder_exchange == npos; });
    CHECK(settles);
    CHECK(next.in(esp(a.server, a.nat, 0xa002)).dropped(drop_reason::esp_ambiguous));
}
