// SPDX-License-Identifier: Apache-2.0
/// Findings for operators from the gateway's events (D1-D12): why a tunnel does not come up.
///
///     ikealg::diagnose::findings<ikealg::ipv4> findings({}, seed);
///     using gateway = ikealg::gateway<ikealg::ipv4, my_packet, ikealg::diagnose::findings<ikealg::ipv4>::listener>;
///     auto made = gateway::create(settings, options, findings.listen());
///     findings.report(now, [](const auto& f) { log(to_string(f)); });   // now and then, on the gateway's core
///
/// A finding is told once when there is enough evidence (finding.hpp), and once more, `active` false, when events
/// contradict it or when nothing has renewed it for `memory`. Only what is visible in clear counts:
///
/// - Behind NAT-T an IKE negotiation goes on on udp 4500 after its first messages, where the gateway does not follow
///   it (R5): D4, D5, D6 and D10 are about tunnels on udp 500 and plain ESP.
/// - D6 takes learning tenures as evidence that the client goes on sending. A client whose nat address is its own has
///   none (G9): there it takes three outbound SPIs.
/// - D11 is told of private destinations that leave with a public source address; whether somebody answers is not
///   looked at.
/// - D12 sees this gateway's own mapping (500 and 4500 of a client left with different nat addresses, for instance
///   after a change of pools) and a NAT on the clients' side (IKE that began on 500 of one address goes on on 4500 of
///   another). What a NAT between this gateway and the server does is not visible here.
/// - A pair that was forgotten (`evicted`) loses what spoke against a finding as well: give room for all clients.
///
/// Thread safety: none; one owner, that of the gateway it listens to. Complexity: constant an event; `report` is
/// linear in the records. Nothing allocates after construction.
#ifndef IKEALG_DIAGNOSE_FINDINGS_HPP
#define IKEALG_DIAGNOSE_FINDINGS_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ikealg/alg/event.hpp"
#include "ikealg/alg/phase2.hpp"
#include "ikealg/diagnose/finding.hpp"
#include "ikealg/diagnose/watch_table.hpp"
#include "ikealg/wire/ike_notify.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::diagnose {

struct findings_options {
    std::size_t pairs = 4096;  ///< clients and servers that are remembered: about 0.6 kB each
    std::size_t pairs_per_client = 16;
    std::chrono::seconds memory{1800};  ///< a finding without new evidence is over after this time
};

/// RFC 1918 and, in IPv6, unique local addresses (RFC 4193).
[[nodiscard]] constexpr bool is_private(ipv4_address a) noexcept {
    return a.masked(8).value == 0x0a00'0000 || a.masked(12).value == 0xac10'0000 || a.masked(16).value == 0xc0a8'0000;
}
[[nodiscard]] constexpr bool is_private(ipv6_address a) noexcept {
    return a.high >> 57 == 0xfc >> 1;
}

template <class Family>
class findings {
public:
    using address = typename Family::address;
    using event_type = alg::event<Family>;
    using finding_type = finding<Family>;

    /// @param seed of the keyed hash: random in a product.
    explicit findings(const findings_options& options = {}, std::uint64_t seed = 0)
        : options_(options), watches_(options.pairs, options.pairs_per_client, hash_secret::from_seed(seed)) {}

    /// The gateway's observer: refers to these findings, which must outlive the gateway and stay where they are.
    struct listener {
        findings* to = nullptr;
        void operator()(const event_type& e) const noexcept { (*to)(e); }
    };
    [[nodiscard]] listener listen() noexcept { return {this}; }

    /// Takes an event in. Events come in the order of time.
    void operator()(const event_type& e) noexcept {
        using alg::event_kind;
        switch (e.kind) {
            case event_kind::ike_message: on_message(e); break;
            case event_kind::ike_notify: on_notify(e); break;
            case event_kind::ike_session_started: on_session(e, true); break;
            case event_kind::ike_session_ended: on_session(e, false); break;
            case event_kind::phase2_failed: on_brief_answer(e); break;
            case event_kind::natt_announced: on_announced(e); break;
            case event_kind::natt_started: on_natt(e); break;
            case event_kind::natt_answered: on_natt_answer(e); break;
            case event_kind::flow_started: on_flow(e); break;
            case event_kind::flow_ended: on_flow_end(e); break;
            case event_kind::spi_bound_outbound:
            case event_kind::learning_started: on_esp_out(e, false); break;
            case event_kind::one_way: on_esp_out(e, true); break;
            case event_kind::spi_bound_gate:
            case event_kind::spi_bound_late:
            case event_kind::spi_bound_midstream: on_esp_in(e); break;
            case event_kind::icmp_error: on_icmp(e); break;
            case event_kind::dropped: on_drop(e); break;
            case event_kind::configuration_replaced: forget_configuration(); break;
            default: break;
        }
    }

