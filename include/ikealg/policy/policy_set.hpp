// SPDX-License-Identifier: Apache-2.0
/// The security policy, checked and compiled: zones and the first policy that matches a new flow (P1, P2, P3).
///
/// Per pair of zones the policies become rules of a `table::rule_classifier` over source address, destination address,
/// protocol with destination port, and source port. A policy is one rule unless its applications differ in their source
/// ports or in whether they carry an ALG. If several applications of the matching policy fit a flow, those with an ALG
/// come first, then the order written.
///
/// Thread safety: immutable after `build`; any number of threads may match. Complexity: a match is four lookups in
/// search trees and an intersection of bit vectors (see rule_classifier.hpp); it does not allocate.
#ifndef IKEALG_POLICY_POLICY_SET_HPP
#define IKEALG_POLICY_POLICY_SET_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/name_index.hpp"
#include "ikealg/policy/address_book.hpp"
#include "ikealg/policy/application.hpp"
#include "ikealg/policy/policy_settings.hpp"
#include "ikealg/policy/zone_map.hpp"
#include "ikealg/table/rule_classifier.hpp"

namespace ikealg::inline v0::policy {

/// A flow that policy is asked about. Ports are 0 for protocols without; ICMP: `destination_port` is
/// `icmp_port(type, code)`, `source_port` 0.
template <class Family>
struct policy_query {
    zone_id from{};
    zone_id to{};
    typename Family::address source{};
    typename Family::address destination{};
    std::uint8_t protocol = 0;
    port source_port{};
    port destination_port{};
};

struct policy_decision {
    policy_action action = policy_action::deny;
    std::uint32_t rule = npos;         ///< number of the policy in order of declaration; npos: the default policy
    std::uint32_t application = npos;  ///< number of the application that fitted; npos with the default policy
    bool ike_esp_nat = false;          ///< that application carries the ALG
    bool midstream = false;
    bool log_init = false;
    bool log_close = false;
    friend constexpr bool operator==(const policy_decision&, const policy_decision&) = default;
};

/// Names of a policy, for logs and show commands.
struct policy_name {
    std::string from_zone{};
    std::string to_zone{};
    std::string name{};
};

template <class Family>
class policy_set {
    using address = typename Family::address;

public:
    static constexpr std::size_t max_zones = 1024;

    /// A set with no zones and no policies: denies everything.
    policy_set() = default;

    /// Checks and compiles `settings`; reports every error at once.
    [[nodiscard]] static built<policy_set> build(const policy_set_settings<Family>& settings) {
        configuration_report report;
        policy_set set;
        set.compile_zones(settings, report);
        const application_book applications(settings.applications, settings.application_sets, report);
        set.applications_ = applications.all();
        set.compile_policies(settings, applications, report);
        if (!report.clean()) {
            return {std::nullopt, std::move(report.errors), std::move(report.warnings)};
        }
        return {std::move(set), {}, std::move(report.warnings)};
    }

    /// The decision of the first policy from `query.from` to `query.to` that matches, or the default policy's.
    [[nodiscard]] policy_decision match(const policy_query<Family>& query) const noexcept {
        if (query.from.value >= zones_.size() || query.to.value >= zones_.size()) {
            return default_;
        }
        const std::uint32_t number = pair_of_[query.from.value * zones_.size() + query.to.value];
        if (number == npos) {
            return default_;
        }
        const zone_pair& pair = pairs_[number];
        const std::uint32_t key = application_key(query.protocol, query.destination_port);
        const std::uint32_t found =
            pair.rules.match(query.source, query.destination, key, std::uint32_t{query.source_port.value});
        if (found == npos) {
            return default_;
        }
        const rule& r = pair.decisions[found];
        policy_decision decision = r.decision;
        if (r.more_applications != 0) {
            decision.application = application_of(r, key);
        }
        return decision;
    }

    /// The zone whose networks hold the longest prefix of `a` in `vrf`.
    [[nodiscard]] std::optional<zone_id> zone_of(vrf_id vrf, address a) const noexcept { return map_.find(vrf, a); }
    [[nodiscard]] std::optional<zone_id> find_zone(std::string_view name) const {
        const auto zone = zone_index_.find(name);
        return zone ? std::optional{zone_id{static_cast<std::uint16_t>(*zone)}} : std::nullopt;
    }
    [[nodiscard]] std::size_t zone_count() const noexcept { return zones_.size(); }
    /// Zone names by id. Precondition of the two below: `zone` is less than `zone_count()`.
    [[nodiscard]] const std::vector<std::string>& zone_names() const noexcept { return zones_; }
    [[nodiscard]] const std::string& zone_name(zone_id zone) const noexcept { return zones_[zone.value]; }
    [[nodiscard]] vrf_id vrf_of(zone_id zone) const noexcept { return vrfs_[zone.value]; }

    /// Applications by the number that a decision gives.
    [[nodiscard]] const std::vector<application>& applications() const noexcept { return applications_; }
    /// Policies by the number that a decision gives.
    [[nodiscard]] const std::vector<policy_name>& policies() const noexcept { return policies_; }

