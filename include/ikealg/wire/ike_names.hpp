// SPDX-License-Identifier: Apache-2.0
/// IANA names of what SA, KE, ID and CERT payloads carry, for people who read logs ("IKEv2 Parameters", "IKE
/// Attributes", "ISAKMP Registry"). Nothing here decides anything; an unknown number has the name "unknown".
///
/// Thread safety: pure functions. Complexity: linear in the table, none has more than a few dozen rows.
#ifndef IKEALG_WIRE_IKE_NAMES_HPP
#define IKEALG_WIRE_IKE_NAMES_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ikealg::inline v0::wire {

/// One row of a table of names.
struct number_name {
    std::uint16_t number;
    std::string_view name;
};

template <std::size_t N>
[[nodiscard]] constexpr std::string_view find_name(const std::array<number_name, N>& table,
                                                   std::uint16_t number) noexcept {
    for (const auto& row : table) {
        if (row.number == number) {
            return row.name;
        }
    }
    return "unknown";
}

/// Security protocol identifiers; the first three are equal in IKEv1 (RFC 2407 4.4.1) and IKEv2 (RFC 7296 3.3.1).
[[nodiscard]] constexpr std::string_view protocol_name(std::uint8_t protocol) noexcept {
    constexpr std::array<number_name, 4> table{{{0, "none"}, {1, "IKE"}, {2, "AH"}, {3, "ESP"}}};
    return find_name(table, protocol);
}

/// Diffie-Hellman groups and other key exchange methods; one number space for IKEv1 and IKEv2.
[[nodiscard]] constexpr std::string_view group_name(std::uint16_t group) noexcept {
    constexpr std::array<number_name, 30> table{{
        {0, "NONE"},
        {1, "768-bit MODP"},
        {2, "1024-bit MODP"},
        {3, "EC2N 155"},
        {4, "EC2N 185"},
        {5, "1536-bit MODP"},
        {14, "2048-bit MODP"},
        {15, "3072-bit MODP"},
        {16, "4096-bit MODP"},
        {17, "6144-bit MODP"},
        {18, "8192-bit MODP"},
        {19, "256-bit ECP"},
        {20, "384-bit ECP"},
        {21, "521-bit ECP"},
        {22, "1024-bit MODP with 160-bit prime order subgroup"},
        {23, "2048-bit MODP with 224-bit prime order subgroup"},
        {24, "2048-bit MODP with 256-bit prime order subgroup"},
        {25, "192-bit ECP"},
        {26, "224-bit ECP"},
        {27, "brainpoolP224r1"},
        {28, "brainpoolP256r1"},
        {29, "brainpoolP384r1"},
        {30, "brainpoolP512r1"},
        {31, "Curve25519"},
        {32, "Curve448"},
        {33, "GOST3410_2012_256"},
        {34, "GOST3410_2012_512"},
        {35, "ML-KEM-512"},
        {36, "ML-KEM-768"},
        {37, "ML-KEM-1024"},
    }};
    return find_name(table, group);
}

/// IKEv2 transform types (RFC 7296 3.3.2, RFC 9370 3).
namespace transform_type {
inline constexpr std::uint8_t encryption = 1;
inline constexpr std::uint8_t prf = 2;
inline constexpr std::uint8_t integrity = 3;
inline constexpr std::uint8_t key_exchange = 4;
inline constexpr std::uint8_t extended_sequence_numbers = 5;
}  // namespace transform_type

[[nodiscard]] constexpr std::string_view transform_type_name(std::uint8_t type) noexcept {
    constexpr std::array<number_name, 12> table{{
        {1, "ENCR"},
        {2, "PRF"},
        {3, "INTEG"},
        {4, "KE"},
        {5, "ESN"},
        {6, "ADDKE1"},
        {7, "ADDKE2"},
        {8, "ADDKE3"},
        {9, "ADDKE4"},
        {10, "ADDKE5"},
        {11, "ADDKE6"},
        {12, "ADDKE7"},
    }};
    return find_name(table, type);
}

