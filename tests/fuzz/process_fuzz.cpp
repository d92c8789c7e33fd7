// SPDX-License-Identifier: Apache-2.0
/// libFuzzer target of a whole gateway with tiny tables: clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -Iinclude
///
/// The input is a row of records: a byte of flags (bit 0 zone, bit 1 time passes, bit 2 in two pieces), a byte of length in units of 4, the packet.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ikealg/gateway.hpp"
#include "ikealg/io/memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ikealg;
    auto s = settings<ipv4>::source_nat({{0x0a00'0000}, 8}, {{0xcb00'7101}, {0xcb00'7102}});
    s.alg.enabled = true;
    s.hairpin = true;
    gateway_options options;
    options.capacity = {16, 6, 6, 6, 8, 8};
    options.mappings = options.ports = options.fragments = options.held_fragments = 8;
    auto made = gateway<ipv4, io::memory_packet>::create(s, options);
    if (!made.value) {
        return 0;
    }
    const auto sink = [](io::memory_packet&&, verdict) {};
    instant now{};
    while (size >= 2) {
        const std::uint8_t flags = data[0];
        const std::size_t length = std::min(std::size_t{data[1]} * 4, size - 2);
        io::memory_packet packet(bytes{data + 2, length}, zone_id{static_cast<std::uint16_t>(flags & 1)});
        if ((flags & 4) != 0) {
            packet.split(flags >> 3);
        }
        made.value->process({&packet, 1}, now, sink);
        if ((flags & 2) != 0) {
            now += std::chrono::milliseconds{flags};
            (void)made.value->advance(now, 8, sink);
        }
        data += 2 + length;
        size -= 2 + length;
    }
    while (made.value->advance(now += std::chrono::hours{8}, 1024, sink)) {
    }
    return 0;
}
