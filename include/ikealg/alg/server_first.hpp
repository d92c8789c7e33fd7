// SPDX-License-Identifier: Apache-2.0
/// The server speaks first, perhaps to several silent clients at once: when a binding was a guess, and what refutes it (E13).
///
/// In the gate of a client that has never had ESP with this server an unknown SPI is most likely the client's, also while another such
/// client is parked. It is bound at first sight, for when it comes again another client may have the slot. But when a second unknown
/// SPI follows within `guess_time`, before anybody else's turn, the server speaks to several and either may be anybody's. What came on a
/// guess waits as long before it goes on to the client (pause.hpp).
///
/// Thread safety: none, one owner. Complexity: constant; at most `most_looked_at` parked exchanges are looked at.
#ifndef IKEALG_ALG_SERVER_FIRST_HPP
#define IKEALG_ALG_SERVER_FIRST_HPP

#include <chrono>
#include <cstdint>

#include "ikealg/alg/state.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class server_first {
public:
    using slot_type = typename State::slot_type;

    static constexpr duration guess_time = std::chrono::milliseconds{100};
    static constexpr unsigned most_looked_at = 16;

    explicit server_first(State& state) noexcept : st_(state) {}

    /// An SPI that is about to be bound to the holder is a guess: the holder never had ESP, and neither had a client that is parked.
    [[nodiscard]] bool guesses(const slot_type& s) const noexcept {
        if (!never_had_esp(s.holder)) {
            return false;
        }
        std::uint32_t xi = s.first_parked_quiet;
        for (unsigned looked_at = 0; xi != npos && looked_at < most_looked_at; ++looked_at) {
            const exchange& x = st_.exchange_at(xi);
            if (x.pair != s.holder && never_had_esp(x.pair)) {
                return true;
            }
            xi = x.next_parked;
        }
        return false;
    }
    void note(slot_type& s, std::uint32_t xi) const noexcept {
        s.guess = xi;
        s.guess_end = st_.now + guess_time;
    }
    /// The exchange whose SPI an unknown SPI refutes; npos when there is none.
    [[nodiscard]] std::uint32_t refuted(const slot_type& s) const noexcept {
        if (s.guess == npos || st_.now >= s.guess_end) {
            return npos;
        }
        const exchange& x = st_.exchange_at(s.guess);
        const bool in_turn = s.state == slot_state::free || (s.state == slot_state::settle && s.holder == x.pair);
        return in_turn && x.guessed && x.outbound_flow == npos ? s.guess : npos;
    }

private:
    [[nodiscard]] bool never_had_esp(std::uint32_t pi) const noexcept { return st_.pair_at(pi).first_flow == npos; }

    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
