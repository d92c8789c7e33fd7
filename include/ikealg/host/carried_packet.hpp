// SPDX-License-Identifier: Apache-2.0
/// The packet handle that a router hands to the core: a device's handle and the interface that it came in on.
///
/// The core keeps packets for a while; where one came from is needed when it is answered later, and a zone may have several interfaces.
///
/// Thread safety: a value that owns its packet. Complexity: constant.
#ifndef IKEALG_HOST_CARRIED_PACKET_HPP
#define IKEALG_HOST_CARRIED_PACKET_HPP

#include <cstddef>
#include <cstdint>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/io/live_io.hpp"

namespace ikealg::inline v0::host {

template <io::live_packet Packet>
struct carried_packet {
    Packet frame{};
    std::uint32_t interface = npos;  ///< number of the interface of arrival
    bool own = false;                ///< an error that the gateway itself makes and the core translates

    [[nodiscard]] zone_id zone() const noexcept { return frame.zone(); }
    [[nodiscard]] std::size_t network_length() const noexcept { return frame.network_length(); }
    [[nodiscard]] mutable_bytes network() noexcept { return frame.network(); }
    [[nodiscard]] bool ensure_contiguous(std::size_t n) { return frame.ensure_contiguous(n); }
    [[nodiscard]] bool ensure_writable(std::size_t n) { return frame.ensure_writable(n); }
};

}  // namespace ikealg::inline v0::host

#endif
