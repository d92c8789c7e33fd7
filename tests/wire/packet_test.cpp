// SPDX-License-Identifier: Apache-2.0
#include "ikealg/wire/packet.hpp"

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "samples.hpp"
#include "support/captured.hpp"
#include "support/hex.hpp"

using namespace ikealg;
using namespace ikealg_tests;
using wire::packet_kind;
using wire::parse_error;
using wire::parse_packet;
using wire::quoted_packet;

namespace {

octets network_of(const char* frame) {
    const octets all = hex(frame);
    return {all.begin() + 14, all.end()};
}

ipv4_address v4(const char* text) {
    return *ipv4_address::parse(text);
}
ipv6_address v6(const char* text) {
    return *ipv6_address::parse(text);
}

/// The parse again, written for the eye: every byte is asked for by name and may be absent. Slow, and shares no code.
template <class Family>
struct reference {
    bytes data;
    std::size_t whole;
    bool quoted;
    wire::parse_result<Family> out{};

    bool fail(parse_error e) {
        out.error = e;
        return false;
    }
    unsigned byte(std::size_t i) const { return data[i]; }
    unsigned word(std::size_t i) const { return byte(i) * 256 + byte(i + 1); }
    std::uint32_t dword(std::size_t i) const { return word(i) * 65536U + word(i + 2); }

    /// The first `n` bytes are present and within `end`.
    bool present(std::size_t n, std::size_t end, parse_error otherwise) {
        if (n > end) {
            return fail(otherwise);
        }
        if (n > data.size()) {
            out.needed = static_cast<std::uint16_t>(n);
            return fail(parse_error::needs_more);
        }
        return true;
    }

    bool network() {
        auto& s = out.summary;
        const bool is4 = Family::version == 4;
        if (!data.empty() && byte(0) / 16 != Family::version) {
            return fail(parse_error::not_this_family);
        }
        if (!present(is4 ? 20 : 40, whole, parse_error::truncated_header)) {
            return false;
        }
        std::size_t header = is4 ? byte(0) % 16 * 4 : 40;
        if (header < 20) {
            return fail(parse_error::bad_header_length);
        }
        std::size_t length = is4 ? word(2) : 40 + word(4);
        if (quoted) {
            if (length > whole || length < header) {
                length = whole;
            }
            if (length < header) {
                return fail(parse_error::truncated_header);
            }
        } else {
            if (length < header || length > 65535) {
                return fail(parse_error::bad_total_length);
            }
            if (length > whole) {
                return fail(parse_error::truncated_packet);
            }
        }
        s.length = static_cast<std::uint16_t>(length);
        if constexpr (Family::version == 4) {
            s.source.value = dword(12);
            s.destination.value = dword(16);
            s.fragment_id = word(4);
            s.dont_fragment = byte(6) / 64 % 2 == 1;
            s.more_fragments = byte(6) / 32 % 2 == 1;
            s.fragment_offset = static_cast<std::uint16_t>(word(6) % 8192);
            s.protocol = data[9];
            s.ttl = data[8];
        } else {
            const auto half = [&](std::size_t i) { return std::uint64_t{dword(i)} << 32 | dword(i + 4); };
            s.source = {half(8), half(16)};
            s.destination = {half(24), half(32)};
            s.dont_fragment = true;
            s.protocol = data[6];
            s.ttl = data[7];
            unsigned seen = 0;
            bool fragment = false;
            while (s.fragment_offset == 0) {
                const unsigned p = s.protocol;
                if (p != 0 && p != 43 && p != 44 && p != 60 && p != 135 && p != 139 && p != 140) {
                    break;
                }
                if ((p == 0 && seen > 0) || (p == 44 && fragment)) {
                    return fail(parse_error::bad_extension_header);
                }
                if (seen == 8) {
                    return fail(parse_error::too_many_extension_headers);
                }
                if (!present(header + 8, length, parse_error::bad_extension_header)) {
                    return false;
                }
                const std::size_t size = p == 44 ? 8 : byte(header + 1) * 8 + 8;
                if (p == 44) {
                    fragment = true;
                    s.fragment_offset = static_cast<std::uint16_t>(word(header + 2) / 8);
                    s.more_fragments = word(header + 2) % 2 == 1;
                    s.fragment_id = dword(header + 4);
                }
                s.protocol = data[header];
                header += size;
                if (header > length) {
                    return fail(parse_error::bad_extension_header);
                }
                ++seen;
            }
        }
        s.transport_offset = static_cast<std::uint16_t>(header);
        return transport(header, length);
    }

