// SPDX-License-Identifier: Apache-2.0
/// When each packet is sent: causality between the two sides of each client's conversation.
///
/// A packet is sent once every packet of the other side that was recorded before it has got through (or is lost for good), as long
/// after the last of them as in the recording. Nothing else delays it, but packets of one side keep their order. So what the
/// gateway holds delays the answers and nothing else. ESP that is dropped is lost and nobody waits for it any more; but ESP that only
/// answers is not sent before anything that it could answer has arrived (player.hpp).
///
/// Complexity: constant amortised a packet, and the heap's logarithm in the packets that can be sent next (two a client).
#ifndef REPLAY_SCHEDULE_HPP
#define REPLAY_SCHEDULE_HPP

#include <algorithm>
#include <array>
#include <queue>
#include <vector>

#include "crowd.hpp"

namespace replay {

using ikealg::duration;
using ikealg::instant;

/// A packet that is to be sent, for the first time or again.
struct sending {
    instant at{};
    std::uint64_t order = 0;  ///< of making, among those of one time
    std::uint32_t client = 0;
    std::uint32_t index = 0;
    side from = side::client;
    std::uint8_t attempt = 0;
    instant first{};

    [[nodiscard]] friend bool operator<(const sending& a,
                                        const sending& b) noexcept {  // for a heap with the earliest on top
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
};

class schedule {
public:
    explicit schedule(const crowd& all) : crowd_(all), states_(all.size()) {
        for (std::uint32_t c = 0; c < all.size(); ++c) {
            for (const side s : {side::client, side::server}) {
                const auto& packets = all[c].recorded->of(s);
                states_[c][at(s)].settled.assign(packets.size(), not_yet);
                unsettled_ += packets.size();
            }
            plan(c, side::client);
            plan(c, side::server);
        }
        total_ = unsettled_;
    }

    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
    [[nodiscard]] std::uint64_t unsettled() const noexcept { return unsettled_; }
    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] instant next_time() const noexcept { return heap_.top().at; }

    /// The next packet to send; its successor on the same side is planned.
    [[nodiscard]] sending pop() {
        const sending s = heap_.top();
        heap_.pop();
        if (s.attempt == 0) {
            one_side& mine = states_[s.client][at(s.from)];
            mine.last_sent = s.at;
            mine.planned = false;
            ++mine.next;
            plan(s.client, s.from);
        }
        return s;
    }

    [[nodiscard]] bool is_settled(std::uint32_t client, side from, std::uint32_t index) const noexcept {
        return states_[client][at(from)].settled[index] != not_yet;
    }
    /// The packet got through, or is lost for good.
    void settle(std::uint32_t client, side from, std::uint32_t index, instant when) {
        one_side& mine = states_[client][at(from)];
        if (mine.settled[index] != not_yet) {
            return;
        }
        mine.settled[index] = when.time_since_epoch();
        --unsettled_;
        const std::uint32_t before = mine.through;
        while (mine.through < mine.settled.size() && mine.settled[mine.through] != not_yet) {
            if (mine.through > 0) {  // from now on: when this one and all before it were through
                mine.settled[mine.through] = std::max(mine.settled[mine.through], mine.settled[mine.through - 1]);
            }
            ++mine.through;
        }
        if (mine.through != before) {
            plan(client, other(from));
        }
    }

    /// IKE that did not get through is sent again after 0.5, 1, 2 ... 32 s. False when 60 s have passed since the first time.
    [[nodiscard]] bool plan_again(sending s) {
        constexpr duration give_up = std::chrono::seconds{60};
        const duration wait = std::chrono::milliseconds{500} * (1U << s.attempt);
        if (s.at + wait - s.first > give_up) {
            return false;
        }
        s.at += wait;
        ++s.attempt;
        push(s);
        return true;
    }

private:
    static constexpr duration not_yet = duration::min();

    struct one_side {
        std::uint32_t next = 0;     ///< to be sent
        std::uint32_t through = 0;  ///< all before it are settled
        bool planned = false;
        instant last_sent{};
        std::vector<duration> settled{};
    };

    [[nodiscard]] static constexpr std::size_t at(side s) noexcept { return static_cast<std::size_t>(s); }

    void push(sending s) {
        s.order = orders_++;
        heap_.push(s);
    }

    void plan(std::uint32_t c, side s) {
        one_side& mine = states_[c][at(s)];
        const one_side& theirs = states_[c][at(other(s))];
        const client& who = crowd_[c];
        const auto& packets = who.recorded->of(s);
        if (mine.planned || mine.next == packets.size() || theirs.through < packets[mine.next].depends) {
            return;
        }
        const recorded_packet& p = packets[mine.next];
        instant when{p.at + who.shift};
        if (p.depends != 0) {
            const recorded_packet& cause = who.recorded->of(other(s))[p.depends - 1];
            when = instant{theirs.settled[p.depends - 1] + (p.at - cause.at)};
        }
        when = std::max(when, mine.last_sent);
        mine.planned = true;
        push({when, 0, c, mine.next, s, 0, when});
    }

    const crowd& crowd_;
    std::vector<std::array<one_side, 2>> states_;
    std::priority_queue<sending> heap_;
    std::uint64_t orders_ = 0;
    std::uint64_t unsettled_ = 0;
    std::uint64_t total_ = 0;
};

}  // namespace replay

#endif
