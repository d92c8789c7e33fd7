// SPDX-License-Identifier: Apache-2.0
/// Many clients of one server behind one nat address, at random, on the shipped headers: is each SPI bound to whose it is?
///
/// The model of clients and servers is that of the simulation which chose the slot rules (semantics.md section 4): clients that ask
/// and are answered, servers that push, idle tunnels, servers that speak first; answers that come late, get lost or never were; start-up
/// storms; a thousand clients that rekey every hour. `reference` holds what that simulation yields with the rules as they stand, run with
/// its own random numbers on seeds 1000, 1001 ..., as sums over runs and their squares. The two are samples of two distributions, so they are
/// compared as such:
///   - a cell in which the reference never had a wrong binding, or never one missing, must have none here;
///   - in each other cell the mean of ours must not be above the reference's by more than 3.1 standard errors of the difference (Welch;
///     one-sided 5 % over all the cells together, Bonferroni);
///   - summed over all the cells of a test the mean must not be above the reference's at all.
/// The seeds are fixed, and were not used to tune the rules (1 to 140 were). 100 seeds a cell gave, wrong of 100 clients, ours and reference:
/// 900 ms late 0.78 and 2.37 (IKEv2 1.20 and 2.71), unanswered 0.19 and 1.20 (0.29 and 1.12), opened by the server 0.05 and 0.21 (0.12 and
/// 0.13, the one cell where the two are alike: a difference of 0.14 either way is chance); never bound in a storm of 1000: 369 and
/// 516 (IKE_AUTH 466 and 539).
#include <cmath>
#include <cstdio>
#include <functional>
#include <queue>

#include "alg/harness.hpp"
#include "ikealg/base/hash.hpp"
#include "plans.hpp"

namespace {

using namespace ikealg_tests;

enum class flavour : std::uint8_t {
    quick,  ///< IKEv1: message 3 enables
    child,  ///< IKEv2 CREATE_CHILD_SA: the request takes the slot
    auth,   ///< IKEv2 IKE_AUTH: the response takes the slot
};
enum class habit : std::uint8_t { asks, pushed, idle, server_first };

struct figures {
    int right = 0;
    int wrong = 0;
    int never = 0;
};

/// How many of something there were in each of several runs.
struct sample {
    double runs = 0;
    double sum = 0;
    double squares = 0;

    void add(int n) {
        runs += 1;
        sum += n;
        squares += static_cast<double>(n) * n;
    }
    [[nodiscard]] double mean() const { return sum / runs; }
    /// Of the mean.
    [[nodiscard]] double variance() const {
        return runs > 1 ? std::max(0.0, squares - sum * sum / runs) / (runs - 1) / runs : 0;
    }
};
struct reference_figures {
    sample wrong;
    sample never;
};

struct scenario {
    const char* name = "";
    flavour ike = flavour::quick;
    reference_figures reference{};
    int seeds = ikealg::tests::model::fast_build ? 40 : 3;
    unsigned clients = 100;
    double window = 60;                       ///< seconds over which clients start; 0: all within 0.1 s
    double duration = 200;
    double rtt = 0.030;
    std::array<double, 4> mix{1, 0, 0, 0};    ///< shares of `habit`
    double late = 0;                          ///< share of answers that come `late_by` (0.5-1.5 times) later
    double late_by = 0.3;
    double unanswered = 0;                    ///< share of packets that nobody answers
    double loss = 0;
    bool storm = false;                       ///< clients send as soon as they can
};

class simulation {
public:
    simulation(const scenario& s, std::uint64_t seed)
        : s_(s), random_(seed), h_({}, {8192, 2048, 16, 2048, 8192, 16384}), start_(h_.now()) {
        clients_.resize(s.clients);
        for (std::uint32_t i = 0; i < s.clients; ++i) {
            client& c = clients_[i];
            double r = uniform();
            for (std::size_t k = 0; k < 4; ++k) {
                if (r < s.mix[k]) {
                    c.does = static_cast<habit>(k);
                    break;
                }
                r -= s.mix[k];
            }
            c.spi_in = 0x1000'0000U + i;
            c.spi_out = 0x2000'0000U + i;
            at(s.window > 0 ? uniform() * s.window : uniform() * 0.1, [this, i] { begin(i); });
        }
    }