    bool transport(std::size_t at, std::size_t end) {
        auto& s = out.summary;
        const std::size_t size = end - at;
        const auto here = [&](std::size_t n) { return present(at + n, end, parse_error::truncated_transport); };
        if (!quoted && (s.fragment_offset != 0 || s.more_fragments)) {
            if (s.fragment_offset * 8U + size > 65535 || (s.more_fragments && size % 8 != 0)) {
                return fail(parse_error::bad_fragment);
            }
        }
        s.kind = packet_kind::other;
        if (s.fragment_offset != 0) {
            s.kind = packet_kind::later_fragment;
        } else if (s.protocol == 50) {
            if (!here(8)) {
                return false;
            }
            s.kind = packet_kind::esp;
            s.spi.value = dword(at);
            s.sequence = dword(at + 4);
        } else if (s.protocol == 51) {
            if (!here(quoted ? 8 : 12)) {
                return false;
            }
            s.kind = packet_kind::ah;
            s.spi.value = dword(at + 4);
            s.sequence = size >= 12 ? dword(at + 8) : 0;
        } else if (s.protocol == 17 || s.protocol == 6) {
            if (!here(s.protocol == 17 || quoted ? 8 : 20)) {
                return false;
            }
            const std::size_t least = s.protocol == 17 ? 8 : 20;
            const std::size_t says = s.protocol == 17 ? word(at + 4) : quoted ? 20 : byte(at + 12) / 16 * 4;
            if (!quoted && (says < least || (!s.more_fragments && says > size))) {
                return fail(parse_error::bad_transport_length);
            }
            s.kind = s.protocol == 17 ? packet_kind::udp : packet_kind::tcp;
            s.source_port.value = static_cast<std::uint16_t>(word(at));
            s.destination_port.value = static_cast<std::uint16_t>(word(at + 2));
        } else if (s.protocol == (Family::version == 4 ? 1 : 58)) {
            if (!here(8)) {
                return false;
            }
            const unsigned type = byte(at);
            const auto any = [&](std::initializer_list<unsigned> list) {
                return std::find(list.begin(), list.end(), type) != list.end();
            };
            const bool plain = byte(at + 1) == 0;
            s.kind = packet_kind::icmp_other;
            if (Family::version == 4 ? any({3, 4, 11, 12}) : any({1, 2, 3, 4})) {
                s.kind = packet_kind::icmp_error;
            } else if (plain && type == (Family::version == 4 ? 8 : 128)) {
                s.kind = packet_kind::icmp_echo_request;
            } else if (plain && type == (Family::version == 4 ? 0 : 129)) {
                s.kind = packet_kind::icmp_echo_reply;
            }
            if (s.kind == packet_kind::icmp_echo_request || s.kind == packet_kind::icmp_echo_reply) {
                s.source_port.value = static_cast<std::uint16_t>(word(at + 4));
                s.destination_port = s.source_port;
            }
        }
        return true;
    }

    static wire::parse_result<Family> run(bytes data, std::size_t whole, bool quoted) {
        reference r{data.first(std::min(data.size(), whole)), whole, quoted};
        r.network();
        return r.out;
    }
};

/// Equal errors, and equal summaries where there is one.
template <class Family>
bool same(const wire::parse_result<Family>& a, const wire::parse_result<Family>& b) {
    return a.error == b.error && a.needed == b.needed && (!a || a.summary == b.summary);
}

/// Every sample of a family as a network packet.
std::vector<octets> seeds(unsigned version) {
    namespace s = samples;
    std::vector<octets> out;
    for (const char* frame : {s::esp_frame, s::ike_frame, s::keepalive_frame, s::natt_ike_frame, s::natt_esp_frame,
                              s::natt_esp6_frame, s::ike6_frame}) {
        out.push_back(network_of(frame));
    }
    for (const char* packet : {s::tcp_syn, s::tcp_ack, s::tcp6_syn, s::port_unreachable, s::port_unreachable6,
                               s::last_fragment, s::last_fragment6, s::router_alert, s::hop_by_hop6}) {
        out.push_back(hex(packet));
    }
    for (const char* name : {"lab_wire_ah", "lab_wire_ah_ipv6", "lab_wire_icmp", "lab_wire_icmpv6",
                             "lab_wire_ipv4_options", "lab_wire_ipv6_extensions"}) {
        for (const octets& frame : captured(name)) {
            if (frame.size() <= 200) {  // the long ones have nothing but padding behind that
                out.emplace_back(frame.begin() + 14, frame.end());
            }
        }
    }
    std::erase_if(out, [&](const octets& p) { return p[0] / 16 != version; });
    return out;
}

/// An IPv4 packet around `payload`, header checksum left 0: the parse does not read it.
octets ipv4_packet(unsigned protocol, const octets& payload, unsigned fragment_word = 0, unsigned options = 0) {
    const std::size_t total = 20 + options + payload.size();
    octets p = hex("4500000012340000400000000a0a000bcb007164");
    p[0] = static_cast<std::uint8_t>(0x45 + options / 4);
    store_be16(&p[2], static_cast<std::uint16_t>(total));
    store_be16(&p[6], static_cast<std::uint16_t>(fragment_word));
    p[9] = static_cast<std::uint8_t>(protocol);
    p.insert(p.end(), options, 1);
    p.insert(p.end(), payload.begin(), payload.end());
    return p;
}

octets ipv6_packet(unsigned next, const octets& payload) {
    octets p = hex("600000000000004020010db800000000000000000000000120010db8000000000000000000000007");
    store_be16(&p[4], static_cast<std::uint16_t>(payload.size()));
    p[6] = static_cast<std::uint8_t>(next);
    p.insert(p.end(), payload.begin(), payload.end());
    return p;
}

}  // namespace

