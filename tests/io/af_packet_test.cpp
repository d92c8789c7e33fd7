// SPDX-License-Identifier: Apache-2.0
/// What the kernel leaves undone, hides or takes away, on veth pairs in network namespaces of the test's own.
#include "ikealg/io/af_packet.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "ikealg/io/tun.hpp"
#include "ikealg/wire/ipv4.hpp"
#include "ikealg/wire/tcp.hpp"
#include "ikealg/wire/udp.hpp"
#include "io/af_packet_support.hpp"
#include "io/live_support.hpp"

using namespace ikealg;
using io::af_packet_options;
using io::af_packet_port;
using io::frame;
using io::io_state;
using test::live_network;
using test::neighbour;
using test::octets;
using test::open_port;
using test::options_for;
using test::packet;
using test::to_port;

namespace {

std::string error_of(const af_packet_options& options) {
    const auto result = af_packet_port::create(options);
    CHECK_FALSE(result);
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors[0].path == options.device);
    return result.errors[0].message;
}

/// Whether the TCP or UDP checksum of an IP packet of either version is right.
bool checksum_right(bytes packet) {
    const auto right = [&](auto from, auto to, std::uint8_t protocol, bytes transport) {
        const auto length = static_cast<std::uint32_t>(transport.size());
        return fold(sum_bytes(transport, pseudo_header_sum(from, to, protocol, length))) == 0xffff;
    };
    if (packet[0] >> 4U == 6) {
        const bytes whole = packet.first(40U + load_be16(&packet[4]));
        return right(ipv6_address::load(&whole[8]), ipv6_address::load(&whole[24]), whole[6], whole.subspan(40));
    }
    const auto ip = wire::ipv4_view::parse(packet);
    REQUIRE(ip);
    return ip.view.checksum_valid() && right(ip.view.source(), ip.view.destination(),
                                             static_cast<std::uint8_t>(ip.view.protocol()), ip.view.payload());
}

const sockaddr* generic(const sockaddr_in6& a) {
    return static_cast<const sockaddr*>(static_cast<const void*>(&a));
}

/// An address of either family for a dual-stack socket.
sockaddr_in6 socket_address(bool v6, std::uint8_t host, std::uint16_t port_number) {
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(port_number);
    auto& o = a.sin6_addr.s6_addr;
    if (v6) {
        o[0] = 0xfd;
    } else {
        o[10] = o[11] = 0xff;
        o[12] = 10;
        o[13] = 9;
    }
    o[15] = host;
    return a;
}

/// Two kernels, each in a namespace of its own, joined by two ports that this program bridges:
///
///     kernel 1 (10.9.0.1, fd00::1) -- one == left [port]   [port] right == two -- kernel 2 (10.9.0.2, fd00::2)
class bridge {
public:
    bridge()
        : kernels_{live_network::fresh(), live_network::fresh()},
          left_{make_side("left", "one", 0)},
          right_{make_side("right", "two", 1)} {
        network_.enter_first();
    }
    void enter_kernel(std::size_t i) const { live_network::enter(kernels_[i]); }
    void leave_kernel() const { network_.enter_first(); }