    [[nodiscard]] figures run() {
        const instant end = start_ + seconds(s_.duration);
        for (;;) {
            const auto timer = h_.core.next_slot_timer();
            const instant event = events_.empty() ? instant::max() : events_.top().when;
            const instant next = std::min(event, timer.value_or(instant::max()));
            if (next > end) {
                break;
            }
            h_.core.set_time(std::max(next, h_.now()));
            if (timer && *timer <= event) {
                (void)h_.core.run_slot_timers(16);
                h_.collect();
            } else {
                auto run = std::move(const_cast<entry&>(events_.top()).run);
                events_.pop();
                run();
            }
            for (const released& r : h_.take_back()) {
                if (r.reason == drop_reason::none) {
                    packets_[r.id].forwarded();
                }
                packets_[r.id].forwarded = nullptr;
            }
        }
        figures f;
        for (client& c : clients_) {
            if (c.does == habit::idle) {
                continue;
            }
            const std::uint32_t flow = c.p.pair == npos ? npos : h_.inbound_flow(c.p, c.spi_in);
            ++(flow == npos ? f.never : h_.memory().flows[flow].owner == c.p.pair ? f.right : f.wrong);
        }
        return f;
    }

private:
    struct client {
        peer p;
        habit does = habit::asks;
        std::uint32_t spi_in = 0;
        std::uint32_t spi_out = 0;
        bool up = false;        ///< the client may send on the new SA
        bool server_up = false;
        bool given_up = false;
        instant server_since{};
    };
    struct entry {
        instant when;
        std::uint64_t order;
        std::function<void()> run;
        friend bool operator<(const entry& a, const entry& b) {
            return a.when != b.when ? a.when > b.when : a.order > b.order;
        }
    };
    struct packet {
        std::function<void()> forwarded;
    };

    [[nodiscard]] static duration seconds(double s) { return duration{static_cast<std::int64_t>(s * 1e9)}; }
    [[nodiscard]] double uniform() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }
    [[nodiscard]] bool lost() { return s_.loss > 0 && uniform() < s_.loss; }
    void at(double in, std::function<void()> run) { events_.push({h_.now() + seconds(in), ++order_, std::move(run)}); }

    /// Sends through the gateway: `then` runs when the packet comes out, now or later.
    template <class Send>
    void through(Send&& send, std::function<void()> then) {
        const decision d = send();
        packets_.resize(h_.last + 1);
        if (d.act == decision::what::forward) {
            then();
        } else if (d.act == decision::what::held) {
            packets_[h_.last].forwarded = std::move(then);
        }
    }

    // IKE.

    void begin(std::uint32_t i) {
        client& c = clients_[i];
        c.p = h_.stranger(i + 1, s_.ike == flavour::quick ? 1 : 2);
        const auto type = c.p.version == 1 ? exchange_type::main_mode : exchange_type::ike_sa_init;
        peer first = c.p;
        first.responder = {};
        (void)h_.ike(first, type, outbound, 0, false);
        at(s_.rtt, [this, i, type] {
            (void)h_.ike(clients_[i].p, type, inbound, 0, true);
            phase2(i);
        });
    }
    void phase2(std::uint32_t i) {
        client& c = clients_[i];
        if (s_.ike == flavour::quick) {
            (void)h_.quick(c.p, outbound, 7);
            at(s_.rtt + 0.002, [this, i] {
                (void)h_.quick(clients_[i].p, inbound, 7);
                client_up(i);
                last_quick(i);
                at(0.5 + s_.rtt, [this, i] { repeat_quick(i, 0.5); });
            });
        } else {
            request(i);
            at(0.5, [this, i] { repeat_request(i, 0.5); });
        }
    }
    void last_quick(std::uint32_t i) {
        through([&] { return h_.quick(clients_[i].p, outbound, 7); },
                [this, i] {
                    if (!lost()) {
                        at(s_.rtt / 2, [this, i] { server_up(i, s_.rtt / 2); });
                    }
                });
    }
    void repeat_quick(std::uint32_t i, double after) {
        if (stop_repeating(clients_[i].server_up, clients_[i], after)) {
            return;
        }
        (void)h_.quick(clients_[i].p, inbound, 7);
        last_quick(i);
        at(2 * after, [this, i, after] { repeat_quick(i, 2 * after); });
    }
    void request(std::uint32_t i) {
        through([&] { return s_.ike == flavour::child ? h_.child_request(clients_[i].p, 2) : h_.auth_request(clients_[i].p, 1); },
                [this, i] {
                    if (!(s_.ike == flavour::child && lost())) {
                        at(s_.rtt + 0.002, [this, i] { response(i); });
                    }
                });
    }
    void response(std::uint32_t i) {
        server_up(i, 0);
        through([&] { return s_.ike == flavour::child ? h_.child_response(clients_[i].p, 2) : h_.auth_response(clients_[i].p, 1); },
                [this, i] {
                    if (!(s_.ike == flavour::auth && lost())) {
                        client_up(i);
                    }
                });
    }
    void repeat_request(std::uint32_t i, double after) {
        if (stop_repeating(clients_[i].up, clients_[i], after)) {
            return;
        }
        request(i);
        at(2 * after, [this, i, after] { repeat_request(i, 2 * after); });
    }
    [[nodiscard]] static bool stop_repeating(bool done, client& c, double after) {
        c.given_up = c.given_up || (!done && after > 32);
        return done || c.given_up;
    }

