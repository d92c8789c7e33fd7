// SPDX-License-Identifier: Apache-2.0
/// When evidence is enough, when it is forgotten, and that a finding is told once.
#include "ikealg/diagnose/evidence_book.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

using namespace ikealg;
using namespace std::chrono_literals;
using diagnose::finding_kind;

namespace {

using book4 = diagnose::detail::evidence_book<ipv4>;

struct one_pair {
    book4 book{8, 4, 30min, hash_secret::from_seed(7)};
    book4::event_type about = [] {
        book4::event_type e;
        e.client = {0x0a00'0002};
        e.server = {0xc633'6401};
        return e;
    }();
    diagnose::watch<ipv4>& pair = *book.get(about);

    std::string told(instant now) {
        std::string text;
        book.report(now, [&](const auto& f) { text.append(f.active ? "+" : "-").append(to_string(f.kind)); });
        return text;
    }
};

instant at(duration since) {
    return instant{} + since;
}

}  // namespace

TEST_CASE("pieces of evidence count when they are far enough apart, and are enough when they span the time asked for") {
    one_pair p;
    const auto& rule = diagnose::rule_of(finding_kind::nothing_inbound);
    REQUIRE(rule.need == 3);
    REQUIRE(rule.spacing == 1s);
    REQUIRE(rule.span == 10s);
    for (int i = 0; i < 100; ++i) {
        p.book.note(p.pair, finding_kind::nothing_inbound, at(i * 5ms));
    }
    p.book.note(p.pair, finding_kind::nothing_inbound, at(1s));
    p.book.note(p.pair, finding_kind::nothing_inbound, at(9s));
    CHECK(p.told(at(9s)).empty());
    p.book.note(p.pair, finding_kind::nothing_inbound, at(10s));
    CHECK(p.told(at(10s)) == "+nothing_inbound");
    CHECK(p.told(at(10s)).empty());
}

TEST_CASE("evidence that is not enough is forgotten after its window, unless patience waits for it") {
    one_pair p;
    for (const duration when : {0s, 2s, 63s, 64s}) {
        p.book.note(p.pair, finding_kind::server_silent, at(when));
    }
    CHECK(p.told(at(64s)).empty());
    p.book.note(p.pair, finding_kind::server_silent, at(66s));
    CHECK(p.told(at(66s)) == "+server_silent");
    p.book.note(p.pair, finding_kind::group_refused, at(70s));
    CHECK(p.told(at(80s - 1ms)).empty());
    CHECK(p.told(at(80s)) == "+group_refused");
}

TEST_CASE("a finding is over when it is contradicted, for one pair or all, or not renewed for the memory") {
    one_pair p;
    const auto raised = [&](instant now) {
        p.book.raise(p.pair, finding_kind::nat_exemption_missing, now);
        CHECK(p.book.has(p.pair, finding_kind::nat_exemption_missing));
        CHECK(p.told(now) == "+nat_exemption_missing");
    };
    raised(at(0s));
    p.book.clear(p.pair, finding_kind::nat_exemption_missing);
    CHECK_FALSE(p.book.has(p.pair, finding_kind::nat_exemption_missing));
    CHECK(p.told(at(0s)) == "-nat_exemption_missing");
    raised(at(1s));
    p.book.clear(finding_kind::nat_exemption_missing);
    CHECK(p.told(at(1s)) == "-nat_exemption_missing");
    raised(at(2s));
    CHECK(p.told(at(2s + 30min - 1ms)).empty());
    CHECK(p.told(at(2s + 30min)) == "-nat_exemption_missing");
}
