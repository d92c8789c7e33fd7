// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/dissect.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "ikealg/io/pcap.hpp"
#include "support/captures.hpp"
#include "support/ike_messages.hpp"

namespace wire = ikealg::wire;
using ikealg_tests::from_hex;

namespace {

constexpr std::size_t note_column = 20;

std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> result(1);
    for (const char c : line) {
        if (c == '\t') {
            result.emplace_back();
        } else {
            result.back() += c;
        }
    }
    return result;
}

/// An IPv4 packet from 192.0.2.1 to 198.51.100.7; the header checksum is not looked at.
std::vector<std::uint8_t> ipv4(std::uint8_t protocol, const std::vector<std::uint8_t>& payload) {
    auto p = from_hex("45000000 00010000 40000000 c0000201 c6336407");
    p[9] = protocol;
    p.insert(p.end(), payload.begin(), payload.end());
    ikealg::store_be16(&p[2], static_cast<std::uint16_t>(p.size()));
    return {p.begin(), p.end()};
}

std::vector<std::uint8_t> udp(unsigned from, unsigned to, const std::vector<std::uint8_t>& payload) {
    std::vector<std::uint8_t> p(8 + payload.size());
    std::copy(payload.begin(), payload.end(), p.begin() + 8);
    ikealg::store_be16(&p[0], static_cast<std::uint16_t>(from));
    ikealg::store_be16(&p[2], static_cast<std::uint16_t>(to));
    ikealg::store_be16(&p[4], static_cast<std::uint16_t>(p.size()));
    return p;
}

std::string line(const std::vector<std::uint8_t>& packet, std::size_t on_the_wire = 0) {
    const auto row = wire::dissect(packet, std::max(on_the_wire, packet.size()));
    if (!row) {
        return "nothing";
    }
    std::string text = to_tsv(1, *row);
    for (char& c : text) {
        c = c == '\t' ? '|' : c;
    }
    return text;
}

struct comparison {
    unsigned equal = 0;
    unsigned noted = 0;
    std::vector<std::string> differences;
};

/// Holds a capture against the rows of an independent decoder (see tests/captures/README.md). Rows with a note are not
/// compared. Nothing if libpcap does not read the file.
std::optional<comparison> compare(const std::filesystem::path& capture) {
    std::ifstream file(capture.string() + ".rows.tsv");
    std::string text;
    std::getline(file, text);
    REQUIRE(text == wire::dissect_columns);
    std::map<std::string, std::vector<std::string>> truth;
    while (std::getline(file, text)) {
        auto row = cells(text);
        REQUIRE(row.size() == note_column + 1);
        truth[row[0]] = row;
    }
    auto opened = ikealg::io::pcap_reader::open(capture.string());
    REQUIRE(opened);
    comparison result;
    while (const auto frame = opened.value->next()) {
        const auto row =
            frame->link ? wire::dissect(frame->network(), frame->network().size() + frame->missing) : std::nullopt;
        const auto expected = truth.find(std::to_string(frame->number));
        if (expected == truth.end()) {
            if (row) {
                result.differences.push_back("not in the truth: " + to_tsv(frame->number, *row));
            }
            continue;
        }
        if (!expected->second[note_column].empty()) {
            ++result.noted;
            continue;
        }
        auto got = row ? cells(to_tsv(frame->number, *row)) : std::vector<std::string>{};
        if (row) {
            got[note_column].clear();
        }
        if (got == expected->second) {
            ++result.equal;
        } else {
            result.differences.push_back(row ? to_tsv(frame->number, *row)
                                             : "nothing for frame " + std::to_string(frame->number));
        }
    }
    if (opened.value->error().fault == ikealg::io::pcap_fault::mixed_link_types) {
        return std::nullopt;
    }
    CHECK_FALSE(opened.value->error());
    CHECK(result.equal + result.noted + result.differences.size() >= truth.size());
    return result;
}

std::vector<std::filesystem::path> with_rows(const std::filesystem::path& folder) {
    std::set<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().string();
        const std::string tail = ".rows.tsv";
        if (name.size() > tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0) {
            found.insert(name.substr(0, name.size() - tail.size()));
        }
    }
    return {found.begin(), found.end()};
}

}  // namespace

TEST_CASE("R7: every row of the project's own captures is what an independent decoder saw") {
    unsigned equal = 0;
    const auto files = with_rows(ikealg_tests::own_captures());
    CHECK(files.size() >= 21);
    for (const auto& capture : files) {
        CAPTURE(capture.string());
        const auto result = compare(capture);
        REQUIRE(result);
        CHECK(result->differences == std::vector<std::string>{});
        CHECK(result->noted == 0);
        equal += result->equal;
    }
    CHECK(equal > 500);
}

TEST_CASE("R7: every row of the public captures is what an independent decoder saw") {
    const auto folder = ikealg_tests::public_captures();
    if (!folder) {
        MESSAGE("skipped: no public captures (set IKEALG_PUBLIC_CAPTURES)");
        return;
    }
    unsigned unreadable = 0;
    for (const auto& capture : with_rows(*folder)) {
        CAPTURE(capture.string());
        const auto result = compare(capture);
        if (!result) {
            MESSAGE("skipped, libpcap cannot read it: " << capture.filename().string());
            ++unreadable;
            continue;
        }
        CHECK(result->differences == std::vector<std::string>{});
    }
    CHECK(unreadable <= 1);
}

