// SPDX-License-Identifier: Apache-2.0
#include "ikealg/policy/policy_set.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "support/addresses.hpp"

using namespace ikealg;
using namespace ikealg::policy;
using tests::block;
using tests::numbered;
using tests::says;

namespace {

constexpr zone_id trust{0};
constexpr zone_id untrust{1};

[[nodiscard]] policy_settings permit(const std::string& name, std::vector<std::string> source,
                                     std::vector<std::string> destination, std::vector<std::string> applications) {
    policy_settings p;
    p.from_zone = "trust";
    p.to_zone = "untrust";
    p.name = name;
    p.source_addresses = std::move(source);
    p.destination_addresses = std::move(destination);
    p.applications = std::move(applications);
    p.action = policy_action::permit;
    return p;
}

/// trust holds addresses 0-255, untrust everything else; `ike` carries the ALG.
template <class Family>
[[nodiscard]] policy_set_settings<Family> two_zones() {
    policy_set_settings<Family> s;
    s.zones.resize(2);
    s.zones[0].name = "trust";
    s.zones[0].networks = {block<Family>(0, 8)};
    s.zones[0].address_book.addresses = {{"low", block<Family>(0, 4)}, {"host", block<Family>(7, 0)}};
    s.zones[1].name = "untrust";
    s.zones[1].networks = {prefix<Family>{}};
    s.global_address_book.addresses = {{"server", block<Family>(0x1000, 0)}, {"host", block<Family>(0x2000, 0)}};
    application_settings ike;
    ike.name = "ike";
    ike.protocol = 17;
    ike.destination_port = {500, 500};
    ike.alg = application_protocol::ike_esp_nat;
    s.applications = {ike};
    return s;
}

template <class Family>
[[nodiscard]] policy_set<Family> compiled(const policy_set_settings<Family>& settings) {
    auto result = policy_set<Family>::build(settings);
    INFO(tests::text_of(result.errors));
    REQUIRE(result);
    return std::move(*result.value);
}

template <class Family>
[[nodiscard]] policy_query<Family> udp(std::uint32_t source, std::uint32_t destination, std::uint16_t to_port) {
    return {trust, untrust, numbered<Family>(source), numbered<Family>(destination), 17, port{40000}, port{to_port}};
}

/// What a policy set must answer, straight from the settings: the first policy, then the first of its applications
/// with an ALG that fits, then the first without.
template <class Family>
[[nodiscard]] policy_decision by_hand(const policy_set_settings<Family>& s, const application_book& applications,
                                      const policy_query<Family>& q) {
    const auto holds = [](const zone_settings<Family>& zone, const std::vector<std::string>& names, auto address) {
        for (const auto& name : names) {
            if (name == "any") {
                return true;
            }
            for (const auto& a : zone.address_book.addresses) {
                if (a.name == name && range_of(a.value).contains(address)) {
                    return true;
                }
            }
        }
        return false;
    };
    const auto key = application_key(q.protocol, q.destination_port);
    for (std::uint32_t i = 0; i < s.policies.size(); ++i) {
        const auto& p = s.policies[i];
        if (p.from_zone != s.zones[q.from.value].name || p.to_zone != s.zones[q.to.value].name ||
            !holds(s.zones[q.from.value], p.source_addresses, q.source) ||
            !holds(s.zones[q.to.value], p.destination_addresses, q.destination)) {
            continue;
        }
        for (const bool alg : {true, false}) {
            for (const auto& name : p.applications) {
                for (const auto a : *applications.find(name)) {
                    const auto& application = applications.all()[a];
                    if ((application.alg != application_protocol::none) == alg &&
                        application.matches(key, q.source_port)) {
                        return {p.action, i, a, alg, p.midstream, p.log_session_init, p.log_session_close};
                    }
                }
            }
        }
    }
    return {s.otherwise == default_policy::permit_all ? policy_action::permit : policy_action::deny, npos, npos,
            false, false, false, false};
}

template <class Family>
[[nodiscard]] policy_set_settings<Family> random_settings(small_random& random, std::size_t policies) {
    policy_set_settings<Family> s;
    s.zones.resize(3);
    for (std::size_t z = 0; z < s.zones.size(); ++z) {
        s.zones[z].name = "zone" + std::to_string(z);
        for (std::uint32_t i = 0; i < 100; ++i) {
            const auto n = static_cast<std::uint32_t>(random() % 0x1000);
            const auto host_bits = static_cast<unsigned>(random() % 10);
            address_spec<Family> value = block<Family>(n >> host_bits << host_bits, host_bits);
            if (i % 3 == 0) {
                const auto last = n + static_cast<std::uint32_t>(random() % 99);
                value = address_range<Family>{numbered<Family>(n), numbered<Family>(last)};
            }
            s.zones[z].address_book.addresses.push_back({"a" + std::to_string(i), value});
        }
    }
    for (int i = 0; i < 60; ++i) {
        application_settings a;
        a.name = "app" + std::to_string(i);
        if (i % 10 != 0) {
            a.protocol = i % 3 == 0 ? 6 : 17;
            const auto low = static_cast<std::uint16_t>(random() % 50);
            a.destination_port = {low, static_cast<std::uint16_t>(low + random() % 10)};
            if (i % 4 == 0) {
                a.source_port = {low, static_cast<std::uint16_t>(low + random() % 20)};
            }
            a.alg = i % 3 != 0 && i % 5 == 0 ? application_protocol::ike_esp_nat : application_protocol::none;
        }
        s.applications.push_back(a);
    }
    const auto some = [&](const std::string& stem, std::uint64_t count) {
        std::vector<std::string> names;
        for (std::uint64_t n = random() % 3 + 1; n > 0; --n) {
            names.push_back(random() % 8 == 0 ? "any" : stem + std::to_string(random() % count));
        }
        return names;
    };
    for (std::size_t i = 0; i < policies; ++i) {
        policy_settings p = permit("p" + std::to_string(i), some("a", 100), some("a", 100), some("app", 60));
        p.from_zone = "zone" + std::to_string(random() % 2);
        p.to_zone = "zone" + std::to_string(random() % 3);
        p.action = static_cast<policy_action>(random() % 3);
        p.log_session_init = random() % 2 == 0;
        p.log_session_close = random() % 2 == 0;
        p.midstream = random() % 2 == 0;
        s.policies.push_back(p);
    }
    s.otherwise = random() % 2 == 0 ? default_policy::permit_all : default_policy::deny_all;
    return s;
}

}  // namespace

