// SPDX-License-Identifier: Apache-2.0
/// The whole core, compiled with -fno-exceptions -fno-rtti and every warning an error.
#include "ikealg/ikealg.hpp"

static_assert(ikealg::version ==
              ikealg::version_number{IKEALG_VERSION_MAJOR, IKEALG_VERSION_MINOR, IKEALG_VERSION_PATCH});
