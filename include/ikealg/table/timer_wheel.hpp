// SPDX-License-Identifier: Apache-2.0
/// Hierarchical timer wheel of 32-bit ids with 1 ms ticks, for exact gate timers and lazy idle timers alike (L4, L5).
///
/// There is no cancel: when a timer fires, the record behind the id decides whether it still means anything. A lazy
/// timer looks at the record's last-seen tick then and schedules itself again; the packet path only writes that tick.
///
/// Four levels of 256 slots cover the wrapping 32-bit tick; a timer lives on the level of the highest byte in which its
/// deadline differs from the wheel's position, and moves down when the position reaches its slot:
///
///     level 3: 2^24 ms a slot      level 2: 2^16 ms      level 1: 256 ms      level 0: 1 ms, fires
///
/// A slot is a list of 128-byte chunks of fifteen timers that is only pushed to and popped from at its head, so all
/// chunks but the head are full, and moving a slot reads whole cache lines.
///
/// Preconditions: deadlines lie less than 2^31 ms from the wheel's position and advance() is called at least that
/// often, with a `now` that does not run back (an earlier one counts as the latest).
/// Invariants (L1): nothing is allocated after construction; a timer never fires early; it fires in the first advance()
/// whose `now` is not before its deadline, as far as the budget goes; timers fire by rising deadline, except that those
/// scheduled for a tick already passed come first in the next advance(). Among equal deadlines the order is repeatable
/// but unspecified.
///
/// Thread safety: none; one owner. Complexity: schedule() constant; advance() linear in the timers fired or moved, each
/// moved at most three times in its life; empty time is skipped by bitmaps. Memory: 8.5 bytes a timer of capacity, and
/// 12 KB to 135 KB.
#ifndef IKEALG_TABLE_TIMER_WHEEL_HPP
#define IKEALG_TABLE_TIMER_WHEEL_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/table/page_allocator.hpp"

namespace ikealg::inline v0::table {

struct advance_result {
    std::size_t fired = 0;
    /// The budget ran out while timers were (or, deadlines unseen, may be) due, or a timer that fired scheduled one for
    /// a passed tick: call again without waiting.
    bool more_due = false;
};

class timer_wheel {
public:
    /// @param capacity timers that may be pending at once, at most 2^31. @param start no advance() comes before this
    /// tick.
    timer_wheel(std::size_t capacity, tick start)
        : chunks_(chunk_count_for(capacity)), capacity_(capacity), position_(start) {
        for (std::size_t i = 0; i < chunks_.size(); ++i) {
            chunks_[i].next = i + 1 < chunks_.size() ? static_cast<std::uint32_t>(i + 1) : npos;
        }
        free_ = chunks_.empty() ? npos : 0;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return sizeof(*this) + chunks_.size() * sizeof(chunk); }

    /// Adds a timer; one id may have several. False when full. May be called by `on_fire` of a running advance().
    [[nodiscard]] bool schedule(std::uint32_t id, tick when) noexcept {
        if (size_ >= capacity_) {
            return false;
        }
        ++size_;
        if (before(when, position_)) {
            push(overdue_, {id, when});
        } else {
            place({id, when});
        }
        return true;
    }

    /// Fires what is due at `now`: calls `on_fire(std::uint32_t id, tick deadline)` for each, at most `budget` timers
    /// fired or moved down a level. What the budget leaves is continued by the next call. A timer that `on_fire`
    /// schedules for a tick after the one that fires and up to `now` fires in this call, one for an earlier tick in the
    /// next.
    template <class OnFire>
    advance_result advance(tick now, std::size_t budget, OnFire&& on_fire) {
        if (before(now, position_)) {
            now = latest();
        }
        advance_result result;
        bool overdue_taken = false;
        for (;;) {
            for (; firing_.head != npos && budget != 0; --budget) {
                const entry due = pop(firing_);
                --size_;
                ++result.fired;
                on_fire(due.id, due.deadline);
            }
            if (budget == 0) {
                break;
            }
            if (!overdue_taken) {
                overdue_taken = true;
                std::swap(firing_, overdue_);
            } else if (!step(now, budget)) {
                position_ = now + 1;
                break;
            }
        }
        const auto next = next_deadline();
        result.more_due = next && !before(now, *next);
        return result;
    }

