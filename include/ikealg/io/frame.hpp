// SPDX-License-Identifier: Apache-2.0
/// Packet handle of the live adapters and the pool that its buffers come from.
///
/// A buffer is a small head, then headroom for a link header, then room for the packet; link header and packet lie
/// side by side, so that what leaves is one run of bytes:
///
///     | head | headroom ... | link header | network header ...        | room to grow |
///                           ^ wire()      ^ network()
///
/// The handle is one pointer. It gives its buffer back to the pool it came from when it dies, whichever adapter took it.
///
/// Invariants: the link header ends where the network header starts; at least `min_headroom` bytes of link header fit
/// before any packet and at least `frame_pool::capacity()` bytes behind it. All of a packet is contiguous and belongs to
/// one handle, so `ensure_contiguous` and `ensure_writable` never have work to do.
///
/// Life time: frames may outlive their `frame_pool` (its memory goes with the last of them) and the pool may be moved
/// while frames are out.
/// Thread safety: a pool and all frames out of it belong to one thread. Complexity: constant; `clone` copies the packet.
/// Nothing is allocated after the pool was made.
#ifndef IKEALG_IO_FRAME_HPP
#define IKEALG_IO_FRAME_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/packet.hpp"

namespace ikealg::inline v0::io {

class frame_pool;

namespace detail {

struct frame_store;

/// What stands before each buffer. Only a buffer in use has a meaning in the last four.
struct frame_head {
    frame_store* store;
    frame_head* next_free;
    std::uint8_t* buffer;  ///< `frame_store::buffer_size` bytes
    std::uint32_t network_offset;
    std::uint32_t network_length;
    std::uint16_t link_length;
    zone_id zone;
};

/// The pool itself, at an address that stays.
struct frame_store {
    static constexpr std::size_t line = 64;
    static constexpr std::size_t head_size = (sizeof(frame_head) + 15) / 16 * 16;
    /// What the bytes behind an Ethernet header of 14 octets start at is a multiple of 16.
    static constexpr std::size_t headroom = 50;
    static constexpr std::size_t max_ethernet = 22;  ///< with two tags

    struct line_delete {
        void operator()(std::uint8_t* at) const noexcept { ::operator delete (at, std::align_val_t{line}); }
    };

    frame_store(std::size_t frames, std::size_t capacity_wanted)
        : count{frames}, capacity{capacity_wanted}, buffer_size{headroom + max_ethernet + capacity_wanted} {
        const std::size_t stride = (head_size + buffer_size + line - 1) / line * line;
        memory.reset(static_cast<std::uint8_t*>(
            ::operator new (std::max(frames, std::size_t{1}) * stride, std::align_val_t{line})));
        for (std::size_t i = frames; i-- > 0;) {
            std::uint8_t* const at = memory.get() + i * stride;
            std::memset(at, 0, stride);  // a page is touched for the first time here, not in the packet path
            free = ::new (at) frame_head{this, free, at + head_size, 0, 0, 0, {}};
        }
        free_count = frames;
    }

    [[nodiscard]] frame_head* take() noexcept {
        frame_head* const head = free;
        if (head != nullptr) {
            free = head->next_free;
            --free_count;
        }
        return head;
    }
    static void give_back(frame_head* head) noexcept {
        frame_store* const store = head->store;
        head->next_free = store->free;
        store->free = head;
        ++store->free_count;
        if (store->orphaned && store->free_count == store->count) [[unlikely]] {
            delete store;
        }
    }

    std::unique_ptr<std::uint8_t, line_delete> memory;
    frame_head* free = nullptr;
    std::size_t free_count = 0;
    std::size_t count;
    std::size_t capacity;
    std::size_t buffer_size;
    bool orphaned = false;  ///< the pool is gone; the last frame takes the store with it
};

}  // namespace detail

/// A packet in a buffer, or an empty slot: zone 0, no bytes, and nothing to be set.
class frame {
public:
    /// Any link header up to this length can be set on any frame.
    static constexpr std::size_t min_headroom = 32;

    frame() = default;
    frame(frame&& other) noexcept : head_{std::exchange(other.head_, nullptr)} {}
    frame& operator=(frame&& other) noexcept {
        if (this != &other) {
            reset();
            head_ = std::exchange(other.head_, nullptr);
        }
        return *this;
    }
    frame(const frame&) = delete;
    frame& operator=(const frame&) = delete;
    ~frame() { reset(); }

    /// Whether this is more than an empty slot.
    [[nodiscard]] explicit operator bool() const noexcept { return head_ != nullptr; }
    /// Gives the buffer back; an empty slot stays.
    void reset() noexcept {
        if (head_ != nullptr) {
            detail::frame_store::give_back(std::exchange(head_, nullptr));
        }
    }

    // The packet handle of base/packet.hpp.

    [[nodiscard]] zone_id zone() const noexcept { return head_ != nullptr ? head_->zone : zone_id{}; }
    [[nodiscard]] std::size_t network_length() const noexcept { return head_ != nullptr ? head_->network_length : 0; }
    [[nodiscard]] mutable_bytes network() noexcept {
        return head_ != nullptr ? mutable_bytes{head_->buffer + head_->network_offset, head_->network_length}
                                : mutable_bytes{};
    }
    [[nodiscard]] bool ensure_contiguous(std::size_t n) const noexcept { return n <= network_length(); }
    [[nodiscard]] bool ensure_writable(std::size_t n) const noexcept { return n <= network_length(); }

