// SPDX-License-Identifier: Apache-2.0
/// The slot, explored: every order of messages, losses, repetitions, ESP and timers of small worlds, on the shipped headers.
///
/// The product of everything with everything is out of reach, so there is a family of plans. `full` is: each message repeated once and lost once,
/// two ESP packets each way, server ESP at any moment after it may send; `slim` has none of that. A plan whose line says BOUNDED was cut at
/// the number of states of `bound()`; each other one is complete, up to the reduction that reduction_test.cpp proves. Complete, and in the test run:
///   2 clients, 1 exchange each, full: every kind with itself, Quick Mode with CREATE_CHILD_SA, with refused, with an old SA,
///     CREATE_CHILD_SA of the server with IKE_AUTH, with IKE not seen before, with a pause before a timer (17 k to 250 k states);
///   1 client, 2 exchanges, full; 2 clients, 2 exchanges and 1, or with refused ones, slim (7 k to 547 k);
///   3 clients, 1 exchange each: slim of every kind, repeated, with two ESP each way, full with two refused (11 k to 695 k);
///   2 clients, Quick Mode or CREATE_CHILD_SA each, and 1 client with 2 Quick Modes, with any number of repetitions, losses and ESP packets
///     (`unlimited`: 4.9 k to 568 k states); what a contested binding leaves behind is remembered for ever there, for time has no end;
///   with drop-contested, where nothing may be misdelivered or contested at all: the same, and 2 clients, 2 Quick Modes each, slim (1 483 k);
///   junos: 2 clients full, 3 clients with repetition, 2 and 1 exchanges.
/// Complete with IKEALG_EXPLORER_STATES=50000000: 2 clients, 2 Quick Modes each, slim (42 297 k); and, measured before E13, 3 clients, Quick Mode,
/// repeated and lost too (3 619 k), 2 Quick Modes of a client beside a refused exchange, full (21 436 k). Not tried to their end: 2 or 3 clients
/// with 2 exchanges each, full; 2 exchanges and 1 with a round trip.
/// Their size, from what is complete (Quick Modes of the client, slim and full): 1 client with 1 exchange 10 and 57 states, with 2 503 and 20.8 k;
/// 2 clients with 1 exchange each 398 and 78.1 k, with 2 and 1 198.6 k slim, with 2 each 42 297 k slim; 3 clients with 1 16.3 k slim.
/// `full` has the square of what it adds for one client when there are two: 10^11 states and more for 2 clients with 2 exchanges.
/// Several servers and nat addresses: slots_test.cpp shows that each slot is what it is alone, and walks at random through the plan of all.
/// Time between two events is nothing, or up to the next timer; half of that in plans with pauses.
///
/// What is checked in each world is in slot_world.hpp (the gateway's words against the truth) and slot_invariants.hpp (its memory);
/// explorer.hpp adds that nobody waits for ever and that nothing is left at the end. In the practical profile a wrong binding is always
/// contested, and where the gateway knows no round trip a binding is contested exactly when another client's server might have sent
/// (contested_test.cpp: no gateway can do better).
#include "explorer.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "plans.hpp"

