// SPDX-License-Identifier: Apache-2.0
/// 128 bits that tell two worlds apart exactly as far as their futures can differ.
///
/// Indexes of slabs are replaced by positions (client, place in its lists), times by their distance from now, and clients with equal
/// plans are put into the order of the least digest, so that worlds that differ in names alone are one. Left out: what only idle timers and
/// floods read (ages beyond those of the plan), and counters.
///
/// Where the plan is `reduced`, what no longer matters is left out too: `world::essence` says what of the truth, and here follows what of the
/// gateway's memory: the order of parked exchanges of different clients, the order of flows, how often an exchange learned when
/// it cannot come to six tenures, since when it is unanswered when no IKEv2 exchange can have a surplus SPI, when a waiting tenure's gate
/// was completed, and how long a contested binding is remembered when the plan ends before. explorer_test.cpp proves it: there each
/// state of the unreduced exploration is compared.
#ifndef IKEALG_TESTS_MODEL_SLOT_DIGEST_HPP
#define IKEALG_TESTS_MODEL_SLOT_DIGEST_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <vector>

#include "slot_world.hpp"

namespace ikealg::tests::model {

struct digest {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    friend constexpr auto operator<=>(const digest&, const digest&) = default;
};

class digest_maker {
public:
    explicit digest_maker(const world& w) noexcept : digest_maker(w, w.what().reduced) {}
    digest_maker(const world& w, bool reduced) noexcept
        : w_(w), m_(w.memory()), now_(w.now()), reduced_(reduced), left_(reduced ? w.time_left() : duration::max()) {
        for (; n_ < w.tunnels(); ++n_) {
            those_[n_] = n_;
        }
    }
    /// Of some tunnels, unreduced: those of a slot, which nothing of the others can be a part of (G9).
    digest_maker(const world& w, const std::vector<std::size_t>& those) noexcept
        : w_(w), m_(w.memory()), now_(w.now()), reduced_(false), counts_pauses_(false), left_(duration::max()), n_(those.size()) {
        std::copy(those.begin(), those.end(), those_.begin());
    }
    [[nodiscard]] static std::vector<std::size_t> all(const world& w) {
        std::vector<std::size_t> those(w.tunnels());
        std::iota(those.begin(), those.end(), std::size_t{0});
        return those;
    }

    [[nodiscard]] digest make() noexcept {
        for (std::size_t i = 0; i < n_; ++i) {
            const std::size_t t = those_[i];
            tunnel_of_[w_.pair_of(t)] = t;
            order_[i] = t;
            number_exchanges(t);
            sum_ = {t_class(t), w_.ended_[t] ? 3U : 1U};
            truth(t);
            records(t);
            alike_[t] = sum_;
        }
        std::stable_sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(n_),
                         [&](std::size_t x, std::size_t y) {
                             return t_class(x) != t_class(y) ? t_class(x) < t_class(y) : alike_[x] < alike_[y];
                         });
        return least(0);
    }

private:
    /// The least digest of all orders of the clients that look alike, from place `from` on.
    [[nodiscard]] digest least(std::size_t from) noexcept {
        std::size_t to = from + 1;
        while (reduced_ && to < n_ && t_class(order_[to]) == t_class(order_[from]) &&
               alike_[order_[to]] == alike_[order_[from]]) {
            ++to;
        }
        const auto begin = order_.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end = order_.begin() + static_cast<std::ptrdiff_t>(to);
        std::sort(begin, end);
        digest best = to < n_ ? least(to) : whole();
        while (to - from > 1 && std::next_permutation(begin, end)) {
            best = std::min(best, to < n_ ? least(to) : whole());
        }
        return best;
    }
    [[nodiscard]] digest whole() noexcept {
        for (std::size_t i = 0; i < n_; ++i) {
            rank_[order_[i]] = i;
        }
        sum_ = {counts_pauses_ ? w_.pauses_ : 0, 2};
        for (std::size_t i = 0; i < n_; ++i) {
            add(alike_[order_[i]].a, alike_[order_[i]].b);
            across(order_[i]);
        }
        m_.slots().for_each([&](std::uint32_t si, const auto& s) {
            const bool of_those = std::any_of(those_.begin(), those_.begin() + static_cast<std::ptrdiff_t>(n_),
                                              [&](std::size_t t) { return m_.pair_at(w_.pair_of(t)).slot == si; });
            if (of_those) {
                slot(si, s);
            }
        });
        return sum_;
    }

