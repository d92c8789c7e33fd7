// SPDX-License-Identifier: Apache-2.0
/// What a sender left to its hardware and a packet socket therefore sees undone: checksums and segmentation.
///
/// A kernel hands a tap its packets as it hands them to a device that can do the rest: with the sum of the pseudo header
/// where the checksum belongs, and as one packet of up to 64 KB for many (TSO of the sender, GRO of the receiver). What
/// goes on from here needs what would have been on the wire:
/// - checksum: the Internet checksum (RFC 1071) over everything from the transport header on, pseudo header included
///   because the field starts as its sum; a UDP checksum of 0 is sent as 0xffff (RFC 768);
/// - TCP segments (RFC 9293 3.7): the headers repeated, IPv4 identification one up and sequence number moved for each,
///   FIN and PSH on the last only, CWR on the first only (RFC 3168 6.1.2), lengths and checksums of their own;
/// - UDP datagrams (the kernel's "UDP_L4"): the headers repeated, lengths and checksums of their own; no checksum stays
///   no checksum;
/// - IPv4 fragments of one UDP datagram (RFC 791 3.2; "UFO", which virtual machines still ask for).
///
/// Invariant: the payloads of all pieces, in order, are the payload of the large packet.
/// Thread safety: values over bytes that the caller keeps alive. Complexity: linear in the bytes of a piece.
#ifndef IKEALG_IO_OFFLOAD_HPP
#define IKEALG_IO_OFFLOAD_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "ikealg/base/checksum.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/tcp.hpp"

namespace ikealg::inline v0::io {

/// Completes the checksum at `start + offset` of `data`, which covers everything from `start` on and holds the sum of
/// its pseudo header. False, and nothing changed, when the field is not within.
inline bool complete_checksum(mutable_bytes data, std::size_t start, std::size_t offset) noexcept {
    if (start > data.size() || data.size() - start < 2 || offset > data.size() - start - 2) {
        return false;
    }
    const std::uint16_t sum = finish_checksum(sum_bytes(data.subspan(start)));
    store_be16(&data[start + offset], sum == 0 ? std::uint16_t{0xffff} : sum);
    return true;
}

/// How a large packet is to be cut.
enum class segmentation : std::uint8_t {
    tcp,            ///< into TCP segments
    udp,            ///< into UDP datagrams
    udp_fragments,  ///< into IPv4 fragments of one datagram
};

/// Cuts one large packet, piece by piece. Empty when made by default, when the packet was not fit to be cut, and behind
/// the last piece.
class segmenter {
public:
    segmenter() = default;
    /// `network` is the packet from its network header on, which must stay as it is until the last piece is out. `size`
    /// is the payload of a piece: TCP or UDP payload, or IP payload of a fragment. `partial_checksum` tells whether the
    /// checksum field of a datagram to be fragmented is still to be completed. Empty for a packet whose headers are
    /// damaged or of another protocol, that is a fragment, or that carries an IPv6 jumbo payload option (RFC 2675).
    segmenter(bytes network, segmentation kind, std::size_t size, bool partial_checksum = true) noexcept
        : packet_{network}, kind_{kind}, size_{size} {
        if (kind == segmentation::udp_fragments) {
            size_ &= ~std::size_t{7};
        }
        if (size_ == 0 || !parse()) {
            packet_ = {};
            return;
        }
        if (kind == segmentation::udp_fragments) {
            headers_ = transport_;
            checksum_ = load_be16(&packet_[transport_ + udp_checksum]);
            if (partial_checksum) {
                const std::uint16_t sum = finish_checksum(sum_bytes(packet_.subspan(transport_)));
                checksum_ = sum == 0 ? std::uint16_t{0xffff} : sum;
            }
        }
        at_ = headers_;
    }

    /// Whether there is another piece.
    [[nodiscard]] explicit operator bool() const noexcept { return at_ < packet_.size(); }
    /// Bytes of the next piece from its network header on; 0 when there is none.
    [[nodiscard]] std::size_t next_length() const noexcept { return *this ? headers_ + next_payload() : 0; }
    /// Writes the next piece to the first `next_length()` bytes of `out`; false, and nothing happens, when there is
    /// none or `out` is shorter.
    bool next(mutable_bytes out) noexcept {
        if (!*this || out.size() < next_length()) {
            return false;
        }
        const std::size_t payload = next_payload();
        out = out.first(headers_ + payload);
        std::memcpy(out.data(), packet_.data(), headers_);
        std::memcpy(out.data() + headers_, packet_.data() + at_, payload);
        const std::size_t done = at_ - headers_;
        const bool last = at_ + payload == packet_.size();
        if (kind_ == segmentation::tcp) {
            finish_tcp(out, done, last);
        } else if (kind_ == segmentation::udp) {
            store_be16(&out[transport_ + udp_length], static_cast<std::uint16_t>(out.size() - transport_));
        } else if (done == 0) {
            store_be16(&out[transport_ + udp_checksum], checksum_);
        }
        if (v6_) {
            store_be16(&out[4], static_cast<std::uint16_t>(out.size() - v6_header));
            finish_transport<ipv6_address>(out, 8, 24);
        } else {
            finish_ipv4(out, done, last);
            finish_transport<ipv4_address>(out, 12, 16);
        }
        at_ += payload;
        ++count_;
        return true;
    }

private:
    static constexpr std::size_t v4_header = 20, v6_header = 40, udp_header = 8;
    static constexpr std::size_t udp_length = 4, udp_checksum = 6;
    static constexpr std::size_t tcp_sequence = 4, tcp_flags = 13, tcp_checksum = 16;

