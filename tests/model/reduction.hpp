// SPDX-License-Identifier: Apache-2.0
/// Whether a reduced exploration visits all that an unreduced one does.
///
/// Every state of the unreduced exploration is looked at, with all its actions. The reduction is sound when (1) the actions that it leaves
/// out lead to states with the same reduced digest, (2) states with one reduced digest have the same set of reduced digests behind
/// them, and (3) as many reduced digests are met as the reduced exploration visits. Then by induction the reduced exploration, which goes
/// on from one state of each digest, meets the digest of every state (a stuttering bisimulation).
#ifndef IKEALG_TESTS_MODEL_REDUCTION_HPP
#define IKEALG_TESTS_MODEL_REDUCTION_HPP

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "explorer.hpp"

namespace ikealg::tests::model {

class reduction_check {
public:
    /// `what` with `reduced` off.
    explicit reduction_check(const plan& what) { around_.what = &what; }

    struct answer {
        std::size_t states = 0;          ///< of the unreduced exploration
        std::size_t reduced_states = 0;  ///< different reduced digests among them
        std::string wrong;               ///< empty when the reduction is sound
    };

    [[nodiscard]] answer run(std::size_t most_states) {
        std::vector<frame> stack;
        stack.emplace_back(around_);
        visited_.insert(digest_maker(stack[0].state, false).make());
        look_at(stack[0]);
        while (!stack.empty() && answer_.wrong.empty()) {
            frame& at = stack.back();
            if (at.next == at.actions.size()) {
                stack.pop_back();
                continue;
            }
            frame below = at;
            below.state.act(at.actions[at.next++]);
            if (around_.violation != nullptr) {
                answer_.wrong = around_.violation;
            }
            if (!visited_.insert(digest_maker(below.state, false).make())) {
                continue;
            }
            if (visited_.size() > most_states) {
                answer_.wrong = "too many states";
            }
            look_at(below);
            stack.push_back(std::move(below));
        }
        answer_.states = visited_.size();
        answer_.reduced_states = futures_.size();
        return answer_;
    }

private:
    struct frame {
        explicit frame(surroundings& around) : state(around) {}
        world state;
        std::vector<action> actions;
        std::size_t next = 0;
    };

    void look_at(frame& f) {
        f.next = 0;
        const digest self = digest_maker(f.state, true).make();
        f.state.list_actions(f.actions, true);
        const std::vector<digest> fewer = behind(f, self);
        f.state.list_actions(f.actions, false);
        const std::vector<digest> all = behind(f, self);
        if (fewer != all) {
            answer_.wrong = "an action that was left out changes something";
        }
        const auto [known, fresh] = futures_.try_emplace(self, hash(all));
        if (!fresh && known->second != hash(all)) {
            answer_.wrong = "two states with one reduced digest have different futures";
        }
    }
    /// The reduced digests one step behind a state, other than its own.
    [[nodiscard]] std::vector<digest> behind(const frame& f, const digest& self) {
        std::vector<digest> found;
        for (const action& a : f.actions) {
            world next = f.state;
            next.act(a);
            const digest d = digest_maker(next, true).make();
            if (d != self) {
                found.push_back(d);
            }
        }
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }
    [[nodiscard]] static std::uint64_t hash(const std::vector<digest>& all) noexcept {
        std::uint64_t sum = all.size();
        for (const digest& d : all) {
            sum = ikealg::detail::multiply_fold(sum ^ d.a, d.b ^ 0x9e37'79b9'7f4a'7c15U);
        }
        return sum;
    }

    surroundings around_;
    digest_set visited_;
    std::map<digest, std::uint64_t> futures_;
    answer answer_;
};

}  // namespace ikealg::tests::model

#endif
