// SPDX-License-Identifier: Apache-2.0
/// ICMP (RFC 792) and ICMPv6 (RFC 4443), as far as a NAT reads them (RFC 5508): echo, and errors with what they quote.
///
///     |     type      |     code      |           checksum            |
///     |   rest of header: identifier, sequence | MTU | unused         |
///
/// Invariant: the 8 bytes of the header are there. ICMPv6 differs in its numbers and in a checksum that covers a pseudo
/// header (RFC 4443 2.3). Setters keep the checksum in step (RFC 1624).
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant; `checksum_valid` linear.
#ifndef IKEALG_WIRE_ICMP_HPP
#define IKEALG_WIRE_ICMP_HPP

#include <string_view>
#include <type_traits>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/packet.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

/// ICMP types (IANA icmp-parameters) that the library knows.
enum class icmp_type : std::uint8_t {
    echo_reply = 0,
    destination_unreachable = 3,
    source_quench = 4,
    redirect = 5,
    echo_request = 8,
    time_exceeded = 11,
    parameter_problem = 12,
};

[[nodiscard]] constexpr std::string_view to_string(icmp_type t) noexcept {
    switch (t) {
        case icmp_type::echo_reply: return "Echo Reply";
        case icmp_type::destination_unreachable: return "Destination Unreachable";
        case icmp_type::source_quench: return "Source Quench";
        case icmp_type::redirect: return "Redirect";
        case icmp_type::echo_request: return "Echo";
        case icmp_type::time_exceeded: return "Time Exceeded";
        case icmp_type::parameter_problem: return "Parameter Problem";
    }
    return "unknown";
}

/// ICMPv6 types (IANA icmpv6-parameters) that the library knows.
enum class icmpv6_type : std::uint8_t {
    destination_unreachable = 1,
    packet_too_big = 2,
    time_exceeded = 3,
    parameter_problem = 4,
    echo_request = 128,
    echo_reply = 129,
    router_solicitation = 133,
    router_advertisement = 134,
    neighbor_solicitation = 135,
    neighbor_advertisement = 136,
    redirect = 137,
};

[[nodiscard]] constexpr std::string_view to_string(icmpv6_type t) noexcept {
    switch (t) {
        case icmpv6_type::destination_unreachable: return "Destination Unreachable";
        case icmpv6_type::packet_too_big: return "Packet Too Big";
        case icmpv6_type::time_exceeded: return "Time Exceeded";
        case icmpv6_type::parameter_problem: return "Parameter Problem";
        case icmpv6_type::echo_request: return "Echo Request";
        case icmpv6_type::echo_reply: return "Echo Reply";
        case icmpv6_type::router_solicitation: return "Router Solicitation";
        case icmpv6_type::router_advertisement: return "Router Advertisement";
        case icmpv6_type::neighbor_solicitation: return "Neighbor Solicitation";
        case icmpv6_type::neighbor_advertisement: return "Neighbor Advertisement";
        case icmpv6_type::redirect: return "Redirect Message";
    }
    return "unknown";
}

/// Codes of Destination Unreachable (RFC 792, RFC 1812 5.2.7.1).
enum class icmp_unreachable : std::uint8_t {
    net = 0,
    host = 1,
    protocol = 2,
    port = 3,
    fragmentation_needed = 4,
    source_route_failed = 5,
    administratively_prohibited = 13,
};

[[nodiscard]] constexpr std::string_view to_string(icmp_unreachable c) noexcept {
    switch (c) {
        case icmp_unreachable::net: return "Net Unreachable";
        case icmp_unreachable::host: return "Host Unreachable";
        case icmp_unreachable::protocol: return "Protocol Unreachable";
        case icmp_unreachable::port: return "Port Unreachable";
        case icmp_unreachable::fragmentation_needed: return "Fragmentation Needed and Don't Fragment was Set";
        case icmp_unreachable::source_route_failed: return "Source Route Failed";
        case icmp_unreachable::administratively_prohibited: return "Communication Administratively Prohibited";
    }
    return "unknown";
}

enum class icmp_error : std::uint8_t { none, truncated_header };

[[nodiscard]] constexpr std::string_view to_string(icmp_error e) noexcept {
    switch (e) {
        case icmp_error::none: return "no error";
        case icmp_error::truncated_header: return "truncated ICMP header";
    }
    return "unknown";
}

