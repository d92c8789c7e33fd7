// SPDX-License-Identifier: Apache-2.0
#include "ikealg/base/packet.hpp"

#include <doctest/doctest.h>

using namespace ikealg;

namespace {

struct complete {
    [[nodiscard]] zone_id zone() const { return {}; }
    [[nodiscard]] std::size_t network_length() const { return 0; }
    [[nodiscard]] mutable_bytes network() { return {}; }
    [[nodiscard]] bool ensure_contiguous(std::size_t) { return true; }
    [[nodiscard]] bool ensure_writable(std::size_t) { return true; }
};
struct without_writable {
    [[nodiscard]] zone_id zone() const { return {}; }
    [[nodiscard]] std::size_t network_length() const { return 0; }
    [[nodiscard]] mutable_bytes network() { return {}; }
    [[nodiscard]] bool ensure_contiguous(std::size_t) { return true; }
};
struct read_only : complete {
    [[nodiscard]] bytes network() { return {}; }
};
struct immovable : complete {
    immovable() = default;
    immovable(immovable&&) = delete;
};

}  // namespace

TEST_CASE("the handle concept asks for both operations that people forget, and for movable handles") {
    CHECK(packet_handle<complete>);
    CHECK_FALSE(packet_handle<without_writable>);
    CHECK_FALSE(packet_handle<read_only>);
    CHECK_FALSE(packet_handle<immovable>);
    CHECK_FALSE(packet_handle<int>);
}