    [[nodiscard]] std::size_t next_payload() const noexcept { return std::min(size_, packet_.size() - at_); }

    /// Finds where the headers end, and drops link padding.
    bool parse() noexcept {
        if (packet_.empty()) {
            return false;
        }
        v6_ = packet_[0] >> 4U == 6;
        if (!(v6_ ? parse_v6() : parse_v4())) {
            return false;
        }
        if (kind_ == segmentation::tcp) {
            const auto tcp = wire::tcp_view::parse(packet_.subspan(transport_));
            headers_ = tcp ? transport_ + tcp.view.header_length() : 0;
            return bool{tcp} && headers_ < packet_.size();
        }
        headers_ = transport_ + udp_header;
        return headers_ < packet_.size();
    }
    bool parse_v4() noexcept {
        if (packet_.size() < v4_header || packet_[0] >> 4U != 4) {
            return false;
        }
        transport_ = std::size_t{4} * (packet_[0] & 15U);
        // Above 64 KB (BIG TCP) the length does not fit its field and the kernel leaves it 0.
        const std::size_t total = load_be16(&packet_[2]);
        const bool options = transport_ != v4_header;
        if (transport_ < v4_header || (total != 0 && (total < transport_ || total > packet_.size())) ||
            (load_be16(&packet_[6]) & 0x3fffU) != 0 || (kind_ == segmentation::udp_fragments && options)) {
            return false;
        }
        packet_ = total != 0 ? packet_.first(total) : packet_;
        return packet_[9] == static_cast<std::uint8_t>(protocol()) && transport_ < packet_.size();
    }
    bool parse_v6() noexcept {
        if (packet_.size() < v6_header || kind_ == segmentation::udp_fragments) {
            return false;
        }
        const std::size_t length = load_be16(&packet_[4]);
        if (length > packet_.size() - v6_header) {
            return false;
        }
        packet_ = length != 0 ? packet_.first(v6_header + length) : packet_;
        transport_ = v6_header;
        std::uint8_t next = packet_[6];
        const auto skipped = [](std::uint8_t header) {
            const auto p = static_cast<ip_protocol>(header);
            return p == ip_protocol::hop_by_hop || p == ip_protocol::routing || p == ip_protocol::destination_options;
        };
        while (skipped(next)) {
            // A length of 0 with a hop-by-hop header is a jumbogram.
            if (length == 0 || packet_.size() - transport_ < 8) {
                return false;
            }
            next = packet_[transport_];
            transport_ += std::size_t{8} * (packet_[transport_ + 1] + std::size_t{1});
            if (transport_ >= packet_.size()) {
                return false;
            }
        }
        return next == static_cast<std::uint8_t>(protocol());
    }
    [[nodiscard]] ip_protocol protocol() const noexcept {
        return kind_ == segmentation::tcp ? ip_protocol::tcp : ip_protocol::udp;
    }

    void finish_tcp(mutable_bytes out, std::size_t done, bool last) const noexcept {
        std::uint8_t* const tcp = &out[transport_];
        store_be32(tcp + tcp_sequence, load_be32(tcp + tcp_sequence) + static_cast<std::uint32_t>(done));
        const auto drop = [&](wire::tcp_flag f) {
            tcp[tcp_flags] = static_cast<std::uint8_t>(tcp[tcp_flags] & ~static_cast<unsigned>(f));
        };
        if (!last) {
            drop(wire::tcp_flag::fin);
            drop(wire::tcp_flag::psh);
        }
        if (done != 0) {
            drop(wire::tcp_flag::cwr);
        }
    }
    void finish_ipv4(mutable_bytes out, std::size_t done, bool last) const noexcept {
        store_be16(&out[2], static_cast<std::uint16_t>(out.size()));
        if (kind_ == segmentation::udp_fragments) {
            store_be16(&out[6], static_cast<std::uint16_t>((last ? 0U : 0x2000U) | done / 8));
        } else {
            store_be16(&out[4], static_cast<std::uint16_t>(load_be16(&out[4]) + count_));
        }
        store_be16(&out[10], 0);
        store_be16(&out[10], finish_checksum(sum_bytes(out.first(transport_))));
    }
    template <class Address>
    void finish_transport(mutable_bytes out, std::size_t source, std::size_t destination) const noexcept {
        const std::size_t field = transport_ + (kind_ == segmentation::tcp ? tcp_checksum : udp_checksum);
        if (kind_ == segmentation::udp_fragments || (kind_ == segmentation::udp && load_be16(&out[field]) == 0)) {
            return;
        }
        store_be16(&out[field], fold(pseudo_header_sum(Address::load(&out[source]), Address::load(&out[destination]),
                                                       static_cast<std::uint8_t>(protocol()),
                                                       static_cast<std::uint32_t>(out.size() - transport_))));
        complete_checksum(out, transport_, field - transport_);
    }

    bytes packet_{};
    segmentation kind_ = segmentation::tcp;
    bool v6_ = false;
    std::uint16_t checksum_ = 0;  ///< of the datagram to be fragmented
    std::size_t size_ = 0;
    std::size_t transport_ = 0;
    std::size_t headers_ = 0;  ///< repeated in every piece
    std::size_t at_ = 0;       ///< where the next piece's payload starts
    std::uint32_t count_ = 0;  ///< pieces made
};

}  // namespace ikealg::inline v0::io

#endif
