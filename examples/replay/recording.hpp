// SPDX-License-Identifier: Apache-2.0
/// What the captures hold, sorted by client and side, ready to be played.
#ifndef REPLAY_RECORDING_HPP
#define REPLAY_RECORDING_HPP

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ikealg/io/pcap.hpp"
#include "options.hpp"
#include "packet.hpp"

namespace replay {

/// One packet as seen on the inside, its checksums right.
struct recorded_packet {
    ikealg::duration at{};              ///< since the first packet of all
    std::vector<std::uint8_t> bytes{};  ///< from the IP header on; to the owner, whoever the capture says it went to
    std::uint32_t depends = 0;          ///< packets of the other side recorded before it
    std::uint16_t ike_offset = 0;       ///< of the IKE header, 0: none
    std::uint16_t spi_offset = 0;       ///< of the ESP SPI, 0: none
    bool repeated = false;              ///< IKE: sent again until it gets through
};

struct recorded_client {
    ikealg::ipv4_address address{};
    std::optional<side> opener{};  ///< who sent the first ESP; the other side answers
    std::array<std::vector<recorded_packet>, 2> sides{};

    [[nodiscard]] const std::vector<recorded_packet>& of(side s) const noexcept {
        return sides[static_cast<std::size_t>(s)];
    }
    [[nodiscard]] std::vector<recorded_packet>& of(side s) noexcept { return sides[static_cast<std::size_t>(s)]; }
};

struct recording {
    std::vector<recorded_client> clients{};  ///< with --outside one, whose `server` side holds everything
    ikealg::io::epoch_time began{};
    std::uint64_t frames = 0;
    std::uint64_t not_ipv4 = 0;   ///< ARP, IPv6, unreadable link headers
    std::uint64_t elsewhere = 0;  ///< neither from nor to a client, or among them
    std::vector<std::string> warnings{};
};

/// Reads all captures of the command line. Throws bad_input; a file cut off inside its last packet is only a warning.
[[nodiscard]] recording load(const options& o);

/// Opens and reads one capture; `each` is called with every frame. Throws bad_input; answers the warning of a file that is cut off.
template <class Each>
[[nodiscard]] std::string read_capture(const std::string& path, Each&& each) {
    auto reader = ikealg::io::pcap_reader::open(path);
    if (!reader) {
        throw bad_input(reader.error.message);
    }
    while (const auto frame = reader.value->next()) {
        each(*frame);
    }
    const auto& error = reader.value->error();
    if (error && error.fault != ikealg::io::pcap_fault::truncated) {
        throw bad_input(error.message);
    }
    return error.message;
}

}  // namespace replay

#endif
