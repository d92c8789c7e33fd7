// SPDX-License-Identifier: Apache-2.0
/// The security policy as it is configured: zones, address books, applications, policies.
///
/// Plain structs with the meaning of the Junos statements of the same names; nothing here is checked.
/// `policy_set<Family>::build` checks them as a whole and compiles them (P1, P2, P3).
///
/// Names: the addresses and address-sets of one address book share one name space, as do all applications and
/// application-sets. A policy looks an address name up in the book of its zone first, then in the global book. The
/// members of an address-set come from the set's own book. `any`, `any-ipv4` and `any-ipv6` are always defined.
///
/// Thread safety: values.
#ifndef IKEALG_POLICY_POLICY_SETTINGS_HPP
#define IKEALG_POLICY_POLICY_SETTINGS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::policy {

template <class Family>
struct address_settings {
    std::string name{};
    address_spec<Family> value{};
};

/// A named group of addresses and of other groups; a group must not contain itself.
struct address_set_settings {
    std::string name{};
    std::vector<std::string> addresses{};
    std::vector<std::string> address_sets{};
};

template <class Family>
struct address_book_settings {
    std::vector<address_settings<Family>> addresses{};
    std::vector<address_set_settings> address_sets{};
};

/// A zone's id is its position among the zones.
template <class Family>
struct zone_settings {
    std::string name{};
    vrf_id vrf{};
    /// Where the addresses behind this zone lie: the longest prefix of all zones of the vrf decides the egress zone.
    std::vector<prefix<Family>> networks{};
    address_book_settings<Family> address_book{};
};

/// Ports from `low` to `high`, both included; all ports unless set.
struct port_range {
    std::uint16_t low = 0;
    std::uint16_t high = 0xffff;

    [[nodiscard]] constexpr bool all() const noexcept { return low == 0 && high == 0xffff; }
    friend constexpr auto operator<=>(const port_range&, const port_range&) = default;
};

enum class application_protocol : std::uint8_t {
    none,
    ike_esp_nat,  ///< the ALG of this library handles flows that the application matches (P2)
};

/// Ports need protocol tcp, udp, sctp or dccp; ICMP types need icmp or icmp6; a code needs a type.
struct application_settings {
    std::string name{};
    std::optional<std::uint8_t> protocol{};  ///< IANA number; any when not set
    port_range source_port{};
    port_range destination_port{};
    std::optional<std::uint8_t> icmp_type{};
    std::optional<std::uint8_t> icmp_code{};
    application_protocol alg = application_protocol::none;
    std::optional<std::chrono::seconds> inactivity_timeout{};  ///< 4 to 86400 s; the protocol's default when not set
};

/// A named group of applications and of other groups; a group must not contain itself.
struct application_set_settings {
    std::string name{};
    std::vector<std::string> applications{};
    std::vector<std::string> application_sets{};
};

enum class policy_action : std::uint8_t { permit, deny, reject };

struct policy_settings {
    std::string from_zone{};
    std::string to_zone{};
    std::string name{};
    std::vector<std::string> source_addresses{};
    std::vector<std::string> destination_addresses{};
    std::vector<std::string> applications{};
    policy_action action = policy_action::deny;
    bool log_session_init = false;
    bool log_session_close = false;
    bool midstream = false;  ///< permits ESP of a client without IKE state to ask for the slot (E3)
};

enum class default_policy : std::uint8_t { deny_all, permit_all };

/// Bounds of the compiled form. The matcher needs little memory unless very many rules overlap each other.
struct policy_limits {
    std::size_t matcher_bytes = std::size_t{256} << 20;
};

/// Everything `policy_set` is built from.
template <class Family>
struct policy_set_settings {
    std::vector<zone_settings<Family>> zones{};
    address_book_settings<Family> global_address_book{};
    std::vector<application_settings> applications{};
    std::vector<application_set_settings> application_sets{};
    std::vector<policy_settings> policies{};  ///< order within one pair of zones is order of matching
    default_policy otherwise = default_policy::deny_all;
    policy_limits limits{};
};

}  // namespace ikealg::inline v0::policy

#endif
