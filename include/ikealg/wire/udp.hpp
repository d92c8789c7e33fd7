// SPDX-License-Identifier: Apache-2.0
/// The UDP header (RFC 768).
///
///     |          source port          |       destination port        |
///     |            length             |           checksum            |
///
/// Invariant: 8 <= length() <= bytes given, the latter not for `parse_start`. Setters keep the checksum in step; a
/// checksum of 0 means "none" and stays 0, a computed 0 is sent as 0xFFFF (N10).
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant; `checksum_valid` linear.
#ifndef IKEALG_WIRE_UDP_HPP
#define IKEALG_WIRE_UDP_HPP

#include <algorithm>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

enum class udp_error : std::uint8_t {
    none,
    truncated_header,
    length_below_header,
    length_beyond_payload,  ///< of the IP packet
};

[[nodiscard]] constexpr std::string_view to_string(udp_error e) noexcept {
    switch (e) {
        case udp_error::none: return "no error";
        case udp_error::truncated_header: return "truncated UDP header";
        case udp_error::length_below_header: return "UDP length below 8";
        case udp_error::length_beyond_payload: return "UDP length exceeds the IP payload";
    }
    return "unknown";
}

template <packet_byte Byte>
class basic_udp_view {
public:
    static constexpr std::size_t header_size = 8;

    /// Reads the datagram that fills an IP payload; bytes beyond its length are ignored.
    [[nodiscard]] static parsed<basic_udp_view, udp_error> parse(std::span<Byte> ip_payload) noexcept {
        auto r = parse_start(ip_payload);
        if (r && r.view.length() > ip_payload.size()) {
            return {{}, udp_error::length_beyond_payload};
        }
        return r;
    }
    /// Reads the start of a datagram whose rest lies elsewhere: in later IP fragments, in further segments of the
    /// buffer, or cut off by who quoted it.
    [[nodiscard]] static parsed<basic_udp_view, udp_error> parse_start(std::span<Byte> present) noexcept {
        if (present.size() < header_size) {
            return {{}, udp_error::truncated_header};
        }
        basic_udp_view v;
        v.data_ = present;
        if (v.length() < header_size) {
            return {{}, udp_error::length_below_header};
        }
        v.data_ = present.first(std::min<std::size_t>(present.size(), v.length()));
        return {v, udp_error::none};
    }

    [[nodiscard]] port source_port() const noexcept { return {load_be16(&data_[source_offset])}; }
    [[nodiscard]] port destination_port() const noexcept { return {load_be16(&data_[destination_offset])}; }
    /// Header and payload.
    [[nodiscard]] std::uint16_t length() const noexcept { return load_be16(&data_[length_offset]); }
    [[nodiscard]] std::uint16_t checksum() const noexcept { return load_be16(&data_[checksum_offset]); }
    /// The payload, as much of it as is here.
    [[nodiscard]] std::span<Byte> payload() const noexcept { return data_.subspan(header_size); }
    /// False if part of the payload lies elsewhere.
    [[nodiscard]] bool is_complete() const noexcept { return data_.size() == length(); }

    /// Whether the checksum fits a complete datagram between these addresses. 0 ("none") fits for IPv4 only (RFC 8200
    /// 8.1).
    template <class Address>
    [[nodiscard]] bool checksum_valid(Address from, Address to) const noexcept {
        if (checksum() == 0) {
            return Address::size == ipv4_address::size;
        }
        return fold(sum_bytes(data_, pseudo_header_sum(from, to, static_cast<std::uint8_t>(ip_protocol::udp),
                                                       length()))) == 0xffff;
    }

    void set_source_port(port p) const noexcept requires writable_byte<Byte> {
        adjust_checksum(delta_of(source_port().value, p.value));
        store_be16(&data_[source_offset], p.value);
    }
    void set_destination_port(port p) const noexcept requires writable_byte<Byte> {
        adjust_checksum(delta_of(destination_port().value, p.value));
        store_be16(&data_[destination_offset], p.value);
    }
    void set_checksum(std::uint16_t value) const noexcept requires writable_byte<Byte> {
        store_be16(&data_[checksum_offset], value);
    }
    /// Carries a change of what the checksum covers (an address of the pseudo header, a port) into it (N10).
    void adjust_checksum(checksum_delta delta) const noexcept requires writable_byte<Byte> {
        if (checksum() != 0) {
            const std::uint16_t sum = delta.apply(checksum());
            set_checksum(sum == 0 ? 0xffff : sum);
        }
    }

private:
    static constexpr std::size_t source_offset = 0;
    static constexpr std::size_t destination_offset = 2;
    static constexpr std::size_t length_offset = 4;
    static constexpr std::size_t checksum_offset = 6;

    std::span<Byte> data_{};
};

using udp_view = basic_udp_view<const std::uint8_t>;
using mutable_udp_view = basic_udp_view<std::uint8_t>;

}  // namespace ikealg::inline v0::wire

#endif
