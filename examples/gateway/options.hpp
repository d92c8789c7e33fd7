// SPDX-License-Identifier: Apache-2.0
/// The command line.
#ifndef GATEWAY_OPTIONS_HPP
#define GATEWAY_OPTIONS_HPP

#include <optional>
#include <string>
#include <vector>

namespace gateway_example {

enum class show_form { none, braces, set };

struct options {
    std::vector<std::string> configurations{};  ///< read together, as one
    bool check = false;
    show_form show = show_form::none;
    std::string state_file{};
    std::string user{};
    std::string log_level{};  ///< instead of the configuration's
    std::string log_file{};
};

/// Nothing when the program shall end with `status`: help and version are printed, a mistake is named on standard error.
[[nodiscard]] std::optional<options> parse(int argc, char** argv, int& status);

}  // namespace gateway_example

#endif
