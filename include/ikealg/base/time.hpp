// SPDX-License-Identifier: Apache-2.0
/// Time as the library sees it: given by the caller, monotonic, never read from a clock.
///
/// `instant` is the caller's monotonic time in nanoseconds since an origin of the caller's choice. Records keep
/// a `tick`, the same time in milliseconds modulo 2^32 (it wraps after 49.7 days); the difference of two ticks
/// is right as long as they lie less than 24.8 days apart, and the longest timeout is one day (L4).
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_BASE_TIME_HPP
#define IKEALG_BASE_TIME_HPP

#include <chrono>
#include <cstdint>

namespace ikealg::inline v0 {

/// The caller's clock. It has no `now()`: the library never asks for the time.
struct host_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<host_clock>;
    static constexpr bool is_steady = true;
};

using duration = host_clock::duration;
using instant = host_clock::time_point;

/// Milliseconds modulo 2^32.
struct tick {
    std::uint32_t value = 0;

    /// Signed milliseconds from `earlier` to `later`; correct while they are less than 2^31 ms apart.
    [[nodiscard]] friend constexpr std::int32_t operator-(tick later, tick earlier) noexcept {
        return static_cast<std::int32_t>(later.value - earlier.value);
    }
    [[nodiscard]] friend constexpr tick operator+(tick at, std::uint32_t ms) noexcept {
        return tick{at.value + ms};
    }
    friend constexpr bool operator==(const tick&, const tick&) = default;
};

/// True when `a` lies before `b` on the wrapping scale.
[[nodiscard]] constexpr bool before(tick a, tick b) noexcept {
    return (a - b) < 0;
}

/// The tick that contains `at` (rounded down).
[[nodiscard]] constexpr tick to_tick(instant at) noexcept {
    return tick{static_cast<std::uint32_t>(at.time_since_epoch().count() / 1'000'000)};
}

/// Milliseconds of `span`, rounded up, negative spans as 0, saturated at 2^31 - 1.
[[nodiscard]] constexpr std::uint32_t to_ms(duration span) noexcept {
    if (span.count() <= 0) {
        return 0;
    }
    const auto ms = (span.count() + 999'999) / 1'000'000;
    return ms > 0x7fff'ffff ? 0x7fff'ffffU : static_cast<std::uint32_t>(ms);
}

/// Turns the caller's time into one that never runs back (L4): a step back is answered with the latest time seen.
class monotonic_guard {
public:
    /// The time to use for `now`; counts a step back.
    constexpr instant operator()(instant now) noexcept {
        if (now < latest_) {
            ++steps_back_;
            return latest_;
        }
        latest_ = now;
        return now;
    }
    [[nodiscard]] constexpr instant latest() const noexcept { return latest_; }
    [[nodiscard]] constexpr std::uint64_t steps_back() const noexcept { return steps_back_; }

private:
    instant latest_{};
    std::uint64_t steps_back_ = 0;
};

}  // namespace ikealg::inline v0

#endif
