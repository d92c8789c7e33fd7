// SPDX-License-Identifier: Apache-2.0
/// Visits every world that a plan can lead to, depth first, each once, and checks each.
///
/// Complete up to `most_states`; `result::cut` says that the bound was met, and then what is told holds for the states visited. Which
/// states these are follows from the plan alone.
#ifndef IKEALG_TESTS_MODEL_EXPLORER_HPP
#define IKEALG_TESTS_MODEL_EXPLORER_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "slot_digest.hpp"
#include "slot_invariants.hpp"
#include "slot_world.hpp"

namespace ikealg::tests::model {

/// A set of digests that only grows: open addressing, seven eighths full at most.
class digest_set {
public:
    /// True when it was not in the set.
    bool insert(digest d) {
        if (d == digest{}) {
            d.b = 1;
        }
        if (8 * (size_ + 1) > 7 * table_.size()) {
            grow();
        }
        return place(d);
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    bool place(const digest& d) noexcept {
        for (std::size_t i = d.a & (table_.size() - 1);; i = (i + 1) & (table_.size() - 1)) {
            if (table_[i] == d) {
                return false;
            }
            if (table_[i] == digest{}) {
                table_[i] = d;
                ++size_;
                return true;
            }
        }
    }
    void grow() {
        std::vector<digest> old(table_.empty() ? 1U << 12 : 2 * table_.size());
        old.swap(table_);
        size_ = 0;
        for (const digest& d : old) {
            if (!(d == digest{})) {
                place(d);
            }
        }
    }

    std::vector<digest> table_;
    std::size_t size_ = 0;
};

struct result {
    std::size_t states = 0;
    std::size_t transitions = 0;
    std::size_t ends = 0;   ///< states in which nothing more can happen
    std::size_t depth = 0;  ///< of the longest path
    bool cut = false;       ///< the bound on states was met
    double seconds = 0;
    std::string violation;  ///< what, and how it came about; empty when there is none
};

class explorer {
public:
    explorer(const plan& what, std::size_t most_states) : most_states_(most_states) {
        around_.what = &what;
    }
    [[nodiscard]] const surroundings& around() const noexcept { return around_; }

    result run() {
        const auto began = std::chrono::steady_clock::now();
        stack_.emplace_back(around_);
        look_at(stack_[0].state);
        visited_.insert(digest_maker(stack_[0].state).make());
        stack_[0].state.list_actions(stack_[0].actions);
        std::size_t depth = 0;
        for (;;) {
            if (around_.violation != nullptr) {
                result_.violation = tell(depth);
                break;
            }
            frame& at = stack_[depth];
            if (at.next == at.actions.size()) {
                if (depth == 0) {
                    break;
                }
                --depth;
                continue;
            }
            if (visited_.size() >= most_states_) {
                result_.cut = true;
                break;
            }
            if (depth + 1 == stack_.size()) {
                stack_.emplace_back(around_);
            }
            frame& below = stack_[depth + 1];
            below.state = at.state;
            below.state.act(at.actions[at.next++]);
            ++result_.transitions;
            if (around_.what->nobody_parks && around_.violation == nullptr && somebody_parks(below.state)) {
                continue;
            }
            const digest seen = digest_maker(below.state).make();
            if (around_.violation == nullptr && !visited_.insert(seen)) {
                continue;
            }
            look_at(below.state);
            below.state.list_actions(below.actions);
            turn(below.actions, seen);
            below.next = 0;
            ++depth;
            result_.depth = std::max(result_.depth, depth);
            if (below.actions.empty() || visited_.size() % 64 == 0) {
                result_.ends += below.actions.empty() ? 1U : 0U;
                look_at_end(below.state);
            }
        }
        result_.states = visited_.size();
        result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        return result_;
    }

private:
    struct frame {
        explicit frame(surroundings& around) : state(around) {}
        world state;
        std::vector<action> actions;
        std::size_t next = 0;
    };

    /// Begins elsewhere in each world, so that what a bound leaves out is not always the same kind of action.
    static void turn(std::vector<action>& actions, digest by) {
        if (!actions.empty()) {
            const auto first = static_cast<std::ptrdiff_t>(by.b % actions.size());
            std::rotate(actions.begin(), actions.begin() + first, actions.end());
        }
    }
    [[nodiscard]] static bool somebody_parks(const world& w) {
        bool parked = false;
        w.memory().slots().for_each(
            [&](std::uint32_t, const auto& s) { parked = parked || s.parked + s.open_claims != 0; });
        return parked;
    }
    void look_at(world& w) {
        if (around_.violation == nullptr) {
            if (const char* broken = invariants<state_type>(w.gateway().memory()).broken()) {
                around_.fail(broken);
            }
        }
    }
    /// Nobody waits for ever, and nothing is left when all has ended.
    void look_at_end(const world& w) {
        if (around_.violation != nullptr) {
            return;
        }
        world end = w;
        int rounds = 0;
        for (; end.gateway().next_slot_timer() && rounds < 100; ++rounds) {
            end.act({action::what::timer});
            look_at(end);
        }
        if (rounds == 100 || end.memory().held().size() != 0) {
            around_.fail("somebody waits for ever");
        }
        for (const bool timers_first : {true, false}) {
            world last = timers_first ? end : w;
            last.end_all();
            const state_type& m = last.memory();
            if (m.pairs().size() + m.slots().size() + m.sessions().size() + m.exchanges().size() + m.held().size() +
                    m.flows.size() + m.held_bytes() + m.slot_timers.size() !=
                0) {
                around_.fail("something is left at the end");
            }
        }
    }
    [[nodiscard]] std::string tell(std::size_t depth) const {
        static constexpr std::array<const char*, 9> names{"send",   "send, lost", "ESP out", "ESP out, lost",
                                                          "ESP in", "timer",      "wait",    "pause",      "end"};
        std::string text = around_.violation;
        for (std::size_t d = 0; d <= depth && d < stack_.size(); ++d) {
            if (stack_[d].next == 0) {
                break;
            }
            const action& a = stack_[d].actions[stack_[d].next - 1];
            text += "\n  " + std::to_string(d) + ": " + names[static_cast<std::size_t>(a.kind)];
            if (a.kind < action::what::timer || a.kind == action::what::end) {
                text += " client " + std::to_string(a.tunnel) + " exchange " + std::to_string(a.exchange);
                text += a.kind <= action::what::send_lost ? " message " + std::to_string(a.message + 1) : "";
            }
            if (d < depth) {
                stack_[d + 1].state.memory().slots().for_each([&](std::uint32_t, const auto& s) {
                    text += " [" + std::string(to_string(s.state)) + " of " +
                            (s.holder == npos ? "nobody" : std::to_string(s.holder)) + ", " +
                            std::to_string(s.waiting) + " wait, " + std::to_string(s.parked) + " parked]";
                });
            }
        }
        return text;
    }

    surroundings around_;
    std::size_t most_states_;
    std::deque<frame> stack_;
    digest_set visited_;
    result result_;
};

}  // namespace ikealg::tests::model

#endif
