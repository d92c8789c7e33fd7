// SPDX-License-Identifier: Apache-2.0
/// Applications: what a policy calls a kind of traffic, the predefined ones included.
///
/// A packet's protocol and destination port are matched as one number (`application_key`), so that one field of the
/// classifier serves both. ICMP and ICMPv6 have no ports: type and code take the place of the destination port.
/// The predefined applications carry no ALG; only an application that names `ike-esp-nat` does (P2).
///
/// Thread safety: const members may run concurrently.
#ifndef IKEALG_POLICY_APPLICATION_HPP
#define IKEALG_POLICY_APPLICATION_HPP

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/policy/name_sets.hpp"
#include "ikealg/policy/policy_settings.hpp"

namespace ikealg::inline v0::policy {

/// What stands for the destination port of an ICMP or ICMPv6 message in a policy query.
[[nodiscard]] constexpr port icmp_port(std::uint8_t type, std::uint8_t code) noexcept {
    return port{static_cast<std::uint16_t>(type << 8 | code)};
}

/// Protocol and destination port as one number; protocols without ports use port 0.
[[nodiscard]] constexpr std::uint32_t application_key(std::uint8_t protocol, port destination) noexcept {
    return static_cast<std::uint32_t>(protocol) << 16 | destination.value;
}

/// An application ready for matching.
struct application {
    std::string name{};
    std::uint32_t first_key = 0;  ///< `application_key` from here
    std::uint32_t last_key = 0;   ///< to here, both included
    port_range source_port{};
    application_protocol alg = application_protocol::none;
    std::optional<std::chrono::seconds> inactivity_timeout{};

    [[nodiscard]] bool matches(std::uint32_t key, port source) const noexcept {
        return first_key <= key && key <= last_key && source_port.low <= source.value &&
               source.value <= source_port.high;
    }
};

namespace detail {

struct predefined_application {
    std::string_view name;
    std::optional<std::uint8_t> protocol;
    std::optional<std::uint16_t> destination;  // port, or ICMP type
};

inline constexpr std::array<predefined_application, 17> predefined_applications{{
    {"any", {}, {}},
    {"junos-dns-tcp", 6, 53},
    {"junos-dns-udp", 17, 53},
    {"junos-http", 6, 80},
    {"junos-https", 6, 443},
    {"junos-icmp-all", 1, {}},
    {"junos-icmp6-all", 58, {}},
    {"junos-ike", 17, 500},
    {"junos-ike-nat", 17, 4500},
    {"junos-ntp", 17, 123},
    {"junos-ping", 1, 8},
    {"junos-pingv6", 58, 128},
    {"junos-smtp", 6, 25},
    {"junos-ssh", 6, 22},
    {"junos-tcp-any", 6, {}},
    {"junos-telnet", 6, 23},
    {"junos-udp-any", 17, {}},
}};

[[nodiscard]] constexpr bool has_ports(std::uint8_t protocol) noexcept {
    return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132;  // tcp, udp, dccp, sctp
}
[[nodiscard]] constexpr bool is_icmp(std::uint8_t protocol) noexcept { return protocol == 1 || protocol == 58; }

}  // namespace detail

/// All applications of a configuration, by name and by number; the predefined come first.
class application_book {
public:
    application_book(const std::vector<application_settings>& applications,
                     const std::vector<application_set_settings>& sets, configuration_report& report)
        : names_("application", "application-set", "applications") {
        for (const auto& known : detail::predefined_applications) {
            application_settings settings;
            settings.name = std::string(known.name);
            settings.protocol = known.protocol;
            if (known.destination && detail::is_icmp(*known.protocol)) {
                settings.icmp_type = static_cast<std::uint8_t>(*known.destination);
            } else if (known.destination) {
                settings.destination_port = {*known.destination, *known.destination};
            }
            add(settings, report);
        }
        for (const auto& settings : applications) {
            check(settings, "applications application " + settings.name, report);
            add(settings, report);
        }
        for (const auto& set : sets) {
            names_.add_set(set.name, set.applications, set.application_sets, report);
        }
        names_.resolve(report);
    }

    /// Numbers of the applications a name stands for, or null for an unknown name.
    [[nodiscard]] const std::vector<std::uint32_t>* find(std::string_view name) const { return names_.find(name); }
    [[nodiscard]] const name_index& names() const noexcept { return names_.names(); }
    [[nodiscard]] const std::vector<application>& all() const noexcept { return all_; }

private:
    void add(const application_settings& settings, configuration_report& report) {
        names_.add_item(settings.name, report);
        application& a = all_.emplace_back();
        a.name = settings.name;
        a.source_port = settings.source_port;
        a.alg = settings.alg;
        a.inactivity_timeout = settings.inactivity_timeout;
        port_range ports = settings.destination_port;
        if (settings.icmp_type) {
            ports.low = icmp_port(*settings.icmp_type, settings.icmp_code.value_or(0)).value;
            ports.high = icmp_port(*settings.icmp_type, settings.icmp_code.value_or(0xff)).value;
        }
        a.first_key = application_key(settings.protocol.value_or(0), port{ports.low});
        a.last_key = application_key(settings.protocol.value_or(0xff), port{ports.high});
    }

    static void check(const application_settings& a, const std::string& path, configuration_report& report) {
        const auto check_ports = [&](const port_range& ports, const std::string& statement) {
            const std::string text = std::to_string(ports.low) + "-" + std::to_string(ports.high);
            if (ports.low > ports.high) {
                report.error(path + " " + statement, "port range " + text + " is empty: its end lies below its start");
            } else if (!ports.all() && !(a.protocol && detail::has_ports(*a.protocol))) {
                report.error(path + " " + statement, "ports " + text + " need protocol tcp, udp, sctp or dccp");
            }
        };
        check_ports(a.source_port, "source-port");
        check_ports(a.destination_port, "destination-port");
        if (a.icmp_type && !(a.protocol && detail::is_icmp(*a.protocol))) {
            report.error(path + " icmp-type", "an ICMP type needs protocol icmp or icmp6");
        }
        if (a.icmp_code && !a.icmp_type) {
            report.error(path + " icmp-code", "an ICMP code needs an ICMP type");
        }
        if (a.alg == application_protocol::ike_esp_nat && a.protocol != 17) {
            report.error(path + " application-protocol", "ike-esp-nat needs protocol udp");
        }
        if (a.inactivity_timeout && (a.inactivity_timeout->count() < 4 || a.inactivity_timeout->count() > 86400)) {
            report.error(path + " inactivity-timeout",
                         std::to_string(a.inactivity_timeout->count()) + " s is not within 4 to 86400 s");
        }
    }

    name_sets names_;
    std::vector<application> all_{};
};

}  // namespace ikealg::inline v0::policy

#endif