TEST_CASE("E7: ESP of the lab: addresses, SPI and sequence number") {
    const auto p = network_of(samples::esp_frame);
    const auto r = parse_packet<ipv4>(p);
    REQUIRE(r);
    const auto& s = r.summary;
    CHECK(s.kind == packet_kind::esp);
    CHECK(s.source == v4("10.10.0.11"));
    CHECK(s.destination == v4("203.0.113.100"));
    CHECK(s.spi == spi{0x5a9ce879});
    CHECK(s.sequence == 1);
    CHECK(s.protocol == 50);
    CHECK(s.ttl == 64);
    CHECK(s.length == 156);
    CHECK(s.transport_offset == 20);
    CHECK(s.transport_length() == 136);
    CHECK(s.fragment_id == 0x0861);
    CHECK(s.dont_fragment);
    CHECK_FALSE(s.is_fragment());
    CHECK(s.source_port == port{});
}

TEST_CASE("UDP of the lab, IPv4 and IPv6: ports and offsets") {
    const auto ike = network_of(samples::ike_frame);
    const auto r = parse_packet<ipv4>(ike);
    REQUIRE(r);
    CHECK(r.summary.kind == packet_kind::udp);
    CHECK(r.summary.source_port == ike_port);
    CHECK(r.summary.destination_port == ike_port);
    CHECK(r.summary.transport(bytes{ike}).size() == 132);

    const auto natt = network_of(samples::natt_esp6_frame);
    const auto r6 = parse_packet<ipv6>(natt);
    REQUIRE(r6);
    CHECK(r6.summary.kind == packet_kind::udp);
    CHECK(r6.summary.source == v6("fd10::2"));
    CHECK(r6.summary.destination == v6("2001:db8::2"));
    CHECK(r6.summary.source_port == natt_port);
    CHECK(r6.summary.ttl == 64);
    CHECK(r6.summary.transport_offset == 40);
    CHECK(r6.summary.length == 168);
    CHECK(r6.summary.dont_fragment);
    CHECK(r6.summary.fragment_id == 0);
}

TEST_CASE("TCP, ICMP errors, options and extension headers of a Linux stack") {
    const auto syn = parse_packet<ipv4>(hex(samples::tcp_syn));
    REQUIRE(syn);
    CHECK(syn.summary.kind == packet_kind::tcp);
    CHECK(syn.summary.source_port == port{40001});
    CHECK(syn.summary.destination_port == port{8080});
    const auto syn6 = parse_packet<ipv6>(hex(samples::tcp6_syn));
    REQUIRE(syn6);
    CHECK(syn6.summary.kind == packet_kind::tcp);
    CHECK(syn6.summary.destination_port == port{8080});

    const auto options = parse_packet<ipv4>(hex(samples::router_alert));
    REQUIRE(options);
    CHECK(options.summary.transport_offset == 24);
    CHECK(options.summary.source_port == port{502});
    const auto chain = parse_packet<ipv6>(hex(samples::hop_by_hop6));
    REQUIRE(chain);
    CHECK(chain.summary.kind == packet_kind::udp);
    CHECK(chain.summary.protocol == 17);
    CHECK(chain.summary.transport_offset == 56);
    CHECK(chain.summary.destination_port == port{8082});
}

