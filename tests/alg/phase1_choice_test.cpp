// SPDX-License-Identifier: Apache-2.0
/// Whose a Phase 1 is that the server begins toward a shared port 500.
#include "ikealg/alg/phase1_choice.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

namespace {

/// A shared port with clients whose Phase 1 was done `apart` from each other, the first one first.
template <class F>
struct clients_of_one_server {
    harness<F> h;
    std::vector<peer> all;
    std::uint64_t next_spi = 0x7000;

    explicit clients_of_one_server(unsigned n, unsigned version = 1, duration apart = 20ms) {
        for (unsigned i = 0; i < n; ++i) {
            all.push_back(sharing(h, i + 1, version));
            h.phase1(all.back());
            h.pass(apart);
        }
    }
    [[nodiscard]] auto& slot() { return h.slot_of(all[0]); }
    [[nodiscard]] ike_header first_message(ike_spi initiator, unsigned version = 1,
                                           exchange_type type = exchange_type::main_mode) {
        return {initiator,
                {},
                static_cast<std::uint8_t>(version << 4),
                version == 1 ? type : exchange_type::ike_sa_init,
                static_cast<std::uint8_t>(version == 1 ? 0 : 8)};
    }
    /// Whose it would be.
    [[nodiscard]] auto whose(ike_spi initiator, unsigned version = 1, bool choose = true) {
        const auto m = first_message(initiator, version).bytes_of();
        return h.core.owner_on_shared_port(h.memory().pair_at(all[0].pair).slot, m.view(), choose);
    }
    /// The server begins a Phase 1: the SA as its client sees it, `pair` npos when nobody got it.
    peer begin(unsigned version = 1, exchange_type type = exchange_type::main_mode) {
        const ike_spi initiator{++next_spi};
        peer p{whose(initiator, version).pair, initiator, {initiator.value << 8}, version, true, true};
        if (p.pair != npos) {
            CHECK(h.ike(p, first_message(initiator, version, type), inbound) == forwarded);
        }
        return p;
    }
    decision say(const peer& p, direction way, bool encrypted, exchange_type type = exchange_type::main_mode) {
        return h.ike(p, ike_header{p.initiator, p.responder, 0x10, type, static_cast<std::uint8_t>(encrypted ? 1 : 0)},
                     way);
    }
    /// Main Mode up to message 5, and message 6 when `last`.
    void main_mode(const peer& p, bool last = true) {
        CHECK(say(p, outbound, false) == forwarded);
        CHECK(say(p, inbound, false) == forwarded);
        CHECK(say(p, outbound, false) == forwarded);
        CHECK(say(p, inbound, true) == forwarded);
        if (last) {
            CHECK(say(p, outbound, true) == forwarded);
        }
    }
    /// The client was the wrong one: message 6 does not please the server.
    void fail(const peer& p) {
        main_mode(p);
        for (int i = 0; i < 2; ++i) {
            h.pass(500ms);
            CHECK(say(p, inbound, true) == forwarded);
            CHECK(say(p, outbound, true) == forwarded);
        }
    }
};

}  // namespace

TEST_CASE_TEMPLATE(
    "N4: a Phase 1 that the server begins goes to the client whose newest one is the oldest, whoever began that", F,
    ipv4, ipv6) {
    for (const unsigned version : {1U, 2U}) {
        CAPTURE(version);
        clients_of_one_server<F> c(3, version);
        c.h.pass(1h);
        CHECK(c.whose({1}, version).pair == c.all[0].pair);
        CHECK(c.whose({1}, version).candidates == 3);
        peer again = sharing(c.h, 1, version);
        c.h.phase1(again);
        c.h.pass(1h);
        CHECK(c.whose({1}, version).pair == c.all[1].pair);
        CHECK(c.whose({1}, 3 - version).pair == npos);  // nobody has an IKE SA of that version
        CHECK(c.whose({1}, version, false).pair == npos);
    }
}

TEST_CASE_TEMPLATE(
    "N4: a Phase 1 of the server counts from its first message: the next one goes to the next client, and so round", F,
    ipv4, ipv6) {
    clients_of_one_server<F> c(3);
    for (int round = 0; round < 3; ++round) {
        c.h.pass(20min);
        std::vector<peer> begun;
        for (const peer& each : c.all) {
            begun.push_back(c.begin());
            CHECK(begun.back().pair == each.pair);
            c.h.pass(7ms);
        }
        for (const peer& p : begun) {
            c.main_mode(p);
        }
    }
}

TEST_CASE_TEMPLATE("N4: retransmissions are the same client's, before and after it has answered", F, ipv4, ipv6) {
    clients_of_one_server<F> c(2);
    c.h.pass(1h);
    const peer p = c.begin();
    CHECK(p.pair == c.all[0].pair);
    CHECK(c.whose(p.initiator).pair == p.pair);
    c.main_mode(p);
    c.h.pass(10s);
    CHECK(c.whose(p.initiator).pair == p.pair);
    CHECK(owner_of(c.h, p, p.initiator, p.responder).pair == p.pair);
    CHECK(c.whose({1}).pair == c.all[1].pair);
}

