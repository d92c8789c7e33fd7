// SPDX-License-Identifier: Apache-2.0
#include "timeline.hpp"

#include <cstdio>
#include <string>

#include "ikealg/base/hash.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace replay {
namespace {

using kind = ikealg::alg::event_kind;

[[nodiscard]] std::string hex(std::uint64_t value, int digits) {
    char text[20];
    (void)std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(value));
    return text;
}

/// What is worth a line; nothing for the rest.
[[nodiscard]] const char* text_of(kind k) noexcept {
    switch (k) {
        case kind::mapping_created: return "nat address";
        case kind::ike_session_started: return "IKE begins";
        case kind::natt_started: return "NAT-T begins";
        case kind::port_fallback: return "back to port 500";
        case kind::phase1_chosen: return "Phase 1 given to";
        case kind::phase2_started: return "exchange begins";
        case kind::phase2_failed: return "exchange refused";
        case kind::gate_opened: return "gate opens";
        case kind::gate_waiting: return "waits for answer";
        case kind::learning_started: return "learning";
        case kind::gate_closed: return "gate closes";
        case kind::gate_timed_out: return "gate timed out";
        case kind::gate_failed: return "gate failed";
        case kind::held: return "held";
        case kind::esp_paused: return "paused";
        case kind::released: return "released";
        case kind::spi_bound_outbound: return "SPI out";
        case kind::spi_bound_gate: return "SPI in (gate)";
        case kind::spi_bound_late: return "SPI in (late)";
        case kind::spi_bound_midstream: return "SPI in (midstream)";
        case kind::spi_contested: return "SPI contested";
        case kind::spi_moved: return "SPI moved";
        case kind::spi_conflict: return "SPI conflict";
        case kind::one_way: return "one-way";
        case kind::icmp_error: return "ICMP error";
        case kind::dropped: return "dropped";
        case kind::nat_exhausted: return "no nat address";
        case kind::ah_seen: return "AH";
        default: return nullptr;
    }
}

[[nodiscard]] std::string detail_of(const event& e) {
    std::string text;
    switch (e.kind) {
        case kind::mapping_created: text = to_string(e.nat); break;
        case kind::dropped: text = std::string(to_string(e.reason)) + ": " + std::string(describe(e.reason)); break;
        case kind::held: text = e.detail == 0 ? "IKE waits for its turn" : "ESP waits for its turn"; break;
        case kind::released: text = "after " + std::to_string(e.detail) + " ms"; break;
        default: break;
    }
    const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
    if (e.initiator.value != 0 && (e.kind == kind::ike_session_started || e.kind == kind::phase2_started)) {
        add("IKE SPI " + hex(e.initiator.value, 16));
    }
    if (e.exchange_type != 0) {
        add(std::string(ikealg::wire::to_string(ikealg::wire::exchange_type{e.exchange_type})) + " id " +
            hex(e.message_id, 8));
    }
    if (e.spi.value != 0) {
        add("SPI " + hex(e.spi.value, 8));
    }
    return text;
}

}  // namespace

void timeline::misdelivered(std::uint32_t client, ikealg::ipv4_address owner, ikealg::ipv4_address to,
                            ikealg::instant now) {
    flush();
    if (seen_misdelivered_.insert(client).second) {
        row(now, "MISDELIVERED", to_string(owner), "to " + to_string(to));
    }
}

void timeline::flush() {
    for (const event& e : log_) {
        print(e);
    }
    log_.clear();
}

void timeline::print(const event& e) {
    const char* text = text_of(e.kind);
    if (text == nullptr) {
        return;
    }
    if (e.kind == kind::dropped) {
        const std::uint64_t same = ikealg::keyed_hash(
            std::array<std::uint64_t, 2>{std::uint64_t{e.client.value} << 32 | e.server.value,
                                         std::uint64_t{e.spi.value} << 32 | static_cast<std::uint64_t>(e.reason)},
            {});
        if (!seen_drops_.insert(same).second) {
            return;
        }
    }
    std::string who = to_string(e.client.value == 0 ? e.server : e.client);
    if (e.kind == kind::dropped && e.client.value != 0 && e.server.value != 0) {
        who += " > " + to_string(e.server);
    }
    row(e.at, text, who, detail_of(e));
}

void timeline::row(ikealg::instant at, const char* what, const std::string& who, const std::string& detail) {
    char line[160];
    (void)std::snprintf(line, sizeof line, "%12.6f  %-18s  %-15s  ",
                        std::chrono::duration<double>(at.time_since_epoch()).count(), what, who.c_str());
    out_ << line << detail << '\n';
}

}  // namespace replay
