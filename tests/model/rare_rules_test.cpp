// SPDX-License-Identifier: Apache-2.0
/// Rules that small plans with the usual limits do not come to: explored with small limits, or sequence by sequence.
#include "explorer.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <vector>

#include "alg/harness.hpp"
#include "plans.hpp"

namespace {

using namespace ikealg::tests::model;
using s = script;

/// Explores it, says what came of it.
surroundings explored(const plan& p) {
    explorer e(p, std::min<std::size_t>(bound(), 400'000));
    const result r = e.run();
    std::printf("explorer: %-60s %7zu states%s; one-way %llu, flooded %llu, wrong %llu\n", p.name.c_str(), r.states,
                r.cut ? ", BOUNDED" : "", static_cast<unsigned long long>(e.around().one_way),
                static_cast<unsigned long long>(e.around().flooded),
                static_cast<unsigned long long>(e.around().misbindings));
    CHECK_MESSAGE(r.violation.empty(), p.name << ": " << r.violation);
    return e.around();
}

}  // namespace

TEST_CASE("G12: an exchange that no tenure satisfies becomes one-way, in every order of events") {
    const auto impatient = [](plan p) {
        p.settings.learning_tenures = 1;
        p.name += ", 1 learning tenure";
        return p;
    };
    const auto clients_of_one_slot = clients({s::quick_client, s::quick_client});
    plan answered = impatient(answers_only(slim("2 clients, Quick Mode", clients_of_one_slot)));
    answered.esp_out = 3;
    CHECK(explored(answered).one_way != 0);
    plan any = with_pauses(impatient(slim("2 clients, Quick Mode", clients_of_one_slot)), 1);
    any.esp_out = 3;
    CHECK(explored(any).one_way != 0);
    plan child = impatient(slim("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client})));
    child.esp_out = 2;
    CHECK(explored(child).one_way != 0);
}

TEST_CASE("L7: with a flood in progress the slot keeps its promises, in every order of events") {
    for (const script kind : {s::quick_client, s::child_client}) {
        plan p = slim("2 clients, the second unknown SPI a second is a flood", clients({kind, kind}));
        p.settings.learn_flood = 1;
        p.esp_in = 2;
        CHECK(explored(p).flooded != 0);
        p.name += ", 2 ESP out";
        p.esp_out = 2;
        CHECK(explored(p).flooded != 0);
    }
}

TEST_CASE("IKE sessions that end while idle, at any moment, leave nobody waiting and nothing behind") {
    const auto ending = [](plan p) {
        p.ends = true;
        p.name += ", IKE ends at any moment";
        return p;
    };
    (void)explored(ending(slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client}))));
    (void)explored(ending(slim("2 clients, CREATE_CHILD_SA and IKE_AUTH", clients({s::child_client, s::auth}))));
    (void)explored(ending(repeated(slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})))));
    (void)explored(ending(slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client}))));
    (void)explored(junos(ending(slim("2 clients", clients({s::quick_client, s::child_client})))));
}

namespace {

using namespace ikealg_tests;

/// Clients with one initiator SPI on one shared port.
class same_spi {
public:
    explicit same_spi(unsigned n) : n_(n) {
        for (unsigned c = 0; c < n; ++c) {
            clients_[c] = {h_.make_pair(c + 1), {0x5555'0000'0000'0001}, {0x7000 + c}, 1, true};
        }
    }
    [[nodiscard]] unsigned actions() const { return 2 * n_ + 1; }
    [[nodiscard]] bool one_waited() const { return one_waited_; }
    void act(unsigned a) {
        if (a < n_) {
            ask(a);
        } else if (a < 2 * n_) {
            answer(a - n_);
        } else {
            h_.pass(1s);
            look_again();
        }
        unsigned open = 0;
        for (unsigned c = 0; c < n_; ++c) {
            open += passed_[c] && !answered_[c] ? 1U : 0U;
        }
        CHECK(open <= 1);  // else nobody could say whose the answer is
    }
    void end() {
        h_.pass(7s);
        look_again();
        h_.pass(7s);
        CHECK(h_.memory().held().size() == 0);
    }

private:
    void ask(unsigned c) {
        peer first = clients_[c];
        first.responder = {};
        const auto d = h_.ike(first, exchange_type::main_mode, outbound, 0, false);
        passed_[c] = passed_[c] || d == forwarded;
        waits_[c] = d == waits ? h_.last : waits_[c];
        one_waited_ = one_waited_ || d == waits;
        look_again();
    }
    void answer(unsigned c) {
        if (!passed_[c]) {
            return;
        }
        const ike_header header{clients_[c].initiator, clients_[c].responder, 0x10, exchange_type::main_mode};
        const ike_bytes m = header.bytes_of();
        CHECK(h_.core.owner_on_shared_port(h_.memory().pair_at(clients_[c].pair).slot, m.view()).pair ==
              clients_[c].pair);
        CHECK(h_.ike(clients_[c], m, inbound) == forwarded);
        answered_[c] = true;
        look_again();
    }
    /// The gateway looks anew at what waited for the answer.
    void look_again() {
        for (const released& r : h_.take_back()) {
            for (unsigned c = 0; c < n_ && r.reason == drop_reason::none; ++c) {
                if (waits_[c] == r.id) {
                    waits_[c] = 0;
                    ask(c);
                }
            }
        }
    }

    unsigned n_;
    bool one_waited_ = false;
    harness<ipv4> h_{{}, {16, 8, 4, 16, 16, 16}};
    std::array<peer, 3> clients_{};
    std::array<bool, 3> passed_{};
    std::array<bool, 3> answered_{};
    std::array<std::uint32_t, 3> waits_{};
};

}  // namespace

TEST_CASE("N5: clients with one initiator SPI, every sequence of messages, answers and seconds") {
    for (const auto& [n, length] : {std::pair{2U, fast_build ? 6U : 3U}, std::pair{3U, fast_build ? 5U : 2U}}) {
        const unsigned choices = same_spi(n).actions();
        std::vector<unsigned> sequence(length);
        std::size_t sequences = 0;
        std::size_t with_waiting = 0;
        for (bool more = true; more; ++sequences) {
            same_spi world(n);
            for (const unsigned a : sequence) {
                CAPTURE(sequences);
                world.act(a);
            }
            world.end();
            with_waiting += world.one_waited() ? 1U : 0U;
            more = false;
            for (unsigned& a : sequence) {
                a = a + 1 == choices ? 0 : a + 1;
                if (a != 0) {
                    more = true;
                    break;
                }
            }
        }
        std::printf("explorer: N5, %u clients, %zu sequences of %u, somebody waits in %zu\n", n, sequences, length,
                    with_waiting);
        CHECK(with_waiting != 0);
    }
}
