// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/pcap_io.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/conformance.hpp"
#include "io/pcap_support.hpp"

using namespace ikealg;
using io::io_state;
using io::memory_packet;
using io::pcap_fault;
using io::pcap_io;
using io::pcap_reader;
using io::pcap_writer;
using test::contains;
using test::file_bytes;
using test::octets;
using test::scratch_file;

namespace {

/// Arrivals of each zone in a file of their own, a microsecond apart over all; departures in one each.
struct pcap_harness {
    using io = pcap_io;
    static constexpr bool can_limit_room = false;

    std::array<scratch_file, 2> in;
    std::array<scratch_file, 2> out;
    pcap_io under_test;

    void feed(const std::vector<test::arrival>& arrivals) {
        for (std::uint16_t z = 0; z < 2; ++z) {
            file_bytes content;
            content.pcap_header(101);
            for (std::uint32_t i = 0; i < arrivals.size(); ++i) {
                if (arrivals[i].zone.value == z) {
                    content.pcap_packet(1'700'000'000, i, arrivals[i].network);
                }
            }
            in[z].write(content.all);
            under_test.add_input(std::move(*pcap_reader::open(in[z].path()).value), zone_id{z});
            under_test.add_output(std::move(*pcap_writer::open(out[z].path()).value), zone_id{z});
        }
    }
    pcap_io& adapter() { return under_test; }
    std::vector<octets> sent(zone_id zone) {
        REQUIRE(under_test.flush());
        pcap_reader reader = std::move(*pcap_reader::open(out[zone.value].path()).value);
        std::vector<octets> all;
        while (const auto frame = reader.next()) {
            all.push_back(test::to_octets(frame->network()));
        }
        CHECK_FALSE(reader.error());
        return all;
    }
};

std::vector<memory_packet> receive_all(pcap_io& io) {
    std::vector<memory_packet> slots(100);
    slots.resize(io.receive(slots));
    return slots;
}

void add_input(pcap_io& io, const scratch_file& file, zone_id zone) {
    auto opened = pcap_reader::open(file.path());
    INFO(opened.error.message);
    REQUIRE(opened);
    io.add_input(std::move(*opened.value), zone);
}

const octets packet_a = test::numbered_packet(0);

}  // namespace

TEST_CASE("pcap_io conforms to packet_io") {
    test::conforms<pcap_harness>();
}

TEST_CASE("inputs are merged by their stamps, on one time scale") {
    file_bytes first;
    first.pcap_header(101).pcap_packet(11, 0, packet_a).pcap_packet(13, 0, packet_a, 4);
    file_bytes second;
    second.pcap_header(101).pcap_packet(10, 0, packet_a).pcap_packet(11, 0, packet_a).pcap_packet(12, 0, packet_a);
    const scratch_file first_file{first.all};
    const scratch_file second_file{second.all};
    pcap_io io;
    add_input(io, first_file, zone_id{0});
    add_input(io, second_file, zone_id{1});
    CHECK(io.state() == io_state::ready);

    struct row {
        std::uint16_t zone;
        std::uint64_t tag;
        std::int64_t seconds;
    };
    const std::vector<row> expected{{1, 1, 0}, {0, 1, 1}, {1, 2, 1}, {1, 3, 2}, {0, 2, 3}};
    const std::vector<memory_packet> got = receive_all(io);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        CAPTURE(i);
        CHECK(got[i].zone().value == expected[i].zone);
        CHECK(got[i].tag() == expected[i].tag);
        CHECK(got[i].time() == instant{std::chrono::seconds{expected[i].seconds}});
        CHECK(io.to_epoch(got[i].time()).time_since_epoch() == std::chrono::seconds{10 + expected[i].seconds});
    }
    CHECK(got[4].missing() == 4);
    CHECK(got[4].truncated_by_snaplen());
    CHECK(io.state() == io_state::ended);
    CHECK(io.errors().empty());
}

TEST_CASE("frames without a network header are skipped, counted and noted once") {
    file_bytes content;
    content.pcap_header(1).pcap_packet(1, 0, octets(13)).pcap_packet(2, 0, octets(14));
    octets good(12);
    good.insert(good.end(), {0x08, 0x00});
    good.insert(good.end(), packet_a.begin(), packet_a.end());
    content.pcap_packet(3, 0, good);
    const scratch_file file{content.all};
    pcap_io io;
    add_input(io, file, zone_id{0});
    const std::vector<memory_packet> got = receive_all(io);
    REQUIRE(got.size() == 1);
    CHECK(got[0].tag() == 3);
    CHECK(got[0].link_header().size() == 14);
    CHECK(io.counters().received == 1);
    CHECK(io.counters().receive_errors == 2);
    REQUIRE(io.errors().size() == 1);
    CHECK(io.errors()[0].fault == pcap_fault::link_header);
    CHECK(contains(io.errors()[0].message, "packet 1 of '" + file.path()));
    CHECK(io.state() == io_state::ended);
}