    /// No timer fires before this tick, and one does in advance(this tick) unless advance() ran out of budget last.
    /// Empty when there is no timer; a tick that was already advanced to when a timer is overdue. Constant time.
    [[nodiscard]] std::optional<tick> next_deadline() const noexcept {
        if (size_ == 0) {
            return std::nullopt;
        }
        if (firing_.head != npos || overdue_.head != npos) {
            return latest();
        }
        const slot_id first = earliest_slot();
        return slots_[first.level][first.slot].earliest;
    }

    /// True when all invariants hold; for tests. Linear.
    [[nodiscard]] bool check() const {
        std::size_t entries = 0;
        std::size_t used = 0;
        const auto list_holds = [&](const list& in, auto&& entry_holds) {
            std::uint32_t count = in.count;
            for (std::uint32_t c = in.head; c != npos; c = chunks_[c].next, count = chunk_size) {
                if (count == 0 || count > chunk_size || ++used > chunks_.size()) {
                    return false;
                }
                entries += count;
                const auto first = chunks_[c].entries.begin();
                if (!std::all_of(first, first + count, entry_holds)) {
                    return false;
                }
            }
            return true;
        };
        const auto passed = [&](const entry& timer) { return before(timer.deadline, position_); };
        bool holds = list_holds(firing_, passed) && list_holds(overdue_, passed);
        for (std::uint32_t level = 0; level < levels; ++level) {
            for (std::uint32_t i = 0; i < slots_per_level; ++i) {
                const list& in = slots_[level][i];
                holds = holds && (in.head != npos) == ((occupied_[level][i / 64] >> (i % 64) & 1U) != 0);
                holds = holds && list_holds(in, [&](const entry& timer) {
                            const std::uint32_t expected = level_of(timer.deadline);
                            const bool waits_to_move = expected < level && i == digit(position_, level);
                            return !before(timer.deadline, position_) && !before(timer.deadline, in.earliest) &&
                                   digit(timer.deadline, level) == i && (expected == level || waits_to_move);
                        });
            }
        }
        for (std::uint32_t c = free_; c != npos && used <= chunks_.size(); c = chunks_[c].next) {
            ++used;
        }
        return holds && used == chunks_.size() && entries == size_ && size_ <= capacity_;
    }

private:
    static constexpr std::uint32_t levels = 4;
    static constexpr std::uint32_t slots_per_level = 256;
    static constexpr std::uint32_t chunk_size = 15;
    static constexpr std::uint32_t none = slots_per_level;

    struct entry {
        std::uint32_t id;
        tick deadline;
    };
    struct alignas(128) chunk {
        std::array<entry, chunk_size> entries{};
        std::uint32_t next = npos;
        std::uint32_t second =
            npos;  ///< the one after `next`, to be prefetched: lists of millions of timers move at once
    };
    static_assert(sizeof(chunk) == 128);

    struct list {
        std::uint32_t head = npos;
        std::uint32_t count = 0;  ///< entries in the head chunk; the chunks behind it are full
        tick earliest;            ///< no deadline in the list lies before; exact until entries are popped
    };

    /// Each list wastes less than one chunk, and no list in use has less than one timer.
    [[nodiscard]] static std::size_t chunk_count_for(std::size_t capacity) noexcept {
        assert(capacity <= std::size_t{1} << 31);
        constexpr std::size_t lists = levels * slots_per_level + 2;
        return std::min(capacity, (capacity + lists * (chunk_size - 1)) / chunk_size);
    }

    [[nodiscard]] tick latest() const noexcept { return tick{position_.value - 1}; }

    [[nodiscard]] static constexpr std::uint32_t digit(tick at, std::uint32_t level) noexcept {
        return at.value >> (8 * level) & 0xffU;
    }
    [[nodiscard]] std::uint32_t level_of(tick deadline) const noexcept {
        const std::uint32_t differing = deadline.value ^ position_.value;
        return (static_cast<std::uint32_t>(std::bit_width(differing | 1U)) - 1) / 8;
    }

    void push(list& to, entry timer) noexcept {
        if (to.head == npos || to.count == chunk_size) {
            const std::uint32_t fresh = free_;
            if (to.head == npos || before(timer.deadline, to.earliest)) {
                to.earliest = timer.deadline;
            }
            free_ = chunks_[fresh].next;
            chunks_[fresh].next = to.head;
            chunks_[fresh].second = to.head != npos ? chunks_[to.head].next : npos;
            to.head = fresh;
            to.count = 0;
        } else if (before(timer.deadline, to.earliest)) {
            to.earliest = timer.deadline;
        }
        chunks_[to.head].entries[to.count++] = timer;
    }

