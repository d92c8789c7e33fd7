// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <spdlog/fmt/fmt.h>

namespace gateway_example {
namespace {

[[nodiscard]] std::string seconds(std::uint32_t ms) { return fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100); }

[[nodiscard]] std::string spi_text(ikealg::spi s) { return s.value == 0 ? std::string("-") : fmt::format("{:08x}", s.value); }

}  // namespace

void print(std::ostream& out, const ikealg::mapping_record<ikealg::ipv4>& r) {
    out << fmt::format("  {:15}  as {}\n", to_string(r.client), to_string(r.nat));
}

void print(std::ostream& out, const ikealg::session_record<ikealg::ipv4>& r) {
    out << fmt::format("  {:15}  to {:15}  IKEv{}  SPIs {:016x} {:016x}  idle {}\n", to_string(r.client), to_string(r.server),
                       r.version, r.initiator.value, r.responder.value, seconds(r.age_ms));
}

void print(std::ostream& out, const ikealg::binding_record<ikealg::ipv4>& r) {
    out << fmt::format("  {:15}  to {:15}  SPI out {:8}  in {:8}  idle {}{}\n", to_string(r.client), to_string(r.server),
                       spi_text(r.outbound), spi_text(r.inbound), seconds(r.age_ms),
                       r.unsatisfied ? ", waits for the server's ESP" : "");
}

void print(std::ostream& out, const ikealg::flow_record<ikealg::ipv4>& r) {
    out << fmt::format("  {:15}  port {:5}  to {:15}  port {:5}  protocol {:3}  as {} port {}  idle {}\n",
                       to_string(r.outbound.source), r.outbound.selector >> 16, to_string(r.outbound.destination),
                       r.outbound.selector & 0xffffU, r.outbound.protocol, to_string(r.inbound.destination),
                       r.inbound.selector & 0xffffU, seconds(r.age_ms));
}

void print_counter(std::ostream& out, std::string_view name, std::uint64_t value, std::string_view text) {
    if (value != 0) {
        out << fmt::format("  {:28}{:12}  {}\n", name, value, text);
    }
}

void print_counters(std::ostream& out, const ikealg::alg::counters& counters) {
    out << "counters\n";
    for (std::size_t i = 0; i < ikealg::alg::counter_count; ++i) {
        const auto which = static_cast<ikealg::alg::counter>(i);
        print_counter(out, to_string(which), counters[which], "");
    }
    out << "dropped\n";
    for (std::size_t i = 1; i < ikealg::drop_reason_count; ++i) {
        const auto why = static_cast<ikealg::drop_reason>(i);
        print_counter(out, to_string(why), counters[why], describe(why));
    }
}

}  // namespace gateway_example
