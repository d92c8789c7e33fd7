// SPDX-License-Identifier: Apache-2.0
/// Frames of the project's own captures, for tests of exact bytes.
#ifndef IKEALG_TESTS_SUPPORT_CAPTURED_HPP
#define IKEALG_TESTS_SUPPORT_CAPTURED_HPP

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ikealg/io/pcap.hpp"
#include "support/captures.hpp"
#include "support/hex.hpp"

namespace ikealg_tests {

/// The Ethernet frames of `name`.pcap; that of number n, as analysers count, is at n - 1. Without the file the test
/// program ends. No frame has spare capacity that would hide a read beyond its end from a sanitizer.
inline std::vector<octets> captured(const std::string& name) {
    const std::string path = (own_captures() / (name + ".pcap")).string();
    auto opened = ikealg::io::pcap_reader::open(path);
    std::vector<octets> frames;
    if (opened) {
        while (const auto frame = opened.value->next()) {
            frames.emplace_back(frame->frame.begin(), frame->frame.end());
        }
    }
    if (!opened || opened.value->error() || frames.empty()) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        std::abort();
    }
    return frames;
}

/// The network packet in an untagged frame.
inline std::span<const std::uint8_t> network_of(const octets& frame) {
    return std::span{frame}.subspan(14);
}

}  // namespace ikealg_tests

#endif