    /// Tells what is new: `visit(const finding<Family>&)` for each finding raised, or over, since the last call.
    template <class Visit>
    void report(instant now, Visit&& visit) {
        watches_.for_each([&](vrf_id vrf, address client, watch_type& w) {
            for (std::size_t i = 0; unsigned{w.busy} >> i != 0; ++i) {
                if ((unsigned{w.busy} >> i & 1U) == 0) {
                    continue;
                }
                const auto k = static_cast<finding_kind>(i);
                age(w, k, now);
                evidence& s = w.seen[i];
                if (s.raised != s.told) {
                    s.told = s.raised;
                    visit(shown(vrf, client, w, k));
                }
                if (!s.raised && s.count == 0) {
                    w.busy = static_cast<std::uint16_t>(w.busy & ~(1U << i));
                }
            }
        });
    }

    /// All findings that hold now, told or not: `visit(const finding<Family>&)`.
    template <class Visit>
    void for_each(Visit&& visit) const {
        watches_.for_each([&](vrf_id vrf, address client, const watch_type& w) {
            for (std::size_t i = 0; i < finding_kind_count; ++i) {
                if (w.seen[i].raised) {
                    visit(shown(vrf, client, w, static_cast<finding_kind>(i)));
                }
            }
        });
    }

    [[nodiscard]] std::size_t size() const noexcept { return watches_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return watches_.capacity(); }
    /// Pairs that were forgotten because there was no room.
    [[nodiscard]] std::uint64_t evicted() const noexcept { return watches_.evicted(); }

private:
    using watch_type = watch<Family>;
    using kind = finding_kind;
    using exchange_type = wire::exchange_type;

    static constexpr std::uint32_t least_agreement = 120;  ///< bytes of an IKE_SA_INIT response with SA, KE and nonce
    static constexpr std::uint32_t auth_restarts_need = 3;
    static constexpr duration auth_relevant = std::chrono::seconds{120};

    // Evidence.

    void note(watch_type& w, kind k, instant now) noexcept {
        age(w, k, now);
        const finding_rule& r = rule_of(k);
        evidence& s = w.seen[static_cast<std::size_t>(k)];
        if (s.count != 0 && now - s.last < r.spacing) {
            return;
        }
        if (s.count++ == 0) {
            s.first = now;
        }
        s.last = now;
        s.raised = s.raised || (r.need != 0 && s.count >= r.need && now - s.first >= r.span);
        w.busy = static_cast<std::uint16_t>(w.busy | 1U << static_cast<unsigned>(k));
    }
    void raise(watch_type& w, kind k, instant now) noexcept {
        note(w, k, now);
        w.seen[static_cast<std::size_t>(k)].raised = true;
    }
    static void clear(watch_type& w, kind k) noexcept {
        evidence& s = w.seen[static_cast<std::size_t>(k)];
        s.raised = false;
        s.count = 0;
    }
    template <std::size_t N>
    static void clear(watch_type& w, const std::array<kind, N>& kinds) noexcept {
        for (const kind k : kinds) {
            clear(w, k);
        }
    }
    [[nodiscard]] static bool has(const watch_type& w, kind k) noexcept {
        const evidence& s = w.seen[static_cast<std::size_t>(k)];
        return s.raised || s.count != 0;
    }
    /// What time alone does to evidence.
    void age(watch_type& w, kind k, instant now) noexcept {
        const finding_rule& r = rule_of(k);
        evidence& s = w.seen[static_cast<std::size_t>(k)];
        if (s.count == 0) {
            return;
        }
        if (s.raised ? now - s.last >= options_.memory : r.patience.count() == 0 && now - s.last > r.window) {
            clear(w, k);
        } else if (r.patience.count() != 0 && now - s.first >= r.patience) {
            s.raised = true;
        }
    }
    [[nodiscard]] finding_type shown(vrf_id vrf, address client, const watch_type& w, kind k) const noexcept {
        const evidence& s = w.seen[static_cast<std::size_t>(k)];
        finding_type f;
        f.kind = k;
        f.active = s.raised;
        f.vrf = vrf;
        f.client = client;
        f.server = w.server;
        f.other = k == kind::address_not_persistent ? w.other : address{};
        f.mtu = k == kind::mtu_too_large ? w.mtu : 0;
        f.count = s.count;
        f.first_seen = s.first;
        f.last_seen = s.last;
        return f;
    }

