// SPDX-License-Identifier: Apache-2.0
/// ikealg-replay on the project's own captures, as a user runs it.
#include <doctest/doctest.h>

#include <array>
#include <iostream>

#include "captures/program.hpp"
#include "ikealg/base/checksum.hpp"
#include "ikealg/io/pcap.hpp"
#include "ikealg/wire/packet.hpp"
#include "support/captures.hpp"

using namespace ikealg_tests;

namespace {

std::string capture(const std::string& name) {
    return (own_captures() / (name + ".pcap")).string();
}

bool ready() {
    if (replay_program().empty()) {
        std::cout << "summary: ikealg-replay is not built, its tests are skipped\n";
        return false;
    }
    return true;
}

/// Captures of healthy tunnels seen from the inside.
constexpr std::array healthy{"S1-inside",
                             "S1v2-inside",
                             "S2-inside",
                             "S3-inside",
                             "S5-inside",
                             "nft-S2-inside",
                             "lab_ikev1_aggressive_dpd_natt_inside",
                             "lab_ikev1_main_xauth_modecfg_natt_inside",
                             "lab_ikev2_cert_fragmentation_natt_inside",
                             "lab_ikev2_mobike_client",
                             "lab_ikev2_mobike_natt_inside",
                             "lab_ikev2_mobike_server",
                             "lab_ikev2_nat_rebinding_inside",
                             "lab_ikev2_psk_natt_rekey_inside",
                             "lab_ikev2_retransmit_dead_peer",
                             "lab_ikev2_two_clients_one_nat_inside_c1",
                             "lab_ikev2_two_clients_one_nat_inside_c2"};
constexpr std::array from_outside{"S2-outside",
                                  "S3-outside",
                                  "nft-S2-outside",
                                  "lab_ikev2_two_clients_one_nat_outside",
                                  "lab_ikev2_auth_fail_no_proposal",
                                  "lab_ikev2_invalid_ke_natt"};

}  // namespace

TEST_CASE("captures: with the ALG every packet of the server reaches its client as recorded") {
    if (!ready()) {
        return;
    }
    std::uint64_t delivered = 0;
    for (const std::string name : healthy) {
        CAPTURE(name);
        const played p = play({capture(name), "--seed", "1"});
        INFO(p.run.out << p.run.err);
        CHECK(p.run.status == 0);
        CHECK(p["from_server"] > 0);
        CHECK(p["delivered"] == p["from_server"]);
        CHECK(p["passed"] == p["from_clients"]);
        CHECK(p["misdelivered"] == 0);
        CHECK(p["altered"] == 0);
        CHECK(p["unfinished"] == 0);
        CHECK(p.lost() == 0);
        delivered += p["delivered"];
    }
    std::cout << "summary: " << healthy.size() << " captures replayed, " << delivered
              << " packets of servers delivered, none lost or misdelivered\n";
}

TEST_CASE("E1: without the ALG the second client of a server loses its ESP, and nothing is misdelivered") {
    if (!ready()) {
        return;
    }
    for (const std::string name : healthy) {
        CAPTURE(name);
        const played p = play({capture(name), "--alg", "off", "--seed", "1"});
        CHECK(p.run.status == 0);
        CHECK(p["misdelivered"] == 0);
        CHECK(p["altered"] == 0);
        const bool two = name == "S2-inside" || name == "S3-inside" || name == "nft-S2-inside";
        CHECK((p["dropped.esp_ambiguous"] > 0) == two);
        CHECK((p["delivered"] < p["from_server"]) == two);
    }
}

TEST_CASE("captures: the owner of a misdelivered packet is the one that flows.txt names") {
    if (!ready()) {
        return;
    }
    const scratch_folder scratch;
    std::filesystem::copy_file(capture("nft-S2-inside"), scratch / "bare-inside.pcap");
    const played without = play({scratch / "bare-inside.pcap", "--seed", "1"});
    const played with = play({capture("nft-S2-inside"), "--seed", "1"});
    CHECK(with["delivered"] == with["from_server"]);
    // Taken for the first client's, the nine packets have an SPI that no exchange of that client explains.
    CHECK(without["delivered"] < without["from_server"]);
}

TEST_CASE("N11: nothing gets in from the outside without state") {
    if (!ready()) {
        return;
    }
    for (const std::string name : from_outside) {
        CAPTURE(name);
        for (const std::string alg : {"on", "off"}) {
            const played p = play({"--outside", "--alg", alg, capture(name)});
            CHECK(p.run.status == 0);
            CHECK(p["packets"] > 0);
            CHECK(p["forwarded"] == 0);
            CHECK(p.lost() == p["packets"]);
        }
    }
}

