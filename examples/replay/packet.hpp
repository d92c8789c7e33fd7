// SPDX-License-Identifier: Apache-2.0
/// The packet handle of the replay: a pointer to a pooled buffer, as a dataplane has it.
///
/// Buffers belong to the pool and live as long as it; a handle that the gateway still holds at the end needs no care.
#ifndef REPLAY_PACKET_HPP
#define REPLAY_PACKET_HPP

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/packet.hpp"
#include "ikealg/base/time.hpp"

namespace replay {

enum class side : std::uint8_t { client, server };
[[nodiscard]] constexpr side other(side s) noexcept {
    return s == side::client ? side::server : side::client;
}

struct buffer {
    std::vector<std::uint8_t> bytes{};  ///< from the IP header on
    ikealg::zone_id zone{};
    std::uint32_t client = 0;
    std::uint32_t index = 0;  ///< among the packets of its client and side
    replay::side from = side::client;
    std::uint64_t burst = 0;       ///< in which it was given to the gateway
    ikealg::instant first_sent{};  ///< when it was sent for the first time
};

class packet {
public:
    packet() = default;
    explicit packet(buffer* b) noexcept : buffer_(b) {}
    packet(packet&& o) noexcept : buffer_(std::exchange(o.buffer_, nullptr)) {}
    packet& operator=(packet&& o) noexcept {
        buffer_ = std::exchange(o.buffer_, nullptr);
        return *this;
    }
    packet(const packet&) = delete;
    packet& operator=(const packet&) = delete;
    ~packet() = default;

    [[nodiscard]] ikealg::zone_id zone() const noexcept { return buffer_->zone; }
    [[nodiscard]] std::size_t network_length() const noexcept { return buffer_->bytes.size(); }
    [[nodiscard]] ikealg::mutable_bytes network() noexcept { return buffer_->bytes; }
    [[nodiscard]] bool ensure_contiguous(std::size_t n) noexcept { return n <= buffer_->bytes.size(); }
    [[nodiscard]] bool ensure_writable(std::size_t n) noexcept { return n <= buffer_->bytes.size(); }

    [[nodiscard]] buffer* get() const noexcept { return buffer_; }

private:
    buffer* buffer_ = nullptr;
};

static_assert(ikealg::packet_handle<packet>);

class pool {
public:
    [[nodiscard]] buffer* take() {
        if (free_.empty()) {
            all_.push_back(std::make_unique<buffer>());
            return all_.back().get();
        }
        buffer* b = free_.back();
        free_.pop_back();
        return b;
    }
    void give_back(buffer* b) { free_.push_back(b); }

private:
    std::vector<std::unique_ptr<buffer>> all_;
    std::vector<buffer*> free_;
};

}  // namespace replay

#endif
