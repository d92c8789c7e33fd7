// SPDX-License-Identifier: Apache-2.0
/// The version of ikealg: the one source of it. CMake and Conan read these three lines.
///
/// The library lives in `inline namespace v0`, so that two minor lines linked into one program never share
/// a symbol. While the major version is 0, source compatibility holds inside a minor version.
#ifndef IKEALG_VERSION_HPP
#define IKEALG_VERSION_HPP

#include <string>

#define IKEALG_VERSION_MAJOR 0
#define IKEALG_VERSION_MINOR 1
#define IKEALG_VERSION_PATCH 0

namespace ikealg::inline v0 {

struct version_number {
    int major_part;
    int minor_part;
    int patch_part;
    friend constexpr bool operator==(const version_number&, const version_number&) = default;
};

/// The version of these headers (not of a compiled library: there is none).
inline constexpr version_number version{IKEALG_VERSION_MAJOR, IKEALG_VERSION_MINOR, IKEALG_VERSION_PATCH};

/// "0.1.0"
[[nodiscard]] inline std::string to_string(const version_number& v) {
    return std::to_string(v.major_part) + '.' + std::to_string(v.minor_part) + '.' + std::to_string(v.patch_part);
}

}  // namespace ikealg::inline v0

#endif
