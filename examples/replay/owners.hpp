// SPDX-License-Identifier: Apache-2.0
/// Who owns which SPI, where a NAME.flows.txt beside NAME-inside.pcap says so.
///
/// A NAT without ALG misdelivers: the capture then shows packets addressed to a client that are another's. The file was written
/// by whoever made the capture and knew the hosts' keys. Lines that count, in the section "inside wire":
///
///     1.153 ..   17.880   9 pkt  esp   10.10.0.12 > 203.0.113.100  87c8f7a3  (SPI of c2)
///
/// What an inside address sends tells whose name stands for it.
#ifndef REPLAY_OWNERS_HPP
#define REPLAY_OWNERS_HPP

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "ikealg/base/address.hpp"

namespace replay {

/// SPI of ESP toward a client -> that client. Empty when there is no such file.
using spi_owners = std::unordered_map<std::uint32_t, ikealg::ipv4_address>;

[[nodiscard]] spi_owners read_owners(const std::string& capture_path,
                                     const std::vector<ikealg::prefix<ikealg::ipv4>>& inside_prefixes);

}  // namespace replay

#endif
