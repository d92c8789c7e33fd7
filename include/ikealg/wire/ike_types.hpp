// SPDX-License-Identifier: Apache-2.0
/// The numbers of an IKE header: exchange types, payload types, flags (IANA "Internet Key Exchange (IKE) Attributes"
/// for IKEv1, "IKEv2 Parameters" for IKEv2; RFC 2408 3.1, RFC 2409, RFC 7296 3.1-3.2, R7 and R8).
///
/// IKEv1 and IKEv2 share both number spaces without overlapping: exchanges 0-33 are IKEv1 and 34-44 IKEv2, payloads
/// 0-32 and 128-255 IKEv1, 33-54 IKEv2. So one enumeration serves both, and a number alone tells its version.
///
/// An enumeration may hold any value of its octet: an unknown one is data, and prints as "unknown".
/// Thread safety: pure functions. Complexity: constant.
#ifndef IKEALG_WIRE_IKE_TYPES_HPP
#define IKEALG_WIRE_IKE_TYPES_HPP

#include <cstdint>
#include <string_view>

namespace ikealg::inline v0::wire {

/// What a message is part of (R8).
enum class exchange_type : std::uint8_t {
    none = 0,
    base = 1,
    main_mode = 2,
    authentication_only = 3,
    aggressive_mode = 4,
    informational_v1 = 5,
    transaction = 6,
    quick_mode = 32,
    new_group_mode = 33,
    ike_sa_init = 34,
    ike_auth = 35,
    create_child_sa = 36,
    informational = 37,
    ike_session_resume = 38,
    gsa_auth = 39,
    gsa_registration = 40,
    gsa_rekey = 41,
    gsa_inband_rekey = 42,
    ike_intermediate = 43,
    ike_followup_ke = 44,
};

/// RFC 2409 and IANA names; Main Mode is the Identity Protection exchange of RFC 2408.
[[nodiscard]] constexpr std::string_view to_string(exchange_type e) noexcept {
    switch (e) {
        case exchange_type::none: return "None";
        case exchange_type::base: return "Base";
        case exchange_type::main_mode: return "Main Mode";
        case exchange_type::authentication_only: return "Authentication Only";
        case exchange_type::aggressive_mode: return "Aggressive Mode";
        case exchange_type::informational_v1: return "Informational";
        case exchange_type::transaction: return "Transaction";
        case exchange_type::quick_mode: return "Quick Mode";
        case exchange_type::new_group_mode: return "New Group Mode";
        case exchange_type::ike_sa_init: return "IKE_SA_INIT";
        case exchange_type::ike_auth: return "IKE_AUTH";
        case exchange_type::create_child_sa: return "CREATE_CHILD_SA";
        case exchange_type::informational: return "INFORMATIONAL";
        case exchange_type::ike_session_resume: return "IKE_SESSION_RESUME";
        case exchange_type::gsa_auth: return "GSA_AUTH";
        case exchange_type::gsa_registration: return "GSA_REGISTRATION";
        case exchange_type::gsa_rekey: return "GSA_REKEY";
        case exchange_type::gsa_inband_rekey: return "GSA_INBAND_REKEY";
        case exchange_type::ike_intermediate: return "IKE_INTERMEDIATE";
        case exchange_type::ike_followup_ke: return "IKE_FOLLOWUP_KE";
    }
    return "unknown";
}

/// True if `e` is an exchange that IKE of this major version knows (R4, R8).
[[nodiscard]] constexpr bool is_known(exchange_type e, unsigned major_version) noexcept {
    const auto n = static_cast<unsigned>(e);
    return major_version == 1   ? (n >= 1 && n <= 6) || n == 32 || n == 33
           : major_version == 2 ? n >= 34 && n <= 44
                                : false;
}

/// True for the exchanges that begin an IKE SA.
[[nodiscard]] constexpr bool is_phase1(exchange_type e) noexcept {
    return e == exchange_type::base || e == exchange_type::main_mode || e == exchange_type::aggressive_mode ||
           e == exchange_type::authentication_only || e == exchange_type::ike_sa_init ||
           e == exchange_type::ike_session_resume;
}

/// True for the exchanges that can create an ESP SA and so can open a gate (R8).
[[nodiscard]] constexpr bool is_phase2(exchange_type e) noexcept {
    return e == exchange_type::quick_mode || e == exchange_type::ike_auth || e == exchange_type::create_child_sa ||
           e == exchange_type::ike_followup_ke;
}

/// Payload types (RFC 2408 3.1, RFC 2407, RFC 3547, RFC 3947; RFC 7296 3.2, RFC 6467, RFC 7383). 130-132 are private
/// use that everybody agrees on: NAT-D and NAT-OA of the NAT-T drafts, and the fragment payload of vendor IKEv1
/// fragmentation.
enum class payload_type : std::uint8_t {
    none = 0,
    sa_v1 = 1,
    proposal = 2,
    transform = 3,
    key_exchange_v1 = 4,
    identification_v1 = 5,
    certificate_v1 = 6,
    certificate_request_v1 = 7,
    hash = 8,
    signature = 9,
    nonce_v1 = 10,
    notification_v1 = 11,
    delete_v1 = 12,
    vendor_id_v1 = 13,
    attributes = 14,
    sa_kek = 15,
    sa_tek = 16,
    key_download_v1 = 17,
    sequence_number = 18,
    proof_of_possession = 19,
    nat_detection = 20,
    nat_original_address = 21,
    group_associated_policy = 22,
    sa = 33,
    key_exchange = 34,
    id_initiator = 35,
    id_responder = 36,
    certificate = 37,
    certificate_request = 38,
    authentication = 39,
    nonce = 40,
    notify = 41,
    delete_ = 42,
    vendor_id = 43,
    traffic_selector_initiator = 44,
    traffic_selector_responder = 45,
    encrypted = 46,
    configuration = 47,
    eap = 48,
    secure_password = 49,
    group_identification = 50,
    group_sa = 51,
    key_download = 52,
    encrypted_fragment = 53,
    puzzle_solution = 54,
    nat_detection_draft = 130,
    nat_original_address_draft = 131,
    fragment_v1 = 132,
};

/// The abbreviations that the RFCs use in exchange diagrams.
[[nodiscard]] constexpr std::string_view to_string(payload_type t) noexcept {
    switch (t) {
        case payload_type::none: return "NONE";
        case payload_type::sa_v1:
        case payload_type::sa: return "SA";
        case payload_type::proposal: return "P";
        case payload_type::transform: return "T";
        case payload_type::key_exchange_v1:
        case payload_type::key_exchange: return "KE";
        case payload_type::identification_v1: return "ID";
        case payload_type::certificate_v1:
        case payload_type::certificate: return "CERT";
        case payload_type::certificate_request_v1: return "CR";
        case payload_type::hash: return "HASH";
        case payload_type::signature: return "SIG";
        case payload_type::nonce_v1: return "NONCE";
        case payload_type::notification_v1:
        case payload_type::notify: return "N";
        case payload_type::delete_v1:
        case payload_type::delete_: return "D";
        case payload_type::vendor_id_v1: return "VID";
        case payload_type::attributes: return "ATTR";
        case payload_type::sa_kek: return "SAK";
        case payload_type::sa_tek: return "SAT";
        case payload_type::key_download_v1:
        case payload_type::key_download: return "KD";
        case payload_type::sequence_number: return "SEQ";
        case payload_type::proof_of_possession: return "POP";
        case payload_type::nat_detection: return "NAT-D";
        case payload_type::nat_original_address: return "NAT-OA";
        case payload_type::group_associated_policy: return "GAP";
        case payload_type::id_initiator: return "IDi";
        case payload_type::id_responder: return "IDr";
        case payload_type::certificate_request: return "CERTREQ";
        case payload_type::authentication: return "AUTH";
        case payload_type::nonce: return "Nonce";
        case payload_type::vendor_id: return "V";
        case payload_type::traffic_selector_initiator: return "TSi";
        case payload_type::traffic_selector_responder: return "TSr";
        case payload_type::encrypted: return "SK";
        case payload_type::configuration: return "CP";
        case payload_type::eap: return "EAP";
        case payload_type::secure_password: return "GSPM";
        case payload_type::group_identification: return "IDg";
        case payload_type::group_sa: return "GSA";
        case payload_type::encrypted_fragment: return "SKF";
        case payload_type::puzzle_solution: return "PS";
        case payload_type::nat_detection_draft: return "NAT-D (draft)";
        case payload_type::nat_original_address_draft: return "NAT-OA (draft)";
        case payload_type::fragment_v1: return "FRAG";
    }
    return "unknown";
}

/// Bits of the flags octet. IKEv1 and IKEv2 use different ones (R7).
namespace ike_flag {
inline constexpr std::uint8_t encryption = 0x01;           ///< v1: everything after the header is encrypted
inline constexpr std::uint8_t commit = 0x02;               ///< v1: wait for CONNECTED
inline constexpr std::uint8_t authentication_only = 0x04;  ///< v1: Informational without encryption
inline constexpr std::uint8_t initiator = 0x08;            ///< v2: sent by the original initiator of the IKE SA
inline constexpr std::uint8_t version = 0x10;              ///< v2: the sender could speak a higher major version
inline constexpr std::uint8_t response = 0x20;             ///< v2: answers the request of the same message id
}  // namespace ike_flag

}  // namespace ikealg::inline v0::wire

#endif
