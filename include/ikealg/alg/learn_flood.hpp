// SPDX-License-Identifier: Apache-2.0
/// Guards a slot against forged ESP that would end every tenure (L7).
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_ALG_LEARN_FLOOD_HPP
#define IKEALG_ALG_LEARN_FLOOD_HPP

#include <cstdint>

#include "ikealg/alg/records.hpp"

namespace ikealg::inline v0::alg {

/// Counts an unknown inbound SPI of the slot; true when it must not satisfy an exchange: while unknown SPIs exceed `limit` a second, one
/// counts only when it comes twice with rising sequence numbers.
template <class Slot>
[[nodiscard]] bool learn_flooded(Slot& s, spi value, std::uint32_t sequence, std::uint32_t limit, instant now) noexcept {
    if (const std::int32_t age = to_tick(now) - s.flood_began; age >= 1000 || age < 0) {  // ticks come round (L4)
        s.flood_began = to_tick(now);
        s.flood_count = 0;
    }
    if (++s.flood_count <= limit) {
        return false;
    }
    for (auto& once : s.seen_once) {
        if (once.used && once.spi == value) {
            const bool rising = sequence > once.sequence;
            once.sequence = sequence;
            once.used = !rising;
            return !rising;
        }
    }
    s.seen_once[s.next_once] = {value, sequence, true};
    s.next_once = static_cast<std::uint8_t>((s.next_once + 1U) % s.seen_once.size());
    return true;
}

}  // namespace ikealg::inline v0::alg

#endif
