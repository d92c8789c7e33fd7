// SPDX-License-Identifier: Apache-2.0
/// Broken texts: the reader always comes to an end, its places are within the text, and what it accepts it can write.
#include "ikealg/junos/reader.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/junos/writer.hpp"
#include "junos/random_tree.hpp"

using namespace ikealg;

namespace {

std::string file(const std::string& name) {
    std::ifstream in(std::string(IKEALG_TEST_CAPTURES) + "/../junos/data/" + name, std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

class places {
public:
    explicit places(std::string_view text) {
        std::size_t line = 0;
        for (const char c : text) {
            if (c == '\n') {
                lengths_.push_back(line);
                line = 0;
            } else {
                ++line;
            }
        }
        lengths_.push_back(line);
    }
    [[nodiscard]] bool hold(junos::position at) const {
        return at.line >= 1 && at.line <= lengths_.size() && at.column >= 1 && at.column <= lengths_[at.line - 1] + 1;
    }

private:
    std::vector<std::size_t> lengths_{};
};

void check(const std::string& text) {
    CAPTURE(text);
    const junos::read_result r = junos::read(text);
    const places in_text(text);
    for (const auto* list : {&r.errors, &r.warnings}) {
        REQUIRE(list->size() <= 1001);
        for (const junos::diagnostic& d : *list) {
            CAPTURE(d.message);
            REQUIRE(in_text.hold(d.at));
            REQUIRE(!d.message.empty());
        }
    }
    const std::string braces = junos::write_braces(r.root);
    if (r.errors.empty()) {
        REQUIRE(junos::read(braces).root == r.root);
        REQUIRE(junos::read(junos::write_set(r.root)).root == r.root);
    }
}

std::string mutated(std::string text, std::mt19937& random, int changes) {
    const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    static constexpr std::string_view bytes = "{}[];\"\\/*#: \n\r\tato0.1-@";
    for (; changes > 0 && !text.empty(); --changes) {
        const std::size_t at = below(text.size());
        switch (below(6)) {
            case 0: text[at] = bytes[below(bytes.size())]; break;
            case 1: text[at] = static_cast<char>(random()); break;
            case 2: text.erase(at, 1 + below(20)); break;
            case 3: text.insert(at, 1, bytes[below(bytes.size())]); break;
            case 4: text.insert(below(text.size()), text.substr(at, below(60))); break;
            case 5: text.resize(at); break;
        }
    }
    return text;
}

}  // namespace

TEST_CASE("mutations of valid texts never confuse the reader") {
    std::vector<std::string> seeds;
    for (const char* name :
         {"manual-ike-esp.set", "manual-ike-esp.conf", "manual-timeouts.conf", "manual-terminal.txt"}) {
        seeds.push_back(file(name));
    }
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
        const auto tree = test::random_tree(seed).make();
        seeds.push_back(junos::write_braces(tree).substr(0, 4000));
        seeds.push_back(junos::write_set(tree).substr(0, 4000));
    }
    for (std::uint32_t seed = 1; seed <= 1500; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        check(mutated(seeds[seed % seeds.size()], random, 1 + static_cast<int>(random() % 6)));
    }
}

TEST_CASE("random words, punctuation and bytes never confuse the reader") {
    static const std::vector<std::string> words{"set",
                                                "delete",
                                                "deactivate",
                                                "activate",
                                                "edit",
                                                "show",
                                                "top",
                                                "up",
                                                "[edit",
                                                "]",
                                                "[",
                                                "{",
                                                "}",
                                                ";",
                                                ";",
                                                "\n",
                                                "\n",
                                                "\"",
                                                "/*",
                                                "*/",
                                                "#",
                                                "inactive:",
                                                "replace:",
                                                "security",
                                                "nat",
                                                "source",
                                                "pool",
                                                "address",
                                                "10.0.0.1/32",
                                                "to",
                                                "rule-set",
                                                "from",
                                                "zone",
                                                "rule",
                                                "then",
                                                "source-nat",
                                                "interface",
                                                "policies",
                                                "from-zone",
                                                "to-zone",
                                                "policy",
                                                "match",
                                                "application",
                                                "any",
                                                "permit",
                                                "zones",
                                                "security-zone",
                                                "interfaces",
                                                "range-address",
                                                "alg",
                                                "ike-esp-nat",
                                                "enable",
                                                "state-timeout",
                                                "300",
                                                "u@h#",
                                                "{primary:node0}",
                                                "address-book",
                                                "global",
                                                "\"security\"",
                                                "\"zones\"",
                                                "\"set\"",
                                                "routing-options",
                                                "static",
                                                "route",
                                                "next-hop",
                                                "10.0.0.1",
                                                "system-services",
                                                "host-inbound-traffic",
                                                "ping"};
    for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        std::string text;
        for (std::size_t n = random() % 60; n > 0; --n) {
            text += words[random() % words.size()];
            text += random() % 8 == 0 ? "" : " ";
        }
        if (seed % 10 == 0) {
            for (char& c : text) {
                c = static_cast<char>(random());
            }
        }
        check(text);
    }
}
