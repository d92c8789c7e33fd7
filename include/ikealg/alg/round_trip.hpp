// SPDX-License-Identifier: Apache-2.0
/// The round trip to a server, as seen by the ALG: what an answer cannot be sooner than (E4), and how long to settle (G13).
///
/// Two sources. IKE answers to IKE, but an IKE answer contains the server's arithmetic (a Diffie-Hellman exchange, a lookup of keys), so it
/// says little about the path: hosts were seen that answer IKE in 100 to 400 ms and ESP in 1 to 80 ms. So the floor comes from ESP answers
/// alone. The first ones of a tunnel are slow (hosts were seen that took 30 to 70 ms for the first and 1 to 3 ms for the next): fewer than
/// four say nothing, then the least of the last sixteen is trusted the more the more there are, three quarters of it when the window
/// is full. A short window, because a packet that the server pushed by itself just after the client sent looks like a very fast
/// answer, and must be forgotten again. A floor that is too low costs a little certainty; one that is too high drops answers, so a tenure that saw nothing but
/// an early SPI refutes it.
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
    /// What seemed too early came and nothing else did: it was the answer, and what was known is of another time.
    void refute(duration took) noexcept {
        esp_samples_ = 0;
        esp_sample(took);
    }
    /// Nothing that comes sooner than this after the client's packet is likely to be its answer; zero while too little is known.
    [[nodiscard]] duration floor() const noexcept {
        const auto seen = std::min<std::size_t>(esp_samples_, window_.size());
        if (seen < least_samples) {
            return {};
        }
        const std::uint64_t least =
            *std::min_element(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(seen));
        const std::uint64_t us = least * 3 * seen / 64;
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
    static constexpr std::size_t least_samples = 4;

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
