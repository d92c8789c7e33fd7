// SPDX-License-Identifier: Apache-2.0
/// What speaks for each kind of finding, by client and server, and which findings follow from it and from time.
///
/// No promise to users: include findings.hpp. Who finds evidence in the gateway's events: ike_signs.hpp, natt_signs.hpp,
/// traffic_signs.hpp.
///
/// Thread safety: none, one owner. Complexity: constant; `report`, `for_each` and `clear` of all pairs are linear in the
/// records. Nothing allocates after construction (L1).
#ifndef IKEALG_DIAGNOSE_EVIDENCE_BOOK_HPP
#define IKEALG_DIAGNOSE_EVIDENCE_BOOK_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ikealg/alg/event.hpp"
#include "ikealg/diagnose/finding.hpp"
#include "ikealg/diagnose/watch_table.hpp"

namespace ikealg::inline v0::diagnose::detail {

template <class Family>
class evidence_book {
public:
    using address = typename Family::address;
    using event_type = alg::event<Family>;
    using finding_type = finding<Family>;
    using watch_type = watch<Family>;
    using kind = finding_kind;

    evidence_book(std::size_t pairs, std::size_t pairs_per_client, std::chrono::seconds memory, hash_secret secret)
        : memory_(memory), watches_(pairs, pairs_per_client, secret) {}

    /// What is known of the pair that an event is about, or nullptr.
    [[nodiscard]] watch_type* find(const event_type& e) noexcept { return watches_.find(e.vrf, e.client, e.server); }
    /// Finds or makes; nullptr only when the index refuses the client.
    [[nodiscard]] watch_type* get(const event_type& e) noexcept { return get(e, e.server); }
    [[nodiscard]] watch_type* get(const event_type& e, address server) noexcept {
        return watches_.get(e.vrf, e.client, server);
    }

    /// One more piece of evidence, unless it comes too soon after the last one.
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
    /// Evidence that is enough alone.
    void raise(watch_type& w, kind k, instant now) noexcept {
        note(w, k, now);
        w.seen[static_cast<std::size_t>(k)].raised = true;
    }
    /// Nothing speaks for it any more.
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
    /// Of all pairs.
    void clear(kind k) noexcept {
        watches_.for_each([k](vrf_id, address, watch_type& w) { clear(w, k); });
    }
    [[nodiscard]] static bool has(const watch_type& w, kind k) noexcept {
        const evidence& s = w.seen[static_cast<std::size_t>(k)];
        return s.raised || s.count != 0;
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
    [[nodiscard]] std::uint64_t evicted() const noexcept { return watches_.evicted(); }

private:
    /// What time alone does to evidence.
    void age(watch_type& w, kind k, instant now) noexcept {
        const finding_rule& r = rule_of(k);
        evidence& s = w.seen[static_cast<std::size_t>(k)];
        if (s.count == 0) {
            return;
        }
        if (s.raised ? now - s.last >= memory_ : r.patience.count() == 0 && now - s.last > r.window) {
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

    std::chrono::seconds memory_;
    watch_table<Family> watches_;
};

}  // namespace ikealg::inline v0::diagnose::detail

#endif
