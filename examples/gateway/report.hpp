// SPDX-License-Identifier: Apache-2.0
/// Sessions and counters as text, for the end of the program and for SIGUSR1.
#ifndef GATEWAY_REPORT_HPP
#define GATEWAY_REPORT_HPP

#include <cstdint>
#include <ostream>
#include <string_view>
#include <variant>

#include "ikealg/gateway.hpp"

namespace gateway_example {

/// One line a record.
void print(std::ostream& out, const ikealg::mapping_record<ikealg::ipv4>& r);
void print(std::ostream& out, const ikealg::session_record<ikealg::ipv4>& r);
void print(std::ostream& out, const ikealg::binding_record<ikealg::ipv4>& r);
void print(std::ostream& out, const ikealg::flow_record<ikealg::ipv4>& r);

void print_counter(std::ostream& out, std::string_view name, std::uint64_t value, std::string_view text);
void print_counters(std::ostream& out, const ikealg::alg::counters& counters);

/// Mappings, IKE sessions, ESP sessions and flows.
template <class Gateway>
void print_sessions(std::ostream& out, const Gateway& gateway) {
    const auto section = [&]<class Record>(std::string_view title, const Record*) {
        out << title << '\n';
        gateway.export_records([&out](const ikealg::state_record<ikealg::ipv4>& r) {
            if (const auto* body = std::get_if<Record>(&r.body)) {
                print(out, *body);
            }
        });
    };
    section("nat addresses", static_cast<const ikealg::mapping_record<ikealg::ipv4>*>(nullptr));
    section("IKE sessions", static_cast<const ikealg::session_record<ikealg::ipv4>*>(nullptr));
    section("ESP sessions", static_cast<const ikealg::binding_record<ikealg::ipv4>*>(nullptr));
    section("flows", static_cast<const ikealg::flow_record<ikealg::ipv4>*>(nullptr));
}

}  // namespace gateway_example

#endif
