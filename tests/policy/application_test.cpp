// SPDX-License-Identifier: Apache-2.0
#include "ikealg/policy/application.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/addresses.hpp"

using namespace ikealg;
using namespace std::chrono_literals;
using policy::application;
using policy::application_book;
using policy::application_key;
using policy::application_settings;
using tests::says;

namespace {

[[nodiscard]] application_settings udp(const std::string& name) {
    application_settings a;
    a.name = name;
    a.protocol = 17;
    return a;
}

[[nodiscard]] const application& only(const application_book& book, const std::string& name) {
    const auto* found = book.find(name);
    REQUIRE(found != nullptr);
    REQUIRE(found->size() == 1);
    return book.all()[found->front()];
}

}  // namespace

TEST_CASE("P2: predefined applications match what their names say and carry no ALG") {
    configuration_report report;
    const application_book book({}, {}, report);
    REQUIRE(report.clean());
    for (const auto& a : book.all()) {
        CAPTURE(a.name);
        CHECK(a.alg == policy::application_protocol::none);
    }
    const port any{4000};
    const auto& ike = only(book, "junos-ike");
    CHECK(ike.matches(application_key(17, port{500}), any));
    CHECK_FALSE(ike.matches(application_key(17, port{501}), any));
    CHECK_FALSE(ike.matches(application_key(6, port{500}), any));
    CHECK(only(book, "junos-ike-nat").matches(application_key(17, port{4500}), any));
    const auto& ping = only(book, "junos-ping");
    CHECK(ping.matches(application_key(1, policy::icmp_port(8, 0)), port{}));
    CHECK_FALSE(ping.matches(application_key(1, policy::icmp_port(0, 0)), port{}));
    CHECK_FALSE(ping.matches(application_key(58, policy::icmp_port(8, 0)), port{}));
    CHECK(only(book, "junos-pingv6").matches(application_key(58, policy::icmp_port(128, 0)), port{}));
    CHECK(only(book, "junos-udp-any").matches(application_key(17, port{65535}), any));
    CHECK_FALSE(only(book, "junos-udp-any").matches(application_key(18, port{}), any));
    CHECK(only(book, "any").matches(application_key(255, port{65535}), port{65535}));
    CHECK(only(book, "any").matches(application_key(0, port{}), port{}));
}

TEST_CASE("applications match by ports of both sides, and by ICMP type and code") {
    auto both = udp("both");
    both.source_port = {100, 200};
    both.destination_port = {300, 300};
    application_settings code;
    code.name = "code";
    code.protocol = 1;
    code.icmp_type = 3;
    code.icmp_code = 4;
    configuration_report report;
    const application_book book({both, code}, {{"group", {"both"}, {}}}, report);
    REQUIRE(report.clean());
    const auto& a = only(book, "group");
    CHECK(a.name == "both");
    CHECK(a.matches(application_key(17, port{300}), port{100}));
    CHECK(a.matches(application_key(17, port{300}), port{200}));
    CHECK_FALSE(a.matches(application_key(17, port{300}), port{201}));
    CHECK_FALSE(a.matches(application_key(17, port{301}), port{150}));
    CHECK(only(book, "code").matches(application_key(1, policy::icmp_port(3, 4)), port{}));
    CHECK_FALSE(only(book, "code").matches(application_key(1, policy::icmp_port(3, 3)), port{}));
}

TEST_CASE("P3: every defect of an application is reported with its path") {
    std::vector<application_settings> all;
    auto a = udp("backwards");
    a.destination_port = {20, 10};
    all.push_back(a);
    a = udp("no-ports");
    a.protocol = 50;
    a.source_port = {1, 2};
    all.push_back(a);
    a = udp("type");
    a.icmp_type = 8;
    all.push_back(a);
    a = udp("code");
    a.protocol = 1;
    a.icmp_code = 0;
    all.push_back(a);
    a = udp("alg");
    a.protocol = 6;
    a.alg = policy::application_protocol::ike_esp_nat;
    all.push_back(a);
    a = udp("short");
    a.inactivity_timeout = 3s;
    all.push_back(a);
    a = udp("long");
    a.inactivity_timeout = 86401s;
    all.push_back(a);
    all.push_back(udp("junos-ike"));
    a = udp("fine");
    a.inactivity_timeout = 4s;
    all.push_back(a);
    configuration_report report;
    const application_book book(all, {{"set", {"fien"}, {}}, {"loop", {}, {"loop"}}}, report);
    INFO(tests::text_of(report.errors));
    const std::string path = "applications application ";
    CHECK(says(report.errors, path + "backwards destination-port", "20-10 is empty"));
    CHECK(says(report.errors, path + "no-ports source-port", "need protocol tcp, udp"));
    CHECK(says(report.errors, path + "type icmp-type", "needs protocol icmp"));
    CHECK(says(report.errors, path + "code icmp-code", "needs an ICMP type"));
    CHECK(says(report.errors, path + "alg application-protocol", "needs protocol udp"));
    CHECK(says(report.errors, path + "short inactivity-timeout", "3 s is not within 4 to 86400 s"));
    CHECK(says(report.errors, path + "long inactivity-timeout", "86401 s"));
    CHECK(says(report.errors, path + "junos-ike", "defined twice"));
    CHECK(says(report.errors, "applications application-set set application fien", "did you mean fine?"));
    CHECK(says(report.errors, "applications application-set loop application-set loop", "contains itself"));
    CHECK(report.errors.size() == 10);
}