    void add(std::uint64_t x, std::uint64_t y = 0) noexcept {
        sum_.a = ikealg::detail::multiply_fold(sum_.a ^ x ^ 0x9e37'79b9'7f4a'7c15U, y ^ 0xbf58'476d'1ce4'e5b9U);
        sum_.b =
            ikealg::detail::multiply_fold(sum_.b ^ y ^ 0xa076'1d64'78bd'642fU, x ^ 0xe703'7ed1'a0b4'28dbU) + sum_.a;
    }
    [[nodiscard]] std::uint64_t from_now(instant at) const noexcept {
        return static_cast<std::uint64_t>((at - now_).count());
    }
    /// How long ago, as far as it matters.
    [[nodiscard]] std::uint64_t since(instant at, duration matters) const noexcept {
        return static_cast<std::uint64_t>((reduced_ ? std::min<duration>(now_ - at, matters) : now_ - at).count());
    }
    [[nodiscard]] std::uint64_t ahead(instant at) const noexcept { return at > now_ ? from_now(at) : 0; }
    /// The same of a moment that only matters while it is ahead: one that time cannot reach any more is like every other.
    [[nodiscard]] std::uint64_t within_plan(instant at) const noexcept {
        return at > now_ && at - now_ > left_ ? ~std::uint64_t{0} : ahead(at);
    }

    [[nodiscard]] bool timed() const noexcept { return w_.what().round_trip != duration{}; }
    /// Tunnels of one class may be exchanged for each other.
    [[nodiscard]] std::uint64_t t_class(std::size_t t) const noexcept {
        const auto& tunnels = w_.what().tunnels;
        std::size_t first = 0;
        for (; first < n_ && those_[first] != t; ++first) {
            const tunnel_plan& other = tunnels[those_[first]];
            if (other.server == tunnels[t].server && other.nat == tunnels[t].nat &&
                other.exchanges == tunnels[t].exchanges) {
                break;
            }
        }
        return first;
    }
    void number_exchanges(std::size_t t) noexcept {
        std::uint64_t n = 0;
        for (std::uint32_t xi = m_.pair_at(w_.pair_of(t)).first_exchange; xi != npos; xi = m_.exchange_at(xi).next) {
            place_[xi] = n++;
        }
    }
    [[nodiscard]] std::uint64_t place(std::uint32_t xi) const noexcept { return xi == npos ? 0xff : place_[xi]; }
    [[nodiscard]] std::uint64_t rank_of(std::uint32_t pi) const noexcept {
        return pi == npos ? 0xff : rank_[tunnel_of_[pi]];
    }
    [[nodiscard]] std::uint64_t rank_of(std::uint32_t pi, std::uint32_t xi) const noexcept {
        return rank_of(pi) << 8 | place(xi);
    }

