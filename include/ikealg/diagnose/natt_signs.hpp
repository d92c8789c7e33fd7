// SPDX-License-Identifier: Apache-2.0
/// What the move to NAT-T tells: that both peers announce it and udp 4500 stays silent (D7), or that 500 and 4500 of a
/// client come from different addresses (D12).
///
/// No promise to users: include findings.hpp.
///
/// Thread safety: none, one owner. Complexity: constant, `on_natt` with a look at the newest announcements.
#ifndef IKEALG_DIAGNOSE_NATT_SIGNS_HPP
#define IKEALG_DIAGNOSE_NATT_SIGNS_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "ikealg/alg/event.hpp"
#include "ikealg/diagnose/evidence_book.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::diagnose::detail {

/// An IKE SA that announced NAT-T on 500.
template <class Family>
struct natt_announcement {
    vrf_id vrf{};
    typename Family::address client{};
    typename Family::address server{};
    ike_spi initiator{};
};

/// The newest announcements of all clients (D12).
template <class Family>
struct natt_announcements {
    std::array<natt_announcement<Family>, 64> newest{};
    std::size_t next = 0;

    void add(const natt_announcement<Family>& a) noexcept {
        newest[next] = a;
        next = (next + 1) % newest.size();
    }
};

template <class Family>
class natt_signs {
public:
    using book = evidence_book<Family>;
    using event_type = typename book::event_type;

    natt_signs(book& b, natt_announcements<Family>& announced) noexcept : book_(b), announced_(announced) {}

    void on_announced(const event_type& e) noexcept {
        watch_type* const w = book_.get(e);
        if (w == nullptr) {
            return;
        }
        if (w->natt_initiator != e.initiator) {
            w->natt_initiator = e.initiator;
            w->natt_announced = 0;
        }
        w->natt_announced = static_cast<std::uint8_t>(w->natt_announced | (e.outbound ? 1U : 2U));
        if (e.outbound) {
            announced_.add({e.vrf, e.client, e.server, e.initiator});
        }
        if (w->natt_announced == 3 && !w->natt_works) {
            book_.note(*w, kind::natt_blocked, e.at);
        }
    }

    void on_natt(const event_type& e) noexcept {
        watch_type* const w = book_.get(e);
        if (w == nullptr) {
            return;
        }
        ++w->natt_flows;
        book_.clear(*w, kind::address_not_persistent);
        if (w->ike_seen && w->nat != e.nat) {
            w->other = w->nat;
            book_.raise(*w, kind::address_not_persistent, e.at);
            return;
        }
        // Later exchanges of an IKE SA may come from elsewhere: the client has moved (RFC 4555).
        constexpr std::array<exchange_type, 4> establishing{exchange_type::main_mode, exchange_type::aggressive_mode,
                                                            exchange_type::ike_auth, exchange_type::ike_intermediate};
        const auto type = static_cast<exchange_type>(e.exchange_type);
        if (e.initiator.value == 0 || std::find(establishing.begin(), establishing.end(), type) == establishing.end()) {
            return;
        }
        const auto& newest = announced_.newest;
        const auto same_sa = [&](const natt_announcement<Family>& a) {
            return a.initiator == e.initiator && a.vrf == e.vrf && a.server == e.server;
        };
        const auto at = std::find_if(newest.begin(), newest.end(), same_sa);
        const bool own = std::any_of(newest.begin(), newest.end(), [&](const natt_announcement<Family>& a) {
            return same_sa(a) && a.client == e.client;
        });
        if (at != newest.end() && !own) {
            w->other = at->client;
            book_.raise(*w, kind::address_not_persistent, e.at);
        }
    }

    void on_natt_answer(const event_type& e) noexcept {
        if (watch_type* const w = book_.find(e)) {
            w->natt_works = true;
            book_.clear(*w, kind::natt_blocked);
        }
    }

    void on_flow_end(const event_type& e) noexcept {
        if (e.protocol != static_cast<std::uint8_t>(ip_protocol::udp) || e.server_port != natt_port) {
            return;
        }
        watch_type* const w = book_.find(e);
        if (w != nullptr && (w->natt_flows == 0 || --w->natt_flows == 0)) {
            w->natt_works = false;
        }
    }

private:
    using watch_type = typename book::watch_type;
    using kind = finding_kind;
    using exchange_type = wire::exchange_type;

    book& book_;
    natt_announcements<Family>& announced_;
};

}  // namespace ikealg::inline v0::diagnose::detail

#endif
