// SPDX-License-Identifier: Apache-2.0
/// The IPv6 header and its extension headers (RFC 8200 3, 4).
///
///     |version| traffic class |              flow label               |
///     |         payload length        |  next header  |   hop limit   |
///     |                   source address (16 bytes)                   |
///     |                 destination address (16 bytes)                |
///
/// Invariants: the extension chain lies within the packet, has at most `max_extension_headers` links, hop-by-hop
/// options only as the first and one fragment header at most; AH and ESP end it. Jumbograms (RFC 2675) are refused.
/// There is no header checksum: who changes an address adjusts the transport's.
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant.
#ifndef IKEALG_WIRE_IPV6_HPP
#define IKEALG_WIRE_IPV6_HPP

#include <iterator>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/packet.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

/// One extension header of a checked chain.
template <packet_byte Byte>
struct basic_extension {
    ip_protocol type{};         ///< what this header is
    ip_protocol next_header{};  ///< what follows it
    std::span<Byte> data{};     ///< the whole header, next header and length octets included
    std::size_t offset = 0;     ///< from the network header
};

/// The extension headers between the IPv6 header and the transport.
template <packet_byte Byte>
class extension_range {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = basic_extension<Byte>;
        using difference_type = std::ptrdiff_t;
        using pointer = const value_type*;
        using reference = const value_type&;

        constexpr iterator() noexcept = default;
        constexpr iterator(std::span<Byte> chain, ip_protocol first) noexcept : chain_(chain) { read(0, first); }
        [[nodiscard]] constexpr reference operator*() const noexcept { return extension_; }
        [[nodiscard]] constexpr pointer operator->() const noexcept { return &extension_; }
        constexpr iterator& operator++() noexcept {
            read(at_ + extension_.data.size(), extension_.next_header);
            return *this;
        }
        constexpr iterator operator++(int) noexcept {
            const iterator before = *this;
            ++*this;
            return before;
        }
        friend constexpr bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
            return i.at_ == i.chain_.size();
        }

    private:
        constexpr void read(std::size_t at, ip_protocol type) noexcept {
            at_ = at;
            if (at == chain_.size()) {
                return;
            }
            const std::size_t size = type == ip_protocol::fragment ? 8 : (std::size_t{chain_[at + 1]} + 1) * 8;
            extension_ = {type, static_cast<ip_protocol>(chain_[at]), chain_.subspan(at, size), 40 + at};
        }

        std::span<Byte> chain_{};
        std::size_t at_ = 0;
        value_type extension_{};
    };

    constexpr extension_range(std::span<Byte> chain, ip_protocol first) noexcept : chain_(chain), first_(first) {}
    [[nodiscard]] constexpr iterator begin() const noexcept { return {chain_, first_}; }
    [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

private:
    std::span<Byte> chain_;
    ip_protocol first_;
};

template <packet_byte Byte>
class basic_ipv6_view {
public:
    static constexpr std::size_t header_size = 40;

    /// Reads the packet at the start of `data`; bytes beyond its payload length (padding) are ignored. Errors:
    /// not_this_family, truncated_header, bad_total_length, truncated_packet, bad_extension_header,
    /// too_many_extension_headers.
    [[nodiscard]] static parsed<basic_ipv6_view, parse_error> parse(std::span<Byte> data) noexcept {
        if (!data.empty() && data[version_offset] >> 4U != 6) {
            return {{}, parse_error::not_this_family};
        }
        if (data.size() < header_size) {
            return {{}, parse_error::truncated_header};
        }
        basic_ipv6_view v;
        v.packet_ = data;
        const std::size_t length = header_size + v.payload_length();
        if (length > 65535) {
            return {{}, parse_error::bad_total_length};
        }
        if (length > data.size()) {
            return {{}, parse_error::truncated_packet};
        }
        v.packet_ = data.first(length);
        parse_result<ipv6> chain;
        chain.summary.length = static_cast<std::uint16_t>(length);
        chain.summary.transport_offset = header_size;
        chain.summary.protocol = data[next_header_offset];
        detail::parse_extensions(detail::parse_input<false>{data.data(), length, length}, chain);
        if (!chain) {
            return {{}, chain.error};
        }
        v.transport_offset_ = chain.summary.transport_offset;
        v.protocol_ = static_cast<ip_protocol>(chain.summary.protocol);
        v.fragment_id_ = chain.summary.fragment_id;
        v.fragment_offset_ = chain.summary.fragment_offset;
        v.more_fragments_ = chain.summary.more_fragments;
        return {v, parse_error::none};
    }