namespace {

using namespace ikealg;
using namespace ikealg::tests::model;
using s = script;

struct totals {
    cell_hits hits;
    std::size_t states = 0;
    std::uint64_t misbindings = 0;
    std::uint64_t contested = 0;
};

result explore(const plan& p, totals& all) {
    explorer e(p, bound());
    const result r = e.run();
    const surroundings& around = e.around();
    for (std::size_t i = 0; i < all.hits.practical.size(); ++i) {
        for (std::size_t j = 0; j < all.hits.practical[i].size(); ++j) {
            all.hits.practical[i][j] += around.hits.practical[i][j];
        }
    }
    for (std::size_t i = 0; i < all.hits.junos.size(); ++i) {
        for (std::size_t j = 0; j < all.hits.junos[i].size(); ++j) {
            all.hits.junos[i][j] += around.hits.junos[i][j];
        }
    }
    all.states += r.states;
    all.misbindings += around.misbindings;
    all.contested += around.contested;
    std::printf(
        "explorer: %-46s %9zu states %10zu steps, depth %2zu, %5.1f s%s; contested %llu (right %llu), wrong %llu\n",
        p.name.c_str(), r.states, r.transitions, r.depth, r.seconds, r.cut ? ", BOUNDED" : "",
        static_cast<unsigned long long>(around.contested), static_cast<unsigned long long>(around.contested_right),
        static_cast<unsigned long long>(around.misbindings));
    std::fflush(stdout);
    return r;
}

void explore_all(const std::vector<plan>& plans, totals& all) {
    for (const plan& p : plans) {
        const result r = explore(p, all);
        CHECK_MESSAGE(r.violation.empty(), p.name << ": " << r.violation);
    }
}

std::vector<plan> practical_plans() {
    return {
        // Everything at once, two clients.
        full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})),
        full("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client})),
        full("2 clients, Quick Mode of the server", clients({s::quick_server, s::quick_server})),
        full("2 clients, CREATE_CHILD_SA of the server", clients({s::child_server, s::child_server})),
        full("2 clients, IKE_AUTH", clients({s::auth, s::auth})),
        full("2 clients, IKE_AUTH of two rounds", clients({s::auth_eap, s::auth_eap})),
        full("2 clients, Quick Mode and CREATE_CHILD_SA", clients({s::quick_client, s::child_client})),
        full("2 clients, CREATE_CHILD_SA of the server and IKE_AUTH", clients({s::child_server, s::auth})),
        full("2 clients, Quick Mode and refused", clients({s::quick_client, s::child_refused})),
        answers_only(full("2 clients, an old SA and Quick Mode", clients({s::midstream, s::quick_client}))),
        answers_only(full("2 clients, old SAs", clients({s::midstream, s::midstream}))),
        cold(full("2 clients, Quick Mode and CREATE_CHILD_SA", clients({s::quick_client, s::child_client}))),
        with_pauses(full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})), 1),
        with_pauses(slim("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client})), 3),
        // Two exchanges a client.
        alone(full("1 client, Quick Mode and an old SA", {client(0, {s::quick_client, s::midstream})})),
        alone(full("1 client, 2 CREATE_CHILD_SA", {client(0, {s::child_client, s::child_server})})),
        alone(full("1 client, 2 Quick Modes", {client(0, {s::quick_client, s::quick_server})})),
        slim("2 clients, 2 and 1 Quick Modes",
             {client(0, {s::quick_client, s::quick_client}), client(1, {s::quick_client})}),
        slim("2 clients, 2 and 1 CREATE_CHILD_SA",
             {client(0, {s::child_client, s::child_client}), client(1, {s::child_client})}),
        slim("2 clients, IKE_AUTH of two rounds and refused",
             {client(0, {s::auth_eap, s::child_refused}), client(1, {s::quick_client})}),
        slim("2 clients, Quick Mode and refused, Quick Mode",
             {client(0, {s::quick_client, s::child_refused}), client(1, {s::quick_client})}),
        slim("2 clients, 2 Quick Modes and refused",
             {client(0, {s::quick_client, s::quick_client}), client(1, {s::child_refused})}),
        slim("2 clients, 2 Quick Modes each",
             {client(0, {s::quick_client, s::quick_client}), client(1, {s::quick_client, s::quick_client})}),
        slim("2 clients, 2 exchanges each, refused and not",
             {client(0, {s::quick_client, s::child_refused}), client(1, {s::quick_client, s::child_refused})}),
        full("2 clients, 2 exchanges and refused",
             {client(0, {s::quick_client, s::quick_client}), client(1, {s::child_refused})}),
        // Three clients.
        slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client})),
        slim("3 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client, s::child_client})),
        slim("3 clients, one exchange of each kind", clients({s::quick_server, s::child_client, s::auth})),
        repeated(slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client}))),
        full("3 clients, Quick Mode and 2 refused", clients({s::quick_client, s::child_refused, s::child_refused})),
        // With a round trip.
        with_round_trip(slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client}))),
        with_round_trip(slim("2 clients, CREATE_CHILD_SA and Quick Mode", clients({s::child_client, s::quick_client}))),
        // Too large to be explored to their end in a test's time.
        lossy(slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client}))),
        two_esp(slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client}))),
        with_round_trip(slim("2 clients, 2 and 1 exchanges",
                             {client(0, {s::child_client, s::quick_client}), client(1, {s::quick_client})})),
        full("2 clients, 2 exchanges each",
             {client(0, {s::quick_client, s::child_client}), client(1, {s::child_server, s::auth})}),
        full("3 clients, 2 exchanges each",
             {client(0, {s::quick_client, s::quick_server}), client(1, {s::child_client, s::child_client}),
              client(2, {s::auth, s::child_refused})}),
    };
}

}  // namespace

TEST_CASE("G1-G14, E3-E5: every order of events keeps the slot's promises, practical profile") {
    totals all;
    explore_all(practical_plans(), all);
    std::printf("explorer: practical profile, %zu states\n", all.states);
    if (bound() < 300'000) {
        std::printf("explorer: bounded to %zu states a plan: the cells are not looked at\n", bound());
        return;
    }
    for (std::size_t i = 0; i < alg::slot_state_count; ++i) {
        for (std::size_t j = 0; j < alg::slot_event_count; ++j) {
            const bool impossible = alg::practical_slot_table[i][j].action == alg::slot_action::impossible;
            CAPTURE(to_string(static_cast<alg::slot_state>(i)));
            CAPTURE(to_string(static_cast<alg::slot_event>(j)));
            CHECK((all.hits.practical[i][j] == 0) == impossible);
        }
    }
}

