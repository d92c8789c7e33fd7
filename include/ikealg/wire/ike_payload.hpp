// SPDX-License-Identifier: Apache-2.0
/// The payloads of an IKE message that travel in clear, one after the other (RFC 2408 3.2, RFC 7296 3.2).
///
///     | next payload |C|  reserved  |  payload length  |  body ...
///
/// Each payload names the type of the one behind it. The same generic header chains proposals inside an SA payload
/// and transforms inside a proposal, so one bounded reader walks all three.
///
/// Nothing encrypted is entered: the walk over a message ends behind SK and SKF (46, 53), behind the vendor fragment
/// payload of IKEv1 (132), and is empty when the IKEv1 encryption flag is set or the major version is unknown. A
/// length that does not fit ends it with a fault that says what was wrong and where; what was read before stays
/// valid. Every step consumes at least the four header bytes, so no input makes it loop.
///
/// Thread safety: values over bytes the caller keeps alive. Complexity: constant for each payload.
#ifndef IKEALG_WIRE_IKE_PAYLOAD_HPP
#define IKEALG_WIRE_IKE_PAYLOAD_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ikealg/base/bytes.hpp"
#include "ikealg/wire/ike.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::wire {

/// What is wrong with the structure inside a message.
enum class payload_error : std::uint8_t {
    none,
    truncated_header,     ///< fewer bytes left than a header of this type has
    length_below_header,  ///< the length field is less than the header it is in
    length_beyond_end,    ///< the length field reaches beyond what encloses it
    unexpected_type,      ///< a chain of proposals or transforms names another type as next
    spi_beyond_end,       ///< the SPI size of a proposal reaches beyond it
    unknown_situation,    ///< IKEv1 SA whose DOI or situation the library does not read
};

[[nodiscard]] constexpr std::string_view to_string(payload_error e) noexcept {
    switch (e) {
        case payload_error::none: return "none";
        case payload_error::truncated_header: return "header is truncated";
        case payload_error::length_below_header: return "length field is below the header size";
        case payload_error::length_beyond_end: return "length field reaches beyond the enclosing bytes";
        case payload_error::unexpected_type: return "next payload type is not allowed here";
        case payload_error::spi_beyond_end: return "SPI size reaches beyond the proposal";
        case payload_error::unknown_situation: return "DOI or situation is unknown";
    }
    return "unknown";
}

/// Where a walk ended before its time.
struct payload_fault {
    payload_error error = payload_error::none;
    payload_type type = payload_type::none;  ///< of what was being read
    std::size_t offset = 0;                  ///< of its first byte, from the start of the IKE header

    [[nodiscard]] explicit operator bool() const noexcept { return error != payload_error::none; }
    friend constexpr bool operator==(const payload_fault&, const payload_fault&) = default;
};

/// One payload, proposal or transform.
struct payload {
    payload_type type = payload_type::none;
    payload_type next = payload_type::none;  ///< SK and SKF: the first type inside
    bool critical = false;                   ///< IKEv2: must be understood or refused (RFC 7296 2.5)
    std::size_t offset = 0;                  ///< of the generic header, from the start of the IKE header
    bytes body;                              ///< behind the generic header

    static constexpr std::size_t header_size = 4;
    [[nodiscard]] std::size_t body_offset() const noexcept { return offset + header_size; }
};

/// True for the payloads behind which nothing is in clear.
[[nodiscard]] constexpr bool ends_clear_part(payload_type t) noexcept {
    return t == payload_type::encrypted || t == payload_type::encrypted_fragment || t == payload_type::fragment_v1;
}

/// Walks a chain of generic headers: `while (const auto p = reader.next()) ...`, then `fault()` tells why it ended.
class payload_reader {
public:
    /// The clear payloads of a message.
    explicit payload_reader(const ike_view& message) noexcept : offset_(ike_view::header_size) {
        if ((message.is_v1() && !message.is_encrypted()) || message.is_v2()) {
            rest_ = message.payloads();
            next_ = message.next_payload();
        }
    }

    /// A chain of one type only, `type` after `type` until 0 (proposals, transforms), in `area`, which starts
    /// `offset` bytes behind the start of the IKE header. An empty area is an empty chain.
    payload_reader(bytes area, payload_type type, std::size_t offset) noexcept
        : rest_(area), offset_(offset), next_(area.empty() ? payload_type::none : type), only_(type) {}

    /// The next payload; nothing at the end and after a fault.
    [[nodiscard]] std::optional<payload> next() noexcept {
        if (next_ == payload_type::none) {
            return std::nullopt;
        }
        if (only_ != payload_type::none && next_ != only_) {
            return stop(payload_error::unexpected_type);
        }
        if (rest_.size() < payload::header_size) {
            return stop(payload_error::truncated_header);
        }
        const std::size_t length = load_be16(rest_.data() + 2);
        if (length < payload::header_size) {
            return stop(payload_error::length_below_header);
        }
        if (length > rest_.size()) {
            return stop(payload_error::length_beyond_end);
        }
        payload result;
        result.type = next_;
        result.next = static_cast<payload_type>(rest_[0]);
        result.critical = (rest_[1] & 0x80U) != 0;
        result.offset = offset_;
        result.body = rest_.first(length).subspan(payload::header_size);
        rest_ = rest_.subspan(length);
        offset_ += length;
        next_ = ends_clear_part(result.type) ? payload_type::none : result.next;
        return result;
    }

    [[nodiscard]] const payload_fault& fault() const noexcept { return fault_; }
    /// Bytes behind the last payload that was read: padding in IKEv1, nothing in a well-formed IKEv2 message.
    [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

private:
    std::optional<payload> stop(payload_error error) noexcept {
        fault_ = {error, next_, offset_};
        next_ = payload_type::none;
        return std::nullopt;
    }

    bytes rest_;
    std::size_t offset_;
    payload_type next_ = payload_type::none;
    payload_type only_ = payload_type::none;
    payload_fault fault_;
};

}  // namespace ikealg::inline v0::wire

#endif