    /// Carries what is there; `check(frame&)` sees all.
    template <class Check>
    void carry(Check&& check) {
        carry_between(left_, right_, check);
        carry_between(right_, left_, check);
    }
    [[nodiscard]] af_packet_port& left() { return left_; }
    /// Waits until a port has something.
    void wait(int extra_fd) const {
        std::array<pollfd, 3> all{{{left_.fd(), POLLIN, 0}, {right_.fd(), POLLIN, 0}, {extra_fd, POLLIN, 0}}};
        (void)::poll(all.data(), all.size(), 100);
    }
    [[nodiscard]] std::uint64_t lost() {
        std::uint64_t all = 0;
        for (af_packet_port* p : {&left_, &right_}) {
            all += p->counters().receive_errors + p->counters().transmit_errors + p->details().kernel_drops;
        }
        return all;
    }

private:
    af_packet_port make_side(const std::string& here, const std::string& there, std::size_t kernel) const {
        network_.enter_first();
        const std::string space = " netns /proc/self/fd/" + std::to_string(kernels_[kernel].get());
        REQUIRE(test::run("ip link add " + here + " type veth peer name " + there + space + " && ip link set " + here +
                          " up"));
        enter_kernel(kernel);
        const std::string host = std::to_string(kernel + 1);
        std::ofstream{"/proc/sys/net/ipv6/conf/" + there + "/disable_ipv6"} << "0\n";
        REQUIRE(test::run("ip link set " + there + " up && ip addr add 10.9.0." + host + "/24 dev " + there +
                          " && ip addr add fd00::" + host + "/64 nodad dev " + there));
        network_.enter_first();
        af_packet_options options = options_for(here);
        options.promiscuous = true;
        return test::opened(af_packet_port::create(options));
    }
    template <class Check>
    void carry_between(af_packet_port& from, af_packet_port& to, Check& check) {
        std::array<frame, io::max_burst> slots;
        const std::size_t n = from.receive(slots);
        for (frame& f : std::span{slots}.first(n)) {
            check(f);
        }
        CHECK(io::transmit_all(to, std::span{slots}.first(n), to.zone()) == n);
    }

    live_network network_;
    std::array<io::detail::unique_fd, 2> kernels_;
    af_packet_port left_;
    af_packet_port right_;
};

/// Sends `size` octets over a TCP connection of the two kernels; returns the TCP segments that were carried.
std::size_t transfer_tcp(bridge& b, bool v6, std::size_t size) {
    b.enter_kernel(1);
    const io::detail::unique_fd listener{::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    const sockaddr_in6 server = socket_address(v6, 2, 7000);
    REQUIRE(::bind(listener.get(), generic(server), sizeof server) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    b.enter_kernel(0);
    const io::detail::unique_fd client{::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    (void)::connect(client.get(), generic(server), sizeof server);
    b.leave_kernel();

    octets content(size);
    small_random random{99};
    std::generate(content.begin(), content.end(), [&] { return static_cast<std::uint8_t>(random()); });
    io::detail::unique_fd accepted;
    octets arrived;
    octets chunk(1 << 16);
    std::size_t sent = 0;
    std::size_t segments = 0;
    for (int idle = 0; arrived.size() < size && idle < 100;) {
        const std::size_t before = arrived.size() + segments;
        b.carry([&](frame& f) {
            REQUIRE(f.network_length() <= 1500);
            const bytes whole = f.network();
            const bool tcp = load_be16(&f.link_header()[12]) == (v6 ? 0x86dd : 0x0800) && whole[v6 ? 6 : 9] == 6;
            if (tcp) {
                ++segments;
                REQUIRE(checksum_right(whole));
            }
        });
        if (!accepted) {
            accepted = io::detail::unique_fd{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK)};
        } else {
            const ssize_t n = ::recv(accepted.get(), chunk.data(), chunk.size(), 0);
            if (n > 0) {
                arrived.insert(arrived.end(), chunk.begin(), chunk.begin() + n);
            }
        }
        if (sent < size) {
            const ssize_t n = ::send(client.get(), &content[sent], std::min<std::size_t>(size - sent, 1 << 16), 0);
            sent += n > 0 ? static_cast<std::size_t>(n) : 0;
        }
        idle = arrived.size() + segments == before ? idle + 1 : 0;
        if (idle > 0) {
            b.wait(listener.get());
        }
    }
    CHECK(arrived == content);
    return segments;
}

}  // namespace

TEST_CASE("AF_PACKET errors name the device and what is wrong") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    const auto says = [](const std::string& text, const std::string& part) {
        CAPTURE(text);
        CHECK(text.find(part) != std::string::npos);
    };
    says(error_of(options_for("")), "cannot be the name of a network device");
    says(error_of(options_for("eth0 ")), "\"eth0 \" cannot be the name");
    says(error_of(options_for("none0")), "none0: cannot find the device: No such device");
    if (!live_network::skips(true)) {
        REQUIRE(test::run("ip tuntap add mode tun name tun0"));
        says(error_of(options_for("tun0")), "tun0: not an Ethernet device (hardware type 65534)");
    }
    live_network::veth("lan", "peer");
    af_packet_options endless = options_for("lan");
    endless.receive_ring = std::size_t{1} << 40U;
    says(error_of(endless), "lan: a receive ring of 1099511627776 bytes is too large, at most 1073741824");
}

