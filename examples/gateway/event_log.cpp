// SPDX-License-Identifier: Apache-2.0
#include "event_log.hpp"

#include <utility>

#include "ikealg/wire/ike_types.hpp"

namespace gateway_example {

using kind = ikealg::alg::event_kind;

spdlog::level::level_enum level_of(kind k) noexcept {
    switch (k) {
        case kind::gate_failed:
        case kind::spi_conflict:
        case kind::nat_exhausted:
        case kind::ah_seen: return spdlog::level::warn;
        case kind::mapping_created:
        case kind::mapping_ended:
        case kind::ike_session_started:
        case kind::ike_session_ended:
        case kind::natt_started:
        case kind::port_fallback:
        case kind::phase1_chosen:
        case kind::phase2_failed:
        case kind::spi_bound_outbound:
        case kind::spi_bound_gate:
        case kind::spi_bound_late:
        case kind::spi_bound_midstream:
        case kind::spi_contested:
        case kind::spi_moved:
        case kind::esp_session_ended:
        case kind::flow_started:
        case kind::flow_ended:
        case kind::one_way:
        case kind::configuration_replaced: return spdlog::level::info;
        case kind::ike_message:
        case kind::ike_notify:
        case kind::natt_announced:
        case kind::natt_answered: return spdlog::level::trace;
        default: return spdlog::level::debug;
    }
}

std::string line_of(const event& e) {
    std::string line(to_string(e.kind));
    const auto end = [&line](const char* name, ikealg::ipv4_address a, ikealg::port p) {
        if (a != ikealg::ipv4_address{}) {
            line += fmt::format(" {}={}", name, to_string(a));
            line += p.value != 0 ? fmt::format(":{}", p.value) : "";
        }
    };
    end("client", e.client, e.client_port);
    end("nat", e.nat, e.nat_port);
    end("server", e.server, e.server_port);
    if (e.protocol != 0) {
        line += fmt::format(" protocol={}", e.protocol);
    }
    if (e.initiator.value != 0) {
        line += fmt::format(" ike-spi={:016x}:{:016x}", e.initiator.value, e.responder.value);
    }
    if (e.exchange_type != 0) {
        line += fmt::format(" exchange=\"{}\" id={:08x}",
                            ikealg::wire::to_string(ikealg::wire::exchange_type{e.exchange_type}), e.message_id);
    }
    if (e.spi.value != 0) {
        line += fmt::format(" spi={:08x}", e.spi.value);
    }
    if (e.reason != ikealg::drop_reason::none) {
        line += fmt::format(" reason={}", to_string(e.reason));
    }
    if (e.detail != 0) {
        line += fmt::format(" detail={}", e.detail);
    }
    return line;
}

void event_log::set_logger(std::shared_ptr<spdlog::logger> logger) {
    logger_ = std::move(logger);
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        wanted_[i] = logger_ && logger_->should_log(level_of(static_cast<kind>(i)));
    }
    logged_drops_ = logger_ && logger_->should_log(spdlog::level::info);
}

void event_log::flush() {
    for (const event& e : waiting_) {
        if (e.logged) {  // then log session-init, session-close
            logger_->info(line_of(e));
        } else if (e.kind != kind::flow_started && e.kind != kind::flow_ended) {
            logger_->log(level_of(e.kind), line_of(e));
        }
    }
    waiting_.clear();
    if (missing_ != 0) {
        logger_->warn("{} events came faster than they could be written", missing_);
        missing_ = 0;
    }
}

}  // namespace gateway_example