TEST_CASE("E11: nothing is bound wrongly while answers come in time, and nothing is contested while nobody is parked") {
    const std::vector<plan> bases{
        full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})),
        full("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client})),
        full("2 clients, CREATE_CHILD_SA of the server and IKE_AUTH", clients({s::child_server, s::auth})),
        slim("3 clients, one exchange of each kind", clients({s::quick_server, s::child_client, s::auth})),
        repeated(slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client}))),
    };
    for (const plan& base : bases) {
        totals all;
        const plan prompt = in_time(base);
        const result first = explore(prompt, all);
        CHECK_MESSAGE(first.violation.empty(), prompt.name << ": " << first.violation);
        CHECK(all.misbindings == 0);
        totals none;
        plan nobody = base;
        nobody.name += ", nobody parks";
        nobody.nobody_parks = true;
        const result second = explore(nobody, none);
        CHECK_MESSAGE(second.violation.empty(), nobody.name << ": " << second.violation);
        CHECK(none.misbindings == 0);
        CHECK(none.contested == 0);
    }
}

/// What is contested is dropped: then nothing is contested and nothing misdelivered, whoever speaks first, and all else holds as well.
TEST_CASE("E11: with drop-contested no order of events gives a client another's SPI") {
    totals all;
    const std::vector<plan> plans{
        strict(full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client}))),
        strict(full("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client}))),
        strict(full("2 clients, CREATE_CHILD_SA of the server and IKE_AUTH", clients({s::child_server, s::auth}))),
        strict(full("2 clients, IKE_AUTH of two rounds and Quick Mode", clients({s::auth_eap, s::quick_client}))),
        strict(cold(full("2 clients, Quick Mode and CREATE_CHILD_SA", clients({s::quick_client, s::child_client})))),
        strict(with_pauses(full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})), 1)),
        strict(slim("2 clients, 2 Quick Modes each",
                    {client(0, {s::quick_client, s::quick_client}), client(1, {s::quick_client, s::quick_client})})),
        strict(lossy(slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client})))),
        strict(full("3 clients, one exchange of each kind", clients({s::quick_server, s::child_client, s::auth}))),
        strict(full("3 clients, 2 exchanges each",
                    {client(0, {s::quick_client, s::quick_server}), client(1, {s::child_client, s::child_client}),
                     client(2, {s::auth, s::child_refused})})),
        strict(unlimited(full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})))),
        strict(unlimited(full("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client})))),
    };
    explore_all(plans, all);
    CHECK(all.misbindings == 0);
    CHECK(all.contested == 0);
}

/// Any number of repetitions, losses and ESP packets: what `full` has two of.
TEST_CASE("G1-G14, E3-E5: the slot keeps its promises however often packets are repeated and lost") {
    totals all;
    explore_all({unlimited(full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client}))),
                 unlimited(full("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client}))),
                 unlimited(full("1 client, 2 Quick Modes", {client(0, {s::quick_client, s::quick_client})}))},
                all);
}

TEST_CASE("G5, G9: slots are independent, and a client alone on its slot never waits") {
    totals all;
    const std::vector<plan> plans{
        alone(slim("1 client, 2 servers", {{0, 0, 0, {s::quick_client}}, {0, 1, 0, {s::child_client}}})),
        alone(slim("2 clients, 2 nat addresses", {{0, 0, 0, {s::quick_client}}, {1, 0, 1, {s::child_client}}})),
        alone(slim("3 clients, 2 servers, 2 nat addresses",
                   {{0, 0, 0, {s::quick_client}}, {1, 0, 1, {s::child_client}}, {2, 1, 0, {s::auth}}})),
        slim("2 clients, one with 2 servers",
             {{0, 0, 0, {s::quick_client}}, {1, 0, 0, {s::quick_client}}, {0, 1, 0, {s::quick_client}}}),
    };
    explore_all(plans, all);
}