TEST_CASE("a cut file ends, a corrupt one fails, after all good packets came") {
    file_bytes content;
    content.pcap_header(101).pcap_packet(1, 0, packet_a);
    octets cut = content.all;
    cut.insert(cut.end(), {1, 2, 3});
    octets corrupt = content.all;
    corrupt.resize(corrupt.size() + 16, 0x7f);
    struct row {
        octets content;
        pcap_fault fault;
        io_state state;
    };
    for (const row& r :
         {row{cut, pcap_fault::truncated, io_state::ended}, row{corrupt, pcap_fault::corrupt, io_state::failed}}) {
        const scratch_file file{r.content};
        pcap_io io;
        add_input(io, file, zone_id{0});
        CHECK(io.state() == io_state::ready);
        CHECK(receive_all(io).size() == 1);
        CHECK(io.state() == r.state);
        REQUIRE(io.errors().size() == 1);
        CHECK(io.errors()[0].fault == r.fault);
        CHECK(io.counters().receive_errors == 1);
    }
}

TEST_CASE("a packet leaves at its own time or at the time now, whichever is later") {
    const scratch_file file;
    pcap_io io;
    io.add_output(std::move(*pcap_writer::open(file.path()).value), zone_id{0});
    std::array<memory_packet, 1> burst{memory_packet{packet_a, zone_id{0}}};
    burst[0].set_time(instant{std::chrono::seconds{5}});
    CHECK(io.transmit(burst, zone_id{0}) == 1);
    io.set_now(instant{std::chrono::seconds{7}});
    burst[0] = memory_packet{packet_a, zone_id{0}};
    CHECK(io.transmit(burst, zone_id{0}) == 1);
    REQUIRE(io.flush());
    pcap_reader reader = std::move(*pcap_reader::open(file.path()).value);
    CHECK(reader.next()->epoch.time_since_epoch() == std::chrono::seconds{5});
    CHECK(reader.next()->epoch.time_since_epoch() == std::chrono::seconds{7});
}

TEST_CASE("a packet that cannot be written is counted and does not block the next; segments are joined") {
    const scratch_file file;
    pcap_io io;
    io.add_output(std::move(*pcap_writer::open(file.path()).value), zone_id{0});
    std::array<memory_packet, 3> burst{memory_packet{octets(40), zone_id{0}}, memory_packet{},
                                       memory_packet{packet_a, zone_id{0}}};
    burst[2].split(5);
    CHECK(io.transmit(burst, zone_id{0}) == 3);
    CHECK(io.counters() == io::io_counters{0, 1, 0, 2});
    REQUIRE(io.errors().size() == 1);
    CHECK(io.errors()[0].fault == pcap_fault::not_expressible);
    REQUIRE(io.flush());
    CHECK(io.state() == io_state::ended);
    pcap_reader reader = std::move(*pcap_reader::open(file.path()).value);
    CHECK(test::to_octets(reader.next()->network()) == packet_a);
    CHECK_FALSE(reader.next().has_value());
}

TEST_CASE("on a full disk packets stay with the caller and the adapter has failed") {
    if (!std::filesystem::exists("/dev/full")) {
        MESSAGE("no /dev/full here: a full disk is not tested");
        return;
    }
    octets big(60'000);
    big[0] = 0x45;
    pcap_io io;
    io.add_output(std::move(*pcap_writer::open("/dev/full").value), zone_id{0});
    std::array<memory_packet, 2> burst{memory_packet{big, zone_id{0}}, memory_packet{packet_a, zone_id{0}}};
    CHECK(io::transmit_all(io, std::span{burst}, zone_id{0}) == 0);
    CHECK(burst[0].network_copy() == big);
    CHECK(burst[1].network_copy() == packet_a);
    CHECK(io.state() == io_state::failed);
    CHECK_FALSE(io.flush());
    CHECK(io.counters().transmitted == 0);
    REQUIRE(io.errors().size() == 1);
    CHECK(contains(io.errors()[0].message, "No space left"));
}
