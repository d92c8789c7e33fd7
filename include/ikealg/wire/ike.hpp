// SPDX-License-Identifier: Apache-2.0
/// The IKE header (RFC 2408 3.1, RFC 7296 3.1) and the clear part of IKE fragments (RFC 7383 2.5), read-only.
///
///      0                   1                   2                   3
///     |                    initiator SPI (8 bytes)                    |
///     |                    responder SPI (8 bytes)                    |
///     | next payload  | major | minor | exchange type |     flags     |
///     |                           message id                          |
///     |                  length (header and payloads)                 |
///
/// The view is over a UDP payload; on port 4500 the caller has taken the non-ESP marker off. `parse()` is the only
/// check (R1, R3); accessors cannot fail afterwards. Nothing in an IKE message is ever modified: it is authenticated,
/// or will be.
///
/// Thread safety: values over bytes the caller keeps alive. Complexity: constant.
#ifndef IKEALG_WIRE_IKE_HPP
#define IKEALG_WIRE_IKE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/ike_types.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

/// Why a UDP payload is not an IKE message.
enum class ike_error : std::uint8_t {
    none,
    too_short,              ///< fewer than 28 bytes (R1)
    length_below_header,    ///< the length field is less than 28 (R3)
    length_beyond_payload,  ///< the length field is more than the UDP payload (R3)
    /// R1; in old drafts eight zero bytes introduce ESP-in-UDP (R2). Found last: the view can still be shown to people.
    zero_initiator_spi,
};

[[nodiscard]] constexpr std::string_view to_string(ike_error e) noexcept {
    switch (e) {
        case ike_error::none: return "none";
        case ike_error::too_short: return "payload is shorter than an IKE header";
        case ike_error::length_below_header: return "IKE length field is below the header size";
        case ike_error::length_beyond_payload: return "IKE length field exceeds the UDP payload";
        case ike_error::zero_initiator_spi: return "initiator SPI is zero";
    }
    return "unknown";
}

/// The clear numbers of one IKE fragment (R9).
struct fragment_info {
    std::uint16_t number = 0;  ///< from 1
    std::uint16_t total = 0;   ///< IKEv2: number of fragments of the message; IKEv1 does not say: 0
    std::uint16_t id = 0;      ///< IKEv1: equal in all fragments of a message; IKEv2: 0, the message id says it
    bool last = false;         ///< IKEv1: the flag; IKEv2: number == total

    /// Numbers that a peer would accept (RFC 7383 2.6): not zero, and not above the total where there is one.
    [[nodiscard]] constexpr bool plausible() const noexcept { return number != 0 && (total == 0 || number <= total); }
    friend constexpr bool operator==(const fragment_info&, const fragment_info&) = default;
};

class ike_view;
using ike_parsed = parsed<ike_view, ike_error>;

/// One IKE message. A default-constructed view reads as 28 zero bytes.
class ike_view {
public:
    static constexpr std::size_t header_size = 28;

    ike_view() noexcept = default;
    /// Reads a whole UDP payload.
    [[nodiscard]] static ike_parsed parse(bytes udp_payload) noexcept;
    /// Reads the start of a UDP payload whose rest travels in other IP fragments (N9): `present` is what is here,
    /// `udp_payload_size` what the UDP header announces, not less than `present.size()`.
    [[nodiscard]] static ike_parsed parse(bytes present, std::size_t udp_payload_size) noexcept;

    [[nodiscard]] ike_spi initiator_spi() const noexcept { return {load_be64(at(initiator_spi_offset))}; }
    [[nodiscard]] ike_spi responder_spi() const noexcept { return {load_be64(at(responder_spi_offset))}; }
    /// Type of the first payload. In an encrypted IKEv1 message it names the first one inside.
    [[nodiscard]] payload_type next_payload() const noexcept {
        return static_cast<payload_type>(message_[next_payload_offset]);
    }
    /// The version octet, e.g. 0x20.
    [[nodiscard]] std::uint8_t version() const noexcept { return message_[version_offset]; }
    [[nodiscard]] unsigned major_version() const noexcept { return version() >> 4U; }
    [[nodiscard]] unsigned minor_version() const noexcept { return version() & 0x0fU; }
    [[nodiscard]] bool is_v1() const noexcept { return major_version() == 1; }
    [[nodiscard]] bool is_v2() const noexcept { return major_version() == 2; }
    [[nodiscard]] exchange_type exchange() const noexcept {
        return static_cast<exchange_type>(message_[exchange_offset]);
    }
    [[nodiscard]] std::uint8_t flags() const noexcept { return message_[flags_offset]; }
    [[nodiscard]] std::uint32_t message_id() const noexcept { return load_be32(at(message_id_offset)); }
    /// The length field: header and payloads, without trailing bytes.
    [[nodiscard]] std::uint32_t length() const noexcept { return load_be32(at(length_offset)); }

