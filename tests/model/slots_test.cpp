// SPDX-License-Identifier: Apache-2.0
/// Slots do not interact: a world of several servers and nat addresses is, slot by slot, the world of that slot alone (G9).
///
/// The world of a plan and, for each of its slots, a world of that slot alone take the same actions at the same times. After each action the part of
/// the large world that belongs to a slot must have the digest of the small one, and the same packets can follow. So each history of the
/// large world is, seen from one slot, a history of the small one in which time may pass between events (pauses); and what explorer_test.cpp
/// shows of one slot holds for each slot of a gateway with 2 servers and 2 nat addresses. Small plans are walked through to the end; the plan
/// of all (3 clients, 2 servers, 2 nat addresses, 2 exchanges a client and server, loss, repetition, 2 ESP packets each way) at random.
#include "explorer.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "plans.hpp"

namespace {

using namespace ikealg::tests::model;
using s = script;

class side_by_side {
public:
    explicit side_by_side(const plan& whole) : whole_(whole), around_(whole_) {
        for (std::size_t t = 0; t < whole.tunnels.size(); ++t) {
            part* mine = nullptr;
            for (part& p : parts_) {
                const tunnel_plan& first = whole.tunnels[p.tunnels[0]];
                if (first.server == whole.tunnels[t].server && first.nat == whole.tunnels[t].nat) {
                    mine = &p;
                }
            }
            if (mine == nullptr) {
                mine = &parts_.emplace_back();
                mine->what = whole;
                mine->what.tunnels.clear();
            }
            mine->tunnels.push_back(t);
            mine->what.tunnels.push_back(whole.tunnels[t]);
        }
        for (part& p : parts_) {
            p.around.what = &p.what;
        }
    }

    struct frame {
        world whole;
        std::vector<world> parts;
        std::vector<action> actions;
        std::size_t next = 0;
    };

    [[nodiscard]] frame begin() {
        frame f{world(around_), {}, {}, 0};
        for (part& p : parts_) {
            f.parts.emplace_back(p.around);
        }
        compare(f);
        return f;
    }
    void act(frame& f, const action& a) {
        f.whole.act(a);
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            for (std::size_t t = 0; t < parts_[i].tunnels.size(); ++t) {
                if (a.kind < action::what::timer && parts_[i].tunnels[t] == a.tunnel) {
                    f.parts[i].act({a.kind, static_cast<std::uint8_t>(t), a.exchange, a.message});
                }
            }
            if (a.kind >= action::what::timer) {
                f.parts[i].pass_time(f.whole.now());  // also when it is now already: a deadline may have come
            }
        }
        compare(f);
    }
    [[nodiscard]] std::size_t slots() const { return parts_.size(); }
    [[nodiscard]] const char* wrong() const {
        const char* first = around_.violation != nullptr ? around_.violation : wrong_;
        for (const part& p : parts_) {
            first = first == nullptr ? p.around.violation : first;
        }
        return first;
    }

private:
    struct part {
        plan what;
        surroundings around;
        std::vector<std::size_t> tunnels;
    };
    struct surroundings_of : surroundings {
        explicit surroundings_of(const plan& p) { what = &p; }
    };

    void compare(frame& f) {
        f.whole.list_actions(f.actions);
        f.next = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (digest_maker(f.whole, parts_[i].tunnels).make() !=
                digest_maker(f.parts[i], digest_maker::all(f.parts[i])).make()) {
                wrong_ = "a slot is not what it is alone";
            }
            std::vector<action> alone;
            f.parts[i].list_actions(alone);
            std::size_t at = 0;
            for (const action& a : f.actions) {
                for (std::size_t t = 0; t < parts_[i].tunnels.size(); ++t) {
                    if (a.kind < action::what::timer && parts_[i].tunnels[t] == a.tunnel) {
                        const bool same = at < alone.size() && alone[at].kind == a.kind && alone[at].tunnel == t &&
                                          alone[at].exchange == a.exchange && alone[at].message == a.message;
                        wrong_ = same ? wrong_ : "other packets can follow than alone";
                        ++at;
                    }
                }
            }
        }
    }

    plan whole_;
    surroundings_of around_;
    std::deque<part> parts_;
    const char* wrong_ = nullptr;
};

