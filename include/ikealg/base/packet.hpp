// SPDX-License-Identifier: Apache-2.0
/// The host's packet handle: what the gateway needs to know of it.
///
/// A handle is the host's own: a pointer to an mbuf, an index into a ring, a buffer. It is move-only or movable; the gateway
/// moves it in, may keep it for a while (a held packet), and moves it out again, never copying bytes. A handle that was moved
/// from is never used. What the gateway reads starts at the network header; the host keeps the link header before it.
///
/// Two operations carry what people forget: a packet may be spread over segments (`ensure_contiguous`) and its bytes may be
/// shared with another packet (`ensure_writable`). Both may move the bytes, so `network()` is asked again afterwards.
#ifndef IKEALG_BASE_PACKET_HPP
#define IKEALG_BASE_PACKET_HPP

#include <concepts>
#include <cstddef>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0 {

template <class P>
concept packet_handle = std::movable<P> && std::default_initializable<P> && requires(P& packet, const P& constant, std::size_t n) {
    /// Zone of the interface that the packet came in on.
    { constant.zone() } -> std::same_as<zone_id>;
    /// All bytes from the network header on, over all segments; at least what `network()` shows.
    { constant.network_length() } -> std::same_as<std::size_t>;
    /// The contiguous bytes from the network header on.
    { packet.network() } -> std::same_as<mutable_bytes>;
    /// Makes the first `n` bytes from the network header on contiguous; false when it cannot.
    { packet.ensure_contiguous(n) } -> std::same_as<bool>;
    /// Makes the first `n` bytes from the network header on writable by this handle alone; false when it cannot.
    { packet.ensure_writable(n) } -> std::same_as<bool>;
};

}  // namespace ikealg::inline v0

#endif
