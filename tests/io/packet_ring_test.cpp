// SPDX-License-Identifier: Apache-2.0
/// The rings by themselves, on the two ends of a veth pair, and under a port.
#include "ikealg/io/packet_ring.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/af_packet_support.hpp"
#include "io/live_support.hpp"

using namespace ikealg;
using io::af_packet_options;
using io::af_packet_port;
using io::frame;
using io::detail::receive_ring;
using io::detail::ring_error;
using io::detail::transmit_ring;
using io::detail::unique_fd;
using test::live_network;
using test::octets;
using test::options_for;
using test::packet;
using test::to_port;

namespace {

/// A packet socket without a protocol receives nothing until it is bound to a device.
unique_fd packet_socket() {
    return unique_fd{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
}
void bind_to(const unique_fd& socket, const std::string& device) {
    sockaddr_ll a{};
    a.sll_family = AF_PACKET;
    a.sll_protocol = htons(ETH_P_ALL);
    a.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
    REQUIRE(::bind(socket.get(), static_cast<const sockaddr*>(static_cast<const void*>(&a)), sizeof a) == 0);
}

}  // namespace

TEST_CASE("a ring that cannot be says what did not work") {
    const unique_fd udp{::socket(AF_INET, SOCK_DGRAM, 0)};
    const auto says = [](const ring_error& e, std::string_view what, int error) {
        CHECK(e);
        CHECK(e.what == what);
        CHECK(e.error == error);
    };
    receive_ring in;
    transmit_ring out;
    says(out.start(udp.get(), 1, 1500), "have unsendable frames skipped", ENOPROTOOPT);
    says(in.start(udp.get(), 1, 1), "ask for checksum and segmentation metadata", ENOPROTOOPT);
    CHECK_FALSE(ring_error{});
}

TEST_CASE("what is put into one ring is shown by the other, in order and with its direction") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    const unique_fd sender = packet_socket();
    const unique_fd receiver = packet_socket();
    transmit_ring out;
    receive_ring in;
    REQUIRE_FALSE(out.start(sender.get(), 1, 4000));
    REQUIRE_FALSE(in.start(receiver.get(), 1, 1));
    bind_to(sender, "lan");
    bind_to(receiver, "peer");
    CHECK(out.frame_room() == 4096 - io::detail::ring_header_size);
    CHECK_FALSE(in.front());

    std::vector<octets> sent;
    for (const wire::mac_address to : {wire::mac_address::broadcast(), test::neighbour}) {
        sent.push_back(test::joined(test::ethernet_header(to, test::neighbour), test::numbered_packet(5)));
        CHECK(out.put(sent.back()));
    }
    CHECK(out.pending() == 2);
    CHECK(out.push(sender.get(), [](bytes) { FAIL("a frame was lost"); }) == 0);
    CHECK(out.pending() == 0);
    for (const std::size_t i : {0U, 1U}) {
        CAPTURE(i);
        pollfd waiting{receiver.get(), POLLIN, 0};
        auto shown = in.front();
        while (!shown && ::poll(&waiting, 1, test::patience_ms) > 0) {
            shown = in.front();
        }
        REQUIRE(shown);
        CHECK(test::to_vector(shown->data) == sent[i]);
        CHECK(shown->direction == (i == 0 ? PACKET_BROADCAST : PACKET_OTHERHOST));
        CHECK_FALSE(shown->truncated);
        CHECK_FALSE(shown->tagged);
        CHECK_FALSE(shown->undone.is_partial());
        in.pop();
    }
    CHECK_FALSE(in.front());
}

TEST_CASE("a transmit ring takes as many frames as it has slots until the kernel has looked at them") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    const unique_fd sender = packet_socket();
    transmit_ring out;
    REQUIRE_FALSE(out.start(sender.get(), 1, 100));
    bind_to(sender, "lan");
    const octets whole =
        test::joined(test::ethernet_header(test::neighbour, test::neighbour), test::numbered_packet(1));
    constexpr std::size_t slots = (1U << 16U) / 2048;  // one block of 64 KB, slots of 2 KB
    for (const int round : {1, 2}) {
        CAPTURE(round);
        for (std::size_t i = 0; i < slots; ++i) {
            REQUIRE(out.put(whole));
        }
        CHECK_FALSE(out.put(whole));
        CHECK(out.pending() == slots);
        CHECK(out.push(sender.get(), [](bytes) { FAIL("a frame was lost"); }) == 0);
        CHECK(out.pending() == 0);
    }
}

TEST_CASE("the rings turn: many times their size goes through, in order, with and without a queueing discipline") {
    if (live_network::skips()) {
        return;
    }
    for (const bool bypass : {false, true}) {
        CAPTURE(bypass);
        const live_network network;
        live_network::veth("lan", "peer");
        af_packet_options options = options_for("lan");
        options.qdisc_bypass = bypass;
        options.transmit_ring = 1 << 16;
        options.receive_ring = 1 << 20;
        af_packet_port port = test::opened(af_packet_port::create(options));
        options.device = "peer";
        af_packet_port far = test::opened(af_packet_port::create(options));
        std::array<frame, io::max_burst> out;
        std::array<frame, io::max_burst> in;
        std::uint32_t sent = 0;
        std::uint32_t seen = 0;
        constexpr std::uint32_t total = 10'000;
        for (int idle = 0; seen < total && idle < 100;) {
            std::size_t n = 0;
            while (n < 40 && sent + n < total) {
                out[n] = packet(port, sent + static_cast<std::uint32_t>(n));
                CHECK(out[n].set_link_header(test::ethernet_header(far.mac(), port.mac())));
                ++n;
            }
            sent += static_cast<std::uint32_t>(port.transmit(std::span{out}.first(n), zone_id{}));
            const std::size_t got = far.receive(in);
            for (frame& f : std::span{in}.first(got)) {
                REQUIRE(test::network_octets(f) == test::numbered_packet(seen));
                ++seen;
            }
            idle = got == 0 ? idle + 1 : 0;
            if (sent - seen > 200 || idle > 0) {
                pollfd waiting{far.fd(), POLLIN, 0};
                (void)::poll(&waiting, 1, 100);
            }
        }
        CHECK(seen == total);
        CHECK(port.counters().transmitted == total);
        CHECK(far.details().kernel_drops == 0);
    }
}

TEST_CASE("a full receive ring is counted") {
    if (live_network::skips()) {
        return;
    }
    const live_network network;
    live_network::veth("lan", "peer");
    af_packet_options options = options_for("lan");
    options.receive_ring = 1;
    af_packet_port port = test::opened(af_packet_port::create(options));
    const test::plain_socket far{"peer"};
    constexpr std::uint32_t total = 4000;
    for (std::uint32_t i = 0; i < total; ++i) {
        far.send(to_port(port, i));
    }
    std::size_t got = 0;
    std::array<frame, io::max_burst> slots;
    for (pollfd waiting{port.fd(), POLLIN, 0}; ::poll(&waiting, 1, 200) > 0;) {
        got += port.receive(slots);
    }
    CHECK(got < total);
    const auto details = port.details();
    CHECK(got + details.kernel_drops == total);
    CHECK(details.ring_full > 0);
    CHECK(port.details() == details);
}
