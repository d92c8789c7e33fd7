// SPDX-License-Identifier: Apache-2.0
/// Who else may be meant by an unknown inbound SPI: claims on a slot, and late binding (E5, E11).
///
/// A client has a claim while its server may send on an SA whose inbound SPI is not bound: an exchange that is parked, or not enabled
/// but answered, or enabled in the tenure that runs; and for a while after a binding that may have been another's.
///
/// Thread safety: none, one owner. Complexity: linear in the exchanges of one client, which `exchanges_per_client` bounds.
#ifndef IKEALG_ALG_LATE_BINDING_HPP
#define IKEALG_ALG_LATE_BINDING_HPP

#include <chrono>
#include <cstdint>

#include "ikealg/alg/binding.hpp"

namespace ikealg::inline v0::alg {

/// Whose an unknown inbound SPI is.
struct inbound_owner {
    std::uint32_t pair = npos;
    drop_reason reason = drop_reason::none;  ///< set when it is nobody's
};

template <class State>
class claims {
public:
    using slot_type = typename State::slot_type;

    explicit claims(State& state) noexcept : st_(state) {}

    /// An exchange of the pair that waits for an inbound SPI in the tenure that runs, other than `but`: one with ESP out first.
    [[nodiscard]] std::uint32_t open_exchange(std::uint32_t pi, std::uint32_t but) const noexcept {
        std::uint32_t found = npos;
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            const exchange& x = st_.exchange_at(xi);
            if (xi != but && x.is_open() && (found == npos || x.unanswered || !st_.exchange_at(found).unanswered)) {
                found = xi;  // the list is newest first: the oldest wins
            }
        }
        return found;
    }
    [[nodiscard]] bool has_open(std::uint32_t pi) const noexcept {
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            if (st_.exchange_at(xi).state == exchange_state::enabled) {
                return true;
            }
        }
        return false;
    }
    /// The server may send for a client other than `pi`, so a binding to `pi` may be wrong (E11).
    [[nodiscard]] bool may_be_anothers(const slot_type& s, std::uint32_t pi) const noexcept {
        const std::uint32_t own = pi == npos ? 0 : st_.pair_at(pi).open_claims;
        return parked_other(s.first_parked_unanswered, pi) || parked_other(s.first_parked_quiet, pi) ||
               s.open_claims > own || (s.holder != npos && s.holder != pi && has_open(s.holder)) ||
               contested_lately(s, pi);
    }
    /// Whose unknown SPI may come besides that of `pi`: reason to settle after a binding (G13). Who waits with an enabling message has no
    /// such claim, for its server cannot send yet. That an earlier binding was contested counts while there is time to settle.
    [[nodiscard]] bool others_claim(const slot_type& s, std::uint32_t pi) const noexcept {
        const std::uint32_t own = pi == npos ? 0 : st_.pair_at(pi).open_claims;
        return parked_other(s.first_parked_unanswered, pi) || parked_other(s.first_parked_quiet, pi) || s.open_claims > own ||
               (s.waiting < crowd && contested_lately(s, pi));
    }
    void note(slot_type& s, std::uint32_t pi) noexcept {
        s.contested_many = st_.now < s.contested_until && (s.contested_many || s.contested_pair != pi);
        s.contested_pair = pi;
        s.contested_until = st_.now + contested_memory;
    }
    [[nodiscard]] bool parked_other(std::uint32_t first, std::uint32_t pi) const noexcept {
        for (std::uint32_t xi = first; xi != npos; xi = st_.exchange_at(xi).next_parked) {
            if (st_.exchange_at(xi).pair != pi) {
                return true;  // at most the pair's own exchanges are walked
            }
        }
        return false;
    }

private:
    static constexpr duration contested_memory = std::chrono::seconds{300};
    static constexpr std::uint32_t crowd = 16;  ///< so many waiting clients are a storm: settling would cost more than it saves

    [[nodiscard]] bool contested_lately(const slot_type& s, std::uint32_t pi) const noexcept {
        return st_.now < s.contested_until && (s.contested_many || s.contested_pair != pi);
    }

    State& st_;
};

template <class State>
class late_binding {
public:
    using slot_type = typename State::slot_type;

    explicit late_binding(State& state) noexcept : st_(state), bind_(state), claims_(state) {}

    /// E5. `holder` is left out, or counted as one more candidate.
    [[nodiscard]] inbound_owner bind(std::uint32_t si, spi value, std::uint32_t holder, bool with_holder) noexcept {
        slot_type& s = st_.slot_at(si);
        if (!st_.settings.late_binding) {
            return {npos, drop_reason::esp_no_gate};
        }
        const std::uint32_t own = with_holder && holder != npos ? claims_.open_exchange(holder, npos) : npos;
        candidates found;
        const auto add_parked = [&](std::uint32_t first, auto which) {
            for (std::uint32_t xi = first; xi != npos && !found.several; xi = st_.exchange_at(xi).next_parked) {
                if ((st_.exchange_at(xi).pair != holder || with_holder) && which(st_.exchange_at(xi))) {
                    found.add(st_.exchange_at(xi).pair, xi);
                }
            }
        };
        const auto any = [](const exchange&) { return true; };
        add_parked(s.first_parked_unanswered, any);  // those with unanswered ESP come first
        if (own != npos && st_.exchange_at(own).unanswered) {
            found.add(holder, own);
        }
        if (found.pair != npos) {  // and those whose ESP would have left by now, but for the pause (G15)
            add_parked(s.first_parked_quiet, [likely = found.pair](const exchange& x) {
                return x.pair != likely && x.pause_of(nat::direction::outbound).waiting.first != npos;
            });
        } else {
            add_parked(s.first_parked_quiet, any);
            if (own != npos && !st_.exchange_at(own).unanswered) {
                found.add(holder, own);
            }
        }
        if (found.several) {
            return {npos, drop_reason::esp_ambiguous};
        }
        if (found.pair == npos) {
            return bind_to_only_member(si, value, holder);
        }
        return give(s, found.pair, found.exchange, value, binding_kind::late);
    }