TEST_CASE("R5: what is on port 4500, and on port 500") {
    using namespace ikealg_tests::ike_messages;
    const std::vector<std::uint8_t> keepalive{0xff};
    auto marked = no_proposal_chosen;
    marked.insert(marked.begin(), 4, std::uint8_t{0});
    const std::string ends = "1|192.0.2.1|198.51.100.7|";
    const auto spi = ikealg::load_be64(no_proposal_chosen.data());
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(spi));
    CHECK(line(ipv4(17, udp(500, 1024, no_proposal_chosen))).find(ends + "500|1024|ike|" + text.data()) == 0);
    CHECK(line(ipv4(17, udp(1024, 4500, marked))).find(ends + "1024|4500|ike|" + text.data()) == 0);
    CHECK(line(ipv4(17, udp(1024, 4500, marked))).find("|36|41|||||natt|") != std::string::npos);
    CHECK(line(ipv4(17, udp(4500, 4500, keepalive))) == ends + "4500|4500|keepalive||||||||||||||natt|");
    CHECK(line(ipv4(17, udp(500, 500, keepalive))) == ends + "500|500|keepalive|||||||||||||||");
    CHECK(line(ipv4(17, udp(4500, 4500, from_hex("c0ffee01 00000007 aabb")))) ==
          ends + "4500|4500|esp||||||||||0xc0ffee01|7|||natt|");
    CHECK(line(ipv4(17, udp(4500, 4500, from_hex("00000000")))) == ends + "4500|4500|other||||||||||||||natt|");
    CHECK(line(ipv4(17, udp(4500, 4500, from_hex("0a")))) == ends + "4500|4500|other||||||||||||||natt|");
    CHECK(line(ipv4(17, udp(4501, 501, no_proposal_chosen))) == "nothing");
}

TEST_CASE("R3: malformed IKE has a row that says why") {
    auto m = ikealg_tests::ike_messages::sa_init_response;
    m[27] = 0xff;
    CHECK(line(ipv4(17, udp(500, 500, m))) ==
          "1|192.0.2.1|198.51.100.7|500|500|ike|||||||||||||||IKE length field exceeds the UDP payload");
}

TEST_CASE("ESP, AH and what stands behind AH") {
    const std::string ends = "1|192.0.2.1|198.51.100.7|";
    const std::string ah = "04 0000 00000102 00000009 00112233 44556677 8899aabb";
    CHECK(line(ipv4(50, from_hex("00001001 00000002 aa"))) == ends + "||esp||||||||||0x00001001|2||||");
    CHECK(line(ipv4(50, from_hex("00001001 0000"))) ==
          ends + "||esp||||||||||0x00001001|||||truncated transport header");
    CHECK(line(ipv4(50, from_hex("000010"))) == ends + "||esp|||||||||||||||truncated transport header");
    auto cut = ipv4(50, from_hex("00001001"));
    cut[3] = 40;
    CHECK(line(cut, 40) == ends + "||esp||||||||||0x00001001|||||cut by the capture");
    CHECK(line(cut) == "nothing");  // the IP length is wrong
    CHECK(line(ipv4(51, from_hex("06" + ah + "00"))) == ends + "||ah||||||||||||0x00000102|9||");
    CHECK(line(ipv4(51, from_hex("32" + ah + "00001001 00000002"))) ==
          ends + "||ah+esp||||||||||0x00001001|2|0x00000102|9||");
    CHECK(line(ipv4(51, from_hex("11" + ah + "1f90 01bb 0008 0000"))) ==
          ends + "8080|443|ah||||||||||||0x00000102|9||");
    CHECK(line(ipv4(51, from_hex("06 ff 0000 00000102 00000009"))) ==
          ends + "||ah||||||||||||0x00000102|9||truncated AH integrity check value");
}

TEST_CASE("fragments, other protocols and other bytes have no row") {
    auto esp = ipv4(50, from_hex("00001001 00000002 aabbccdd eeff0011"));
    CHECK(line(esp) != "nothing");
    esp[6] = 0x20;
    CHECK(line(esp) == "nothing");
    esp[6] = 0;
    esp[7] = 1;
    CHECK(line(esp) == "nothing");
    CHECK(line(ipv4(6, std::vector<std::uint8_t>(20))) == "nothing");
    CHECK(line({}) == "nothing");
    CHECK(line({0x45}) == "nothing");
    CHECK(line({0x00}) == "nothing");
}

TEST_CASE("L6: no packet, cut or mutated, is read beyond its bytes") {
    using namespace ikealg_tests::ike_messages;
    constexpr unsigned seed = 4500;
    std::mt19937 random(seed);
    auto marked = sa_init_response;
    marked.insert(marked.begin(), 4, std::uint8_t{0});
    const std::array originals{ipv4(17, udp(500, 500, sa_init_response)), ipv4(17, udp(4500, 4500, marked)),
                               ipv4(51, from_hex("32 04 0000 00000102 00000009 00112233 44556677 8899aabb 00001001")),
                               ipv4(50, from_hex("00001001 00000002 aabb"))};
    std::size_t rows = 0;
    for (const auto& original : originals) {
        for (std::size_t size = 0; size <= original.size(); ++size) {
            const std::vector<std::uint8_t> part(original.begin(),
                                                 original.begin() + static_cast<std::ptrdiff_t>(size));
            rows += wire::dissect(part).has_value() ? 1U : 0U;
            rows += wire::dissect(part, original.size()).has_value() ? 1U : 0U;
        }
        for (unsigned round = 0; round < 3000; ++round) {
            CAPTURE(seed);
            CAPTURE(round);
            auto m = original;
            for (unsigned i = 0; i <= random() % 3; ++i) {
                m[random() % std::min<std::size_t>(m.size(), 120)] = static_cast<std::uint8_t>(random());
            }
            if (const auto row = wire::dissect(m)) {
                ++rows;
                CHECK(cells(to_tsv(1, *row)).size() == note_column + 1);
            }
        }
    }
    CHECK(rows > 1000);
}
