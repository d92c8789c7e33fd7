// SPDX-License-Identifier: Apache-2.0
/// Packets in ordinary memory, and an adapter of queues: for tests, simulations, capture files and slow devices.
///
/// A `memory_packet` behaves as badly as a real buffer may: its bytes can lie in several segments (`split`), be
/// shared with another handle (`share`), and both repairs can be made to fail. A repair that has work to do always
/// moves to fresh memory and does no more than it was asked for, so that code which keeps an old span, or reads past
/// what it asked for, is caught by a sanitizer rather than lucky.
///
/// Thread safety: one thread; handles that share bytes included. Complexity: repairs are linear in the bytes moved.
#ifndef IKEALG_IO_MEMORY_HPP
#define IKEALG_IO_MEMORY_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/packet.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/io/packet_io.hpp"

namespace ikealg::inline v0::io {

/// A move-only packet handle that owns its bytes. Invariant: the link header lies whole in the first segment.
class memory_packet {
public:
    /// An empty slot: no bytes, zone 0.
    memory_packet() = default;
    /// Copies `network`, the bytes from the network header on.
    memory_packet(bytes network, zone_id zone) : memory_packet({}, network, zone) {}
    /// Copies a link header of any length and the bytes behind it.
    memory_packet(bytes link_header, bytes network, zone_id zone) : link_length_{link_header.size()}, zone_{zone} {
        buffer whole = make_buffer(link_header.size() + network.size());
        std::copy(network.begin(), network.end(), std::copy(link_header.begin(), link_header.end(), whole->begin()));
        segments_.push_back(std::move(whole));
    }
    memory_packet(memory_packet&&) = default;
    memory_packet& operator=(memory_packet&&) = default;
    memory_packet(const memory_packet&) = delete;
    memory_packet& operator=(const memory_packet&) = delete;
    ~memory_packet() = default;

    // The packet handle of base/packet.hpp.

    [[nodiscard]] zone_id zone() const noexcept { return zone_; }
    [[nodiscard]] std::size_t network_length() const noexcept {
        std::size_t total = 0;
        for (const buffer& segment : segments_) {
            total += segment->size();
        }
        return total == 0 ? 0 : total - link_length_;  // a moved-from handle keeps its link length
    }
    [[nodiscard]] mutable_bytes network() noexcept {
        return segments_.empty() ? mutable_bytes{} : mutable_bytes{*segments_.front()}.subspan(link_length_);
    }
    /// False when the packet is shorter, or when there was work to do and `fail_contiguous` is set.
    [[nodiscard]] bool ensure_contiguous(std::size_t n) {
        if (n <= network().size()) {
            return true;
        }
        if (fail_contiguous_ || n > network_length()) {
            return false;
        }
        gather(link_length_ + n);
        return true;
    }
    /// False when the packet is shorter, or when there was work to do and `fail_writable` is set.
    [[nodiscard]] bool ensure_writable(std::size_t n) {
        if (n > network_length()) {
            return false;
        }
        const std::size_t end = link_length_ + n;
        std::size_t at = 0;
        for (buffer& segment : segments_) {
            if (at >= end) {
                break;
            }
            at += segment->size();
            if (segment.use_count() > 1) {
                if (fail_writable_) {
                    return false;
                }
                segment = std::make_shared<std::vector<std::uint8_t>>(*segment);
            }
        }
        return true;
    }

    // What a test or a host wants to know besides.

    /// The bytes before the network header, as they arrived.
    [[nodiscard]] bytes link_header() const noexcept {
        return segments_.empty() ? bytes{} : bytes{*segments_.front()}.first(link_length_);
    }
    /// A copy of all bytes from the network header on, over all segments.
    [[nodiscard]] std::vector<std::uint8_t> network_copy() const {
        std::vector<std::uint8_t> all;
        all.reserve(network_length());
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            const bytes part = bytes{*segments_[i]}.subspan(i == 0 ? link_length_ : 0);
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }
    [[nodiscard]] std::size_t segment_count() const noexcept { return segments_.size(); }
    /// True when another handle has some of the bytes as well.
    [[nodiscard]] bool is_shared() const noexcept {
        return std::any_of(segments_.begin(), segments_.end(), [](const buffer& s) { return s.use_count() > 1; });
    }
    /// Any number that tells this packet from others; travels with the handle.
    [[nodiscard]] std::uint64_t tag() const noexcept { return tag_; }
    void set_tag(std::uint64_t tag) noexcept { tag_ = tag; }
    /// When the packet arrived.
    [[nodiscard]] instant time() const noexcept { return time_; }
    void set_time(instant at) noexcept { time_ = at; }
    /// Bytes that were on the wire behind the last one but were not captured; not part of `network_length()`.
    [[nodiscard]] std::size_t missing() const noexcept { return missing_; }
    void set_missing(std::size_t count) noexcept { missing_ = count; }
    [[nodiscard]] bool truncated_by_snaplen() const noexcept { return missing_ != 0; }

    // How to make it awkward.

