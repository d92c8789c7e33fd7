// SPDX-License-Identifier: Apache-2.0
/// What fuzzing found worth keeping, replayed: each packet comes back exactly once, and in the end nothing is left.
#include "fuzz/process_target.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

TEST_CASE("corpus: every packet of every input comes back once, no timer and no packet stays (L6)") {
    std::size_t inputs = 0;
    std::size_t packets = 0;
    std::size_t forwarded = 0;
    for (const auto& entry : std::filesystem::directory_iterator(IKEALG_TEST_CORPUS "/process")) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> raw{std::istreambuf_iterator<char>(file), {}};
        const std::vector<std::uint8_t> input(raw.begin(), raw.end());
        const auto r = ikealg::tests::process_any(input);
        const std::string name = entry.path().filename().string();
        CAPTURE(name);
        CHECK(r.given == r.returned);
        CHECK(r.quiet);
        ++inputs;
        packets += r.given;
        forwarded += r.forwarded;
    }
    std::printf("summary: corpus: %zu inputs, %zu packets, %zu forwarded\n", inputs, packets, forwarded);
    CHECK(inputs >= 50);
    CHECK(forwarded > 0);
}
