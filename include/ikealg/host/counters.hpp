// SPDX-License-Identifier: Apache-2.0
/// What a host around the core counts: every packet that it drops or answers itself. One list gives enumerator, name and text.
///
/// What the core drops is counted there, by drop reason. A packet that is answered is counted as dropped for its cause and as the answer sent.
///
/// Thread safety: none; read them on the thread that owns the router. Complexity: constant.
#ifndef IKEALG_HOST_COUNTERS_HPP
#define IKEALG_HOST_COUNTERS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ikealg::inline v0::host {

/// X(enumerator, text for an operator)
#define IKEALG_HOST_COUNTERS(X)                                                                       \
    X(received, "packets received")                                                                   \
    X(transmitted, "packets handed to a device")                                                      \
    X(unknown_vlan, "dropped: no interface for this VLAN tag")                                        \
    X(bad_frame, "dropped: malformed link header")                                                    \
    X(not_for_us, "dropped: unicast to another station")                                              \
    X(other_type, "dropped: neither IPv4 nor ARP")                                                    \
    X(bad_header, "dropped: malformed IPv4 header or wrong header checksum")                          \
    X(bad_source, "dropped: source address that no host has, or our own")                             \
    X(bad_destination, "dropped: destination that is not forwarded (broadcast, multicast, loopback)") \
    X(link_broadcast, "dropped: unicast packet in a broadcast frame")                                 \
    X(no_route, "dropped: no route to the destination")                                               \
    X(wrong_zone, "dropped: the route leads to another zone than the one that policy was asked for")  \
    X(too_big, "dropped: longer than the MTU and not to be fragmented")                               \
    X(directed_broadcast, "dropped: to the broadcast address of a connected network")                 \
    X(no_buffer, "dropped: no buffer was free")                                                       \
    X(transmit_full, "dropped: the device took no more packets")                                      \
    X(fragmented, "packets sent as fragments")                                                        \
    X(mss_clamped, "TCP segments whose MSS was lowered")                                              \
    X(local_ping, "ping answered")                                                                    \
    X(local_fragment, "dropped: fragment to an own address (not reassembled)")                        \
    X(local_ignored, "dropped: to an own address, nothing listens")                                   \
    X(arp_requests_answered, "ARP requests answered")                                                 \
    X(arp_requests_sent, "ARP requests sent")                                                         \
    X(arp_announced, "ARP announcements sent")                                                        \
    X(arp_learned, "ARP entries made or confirmed")                                                   \
    X(arp_ignored, "ARP packets for others")                                                          \
    X(arp_bad, "dropped: malformed or implausible ARP packet")                                        \
    X(arp_unsolicited, "dropped: ARP reply that nobody asked for")                                    \
    X(arp_conflict, "ARP packets in which another station claims an own address")                     \
    X(arp_queue_full, "dropped: too many packets wait for ARP")                                       \
    X(arp_table_full, "dropped: no room in the ARP table")                                            \
    X(arp_failed, "dropped: nobody answers for the next hop")                                         \
    X(interface_gone, "dropped: the interface was removed while the packet waited")                   \
    X(time_exceeded_sent, "ICMP time exceeded sent")                                                  \
    X(too_big_sent, "ICMP fragmentation needed sent")                                                 \
    X(unreachable_sent, "ICMP unreachable sent")                                                      \
    X(reset_sent, "TCP resets sent")                                                                  \
    X(not_answered, "packets that must not be answered with an error")                                \
    X(rate_limited, "errors not sent: rate limit")

enum class host_counter : std::uint8_t {
#define IKEALG_X(name, text) name,
    IKEALG_HOST_COUNTERS(IKEALG_X)
#undef IKEALG_X
};

inline constexpr std::size_t host_counter_count = 0
#define IKEALG_X(name, text) +1
    IKEALG_HOST_COUNTERS(IKEALG_X)
#undef IKEALG_X
    ;

[[nodiscard]] constexpr std::string_view to_string(host_counter c) noexcept {
    constexpr std::array<std::string_view, host_counter_count> names{
#define IKEALG_X(name, text) #name,
        IKEALG_HOST_COUNTERS(IKEALG_X)
#undef IKEALG_X
    };
    const auto i = static_cast<std::size_t>(c);
    return i < names.size() ? names[i] : "unknown";
}

/// A phrase for an operator.
[[nodiscard]] constexpr std::string_view describe(host_counter c) noexcept {
    constexpr std::array<std::string_view, host_counter_count> texts{
#define IKEALG_X(name, text) text,
        IKEALG_HOST_COUNTERS(IKEALG_X)
#undef IKEALG_X
    };
    const auto i = static_cast<std::size_t>(c);
    return i < texts.size() ? texts[i] : "unknown";
}

class host_counters {
public:
    void count(host_counter c, std::uint64_t n = 1) noexcept { values_[static_cast<std::size_t>(c)] += n; }
    [[nodiscard]] std::uint64_t operator[](host_counter c) const noexcept { return values_[static_cast<std::size_t>(c)]; }

private:
    std::array<std::uint64_t, host_counter_count> values_{};
};

}  // namespace ikealg::inline v0::host

#endif
