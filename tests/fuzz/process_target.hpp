// SPDX-License-Identifier: Apache-2.0
/// Any bytes as packets through a whole gateway with tiny tables.
///
/// The input is a row of records: a byte of flags (bit 0 zone, bit 1 time passes, bit 2 in two pieces), a byte of length in units of 4, the packet.
#ifndef IKEALG_TESTS_FUZZ_PROCESS_TARGET_HPP
#define IKEALG_TESTS_FUZZ_PROCESS_TARGET_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ikealg/gateway.hpp"
#include "ikealg/io/memory.hpp"

namespace ikealg::tests {

struct processed {
    std::size_t given = 0;      ///< packets handed to the gateway
    std::size_t returned = 0;   ///< packets that came back with a verdict
    std::size_t forwarded = 0;
    bool quiet = false;         ///< in the end no timer was left
};

[[nodiscard]] inline processed process_any(bytes input) {
    auto s = settings<ipv4>::source_nat({{0x0a00'0000}, 8}, {{0xcb00'7101}, {0xcb00'7102}});
    s.alg.enabled = true;
    s.policy.applications[0].destination_port = {500, 4500};  // IKE, and NAT-T with its pauses (G16)
    s.hairpin = true;
    gateway_options options;
    options.capacity = {16, 6, 6, 6, 8, 8};
    options.mappings = options.ports = options.fragments = options.held_fragments = 8;
    auto made = gateway<ipv4, io::memory_packet>::create(s, options);
    processed result;
    if (!made.value) {
        return result;
    }
    const auto sink = [&result](io::memory_packet&&, verdict v) {
        ++result.returned;
        result.forwarded += v.act == action::forward ? 1 : 0;
    };
    instant now{};
    while (input.size() >= 2) {
        const std::uint8_t flags = input[0];
        const std::size_t length = std::min(std::size_t{input[1]} * 4, input.size() - 2);
        io::memory_packet packet(input.subspan(2, length), zone_id{static_cast<std::uint16_t>(flags & 1)});
        if ((flags & 4) != 0) {
            packet.split(flags >> 3);
        }
        ++result.given;
        made.value->process({&packet, 1}, now, sink);
        if ((flags & 2) != 0) {
            now += std::chrono::milliseconds{flags};
            (void)made.value->advance(now, 8, sink);
        }
        input = input.subspan(2 + length);
    }
    for (int days = 0; days < 4; ++days) {  // the longest idle time is one day
        now += std::chrono::hours{25};
        while (made.value->advance(now, 1024, sink)) {
        }
    }
    result.quiet = !made.value->next_timer().has_value();
    return result;
}

}  // namespace ikealg::tests

#endif
