// SPDX-License-Identifier: Apache-2.0
/// IKE messages that wait because their initiator SPI is another client's on the same port (N5).
///
/// Until the responder SPI is known the answer to either would look alike; so the second client's message waits for the first one's answer,
/// one message a client, and is then looked at anew by the gateway.
///
/// Invariant: the list in `state::collisions` is in the order of arrival, so the first one is the first to grow too old.
/// Thread safety: none, one owner. Complexity: linear in the messages that wait; `expire` in those that end.
#ifndef IKEALG_ALG_COLLISIONS_HPP
#define IKEALG_ALG_COLLISIONS_HPP

#include <cstdint>
#include <utility>

#include "ikealg/alg/hold.hpp"

namespace ikealg::inline v0::alg {

template <class State, class Packet>
class collisions {
public:
    using at_hand = packet_at_hand<Packet>;

    explicit collisions(State& state) noexcept : st_(state) {}

    [[nodiscard]] decision hold(std::uint32_t pi, ike_spi initiator, at_hand p) noexcept {
        const std::uint32_t h = st_.settings.hold_limit.count() == 0 ? npos : st_.take_held(p.size);
        if (h == npos) {
            return decision::drop(drop_reason::ike_ambiguous);
        }
        auto& held = st_.held_at(h);
        held.packet = std::move(p.handle);
        held.pair = pi;
        held.kind = held_kind::ike_collision;
        held.way = nat::direction::outbound;
        held.spi = short_form(initiator);
        end(drop_reason::superseded, [&](const auto& old) { return old.pair == pi; });  // one a client
        st_.append(st_.collisions.first, st_.collisions.last, h);
        return decision::hold();
    }
    /// The initiator SPI's first answer came: who waited for that goes on.
    void answered(std::uint32_t si, ike_spi initiator) noexcept {
        end(drop_reason::none,
            [&](const auto& held) { return st_.pair_at(held.pair).slot == si && held.spi == short_form(initiator); });
    }
    void drop_of(std::uint32_t pi) noexcept {
        end(drop_reason::shutdown, [&](const auto& held) { return held.pair == pi; });
    }
    void expire() noexcept {
        while (st_.collisions.first != npos && st_.now - st_.held_at(st_.collisions.first).since >= st_.settings.hold_limit) {
            const std::uint32_t h = st_.collisions.first;
            st_.take_out(st_.collisions.first, st_.collisions.last, h);
            st_.hand_back(h, drop_reason::ike_ambiguous);
        }
    }

private:
    [[nodiscard]] static constexpr spi short_form(ike_spi s) noexcept { return {static_cast<std::uint32_t>(s.value >> 32)}; }

    template <class Which>
    void end(drop_reason why, Which&& which) noexcept {
        for (std::uint32_t h = st_.collisions.first; h != npos;) {
            const std::uint32_t next = st_.held_at(h).next;
            if (which(st_.held_at(h))) {
                st_.take_out(st_.collisions.first, st_.collisions.last, h);
                st_.hand_back(h, why);
            }
            h = next;
        }
    }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
