// SPDX-License-Identifier: Apache-2.0
/// Policies: `security policies from-zone Z to-zone Z policy P ...`, `default-policy`.
///
/// Policies of one pair of zones are matched in the order in which the text names them first. A policy needs all three of its match
/// statements and an action. Warned of: a policy that an earlier one leaves nothing to match.
///
/// Thread safety: none. Complexity: quadratic in the policies of one pair of zones.
#ifndef IKEALG_JUNOS_COMPILE_POLICIES_HPP
#define IKEALG_JUNOS_COMPILE_POLICIES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/junos/compile_context.hpp"
#include "ikealg/policy/address_book.hpp"
#include "ikealg/policy/application.hpp"
#include "ikealg/policy/policy_settings.hpp"

namespace ikealg::inline v0::junos {

class policy_compiler {
    using policy_type = policy::policy_set_settings<ipv4>;

public:
    policy_compiler(compile_context& said, policy_type& to) : said_(said), policy_(to) {
        const auto* policies = said.take(said.root(), {"security", "policies"});
        if (policies == nullptr) {
            return;
        }
        for (const auto* pair : said.take_all(*policies, "from-zone")) {
            if (pair->values.size() != 3) {
                said.error(*pair, "from-zone needs `Z to-zone Z`");
                continue;
            }
            for (const auto* p : said.take_all(*pair, "policy")) {
                take_policy(*p, pair->values[0], pair->values[2]);
            }
        }
        if (const auto* otherwise = said.take(*policies, "default-policy")) {
            (void)said.flag(*otherwise, "deny-all");
            if (said.flag(*otherwise, "permit-all")) {
                policy_.otherwise = policy::default_policy::permit_all;
            }
        }
    }

    /// For a policy that is sound: what is never reached, and whether the ALG has any flow to handle.
    void look_closer(bool alg_enabled) {
        configuration_report ignored;
        const policy::application_book applications(policy_.applications, policy_.application_sets, ignored);
        std::vector<meaning> all;
        for (const auto& p : policy_.policies) {
            all.push_back(meaning_of(p, applications));
        }
        warn_unreached(all);
        bool alg_used = false;
        for (std::size_t i = 0; i < all.size(); ++i) {
            for (const auto a : all[i].applications) {
                if (applications.all()[a].alg == policy::application_protocol::ike_esp_nat &&
                    policy_.policies[i].action == policy::policy_action::permit) {
                    alg_used = true;
                }
            }
        }
        const auto* alg = said_.take(said_.root(), {"security", "alg", "ike-esp-nat"});
        if (alg_enabled && !alg_used) {
            said_.warn(*alg, "no policy permits an application with application-protocol ike-esp-nat: the ALG has nothing to do");
        } else if (!alg_enabled && alg_used) {
            warn_alg_off();
        }
    }

private:
    struct meaning {
        std::vector<address_range<ipv4>> sources{};
        std::vector<address_range<ipv4>> destinations{};
        std::vector<std::uint32_t> applications{};
    };

    void take_policy(const statement& s, const std::string& from, const std::string& to) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        (void)said_.take(s, "description");
        policy::policy_settings p;
        p.from_zone = from;
        p.to_zone = to;
        p.name = *name;
        const auto* match = said_.take(s, "match");
        for (const auto& [keyword, list] : {std::pair{"source-address", &p.source_addresses},
                                            std::pair{"destination-address", &p.destination_addresses},
                                            std::pair{"application", &p.applications}}) {
            const auto* names = match != nullptr ? said_.take(*match, keyword) : nullptr;
            if (names == nullptr || names->values.empty()) {
                said_.error(match != nullptr ? *match : s, "policy " + p.name + " has no match " + keyword + "; `any` matches all");
                *list = {"any"};
            } else {
                *list = names->values;
            }
        }
        take_action(s, p);
        policy_.policies.push_back(std::move(p));
        policies_at_.push_back(&s);
    }
    void take_action(const statement& s, policy::policy_settings& p) {
        const auto* then = said_.take(s, "then");
        bool decided = false;
        for (const auto& [word, action] : {std::pair{"permit", policy::policy_action::permit}, std::pair{"deny", policy::policy_action::deny},
                                           std::pair{"reject", policy::policy_action::reject}}) {
            if (then != nullptr && said_.flag(*then, word)) {
                p.action = action;
                decided = true;
            }
        }
        if (!decided) {
            said_.error(then != nullptr ? *then : s, "policy " + p.name + " has no action: permit, deny or reject");
        }
        if (then == nullptr) {
            return;
        }
        if (const auto* log = said_.take(*then, "log")) {
            p.log_session_init = said_.flag(*log, "session-init");
            p.log_session_close = said_.flag(*log, "session-close");
        }
        if (const auto* own = said_.take(*then, "ikealg")) {
            p.midstream = said_.flag(*own, "midstream");
        }
    }

