// SPDX-License-Identifier: Apache-2.0
/// From files to a configuration, with every remark printed as FILE:LINE:COLUMN.
#ifndef GATEWAY_CONFIGURATION_FILE_HPP
#define GATEWAY_CONFIGURATION_FILE_HPP

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "ikealg/junos/configuration.hpp"
#include "options.hpp"

namespace gateway_example {

/// Reads all files as one configuration. Errors and warnings go to `remarks`; nothing when there is an error.
[[nodiscard]] std::optional<ikealg::junos::configuration> load(const std::vector<std::string>& files, std::ostream& remarks);

/// Prints what was read in the form wanted; false when a file cannot be read or has errors, which go to `remarks`.
[[nodiscard]] bool show(const std::vector<std::string>& files, show_form form, std::ostream& out, std::ostream& remarks);

}  // namespace gateway_example

#endif
