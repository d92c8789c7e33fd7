// SPDX-License-Identifier: Apache-2.0
/// ikealg-replay: plays captures of real IPsec clients through a gateway. See --help.
#include <unistd.h>

#include <iostream>

#include "crowd.hpp"
#include "dissect.hpp"
#include "options.hpp"
#include "player.hpp"
#include "recording.hpp"
#include "report.hpp"
#include "tap.hpp"
#include "timeline.hpp"

namespace {

using namespace replay;

/// A bar on the terminal for what takes longer than a second.
class progress_bar {
public:
    void operator()(std::uint64_t done, std::uint64_t all) {
        const auto now = std::chrono::steady_clock::now();
        if (!on_ || all == 0 || now < next_) {
            return;
        }
        next_ = now + std::chrono::milliseconds{200};
        drawn_ = true;
        const auto filled = static_cast<std::size_t>(40 * done / all);
        std::cerr << "\r[" << std::string(filled, '#') << std::string(40 - filled, ' ') << "] " << 100 * done / all
                  << " %" << std::flush;
    }
    ~progress_bar() {
        if (drawn_) {
            std::cerr << "\r" << std::string(52, ' ') << "\r" << std::flush;
        }
    }
    progress_bar() = default;
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;

private:
    bool on_ = isatty(STDERR_FILENO) != 0;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::seconds{1};
};

template <class Observer>
void run(const options& o, const recording& r, const crowd& all, timeline* events, Observer observer) {
    tap looking_on(o, r.began, events);
    using player_type = player<Observer, tap>;
    auto made = player_type::gateway::create(settings_of(o), capacity_for(all.size(), o.seed), observer);
    if (!made) {
        std::string text;
        for (const auto& e : made.errors) {
            text += (text.empty() ? "" : "; ") + e.path + ": " + e.message;
        }
        throw bad_input(text);
    }
    totals t;
    {
        progress_bar bar;
        t = player_type(all, o, *made.value, looking_on).play(bar);
    }
    looking_on.close();
    if (!o.quiet) {
        print_sessions(std::cout, *made.value);
        print_counters(std::cout, t.counters);
    }
    print_totals(std::cout, t);
    if (!o.json.empty()) {
        write_json(o.json, t);
    }
}

void play(const options& o) {
    const recording r = load(o);
    for (const std::string& warning : r.warnings) {
        std::cerr << "ikealg-replay: " << warning << "; the rest is played\n";
    }
    const crowd all(r, o);
    std::cout << r.frames << " frames, " << r.clients.size() << (o.outside ? " stream" : " clients") << "; not IPv4 "
              << r.not_ipv4 << ", not through the gateway " << r.elsewhere << '\n';
    if (o.quiet) {
        run(o, r, all, nullptr, ikealg::alg::no_observer{});
    } else {
        timeline events(std::cout);
        run(o, r, all, &events, events.observer());
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        std::ios::sync_with_stdio(false);
        if (const auto o = parse_options(argc, argv)) {
            o->dissect ? dissect(*o) : play(*o);
        }
        return 0;
    } catch (const bad_input& e) {
        std::cout.flush();
        std::cerr << "ikealg-replay: " << e.what() << '\n';
        return 2;
    } catch (const std::exception& e) {
        std::cerr << "ikealg-replay: " << e.what() << '\n';
        return 1;
    }
}
