// SPDX-License-Identifier: Apache-2.0
/// A network of its own for tests of the live adapters, and a plain packet socket at its other end.
#ifndef IKEALG_TESTS_IO_LIVE_SUPPORT_HPP
#define IKEALG_TESTS_IO_LIVE_SUPPORT_HPP

#include <algorithm>
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/configuration_error.hpp"
#include "ikealg/io/frame.hpp"
#include "ikealg/io/linux_device.hpp"
#include "ikealg/wire/ethernet.hpp"
#include "io/conformance.hpp"

namespace ikealg::test {

/// How long to wait for what must come. Nothing waits for so long when all is well.
inline constexpr int patience_ms = 5000;

inline octets to_vector(bytes b) {
    return {b.begin(), b.end()};
}

inline bool run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

/// Network namespaces: a fresh one that this thread is in from construction to destruction, and further ones. The thread
/// stays on one processor so long, since the kernel keeps the order of a veth's packets for each only.
class live_network {
public:
    live_network() : before_{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)}, inner_{fresh()} {
        REQUIRE(before_);
        enter(inner_);
        REQUIRE(::sched_getaffinity(0, sizeof processors_, &processors_) == 0);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    }
    ~live_network() {
        (void)::sched_setaffinity(0, sizeof processors_, &processors_);
        enter(before_);
    }
    live_network(const live_network&) = delete;
    live_network& operator=(const live_network&) = delete;

    /// Makes another namespace; the thread is in it then. It is inherited by programs that are run.
    static io::detail::unique_fd fresh() {
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        // No neighbour discovery: only packets of the test's own making.
        std::ofstream{"/proc/sys/net/ipv6/conf/default/disable_ipv6"} << "1\n";
        return io::detail::unique_fd{::open("/proc/thread-self/ns/net", O_RDONLY)};
    }
    static void enter(const io::detail::unique_fd& space) { REQUIRE(::setns(space.get(), CLONE_NEWNET) == 0); }
    void enter_first() const { enter(inner_); }

    static void veth(const std::string& one, const std::string& other) {
        REQUIRE(run("ip link add " + one + " type veth peer name " + other + " && ip link set " + one +
                    " arp off up && ip link set " + other + " arp off up"));
    }