    [[nodiscard]] std::uint8_t traffic_class() const noexcept {
        return static_cast<std::uint8_t>(load_be16(&packet_[version_offset]) >> 4U);
    }
    [[nodiscard]] std::uint8_t dscp() const noexcept { return static_cast<std::uint8_t>(traffic_class() >> 2U); }
    [[nodiscard]] std::uint8_t ecn() const noexcept { return traffic_class() & 3U; }
    /// 20 bits.
    [[nodiscard]] std::uint32_t flow_label() const noexcept { return load_be32(&packet_[version_offset]) & 0xf'ffff; }
    [[nodiscard]] std::uint16_t payload_length() const noexcept { return load_be16(&packet_[length_offset]); }
    /// Of the IPv6 header itself: the first extension header, or the transport.
    [[nodiscard]] ip_protocol next_header() const noexcept {
        return static_cast<ip_protocol>(packet_[next_header_offset]);
    }
    [[nodiscard]] std::uint8_t hop_limit() const noexcept { return packet_[hop_limit_offset]; }
    [[nodiscard]] ipv6_address source() const noexcept { return ipv6_address::load(&packet_[source_offset]); }
    [[nodiscard]] ipv6_address destination() const noexcept { return ipv6_address::load(&packet_[destination_offset]); }
    /// What follows the IPv6 header, extension headers included.
    [[nodiscard]] std::span<Byte> payload() const noexcept { return packet_.subspan(header_size); }

    [[nodiscard]] extension_range<Byte> extensions() const noexcept {
        return {packet_.subspan(header_size, transport_offset_ - header_size), next_header()};
    }
    /// What follows the extension headers.
    [[nodiscard]] ip_protocol protocol() const noexcept { return protocol_; }
    [[nodiscard]] std::size_t transport_offset() const noexcept { return transport_offset_; }
    /// The bytes behind the extension headers; of a later fragment these start in the middle of something.
    [[nodiscard]] std::span<Byte> transport() const noexcept { return packet_.subspan(transport_offset_); }

    /// The fields of the fragment header, 0 without one. Offset in units of 8 bytes.
    [[nodiscard]] std::uint32_t fragment_id() const noexcept { return fragment_id_; }
    [[nodiscard]] std::uint16_t fragment_offset() const noexcept { return fragment_offset_; }
    [[nodiscard]] bool more_fragments() const noexcept { return more_fragments_; }
    [[nodiscard]] bool is_fragment() const noexcept { return more_fragments_ || fragment_offset_ != 0; }

    void set_traffic_class(std::uint8_t value) const noexcept requires writable_byte<Byte> {
        const unsigned others = load_be16(&packet_[version_offset]) & 0xf00fU;
        store_be16(&packet_[version_offset], static_cast<std::uint16_t>(others | unsigned{value} << 4U));
    }
    void set_hop_limit(std::uint8_t value) const noexcept requires writable_byte<Byte> {
        packet_[hop_limit_offset] = value;
    }
    void set_source(ipv6_address a) const noexcept requires writable_byte<Byte> { a.store(&packet_[source_offset]); }
    void set_destination(ipv6_address a) const noexcept requires writable_byte<Byte> {
        a.store(&packet_[destination_offset]);
    }

private:
    static constexpr std::size_t version_offset = 0;  ///< also traffic class and flow label
    static constexpr std::size_t length_offset = 4;
    static constexpr std::size_t next_header_offset = 6;
    static constexpr std::size_t hop_limit_offset = 7;
    static constexpr std::size_t source_offset = 8;
    static constexpr std::size_t destination_offset = 24;

    std::span<Byte> packet_{};
    std::uint32_t fragment_id_ = 0;
    std::uint16_t transport_offset_ = header_size;
    std::uint16_t fragment_offset_ = 0;
    ip_protocol protocol_{};
    bool more_fragments_ = false;
};

using ipv6_view = basic_ipv6_view<const std::uint8_t>;
using mutable_ipv6_view = basic_ipv6_view<std::uint8_t>;

}  // namespace ikealg::inline v0::wire

#endif