TEST_CASE_TEMPLATE(
    "N4: a client that has no proven session of that version is no candidate; the only one that has gets it", F, ipv4,
    ipv6) {
    clients_of_one_server<F> c(1);
    const peer other = sharing(c.h, 2, 2);
    c.h.phase1(other);
    const peer half = sharing(c.h, 3, 1);
    CHECK(c.h.ike({half.pair, half.initiator, {}, 1, true}, exchange_type::main_mode, outbound, 0, false) == forwarded);
    CHECK(c.whose({1}).pair == c.all[0].pair);
    CHECK(c.whose({1}).candidates == 1);
    CHECK(c.whose({1}, 2).pair == other.pair);
}

TEST_CASE_TEMPLATE(
    "N4: an attempt that failed is no renewal: another client that is due goes next, then the first one again", F, ipv4,
    ipv6) {
    clients_of_one_server<F> c(2);
    c.h.pass(1h);
    const peer wrong = c.begin();
    CHECK(wrong.pair == c.all[0].pair);
    c.fail(wrong);
    c.h.pass(64s);
    const peer right = c.begin();
    CHECK(right.pair == c.all[1].pair);
    c.main_mode(right);
    c.h.pass(64s);
    CHECK(c.begin().pair == c.all[0].pair);  // the other one has a new Phase 1: it is not meant
}

TEST_CASE_TEMPLATE("N4: what shows that an attempt failed, and what does not", F, ipv4, ipv6) {
    struct way {
        const char* name;
        bool failed;
        void (*go)(clients_of_one_server<F>&, const peer&);
        unsigned version = 1;
        exchange_type type = exchange_type::main_mode;
    };
    const way ways[] = {
        {"message 5 three times, answered", true, [](auto& c, const peer& p) { c.fail(p); }},
        {"message 5 three times, not answered", true,
         [](auto& c, const peer& p) {
             c.main_mode(p, false);
             (void)c.say(p, inbound, true);
             (void)c.say(p, inbound, true);
         }},
        {"message 5 twice: one was lost", false,
         [](auto& c, const peer& p) {
             c.main_mode(p);
             (void)c.say(p, inbound, true);
         }},
        {"it failed, but then there is a Quick Mode of the server's", false,
         [](auto& c, const peer& p) {
             c.fail(p);
             (void)c.h.quick(p, inbound, 5);
         }},
        {"a Quick Mode of the client's says nothing", true,
         [](auto& c, const peer& p) {
             c.fail(p);
             (void)c.h.quick(p, outbound, 5);
         }},
        {"no answer at all", true, [](auto&, const peer&) {}},
        {"a clear Informational", true,
         [](auto& c, const peer& p) { (void)c.say(p, outbound, false, exchange_type::informational_v1); }},
        {"an encrypted Informational", false,
         [](auto& c, const peer& p) {
             c.main_mode(p);
             (void)c.say(p, inbound, true, exchange_type::informational_v1);
         }},
        {"Aggressive 1 twice again after the answer", true,
         [](auto& c, const peer& p) {
             for (int i = 0; i < 2; ++i) {
                 (void)c.say(p, outbound, false, exchange_type::aggressive_mode);
                 (void)c.h.ike(p, c.first_message(p.initiator, 1, exchange_type::aggressive_mode), inbound);
             }
         },
         1, exchange_type::aggressive_mode},
        {"Aggressive", false,
         [](auto& c, const peer& p) {
             (void)c.say(p, outbound, false, exchange_type::aggressive_mode);
             (void)c.say(p, inbound, true, exchange_type::aggressive_mode);
         },
         1, exchange_type::aggressive_mode},
        {"SA_INIT refused", true,
         [](auto& c, const peer& p) { (void)c.h.ike(p, exchange_type::ike_sa_init, outbound, 0, true, 36); }, 2},
        {"SA_INIT answered with a cookie, then in full", false,
         [](auto& c, const peer& p) {
             (void)c.h.ike(p, exchange_type::ike_sa_init, outbound, 0, true, 60);
             (void)c.h.ike(p, exchange_type::ike_sa_init, outbound, 0, true);
         },
         2},
        {"AUTH refused", true,
         [](auto& c, const peer& p) {
             (void)c.h.ike(p, exchange_type::ike_sa_init, outbound, 0, true);
             (void)c.h.ike(p, exchange_type::ike_auth, inbound, 1, false);
             (void)c.h.ike(p, exchange_type::ike_auth, outbound, 1, true, 80);
         },
         2},
    };
    for (const way& w : ways) {
        CAPTURE(w.name);
        clients_of_one_server<F> c(2, w.version);
        c.h.pass(1h);
        const peer p = c.begin(w.version, w.type);
        CHECK(p.pair == c.all[0].pair);
        w.go(c, p);
        c.h.pass(10s);
        const peer second = c.begin(w.version, w.type);
        CHECK(second.pair == c.all[1].pair);  // either way
        if (w.version == 1) {
            c.main_mode(second);
        } else {
            (void)c.h.ike(second, exchange_type::ike_sa_init, outbound, 0, true);
        }
        c.h.pass(10s);
        CHECK((c.whose({1}, w.version).pair == c.all[0].pair));  // tried or renewed, it is the older one
        c.h.pass(2h);                                            // now both are due: who was tried comes last
        CHECK((c.whose({1}, w.version).pair == c.all[1].pair) == w.failed);
    }
}