/// What Junos promises, and all of it: at most one holder; both gates open together and close together, by their hits or in time;
/// an unknown SPI is bound to the holder of an open gate or dropped; the holder's own SPI is never given to another; nothing is held,
/// parked or bound late; nothing is left at the end. Who holds the slot when an SPI comes is not asked whose it is, and there is no mark
/// for that it may be another's: where a server speaks after its client's gates closed, the binding is wrong and says nothing.
TEST_CASE("G3, G6: every order of events keeps the slot's promises, junos profile") {
    totals all;
    const std::vector<plan> plans{
        junos(full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client}))),
        junos(full("2 clients, Quick Mode and CREATE_CHILD_SA", clients({s::quick_client, s::child_client}))),
        junos(full("2 clients, IKE_AUTH of two rounds and of the server", clients({s::auth_eap, s::quick_server}))),
        junos(slim("2 clients, 2 and 1 exchanges",
                   {client(0, {s::quick_client, s::quick_server}), client(1, {s::child_client})})),
        junos(slim("3 clients", clients({s::quick_client, s::child_server, s::auth}))),
        junos(repeated(slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client})))),
        junos(full("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client}))),
        junos(full("2 clients, 2 exchanges each",
                   {client(0, {s::quick_client, s::child_client}), client(1, {s::child_server, s::auth})})),
    };
    explore_all(plans, all);
    CHECK(all.misbindings != 0);  // as said above
    std::printf("explorer: junos profile, %zu states\n", all.states);
    CHECK(all.contested == 0);
    if (bound() < 300'000) {
        std::printf("explorer: bounded to %zu states a plan: the cells are not looked at\n", bound());
        return;
    }
    for (std::size_t i = 0; i < alg::junos_state_count; ++i) {
        for (std::size_t j = 0; j < alg::junos_event_count; ++j) {
            const bool impossible = alg::junos_slot_table[i][j].action == alg::junos_action::impossible;
            CAPTURE(to_string(static_cast<alg::junos_state>(i)));
            CAPTURE(to_string(static_cast<alg::junos_event>(j)));
            CHECK((all.hits.junos[i][j] == 0) == impossible);
        }
    }
}

TEST_CASE("G3, G6: in the junos profile nothing is bound wrongly while each answer comes before the gates close") {
    totals all;
    explore_all({junos(in_time(full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})))),
                 junos(in_time(full("2 clients, CREATE_CHILD_SA and IKE_AUTH", clients({s::child_client, s::auth})))),
                 junos(in_time(slim("3 clients", clients({s::quick_client, s::child_server, s::auth})))),
                 junos(in_time(slim("2 clients, 2 and 1 exchanges",
                                    {client(0, {s::quick_client, s::quick_server}), client(1, {s::child_client})})))},
                all);
    CHECK(all.misbindings == 0);
}

TEST_CASE("the explorer catches faults seeded into the table") {
    using st = alg::slot_state;
    using ev = alg::slot_event;
    using act = alg::slot_action;
    struct fault {
        const char* name;
        st state;
        ev event;
        alg::slot_row row;
    };
    static constexpr fault faults[] = {
        {"an enabling message opens no gate", st::free, ev::enable_other, {st::free, act::forward}},
        {"a second client takes the slot of the first", st::gate, ev::enable_other, {st::gate, act::take}},
        {"a request passes a slot that waits for an answer", st::wait, ev::request_other, {st::wait, act::forward}},
        {"the end of a gate does not park", st::gate, ev::timer, {st::free, act::pass_on}},
        {"the end of a learning tenure does not park", st::learning, ev::timer, {st::free, act::pass_on}},
        {"ESP of another client passes a learning tenure",
         st::learning,
         ev::esp_out_other,
         {st::learning, act::forward}},
        {"settling lets enabling messages pass", st::settle, ev::enable_other, {st::settle, act::forward}},
        {"the holder's SPI is bound late", st::gate, ev::esp_in_last, {st::gate, act::late_bind}},
        {"a bound SPI does not end the tenure", st::learning, ev::esp_in_contended, {st::learning, act::bind}},
        {"a holder that needs the slot no more keeps it", st::wait, ev::release, {st::wait, act::forward}},
    };
    const std::vector<plan> plans{
        slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})),
        slim("2 clients, CREATE_CHILD_SA and refused", clients({s::child_client, s::child_refused})),
        full("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})),
    };
    for (const fault& f : faults) {
        table_in_use[static_cast<std::size_t>(f.state)][static_cast<std::size_t>(f.event)] = f.row;
        std::string caught;
        std::size_t states = 0;
        for (const plan& p : plans) {
            if (caught.empty()) {
                explorer e(p, 100'000);
                const result r = e.run();
                states += r.states;
                caught = r.violation.substr(0, r.violation.find('\n'));
            }
        }
        table_in_use = alg::practical_slot_table;
        std::printf("explorer: fault \"%s\" after %zu states: %s\n", f.name, states,
                    caught.empty() ? "NOT CAUGHT" : caught.c_str());
        CHECK_MESSAGE(!caught.empty(), std::string(f.name));
    }
}
