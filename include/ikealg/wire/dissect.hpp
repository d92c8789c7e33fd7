// SPDX-License-Identifier: Apache-2.0
/// What an IPsec packet shows in clear, as one row of a table: for traces, and to hold the views of wire/ against an
/// independent decoder.
///
/// A row is made of every packet that is ESP or AH (IP protocols 50 and 51), or UDP with port 500 (IKE) or 4500 (IKE
/// behind the non-ESP marker, ESP-in-UDP, keepalives; RFC 3948 2) on either side. Bytes of later protocols, packets
/// quoted by ICMP errors and tunnelled ones have no row. An IP fragment has none either: its transport header is not
/// here, or what follows it is not.
///
/// For people, not for the packet path: it allocates.
/// Thread safety: pure functions. Complexity: linear in the number of IKE payloads.
#ifndef IKEALG_WIRE_DISSECT_HPP
#define IKEALG_WIRE_DISSECT_HPP

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/ah.hpp"
#include "ikealg/wire/esp.hpp"
#include "ikealg/wire/ike.hpp"
#include "ikealg/wire/ike_payload.hpp"
#include "ikealg/wire/ike_sa_payload.hpp"
#include "ikealg/wire/natt.hpp"
#include "ikealg/wire/packet.hpp"
#include "ikealg/wire/udp.hpp"

