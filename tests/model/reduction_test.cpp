// SPDX-License-Identifier: Apache-2.0
/// What the explorer leaves out changes nothing: proved on plans whose every state can be looked at. See reduction.hpp.
#include "reduction.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <vector>

#include "plans.hpp"

namespace {

using namespace ikealg::tests::model;
using s = script;

}  // namespace

TEST_CASE("the reduced exploration meets the digest of every state of the unreduced one") {
    std::vector<plan> plans{
        slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})),
        slim("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client})),
        slim("2 clients, both refused and not", clients({s::child_refused, s::child_client})),
        cold(slim("2 clients, Quick Mode and CREATE_CHILD_SA", clients({s::quick_client, s::child_client}))),
        with_pauses(slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})), 1),
        junos(repeated(slim("2 clients", clients({s::quick_client, s::child_client})))),
    };
    if (fast_build) {
        plans.insert(
            plans.end(),
            {lossy(slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client}))),
             lossy(slim("2 clients, of the server and IKE_AUTH", clients({s::quick_server, s::auth}))),
             lossy(slim("2 clients, of the server and IKE_AUTH of two rounds", clients({s::child_server, s::auth_eap}))),
             strict(lossy(slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client})))),
             two_esp(slim("2 clients, CREATE_CHILD_SA", clients({s::child_client, s::child_client}))),
             full("1 client, Quick Mode and an old SA", {client(0, {s::quick_client, s::midstream})}),
             full("1 client, IKE_AUTH and refused", {client(0, {s::auth, s::child_refused})}),
             with_round_trip(slim("2 clients, Quick Mode", clients({s::quick_client, s::quick_client}))),
             slim("3 clients, Quick Mode", clients({s::quick_client, s::quick_client, s::quick_client})),
             slim("2 clients, one with 2 servers",
                  {{0, 0, 0, {s::quick_client}}, {1, 0, 0, {s::quick_client}}, {0, 1, 0, {s::quick_client}}})});
    }
    for (const plan& p : plans) {
        const plan every = unreduced(p);
        const auto proof = reduction_check(every).run(2'000'000);
        const result r = explorer(p, 2'000'000).run();
        std::printf("explorer: reduction, %-60s %7zu states are %6zu\n", p.name.c_str(), proof.states, r.states);
        CHECK_MESSAGE(proof.wrong.empty(), p.name << ": " << proof.wrong);
        CHECK_MESSAGE(r.violation.empty(), p.name << ": " << r.violation);
        CHECK(proof.reduced_states == r.states);
    }
}
