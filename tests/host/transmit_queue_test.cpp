// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/transmit_queue.hpp"

#include <doctest/doctest.h>

#include "host/fake_port.hpp"

using namespace ikealg_tests;
using host::host_counter;

namespace {
io::frame numbered(fake_port& port, std::uint8_t n) {
    io::frame f = port.make(1);
    f.network()[0] = n;
    return f;
}
}  // namespace

TEST_CASE("64 packets are one transmit, the rest waits for a flush") {
    fake_port port({}, false);
    host::host_counters counters;
    host::transmit_queue<fake_port> q(port);
    for (std::uint8_t i = 0; i < 100; ++i) {
        q.push(numbered(port, i), counters);
    }
    CHECK(port.calls == 1);
    CHECK(port.left() == 64);
    q.flush(counters);
    CHECK(port.calls == 2);
    CHECK(counters[host_counter::transmitted] == 100);
    for (std::uint8_t i = 0; i < 100; ++i) {
        REQUIRE(port.leave() == octets{i});
    }
    q.flush(counters);
    CHECK(port.calls == 2);
}

TEST_CASE("what the device does not take after some offers is dropped and counted, and its buffers are free") {
    fake_port port({}, false);
    host::host_counters counters;
    host::transmit_queue<fake_port> q(port);
    port.room = 10;
    port.per_call = 3;
    for (std::uint8_t i = 0; i < 30; ++i) {
        q.push(numbered(port, i), counters);
    }
    q.flush(counters);
    CHECK(port.left() == 10);
    CHECK(counters[host_counter::transmitted] == 10);
    CHECK(counters[host_counter::transmit_full] == 20);
    CHECK(port.calls == 4 + host::transmit_queue<fake_port>::offers);
    CHECK(port.pool().free() == port.pool().size() - 10);
}