    /// Bytes of the compiled matcher, without names.
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        std::size_t sum = pair_of_.size() * sizeof(std::uint32_t) + more_.size() * sizeof(std::uint32_t);
        for (const auto& pair : pairs_) {
            sum += sizeof(pair) + pair.rules.memory_bytes() + pair.decisions.size() * sizeof(rule);
        }
        return sum;
    }

private:
    struct rule {
        policy_decision decision{};           // with its first application
        std::uint32_t first_application = 0;  // place in more_
        std::uint32_t more_applications = 0;  // how many follow the first
    };
    struct zone_pair {
        table::rule_classifier<address, address, std::uint32_t, std::uint32_t> rules{};
        std::vector<rule> decisions{};
    };
    /// What the rules of one pair of zones are collected in.
    struct draft {
        std::vector<table::key_set<address>> sources{};
        std::vector<table::key_set<address>> destinations{};
        std::vector<table::key_set<std::uint32_t>> application_keys{};
        std::vector<table::key_set<std::uint32_t>> source_ports{};
        std::vector<rule> decisions{};
        std::set<std::string> names{};
    };
    struct address_books {
        std::vector<address_book<Family>> zones{};
        const address_book<Family>* global = nullptr;
    };

    void compile_zones(const policy_set_settings<Family>& settings, configuration_report& report) {
        if (settings.zones.size() > max_zones) {
            report.error("security zones", "there are " + std::to_string(settings.zones.size()) + " zones, more than " +
                                               std::to_string(max_zones));
            return;
        }
        std::vector<zone_network<Family>> networks;
        std::map<std::pair<vrf_id, prefix<Family>>, std::string> owners;
        for (const auto& zone : settings.zones) {
            const zone_id id{static_cast<std::uint16_t>(zones_.size())};
            const std::string path = "security zones security-zone " + zone.name;
            zone_index_.add("zone", zone.name, id.value, path, report);
            zones_.push_back(zone.name);
            vrfs_.push_back(zone.vrf);
            if (zone.networks.empty()) {
                report.warn(path, "zone " + zone.name + " has no networks: nothing is ever sent to it");
            }
            for (const auto& network : zone.networks) {
                const std::string statement = path + " network " + to_string(network);
                if (const auto defect = defect_of(network)) {
                    report.error(statement, *defect);
                } else if (const auto [at, fresh] = owners.try_emplace({zone.vrf, network}, zone.name); !fresh) {
                    report.error(statement, to_string(network) + " is already a network of zone " + at->second);
                } else {
                    networks.push_back({zone.vrf, network, id});
                }
            }
        }
        map_ = zone_map<Family>(std::move(networks));
        pair_of_.assign(zones_.size() * zones_.size(), npos);
    }

    void compile_policies(const policy_set_settings<Family>& settings, const application_book& applications,
                          configuration_report& report) {
        default_.action =
            settings.otherwise == default_policy::permit_all ? policy_action::permit : policy_action::deny;
        const address_book<Family> global(settings.global_address_book, "security address-book global", report);
        address_books books{{}, &global};
        for (const auto& zone : settings.zones) {
            books.zones.emplace_back(zone.address_book, "security zones security-zone " + zone.name + " address-book",
                                     report);
        }
        std::vector<draft> drafts;
        for (const auto& p : settings.policies) {
            add_policy(p, books, applications, drafts, report);
        }
        if (!report.clean()) {
            return;
        }
        std::size_t budget = settings.limits.matcher_bytes;
        for (auto& d : drafts) {
            zone_pair& pair = pairs_.emplace_back();
            pair.decisions = std::move(d.decisions);
            if (!pair.rules.build(budget, std::move(d.sources), std::move(d.destinations),
                                  std::move(d.application_keys), std::move(d.source_ports))) {
                report.error("security policies", "the compiled policies need more than " +
                                                      std::to_string(settings.limits.matcher_bytes) +
                                                      " bytes: too many of them overlap each other");
                return;
            }
        }
    }

