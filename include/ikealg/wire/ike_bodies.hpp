// SPDX-License-Identifier: Apache-2.0
/// The remaining payloads that can be seen in clear: key exchange, nonce, identity, certificate, NAT detection, and
/// the clear heads of encrypted ones (RFC 2408 3.7-3.13, RFC 2407 4.6.2, RFC 3947 3.2 and 5; RFC 7296 3.4-3.9 and
/// 3.14, RFC 7383 2.5).
///
///     KE     v1: data                                  v2: group (2), reserved (2), data
///     ID     v1: type, protocol, port (2), data        v2: type, reserved (3), data
///     CERT, CERTREQ: encoding, data                    NAT-D: hash      NAT-OA: type, reserved (3), address
///     SK: IV and ciphertext                            SKF: number (2), total (2), IV and ciphertext
///
/// Each `parse` answers nothing when the payload is of another type or too short for its fixed part.
/// Thread safety: values over bytes the caller keeps alive. Complexity: constant; `announces_nat_traversal` one walk.
#ifndef IKEALG_WIRE_IKE_BODIES_HPP
#define IKEALG_WIRE_IKE_BODIES_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ikealg/base/bytes.hpp"
#include "ikealg/wire/ike.hpp"
#include "ikealg/wire/ike_names.hpp"
#include "ikealg/wire/ike_notify.hpp"
#include "ikealg/wire/ike_payload.hpp"
#include "ikealg/wire/ike_types.hpp"
#include "ikealg/wire/ike_vendor_id.hpp"

namespace ikealg::inline v0::wire {

struct key_exchange_payload {
    std::optional<std::uint16_t> group;  ///< IKEv1 names the group only in its SA; see `group_name`
    bytes data;

    [[nodiscard]] static std::optional<key_exchange_payload> parse(const payload& p) noexcept {
        if (p.type == payload_type::key_exchange_v1) {
            return key_exchange_payload{std::nullopt, p.body};
        }
        if (p.type != payload_type::key_exchange || p.body.size() < 4) {
            return std::nullopt;
        }
        return key_exchange_payload{load_be16(p.body.data()), p.body.subspan(4)};
    }
};

struct nonce_payload {
    bytes data;

    [[nodiscard]] static std::optional<nonce_payload> parse(const payload& p) noexcept {
        if (p.type != payload_type::nonce_v1 && p.type != payload_type::nonce) {
            return std::nullopt;
        }
        return nonce_payload{p.body};
    }
};

/// An identity: in clear only in IKEv1 Aggressive Mode.
struct identity_payload {
    id_type type{};
    std::uint8_t protocol = 0;  ///< IKEv1; 0 in IKEv2
    std::uint16_t port = 0;     ///< IKEv1; 0 in IKEv2
    bytes data;

    [[nodiscard]] static std::optional<identity_payload> parse(const payload& p) noexcept {
        const bool v1 = p.type == payload_type::identification_v1;
        if ((!v1 && p.type != payload_type::id_initiator && p.type != payload_type::id_responder) ||
            p.body.size() < 4) {
            return std::nullopt;
        }
        identity_payload id;
        id.type = static_cast<id_type>(p.body[0]);
        if (v1) {
            id.protocol = p.body[1];
            id.port = load_be16(p.body.data() + 2);
        }
        id.data = p.body.subspan(4);
        return id;
    }
};

/// CERT and CERTREQ.
struct certificate_payload {
    bool is_request = false;
    std::uint8_t encoding = 0;  ///< see `certificate_encoding_name`
    bytes data;

    [[nodiscard]] static std::optional<certificate_payload> parse(const payload& p) noexcept {
        const bool request =
            p.type == payload_type::certificate_request_v1 || p.type == payload_type::certificate_request;
        const bool certificate = p.type == payload_type::certificate_v1 || p.type == payload_type::certificate;
        if ((!request && !certificate) || p.body.empty()) {
            return std::nullopt;
        }
        return certificate_payload{request, p.body[0], p.body.subspan(1)};
    }
};

/// IKEv1 NAT-D: a hash over SPIs, address and port. IKEv2 has notifies 16388 and 16389 for it.
struct nat_detection_payload {
    bytes hash;

    [[nodiscard]] static std::optional<nat_detection_payload> parse(const payload& p) noexcept {
        if (p.type != payload_type::nat_detection && p.type != payload_type::nat_detection_draft) {
            return std::nullopt;
        }
        return nat_detection_payload{p.body};
    }
};

/// IKEv1 NAT-OA: the address as the peer sees it; only ever encrypted in practice.
struct nat_original_address_payload {
    id_type type{};
    bytes address;  ///< 4 bytes for `ipv4_address`, 16 for `ipv6_address`

    [[nodiscard]] static std::optional<nat_original_address_payload> parse(const payload& p) noexcept {
        if ((p.type != payload_type::nat_original_address && p.type != payload_type::nat_original_address_draft) ||
            p.body.size() < 4) {
            return std::nullopt;
        }
        const auto type = static_cast<id_type>(p.body[0]);
        const std::size_t size = type == id_type::ipv4_address ? 4 : type == id_type::ipv6_address ? 16 : 0;
        if (size == 0 || p.body.size() - 4 != size) {
            return std::nullopt;
        }
        return nat_original_address_payload{type, p.body.subspan(4)};
    }
};

/// SK and SKF: which payload is first inside, and the ciphertext with its IV.
struct encrypted_payload {
    payload_type first_inside = payload_type::none;  ///< SKF: 0 in all fragments but the first
    std::uint16_t fragment_number = 0;               ///< SK: 0
    std::uint16_t total_fragments = 0;               ///< SK: 0
    bytes ciphertext;

    [[nodiscard]] static std::optional<encrypted_payload> parse(const payload& p) noexcept {
        if (p.type == payload_type::encrypted) {
            return encrypted_payload{p.next, 0, 0, p.body};
        }
        if (p.type != payload_type::encrypted_fragment || p.body.size() < 4) {
            return std::nullopt;
        }
        return encrypted_payload{p.next, load_be16(p.body.data()), load_be16(p.body.data() + 2), p.body.subspan(4)};
    }
};

/// True if the message says in clear that its sender speaks NAT-T: an IKEv1 vendor ID, or an IKEv2 NAT detection
/// notify (R6). For diagnosis only; peers announce it and stay on port 500 nevertheless.
[[nodiscard]] inline bool announces_nat_traversal(const ike_view& message) noexcept {
    payload_reader payloads(message);
    while (const auto p = payloads.next()) {
        if (p->type == payload_type::vendor_id_v1) {
            const vendor_id* known = find_vendor_id(p->body);
            if (known != nullptr && known->kind == vendor_kind::nat_traversal) {
                return true;
            }
        } else if (p->type == payload_type::notify) {
            const auto n = notify_payload::parse(*p);
            if (n &&
                (n->type == notify_v2::nat_detection_source_ip || n->type == notify_v2::nat_detection_destination_ip)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace ikealg::inline v0::wire

#endif
