// SPDX-License-Identifier: Apache-2.0
/// compile() on random trees: sound ones compile to something a gateway can be built from; with statements taken away, doubled or changed there are
/// remarks or a value, never both none and never a crash.
#include "ikealg/junos/compile.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/junos/reader.hpp"

using namespace ikealg;
using junos::statement;

namespace {

class generator {
public:
    explicit generator(std::uint32_t seed) : random_(seed) {}

    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

    /// A sound configuration of several zones: networks, pools and names never meet, whatever the numbers.
    std::string text() {
        std::string t;
        const std::uint32_t zones = 2 + below(3);
        const auto line = [&t](const std::string& words) { t += "set " + words + '\n'; };
        for (std::uint32_t z = 0; z < zones; ++z) {
            const std::string n = std::to_string(z);
            const std::string zone = "security zones security-zone z" + n;
            const std::string unit = "interfaces eth" + n + " unit " + n;
            line(unit + " family inet address 10." + n + ".0.1/24");
            if (below(2) == 0) {
                line(unit + " vlan-id " + std::to_string(1 + below(4094)));
            }
            line(zone + " interfaces eth" + n + '.' + n);
            line(zone + " address-book address a 10." + n + ".0.0/" + std::to_string(16 + below(9)));
            line(zone + " address-book address-set s address a");
            if (below(2) == 0) {
                line(zone + " host-inbound-traffic system-services ping");
            }
            line("routing-options static route 172.16." + n + ".0/24 next-hop 10." + n + ".0.9");
            line("security nat source pool p" + n + " address 192.0.2." + std::to_string(8 * z) + "/29");
        }
        line("security nat source address-persistent");
        line("applications application ike protocol udp destination-port 500 application-protocol ike-esp-nat");
        line("applications application-set most application ike");
        std::set<std::pair<std::string, std::string>> contexts;
        for (std::uint32_t i = below(8); i > 0; --i) {
            const std::string from = std::to_string(below(zones));
            const std::string to = std::to_string(below(zones));
            const std::string n = std::to_string(i);
            const std::string policy = "security policies from-zone z" + from + " to-zone z" + to + " policy n" + n;
            static const char* const sources[] = {"a", "s", "any", "[ a s ]"};
            static const char* const applications[] = {"ike", "most", "any", "junos-ssh", "[ junos-ping most ]"};
            static const char* const actions[] = {"permit", "deny", "reject", "permit"};
            line(policy + " match source-address " + sources[below(4)]);
            line(policy + " match destination-address any");
            line(policy + " match application " + applications[below(5)]);
            line(policy + " then " + actions[below(4)]);
            line(policy + " then log session-init");
            if (!contexts.emplace(from, to).second) {
                continue;  // Junos has one rule-set for a pair of zones
            }
            const std::string rules = "security nat source rule-set rs" + n;
            static const char* const translations[] = {"off", "interface", "pool p0", "pool p1"};
            line(rules + " from zone z" + from);
            line(rules + " to zone z" + to);
            line(rules + " rule r match source-address 10." + from + ".0.0/16");
            line(rules + " rule r then source-nat " + translations[below(4)]);
        }
        if (below(2) == 0) {
            line("security alg ike-esp-nat enable");
            line("security alg ike-esp-nat ikealg profile " + std::string(below(2) == 0 ? "junos" : "practical"));
            line("security alg ike-esp-nat esp-gate-timeout " + std::to_string(2 + below(29)));
        }
        return t;
    }

    /// One change somewhere in the tree.
    void damage(statement& root) {
        statement* at = &root;
        while (!at->children.empty() && (at == &root || below(4) != 0)) {
            statement& child = at->children[below(static_cast<std::uint32_t>(at->children.size()))];
            if (below(6) == 0) {
                break;
            }
            at = &child;
        }
        static const char* const words[] = {
            "",  "to", "0.0.0.0/0", "255.255.255.255/32", "10.0.0.1/24", "4294967295", "-1", "any", "z0",
            "a", "s",  "junos"};
        const auto some = [&](std::size_t n) { return below(static_cast<std::uint32_t>(n)); };
        switch (below(6)) {
            case 0:
                if (!at->children.empty()) {
                    at->children.erase(at->children.begin() + some(at->children.size()));
                }
                break;
            case 1:
                if (!at->values.empty()) {
                    at->values.pop_back();  // without the same of values_at: a tree made by hand may have fewer or more
                }
                break;
            case 2:
                if (!at->values.empty()) {
                    at->values[some(at->values.size())] = words[below(12)];
                }
                break;
            case 3:
                if (!at->values.empty()) {
                    at->values.push_back(words[below(12)]);
                }
                break;
            case 4:
                if (!at->children.empty()) {
                    statement again = at->children[some(at->children.size())];
                    at->children.push_back(std::move(again));
                }
                break;
            default: at->inactive = !at->inactive && at != &root; break;
        }
    }

private:
    std::mt19937 random_;
};

bool every_device(std::string_view) {
    return true;
}

}  // namespace

TEST_CASE("random sound configurations compile, and the core and the host take them") {
    for (std::uint32_t seed = 0; seed < 150; ++seed) {
        CAPTURE(seed);
        generator g(seed);
        const std::string text = g.text();
        const auto tree = junos::read(text);
        REQUIRE(tree.errors.empty());
        const auto c = junos::compile(tree.root, every_device);
        INFO(text);
        for (const auto& e : c.errors) {
            FAIL_CHECK(e.statement << ": " << e.message);
        }
        REQUIRE(c.value);
        CHECK(gateway_configuration<ipv4>::build(c.value->gateway).value);
        configuration_report host;
        host::check(c.value->host, c.value->devices.size(), c.value->gateway.policy.zones, host);
        CHECK(host.clean());
    }
}

TEST_CASE("damaged trees give errors or a value that builds, and every error says where and what") {
    std::uint32_t refused = 0;
    for (std::uint32_t seed = 0; seed < 1500; ++seed) {
        CAPTURE(seed);
        generator g(seed);
        auto tree = junos::read(g.text());
        for (std::uint32_t n = 1 + g.below(4); n > 0; --n) {
            g.damage(tree.root);
        }
        const auto c = junos::compile(tree.root, every_device);
        CHECK(c.value.has_value() == c.errors.empty());
        refused += c.value ? 0U : 1U;
        for (const auto& e : c.errors) {
            CAPTURE(e.statement);
            CHECK_FALSE(e.message.empty());
            CHECK(e.at.line != 0);
        }
        if (c.value) {
            CHECK(gateway_configuration<ipv4>::build(c.value->gateway).value);
        }
    }
    CHECK(refused > 300);
    CHECK(refused < 1400);
}