    void add_policy(const policy_settings& p, const address_books& books, const application_book& applications,
                    std::vector<draft>& drafts, configuration_report& report) {
        const std::string pair_path = "security policies from-zone " + p.from_zone + " to-zone " + p.to_zone;
        const std::string path = pair_path + " policy " + p.name;
        const auto from = zone_index_.find(p.from_zone);
        const auto to = zone_index_.find(p.to_zone);
        for (const auto& [zone, name] : {std::pair{from, &p.from_zone}, std::pair{to, &p.to_zone}}) {
            if (!zone) {
                report.error(path, undefined_name("zone", *name, {&zone_index_}));
            }
        }
        const auto sources = addresses_of(p.source_addresses, from, books, path + " match source-address", report);
        const auto destinations =
            addresses_of(p.destination_addresses, to, books, path + " match destination-address", report);
        const auto groups = applications_of(p.applications, applications, path + " match application", report);
        const auto number = static_cast<std::uint32_t>(policies_.size());
        policies_.push_back({p.from_zone, p.to_zone, p.name});
        if (!from || !to) {
            return;
        }
        std::uint32_t& pair = pair_of_[*from * zones_.size() + *to];
        if (pair == npos) {
            pair = static_cast<std::uint32_t>(drafts.size());
            drafts.emplace_back();
        }
        draft& d = drafts[pair];
        if (p.name.empty()) {
            report.error(pair_path, "policy without a name");
        } else if (!d.names.insert(p.name).second) {
            report.error(path, "policy " + p.name + " is defined twice");
        }
        for (const auto& group : groups) {
            const application& first = applications_[group.front()];
            d.sources.push_back(sources);
            d.destinations.push_back(destinations);
            d.source_ports.push_back({{first.source_port.low, widened(first.source_port.high, 0xffff)}});
            table::key_set<std::uint32_t> keys;
            for (const auto a : group) {
                keys.push_back({applications_[a].first_key, widened(applications_[a].last_key, 0xff'ffff)});
            }
            d.application_keys.push_back(std::move(keys));
            const bool alg = first.alg == application_protocol::ike_esp_nat;
            d.decisions.push_back({{p.action, number, group.front(), alg, p.midstream, p.log_session_init,
                                    p.log_session_close},
                                   static_cast<std::uint32_t>(more_.size()),
                                   static_cast<std::uint32_t>(group.size() - 1)});
            more_.insert(more_.end(), group.begin(), group.end());
        }
    }

    /// A range up to the field's greatest value reaches to the greatest key, so that the classifier sees "any".
    [[nodiscard]] static std::uint32_t widened(std::uint32_t last, std::uint32_t greatest) noexcept {
        return last == greatest ? table::key_traits<std::uint32_t>::greatest : last;
    }

    [[nodiscard]] static table::key_set<address> addresses_of(const std::vector<std::string>& names,
                                                              std::optional<std::uint32_t> zone,
                                                              const address_books& books, const std::string& path,
                                                              configuration_report& report) {
        if (names.empty()) {
            report.error(path, "at least one address is needed; `any` matches all");
        }
        std::vector<address_range<Family>> ranges;
        for (const auto& name : names) {
            if (address_book<Family>::is_reserved(name)) {
                address_book<Family>::append_reserved(name, ranges);
            } else if (zone && books.zones[*zone].append(name, ranges)) {
                continue;
            } else if (!books.global->append(name, ranges) && zone) {
                report.error(path + " " + name, undefined_name("address", name, {&books.zones[*zone].names(),
                                                                                &books.global->names()}));
            }
        }
        table::key_set<address> keys;
        for (const auto& range : ranges) {
            keys.push_back({range.first, range.last});
        }
        return keys;
    }

    /// The applications in order of preference, grouped so that one rule of the classifier holds each group exactly.
    [[nodiscard]] static std::vector<std::vector<std::uint32_t>> applications_of(const std::vector<std::string>& names,
                                                                                 const application_book& book,
                                                                                 const std::string& path,
                                                                                 configuration_report& report) {
        if (names.empty()) {
            report.error(path, "at least one application is needed; `any` matches all");
        }
        std::vector<std::uint32_t> chosen;
        for (const auto& name : names) {
            if (const auto* members = book.find(name)) {
                chosen.insert(chosen.end(), members->begin(), members->end());
            } else {
                report.error(path + " " + name, undefined_name("application", name, {&book.names()}));
            }
        }
        const auto& all = book.all();
        std::stable_partition(chosen.begin(), chosen.end(),
                              [&](std::uint32_t a) { return all[a].alg != application_protocol::none; });
        std::vector<std::vector<std::uint32_t>> groups;
        for (const auto a : chosen) {
            if (groups.empty() || all[groups.back().front()].alg != all[a].alg ||
                all[groups.back().front()].source_port != all[a].source_port) {
                groups.emplace_back();
            }
            groups.back().push_back(a);
        }
        return groups;
    }

    [[nodiscard]] std::uint32_t application_of(const rule& r, std::uint32_t key) const noexcept {
        for (std::uint32_t i = r.first_application; i < r.first_application + r.more_applications; ++i) {
            const application& a = applications_[more_[i]];
            if (a.first_key <= key && key <= a.last_key) {
                return more_[i];
            }
        }
        return more_[r.first_application + r.more_applications];
    }

    std::vector<std::string> zones_{};
    std::vector<vrf_id> vrfs_{};
    name_index zone_index_{};
    zone_map<Family> map_{};
    std::vector<std::uint32_t> pair_of_{};  // [from * zones + to]: number of the pair
    std::vector<zone_pair> pairs_{};
    std::vector<std::uint32_t> more_{};  // applications of the rules, each group consecutive
    std::vector<application> applications_{};
    std::vector<policy_name> policies_{};
    policy_decision default_{};
};

}  // namespace ikealg::inline v0::policy

#endif
