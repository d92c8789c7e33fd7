// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/compile_policies.hpp"

#include <doctest/doctest.h>

#include "junos/loaded.hpp"

using namespace ikealg;
using namespace ikealg::tests;

TEST_CASE("policies: in the order of the text, default-policy, reject, midstream, what the log has") {
    const loaded l(sound + R"(
set security policies default-policy permit-all
set security policies from-zone untrust to-zone trust policy no match source-address any
set security policies from-zone untrust to-zone trust policy no match destination-address lan
set security policies from-zone untrust to-zone trust policy no match application junos-ssh
set security policies from-zone untrust to-zone trust policy no then reject
set security policies from-zone untrust to-zone trust policy no then log session-init
set security policies from-zone untrust to-zone trust policy no then ikealg midstream
)");
    INFO(l.told());
    REQUIRE(l.result.value);
    const auto& policy = l.result.value->gateway.policy;
    CHECK(policy.otherwise == policy::default_policy::permit_all);
    REQUIRE(policy.policies.size() == 3);
    CHECK(policy.policies[0].name == "ike");
    CHECK(policy.policies[1].name == "rest");
    const auto& no = policy.policies[2];
    CHECK(no.action == policy::policy_action::reject);
    CHECK(no.log_session_init);
    CHECK_FALSE(no.log_session_close);
    CHECK(no.midstream);
    CHECK(decide(*l.result.value, "trust", "192.168.1.9", 6, 80).action == policy::policy_action::permit);
}
