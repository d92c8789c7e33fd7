// SPDX-License-Identifier: Apache-2.0
/// Of two SAs that were made at about the same time, a host sends on one: when a tenure is in vain (G17).
///
/// Both ends of a tunnel rekey at once, and one client has two exchanges. Its server answers on either SA, as its kernel likes; on the other
/// no SPI will ever come. While others wait, the tenure of that exchange need not last its full time: that the server answers on the
/// twin is evidence enough, when an answer on this one would have come by now. Exchanges that one side asked for are no twins: they may be of
/// different subnets, and a host behind the server may be slow.
///
/// Thread safety: none, one owner. Complexity: linear in the exchanges of one client.
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

    /// Exchanges of different requesters are twins when the one whose SPI came began no more than this before the other, or later.
    static constexpr std::uint32_t apart_ms = 10'000;

    explicit twins(State& state) noexcept : st_(state) {}

    /// Others wait for the end of a tenure that is in vain. `patience`: in which an answer comes.
    [[nodiscard]] bool in_vain(const slot_type& s, duration patience) const noexcept {
        if (!contended(s) || st_.now - s.first_esp < patience) {
            return false;
        }
        return any(s.holder, [&](const exchange& twin, const exchange& open) {
            const auto& f = st_.flows[twin.inbound_flow];
            const instant from =
                std::max<instant>(s.first_esp + s.rtt.floor(), open.pause_of(nat::direction::outbound).end);
            return f.has(nat::flow_flag::seen_inbound) && !before(f.last_inbound, to_tick(from));
        });
    }
    /// When to look for it next: each time `patience` has passed. `instant::max()`: the holder has no twin.
    [[nodiscard]] instant next_look(const slot_type& s, duration patience) const noexcept {
        if (!contended(s) || !any(s.holder, [](const exchange&, const exchange&) { return true; })) {
            return instant::max();
        }
        return s.first_esp + ((st_.now - s.first_esp) / patience + 1) * patience;
    }

private:
    /// Only when the client has sent ESP: in a gate its server may yet be installing the SA.
    [[nodiscard]] static bool contended(const slot_type& s) noexcept {
        return s.waiting != 0 && s.state == slot_state::learning && s.first_esp_valid;
    }
    /// The newest exchange that waits for its SPI in the tenure that runs.
    [[nodiscard]] std::uint32_t newest_open(std::uint32_t pi) const noexcept {
        std::uint32_t xi = st_.pair_at(pi).first_exchange;
        while (xi != npos && !st_.exchange_at(xi).is_open()) {
            xi = st_.exchange_at(xi).next;
        }
        return xi;
    }
    [[nodiscard]] static bool are_twins(const exchange& satisfied, const exchange& open) noexcept {
        return satisfied.requester != open.requester && !before(satisfied.started + apart_ms, open.started);
    }
    /// Whether `of` holds for the newest open exchange and a twin of it.
    template <class Of>
    [[nodiscard]] bool any(std::uint32_t pi, Of of) const noexcept {
        const std::uint32_t oi = newest_open(pi);
        if (oi == npos) {
            return false;
        }
        const exchange& open = st_.exchange_at(oi);
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            const exchange& x = st_.exchange_at(xi);
            if (x.state == exchange_state::satisfied && x.inbound_flow != npos && are_twins(x, open) && of(x, open)) {
                return true;
            }
        }
        return false;
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
