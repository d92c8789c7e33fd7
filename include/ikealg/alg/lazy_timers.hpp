// SPDX-License-Identifier: Apache-2.0
/// The lazy timers of records: one a record, in one wheel.
///
/// A record's timer is armed when the record is made; when it fires, the record says whether it is idle and arms itself again. Records that end
/// early leave their timer in the wheel, and their index may be given to a new record at once. So each index remembers what it is armed
/// for: a new record takes an armed timer over unless its own deadline comes sooner, and a timer that fires for an older arming is ignored.
/// A flood of records that come and go therefore cannot fill the wheel.
///
/// Invariants: an index has at most one timer that counts. Thread safety: none, one owner. Complexity: constant. Nothing allocates after
/// construction (L1).
#ifndef IKEALG_ALG_LAZY_TIMERS_HPP
#define IKEALG_ALG_LAZY_TIMERS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ikealg/base/time.hpp"
#include "ikealg/table/timer_wheel.hpp"

namespace ikealg::inline v0::alg {

/// Whose timer it is.
enum class timer_kind : std::uint8_t { flow, pair, session };
inline constexpr std::size_t timer_kind_count = 3;

class lazy_timers {
public:
    /// For so many records of each kind, in the order of `timer_kind`.
    lazy_timers(const std::array<std::uint32_t, timer_kind_count>& records, tick start)
        : wheel_(room_for(records), start) {
        for (std::size_t kind = 0; kind < timer_kind_count; ++kind) {
            armed_[kind].resize(records[kind]);
        }
    }

    /// Makes the record's timer fire at `when`, or sooner if an older one is armed for sooner. False when the wheel is full.
    [[nodiscard]] bool arm(timer_kind kind, std::uint32_t index, tick when) noexcept {
        entry& e = armed_[static_cast<std::size_t>(kind)][index];
        if (e.armed && !before(when, e.when)) {
            return true;
        }
        if (!wheel_.schedule(static_cast<std::uint32_t>(kind) << index_bits | index, when)) {
            return false;
        }
        e = {when, true};
        return true;
    }

    /// Calls `on_fire(timer_kind, std::uint32_t index)` for each timer that is due, at most `budget` of them fired or moved.
    template <class OnFire>
    table::advance_result advance(tick now, std::size_t budget, OnFire&& on_fire) {
        return wheel_.advance(now, budget, [&](std::uint32_t id, tick deadline) {
            const std::uint32_t index = id & ((1U << index_bits) - 1);
            entry& e = armed_[id >> index_bits][index];
            if (e.armed && e.when == deadline) {
                e.armed = false;
                on_fire(static_cast<timer_kind>(id >> index_bits), index);
            }
        });
    }
    [[nodiscard]] std::optional<tick> next_deadline() const noexcept { return wheel_.next_deadline(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        std::size_t sum = wheel_.memory_bytes();
        for (const auto& kind : armed_) {
            sum += kind.size() * sizeof(entry);
        }
        return sum;
    }

private:
    static constexpr unsigned index_bits = 28;

    struct entry {
        tick when{};
        bool armed = false;
    };
    /// A timer for each record, and a quarter more for those that are armed anew for sooner.
    [[nodiscard]] static constexpr std::size_t room_for(const std::array<std::uint32_t, timer_kind_count>& records) noexcept {
        std::size_t sum = 64;
        for (const std::uint32_t n : records) {
            sum += n + n / 4;
        }
        return sum;
    }

    table::timer_wheel wheel_;
    std::array<std::vector<entry>, timer_kind_count> armed_{};
};

}  // namespace ikealg::inline v0::alg

#endif
