// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/schema_values.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ikealg/alg/settings.hpp"
#include "ikealg/junos/schema.hpp"
#include "junos/page.hpp"
#include "junos/rows.hpp"

using namespace ikealg;
using ikealg::tests::row_of;
using junos::schema_node;

TEST_CASE("the words of the table are those of the settings") {
    const auto words = [](std::string_view path) {
        const schema_node* row = row_of(path);
        REQUIRE(row != nullptr);
        return std::vector<std::string_view>(row->value.words.begin(), row->value.words.end());
    };
    CHECK(words("security alg ike-esp-nat ikealg profile") ==
          std::vector<std::string_view>{to_string(alg::profile::practical), to_string(alg::profile::junos)});
    CHECK(words("security alg ike-esp-nat ikealg ike-port") ==
          std::vector<std::string_view>{to_string(alg::ike_port_mode::prefer), to_string(alg::ike_port_mode::preserve),
                                        to_string(alg::ike_port_mode::translate),
                                        to_string(alg::ike_port_mode::exclusive)});
}

TEST_CASE("docs/configuration.md lists exactly the services and routing protocols") {
    for (const char* keyword : {"system-services", "protocols"}) {
        const schema_node* row = row_of("security zones security-zone host-inbound-traffic " + std::string(keyword));
        REQUIRE(row != nullptr);
        std::vector<std::string> items;
        for (const auto word : row->value.words) {
            items.push_back('`' + std::string(word) + '`');
        }
        tests::check_documented(items);
    }
}
