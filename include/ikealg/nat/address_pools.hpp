// SPDX-License-Identifier: Apache-2.0
/// The nat addresses that a gateway owns: source pools and static 1:1 mappings, and which shard each belongs to.
///
/// A pool's addresses have positions, counted through its ranges in order. With n shards, position p belongs to shard p
/// mod n, so that inbound packets find their client's shard by the nat address alone; a pool with fewer addresses than
/// shards cannot be divided and belongs to all of them (steer by the server then).
///
/// Only the configuration makes these, and it has refused overlaps (P3). Addresses belong to a VRF (N13).
/// Thread safety: immutable after construction. Complexity: lookups O(log ranges).
#ifndef IKEALG_NAT_ADDRESS_POOLS_HPP
#define IKEALG_NAT_ADDRESS_POOLS_HPP

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::nat {

/// Where a client's nat address comes from: the index of a pool, or one of the values below.
struct pool_id {
    std::uint16_t value = 0;
    friend constexpr auto operator<=>(const pool_id&, const pool_id&) = default;
};
inline constexpr pool_id off_pool{0xffff};     ///< NAT `off`: the nat address is the client's own
inline constexpr pool_id static_pool{0xfffe};  ///< static 1:1 (N16)
inline constexpr pool_id gone_pool{0xfffd};    ///< a pool that the configuration no longer has (P4)

/// A source pool.
template <class Family>
struct address_pool {
    vrf_id vrf{};
    std::vector<address_range<Family>> ranges{};
    bool port_translation = true;  ///< false: `port no-translation`, one client an address (N17)
    bool interface = false;        ///< `then interface`: the host already answers for the address (N11)
};

/// `count` consecutive client addresses, each with a nat address of its own.
template <class Family>
struct static_mapping {
    vrf_id vrf{};
    typename Family::address client{};
    typename Family::address nat{};
    std::uint64_t count = 1;
};

enum class address_owner : std::uint8_t {
    none,        ///< not a nat address
    pool,        ///< a pool's: the gateway must answer for it (N11)
    interface,   ///< a pool's, and an interface has it
    static_nat,  ///< of a static mapping: the gateway must answer for it
};

[[nodiscard]] constexpr std::string_view to_string(address_owner owner) noexcept {
    switch (owner) {
        case address_owner::none: return "none";
        case address_owner::pool: return "pool";
        case address_owner::interface: return "interface";
        case address_owner::static_nat: return "static_nat";
    }
    return "unknown";
}

template <class Family>
class address_pools {
public:
    using address = typename Family::address;

    /// Place of an address in a pool.
    struct place {
        pool_id pool{};
        std::uint64_t position = 0;
    };

    address_pools() = default;
    address_pools(std::vector<address_pool<Family>> pools, std::vector<static_mapping<Family>> statics)
        : pools_(std::move(pools)), by_client_(std::move(statics)) {
        for (std::size_t i = 0; i < pools_.size(); ++i) {
            std::uint64_t position = 0;
            for (const auto& range : pools_[i].ranges) {
                ranges_.push_back({pools_[i].vrf, range, pool_id{static_cast<std::uint16_t>(i)}, position});
                const std::uint64_t sum = position + range.count();
                position = sum < position ? ~std::uint64_t{0} : sum;
            }
            sizes_.push_back(position);
        }
        std::sort(ranges_.begin(), ranges_.end(), [](const ranged& a, const ranged& b) {
            return std::tie(a.vrf, a.range.first) < std::tie(b.vrf, b.range.first);
        });
        by_nat_ = by_client_;
        const auto order = [](auto member) {
            return [member](const auto& a, const auto& b) {
                return std::tie(a.vrf, a.*member) < std::tie(b.vrf, b.*member);
            };
        };
        std::sort(by_client_.begin(), by_client_.end(), order(&static_mapping<Family>::client));
        std::sort(by_nat_.begin(), by_nat_.end(), order(&static_mapping<Family>::nat));
    }

    [[nodiscard]] std::size_t count() const noexcept { return pools_.size(); }
    [[nodiscard]] bool has(pool_id pool) const noexcept { return pool.value < pools_.size(); }
    [[nodiscard]] const address_pool<Family>& operator[](pool_id pool) const noexcept { return pools_[pool.value]; }
    /// Number of addresses of a pool, saturated at 2^64 - 1.
    [[nodiscard]] std::uint64_t size(pool_id pool) const noexcept { return sizes_[pool.value]; }

    /// The address at a position below `size(pool)`.
    [[nodiscard]] address at(pool_id pool, std::uint64_t position) const noexcept {
        for (const auto& range : pools_[pool.value].ranges) {
            if (position < range.count()) {
                return range.first.plus(position);
            }
            position -= range.count();
        }
        return {};
    }

    [[nodiscard]] std::optional<place> find(vrf_id vrf, address a) const noexcept {
        auto it = std::upper_bound(ranges_.begin(), ranges_.end(), a, [vrf](address key, const ranged& r) {
            return std::tie(vrf, key) < std::tie(r.vrf, r.range.first);
        });
        if (it == ranges_.begin() || (--it)->vrf != vrf || !it->range.contains(a)) {
            return std::nullopt;
        }
        return place{it->pool, it->position + a.distance_from(it->range.first)};
    }

    /// The fixed nat address of a client, if a static mapping names the client.
    [[nodiscard]] std::optional<address> static_nat(vrf_id vrf, address client) const noexcept {
        return translate(by_client_, &static_mapping<Family>::client, &static_mapping<Family>::nat, vrf, client);
    }
    /// The client behind a static nat address.
    [[nodiscard]] std::optional<address> static_client(vrf_id vrf, address nat) const noexcept {
        return translate(by_nat_, &static_mapping<Family>::nat, &static_mapping<Family>::client, vrf, nat);
    }

    [[nodiscard]] address_owner owner(vrf_id vrf, address a) const noexcept {
        if (static_client(vrf, a)) {
            return address_owner::static_nat;
        }
        const auto where = find(vrf, a);
        return !where                             ? address_owner::none
               : pools_[where->pool.value].interface ? address_owner::interface
                                                     : address_owner::pool;
    }

    /// Whether a pool has an address for each of `shards` shards.
    [[nodiscard]] bool is_divided(pool_id pool, std::uint32_t shards) const noexcept { return size(pool) >= shards; }
    /// The shard that a pool address belongs to; nothing for other addresses and for pools that are not divided.
    [[nodiscard]] std::optional<std::uint32_t> owner_shard(vrf_id vrf, address a, std::uint32_t shards) const noexcept {
        const auto where = find(vrf, a);
        if (!where || !is_divided(where->pool, shards)) {
            return std::nullopt;
        }
        return static_cast<std::uint32_t>(where->position % shards);
    }

private:
    struct ranged {
        vrf_id vrf{};
        address_range<Family> range{};
        pool_id pool{};
        std::uint64_t position = 0;  // of the first address
    };
    using static_list = std::vector<static_mapping<Family>>;

    template <class Member>
    [[nodiscard]] static std::optional<address> translate(const static_list& sorted, Member from, Member to, vrf_id vrf,
                                                          address a) noexcept {
        auto it = std::upper_bound(sorted.begin(), sorted.end(), a, [vrf, from](address key, const auto& s) {
            return std::tie(vrf, key) < std::tie(s.vrf, s.*from);
        });
        if (it == sorted.begin() || (--it)->vrf != vrf) {
            return std::nullopt;
        }
        const std::uint64_t offset = a.distance_from((*it).*from);
        return offset < it->count ? std::optional{((*it).*to).plus(offset)} : std::nullopt;
    }

    std::vector<address_pool<Family>> pools_{};
    std::vector<std::uint64_t> sizes_{};
    std::vector<ranged> ranges_{};  // by VRF and first address
    static_list by_client_{};
    static_list by_nat_{};
};

}  // namespace ikealg::inline v0::nat

#endif
