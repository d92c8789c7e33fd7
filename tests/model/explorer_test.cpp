// SPDX-License-Identifier: Apache-2.0
/// The slot, explored: every order of messages, losses, repetitions, ESP and timers of small worlds, on the shipped headers.
///
/// The product of everything with everything is out of reach, so there is a family of plans; each is explored to its end unless the
/// output says `bounded`. What is checked in each world is in slot_world.hpp (the gateway's words against the truth) and slot_invariants.hpp
/// (its memory); explorer.hpp adds that nobody waits for ever and that nothing is left at the end.
///
/// IKEALG_EXPLORER_STATES bounds the states of each plan; sanitized and unoptimised builds have a small bound of their own.
#include "explorer.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace ikealg;
using namespace ikealg::tests::model;
using s = script;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IKEALG_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(IKEALG_SANITIZED) || !defined(__OPTIMIZE__)
constexpr std::size_t usual_bound = 10'000;
#else
constexpr std::size_t usual_bound = 4'000'000;
#endif

std::size_t bound() {
    const char* set = std::getenv("IKEALG_EXPLORER_STATES");
    return set != nullptr ? static_cast<std::size_t>(std::strtoull(set, nullptr, 10)) : usual_bound;
}

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

// Plans.

/// A client of server 0 behind nat address 0.
tunnel_plan client(std::uint8_t n, std::vector<script> exchanges) {
    return {n, 0, 0, std::move(exchanges)};
}

/// Repetition, loss and two ESP packets each way.
plan full(std::string name, std::vector<tunnel_plan> tunnels) {
    plan p;
    p.name = std::move(name);
    p.tunnels = std::move(tunnels);
    return p;
}
/// Each message once, one ESP packet each way; in every order.
plan slim(std::string name, std::vector<tunnel_plan> tunnels) {
    plan p = full(std::move(name), std::move(tunnels));
    p.sends = 1;
    p.loss = false;
    p.esp_out = p.esp_in = 1;
    return p;
}
plan answers_only(plan p) {
    p.name += ", answers only";
    p.server_first = false;
    return p;
}
plan with_round_trip(plan p) {
    p.name += ", round trip 30 ms";
    p.round_trip = std::chrono::milliseconds{30};
    return p;
}
plan cold(plan p) {
    p.name += ", IKE not seen before";
    p.proven = false;
    return p;
}
plan alone(plan p) {
    p.name += ", alone on its slot";
    p.alone = true;
    return p;
}
plan junos(plan p) {
    p.name = "junos: " + p.name;
    p.settings = alg::alg_settings::of(alg::profile::junos);
    return p;
}

/// Too large to be explored to its end in a test's time.
plan bounded(plan p, std::size_t most_states) {
    p.most_states = most_states;
    return p;
}
plan repeated(plan p) {
    p.name += ", repeated";
    p.sends = 2;
    return p;
}

