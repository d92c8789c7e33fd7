// SPDX-License-Identifier: Apache-2.0
/// AF_PACKET ports of the usual size, and packets to and from them.
#ifndef IKEALG_TESTS_IO_AF_PACKET_SUPPORT_HPP
#define IKEALG_TESTS_IO_AF_PACKET_SUPPORT_HPP

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "ikealg/io/af_packet.hpp"
#include "io/live_support.hpp"

namespace ikealg::test {

inline constexpr wire::mac_address neighbour{{2, 0, 0, 0, 0, 1}};

inline io::af_packet_options options_for(const std::string& device) {
    io::af_packet_options options;
    options.device = device;
    options.frames = 1024;
    options.receive_ring = 4 << 20;
    return options;
}

inline io::af_packet_port open_port(const std::string& device) {
    return opened(io::af_packet_port::create(options_for(device)));
}

inline octets to_port(const io::af_packet_port& port, std::uint32_t number) {
    return joined(ethernet_header(port.mac(), neighbour), numbered_packet(number));
}

inline io::frame packet(io::af_packet_port& port, std::uint32_t number) {
    const octets content = numbered_packet(number);
    io::frame f = port.make(content.size());
    REQUIRE(f);
    std::copy(content.begin(), content.end(), f.network().begin());
    REQUIRE(f.set_link_header(ethernet_header(neighbour, port.mac())));
    return f;
}

}  // namespace ikealg::test

#endif
