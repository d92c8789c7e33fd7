// SPDX-License-Identifier: Apache-2.0
/// The IP Authentication Header (RFC 4302 2), read-only: a NAT cannot pass it, for its ICV covers the addresses (E10).
///
///     |  next header  |  payload len  |           reserved            |
///     |                              SPI                              |
///     |                        sequence number                        |
///     |                  integrity check value (variable)             |
///
/// Invariant: 12 <= header_length() <= bytes given.
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant.
#ifndef IKEALG_WIRE_AH_HPP
#define IKEALG_WIRE_AH_HPP

#include <string_view>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

enum class ah_error : std::uint8_t {
    none,
    truncated_header,
    bad_length,     ///< the length field is less than the fixed part
    truncated_icv,  ///< the length field points beyond the IP payload
};

[[nodiscard]] constexpr std::string_view to_string(ah_error e) noexcept {
    switch (e) {
        case ah_error::none: return "no error";
        case ah_error::truncated_header: return "truncated AH header";
        case ah_error::bad_length: return "bad AH payload length";
        case ah_error::truncated_icv: return "truncated AH integrity check value";
    }
    return "unknown";
}

class ah_view {
public:
    static constexpr std::size_t fixed_size = 12;

    [[nodiscard]] static parsed<ah_view, ah_error> parse(bytes ip_payload) noexcept {
        if (ip_payload.size() < fixed_size) {
            return {{}, ah_error::truncated_header};
        }
        ah_view v;
        v.data_ = ip_payload;
        if (v.header_length() < fixed_size) {
            return {{}, ah_error::bad_length};
        }
        if (v.header_length() > ip_payload.size()) {
            return {{}, ah_error::truncated_icv};
        }
        return {v, ah_error::none};
    }

    [[nodiscard]] ip_protocol next_header() const noexcept {
        return static_cast<ip_protocol>(data_[next_header_offset]);
    }
    /// In bytes. On the wire it counts 4-byte words less 2 (RFC 4302 2.2).
    [[nodiscard]] std::size_t header_length() const noexcept { return (std::size_t{data_[length_offset]} + 2) * 4; }
    [[nodiscard]] ikealg::spi spi() const noexcept { return {load_be32(&data_[spi_offset])}; }
    [[nodiscard]] std::uint32_t sequence() const noexcept { return load_be32(&data_[sequence_offset]); }
    /// With the padding, of any value, that follows the value itself (RFC 4302 3.3.3.2.1): Linux fills up to 8 bytes.
    [[nodiscard]] bytes icv() const noexcept { return data_.subspan(fixed_size, header_length() - fixed_size); }
    [[nodiscard]] bytes payload() const noexcept { return data_.subspan(header_length()); }

private:
    static constexpr std::size_t next_header_offset = 0;
    static constexpr std::size_t length_offset = 1;
    static constexpr std::size_t spi_offset = 4;
    static constexpr std::size_t sequence_offset = 8;

    bytes data_{};
};

}  // namespace ikealg::inline v0::wire

#endif