    void truth(std::size_t t) noexcept {
        for (std::size_t k = 0; k < w_.exchanges(t); ++k) {
            const exchange_truth x = reduced_ ? w_.essence(t, k) : w_.truth(t, k);
            std::uint64_t sent = x.repeated ? 1 : 0;
            std::uint64_t lost = 0;
            for (unsigned i = 0; i < x.sent.size(); ++i) {
                const bool over = x.has_arrived(static_cast<int>(i) + 1);  // nobody sends it again
                sent = sent << 8 | (over ? 0U : x.sent[i]);
                lost |= over ? 0U : x.lost & 1U << i;
            }
            const std::uint64_t bound = x.bound_to == exchange_truth::none ? 0 : x.bound_to == t ? 1 : 2;
            const std::uint64_t flags = lost | std::uint64_t{x.arrived} << 8 | std::uint64_t{x.passed} << 16 |
                                        std::uint64_t{x.esp_out} << 24 | std::uint64_t{x.esp_in} << 28 |
                                        std::uint64_t{x.esp_left} << 32 | std::uint64_t{x.esp_arrived} << 33 |
                                        std::uint64_t{x.esp_lost} << 34 | std::uint64_t{x.late} << 35 |
                                        std::uint64_t{x.robbed} << 36 | std::uint64_t{x.contested} << 37 | bound << 40;
            add(sent, flags);
            if (timed()) {
                for (const instant at : x.arrived_at) {
                    add(ahead(at + w_.what().round_trip));
                }
                add(ahead(x.esp_arrived_at + w_.what().round_trip));
            }
        }
    }
    /// The gateway's records of one client, without what names other clients.
    void records(std::size_t t) noexcept {
        const std::uint32_t pi = w_.pair_of(t);
        const auto& p = m_.pair_at(pi);
        for (std::uint32_t i = p.first_session; i != npos; i = m_.session_at(i).next) {
            const alg::ike_session& s = m_.session_at(i);
            add(std::uint64_t{s.version} | std::uint64_t{s.seen_outbound} << 8 | std::uint64_t{s.seen_inbound} << 9 |
                    std::uint64_t{s.has_child} << 10 | std::uint64_t{s.phase2_seen} << 12 |
                    place(s.newest_child) << 24 | place(s.newest_child_of_server) << 32,
                timed() ? std::uint64_t{s.last_message_id} << 40 ^ std::uint64_t{s.last_exchange_type} << 32 ^
                              (s.sample_valid ? from_now(s.last_sent) : 1)
                        : 0);
        }
        for (std::uint32_t xi = p.first_exchange; xi != npos; xi = m_.exchange_at(xi).next) {
            const alg::exchange& x = m_.exchange_at(xi);
            const std::uint64_t patience =
                x.unanswered && !(reduced_ && !w_.may_have_surplus())
                    ? std::min<std::uint64_t>(static_cast<std::uint64_t>((now_ - x.first_unanswered).count()),
                                              3'000'000'000U)
                    : 0;
            const std::uint64_t tenures = reduced_ && w_.never_one_way() ? 0 : x.tenures;
            add(std::uint64_t{x.message_id} | std::uint64_t{x.type} << 32 | tenures << 40 |
                    std::uint64_t{x.inbound_spis} << 48 | static_cast<std::uint64_t>(x.state) << 56 |
                    std::uint64_t{x.session != npos} << 60,
                patience << 16 | std::uint64_t{x.unanswered} | std::uint64_t{x.answered} << 1 |
                    std::uint64_t{x.one_way} << 2 | std::uint64_t{x.claims_open} << 3 |
                    std::uint64_t{x.requested} << 4 | static_cast<std::uint64_t>(x.requester) << 5 | std::uint64_t{x.guessed} << 6);
            if (x.one_way) {
                add(static_cast<std::uint64_t>(x.next_ask - to_tick(now_)) << 8 | x.asks);
            }
        }
        for (std::uint32_t first : {p.first_message, p.first_held_esp}) {
            for (std::uint32_t h = first; h != npos; h = m_.held_at(h).next) {
                const auto& held = m_.held_at(h);
                add(std::uint64_t{held.packet.exchange()} | std::uint64_t{held.packet.message()} << 8 |
                        std::uint64_t{held.packet.lost()} << 16 | static_cast<std::uint64_t>(held.kind) << 24 |
                        place(held.exchange) << 32,
                    from_now(held.since));
            }
            add(0xe0d);
        }
        const auto& s = m_.slot_at(p.slot);
        add(std::uint64_t{p.in_ike_queue} | std::uint64_t{p.in_esp_queue} << 1 | std::uint64_t{s.holder == pi} << 2);
    }
    /// Flows: their SPIs may be other clients'.
    void across(std::size_t t) noexcept {
        const std::uint32_t pi = w_.pair_of(t);
        std::array<std::uint64_t, 8> codes{};
        std::size_t n = 0;
        for (std::uint32_t f = m_.pair_at(pi).first_flow; f != npos; f = m_.flows[f].next) {
            codes[n++ % codes.size()] = std::uint64_t{name_of_flow(f)} << 32 | place(m_.flows[f].session) << 16 |
                                        std::uint64_t{m_.flows[f].flags} << 8 | std::uint64_t{m_.flows[f].state};
        }
        n = std::min(n, codes.size());
        if (reduced_) {
            std::sort(codes.begin(), codes.begin() + static_cast<std::ptrdiff_t>(n));
        }
        for (std::size_t i = 0; i < n; ++i) {
            add(codes[i], 1);
        }
        for (std::uint32_t xi = m_.pair_at(pi).first_exchange; xi != npos; xi = m_.exchange_at(xi).next) {
            add(name_of_flow(m_.exchange_at(xi).outbound_flow), name_of_flow(m_.exchange_at(xi).inbound_flow));
        }
        for (std::size_t k = 0; k < w_.exchanges(t); ++k) {
            const std::uint8_t to = w_.truth(t, k).bound_to;
            add(to == exchange_truth::none ? 0xff : rank_[to]);
        }
    }
    /// A flow by its two SPIs.
    [[nodiscard]] std::uint32_t name_of_flow(std::uint32_t f) const noexcept {
        if (f == npos) {
            return 0;
        }
        const auto& flow = m_.flows[f];
        return name(flow.has(nat::flow_flag::has_outbound) ? flow.outbound.selector : 0) << 16 |
               name(flow.has(nat::flow_flag::has_inbound) ? flow.inbound.selector : 0);
    }
    [[nodiscard]] std::uint32_t name(std::uint32_t selector) const noexcept {
        if (selector == 0) {
            return 0xffff;
        }
        const auto [t, k] = world::owner_of(selector);
        return static_cast<std::uint32_t>(rank_[t] << 4 | k);
    }
    template <class Slot>
    void slot(std::uint32_t si, const Slot& s) noexcept {
        add(static_cast<std::uint64_t>(s.state) | static_cast<std::uint64_t>(s.junos) << 4 |
                std::uint64_t{s.esp_turn_last} << 8 | std::uint64_t{s.timed} << 9 |
                std::uint64_t{s.first_esp_valid} << 10 | std::uint64_t{s.early_valid} << 11,
            rank_of(s.holder));
        if (s.holder != npos) {
            const bool named = s.state == alg::slot_state::settle || s.junos != alg::junos_state::free;
            add(named ? place(s.holder_exchange) : 0, from_now(s.tenure_end));
            if (s.state != alg::slot_state::settle && w_.practical()) {
                const bool completed = !reduced_ || s.state != alg::slot_state::wait;
                const alg::alg_settings& set = w_.what().settings;
                add(since(s.began, std::max<duration>(set.esp_gate_timeout, set.phase2_max_hold)), completed ? from_now(s.completed) : 0);
                add(timed() && s.timed ? from_now(s.left) : 0,
                    s.first_esp_valid ? timed() ? from_now(s.first_esp) : since(s.first_esp, set.learn_timeout) : 0);
            }
            add(s.early_valid ? name(s.early.value) : 0, s.early_valid ? from_now(s.early_at) : 0);
        }
        for (std::uint32_t pi = s.first_in_ike_queue; pi != npos; pi = m_.pair_at(pi).next_in_ike_queue) {
            add(rank_of(pi));
        }
        add(0xe0d);
        for (std::uint32_t pi = s.first_in_esp_queue; pi != npos; pi = m_.pair_at(pi).next_in_esp_queue) {
            add(rank_of(pi));
        }
        for (const std::uint32_t first : {s.first_parked_unanswered, s.first_parked_quiet}) {
            add(0xe0d);
            for (std::size_t i = 0; i < (reduced_ ? n_ : 1); ++i) {
                for (std::uint32_t xi = first; xi != npos; xi = m_.exchange_at(xi).next_parked) {
                    if (!reduced_ || rank_of(m_.exchange_at(xi).pair) == i) {
                        add(rank_of(m_.exchange_at(xi).pair, xi));
                    }
                }
            }
        }
        add(s.surplus_flow == npos
                ? 0xff
                : rank_of(m_.flows[s.surplus_flow].owner) << 32 | std::uint64_t{name_of_flow(s.surplus_flow)},
            m_.slot_timers.armed(si) ? from_now(m_.slot_timers.deadline(si)) : 0);
        if (const std::uint32_t guess = w_.guess_of(si); guess != npos) {
            add(rank_of(m_.exchange_at(guess).pair, guess), from_now(s.guess_end));
        }
        if (now_ < s.contested_until) {
            add(rank_of(s.contested_pair) << 1 | std::uint64_t{s.contested_many}, within_plan(s.contested_until));
        }
        add(within_plan(w_.contested_until_[si]));
        add(0, s.waiting != 0 ? from_now(s.hold_end) : 0);
        if (w_.what().settings.learn_flood < alg::alg_settings{}.learn_flood) {
            const auto age = static_cast<std::uint64_t>(to_tick(now_) - s.flood_began);
            add(age < 1000 ? age : 1000, age < 1000 ? s.flood_count : 0);
            for (const auto& once : s.seen_once) {
                add(once.used ? name(once.spi.value) : 0xffff, once.used ? once.sequence : 0);
            }
            add(s.next_once);
        }
        if (timed()) {
            for (const std::uint32_t each : std::bit_cast<std::array<std::uint32_t, sizeof(s.rtt) / 4>>(s.rtt)) {
                add(each);
            }
        }
    }

    const world& w_;
    const state_type& m_;
    instant now_;
    bool reduced_;
    bool counts_pauses_ = true;
    duration left_;  ///< time cannot move further than this
    std::size_t n_ = 0;
    std::array<std::size_t, most_tunnels> those_{};  ///< the tunnels of the digest
    digest sum_{};
    std::array<digest, most_tunnels> alike_{};
    std::array<std::size_t, most_tunnels> tunnel_of_{};
    std::array<std::size_t, most_tunnels> order_{};
    std::array<std::size_t, most_tunnels> rank_{};
    std::array<std::uint64_t, 64> place_{};
};

}  // namespace ikealg::tests::model

#endif
