// SPDX-License-Identifier: Apache-2.0
/// The table of kinds.
#include "ikealg/diagnose/finding.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace ikealg;

TEST_CASE("Each kind has a rule, a name of its own and a sentence of three parts") {
    for (std::size_t i = 0; i < diagnose::finding_kind_count; ++i) {
        const auto& r = diagnose::finding_rules[i];
        CAPTURE(r.name);
        CHECK(r.rule.front() == 'D');
        CHECK(r.window.count() > 0);
        CHECK((r.need != 0 || r.patience.count() != 0));
        diagnose::finding<ipv4> f;
        f.kind = r.kind;
        const std::string text = to_string(f);
        const auto arrow = text.find(": ");
        const auto first = text.find(" -> ", arrow);
        CHECK(first != std::string::npos);
        CHECK(text.find(" -> ", first + 1) != std::string::npos);
        CHECK(text.find(to_string(r.severity)) != std::string::npos);
        f.active = false;
        CHECK(to_string(f).find(" over ") != std::string::npos);
        for (std::size_t j = 0; j < i; ++j) {
            CHECK(diagnose::finding_rules[j].name != r.name);
        }
    }
}
