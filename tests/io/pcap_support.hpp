// SPDX-License-Identifier: Apache-2.0
/// Capture files written byte by byte, for the tests of what reads them.
#ifndef IKEALG_TESTS_IO_PCAP_SUPPORT_HPP
#define IKEALG_TESTS_IO_PCAP_SUPPORT_HPP

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/bytes.hpp"

#ifndef IKEALG_TEST_CAPTURES
#define IKEALG_TEST_CAPTURES "tests/captures"
#endif

namespace ikealg::test {

using octets = std::vector<std::uint8_t>;

/// A path of its own in the directory for temporary files; what is there in the end is removed.
class scratch_file {
public:
    scratch_file() {
        static unsigned next = 0;
        const std::string name = "ikealg-test-" + std::to_string(::getpid()) + '-' + std::to_string(next++);
        path_ = (std::filesystem::temp_directory_path() / name).string();
    }
    explicit scratch_file(const octets& content) : scratch_file() { write(content); }
    scratch_file(scratch_file&& other) noexcept : path_{std::exchange(other.path_, {})} {}
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    scratch_file& operator=(scratch_file&&) = delete;
    ~scratch_file() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    void write(const octets& content) const {
        std::ofstream out{path_, std::ios::binary};
        for (const std::uint8_t b : content) {
            out.put(static_cast<char>(b));
        }
        REQUIRE(out.flush());
    }
    [[nodiscard]] octets read() const {
        std::ifstream in{path_, std::ios::binary};
        octets all;
        for (std::istreambuf_iterator<char> c{in}, end; c != end; ++c) {
            all.push_back(static_cast<std::uint8_t>(*c));
        }
        return all;
    }

private:
    std::string path_;
};

/// Bytes in the order of a little-endian or big-endian machine.
struct file_bytes {
    octets all{};
    bool big = false;

    file_bytes& u16(std::uint32_t v) { return number(v, 2); }
    file_bytes& u32(std::uint32_t v) { return number(v, 4); }
    file_bytes& raw(bytes content) {
        all.insert(all.end(), content.begin(), content.end());
        return *this;
    }

    /// The header of a pcap file; microseconds unless `nanoseconds`.
    file_bytes& pcap_header(std::uint32_t link_type, bool nanoseconds = false, std::uint32_t snaplen = 262'144) {
        u32(nanoseconds ? 0xa1b2'3c4d : 0xa1b2'c3d4).u16(2).u16(4).u32(0).u32(0);
        return u32(snaplen).u32(link_type);
    }
    file_bytes& pcap_packet(std::uint32_t seconds, std::uint32_t fraction, bytes frame, std::size_t missing = 0) {
        u32(seconds).u32(fraction).u32(static_cast<std::uint32_t>(frame.size()));
        return u32(static_cast<std::uint32_t>(frame.size() + missing)).raw(frame);
    }

    /// A pcapng block with its body padded to four bytes.
    file_bytes& block(std::uint32_t type, octets body) {
        body.resize((body.size() + 3) / 4 * 4);
        const auto length = static_cast<std::uint32_t>(body.size() + 12);
        return u32(type).u32(length).raw(body).u32(length);
    }
    file_bytes& section() {
        return block(0x0a0d'0d0a, nested().u32(0x1a2b'3c4d).u16(1).u16(0).u32(0xffff'ffff).u32(0xffff'ffff).all);
    }
    /// An interface whose stamps count in 10^-`resolution` seconds.
    file_bytes& interface(std::uint32_t link_type, std::uint8_t resolution = 6) {
        const octets tsresol{resolution, 0, 0, 0};
        return block(1, nested().u16(link_type).u16(0).u32(262'144).u16(9).u16(1).raw(tsresol).u32(0).all);
    }
    file_bytes& packet(std::uint32_t interface_index, std::uint64_t stamp, bytes frame, std::size_t missing = 0) {
        file_bytes body = nested();
        body.u32(interface_index).u32(static_cast<std::uint32_t>(stamp >> 32U)).u32(static_cast<std::uint32_t>(stamp));
        body.u32(static_cast<std::uint32_t>(frame.size())).u32(static_cast<std::uint32_t>(frame.size() + missing));
        return block(6, body.raw(frame).all);
    }

private:
    [[nodiscard]] file_bytes nested() const { return {{}, big}; }
    file_bytes& number(std::uint32_t v, unsigned size) {
        for (unsigned i = 0; i < size; ++i) {
            all.push_back(static_cast<std::uint8_t>(v >> 8U * (big ? size - 1 - i : i)));
        }
        return *this;
    }
};

inline octets to_octets(bytes b) {
    return {b.begin(), b.end()};
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace ikealg::test

#endif