namespace ikealg::inline v0::wire {

enum class dissect_kind : std::uint8_t { ike, esp, ah, ah_and_esp, keepalive, other };

[[nodiscard]] constexpr std::string_view to_string(dissect_kind k) noexcept {
    switch (k) {
        case dissect_kind::ike: return "ike";
        case dissect_kind::esp: return "esp";
        case dissect_kind::ah: return "ah";
        case dissect_kind::ah_and_esp: return "ah+esp";
        case dissect_kind::keepalive: return "keepalive";
        case dissect_kind::other: return "other";
    }
    return "unknown";
}

/// SPI and sequence number of ESP or AH.
struct dissect_sa {
    ikealg::spi spi{};
    std::optional<std::uint32_t> sequence;  ///< nothing when the packet ends before it
};

/// One packet. What it does not have is empty.
struct dissect_row {
    dissect_kind kind = dissect_kind::other;
    std::string source;
    std::string destination;
    std::optional<port> source_port;  ///< UDP; behind AH too
    std::optional<port> destination_port;
    std::optional<ike_view> ike;  ///< over the bytes that were dissected
    std::string payloads;         ///< types of the clear payloads, depth first: "33,2,3,3,34,40"
    std::optional<dissect_sa> esp;
    std::optional<dissect_sa> ah;
    bool in_udp = false;  ///< on the NAT-T port
    std::string note;     ///< what is malformed
};

namespace detail {

inline void dissect_ike(bytes message, std::size_t whole, dissect_row& row) {
    row.kind = dissect_kind::ike;
    const auto ike = ike_view::parse(message, whole);
    if (!ike) {
        row.note = to_string(ike.error);
        if (ike.error != ike_error::zero_initiator_spi) {
            return;
        }
    }
    row.ike = ike.view;
    const payload_fault fault = visit_clear_types(ike.view, [&row](payload_type type) {
        if (!row.payloads.empty()) {
            row.payloads += ',';
        }
        row.payloads += std::to_string(static_cast<unsigned>(type));
    });
    if (fault) {
        row.note = std::string(to_string(fault.error)) + " at " + std::to_string(fault.offset);
    }
}

/// `payload` is what is here of a UDP payload of `whole` bytes.
inline void dissect_natt(bytes payload, std::size_t whole, dissect_row& row) {
    row.in_udp = true;
    switch (classify_natt(payload)) {
        case natt_kind::keepalive: row.kind = dissect_kind::keepalive; return;
        case natt_kind::ike_with_marker:
            dissect_ike(ike_behind_marker(payload), whole - non_esp_marker_size, row);
            return;
        case natt_kind::esp_in_udp: {
            const auto esp = esp_view::parse(payload);
            row.kind = dissect_kind::esp;
            row.esp = dissect_sa{esp.view.spi(), esp.view.sequence()};
            return;
        }
        case natt_kind::other: row.kind = dissect_kind::other; return;
    }
}

/// What stands behind an AH: ESP, or UDP whose ports are shown, also in a tunnel.
inline void dissect_behind_ah(bytes ah_header, dissect_row& row) {
    const auto ah = ah_view::parse(ah_header);
    if (!ah) {
        row.note = to_string(ah.error);
        return;
    }
    const bytes payload = ah.view.payload();
    const auto take_ports = [&row](const auto& inner) {
        if (inner && inner.summary.kind == packet_kind::udp) {
            row.source_port = inner.summary.source_port;
            row.destination_port = inner.summary.destination_port;
        }
    };
    constexpr std::uint8_t ipv4_in_ip = 4;
    constexpr std::uint8_t ipv6_in_ip = 41;
    const auto next = static_cast<std::uint8_t>(ah.view.next_header());
    if (next == static_cast<std::uint8_t>(ip_protocol::esp)) {
        if (const auto esp = esp_view::parse(payload)) {
            row.kind = dissect_kind::ah_and_esp;
            row.esp = dissect_sa{esp.view.spi(), esp.view.sequence()};
        }
    } else if (next == static_cast<std::uint8_t>(ip_protocol::udp)) {
        if (const auto udp = udp_view::parse_start(payload)) {
            row.source_port = udp.view.source_port();
            row.destination_port = udp.view.destination_port();
        }
    } else if (next == ipv4_in_ip) {
        take_ports(quoted_packet<ipv4>(payload));
    } else if (next == ipv6_in_ip) {
        take_ports(quoted_packet<ipv6>(payload));
    }
}

/// A packet that ends, on the wire or in the capture, inside its ESP or AH header. Of the summary only what the network
/// header tells is there; a packet cut before its protocol is known has protocol 0 or that of an extension header.
template <class Family>
[[nodiscard]] std::optional<dissect_row> dissect_cut(const parse_result<Family>& packet, bytes network) {
    const packet_summary<Family>& s = packet.summary;
    const auto protocol = static_cast<ip_protocol>(s.protocol);
    if (protocol != ip_protocol::esp && protocol != ip_protocol::ah) {
        return std::nullopt;
    }
    dissect_row row;
    row.source = to_string(s.source);
    row.destination = to_string(s.destination);
    row.note = packet.error == parse_error::needs_more ? "cut by the capture" : to_string(packet.error);
    row.kind = protocol == ip_protocol::esp ? dissect_kind::esp : dissect_kind::ah;
    const std::size_t spi_offset = protocol == ip_protocol::esp ? 0 : 4;
    const bytes transport = s.transport(network);
    if (transport.size() >= spi_offset + 4) {
        (protocol == ip_protocol::esp ? row.esp : row.ah) =
            dissect_sa{{load_be32(transport.data() + spi_offset)}, std::nullopt};
    }
    return row;
}

template <class Family>
[[nodiscard]] std::optional<dissect_row> dissect_family(bytes network, std::size_t network_length) {
    const auto packet = parse_packet<Family>(network, network_length);
    const auto& s = packet.summary;
    const bool cut = packet.error == parse_error::truncated_transport || packet.error == parse_error::needs_more;
    if (s.is_fragment() || (!packet && !cut)) {
        return std::nullopt;
    }
    if (cut) {
        return dissect_cut(packet, network);
    }
    dissect_row row;
    row.source = to_string(s.source);
    row.destination = to_string(s.destination);
    const bytes transport = s.transport(network);
    switch (s.kind) {
        case packet_kind::esp:
            row.kind = dissect_kind::esp;
            row.esp = dissect_sa{s.spi, s.sequence};
            return row;
        case packet_kind::ah:
            row.kind = dissect_kind::ah;
            row.ah = dissect_sa{s.spi, s.sequence};
            dissect_behind_ah(transport, row);
            return row;
        case packet_kind::udp: {
            const auto udp = udp_view::parse_start(transport);
            const auto on = [&s](port p) { return s.source_port == p || s.destination_port == p; };
            if (!udp || (!on(natt_port) && !on(ike_port))) {
                return std::nullopt;
            }
            const std::size_t whole = udp.view.length() - udp_view::header_size;
            row.source_port = s.source_port;
            row.destination_port = s.destination_port;
            if (on(natt_port)) {
                dissect_natt(udp.view.payload(), whole, row);
            } else if (is_keepalive(udp.view.payload())) {
                row.kind = dissect_kind::keepalive;
            } else {
                dissect_ike(udp.view.payload(), whole, row);
            }
            return row;
        }
        default: return std::nullopt;
    }
}

}  // namespace detail

/// The row of the packet that starts with `network`, its IP header; nothing if it is not IKE, ESP, AH or NAT-T.
/// `network_length` is its length on the wire, when a capture cut it; the IP length must still fit.
[[nodiscard]] inline std::optional<dissect_row> dissect(bytes network, std::size_t network_length) {
    const unsigned version = network.empty() ? 0U : network[0] >> 4U;
    return version == 4   ? detail::dissect_family<ipv4>(network, network_length)
           : version == 6 ? detail::dissect_family<ipv6>(network, network_length)
                          : std::nullopt;
}

[[nodiscard]] inline std::optional<dissect_row> dissect(bytes network) {
    return dissect(network, network.size());
}

/// Names of the columns of `to_tsv`, tab separated, without newline.
inline constexpr std::string_view dissect_columns =
    "frame\tsrc\tdst\tsport\tdport\tkind\tispi\trspi\tnext\tversion\texchange\tflags\tmsgid\tlength\tpayloads\tesp_"
    "spi\t"
    "esp_seq\tah_spi\tah_seq\tencap\tnote";

/// One line, tab separated, without newline: SPIs, message id, version and flags in hexadecimal, other numbers decimal.
[[nodiscard]] inline std::string to_tsv(std::uint64_t frame, const dissect_row& row) {
    const auto hex = [](std::uint64_t value, int digits) {
        std::array<char, 24> text{};
        const int n = std::snprintf(text.data(), text.size(), "%0*llx", digits, static_cast<unsigned long long>(value));
        return std::string(text.data(), static_cast<std::size_t>(n));
    };
    std::string line = std::to_string(frame);
    const auto cell = [&line](std::string_view text) {
        line += '\t';
        line += text;
    };
    cell(row.source);
    cell(row.destination);
    cell(row.source_port ? std::to_string(row.source_port->value) : "");
    cell(row.destination_port ? std::to_string(row.destination_port->value) : "");
    cell(to_string(row.kind));
    if (row.ike) {
        cell(hex(row.ike->initiator_spi().value, 16));
        cell(hex(row.ike->responder_spi().value, 16));
        cell(std::to_string(static_cast<unsigned>(row.ike->next_payload())));
        cell("0x" + hex(row.ike->version(), 2));
        cell(std::to_string(static_cast<unsigned>(row.ike->exchange())));
        cell("0x" + hex(row.ike->flags(), 2));
        cell("0x" + hex(row.ike->message_id(), 8));
        cell(std::to_string(row.ike->length()));
    } else {
        line.append(8, '\t');
    }
    cell(row.payloads);
    for (const auto& sa : {row.esp, row.ah}) {
        cell(sa ? "0x" + hex(sa->spi.value, 8) : "");
        cell(sa && sa->sequence ? std::to_string(*sa->sequence) : "");
    }
    cell(row.in_udp ? "natt" : "");
    cell(row.note);
    return line;
}

}  // namespace ikealg::inline v0::wire

#endif
