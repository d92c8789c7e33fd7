// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/configuration.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <string_view>
#include <vector>

#include "ikealg/junos/schema_values.hpp"

using namespace ikealg;
using junos::backend;

TEST_CASE("the words of the backends are those of the table, the first is the default") {
    const std::vector<std::string_view> words(std::begin(junos::detail::backend_words),
                                              std::end(junos::detail::backend_words));
    CHECK(words == std::vector{to_string(backend::af_packet), to_string(backend::tap), to_string(backend::tun)});
    CHECK(to_string(junos::device{}.kind) == words.front());
}