    // Traffic.

    void client_up(std::uint32_t i) {
        client& c = clients_[i];
        if (!std::exchange(c.up, true) && c.does == habit::asks) {
            at(0.002 + uniform() * (s_.storm ? 0.2 : 1.0), [this, i] { ask(i); });
        }
    }
    void ask(std::uint32_t i) {
        through([&] { return h_.esp_out(clients_[i].p, clients_[i].spi_out); }, [this, i] { asked(i); });
        at(0.5 + uniform(), [this, i] { ask(i); });
    }
    void asked(std::uint32_t i) {
        if (lost()) {
            return;
        }
        double after = s_.rtt;
        if (s_.late > 0 && uniform() < s_.late) {
            after += s_.late_by * (0.5 + uniform());
        }
        if (s_.unanswered > 0 && uniform() < s_.unanswered) {
            return;
        }
        const instant reached = h_.now() + seconds(s_.rtt / 2);
        at(after, [this, i, reached] {
            if (clients_[i].server_up && clients_[i].server_since <= reached && !lost()) {
                from_server(i);
            }
        });
    }
    void server_up(std::uint32_t i, double way) {
        client& c = clients_[i];
        if (std::exchange(c.server_up, true)) {
            return;
        }
        c.server_since = h_.now();
        if (c.does == habit::pushed) {
            at(way + uniform() * 0.05, [this, i] { push(i); });
        } else if (c.does == habit::server_first) {
            at(way + uniform() * 0.2, [this, i] { push(i); });
        }
    }
    void push(std::uint32_t i) {
        if (!lost()) {
            from_server(i);
        }
        at(clients_[i].does == habit::pushed ? 0.05 * (0.8 + 0.4 * uniform()) : 1.0, [this, i] { push(i); });
    }
    void from_server(std::uint32_t i) { (void)h_.esp_in(clients_[i].p, clients_[i].spi_in, ++sequence_); }

    const scenario& s_;
    small_random random_;
    harness<ipv4> h_;
    instant start_;
    std::vector<client> clients_;
    std::priority_queue<entry> events_;
    std::vector<packet> packets_;
    std::uint64_t order_ = 0;
    std::uint32_t sequence_ = 0;
};

scenario of(const char* name, flavour ike, reference_figures reference) {
    scenario s;
    s.name = name;
    s.ike = ike;
    s.reference = reference;
    return s;
}
reference_figures sums(double runs, double wrong, double wrong_squares, double never, double never_squares) {
    return {{runs, wrong, wrong_squares}, {runs, never, never_squares}};
}

