// SPDX-License-Identifier: Apache-2.0
/// Words to write plans with, and how many states a plan may have in this build.
#ifndef IKEALG_TESTS_MODEL_PLANS_HPP
#define IKEALG_TESTS_MODEL_PLANS_HPP

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "plan.hpp"

namespace ikealg::tests::model {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IKEALG_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(IKEALG_SANITIZED) || !defined(__OPTIMIZE__)
inline constexpr bool fast_build = false;
#else
inline constexpr bool fast_build = true;
#endif

/// IKEALG_EXPLORER_STATES, or what a test run has time for; sanitized and unoptimised builds have a small bound of their own.
inline std::size_t bound() {
    const char* set = std::getenv("IKEALG_EXPLORER_STATES");
    return set != nullptr ? static_cast<std::size_t>(std::strtoull(set, nullptr, 10)) : fast_build ? 1'500'000 : 4'000;
}

/// A client of server 0 behind nat address 0.
inline tunnel_plan client(std::uint8_t n, std::vector<script> exchanges) {
    return {n, 0, 0, std::move(exchanges)};
}
/// Clients of one slot with one exchange each.
inline std::vector<tunnel_plan> clients(const std::vector<script>& exchanges) {
    std::vector<tunnel_plan> all;
    for (const script s : exchanges) {
        all.push_back(client(static_cast<std::uint8_t>(all.size()), {s}));
    }
    return all;
}

/// Repetition, loss and two ESP packets each way.
inline plan full(std::string name, std::vector<tunnel_plan> tunnels) {
    plan p;
    p.name = std::move(name);
    p.tunnels = std::move(tunnels);
    return p;
}
/// Each message once, one ESP packet each way; in every order.
inline plan slim(std::string name, std::vector<tunnel_plan> tunnels) {
    plan p = full(std::move(name), std::move(tunnels));
    p.sends = 1;
    p.loss = false;
    p.esp_out = p.esp_in = 1;
    return p;
}
inline plan answers_only(plan p) {
    p.name += ", answers only";
    p.server_first = false;
    return p;
}
inline plan in_time(plan p) {
    p = answers_only(std::move(p));
    p.name += " in time";
    p.prompt = true;
    return p;
}
inline plan with_round_trip(plan p) {
    p.name += ", round trip 30 ms";
    p.round_trip = std::chrono::milliseconds{30};
    return p;
}
inline plan with_pauses(plan p, unsigned n) {
    p.name += ", " + std::to_string(n) + (n == 1 ? " pause" : " pauses");
    p.pauses = n;
    return p;
}
inline plan cold(plan p) {
    p.name += ", IKE not seen before";
    p.proven = false;
    return p;
}
inline plan alone(plan p) {
    p.name += ", alone on its slot";
    p.alone = true;
    return p;
}
inline plan junos(plan p) {
    p.name = "junos: " + p.name;
    p.settings = alg::alg_settings::of(alg::profile::junos);
    return p;
}
inline plan repeated(plan p) {
    p.name += ", repeated";
    p.sends = 2;
    return p;
}
inline plan lossy(plan p) {
    p = repeated(std::move(p));
    p.name += ", lost";
    p.loss = true;
    return p;
}
inline plan two_esp(plan p) {
    p.name += ", 2 ESP";
    p.esp_out = p.esp_in = 2;
    return p;
}
/// No limits that count: a tenure more or less makes no exchange one-way (G12), an SPI more or less no flood (L7).
inline plan unlimited(plan p) {
    p.name += ", any number of each";
    p.unlimited = true;
    p.settings.learning_tenures = ~0U;
    p.settings.learn_flood = ~0U;
    p.settings.held_esp_per_client = 1;
    return p;
}
inline plan strict(plan p) {
    p.name += ", strict";
    p.settings.drop_contested = true;
    return p;
}
inline plan unreduced(plan p) {
    p.reduced = false;
    return p;
}

}  // namespace ikealg::tests::model

#endif
