// SPDX-License-Identifier: Apache-2.0
/// Of two SAs that were made at about the same time, a host sends on one: when a tenure is in vain (G17).
///
/// Both ends of a tunnel rekey at once, and one client has two exchanges. Its server answers on either SA, as its kernel likes; on the other
/// no SPI will ever come. Once a whole tenure of that exchange was in vain, its next ones need not last their full time while others
/// wait: that the server answers on the twin is evidence enough, when an answer on this one would have come by now. Exchanges that one
/// side asked for are no twins: they may be of different subnets, and a host behind the server may be slow.
///
/// Thread safety: none, one owner. Complexity: quadratic in the exchanges of one client that wait for an SPI, linear in the rest.
#ifndef IKEALG_ALG_TWINS_HPP
#define IKEALG_ALG_TWINS_HPP

#include <algorithm>
#include <cstdint>

#include "ikealg/alg/state.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class twins {
public:
    using slot_type = typename State::slot_type;

    /// Exchanges of different requesters are twins when they began no more than this apart.
    static constexpr std::uint32_t apart_ms = 10'000;

    explicit twins(State& state) noexcept : st_(state) {}

    /// Others wait for the end of a tenure that is in vain.
    [[nodiscard]] bool in_vain(const slot_type& s) const noexcept {
        if (!may_be(s) || st_.now - s.first_esp < patience(s)) {
            return false;
        }
        const tick from = to_tick(s.first_esp + s.rtt.floor());
        return each_open_has_twin(s.holder, [&](const exchange& twin) {
            const auto& f = st_.flows[twin.inbound_flow];
            return f.has(nat::flow_flag::seen_inbound) && before(from, f.last_inbound);
        });
    }
    /// When to look for it: each time that an answer would have come. `instant::max()`: it cannot be.
    [[nodiscard]] instant next_look(const slot_type& s) const noexcept {
        if (!may_be(s) || !each_open_has_twin(s.holder, [](const exchange&) { return true; })) {
            return instant::max();
        }
        if (in_vain(s)) {
            return st_.now;  // a look that was due and is not lost by what came since
        }
        return s.first_esp + ((st_.now - s.first_esp) / patience(s) + 1) * patience(s);
    }

private:
    [[nodiscard]] static bool may_be(const slot_type& s) noexcept {
        return s.waiting != 0 && s.state == slot_state::learning && s.first_esp_valid && s.rtt.has_esp();
    }
    /// An answer that is to come has come by then: some time for the host behind the server.
    [[nodiscard]] duration patience(const slot_type& s) const noexcept {
        return s.rtt.smoothed() * 5 / 4 + duration{st_.settings.learn_timeout} / 8;
    }
    /// Each exchange that waits for its SPI in the tenure had a whole one before, and has a twin for which `of` holds.
    template <class Of>
    [[nodiscard]] bool each_open_has_twin(std::uint32_t pi, Of of) const noexcept {
        bool any = false;
        for (std::uint32_t oi = st_.pair_at(pi).first_exchange; oi != npos; oi = st_.exchange_at(oi).next) {
            const exchange& open = st_.exchange_at(oi);
            if (!open.is_open()) {
                continue;
            }
            any = true;
            if (open.tenures < 2 || !has_twin(pi, open, of)) {
                return false;
            }
        }
        return any;
    }
    template <class Of>
    [[nodiscard]] bool has_twin(std::uint32_t pi, const exchange& open, Of of) const noexcept {
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            const exchange& x = st_.exchange_at(xi);
            if (x.state == exchange_state::satisfied && x.inbound_flow != npos && are_twins(x, open) && of(x)) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] static bool are_twins(const exchange& x, const exchange& y) noexcept {
        return x.session != npos && y.session != npos && x.requester != y.requester &&
               !before(x.started + apart_ms, y.started) && !before(y.started + apart_ms, x.started);
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