    [[nodiscard]] meaning meaning_of(const policy::policy_settings& p, const policy::application_book& applications) const {
        meaning m;
        collect(p.source_addresses, p.from_zone, m.sources);
        collect(p.destination_addresses, p.to_zone, m.destinations);
        for (const auto& name : p.applications) {
            if (const auto* numbers = applications.find(name)) {
                m.applications.insert(m.applications.end(), numbers->begin(), numbers->end());
            }
        }
        return m;
    }
    void collect(const std::vector<std::string>& names, const std::string& zone, std::vector<address_range<ipv4>>& to) const {
        using book = policy::address_book<ipv4>;
        configuration_report ignored;
        const auto own = std::find_if(policy_.zones.begin(), policy_.zones.end(), [&](const auto& z) { return z.name == zone; });
        const book zone_book(own != policy_.zones.end() ? own->address_book : policy::address_book_settings<ipv4>{}, {}, ignored);
        const book global(policy_.global_address_book, {}, ignored);
        for (const auto& name : names) {
            book::append_reserved(name, to);
            (void)(zone_book.append(name, to) || global.append(name, to));
        }
        merge_ranges(to);
    }

    void warn_unreached(const std::vector<meaning>& all) {
        const auto covers = [](const std::vector<address_range<ipv4>>& wide, const std::vector<address_range<ipv4>>& narrow) {
            return std::all_of(narrow.begin(), narrow.end(), [&](const auto& n) {
                return std::any_of(wide.begin(), wide.end(), [&](const auto& w) { return w.contains(n.first) && w.contains(n.last); });
            });
        };
        configuration_report ignored;
        const policy::application_book book(policy_.applications, policy_.application_sets, ignored);
        const auto serves = [&](const std::vector<std::uint32_t>& wide, const std::vector<std::uint32_t>& narrow) {
            return std::all_of(narrow.begin(), narrow.end(), [&](const auto n) {
                return std::any_of(wide.begin(), wide.end(), [&](const auto w) {
                    const auto& a = book.all()[w];
                    const auto& b = book.all()[n];
                    return a.first_key <= b.first_key && b.last_key <= a.last_key && a.source_port.low <= b.source_port.low &&
                           b.source_port.high <= a.source_port.high;
                });
            });
        };
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto& p = policy_.policies[i];
            for (std::size_t j = 0; j < i; ++j) {
                const auto& before = policy_.policies[j];
                if (before.from_zone == p.from_zone && before.to_zone == p.to_zone && covers(all[j].sources, all[i].sources) &&
                    covers(all[j].destinations, all[i].destinations) && serves(all[j].applications, all[i].applications)) {
                    said_.warn(*policies_at_[i], "policy " + p.name + " is never reached: policy " + before.name + " before it matches all that it does");
                    break;
                }
            }
        }
    }
    void warn_alg_off() {
        const auto* applications = said_.take(said_.root(), {"applications"});
        for (const auto* a : said_.take_all(*applications, "application")) {
            const auto* protocol = said_.take(*a, "application-protocol");
            if (protocol != nullptr && protocol->value() == "ike-esp-nat") {
                said_.warn(*protocol, "without effect: security alg ike-esp-nat is not enabled");
            }
        }
    }

    compile_context& said_;
    policy_type& policy_;
    std::vector<const statement*> policies_at_{};
};

}  // namespace ikealg::inline v0::junos

#endif
