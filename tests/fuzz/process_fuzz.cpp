// SPDX-License-Identifier: Apache-2.0
/// libFuzzer target of process_target.hpp: clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -Iinclude -Itests
/// Inputs that are worth keeping go to tests/corpus/process, which corpus_test.cpp replays.
#include "fuzz/process_target.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto r = ikealg::tests::process_any({data, size});
    if (r.given != r.returned || !r.quiet) {
        std::abort();
    }
    return 0;
}
