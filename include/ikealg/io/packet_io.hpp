// SPDX-License-Identifier: Apache-2.0
/// What every packet adapter does: bursts in, bursts out.
///
/// An adapter stands between the gateway and where packets live: memory, capture files, AF_PACKET rings, TUN devices,
/// DPDK ports. It names its handle type as `packet`; a default-made handle is an empty slot, so that a host keeps one
/// array of slots for ever.
///
/// Ownership
/// - `receive(burst)` move-assigns arrived packets into the first slots and returns how many; what a slot held before
///   is destroyed by that, the slots behind stay as they were. Destroying a handle gives its buffer back (an mbuf to
///   its pool, a frame to its ring). Handles may be kept while more is received: a gateway holds packets for seconds.
///   They must be gone before the adapter is.
/// - `transmit(burst, to)` takes the first packets, in order, and returns how many it took. Those slots are
///   moved-from; the others stay with the caller, untouched, to be offered again or dropped. It never takes from the
///   middle.
/// - `zone()` of a received packet is the zone of the interface that it came in on, and stays so; `to` names the
///   interface to leave by. A zone that the adapter does not serve takes nothing.
///
/// Errors
/// - Neither call blocks or throws. 0 says "nothing now" or "no room now"; `state()` says whether that will change.
/// - An arrival that cannot be delivered is skipped and counted in `receive_errors`. A packet that can never be sent
///   (too long, not expressible) is taken, destroyed and counted in `transmit_errors`: one bad packet must not block
///   those behind it.
/// - Packets that the adapter took are in exactly one of `transmitted` and `transmit_errors`.
///
/// Thread safety: an adapter belongs to one thread, as its gateway does. Complexity: linear in the burst.
#ifndef IKEALG_IO_PACKET_IO_HPP
#define IKEALG_IO_PACKET_IO_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/packet.hpp"

namespace ikealg::inline v0::io {

enum class io_state : std::uint8_t {
    ready,   ///< packets may come and go
    ended,   ///< nothing will be received any more (the capture is read); transmitting still works
    failed,  ///< the device or file broke; the adapter itself can say how
};

[[nodiscard]] constexpr std::string_view to_string(io_state state) noexcept {
    switch (state) {
        case io_state::ready: return "ready";
        case io_state::ended: return "ended";
        case io_state::failed: return "failed";
    }
    return "unknown";
}

/// Packets since the adapter was made.
struct io_counters {
    std::uint64_t received = 0;
    std::uint64_t transmitted = 0;
    std::uint64_t receive_errors = 0;
    std::uint64_t transmit_errors = 0;
    friend constexpr bool operator==(const io_counters&, const io_counters&) = default;
};

/// The most packets that a host needs to offer or ask for at once; the gateway works in bursts of at most so many.
inline constexpr std::size_t max_burst = 64;

template <class Io>
concept packet_io = packet_handle<typename Io::packet> && std::default_initializable<typename Io::packet> &&
    requires(Io& io, const Io& constant, std::span<typename Io::packet> burst, zone_id to) {
    { io.receive(burst) } -> std::same_as<std::size_t>;
    { io.transmit(burst, to) } -> std::same_as<std::size_t>;
    { constant.state() } -> std::same_as<io_state>;
    { constant.counters() } -> std::same_as<io_counters>;
};

/// Receives into `slots` and hands each burst to `sink(std::span<packet>)`, until nothing comes or `budget` packets
/// came. Returns how many came. What `sink` leaves in the slots is overwritten by the next burst.
template <packet_io Io, class Sink>
requires std::invocable<Sink&, std::span<typename Io::packet>> std::size_t drain(Io& io,
                                                                                 std::span<typename Io::packet> slots,
                                                                                 std::size_t budget, Sink&& sink) {
    std::size_t total = 0;
    while (total < budget) {
        const std::size_t room = slots.size() < budget - total ? slots.size() : budget - total;
        const std::size_t n = io.receive(slots.first(room));
        if (n == 0) {
            break;
        }
        sink(slots.first(n));
        total += n;
    }
    return total;
}

/// Offers `burst` until all is taken or an offer is refused whole. Returns how many were taken.
template <packet_io Io>
std::size_t transmit_all(Io& io, std::span<typename Io::packet> burst, zone_id to) {
    std::size_t taken = 0;
    while (taken < burst.size()) {
        const std::size_t n = io.transmit(burst.subspan(taken), to);
        if (n == 0) {
            break;
        }
        taken += n;
    }
    return taken;
}

}  // namespace ikealg::inline v0::io

#endif
