// SPDX-License-Identifier: Apache-2.0
/// The two fields of ESP that travel in clear (RFC 4303 2.1, 2.2), read-only. Nothing behind them is ever looked at
/// (E7).
///
///     |                              SPI                              |
///     |                        sequence number                        |
///
/// Invariant: the 8 bytes are there.
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant.
#ifndef IKEALG_WIRE_ESP_HPP
#define IKEALG_WIRE_ESP_HPP

#include <string_view>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

enum class esp_error : std::uint8_t { none, truncated_header };

[[nodiscard]] constexpr std::string_view to_string(esp_error e) noexcept {
    switch (e) {
        case esp_error::none: return "no error";
        case esp_error::truncated_header: return "truncated ESP header";
    }
    return "unknown";
}

/// SPIs 0 to 255: 0 must not travel, the others are reserved by IANA (RFC 4303 2.1). Dropped (E7).
[[nodiscard]] constexpr bool is_reserved(spi s) noexcept {
    return s.value < 256;
}

class esp_view {
public:
    static constexpr std::size_t header_size = 8;

    /// Reads an IP payload, or a UDP payload that `classify_natt` calls ESP.
    [[nodiscard]] static parsed<esp_view, esp_error> parse(bytes data) noexcept {
        if (data.size() < header_size) {
            return {{}, esp_error::truncated_header};
        }
        esp_view v;
        v.data_ = data;
        return {v, esp_error::none};
    }

    [[nodiscard]] ikealg::spi spi() const noexcept { return {load_be32(&data_[spi_offset])}; }
    /// The low 32 bits where extended sequence numbers are in use (RFC 4303 2.2.1): it wraps.
    [[nodiscard]] std::uint32_t sequence() const noexcept { return load_be32(&data_[sequence_offset]); }

private:
    static constexpr std::size_t spi_offset = 0;
    static constexpr std::size_t sequence_offset = 4;

    bytes data_{};
};

}  // namespace ikealg::inline v0::wire

#endif