    /// Starts a new segment at `offset` from the network header. 0 leaves only the link header in the first one; at or
    /// behind the end, and where a segment starts already, nothing changes.
    void split(std::size_t offset) {
        std::size_t at = link_length_ + offset;
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            const std::size_t size = segments_[i]->size();
            if (at < size) {
                if (at == 0 && i > 0) {
                    return;
                }
                const bytes whole{*segments_[i]};
                buffer head = make_buffer_from(whole.first(at));
                buffer tail = make_buffer_from(whole.subspan(at));
                segments_[i] = std::move(head);
                segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(tail));
                return;
            }
            at -= size;
        }
    }
    /// A second handle to the same bytes, in the same segments, with the same marks. Writing through either without
    /// `ensure_writable` changes both.
    [[nodiscard]] memory_packet share() const {
        memory_packet other;
        other.segments_ = segments_;
        other.link_length_ = link_length_;
        other.tag_ = tag_;
        other.time_ = time_;
        other.missing_ = missing_;
        other.zone_ = zone_;
        other.fail_contiguous_ = fail_contiguous_;
        other.fail_writable_ = fail_writable_;
        return other;
    }
    /// A second packet with bytes of its own; nothing when `fail_writable` is set.
    [[nodiscard]] std::optional<memory_packet> clone() const {
        if (fail_writable_) {
            return std::nullopt;
        }
        memory_packet other = share();
        for (buffer& segment : other.segments_) {
            segment = make_buffer_from(bytes{*segment});
        }
        return other;
    }
    void fail_contiguous(bool fail = true) noexcept { fail_contiguous_ = fail; }
    void fail_writable(bool fail = true) noexcept { fail_writable_ = fail; }

private:
    using buffer = std::shared_ptr<std::vector<std::uint8_t>>;

    static buffer make_buffer(std::size_t size) { return std::make_shared<std::vector<std::uint8_t>>(size); }
    static buffer make_buffer_from(bytes content) {
        return std::make_shared<std::vector<std::uint8_t>>(content.begin(), content.end());
    }
    /// Makes the first segment exactly `size` bytes long, out of those behind it.
    void gather(std::size_t size) {
        buffer first = make_buffer(size);
        std::size_t filled = 0;
        std::size_t used = 0;
        while (filled < size) {
            buffer& segment = segments_[used];
            const std::size_t part = std::min(segment->size(), size - filled);
            std::copy_n(segment->begin(), part, first->begin() + static_cast<std::ptrdiff_t>(filled));
            filled += part;
            if (part < segment->size()) {
                segment = make_buffer_from(bytes{*segment}.subspan(part));
                break;
            }
            ++used;
        }
        segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(used));
        segments_.insert(segments_.begin(), std::move(first));
    }

    std::vector<buffer> segments_;
    std::size_t link_length_ = 0;
    std::uint64_t tag_ = 0;
    instant time_{};
    std::size_t missing_ = 0;
    zone_id zone_{};
    bool fail_contiguous_ = false;
    bool fail_writable_ = false;
};

/// Queues of packets: one of arrivals, over all zones in the order of `arrive`, and one of departures per zone.
class memory_io {
public:
    using packet = memory_packet;

    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    /// Serves zones 0 to `zones` - 1.
    explicit memory_io(std::size_t zones) : departures_(zones) {}

    /// Queues a packet to be received; it comes in on its own zone.
    void arrive(memory_packet p) { arrivals_.push_back(std::move(p)); }
    /// The oldest packet that was sent out of `zone`.
    [[nodiscard]] std::optional<memory_packet> depart(zone_id zone) {
        if (zone.value >= departures_.size() || departures_[zone.value].queue.empty()) {
            return std::nullopt;
        }
        std::deque<memory_packet>& queue = departures_[zone.value].queue;
        std::optional<memory_packet> oldest{std::move(queue.front())};
        queue.pop_front();
        return oldest;
    }
    /// Packets sent out of `zone` and not fetched yet.
    [[nodiscard]] std::size_t departures(zone_id zone) const noexcept {
        return zone.value < departures_.size() ? departures_[zone.value].queue.size() : 0;
    }
    /// Room of one departure queue; beyond it `transmit` refuses.
    void set_room(zone_id zone, std::size_t packets) noexcept {
        if (zone.value < departures_.size()) {
            departures_[zone.value].room = packets;
        }
    }

    [[nodiscard]] std::size_t receive(std::span<memory_packet> burst) {
        const std::size_t n = std::min(burst.size(), arrivals_.size());
        for (std::size_t i = 0; i < n; ++i) {
            burst[i] = std::move(arrivals_.front());
            arrivals_.pop_front();
        }
        counters_.received += n;
        return n;
    }
    [[nodiscard]] std::size_t transmit(std::span<memory_packet> burst, zone_id to) {
        if (to.value >= departures_.size()) {
            return 0;
        }
        departure& out = departures_[to.value];
        const std::size_t room = out.room > out.queue.size() ? out.room - out.queue.size() : 0;
        const std::size_t n = std::min(burst.size(), room);
        for (memory_packet& p : burst.first(n)) {
            out.queue.push_back(std::move(p));
        }
        counters_.transmitted += n;
        return n;
    }
    [[nodiscard]] io_state state() const noexcept { return io_state::ready; }
    [[nodiscard]] io_counters counters() const noexcept { return counters_; }

private:
    struct departure {
        std::deque<memory_packet> queue;
        std::size_t room = unlimited;
    };

    std::deque<memory_packet> arrivals_;
    std::vector<departure> departures_;
    io_counters counters_;
};

static_assert(packet_handle<memory_packet> && packet_io<memory_io>);

}  // namespace ikealg::inline v0::io

#endif
