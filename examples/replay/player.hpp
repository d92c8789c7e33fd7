// SPDX-License-Identifier: Apache-2.0
/// Plays a crowd through a gateway on the recording's clock: packets and the gateway's timers, each at its exact time.
///
/// `Observer` is what the gateway tells its events to, `Tap` sees the packets: `sent(buffer, now)`,
/// `got(buffer, verdict, now)`, `misdelivered(buffer, owner, to, now)`, and after each call of the gateway `flush()`.
#ifndef REPLAY_PLAYER_HPP
#define REPLAY_PLAYER_HPP

#include <cstring>
#include <string>

#include "bytes_of.hpp"
#include "ikealg/gateway.hpp"
#include "schedule.hpp"
#include "setup.hpp"
#include "totals.hpp"

namespace replay {

/// Measures spans of real time that are hardly longer than reading the clock.
class stopwatch {
public:
    using clock = std::chrono::steady_clock;
    stopwatch() {
        constexpr int rounds = 2000;
        const auto began = clock::now();
        for (int i = 0; i < rounds; ++i) {
            (void)clock::now();
        }
        own_ = (clock::now() - began) / rounds;
    }
    void start() noexcept { began_ = clock::now(); }
    void stop() noexcept { total_ += std::max(clock::now() - began_ - own_, clock::duration{0}); }
    [[nodiscard]] ikealg::duration total() const noexcept { return total_; }

private:
    clock::duration own_{};
    clock::duration total_{};
    clock::time_point began_{};
};

template <class Observer, class Tap>
class player {
public:
    using gateway = ikealg::gateway<ipv4, packet, Observer>;

    player(const crowd& all, const options& o, gateway& g, Tap& tap)
        : crowd_(all), schedule_(all), gateway_(g), tap_(tap), outside_(o.outside), heard_(all.size()) {
        totals_.clients = o.outside ? 0 : all.size();
        totals_.seed = o.seed;
        for (std::uint32_t c = 0; c < all.size(); ++c) {
            totals_.from_clients += all[c].recorded->of(side::client).size();
            totals_.from_server += all[c].recorded->of(side::server).size();
        }
        totals_.delays.reserve(totals_.from_clients + totals_.from_server);
    }

    /// `progress(settled, total)` is called now and then.
    template <class Progress>
    [[nodiscard]] totals play(Progress&& progress) {
        const auto began = stopwatch::clock::now();
        while (schedule_.unsettled() != 0) {
            run_timers(schedule_.empty() ? instant::max() : schedule_.next_time());
            if (schedule_.empty()) {
                break;  // what is left waits for ever
            }
            play_burst();
            if (bursts_ % 1024 == 0) {
                progress(schedule_.total() - schedule_.unsettled(), schedule_.total());
            }
        }
        totals_.unfinished = schedule_.unsettled();
        totals_.gateway_time = watch_.total();
        totals_.played = now_.time_since_epoch();
        totals_.wall = stopwatch::clock::now() - began;
        totals_.counters = gateway_.counters();
        std::sort(totals_.delays.begin(), totals_.delays.end());
        return std::move(totals_);
    }

private:
    struct result {
        buffer* packet;
        ikealg::verdict v;
    };

    /// Everything that is sent at the next time, at most a burst of the gateway's.
    void play_burst() {
        ++bursts_;
        now_ = schedule_.next_time();
        burst_.clear();
        fresh_.clear();
        while (!schedule_.empty() && schedule_.next_time() == now_ && burst_.size() < gateway::max_burst) {
            const sending s = schedule_.pop();
            if (schedule_.is_settled(s.client, s.from, s.index)) {
                continue;  // an answer came meanwhile
            }
            if (is_unasked(s)) {
                ++totals_.unasked;
                schedule_.settle(s.client, s.from, s.index, now_);
                continue;
            }
            buffer* b = pool_.take();
            if (!prepare(s, *b)) {
                ++totals_.unreachable;
                schedule_.settle(s.client, s.from, s.index, now_);
                pool_.give_back(b);
                continue;
            }
            tap_.sent(*b, now_);
            totals_.repeated += s.attempt != 0;
            burst_.emplace_back(b);
            fresh_.push_back(s);
        }
        totals_.packets += burst_.size();
        totals_.held += burst_.size();
        watch_.start();
        gateway_.process(burst_, now_, [this](packet&& p, ikealg::verdict v) { results_.push_back({p.get(), v}); });
        watch_.stop();
        take_results(true);
        for (const sending& s : fresh_) {
            const bool again = crowd_.at(s.client, s.from, s.index).repeated;
            if (again && !schedule_.is_settled(s.client, s.from, s.index) && !schedule_.plan_again(s)) {
                schedule_.settle(s.client, s.from, s.index, now_);  // given up
            }
        }
    }

    /// The gateway's timers up to `end`, which comes closer when they let a packet go whose answer is due before.
    void run_timers(instant end) {
        while (schedule_.unsettled() != 0) {
            end = schedule_.empty() ? end : std::min(end, schedule_.next_time());
            const auto next = gateway_.next_timer();
            if (!next) {
                return;
            }
            const instant due = std::max(*next, timers_from_);
            if (due > end) {
                return;
            }
            now_ = std::max(now_, due);
            watch_.start();
            const bool more = gateway_.advance(now_, 64, [this](packet&& p, ikealg::verdict v) {
                results_.push_back({p.get(), v});
            });
            watch_.stop();
            if (!more) {
                const auto again = gateway_.next_timer();
                timers_from_ = again && *again <= now_ ? now_ + std::chrono::milliseconds{1} : now_;
            }
            take_results(false);
        }
    }

