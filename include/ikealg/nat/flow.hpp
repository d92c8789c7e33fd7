// SPDX-License-Identifier: Apache-2.0
/// A flow: match, rewrite and precomputed checksum deltas, both directions in one record.
///
/// A flow has up to two keys. The `outbound` key is the packet as it comes from the client, the `inbound` key the packet as it
/// comes back from the other side. Each key says how the *other* direction looks after translation: an outbound packet leaves
/// with the addresses of the inbound key swapped. So the rewrite program needs no fields of its own besides two deltas.
///
/// A third key, `quote`, exists for ESP: the outbound packet as it looked outside, swapped. ICMP errors that quote translated
/// ESP are found by it, because ESP has no ports that would be the same in both directions (N8).
///
/// The record is 64 bytes for IPv4: with its keys in the flow table one cache line a packet.
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_NAT_FLOW_HPP
#define IKEALG_NAT_FLOW_HPP

#include <array>
#include <cstdint>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/checksum.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"

namespace ikealg::inline v0::nat {

/// Ports of UDP and TCP as one selector: source in the high half.
[[nodiscard]] constexpr std::uint32_t port_selector(port source, port destination) noexcept {
    return std::uint32_t{source.value} << 16 | destination.value;
}
/// The same ports seen from the other side.
[[nodiscard]] constexpr std::uint32_t swapped(std::uint32_t selector) noexcept {
    return selector << 16 | selector >> 16;
}

/// A packet as it comes in: addresses, selector (ports, SPI, or the echo identifier twice), ingress zone, protocol.
///
/// The zone is part of the key, so that a packet from one zone never matches a flow of another, and with it the VRF (N13).
template <class Family>
struct flow_key {
    using address = typename Family::address;
    address source{};
    address destination{};
    std::uint32_t selector = 0;
    zone_id zone{};
    std::uint8_t protocol = 0;
    std::uint8_t role = 0;  ///< 0 for packets; 1 for the quote key of an ESP flow, which no packet can equal

    [[nodiscard]] constexpr auto words() const noexcept {
        const std::uint64_t tail = std::uint64_t{selector} << 32 | std::uint64_t{zone.value} << 16 |
                                   std::uint64_t{protocol} << 8 | role;
        if constexpr (address::size == 4) {
            return std::array<std::uint64_t, 2>{std::uint64_t{source.value} << 32 | destination.value, tail};
        } else {
            return std::array<std::uint64_t, 5>{source.high, source.low, destination.high, destination.low, tail};
        }
    }
    friend constexpr bool operator==(const flow_key&, const flow_key&) = default;
};

enum class direction : std::uint8_t {
    outbound,  ///< from the client
    inbound,   ///< to the client
};
[[nodiscard]] constexpr direction opposite(direction d) noexcept {
    return d == direction::outbound ? direction::inbound : direction::outbound;
}

[[nodiscard]] constexpr std::string_view to_string(direction d) noexcept {
    return d == direction::outbound ? "outbound" : "inbound";
}

enum class flow_kind : std::uint8_t {
    none,
    translated,   ///< UDP, TCP or ICMP echo of a client
    esp,          ///< learned SPIs of an ESP session
    esp_passing,  ///< ESP while the ALG is off: default pass-through (E1)
    ike,          ///< IKE on a port of one client's own
    ike_shared,   ///< IKE on a port that several clients share: told apart by SPIs
    natt,         ///< as translated, UDP 4500 on which new SAs have their pause (G16)
};

/// Bits of `flow::flags`.
namespace flow_flag {
inline constexpr std::uint8_t has_outbound = 1;  ///< the outbound key is in the table
inline constexpr std::uint8_t has_inbound = 2;   ///< the inbound key is in the table
inline constexpr std::uint8_t has_quote = 4;     ///< the quote key is in the table
inline constexpr std::uint8_t consult = 8;       ///< outbound packets need the ALG's word (an unsatisfied ESP session)
inline constexpr std::uint8_t seen_inbound = 16; ///< a packet has come back
inline constexpr std::uint8_t untranslated = 32; ///< NAT off: nothing is rewritten
inline constexpr std::uint8_t grown = 64;        ///< inbound ESP: a sequence number that is not small was seen (E8)
inline constexpr std::uint8_t by_outside = 128;  ///< the other side began it: policy was asked from there (N16, P4)
inline constexpr std::uint8_t paused = 128;      ///< of kind esp, which has no `by_outside`: inbound packets wait (G15)
}  // namespace flow_flag

/// Everything the packet path needs of a flow.
template <class Family>
struct alignas(Family::version == 4 ? 64 : 8) flow {
    using key_type = flow_key<Family>;