template <class Family, packet_byte Byte>
class basic_icmp_view {
public:
    using type_type = std::conditional_t<std::is_same_v<Family, ipv4>, icmp_type, icmpv6_type>;
    using address = typename Family::address;
    static constexpr std::size_t header_size = 8;

    /// Reads the message that fills an IP payload, or as much of it as is here.
    [[nodiscard]] static parsed<basic_icmp_view, icmp_error> parse(std::span<Byte> ip_payload) noexcept {
        if (ip_payload.size() < header_size) {
            return {{}, icmp_error::truncated_header};
        }
        basic_icmp_view v;
        v.data_ = ip_payload;
        return {v, icmp_error::none};
    }

    [[nodiscard]] type_type type() const noexcept { return static_cast<type_type>(data_[type_offset]); }
    [[nodiscard]] std::uint8_t code() const noexcept { return data_[code_offset]; }
    [[nodiscard]] std::uint16_t checksum() const noexcept { return load_be16(&data_[checksum_offset]); }
    /// One of the kinds `icmp_echo_request`, `icmp_echo_reply`, `icmp_error`, `icmp_other`.
    [[nodiscard]] packet_kind kind() const noexcept {
        return detail::icmp_kind<Family>(data_[type_offset], data_[code_offset]);
    }
    /// Of an echo message.
    [[nodiscard]] port identifier() const noexcept { return {load_be16(&data_[identifier_offset])}; }
    [[nodiscard]] std::uint16_t sequence() const noexcept { return load_be16(&data_[sequence_offset]); }
    /// Next-hop MTU of 3/4 (RFC 1191 4; 0 from routers older than that), or of Packet Too Big.
    [[nodiscard]] std::uint32_t mtu() const noexcept {
        return std::is_same_v<Family, ipv4> ? load_be16(&data_[mtu_offset]) : load_be32(&data_[rest_offset]);
    }
    /// What follows the header: echo data, or the quoted packet with its extensions.
    [[nodiscard]] std::span<Byte> payload() const noexcept { return data_.subspan(header_size); }
    /// The packet that an error quotes.
    [[nodiscard]] parse_result<Family> quoted() const noexcept { return quoted_packet<Family>(payload()); }

    /// Whether the checksum fits a whole message.
    [[nodiscard]] bool checksum_valid() const noexcept requires std::is_same_v<Family, ipv4> {
        return fold(sum_bytes(data_)) == 0xffff;
    }
    /// Whether the checksum fits a whole message between these addresses.
    [[nodiscard]] bool checksum_valid(address from, address to) const noexcept requires std::is_same_v<Family, ipv6> {
        return fold(sum_bytes(data_, pseudo_header_sum(from, to, static_cast<std::uint8_t>(ip_protocol::icmpv6),
                                                       static_cast<std::uint32_t>(data_.size())))) == 0xffff;
    }

    void set_identifier(port id) const noexcept requires writable_byte<Byte> {
        detail::replace_be16(&data_[identifier_offset], id.value, &data_[checksum_offset]);
    }
    void set_checksum(std::uint16_t value) const noexcept requires writable_byte<Byte> {
        store_be16(&data_[checksum_offset], value);
    }
    /// Carries a change of what the checksum covers (the quoted packet, ICMPv6 also the pseudo header) into it.
    void adjust_checksum(checksum_delta delta) const noexcept requires writable_byte<Byte> {
        set_checksum(delta.apply(checksum()));
    }

private:
    static constexpr std::size_t type_offset = 0;
    static constexpr std::size_t code_offset = 1;
    static constexpr std::size_t checksum_offset = 2;
    static constexpr std::size_t rest_offset = 4;
    static constexpr std::size_t identifier_offset = 4;
    static constexpr std::size_t sequence_offset = 6;
    static constexpr std::size_t mtu_offset = 6;

    std::span<Byte> data_{};
};

using icmp_view = basic_icmp_view<ipv4, const std::uint8_t>;
using mutable_icmp_view = basic_icmp_view<ipv4, std::uint8_t>;
using icmpv6_view = basic_icmp_view<ipv6, const std::uint8_t>;
using mutable_icmpv6_view = basic_icmp_view<ipv6, std::uint8_t>;

}  // namespace ikealg::inline v0::wire

#endif
