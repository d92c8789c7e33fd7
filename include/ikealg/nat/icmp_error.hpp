// SPDX-License-Identifier: Apache-2.0
/// ICMP errors that quote translated packets: whose they are, and the rewrite of both headers (N8, RFC 5508 4).
///
/// An error from outside quotes an outbound packet as it looked after translation, one from inside quotes an inbound packet as the
/// client saw it. The quoted packet swapped is the key of the flow's packets in the error's own direction. ESP has no ports, so errors from
/// outside find it by its quote key.
///
/// Both headers are rewritten, the quoted checksums too as far as they are quoted, and the error's checksum by the sum of all changes. The
/// outer source of an error from inside becomes the nat address, for the reporting router has a private address (RFC 5508 REQ-4).
///
/// Thread safety: pure functions. Complexity: constant.
#ifndef IKEALG_NAT_ICMP_ERROR_HPP
#define IKEALG_NAT_ICMP_ERROR_HPP

#include <cstddef>
#include <cstdint>

#include "ikealg/nat/flow_store.hpp"
#include "ikealg/nat/rewrite.hpp"
#include "ikealg/wire/packet.hpp"

namespace ikealg::inline v0::nat {

/// The flow that an ICMP error is about.
struct error_match {
    std::uint32_t flow = npos;
    bool from_outside = false;  ///< the error travels to the client
};

inline constexpr std::size_t icmp_header_size = 8;

/// Looks the quoted packet up. `zone` is the one that the error came in on.
template <class Family>
[[nodiscard]] inline error_match find_quoted(const flow_store<Family>& flows, const wire::packet_summary<Family>& quoted,
                                             zone_id zone) noexcept {
    using wire::packet_kind;
    flow_key<Family> key{quoted.destination, quoted.source, 0, zone, quoted.protocol, 0};
    switch (quoted.kind) {
        case packet_kind::udp:
        case packet_kind::tcp:
        case packet_kind::icmp_echo_request:
        case packet_kind::icmp_echo_reply:
            key.selector = port_selector(quoted.destination_port, quoted.source_port);
            break;
        case packet_kind::esp:
            key.selector = quoted.spi.value;
            key.role = 1;
            break;
        default: return {};
    }
    const flow_match m = flows.find(key);
    if (!m) {
        return {};
    }
    return {m.index, m.side != flow_side::outbound};
}

namespace detail {

/// Writes words into a packet and keeps the sum of the changes.
class delta_writer {
public:
    explicit delta_writer(std::uint8_t* at) noexcept : at_(at) {}

    void put16(std::size_t offset, std::uint16_t value) noexcept {
        sum_ = sum_.plus(delta_of(load_be16(at_ + offset), value));
        store_be16(at_ + offset, value);
    }
    template <class Address>
    void put_address(std::size_t offset, Address value) noexcept {
        sum_ = sum_.plus(delta_of(Address::load(at_ + offset), value));
        value.store(at_ + offset);
    }
    [[nodiscard]] checksum_delta sum() const noexcept { return sum_; }

private:
    std::uint8_t* at_;
    checksum_delta sum_{};
};

/// Offsets in the fixed network header of a family.
template <class Family>
struct network_offsets {
    static constexpr std::size_t source = Family::version == 4 ? 12 : 8;
    static constexpr std::size_t destination = Family::version == 4 ? 16 : 24;
    static constexpr std::size_t ipv4_checksum = 10;
};

/// Where the checksum of a quoted transport lies behind its start; 0 when there is none.
[[nodiscard]] constexpr std::size_t quoted_checksum_offset(wire::packet_kind kind) noexcept {
    switch (kind) {
        case wire::packet_kind::udp: return 6;
        case wire::packet_kind::tcp: return 16;
        case wire::packet_kind::icmp_echo_request:
        case wire::packet_kind::icmp_echo_reply: return 2;
        default: return 0;
    }
}

}  // namespace detail

/// Rewrites an ICMP error about flow `f`: `packet` is contiguous and writable as a whole, `s` its summary, `quoted` the summary of what
/// it quotes, with offsets from the quoted network header.
template <class Family>
inline void rewrite_error(mutable_bytes packet, const wire::packet_summary<Family>& s,
                          const wire::packet_summary<Family>& quoted, const flow<Family>& f, bool from_outside,
                          const rewrite_options& options) noexcept {
    using offsets = detail::network_offsets<Family>;
    const std::size_t inner = s.transport_offset + icmp_header_size;
    detail::delta_writer write(packet.data() + inner);
    // From outside the quote was outbound and is shown to the client as it sent it; from inside it was inbound.
    const flow_key<Family>& shown = from_outside ? f.outbound : f.inbound;
    const checksum_delta address = from_outside ? f.address_delta.inverse() : f.address_delta;
    const checksum_delta transport = from_outside ? f.transport_delta.inverse() : f.transport_delta;
    if constexpr (Family::version == 4) {
        write.put16(offsets::ipv4_checksum, address.apply(load_be16(packet.data() + inner + offsets::ipv4_checksum)));
    }
    write.put_address(offsets::source, shown.source);
    write.put_address(offsets::destination, shown.destination);
    const std::size_t there = s.length - inner;
    if (const std::size_t at = detail::quoted_checksum_offset(quoted.kind); at != 0) {
        const std::size_t field = quoted.transport_offset + at;
        if (field + 2 <= there) {
            const std::uint16_t old = load_be16(packet.data() + inner + field);
            const std::uint16_t sum = transport.apply(old);
            if (quoted.kind != wire::packet_kind::udp) {
                write.put16(field, sum);
            } else if (old != 0) {
                write.put16(field, sum == 0 ? 0xffff : sum);
            }
        }
        const bool echo = quoted.kind == wire::packet_kind::icmp_echo_request || quoted.kind == wire::packet_kind::icmp_echo_reply;
        if (echo) {
            write.put16(quoted.transport_offset + std::size_t{4}, static_cast<std::uint16_t>(shown.selector));
        } else {
            write.put16(quoted.transport_offset, static_cast<std::uint16_t>(shown.selector >> 16));
            write.put16(quoted.transport_offset + std::size_t{2}, static_cast<std::uint16_t>(shown.selector));
        }
    }
    checksum_delta icmp = write.sum();
    const auto source = from_outside ? s.source : f.inbound.destination;
    const auto destination = from_outside ? f.outbound.source : s.destination;
    const checksum_delta outer = delta_of(s.source, source).plus(delta_of(s.destination, destination));
    if constexpr (Family::version == 6) {
        icmp = icmp.plus(outer);
    }
    detail::update_checksum(packet.data() + s.transport_offset + 2, icmp);
    detail::rewrite_network(packet, s, source, destination, outer, options);
}

}  // namespace ikealg::inline v0::nat

#endif