    key_type outbound{};
    key_type inbound{};
    checksum_delta address_delta{};    ///< IP header, outbound; inbound takes the inverse
    checksum_delta transport_delta{};  ///< UDP, TCP or ICMP, outbound; inbound takes the inverse
    tick last_seen{};                  ///< either direction refreshes the session (E6)
    tick last_inbound{};               ///< of those that did not wait in a pause (G15); valid with flow_flag::seen_inbound
    std::uint32_t owner = npos;        ///< what the owner's floor says: a mapping, a pair, a slot
    std::uint32_t session = npos;      ///< ESP: the exchange it came from; UDP, TCP, echo: its port mapping
    std::uint32_t next = npos;         ///< ESP: next flow of the same owner; hairpin (N12): the port mapping that it reaches; natt: its watch
    flow_kind kind = flow_kind::none;
    std::uint8_t flags = 0;
    std::uint8_t state = 0;        ///< TCP state, or what the owner keeps
    std::uint8_t generation = 0;   ///< configuration under which policy permitted it (P4)
    std::uint32_t idle_ms = 0;     ///< idle timeout

    [[nodiscard]] constexpr bool has(std::uint8_t bits) const noexcept { return (flags & bits) == bits; }
};

static_assert(sizeof(flow_key<ipv4>) == 16);
static_assert(sizeof(flow<ipv4>) == 64);

/// The quote key of an ESP flow: what an ICMP error about its outbound packets quotes, as if it came back.
template <class Family>
[[nodiscard]] constexpr flow_key<Family> quote_key(const flow<Family>& f) noexcept {
    return {f.inbound.source, f.inbound.destination, f.outbound.selector, f.inbound.zone, f.outbound.protocol, 1};
}

/// Fills the deltas from the keys, and says in `flags` when there is nothing to rewrite.
///
/// The selector is part of what is rewritten for UDP, TCP and ICMP echo; an SPI never is (E7).
template <class Family>
constexpr void compute_deltas(flow<Family>& f) noexcept {
    const auto protocol = static_cast<ip_protocol>(f.outbound.protocol);
    const bool icmp = protocol == ip_protocol::icmp;
    const bool ports = protocol == ip_protocol::udp || protocol == ip_protocol::tcp;
    const std::uint32_t before = f.outbound.selector;
    const std::uint32_t after = ports || icmp || protocol == ip_protocol::icmpv6 ? swapped(f.inbound.selector) : before;
    f.address_delta = delta_of(f.outbound.source, f.inbound.destination)
                          .plus(delta_of(f.outbound.destination, f.inbound.source));
    f.transport_delta = delta_of(static_cast<std::uint16_t>(before >> 16), static_cast<std::uint16_t>(after >> 16));
    if (ports) {
        f.transport_delta =
            f.transport_delta.plus(delta_of(static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after)));
    }
    if (!icmp) {  // ICMPv4 has no pseudo-header; UDP, TCP and ICMPv6 sum the addresses too
        f.transport_delta = f.transport_delta.plus(f.address_delta);
    }
    if (f.outbound.source == f.inbound.destination && f.outbound.destination == f.inbound.source && before == after) {
        f.flags |= flow_flag::untranslated;
    }
}

}  // namespace ikealg::inline v0::nat

#endif
