// SPDX-License-Identifier: Apache-2.0
/// Texts in Junos words, loaded: their settings, and what was said about them and where.
#ifndef IKEALG_TESTS_JUNOS_LOADED_HPP
#define IKEALG_TESTS_JUNOS_LOADED_HPP

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/junos/load.hpp"

namespace ikealg::tests {

inline bool has_eth(std::string_view device) {
    return device.substr(0, 3) == "eth";
}

struct loaded {
    std::vector<junos::source_text> sources;
    junos::configuration_result result;

    explicit loaded(const std::string& text) : sources{{"test", text}}, result(junos::load(sources, has_eth)) {}

    [[nodiscard]] std::string told() const {
        std::string text;
        for (const auto& e : result.errors) {
            text += "\nerror " + to_string(e, sources);
        }
        for (const auto& w : result.warnings) {
            text += "\nwarning " + to_string(w, sources);
        }
        return text;
    }
    /// An error with this statement and in the message this part; line and column must be those of the word `at` in the text.
    [[nodiscard]] bool error(std::string_view statement, std::string_view part, std::string_view at) const {
        return says(result.errors, statement, part, at);
    }
    [[nodiscard]] bool warning(std::string_view statement, std::string_view part, std::string_view at) const {
        return says(result.warnings, statement, part, at);
    }

private:
    [[nodiscard]] bool says(const std::vector<junos::diagnostic>& list, std::string_view statement,
                            std::string_view part, std::string_view at) const {
        return std::any_of(list.begin(), list.end(), [&](const auto& d) {
            return d.statement == statement && d.message.find(part) != std::string::npos &&
                   text_at(d.at).substr(0, at.size()) == at;
        });
    }
    [[nodiscard]] std::string_view text_at(junos::position p) const {
        std::string_view text = sources[0].text;
        for (std::uint32_t line = 1; line < p.line; ++line) {
            text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
        }
        return p.line == 0 ? std::string_view() : text.substr(std::min<std::size_t>(p.column - 1, text.size()));
    }
};

/// A small gateway that has nothing to be warned of.
inline const std::string sound = R"(
security {
    zones {
        security-zone trust {
            address-book { address lan 192.168.1.0/24; }
            host-inbound-traffic { system-services { ping; } }
            interfaces { eth1.0; }
        }
        security-zone untrust {
            interfaces { eth0.10; }
        }
    }
    nat {
        source {
            pool P { address { 203.0.113.16/28; } }
            address-persistent;
            rule-set out {
                from zone trust;
                to zone untrust;
                rule all {
                    match { source-address 192.168.1.0/24; }
                    then { source-nat { pool { P; } } }
                }
            }
        }
        proxy-arp { interface eth0.10 { address { 203.0.113.16/28; } } }
    }
    policies {
        from-zone trust to-zone untrust {
            policy ike {
                match { source-address lan; destination-address any; application ike; }
                then { permit; log { session-init; session-close; } }
            }
            policy rest {
                match { source-address any; destination-address any; application any; }
                then { permit; }
            }
        }
    }
    alg { ike-esp-nat { enable; } }
}
applications {
    application ike { protocol udp; destination-port 500; application-protocol ike-esp-nat; }
}
interfaces {
    eth1 { unit 0 { family inet { address 192.168.1.1/24; } } }
    eth0 { unit 10 { vlan-id 10; family inet { address 203.0.113.2/24; } } }
}
routing-options {
    static { route 0.0.0.0/0 next-hop 203.0.113.1; route 10.0.0.0/8 next-hop 192.168.1.254; }
}
)";

inline policy::policy_decision decide(const junos::configuration& c, std::string_view from,
                                      std::string_view destination, std::uint8_t protocol, std::uint16_t port_number) {
    const auto made = gateway_configuration<ipv4>::build(c.gateway);
    REQUIRE(made.value);
    const auto& set = made.value->policy;
    const auto source = *ipv4_address::parse("192.168.1.5");
    const auto to = *ipv4_address::parse(destination);
    const auto zone = set.zone_of({}, to);
    REQUIRE(zone);
    return set.match({*set.find_zone(from), *zone, source, to, protocol, port{1000}, port{port_number}});
}

}  // namespace ikealg::tests

#endif
