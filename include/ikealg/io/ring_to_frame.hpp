// SPDX-License-Identifier: Apache-2.0
/// Makes frames of what a packet socket's ring shows: the tag that was taken out is put back, the checksum completed, a
/// packet of many cut. On other systems this header declares nothing.
///
/// Thread safety: none, one owner. Complexity: linear in the bytes of a frame.
#ifndef IKEALG_IO_RING_TO_FRAME_HPP
#define IKEALG_IO_RING_TO_FRAME_HPP

#if defined(__linux__)

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ikealg/base/bytes.hpp"
#include "ikealg/io/frame.hpp"
#include "ikealg/io/linux_device.hpp"
#include "ikealg/io/offload.hpp"
#include "ikealg/io/packet_ring.hpp"
#include "ikealg/wire/ethernet.hpp"

namespace ikealg::inline v0::io::detail {

inline constexpr std::size_t macs_size = 2 * wire::mac_address::size;  ///< a tag stands behind them
inline constexpr std::size_t longest_link_header = wire::ethernet_view::header_size + 2 * wire::ethernet_view::tag_size;

/// Puts the tag back in between the addresses and the rest: writes the packet, as much as there is room for. `p` has an
/// Ethernet header at least.
[[nodiscard]] inline std::size_t write_tagged(const ring_packet& p, mutable_bytes out) noexcept {
    const std::size_t shift = p.tagged ? wire::ethernet_view::tag_size : 0;
    const std::size_t total = std::min(p.data.size() + shift, out.size());
    std::memcpy(out.data(), p.data.data(), macs_size);
    if (p.tagged) {
        store_be16(&out[macs_size], p.tag_type);
        store_be16(&out[macs_size + 2], p.tag_control);
    }
    std::memcpy(&out[macs_size + shift], &p.data[macs_size], total - macs_size - shift);
    return total;
}

/// Makes `to`, which has room for it, the packet as it would have been on the wire; false when it is damaged.
[[nodiscard]] inline bool to_frame(const ring_packet& p, frame& to) noexcept {
    const mutable_bytes out = to.room();
    const std::size_t total = write_tagged(p, out);
    const std::size_t link = ethernet_length(out.first(total));
    if (link == 0) {
        return false;
    }
    if (p.undone.is_partial()) {
        const std::size_t start = p.undone.checksum_start + (p.tagged ? wire::ethernet_view::tag_size : 0);
        if (start < link || !complete_checksum(out.first(total), start, p.undone.checksum_offset)) {
            return false;
        }
    }
    to.settle(link, total);
    return true;
}

/// A packet of many, or one too long for a frame, that is cut into frames. Empty when made by default, when the packet
/// is not fit to be cut, and behind the last piece. The packet stays in the ring until then.
class large_packet {
public:
    /// `room` is what a frame holds behind its link header.
    [[nodiscard]] static bool is_one(const ring_packet& p, std::size_t room) noexcept {
        return p.undone.cut != undone_work::nothing || p.data.size() > room + wire::ethernet_view::header_size;
    }

    large_packet() = default;
    large_packet(const ring_packet& p, std::size_t mtu, std::size_t room) noexcept {
        const std::size_t head = write_tagged(p, head_);
        link_ = ethernet_length(bytes{head_}.first(head));
        const std::size_t shift = p.tagged ? wire::ethernet_view::tag_size : 0;
        if (link_ != 0) {
            // What comes without a size was merged beyond recovery; any that fits the device will do for TCP.
            constexpr std::size_t longest_headers = 120;
            constexpr std::size_t least_mtu = 576;
            const std::size_t size = p.undone.cut_size != 0
                                         ? std::min<std::size_t>(p.undone.cut_size, room - longest_headers)
                                         : std::clamp(mtu, least_mtu, room) - longest_headers;
            pieces_ = segmenter{p.data.subspan(link_ - shift), kind_of(p.undone.cut), size, p.undone.is_partial()};
        }
        if (pieces_.next_length() > room) {
            pieces_ = {};  // headers of more than a thousand octets
        }
    }
    [[nodiscard]] explicit operator bool() const noexcept { return bool{pieces_}; }

    /// Makes `to`, which has `room`, the next piece.
    void next(frame& to) noexcept {
        const mutable_bytes out = to.room();
        const std::size_t length = pieces_.next_length();
        std::copy_n(head_.begin(), link_, out.begin());
        (void)pieces_.next(out.subspan(link_));
        to.settle(link_, link_ + length);
    }

private:
    [[nodiscard]] static segmentation kind_of(std::uint8_t cut) noexcept {
        switch (cut & ~unsigned{undone_work::ecn}) {
            case undone_work::udp_fragments: return segmentation::udp_fragments;
            case undone_work::udp_datagrams: return segmentation::udp;
            default: return segmentation::tcp;
        }
    }

    segmenter pieces_;
    std::array<std::uint8_t, longest_link_header> head_{};
    std::size_t link_ = 0;
};

}  // namespace ikealg::inline v0::io::detail

#endif  // defined(__linux__)

#endif