TEST_CASE("what the kernel's sockets leave to hardware is completed, and TCP is cut to the MTU") {
    if (live_network::skips()) {
        return;
    }
    for (const bool v6 : {false, true}) {
        CAPTURE(v6);
        bridge b;
        const std::size_t size = std::size_t{4} << 20U;
        const std::size_t segments = transfer_tcp(b, v6, size);
        CHECK(segments > size / 1448);
        CHECK(b.left().details().large_packets > 0);
        CHECK(b.left().details().checksums_completed > 0);
        CHECK(b.lost() == 0);
        std::cout << "summary: af_packet: a TCP connection over IPv" << (v6 ? 6 : 4) << ", "
                  << b.left().details().large_packets << " large packets cut, " << segments << " segments carried\n";
    }
}

TEST_CASE("UDP of the kernel arrives with its checksum, datagrams sent as one are cut") {
    if (live_network::skips()) {
        return;
    }
    bridge b;
    const auto open_socket = [](std::size_t) { return io::detail::unique_fd{::socket(AF_INET6, SOCK_DGRAM, 0)}; };
    b.enter_kernel(1);
    const auto server = open_socket(1);
    const sockaddr_in6 address = socket_address(false, 2, 4500);
    REQUIRE(::bind(server.get(), generic(address), sizeof address) == 0);
    b.enter_kernel(0);
    const auto client = open_socket(0);
    b.leave_kernel();

    octets content(5000);
    for (std::size_t i = 0; i < content.size(); ++i) {
        content[i] = static_cast<std::uint8_t>(i * 7);
    }
    const int segment = 1200;
    std::vector<std::size_t> wanted{1400};
    if (::setsockopt(client.get(), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0) {
        wanted = {1200, 1200, 1200, 1200, 200};
    }
    std::size_t total = 0;
    for (const std::size_t n : wanted) {
        total += n;
    }
    REQUIRE(::sendto(client.get(), content.data(), total, 0, generic(address), sizeof address) ==
            static_cast<ssize_t>(total));
    std::size_t seen = 0;
    for (int rounds = 0; seen < wanted.size() && rounds < 100; ++rounds) {
        b.wait(-1);
        b.carry([&](frame& f) {
            if (load_be16(&f.link_header()[12]) == 0x0800 && f.network()[9] == 17) {
                ++seen;
                CHECK(checksum_right(f.network()));
                CHECK(load_be16(&f.network()[26]) != 0);
            }
        });
    }
    octets back(2000);
    std::size_t at = 0;
    for (const std::size_t n : wanted) {
        REQUIRE(::recv(server.get(), back.data(), back.size(), MSG_DONTWAIT) == static_cast<ssize_t>(n));
        CHECK(std::equal(back.begin(), back.begin() + static_cast<std::ptrdiff_t>(n),
                         content.begin() + static_cast<std::ptrdiff_t>(at)));
        at += n;
    }
    CHECK(b.lost() == 0);
}

TEST_CASE("tags that the kernel takes out are put back") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_port port = open_port("lan");
    af_packet_port far = open_port("peer");
    const test::plain_socket sender{"peer"};
    using wire::ether_type;
    const std::vector<std::vector<wire::vlan_tag>> cases{
        {},
        {{ether_type::vlan, 5}},
        {{ether_type::vlan, 0x6fff}},
        {{ether_type::service_vlan, 6}},
        {{ether_type::service_vlan, 6}, {ether_type::vlan, 7}},
        {{ether_type::vlan, 6}, {ether_type::vlan, 7}},
        {{ether_type::double_vlan, 9}},
        {{ether_type::vlan, 0}},
    };
    for (const auto& tags : cases) {
        CAPTURE(tags.size());
        const octets link = test::ethernet_header(port.mac(), neighbour, ether_type::ipv4, tags);
        sender.send(test::joined(link, test::numbered_packet(4)));
        std::array<frame, 1> one;
        REQUIRE(test::receive_patiently(port, one) == 1);
        CHECK(test::to_vector(one[0].link_header()) == link);
        CHECK(test::network_octets(one[0]) == test::numbered_packet(4));

        // And they are sent as they are.
        const octets back = test::ethernet_header(far.mac(), port.mac(), ether_type::ipv4, tags);
        REQUIRE(one[0].set_link_header(back));
        REQUIRE(port.transmit(one, zone_id{}) == 1);
        REQUIRE(test::receive_patiently(far, one) == 1);
        CHECK(test::to_vector(one[0].link_header()) == back);
    }
    SUBCASE("a full packet goes behind one 802.1Q tag, 4 less for every other tag") {
        std::size_t sent = 0;
        std::size_t too_long = 0;
        for (const auto& tags : cases) {
            const bool free_tag = !tags.empty() && tags[0].type == ether_type::vlan;
            const std::size_t most = port.mtu() - 4 * (tags.size() - (free_tag ? 1 : 0));
            for (const std::size_t size : {most, most + 1}) {
                std::array<frame, 1> one{port.make(size)};
                one[0].network()[0] = 0x45;
                REQUIRE(one[0].set_link_header(test::ethernet_header(far.mac(), port.mac(), ether_type::ipv4, tags)));
                CHECK(port.transmit(one, zone_id{}) == 1);
            }
            ++sent;
            ++too_long;
        }
        std::vector<frame> slots(sent);
        CHECK(test::receive_patiently(far, slots) == sent);
        CHECK(far.receive(slots) == 0);
        CHECK(port.counters().transmit_errors == too_long);
        CHECK(port.counters().transmitted == cases.size() + sent);
    }
}

