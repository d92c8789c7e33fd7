// SPDX-License-Identifier: Apache-2.0
/// Keys that differ in one field differ in their words, or a table would take one for the other.
#include "ikealg/alg/keys.hpp"

#include <doctest/doctest.h>

#include <set>

#include "support/addresses.hpp"

using namespace ikealg;
using tests::numbered;

TEST_CASE_TEMPLATE("N13: keys of pairs and slots differ by routing instance and by each address", F, ipv4, ipv6) {
    using key = alg::address_pair_key<F>;
    const key base{vrf_id{0}, numbered<F>(1), numbered<F>(2)};
    const std::set words{base.words(), key{vrf_id{1}, numbered<F>(1), numbered<F>(2)}.words(), key{vrf_id{0}, numbered<F>(3), numbered<F>(2)}.words(),
                         key{vrf_id{0}, numbered<F>(1), numbered<F>(3)}.words(), key{vrf_id{0}, numbered<F>(2), numbered<F>(1)}.words()};
    CHECK(words.size() == 5);
    CHECK(base == key{vrf_id{0}, numbered<F>(1), numbered<F>(2)});
    CHECK_FALSE(base == key{vrf_id{1}, numbered<F>(1), numbered<F>(2)});
}

TEST_CASE("N3: keys of IKE sessions differ by owner and by each SPI") {
    const std::set words{alg::ike_key{1, {2}, {3}}.words(), alg::ike_key{1U | 0x8000'0000U, {2}, {3}}.words(), alg::ike_key{1, {3}, {2}}.words(),
                         alg::ike_key{1, {2}, {}}.words()};
    CHECK(words.size() == 4);
}
