// SPDX-License-Identifier: Apache-2.0
/// Applications and application-sets: `applications ...`, and predefined ones that Junos has beside those of the core.
///
/// None of the predefined carries an ALG: that takes an application of one's own with `application-protocol ike-esp-nat`.
///
/// Thread safety: none.
#ifndef IKEALG_JUNOS_COMPILE_APPLICATIONS_HPP
#define IKEALG_JUNOS_COMPILE_APPLICATIONS_HPP

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/junos/compile_context.hpp"
#include "ikealg/junos/values.hpp"
#include "ikealg/policy/policy_settings.hpp"

namespace ikealg::inline v0::junos {

/// A predefined application: one protocol, one destination port or all.
struct predefined_application {
    std::string_view name;
    std::uint8_t protocol;
    std::uint16_t low;
    std::uint16_t high;
};

inline constexpr std::array<predefined_application, 38> predefined_applications{{
    {"junos-bgp", 6, 179, 179},        {"junos-biff", 17, 512, 512},       {"junos-chargen", 17, 19, 19},
    {"junos-dhcp-client", 17, 68, 68}, {"junos-dhcp-relay", 17, 67, 67},   {"junos-dhcp-server", 17, 67, 67},
    {"junos-discard", 17, 9, 9},       {"junos-echo", 17, 7, 7},           {"junos-finger", 6, 79, 79},
    {"junos-ftp", 6, 21, 21},          {"junos-gopher", 6, 70, 70},        {"junos-gre", 47, 0, 0xffff},
    {"junos-ident", 6, 113, 113},      {"junos-imap", 6, 143, 143},        {"junos-imaps", 6, 993, 993},
    {"junos-irc", 6, 6660, 6669},      {"junos-l2tp", 17, 1701, 1701},     {"junos-ldap", 6, 389, 389},
    {"junos-mail", 6, 25, 25},         {"junos-nntp", 6, 119, 119},        {"junos-ospf", 89, 0, 0xffff},
    {"junos-pop3", 6, 110, 110},       {"junos-pptp", 6, 1723, 1723},      {"junos-printer", 6, 515, 515},
    {"junos-radacct", 17, 1813, 1813}, {"junos-radius", 17, 1812, 1812},   {"junos-rip", 17, 520, 520},
    {"junos-rtsp", 6, 554, 554},       {"junos-sip", 17, 5060, 5060},      {"junos-smb-session", 6, 445, 445},
    {"junos-smtps", 6, 465, 465},      {"junos-syslog", 17, 514, 514},     {"junos-tacacs", 6, 49, 49},
    {"junos-tftp", 17, 69, 69},        {"junos-vnc", 6, 5800, 5800},       {"junos-whois", 6, 43, 43},
    {"junos-who", 17, 513, 513},       {"junos-x-windows", 6, 6000, 6063},
}};

class application_compiler {
public:
    application_compiler(compile_context& said, policy::policy_set_settings<ipv4>& policy)
        : said_(said), policy_(policy) {
        for (const auto& known : predefined_applications) {
            policy::application_settings a;
            a.name = known.name;
            a.protocol = known.protocol;
            a.destination_port = {known.low, known.high};
            policy_.applications.push_back(std::move(a));
        }
        const auto* all = said.take(said.root(), "applications");
        if (all == nullptr) {
            return;
        }
        for (const auto* s : said.take_all(*all, "application")) {
            take_application(*s);
        }
        for (const auto* s : said.take_all(*all, "application-set")) {
            take_set(*s);
        }
    }

private:
    void take_application(const statement& s) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        (void)said_.take(s, "description");
        policy::application_settings a;
        a.name = *name;
        if (const auto* alg = said_.take(s, "application-protocol")) {
            if (alg->value() == "ike-esp-nat") {
                a.alg = policy::application_protocol::ike_esp_nat;
            } else if (alg->value() != "none") {
                said_.error(
                    *alg, "there is no ALG for " + std::string(alg->value()) + "; ike-esp-nat is the one there is", 0);
            }
        }
        const auto* protocol = said_.take(s, "protocol");
        a.protocol = protocol != nullptr ? protocol_number(*protocol) : std::nullopt;
        if (protocol == nullptr) {
            said_.missing(s, "application " + a.name + " has no protocol");
        }
        if (!a.protocol) {  // told already: not ports and types without a protocol as well
            a.protocol = s.has("icmp-type") ? std::uint8_t{1} : std::uint8_t{17};
        }
        if (const auto* ports = said_.take(s, "source-port")) {
            a.source_port = port_numbers(*ports).value_or(policy::port_range{});
        }
        if (const auto* ports = said_.take(s, "destination-port")) {
            a.destination_port = port_numbers(*ports).value_or(policy::port_range{});
        }
        if (const auto* type = said_.take(s, "icmp-type")) {
            a.icmp_type = octet(*type);
        }
        if (const auto* code = said_.take(s, "icmp-code")) {
            a.icmp_code = octet(*code);
        }
        if (const auto* idle = said_.take(s, "inactivity-timeout")) {
            if (const auto seconds = said_.number(*idle, 4, 86400)) {
                a.inactivity_timeout = std::chrono::seconds{*seconds};
            }
        }
        policy_.applications.push_back(std::move(a));
    }

    [[nodiscard]] std::optional<std::uint8_t> octet(const statement& s) {
        const auto n = said_.number(s, 0, 255);
        return n ? std::optional{static_cast<std::uint8_t>(*n)} : std::nullopt;
    }
    [[nodiscard]] std::optional<std::uint8_t> protocol_number(const statement& s) {
        const auto text = said_.word(s);
        const auto number = text ? parse_protocol(*text) : std::nullopt;
        if (text && !number) {
            said_.error(s, shown(*text) + " is not a protocol", 0);
        }
        return number;
    }
    [[nodiscard]] std::optional<policy::port_range> port_numbers(const statement& s) {
        const auto text = said_.word(s);
        const auto ports = text ? parse_ports(*text) : std::nullopt;
        if (text && !ports) {
            said_.error(s, shown(*text) + " is neither a port nor a range of ports", 0);
        }
        return ports ? std::optional{policy::port_range{ports->first, ports->second}} : std::nullopt;
    }

    void take_set(const statement& s) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        (void)said_.take(s, "description");
        auto& set = policy_.application_sets.emplace_back();
        set.name = *name;
        for (const auto& [keyword, members] :
             {std::pair{"application", &set.applications}, std::pair{"application-set", &set.application_sets}}) {
            for (const auto* m : said_.take_all(s, keyword)) {
                members->insert(members->end(), m->values.begin(), m->values.end());
            }
        }
    }

    compile_context& said_;
    policy::policy_set_settings<ipv4>& policy_;
};

}  // namespace ikealg::inline v0::junos

#endif
