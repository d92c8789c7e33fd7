// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/pcap.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "io/conformance.hpp"
#include "io/pcap_support.hpp"

using namespace ikealg;
using namespace ikealg::io;
using test::contains;
using test::file_bytes;
using test::octets;
using test::scratch_file;
using test::to_octets;

namespace {

constexpr std::int64_t second = 1'000'000'000;

epoch_time at(std::int64_t nanoseconds) {
    return epoch_time{std::chrono::nanoseconds{nanoseconds}};
}

std::int64_t count(epoch_time t) {
    return t.time_since_epoch().count();
}

pcap_reader open_good(const std::string& path) {
    auto opened = pcap_reader::open(path);
    INFO(opened.error.message);
    REQUIRE(opened);
    return std::move(*opened.value);
}

pcap_writer open_writer(const std::string& path, pcap_writer_options options = {}) {
    auto opened = pcap_writer::open(path, options);
    INFO(opened.error.message);
    REQUIRE(opened);
    return std::move(*opened.value);
}

pcap_error open_error(const std::string& path) {
    const auto opened = pcap_reader::open(path);
    CHECK_FALSE(opened);
    CHECK(contains(opened.error.message, '\'' + path + '\''));
    return opened.error;
}

const octets packet_a = test::numbered_packet(0);
const octets packet_b = test::numbered_packet(1);

/// The packet behind an Ethernet header.
octets ethernet(const octets& network) {
    octets frame = to_octets(make_link_header(link_type::ethernet, network)->view());
    frame.insert(frame.end(), network.begin(), network.end());
    return frame;
}

}  // namespace

TEST_CASE("a file that cannot be opened is named, with the reason") {
    const scratch_file nothing;
    pcap_error error = open_error(nothing.path());
    CHECK(error.fault == pcap_fault::cannot_open);
    CHECK(contains(error.message, "No such file"));

    error = open_error(std::filesystem::temp_directory_path().string());
    CHECK(error.fault == pcap_fault::cannot_open);
    CHECK(contains(error.message, "directory"));
}

TEST_CASE("a file that is no capture is refused when opened") {
    const scratch_file empty{octets{}};
    pcap_error error = open_error(empty.path());
    CHECK(error.fault == pcap_fault::empty_file);
    CHECK(contains(error.message, "is empty"));

    const scratch_file garbage{octets(100, 'x')};
    error = open_error(garbage.path());
    CHECK(error.fault == pcap_fault::not_a_capture);
    CHECK(contains(error.message, "not a pcap or pcapng capture"));

    octets whole = file_bytes{}.pcap_header(1).all;
    for (std::size_t size = 1; size < whole.size(); ++size) {
        CAPTURE(size);
        const scratch_file cut{octets{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}};
        CHECK(open_error(cut.path()).fault == pcap_fault::not_a_capture);
    }
}

TEST_CASE("an unknown link type is refused with its number and name") {
    const scratch_file wifi{file_bytes{}.pcap_header(105).all};
    pcap_error error = open_error(wifi.path());
    CHECK(error.fault == pcap_fault::unknown_link_type);
    CHECK(contains(error.message, "105"));
    CHECK(contains(error.message, "IEEE802_11"));

    const scratch_file unassigned{file_bytes{}.pcap_header(9999).all};
    error = open_error(unassigned.path());
    CHECK(error.fault == pcap_fault::unknown_link_type);
    CHECK(contains(error.message, "9999"));
}

