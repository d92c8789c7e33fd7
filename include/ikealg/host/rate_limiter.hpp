// SPDX-License-Identifier: Apache-2.0
/// How many errors may be sent: a token bucket for all and one for each destination (RFC 1812 4.3.2.8).
///
/// Destinations share a fixed number of buckets by a keyed hash, so that memory is bounded and a stranger cannot aim at
/// another's bucket. What the destination's bucket refuses takes nothing from the common one.
///
/// Thread safety: none, one owner. Complexity: constant. Nothing allocates after construction.
#ifndef IKEALG_HOST_RATE_LIMITER_HPP
#define IKEALG_HOST_RATE_LIMITER_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/host/settings.hpp"

namespace ikealg::inline v0::host {

/// Fills with time, is emptied by use; starts full. Kept as the time at which it will be full (GCRA): 8 bytes.
class token_bucket {
public:
    /// Whether a token is there. `now` does not run back.
    [[nodiscard]] bool ready(rate r, instant now) const noexcept {
        return r.per_second != 0 && r.burst != 0 && std::max(full_at_, now) + interval(r) <= now + interval(r) * r.burst;
    }
    /// Takes the token that `ready` saw.
    void take(rate r, instant now) noexcept { full_at_ = std::max(full_at_, now) + interval(r); }

private:
    [[nodiscard]] static constexpr duration interval(rate r) noexcept { return duration{1'000'000'000 / r.per_second}; }

    instant full_at_{};
};

class rate_limiter {
public:
    /// `buckets`: a power of two.
    explicit rate_limiter(rate all, rate each, hash_secret secret, std::size_t buckets = 1024)
        : all_rate_(all), each_rate_(each), secret_(secret), each_(buckets) {}

    /// Whether a packet may be sent to `destination` now; it counts as sent then.
    [[nodiscard]] bool allow(ipv4_address destination, instant now) noexcept {
        token_bucket& own = each_[keyed_hash(std::array<std::uint64_t, 1>{destination.value}, secret_) & (each_.size() - 1)];
        if (!own.ready(each_rate_, now) || !all_.ready(all_rate_, now)) {
            return false;
        }
        own.take(each_rate_, now);
        all_.take(all_rate_, now);
        return true;
    }
    /// Other rates from now on; what was used stays used.
    void set_rates(rate all, rate each) noexcept {
        all_rate_ = all;
        each_rate_ = each;
    }

private:
    rate all_rate_;
    rate each_rate_;
    hash_secret secret_;
    token_bucket all_{};
    std::vector<token_bucket> each_;
};

}  // namespace ikealg::inline v0::host

#endif
