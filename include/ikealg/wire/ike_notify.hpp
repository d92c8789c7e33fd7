// SPDX-License-Identifier: Apache-2.0
/// Notify and delete payloads in clear (RFC 2408 3.14-3.15, RFC 7296 3.10-3.11).
///
///     v1 notify: DOI (4), protocol, SPI size, type (2), SPI, data      v2 notify: the same without DOI
///     v1 delete: DOI (4), protocol, SPI size, count (2), SPIs          v2 delete: the same without DOI
///
/// IKEv1 and IKEv2 number the same things differently, so a type has a name only together with its version. Types
/// below 16384 report errors, others a status, in both.
///
/// Thread safety: values over bytes the caller keeps alive. Complexity: constant; names linear in their table.
#ifndef IKEALG_WIRE_IKE_NOTIFY_HPP
#define IKEALG_WIRE_IKE_NOTIFY_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ikealg/base/bytes.hpp"
#include "ikealg/wire/ike_names.hpp"
#include "ikealg/wire/ike_payload.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::wire {

/// IKEv2 notify types that the library itself looks for (R6, D1).
namespace notify_v2 {
inline constexpr std::uint16_t invalid_major_version = 5;
inline constexpr std::uint16_t no_proposal_chosen = 14;
inline constexpr std::uint16_t invalid_ke_payload = 17;
inline constexpr std::uint16_t authentication_failed = 24;
inline constexpr std::uint16_t nat_detection_source_ip = 16388;
inline constexpr std::uint16_t nat_detection_destination_ip = 16389;
inline constexpr std::uint16_t cookie = 16390;
inline constexpr std::uint16_t redirect = 16407;
}  // namespace notify_v2

/// IKEv1 notify types that the library itself looks for.
namespace notify_v1 {
inline constexpr std::uint16_t no_proposal_chosen = 14;
inline constexpr std::uint16_t authentication_failed = 24;
inline constexpr std::uint16_t connected = 16384;
}  // namespace notify_v1

/// RFC 2408 3.14.1, RFC 2407 4.6.3, RFC 3706 5.
[[nodiscard]] constexpr std::string_view notify_name_v1(std::uint16_t type) noexcept {
    constexpr std::array<number_name, 36> table{{
        {1, "INVALID-PAYLOAD-TYPE"},
        {2, "DOI-NOT-SUPPORTED"},
        {3, "SITUATION-NOT-SUPPORTED"},
        {4, "INVALID-COOKIE"},
        {5, "INVALID-MAJOR-VERSION"},
        {6, "INVALID-MINOR-VERSION"},
        {7, "INVALID-EXCHANGE-TYPE"},
        {8, "INVALID-FLAGS"},
        {9, "INVALID-MESSAGE-ID"},
        {10, "INVALID-PROTOCOL-ID"},
        {11, "INVALID-SPI"},
        {12, "INVALID-TRANSFORM-ID"},
        {13, "ATTRIBUTES-NOT-SUPPORTED"},
        {14, "NO-PROPOSAL-CHOSEN"},
        {15, "BAD-PROPOSAL-SYNTAX"},
        {16, "PAYLOAD-MALFORMED"},
        {17, "INVALID-KEY-INFORMATION"},
        {18, "INVALID-ID-INFORMATION"},
        {19, "INVALID-CERT-ENCODING"},
        {20, "INVALID-CERTIFICATE"},
        {21, "CERT-TYPE-UNSUPPORTED"},
        {22, "INVALID-CERT-AUTHORITY"},
        {23, "INVALID-HASH-INFORMATION"},
        {24, "AUTHENTICATION-FAILED"},
        {25, "INVALID-SIGNATURE"},
        {26, "ADDRESS-NOTIFICATION"},
        {27, "NOTIFY-SA-LIFETIME"},
        {28, "CERTIFICATE-UNAVAILABLE"},
        {29, "UNSUPPORTED-EXCHANGE-TYPE"},
        {30, "UNEQUAL-PAYLOAD-LENGTHS"},
        {16384, "CONNECTED"},
        {24576, "RESPONDER-LIFETIME"},
        {24577, "REPLAY-STATUS"},
        {24578, "INITIAL-CONTACT"},
        {36136, "R-U-THERE"},
        {36137, "R-U-THERE-ACK"},
    }};
    return find_name(table, type);
}

