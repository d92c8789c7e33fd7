// SPDX-License-Identifier: Apache-2.0
/// IPv4 identifications of packets that may be fragmented: unique per (nat address, destination) (N15, RFC 6864 4.2).
///
/// Clients behind one nat address choose identifications without knowing of each other, so their fragments could be
/// reassembled with each other's. A keyed hash of the pair chooses one of a fixed number of counters and an offset: the
/// identifications of a pair repeat after 65536 packets of its counter, and tell strangers nothing of other pairs.
///
/// Fragments of one datagram take one identification together: the decision for the datagram carries it
/// (fragments.hpp). Atomic packets keep theirs.
///
/// Thread safety: none, one owner. Complexity: constant. Nothing allocates after construction (L1).
#ifndef IKEALG_NAT_IDENTIFICATION_HPP
#define IKEALG_NAT_IDENTIFICATION_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::nat {

/// RFC 6864 4: neither a fragment nor ever to be one. `flags_and_offset` is octets 6-7 of the IPv4 header.
[[nodiscard]] constexpr bool is_atomic(std::uint16_t flags_and_offset) noexcept {
    constexpr unsigned dont_fragment = 0x4000;
    constexpr unsigned more_fragments_and_offset = 0x3fff;
    return (flags_and_offset & dont_fragment) != 0 && (flags_and_offset & more_fragments_and_offset) == 0;
}

class identification_counters {
public:
    /// `count` counters of two bytes, rounded up to a power of two.
    identification_counters(std::size_t count, hash_secret secret)
        : counters_(std::bit_ceil(count == 0 ? std::size_t{1} : count)), secret_(secret) {}

    /// The next identification from `nat` to `destination`.
    [[nodiscard]] std::uint16_t next(vrf_id vrf, ipv4_address nat, ipv4_address destination) noexcept {
        const std::array<std::uint64_t, 2> words{std::uint64_t{nat.value} << 32 | destination.value, vrf.value};
        const std::uint64_t hash = keyed_hash(words, secret_);
        std::uint16_t& counter = counters_[hash & (counters_.size() - 1)];
        return static_cast<std::uint16_t>((hash >> 48) + counter++);
    }

private:
    std::vector<std::uint16_t> counters_;
    hash_secret secret_;
};

}  // namespace ikealg::inline v0::nat

#endif
