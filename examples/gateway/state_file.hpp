// SPDX-License-Identifier: Apache-2.0
/// The gateway's state between two runs: written at the end, read at the start, so that tunnels outlive a restart (N18).
///
/// The file is for the program that wrote it: it begins with the library's version, the sizes of the records and the names of zones and
/// pools, and is refused when one of them differs. It is replaced as a whole, so that a crash leaves the old one or the new one.
#ifndef GATEWAY_STATE_FILE_HPP
#define GATEWAY_STATE_FILE_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ikealg/gateway.hpp"
#include "ikealg/version.hpp"

namespace gateway_example {

using record = ikealg::state_record<ikealg::ipv4>;

/// What the two runs must have in common.
[[nodiscard]] inline std::string fingerprint_of(const ikealg::settings<ikealg::ipv4>& s) {
    std::string text = "ikealg-state " + to_string(ikealg::version) + " records " + std::to_string(ikealg::record_version);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((text += " " + std::to_string(sizeof(std::variant_alternative_t<I, decltype(record::body)>))), ...);
    }(std::make_index_sequence<std::variant_size_v<decltype(record::body)>>{});
    for (const auto& zone : s.policy.zones) {
        text += " zone " + zone.name;
    }
    for (const auto& pool : s.nat.pools) {
        text += " pool " + pool.name;
    }
    return text + "\n";
}

/// Says what was read or why not; never half a record.
struct state_result {
    std::size_t taken = 0;
    std::size_t refused = 0;  ///< records that did not fit
    std::string error{};      ///< the file cannot be used; what `taken` counts has been taken
};

/// Where a file is written before it takes the place of the old one.
[[nodiscard]] inline std::string unfinished_name(const std::string& path) { return path + ".new"; }

/// Tries what `write_state` begins with; empty when it can be done.
[[nodiscard]] inline std::string why_not_writable(const std::string& path) {
    const std::string unfinished = unfinished_name(path);
    if (!std::ofstream(unfinished, std::ios::binary | std::ios::app)) {
        return "cannot write " + path + ": " + std::strerror(errno);
    }
    (void)std::remove(unfinished.c_str());
    return {};
}

template <class Gateway>
[[nodiscard]] std::string write_state(const std::string& path, const Gateway& gateway, const std::string& fingerprint) {
    const std::string unfinished = unfinished_name(path);
    std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
    file << fingerprint;
    gateway.export_records([&file](const record& r) {
        std::visit(
            [&](const auto& body) {
                static_assert(std::is_trivially_copyable_v<std::decay_t<decltype(body)>>);
                std::array<char, sizeof body> raw{};
                std::memcpy(raw.data(), &body, sizeof body);
                file.put(static_cast<char>(r.body.index()));
                file.write(raw.data(), static_cast<std::streamsize>(raw.size()));
            },
            r.body);
    });
    file.put(static_cast<char>(0x7f));  // the end: a file that was cut off has none
    file.close();
    if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0) {
        return "cannot write " + path + ": " + std::strerror(errno);
    }
    return {};
}

template <class Gateway>
[[nodiscard]] state_result read_state(const std::string& path, Gateway& gateway, const std::string& fingerprint, ikealg::instant now) {
    state_result result;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        result.error = "cannot read " + path + ": " + std::strerror(errno);
        return result;
    }
    std::string first(fingerprint.size(), '\0');
    if (!file.read(first.data(), static_cast<std::streamsize>(first.size())) || first != fingerprint) {
        result.error = path + " was written by another version or with other zones or pools";
        return result;
    }
    const auto take = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
        using body = std::variant_alternative_t<I, decltype(record::body)>;
        std::array<char, sizeof(body)> raw{};
        if (!file.read(raw.data(), static_cast<std::streamsize>(raw.size()))) {
            return false;
        }
        body b{};
        std::memcpy(static_cast<void*>(&b), raw.data(), raw.size());
        record r;
        r.body = b;
        ++(gateway.import_record(r, now) ? result.taken : result.refused);
        return true;
    };
    for (int kind = file.get(); kind != 0x7f; kind = file.get()) {
        const bool good = [&]<std::size_t... I>(std::index_sequence<I...>) {
            return ((static_cast<int>(I) == kind && take(std::integral_constant<std::size_t, I>{})) || ...);
        }(std::make_index_sequence<std::variant_size_v<decltype(record::body)>>{});
        if (!good) {
            result.error = path + " is damaged or cut off";
            break;
        }
    }
    return result;
}

}  // namespace gateway_example

#endif