    /// Binds an unknown SPI to the pair, and says so where it may be another's (E11); or does not, with a reason.
    [[nodiscard]] inbound_owner give(slot_type& s, std::uint32_t pi, std::uint32_t xi, spi value, binding_kind how) noexcept {
        const bool contested = claims_.may_be_anothers(s, pi);
        if (contested && st_.settings.drop_contested) {
            return {npos, drop_reason::esp_ambiguous};
        }
        if (!bind_.bind_inbound(pi, xi, value, how, contested)) {
            return {npos, drop_reason::table_full};
        }
        if (contested) {
            claims_.note(s, pi);
        }
        return {pi, drop_reason::none};
    }

    /// G13: a further SPI of the holder in settle, as far as its exchange may have more.
    [[nodiscard]] inbound_owner bind_surplus(std::uint32_t si, spi value) noexcept {
        slot_type& s = st_.slot_at(si);
        const std::uint32_t pi = s.holder;
        const std::uint32_t xi = s.holder_exchange;  // npos: the tenure of an earlier run, whose exchange was not taken (N18)
        if (xi == npos || st_.exchange_at(xi).inbound_spis >= st_.settings.spis_per_exchange) {
            return {npos, drop_reason::esp_ambiguous};
        }
        if (!bind_.bind_inbound(pi, xi, value, binding_kind::gate, true)) {
            return {npos, drop_reason::table_full};
        }
        claims_.note(s, pi);
        return {pi, drop_reason::none};
    }

    /// E11: an exchange has more SPIs than it can have, and another client has sent for three seconds without an answer. Had the exchange
    /// spoken before it was given the first, the surplus one goes, once, to the client that waits; where several wait the surplus ones are
    /// nobody's again. Had it not, all of them are, its own as well. True when the client that waits has an SPI now.
    [[nodiscard]] bool take_surplus(std::uint32_t xi) noexcept {
        const exchange& x = st_.exchange_at(xi);
        const std::uint32_t si = st_.pair_at(x.pair).slot;
        if (si == npos || !x.unanswered || st_.now - x.first_unanswered < surplus_patience) {
            return false;
        }
        slot_type& s = st_.slot_at(si);
        const std::uint32_t f = s.surplus_flow;
        if (f == npos || st_.flows[f].owner == x.pair || st_.flows[f].state != static_cast<std::uint8_t>(esp_mark::surplus)) {
            return false;
        }
        s.surplus_flow = npos;
        const std::uint32_t from = st_.flows[f].session;
        const bool guessed = from != npos && st_.exchange_at(from).guessed;
        if (guessed || (from != npos && claims_.parked_other(s.first_parked_unanswered, x.pair))) {
            bind_.take_back(from, !guessed);
            return false;
        }
        if (!bind_.move_inbound(f, x.pair, xi)) {
            return false;
        }
        claims_.note(s, x.pair);  // it may be another's again
        return true;
    }

private:
    static constexpr duration surplus_patience = std::chrono::seconds{3};

    struct candidates {
        std::uint32_t pair = npos;
        std::uint32_t exchange = npos;
        bool several = false;

        void add(std::uint32_t pi, std::uint32_t xi) noexcept {
            several = several || (pair != npos && pair != pi);
            pair = pi;
            exchange = xi;
        }
    };
    /// None is parked: the only client with IKE state there (E5).
    [[nodiscard]] inbound_owner bind_to_only_member(std::uint32_t si, spi value, std::uint32_t holder) noexcept {
        slot_type& s = st_.slot_at(si);
        if (s.members != 1 || (holder != npos && holder != s.first_member)) {
            return {npos, s.members == 0 ? drop_reason::esp_no_gate : drop_reason::esp_ambiguous};
        }
        const std::uint32_t pi = s.first_member;
        if (holder != npos) {
            return {npos, drop_reason::esp_early};
        }
        return give(s, pi, half_known_exchange(pi), value, binding_kind::midstream);
    }
    /// The newest exchange of a client that is not satisfied, whatever was seen of it; npos when there is none.
    [[nodiscard]] std::uint32_t half_known_exchange(std::uint32_t pi) const noexcept {
        for (std::uint32_t xi = st_.pair_at(pi).first_exchange; xi != npos; xi = st_.exchange_at(xi).next) {
            if (st_.exchange_at(xi).state != exchange_state::satisfied) {
                return xi;
            }
        }
        return npos;
    }

    State& st_;
    bindings<State> bind_;
    claims<State> claims_;
};

}  // namespace ikealg::inline v0::alg

#endif
