// SPDX-License-Identifier: Apache-2.0
/// Random configurations: anything that the schema allows, in the order in which the reader gives it.
#ifndef IKEALG_TESTS_JUNOS_RANDOM_TREE_HPP
#define IKEALG_TESTS_JUNOS_RANDOM_TREE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/junos/schema.hpp"
#include "ikealg/junos/statement.hpp"
#include "ikealg/junos/values.hpp"

namespace ikealg::test {

class random_tree {
public:
    explicit random_tree(std::uint32_t seed) : random_(seed) {}

    [[nodiscard]] junos::statement make() {
        junos::statement root;
        fill(root, junos::schema, 0);
        return root;
    }

private:
    [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_() % n; }
    [[nodiscard]] bool chance(std::uint64_t in_ten) { return below(10) < in_ten; }

    [[nodiscard]] std::string name() {
        static const std::vector<std::string> odd{"to",
                                                  "to-zone",
                                                  "set",
                                                  "inactive:",
                                                  "a b",
                                                  "x{y}",
                                                  "[a",
                                                  "#1",
                                                  "/*c",
                                                  "a;b",
                                                  "say \"x\"",
                                                  "back\\",
                                                  "user@host#",
                                                  "\xc3\xa4\xc3\xb6",
                                                  "any",
                                                  "pool",
                                                  "interface",
                                                  "a\xc2\xa0"
                                                  "b",
                                                  "from-zone",
                                                  "delete",
                                                  "1",
                                                  "[edit]",
                                                  "a#b",
                                                  "a/*b*/"};
        if (chance(2)) {
            return odd[below(odd.size())];
        }
        std::string text;
        for (std::size_t i = 1 + below(8); i > 0; --i) {
            text += "abcdefgz0189-_./"[below(16)];
        }
        return text;
    }
    [[nodiscard]] std::string text() {
        std::string text;
        for (std::size_t i = below(12); i > 0; --i) {
            text += "ab \"\\\n\t\r{}[];#/*:nrt"[below(20)];
        }
        return text;
    }
    [[nodiscard]] std::string address() { return to_string(ipv4_address{static_cast<std::uint32_t>(random_())}); }
    [[nodiscard]] std::string with_length() { return address() + '/' + std::to_string(below(33)); }

    void add_values(const junos::schema_node& row, std::vector<std::string>& values) {
        using junos::value_kind;
        const junos::value_type& type = row.value;
        switch (type.kind) {
            case value_kind::none: break;
            case value_kind::name:
            case value_kind::device:
            case value_kind::interface: values.push_back(name()); break;
            case value_kind::text: values.push_back(text()); break;
            case value_kind::word: values.emplace_back(type.words[below(type.words.size())]); break;
            case value_kind::number:
                values.push_back(std::to_string(type.low + below(type.high - type.low + 1)));
                break;
            case value_kind::address: values.push_back(address()); break;
            case value_kind::host_prefix: values.push_back(with_length()); break;
            case value_kind::prefix: values.push_back(chance(5) ? address() : with_length()); break;
            case value_kind::prefix_range:
                values.push_back(with_length());
                if (chance(5)) {
                    values.emplace_back("to");
                    values.push_back(with_length());
                }
                break;
            case value_kind::address_range: values = {address(), "to", address()}; break;
            case value_kind::ports:
                values.push_back(chance(5) ? std::to_string(below(65536)) : std::to_string(below(500)) + "-65535");
                break;
            case value_kind::port_range:
                values.push_back(std::to_string(1024 + below(64512)));
                if (chance(5)) {
                    values.emplace_back("to");
                    values.push_back(std::to_string(1024 + below(64512)));
                }
                break;
            case value_kind::protocol: values.emplace_back(chance(5) ? "udp" : std::to_string(below(256))); break;
            case value_kind::zone_pair: values = {name(), "to-zone", name()}; break;
        }
    }
    /// The key that the reader tells entries apart by.
    [[nodiscard]] static std::string key(const junos::schema_node& row, const junos::statement& s) {
        std::string text;
        for (const std::string& value : s.values) {
            text += value + '\0';
            if (row.value.kind == junos::value_kind::prefix_range) {
                break;
            }
        }
        return text;
    }

    void fill(junos::statement& s, const junos::schema_node& schema, int depth) {
        std::vector<std::uint8_t> chosen;
        for (const junos::schema_node& row : schema.children) {
            if (!chance(depth < 2 ? 8 : 4) ||
                (row.choice != 0 && std::find(chosen.begin(), chosen.end(), row.choice) != chosen.end())) {
                continue;
            }
            std::vector<std::string> keys;
            const std::size_t count = row.kind == junos::node_kind::entry ? 1 + below(3) : 1;
            for (std::size_t i = 0; i < count; ++i) {
                junos::statement child;
                child.keyword = row.keyword;
                child.silent = row.silent;
                child.inactive = chance(1);
                if (row.kind == junos::node_kind::leaf_list) {
                    for (std::size_t n = 1 + below(4); n > 0; --n) {
                        std::vector<std::string> value;
                        add_values(row, value);
                        if (std::find(child.values.begin(), child.values.end(), value.front()) == child.values.end()) {
                            child.values.push_back(value.front());
                        }
                    }
                } else {
                    add_values(row, child.values);
                }
                const std::string k = key(row, child);
                if (std::find(keys.begin(), keys.end(), k) != keys.end()) {
                    continue;
                }
                keys.push_back(k);
                fill(child, row, depth + 1);
                if (row.kind != junos::node_kind::container || !child.children.empty()) {
                    s.children.push_back(std::move(child));
                    chosen.push_back(row.choice);
                }
            }
        }
    }

    std::mt19937 random_;
};

}  // namespace ikealg::test

#endif
