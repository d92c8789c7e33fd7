// SPDX-License-Identifier: Apache-2.0
/// Packet bytes in tests: hex in, exactly sized heap buffers out, so that a sanitizer sees every read beyond them.
#ifndef IKEALG_TESTS_SUPPORT_HEX_HPP
#define IKEALG_TESTS_SUPPORT_HEX_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ikealg_tests {

using octets = std::vector<std::uint8_t>;

/// The bytes of `text`; blanks between the digits are ignored, anything else ends the test program.
inline octets hex(std::string_view text) {
    octets out;
    int high = -1;
    for (const char c : text) {
        if (c == ' ' || c == '\n') {
            continue;
        }
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            std::fprintf(stderr, "not hex: %c\n", c);
            std::abort();
        }
        if (high < 0) {
            high = digit;
        } else {
            out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
            high = -1;
        }
    }
    return out;
}

inline std::string to_hex(std::span<const std::uint8_t> data) {
    std::string text;
    for (const unsigned b : data) {
        text += "0123456789abcdef"[b >> 4U];
        text += "0123456789abcdef"[b & 15U];
    }
    return text;
}

/// A copy of bytes in an allocation of exactly their number.
class exact_copy {
public:
    explicit exact_copy(std::span<const std::uint8_t> from)
        : size_(from.size()), data_(std::make_unique<std::uint8_t[]>(from.size())) {
        std::copy(from.begin(), from.end(), data_.get());
    }
    [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {data_.get(), size_}; }

private:
    std::size_t size_;
    std::unique_ptr<std::uint8_t[]> data_;
};

}  // namespace ikealg_tests

#endif