TEST_CASE("G4, G10, G11: a thousand clients of one server behind one address") {
    if (!ready()) {
        return;
    }
    for (const std::string name : {"S2-inside", "S3-inside"}) {
        CAPTURE(name);
        const played p = play({capture(name), "--clients", "1000", "--stagger", "10ms", "--seed", "1"});
        INFO(p.run.out);
        CHECK(p["clients"] == 1000);
        CHECK(p["misdelivered"] == 0);
        CHECK(p["altered"] == 0);
        CHECK(p["delivered"] * 100 >= p["from_server"] * 99);
        std::cout << "summary: " << name << ", 1000 clients 10 ms apart: " << p["delivered"] << " of "
                  << p["from_server"] << " delivered, " << p["misdelivered"] << " misdelivered, " << p["held"]
                  << " held, " << p["ns_per_packet"] << " ns a packet\n";
    }
}

TEST_CASE("captures: both profiles and all modes of the IKE port deliver a lone client's packets") {
    if (!ready()) {
        return;
    }
    for (const std::string profile : {"practical", "junos"}) {
        for (const std::string mode : {"prefer", "preserve", "translate", "exclusive"}) {
            for (const std::string name : {"S1-inside", "S1v2-inside"}) {
                CAPTURE(profile);
                CAPTURE(mode);
                CAPTURE(name);
                const played p = play({capture(name), "--profile", profile, "--ike-port", mode, "--seed", "1"});
                CHECK(p["delivered"] == p["from_server"]);
                CHECK(p["misdelivered"] == 0);
            }
        }
    }
}

TEST_CASE("captures: several play one after the other or together, over several addresses") {
    if (!ready()) {
        return;
    }
    const played after = play({capture("S1-inside"), capture("S3-inside"), "--seed", "1"});
    CHECK(after["clients"] == 2);  // 10.10.0.11 is in both
    CHECK(after["delivered"] == after["from_server"]);
    const played together = play(
        {capture("S2-inside"), capture("S3-inside"), "--overlay", "--pool", "203.0.113.1-203.0.113.4", "--seed", "1"});
    CHECK(together["clients"] == 4);
    CHECK(together["misdelivered"] == 0);
    CHECK(together["delivered"] == together["from_server"]);
}

TEST_CASE("captures: equal seeds give equal totals") {
    if (!ready()) {
        return;
    }
    const auto without_times = [](played p) {
        p.totals.erase("ns_per_packet");
        p.totals.erase("wall_seconds");
        return p.totals;
    };
    const std::vector<std::string> arguments{
        capture("S3-inside"), "--clients", "60", "--stagger", "3ms", "--seed", "7"};
    const auto first = without_times(play(arguments));
    CHECK(first.at("packets") > 0);
    CHECK(first == without_times(play(arguments)));
    const outcome told = run_replay({capture("S2-inside"), "--seed", "7"});
    const auto until_clock = [](const std::string& text) { return text.substr(0, text.find("\nplayed ")); };
    CHECK(until_clock(told.out) == until_clock(run_replay({capture("S2-inside"), "--seed", "7"}).out));
    CHECK(told.out.find("gate opens") != std::string::npos);
    CHECK(told.out.find("SPI in (gate)") != std::string::npos);
    CHECK(told.out.find("held") != std::string::npos);
}

TEST_CASE("N10: what is written has right checksums, on both sides") {
    if (!ready()) {
        return;
    }
    const scratch_folder scratch;
    const std::string inside = scratch / "inside.pcap";
    const std::string outside = scratch / "outside.pcap";
    const played p =
        play({capture("S2-inside"), capture("lab_ikev2_psk_natt_rekey_inside"), "--overlay", "--clients", "12",
              "--stagger", "1ms", "--seed", "1", "--write-inside", inside, "--write-outside", outside});
    REQUIRE(p.run.status == 0);
    std::uint64_t seen = 0;
    for (const std::string& path : {inside, outside}) {
        CAPTURE(path);
        auto file = ikealg::io::pcap_reader::open(path);
        REQUIRE(file);
        while (const auto frame = file.value->next()) {
            ++seen;
            CAPTURE(frame->number);
            const auto parsed = ikealg::wire::parse_packet<ikealg::ipv4>(frame->network());
            REQUIRE(parsed);
            const auto& s = parsed.summary;
            CHECK(ikealg::fold(ikealg::sum_bytes(frame->network().first(s.transport_offset))) == 0xffff);
            const ikealg::bytes transport = s.transport(frame->network());
            if (s.kind == ikealg::wire::packet_kind::udp && ikealg::load_be16(transport.data() + 6) != 0) {
                const auto pseudo = ikealg::pseudo_header_sum(s.source, s.destination, s.protocol,
                                                              static_cast<std::uint32_t>(transport.size()));
                CHECK(ikealg::fold(ikealg::sum_bytes(transport, pseudo)) == 0xffff);
            }
        }
        CHECK(!file.value->error());
    }
    CHECK(seen == p["packets"] + p["forwarded"]);
}