    /// Why there can be no live test here; nothing when there can.
    static std::optional<std::string> obstacle() {
        const io::detail::unique_fd before{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
        if (!before || ::unshare(CLONE_NEWNET) != 0) {
            return "no network namespace can be made (they need root)";
        }
        const bool has_veth = run("ip link add ikealg0 type veth peer name ikealg1");
        const io::detail::unique_fd packet_socket{::socket(AF_PACKET, SOCK_RAW, 0)};
        REQUIRE(::setns(before.get(), CLONE_NEWNET) == 0);
        if (!has_veth) {
            return "no veth devices, or no ip program";
        }
        return packet_socket ? std::nullopt : std::optional<std::string>{"no packet sockets"};
    }
    static std::optional<std::string> tun_obstacle() {
        if (auto why = obstacle()) {
            return why;
        }
        return io::detail::unique_fd{::open("/dev/net/tun", O_RDWR)}
                   ? std::nullopt
                   : std::optional<std::string>{"/dev/net/tun cannot be opened"};
    }
    /// Says once why tests are skipped; true when they are.
    static bool skips(bool tun = false) {
        static const std::optional<std::string> why = obstacle();
        static const std::optional<std::string> why_tun = tun_obstacle();
        const auto& reason = tun ? why_tun : why;
        static std::array<bool, 2> said{};
        if (reason) {
            MESSAGE(*reason);
            if (!std::exchange(said[tun ? 1 : 0], true)) {
                std::cout << "summary: tests of " << (tun ? "TUN and TAP" : "AF_PACKET") << " are skipped: " << *reason
                          << '\n';
            }
        }
        return reason.has_value();
    }

private:
    cpu_set_t processors_{};
    io::detail::unique_fd before_;
    io::detail::unique_fd inner_;
};

/// A packet socket without rings: what is sent through it leaves by the device, what comes to the device it receives.
class plain_socket {
public:
    explicit plain_socket(const std::string& device, std::uint16_t protocol = ETH_P_ALL, bool offload_header = false)
        : socket_{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)} {
        REQUIRE(socket_);
        facts_ = io::detail::query_device(socket_.get(), io::detail::kernel_name(device));
        REQUIRE(facts_.error == 0);
        if (offload_header) {
            const int on = 1;
            REQUIRE(::setsockopt(socket_.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0);
        }
        const int size = 4 << 20;
        (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        address_.sll_family = AF_PACKET;
        address_.sll_protocol = htons(protocol);
        address_.sll_ifindex = facts_.index;
        REQUIRE(::bind(socket_.get(), generic(address_), sizeof address_) == 0);
        if (facts_.hardware == ARPHRD_NONE) {
            address_.sll_protocol = htons(ETH_P_IP);
        }
    }
    void send(bytes whole) const {
        REQUIRE(::sendto(socket_.get(), whole.data(), whole.size(), 0, generic(address_), sizeof address_) ==
                static_cast<ssize_t>(whole.size()));
    }
    /// The next frame that came in to the device; nothing when none comes in time.
    std::optional<octets> receive(int timeout_ms = patience_ms) const {
        octets whole(70'000);
        pollfd waiting{socket_.get(), POLLIN, 0};
        while (::poll(&waiting, 1, timeout_ms) > 0) {
            sockaddr_ll from{};
            socklen_t size = sizeof from;
            auto* const at = static_cast<sockaddr*>(static_cast<void*>(&from));
            const ssize_t n = ::recvfrom(socket_.get(), whole.data(), whole.size(), 0, at, &size);
            if (n >= 0 && from.sll_pkttype != PACKET_OUTGOING) {
                whole.resize(static_cast<std::size_t>(n));
                return whole;
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] wire::mac_address mac() const { return facts_.mac; }

private:
    static const sockaddr* generic(const sockaddr_ll& a) {
        return static_cast<const sockaddr*>(static_cast<const void*>(&a));
    }

    io::detail::unique_fd socket_;
    io::detail::device_facts facts_;
    sockaddr_ll address_{};
};

inline octets ethernet_header(wire::mac_address to, wire::mac_address from,
                              wire::ether_type type = wire::ether_type::ipv4,
                              std::span<const wire::vlan_tag> tags = {}) {
    octets link(14 + 4 * tags.size());
    to.store(&link[0]);
    from.store(&link[6]);
    std::size_t at = 12;
    for (const wire::vlan_tag& tag : tags) {
        store_be16(&link[at], static_cast<std::uint16_t>(tag.type));
        store_be16(&link[at + 2], tag.control);
        at += 4;
    }
    store_be16(&link[at], static_cast<std::uint16_t>(type));
    return link;
}

inline octets joined(const octets& a, const octets& b) {
    octets all(a.size() + b.size());  // of its final size: g++ 12 misjudges insert()
    std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), all.begin()));
    return all;
}

/// Receives until all slots are filled or nothing comes in time.
template <class Port>
std::size_t receive_patiently(Port& port, std::span<io::frame> slots, int timeout_ms = patience_ms) {
    std::size_t got = 0;
    pollfd waiting{port.fd(), POLLIN, 0};
    while (got < slots.size()) {
        const std::size_t n = port.receive(slots.subspan(got));
        got += n;
        if (n == 0 && ::poll(&waiting, 1, timeout_ms) <= 0) {
            break;
        }
    }
    return got;
}

/// A port for tests that take 0 for "all that was sent has come".
template <class Port>
class patient_port {
public:
    using packet = typename Port::packet;

    explicit patient_port(Port& port) : port_{&port} {}
    void expect(std::size_t packets) { expected_ += packets; }

    std::size_t receive(std::span<packet> burst) {
        const std::size_t n = receive_patiently(*port_, burst.first(std::min(burst.size(), expected_)));
        expected_ -= n;
        return n != 0 ? n : port_->receive(burst);
    }
    std::size_t transmit(std::span<packet> burst, zone_id to) { return port_->transmit(burst, to); }
    [[nodiscard]] io::io_state state() const { return port_->state(); }
    [[nodiscard]] io::io_counters counters() const { return port_->counters(); }

private:
    Port* port_;
    std::size_t expected_ = 0;
};

/// The port that a result holds; the test ends when there is none.
template <class Port>
Port opened(built<Port> result) {
    for (const configuration_error& e : result.errors) {
        FAIL_CHECK(e.message);
    }
    REQUIRE(result);
    return std::move(*result.value);
}

}  // namespace ikealg::test

#endif
