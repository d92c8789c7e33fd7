// SPDX-License-Identifier: Apache-2.0
/// What must hold of the ALG's memory between any two packets, whatever happened before.
///
/// `broken_invariant` names the first that does not hold, or returns nullptr. Linear in the capacities; for tests.
#ifndef IKEALG_TESTS_MODEL_SLOT_INVARIANTS_HPP
#define IKEALG_TESTS_MODEL_SLOT_INVARIANTS_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "ikealg/alg/late_binding.hpp"
#include "ikealg/alg/state.hpp"

namespace ikealg::tests::model {

template <class State>
class invariants {
public:
    explicit invariants(State& state) noexcept : st_(state) {}

    [[nodiscard]] const char* broken() noexcept {
        std::uint32_t held = 0;
        st_.pairs().for_each([&](std::uint32_t pi, const auto& p) { held += check_pair(pi, p); });
        st_.slots().for_each([&](std::uint32_t si, const auto& s) {
            practical() ? check_practical(si, s) : check_junos(si, s);
            check_queues(si, s);
            check_parked(si, s);
        });
        st_.flows.for_each([&](std::uint32_t, const auto& f) { check_flow(f); });
        expect(held == st_.held().size(), "a held packet is in no list");
        expect(st_.slot_timers.check(), "the deadline queue is out of order");
        return broken_;
    }

private:
    void expect(bool holds, const char* what) noexcept {
        if (!holds && broken_ == nullptr) {
            broken_ = what;
        }
    }
    [[nodiscard]] bool practical() const noexcept { return st_.settings.profile == alg::profile::practical; }
    [[nodiscard]] std::uint32_t length(std::uint32_t first, std::uint32_t last, std::uint32_t pi, duration limit) {
        std::uint32_t n = 0;
        std::uint32_t end = npos;
        for (std::uint32_t h = first; h != npos; h = st_.held_at(h).next, ++n) {
            end = h;
            const auto& held = st_.held_at(h);
            const std::uint32_t si = st_.pair_at(pi).slot;
            expect(held.pair == pi && !held.packet.empty(), "a held packet is in a strange list");
            expect(held.exchange == npos || st_.exchanges().is_live(held.exchange),
                   "a held packet of an exchange that ended");
            expect(st_.slot_timers.armed(si) && st_.slot_timers.deadline(si) <= held.since + limit,
                   "a held packet that no timer gives back in time");
        }
        expect(end == last, "the end of a list of held packets");
        return n;
    }
    std::uint32_t check_pair(std::uint32_t pi, const typename State::pair_type& p) {
        const auto messages = length(p.first_message, p.last_message, pi, st_.settings.hold_limit);
        const auto esp = length(p.first_held_esp, p.last_held_esp, pi, st_.settings.esp_hold_limit);
        expect(messages == p.held_messages && esp == p.held_esp, "the number of held packets");
        std::uint32_t open = 0;
        std::uint32_t exchanges = 0;
        for (std::uint32_t xi = p.first_exchange; xi != npos; xi = st_.exchange_at(xi).next, ++exchanges) {
            const alg::exchange& x = st_.exchange_at(xi);
            open += x.claims_open ? 1U : 0U;
            expect(x.pair == pi, "an exchange in a strange list");
            if (practical()) {
                expect(x.state != alg::exchange_state::enabled || st_.slot_at(p.slot).holder == pi,
                       "an exchange is enabled without the slot");
                expect(x.in_parked_list == (x.state == alg::exchange_state::parked), "parked, but not in the list");
            }
            for (const std::uint32_t f : {x.outbound_flow, x.inbound_flow}) {
                expect(f == npos || (st_.flows.is_live(f) && st_.flows[f].owner == pi),
                       "an exchange with a strange flow");
            }
        }
        expect(exchanges == p.exchanges, "the number of exchanges");
        expect(open == p.open_claims, "the number of open claims of a client");
        return messages + esp;
    }
    void check_practical(std::uint32_t si, const typename State::slot_type& s) {
        using st = alg::slot_state;
        expect((s.state == st::free) == (s.holder == npos), "a free slot has no holder, another one has");
        if (s.state == st::free) {
            expect(s.waiting == 0, "somebody waits for a free slot");
            return;
        }
        expect(st_.pairs().is_live(s.holder) && st_.pair_at(s.holder).slot == si, "the holder is a stranger");
        expect(s.state == st::settle || alg::claims<State>(st_).open_exchange(s.holder, npos) != npos,
               "the holder waits for nothing");
        expect(st_.slot_timers.armed(si) && st_.slot_timers.deadline(si) <= s.tenure_end, "a tenure without a timer");
        const auto share = static_cast<std::int64_t>(1 + s.waiting);
        const duration gate =
            std::max<duration>(duration{st_.settings.esp_gate_timeout} / (share * share), st_.settings.gate_min);
        const duration learn = st_.settings.learn_timeout;
        const duration wait =
            s.waiting == 0 ? duration{st_.settings.phase2_max_hold} : duration{st_.settings.phase2_max_hold_contended};
        const duration bound = s.state == st::wait       ? wait
                               : s.state == st::gate     ? (s.first_esp_valid ? std::max(learn, gate) : gate)
                               : s.state == st::learning ? std::max(learn, gate)
                                                         : learn;
        expect(s.tenure_end - st_.now <= bound, "the slot is held beyond its bound");
    }
    void check_junos(std::uint32_t si, const typename State::slot_type& s) {
        const bool free = s.junos == alg::junos_state::free;
        expect(free == (s.holder == npos), "junos: a free slot has no holder, another one has");
        expect(s.waiting == 0 && s.parked == 0 && st_.held().size() == 0, "junos: something is held or parked");
        expect(free || (st_.slot_timers.armed(si) && s.tenure_end - st_.now <= st_.settings.esp_gate_timeout),
               "junos: the gates are open beyond their bound");
    }
    void check_queues(std::uint32_t si, const typename State::slot_type& s) {
        std::uint32_t in_ike = 0;
        std::uint32_t in_esp = 0;
        std::uint32_t waiting = 0;
        std::uint32_t before = npos;
        for (std::uint32_t pi = s.first_in_ike_queue; pi != npos && in_ike < 100;
             pi = st_.pair_at(pi).next_in_ike_queue, ++in_ike) {
            const auto& p = st_.pair_at(pi);
            expect(p.slot == si && p.in_ike_queue && p.previous_in_ike_queue == before, "the IKE queue is broken");
            before = pi;
        }
        expect(before == s.last_in_ike_queue, "the end of the IKE queue");
        before = npos;
        for (std::uint32_t pi = s.first_in_esp_queue; pi != npos && in_esp < 100;
             pi = st_.pair_at(pi).next_in_esp_queue, ++in_esp) {
            const auto& p = st_.pair_at(pi);
            expect(p.slot == si && p.in_esp_queue && p.previous_in_esp_queue == before, "the ESP queue is broken");
            expect(p.first_held_esp != npos && p.first_message == npos, "nothing to wait for in the ESP queue");
            before = pi;
        }
        expect(before == s.last_in_esp_queue, "the end of the ESP queue");
        std::uint32_t references = 0;
        std::uint32_t members = 0;
        st_.pairs().for_each([&](std::uint32_t, const auto& p) {
            if (p.slot != si) {
                return;
            }
            ++references;
            members += p.sessions != 0 ? 1U : 0U;
            in_ike -= p.in_ike_queue ? 1U : 0U;
            in_esp -= p.in_esp_queue ? 1U : 0U;
            const bool waits = p.first_message != npos || p.first_held_esp != npos;
            waiting += waits ? 1U : 0U;
            expect(p.first_message == npos || p.in_ike_queue, "a client with a message is not in the queue");
            expect(p.first_message != npos || p.first_held_esp == npos || p.in_esp_queue,
                   "a client with ESP is not in the queue");
        });
        expect(in_ike == 0 && in_esp == 0, "a client thinks it is in a queue");
        expect(waiting == s.waiting, "the number of clients that wait");
        expect(references == s.references && members == s.members, "the number of clients of a slot");
    }
    void check_parked(std::uint32_t si, const typename State::slot_type& s) {
        std::uint32_t parked = 0;
        std::uint32_t open = 0;
        for (const bool unanswered : {true, false}) {
            std::uint32_t before = npos;
            for (std::uint32_t xi = unanswered ? s.first_parked_unanswered : s.first_parked_quiet;
                 xi != npos && parked < 100; xi = st_.exchange_at(xi).next_parked, ++parked) {
                const alg::exchange& x = st_.exchange_at(xi);
                expect(x.in_parked_list && x.unanswered == unanswered && x.previous_parked == before &&
                           st_.pair_at(x.pair).slot == si,
                       "the list of parked exchanges is broken");
                before = xi;
            }
        }
        st_.exchanges().for_each([&](std::uint32_t, const alg::exchange& x) {
            if (st_.pair_at(x.pair).slot == si) {
                parked -= x.in_parked_list ? 1U : 0U;
                open += x.claims_open ? 1U : 0U;
            }
        });
        expect(parked == 0, "an exchange thinks it is parked");
        expect(open == s.open_claims, "the number of open claims of a slot");
    }
    template <class Flow>
    void check_flow(const Flow& f) {
        if (!practical()) {
            return;
        }
        const bool open = f.session != npos && st_.exchange_at(f.session).state != alg::exchange_state::satisfied;
        expect(f.has(nat::flow_flag::consult) == (open && f.has(nat::flow_flag::has_outbound)),
               "the packet path asks exactly about flows of unsatisfied exchanges");
    }

    State& st_;
    const char* broken_ = nullptr;
};

}  // namespace ikealg::tests::model

#endif
