// SPDX-License-Identifier: Apache-2.0
/// The rings of memory that a Linux packet socket shares with its owner (TPACKET_V3; packet_mmap in the kernel's
/// documentation): what the kernel wrote to one, and what it is to send from the other. On other systems this header
/// declares nothing.
///
///     receive: blocks that the kernel fills with packets and hands over whole, when full or after a time
///
///     | block 0: with us | block 1: with us | block 2: being filled | block 3: free |
///         ^ front()
///
///     transmit: slots of one packet
///
///     | available | sending | send request | send request | available | available |
///                              ^ unsent                      ^ next
///
/// Invariants: a block is the kernel's again when its last packet was popped; what `front()` showed is gone then. Slots
/// are filled and sent in order. The socket must not be closed before the ring.
///
/// Thread safety: one thread, besides the kernel. Complexity: constant per packet; no system call but in `start` and
/// `push`.
#ifndef IKEALG_IO_PACKET_RING_HPP
#define IKEALG_IO_PACKET_RING_HPP

#if defined(__linux__)

#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "ikealg/base/bytes.hpp"

namespace ikealg::inline v0::io::detail {

/// What did not work, for `device_error`; no error when `error` is 0.
struct ring_error {
    const char* what = "";
    int error = 0;
    [[nodiscard]] explicit operator bool() const noexcept { return error != 0; }
};

template <class T>
[[nodiscard]] int set_packet_option(int socket, int name, const T& value) noexcept {
    return ::setsockopt(socket, SOL_PACKET, name, &value, sizeof value) != 0 ? errno : 0;
}

/// Memory shared with the kernel.
class ring_memory {
public:
    ring_memory() = default;
    ring_memory(ring_memory&& other) noexcept
        : at_{std::exchange(other.at_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
    ring_memory& operator=(ring_memory&& other) noexcept {
        std::swap(at_, other.at_);
        std::swap(size_, other.size_);
        return *this;
    }
    ring_memory(const ring_memory&) = delete;
    ring_memory& operator=(const ring_memory&) = delete;
    ~ring_memory() {
        if (at_ != nullptr) {
            ::munmap(at_, size_);
        }
    }
    /// Asks for a ring and maps it; `which` is PACKET_RX_RING or PACKET_TX_RING.
    ring_error map(int socket, int which, const tpacket_req3& request) noexcept {
        constexpr int version = TPACKET_V3;
        if (const int error = set_packet_option(socket, PACKET_VERSION, version)) {
            return {"use packet rings of version 3 (Linux 4.11)", error};
        }
        if (const int error = set_packet_option(socket, which, request)) {
            return {which == PACKET_RX_RING ? "make the receive ring" : "make the transmit ring", error};
        }
        const std::size_t size = std::size_t{request.tp_block_size} * request.tp_block_nr;
        void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, socket, 0);
        if (at == MAP_FAILED) {
            return {"map the packet ring", errno};
        }
        at_ = at;
        size_ = size;
        return {};
    }
    [[nodiscard]] std::uint8_t* data() const noexcept { return static_cast<std::uint8_t*>(at_); }

private:
    void* at_ = nullptr;
    std::size_t size_ = 0;
};

/// Of a packet in either ring; behind it stands the address in the one, the frame in the other.
inline constexpr std::size_t ring_header_size =
    (sizeof(tpacket3_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT;

/// The kernel's structures at an address in a ring.
template <class T>
[[nodiscard]] T* ring_struct(std::uint8_t* at) noexcept {
    return static_cast<T*>(static_cast<void*>(at));
}
template <class Word>
[[nodiscard]] std::uint32_t load_status(Word& status) noexcept {
    return std::atomic_ref<Word>{status}.load(std::memory_order_acquire);
}
template <class Word>
void store_status(Word& status, std::uint32_t value) noexcept {
    std::atomic_ref<Word>{status}.store(value, std::memory_order_release);
}

/// What PACKET_VNET_HDR puts before a packet, in the machine's byte order: the legacy header of the virtio network device
/// (VIRTIO 1.2, 5.1.6), whose own declaration in linux/virtio_net.h is not C++.
struct undone_work {
    static constexpr std::uint8_t needs_checksum = 1;  ///< of `flags`
    static constexpr std::uint8_t nothing = 0, tcp_v4 = 1, udp_fragments = 3, tcp_v6 = 4, udp_datagrams = 5, ecn = 0x80;

    std::uint8_t flags = 0;
    std::uint8_t cut = nothing;  ///< into what the packet is to be cut
    std::uint16_t header_length = 0;
    std::uint16_t cut_size = 0;  ///< payload of a piece
    std::uint16_t checksum_start = 0;
    std::uint16_t checksum_offset = 0;

    /// Whether the checksum is yet to be completed.
    [[nodiscard]] constexpr bool is_partial() const noexcept { return (flags & needs_checksum) != 0; }
};
static_assert(sizeof(undone_work) == 10);

/// A packet as the kernel left it.
struct ring_packet {
    bytes data;                  ///< from the MAC header on, without a tag that the kernel took out
    bool truncated = false;      ///< there was more
    std::uint8_t direction = 0;  ///< PACKET_HOST, PACKET_OUTGOING, ...
    bool tagged = false;         ///< the kernel took out a tag:
    std::uint16_t tag_type = 0;
    std::uint16_t tag_control = 0;
    undone_work undone{};  ///< offsets from the start of `data`
};

class receive_ring {
public:
    /// Room for a packet of 64 KB, the largest that a kernel merges unless it is told otherwise.
    static constexpr std::uint32_t block_size = 1U << 17U;

    /// `size` is rounded up to whole blocks, at least four. A block that is not full is handed over `timeout` ms after it
    /// was begun.
    ring_error start(int socket, std::size_t size, unsigned timeout) noexcept {
        constexpr int on = 1;
        if (const int error = set_packet_option(socket, PACKET_VNET_HDR, on)) {
            return {"ask for checksum and segmentation metadata", error};
        }
        tpacket_req3 request{};
        request.tp_block_size = block_size;
        request.tp_block_nr =
            static_cast<std::uint32_t>(std::clamp<std::size_t>((size + block_size - 1) / block_size, 4, 1U << 14U));
        request.tp_frame_size = frame_size;
        request.tp_frame_nr = block_size / frame_size * request.tp_block_nr;
        request.tp_retire_blk_tov = std::max(timeout, 1U);
        blocks_ = request.tp_block_nr;
        return memory_.map(socket, PACKET_RX_RING, request);
    }

    /// The oldest packet, until it is popped.
    [[nodiscard]] std::optional<ring_packet> front() noexcept {
        while (left_ == 0) {
            tpacket_hdr_v1& head = block();
            if ((load_status(head.block_status) & TP_STATUS_USER) == 0) {
                return std::nullopt;
            }
            left_ = head.num_pkts;
            at_ = memory_.data() + std::size_t{block_} * block_size + head.offset_to_first_pkt;
            if (left_ == 0) {
                release();
            }
        }
        const auto* const head = ring_struct<const tpacket3_hdr>(at_);
        ring_packet p;
        p.data = {at_ + head->tp_mac, head->tp_snaplen};
        p.truncated = head->tp_snaplen < head->tp_len;
        p.direction = ring_struct<const sockaddr_ll>(at_ + ring_header_size)->sll_pkttype;
        p.tagged = (head->tp_status & TP_STATUS_VLAN_VALID) != 0;
        p.tag_type = (head->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? head->hv1.tp_vlan_tpid : default_tag_type;
        p.tag_control = static_cast<std::uint16_t>(head->hv1.tp_vlan_tci);
        std::memcpy(&p.undone, at_ + head->tp_mac - sizeof p.undone, sizeof p.undone);
        return p;
    }
    void pop() noexcept {
        if (--left_ == 0) {
            release();
        } else {
            at_ += ring_struct<const tpacket3_hdr>(at_)->tp_next_offset;
        }
    }

private:
    static constexpr std::uint32_t frame_size = 2048;  ///< the kernel only checks it
    static constexpr std::uint16_t default_tag_type = 0x8100;

    [[nodiscard]] tpacket_hdr_v1& block() const noexcept {
        return ring_struct<tpacket_block_desc>(memory_.data() + std::size_t{block_} * block_size)->hdr.bh1;
    }
    void release() noexcept {
        store_status(block().block_status, TP_STATUS_KERNEL);
        block_ = block_ + 1 == blocks_ ? 0 : block_ + 1;
    }

    ring_memory memory_;
    std::uint32_t blocks_ = 0;
    std::uint32_t block_ = 0;
    std::uint32_t left_ = 0;      ///< packets of the current block
    std::uint8_t* at_ = nullptr;  ///< the next one's header
};

class transmit_ring {
public:
    /// `size` is rounded to whole slots, which take frames of at least `frame` bytes.
    ring_error start(int socket, std::size_t size, std::size_t frame) noexcept {
        // A frame that the device no longer takes must not stop those behind it.
        constexpr int on = 1;
        if (const int error = set_packet_option(socket, PACKET_LOSS, on)) {
            return {"have unsendable frames skipped", error};
        }
        slot_ = std::bit_ceil(std::max(data_offset + frame, std::size_t{2048}));
        const std::size_t block = std::max(slot_, std::size_t{1} << 16U);
        const std::size_t blocks = std::clamp<std::size_t>((size + block - 1) / block, 1, 1U << 14U);
        slots_ = block / slot_ * blocks;
        tpacket_req3 request{};
        request.tp_block_size = static_cast<unsigned>(block);
        request.tp_block_nr = static_cast<unsigned>(blocks);
        request.tp_frame_size = static_cast<unsigned>(slot_);
        request.tp_frame_nr = static_cast<unsigned>(slots_);
        return memory_.map(socket, PACKET_TX_RING, request);
    }
    /// The longest frame that a slot takes.
    [[nodiscard]] std::size_t frame_room() const noexcept { return slot_ - data_offset; }

    /// Copies a frame of at most `frame_room()` bytes to the next slot; false when that is still with the kernel.
    [[nodiscard]] bool put(bytes frame) noexcept {
        std::uint8_t* const at = slot(next_);
        auto* const head = ring_struct<tpacket3_hdr>(at);
        if (pending_ == slots_ || load_status(head->tp_status) != TP_STATUS_AVAILABLE) {
            return false;
        }
        std::memcpy(at + data_offset, frame.data(), frame.size());
        head->tp_len = static_cast<std::uint32_t>(frame.size());
        head->tp_next_offset = 0;
        store_status(head->tp_status, TP_STATUS_SEND_REQUEST);
        next_ = after(next_);
        ++pending_;
        return true;
    }
    /// Frames that the kernel has not looked at yet.
    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

    /// Has the kernel send what is pending, as far as it can now. `lost(frame)` is asked of each frame that it took when
    /// it took frames that it cannot send. Returns 0 or an errno; EAGAIN and ENOBUFS say that the rest must wait.
    template <class Lost>
    int push(int socket, Lost&& lost) noexcept {
        const ssize_t sent = ::send(socket, nullptr, 0, MSG_DONTWAIT);
        const int error = sent < 0 ? errno : 0;
        const std::size_t first = unsent_;
        std::size_t taken = 0;
        std::size_t size = 0;
        while (pending_ > 0) {
            auto* const head = ring_struct<tpacket3_hdr>(slot(unsent_));
            if ((load_status(head->tp_status) & TP_STATUS_SEND_REQUEST) != 0) {
                break;
            }
            size += head->tp_len;
            unsent_ = after(unsent_);
            --pending_;
            ++taken;
        }
        if (error == 0 && static_cast<std::size_t>(sent) < size) [[unlikely]] {
            for (std::size_t i = first; taken > 0; i = after(i), --taken) {
                lost(bytes{slot(i) + data_offset, ring_struct<tpacket3_hdr>(slot(i))->tp_len});
            }
        }
        return error;
    }

private:
    static constexpr std::size_t data_offset = ring_header_size;

    [[nodiscard]] std::uint8_t* slot(std::size_t i) const noexcept { return memory_.data() + i * slot_; }
    [[nodiscard]] std::size_t after(std::size_t i) const noexcept { return i + 1 == slots_ ? 0 : i + 1; }

    ring_memory memory_;
    std::size_t slot_ = 0;
    std::size_t slots_ = 0;
    std::size_t next_ = 0;     ///< the next to be filled
    std::size_t unsent_ = 0;   ///< the oldest that the kernel has not taken
    std::size_t pending_ = 0;  ///< from there to `next_`
};

}  // namespace ikealg::inline v0::io::detail

#endif  // defined(__linux__)

#endif
