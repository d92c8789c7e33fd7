// SPDX-License-Identifier: Apache-2.0
/// What the gateway can tell an operator about a tunnel that does not come up (D1-D12): the kinds of findings, when
/// one is told, and the sentence it is told with.
///
/// One table holds everything a kind is: rule, severity, how much evidence it takes, text. A finding is evidence, not
/// proof: IKE encrypts most refusals, and ICMP and clear notifies can be forged.
///
/// Thread safety: values. Complexity: constant; only `to_string(finding)` allocates.
#ifndef IKEALG_DIAGNOSE_FINDING_HPP
#define IKEALG_DIAGNOSE_FINDING_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"

namespace ikealg::inline v0::diagnose {

enum class finding_kind : std::uint8_t {
    algorithms_differ,       ///< D1
    group_refused,           ///< D1
    version_differs,         ///< D1
    server_under_load,       ///< D1
    no_ike_listener,         ///< D2
    server_silent,           ///< D3
    quick_mode_refused,      ///< D4
    authentication_refused,  ///< D5
    nothing_inbound,         ///< D6
    natt_blocked,            ///< D7
    mtu_too_large,           ///< D8
    esp_without_ike,         ///< D9
    phase1_key_differs,      ///< D10
    nat_exemption_missing,   ///< D11
    address_not_persistent,  ///< D12
};

inline constexpr std::size_t finding_kind_count = 15;

enum class severity : std::uint8_t {
    notice,   ///< may be intended
    warning,  ///< the tunnel works badly, or soon not at all
    error,    ///< the tunnel does not work
};

[[nodiscard]] constexpr std::string_view to_string(severity s) noexcept {
    switch (s) {
        case severity::notice: return "notice";
        case severity::warning: return "warning";
        case severity::error: return "error";
    }
    return "unknown";
}

/// A kind of finding. It is told when `need` pieces of evidence, at least `spacing` apart and within `window` of each
/// other, have come over at least `span`; or when `patience` has passed since the first one and nothing has
/// contradicted it (0: never so). Evidence older than `window` that was not enough, and that no patience waits for,
/// is forgotten.
struct finding_rule {
    using seconds = std::chrono::seconds;
    finding_kind kind{};
    std::string_view name{};
    std::string_view rule{};
    diagnose::severity severity{};
    std::uint32_t need = 1;
    seconds span{};
    seconds spacing{};
    seconds window{};
    seconds patience{};
    std::string_view seen{};
    std::string_view means{};
    std::string_view act{};
};

namespace detail {
using seconds = std::chrono::seconds;
}

// The thresholds keep quiet about what healthy peers do: one or two lost packets, an INVALID_KE_PAYLOAD or COOKIE that
// is followed by success, path MTU discovery, parallel exchanges, a small answer in the middle of EAP.
// clang-format off
// need, span, spacing, window, patience; seen, means, act
inline constexpr std::array<finding_rule, finding_kind_count> finding_rules{{
    {finding_kind::algorithms_differ, "algorithms_differ", "D1", severity::error,
     1, {}, {}, detail::seconds{60}, {},
     "NO_PROPOSAL_CHOSEN in answer to the first IKE message",
     "client and server have no IKE algorithms in common",
     "compare the IKE (Phase 1) proposals of both ends"},
    {finding_kind::group_refused, "group_refused", "D1", severity::error,
     3, detail::seconds{1}, {}, detail::seconds{60}, detail::seconds{10},
     "INVALID_KE_PAYLOAD, and no agreement after it",
     "the server refuses the client's Diffie-Hellman group",
     "configure a group that both ends have"},
    {finding_kind::version_differs, "version_differs", "D1", severity::error,
     1, {}, {}, detail::seconds{60}, {},
     "INVALID_MAJOR_VERSION in answer to the first IKE message",
     "one end speaks IKEv1 only, the other IKEv2 only",
     "configure the same IKE version at both ends"},
    {finding_kind::server_under_load, "server_under_load", "D1", severity::warning,
     3, detail::seconds{1}, {}, detail::seconds{60}, detail::seconds{10},
     "COOKIE requests, and no agreement after them",
     "the server defends itself against many half-open IKE SAs",
     "look at the server's load and at who floods it"},
    {finding_kind::no_ike_listener, "no_ike_listener", "D2", severity::error,
     1, {}, {}, detail::seconds{60}, {},
     "ICMP port unreachable for udp 500",
     "nothing listens for IKE at the server",
     "start the server's IKE service, or correct the server address"},
    {finding_kind::server_silent, "server_silent", "D3", severity::error,
     3, detail::seconds{3}, {}, detail::seconds{60}, {},
     "the first IKE message is repeated and gets no answer",
     "the server is unreachable, filtered, or does not know this client",
     "check the route to the server and that udp 500 passes both ways upstream"},
    {finding_kind::quick_mode_refused, "quick_mode_refused", "D4", severity::error,
     3, detail::seconds{3}, {}, detail::seconds{60}, {},
     "Quick Mode message 1 is repeated and gets no message 2",
     "the server refuses the IPsec proposals or the address ranges (IKEv1 says so only encrypted)",
     "compare the Phase 2 proposals, PFS group and traffic selectors of both ends"},
    {finding_kind::authentication_refused, "authentication_refused", "D5", severity::error,
     3, {}, {}, detail::seconds{300}, detail::seconds{10},
     "IKE_AUTH is answered too briefly for an SA, or again and again a new IKE_SA_INIT follows it",
     "the server refuses the authentication, the child proposals or the traffic selectors (which, is encrypted)",
     "read the server's log; compare keys, certificates, identities, ESP proposals and traffic selectors"},
    {finding_kind::nothing_inbound, "nothing_inbound", "D6", severity::warning,
     3, detail::seconds{10}, detail::seconds{1}, detail::seconds{7200}, {},
     "the client sends ESP and none comes back",
     "the return path is filtered, ESP is blocked upstream, or the traffic is one-way by intent",
     "check that IP protocol 50 passes upstream toward the NAT address"},
    {finding_kind::natt_blocked, "natt_blocked", "D7", severity::error,
     0, {}, {}, detail::seconds{60}, detail::seconds{15},
     "both peers announce NAT traversal, then nothing is answered on udp 4500",
     "udp 4500 is blocked",
     "let udp 4500 pass to and from the server"},
    {finding_kind::mtu_too_large, "mtu_too_large", "D8", severity::warning,
     3, {}, detail::seconds{1}, detail::seconds{60}, {},
     "routers keep reporting that the tunnel's packets are too large",
     "large packets in the tunnel vanish",
     "lower the tunnel MTU at the client or clamp TCP MSS"},
    {finding_kind::esp_without_ike, "esp_without_ike", "D9", severity::error,
     3, detail::seconds{1}, {}, detail::seconds{60}, {},
     "ESP of a client that no IKE was seen of",
     "its IKE takes another path, or the tunnel is older than this gateway",
     "route IKE and ESP the same way; rekey the tunnel, or permit midstream for it"},
    {finding_kind::phase1_key_differs, "phase1_key_differs", "D10", severity::error,
     3, detail::seconds{3}, {}, detail::seconds{60}, {},
     "Main Mode message 5 is repeated, or answered by an Informational in clear",
     "the pre-shared key or the identity differs",
     "compare the pre-shared key and the IKE identities of both ends"},
    {finding_kind::nat_exemption_missing, "nat_exemption_missing", "D11", severity::notice,
     3, {}, {}, detail::seconds{60}, {},
     "traffic to a private address range is translated to a public source address",
     "an IPsec subnet is not exempted from NAT",
     "add a source-nat rule `off` for the range before the others, or route it elsewhere"},
    {finding_kind::address_not_persistent, "address_not_persistent", "D12", severity::error,
     1, {}, {}, detail::seconds{60}, {},
     "udp 4500 of an IKE negotiation comes from another address than its udp 500",
     "addresses are not persistent, and the negotiation with NAT-T fails",
     "turn on address-persistent at the NAT between; after a change of pools, restart the tunnel"},
}};
// clang-format on

[[nodiscard]] constexpr const finding_rule& rule_of(finding_kind k) noexcept {
    return finding_rules[static_cast<std::size_t>(k)];
}
[[nodiscard]] constexpr std::string_view to_string(finding_kind k) noexcept {
    return rule_of(k).name;
}

static_assert(
    [] {
        for (std::size_t i = 0; i < finding_rules.size(); ++i) {
            if (static_cast<std::size_t>(finding_rules[i].kind) != i) {
                return false;
            }
        }
        return true;
    }(),
    "the table is in the order of the enumeration");

/// Something an operator should know. `server` of `nat_exemption_missing` is a range: the first address of its /24 or
/// /64.
template <class Family>
struct finding {
    using address = typename Family::address;
    finding_kind kind{};
    bool active = true;  ///< false: told before, and over now
    vrf_id vrf{};
    address client{};
    address server{};
    address other{};          ///< address_not_persistent: the address that 500 came from
    std::uint32_t mtu = 0;    ///< mtu_too_large: the next-hop MTU that was reported last, 0 when none was
    std::uint32_t count = 0;  ///< pieces of evidence; 0 when it is over
    instant first_seen{};
    instant last_seen{};

    [[nodiscard]] constexpr diagnose::severity severity() const noexcept { return rule_of(kind).severity; }
};

/// "D3 error 10.0.0.2 -> 198.51.100.1: what was seen -> what it means -> what to do". Allocates.
template <class Family>
[[nodiscard]] std::string to_string(const finding<Family>& f) {
    const finding_rule& r = rule_of(f.kind);
    std::string text{r.rule};
    text.append(" ").append(f.active ? to_string(r.severity) : std::string_view{"over"});
    text.append(" ").append(to_string(f.client)).append(" -> ").append(to_string(f.server)).append(": ").append(r.seen);
    if (f.mtu != 0) {
        text.append(" (next-hop MTU ").append(std::to_string(f.mtu)).append(")");
    }
    if (f.other != typename Family::address{}) {
        text.append(" (").append(to_string(f.other)).append(")");
    }
    return text.append(" -> ").append(r.means).append(" -> ").append(r.act);
}

}  // namespace ikealg::inline v0::diagnose

#endif
