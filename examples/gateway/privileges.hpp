// SPDX-License-Identifier: Apache-2.0
/// Gives up what a running gateway does not need: of all capabilities CAP_NET_RAW and CAP_NET_ADMIN stay, for devices that
/// a new configuration names; with a user's name the process becomes that user besides.
#ifndef GATEWAY_PRIVILEGES_HPP
#define GATEWAY_PRIVILEGES_HPP

#include <string>

namespace gateway_example {

/// Empty when done, otherwise what failed; then the process should end. Without `user` the user id stays; a process of uid 0 that
/// gave up the rest has no power over files of others, and none comes back by running another program.
[[nodiscard]] std::string drop_privileges(const std::string& user);

}  // namespace gateway_example

#endif
