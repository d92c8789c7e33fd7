// SPDX-License-Identifier: Apache-2.0
/// Where the tests find captures.
#ifndef IKEALG_TESTS_SUPPORT_CAPTURES_HPP
#define IKEALG_TESTS_SUPPORT_CAPTURES_HPP

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

namespace ikealg_tests {

/// The root of the repository that this test was compiled from.
inline std::filesystem::path repository() {
    return std::filesystem::absolute(__FILE__).parent_path().parent_path().parent_path();
}

/// The project's own captures; always there.
inline std::filesystem::path own_captures() {
    return repository() / "tests" / "captures";
}

/// The captures published by others: where IKEALG_PUBLIC_CAPTURES says, or beside the repository. Empty when they are
/// absent; the test then says that it is skipped.
inline std::optional<std::filesystem::path> public_captures() {
    const char* given = std::getenv("IKEALG_PUBLIC_CAPTURES");
    const auto folder = given != nullptr && *given != '\0'
                            ? std::filesystem::path{given}
                            : repository().parent_path() / "shared" / "captures" / "public";
    std::error_code ignored;
    return std::filesystem::is_directory(folder, ignored) ? std::optional{folder} : std::nullopt;
}

}  // namespace ikealg_tests

#endif