/// IANA "IKEv2 Notify Message Error Types" and "Status Types".
[[nodiscard]] constexpr std::string_view notify_name_v2(std::uint16_t type) noexcept {
    constexpr std::array<number_name, 87> table{{
        {1, "UNSUPPORTED_CRITICAL_PAYLOAD"},
        {4, "INVALID_IKE_SPI"},
        {5, "INVALID_MAJOR_VERSION"},
        {7, "INVALID_SYNTAX"},
        {9, "INVALID_MESSAGE_ID"},
        {11, "INVALID_SPI"},
        {14, "NO_PROPOSAL_CHOSEN"},
        {17, "INVALID_KE_PAYLOAD"},
        {24, "AUTHENTICATION_FAILED"},
        {34, "SINGLE_PAIR_REQUIRED"},
        {35, "NO_ADDITIONAL_SAS"},
        {36, "INTERNAL_ADDRESS_FAILURE"},
        {37, "FAILED_CP_REQUIRED"},
        {38, "TS_UNACCEPTABLE"},
        {39, "INVALID_SELECTORS"},
        {40, "UNACCEPTABLE_ADDRESSES"},
        {41, "UNEXPECTED_NAT_DETECTED"},
        {42, "USE_ASSIGNED_HoA"},
        {43, "TEMPORARY_FAILURE"},
        {44, "CHILD_SA_NOT_FOUND"},
        {45, "INVALID_GROUP_ID"},
        {46, "AUTHORIZATION_FAILED"},
        {47, "STATE_NOT_FOUND"},
        {48, "TS_MAX_QUEUE"},
        {16384, "INITIAL_CONTACT"},
        {16385, "SET_WINDOW_SIZE"},
        {16386, "ADDITIONAL_TS_POSSIBLE"},
        {16387, "IPCOMP_SUPPORTED"},
        {16388, "NAT_DETECTION_SOURCE_IP"},
        {16389, "NAT_DETECTION_DESTINATION_IP"},
        {16390, "COOKIE"},
        {16391, "USE_TRANSPORT_MODE"},
        {16392, "HTTP_CERT_LOOKUP_SUPPORTED"},
        {16393, "REKEY_SA"},
        {16394, "ESP_TFC_PADDING_NOT_SUPPORTED"},
        {16395, "NON_FIRST_FRAGMENTS_ALSO"},
        {16396, "MOBIKE_SUPPORTED"},
        {16397, "ADDITIONAL_IP4_ADDRESS"},
        {16398, "ADDITIONAL_IP6_ADDRESS"},
        {16399, "NO_ADDITIONAL_ADDRESSES"},
        {16400, "UPDATE_SA_ADDRESSES"},
        {16401, "COOKIE2"},
        {16402, "NO_NATS_ALLOWED"},
        {16403, "AUTH_LIFETIME"},
        {16404, "MULTIPLE_AUTH_SUPPORTED"},
        {16405, "ANOTHER_AUTH_FOLLOWS"},
        {16406, "REDIRECT_SUPPORTED"},
        {16407, "REDIRECT"},
        {16408, "REDIRECTED_FROM"},
        {16409, "TICKET_LT_OPAQUE"},
        {16410, "TICKET_REQUEST"},
        {16411, "TICKET_ACK"},
        {16412, "TICKET_NACK"},
        {16413, "TICKET_OPAQUE"},
        {16414, "LINK_ID"},
        {16415, "USE_WESP_MODE"},
        {16416, "ROHC_SUPPORTED"},
        {16417, "EAP_ONLY_AUTHENTICATION"},
        {16418, "CHILDLESS_IKEV2_SUPPORTED"},
        {16419, "QUICK_CRASH_DETECTION"},
        {16420, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED"},
        {16421, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED"},
        {16422, "IKEV2_MESSAGE_ID_SYNC"},
        {16423, "IPSEC_REPLAY_COUNTER_SYNC"},
        {16424, "SECURE_PASSWORD_METHODS"},
        {16425, "PSK_PERSIST"},
        {16426, "PSK_CONFIRM"},
        {16427, "ERX_SUPPORTED"},
        {16428, "IFOM_CAPABILITY"},
        {16429, "SENDER_REQUEST_ID"},
        {16430, "IKEV2_FRAGMENTATION_SUPPORTED"},
        {16431, "SIGNATURE_HASH_ALGORITHMS"},
        {16432, "CLONE_IKE_SA_SUPPORTED"},
        {16433, "CLONE_IKE_SA"},
        {16434, "PUZZLE"},
        {16435, "USE_PPK"},
        {16436, "PPK_IDENTITY"},
        {16437, "NO_PPK_AUTH"},
        {16438, "INTERMEDIATE_EXCHANGE_SUPPORTED"},
        {16439, "IP4_ALLOWED"},
        {16440, "IP6_ALLOWED"},
        {16441, "ADDITIONAL_KEY_EXCHANGE"},
        {16442, "USE_AGGFRAG"},
        {16443, "SUPPORTED_AUTH_METHODS"},
        {16444, "SA_RESOURCE_INFO"},
        {16445, "USE_PPK_INT"},
        {16446, "PPK_IDENTITY_KEY"},
    }};
    return type >= 40960 ? "private use" : find_name(table, type);
}

/// A notification.
struct notify_payload {
    bool is_v1 = false;
    std::uint32_t doi = 0;      ///< IKEv1; 0 in IKEv2
    std::uint8_t protocol = 0;  ///< see `protocol_name`
    std::uint16_t type = 0;
    bytes spi;
    bytes data;

    /// Nothing if `p` is not a notify payload, or is too short for its fixed part or its SPI.
    [[nodiscard]] static std::optional<notify_payload> parse(const payload& p) noexcept {
        const bool v1 = p.type == payload_type::notification_v1;
        if (!v1 && p.type != payload_type::notify) {
            return std::nullopt;
        }
        const std::size_t fixed = v1 ? 8 : 4;
        if (p.body.size() < fixed || p.body.size() - fixed < p.body[fixed - 3]) {
            return std::nullopt;
        }
        const std::size_t spi_size = p.body[fixed - 3];
        notify_payload n;
        n.is_v1 = v1;
        n.doi = v1 ? load_be32(p.body.data()) : 0;
        n.protocol = p.body[fixed - 4];
        n.type = load_be16(p.body.data() + fixed - 2);
        n.spi = p.body.subspan(fixed, spi_size);
        n.data = p.body.subspan(fixed + spi_size);
        return n;
    }

    [[nodiscard]] bool is_error() const noexcept { return type < 16384; }
    [[nodiscard]] std::string_view name() const noexcept { return is_v1 ? notify_name_v1(type) : notify_name_v2(type); }
};

/// SPIs that a peer has deleted. In clear only before there are keys, and then not to be believed.
struct delete_payload {
    bool is_v1 = false;
    std::uint32_t doi = 0;
    std::uint8_t protocol = 0;
    std::uint8_t spi_size = 0;
    std::uint16_t count = 0;
    bytes spis;  ///< `count` times `spi_size` bytes

    /// Nothing if `p` is not a delete payload or its SPIs do not fit.
    [[nodiscard]] static std::optional<delete_payload> parse(const payload& p) noexcept {
        const bool v1 = p.type == payload_type::delete_v1;
        if (!v1 && p.type != payload_type::delete_) {
            return std::nullopt;
        }
        const std::size_t fixed = v1 ? 8 : 4;
        if (p.body.size() < fixed) {
            return std::nullopt;
        }
        delete_payload d;
        d.is_v1 = v1;
        d.doi = v1 ? load_be32(p.body.data()) : 0;
        d.protocol = p.body[fixed - 4];
        d.spi_size = p.body[fixed - 3];
        d.count = load_be16(p.body.data() + fixed - 2);
        const std::size_t size = std::size_t{d.count} * d.spi_size;
        if (size > p.body.size() - fixed) {
            return std::nullopt;
        }
        d.spis = p.body.subspan(fixed, size);
        return d;
    }
};

}  // namespace ikealg::inline v0::wire

#endif