    // What a host wants besides.

    void set_zone(zone_id zone) noexcept {
        if (head_ != nullptr) {
            head_->zone = zone;
        }
    }
    /// Shortens the packet, or extends it by bytes of unspecified content; false, and nothing changed, when the buffer
    /// ends before. A length up to the pool's capacity always fits.
    bool set_network_length(std::size_t n) noexcept {
        if (head_ == nullptr || n > head_->store->buffer_size - head_->network_offset) {
            return false;
        }
        head_->network_length = static_cast<std::uint32_t>(n);
        return true;
    }
    /// As received: Ethernet header with all tags, its last two octets the type of what `network()` shows.
    [[nodiscard]] bytes link_header() const noexcept {
        return head_ != nullptr
                   ? bytes{head_->buffer + (head_->network_offset - head_->link_length), head_->link_length}
                   : bytes{};
    }
    /// Replaces the link header, the old one may be the source; false, and nothing changed, when there is no room.
    bool set_link_header(bytes header) noexcept {
        if (head_ == nullptr || header.size() > head_->network_offset) {
            return false;
        }
        if (!header.empty()) {
            std::memmove(head_->buffer + (head_->network_offset - header.size()), header.data(), header.size());
        }
        head_->link_length = static_cast<std::uint16_t>(header.size());
        return true;
    }
    /// Link header and packet, as they travel.
    [[nodiscard]] bytes wire() const noexcept {
        return head_ != nullptr ? bytes{head_->buffer + (head_->network_offset - head_->link_length),
                                        std::size_t{head_->link_length} + head_->network_length}
                                : bytes{};
    }
    /// A second frame with the same bytes and zone out of the same pool; nothing when none is free.
    [[nodiscard]] std::optional<frame> clone() const noexcept {
        detail::frame_head* const twin = head_ != nullptr ? head_->store->take() : nullptr;
        if (twin == nullptr) {
            return std::nullopt;
        }
        twin->network_offset = head_->network_offset;
        twin->network_length = head_->network_length;
        twin->link_length = head_->link_length;
        twin->zone = head_->zone;
        const bytes all = wire();
        std::memcpy(twin->buffer + (twin->network_offset - twin->link_length), all.data(), all.size());
        return std::optional<frame>{frame{twin}};
    }

    // For adapters, which fill a frame before they know where its link header ends.

    /// Room to receive into: an Ethernet header with two tags and a packet of `frame_pool::capacity()` bytes.
    [[nodiscard]] mutable_bytes room() noexcept {
        constexpr std::size_t headroom = detail::frame_store::headroom;
        return head_ != nullptr ? mutable_bytes{head_->buffer + headroom, head_->store->buffer_size - headroom}
                                : mutable_bytes{};
    }
    /// Makes the first `total` bytes of `room()` the frame, of which `link_length` are its link header. The caller
    /// sees to `link_length <= total <= room().size()` and `link_length <= 22`.
    void settle(std::size_t link_length, std::size_t total) noexcept {
        head_->network_offset = static_cast<std::uint32_t>(detail::frame_store::headroom + link_length);
        head_->network_length = static_cast<std::uint32_t>(total - link_length);
        head_->link_length = static_cast<std::uint16_t>(link_length);
    }

private:
    friend class frame_pool;
    explicit frame(detail::frame_head* head) noexcept : head_{head} {}

    detail::frame_head* head_ = nullptr;
};

/// A fixed number of buffers of one size.
class frame_pool {
public:
    /// The least that `capacity()` is: answers are built in place, and an IPv6 host must take 1500 (RFC 8200 5).
    static constexpr std::size_t min_capacity = 2048;

    /// `count` buffers, each for a packet of at least `capacity` bytes behind its link header.
    explicit frame_pool(std::size_t count, std::size_t capacity = min_capacity)
        : store_{new detail::frame_store{count, std::max(capacity, min_capacity)}} {}

    /// A packet of `n` bytes of unspecified content without a link header; an empty slot when all buffers are out or
    /// `n` is above the capacity.
    [[nodiscard]] frame make(std::size_t n, zone_id zone) noexcept {
        detail::frame_head* const head = n <= store_->capacity ? store_->take() : nullptr;
        if (head == nullptr) {
            return {};
        }
        head->network_offset = static_cast<std::uint32_t>(detail::frame_store::headroom);
        head->network_length = static_cast<std::uint32_t>(n);
        head->link_length = 0;
        head->zone = zone;
        return frame{head};
    }
    /// Whether the frame's buffer is one of this pool's.
    [[nodiscard]] bool made(const frame& f) const noexcept {
        return f.head_ != nullptr && f.head_->store == store_.get();
    }
    [[nodiscard]] std::size_t size() const noexcept { return store_->count; }
    [[nodiscard]] std::size_t free() const noexcept { return store_->free_count; }
    [[nodiscard]] std::size_t capacity() const noexcept { return store_->capacity; }

private:
    struct leave {
        void operator()(detail::frame_store* store) const noexcept {
            if (store->free_count == store->count) {
                delete store;
            } else {
                store->orphaned = true;
            }
        }
    };

    std::unique_ptr<detail::frame_store, leave> store_;
};

static_assert(packet_handle<frame>);

}  // namespace ikealg::inline v0::io

#endif
