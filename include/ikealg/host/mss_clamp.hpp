// SPDX-License-Identifier: Apache-2.0
/// Lowers the MSS that TCP announces, in SYN and SYN-ACK, so that segments fit a smaller path (Junos `security flow tcp-mss all-tcp`; RFC 9293 3.7.1).
///
/// The checksum follows incrementally. A segment without the option, or with options that do not fit, stays as it is: a sender that announces nothing is
/// sent at most 536 bytes anyway.
///
/// Thread safety: pure function. Complexity: linear in the TCP options.
#ifndef IKEALG_HOST_MSS_CLAMP_HPP
#define IKEALG_HOST_MSS_CLAMP_HPP

#include <cstdint>

#include "ikealg/base/bytes.hpp"
#include "ikealg/wire/ipv4.hpp"
#include "ikealg/wire/tcp.hpp"

namespace ikealg::inline v0::host {

/// Lowers the MSS of the packet to `max` when it is a TCP segment with SYN that announces more; true when it did. A first fragment counts when its options
/// are all there.
inline bool clamp_mss(mutable_bytes network, std::uint16_t max) noexcept {
    constexpr std::size_t flags_offset = 13;
    const auto ip = wire::mutable_ipv4_view::parse(network);
    if (!ip || ip.view.protocol() != ip_protocol::tcp || ip.view.fragment_offset() != 0) {
        return false;
    }
    const mutable_bytes segment = ip.view.payload();
    if (segment.size() <= flags_offset || (segment[flags_offset] & static_cast<unsigned>(wire::tcp_flag::syn)) == 0) {
        return false;
    }
    const auto tcp = wire::mutable_tcp_view::parse(segment);
    return tcp && tcp.view.clamp_mss(max);
}

}  // namespace ikealg::inline v0::host

#endif
