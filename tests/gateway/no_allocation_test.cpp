// SPDX-License-Identifier: Apache-2.0
/// L1: nothing allocates after construction. Counts calls of the global operator new while packets pass; not under sanitizers, which have their own.
#include "ikealg/gateway.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IKEALG_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IKEALG_TEST_SANITIZED 1
#endif
#endif

#ifndef IKEALG_TEST_SANITIZED

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "gateway/packet_mix.hpp"

namespace {
bool counting = false;
std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
    allocations += counting ? 1 : 0;
    if (void* const p = std::malloc(size == 0 ? 1 : size)) {
        return p;
    }
    std::abort();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace ikealg_tests;

namespace {

/// A handle to bytes that the test owns: the handle itself never allocates.
class borrowed {
public:
    borrowed() = default;
    borrowed(octets& data, zone_id zone) : data_(&data), zone_(zone) {}
    [[nodiscard]] zone_id zone() const noexcept { return zone_; }
    [[nodiscard]] std::size_t network_length() const noexcept { return data_->size(); }
    [[nodiscard]] mutable_bytes network() noexcept { return *data_; }
    [[nodiscard]] bool ensure_contiguous(std::size_t n) noexcept { return n <= data_->size(); }
    [[nodiscard]] bool ensure_writable(std::size_t n) noexcept { return n <= data_->size(); }

private:
    octets* data_ = nullptr;
    zone_id zone_{};
};

}  // namespace

TEST_CASE("L1: process() and advance() allocate nothing") {
    for (const auto profile : {alg::profile::practical, alg::profile::junos}) {
        auto s = settings<ipv4>::source_nat({v4("10.0.0.0"), 8}, {v4("203.0.113.1"), v4("203.0.113.2")});
        s.alg = alg::alg_settings::of(profile);
        s.alg.enabled = true;
        s.hairpin = true;
        s.policy.applications[0].destination_port = {500, 4500};  // IKE, and NAT-T with its pauses (G16)
        gateway_options o;
        o.capacity = {256, 64, 64, 64, 128, 64};
        auto made = gateway<ipv4, borrowed>::create(s, o);
        REQUIRE(made.value);
        packet_mix mix(5);
        std::vector<octets> data;
        std::vector<zone_id> zones;
        for (int i = 0; i < 20'000; ++i) {
            auto p = mix.next();
            data.push_back(p.network_copy());
            zones.push_back(p.zone());
        }
        std::size_t returned = 0;
        instant now{};
        const auto sink = [&](borrowed&&, verdict) { ++returned; };
        counting = true;
        for (std::size_t i = 0; i < data.size(); i += 8) {
            std::array<borrowed, 8> burst;
            for (std::size_t j = 0; j < 8; ++j) {
                burst[j] = borrowed(data[i + j], zones[i + j]);
            }
            made.value->process(burst, now, sink);
            now += std::chrono::milliseconds{i % 7 * 50};
            (void)made.value->advance(now, 16, sink);
        }
        counting = false;
        CHECK(allocations == 0);
        CHECK(returned > data.size() / 2);
        while (made.value->advance(now += std::chrono::hours{1}, 1024, sink)) {
        }
        CHECK(returned == data.size());
    }
}

#endif
