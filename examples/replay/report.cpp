// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <fstream>
#include <vector>

namespace replay {
namespace {

using ikealg::alg::counter;

/// A number with a fixed number of places, whatever the locale.
[[nodiscard]] std::string fixed(double value, int places) {
    char text[64];
    (void)std::snprintf(text, sizeof text, "%.*f", places, value);
    return text;
}

[[nodiscard]] std::vector<ikealg::duration> waits_of(const totals& t) {
    const auto first = std::upper_bound(t.delays.begin(), t.delays.end(), ikealg::duration{0});
    return {first, t.delays.end()};
}

template <class Each>
void each_drop(const totals& t, Each&& each) {
    for (std::size_t i = 0; i < t.dropped.size(); ++i) {
        if (t.dropped[i] != 0) {
            each(static_cast<ikealg::drop_reason>(i), t.dropped[i]);
        }
    }
}

}  // namespace

void print_totals(std::ostream& out, const totals& t) {
    const auto row = [&out](const char* name, const std::string& value) {
        char line[32];
        (void)std::snprintf(line, sizeof line, "  %-14s", name);
        out << line << value << '\n';
    };
    const auto number = [](std::uint64_t n) { return std::to_string(n); };
    out << "\nplayed " << fixed(std::chrono::duration<double>(t.played).count(), 3) << " s of " << t.clients
        << " clients in " << fixed(std::chrono::duration<double>(t.wall).count(), 3) << " s, seed " << t.seed << '\n';
    row("packets", number(t.packets) + " (" + number(t.repeated) + " IKE repetitions)");
    row("forwarded",
        number(t.forwarded) + ", of the clients " + number(t.passed) + " of " + number(t.from_clients) + " recorded");
    row("delivered", number(t.delivered) + " of " + number(t.from_server) + " of the server's (" +
                         fixed(100 * t.delivered_share(), 2) + " %)");
    row("misdelivered", number(t.misdelivered));
    row("held", number(t.held));
    row("dropped", number(t.all_dropped()));
    each_drop(t, [&](ikealg::drop_reason why, std::uint64_t n) {
        char line[48];
        (void)std::snprintf(line, sizeof line, "    %-20s%8llu  ", std::string(to_string(why)).c_str(),
                            static_cast<unsigned long long>(n));
        out << line << describe(why) << '\n';
    });
    const auto special = [&](const char* name, std::uint64_t n, const char* text) {
        if (n != 0) {
            row(name, number(n) + text);
        }
    };
    special("altered", t.altered, " came out at their client, but not as recorded");
    special("unreachable", t.unreachable, " of the server's: their client has no nat address or port");
    special("unasked", t.unasked, " ESP not sent, for all that it answers was lost");
    special("unfinished", t.unfinished, " neither went on nor were dropped");
    const auto waits = waits_of(t);
    const auto delays = [](const auto& d) {
        return "p50 " + fixed(quantile(d, 0.5), 6) + " s, p99 " + fixed(quantile(d, 0.99), 6) + " s, max " +
               fixed(quantile(d, 1), 6) + " s";
    };
    row("delay added", delays(t.delays));
    if (!waits.empty()) {
        row("", "of the " + number(waits.size()) + " that waited: " + delays(waits));
    }
    row("ns per packet", fixed(t.ns_per_packet(), 1));
}

void print_counters(std::ostream& out, const ikealg::alg::counters& c) {
    out << "\ncounters\n";
    for (std::size_t i = 0; i < ikealg::alg::counter_count; ++i) {
        const auto which = static_cast<counter>(i);
        if (c[which] != 0) {
            char line[64];
            (void)std::snprintf(line, sizeof line, "  %-24s%10llu\n", std::string(to_string(which)).c_str(),
                                static_cast<unsigned long long>(c[which]));
            out << line;
        }
    }
}

void write_json(const std::string& path, const totals& t) {
    std::ofstream file(path);
    const auto field = [&file](const char* name, const auto& value) {
        file << "  \"" << name << "\": " << value << ",\n";
    };
    file << "{\n";
    field("packets", t.packets);
    field("repeated", t.repeated);
    field("forwarded", t.forwarded);
    field("delivered", t.delivered);
    field("misdelivered", t.misdelivered);
    field("altered", t.altered);
    field("held", t.held);
    file << "  \"dropped\": {";
    const char* between = "";
    each_drop(t, [&](ikealg::drop_reason why, std::uint64_t n) {
        file << between << '"' << to_string(why) << "\": " << n;
        between = ", ";
    });
    file << "},\n";
    field("from_clients", t.from_clients);
    field("from_server", t.from_server);
    field("passed", t.passed);
    field("unreachable", t.unreachable);
    field("unasked", t.unasked);
    field("unfinished", t.unfinished);
    field("clients", t.clients);
    const auto& c = t.counters;
    file << "  \"gates\": {\"opened\": " << c[counter::gates_opened]
         << ", \"collapsed\": " << c[counter::gates_collapsed] << ", \"timed_out\": " << c[counter::gates_timed_out]
         << "},\n"
         << "  \"bindings\": {\"gate\": " << c[counter::bindings_gate] << ", \"late\": " << c[counter::bindings_late]
         << ", \"midstream\": " << c[counter::bindings_midstream]
         << ", \"contested\": " << c[counter::bindings_contested] << "},\n"
         << "  \"delay_seconds\": {\"p50\": " << fixed(quantile(t.delays, 0.5), 6)
         << ", \"p99\": " << fixed(quantile(t.delays, 0.99), 6) << ", \"max\": " << fixed(quantile(t.delays, 1), 6)
         << "},\n";
    field("played_seconds", fixed(std::chrono::duration<double>(t.played).count(), 6));
    field("wall_seconds", fixed(std::chrono::duration<double>(t.wall).count(), 6));
    field("seed", t.seed);
    file << "  \"ns_per_packet\": " << fixed(t.ns_per_packet(), 1) << "\n}\n";
    file.flush();
    if (!file) {
        throw bad_input("cannot write '" + path + "'");
    }
}

}  // namespace replay