TEST_CASE_TEMPLATE("N4: clients that got each other's attempts do not for ever: a keyed hash of the SPI draws", F, ipv4,
                   ipv6) {
    for (const unsigned n : {2U, 3U}) {
        CAPTURE(n);
        clients_of_one_server<F> c(n);
        c.h.pass(1h);
        // The server begins in another order than the sessions were seen; it wants `wanted[i]` with its i-th attempt.
        std::vector<std::uint32_t> wanted;
        for (const peer& each : c.all) {
            wanted.insert(wanted.begin(), each.pair);
        }
        int rounds = 0;
        for (; !wanted.empty() && rounds < 60; ++rounds) {
            std::vector<std::pair<std::uint32_t, peer>> begun;
            for (const std::uint32_t each : wanted) {
                begun.emplace_back(each, c.begin());
                c.h.pass(20ms);
            }
            for (const auto& [each, p] : begun) {
                REQUIRE(p.pair != npos);
                if (p.pair == each) {
                    c.main_mode(p);
                    wanted.erase(std::find(wanted.begin(), wanted.end(), each));
                } else {
                    c.fail(p);
                }
            }
            c.h.pass(64s);
        }
        CHECK(rounds > 1);
        CHECK(rounds < 60);
    }
}

TEST_CASE_TEMPLATE(
    "N4: a client without an end does not get the Phase 1 of one that is due, nor that one its repetitions", F, ipv4,
    ipv6) {
    clients_of_one_server<F> c(2);
    c.h.pass(1h);
    const peer gone = c.begin();
    CHECK(gone.pair == c.all[0].pair);  // switched off: it never answers
    c.h.pass(1s);
    const peer second = c.begin();
    CHECK(second.pair == c.all[1].pair);
    c.main_mode(second);
    for (int i = 0; i < 20; ++i) {
        c.h.pass(64s);
        CHECK(c.begin().pair == c.all[0].pair);
    }
    c.h.pass(38min);
    CHECK(c.begin().pair == c.all[1].pair);
}

TEST_CASE_TEMPLATE("N4: of a port that one client had for its own, what nobody is chosen for is that client's", F, ipv4,
                   ipv6) {
    clients_of_one_server<F> c(2);
    c.slot().port_owner = c.all[1].pair;
    c.h.pass(1h);
    CHECK(c.whose({1}).pair == c.all[0].pair);
    CHECK(c.whose({1}, 1, false).pair == c.all[1].pair);  // ALG off
    CHECK(c.whose({1}, 2).pair == c.all[1].pair);
    CHECK(owner_of(c.h, c.all[0], {1}, {2}).pair == c.all[1].pair);  // X6
    c.slot().server_knows_ports = true;
    CHECK(c.whose({1}).pair == c.all[1].pair);
}

TEST_CASE_TEMPLATE("N4: among more than 256 clients nobody is chosen", F, ipv4, ipv6) {
    harness<F> h({}, {64, 512, 4, 512, 64, 16});
    peer last{};
    for (unsigned i = 0; i < 257; ++i) {
        last = sharing(h, i + 1, 1);
        h.phase1(last);
        const auto m = ike_header{{0x7000}, {}, 0x10, exchange_type::main_mode}.bytes_of();
        const auto o = h.core.owner_on_shared_port(h.memory().pair_at(last.pair).slot, m.view());
        CHECK((o.pair != npos) == (i < 256));
    }
}

TEST_CASE_TEMPLATE("L2: an attempt that failed makes room for the client's next session", F, ipv4, ipv6) {
    clients_of_one_server<F> c(1);
    c.h.memory().settings.sessions_per_client = 3;
    for (int i = 0; i < 6; ++i) {
        c.h.pass(1h);
        const peer p = c.begin();
        CHECK(p.pair == c.all[0].pair);
        c.fail(p);
    }
    CHECK(c.h.memory().sessions().size() == 3);
    CHECK(c.h.count(counter::ike_sessions_evicted) == 4);
    CHECK(c.h.memory().find_session(c.all[0].pair, c.all[0].initiator) != npos);
}
