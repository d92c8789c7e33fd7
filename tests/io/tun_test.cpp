// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/tun.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "io/live_support.hpp"

using namespace ikealg;
using io::frame;
using io::io_state;
using io::tun_kind;
using io::tun_options;
using io::tun_port;
using test::live_network;
using test::octets;

namespace {

constexpr wire::mac_address neighbour{{2, 0, 0, 0, 0, 1}};

tun_options options_for(const std::string& device, tun_kind kind = tun_kind::tap) {
    tun_options options;
    options.device = device;
    options.kind = kind;
    options.frames = 64;
    options.bring_up = true;
    return options;
}

std::string error_of(const tun_options& options) {
    const auto result = tun_port::create(options);
    CHECK_FALSE(result);
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors[0].path == options.device);
    return result.errors[0].message;
}

bool contains(const std::string& text, const std::string& part) {
    CAPTURE(text);
    CAPTURE(part);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the derived address is locally administered, of one station, and of the name") {
    const auto a = tun_port::derive_mac("tap0");
    CHECK((a.octets[0] & 3U) == 2);
    CHECK(a == tun_port::derive_mac("tap0"));
    CHECK(a != tun_port::derive_mac("tap1"));
    CHECK_FALSE(tun_port::derive_mac("a-name-that-is-too-long-for-linux").is_multicast());
}

TEST_CASE("TUN and TAP errors name the device and what is wrong") {
    if (live_network::skips(true)) {
        return;
    }
    const live_network network;
    CHECK(contains(error_of(options_for("")), "cannot be the name of a network device"));
    CHECK(contains(error_of(options_for("a-name-too-long-")), "\"a-name-too-long-\" cannot be the name"));
    CHECK(contains(error_of(options_for("a/b")), "cannot be the name"));
    CHECK(contains(error_of(options_for("lo")), "lo: cannot open it as a TAP device: "));
    REQUIRE(test::run("ip tuntap add mode tap name tap7"));
    CHECK(contains(error_of(options_for("tap7", tun_kind::tun)),
                   "tap7: cannot open it as a TUN device: Invalid argument"));

    const tun_port first = test::opened(tun_port::create(options_for("tap7")));
    CHECK(contains(error_of(options_for("tap7")), "tap7: cannot open it as a TAP device: Device or resource busy"));

    tun_options same = options_for("tap8");
    REQUIRE(test::run("ip tuntap add mode tap name tap8 && ip link set tap8 address 02:00:00:00:00:08"));
    same.mac = wire::mac_address{{2, 0, 0, 0, 0, 8}};
    CHECK(contains(error_of(same), "tap8: 02:00:00:00:00:08 is the kernel's own address"));
    same.mac = wire::mac_address{{3, 0, 0, 0, 0, 8}};
    CHECK(contains(error_of(same), "is a group address"));
}

TEST_CASE("a device made for the port goes with it, a persistent one stays, a numbered one says its name") {
    if (live_network::skips(true)) {
        return;
    }
    const live_network network;
    REQUIRE(test::run("ip tuntap add mode tun name stays"));
    {
        const tun_port made = test::opened(tun_port::create(options_for("goes%d", tun_kind::tun)));
        CHECK(made.device() == "goes0");
        CHECK(test::run("ip link show goes0"));
        tun_port moved_from = test::opened(tun_port::create(options_for("stays", tun_kind::tun)));
        const tun_port moved{std::move(moved_from)};
        CHECK(moved.mac() == wire::mac_address{});
        CHECK_FALSE(moved.has_link_layer());
    }
    CHECK_FALSE(test::run("ip link show goes0"));
    CHECK(test::run("ip link show stays"));
}

TEST_CASE("a TAP delivers frames to its own address and to groups, to others only when promiscuous") {
    if (live_network::skips(true)) {
        return;
    }
    for (const bool promiscuous : {false, true}) {
        CAPTURE(promiscuous);
        const live_network network;
        tun_options options = options_for("tap0");
        options.promiscuous = promiscuous;
        options.mac = wire::mac_address{{2, 1, 2, 3, 4, 5}};
        tun_port port = test::opened(tun_port::create(options));
        CHECK(port.mac() == *options.mac);
        const test::plain_socket far{"tap0"};
        const octets content = test::numbered_packet(1);
        constexpr wire::mac_address group{{0x01, 0, 0x5e, 0, 0, 1}};
        for (const wire::mac_address to : {neighbour, port.mac(), wire::mac_address::broadcast(), group}) {
            far.send(test::joined(test::ethernet_header(to, far.mac()), content));
        }
        std::array<frame, 4> slots;
        const std::size_t wanted = promiscuous ? 4 : 3;
        REQUIRE(test::receive_patiently(port, std::span{slots}.first(wanted)) == wanted);
        CHECK(port.details().other_host == 4 - wanted);
        CHECK(port.receive(slots) == 0);
    }
}

