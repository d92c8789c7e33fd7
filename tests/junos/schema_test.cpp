// SPDX-License-Identifier: Apache-2.0
#include "ikealg/junos/schema.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/alg/settings.hpp"
#include "ikealg/junos/values.hpp"
#include "junos/rows.hpp"

using namespace ikealg;
using junos::node_kind;
using junos::schema_node;
using junos::value_kind;
using ikealg::tests::row_of;

namespace {

void check_place(const schema_node& row, const std::string& path) {
    CAPTURE(path);
    std::set<std::string_view> keywords;
    std::size_t silent = 0;
    for (const schema_node& child : row.children) {
        CAPTURE(child.keyword);
        CHECK(!child.keyword.empty());
        CHECK(!child.help.empty());
        CHECK(keywords.insert(child.keyword).second);
        silent += child.silent ? 1U : 0U;
        CHECK(child.takes_values() == (child.kind != node_kind::container && child.kind != node_kind::flag));
        CHECK((!child.holds_statements() || child.kind == node_kind::container || child.kind == node_kind::entry));
        CHECK((child.kind != node_kind::container || child.holds_statements()));
        CHECK((child.value.kind != value_kind::word || !child.value.words.empty()));
        CHECK((child.value.kind != value_kind::number || child.value.low < child.value.high));
        CHECK(child.value.high <= 0xffff'ffff);
        check_place(child, path + ' ' + std::string(child.keyword));
    }
    CHECK(silent <= 1);
}

/// One line of the list in docs/configuration.md for each statement that is not only a container.
void list(const schema_node& row, const std::string& path, std::vector<std::string>& lines) {
    for (const schema_node& child : row.children) {
        std::string here = path + (child.silent ? "" : (path.empty() ? "" : " ") + std::string(child.keyword));
        if (child.value.kind == value_kind::number || child.value.kind == value_kind::word) {
            const bool numbered = child.kind == node_kind::entry && child.value.kind == value_kind::number;
            here += numbered ? " N" : " " + std::string(child.value.shown);
        } else if (child.takes_values()) {
            here += ' ' + std::string(child.value.shown);
        }
        if (child.kind != node_kind::container) {
            std::string line = "| `" + here + "` | ";
            if (child.value.kind == value_kind::number) {
                line += junos::allowed(child.value) + ": ";
            } else if (child.value.kind == value_kind::word) {
                line += (child.value.words.size() > 10 ? "a word: " : junos::allowed(child.value) + ": ");
            }
            line += std::string(child.help);
            line += child.kind == node_kind::leaf_list ? " (several)" : "";
            lines.push_back(line + " |");
        }
        list(child, here, lines);
    }
}

}  // namespace

TEST_CASE("the table is sound at every place") {
    check_place(junos::schema, {});
}

TEST_CASE("each setting of the ALG with a range is in the table, with the widest range of any profile") {
    for (const bool low : {true, false}) {
        CAPTURE(low);
        alg::alg_settings s;  // the profile with the wider ranges
        const std::int64_t far = low ? -1 : 100'000'000'000;
        s.state_timeout = s.esp_gate_timeout = s.esp_session_timeout = std::chrono::seconds{far};
        s.hold_limit = s.esp_hold_limit = s.new_sa_pause = s.gate_min = s.learn_timeout = s.phase2_max_hold =
            s.phase2_max_hold_contended = std::chrono::milliseconds{far};
        s.learning_tenures = s.spis_per_exchange = s.learn_flood = s.held_messages_per_client = s.held_esp_per_client =
            s.sessions_per_client = s.exchanges_per_client = s.bindings_per_client = low ? 0 : 0xffff'ffff;
        s.held_bytes = 0;
        std::vector<configuration_error> errors;
        s.validate(errors);
        CHECK(errors.size() == 19);
        for (const configuration_error& e : errors) {
            CAPTURE(e.path);
            const schema_node* row = row_of(e.path);
            REQUIRE(row != nullptr);
            const std::string range = "allowed are " + junos::allowed(row->value);
            CAPTURE(range);
            CHECK(e.message.substr(e.message.find("allowed are")) == range);
        }
    }
}

TEST_CASE("docs/configuration.md lists exactly the statements of the table") {
    std::vector<std::string> lines;
    list(junos::schema, {}, lines);
    std::ifstream in(std::string(IKEALG_TEST_CAPTURES) + "/../../docs/configuration.md", std::ios::binary);
    REQUIRE(in.good());
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    std::string whole;
    for (const std::string& line : lines) {
        whole += line + '\n';
    }
    INFO("the list has to be:\n" << whole);
    for (const std::string& line : lines) {
        CAPTURE(line);
        CHECK(page.find(line + '\n') != std::string::npos);
    }
    std::size_t listed = 0;
    for (std::size_t at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) {
        ++listed;
    }
    CHECK(listed == lines.size());
}
