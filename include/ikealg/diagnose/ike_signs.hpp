// SPDX-License-Identifier: Apache-2.0
/// What IKE on port 500 tells, of what is visible in clear: refusals, and messages that are repeated without an answer
/// (D1, D3, D4, D5, D10; that it is there at all speaks against D2, D7 and D9).
///
/// No promise to users: include findings.hpp.
///
/// Thread safety: none, one owner. Complexity: constant.
#ifndef IKEALG_DIAGNOSE_IKE_SIGNS_HPP
#define IKEALG_DIAGNOSE_IKE_SIGNS_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "ikealg/alg/event.hpp"
#include "ikealg/alg/phase2.hpp"
#include "ikealg/diagnose/evidence_book.hpp"
#include "ikealg/wire/ike_notify.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::diagnose::detail {

template <class Family>
class ike_signs {
public:
    using book = evidence_book<Family>;
    using event_type = typename book::event_type;

    explicit ike_signs(book& b) noexcept : book_(b) {}

    void on_message(const event_type& e) noexcept {
        watch_type* const w = book_.get(e);
        if (w == nullptr) {
            return;
        }
        w->ike_seen = true;
        w->nat = e.nat;
        book_.clear(*w, kind::esp_without_ike);
        const auto type = static_cast<exchange_type>(e.exchange_type);
        if (wire::is_phase2(type) || type == exchange_type::informational || type == exchange_type::transaction) {
            book_.clear(*w, kind::natt_blocked);  // they went on on 500 (R6)
            w->natt_announced = 0;
        }
        if (!e.outbound) {
            book_.clear(*w, std::array{kind::no_ike_listener, kind::server_silent});
        }
        if (e.fragment > 1) {
            return;  // R9: the fragments of a message are one
        }
        switch (type) {
            case exchange_type::ike_sa_init: phase1(*w, e, !e.outbound && e.detail >= least_agreement); break;
            case exchange_type::main_mode:
                (e.ike_flags & wire::ike_flag::encryption) != 0 ? main_mode_end(*w, e) : phase1(*w, e, !e.outbound);
                break;
            case exchange_type::aggressive_mode: phase1(*w, e, !e.outbound); break;
            case exchange_type::informational_v1:
                if (!e.outbound && (e.ike_flags & wire::ike_flag::encryption) == 0 && w->main5 == e.initiator &&
                    book_.has(*w, kind::phase1_key_differs)) {
                    book_.raise(*w, kind::phase1_key_differs, e.at);
                }
                break;
            case exchange_type::quick_mode: quick_mode(*w, e); break;
            case exchange_type::ike_auth: auth(*w, e); break;
            case exchange_type::create_child_sa:  // the IKE SA is there
                w->auth = {};
                book_.clear(*w, kind::authentication_refused);
                break;
            default: break;
        }
    }

    /// A notify in clear. A client echoes COOKIE in its next request: only what the server says counts.
    void on_notify(const event_type& e) noexcept {
        const auto row =
            std::find_if(notify_rows.begin(), notify_rows.end(), [&](const auto& r) { return r.type == e.detail; });
        const auto type = static_cast<exchange_type>(e.exchange_type);
        const bool before_keys = wire::is_phase1(type) || type == exchange_type::informational_v1;
        const bool cookie_of_v1 = e.detail == wire::notify_v2::cookie && type != exchange_type::ike_sa_init;
        if (row == notify_rows.end() || e.outbound || !before_keys || cookie_of_v1) {
            return;
        }
        if (watch_type* const w = book_.find(e); w != nullptr && w->main5.value == 0) {
            book_.note(*w, row->found, e.at);
        }
    }

    void on_brief_answer(const event_type& e) noexcept {
        watch_type* const w = book_.find(e);
        if (w != nullptr && !e.outbound && static_cast<exchange_type>(e.exchange_type) == exchange_type::ike_auth &&
            w->auth.value != 0) {
            w->auth_brief = true;
            book_.note(*w, kind::authentication_refused, e.at);
        }
    }

