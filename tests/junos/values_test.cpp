// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/values.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "junos/page.hpp"

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

TEST_CASE("ports and protocols that are a slip of the pen away from a name are told that name") {
    const auto wrong = [](value_kind kind, std::string_view word) { return check_value(value_of(kind, {}), word); };
    for (const char* word : {"udpp", "utp", "dup"}) {
        CHECK(wrong(value_kind::protocol, word) ==
              '"' + std::string(word) + "\" is not a protocol; did you mean \"udp\"?");
    }
    CHECK(wrong(value_kind::protocol, "tpc") == "\"tpc\" is not a protocol; did you mean \"tcp\"?");
    CHECK(wrong(value_kind::ports, "htpp") == "\"htpp\" is not a port; did you mean \"http\"?");
    CHECK(wrong(value_kind::protocol, "256") ==
          "\"256\" is not a protocol, allowed are 0 to 255 and names such as udp, tcp, icmp, esp");
    CHECK(wrong(value_kind::ports, "80-http") ==
          "\"80-http\" is not a port, a range P-Q within 0 to 65535 or a known name");
}

TEST_CASE("docs/configuration.md lists exactly the names of ports and protocols") {
    const auto list = [](const auto& names) {
        std::vector<std::string> items;
        for (const auto& [name, number] : names) {
            items.push_back('`' + std::string(name) + "` (" + std::to_string(number) + ')');
        }
        tests::check_documented(items);
    };
    list(junos::detail::port_names);
    list(junos::detail::protocol_names);
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
