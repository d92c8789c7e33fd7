// SPDX-License-Identifier: Apache-2.0
/// Ethernet II frames with up to two VLAN tags (IEEE 802.3, 802.1Q, 802.1ad).
///
/// Invariants: the payload starts behind the last tag; `type()` is the type behind it, or a length if it is below 0x600
/// (an IEEE 802.3 frame, never IP). The frame check sequence is not part of the bytes.
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant.
#ifndef IKEALG_WIRE_ETHERNET_HPP
#define IKEALG_WIRE_ETHERNET_HPP

#include <algorithm>
#include <array>
#include <compare>
#include <cstdio>
#include <string>
#include <string_view>

#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

/// EUI-48 address.
struct mac_address {
    std::array<std::uint8_t, 6> octets{};

    static constexpr std::size_t size = 6;

    [[nodiscard]] static constexpr mac_address broadcast() noexcept { return {{255, 255, 255, 255, 255, 255}}; }
    [[nodiscard]] static mac_address load(const std::uint8_t* at) noexcept {
        mac_address a;
        std::copy_n(at, size, a.octets.begin());
        return a;
    }
    void store(std::uint8_t* at) const noexcept { std::copy_n(octets.begin(), size, at); }
    /// Group addresses, the broadcast address among them.
    [[nodiscard]] constexpr bool is_multicast() const noexcept { return (octets[0] & 1U) != 0; }
    friend constexpr auto operator<=>(const mac_address&, const mac_address&) = default;
};

[[nodiscard]] inline std::string to_string(mac_address a) {
    std::array<char, 18> text{};
    const auto& o = a.octets;
    const int n =
        std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3], o[4], o[5]);
    return {text.data(), static_cast<std::size_t>(n)};
}

enum class ether_type : std::uint16_t {
    ipv4 = 0x0800,
    arp = 0x0806,
    vlan = 0x8100,
    ipv6 = 0x86dd,
    service_vlan = 0x88a8,
    double_vlan = 0x9100,  ///< never assigned; common on equipment older than 802.1ad
};

[[nodiscard]] constexpr std::string_view to_string(ether_type t) noexcept {
    switch (t) {
        case ether_type::ipv4: return "IPv4";
        case ether_type::arp: return "ARP";
        case ether_type::vlan: return "802.1Q";
        case ether_type::ipv6: return "IPv6";
        case ether_type::service_vlan: return "802.1ad";
        case ether_type::double_vlan: return "QinQ";
    }
    return "unknown";
}

enum class ethernet_error : std::uint8_t {
    none,
    truncated_header,
    truncated_tag,
    too_many_tags,  ///< a third VLAN tag
};

[[nodiscard]] constexpr std::string_view to_string(ethernet_error e) noexcept {
    switch (e) {
        case ethernet_error::none: return "no error";
        case ethernet_error::truncated_header: return "truncated Ethernet header";
        case ethernet_error::truncated_tag: return "truncated VLAN tag";
        case ethernet_error::too_many_tags: return "more than two VLAN tags";
    }
    return "unknown";
}

/// VLAN tag (802.1Q 9.6).
struct vlan_tag {
    ether_type type = ether_type::vlan;  ///< the tag protocol identifier
    std::uint16_t control = 0;           ///< tag control information

    [[nodiscard]] constexpr std::uint16_t id() const noexcept { return control & 0x0fff; }
    [[nodiscard]] constexpr unsigned priority() const noexcept { return control >> 13U; }
    [[nodiscard]] constexpr bool drop_eligible() const noexcept { return (control & 0x1000U) != 0; }
    friend constexpr bool operator==(const vlan_tag&, const vlan_tag&) = default;
};

template <packet_byte Byte>
class basic_ethernet_view {
public:
    static constexpr std::size_t header_size = 14;  ///< without tags
    static constexpr std::size_t tag_size = 4;
    static constexpr std::size_t max_tags = 2;

    [[nodiscard]] static constexpr bool is_tag(ether_type t) noexcept {
        return t == ether_type::vlan || t == ether_type::service_vlan || t == ether_type::double_vlan;
    }

    [[nodiscard]] static parsed<basic_ethernet_view, ethernet_error> parse(std::span<Byte> frame) noexcept {
        if (frame.size() < header_size) {
            return {{}, ethernet_error::truncated_header};
        }
        basic_ethernet_view v;
        v.frame_ = frame;
        while (is_tag(v.type())) {
            if (v.tags_ == max_tags) {
                return {{}, ethernet_error::too_many_tags};
            }
            if (frame.size() < v.payload_offset() + tag_size) {
                return {{}, ethernet_error::truncated_tag};
            }
            ++v.tags_;
        }
        return {v, ethernet_error::none};
    }

    [[nodiscard]] mac_address destination() const noexcept { return mac_address::load(&frame_[destination_offset]); }
    [[nodiscard]] mac_address source() const noexcept { return mac_address::load(&frame_[source_offset]); }
    [[nodiscard]] ether_type type() const noexcept {
        return static_cast<ether_type>(load_be16(&frame_[type_offset + tags_ * tag_size]));
    }
    /// VLAN tags, 0 to 2.
    [[nodiscard]] std::size_t tag_count() const noexcept { return tags_; }
    /// Tag `i` from the outside, for `i < tag_count()`.
    [[nodiscard]] vlan_tag tag(std::size_t i) const noexcept {
        const auto* const at = &frame_[type_offset + i * tag_size];
        return {static_cast<ether_type>(load_be16(at)), load_be16(at + 2)};
    }
    [[nodiscard]] std::size_t payload_offset() const noexcept { return header_size + tags_ * tag_size; }
    /// What follows the header, padding included.
    [[nodiscard]] std::span<Byte> payload() const noexcept { return frame_.subspan(payload_offset()); }

    void set_destination(mac_address a) const noexcept requires writable_byte<Byte> {
        a.store(&frame_[destination_offset]);
    }
    void set_source(mac_address a) const noexcept requires writable_byte<Byte> { a.store(&frame_[source_offset]); }

private:
    static constexpr std::size_t destination_offset = 0;
    static constexpr std::size_t source_offset = 6;
    static constexpr std::size_t type_offset = 12;  ///< of the outermost tag, if there is one

    std::span<Byte> frame_{};
    std::size_t tags_ = 0;
};

using ethernet_view = basic_ethernet_view<const std::uint8_t>;
using mutable_ethernet_view = basic_ethernet_view<std::uint8_t>;

/// Writes an untagged header to the first 14 bytes of `frame`; false, and nothing written, when it is shorter.
[[nodiscard]] inline bool write_ethernet(mutable_bytes frame, mac_address destination, mac_address source,
                                         ether_type type) noexcept {
    if (frame.size() < ethernet_view::header_size) {
        return false;
    }
    destination.store(frame.data());
    source.store(frame.data() + 6);
    store_be16(frame.data() + 12, static_cast<std::uint16_t>(type));
    return true;
}

}  // namespace ikealg::inline v0::wire

#endif
