// SPDX-License-Identifier: Apache-2.0
/// What a UDP payload on port 4500 is (RFC 3948 2): for counters, tracing and the pause of new SAs (R5, G16).
///
///     keepalive   | 0xFF |                                    exactly one byte
///     IKE         | 0 0 0 0 | IKE header (28 bytes) ...       the non-ESP marker stands where ESP has its SPI
///     ESP         | SPI, not 0 | sequence number | ...
///
/// Thread safety: pure functions. Complexity: constant.
#ifndef IKEALG_WIRE_NATT_HPP
#define IKEALG_WIRE_NATT_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ikealg/base/bytes.hpp"

namespace ikealg::inline v0::wire {

enum class natt_kind : std::uint8_t {
    keepalive,
    ike_with_marker,
    esp_in_udp,
    other,  ///< another single byte, or too short for what it starts as
};

[[nodiscard]] constexpr std::string_view to_string(natt_kind k) noexcept {
    switch (k) {
        case natt_kind::keepalive: return "NAT-keepalive";
        case natt_kind::ike_with_marker: return "IKE with Non-ESP Marker";
        case natt_kind::esp_in_udp: return "UDP-encapsulated ESP";
        case natt_kind::other: return "other";
    }
    return "unknown";
}

inline constexpr std::size_t non_esp_marker_size = 4;

/// Also right for port 500, where a keepalive can be seen too (R2).
[[nodiscard]] constexpr bool is_keepalive(bytes udp_payload) noexcept {
    return udp_payload.size() == 1 && udp_payload[0] == 0xff;
}

[[nodiscard]] inline natt_kind classify_natt(bytes udp_payload) noexcept {
    constexpr std::size_t esp_header = 8;
    constexpr std::size_t ike_header = 28;
    if (is_keepalive(udp_payload)) {
        return natt_kind::keepalive;
    }
    if (udp_payload.size() < esp_header) {
        return natt_kind::other;
    }
    if (load_be32(udp_payload.data()) != 0) {
        return natt_kind::esp_in_udp;
    }
    return udp_payload.size() >= non_esp_marker_size + ike_header ? natt_kind::ike_with_marker : natt_kind::other;
}

/// The IKE message of a payload that is `ike_with_marker`.
[[nodiscard]] inline bytes ike_behind_marker(bytes udp_payload) noexcept {
    return udp_payload.subspan(non_esp_marker_size);
}

}  // namespace ikealg::inline v0::wire

#endif
