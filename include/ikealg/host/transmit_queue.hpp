// SPDX-License-Identifier: Apache-2.0
/// Collects packets for one port, so that a burst costs one transmit.
///
/// Order is kept. What the device does not take after a few offers is dropped and counted: a queue that grew would only add delay.
///
/// Thread safety: none, one owner. Complexity: constant a packet. Nothing allocates after construction.
#ifndef IKEALG_HOST_TRANSMIT_QUEUE_HPP
#define IKEALG_HOST_TRANSMIT_QUEUE_HPP

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "ikealg/host/counters.hpp"
#include "ikealg/io/live_io.hpp"
#include "ikealg/io/packet_io.hpp"

namespace ikealg::inline v0::host {

template <io::live_io Port>
class transmit_queue {
public:
    using packet = typename Port::packet;
    static constexpr unsigned offers = 4;  ///< of a burst that the device takes nothing of

    explicit transmit_queue(Port& port) : port_(&port), burst_(io::max_burst) {}

    /// Takes a packet with its link header; sends when a burst is full.
    void push(packet&& p, host_counters& counters) {
        burst_[size_++] = std::move(p);
        if (size_ == burst_.size()) {
            flush(counters);
        }
    }
    /// Sends what is there.
    void flush(host_counters& counters) {
        std::span<packet> rest = std::span<packet>(burst_).first(size_);
        for (unsigned refused = 0; !rest.empty() && refused < offers;) {
            const std::size_t taken = port_->transmit(rest, port_->zone());
            counters.count(host_counter::transmitted, taken);
            refused = taken == 0 ? refused + 1 : 0;
            rest = rest.subspan(taken);
        }
        counters.count(host_counter::transmit_full, rest.size());
        for (packet& p : rest) {
            p = packet{};
        }
        size_ = 0;
    }
    [[nodiscard]] Port& port() const noexcept { return *port_; }

private:
    Port* port_;
    std::vector<packet> burst_;
    std::size_t size_ = 0;
};

}  // namespace ikealg::inline v0::host

#endif
