// SPDX-License-Identifier: Apache-2.0
/// One mapping: the nat address that a client has of a pool, and by what it is found again (N1).
///
/// Thread safety: values. Complexity: constant.
#ifndef IKEALG_NAT_MAPPING_HPP
#define IKEALG_NAT_MAPPING_HPP

#include <array>
#include <cstdint>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/nat/address_pools.hpp"

namespace ikealg::inline v0::nat {

enum class mapping_state : std::uint8_t {
    idle,     ///< nothing refers to it: lives for the hold (N2)
    busy,     ///< flows or IKE pairs hold references
    retired,  ///< over, but its address is remembered as one to avoid (E8)
};

/// Whose mapping it is: at most one lives for each key.
template <class Family>
struct mapping_key {
    using address = typename Family::address;
    address client{};
    vrf_id vrf{};
    pool_id pool{};

    [[nodiscard]] constexpr auto words() const noexcept {
        const std::uint64_t tail = std::uint64_t{vrf.value} << 16 | pool.value;
        if constexpr (address::size == 4) {
            return std::array<std::uint64_t, 1>{std::uint64_t{client.value} << 32 | tail};
        } else {
            return std::array<std::uint64_t, 3>{client.high, client.low, tail};
        }
    }
    friend constexpr bool operator==(const mapping_key&, const mapping_key&) = default;
};

template <class Family>
struct mapping {
    typename Family::address client{};
    typename Family::address nat{};
    vrf_id vrf{};
    pool_id pool{};
    mapping_state state = mapping_state::idle;
    bool exclusive = false;          ///< the nat address is this client's alone (G9)
    bool wants_new_address = false;  ///< E8
    tick idle_since{};               ///< meaningful unless busy
    std::uint32_t references = 0;
    instant created{};

    std::uint32_t node = npos;      ///< the address in address_choice, `npos` when it is in no pool (any more)
    std::uint32_t previous = npos;  ///< in the list of its state
    std::uint32_t next = npos;

    [[nodiscard]] constexpr mapping_key<Family> key() const noexcept { return {client, vrf, pool}; }
};

}  // namespace ikealg::inline v0::nat

#endif