TEST_CASE("bad input: one clear line and status 2") {
    if (!ready()) {
        return;
    }
    const scratch_folder scratch;
    const std::string good = capture("S2-inside");
    const std::string whole = file_content(good);
    const auto write = [&](const std::string& name, const std::string& content) {
        std::ofstream(scratch / name, std::ios::binary) << content;
        return scratch / name;
    };
    std::string other_link = whole;
    other_link[20] = static_cast<char>(147);
    struct bad {
        std::vector<std::string> arguments;
        std::string says;
    };
    const std::vector<bad> all{
        {{}, "CAPTURE is required"},
        {{good, "--no-such-option"}, "--no-such-option"},
        {{scratch / "absent.pcap"}, "No such file"},
        {{scratch / "."}, "Is a directory"},
        {{write("empty.pcap", "")}, "the file is empty"},
        {{write("text.pcap", "This is no capture, but a text of some length.\n")}, "not a pcap or pcapng capture"},
        {{write("header.pcap", whole.substr(0, 10))}, "not a pcap or pcapng capture"},
        {{write("none.pcap", whole.substr(0, 24))}, "nothing to play"},
        {{write("link.pcap", other_link)}, "link type 147"},
        {{capture("S2-outside")}, "needs --outside"},
        {{good, "--pool", "203.0.113"}, "--pool"},
        {{good, "--pool", "203.0.113.2-203.0.113.1"}, "is empty"},
        {{good, "--inside", "10.10.0.1/24"}, "host bits"},
        {{good, "--inside", "ten"}, "--inside"},
        {{good, "--inside", "192.168.0.0/16"}, "nothing to play"},
        {{good, "--inside", "10.10.0.0/24", "--clients", "300"}, "no room"},
        {{good, "--clients", "0"}, "--clients"},
        {{good, "--clients", "many"}, "--clients"},
        {{good, "--stagger", "5"}, "--stagger"},
        {{good, "--stagger", "-1ms"}, "--stagger"},
        {{good, "--alg", "maybe"}, "--alg"},
        {{good, "--profile", "other"}, "--profile"},
        {{good, "--ike-port", "501"}, "--ike-port"},
        {{good, "--esp-gate-timeout", "1"}, "esp-gate-timeout: 1 is out of range, allowed are 2 to 1200"},
        {{good, "--esp-gate-timeout", "31", "--profile", "junos"},
         "esp-gate-timeout: 31 is out of range, allowed are 2 to 30"},
        {{good, "--state-timeout", "1"}, "state-timeout"},
        {{good, "--esp-session-timeout", "59"}, "esp-session-timeout"},
        {{good, "--json", scratch / "absent/x"}, "cannot write"},
        {{good, "--write-inside", scratch / "absent/x"}, "cannot write"},
        {{"--dissect", scratch / "absent.pcap"}, "No such file"},
    };
    for (const bad& b : all) {
        CAPTURE(b.says);
        const outcome o = run_replay(b.arguments);
        INFO(o.err);
        CHECK(o.status == 2);
        CHECK(o.err.rfind("ikealg-replay: ", 0) == 0);
        CHECK(o.err.find(b.says) != std::string::npos);
        CHECK(o.err.find('\n') == o.err.size() - 1);
    }
}

TEST_CASE("bad input: a last packet that is cut off is reported, the rest is played") {
    if (!ready()) {
        return;
    }
    const scratch_folder scratch;
    const std::string whole = file_content(capture("S2-inside"));
    std::ofstream(scratch / "cut.pcap", std::ios::binary) << whole.substr(0, whole.size() - 5);
    const played p = play({scratch / "cut.pcap", "--seed", "1"});
    CHECK(p.run.status == 0);
    CHECK(p.run.err.find("cut off") != std::string::npos);
    CHECK(p["packets"] == play({capture("S2-inside"), "--seed", "1"})["packets"] - 1);
    const outcome rows = run_replay({"--dissect", scratch / "cut.pcap"});
    CHECK(rows.status == 0);
    CHECK(rows.err.find("cut off") != std::string::npos);
}

TEST_CASE("captures: --help and --version end with status 0") {
    if (!ready()) {
        return;
    }
    const outcome help = run_replay({"--help"});
    CHECK(help.status == 0);
    for (const std::string option :
         {"--outside", "--inside", "--pool", "--alg", "--profile", "--ike-port", "--state-timeout",
          "--esp-gate-timeout", "--esp-session-timeout", "--clients", "--stagger", "--seed", "--overlay", "--quiet",
          "--json", "--write-inside", "--write-outside", "--dissect"}) {
        CAPTURE(option);
        CHECK(help.out.find(option) != std::string::npos);
    }
    CHECK(run_replay({"--version"}).status == 0);
}