std::vector<plan> practical_plans() {
    const auto two = [](script a, script b) { return std::vector{client(0, {a}), client(1, {b})}; };
    return {
        full("2 clients, Quick Mode", two(s::quick_client, s::quick_client)),
        full("2 clients, CREATE_CHILD_SA", two(s::child_client, s::child_client)),
        full("2 clients, Quick Mode of the server", two(s::quick_server, s::quick_server)),
        full("2 clients, CREATE_CHILD_SA of the server", two(s::child_server, s::child_server)),
        full("2 clients, IKE_AUTH", two(s::auth, s::auth)),
        alone(full("1 client, Quick Mode and an old SA", {client(0, {s::quick_client, s::midstream})})),
        alone(full("1 client, 2 CREATE_CHILD_SA", {client(0, {s::child_client, s::child_server})})),
        full("2 clients, Quick Mode and refused", two(s::quick_client, s::child_refused)),
        slim("2 clients, IKE_AUTH of two rounds", two(s::auth_eap, s::auth_eap)),
        answers_only(full("2 clients, an old SA and Quick Mode", two(s::midstream, s::quick_client))),
        answers_only(full("2 clients, old SAs", two(s::midstream, s::midstream))),
        cold(slim("2 clients, Quick Mode and CREATE_CHILD_SA", two(s::quick_client, s::child_client))),
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
        slim("3 clients, Quick Mode",
             {client(0, {s::quick_client}), client(1, {s::quick_client}), client(2, {s::quick_client})}),
        slim("3 clients, CREATE_CHILD_SA",
             {client(0, {s::child_client}), client(1, {s::child_client}), client(2, {s::child_client})}),
        slim("3 clients, one exchange of each kind",
             {client(0, {s::quick_server}), client(1, {s::child_client}), client(2, {s::auth})}),
        with_round_trip(slim("2 clients, Quick Mode", two(s::quick_client, s::quick_client))),
        with_round_trip(slim("2 clients, CREATE_CHILD_SA and Quick Mode", two(s::child_client, s::quick_client))),
        bounded(repeated(slim("3 clients, Quick Mode", {client(0, {s::quick_client}), client(1, {s::quick_client}),
                                                        client(2, {s::quick_client})})),
                1'000'000),
        bounded(with_round_trip(slim("2 clients, 2 and 1 exchanges",
                                     {client(0, {s::child_client, s::quick_client}), client(1, {s::quick_client})})),
                500'000),
        bounded(full("2 clients, 2 exchanges each",
                     {client(0, {s::quick_client, s::child_client}), client(1, {s::child_server, s::auth})}),
                1'000'000),
        bounded(full("3 clients, 2 exchanges each",
                     {client(0, {s::quick_client, s::quick_server}), client(1, {s::child_client, s::child_client}),
                      client(2, {s::auth, s::child_refused})}),
                1'000'000),
        bounded(slim("2 clients, 2 Quick Modes each",
                     {client(0, {s::quick_client, s::quick_client}), client(1, {s::quick_client, s::quick_client})}),
                1'000'000),
    };
}

}  // namespace

TEST_CASE("G1-G14, E3-E5: every order of events keeps the slot's promises, practical profile") {
    totals all;
    for (const plan& p : practical_plans()) {
        const result r = explore(p, all);
        CHECK_MESSAGE(r.violation.empty(), p.name << ": " << r.violation);
    }
    std::printf("explorer: practical profile, %zu states\n", all.states);
    if (bound() < 1'000'000) {
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
    const auto two = [](script a, script b) { return std::vector{client(0, {a}), client(1, {b})}; };
    const std::vector<plan> bases{
        full("2 clients, Quick Mode", two(s::quick_client, s::quick_client)),
        full("2 clients, CREATE_CHILD_SA", two(s::child_client, s::child_client)),
        full("2 clients, CREATE_CHILD_SA of the server and IKE_AUTH", two(s::child_server, s::auth)),
        slim("3 clients, one exchange of each kind",
             {client(0, {s::quick_server}), client(1, {s::child_client}), client(2, {s::auth})}),
    };
    for (const plan& base : bases) {
        totals all;
        plan prompt = answers_only(base);
        prompt.name += " in time";
        prompt.prompt = true;
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
    for (const plan& p : plans) {
        const result r = explore(p, all);
        CHECK_MESSAGE(r.violation.empty(), p.name << ": " << r.violation);
    }
}

TEST_CASE("G3, G6: every order of events keeps the slot's promises, junos profile") {
    totals all;
    const std::vector<plan> plans{
        junos(full("2 clients, Quick Mode", {client(0, {s::quick_client}), client(1, {s::quick_client})})),
        junos(full("2 clients, Quick Mode and CREATE_CHILD_SA",
                   {client(0, {s::quick_client}), client(1, {s::child_client})})),
        junos(slim("2 clients, 2 and 1 exchanges",
                   {client(0, {s::quick_client, s::quick_server}), client(1, {s::child_client})})),
        junos(slim("3 clients", {client(0, {s::quick_client}), client(1, {s::child_server}), client(2, {s::auth})})),
    };
    for (const plan& p : plans) {
        const result r = explore(p, all);
        CHECK_MESSAGE(r.violation.empty(), p.name << ": " << r.violation);
    }
    std::printf("explorer: junos profile, %zu states\n", all.states);
    CHECK(all.contested == 0);
    if (bound() < 1'000'000) {
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
        slim("2 clients, Quick Mode", {client(0, {s::quick_client}), client(1, {s::quick_client})}),
        slim("2 clients, CREATE_CHILD_SA and refused", {client(0, {s::child_client}), client(1, {s::child_refused})}),
        full("2 clients, Quick Mode", {client(0, {s::quick_client}), client(1, {s::quick_client})}),
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
