// SPDX-License-Identifier: Apache-2.0
/// A live gateway's whole configuration: what a text in Junos words means.
///
/// Thread safety: values. Configuration path only: these types allocate.
#ifndef IKEALG_JUNOS_CONFIGURATION_HPP
#define IKEALG_JUNOS_CONFIGURATION_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/host/settings.hpp"
#include "ikealg/junos/statement.hpp"
#include "ikealg/settings.hpp"

namespace ikealg::inline v0::junos {

/// How packets reach a device, `interfaces I ikealg backend`.
enum class backend : std::uint8_t { af_packet, tap, tun };

[[nodiscard]] constexpr std::string_view to_string(backend b) noexcept {
    return b == backend::af_packet ? "af-packet" : b == backend::tap ? "tap" : "tun";
}

/// A Linux network device. Its place among the devices is the `port` of its logical interfaces.
struct device {
    std::string name{};
    backend kind = backend::af_packet;
    std::size_t receive_buffer = 0;  ///< bytes that may wait to be received; 0: the backend's own
    bool present = true;  ///< what the environment said; a tap or tun is made when it is not there
    position at{};        ///< where the text names it first
};

/// `security alg ike-esp-nat traceoptions`: what the ALG tells about its work.
struct trace_settings {
    bool enabled = false;  ///< `flag all`
    std::string file{};    ///< standard error when empty
    std::string level = "verbose";  ///< so that `flag all` alone tells more than a log does
};

/// `system syslog file F any LEVEL`.
struct log_settings {
    std::string file{};
    std::string level = "any";
};

struct configuration {
    settings<ipv4> gateway{};
    host::host_settings host{};
    gateway_options options{};  ///< the capacities; seed, start and shards are the program's
    std::vector<device> devices{};
    trace_settings trace{};
    std::vector<log_settings> logs{};
};

/// A value when there is no error. Remarks stand in the order of the text.
struct configuration_result {
    std::optional<configuration> value{};
    std::vector<diagnostic> errors{};
    std::vector<diagnostic> warnings{};
};

}  // namespace ikealg::inline v0::junos

#endif
