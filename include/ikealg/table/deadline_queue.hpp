// SPDX-License-Identifier: Apache-2.0
/// Exact deadlines, one per record, that move often: an indexed binary heap.
///
/// The timer wheel has no cancel and wants deadlines that only move back; the timers of slots move both ways at every message.
/// There are few slots, so a heap that knows each record's place in it is the better fit.
///
/// Invariants (`check()`): heap order; every armed id appears once; place and heap agree.
/// Thread safety: none, one owner. Complexity: arm, disarm and pop O(log n); top and deadline O(1). Nothing allocates after construction.
#ifndef IKEALG_TABLE_DEADLINE_QUEUE_HPP
#define IKEALG_TABLE_DEADLINE_QUEUE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"

namespace ikealg::inline v0::table {

class deadline_queue {
public:
    /// For ids 0 to `ids - 1`.
    explicit deadline_queue(std::size_t ids) : heap_(ids), place_(ids, npos) {}

    /// Sets or moves the deadline of `id`.
    void arm(std::uint32_t id, instant at) noexcept {
        if (place_[id] == npos) {
            heap_[size_] = {at, id};
            up(size_++);
            return;
        }
        const std::uint32_t i = place_[id];
        const instant old = heap_[i].at;
        heap_[i].at = at;
        at < old ? up(i) : down(i);
    }

    void disarm(std::uint32_t id) noexcept {
        const std::uint32_t i = place_[id];
        if (i == npos) {
            return;
        }
        place_[id] = npos;
        const entry last = heap_[--size_];
        if (i < size_) {
            put(i, last);
            up(i);
            down(place_[last.id]);
        }
    }

    [[nodiscard]] bool armed(std::uint32_t id) const noexcept { return place_[id] != npos; }
    /// The deadline of an armed id.
    [[nodiscard]] instant deadline(std::uint32_t id) const noexcept { return heap_[place_[id]].at; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// The earliest deadline.
    [[nodiscard]] std::optional<instant> next() const noexcept {
        return size_ == 0 ? std::nullopt : std::optional{heap_.front().at};
    }
    /// Takes the id whose deadline is earliest, if that is due at `now`; npos otherwise.
    [[nodiscard]] std::uint32_t pop_due(instant now) noexcept {
        if (size_ == 0 || heap_.front().at > now) {
            return npos;
        }
        const std::uint32_t id = heap_.front().id;
        disarm(id);
        return id;
    }
    /// True when every invariant holds; linear, for tests.
    [[nodiscard]] bool check() const noexcept {
        for (std::size_t i = 0; i < size_; ++i) {
            if (place_[heap_[i].id] != i || (i != 0 && heap_[i].at < heap_[(i - 1) / 2].at)) {
                return false;
            }
        }
        std::size_t armed_count = 0;
        for (const auto p : place_) {
            armed_count += p != npos ? 1U : 0U;
        }
        return armed_count == size_;
    }

private:
    struct entry {
        instant at{};
        std::uint32_t id = npos;
    };

    void put(std::size_t i, entry e) noexcept {
        heap_[i] = e;
        place_[e.id] = static_cast<std::uint32_t>(i);
    }
    void up(std::size_t i) noexcept {
        const entry e = heap_[i];
        while (i != 0 && e.at < heap_[(i - 1) / 2].at) {
            put(i, heap_[(i - 1) / 2]);
            i = (i - 1) / 2;
        }
        put(i, e);
    }
    void down(std::size_t i) noexcept {
        const entry e = heap_[i];
        while (2 * i + 1 < size_) {
            std::size_t child = 2 * i + 1;
            if (child + 1 < size_ && heap_[child + 1].at < heap_[child].at) {
                ++child;
            }
            if (!(heap_[child].at < e.at)) {
                break;
            }
            put(i, heap_[child]);
            i = child;
        }
        put(i, e);
    }

    std::vector<entry> heap_;  ///< of fixed size, so that a copy has its room too; the first `size_` are in use
    std::vector<std::uint32_t> place_;
    std::size_t size_ = 0;
};

}  // namespace ikealg::inline v0::table

#endif
