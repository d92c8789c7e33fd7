// SPDX-License-Identifier: Apache-2.0
/// What tunnels' packets and ICMP errors tell: ESP that only goes one way or that no IKE came before, errors of routers
/// and servers, flows whose address should not have been translated (D2, D6, D8, D9, D11).
///
/// No promise to users: include findings.hpp.
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_DIAGNOSE_TRAFFIC_SIGNS_HPP
#define IKEALG_DIAGNOSE_TRAFFIC_SIGNS_HPP

#include <array>
#include <cstdint>

#include "ikealg/alg/event.hpp"
#include "ikealg/diagnose/evidence_book.hpp"

namespace ikealg::inline v0::diagnose {

/// RFC 1918 and, in IPv6, unique local addresses (RFC 4193).
[[nodiscard]] constexpr bool is_private(ipv4_address a) noexcept {
    return a.masked(8).value == 0x0a00'0000 || a.masked(12).value == 0xac10'0000 || a.masked(16).value == 0xc0a8'0000;
}
[[nodiscard]] constexpr bool is_private(ipv6_address a) noexcept {
    return a.high >> 57 == 0xfc >> 1;
}

namespace detail {

template <class Family>
class traffic_signs {
public:
    using book = evidence_book<Family>;
    using event_type = typename book::event_type;

    explicit traffic_signs(book& b) noexcept : book_(b) {}

    void on_esp_out(const event_type& e, bool enough) noexcept {
        watch_type* const w = book_.get(e);
        if (w == nullptr) {
            return;
        }
        book_.clear(*w, kind::esp_without_ike);
        esp_says_authenticated(*w);
        if (!w->inbound_seen) {  // else the path is open, and the traffic of one SA goes one way
            enough ? book_.raise(*w, kind::nothing_inbound, e.at) : book_.note(*w, kind::nothing_inbound, e.at);
        }
    }
    void on_esp_in(const event_type& e) noexcept {
        if (watch_type* const w = book_.get(e)) {
            w->inbound_seen = true;
            book_.clear(*w, std::array{kind::nothing_inbound, kind::esp_without_ike});
            esp_says_authenticated(*w);
        }
    }
    void on_drop(const event_type& e) noexcept {
        if (e.reason != drop_reason::esp_no_gate || !e.outbound) {
            return;
        }
        if (watch_type* const w = book_.get(e); w != nullptr && !w->ike_seen) {
            book_.note(*w, kind::esp_without_ike, e.at);
        }
    }

    void on_icmp(const event_type& e) noexcept {
        constexpr bool v4 = Family::version == 4;
        constexpr std::uint32_t port_unreachable = v4 ? 3U << 8 | 3 : 1U << 8 | 4;  // RFC 792; RFC 4443 3.1
        constexpr std::uint32_t too_big = v4 ? 3U << 8 | 4 : 2U << 8;               // RFC 1191; RFC 4443 3.2
        const std::uint32_t what = e.detail & 0xffff;
        const bool udp = e.protocol == static_cast<std::uint8_t>(ip_protocol::udp);
        const bool esp =
            e.protocol == static_cast<std::uint8_t>(ip_protocol::esp) || (udp && e.server_port == natt_port);
        const bool no_listener = what == port_unreachable && udp && e.server_port == ike_port;
        if (e.outbound || (!no_listener && !(what == too_big && esp))) {
            return;
        }
        watch_type* const w = book_.get(e);
        if (w == nullptr) {
            return;
        }
        if (no_listener) {
            book_.clear(*w, kind::server_silent);  // it is not
            book_.note(*w, kind::no_ike_listener, e.at);
        } else {
            w->mtu = e.detail >> 16;
            book_.note(*w, kind::mtu_too_large, e.at);
        }
    }

    /// D11. Between private addresses, as in a lab, the destination may well answer.
    void on_flow(const event_type& e) noexcept {
        if (e.nat == e.client || !is_private(e.server) || is_private(e.nat)) {
            return;
        }
        if (watch_type* const w = book_.get(e, e.server.masked(Family::version == 4 ? 24 : 64))) {
            book_.note(*w, kind::nat_exemption_missing, e.at);
        }
    }

private:
    using watch_type = typename book::watch_type;
    using kind = finding_kind;

    void esp_says_authenticated(watch_type& w) noexcept {
        w.auth = {};
        w.auth_restarts = 0;
        book_.clear(w, kind::authentication_refused);
    }

    book& book_;
};

}  // namespace detail

}  // namespace ikealg::inline v0::diagnose

#endif
