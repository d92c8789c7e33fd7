// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/linux_device.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/live_support.hpp"

using namespace ikealg;
using namespace ikealg::io::detail;

TEST_CASE("a descriptor is closed once, by whoever has it last") {
    CHECK_FALSE(unique_fd{});
    const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) != -1; };
    int one = -1;
    int other = -1;
    {
        unique_fd a{::open("/dev/null", O_RDONLY)};
        unique_fd b{::open("/dev/null", O_RDONLY)};
        one = a.get();
        other = b.get();
        unique_fd moved{std::move(a)};
        CHECK(moved.get() == one);
        moved = std::move(b);
        CHECK(moved.get() == other);
        CHECK(is_open(other));
    }
    CHECK_FALSE(is_open(one));
    CHECK_FALSE(is_open(other));
}

TEST_CASE("errors name the device, what failed and why; a lack of rights says which") {
    CHECK(device_error("eth0", "find the device", ENODEV) == "eth0: cannot find the device: No such device");
    CHECK(
        device_error("eth0", "open it", EPERM) ==
        "eth0: cannot open it: Operation not permitted (it needs CAP_NET_RAW for packet sockets, CAP_NET_ADMIN for TUN "
        "and TAP)");
}

TEST_CASE("names that the kernel refuses are empty; 15 characters are the longest") {
    const auto name = [](std::string_view device) { return std::string{kernel_name(device).data()}; };
    for (const std::string_view good : {"eth0", "ge-0.10", "123456789012345", "tun%d", "..."}) {
        CHECK(name(good) == good);
    }
    using namespace std::string_view_literals;
    for (const std::string_view bad :
         {""sv, "1234567890123456"sv, "."sv, ".."sv, "a/b"sv, "a b"sv, "a:1"sv, "a\n"sv, "a\0b"sv}) {
        CAPTURE(bad);
        CHECK(kernel_name(bad) == std::array<char, IFNAMSIZ>{});
    }
}

TEST_CASE("what the kernel says of devices of this namespace, and that it does not know one") {
    if (test::live_network::skips()) {
        return;
    }
    const test::live_network network;
    test::live_network::veth("lan", "peer");
    REQUIRE(test::run("ip link set lan mtu 1400 address 02:00:00:00:00:07"));
    const unique_fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto lan = query_device(socket.get(), kernel_name("lan"));
    CHECK(lan.error == 0);
    CHECK(lan.index > 0);
    CHECK(lan.up());
    CHECK(lan.ethernet());
    CHECK(lan.mtu == 1400);
    CHECK(lan.mac == wire::mac_address{{2, 0, 0, 0, 0, 7}});
    CHECK(disable_lro(socket.get(), kernel_name("lan")) == 0);

    REQUIRE(test::run("ip link set lan down"));
    CHECK_FALSE(query_device(socket.get(), kernel_name("lan")).up());
    const auto none = query_device(socket.get(), kernel_name("none0"));
    CHECK(none.error == ENODEV);
    CHECK(none.index == 0);
    CHECK_FALSE(none.up());
    CHECK(query_device(-1, kernel_name("lan")).error == EBADF);
}

TEST_CASE("an Ethernet header has 14 bytes and 4 for each of at most two tags, or none when it is cut short") {
    using wire::ether_type;
    const wire::mac_address mac{{2, 0, 0, 0, 0, 1}};
    const wire::vlan_tag outer{ether_type::service_vlan, 6};
    const wire::vlan_tag inner{ether_type::vlan, 7};
    const std::vector<std::vector<wire::vlan_tag>> cases{{}, {inner}, {outer, inner}};
    for (const auto& tags : cases) {
        const test::octets header = test::ethernet_header(mac, mac, ether_type::ipv4, tags);
        CAPTURE(header.size());
        CHECK(ethernet_length(header) == 14 + 4 * tags.size());
        CHECK(ethernet_length(bytes{header}.first(header.size() - 1)) == 0);
        CHECK(ethernet_length(test::joined(header, test::octets(20))) == header.size());
    }
    CHECK(ethernet_length(test::ethernet_header(mac, mac, ether_type::ipv4, std::vector{outer, inner, inner})) == 22);
    CHECK(ethernet_length({}) == 0);
}
