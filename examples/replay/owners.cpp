// SPDX-License-Identifier: Apache-2.0
#include "owners.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <regex>

namespace replay {

spi_owners read_owners(const std::string& capture_path,
                       const std::vector<ikealg::prefix<ikealg::ipv4>>& inside_prefixes) {
    const auto is_client = [&](ikealg::ipv4_address a) {
        return std::any_of(inside_prefixes.begin(), inside_prefixes.end(),
                           [&](const auto& p) { return p.contains(a); });
    };
    const std::filesystem::path path(capture_path);
    std::string name = path.stem().string();
    if (const auto at = name.rfind("-inside"); at != std::string::npos) {
        name.resize(at);
    }
    std::ifstream file(path.parent_path() / (name + ".flows.txt"));

    struct row {
        ikealg::ipv4_address from{};
        std::uint32_t spi = 0;
        std::string owner{};
    };
    std::vector<row> rows;
    const std::regex form(R"(\besp\s+(\d+\.\d+\.\d+\.\d+) > \d+\.\d+\.\d+\.\d+\s+([0-9a-f]{1,8})\s+\(SPI of (\w+)\))");
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.find(" wire") != std::string::npos) {
            inside = line.rfind("inside", 0) == 0;
        }
        std::smatch m;
        if (!inside || !std::regex_search(line, m, form)) {
            continue;
        }
        row r;
        const std::string spi = m[2];
        (void)std::from_chars(spi.data(), spi.data() + spi.size(), r.spi, 16);
        if (const auto from = ikealg::ipv4_address::parse(m[1].str())) {
            r.from = *from;
            r.owner = m[3];
            rows.push_back(std::move(r));
        }
    }
    std::unordered_map<std::string, ikealg::ipv4_address> address_of;
    for (const row& r : rows) {
        if (is_client(r.from)) {
            address_of.emplace(r.owner, r.from);
        }
    }
    spi_owners owners;
    for (const row& r : rows) {
        const auto a = address_of.find(r.owner);
        if (a != address_of.end() && !is_client(r.from)) {
            owners.emplace(r.spi, a->second);
        }
    }
    return owners;
}

}  // namespace replay
