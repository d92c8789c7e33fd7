// SPDX-License-Identifier: Apache-2.0
/// Addresses and prefixes by number, for tests that run for both families.
#ifndef IKEALG_TESTS_SUPPORT_ADDRESSES_HPP
#define IKEALG_TESTS_SUPPORT_ADDRESSES_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/configuration_error.hpp"

namespace ikealg::tests {

/// Address `n` of 10.0.0.0/8 or of 2001:db8::/64.
template <class Family>
[[nodiscard]] typename Family::address numbered(std::uint32_t n) {
    if constexpr (Family::version == 4) {
        return {0x0a00'0000U + n};
    } else {
        return {0x2001'0db8'0000'0000U, n};
    }
}

/// The prefix that begins at address `n` and holds 2^host_bits addresses; may have host bits set.
template <class Family>
[[nodiscard]] prefix<Family> block(std::uint32_t n, unsigned host_bits) {
    return {numbered<Family>(n), static_cast<std::uint8_t>(Family::address::bits - host_bits)};
}

/// Whether a remark with this path stands in the list, its message containing `part`.
[[nodiscard]] inline bool says(const std::vector<configuration_error>& list, const std::string& path,
                               const std::string& part) {
    for (const auto& e : list) {
        if (e.path == path && e.message.find(part) != std::string::npos) {
            return true;
        }
    }
    return false;
}

/// All remarks as text, for failure messages.
[[nodiscard]] inline std::string text_of(const std::vector<configuration_error>& list) {
    std::string text;
    for (const auto& e : list) {
        text += "\n[" + e.path + "] " + e.message;
    }
    return text;
}

}  // namespace ikealg::tests

#endif
