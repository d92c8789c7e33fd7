// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/state_record.hpp"

#include <doctest/doctest.h>

#include <type_traits>
#include <variant>

using namespace ikealg;

namespace {

template <class Family, class... Records>
constexpr bool can_be_sent(const std::variant<Records...>*) {
    return (std::is_trivially_copyable_v<Records> && ...) && std::is_trivially_copyable_v<state_record<Family>>;
}

}  // namespace

TEST_CASE_TEMPLATE("N18: a record is a plain value of this version, and an empty one is a mapping", F, ipv4, ipv6) {
    const state_record<F> r;
    CHECK(can_be_sent<F>(&r.body));
    CHECK(r.version == 3);
    CHECK(std::holds_alternative<mapping_record<F>>(r.body));
    // Nothing is referred to by an SPI that is 0, and nothing runs.
    CHECK(binding_record<F>{}.inbound == spi{});
    CHECK_FALSE(slot_record<F>{}.held);
}

TEST_CASE("X1: an exchange is told from others by each part of its identity") {
    const exchange_identity e{ike_spi{7}, 9, 32, nat::direction::outbound};
    CHECK(e == exchange_identity{ike_spi{7}, 9, 32, nat::direction::outbound});
    CHECK_FALSE(e == exchange_identity{ike_spi{8}, 9, 32, nat::direction::outbound});
    CHECK_FALSE(e == exchange_identity{ike_spi{7}, 10, 32, nat::direction::outbound});
    CHECK_FALSE(e == exchange_identity{ike_spi{7}, 9, 36, nat::direction::outbound});
    CHECK_FALSE(e == exchange_identity{ike_spi{7}, 9, 32, nat::direction::inbound});
}