TEST_CASE("N8: an ICMP error and the packet that it quotes") {
    const auto p = hex(samples::port_unreachable);
    const auto outer = parse_packet<ipv4>(p);
    REQUIRE(outer);
    CHECK(outer.summary.kind == packet_kind::icmp_error);
    const auto inner = quoted_packet<ipv4>(bytes{p}.subspan(outer.summary.transport_offset + 8U));
    REQUIRE(inner);
    CHECK(inner.summary.kind == packet_kind::udp);
    CHECK(inner.summary.source == outer.summary.destination);
    CHECK(inner.summary.destination == outer.summary.source);
    CHECK(inner.summary.source_port == ike_port);
    CHECK(inner.summary.length == 68);

    const auto p6 = hex(samples::port_unreachable6);
    const auto outer6 = parse_packet<ipv6>(p6);
    REQUIRE(outer6);
    CHECK(outer6.summary.kind == packet_kind::icmp_error);
    const auto inner6 = quoted_packet<ipv6>(bytes{p6}.subspan(outer6.summary.transport_offset + 8U));
    REQUIRE(inner6);
    CHECK(inner6.summary.kind == packet_kind::udp);
    CHECK(inner6.summary.source == v6("2001:db8::1"));
}

TEST_CASE("N8: a quote of an IP header and 8 bytes is enough, whatever its lengths say") {
    auto esp = network_of(samples::esp_frame);
    esp.resize(28);
    CHECK(parse_packet<ipv4>(esp).error == parse_error::truncated_packet);
    auto r = quoted_packet<ipv4>(esp);
    REQUIRE(r);
    CHECK(r.summary.kind == packet_kind::esp);
    CHECK(r.summary.spi == spi{0x5a9ce879});
    CHECK(r.summary.sequence == 1);
    CHECK(r.summary.length == 28);
    store_be16(&esp[2], 0);  // a stack that quotes the length as it keeps it inside
    CHECK(quoted_packet<ipv4>(esp));
    esp.resize(27);
    CHECK(quoted_packet<ipv4>(esp).error == parse_error::truncated_transport);

    auto tcp = hex(samples::tcp_syn);
    tcp.resize(28);
    r = quoted_packet<ipv4>(tcp);
    REQUIRE(r);
    CHECK(r.summary.kind == packet_kind::tcp);
    CHECK(r.summary.source_port == port{40001});

    const auto ah = ipv4_packet(51, hex("1104000000001001"));
    r = quoted_packet<ipv4>(ah);
    REQUIRE(r);
    CHECK(r.summary.spi == spi{0x1001});
    CHECK(r.summary.sequence == 0);

    auto udp6 = network_of(samples::natt_esp6_frame);
    udp6.resize(48);
    const auto r6 = quoted_packet<ipv6>(udp6);
    REQUIRE(r6);
    CHECK(r6.summary.source_port == natt_port);

    auto padded = hex(samples::port_unreachable);  // RFC 4884: zero padding to 128 bytes, then extensions
    padded.erase(padded.begin(), padded.begin() + 28);
    padded.resize(128);
    const auto extension = hex("2000aaaa0008010100001234");
    padded.insert(padded.end(), extension.begin(), extension.end());
    r = quoted_packet<ipv4>(padded);
    REQUIRE(r);
    CHECK(r.summary.length == 68);
}