    [[nodiscard]] watch_type* find(const event_type& e) noexcept { return watches_.find(e.vrf, e.client, e.server); }
    [[nodiscard]] watch_type* get(const event_type& e) noexcept { return watches_.get(e.vrf, e.client, e.server); }

    // IKE on port 500.

    void on_message(const event_type& e) noexcept {
        watch_type* const w = get(e);
        if (w == nullptr) {
            return;
        }
        w->ike_seen = true;
        w->nat = e.nat;
        clear(*w, kind::esp_without_ike);
        const auto type = static_cast<exchange_type>(e.exchange_type);
        if (wire::is_phase2(type) || type == exchange_type::informational || type == exchange_type::transaction) {
            clear(*w, kind::natt_blocked);  // they went on on 500 (R6)
            w->natt_announced = 0;
        }
        if (!e.outbound) {
            clear(*w, std::array{kind::no_ike_listener, kind::server_silent});
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
                    has(*w, kind::phase1_key_differs)) {
                    raise(*w, kind::phase1_key_differs, e.at);
                }
                break;
            case exchange_type::quick_mode: quick_mode(*w, e); break;
            case exchange_type::ike_auth: auth(*w, e); break;
            case exchange_type::create_child_sa:  // the IKE SA is there
                w->auth = {};
                clear(*w, kind::authentication_refused);
                break;
            default: break;
        }
    }
    void phase1(watch_type& w, const event_type& e, bool agreed) noexcept {
        if (agreed && e.responder.value != 0) {
            clear(w, std::array{kind::algorithms_differ, kind::group_refused, kind::version_differs,
                                kind::server_under_load});
        }
        if (!e.outbound || e.responder.value != 0) {
            return;
        }
        w.main5 = {};
        if (!has(w, kind::no_ike_listener)) {
            note(w, kind::server_silent, e.at);
        }
        if (w.auth.value == 0 || w.auth == e.initiator) {
            return;
        }
        if (e.at - w.auth_at < auth_relevant && w.auth_brief) {  // D5: it tries again
            raise(w, kind::authentication_refused, e.at);
        } else if (e.at - w.auth_at < auth_relevant && e.at - w.auth_at >= std::chrono::seconds{1}) {
            if (++w.auth_restarts >= auth_restarts_need) {
                raise(w, kind::authentication_refused, e.at);
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
            clear(w, kind::phase1_key_differs);
        } else if (w.authenticated != e.initiator) {
            w.main5 = e.initiator;
            note(w, kind::phase1_key_differs, e.at);
        }
    }
    void quick_mode(watch_type& w, const event_type& e) noexcept {
        if (!e.outbound) {
            if (w.quick_open && w.quick_id == e.message_id) {
                w.quick_open = false;
                clear(w, kind::quick_mode_refused);
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
            note(w, kind::quick_mode_refused, e.at);
        }
    }
    void auth(watch_type& w, const event_type& e) noexcept {
        if (!e.outbound) {
            w.auth = e.initiator;
            w.auth_at = e.at;
            w.auth_brief = false;
        } else if (w.auth == e.initiator) {  // one more round (X5)
            w.auth = {};
            clear(w, kind::authentication_refused);
        }
    }
    void on_brief_answer(const event_type& e) noexcept {
        watch_type* const w = find(e);
        if (w != nullptr && !e.outbound && static_cast<exchange_type>(e.exchange_type) == exchange_type::ike_auth &&
            w->auth.value != 0) {
            w->auth_brief = true;
            note(*w, kind::authentication_refused, e.at);
        }
    }
    void on_session(const event_type& e, bool started) noexcept {
        watch_type* const w = started ? get(e) : find(e);
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
        if (watch_type* const w = find(e); w != nullptr && w->main5.value == 0) {
            note(*w, row->found, e.at);
        }
    }

    // NAT-T.

    void on_announced(const event_type& e) noexcept {
        watch_type* const w = get(e);
        if (w == nullptr) {
            return;
        }
        if (w->natt_initiator != e.initiator) {
            w->natt_initiator = e.initiator;
            w->natt_announced = 0;
        }
        w->natt_announced = static_cast<std::uint8_t>(w->natt_announced | (e.outbound ? 1U : 2U));
        if (e.outbound) {
            announced_[next_announced_] = {e.vrf, e.client, e.server, e.initiator};
            next_announced_ = (next_announced_ + 1) % announced_.size();
        }
        if (w->natt_announced == 3 && !w->natt_works) {
            note(*w, kind::natt_blocked, e.at);
        }
    }
    void on_natt(const event_type& e) noexcept {
        watch_type* const w = get(e);
        if (w == nullptr) {
            return;
        }
        ++w->natt_flows;
        clear(*w, kind::address_not_persistent);
        if (w->ike_seen && w->nat != e.nat) {
            w->other = w->nat;
            raise(*w, kind::address_not_persistent, e.at);
            return;
        }
        // Later exchanges of an IKE SA may come from elsewhere: the client has moved (RFC 4555).
        constexpr std::array<exchange_type, 4> establishing{exchange_type::main_mode, exchange_type::aggressive_mode,
                                                            exchange_type::ike_auth, exchange_type::ike_intermediate};
        const auto type = static_cast<exchange_type>(e.exchange_type);
        if (e.initiator.value == 0 || std::find(establishing.begin(), establishing.end(), type) == establishing.end()) {
            return;
        }
        const auto same_sa = [&](const announcement& a) {
            return a.initiator == e.initiator && a.vrf == e.vrf && a.server == e.server;
        };
        const auto at = std::find_if(announced_.begin(), announced_.end(), same_sa);
        const bool own = std::any_of(announced_.begin(), announced_.end(),
                                     [&](const announcement& a) { return same_sa(a) && a.client == e.client; });
        if (at != announced_.end() && !own) {
            w->other = at->client;
            raise(*w, kind::address_not_persistent, e.at);
        }
    }
    void on_natt_answer(const event_type& e) noexcept {
        if (watch_type* const w = find(e)) {
            w->natt_works = true;
            clear(*w, kind::natt_blocked);
        }
    }

    // Other traffic.

    /// D11. Between private addresses, as in a lab, the destination may well answer.
    void on_flow(const event_type& e) noexcept {
        if (e.nat == e.client || !is_private(e.server) || is_private(e.nat)) {
            return;
        }
        if (watch_type* const w = watches_.get(e.vrf, e.client, e.server.masked(address::bits == 32 ? 24 : 64))) {
            note(*w, kind::nat_exemption_missing, e.at);
        }
    }
    void on_flow_end(const event_type& e) noexcept {
        if (e.protocol != static_cast<std::uint8_t>(ip_protocol::udp) || e.server_port != natt_port) {
            return;
        }
        watch_type* const w = find(e);
        if (w != nullptr && (w->natt_flows == 0 || --w->natt_flows == 0)) {
            w->natt_works = false;
        }
    }

    // ESP.

    void on_esp_out(const event_type& e, bool enough) noexcept {
        watch_type* const w = get(e);
        if (w == nullptr) {
            return;
        }
        clear(*w, kind::esp_without_ike);
        esp_says_authenticated(*w);
        if (!w->inbound_seen) {  // else the path is open, and the traffic of one SA goes one way
            enough ? raise(*w, kind::nothing_inbound, e.at) : note(*w, kind::nothing_inbound, e.at);
        }
    }
    void on_esp_in(const event_type& e) noexcept {
        if (watch_type* const w = get(e)) {
            w->inbound_seen = true;
            clear(*w, std::array{kind::nothing_inbound, kind::esp_without_ike});
            esp_says_authenticated(*w);
        }
    }
    static void esp_says_authenticated(watch_type& w) noexcept {
        w.auth = {};
        w.auth_restarts = 0;
        clear(w, kind::authentication_refused);
    }
    void on_drop(const event_type& e) noexcept {
        if (e.reason != drop_reason::esp_no_gate || !e.outbound) {
            return;
        }
        if (watch_type* const w = get(e); w != nullptr && !w->ike_seen) {
            note(*w, kind::esp_without_ike, e.at);
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
        watch_type* const w = get(e);
        if (w == nullptr) {
            return;
        }
        if (no_listener) {
            clear(*w, kind::server_silent);  // it is not
            note(*w, kind::no_ike_listener, e.at);
        } else {
            w->mtu = e.detail >> 16;
            note(*w, kind::mtu_too_large, e.at);
        }
    }

    void forget_configuration() noexcept {
        watches_.for_each([](vrf_id, address, watch_type& w) { clear(w, kind::nat_exemption_missing); });
    }

    /// IKE SAs that announced NAT-T on 500, the newest ones (D12).
    struct announcement {
        vrf_id vrf{};
        address client{};
        address server{};
        ike_spi initiator{};
    };

    findings_options options_;
    watch_table<Family> watches_;
    std::array<announcement, 64> announced_{};
    std::size_t next_announced_ = 0;
};

}  // namespace ikealg::inline v0::diagnose

#endif
