// SPDX-License-Identifier: Apache-2.0
/// The contract of packet_io.hpp and live_io.hpp on the live adapters, each in a network namespace of its own. Memory and
/// capture files go through the same checks in memory_test.cpp and pcap_io_test.cpp.
#include "ikealg/io/live_io.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ikealg/io/af_packet.hpp"
#include "ikealg/io/tun.hpp"
#include "io/conformance.hpp"
#include "io/live_support.hpp"

using namespace ikealg;
using io::frame;
using test::octets;

namespace {

constexpr wire::mac_address neighbour{{2, 0, 0, 0, 0, 1}};

/// A veth pair: the port on one end, a plain socket on the other.
struct af_packet_setup {
    using port_type = io::af_packet_port;
    static constexpr bool tun = false;

    af_packet_setup() { test::live_network::veth("lan", "peer"); }
    static port_type open(zone_id zone, std::size_t frames) {
        io::af_packet_options options;
        options.device = "lan";
        options.zone = zone;
        options.frames = frames;
        options.receive_ring = 1 << 20;
        return test::opened(port_type::create(options));
    }
    static constexpr const char* far_end = "peer";
};

template <io::tun_kind Kind>
struct tun_setup {
    using port_type = io::tun_port;
    static constexpr bool tun = true;

    static port_type open(zone_id zone, std::size_t frames) {
        io::tun_options options;
        options.device = "lan";
        options.kind = Kind;
        options.zone = zone;
        options.frames = frames;
        options.bring_up = true;
        return test::opened(port_type::create(options));
    }
    static constexpr const char* far_end = "lan";
};

/// A port with zone 0 and its far end. The network is made before and goes after everything in it.
template <class Setup>
struct rig {
    explicit rig(zone_id zone = {}, std::size_t frames = 512) : port{setup.open(zone, frames)}, far{Setup::far_end} {}

    [[nodiscard]] octets link() const {
        return port.has_link_layer() ? test::ethernet_header(port.mac(), neighbour) : octets{};
    }
    void feed(const octets& network) const { far.send(test::joined(link(), network)); }
    /// What came out at the far end, from the network header on.
    [[nodiscard]] octets network_of(octets whole) const {
        whole.erase(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(link().size()));
        return whole;
    }
    [[nodiscard]] frame packet(const octets& network) {
        frame f = port.make(network.size());
        REQUIRE(f);
        std::copy(network.begin(), network.end(), f.network().begin());
        REQUIRE(f.set_link_header(port.has_link_layer() ? test::ethernet_header(neighbour, port.mac()) : octets{}));
        return f;
    }

    test::live_network own_network{};
    Setup setup{};
    typename Setup::port_type port;
    test::plain_socket far;
};

template <class Setup>
struct harness {
    using io = test::patient_port<typename Setup::port_type>;
    static constexpr bool can_limit_room = false;
    static constexpr std::uint16_t zones = 1;

    rig<Setup> ends{};
    io under_test{ends.port};

