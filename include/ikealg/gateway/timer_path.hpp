// SPDX-License-Identifier: Apache-2.0
/// The lazy timers of flows, IKE sessions and pairs: when one fires, the record says whether it is idle.
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: constant; linear in the exchanges and flows of one client.
#ifndef IKEALG_GATEWAY_TIMER_PATH_HPP
#define IKEALG_GATEWAY_TIMER_PATH_HPP

#include "ikealg/gateway/core.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class timer_path {
public:
    explicit timer_path(Core& core) noexcept : c_(core) {}

    void operator()(alg::timer_kind what, std::uint32_t index) {
        switch (what) {
            case alg::timer_kind::flow: on_flow_timer(index); break;
            case alg::timer_kind::session: on_session_timer(index); break;
            case alg::timer_kind::pair: on_pair_timer(index); break;
        }
    }

private:
    static constexpr std::uint32_t quiet_ms = 60'000;

    void on_session_timer(std::uint32_t index) {
        tick again;
        if (c_.state().sessions().is_live(index) && c_.the_alg.session_stays(index, again)) {
            (void)c_.state().timers.arm(alg::timer_kind::session, index, again);
        }
    }
    void on_flow_timer(std::uint32_t index) {
        if (!c_.flows().is_live(index)) {
            return;
        }
        auto& f = c_.flows()[index];
        const tick last = f.kind == nat::flow_kind::esp ? c_.the_alg.session_last_seen(index) : f.last_seen;
        const tick end = last + f.idle_ms;
        const tick t = to_tick(c_.now);
        const bool in_use = (f.kind == nat::flow_kind::ike && has_sessions(f.owner, index)) ||
                            (f.kind == nat::flow_kind::ike_shared && c_.slot_of_shared(f) != npos);
        if (before(t, end) || in_use) {
            tick next = before(t, end) ? end : t + 60'000U;
            if (f.kind == nat::flow_kind::translated && f.outbound.protocol == static_cast<std::uint8_t>(ip_protocol::tcp)) {
                const tick soon = t + to_ms(c_.configuration.timeouts.tcp_transitory);  // its timeout shrinks when it closes
                next = before(soon, next) ? soon : next;
            }
            (void)c_.state().timers.arm(alg::timer_kind::flow, index, next);
            return;
        }
        c_.end_flow(index);
    }
    /// An IKE port lives while its client has IKE sessions; the one that it only answers on (N4), while it has one there.
    [[nodiscard]] bool has_sessions(std::uint32_t pi, std::uint32_t flow) const noexcept {
        const auto& pr = c_.state().pair_at(pi);
        std::uint32_t i = pr.first_session;
        while (i != npos && pr.answer_flow == flow && c_.state().session_at(i).ike_flow != flow) {
            i = c_.state().session_at(i).next;
        }
        return i != npos;
    }
    void on_pair_timer(std::uint32_t index) {
        if (!c_.state().pairs().is_live(index)) {
            return;
        }
        c_.the_alg.age_pair(index);
        auto& p = c_.state().pair_at(index);
        const bool quiet = to_tick(c_.now) - p.last_seen >= static_cast<std::int32_t>(quiet_ms);
        if (quiet && c_.the_alg.pair_is_idle(index)) {
            const std::uint32_t mapping = p.mapping;
            if (p.spi_conflict) {
                c_.mappings.want_new_address(mapping);  // E8
            }
            c_.the_alg.end_pair(index);
            c_.mappings.release(mapping, c_.now);
            return;
        }
        if (quiet) {
            p.last_seen = to_tick(c_.now) + (0U - quiet_ms);  // and stays so when ticks come round (L4)
        }
        (void)c_.state().timers.arm(alg::timer_kind::pair, index, to_tick(c_.now) + quiet_ms);
    }

    Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
