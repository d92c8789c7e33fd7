// SPDX-License-Identifier: Apache-2.0
/// ARP for IPv4 over Ethernet (RFC 826), read and written: a gateway answers for the addresses of its pools (N11).
///
///     | hardware type (1)             | protocol type (0x0800)        |
///     | hw size (6)   | proto size (4)| operation                     |
///     | sender MAC (6), sender IPv4 (4), target MAC (6), target IPv4 (4) |
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant.
#ifndef IKEALG_WIRE_ARP_HPP
#define IKEALG_WIRE_ARP_HPP

#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/wire/ethernet.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

enum class arp_operation : std::uint16_t { request = 1, reply = 2 };

[[nodiscard]] constexpr std::string_view to_string(arp_operation o) noexcept {
    switch (o) {
        case arp_operation::request: return "REQUEST";
        case arp_operation::reply: return "REPLY";
    }
    return "unknown";
}

enum class arp_error : std::uint8_t {
    none,
    truncated,
    not_ethernet,        ///< another hardware type
    not_ipv4,            ///< another protocol type
    bad_address_length,  ///< the address sizes contradict the types
};

[[nodiscard]] constexpr std::string_view to_string(arp_error e) noexcept {
    switch (e) {
        case arp_error::none: return "no error";
        case arp_error::truncated: return "truncated ARP packet";
        case arp_error::not_ethernet: return "ARP for another hardware type";
        case arp_error::not_ipv4: return "ARP for another protocol type";
        case arp_error::bad_address_length: return "bad ARP address length";
    }
    return "unknown";
}

/// The variable fields of an ARP packet.
struct arp_message {
    arp_operation operation = arp_operation::request;
    mac_address sender_mac{};
    ipv4_address sender{};
    mac_address target_mac{};
    ipv4_address target{};

    [[nodiscard]] static constexpr arp_message request(mac_address from, ipv4_address sender,
                                                       ipv4_address target) noexcept {
        return {arp_operation::request, from, sender, {}, target};
    }
    /// Tells everybody that `address` is at `mac`, as a request (RFC 5227 2.3: an ARP Announcement).
    [[nodiscard]] static constexpr arp_message announcement(mac_address mac, ipv4_address address) noexcept {
        return request(mac, address, address);
    }
    /// The answer to this request: the address asked for is at `mac`.
    [[nodiscard]] constexpr arp_message reply(mac_address mac) const noexcept {
        return {arp_operation::reply, mac, target, sender_mac, sender};
    }
    friend constexpr bool operator==(const arp_message&, const arp_message&) = default;
};

/// An ARP packet: the payload of an Ethernet frame of type ARP; padding behind it is allowed.
class arp_view {
public:
    static constexpr std::size_t packet_size = 28;

    [[nodiscard]] static parsed<arp_view, arp_error> parse(bytes data) noexcept {
        if (data.size() < packet_size) {
            return {{}, arp_error::truncated};
        }
        if (load_be16(&data[hardware_type_offset]) != 1) {
            return {{}, arp_error::not_ethernet};
        }
        if (load_be16(&data[protocol_type_offset]) != static_cast<std::uint16_t>(ether_type::ipv4)) {
            return {{}, arp_error::not_ipv4};
        }
        if (data[hardware_size_offset] != mac_address::size || data[protocol_size_offset] != ipv4_address::size) {
            return {{}, arp_error::bad_address_length};
        }
        arp_view v;
        v.data_ = data;
        return {v, arp_error::none};
    }

    [[nodiscard]] arp_operation operation() const noexcept {
        return static_cast<arp_operation>(load_be16(&data_[operation_offset]));
    }
    [[nodiscard]] mac_address sender_mac() const noexcept { return mac_address::load(&data_[sender_mac_offset]); }
    [[nodiscard]] ipv4_address sender() const noexcept { return ipv4_address::load(&data_[sender_offset]); }
    [[nodiscard]] mac_address target_mac() const noexcept { return mac_address::load(&data_[target_mac_offset]); }
    [[nodiscard]] ipv4_address target() const noexcept { return ipv4_address::load(&data_[target_offset]); }
    [[nodiscard]] arp_message message() const noexcept {
        return {operation(), sender_mac(), sender(), target_mac(), target()};
    }

    /// Writes `m` to the first 28 bytes of `out`; false, and nothing written, when it is shorter.
    [[nodiscard]] static bool write(mutable_bytes out, const arp_message& m) noexcept {
        if (out.size() < packet_size) {
            return false;
        }
        store_be16(&out[hardware_type_offset], 1);
        store_be16(&out[protocol_type_offset], static_cast<std::uint16_t>(ether_type::ipv4));
        out[hardware_size_offset] = mac_address::size;
        out[protocol_size_offset] = ipv4_address::size;
        store_be16(&out[operation_offset], static_cast<std::uint16_t>(m.operation));
        m.sender_mac.store(&out[sender_mac_offset]);
        m.sender.store(&out[sender_offset]);
        m.target_mac.store(&out[target_mac_offset]);
        m.target.store(&out[target_offset]);
        return true;
    }

private:
    static constexpr std::size_t hardware_type_offset = 0;
    static constexpr std::size_t protocol_type_offset = 2;
    static constexpr std::size_t hardware_size_offset = 4;
    static constexpr std::size_t protocol_size_offset = 5;
    static constexpr std::size_t operation_offset = 6;
    static constexpr std::size_t sender_mac_offset = 8;
    static constexpr std::size_t sender_offset = 14;
    static constexpr std::size_t target_mac_offset = 18;
    static constexpr std::size_t target_offset = 24;

    bytes data_{};
};

/// Writes an untagged Ethernet frame with `m` (42 bytes, unpadded) to `frame`: a request is broadcast, a reply goes
/// to its target. Answers the bytes written, 0 when `frame` is too short.
[[nodiscard]] inline std::size_t write_arp_frame(mutable_bytes frame, const arp_message& m) noexcept {
    constexpr std::size_t size = ethernet_view::header_size + arp_view::packet_size;
    const auto to = m.operation == arp_operation::request ? mac_address::broadcast() : m.target_mac;
    if (frame.size() < size || !write_ethernet(frame, to, m.sender_mac, ether_type::arp) ||
        !arp_view::write(frame.subspan(ethernet_view::header_size), m)) {
        return 0;
    }
    return size;
}

}  // namespace ikealg::inline v0::wire

#endif
