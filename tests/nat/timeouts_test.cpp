// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/timeouts.hpp"

#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace ikealg;
using namespace std::chrono_literals;
using nat::nat_timeouts;
using nat::tcp_state;

TEST_CASE("N14: the defaults, in milliseconds") {
    constexpr nat_timeouts t;
    CHECK(idle_ms(t, ip_protocol::udp, port{53}, tcp_state::none) == 300'000);
    CHECK(idle_ms(t, ip_protocol::udp, natt_port, tcp_state::none) == 300'000);
    CHECK(idle_ms(t, ip_protocol::icmp, {}, tcp_state::none) == 60'000);
    CHECK(idle_ms(t, ip_protocol::icmpv6, {}, tcp_state::none) == 60'000);
    CHECK(idle_ms(t, ip_protocol::esp, {}, tcp_state::none) == 60'000);
    CHECK(idle_ms(t, ip_protocol::tcp, port{80}, tcp_state::opening_out) == 240'000);
    CHECK(idle_ms(t, ip_protocol::tcp, port{80}, tcp_state::established) == 7'440'000);
    CHECK(check(t, [](const auto&, auto) {}));
}

TEST_CASE("N14: 4500 lives at least as long as other UDP") {
    nat_timeouts t;
    t.udp = 120s;
    CHECK(idle_ms(t, ip_protocol::udp, natt_port, tcp_state::none) == 300'000);
    t.udp = 900s;
    CHECK(idle_ms(t, ip_protocol::udp, natt_port, tcp_state::none) == 900'000);
}

TEST_CASE("P3: each timeout is refused just outside its range, and all at once") {
    for (const auto& row : nat::timeout_rows) {
        CAPTURE(row.name);
        for (const auto value : {row.least - 1s, row.least, row.most, row.most + 1s}) {
            nat_timeouts t;
            t.*row.value = value;
            std::vector<std::string_view> refused;
            const bool good = check(t, [&](const nat::timeout_row& r, std::chrono::seconds s) {
                CHECK(s == value);
                refused.push_back(r.name);
            });
            CHECK(good == (value >= row.least && value <= row.most));
            CHECK(refused == (good ? std::vector<std::string_view>{} : std::vector{row.name}));
        }
    }
    nat_timeouts all_wrong{1s, 1s, 1s, 1s, 1s, 1s};
    int count = 0;
    CHECK_FALSE(check(all_wrong, [&](const auto&, auto) { ++count; }));
    CHECK(count == 6);
}