TEST_CASE("partial checksums and large packets behind tags") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_port port = open_port("lan");
    const test::plain_socket sender{"peer", ETH_P_ALL, true};
    using wire::ether_type;
    const std::array<wire::vlan_tag, 2> tags{{{ether_type::service_vlan, 6}, {ether_type::vlan, 7}}};
    for (const std::size_t count : {0U, 1U, 2U}) {
        for (const std::size_t payload : {500U, 5000U}) {
            CAPTURE(count);
            CAPTURE(payload);
            const octets link =
                test::ethernet_header(port.mac(), neighbour, ether_type::ipv4, std::span{tags}.last(count));
            octets ip(40 + payload, std::uint8_t{3});
            ip[0] = 0x45;
            store_be16(&ip[2], static_cast<std::uint16_t>(ip.size()));
            ip[6] = 0x40;
            ip[7] = 0;
            ip[9] = 6;
            store_be16(&ip[10], 0);
            store_be16(&ip[10], finish_checksum(sum_bytes(bytes{ip}.first(20))));
            ip[32] = 0x50;
            ip[33] = 0x18;
            store_be16(&ip[36], fold(pseudo_header_sum(ipv4_address::load(&ip[12]), ipv4_address::load(&ip[16]), 6,
                                                       static_cast<std::uint32_t>(20 + payload))));
            io::detail::undone_work undone;
            undone.flags = io::detail::undone_work::needs_checksum;
            undone.checksum_start = static_cast<std::uint16_t>(link.size() + 20);
            undone.checksum_offset = 16;
            if (payload > 1460) {
                undone.cut = io::detail::undone_work::tcp_v4;
                undone.cut_size = 1000;
                undone.header_length = static_cast<std::uint16_t>(link.size() + 40);
            }
            octets whole(sizeof undone);
            std::memcpy(whole.data(), &undone, sizeof undone);
            sender.send(test::joined(test::joined(whole, link), ip));

            std::vector<frame> slots(payload > 1460 ? 5 : 1);
            REQUIRE(test::receive_patiently(port, slots) == slots.size());
            std::uint32_t sequence = load_be32(&ip[24]);
            for (frame& f : slots) {
                CHECK(test::to_vector(f.link_header()) == link);
                const bytes all = f.network();
                CHECK(checksum_right(all));
                CHECK(load_be32(&all[24]) == sequence);
                sequence += static_cast<std::uint32_t>(all.size() - 40);
            }
            CHECK(sequence == load_be32(&ip[24]) + payload);
        }
    }
    CHECK(port.counters().receive_errors == 0);
}

