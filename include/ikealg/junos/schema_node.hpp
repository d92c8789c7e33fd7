// SPDX-License-Identifier: Apache-2.0
/// What a row of the table of statements says (junos/schema.hpp): keyword, kind, type of the values, layout, help.
///
/// Thread safety: constants. Complexity: searches are linear in the number of statements at one place.
#ifndef IKEALG_JUNOS_SCHEMA_NODE_HPP
#define IKEALG_JUNOS_SCHEMA_NODE_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ikealg::inline v0::junos {

enum class node_kind : std::uint8_t {
    container,  ///< holds statements; one without any is as if it had not been said
    entry,      ///< one of a list, told apart by its key; may hold statements
    leaf,       ///< one value, the last one said counts
    leaf_list,  ///< several values, all count
    flag,       ///< said or not
};

enum class value_kind : std::uint8_t {
    none,
    name,           ///< what the operator calls a thing: up to 63 bytes without blanks
    text,           ///< anything on one line
    word,           ///< one of `value_type::words`
    number,         ///< `low` to `high`
    address,        ///< A
    host_prefix,    ///< A/L, the address of an interface and the length of its net
    prefix,         ///< A/L or A
    prefix_range,   ///< A/L, or A/32 to B/32
    address_range,  ///< A to B
    ports,          ///< P, P-Q or the name of a service
    port_range,     ///< P or P to Q, numbers from 1024 on
    protocol,       ///< a name or 0 to 255
    device,         ///< name of an interface without a unit
    interface,      ///< name of an interface with or without its unit: ge-0/0/1.0
    zone_pair,      ///< Z to-zone Z
};

/// Type of the value or values of a statement.
struct value_type {
    value_kind kind = value_kind::none;
    std::string_view shown{};  ///< how help and documentation write it
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::string_view unit{};
    std::span<const std::string_view> words{};
};

/// One row. `children` are what may stand inside.
struct schema_node {
    std::string_view keyword{};
    node_kind kind = node_kind::container;
    value_type value{};
    std::string_view help{};
    std::span<const schema_node> children{};
    std::uint8_t choice = 0;  ///< of siblings with the same number, not 0, the last one said counts
    bool silent = false;      ///< the text has the value only, not the keyword
    bool in_line = false;     ///< written without braces around an only child: `from zone Z;`
    bool block = false;       ///< values are written in braces, one a line: `address { A; B; }`

    [[nodiscard]] constexpr schema_node in_choice(std::uint8_t number) const noexcept {
        schema_node n = *this;
        n.choice = number;
        return n;
    }
    [[nodiscard]] constexpr schema_node without_keyword() const noexcept {
        schema_node n = *this;
        n.silent = true;
        return n;
    }
    [[nodiscard]] constexpr schema_node written_in_line() const noexcept {
        schema_node n = *this;
        n.in_line = true;
        return n;
    }
    [[nodiscard]] constexpr schema_node written_as_block() const noexcept {
        schema_node n = *this;
        n.block = true;
        return n;
    }
    [[nodiscard]] constexpr bool holds_statements() const noexcept { return !children.empty(); }
    [[nodiscard]] constexpr bool takes_values() const noexcept { return value.kind != value_kind::none; }

    /// The statement of a keyword at this place, or nullptr; those without a written keyword are found too.
    [[nodiscard]] constexpr const schema_node* find(std::string_view name) const noexcept {
        for (const schema_node& child : children) {
            if (child.keyword == name) {
                return &child;
            }
        }
        return nullptr;
    }
    /// The statement that begins with a word of the text: one whose keyword it is, else nullptr.
    [[nodiscard]] constexpr const schema_node* find_said(std::string_view word) const noexcept {
        const schema_node* child = find(word);
        return child != nullptr && !child->silent ? child : nullptr;
    }
    /// The statement without a written keyword at this place, or nullptr; there is at most one.
    [[nodiscard]] constexpr const schema_node* silent_child() const noexcept {
        for (const schema_node& child : children) {
            if (child.silent) {
                return &child;
            }
        }
        return nullptr;
    }
};

[[nodiscard]] constexpr schema_node container(std::string_view keyword, std::span<const schema_node> children,
                                              std::string_view help) noexcept {
    return {keyword, node_kind::container, {}, help, children};
}
[[nodiscard]] constexpr schema_node entry(std::string_view keyword, value_type key,
                                          std::span<const schema_node> children, std::string_view help) noexcept {
    return {keyword, node_kind::entry, key, help, children};
}
[[nodiscard]] constexpr schema_node entry(std::string_view keyword, value_type key, std::string_view help) noexcept {
    return {keyword, node_kind::entry, key, help};
}
[[nodiscard]] constexpr schema_node leaf(std::string_view keyword, value_type value, std::string_view help) noexcept {
    return {keyword, node_kind::leaf, value, help};
}
[[nodiscard]] constexpr schema_node leaf_list(std::string_view keyword, value_type value,
                                              std::string_view help) noexcept {
    return {keyword, node_kind::leaf_list, value, help};
}
[[nodiscard]] constexpr schema_node flag(std::string_view keyword, std::string_view help) noexcept {
    return {keyword, node_kind::flag, {}, help};
}

[[nodiscard]] constexpr value_type name_of(std::string_view shown) noexcept {
    return {value_kind::name, shown};
}
[[nodiscard]] constexpr value_type value_of(value_kind kind, std::string_view shown) noexcept {
    return {kind, shown};
}
[[nodiscard]] constexpr value_type number(std::uint64_t low, std::uint64_t high, std::string_view unit = {}) noexcept {
    return {value_kind::number, "NUMBER", low, high, unit};
}
[[nodiscard]] constexpr value_type one_of(std::span<const std::string_view> words) noexcept {
    return {value_kind::word, "WORD", 0, 0, {}, words};
}

}  // namespace ikealg::inline v0::junos

#endif