    [[nodiscard]] entry pop(list& from) noexcept {
        chunk& head = chunks_[from.head];
        const entry timer = head.entries[--from.count];
        if (from.count == 0) {
            const std::uint32_t emptied = from.head;
            from.head = head.next;
            from.count = chunk_size;
            head.next = free_;
            free_ = emptied;
            if (from.head != npos && chunks_[from.head].second != npos) {
                __builtin_prefetch(&chunks_[chunks_[from.head].second], 1);
            }
        }
        return timer;
    }

    /// Puts a timer that is not before the position into its slot.
    void place(entry timer) noexcept {
        const std::uint32_t level = level_of(timer.deadline);
        const std::uint32_t i = digit(timer.deadline, level);
        push(slots_[level][i], timer);
        occupied_[level][i / 64] |= std::uint64_t{1} << (i % 64);
    }

    /// The occupied slot of `level` that comes first from the position on, the position's own included. Only level 3
    /// goes round: the slots of a lower level all lie in the position's slot of the level above.
    [[nodiscard]] std::uint32_t first_slot(std::uint32_t level) const noexcept {
        const auto& words = occupied_[level];
        const std::uint32_t from = digit(position_, level);
        std::uint32_t w = from / 64;
        std::uint64_t bits = words[w] & (~std::uint64_t{0} << (from % 64));
        for (std::uint32_t visited = 0; visited <= words.size(); ++visited) {
            if (bits != 0) {
                return w * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
            }
            w = (w + 1) % static_cast<std::uint32_t>(words.size());
            bits = words[w];
        }
        return none;
    }

    void clear_bit(std::uint32_t level, std::uint32_t i) noexcept {
        occupied_[level][i / 64] &= ~(std::uint64_t{1} << (i % 64));
    }

    struct slot_id {
        std::uint32_t level = 0;
        std::uint32_t slot = none;
    };

    /// The slot with the earliest deadline of all. The highest level wins a tie: its timers must
    /// come down before their tick fires.
    [[nodiscard]] slot_id earliest_slot() const noexcept {
        slot_id best;
        for (std::uint32_t level = 0; level < levels; ++level) {
            const std::uint32_t i = first_slot(level);
            if (i != none &&
                (best.slot == none || !before(slots_[best.level][best.slot].earliest, slots_[level][i].earliest))) {
                best = {level, i};
            }
        }
        return best;
    }

    /// True when a slot above level 0 is the position's own: it has yet to move down. Otherwise level 0 comes first.
    [[nodiscard]] bool must_move_down() const noexcept {
        const auto own = [this](std::uint32_t level) {
            const std::uint32_t i = digit(position_, level);
            return occupied_[level][i / 64] >> (i % 64);
        };
        return ((own(1) | own(2) | own(3)) & 1U) != 0;
    }

    /// Makes the first due slot fire or move down. False when nothing is due at `now`.
    bool step(tick now, std::size_t& budget) noexcept {
        slot_id first{0, must_move_down() ? none : first_slot(0)};
        if (first.slot == none) {
            first = earliest_slot();
        }
        if (first.slot == none || before(now, slots_[first.level][first.slot].earliest)) {
            return false;
        }
        list& due = slots_[first.level][first.slot];
        position_ = due.earliest;
        if (first.level == 0) {
            position_ = position_ + 1;
            std::swap(firing_, due);
            clear_bit(0, first.slot);
            return true;
        }
        for (; due.head != npos && budget != 0; --budget) {
            place(pop(due));
        }
        if (due.head == npos) {
            clear_bit(first.level, first.slot);
        }
        return true;
    }

    std::vector<chunk, detail::page_allocator<chunk>> chunks_;
    std::array<std::array<list, slots_per_level>, levels> slots_{};
    std::array<std::array<std::uint64_t, slots_per_level / 64>, levels> occupied_{};
    list firing_;   ///< due before the position, taken out of the wheel
    list overdue_;  ///< scheduled for a tick before the position; fire in the next advance()
    std::size_t capacity_;
    std::size_t size_ = 0;
    tick position_;  ///< every tick before it has been fired or is in `firing_`
    std::uint32_t free_ = npos;
};

}  // namespace ikealg::inline v0::table

#endif