std::vector<scenario> steady() {
    std::vector<scenario> all;
    const auto both = [&](const char* name, reference_figures v1, reference_figures v2, auto&& set) {
        for (const flavour f : {flavour::quick, flavour::child}) {
            all.push_back(of(name, f, f == flavour::quick ? v1 : v2));
            set(all.back());
        }
    };
    const reference_figures nothing = sums(200, 0, 0, 0, 0);
    both("5 % of the answers 300 ms late", nothing, nothing, [](scenario& s) { s.late = 0.05; });
    both("5 % of the answers 900 ms late", sums(200, 474, 3952, 5, 5), sums(200, 541, 6125, 9, 9), [](scenario& s) {
        s.late = 0.05;
        s.late_by = 0.9;
    });
    both("20 % unanswered, 5 % late", sums(200, 239, 2231, 7, 7), sums(200, 223, 1881, 3, 3), [](scenario& s) {
        s.late = 0.05;
        s.unanswered = 0.2;
    });
    both("20 % opened by the server", sums(200, 41, 181, 0, 0), sums(200, 26, 94, 1, 1),
         [](scenario& s) { s.mix = {0.8, 0, 0, 0.2}; });
    both("25 % pushed, 25 % idle, 5 % late", nothing, nothing, [](scenario& s) {
        s.mix = {0.5, 0.25, 0.25, 0};
        s.late = 0.05;
    });
    both("2 % loss", sums(200, 14, 148, 0, 0), sums(200, 1, 1, 0, 0), [](scenario& s) { s.loss = 0.02; });
    both("round trip 100 ms, 5 % late", sums(200, 6, 12, 0, 0), nothing, [](scenario& s) {
        s.rtt = 0.1;
        s.late = 0.05;
    });
    return all;
}

std::vector<scenario> storms() {
    std::vector<scenario> all;
    const auto add = [&](unsigned clients, int seeds, reference_figures v1, reference_figures v2) {
        for (const flavour f : {flavour::quick, flavour::auth}) {
            all.push_back(of("start-up storm", f, f == flavour::quick ? v1 : v2));
            all.back().clients = clients;
            all.back().window = 0;
            all.back().storm = true;
            all.back().seeds = ikealg::tests::model::fast_build ? seeds : 1;
        }
    };
    const reference_figures nothing = sums(60, 0, 0, 0, 0);
    add(5, 10, nothing, nothing);
    add(10, 10, nothing, nothing);
    add(50, 10, nothing, sums(60, 7, 17, 0, 0));
    add(200, 5, sums(60, 0, 0, 76, 1426), sums(60, 2, 4, 83, 4285));
    add(1000, 3, sums(60, 0, 0, 30958, 16055918), sums(60, 0, 0, 32350, 17457448));
    return all;
}

std::vector<scenario> hourly() {
    scenario s = of("hourly rekey, 25 % pushed, 50 % idle", flavour::child, sums(5, 0, 0, 0, 0));
    s.seeds = 1;
    s.clients = 1000;
    s.window = 3600;
    s.duration = 3650;
    s.mix = {0.25, 0.25, 0.5, 0};
    return {s};
}

void check_not_worse(const sample& ours, const sample& reference) {
    if (reference.sum == 0) {
        CHECK(ours.sum == 0);
    } else {
        CHECK(ours.mean() <= reference.mean() + 3.1 * std::sqrt(ours.variance() + reference.variance()));
    }
}

void compare(const std::vector<scenario>& all) {
    double wrong = 0;
    double never = 0;
    double reference_wrong = 0;
    double reference_never = 0;
    for (const scenario& s : all) {
        sample right;
        reference_figures ours;
        for (int seed = 1000; seed < 1000 + s.seeds; ++seed) {
            const figures f = simulation(s, static_cast<std::uint64_t>(seed)).run();
            right.add(f.right);
            ours.wrong.add(f.wrong);
            ours.never.add(f.never);
        }
        const char* ike = s.ike == flavour::quick ? "v1" : s.ike == flavour::child ? "v2 child" : "v2 auth";
        std::printf("%-38s %-8s %4u clients, %2d seeds: right %7.2f wrong %5.2f (reference %5.2f) never %6.2f (reference "
                    "%6.2f)\n",
                    s.name, ike, s.clients, s.seeds, right.mean(), ours.wrong.mean(), s.reference.wrong.mean(),
                    ours.never.mean(), s.reference.never.mean());
        CAPTURE(s.name);
        CAPTURE(ike);
        check_not_worse(ours.wrong, s.reference.wrong);
        check_not_worse(ours.never, s.reference.never);
        wrong += ours.wrong.mean();
        never += ours.never.mean();
        reference_wrong += s.reference.wrong.mean();
        reference_never += s.reference.never.mean();
    }
    CHECK(wrong <= reference_wrong);
    CHECK(never <= reference_never);
}

}  // namespace

TEST_CASE("G11: simulation of a hundred clients: no figure is worse than the reference") { compare(steady()); }
TEST_CASE("G10: simulation of start-up storms: no figure is worse than the reference") { compare(storms()); }
TEST_CASE("G10: simulation of a thousand clients that rekey hourly: no SPI is bound to a wrong client") { compare(hourly()); }
