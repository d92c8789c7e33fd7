// SPDX-License-Identifier: Apache-2.0
/// --dissect: a row for each IKE, ESP, AH or NAT-T packet.
#ifndef REPLAY_DISSECT_HPP
#define REPLAY_DISSECT_HPP

#include "options.hpp"

namespace replay {

/// Prints to standard output; frame numbers begin anew with each capture. Throws bad_input.
void dissect(const options& o);

}  // namespace replay

#endif
