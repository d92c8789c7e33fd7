// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/address_spec.hpp"

#include <doctest/doctest.h>

#include "support/addresses.hpp"

using namespace ikealg;
using tests::block;
using tests::numbered;

TEST_CASE("the highest address of a prefix, at the edges of the halves") {
    CHECK(highest_of(ipv4_address{}, 0).value == 0xffff'ffff);
    CHECK(highest_of(ipv4_address{0x0a00'0000}, 8).value == 0x0aff'ffff);
    CHECK(highest_of(ipv4_address{5}, 32).value == 5);
    constexpr std::uint64_t all = ~std::uint64_t{0};
    CHECK(highest_of(ipv6_address{}, 0) == ipv6_address{all, all});
    CHECK(highest_of(ipv6_address{}, 63) == ipv6_address{1, all});
    CHECK(highest_of(ipv6_address{7, 0}, 64) == ipv6_address{7, all});
    CHECK(highest_of(ipv6_address{7, 0}, 65) == ipv6_address{7, all >> 1});
    CHECK(highest_of(ipv6_address{7, 9}, 128) == ipv6_address{7, 9});
}

TEST_CASE_TEMPLATE("P3: defects of prefixes and ranges are named", Family, ipv4, ipv6) {
    CHECK_FALSE(defect_of(block<Family>(16, 4)));
    CHECK(defect_of(block<Family>(17, 4))->find("host bits") != std::string::npos);
    CHECK(defect_of(block<Family>(17, 4))->find(to_string(block<Family>(16, 4))) != std::string::npos);
    const prefix<Family> too_long{numbered<Family>(0), Family::address::bits + 1};
    CHECK(defect_of(too_long)->find("larger than") != std::string::npos);
    using range = address_range<Family>;
    CHECK_FALSE(defect_of(address_spec<Family>{range{numbered<Family>(3), numbered<Family>(3)}}));
    CHECK(defect_of(address_spec<Family>{range{numbered<Family>(3), numbered<Family>(2)}})->find("empty") !=
          std::string::npos);
}

TEST_CASE_TEMPLATE("merging joins what overlaps or touches, also at the greatest address", Family, ipv4, ipv6) {
    using range = address_range<Family>;
    const auto at = [](std::uint32_t n) { return numbered<Family>(n); };
    const auto top = all_addresses<Family>().last;
    std::vector<range> ranges{{at(30), at(40)}, {at(1), at(5)},   {at(6), at(9)},
                              {at(3), at(4)},   {at(50), top}, {top, top}};
    merge_ranges(ranges);
    CHECK(ranges == std::vector<range>{{at(1), at(9)}, {at(30), at(40)}, {at(50), top}});
}