    void on_session(const event_type& e, bool started) noexcept {
        watch_type* const w = started ? book_.get(e) : book_.find(e);
        if (w == nullptr) {
            return;
        }
        if (started) {
            ++w->sessions;
            w->inbound_seen = false;
        } else if (w->sessions <= 1) {
            w->sessions = 0;
            w->ike_seen = false;
        } else {
            --w->sessions;
        }
    }

private:
    using watch_type = typename book::watch_type;
    using kind = finding_kind;
    using exchange_type = wire::exchange_type;

    static constexpr std::uint32_t least_agreement = 120;  ///< bytes of an IKE_SA_INIT response with SA, KE and nonce
    static constexpr std::uint32_t auth_restarts_need = 3;
    static constexpr duration auth_relevant = std::chrono::seconds{120};

    struct notify_row {
        std::uint16_t type;
        kind found;
    };
    /// IKEv1 and IKEv2 agree in these numbers (RFC 2408 3.14.1; RFC 7296 3.10.1), but COOKIE is IKEv2's alone.
    static constexpr std::array<notify_row, 4> notify_rows{{
        {wire::notify_v2::no_proposal_chosen, kind::algorithms_differ},
        {wire::notify_v2::invalid_ke_payload, kind::group_refused},
        {wire::notify_v2::invalid_major_version, kind::version_differs},
        {wire::notify_v2::cookie, kind::server_under_load},
    }};

    void phase1(watch_type& w, const event_type& e, bool agreed) noexcept {
        if (agreed && e.responder.value != 0) {
            book_.clear(w, std::array{kind::algorithms_differ, kind::group_refused, kind::version_differs,
                                      kind::server_under_load});
        }
        if (!e.outbound || e.responder.value != 0) {
            return;
        }
        w.main5 = {};
        if (!book_.has(w, kind::no_ike_listener)) {
            book_.note(w, kind::server_silent, e.at);
        }
        if (w.auth.value == 0 || w.auth == e.initiator) {
            return;
        }
        if (e.at - w.auth_at < auth_relevant && w.auth_brief) {  // D5: it tries again
            book_.raise(w, kind::authentication_refused, e.at);
        } else if (e.at - w.auth_at < auth_relevant && e.at - w.auth_at >= std::chrono::seconds{1}) {
            if (++w.auth_restarts >= auth_restarts_need) {
                book_.raise(w, kind::authentication_refused, e.at);
            }
        } else {
            w.auth_restarts = 0;
        }
        w.auth = {};
    }
    /// Main Mode message 5 is the first encrypted one, 6 its answer (RFC 2409 5). Who sends 6 has received 5.
    void main_mode_end(watch_type& w, const event_type& e) noexcept {
        if (!e.outbound) {
            w.authenticated = e.initiator;
            w.main5 = {};
            book_.clear(w, kind::phase1_key_differs);
        } else if (w.authenticated != e.initiator) {
            w.main5 = e.initiator;
            book_.note(w, kind::phase1_key_differs, e.at);
        }
    }
    void quick_mode(watch_type& w, const event_type& e) noexcept {
        if (!e.outbound) {
            if (w.quick_open && w.quick_id == e.message_id) {
                w.quick_open = false;
                book_.clear(w, kind::quick_mode_refused);
            } else {
                w.quick_id_of_server = e.message_id;
            }
            return;
        }
        const evidence& s = w.seen[static_cast<std::size_t>(kind::quick_mode_refused)];
        const bool stale = w.quick_open && e.at - s.last > rule_of(kind::quick_mode_refused).window;
        if (e.message_id == w.quick_id_of_server || (w.quick_id == e.message_id && !w.quick_open)) {
            return;  // message 2 of the server's, message 3 of the client's
        }
        if (!w.quick_open || stale) {
            w.quick_open = true;
            w.quick_id = e.message_id;
        }
        if (w.quick_id == e.message_id) {
            book_.note(w, kind::quick_mode_refused, e.at);
        }
    }
    void auth(watch_type& w, const event_type& e) noexcept {
        if (!e.outbound) {
            w.auth = e.initiator;
            w.auth_at = e.at;
            w.auth_brief = false;
        } else if (w.auth == e.initiator) {  // one more round (X5)
            w.auth = {};
            book_.clear(w, kind::authentication_refused);
        }
    }

    book& book_;
};

}  // namespace ikealg::inline v0::diagnose::detail

#endif
