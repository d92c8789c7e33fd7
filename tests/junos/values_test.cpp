// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/values.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

using namespace ikealg;
using junos::check_value;
using junos::value_kind;
using junos::value_of;

namespace {

bool fits(value_kind kind, std::string_view word) {
    return check_value(value_of(kind, {}), word).empty();
}

}  // namespace

TEST_CASE("ports are numbers, ranges and the names that Junos has") {
    using range = std::pair<std::uint16_t, std::uint16_t>;
    CHECK(junos::parse_ports("500") == range{500, 500});
    CHECK(junos::parse_ports("0-65535") == range{0, 65535});
    CHECK(junos::parse_ports("ike") == range{500, 500});
    CHECK(junos::parse_ports("ftp-data") == range{20, 20});
    for (const char* bad : {"", "-", "5-", "-5", "6-5", "65536", "1-65536", "1-2-3", "ikee", "0500", "+5"}) {
        CAPTURE(bad);
        CHECK(!junos::parse_ports(bad));
    }
}

TEST_CASE("protocols are numbers up to 255 and names") {
    CHECK(junos::parse_protocol("udp") == 17);
    CHECK(junos::parse_protocol("esp") == 50);
    CHECK(junos::parse_protocol("255") == 255);
    CHECK(!junos::parse_protocol("256"));
    CHECK(!junos::parse_protocol("UDP"));
}

TEST_CASE("addresses, prefixes and addresses of interfaces") {
    CHECK(fits(value_kind::address, "10.0.0.1"));
    CHECK(!fits(value_kind::address, "10.0.0.1/32"));
    CHECK(fits(value_kind::prefix, "10.0.0.1/24"));  // host bits are found out later, with the settings
    CHECK(fits(value_kind::prefix, "10.0.0.1"));
    CHECK(fits(value_kind::prefix, "0/0"));
    CHECK(fits(value_kind::prefix, "default"));
    CHECK(!fits(value_kind::prefix, "10.0.0.1/33"));
    CHECK(!fits(value_kind::prefix, "10/8"));
    CHECK(fits(value_kind::host_prefix, "10.0.0.1/24"));
    CHECK(!fits(value_kind::host_prefix, "10.0.0.1"));
    CHECK(check_value(value_of(value_kind::prefix, {}), "2001:db8::/32").find("IPv6") != std::string::npos);
}

TEST_CASE("names have 1 to 63 characters, none of them a control character") {
    CHECK(fits(value_kind::name, std::string(63, 'a')));
    CHECK(!fits(value_kind::name, std::string(64, 'a')));
    CHECK(!fits(value_kind::name, ""));
    CHECK(!fits(value_kind::name, "a\nb"));
    CHECK(fits(value_kind::text, "a\nb"));
}

TEST_CASE("numbers at both ends of their range") {
    const auto type = junos::number(180, 86400, "seconds");
    CHECK(check_value(type, "180").empty());
    CHECK(check_value(type, "86400").empty());
    CHECK(check_value(type, "179") == "\"179\" is out of range, allowed are 180 to 86400 seconds");
    CHECK(check_value(type, "86401") == "\"86401\" is out of range, allowed are 180 to 86400 seconds");
    CHECK(check_value(type, "-1") == "\"-1\" is not a number, allowed are 180 to 86400 seconds");
    CHECK(check_value(type, "") == "\"\" is not a number, allowed are 180 to 86400 seconds");
}

TEST_CASE("the nearest word is a slip of the pen away, or what the word begins") {
    const auto best = [](std::string_view word) {
        junos::nearest_word nearest(word);
        for (const char* known : {"address", "address-book", "security-zone", "pool", "to", "enable"}) {
            nearest.known(known);
        }
        return std::string(nearest.best());
    };
    CHECK(best("addres") == "address");
    CHECK(best("adderss-book") == "address-book");
    CHECK(best("sec") == "security-zone");
    CHECK(best("enabel") == "enable");
    CHECK(best("polo") == "pool");
    CHECK(best("xyz").empty());
    CHECK(best("").empty());
    CHECK(best(std::string(1000, 'a')).empty());
}

TEST_CASE("words in messages are cut and harmless") {
    CHECK(junos::shown("a\x1b[31m") == "\"a?[31m\"");
    CHECK(junos::shown(std::string(100, 'x')) == '"' + std::string(60, 'x') + "...\"");
}
