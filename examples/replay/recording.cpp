// SPDX-License-Identifier: Apache-2.0
#include "recording.hpp"

#include <algorithm>
#include <map>

#include "bytes_of.hpp"
#include "ikealg/wire/natt.hpp"
#include "ikealg/wire/packet.hpp"
#include "owners.hpp"

namespace replay {
namespace {

using ikealg::ipv4_address;
using ikealg::wire::packet_kind;
using summary = ikealg::wire::packet_summary<ipv4>;

constexpr std::size_t udp_header = 8;
constexpr std::size_t ike_header = 28;

/// The IP packet of a frame: without padding, what the capture left out filled with zeros.
[[nodiscard]] std::vector<std::uint8_t> ip_packet_of(const ikealg::io::pcap_frame& frame) {
    const ikealg::bytes network = frame.network();
    if (network.size() < 20 || network[0] >> 4U != 4) {
        return {};
    }
    const std::size_t length = ikealg::load_be16(network.data() + 2);
    std::vector<std::uint8_t> whole(network.begin(),
                                    network.begin() + static_cast<std::ptrdiff_t>(std::min(length, network.size())));
    if (length > whole.size() && length <= network.size() + frame.missing) {
        whole.resize(length);
    }
    return whole;
}

/// Where a packet carries IKE or an ESP SPI.
void note_ipsec(recorded_packet& p, const summary& s) {
    const std::size_t transport = s.transport_offset;
    if (s.kind == packet_kind::esp) {
        p.spi_offset = s.transport_offset;
    }
    p.repeated =
        s.kind == packet_kind::later_fragment && s.protocol == static_cast<std::uint8_t>(ikealg::ip_protocol::udp);
    if (s.kind != packet_kind::udp) {
        return;
    }
    const ikealg::bytes payload = ikealg::bytes(p.bytes).subspan(std::min(transport + udp_header, p.bytes.size()));
    const auto on = [&](ikealg::port port) { return s.source_port == port || s.destination_port == port; };
    std::size_t ike = 0;
    if (on(ikealg::natt_port)) {
        const auto what = ikealg::wire::classify_natt(payload);
        if (what == ikealg::wire::natt_kind::ike_with_marker) {
            ike = transport + udp_header + ikealg::wire::non_esp_marker_size;
        } else if (what == ikealg::wire::natt_kind::esp_in_udp) {
            p.spi_offset = static_cast<std::uint16_t>(transport + udp_header);
        }
    } else if (on(ikealg::ike_port)) {
        ike = transport + udp_header;
    }
    if (ike != 0 && p.bytes.size() >= ike + ike_header) {
        p.ike_offset = static_cast<std::uint16_t>(ike);
        p.repeated = true;
    }
}

class loader {
public:
    explicit loader(const options& o) : options_(o) {}

    [[nodiscard]] recording all() {
        ikealg::duration start{};
        for (std::uint32_t i = 0; i < options_.captures.size(); ++i) {
            const auto end = one(options_.captures[i], i, start);
            start = options_.overlay ? ikealg::duration{} : end + std::chrono::seconds{1};
        }
        if (result_.clients.empty()) {
            throw bad_input(
                "nothing to play in '" + options_.captures.front() + "': " + std::to_string(result_.frames) +
                " frames, none " +
                (options_.outside
                     ? "of IPv4"
                     : "between a client (--inside) and the outside; a capture from the outside needs --outside"));
        }
        return std::move(result_);
    }

private:
    /// Answers the time of the last packet.
    ikealg::duration one(const std::string& path, std::uint32_t number, ikealg::duration start) {
        owners_ = options_.outside ? spi_owners{} : read_owners(path, options_.inside);
        ikealg::duration latest = start;
        const std::string warning = read_capture(path, [&](const ikealg::io::pcap_frame& frame) {
            if (result_.frames++ == 0) {
                result_.began = frame.epoch;
            }
            latest = std::max(latest, start + frame.time.time_since_epoch());  // some captures run back in time
            recorded_packet p;
            p.at = latest;
            p.bytes = ip_packet_of(frame);
            const auto parsed = ikealg::wire::parse_packet<ipv4>(p.bytes);
            if (p.bytes.empty() || parsed.error == ikealg::wire::parse_error::not_this_family) {
                ++result_.not_ipv4;
                return;
            }
            if (options_.outside) {
                add(std::move(p), ipv4_address{}, 0, side::server);
            } else if (parsed) {
                sort(std::move(p), parsed.summary, number);
            } else {
                ++result_.elsewhere;
            }
        });
        if (!warning.empty()) {
            result_.warnings.push_back(warning);
        }
        return latest;
    }

    void sort(recorded_packet p, const summary& s, std::uint32_t number) {
        const bool from_client = is_inside(s.source);
        if (from_client == is_inside(s.destination) || s.destination.value >= 0xe000'0000U) {
            ++result_.elsewhere;
            return;
        }
        ipv4_address client = from_client ? s.source : s.destination;
        if (!from_client && s.kind == packet_kind::esp) {
            if (const auto owner = owners_.find(s.spi.value); owner != owners_.end()) {
                client = owner->second;
                store_address(p.bytes, ip_destination, client);
            }
        }
        repair_checksums(p.bytes, s);
        note_ipsec(p, s);
        add(std::move(p), client, options_.overlay ? number : 0, from_client ? side::client : side::server);
    }

    void add(recorded_packet p, ipv4_address client, std::uint32_t number, side from) {
        const auto [known, fresh] = index_.try_emplace({number, client.value}, result_.clients.size());
        if (fresh) {
            result_.clients.push_back({client, {}, {}});
        }
        recorded_client& c = result_.clients[known->second];
        if (p.spi_offset != 0 && !c.opener) {
            c.opener = from;
        }
        p.depends = static_cast<std::uint32_t>(c.of(other(from)).size());
        c.of(from).push_back(std::move(p));
    }

    [[nodiscard]] bool is_inside(ipv4_address a) const {
        return std::any_of(options_.inside.begin(), options_.inside.end(),
                           [&](const auto& p) { return p.contains(a); });
    }

    const options& options_;
    spi_owners owners_;
    recording result_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> index_;
};

}  // namespace

recording load(const options& o) {
    return loader(o).all();
}

}  // namespace replay
