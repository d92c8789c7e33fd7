// SPDX-License-Identifier: Apache-2.0
/// The clients that are played: those of the recording, and copies of them in turn with addresses, cookies and SPIs of their own.
///
/// Only headers change: a copy's packets are what its original's would have been with other random numbers. Complexity: linear in
/// the bytes of the packet made; nothing is kept for a copy but its address.
#ifndef REPLAY_CROWD_HPP
#define REPLAY_CROWD_HPP

#include <cstdint>
#include <vector>

#include "recording.hpp"

namespace replay {

struct client {
    const recorded_client* recorded = nullptr;
    ikealg::ipv4_address address{};
    ikealg::duration shift{};  ///< starts that much later than recorded
    bool copy = false;         ///< has cookies and SPIs of its own
};

class crowd {
public:
    /// Throws bad_input when --inside has no room. The recording must outlive the crowd.
    crowd(const recording& r, const options& o);

    [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(clients_.size()); }
    [[nodiscard]] const client& operator[](std::uint32_t i) const noexcept { return clients_[i]; }
    [[nodiscard]] const recorded_packet& at(std::uint32_t client, side from, std::uint32_t index) const noexcept {
        return clients_[client].recorded->of(from)[index];
    }
    /// The packet as it is seen on the inside.
    void make(std::uint32_t client, side from, std::uint32_t index, std::vector<std::uint8_t>& bytes) const;

private:
    [[nodiscard]] std::uint64_t random_of(std::uint32_t client, std::uint64_t original) const noexcept;

    std::vector<client> clients_;
    std::uint64_t seed_;
};

}  // namespace replay

#endif
