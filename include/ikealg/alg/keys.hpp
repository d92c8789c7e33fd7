// SPDX-License-Identifier: Apache-2.0
/// The keys under which the ALG finds its records: pairs and slots by two addresses, IKE sessions by their SPIs.
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_ALG_KEYS_HPP
#define IKEALG_ALG_KEYS_HPP

#include <array>
#include <cstdint>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::alg {

struct ike_key {
    std::uint32_t owner = npos;  ///< a pair, or a slot with the top bit set
    ike_spi initiator{};
    ike_spi responder{};         ///< 0 under a pair
    [[nodiscard]] constexpr std::array<std::uint64_t, 3> words() const noexcept {
        return {owner, initiator.value, responder.value};
    }
    friend constexpr bool operator==(const ike_key&, const ike_key&) = default;
};

/// Key of pairs (a is the client, b the server) and of slots (a is the server, b the nat address).
template <class Family>
struct address_pair_key {
    vrf_id vrf{};
    typename Family::address a{};
    typename Family::address b{};
    [[nodiscard]] constexpr auto words() const noexcept {
        if constexpr (Family::version == 4) {
            return std::array<std::uint64_t, 2>{std::uint64_t{a.value} << 32 | b.value, vrf.value};
        } else {
            return std::array<std::uint64_t, 5>{a.high, a.low, b.high, b.low, vrf.value};
        }
    }
    friend constexpr bool operator==(const address_pair_key&, const address_pair_key&) = default;
};

}  // namespace ikealg::inline v0::alg

#endif
