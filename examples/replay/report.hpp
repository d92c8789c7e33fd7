// SPDX-License-Identifier: Apache-2.0
/// The totals for people and for programs, and the table of sessions.
#ifndef REPLAY_REPORT_HPP
#define REPLAY_REPORT_HPP

#include <cstdio>
#include <ostream>
#include <string>

#include "ikealg/base/identifiers.hpp"
#include "options.hpp"
#include "totals.hpp"

namespace replay {

void print_totals(std::ostream& out, const totals& t);
void print_counters(std::ostream& out, const ikealg::alg::counters& c);
/// Throws bad_input when the file cannot be written.
void write_json(const std::string& path, const totals& t);

/// One row for each client and server: what the gateway knows at the end.
template <class Gateway>
void print_sessions(std::ostream& out, const Gateway& g) {
    constexpr std::size_t most = 20;
    const auto& state = g.records();
    if (state.pairs().size() == 0) {
        return;
    }
    out << "\nclient           server           nat address      IKE SAs  exchanges  ESP SPIs (out > in)\n";
    std::size_t rows = 0;
    state.pairs().for_each([&](std::uint32_t, const auto& p) {
        if (++rows > most) {
            return;
        }
        char line[160];
        (void)std::snprintf(line, sizeof line, "%-16s %-16s %-16s %7u  %9u ", to_string(p.client).c_str(),
                            to_string(p.server).c_str(), to_string(p.nat).c_str(), unsigned{p.sessions},
                            unsigned{p.exchanges});
        out << line;
        for (std::uint32_t f = p.first_flow; f != ikealg::npos; f = state.flows[f].next) {
            const auto& flow = state.flows[f];
            const auto spi = [&](std::uint8_t flag, std::uint32_t value) {
                char text[16] = "-";
                if (flow.has(flag)) {
                    (void)std::snprintf(text, sizeof text, "%08x", value);
                }
                return std::string(text);
            };
            out << ' ' << spi(ikealg::nat::flow_flag::has_outbound, flow.outbound.selector) << " > "
                << spi(ikealg::nat::flow_flag::has_inbound, flow.inbound.selector);
        }
        out << '\n';
    });
    if (rows > most) {
        out << "... and " << rows - most << " more\n";
    }
}

}  // namespace replay

#endif