TEST_CASE("pcap of either byte order and precision is read in nanoseconds") {
    for (const bool big : {false, true}) {
        for (const bool nanoseconds : {false, true}) {
            CAPTURE(big);
            CAPTURE(nanoseconds);
            file_bytes content{{}, big};
            content.pcap_header(101, nanoseconds);
            content.pcap_packet(1'700'000'000, 999'999, packet_a).pcap_packet(1'700'000'001, 7, packet_b);
            const scratch_file file{content.all};
            pcap_reader reader = open_good(file.path());
            CHECK(reader.link() == link_type::raw);
            const std::int64_t unit = nanoseconds ? 1 : 1000;

            auto frame = reader.next();
            REQUIRE(frame.has_value());
            CHECK(frame->number == 1);
            CHECK(count(frame->epoch) == 1'700'000'000 * second + 999'999 * unit);
            CHECK(frame->time == instant{});
            CHECK(to_octets(frame->network()) == packet_a);
            CHECK(frame->link_header().empty());
            CHECK_FALSE(frame->truncated_by_snaplen());

            frame = reader.next();
            REQUIRE(frame.has_value());
            CHECK(frame->number == 2);
            CHECK(frame->time.time_since_epoch().count() == second + (7 - 999'999) * unit);
            CHECK(to_octets(frame->network()) == packet_b);

            CHECK_FALSE(reader.next().has_value());
            CHECK_FALSE(reader.error());
        }
    }
}

TEST_CASE("stamps after 2038 and senseless ones do not overflow") {
    file_bytes content;
    content.pcap_header(101);
    content.pcap_packet(4'000'000'000U, 0, packet_a).pcap_packet(0, 0xffff'ffffU, packet_a);
    content.pcap_packet(0xffff'ffffU, 0x7fff'ffffU, packet_a);
    const scratch_file file{content.all};
    pcap_reader reader = open_good(file.path());
    CHECK(count(reader.next()->epoch) == 4'000'000'000 * second);
    CHECK(count(reader.next()->epoch) == 0);
    CHECK(count(reader.next()->epoch) == 0xffff'ffffLL * second + 0x7fff'ffffLL * 1000);

    file_bytes far;
    far.section().interface(101, 0).packet(0, ~std::uint64_t{0} >> 1U, packet_a);
    const scratch_file far_file{far.all};
    pcap_reader far_reader = open_good(far_file.path());
    const auto frame = far_reader.next();
    REQUIRE(frame.has_value());
    CHECK(count(frame->epoch) >= 9'223'000'000 * second);
}

TEST_CASE("a packet that the capture cut short is delivered and says so") {
    file_bytes content;
    content.pcap_header(101).pcap_packet(1, 0, bytes{packet_b}.first(30), packet_b.size() - 30);
    const scratch_file file{content.all};
    pcap_reader reader = open_good(file.path());
    const auto frame = reader.next();
    REQUIRE(frame.has_value());
    CHECK(frame->truncated_by_snaplen());
    CHECK(frame->missing == packet_b.size() - 30);
    CHECK(frame->network().size() == 30);
}

TEST_CASE("a truncated last packet is reported and the rest delivered") {
    file_bytes content;
    content.pcap_header(101).pcap_packet(1, 0, packet_a);
    const std::size_t first_end = content.all.size();
    content.pcap_packet(2, 0, packet_b);
    for (std::size_t size = first_end; size < content.all.size(); ++size) {
        CAPTURE(size);
        const scratch_file file{octets{content.all.begin(), content.all.begin() + static_cast<std::ptrdiff_t>(size)}};
        pcap_reader reader = open_good(file.path());
        REQUIRE(reader.next().has_value());
        CHECK_FALSE(reader.next().has_value());
        CHECK_FALSE(reader.next().has_value());
        if (size == first_end) {
            CHECK_FALSE(reader.error());
        } else {
            CHECK(reader.error().fault == pcap_fault::truncated);
            CHECK(contains(reader.error().message, file.path()));
            CHECK(contains(reader.error().message, "after packet 1"));
        }
    }
}

TEST_CASE("a record that makes no sense ends the reading as corrupt") {
    file_bytes content;
    content.pcap_header(101).pcap_packet(1, 0, packet_a).u32(2).u32(0).u32(0x7fff'ffff).u32(0x7fff'ffff).raw(packet_a);
    const scratch_file file{content.all};
    pcap_reader reader = open_good(file.path());
    REQUIRE(reader.next().has_value());
    CHECK_FALSE(reader.next().has_value());
    CHECK(reader.error().fault == pcap_fault::corrupt);
    CHECK(contains(reader.error().message, file.path()));
}

TEST_CASE("pcapng is read, in each interface's resolution") {
    file_bytes content;
    const octets frame_a = ethernet(packet_a);
    const octets frame_b = ethernet(packet_b);
    content.section().interface(1, 6).interface(1, 9);
    content.packet(0, 1'700'000'000'000'001, frame_a).packet(1, 1'700'000'000'000'000'002, frame_b, 5);
    const scratch_file file{content.all};
    pcap_reader reader = open_good(file.path());
    auto frame = reader.next();
    CAPTURE(reader.error().message);
    REQUIRE(frame.has_value());
    CHECK(count(frame->epoch) == 1'700'000'000 * second + 1000);
    CHECK(to_octets(frame->network()) == packet_a);
    frame = reader.next();
    REQUIRE(frame.has_value());
    CHECK(count(frame->epoch) == 1'700'000'000 * second + 2);
    CHECK(frame->time.time_since_epoch().count() == -998);
    CHECK(frame->missing == 5);
    CHECK_FALSE(reader.next().has_value());
    CHECK_FALSE(reader.error());
}

TEST_CASE("pcapng of interfaces with different link types is refused with advice") {
    file_bytes at_once;
    at_once.section().interface(101).interface(1).packet(0, 1, packet_a);
    const scratch_file first{at_once.all};
    pcap_reader reader = open_good(first.path());
    CHECK_FALSE(reader.next().has_value());
    CHECK(reader.error().fault == pcap_fault::mixed_link_types);
    CHECK(contains(reader.error().message, "split it by interface"));

    file_bytes later;
    later.section().interface(101).packet(0, 1, packet_a).interface(1);
    const scratch_file second_file{later.all};
    pcap_reader late = open_good(second_file.path());
    CHECK(late.next().has_value());
    CHECK_FALSE(late.next().has_value());
    CHECK(late.error().fault == pcap_fault::mixed_link_types);
    CHECK(contains(late.error().message, "after packet 1"));
}

TEST_CASE("a truncated pcapng is reported and the rest delivered") {
    file_bytes content;
    content.section().interface(101).packet(0, 1, packet_a).packet(0, 2, packet_b);
    content.all.erase(content.all.end() - 9, content.all.end());
    const scratch_file file{content.all};
    pcap_reader reader = open_good(file.path());
    CHECK(reader.next().has_value());
    CHECK_FALSE(reader.next().has_value());
    CHECK(reader.error().fault == pcap_fault::truncated);
}

TEST_CASE("what is written is read back") {
    for (const link_type link : {link_type::ethernet, link_type::raw}) {
        for (const bool nanoseconds : {false, true}) {
            CAPTURE(std::string{to_string(link)});
            CAPTURE(nanoseconds);
            const scratch_file file;
            pcap_writer writer = open_writer(file.path(), {link, nanoseconds, false});
            CHECK_FALSE(writer.write(packet_a, at(1'700'000'000 * second + 123'456'789)));
            CHECK_FALSE(writer.write(packet_b, at(4'000'000'000 * second), 17));
            CHECK_FALSE(writer.flush());

            pcap_reader reader = open_good(file.path());
            CHECK(reader.link() == link);
            auto frame = reader.next();
            REQUIRE(frame.has_value());
            CHECK(count(frame->epoch) == 1'700'000'000 * second + (nanoseconds ? 123'456'789 : 123'456'000));
            CHECK(to_octets(frame->network()) == packet_a);
            CHECK(frame->link_header().size() == (link == link_type::raw ? 0 : 14));
            frame = reader.next();
            REQUIRE(frame.has_value());
            CHECK(count(frame->epoch) == 4'000'000'000 * second);
            CHECK(to_octets(frame->network()) == packet_b);
            CHECK(frame->missing == 17);
            CHECK_FALSE(reader.next().has_value());
            CHECK_FALSE(reader.error());
        }
    }
}

TEST_CASE("a raw file is exactly these bytes") {
    const scratch_file file;
    const octets tiny{0x45, 1, 2};
    CHECK_FALSE(open_writer(file.path(), {link_type::raw, true, false}).write(tiny, at(3 * second + 9)));
    CHECK(file.read() == file_bytes{}.pcap_header(101, true).pcap_packet(3, 9, tiny).all);
}

TEST_CASE("appending keeps what is there, and refuses a file of another kind") {
    const scratch_file file;
    for (const octets& p : {packet_a, packet_b}) {
        CHECK_FALSE(open_writer(file.path(), {link_type::raw, true, true}).write(p, at(1)));
    }
    pcap_reader reader = open_good(file.path());
    CHECK(to_octets(reader.next()->network()) == packet_a);
    CHECK(to_octets(reader.next()->network()) == packet_b);
    CHECK_FALSE(reader.next().has_value());

    for (const pcap_writer_options options :
         {pcap_writer_options{link_type::ethernet, true, true}, pcap_writer_options{link_type::raw, false, true}}) {
        const auto refused = pcap_writer::open(file.path(), options);
        CHECK_FALSE(refused);
        CHECK(refused.error.fault == pcap_fault::cannot_write);
        CHECK(contains(refused.error.message, '\'' + file.path() + "': different"));
    }
    CHECK_FALSE(open_writer(file.path(), {link_type::raw, true, false}).flush());
    CHECK(file.read() == file_bytes{}.pcap_header(101, true).all);
}

TEST_CASE("what cannot be written is refused one by one, and the file stays good") {
    const scratch_file file;
    pcap_writer writer = open_writer(file.path(), {link_type::raw, true, false});
    CHECK(writer.write(octets{0x50}, at(1)).fault == pcap_fault::not_expressible);
    CHECK(writer.write(octets{}, at(1)).fault == pcap_fault::not_expressible);
    CHECK(writer.write(packet_a, at(-1)).fault == pcap_fault::not_expressible);
    CHECK(writer.write(packet_a, at((std::int64_t{1} << 32) * second)).fault == pcap_fault::not_expressible);
    CHECK(writer.write_frame(octets(pcap_writer::max_frame + 1), at(1)).fault == pcap_fault::not_expressible);
    CHECK(contains(writer.write(octets{}, at(1)).message, file.path()));
    CHECK_FALSE(writer.write_frame(octets(pcap_writer::max_frame, 0x45), at(1)));
    CHECK_FALSE(writer.write(packet_a, at(((std::int64_t{1} << 32) - 1) * second)));
    CHECK_FALSE(writer.flush());
    pcap_reader reader = open_good(file.path());
    CHECK(reader.next()->frame.size() == pcap_writer::max_frame);
    CHECK(to_octets(reader.next()->network()) == packet_a);
    CHECK_FALSE(reader.next().has_value());

    CHECK(pcap_writer::open(file.path(), {link_type::null, true, false}).error.fault == pcap_fault::unknown_link_type);
}

TEST_CASE("a path that cannot be written and a full disk are reported") {
    const scratch_file nowhere;
    const auto refused = pcap_writer::open(nowhere.path() + "/x.pcap");
    CHECK_FALSE(refused);
    CHECK(refused.error.fault == pcap_fault::cannot_write);
    CHECK(contains(refused.error.message, "No such file"));

    if (!std::filesystem::exists("/dev/full")) {
        MESSAGE("no /dev/full here: a full disk is not tested");
        return;
    }
    pcap_writer writer = open_writer("/dev/full");
    CHECK_FALSE(writer.write(packet_a, at(1)));  // still in the buffer
    const pcap_error error = writer.flush();
    CHECK(error.fault == pcap_fault::cannot_write);
    CHECK(contains(error.message, "'/dev/full'"));
    CHECK(contains(error.message, "No space left"));
    CHECK(writer.write(packet_a, at(1)).fault == pcap_fault::cannot_write);

    pcap_writer long_writer = open_writer("/dev/full");
    CHECK(long_writer.write_frame(octets(100'000), at(1)).fault == pcap_fault::cannot_write);
}

TEST_CASE("the captures of the project are read whole") {
    struct row {
        const char* name;
        std::uint64_t packets;
    };
    for (const row& r : {row{"S1-inside.pcap", 239}, row{"S1v2-inside.pcap", 278}, row{"S2-inside.pcap", 603},
                         row{"S2-outside.pcap", 601}, row{"S3-inside.pcap", 572}}) {
        const std::string path = std::string{IKEALG_TEST_CAPTURES} + '/' + r.name;
        CAPTURE(path);
        pcap_reader reader = open_good(path);
        CHECK(reader.link() == link_type::ethernet);
        std::uint64_t packets = 0;
        while (const auto frame = reader.next()) {
            CAPTURE(frame->number);
            ++packets;
            REQUIRE(frame->link);
            CHECK((frame->link.ethertype != ethertype_ipv4 || frame->network()[0] == 0x45));
            CHECK_FALSE(frame->truncated_by_snaplen());
        }
        CHECK_FALSE(reader.error());
        CHECK(packets == r.packets);
    }
}
