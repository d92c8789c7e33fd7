// SPDX-License-Identifier: Apache-2.0
/// Cuts an IPv4 packet into fragments that fit an MTU (RFC 791 3.2, RFC 1812 4.2.2.7).
///
/// The first fragment keeps all options, the others those with the copied bit, padded to a multiple of four. A fragment can be cut again:
/// offsets continue from its own and its last piece has more fragments behind it if it had. All pieces keep the identification.
///
///     fragmenter pieces(packet, mtu);
///     while (const std::size_t n = pieces.next_length()) { pieces.write(buffer of n bytes); }
///
/// Thread safety: a value over bytes that the caller keeps alive. Complexity: linear in the packet.
#ifndef IKEALG_HOST_FRAGMENTER_HPP
#define IKEALG_HOST_FRAGMENTER_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/checksum.hpp"
#include "ikealg/wire/ipv4.hpp"

namespace ikealg::inline v0::host {

class fragmenter {
public:
    static constexpr std::size_t max_header = 60;

    /// Nothing to do for a packet that is malformed, has DF set or fits, and for an MTU below 68 (RFC 791 3.2), the least that takes any header.
    fragmenter(bytes packet, std::size_t mtu) noexcept {
        const auto ip = wire::ipv4_view::parse(packet);
        if (!ip || ip.view.dont_fragment() || ip.view.total_length() <= mtu || mtu < max_header + 8) {
            return;
        }
        mtu_ = mtu;
        payload_ = ip.view.payload();
        offset_ = ip.view.fragment_offset();
        more_ = ip.view.more_fragments();
        first_header_ = ip.view.header_length();
        std::copy_n(packet.begin(), first_header_, header_.begin());
        header_length_ = first_header_;
    }

    /// Length of the next fragment; 0 when all are written, or there was nothing to do.
    [[nodiscard]] std::size_t next_length() const noexcept { return payload_.empty() ? 0 : header_length_ + piece(); }

    /// Writes the next fragment to `out` of `next_length()` bytes, which is not 0.
    void write(mutable_bytes out) noexcept {
        const std::size_t n = piece();
        const bool more = more_ || n < payload_.size();
        std::copy_n(header_.begin(), header_length_, out.begin());
        out[0] = static_cast<std::uint8_t>(0x40 | header_length_ / 4);
        store_be16(&out[2], static_cast<std::uint16_t>(header_length_ + n));
        store_be16(&out[6], static_cast<std::uint16_t>((more ? 0x2000U : 0U) | offset_));
        store_be16(&out[10], 0);
        store_be16(&out[10], finish_checksum(sum_bytes(out.first(header_length_))));
        std::memcpy(&out[header_length_], payload_.data(), n);
        payload_ = payload_.subspan(n);
        offset_ = static_cast<std::uint16_t>(offset_ + n / 8);
        drop_uncopied_options();
    }

private:
    /// Payload of the next fragment: all that is left, or a multiple of 8 bytes.
    [[nodiscard]] std::size_t piece() const noexcept {
        const std::size_t room = mtu_ - header_length_;
        return payload_.size() <= room ? payload_.size() : room / 8 * 8;
    }
    void drop_uncopied_options() noexcept {
        constexpr std::size_t fixed = wire::ipv4_view::min_header_size;
        constexpr std::uint8_t copied = 0x80;
        if (header_length_ == fixed || pruned_) {
            return;
        }
        pruned_ = true;
        std::array<std::uint8_t, max_header> kept{};  // what is not filled is end-of-list
        std::size_t length = fixed;
        for (const auto& option : wire::option_range<const std::uint8_t>(bytes{header_}.subspan(fixed, first_header_ - fixed))) {
            if ((option.kind & copied) != 0) {
                const std::size_t size = option.data.size() + 2;
                std::copy_n(&header_[fixed + option.offset], size, &kept[length]);
                length += size;
            }
        }
        std::copy_n(header_.begin(), fixed, kept.begin());
        header_ = kept;
        header_length_ = (length + 3) / 4 * 4;
    }

    bytes payload_{};
    std::array<std::uint8_t, max_header> header_{};
    std::size_t header_length_ = 0;
    std::size_t first_header_ = 0;
    std::size_t mtu_ = 0;
    std::uint16_t offset_ = 0;  ///< of the next fragment, in units of 8 bytes
    bool more_ = false;
    bool pruned_ = false;
};

}  // namespace ikealg::inline v0::host

#endif
