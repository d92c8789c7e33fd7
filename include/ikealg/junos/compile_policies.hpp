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
#include <map>
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

    /// For a configuration without errors: what is never reached, and whether the ALG has any flow to handle.
    void look_closer(bool alg_enabled) {
        configuration_report ignored;
        const policy::application_book applications(policy_.applications, policy_.application_sets, ignored);
        const address_books books(policy_);
        std::map<std::pair<std::string, std::string>, std::vector<meaning>> pairs;
        bool alg_used = false;
        bool all_read = true;
        for (std::size_t i = 0; i < policy_.policies.size(); ++i) {
            const auto& p = policy_.policies[i];
            const meaning m = meaning_of(i, applications, books);
            auto& before = pairs[{p.from_zone, p.to_zone}];
            const bool faulty = policies_at_[i]->faulty;  // it may say more than was read
            all_read = all_read && !faulty;
            const auto wider =
                faulty ? before.end()
                       : std::find_if(before.begin(), before.end(), [&](const auto& b) { return covers(b, m); });
            if (wider != before.end()) {
                said_.warn(*policies_at_[i], "policy " + p.name + " is never reached: policy " +
                                                 policy_.policies[wider->policy].name +
                                                 " before it matches all that it does");
            } else if (!faulty) {
                before.push_back(m);
            }
            alg_used = alg_used || (p.action == policy::policy_action::permit &&
                                    std::any_of(m.applications.begin(), m.applications.end(), [](const auto* a) {
                                        return a->alg == policy::application_protocol::ike_esp_nat;
                                    }));
        }
        if (alg_enabled && !alg_used && all_read) {
            said_.warn(
                *said_.take(said_.root(), {"security", "alg", "ike-esp-nat"}),
                "no policy permits an application with application-protocol ike-esp-nat: the ALG has nothing to do");
        } else if (!alg_enabled && alg_used) {
            warn_alg_off();
        }
    }

private:
    using book = policy::address_book<ipv4>;

    /// What a policy matches.
    struct meaning {
        std::size_t policy = 0;
        std::vector<address_range<ipv4>> sources{};  // merged
        std::vector<address_range<ipv4>> destinations{};
        std::vector<const policy::application*> applications{};
    };
    struct address_books {
        explicit address_books(const policy_type& from) : global(from.global_address_book, {}, ignored) {
            for (const auto& z : from.zones) {
                zones.emplace(z.name, book(z.address_book, {}, ignored));
            }
        }
        [[nodiscard]] std::vector<address_range<ipv4>> ranges(const std::vector<std::string>& names,
                                                              const std::string& zone) const {
            std::vector<address_range<ipv4>> all;
            const auto own = zones.find(zone);
            for (const auto& name : names) {
                book::append_reserved(name, all);
                (void)((own != zones.end() && own->second.append(name, all)) || global.append(name, all));
            }
            merge_ranges(all);
            return all;
        }
        configuration_report ignored{};
        book global;
        std::map<std::string, book> zones{};
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
        for (const auto& [keyword, list] :
             {std::pair{"source-address", &p.source_addresses},
              std::pair{"destination-address", &p.destination_addresses}, std::pair{"application", &p.applications}}) {
            const auto* names = match != nullptr ? said_.take(*match, keyword) : nullptr;
            if (names == nullptr || names->values.empty()) {
                said_.missing(s, match, "policy " + p.name + " has no match " + keyword + "; `any` matches all");
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
        for (const auto& [word, action] :
             {std::pair{"permit", policy::policy_action::permit}, std::pair{"deny", policy::policy_action::deny},
              std::pair{"reject", policy::policy_action::reject}}) {
            if (then != nullptr && said_.flag(*then, word)) {
                p.action = action;
                decided = true;
            }
        }
        if (!decided) {
            said_.missing(s, then, "policy " + p.name + " has no action: permit, deny or reject");
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

    [[nodiscard]] meaning meaning_of(std::size_t number, const policy::application_book& applications,
                                     const address_books& books) const {
        const auto& p = policy_.policies[number];
        meaning m{number,
                  books.ranges(p.source_addresses, p.from_zone),
                  books.ranges(p.destination_addresses, p.to_zone),
                  {}};
        for (const auto& name : p.applications) {
            if (const auto* numbers = applications.find(name)) {
                for (const auto n : *numbers) {
                    m.applications.push_back(&applications.all()[n]);
                }
            }
        }
        return m;
    }
    [[nodiscard]] static bool covers(const meaning& wide, const meaning& narrow) {
        const auto hold = [](const std::vector<address_range<ipv4>>& all,
                             const std::vector<address_range<ipv4>>& some) {
            return std::all_of(some.begin(), some.end(), [&](const auto& s) {
                return std::any_of(all.begin(), all.end(),
                                   [&](const auto& a) { return a.contains(s.first) && a.contains(s.last); });
            });
        };
        return hold(wide.sources, narrow.sources) && hold(wide.destinations, narrow.destinations) &&
               std::all_of(narrow.applications.begin(), narrow.applications.end(), [&](const auto* n) {
                   return std::any_of(wide.applications.begin(), wide.applications.end(), [&](const auto* w) {
                       return w->first_key <= n->first_key && n->last_key <= w->last_key &&
                              w->source_port.low <= n->source_port.low && n->source_port.high <= w->source_port.high;
                   });
               });
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
