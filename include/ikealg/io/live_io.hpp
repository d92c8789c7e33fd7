// SPDX-License-Identifier: Apache-2.0
/// What a host needs of a live device besides packet_io: packets of its own making, and what the device is.
///
/// A port serves one device and one zone, the one that it was made with: `receive` gives that zone to all frames and
/// `transmit` takes frames for no other. Which VLAN a frame belongs to is the host's to tell, from the link header, and to
/// say with `set_zone`. Frames of every type are delivered, ARP among them: the link header includes the final EtherType
/// and the packet starts behind it. What is sent has its whole link header, destination, source, tags and type, set by
/// the host; on a port without a link layer it has none.
///
/// Thread safety: a port belongs to one thread, with the frames it makes.
#ifndef IKEALG_IO_LIVE_IO_HPP
#define IKEALG_IO_LIVE_IO_HPP

#include <concepts>
#include <cstddef>
#include <optional>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/io/packet_io.hpp"
#include "ikealg/wire/ethernet.hpp"

namespace ikealg::inline v0::io {

/// A packet handle that a host can turn round, as `frame` is.
template <class P>
concept live_packet = packet_handle<P> &&
    requires(P& packet, const P& constant, bytes header, zone_id zone, std::size_t n) {
    packet.set_zone(zone);
    /// As received; empty without a link layer.
    { constant.link_header() } -> std::same_as<bytes>;
    /// Replaces it; false when it does not fit. 32 bytes always do.
    { packet.set_link_header(header) } -> std::same_as<bool>;
    /// Shortens or extends in place; false when it does not fit. 2048 bytes always do.
    { packet.set_network_length(n) } -> std::same_as<bool>;
    { constant.clone() } -> std::same_as<std::optional<P>>;
    static_cast<bool>(constant);
};

template <class Io>
concept live_io = packet_io<Io> && live_packet<typename Io::packet> &&
    requires(Io& io, const Io& constant, std::size_t n) {
    /// A packet of `n` bytes, their content unspecified, of the port's zone, without a link header; empty when none is
    /// free or `n` is too large.
    { io.make(n) } -> std::same_as<typename Io::packet>;
    { constant.zone() } -> std::same_as<zone_id>;
    /// The largest `network_length()` that `transmit` sends.
    { constant.mtu() } -> std::same_as<std::size_t>;
    /// Zero without a link layer.
    { constant.mac() } -> std::same_as<wire::mac_address>;
    { constant.has_link_layer() } -> std::same_as<bool>;
    /// Becomes readable when `receive` may have something; -1 when there is none to wait on.
    { constant.fd() } -> std::same_as<int>;
};

}  // namespace ikealg::inline v0::io

#endif
