// SPDX-License-Identifier: Apache-2.0
/// The ALG, session timeouts, limits, trace and log files: `security alg ike-esp-nat`, `security flow`, `system syslog`.
///
/// A profile sets its defaults first and what the text says comes over them, wherever it stands.
///
/// Thread safety: none.
#ifndef IKEALG_JUNOS_COMPILE_ALG_HPP
#define IKEALG_JUNOS_COMPILE_ALG_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ikealg/alg/settings.hpp"
#include "ikealg/junos/compile_context.hpp"
#include "ikealg/junos/configuration.hpp"
#include "ikealg/nat/timeouts.hpp"

namespace ikealg::inline v0::junos {

class alg_compiler {
public:
    alg_compiler(compile_context& said, configuration& to) : said_(said), to_(to) {
        if (const auto* s = said.take(said.root(), {"security", "alg", "ike-esp-nat"})) {
            take_alg(*s);
        }
        if (const auto* s = said.take(said.root(), {"security", "flow"})) {
            take_flow(*s);
        }
        if (const auto* s = said.take(said.root(), {"system"})) {
            (void)said.take(*s, "host-name");
            take_syslog(*s);
        }
        (void)said.take(said.root(), "version");
    }

private:
    static constexpr std::uint32_t any_number = 0xffff'ffff;  // the range is the settings' or the schema's to check

    void take_alg(const statement& s) {
        auto& alg = to_.gateway.alg;
        const auto* own = said_.take(s, "ikealg");
        const auto* profile = own != nullptr ? said_.take(*own, "profile") : nullptr;
        if (profile != nullptr) {
            alg = ikealg::alg::alg_settings::of(
                chosen(*profile, {ikealg::alg::profile::practical, ikealg::alg::profile::junos}));
        }
        alg.enabled = said_.flag(s, "enable");
        take_time(s, "state-timeout", alg.state_timeout);
        take_time(s, "esp-gate-timeout", alg.esp_gate_timeout);
        take_time(s, "esp-session-timeout", alg.esp_session_timeout);
        if (const auto* trace = said_.take(s, "traceoptions")) {
            to_.trace.enabled = said_.take(*trace, "flag") != nullptr;
            take_text(*trace, "file", to_.trace.file);
            take_text(*trace, "level", to_.trace.level);
        }
        if (own != nullptr) {
            take_extensions(*own);
        }
    }

    void take_extensions(const statement& s) {
        using ikealg::alg::ike_ambiguous_mode;
        using ikealg::alg::ike_port_mode;
        auto& alg = to_.gateway.alg;
        if (const auto* mode = said_.take(s, "ike-port")) {
            alg.ike_port = chosen(*mode, {ike_port_mode::prefer, ike_port_mode::preserve, ike_port_mode::translate,
                                          ike_port_mode::exclusive});
        }
        if (const auto* mode = said_.take(s, "ike-ambiguous")) {
            alg.ike_ambiguous = chosen(*mode, {ike_ambiguous_mode::drop, ike_ambiguous_mode::fan_out});
        }
        take_switch(s, "late-binding", alg.late_binding);
        take_switch(s, "drop-contested", alg.drop_contested);
        take_switch(s, "drop-unsolicited", alg.drop_unsolicited);
        take_switch(s, "auth-single-tenure", alg.auth_single_tenure);
        take_time(s, "hold-limit", alg.hold_limit);
        take_time(s, "esp-hold-limit", alg.esp_hold_limit);
        take_time(s, "new-sa-pause", alg.new_sa_pause);
        take_time(s, "gate-min", alg.gate_min);
        take_time(s, "learn-timeout", alg.learn_timeout);
        take_time(s, "phase2-max-hold", alg.phase2_max_hold);
        take_time(s, "phase2-max-hold-contended", alg.phase2_max_hold_contended);
        take_number(s, "learning-tenures", alg.learning_tenures);
        take_number(s, "spis-per-exchange", alg.spis_per_exchange);
        take_number(s, "learn-flood", alg.learn_flood);
        take_time(s, "mapping-hold", to_.options.mapping_hold);
        if (const auto* limits = said_.take(s, "limits")) {
            take_limits(*limits);
        }
    }