/// Every state, depth first.
std::size_t walk_all(const plan& p, std::string& wrong, std::size_t most_states, bool& cut) {
    side_by_side worlds(p);
    digest_set visited;
    std::vector<side_by_side::frame> stack;
    stack.push_back(worlds.begin());
    visited.insert(digest_maker(stack[0].whole).make());
    while (!stack.empty() && worlds.wrong() == nullptr) {
        side_by_side::frame& at = stack.back();
        if (at.next == at.actions.size()) {
            stack.pop_back();
            continue;
        }
        if (visited.size() >= most_states) {
            cut = true;
            break;
        }
        side_by_side::frame below = at;
        worlds.act(below, at.actions[at.next++]);
        if (visited.insert(digest_maker(below.whole).make())) {
            stack.push_back(std::move(below));
        }
    }
    wrong = worlds.wrong() != nullptr ? worlds.wrong() : "";
    return visited.size();
}

}  // namespace

TEST_CASE("G9: with 2 servers and 2 nat addresses each slot is what it is alone") {
    const std::vector<plan> plans{
        slim("2 clients of 2 servers each, 1 nat address", {{0, 0, 0, {s::quick_client}},
                                                            {1, 0, 0, {s::quick_client}},
                                                            {0, 1, 0, {s::quick_client}},
                                                            {1, 1, 0, {s::quick_client}}}),
        slim("2 clients of 2 servers each, 2 nat addresses", {{0, 0, 0, {s::quick_client}},
                                                              {0, 1, 0, {s::child_client}},
                                                              {1, 0, 1, {s::auth}},
                                                              {1, 1, 1, {s::quick_server}}}),
        slim("3 clients, 2 servers, 2 nat addresses", {{0, 0, 0, {s::child_client}},
                                                       {1, 0, 0, {s::quick_client}},
                                                       {1, 1, 0, {s::auth}},
                                                       {2, 1, 1, {s::quick_client}}}),
        junos(slim("3 clients, 2 servers, 2 nat addresses", {{0, 0, 0, {s::child_client}},
                                                             {1, 0, 0, {s::quick_client}},
                                                             {1, 1, 0, {s::auth}},
                                                             {2, 1, 1, {s::quick_client}}})),
        slim("2 clients, one with 2 exchanges and 2 servers",
             {{0, 0, 0, {s::quick_client, s::child_server}}, {1, 0, 0, {s::quick_client}}, {0, 1, 0, {s::child_client}}}),
    };
    for (const plan& p : plans) {
        std::string wrong;
        bool cut = false;
        const std::size_t most = std::min<std::size_t>(bound(), 60'000);
        const std::size_t states = walk_all(p, wrong, most, cut);
        std::printf("explorer: side by side, %-55s %7zu states%s\n", p.name.c_str(), states, cut ? ", BOUNDED" : "");
        CHECK_MESSAGE(wrong.empty(), p.name << ": " << wrong);
    }
}

TEST_CASE("G9: random walks through 3 clients, 2 servers, 2 nat addresses, everything doubled and lost") {
    for (const bool is_junos : {false, true}) {
        plan p = full("everything", {{0, 0, 0, {s::quick_client, s::child_client}},
                                     {0, 1, 0, {s::quick_server, s::auth}},
                                     {1, 0, 0, {s::child_client, s::auth}},
                                     {1, 1, 0, {s::quick_client, s::child_refused}},
                                     {2, 0, 1, {s::auth_eap, s::quick_client}},
                                     {2, 1, 1, {s::child_server, s::quick_client}}});
        p.pauses = 20;
        p = is_junos ? junos(p) : p;
        const int walks = fast_build ? 3000 : 20;
        std::size_t steps = 0;
        std::size_t longest = 0;
        for (int seed = 1; seed <= walks; ++seed) {
            side_by_side worlds(p);
            side_by_side::frame f = worlds.begin();
            ikealg::small_random random(static_cast<std::uint64_t>(seed));
            std::size_t depth = 0;
            for (; !f.actions.empty() && worlds.wrong() == nullptr; ++depth) {
                // Timers are one action among many: without a share of their own nobody's time would come before the packets end.
                const bool timer = f.actions.back().kind >= action::what::timer && random() % 8 == 0;
                worlds.act(f, timer ? f.actions.back() : f.actions[random() % f.actions.size()]);
                if (worlds.wrong() == nullptr && invariants<state_type>(f.whole.gateway().memory()).broken() != nullptr) {
                    FAIL_CHECK(invariants<state_type>(f.whole.gateway().memory()).broken());
                }
            }
            CAPTURE(seed);
            CHECK_MESSAGE(worlds.wrong() == nullptr, std::string(worlds.wrong() != nullptr ? worlds.wrong() : ""));
            CHECK(f.whole.memory().held().size() == 0);
            steps += depth;
            longest = std::max(longest, depth);
        }
        std::printf("explorer: random walks, %s: %d walks, seeds 1-%d, %zu steps, the longest %zu\n",
                    is_junos ? "junos" : "practical", walks, walks, steps, longest);
    }
}