[[nodiscard]] constexpr std::string_view encryption_name_v2(std::uint16_t id) noexcept {
    constexpr std::array<number_name, 32> table{{
        {1, "ENCR_DES_IV64"},
        {2, "ENCR_DES"},
        {3, "ENCR_3DES"},
        {4, "ENCR_RC5"},
        {5, "ENCR_IDEA"},
        {6, "ENCR_CAST"},
        {7, "ENCR_BLOWFISH"},
        {8, "ENCR_3IDEA"},
        {9, "ENCR_DES_IV32"},
        {11, "ENCR_NULL"},
        {12, "ENCR_AES_CBC"},
        {13, "ENCR_AES_CTR"},
        {14, "ENCR_AES_CCM_8"},
        {15, "ENCR_AES_CCM_12"},
        {16, "ENCR_AES_CCM_16"},
        {18, "ENCR_AES_GCM_8"},
        {19, "ENCR_AES_GCM_12"},
        {20, "ENCR_AES_GCM_16"},
        {21, "ENCR_NULL_AUTH_AES_GMAC"},
        {23, "ENCR_CAMELLIA_CBC"},
        {24, "ENCR_CAMELLIA_CTR"},
        {25, "ENCR_CAMELLIA_CCM_8"},
        {26, "ENCR_CAMELLIA_CCM_12"},
        {27, "ENCR_CAMELLIA_CCM_16"},
        {28, "ENCR_CHACHA20_POLY1305"},
        {29, "ENCR_AES_CCM_8_IIV"},
        {30, "ENCR_AES_GCM_16_IIV"},
        {31, "ENCR_CHACHA20_POLY1305_IIV"},
        {32, "ENCR_KUZNYECHIK_MGM_KTREE"},
        {33, "ENCR_MAGMA_MGM_KTREE"},
        {34, "ENCR_KUZNYECHIK_MGM_MAC_KTREE"},
        {35, "ENCR_MAGMA_MGM_MAC_KTREE"},
    }};
    return find_name(table, id);
}

[[nodiscard]] constexpr std::string_view prf_name(std::uint16_t id) noexcept {
    constexpr std::array<number_name, 9> table{{
        {1, "PRF_HMAC_MD5"},
        {2, "PRF_HMAC_SHA1"},
        {3, "PRF_HMAC_TIGER"},
        {4, "PRF_AES128_XCBC"},
        {5, "PRF_HMAC_SHA2_256"},
        {6, "PRF_HMAC_SHA2_384"},
        {7, "PRF_HMAC_SHA2_512"},
        {8, "PRF_AES128_CMAC"},
        {9, "PRF_HMAC_STREEBOG_512"},
    }};
    return find_name(table, id);
}

[[nodiscard]] constexpr std::string_view integrity_name(std::uint16_t id) noexcept {
    constexpr std::array<number_name, 15> table{{
        {0, "NONE"},
        {1, "AUTH_HMAC_MD5_96"},
        {2, "AUTH_HMAC_SHA1_96"},
        {3, "AUTH_DES_MAC"},
        {4, "AUTH_KPDK_MD5"},
        {5, "AUTH_AES_XCBC_96"},
        {6, "AUTH_HMAC_MD5_128"},
        {7, "AUTH_HMAC_SHA1_160"},
        {8, "AUTH_AES_CMAC_96"},
        {9, "AUTH_AES_128_GMAC"},
        {10, "AUTH_AES_192_GMAC"},
        {11, "AUTH_AES_256_GMAC"},
        {12, "AUTH_HMAC_SHA2_256_128"},
        {13, "AUTH_HMAC_SHA2_384_192"},
        {14, "AUTH_HMAC_SHA2_512_256"},
    }};
    return find_name(table, id);
}

/// Name of an IKEv2 transform: its type says what the id means.
[[nodiscard]] constexpr std::string_view transform_name_v2(std::uint8_t type, std::uint16_t id) noexcept {
    switch (type) {
        case transform_type::encryption: return encryption_name_v2(id);
        case transform_type::prf: return prf_name(id);
        case transform_type::integrity: return integrity_name(id);
        case transform_type::extended_sequence_numbers:
            return id == 0 ? "No Extended Sequence Numbers" : id == 1 ? "Extended Sequence Numbers" : "unknown";
        default: return type >= transform_type::key_exchange && type <= 12 ? group_name(id) : "unknown";
    }
}

/// The only attribute type of IKEv2 transforms (RFC 7296 3.3.5).
inline constexpr std::uint16_t key_length_attribute_v2 = 14;

/// Attributes of an IKEv1 Phase 1 transform (RFC 2409 appendix A).
enum class ike_attribute_v1 : std::uint16_t {
    encryption_algorithm = 1,
    hash_algorithm = 2,
    authentication_method = 3,
    group_description = 4,
    group_type = 5,
    life_type = 11,
    life_duration = 12,
    prf = 13,
    key_length = 14,
};

[[nodiscard]] constexpr std::string_view attribute_name_v1(std::uint16_t type) noexcept {
    constexpr std::array<number_name, 16> table{{
        {1, "Encryption Algorithm"},
        {2, "Hash Algorithm"},
        {3, "Authentication Method"},
        {4, "Group Description"},
        {5, "Group Type"},
        {6, "Group Prime/Irreducible Polynomial"},
        {7, "Group Generator One"},
        {8, "Group Generator Two"},
        {9, "Group Curve A"},
        {10, "Group Curve B"},
        {11, "Life Type"},
        {12, "Life Duration"},
        {13, "PRF"},
        {14, "Key Length"},
        {15, "Field Size"},
        {16, "Group Order"},
    }};
    return find_name(table, type);
}

