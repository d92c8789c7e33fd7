// SPDX-License-Identifier: Apache-2.0
/// The IPv4 header (RFC 791 3.1), its options and its checksum.
///
///     |version|  IHL  | DSCP      |ECN|         total length          |
///     |        identification         |0 DF MF|   fragment offset     |
///     |  time to live |   protocol    |        header checksum        |
///     |                        source address                        |
///     |                      destination address                     |
///
/// Invariants: 20 <= header_length() <= total_length() <= bytes given. The packet path uses packet.hpp; this view is
/// for who needs every field. Setters keep the header checksum in step (RFC 1624), so that a wrong one stays wrong.
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant, checksums linear in the header.
#ifndef IKEALG_WIRE_IPV4_HPP
#define IKEALG_WIRE_IPV4_HPP

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/packet.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

template <packet_byte Byte>
class basic_ipv4_view {
public:
    static constexpr std::size_t min_header_size = 20;

    /// Reads the packet at the start of `data`; bytes beyond its total length (padding) are ignored. Errors:
    /// not_this_family, truncated_header, bad_header_length, bad_total_length, truncated_packet.
    [[nodiscard]] static parsed<basic_ipv4_view, parse_error> parse(std::span<Byte> data) noexcept {
        if (!data.empty() && data[version_offset] >> 4U != 4) {
            return {{}, parse_error::not_this_family};
        }
        if (data.size() < min_header_size) {
            return {{}, parse_error::truncated_header};
        }
        basic_ipv4_view v;
        v.packet_ = data;
        if (v.header_length() < min_header_size) {
            return {{}, parse_error::bad_header_length};
        }
        if (v.total_length() < v.header_length()) {
            return {{}, parse_error::bad_total_length};
        }
        if (v.total_length() > data.size()) {
            return {{}, parse_error::truncated_packet};
        }
        v.packet_ = data.first(v.total_length());
        return {v, parse_error::none};
    }

    [[nodiscard]] std::size_t header_length() const noexcept {
        return std::size_t{4} * (packet_[version_offset] & 15U);
    }
    [[nodiscard]] std::uint8_t dscp() const noexcept { return static_cast<std::uint8_t>(packet_[tos_offset] >> 2U); }
    [[nodiscard]] std::uint8_t ecn() const noexcept { return packet_[tos_offset] & 3U; }
    [[nodiscard]] std::uint16_t total_length() const noexcept { return load_be16(&packet_[length_offset]); }
    [[nodiscard]] std::uint16_t identification() const noexcept { return load_be16(&packet_[id_offset]); }
    [[nodiscard]] bool dont_fragment() const noexcept { return (packet_[fragment_word_offset] & 0x40U) != 0; }
    [[nodiscard]] bool more_fragments() const noexcept { return (packet_[fragment_word_offset] & 0x20U) != 0; }
    /// In units of 8 bytes.
    [[nodiscard]] std::uint16_t fragment_offset() const noexcept {
        return load_be16(&packet_[fragment_word_offset]) & 0x1fff;
    }
    [[nodiscard]] bool is_fragment() const noexcept { return more_fragments() || fragment_offset() != 0; }
    /// Neither a fragment nor to become one: its identification means nothing (RFC 6864 4).
    [[nodiscard]] bool is_atomic() const noexcept { return dont_fragment() && !is_fragment(); }
    [[nodiscard]] std::uint8_t ttl() const noexcept { return packet_[ttl_offset]; }
    [[nodiscard]] ip_protocol protocol() const noexcept { return static_cast<ip_protocol>(packet_[protocol_offset]); }
    [[nodiscard]] std::uint16_t checksum() const noexcept { return load_be16(&packet_[checksum_offset]); }
    [[nodiscard]] ipv4_address source() const noexcept { return ipv4_address::load(&packet_[source_offset]); }
    [[nodiscard]] ipv4_address destination() const noexcept { return ipv4_address::load(&packet_[destination_offset]); }

    [[nodiscard]] std::span<Byte> header() const noexcept { return packet_.first(header_length()); }
    [[nodiscard]] option_range<Byte> options() const noexcept {
        return option_range<Byte>(header().subspan(min_header_size));
    }
    [[nodiscard]] std::span<Byte> payload() const noexcept { return packet_.subspan(header_length()); }
    [[nodiscard]] bool checksum_valid() const noexcept { return fold(sum_bytes(header())) == 0xffff; }

    void set_identification(std::uint16_t id) const noexcept requires writable_byte<Byte> {
        detail::replace_be16(&packet_[id_offset], id, &packet_[checksum_offset]);
    }
    void set_ttl(std::uint8_t ttl) const noexcept requires writable_byte<Byte> {
        const auto word = static_cast<std::uint16_t>(ttl << 8 | packet_[protocol_offset]);
        detail::replace_be16(&packet_[ttl_offset], word, &packet_[checksum_offset]);
    }
    void set_source(ipv4_address a) const noexcept requires writable_byte<Byte> {
        set_checksum(delta_of(source(), a).apply(checksum()));
        a.store(&packet_[source_offset]);
    }
    void set_destination(ipv4_address a) const noexcept requires writable_byte<Byte> {
        set_checksum(delta_of(destination(), a).apply(checksum()));
        a.store(&packet_[destination_offset]);
    }
    void set_checksum(std::uint16_t value) const noexcept requires writable_byte<Byte> {
        store_be16(&packet_[checksum_offset], value);
    }
    /// Computes the checksum anew over the whole header.
    void update_checksum() const noexcept requires writable_byte<Byte> {
        set_checksum(0);
        set_checksum(finish_checksum(sum_bytes(header())));
    }

private:
    static constexpr std::size_t version_offset = 0;
    static constexpr std::size_t tos_offset = 1;
    static constexpr std::size_t length_offset = 2;
    static constexpr std::size_t id_offset = 4;
    static constexpr std::size_t fragment_word_offset = 6;
    static constexpr std::size_t ttl_offset = 8;
    static constexpr std::size_t protocol_offset = 9;
    static constexpr std::size_t checksum_offset = 10;
    static constexpr std::size_t source_offset = 12;
    static constexpr std::size_t destination_offset = 16;

    std::span<Byte> packet_{};
};

using ipv4_view = basic_ipv4_view<const std::uint8_t>;
using mutable_ipv4_view = basic_ipv4_view<std::uint8_t>;

}  // namespace ikealg::inline v0::wire

#endif