TEST_CASE("tags and what is in them arrive on a TAP") {
    if (live_network::skips(true)) {
        return;
    }
    const live_network network;
    tun_port port = test::opened(tun_port::create(options_for("tap0")));
    const test::plain_socket far{"tap0"};
    const std::array<wire::vlan_tag, 2> tags{{{wire::ether_type::service_vlan, 0x6005}, {wire::ether_type::vlan, 7}}};
    for (const std::size_t count : {1U, 2U}) {
        const octets link =
            test::ethernet_header(port.mac(), far.mac(), wire::ether_type::ipv4, std::span{tags}.last(count));
        far.send(test::joined(link, test::numbered_packet(3)));
        std::array<frame, 1> one;
        REQUIRE(test::receive_patiently(port, one) == 1);
        CHECK(test::to_vector(one[0].link_header()) == link);
        CHECK(test::network_octets(one[0]) == test::numbered_packet(3));
    }
}

TEST_CASE("a TAP that is down refuses until it is up; one that is deleted fails for good") {
    if (live_network::skips(true)) {
        return;
    }
    const live_network network;
    REQUIRE(test::run("ip tuntap add mode tap name tap0"));
    tun_options options = options_for("tap0");
    options.bring_up = false;
    auto result = tun_port::create(options);
    REQUIRE(result);
    REQUIRE(result.warnings.size() == 1);
    CHECK(result.warnings[0].message == "tap0: the device is down");
    tun_port port = std::move(*result.value);
    CHECK(port.state() == io_state::failed);
    CHECK(port.error() == "tap0: the device is down");

    std::array<frame, 1> one{port.make(40)};
    REQUIRE(one[0].set_link_header(test::ethernet_header(neighbour, port.mac())));
    CHECK(port.transmit(one, zone_id{}) == 0);
    CHECK(one[0]);
    REQUIRE(test::run("ip link set tap0 mtu 1400 up"));
    CHECK(port.transmit(one, zone_id{}) == 1);
    CHECK(port.state() == io_state::ready);
    CHECK(port.mtu() == 1400);

    one[0] = port.make(40);
    REQUIRE(one[0].set_link_header(test::ethernet_header(neighbour, port.mac())));
    REQUIRE(test::run("ip link set tap0 down"));
    CHECK(port.transmit(one, zone_id{}) == 0);
    CHECK(port.state() == io_state::failed);
    REQUIRE(test::run("ip link set tap0 up"));
    std::array<frame, 1> none;
    CHECK(port.receive(none) == 0);
    CHECK(port.state() == io_state::ready);
    CHECK(port.transmit(one, zone_id{}) == 1);

    REQUIRE(test::run("ip link del tap0"));
    CHECK(port.receive(none) == 0);
    CHECK(port.state() == io_state::failed);
    CHECK(contains(port.error(), "tap0: cannot use the device: "));
    CHECK(port.transmit(none, zone_id{}) == 0);
    CHECK(port.counters().transmitted == 2);
    CHECK(port.counters().transmit_errors == 0);
}

TEST_CASE("a packet longer than a buffer, after the MTU was raised, is counted") {
    if (live_network::skips(true)) {
        return;
    }
    const live_network network;
    tun_port port = test::opened(tun_port::create(options_for("tap0")));
    REQUIRE(test::run("ip link set tap0 mtu 9000"));
    const test::plain_socket far{"tap0"};
    const octets link = test::ethernet_header(port.mac(), far.mac());
    far.send(test::joined(link, octets(8000, 0x45)));
    far.send(test::joined(link, test::numbered_packet(1)));
    std::array<frame, 1> one;
    REQUIRE(test::receive_patiently(port, one) == 1);
    CHECK(test::network_octets(one[0]) == test::numbered_packet(1));
    CHECK(port.counters().receive_errors == 1);
}
