// SPDX-License-Identifier: Apache-2.0
/// The rows that `ikealg-replay --dissect` prints, against those of an independent decoder (tshark): the project's own captures, and those
/// published by others where they are present.
#include <doctest/doctest.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "captures/program.hpp"
#include "support/captures.hpp"

using namespace ikealg_tests;

namespace {

using row = std::map<std::string, std::string>;

/// Rows by frame number, cells by the name of their column.
std::map<std::string, row> rows_of(const std::string& tsv) {
    std::map<std::string, row> rows;
    std::vector<std::string> names;
    std::istringstream lines(tsv);
    for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> cells(1);
        for (const char c : line) {
            if (c == '\t') {
                cells.emplace_back();
            } else {
                cells.back() += c;
            }
        }
        if (names.empty()) {
            names = cells;
            continue;
        }
        row r;
        for (std::size_t i = 0; i < std::min(names.size(), cells.size()); ++i) {
            r[names[i]] = cells[i];
        }
        rows[r["frame"]] = r;
    }
    return rows;
}

/// Captures whose rows differ from the decoder's, and why: how many rows are not compared.
struct explained {
    std::string capture;
    std::size_t rows;
    std::string why;
};
const std::vector<explained> known{
    {"pcapplusplus_ipsec.pcapng", 3, "libpcap refuses a pcapng file of interfaces with different snapshot lengths"},
};

struct count {
    std::size_t captures = 0;
    std::size_t equal = 0;
    std::size_t noted = 0;    ///< the decoder itself calls them malformed, or reassembled a fragment
    std::size_t excused = 0;  ///< in the list above
};

void compare(const std::filesystem::path& capture, count& n) {
    CAPTURE(capture.filename().string());
    const auto truth = rows_of(file_content(capture.string() + ".rows.tsv"));
    const outcome o = run_replay({"--dissect", capture.string()});
    ++n.captures;
    const auto known_one = std::find_if(known.begin(), known.end(),
                                        [&](const explained& e) { return e.capture == capture.filename().string(); });
    if (known_one != known.end()) {
        CHECK(o.status == 2);
        CHECK(truth.size() == known_one->rows);
        n.excused += truth.size();
        return;
    }
    INFO(o.err);
    CHECK(o.status == 0);
    auto got = rows_of(o.out);
    for (const auto& [frame, wanted] : truth) {
        const auto found = got.find(frame);
        if (!wanted.at("note").empty()) {
            ++n.noted;
        } else if (found == got.end()) {
            FAIL_CHECK("frame " << frame << " has no row");
        } else {
            bool same = true;
            for (const auto& [column, value] : wanted) {
                if (column != "note" && found->second[column] != value) {
                    same = false;
                    FAIL_CHECK("frame " << frame << ", " << column << ": '" << found->second[column]
                                        << "', the decoder has '" << value << "'");
                }
            }
            n.equal += same;
        }
        got.erase(frame);
    }
    for (const auto& extra : got) {
        FAIL_CHECK("frame " << extra.first << " has a row that the decoder has not");
    }
}

void compare_all(const std::filesystem::path& folder, const std::string& whose) {
    std::set<std::filesystem::path> captures;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (std::filesystem::exists(entry.path().string() + ".rows.tsv")) {
            captures.insert(entry.path());
        }
    }
    REQUIRE(!captures.empty());
    count n;
    for (const auto& capture : captures) {
        compare(capture, n);
    }
    std::cout << "summary: " << whose << ": " << n.captures << " captures dissected, " << n.equal
              << " rows as the independent decoder has them, " << n.noted << " not compared (malformed or fragments), "
              << n.excused << " differences explained\n";
    CHECK(n.equal > 0);
}

}  // namespace

TEST_CASE("dissect: every row of the project's own captures is as the independent decoder has it") {
    if (replay_program().empty()) {
        std::cout << "summary: ikealg-replay is not built, --dissect is not tested\n";
        return;
    }
    compare_all(own_captures(), "own captures");
}

TEST_CASE("dissect: every row of the published captures is as the independent decoder has it") {
    const auto folder = public_captures();
    if (replay_program().empty() || !folder) {
        std::cout << "summary: published captures are absent, 0 compared\n";
        return;
    }
    compare_all(*folder, "published captures");
}