    /// Major version 1 or 2 and an exchange of that version. Others are passed on as plain UDP (R4).
    [[nodiscard]] bool recognised() const noexcept { return is_known(exchange(), major_version()); }
    /// A recognised exchange that can create an ESP SA (R8).
    [[nodiscard]] bool is_phase2() const noexcept { return recognised() && wire::is_phase2(exchange()); }

    /// IKEv2: this answers a request.
    [[nodiscard]] bool is_response() const noexcept { return is_v2() && has(ike_flag::response); }
    /// IKEv2: sent by the original initiator of the IKE SA.
    [[nodiscard]] bool is_initiator() const noexcept { return is_v2() && has(ike_flag::initiator); }
    /// IKEv1: all payloads are encrypted. IKEv2 has an SK payload instead.
    [[nodiscard]] bool is_encrypted() const noexcept { return is_v1() && has(ike_flag::encryption); }
    /// IKEv1 commit bit.
    [[nodiscard]] bool is_commit() const noexcept { return is_v1() && has(ike_flag::commit); }
    /// IKEv1 authentication-only bit.
    [[nodiscard]] bool is_authentication_only() const noexcept { return is_v1() && has(ike_flag::authentication_only); }

    /// The message without trailing bytes: `length()` bytes, or fewer when `is_complete()` is false.
    [[nodiscard]] bytes message() const noexcept { return message_; }
    /// What follows the header, in `message()`.
    [[nodiscard]] bytes payloads() const noexcept { return message_.subspan(header_size); }
    /// False if the rest of the message travels in other IP fragments.
    [[nodiscard]] bool is_complete() const noexcept { return message_.size() == length(); }
    /// Bytes of the UDP payload behind the message; allowed (R3), and counted by who wants to.
    [[nodiscard]] std::size_t trailing() const noexcept { return trailing_; }

    /// The fragment numbers if the first payload is SKF (IKEv2) or a vendor fragment (IKEv1, in clear), and is here
    /// (R9).
    [[nodiscard]] std::optional<fragment_info> fragment() const noexcept;

private:
    static constexpr std::size_t initiator_spi_offset = 0;
    static constexpr std::size_t responder_spi_offset = 8;
    static constexpr std::size_t next_payload_offset = 16;
    static constexpr std::size_t version_offset = 17;
    static constexpr std::size_t exchange_offset = 18;
    static constexpr std::size_t flags_offset = 19;
    static constexpr std::size_t message_id_offset = 20;
    static constexpr std::size_t length_offset = 24;
    /// Behind the generic payload header: IKEv2 number (2), total (2); IKEv1 id (2), number (1), last (1).
    static constexpr std::size_t fragment_offset = header_size + 4;
    static constexpr std::size_t fragment_size = 4;

    static constexpr std::array<std::uint8_t, header_size> zeros{};

    ike_view(bytes message, std::size_t trailing) noexcept : message_(message), trailing_(trailing) {}
    [[nodiscard]] const std::uint8_t* at(std::size_t offset) const noexcept { return message_.data() + offset; }
    [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags() & flag) != 0; }

    bytes message_{zeros};
    std::size_t trailing_ = 0;
};

inline ike_parsed ike_view::parse(bytes udp_payload) noexcept {
    return parse(udp_payload, udp_payload.size());
}

inline ike_parsed ike_view::parse(bytes present, std::size_t udp_payload_size) noexcept {
    if (present.size() < header_size) {
        return {{}, ike_error::too_short};
    }
    const std::size_t length = load_be32(present.data() + length_offset);
    if (length < header_size) {
        return {{}, ike_error::length_below_header};
    }
    if (length > udp_payload_size) {
        return {{}, ike_error::length_beyond_payload};
    }
    const std::size_t here = length < present.size() ? length : present.size();
    const ike_view view(present.first(here), udp_payload_size - length);
    return {view, view.initiator_spi().value == 0 ? ike_error::zero_initiator_spi : ike_error::none};
}

inline std::optional<fragment_info> ike_view::fragment() const noexcept {
    if (message_.size() < fragment_offset + fragment_size) {
        return std::nullopt;
    }
    fragment_info info;
    if (is_v2() && next_payload() == payload_type::encrypted_fragment) {
        info.number = load_be16(at(fragment_offset));
        info.total = load_be16(at(fragment_offset + 2));
        info.last = info.number == info.total;
        return info;
    }
    if (is_v1() && !is_encrypted() && next_payload() == payload_type::fragment_v1) {
        info.id = load_be16(at(fragment_offset));
        info.number = message_[fragment_offset + 2];
        info.last = message_[fragment_offset + 3] != 0;
        return info;
    }
    return std::nullopt;
}

}  // namespace ikealg::inline v0::wire

#endif