TEST_CASE("large packets are cut across bursts and waits for buffers") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_options options = options_for("lan");
    options.frames = 4;
    af_packet_port port = test::opened(af_packet_port::create(options));
    const test::plain_socket sender{"peer", ETH_P_ALL, true};
    const octets link = test::ethernet_header(port.mac(), neighbour);
    octets ip(40 + 10'000, std::uint8_t{3});
    ip[0] = 0x45;
    store_be16(&ip[2], static_cast<std::uint16_t>(ip.size()));
    ip[6] = ip[7] = 0;
    ip[9] = 6;
    ip[32] = 0x50;
    io::detail::undone_work undone;
    undone.flags = io::detail::undone_work::needs_checksum;
    undone.checksum_start = 34;
    undone.checksum_offset = 16;
    undone.cut = io::detail::undone_work::tcp_v4;
    undone.cut_size = 1000;
    undone.header_length = 54;
    octets whole(sizeof undone);
    std::memcpy(whole.data(), &undone, sizeof undone);
    sender.send(test::joined(test::joined(whole, link), ip));
    std::array<frame, 8> slots;
    std::size_t got = 0;
    for (const std::size_t n : {1U, 2U, 1U}) {
        REQUIRE(test::receive_patiently(port, std::span{slots}.subspan(got, n)) == n);
        got += n;
    }
    CHECK(port.receive(std::span{slots}.subspan(got)) == 0);
    slots[0].reset();
    CHECK(port.receive(std::span{slots}.first(1)) == 1);
    for (frame& f : slots) {
        f.reset();
    }
    CHECK(port.receive(slots) == 4);
    CHECK(port.receive(slots) == 1);  // over the four
    CHECK(load_be32(&slots[0].network()[24]) == load_be32(&ip[24]) + 9000);
    CHECK(port.counters().received == 10);
    CHECK(port.details().large_packets == 1);
}

TEST_CASE("what leaves by the device does not come back") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_port port = open_port("lan");
    const test::plain_socket beside{"lan"};
    const test::plain_socket far{"peer"};
    std::array<frame, 4> slots{packet(port, 1)};
    REQUIRE(port.transmit(std::span{slots}.first(1), zone_id{}) == 1);
    REQUIRE(far.receive());
    beside.send(to_port(port, 2));
    REQUIRE(far.receive());
    far.send(to_port(port, 3));
    REQUIRE(test::receive_patiently(port, std::span{slots}.first(1)) == 1);
    CHECK(test::network_octets(slots[0]) == test::numbered_packet(3));
    CHECK(port.receive(slots) == 0);
    CHECK(port.counters().received == 1);
}

TEST_CASE("frames to other hosts are counted and dropped, or delivered when promiscuous") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    for (const bool promiscuous : {false, true}) {
        CAPTURE(promiscuous);
        af_packet_options options = options_for("lan");
        options.promiscuous = promiscuous;
        af_packet_port port = test::opened(af_packet_port::create(options));
        const test::plain_socket far{"peer"};
        for (const wire::mac_address to : {neighbour, port.mac(), wire::mac_address::broadcast()}) {
            far.send(test::joined(test::ethernet_header(to, far.mac()), test::numbered_packet(1)));
        }
        std::array<frame, 3> slots;
        const std::size_t wanted = promiscuous ? 3 : 2;
        CHECK(test::receive_patiently(port, std::span{slots}.first(wanted)) == wanted);
        CHECK(port.details().other_host == 3 - wanted);
        CHECK(port.details().kernel_drops == 0);
    }
}

