// SPDX-License-Identifier: Apache-2.0
/// Which address of a pool a new client gets, from how many have each now (N2, N6, N17, E8).
///
/// The addresses of all pools that are this shard's and no static client's are numbered; such a number is a node. A pool
/// that translates ports gives the least loaded address on which nobody else has a non-NAT-T tunnel with the client's
/// server; at most `max_candidates` addresses are asked about. A pool that does not gives an address that nobody has.
/// Pools larger than the room for mappings are used up to that many addresses.
///
/// Invariants: the load of a node is the number of `occupy` without `vacate` so far; the numbers of its pool's nodes are
/// consecutive. Nothing allocates but construction (L1).
/// Thread safety: none, one owner. Complexity: constant; `find` is O(log ranges), construction linear.
#ifndef IKEALG_NAT_ADDRESS_CHOICE_HPP
#define IKEALG_NAT_ADDRESS_CHOICE_HPP

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/nat/address_pools.hpp"
#include "ikealg/nat/load_order.hpp"

namespace ikealg::inline v0::nat {

template <class Family>
class address_choice {
public:
    using address = typename Family::address;
    static constexpr unsigned max_candidates = 64;

    address_choice() = default;
    /// Shard number `shard` of `shards` takes its addresses of each pool, `most_of_pool` at most, all without load.
    address_choice(address_pools<Family> pools, std::uint32_t shard, std::uint32_t shards, std::size_t most_of_pool)
        : pools_(std::move(pools)) {
        assert(shard < shards);
        for (std::size_t i = 0; i < pools_.count(); ++i) {
            const pool_id pool{static_cast<std::uint16_t>(i)};
            const bool divided = pools_.is_divided(pool, shards);
            span_of s;
            s.first = static_cast<std::uint32_t>(nodes_.size());
            s.stride = divided ? shards : 1;
            s.offset = divided ? shard : 0;
            for (std::uint64_t p = s.offset; p < pools_.size(pool) && s.count < most_of_pool;
                 p += s.stride, ++s.count) {
                nodes_.push_back({pools_.at(pool, p), pool, npos});
            }
            spans_.push_back(s);
        }
        order_ = load_order(nodes_.size(), spans_.size());
        for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
            if (!pools_.static_client(pools_[nodes_[node].pool].vrf, nodes_[node].nat)) {
                order_.insert(nodes_[node].pool.value, node);
            }
        }
    }

    [[nodiscard]] const address_pools<Family>& pools() const noexcept { return pools_; }

    /// The node of a nat address; `npos` when it is in no pool, another shard's or a static client's.
    [[nodiscard]] std::uint32_t find(vrf_id vrf, address nat) const noexcept {
        const auto where = pools_.find(vrf, nat);
        if (!where || pools_.static_client(vrf, nat)) {
            return npos;
        }
        const span_of& s = spans_[where->pool.value];
        if (where->position < s.offset || where->position % s.stride != s.offset) {
            return npos;
        }
        const std::uint64_t i = where->position / s.stride;
        return i < s.count ? s.first + static_cast<std::uint32_t>(i) : npos;
    }
    [[nodiscard]] address nat(std::uint32_t node) const noexcept { return nodes_[node].nat; }
    [[nodiscard]] pool_id pool(std::uint32_t node) const noexcept { return nodes_[node].pool; }
    /// Whether its pool translates ports, so that several clients may share the address.
    [[nodiscard]] bool translates(std::uint32_t node) const noexcept {
        return pools_[nodes_[node].pool].port_translation;
    }

    /// The node that a client gets, or `npos`. `avoid` is one that is taken only if there is no other (E8), or `npos`.
    ///
    /// `has_other_client(nat)`: whether a client other than this one has non-NAT-T state between `nat` and the server
    /// that the client wants (N2). It is asked least loaded address first, and not where ports are not translated.
    template <class HasOtherClient>
    [[nodiscard]] std::uint32_t choose(pool_id pool, std::uint32_t avoid, HasOtherClient&& has_other_client) const {
        return pools_[pool].port_translation ? choose_shared(pool, avoid, has_other_client) : choose_free(pool, avoid);
    }

    /// One more mapping has the address. `ref` names it to `first_occupant`.
    void occupy(std::uint32_t node, std::uint32_t ref) noexcept {
        if (order_.load(node) == 0) {
            nodes_[node].occupant = ref;
        }
        order_.increment(node);
    }
    void vacate(std::uint32_t node, std::uint32_t ref) noexcept {
        order_.decrement(node);
        if (nodes_[node].occupant == ref) {
            nodes_[node].occupant = npos;
        }
    }
    [[nodiscard]] std::uint32_t load(std::uint32_t node) const noexcept { return order_.load(node); }
    /// The mapping that came when the address had none, `npos` when that has gone.
    [[nodiscard]] std::uint32_t first_occupant(std::uint32_t node) const noexcept { return nodes_[node].occupant; }

private:
    struct pool_address {
        address nat{};
        pool_id pool{};
        std::uint32_t occupant = npos;
    };
    /// This shard's addresses of one pool: nodes from `first` on, positions `offset`, `offset + stride`, ...
    struct span_of {
        std::uint32_t first = 0;
        std::uint32_t stride = 1;
        std::uint32_t offset = 0;
        std::uint32_t count = 0;
    };

    template <class HasOtherClient>
    [[nodiscard]] std::uint32_t choose_shared(pool_id pool, std::uint32_t avoid,
                                              HasOtherClient&& has_other_client) const {
        const std::uint32_t least = order_.first(pool.value);
        std::uint32_t node = least;
        for (unsigned asked = 0; node != npos && asked < max_candidates; node = order_.next(node)) {
            if (node == avoid) {
                continue;
            }
            ++asked;
            if (!has_other_client(nodes_[node].nat)) {
                return node;
            }
        }
        if (least == avoid && least != npos && order_.next(least) != npos) {
            return order_.next(least);
        }
        return least;
    }
    [[nodiscard]] std::uint32_t choose_free(pool_id pool, std::uint32_t avoid) const noexcept {
        std::uint32_t node = order_.first(pool.value);
        if (node == npos || order_.load(node) != 0) {
            return npos;
        }
        if (node == avoid) {
            const std::uint32_t other = order_.next(node);
            node = other != npos && order_.load(other) == 0 ? other : node;
        }
        return node;
    }

    address_pools<Family> pools_{};
    std::vector<pool_address> nodes_{};
    std::vector<span_of> spans_{};
    load_order order_{};
};

}  // namespace ikealg::inline v0::nat

#endif
