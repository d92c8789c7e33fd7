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

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ikealg/alg/event.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/diagnose/evidence_book.hpp"
#include "ikealg/diagnose/finding.hpp"
#include "ikealg/diagnose/ike_signs.hpp"
#include "ikealg/diagnose/natt_signs.hpp"
#include "ikealg/diagnose/traffic_signs.hpp"

namespace ikealg::inline v0::diagnose {

struct findings_options {
    std::size_t pairs = 4096;  ///< clients and servers that are remembered: about 0.6 kB each
    std::size_t pairs_per_client = 16;
    std::chrono::seconds memory{1800};  ///< a finding without new evidence is over after this time
};

template <class Family>
class findings {
public:
    using address = typename Family::address;
    using event_type = alg::event<Family>;
    using finding_type = finding<Family>;

    /// @param seed of the keyed hash: random in a product.
    explicit findings(const findings_options& options = {}, std::uint64_t seed = 0)
        : book_(options.pairs, options.pairs_per_client, options.memory, hash_secret::from_seed(seed)) {}

    /// The gateway's observer: refers to these findings, which must outlive the gateway and stay where they are.
    struct listener {
        findings* to = nullptr;
        void operator()(const event_type& e) const noexcept { (*to)(e); }
    };
    [[nodiscard]] listener listen() noexcept { return {this}; }

    /// Takes an event in. Events come in the order of time.
    void operator()(const event_type& e) noexcept {
        using alg::event_kind;
        detail::ike_signs<Family> ike(book_);
        detail::natt_signs<Family> natt(book_, announced_);
        detail::traffic_signs<Family> traffic(book_);
        switch (e.kind) {
            case event_kind::ike_message: ike.on_message(e); break;
            case event_kind::ike_notify: ike.on_notify(e); break;
            case event_kind::ike_session_started: ike.on_session(e, true); break;
            case event_kind::ike_session_ended: ike.on_session(e, false); break;
            case event_kind::phase2_failed: ike.on_brief_answer(e); break;
            case event_kind::natt_announced: natt.on_announced(e); break;
            case event_kind::natt_started: natt.on_natt(e); break;
            case event_kind::natt_answered: natt.on_natt_answer(e); break;
            case event_kind::flow_started: traffic.on_flow(e); break;
            case event_kind::flow_ended: natt.on_flow_end(e); break;
            case event_kind::spi_bound_outbound:
            case event_kind::learning_started: traffic.on_esp_out(e, false); break;
            case event_kind::one_way: traffic.on_esp_out(e, true); break;
            case event_kind::spi_bound_gate:
            case event_kind::spi_bound_late:
            case event_kind::spi_bound_midstream: traffic.on_esp_in(e); break;
            case event_kind::icmp_error: traffic.on_icmp(e); break;
            case event_kind::dropped: traffic.on_drop(e); break;
            case event_kind::configuration_replaced: book_.clear(finding_kind::nat_exemption_missing); break;
            default: break;
        }
    }

    /// Tells what is new: `visit(const finding<Family>&)` for each finding raised, or over, since the last call.
    template <class Visit>
    void report(instant now, Visit&& visit) {
        book_.report(now, visit);
    }
    /// All findings that hold now, told or not: `visit(const finding<Family>&)`.
    template <class Visit>
    void for_each(Visit&& visit) const {
        book_.for_each(visit);
    }

    [[nodiscard]] std::size_t size() const noexcept { return book_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return book_.capacity(); }
    /// Pairs that were forgotten because there was no room.
    [[nodiscard]] std::uint64_t evicted() const noexcept { return book_.evicted(); }

private:
    detail::evidence_book<Family> book_;
    detail::natt_announcements<Family> announced_{};
};

}  // namespace ikealg::inline v0::diagnose

#endif
