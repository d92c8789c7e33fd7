// SPDX-License-Identifier: Apache-2.0
/// The whole core of ikealg in one include; no adapter, nothing that needs a library beyond Boost.Endian.
///
/// The test `build.floors` names every core header that is not reachable from here.
#ifndef IKEALG_IKEALG_HPP
#define IKEALG_IKEALG_HPP

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "ikealg/base/checksum.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/packet.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/base/verdict.hpp"
#include "ikealg/version.hpp"

#endif
