// SPDX-License-Identifier: Apache-2.0
/// The Ethernet header as a host reads and writes it: at most one VLAN tag, priority tags are no tags (802.1Q 6.9).
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_HOST_LINK_HEADER_HPP
#define IKEALG_HOST_LINK_HEADER_HPP

#include <array>
#include <cstddef>
#include <cstdint>

#include "ikealg/base/bytes.hpp"
#include "ikealg/wire/ethernet.hpp"

namespace ikealg::inline v0::host {

/// What a received header says.
struct link_fields {
    bool valid = false;
    std::uint16_t vlan = 0;  ///< 0: untagged, or tagged for priority only
    bool service_tag = false;  ///< two tags, or one that no customer's bridge makes: no interface of ours
    wire::ether_type type{};
    wire::mac_address destination{};
    wire::mac_address source{};
};

[[nodiscard]] inline link_fields read_link_header(bytes header) noexcept {
    link_fields f;
    const auto ethernet = wire::ethernet_view::parse(header);
    if (!ethernet) {
        return f;
    }
    f.valid = true;
    f.type = ethernet.view.type();
    f.destination = ethernet.view.destination();
    f.source = ethernet.view.source();
    if (ethernet.view.tag_count() != 0) {
        const wire::vlan_tag tag = ethernet.view.tag(0);
        f.vlan = tag.id();
        f.service_tag = ethernet.view.tag_count() > 1 || tag.type != wire::ether_type::vlan;
    }
    return f;
}

/// A header to be set on a frame.
class link_header {
public:
    /// `vlan` 0: untagged.
    link_header(wire::mac_address destination, wire::mac_address source, std::uint16_t vlan, wire::ether_type type) noexcept {
        destination.store(octets_.data());
        source.store(octets_.data() + wire::mac_address::size);
        std::size_t at = 2 * wire::mac_address::size;
        if (vlan != 0) {
            store_be16(&octets_[at], static_cast<std::uint16_t>(wire::ether_type::vlan));
            store_be16(&octets_[at + 2], vlan);
            at += wire::ethernet_view::tag_size;
        }
        store_be16(&octets_[at], static_cast<std::uint16_t>(type));
        size_ = at + 2;
    }
    [[nodiscard]] ikealg::bytes bytes() const noexcept { return ikealg::bytes{octets_}.first(size_); }

private:
    std::array<std::uint8_t, wire::ethernet_view::header_size + wire::ethernet_view::tag_size> octets_{};
    std::size_t size_ = 0;
};

}  // namespace ikealg::inline v0::host

#endif
