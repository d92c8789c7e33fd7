// SPDX-License-Identifier: Apache-2.0
#include "ikealg/host/ingress.hpp"

#include <doctest/doctest.h>

#include "host/fake_port.hpp"

using namespace ikealg_tests;
using host::host_counter;

namespace {

const ipv4_address a = v4("10.0.0.5"), b = v4("198.51.100.1");

/// Interfaces of a port with a link layer (untagged and VLAN 7) and of one without.
host::interface_table interfaces() {
    host::host_settings s;
    s.interfaces = {{"x.0", 0, {}, "a", {}, {}, 0, false, false}, {"x.7", 0, std::uint16_t{7}, "b", {}, {}, 0, false, false}, {"tun", 1, {}, "b", {{v4("10.0.0.1"), 24}}, {}, 0, false, false}};
    std::vector<policy::zone_settings<ipv4>> zones(2);
    zones[0].name = "a";
    zones[1].name = "b";
    return {s, zones, {{mac(1), 1500, true}, {{}, 1500, false}, {{}, 1500, false}}, {}};
}
struct looked_at {
    host::arrival what;
    zone_id zone;
    octets packet;
};
looked_at look(const octets& bytes, std::size_t port = 0) {
    fake_port device(mac(1), port == 0);
    device.arrive(bytes);
    std::vector<io::frame> slot(1);
    REQUIRE(device.receive(slot) == 1);
    looked_at l{host::inspect(slot[0], port, port == 0, interfaces()), slot[0].zone(), {}};
    l.packet.assign(slot[0].network().begin(), slot[0].network().end());
    return l;
}

}  // namespace

TEST_CASE("IPv4 to us gets its interface's zone and loses its padding") {
    const octets p = udp(a, 1, b, 2);
    auto l = look(ethernet(mac(1), mac(9), 0x800, joined(p, octets(18, 0xff))));
    CHECK(!l.what.dropped);
    CHECK(!l.what.arp);
    CHECK(l.zone == zone_id{0});
    CHECK(l.packet == p);
    l = look(ethernet(mac(1), mac(9), 0x800, p, 7));
    CHECK(l.what.interface == 1);
    CHECK(l.zone == zone_id{1});
    l = look(p, 1);
    CHECK(l.what.interface == 2);
    CHECK(l.zone == zone_id{1});
}

TEST_CASE("ARP goes to ARP, broadcast or not") {
    const octets request = arp(1, mac(9), a, {}, b);
    CHECK(look(ethernet(mac(1), mac(9), 0x806, request)).what.arp);
    CHECK(look(ethernet(wire::mac_address::broadcast(), mac(9), 0x806, request, 7)).what.arp);
}

TEST_CASE("what is dropped, and why") {
    const octets p = udp(a, 1, b, 2);
    const auto why = [](const octets& frame, std::size_t port = 0) { return look(frame, port).what.dropped; };
    CHECK(why(ethernet(mac(1), mac(9), 0x800, p, 8)) == host_counter::unknown_vlan);
    CHECK(why(p, 2) == host_counter::unknown_vlan);
    CHECK(why(octets(10)) == host_counter::bad_frame);
    CHECK(why(ethernet(mac(2), mac(9), 0x800, p)) == host_counter::not_for_us);
    CHECK(why(ethernet(mac(1), mac(9), 0x86dd, p)) == host_counter::other_type);
    CHECK(why(ethernet(wire::mac_address::broadcast(), mac(9), 0x800, p)) == host_counter::link_broadcast);
    CHECK(why(ip6(17, v6("2001:db8::1"), v6("2001:db8::2"), octets(8)), 1) == host_counter::other_type);
    CHECK(why(octets(p.begin(), p.begin() + 19), 1) == host_counter::bad_header);
    CHECK(why(octets(p.begin(), p.end() - 1), 1) == host_counter::bad_header);
    CHECK(why({}, 1) == host_counter::bad_header);
    CHECK(why(udp(v4("10.0.0.1"), 1, b, 2), 1) == host_counter::bad_source);  // our own address
    for (std::size_t bit = 8; bit < 160; ++bit) {  // a wrong header checksum is always seen, version and IHL apart
        CAPTURE(bit);
        octets q = p;
        q[bit / 8] = static_cast<std::uint8_t>(q[bit / 8] ^ (1U << bit % 8));
        CHECK(why(q, 1) == host_counter::bad_header);
    }
    for (const char* source : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"}) {
        CHECK(why(udp(v4(source), 1, b, 2), 1) == host_counter::bad_source);
        CHECK(why(udp(a, 1, v4(source), 2), 1) == host_counter::bad_destination);
    }
}
