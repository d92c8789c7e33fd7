// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/carried_packet.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "ikealg/io/frame.hpp"

using namespace ikealg;
using carried = host::carried_packet<io::frame>;

static_assert(packet_handle<carried>);

TEST_CASE("it shows the device's packet and moves with it") {
    io::frame_pool pool(1);
    carried c{pool.make(5, zone_id{3}), 7, true};
    CHECK(c.zone() == zone_id{3});
    CHECK(c.network_length() == 5);
    CHECK(c.ensure_writable(5));
    CHECK(!c.ensure_contiguous(6));
    c.network()[4] = 9;
    const carried other = std::move(c);
    CHECK(other.interface == 7);
    CHECK(other.own);
    CHECK(!c.frame);
    CHECK(carried{}.interface == npos);
    CHECK(carried{}.network_length() == 0);
}
