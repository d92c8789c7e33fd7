// SPDX-License-Identifier: Apache-2.0
/// The round trip to a server, as seen by the ALG: what an answer cannot be sooner than (E4), and how long to settle (G13).
///
/// Two sources. IKE answers to IKE, but an IKE answer contains the server's arithmetic (a Diffie-Hellman exchange, a lookup of
/// keys), so its least value is an upper bound of the path, and sometimes far above it: hosts were seen that answer Main Mode in 12 ms and
/// ESP in 2 to 10 ms. So ESP answers count once there are some, and the least of the last sixteen is trusted the more the more there are:
/// the floor is a quarter of it at first and three quarters when the window is full. Without any it is a quarter of the least IKE round trip.
/// A short window, because a packet that the server pushed by itself just after the client sent looks like a very fast answer, and must
/// be forgotten again. A floor that is too low costs a little certainty; one that is too high drops answers and holds up everybody.
///
/// Thread safety: values. Complexity: constant (16 loads).
#ifndef IKEALG_ALG_ROUND_TRIP_HPP
#define IKEALG_ALG_ROUND_TRIP_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "ikealg/base/time.hpp"

namespace ikealg::inline v0::alg {

class round_trip {
public:
    /// An IKE answer came `took` after its request, which was sent once (Karn).
    void ike_sample(duration took) noexcept {
        const auto us = to_microseconds(took);
        least_ike_ = ike_samples_ == 0 ? us : std::min(least_ike_, us);
        smoothed_ike_ = ike_samples_ == 0 ? us : smoothed_ike_ - smoothed_ike_ / 8 + us / 8;
        ike_samples_ = std::min<std::uint32_t>(ike_samples_ + 1, 1U << 30);
    }
    /// The first ESP of a new inbound SPI came `took` after the ESP that asked for it.
    void esp_sample(duration took) noexcept {
        const auto us = to_microseconds(took);
        smoothed_esp_ = esp_samples_ == 0 ? us : smoothed_esp_ - smoothed_esp_ / 8 + us / 8;
        window_[esp_samples_ % window_.size()] = us;
        ++esp_samples_;
        if (esp_samples_ == 2 * window_.size()) {
            esp_samples_ = static_cast<std::uint32_t>(window_.size());
        }
    }
    /// Nothing that comes sooner than this after the client's packet can be its answer; zero while nothing is known.
    [[nodiscard]] duration floor() const noexcept {
        if (esp_samples_ == 0) {
            return std::chrono::microseconds{least_ike_ / 4};
        }
        const auto seen = std::min<std::size_t>(esp_samples_, window_.size());
        const std::uint64_t least =
            *std::min_element(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(seen));
        const std::uint64_t us = least * (8 + seen) / 32;
        return std::chrono::microseconds{ike_samples_ == 0 ? us : std::min<std::uint64_t>(us, least_ike_ * std::uint64_t{9} / 10)};
    }
    /// The smoothed round trip of ESP when known, else of IKE.
    [[nodiscard]] duration smoothed() const noexcept {
        return std::chrono::microseconds{esp_samples_ != 0 ? smoothed_esp_ : smoothed_ike_};
    }
    /// An ESP answer was seen.
    [[nodiscard]] bool has_esp() const noexcept { return esp_samples_ != 0; }
    /// The least IKE round trip, zero while nothing is known.
    [[nodiscard]] duration least() const noexcept { return std::chrono::microseconds{least_ike_}; }

private:
    [[nodiscard]] static std::uint32_t to_microseconds(duration took) noexcept {
        const auto us = took.count() / 1000;
        return us < 0 ? 0 : us > 60'000'000 ? 60'000'000U : static_cast<std::uint32_t>(us);
    }

    std::uint32_t least_ike_ = 0;
    std::uint32_t smoothed_ike_ = 0;
    std::uint32_t smoothed_esp_ = 0;
    std::uint32_t ike_samples_ = 0;
    std::uint32_t esp_samples_ = 0;
    std::array<std::uint32_t, 16> window_{};
};

}  // namespace ikealg::inline v0::alg

#endif