    /// ESP of the side that did not open the tunnel, while none of the opener's has arrived: all that was sent before was lost.
    [[nodiscard]] bool is_unasked(const sending& s) const {
        const auto opener = crowd_[s.client].recorded->opener;
        return !outside_ && opener && *opener != s.from && !heard_[s.client] &&
               crowd_.at(s.client, s.from, s.index).spi_offset != 0;
    }

    /// Fills the buffer with the packet as it reaches the gateway; false when the server cannot address it.
    [[nodiscard]] bool prepare(const sending& s, buffer& b) {
        crowd_.make(s.client, s.from, s.index, b.bytes);
        b.client = s.client;
        b.index = s.index;
        b.from = s.from;
        b.burst = bursts_;
        b.first_sent = s.first;
        b.zone = s.from == side::client ? inside_zone : outside_zone;
        return s.from == side::client || outside_ || readdress(b);
    }

    /// Does what the server does: it knows the client by its nat address and port only.
    [[nodiscard]] bool readdress(buffer& b) {
        const ikealg::ipv4_address server = ikealg::ipv4_address::load(b.bytes.data() + ip_source);
        const ikealg::ipv4_address own = crowd_[b.client].address;
        const std::size_t transport = transport_of(b.bytes);
        for (const auto protocol : {ikealg::ip_protocol::udp, ikealg::ip_protocol::tcp}) {
            if (!has_ports(b.bytes, protocol)) {
                continue;
            }
            const ikealg::port server_port{ikealg::load_be16(b.bytes.data() + transport)};
            const ikealg::port client_port{ikealg::load_be16(b.bytes.data() + transport + 2)};
            const auto end = gateway_.outside_of(inside_zone, own, client_port, server, server_port, protocol);
            if (!end) {
                return false;
            }
            store_address(b.bytes, ip_destination, end->nat);
            store_port(b.bytes, transport + 2, end->external);
            add_hop(b.bytes);
            return true;
        }
        const auto nat = gateway_.nat_address_of(inside_zone, own, server);
        if (nat) {
            store_address(b.bytes, ip_destination, *nat);
            add_hop(b.bytes);
        }
        return nat.has_value();
    }

    void take_results(bool from_process) {
        for (const result& r : results_) {
            totals_.held -= from_process && r.packet->burst == bursts_;
            tap_.got(*r.packet, r.v, now_);
            take(*r.packet, r.v);
            pool_.give_back(r.packet);
        }
        results_.clear();
        tap_.flush();
    }

    void take(const buffer& b, ikealg::verdict v) {
        const bool lost = !crowd_.at(b.client, b.from, b.index).repeated;
        if (v.act != ikealg::action::forward) {
            ++totals_.dropped[static_cast<std::size_t>(v.reason)];
            if (lost) {
                schedule_.settle(b.client, b.from, b.index, now_);
            }
            return;
        }
        ++totals_.forwarded;
        const bool first = !schedule_.is_settled(b.client, b.from, b.index);
        if (b.from == side::client) {
            totals_.passed += first;
        } else if (!arrived(b, v, first)) {
            if (lost) {
                schedule_.settle(b.client, b.from, b.index, now_);
            }
            return;
        }
        if (first) {
            heard_[b.client] = heard_[b.client] || (crowd_.at(b.client, b.from, b.index).spi_offset != 0 &&
                                                    crowd_[b.client].recorded->opener == b.from);
            totals_.delays.push_back(now_ - b.first_sent);
        }
        schedule_.settle(b.client, b.from, b.index, now_);
    }

    /// Compares with the recording, but for TTL and header checksum.
    [[nodiscard]] bool arrived(const buffer& b, ikealg::verdict v, bool first) {
        const ikealg::ipv4_address to = ikealg::ipv4_address::load(b.bytes.data() + ip_destination);
        if (v.to != inside_zone || to != crowd_[b.client].address) {
            ++totals_.misdelivered;
            tap_.misdelivered(b, crowd_[b.client].address, to, now_);
            return false;
        }
        crowd_.make(b.client, b.from, b.index, expected_);
        const auto same = [&](std::size_t from, std::size_t n) {
            return std::memcmp(b.bytes.data() + from, expected_.data() + from, n) == 0;
        };
        if (b.bytes.size() != expected_.size() || !same(0, ip_ttl) || !same(ip_ttl + 1, 1) ||
            !same(ip_source, expected_.size() - ip_source)) {
            ++totals_.altered;
            return false;
        }
        totals_.delivered += first;
        return true;
    }

    const crowd& crowd_;
    schedule schedule_;
    gateway& gateway_;
    Tap& tap_;
    bool outside_;
    std::vector<bool> heard_;  ///< ESP of the opener has arrived, for each client
    pool pool_;
    stopwatch watch_;
    totals totals_;
    instant now_{};
    instant timers_from_{};
    std::uint64_t bursts_ = 0;
    std::vector<packet> burst_;
    std::vector<sending> fresh_;
    std::vector<result> results_;
    std::vector<std::uint8_t> expected_;
};

}  // namespace replay

#endif
