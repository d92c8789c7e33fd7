// SPDX-License-Identifier: Apache-2.0
/// Held packets, handles and all: the records, the lists of them, and the way back to the host (G4, G14).
///
/// A packet is taken in, stands in a list of its client's, and is handed back: to go on, or to be dropped for a reason. The gateway collects
/// what was handed back, in order, behind the burst.
///
/// Invariants: a record is in at most one list; the bytes of all live records are within the limit.
/// Thread safety: none, one owner. Complexity: constant; `take_out` is linear in its list.
#ifndef IKEALG_ALG_HELD_STORE_HPP
#define IKEALG_ALG_HELD_STORE_HPP

#include <cstddef>
#include <cstdint>

#include "ikealg/alg/records.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::alg {

template <class Packet>
class held_store {
public:
    using held_type = held_packet<Packet>;

    explicit held_store(std::uint32_t capacity) : held_(capacity) {}

    [[nodiscard]] held_type& held_at(std::uint32_t i) noexcept { return held_[i]; }
    [[nodiscard]] const held_type& held_at(std::uint32_t i) const noexcept { return held_[i]; }
    [[nodiscard]] const table::slab<held_type>& held() const noexcept { return held_; }
    [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

    /// Room for a packet of `size` bytes; npos when there is none (G4: bounded in number and bytes).
    [[nodiscard]] std::uint32_t take(std::uint32_t size, instant now, std::size_t most_bytes) noexcept {
        if (held_bytes_ + size > most_bytes) {
            return npos;
        }
        const std::uint32_t i = held_.allocate();
        if (i != npos) {
            held_[i].size = size;
            held_[i].since = now;
            held_bytes_ += size;
            last_held_ = i;
        }
        return i;
    }
    /// The packet that was held last, so that the gateway can note by which flow it goes on.
    [[nodiscard]] std::uint32_t last_held() const noexcept { return last_held_; }
    void note_held(std::uint32_t i) noexcept { last_held_ = i; }
    /// Appends a held packet to a list.
    void append(std::uint32_t& first, std::uint32_t& last, std::uint32_t i) noexcept {
        held_[i].next = npos;
        (last == npos ? first : held_[last].next) = i;
        last = i;
    }
    /// Takes a held packet out of a list; linear in the list.
    void take_out(std::uint32_t& first, std::uint32_t& last, std::uint32_t i) noexcept {
        std::uint32_t before = npos;
        for (std::uint32_t at = first; at != npos; before = at, at = held_[at].next) {
            if (at == i) {
                (before == npos ? first : held_[before].next) = held_[i].next;
                if (last == i) {
                    last = before;
                }
                held_[i].next = npos;
                return;
            }
        }
    }
    /// Hands a held packet back: to be forwarded, or dropped when `reason` is set. The owner collects it with `next_released`.
    void hand_back(std::uint32_t i, drop_reason reason) noexcept {
        held_[i].reason = reason;
        append(first_released_, last_released_, i);
    }
    /// The next packet that was handed back, npos when there is none. The caller moves the handle out, then calls `free_held`.
    [[nodiscard]] std::uint32_t next_released() noexcept {
        const std::uint32_t i = first_released_;
        if (i != npos) {
            first_released_ = held_[i].next;
            if (first_released_ == npos) {
                last_released_ = npos;
            }
        } else {
            handing_out = false;
        }
        return i;
    }
    void free_held(std::uint32_t i) noexcept {
        held_bytes_ -= held_[i].size;
        held_.release(i);
    }

    bool handing_out = false;  ///< ESP that had its pause was handed back and not all has been collected: nothing may overtake it (G15, G16)

private:
    table::slab<held_type> held_;
    std::size_t held_bytes_ = 0;
    std::uint32_t last_held_ = npos;
    std::uint32_t first_released_ = npos;
    std::uint32_t last_released_ = npos;
};

}  // namespace ikealg::inline v0::alg

#endif
