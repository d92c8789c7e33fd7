// SPDX-License-Identifier: Apache-2.0
/// What is wrong with a configuration, and the result of building something from one (P3).
///
/// A build reports every error it can find in one go and gives a value only when there is none, so nothing is ever
/// half applied. Each entry names the statement it is about by its path, for example
/// `security policies from-zone trust to-zone untrust policy p1 match source-address foo`.
///
/// Thread safety: values. Configuration path only: these types allocate.
#ifndef IKEALG_BASE_CONFIGURATION_ERROR_HPP
#define IKEALG_BASE_CONFIGURATION_ERROR_HPP

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ikealg::inline v0 {

/// One remark on a configuration: the statement's path and a sentence.
struct configuration_error {
    std::string path;
    std::string message;
    friend bool operator==(const configuration_error&, const configuration_error&) = default;
};

/// Either a value and perhaps warnings, or errors and no value.
template <class T>
struct built {
    std::optional<T> value{};
    std::vector<configuration_error> errors{};
    std::vector<configuration_error> warnings{};

    [[nodiscard]] explicit operator bool() const noexcept { return value.has_value(); }
};

/// Collects remarks while a configuration is checked.
struct configuration_report {
    std::vector<configuration_error> errors{};
    std::vector<configuration_error> warnings{};

    void error(std::string path, std::string message) { errors.push_back({std::move(path), std::move(message)}); }
    void warn(std::string path, std::string message) { warnings.push_back({std::move(path), std::move(message)}); }
    [[nodiscard]] bool clean() const noexcept { return errors.empty(); }
};

}  // namespace ikealg::inline v0

#endif