    void take_limits(const statement& s) {
        auto& alg = to_.gateway.alg;
        auto& options = to_.options;
        take_number(s, "held-messages-per-client", alg.held_messages_per_client);
        take_number(s, "held-esp-per-client", alg.held_esp_per_client);
        take_number(s, "held-bytes", alg.held_bytes);
        take_number(s, "sessions-per-client", alg.sessions_per_client);
        take_number(s, "exchanges-per-client", alg.exchanges_per_client);
        take_number(s, "bindings-per-client", alg.bindings_per_client);
        take_number(s, "flows", options.capacity.flows, 1);
        take_number(s, "pairs", options.capacity.pairs, 1);
        take_number(s, "slots", options.capacity.slots, 1);
        take_number(s, "sessions", options.capacity.sessions, 1);
        take_number(s, "exchanges", options.capacity.exchanges, 1);
        take_number(s, "held", options.capacity.held, 1);
        take_number(s, "mappings", options.mappings, 1);
        take_number(s, "ports", options.ports, 1);
        take_number(s, "fragments", options.fragments, 1);
        take_number(s, "held-fragments", options.held_fragments, 1);
        take_number(s, "pool-addresses", to_.gateway.nat.limits.pool_addresses, 1);
        take_number(s, "nat-matcher-bytes", to_.gateway.nat.limits.matcher_bytes, 1);
        take_number(s, "policy-matcher-bytes", to_.gateway.policy.limits.matcher_bytes, 1);
    }

    void take_flow(const statement& s) {
        if (const auto* mss = said_.take(s, {"tcp-mss", "all-tcp", "mss"})) {
            to_.host.tcp_mss = static_cast<std::uint16_t>(said_.number(*mss, 64, 65535).value_or(0));
        }
        if (const auto* own = said_.take(s, "ikealg")) {
            for (const auto& row : nat::timeout_rows) {
                if (const auto* timeout = own->find(row.name)) {
                    said_.alias("security flow " + std::string(row.name), *timeout);
                }
                take_time(*own, row.name, to_.gateway.timeouts.*row.value);
            }
            to_.gateway.hairpin = said_.flag(*own, "hairpin");
        }
    }

    void take_syslog(const statement& s) {
        const auto* syslog = said_.take(s, "syslog");
        for (const auto* file : syslog != nullptr ? said_.take_all(*syslog, "file") : std::vector<const statement*>{}) {
            auto& log = to_.logs.emplace_back();
            log.file = file->value();
            take_text(*file, "any", log.level);
        }
    }

    void take_text(const statement& parent, std::string_view keyword, std::string& to) {
        if (const auto* s = said_.take(parent, keyword)) {
            to = said_.word(*s).value_or(to);
        }
    }
    template <class Number>
    void take_number(const statement& parent, std::string_view keyword, Number& to, std::uint32_t least = 0) {
        const auto* s = said_.take(parent, keyword);
        if (const auto n = s != nullptr ? said_.number(*s, least, any_number) : std::nullopt) {
            to = *n;
        }
    }
    template <class Rep, class Period>
    void take_time(const statement& parent, std::string_view keyword, std::chrono::duration<Rep, Period>& to) {
        const auto* s = said_.take(parent, keyword);
        if (const auto n = s != nullptr ? said_.number(*s, 0, any_number) : std::nullopt) {
            to = std::chrono::duration<Rep, Period>{*n};
        }
    }
    void take_switch(const statement& parent, std::string_view keyword, bool& to) {
        if (const auto* s = said_.take(parent, keyword)) {
            to = s->value() == "enable";
            if (!to && s->value() != "disable") {
                said_.error(*s, std::string(keyword) + " is either enable or disable");
            }
        }
    }
    /// The one of `all` that the statement names.
    template <class Choice>
    [[nodiscard]] Choice chosen(const statement& s, std::initializer_list<Choice> all) {
        std::string names;
        for (const auto choice : all) {
            if (s.value() == to_string(choice)) {
                return choice;
            }
            names += (names.empty() ? "" : ", ") + std::string(to_string(choice));
        }
        said_.error(s, std::string(s.value()) + " is not one of " + names, 0);
        return *all.begin();
    }

    [[nodiscard]] static constexpr std::string_view to_string(ikealg::alg::profile p) {
        return ikealg::alg::to_string(p);
    }
    [[nodiscard]] static constexpr std::string_view to_string(ikealg::alg::ike_port_mode m) {
        return ikealg::alg::to_string(m);
    }
    [[nodiscard]] static constexpr std::string_view to_string(ikealg::alg::ike_ambiguous_mode m) {
        return m == ikealg::alg::ike_ambiguous_mode::drop ? "drop" : "fan-out";
    }

    compile_context& said_;
    configuration& to_;
};

}  // namespace ikealg::inline v0::junos

#endif
