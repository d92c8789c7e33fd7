// SPDX-License-Identifier: Apache-2.0
/// Network-order access to packet bytes.
///
/// Every multi-byte field of a packet is read and written through these functions (Boost.Endian underneath):
/// no alignment is assumed and no struct is laid over packet memory. None of them checks a bound; the views in
/// wire/ check once in `parse()` and then only touch what they checked.
///
/// Thread safety: pure functions. Complexity: constant.
#ifndef IKEALG_BASE_BYTES_HPP
#define IKEALG_BASE_BYTES_HPP

#include <boost/endian/conversion.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ikealg::inline v0 {

/// Packet bytes that are only read.
using bytes = std::span<const std::uint8_t>;
/// Packet bytes that may be rewritten in place.
using mutable_bytes = std::span<std::uint8_t>;

[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* at) noexcept {
    return boost::endian::load_big_u16(at);
}
[[nodiscard]] inline std::uint32_t load_be24(const std::uint8_t* at) noexcept {
    return boost::endian::load_big_u24(at);
}
[[nodiscard]] inline std::uint32_t load_be32(const std::uint8_t* at) noexcept {
    return boost::endian::load_big_u32(at);
}
[[nodiscard]] inline std::uint64_t load_be64(const std::uint8_t* at) noexcept {
    return boost::endian::load_big_u64(at);
}
inline void store_be16(std::uint8_t* at, std::uint16_t value) noexcept {
    boost::endian::store_big_u16(at, value);
}
inline void store_be32(std::uint8_t* at, std::uint32_t value) noexcept {
    boost::endian::store_big_u32(at, value);
}
inline void store_be64(std::uint8_t* at, std::uint64_t value) noexcept {
    boost::endian::store_big_u64(at, value);
}

}  // namespace ikealg::inline v0

#endif
