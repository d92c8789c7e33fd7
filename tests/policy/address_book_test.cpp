// SPDX-License-Identifier: Apache-2.0
#include "ikealg/policy/address_book.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "support/addresses.hpp"

using namespace ikealg;
using tests::block;
using tests::numbered;
using tests::says;

TEST_CASE_TEMPLATE("names stand for prefixes, ranges and sets of them", Family, ipv4, ipv6) {
    using range = address_range<Family>;
    policy::address_book_settings<Family> settings;
    settings.addresses = {{"net", block<Family>(16, 4)}, {"few", range{numbered<Family>(3), numbered<Family>(5)}}};
    settings.address_sets = {{"both", {"net", "few"}, {}}};
    configuration_report report;
    const policy::address_book<Family> book(settings, "book", report);
    REQUIRE(report.clean());
    std::vector<range> ranges;
    CHECK(book.append("both", ranges));
    CHECK(ranges == std::vector<range>{{numbered<Family>(16), numbered<Family>(31)},
                                       {numbered<Family>(3), numbered<Family>(5)}});
    CHECK_FALSE(book.append("other", ranges));
    CHECK(ranges.size() == 2);
}

TEST_CASE_TEMPLATE("P3: bad prefixes, empty ranges and predefined names are refused", Family, ipv4, ipv6) {
    policy::address_book_settings<Family> settings;
    settings.addresses = {{"host-bits", block<Family>(17, 4)},
                          {"backwards", address_range<Family>{numbered<Family>(5), numbered<Family>(3)}},
                          {"any", block<Family>(0, 0)}};
    settings.address_sets = {{"any-ipv6", {"backwards"}, {}}};
    configuration_report report;
    const policy::address_book<Family> book(settings, "book", report);
    INFO(tests::text_of(report.errors));
    CHECK(says(report.errors, "book address host-bits", "has host bits set"));
    CHECK(says(report.errors, "book address backwards", "is empty"));
    CHECK(says(report.errors, "book address any", "predefined"));
    CHECK(says(report.errors, "book address-set any-ipv6", "predefined"));
    CHECK(report.errors.size() == 4);
}

TEST_CASE_TEMPLATE("any is every address, the other family's any none", Family, ipv4, ipv6) {
    std::vector<address_range<Family>> ranges;
    policy::address_book<Family>::append_reserved(Family::version == 4 ? "any-ipv6" : "any-ipv4", ranges);
    CHECK(ranges.empty());
    policy::address_book<Family>::append_reserved("any", ranges);
    policy::address_book<Family>::append_reserved(Family::version == 4 ? "any-ipv4" : "any-ipv6", ranges);
    CHECK(ranges == std::vector<address_range<Family>>(2, all_addresses<Family>()));
}