TEST_CASE_TEMPLATE("P1: thousands of random policies decide as a search through the settings does", Family, ipv4,
                   ipv6) {
    for (const std::size_t policies : {0U, 1U, 10U, 100U, 1000U, 6000U}) {
        const std::uint64_t seed = policies + 11;
        CAPTURE(seed);
        small_random random(seed);
        const auto settings = random_settings<Family>(random, policies);
        const auto set = compiled(settings);
        configuration_report report;
        const application_book applications(settings.applications, {}, report);
        std::size_t wrong = 0;
        for (int i = 0; i < 2000; ++i) {
            policy_query<Family> q;
            q.from = zone_id{static_cast<std::uint16_t>(random() % 3)};
            q.to = zone_id{static_cast<std::uint16_t>(random() % 3)};
            q.source = numbered<Family>(static_cast<std::uint32_t>(random() % 0x1100));
            q.destination = numbered<Family>(static_cast<std::uint32_t>(random() % 0x1100));
            q.protocol = random() % 9 == 0 ? std::uint8_t{50} : random() % 2 == 0 ? std::uint8_t{6} : std::uint8_t{17};
            q.source_port = port{static_cast<std::uint16_t>(random() % 80)};
            q.destination_port = port{static_cast<std::uint16_t>(random() % 70)};
            wrong += set.match(q) == by_hand(settings, applications, q) ? 0U : 1U;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE_TEMPLATE("P1: the first match in order decides, only within its pair of zones", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.policies = {permit("first", {"low"}, {"server"}, {"any"}), permit("second", {"any"}, {"any"}, {"junos-ike"})};
    s.policies[1].action = policy_action::reject;
    s.policies[1].log_session_close = true;
    s.policies[0].log_session_init = true;
    s.policies[0].midstream = true;
    const auto set = compiled(s);
    const auto first = set.match(udp<Family>(3, 0x1000, 500));
    CHECK(first.action == policy_action::permit);
    CHECK(first.rule == 0);
    CHECK(first.log_init);
    CHECK(first.midstream);
    CHECK_FALSE(first.log_close);
    const auto second = set.match(udp<Family>(3, 0x1001, 500));
    CHECK(second.action == policy_action::reject);
    CHECK(second.rule == 1);
    CHECK(second.log_close);
    CHECK(set.policies()[second.rule].name == "second");
    CHECK(set.applications()[second.application].name == "junos-ike");
    auto back = udp<Family>(3, 0x1000, 500);
    std::swap(back.from, back.to);
    CHECK(set.match(back) == policy_decision{});
    back.to = zone_id{9};
    CHECK(set.match(back) == policy_decision{});
}

TEST_CASE_TEMPLATE("P1: default-policy is deny-all when silent, permit-all when it says so", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    CHECK(compiled(s).match(udp<Family>(1, 0x1000, 80)).action == policy_action::deny);
    s.otherwise = default_policy::permit_all;
    const auto decision = compiled(s).match(udp<Family>(1, 0x1000, 80));
    CHECK(decision.action == policy_action::permit);
    CHECK(decision.rule == npos);
    CHECK(policy_set<Family>().match(udp<Family>(1, 2, 3)).action == policy_action::deny);
}

TEST_CASE_TEMPLATE("P1: an address name means the zone's book first, then the global one", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.policies = {permit("p", {"host"}, {"host"}, {"any"})};
    const auto set = compiled(s);
    CHECK(set.match(udp<Family>(7, 0x2000, 1)).rule == 0);
    CHECK(set.match(udp<Family>(7, 7, 1)).rule == npos);
    CHECK(set.match(udp<Family>(0x2000, 0x2000, 1)).rule == npos);
}

TEST_CASE_TEMPLATE("P1: the other family's any matches nothing", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.policies = {permit("p", {Family::version == 4 ? "any-ipv6" : "any-ipv4"}, {"any"}, {"any"})};
    CHECK(compiled(s).match(udp<Family>(7, 0x2000, 1)).rule == npos);
}

TEST_CASE_TEMPLATE("P2: only flows that an ike-esp-nat application matches are for the ALG", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.policies = {permit("p", {"any"}, {"any"}, {"any", "junos-ike", "ike"})};
    const auto set = compiled(s);
    const auto ike = set.match(udp<Family>(1, 0x1000, 500));
    CHECK(ike.ike_esp_nat);
    CHECK(set.applications()[ike.application].name == "ike");
    const auto other = set.match(udp<Family>(1, 0x1000, 501));
    CHECK(other.rule == 0);
    CHECK_FALSE(other.ike_esp_nat);
    s.policies = {permit("p", {"any"}, {"any"}, {"junos-ike"})};
    CHECK_FALSE(compiled(s).match(udp<Family>(1, 0x1000, 500)).ike_esp_nat);
}

TEST_CASE_TEMPLATE("P1: of several applications that fit, the first written is told", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    application_settings narrow;
    narrow.name = "narrow";
    narrow.protocol = 17;
    narrow.source_port = {40000, 40000};
    s.applications.push_back(narrow);
    s.policies = {permit("p", {"any"}, {"any"}, {"junos-ssh", "narrow", "junos-udp-any"})};
    const auto set = compiled(s);
    auto query = udp<Family>(1, 0x1000, 53);
    CHECK(set.applications()[set.match(query).application].name == "narrow");
    query.source_port = port{40001};
    CHECK(set.applications()[set.match(query).application].name == "junos-udp-any");
}

TEST_CASE_TEMPLATE("zones are found by name and by longest prefix", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.zones[1].vrf = s.zones[0].vrf = vrf_id{4};
    const auto set = compiled(s);
    CHECK(set.zone_of(vrf_id{4}, numbered<Family>(255)) == trust);
    CHECK(set.zone_of(vrf_id{4}, numbered<Family>(256)) == untrust);
    CHECK_FALSE(set.zone_of(vrf_id{0}, numbered<Family>(1)));
    CHECK(set.find_zone("untrust") == untrust);
    CHECK_FALSE(set.find_zone("dmz"));
    CHECK(set.zone_count() == 2);
    CHECK(set.zone_name(untrust) == "untrust");
    CHECK(set.vrf_of(trust) == vrf_id{4});
}

TEST_CASE_TEMPLATE("P3: all errors of a configuration come at once, each with its path, and nothing is built", Family,
                   ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.zones.push_back({"trust", {}, {}, {}});
    s.zones[1].networks.push_back(block<Family>(0, 8));
    s.zones[1].networks.push_back(block<Family>(1, 8));
    s.zones[0].address_book.addresses.push_back({"bad", block<Family>(3, 4)});
    s.zones[0].address_book.address_sets = {{"needs-global", {"server"}, {}}};
    s.global_address_book.address_sets = {{"loop", {}, {"loop"}}};
    s.applications[0].destination_port = {9, 8};
    s.policies = {permit("p", {"lwo"}, {"servre"}, {"juons-ike"}), permit("p", {}, {}, {}),
                  permit("", {"any"}, {"any"}, {"any"})};
    s.policies.push_back(permit("q", {"any"}, {"server"}, {"any"}));
    s.policies.back().to_zone = "untrsut";
    const auto result = policy_set<Family>::build(s);
    INFO(tests::text_of(result.errors));
    CHECK_FALSE(result.value);
    const auto& errors = result.errors;
    const std::string pair = "security policies from-zone trust to-zone untrust";
    const std::string zone = "security zones security-zone ";
    CHECK(says(errors, zone + "trust", "zone trust is defined twice"));
    CHECK(says(errors, zone + "untrust network " + to_string(block<Family>(0, 8)), "already a network of zone trust"));
    CHECK(says(errors, zone + "untrust network " + to_string(block<Family>(1, 8)), "host bits"));
    CHECK(says(errors, zone + "trust address-book address bad", "host bits"));
    CHECK(says(errors, zone + "trust address-book address-set needs-global address server", "is not defined"));
    CHECK(says(errors, "security address-book global address-set loop address-set loop", "contains itself"));
    CHECK(says(errors, "applications application ike destination-port", "is empty"));
    CHECK(says(errors, pair + " policy p match source-address lwo", "did you mean low?"));
    CHECK(says(errors, pair + " policy p match destination-address servre", "did you mean server?"));
    CHECK(says(errors, pair + " policy p match application juons-ike", "did you mean junos-ike?"));
    CHECK(says(errors, pair + " policy p", "policy p is defined twice"));
    CHECK(says(errors, pair + " policy p match source-address", "at least one address"));
    CHECK(says(errors, pair + " policy p match destination-address", "at least one address"));
    CHECK(says(errors, pair + " policy p match application", "at least one application"));
    CHECK(says(errors, pair, "policy without a name"));
    CHECK(says(errors, "security policies from-zone trust to-zone untrsut policy q", "did you mean untrust?"));
    CHECK(errors.size() == 16);
}

TEST_CASE_TEMPLATE("P3: policies that would take too much memory and too many zones are refused", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.policies = {permit("p", {"low"}, {"server"}, {"ike"})};
    s.limits.matcher_bytes = 10;
    CHECK(says(policy_set<Family>::build(s).errors, "security policies", "need more than 10 bytes"));
    policy_set_settings<Family> many;
    for (std::size_t i = 0; i <= policy_set<Family>::max_zones; ++i) {
        many.zones.push_back({"z" + std::to_string(i), {}, {}, {}});
    }
    CHECK(says(policy_set<Family>::build(many).errors, "security zones", "there are 1025 zones"));
}

TEST_CASE_TEMPLATE("P3: a zone without networks gets a warning and no error", Family, ipv4, ipv6) {
    auto s = two_zones<Family>();
    s.zones[0].networks.clear();
    const auto result = policy_set<Family>::build(s);
    CHECK(result);
    CHECK(says(result.warnings, "security zones security-zone trust", "has no networks"));
}
