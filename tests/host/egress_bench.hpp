// SPDX-License-Identifier: Apache-2.0
/// The way out by itself: a LAN and a TUN, without a gateway.
#ifndef IKEALG_TESTS_HOST_EGRESS_BENCH_HPP
#define IKEALG_TESTS_HOST_EGRESS_BENCH_HPP

#include <chrono>
#include <utility>
#include <vector>

#include "host/fake_port.hpp"
#include "ikealg/host/egress.hpp"

namespace ikealg_tests {

using namespace std::chrono_literals;
using host::host_counter;

struct egress_bench {
    using egress_type = host::egress<fake_port>;
    using carried = egress_type::carried;
    struct complaint {
        octets packet;
        zone_id zone;
        host::error_kind kind;
    };

    fake_port lan{mac(1)};
    fake_port tun{{}, false, 1400};
    host::host_settings settings{};
    egress_type out;
    std::vector<complaint> complaints{};
    instant now{1h};

    explicit egress_bench(std::size_t lan_mtu = 1500, address_range<ipv4> proxied = {v4("10.0.0.100"), v4("10.0.0.100")})
        : out({&lan, &tun}, settings.arp, hash_secret::from_seed(1)) {
        settings.interfaces = {{"lan", 0, std::uint16_t{5}, "in", {{v4("10.0.0.1"), 24}}, {proxied}, lan_mtu, false, false},
                               {"tun", 1, {}, "out", {{v4("192.0.2.1"), 24}}, {}, 0, false, false}};
        std::vector<policy::zone_settings<ipv4>> zones(2);
        zones[0].name = "in";
        zones[1].name = "out";
        out.interfaces = host::interface_table(settings, zones, out.facts(), {});
        out.routes = std::move(*host::route_table<ipv4>::build(out.interfaces.connected(),
                                                               {{{v4("198.51.100.0"), 24}, v4("192.0.2.2")}, {{v4("10.8.0.0"), 16}, v4("10.0.0.9")}})
                                    .value);
    }
    void forward(const octets& packet, std::uint16_t zone) {
        carried p{lan.make(packet.size()), 0, false};
        std::copy(packet.begin(), packet.end(), p.network().begin());
        out.forward(std::move(p), zone_id{zone}, now, [&](carried&& c, zone_id z, host::error_kind k) {
            complaints.push_back({{c.network().begin(), c.network().end()}, z, k});
        });
        out.flush();
    }
    [[nodiscard]] std::uint64_t count(host_counter c) const { return out.counters[c]; }
};

}  // namespace ikealg_tests

#endif