/// Name of the value of a short IKEv1 Phase 1 attribute that enumerates something.
[[nodiscard]] constexpr std::string_view attribute_value_name_v1(std::uint16_t type, std::uint16_t value) noexcept {
    constexpr std::array<number_name, 8> encryption{{
        {1, "DES-CBC"},
        {2, "IDEA-CBC"},
        {3, "Blowfish-CBC"},
        {4, "RC5-R16-B64-CBC"},
        {5, "3DES-CBC"},
        {6, "CAST-CBC"},
        {7, "AES-CBC"},
        {8, "CAMELLIA-CBC"},
    }};
    constexpr std::array<number_name, 6> hash{{
        {1, "MD5"},
        {2, "SHA"},
        {3, "Tiger"},
        {4, "SHA2-256"},
        {5, "SHA2-384"},
        {6, "SHA2-512"},
    }};
    /// The last are draft-beaulieu-ike-xauth and hybrid authentication: private use, and common.
    constexpr std::array<number_name, 16> authentication{{
        {1, "pre-shared key"},
        {2, "DSS signatures"},
        {3, "RSA signatures"},
        {4, "Encryption with RSA"},
        {5, "Revised encryption with RSA"},
        {9, "ECDSA with SHA-256 on the P-256 curve"},
        {10, "ECDSA with SHA-384 on the P-384 curve"},
        {11, "ECDSA with SHA-512 on the P-521 curve"},
        {64221, "HybridInitRSA"},
        {64222, "HybridRespRSA"},
        {64223, "HybridInitDSS"},
        {64224, "HybridRespDSS"},
        {65001, "XAUTHInitPreShared"},
        {65002, "XAUTHRespPreShared"},
        {65005, "XAUTHInitRSA"},
        {65006, "XAUTHRespRSA"},
    }};
    constexpr std::array<number_name, 2> life{{{1, "seconds"}, {2, "kilobytes"}}};
    switch (static_cast<ike_attribute_v1>(type)) {
        case ike_attribute_v1::encryption_algorithm: return find_name(encryption, value);
        case ike_attribute_v1::hash_algorithm: return find_name(hash, value);
        case ike_attribute_v1::authentication_method: return find_name(authentication, value);
        case ike_attribute_v1::group_description: return group_name(value);
        case ike_attribute_v1::life_type: return find_name(life, value);
        default: return "unknown";
    }
}

/// Identification types: RFC 2407 4.6.2.1 in IKEv1, RFC 7296 3.5 in IKEv2 (a subset with the same numbers, and two
/// more).
enum class id_type : std::uint8_t {
    ipv4_address = 1,
    fqdn = 2,
    user_fqdn = 3,
    ipv4_subnet = 4,
    ipv6_address = 5,
    ipv6_subnet = 6,
    ipv4_range = 7,
    ipv6_range = 8,
    der_asn1_dn = 9,
    der_asn1_gn = 10,
    key_id = 11,
    fc_name = 12,
    null = 13,
};

[[nodiscard]] constexpr std::string_view to_string(id_type t) noexcept {
    constexpr std::array<number_name, 13> table{{
        {1, "ID_IPV4_ADDR"},
        {2, "ID_FQDN"},
        {3, "ID_RFC822_ADDR"},
        {4, "ID_IPV4_ADDR_SUBNET"},
        {5, "ID_IPV6_ADDR"},
        {6, "ID_IPV6_ADDR_SUBNET"},
        {7, "ID_IPV4_ADDR_RANGE"},
        {8, "ID_IPV6_ADDR_RANGE"},
        {9, "ID_DER_ASN1_DN"},
        {10, "ID_DER_ASN1_GN"},
        {11, "ID_KEY_ID"},
        {12, "ID_FC_NAME"},
        {13, "ID_NULL"},
    }};
    return find_name(table, static_cast<std::uint16_t>(t));
}

/// Certificate encodings; one number space for CERT and CERTREQ of both versions (RFC 7296 3.6).
[[nodiscard]] constexpr std::string_view certificate_encoding_name(std::uint8_t encoding) noexcept {
    constexpr std::array<number_name, 14> table{{
        {1, "PKCS #7 wrapped X.509 certificate"},
        {2, "PGP Certificate"},
        {3, "DNS Signed Key"},
        {4, "X.509 Certificate - Signature"},
        {5, "X.509 Certificate - Key Exchange"},
        {6, "Kerberos Token"},
        {7, "Certificate Revocation List (CRL)"},
        {8, "Authority Revocation List (ARL)"},
        {9, "SPKI Certificate"},
        {10, "X.509 Certificate - Attribute"},
        {11, "Raw RSA Key"},
        {12, "Hash and URL of X.509 certificate"},
        {13, "Hash and URL of X.509 bundle"},
        {14, "OCSP Content"},
    }};
    return find_name(table, encoding);
}

}  // namespace ikealg::inline v0::wire

#endif
