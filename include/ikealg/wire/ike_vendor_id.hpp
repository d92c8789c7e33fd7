// SPDX-License-Identifier: Apache-2.0
/// Vendor IDs: who a peer is and which extensions it speaks (RFC 2408 3.16, RFC 7296 3.12; R6).
///
/// Most are the MD5 of a phrase, some followed by a version, some plain text. All travel in clear in the first
/// messages of an IKE SA. They name things for people and for diagnosis; nothing is decided by them.
///
/// Thread safety: pure functions. Complexity: linear in a table of two dozen rows.
#ifndef IKEALG_WIRE_IKE_VENDOR_ID_HPP
#define IKEALG_WIRE_IKE_VENDOR_ID_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ikealg/base/bytes.hpp"

namespace ikealg::inline v0::wire {

/// What a vendor ID stands for, as far as the library cares.
enum class vendor_kind : std::uint8_t {
    unknown,
    nat_traversal,        ///< RFC 3947 or one of its drafts
    dead_peer_detection,  ///< RFC 3706
    xauth,                ///< draft-beaulieu-ike-xauth
    ike_fragmentation,    ///< vendor fragmentation of IKEv1 (payload 132)
    implementation,       ///< names a product
    capability,           ///< some other extension
};

/// A known vendor ID: the bytes it begins with, as text where it is text.
struct vendor_id {
    vendor_kind kind;
    std::string_view name;
    std::uint8_t size;  ///< significant bytes of `start`
    bool exact;         ///< false: further bytes (a version) may follow
    std::array<std::uint8_t, 16> start;
};

namespace detail {

[[nodiscard]] constexpr std::uint8_t hex_value(char c) noexcept {
    return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
}

/// `hex` holds up to 32 lower-case digits.
[[nodiscard]] constexpr vendor_id vendor(vendor_kind kind, std::string_view name, std::string_view hex,
                                         bool exact) noexcept {
    vendor_id v{kind, name, static_cast<std::uint8_t>(hex.size() / 2), exact, {}};
    for (std::size_t i = 0; i < hex.size() / 2; ++i) {
        v.start[i] = static_cast<std::uint8_t>(hex_value(hex[2 * i]) << 4U | hex_value(hex[2 * i + 1]));
    }
    return v;
}

/// Longer starts come before shorter ones that they contain.
inline constexpr std::array known_vendors{
    vendor(vendor_kind::nat_traversal, "RFC 3947", "4a131c81070358455c5728f20e95452f", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-00", "4485152d18b6bbcd0be8a8469579ddcc", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-01", "16f6ca16e4a4066d83821a0f0aeaa862", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-02", "cd60464335df21f87cfdb2fc68b6a448", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-02\\n", "90cb80913ebb696e086381b5ec427b1f", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-03", "7d9419a65310ca6f2c179d9215529d56", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-04", "9909b64eed937c6573de52ace952fa6b", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-05", "80d0bb3def54565ee84645d4c85ce3ee", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-06", "4d1e0e136deafa34c4f3ea9f02ec7285", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-07", "439b59f8ba676c4c7737ae22eab8f582", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike-08", "8f8d83826d246b6fc7a8a6a428c11de8", true),
    vendor(vendor_kind::nat_traversal, "draft-ietf-ipsec-nat-t-ike", "4df37928e9fc4fd1b3262170d515c662", true),
    vendor(vendor_kind::dead_peer_detection, "Dead Peer Detection (RFC 3706)", "afcad71368a1f1c96b8696fc7757", false),
    vendor(vendor_kind::xauth, "XAUTH", "09002689dfd6b712", true),
    vendor(vendor_kind::ike_fragmentation, "IKE fragmentation", "4048b7d56ebce88525e7de7f00d6c2d3", false),
    vendor(vendor_kind::implementation, "strongSwan", "882fe56d6fd20dbc2251613b2ebe5beb", true),
    vendor(vendor_kind::implementation, "Libreswan", "4f452d4c696272657377616e", false),
    vendor(vendor_kind::implementation, "Openswan or FreeS/WAN", "4f45", false),
    vendor(vendor_kind::implementation, "racoon (KAME)", "7003cbc1097dbe9c2600ba6983bc8b35", false),
    vendor(vendor_kind::implementation, "Microsoft (MS NT5 ISAKMPOAKLEY)", "1e2b516905991c7d7c96fcbfb587e461", false),
    vendor(vendor_kind::capability, "GSS-API", "621b04bb09882ac1e15935fefa24aeee", false),
    vendor(vendor_kind::capability, "Vid-Initial-Contact", "26244d38eddb61b3172a36e3d0cfb819", true),
    vendor(vendor_kind::capability, "MS-Negotiation Discovery Capable", "fb1de3cdf341b7ea16b7e5be0855f120", true),
    vendor(vendor_kind::capability, "IKE CGA version 1", "e3a5966a76379fe707228231e5ce8652", true),
    vendor(vendor_kind::capability, "MS-MamieExists", "214ca4faffa7f32d6748e5303395ae83", true),
    vendor(vendor_kind::implementation, "Cisco Unity", "12f5f28c457168a9702d9fe274cc", false),
    vendor(vendor_kind::implementation, "Cisco VPN 3000 (Altiga)", "1f07f70eaa6514d3b0fa96542a50", false),
    vendor(vendor_kind::implementation, "FortiGate", "8299031757a36082c6a621de", false),
};

}  // namespace detail

/// The known vendor ID that the body of a vendor ID payload is, or null.
[[nodiscard]] inline const vendor_id* find_vendor_id(bytes body) noexcept {
    for (const auto& known : detail::known_vendors) {
        if ((known.exact ? body.size() == known.size : body.size() >= known.size) &&
            std::equal(known.start.begin(), known.start.begin() + known.size, body.begin())) {
            return &known;
        }
    }
    return nullptr;
}

[[nodiscard]] inline std::string_view vendor_name(bytes body) noexcept {
    const vendor_id* known = find_vendor_id(body);
    return known != nullptr ? known->name : "unknown";
}

}  // namespace ikealg::inline v0::wire

#endif
