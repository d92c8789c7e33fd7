// SPDX-License-Identifier: Apache-2.0
#include "configuration_file.hpp"

#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "ikealg/junos/load.hpp"
#include "ikealg/junos/reader.hpp"
#include "ikealg/junos/writer.hpp"

namespace gateway_example {
namespace {

namespace junos = ikealg::junos;

[[nodiscard]] std::optional<std::vector<junos::source_text>> read_files(const std::vector<std::string>& files, std::ostream& remarks) {
    std::vector<junos::source_text> sources;
    bool good = true;
    for (const std::string& name : files) {
        std::ifstream file(name, std::ios::binary);
        std::ostringstream text;
        const bool opened = file.is_open();
        if (opened && file.peek() != std::ifstream::traits_type::eof()) {
            text << file.rdbuf();
        }
        if (!opened || file.bad()) {
            remarks << name << ": error: cannot be read: " << std::strerror(errno) << '\n';
            good = false;
        }
        junos::source_text source{name, text.str()};
        sources.push_back(std::move(source));
    }
    return good ? std::optional{std::move(sources)} : std::nullopt;
}

void print(std::ostream& out, std::string_view kind, const std::vector<junos::diagnostic>& remarks, std::span<const junos::source_text> sources) {
    for (junos::diagnostic d : remarks) {
        d.message = std::string(kind) + ": " + d.message;
        out << to_string(d, sources) << '\n';
    }
}

template <class Result>
[[nodiscard]] bool take(const Result& r, std::ostream& out, std::span<const junos::source_text> sources) {
    print(out, "error", r.errors, sources);
    print(out, "warning", r.warnings, sources);
    return r.errors.empty();
}

}  // namespace

std::optional<junos::configuration> load(const std::vector<std::string>& files, std::ostream& remarks) {
    const auto sources = read_files(files, remarks);
    if (!sources) {
        return std::nullopt;
    }
    auto result =
        junos::load(*sources, [](std::string_view device) { return if_nametoindex(std::string(device).c_str()) != 0; });
    (void)take(result, remarks, *sources);
    return std::move(result.value);
}

bool show(const std::vector<std::string>& files, show_form form, std::ostream& out, std::ostream& remarks) {
    const auto sources = read_files(files, remarks);
    if (!sources) {
        return false;
    }
    const auto tree = junos::read(*sources);
    if (!take(tree, remarks, *sources)) {
        return false;
    }
    out << (form == show_form::set ? junos::write_set(tree.root) : junos::write_braces(tree.root));
    return true;
}

}  // namespace gateway_example
