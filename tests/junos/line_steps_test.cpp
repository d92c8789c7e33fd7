// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/line_steps.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "junos/rows.hpp"

using namespace ikealg;
using ikealg::tests::row_of;
using junos::detail::line_steps;

namespace {

junos::said words(std::string_view path, const char* value = nullptr) {
    junos::said s;
    s.schema = row_of(path);
    REQUIRE(s.schema != nullptr);
    if (value != nullptr) {
        s.values.emplace_back(value);
    }
    return s;
}

}  // namespace

TEST_CASE("what holds statements takes what follows it; a leaf and a member of a list do not") {
    line_steps steps(junos::schema);
    CHECK(steps.empty());
    CHECK_FALSE(steps.last_is_open());
    steps.around("[edit]");
    steps.add(words("applications"));
    steps.add(words("applications application", "a"));
    CHECK(steps.last_is_open());
    CHECK(&steps.schema() == row_of("applications application"));
    CHECK(steps.text() == "[edit] applications application a");
    steps.add(words("applications application protocol", "udp"));
    CHECK_FALSE(steps.last_is_open());
    CHECK(steps.place() == "[edit] applications application a");
    CHECK(steps.text() == "[edit] applications application a protocol udp");
    steps.add(words("applications application source-port", "5"));
    CHECK(steps.text() == "[edit] applications application a source-port 5");
    REQUIRE(steps.all().size() == 4);
    CHECK(steps.all()[0].parent == line_steps::outside);
    CHECK(steps.all()[3].parent == 1);

    line_steps list(*row_of("applications"));
    list.add_beside(words("applications application", "a"));
    list.add_beside(words("applications application", "b"));
    CHECK(&list.schema() == row_of("applications"));
    CHECK(list.all()[1].parent == line_steps::outside);
    list.go_into(*row_of("applications application"));
    CHECK(list.schema().find("protocol") != nullptr);
}