    void feed(const std::vector<test::arrival>& arrivals) {
        for (const test::arrival& a : arrivals) {
            ends.feed(a.network);
        }
        under_test.expect(arrivals.size());
    }
    io& adapter() { return under_test; }
    std::vector<octets> sent(zone_id) {
        std::vector<octets> all;
        for (auto left = under_test.counters().transmitted; left > 0; --left) {
            auto whole = ends.far.receive();
            REQUIRE(whole);
            all.push_back(ends.network_of(std::move(*whole)));
        }
        CHECK_FALSE(ends.far.receive(0));
        return all;
    }
};

/// What a live port does besides.
template <class Setup>
void conforms_live() {
    using test::numbered_packet;
    rig<Setup> r{zone_id{5}};
    auto& port = r.port;
    CHECK(port.zone() == zone_id{5});
    CHECK(port.mtu() == 1500);
    CHECK(port.fd() >= 0);
    CHECK((port.mac() != wire::mac_address{}) == port.has_link_layer());
    CHECK(port.state() == io::io_state::ready);
    CHECK(port.error().empty());

    SUBCASE("a packet of its own making has the port's zone and goes out as it was written") {
        const octets content = numbered_packet(7);
        std::array<frame, 1> one{r.packet(content)};
        CHECK(one[0].zone() == zone_id{5});
        CHECK(port.transmit(one, zone_id{5}) == 1);
        CHECK_FALSE(one[0]);
        const auto whole = r.far.receive();
        REQUIRE(whole);
        CHECK(r.network_of(*whole) == content);
        CHECK_FALSE(port.make(100'000));
    }
    SUBCASE("an answer is built in place") {
        r.feed(numbered_packet(2));
        std::array<frame, 1> one;
        REQUIRE(test::receive_patiently(port, one) == 1);
        CHECK(one[0].zone() == zone_id{5});
        CHECK(test::to_vector(one[0].link_header()) == r.link());
        octets answer = numbered_packet(4);
        REQUIRE(one[0].set_network_length(answer.size()));
        std::copy(answer.begin(), answer.end(), one[0].network().begin());
        REQUIRE(
            one[0].set_link_header(port.has_link_layer() ? test::ethernet_header(neighbour, port.mac()) : octets{}));
        CHECK(port.transmit(one, zone_id{5}) == 1);
        const auto whole = r.far.receive();
        REQUIRE(whole);
        CHECK(r.network_of(*whole) == answer);
    }
    SUBCASE("what can never be sent is taken and counted, and does not block what follows") {
        octets long_packet(port.mtu() + 1, 0x45);
        std::array<frame, 5> burst;
        burst[0] = r.packet(long_packet);
        burst[1] = r.packet(numbered_packet(1));
        // Slot 2 is empty.
        burst[3] = r.packet(numbered_packet(3));
        REQUIRE(burst[3].set_link_header(port.has_link_layer() ? octets{} : octets(14)));
        long_packet.pop_back();
        burst[4] = r.packet(long_packet);
        CHECK(port.transmit(burst, zone_id{5}) == 5);
        CHECK(port.counters().transmitted == 2);
        CHECK(port.counters().transmit_errors == 3);
        for (const octets& expected : {numbered_packet(1), long_packet}) {
            const auto whole = r.far.receive();
            REQUIRE(whole);
            CHECK(r.network_of(*whole) == expected);
        }
    }
    SUBCASE("another zone takes nothing") {
        std::array<frame, 1> one{r.packet(numbered_packet(1))};
        CHECK(port.transmit(one, zone_id{0}) == 0);
        CHECK(one[0]);
        CHECK(port.counters() == io::io_counters{});
    }
}

/// Packets wait while all buffers are out, and come in order when there are some again.
template <class Setup>
void waits_for_buffers() {
    rig<Setup> r{zone_id{}, 8};
    for (std::uint32_t i = 0; i < 20; ++i) {
        r.feed(test::numbered_packet(i));
    }
    std::array<frame, 20> held;
    REQUIRE(test::receive_patiently(r.port, std::span{held}.first(8)) == 8);
    CHECK(r.port.receive(std::span{held}.subspan(8)) == 0);
    CHECK(r.port.details().no_buffer > 0);
    CHECK_FALSE(r.port.make(1));
    CHECK_FALSE(held[0].clone());
    // The slots themselves give theirs back: 8 fresh ones over 8 old ones.
    for (std::uint32_t i = 0; i < 8; ++i) {
        CHECK(test::network_octets(held[i]) == test::numbered_packet(i));
    }
    REQUIRE(test::receive_patiently(r.port, std::span{held}.first(8)) == 8);
    CHECK(test::network_octets(held[7]) == test::numbered_packet(15));
    held[3].reset();
    REQUIRE(test::receive_patiently(r.port, std::span{held}.subspan(8, 1)) == 1);
    CHECK(test::network_octets(held[8]) == test::numbered_packet(16));
    for (frame& f : held) {
        f.reset();
    }
    REQUIRE(test::receive_patiently(r.port, std::span{held}.first(3)) == 3);
    CHECK(test::network_octets(held[2]) == test::numbered_packet(19));
    CHECK(r.port.counters().received == 20);
    CHECK(r.port.counters().receive_errors == 0);
}

template <class Setup>
void conforms_wholly() {
    if (test::live_network::skips(Setup::tun)) {
        return;
    }
    SUBCASE("packet_io") {
        test::conforms<harness<Setup>>();
    }
    SUBCASE("live_io") {
        conforms_live<Setup>();
    }
    SUBCASE("no buffers") {
        waits_for_buffers<Setup>();
    }
}

}  // namespace

TEST_CASE("af_packet_port conforms to packet_io and live_io") {
    conforms_wholly<af_packet_setup>();
}

TEST_CASE("tun_port conforms to packet_io and live_io on a TUN") {
    conforms_wholly<tun_setup<io::tun_kind::tun>>();
}

TEST_CASE("tun_port conforms to packet_io and live_io on a TAP") {
    conforms_wholly<tun_setup<io::tun_kind::tap>>();
}