TEST_CASE("a device that goes down or away fails the port until it is back") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_port port = open_port("lan");
    std::array<frame, 1> none;
    std::array<frame, 1> one{packet(port, 1)};
    const auto works = [&] {
        const test::plain_socket far{"peer"};
        far.send(to_port(port, 8));
        std::array<frame, 1> slot;
        CHECK(test::receive_patiently(port, slot) == 1);
        one[0] = packet(port, 9);
        CHECK(port.transmit(one, zone_id{}) == 1);
        const auto whole = far.receive();
        REQUIRE(whole);
        CHECK(octets(whole->begin() + 14, whole->end()) == test::numbered_packet(9));
    };
    const auto fails = [&](const std::string& why) {
        pollfd waiting{port.fd(), POLLIN, 0};
        CHECK(::poll(&waiting, 1, test::patience_ms) == 1);
        CHECK(port.receive(none) == 0);
        CHECK(port.state() == io_state::failed);
        CHECK(port.error() == why);
        one[0] = packet(port, 1);
        CHECK(port.transmit(one, zone_id{}) == 0);
        CHECK(one[0]);
        CHECK(::poll(&waiting, 1, 0) == 0);  // said once
    };
    REQUIRE(test::run("ip link set lan down"));
    fails("lan: the device is down");
    REQUIRE(test::run("ip link set lan up"));
    CHECK(port.receive(none) == 0);
    CHECK(port.state() == io_state::ready);
    CHECK(port.error().empty());
    works();

    const wire::mac_address before = port.mac();
    REQUIRE(test::run("ip link del lan"));
    fails("lan: cannot find the device: No such device");
    live_network::veth("lan", "peer");
    CHECK(port.receive(none) == 0);
    CHECK(port.state() == io_state::ready);
    CHECK(port.mac() != before);
    works();

    REQUIRE(test::run("ip link set lan down"));
    const auto late = af_packet_port::create(options_for("lan"));
    REQUIRE(late);
    REQUIRE(late.warnings.size() == 1);
    CHECK(late.warnings[0].message == "lan: the device is down");
    CHECK(late.value->state() == io_state::failed);
}

TEST_CASE("a frame that no longer fits the device is an error after all, and those behind it go out") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_port port = open_port("lan");
    const test::plain_socket far{"peer"};
    REQUIRE(test::run("ip link set lan mtu 1000"));
    std::array<frame, 3> burst{packet(port, 1), port.make(1400), packet(port, 2)};
    REQUIRE(burst[1].set_link_header(test::ethernet_header(neighbour, port.mac())));
    CHECK(port.transmit(burst, zone_id{}) == 3);
    CHECK(port.counters().transmitted == 2);
    CHECK(port.counters().transmit_errors == 1);
    CHECK(port.mtu() == 1000);
    CHECK(port.pending() == 0);
    for (const std::uint32_t i : {1U, 2U}) {
        const auto whole = far.receive();
        REQUIRE(whole);
        CHECK(octets(whole->begin() + 14, whole->end()) == test::numbered_packet(i));
    }
    // The old MTU is the port's again when it is the device's.
    REQUIRE(test::run("ip link set lan mtu 1500"));
    std::array<frame, 1> none;
    CHECK(port.receive(none) == 0);
    CHECK(port.mtu() == 1500);
}

TEST_CASE("an address that the device was given while it was up is the port's when it is asked for") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_port port = open_port("lan");
    const wire::mac_address before = port.mac();
    REQUIRE(test::run("ip link set lan address 02:00:00:00:00:77"));
    std::array<frame, 1> none;
    CHECK(port.receive(none) == 0);
    CHECK(port.mac() == before);
    port.refresh();
    CHECK(port.mac() == wire::mac_address{{2, 0, 0, 0, 0, 0x77}});
    CHECK(port.state() == io_state::ready);
}
