// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/frame.hpp"

#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <optional>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "ikealg/io/live_io.hpp"

using namespace ikealg;
using io::frame;
using io::frame_pool;
using octets = std::vector<std::uint8_t>;

static_assert(io::live_packet<frame>);

namespace {

octets counting(std::size_t size, std::uint8_t from = 0) {
    octets all(size);
    std::iota(all.begin(), all.end(), from);
    return all;
}

octets copy(bytes b) {
    return {b.begin(), b.end()};
}

void fill(frame& f, const octets& content) {
    REQUIRE(f.network_length() == content.size());
    std::copy(content.begin(), content.end(), f.network().begin());
}

}  // namespace

TEST_CASE("an empty slot is a frame of no bytes that takes none") {
    frame f;
    CHECK_FALSE(f);
    CHECK(f.zone() == zone_id{});
    f.set_zone(zone_id{3});
    CHECK(f.zone() == zone_id{});
    CHECK(f.network().empty());
    CHECK(f.network_length() == 0);
    CHECK(f.link_header().empty());
    CHECK(f.wire().empty());
    CHECK(f.room().empty());
    CHECK(f.ensure_contiguous(0));
    CHECK_FALSE(f.ensure_writable(1));
    CHECK_FALSE(f.set_link_header({}));
    CHECK_FALSE(f.set_network_length(0));
    CHECK_FALSE(f.clone());
    f.reset();
}

TEST_CASE("a buffer goes back when its handle dies, is reset or assigned to") {
    frame_pool pool{3};
    CHECK(pool.size() == 3);
    std::optional<frame> a{pool.make(10, zone_id{1})};
    frame b = pool.make(20, zone_id{2});
    frame c = pool.make(30, zone_id{3});
    CHECK(pool.free() == 0);
    CHECK_FALSE(pool.make(1, zone_id{}));
    CHECK_FALSE(b.clone());

    a.reset();
    CHECK(pool.free() == 1);
    b = std::move(c);
    CHECK(pool.free() == 2);
    CHECK_FALSE(c);
    CHECK(b.network_length() == 30);
    CHECK(b.zone() == zone_id{3});
    b.reset();
    CHECK(pool.free() == 3);
    for (int round = 0; round < 10; ++round) {
        const frame again = pool.make(1, zone_id{});
        CHECK(again);
    }
}

TEST_CASE("frames outlive their pool and its being moved") {
    frame survivor;
    {
        frame_pool first{2};
        survivor = first.make(4, zone_id{7});
        frame_pool moved{std::move(first)};
        CHECK(moved.free() == 1);
        fill(survivor, counting(4));
        const frame other = moved.make(4, zone_id{});
        CHECK(other);
    }
    CHECK(copy(survivor.network()) == counting(4));
    const auto twin = survivor.clone();
    REQUIRE(twin);
    survivor.reset();
    CHECK(twin->zone() == zone_id{7});
}

TEST_CASE("link header and packet lie side by side") {
    frame_pool pool{2};
    frame f = pool.make(40, zone_id{7});
    fill(f, counting(40));
    CHECK(f.link_header().empty());
    REQUIRE(f.set_link_header(counting(14, 100)));
    CHECK(copy(f.link_header()) == counting(14, 100));
    CHECK(copy(f.network()) == counting(40));
    octets whole = counting(14, 100);
    const octets network = counting(40);
    whole.insert(whole.end(), network.begin(), network.end());
    CHECK(copy(f.wire()) == whole);

    CHECK(f.set_link_header(f.link_header().first(12)));
    CHECK(copy(f.link_header()) == counting(12, 100));
    CHECK(f.set_link_header(counting(frame::min_headroom, 50)));
    CHECK(copy(f.link_header()) == counting(frame::min_headroom, 50));
    CHECK_FALSE(f.set_link_header(counting(80)));
    CHECK(copy(f.link_header()) == counting(frame::min_headroom, 50));
    CHECK(copy(f.network()) == counting(40));
    CHECK(f.set_link_header({}));
    CHECK(f.wire().size() == 40);
}

TEST_CASE("a packet grows and shrinks within its buffer") {
    frame_pool pool{2, 3000};
    CHECK(pool.capacity() == 3000);
    CHECK(frame_pool{1, 10}.capacity() == frame_pool::min_capacity);
    CHECK_FALSE(pool.make(3001, zone_id{}));
    frame f = pool.make(40, zone_id{});
    fill(f, counting(40));
    CHECK(f.ensure_contiguous(40));
    CHECK(f.ensure_writable(40));
    CHECK_FALSE(f.ensure_contiguous(41));
    CHECK_FALSE(f.ensure_writable(41));
    CHECK(f.set_network_length(3000));
    CHECK(f.network().size() == 3000);
    f.network()[2999] = 1;
    CHECK_FALSE(f.set_network_length(100'000));
    CHECK(f.network_length() == 3000);
    CHECK(f.set_network_length(20));
    CHECK(copy(f.network()) == counting(20));
}

TEST_CASE("what an adapter received is settled behind any Ethernet header") {
    frame_pool pool{1};
    for (const std::size_t link : {0U, 14U, 18U, 22U}) {
        CAPTURE(link);
        frame f = pool.make(0, zone_id{1});
        REQUIRE(f.room().size() >= 22 + frame_pool::min_capacity);
        const octets content = counting(100, 1);
        std::copy(content.begin(), content.end(), f.room().begin());
        f.settle(link, 100);
        CHECK(copy(f.link_header()) == octets(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(link)));
        CHECK(copy(f.network()) == octets(content.begin() + static_cast<std::ptrdiff_t>(link), content.end()));
        CHECK(copy(f.wire()) == content);
        CHECK(f.set_network_length(frame_pool::min_capacity));
        CHECK(f.set_link_header(counting(frame::min_headroom)));
    }
}

TEST_CASE("a clone has bytes of its own") {
    frame_pool pool{2};
    frame f = pool.make(40, zone_id{7});
    fill(f, counting(40));
    REQUIRE(f.set_link_header(counting(18, 60)));
    auto twin = f.clone();
    REQUIRE(twin);
    CHECK(copy(twin->wire()) == copy(f.wire()));
    CHECK(copy(twin->link_header()) == counting(18, 60));
    CHECK(twin->zone() == zone_id{7});
    twin->network()[0] = 0xff;
    CHECK(copy(f.network()) == counting(40));
}

TEST_CASE("any taking, moving and giving back keeps every frame's bytes") {
    small_random random{77};
    frame_pool pool{16};
    std::array<frame, 24> slots;
    std::array<octets, 24> expected;
    for (std::uint32_t step = 0; step < 5000; ++step) {
        CAPTURE(step);
        const std::size_t i = random() % slots.size();
        const std::size_t j = random() % slots.size();
        switch (random() % 4) {
            case 0:
            case 1: {
                const octets content = counting(random() % 100, static_cast<std::uint8_t>(step));
                frame fresh = pool.make(content.size(), zone_id{});
                if (fresh) {
                    fill(fresh, content);
                    slots[i] = std::move(fresh);
                    expected[i] = content;
                }
                break;
            }
            case 2:
                if (i != j) {
                    slots[i] = std::move(slots[j]);
                    expected[i] = std::exchange(expected[j], {});
                }
                break;
            default:
                slots[i].reset();
                expected[i].clear();
                break;
        }
        std::size_t held = 0;
        for (std::size_t k = 0; k < slots.size(); ++k) {
            held += slots[k] ? 1U : 0U;
            REQUIRE(copy(slots[k].network()) == expected[k]);
        }
        REQUIRE(pool.free() + held == pool.size());
    }
}
