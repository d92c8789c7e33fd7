// SPDX-License-Identifier: Apache-2.0
/// The command line of ikealg-replay.
#ifndef REPLAY_OPTIONS_HPP
#define REPLAY_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "ikealg/settings.hpp"

namespace replay {

using ipv4 = ikealg::ipv4;

/// What the user is told in one line before the program ends with status 2.
struct bad_input : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct options {
    std::vector<std::string> captures{};
    std::vector<ikealg::prefix<ipv4>> inside{};  ///< never empty
    bool inside_given = false;
    ikealg::address_spec<ipv4> pool{};
    ikealg::alg::alg_settings alg{};
    std::optional<std::uint32_t> clients{};
    ikealg::duration stagger{};
    std::uint64_t seed = 0;
    bool outside = false;
    bool overlay = false;
    bool dissect = false;
    bool quiet = false;
    std::string json{};
    std::string write_inside{};
    std::string write_outside{};
};

/// Nothing when there is nothing to do but end with status 0 (--help). Throws bad_input.
[[nodiscard]] std::optional<options> parse_options(int argc, char** argv);

}  // namespace replay

#endif