TEST_CASE("a quote longer than any packet is taken for 65535 bytes") {
    auto four = ipv4_packet(50, hex("0000100000000002"));
    four.resize(70'000);
    store_be16(&four[2], 0);
    CHECK(quoted_packet<ipv4>(four).summary.length == 65535);
    auto six = ipv6_packet(50, hex("0000100000000002"));
    six.resize(70'000);
    store_be16(&six[4], 65535);
    CHECK(quoted_packet<ipv6>(six).summary.length == 65535);
}

TEST_CASE("N9: first, middle and last fragments") {
    const octets payload = hex("01f41194003000001122334455667788");  // a UDP header and 8 bytes of 40
    const auto first = parse_packet<ipv4>(ipv4_packet(17, payload, 0x2000));
    REQUIRE(first);
    CHECK(first.summary.kind == packet_kind::udp);
    CHECK(first.summary.is_fragment());
    CHECK(first.summary.is_first_fragment());
    CHECK(first.summary.source_port == ike_port);

    const auto middle = parse_packet<ipv4>(ipv4_packet(17, payload, 0x2002));
    REQUIRE(middle);
    CHECK(middle.summary.kind == packet_kind::later_fragment);
    CHECK(middle.summary.fragment_offset == 2);
    CHECK_FALSE(middle.summary.is_first_fragment());
    CHECK(middle.summary.source_port == port{});

    const auto last = parse_packet<ipv4>(hex(samples::last_fragment));
    REQUIRE(last);
    CHECK(last.summary.kind == packet_kind::later_fragment);
    CHECK(last.summary.is_fragment());
    CHECK_FALSE(last.summary.more_fragments);
    CHECK(last.summary.fragment_offset == 314);
    CHECK(last.summary.fragment_id == 0xf231);

    const auto last6 = parse_packet<ipv6>(hex(samples::last_fragment6));
    REQUIRE(last6);
    CHECK(last6.summary.kind == packet_kind::later_fragment);
    CHECK(last6.summary.fragment_offset == 308);
    CHECK(last6.summary.fragment_id == 0xc1bff8f3);
    CHECK(last6.summary.transport_offset == 48);
    CHECK(last6.summary.protocol == 17);

    // RFC 6946: an atomic fragment is a whole packet
    const auto atomic = parse_packet<ipv6>(ipv6_packet(44, hex("3200000000000007 0000100000000005")));
    REQUIRE(atomic);
    CHECK(atomic.summary.kind == packet_kind::esp);
    CHECK_FALSE(atomic.summary.is_fragment());
    CHECK(atomic.summary.fragment_id == 7);
}

TEST_CASE("every kind, both families") {
    struct row {
        const char* what;
        unsigned v4_protocol;
        unsigned v6_protocol;
        const char* v4_payload;
        const char* v6_payload;
        packet_kind kind;
    };
    const auto kinds = std::to_array<row>({
        {"echo request", 1, 58, "08000000beef0001", "80000000beef0001", packet_kind::icmp_echo_request},
        {"echo reply", 1, 58, "00000000beef0001", "81000000beef0001", packet_kind::icmp_echo_reply},
        {"unreachable", 1, 58, "0303000000000000", "0104000000000000", packet_kind::icmp_error},
        {"quench / too big", 1, 58, "0400000000000000", "0200000000000500", packet_kind::icmp_error},
        {"time exceeded", 1, 58, "0b00000000000000", "0300000000000000", packet_kind::icmp_error},
        {"parameter problem", 1, 58, "0c00000000000000", "0400000000000000", packet_kind::icmp_error},
        {"redirect / neighbour", 1, 58, "0501000000000000", "8700000000000000", packet_kind::icmp_other},
        {"echo with a code", 1, 58, "08010000beef0001", "80010000beef0001", packet_kind::icmp_other},
        {"the other family's ICMP", 58, 1, "80000000beef0001", "08000000beef0001", packet_kind::other},
        {"AH", 51, 51, "110400000000100100000002", "110400000000100100000002", packet_kind::ah},
        {"ESP with nothing", 50, 50, "0000100000000002", "0000100000000002", packet_kind::esp},
        {"GRE", 47, 47, "", "", packet_kind::other},
        {"no next header", 59, 59, "", "", packet_kind::other},
        {"IPv6 extension number", 60, 59, "", "", packet_kind::other},
    });
    for (const auto& k : kinds) {
        CAPTURE(k.what);
        const auto four = parse_packet<ipv4>(ipv4_packet(k.v4_protocol, hex(k.v4_payload)));
        const auto six = parse_packet<ipv6>(ipv6_packet(k.v6_protocol, hex(k.v6_payload)));
        CHECK(four);
        CHECK(six);
        CHECK(four.summary.kind == k.kind);
        CHECK(six.summary.kind == k.kind);
        const bool echo = k.kind == packet_kind::icmp_echo_request || k.kind == packet_kind::icmp_echo_reply;
        CHECK(four.summary.source_port == port{static_cast<std::uint16_t>(echo ? 0xbeef : 0)});
        CHECK(six.summary.destination_port == port{static_cast<std::uint16_t>(echo ? 0xbeef : 0)});
    }
}

TEST_CASE("L6: what is wrong with a packet is named") {
    struct row {
        const char* what;
        parse_error error;
        octets packet;
    };
    const auto changed = [](octets p, std::size_t at, unsigned value) {
        p[at] = static_cast<std::uint8_t>(value);
        return p;
    };
    const auto cut = [](octets p, std::size_t n) {
        p.resize(n);
        return p;
    };
    const octets esp = network_of(samples::esp_frame);
    const octets udp = hex("01f411940008abcd");
    octets tcp = hex(samples::tcp_syn);
    tcp.erase(tcp.begin(), tcp.begin() + 20);

    const std::vector<row> v4_rows{
        {"nothing", parse_error::truncated_header, {}},
        {"19 bytes", parse_error::truncated_header, cut(esp, 19)},
        {"version 6", parse_error::not_this_family, changed(esp, 0, 0x65)},
        {"one byte of version 6", parse_error::not_this_family, {0x60}},
        {"IHL 4", parse_error::bad_header_length, changed(esp, 0, 0x44)},
        {"total length 19", parse_error::bad_total_length, changed(changed(esp, 3, 19), 2, 0)},
        {"total length 59 with IHL 15", parse_error::bad_total_length, changed(changed(esp, 3, 59), 0, 0x4f)},
        {"one byte short", parse_error::truncated_packet, cut(esp, esp.size() - 1)},
        {"ESP of 7 bytes", parse_error::truncated_transport, ipv4_packet(50, cut(udp, 7))},
        {"UDP of 7 bytes", parse_error::truncated_transport, ipv4_packet(17, cut(udp, 7))},
        {"TCP of 19 bytes", parse_error::truncated_transport, ipv4_packet(6, cut(tcp, 19))},
        {"AH of 11 bytes", parse_error::truncated_transport, ipv4_packet(51, octets(11))},
        {"ICMP of 7 bytes", parse_error::truncated_transport, ipv4_packet(1, octets(7))},
        {"tiny first fragment of TCP", parse_error::truncated_transport, ipv4_packet(6, cut(tcp, 16), 0x2000)},
        {"UDP length 7", parse_error::bad_transport_length, ipv4_packet(17, changed(udp, 5, 7))},
        {"UDP length 9 of 8", parse_error::bad_transport_length, ipv4_packet(17, changed(udp, 5, 9))},
        {"TCP data offset 4", parse_error::bad_transport_length, ipv4_packet(6, changed(tcp, 12, 0x40))},
        {"TCP data offset 11 of 40", parse_error::bad_transport_length, ipv4_packet(6, changed(tcp, 12, 0xb0))},
        {"middle fragment of 7", parse_error::bad_fragment, ipv4_packet(17, cut(udp, 7), 0x2001)},
        {"beyond 65535", parse_error::bad_fragment, ipv4_packet(17, udp, 0x1fff)},
    };
    for (const auto& r : v4_rows) {
        CAPTURE(r.what);
        CHECK(to_string(parse_packet<ipv4>(r.packet).error) == to_string(r.error));
    }
    CHECK(parse_packet<ipv4>(ipv4_packet(17, cut(udp, 7), 0x1fff)));  // ends at 65535

    const octets six = network_of(samples::natt_esp6_frame);
    const std::string option = "0001040000000000";  // destination options of 16 bytes: cut off
    const std::string empty_option = "3c00010400000000";
    std::string nine;
    for (int i = 0; i < 9; ++i) {
        nine += empty_option;
    }
    const std::vector<row> v6_rows{
        {"nothing", parse_error::truncated_header, {}},
        {"39 bytes", parse_error::truncated_header, cut(six, 39)},
        {"version 4", parse_error::not_this_family, changed(six, 0, 0x45)},
        {"one byte short", parse_error::truncated_packet, cut(six, six.size() - 1)},
        {"payload length 65535", parse_error::bad_total_length, changed(changed(six, 4, 255), 5, 255)},
        {"options cut off", parse_error::bad_extension_header, ipv6_packet(60, hex(option))},
        {"7 bytes of a fragment header", parse_error::bad_extension_header, ipv6_packet(44, octets(7))},
        {"two fragment headers", parse_error::bad_extension_header,
         ipv6_packet(44, hex("2c00000000000001 3b00000000000001"))},
        {"hop-by-hop in second place", parse_error::bad_extension_header,
         ipv6_packet(60, hex("0000010400000000 3b00010400000000"))},
        {"jumbogram", parse_error::bad_extension_header, ipv6_packet(0, {})},
        {"nine headers", parse_error::too_many_extension_headers, ipv6_packet(60, hex(nine))},
        {"first fragment without the chain", parse_error::bad_extension_header,
         ipv6_packet(44, hex("3c00000100000001"))},
        {"first fragment without the transport", parse_error::truncated_transport,
         ipv6_packet(44, hex("3200000100000001"))},
        {"middle fragment of 9", parse_error::bad_fragment,
         ipv6_packet(44, hex("3200000900000001 000000000000000000"))},
        {"beyond 65535", parse_error::bad_fragment, ipv6_packet(44, hex("3200fff800000001 0000000000000000"))},
        {"UDP length 0", parse_error::bad_transport_length, ipv6_packet(17, hex("01f401f400000000"))},
    };
    for (const auto& r : v6_rows) {
        CAPTURE(r.what);
        CHECK(to_string(parse_packet<ipv6>(r.packet).error) == to_string(r.error));
    }
    nine.resize(8 * 16);
    nine.replace(7 * 16, 2, "3b");
    CHECK(parse_packet<ipv6>(ipv6_packet(60, hex(nine))));  // eight are allowed
}

TEST_CASE("a packet of several segments: needs_more says how much, and is no error of the packet") {
    const auto esp = network_of(samples::esp_frame);
    auto r = parse_packet<ipv4>(bytes{esp}.first(0), esp.size());
    CHECK(r.error == parse_error::needs_more);
    CHECK(r.needed == 20);
    r = parse_packet<ipv4>(bytes{esp}.first(27), esp.size());
    CHECK(r.error == parse_error::needs_more);
    CHECK(r.needed == 28);
    CHECK(parse_packet<ipv4>(bytes{esp}.first(28), esp.size()));
    const auto tcp = hex(samples::tcp_syn);
    CHECK(parse_packet<ipv4>(bytes{tcp}.first(28), tcp.size()).needed == 40);
    CHECK(parse_packet<ipv4>(bytes{tcp}.first(40), tcp.size()));
    const auto chain = hex(samples::hop_by_hop6);
    CHECK(parse_packet<ipv6>(bytes{chain}.first(12), chain.size()).needed == 40);
    CHECK(parse_packet<ipv6>(bytes{chain}.first(40), chain.size()).needed == 48);
    CHECK(parse_packet<ipv6>(bytes{chain}.first(48), chain.size()).needed == 56);
    CHECK(parse_packet<ipv6>(bytes{chain}.first(56), chain.size()).needed == 64);
    CHECK(parse_packet<ipv6>(bytes{chain}.first(64), chain.size()));
}

TEST_CASE("Ethernet padding behind the packet is allowed and not read") {
    auto keepalive = network_of(samples::keepalive_frame);
    const auto bare = parse_packet<ipv4>(keepalive);
    keepalive.resize(46, 0xee);
    const auto padded = parse_packet<ipv4>(keepalive);
    REQUIRE(padded);
    CHECK(padded.summary == bare.summary);
    CHECK(padded.summary.length == 29);
    CHECK(padded.summary.transport(bytes{keepalive}).size() == 9);
    const auto empty = ipv4_packet(50, octets(7));
    auto with_padding = empty;
    with_padding.resize(46);
    CHECK(parse_packet<ipv4>(with_padding).error == parse_error::truncated_transport);
}

TEST_CASE("L6: no prefix of a packet is read beyond its end") {
    const auto walk = [](auto family, const octets& p) {
        using Family = decltype(family);
        const auto full = parse_packet<Family>(p);
        REQUIRE(full);
        for (std::size_t n = 0; n <= p.size(); ++n) {
            CAPTURE(n);
            const exact_copy part(bytes{p}.first(n));
            const auto cut = parse_packet<Family>(part.bytes());
            CHECK(same(cut, reference<Family>::run(part.bytes(), n, false)));
            CHECK(static_cast<bool>(cut) == (n >= full.summary.length));
            const auto segment = parse_packet<Family>(part.bytes(), p.size());
            CHECK(same(segment, reference<Family>::run(part.bytes(), p.size(), false)));
            CHECK((segment || (segment.error == parse_error::needs_more && segment.needed > n)));
            CHECK(same(quoted_packet<Family>(part.bytes()), reference<Family>::run(part.bytes(), n, true)));
        }
    };
    for (const auto& p : seeds(4)) {
        walk(ipv4{}, p);
    }
    for (const auto& p : seeds(6)) {
        walk(ipv6{}, p);
    }
}

namespace {

/// A chain of random extension headers, most of them whole, before a random protocol.
octets random_chain(small_random& random) {
    constexpr std::array<std::uint8_t, 7> headers{0, 43, 44, 60, 135, 139, 140};
    constexpr std::array<std::uint8_t, 7> ends{6, 17, 50, 51, 58, 59, 47};
    octets chain;
    const auto links = random() % 10;
    std::vector<std::uint8_t> types;
    for (std::uint64_t i = 0; i < links; ++i) {
        types.push_back(headers[(i == 0 ? 0 : 1) + random() % (i == 0 ? 7 : 6)]);
    }
    types.push_back(ends[random() % ends.size()]);
    for (std::size_t i = 0; i + 1 < types.size(); ++i) {
        const std::size_t units = types[i] == 44 ? 0 : random() % 3;
        octets header(8 + units * 8);
        header[0] = types[i + 1];
        header[1] = static_cast<std::uint8_t>(units);
        if (types[i] == 44) {
            store_be16(&header[2], static_cast<std::uint16_t>(random() % 4 == 0 ? random() : random() % 2));
        }
        chain.insert(chain.end(), header.begin(), header.end());
    }
    octets transport(random() % 48);
    for (auto& b : transport) {
        b = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 32);
    }
    chain.insert(chain.end(), transport.begin(), transport.end());
    return ipv6_packet(types.front(), chain);
}

template <class Family>
void mutate_and_compare(std::uint64_t seed, int rounds) {
    small_random random(seed);
    const auto originals = seeds(Family::version);
    std::array<int, 16> hits{};
    for (int round = 0; round < rounds; ++round) {
        octets p = originals[random() % originals.size()];
        if (Family::version == 6 && random() % 2 == 0) {
            p = random_chain(random);
        }
        const auto changes = random() % 5;
        for (std::uint64_t i = 0; i < changes && !p.empty(); ++i) {
            const std::size_t at = random() % (random() % 4 == 0 ? p.size() : std::min<std::size_t>(p.size(), 64));
            p[at] = static_cast<std::uint8_t>(random() % 2 == 0 ? random() : p[at] ^ 1U << random() % 8);
        }
        if (random() % 8 == 0) {
            constexpr std::array<std::uint16_t, 6> lengths{0, 19, 20, 28, 65495, 65535};
            store_be16(&p[Family::version == 4 ? 2 : 4], lengths[random() % lengths.size()]);
        }
        const std::size_t whole = random() % 2 == 0 ? p.size() : random() % (p.size() + 1);
        const exact_copy part(bytes{p}.first(random() % 2 == 0 ? whole : random() % (p.size() + 1)));
        const auto got = parse_packet<Family>(part.bytes(), whole);
        const auto expected = reference<Family>::run(part.bytes(), whole, false);
        const auto quote = quoted_packet<Family>(part.bytes());
        ++hits[static_cast<std::size_t>(got.error)];
        wire::parse_result<Family> in_place;
        in_place.summary.spi.value = 1;  // what was there before must not shine through
        in_place.error = parse_error::bad_fragment;
        in_place.needed = 1;
        parse_packet(part.bytes(), whole, in_place);
        if (!same(got, in_place) || !same(got, expected) ||
            !same(quote, reference<Family>::run(part.bytes(), part.bytes().size(), true))) {
            CAPTURE(seed);
            CAPTURE(round);
            CAPTURE(whole);
            CAPTURE(to_hex(part.bytes()));
            CAPTURE(to_string(expected.error));
            FAIL("differs from the reference: " << to_string(got.error));
        }
        // What it asks for, it gets: the answer is that of the contiguous packet, after a bounded number of rounds.
        if (got.error == parse_error::needs_more) {
            auto again = got;
            unsigned asked = 0;
            while (again.error == parse_error::needs_more && asked < 20) {
                const exact_copy more(bytes{p}.first(again.needed));
                again = parse_packet<Family>(more.bytes(), whole);
                ++asked;
            }
            CAPTURE(seed);
            CAPTURE(round);
            CAPTURE(to_hex(p));
            REQUIRE(asked < 20);
            REQUIRE(same(again, parse_packet<Family>(p, whole)));
        }
    }
    for (std::size_t i = 0; i <= static_cast<std::size_t>(parse_error::bad_transport_length); ++i) {
        const auto e = static_cast<parse_error>(i);
        const bool only_v4 = e == parse_error::bad_header_length;
        const bool only_v6 = e == parse_error::bad_extension_header || e == parse_error::too_many_extension_headers;
        if (Family::version == 4 ? only_v6 : only_v4) {
            continue;
        }
        CAPTURE(seed);
        CAPTURE(to_string(e));
        CHECK(hits[static_cast<std::size_t>(e)] > 0);
    }
}

}  // namespace

TEST_CASE("L6: mutated packets parse like the slow reference") {
    for (const std::uint64_t seed : {1U, 20241123U, 0xdeadU}) {
        mutate_and_compare<ipv4>(seed, 60'000);
        mutate_and_compare<ipv6>(seed, 60'000);
    }
}
