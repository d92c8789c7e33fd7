// SPDX-License-Identifier: Apache-2.0
/// Address-persistent mapping: which nat address a client has (N1, N2, N6, N16, N17, E8).
///
/// A mapping belongs to (vrf, client, pool). NAT rules choose a pool by addresses only, never by protocol or port, so
/// all protocols of a client toward one server meet in one mapping. NAT `off` and static 1:1 are mappings too, with a
/// fixed address.
///
///     create --> idle <--> busy          busy: flows or IKE pairs hold references
///                 |                      idle: lives for `hold` more (N2)
///               expire --> (gone)
///                 |
///                 +------> retired       E8: only the address to avoid next time is remembered
///
/// A new client gets the least loaded address on which nobody else has a non-NAT-T tunnel with its server (N2); at most
/// 64 addresses are asked about. Pools larger than the capacity for mappings are used up to that many addresses.
///
/// Invariants: the load of an address is the number of its idle and busy mappings; idle mappings are listed in order of
/// `idle_since`; at most one idle or busy mapping for each (vrf, client, pool). Nothing allocates but construction and
/// `replace_pools` (L1). The owner calls `expire` at least once a day.
/// Thread safety: none, one owner. Complexity: constant, apart from `expire` (budget) and `replace_pools` (linear).
#ifndef IKEALG_NAT_ADDRESS_MAP_HPP
#define IKEALG_NAT_ADDRESS_MAP_HPP

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/nat/address_pools.hpp"
#include "ikealg/nat/load_order.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::nat {

enum class mapping_state : std::uint8_t { idle, busy, retired };

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

    std::uint32_t node = npos;      ///< the pool address, `npos` when it is in no pool (any more)
    std::uint32_t previous = npos;  ///< in the list of its state
    std::uint32_t next = npos;
};

enum class map_result : std::uint8_t {
    mapped,
    exhausted,  ///< no address of the pool is free (N6)
    full,       ///< no room for another mapping (L1)
    no_pool,    ///< no such pool in this VRF, or no static mapping names the client
};

[[nodiscard]] constexpr std::string_view to_string(map_result result) noexcept {
    switch (result) {
        case map_result::mapped: return "mapped";
        case map_result::exhausted: return "exhausted";
        case map_result::full: return "full";
        case map_result::no_pool: return "no_pool";
    }
    return "unknown";
}

struct address_map_settings {
    std::size_t capacity = 1024;                         ///< mappings
    duration hold = std::chrono::seconds{300};           ///< life without references (N2)
    duration remember_conflict = std::chrono::hours{1};  ///< how long E8 remembers the address to avoid
    std::uint32_t shard = 0;                             ///< this gateway's number among `shards`
    std::uint32_t shards = 1;
};

template <class Family>
class address_map {
public:
    using address = typename Family::address;
    using mapping_type = mapping<Family>;
    static constexpr unsigned max_candidates = 64;

    struct answer {
        map_result result = map_result::full;
        std::uint32_t ref = npos;
    };

    address_map(const address_map_settings& settings, address_pools<Family> pools, hash_secret secret)
        : settings_(settings),
          hold_ms_(to_ms(settings.hold)),
          remember_ms_(to_ms(settings.remember_conflict)),
          mappings_(settings.capacity),
          index_(settings.capacity, secret) {
        assert(settings.shard < settings.shards);
        set_pools(std::move(pools));
    }

    [[nodiscard]] const mapping_type& operator[](std::uint32_t ref) const noexcept { return mappings_[ref]; }
    [[nodiscard]] bool is_live(std::uint32_t ref) const noexcept {
        return mappings_.is_live(ref) && mappings_[ref].state != mapping_state::retired;
    }
    /// Live mappings and remembered conflicts.
    [[nodiscard]] std::size_t size() const noexcept { return mappings_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return mappings_.capacity(); }
    [[nodiscard]] const address_pools<Family>& pools() const noexcept { return pools_; }

    /// The living mapping of a client, or `npos`. `pool` is what the NAT rule says: a pool, `off_pool` or
    /// `static_pool`.
    [[nodiscard]] std::uint32_t find(vrf_id vrf, address client, pool_id pool) const noexcept {
        const std::uint32_t ref = lookup({client, vrf, pool});
        return ref != npos && mappings_[ref].state != mapping_state::retired ? ref : npos;
    }

    /// The client that alone has `nat` through static NAT, `off` or a pool without port translation.
    [[nodiscard]] std::optional<address> exclusive_client(vrf_id vrf, address nat) const noexcept {
        if (const auto client = pools_.static_client(vrf, nat)) {
            return client;
        }
        const std::uint32_t node = node_of(vrf, nat);
        if (node != npos && !translates(node) && order_.load(node) == 1 && nodes_[node].occupant != npos) {
            return mappings_[nodes_[node].occupant].client;
        }
        return find(vrf, nat, off_pool) != npos ? std::optional{nat} : std::nullopt;
    }

    /// Number of living mappings on a pool address of this shard; 0 for other addresses.
    [[nodiscard]] std::uint32_t load(vrf_id vrf, address nat) const noexcept {
        const std::uint32_t node = node_of(vrf, nat);
        return node == npos ? 0 : order_.load(node);
    }

    /// Makes the mapping of a client that has none, idle at first. Emit an event for it (N17).
    ///
    /// `has_other_client(nat)`: whether a client other than this one has non-NAT-T state between `nat` and the server
    /// that the client wants (N2). It is asked least loaded address first, at most `max_candidates` times, and must not
    /// change the map.
    template <class HasOtherClient>
    [[nodiscard]] answer create(vrf_id vrf, address client, pool_id pool, instant now,
                                HasOtherClient&& has_other_client) {
        if (pool == off_pool) {
            return add(vrf, client, pool, now, client, npos, true);
        }
        if (pool == static_pool) {
            const auto fixed = pools_.static_nat(vrf, client);
            return fixed ? add(vrf, client, pool, now, *fixed, npos, true) : answer{map_result::no_pool, npos};
        }
        if (!pools_.has(pool) || pools_[pool].vrf != vrf) {
            return {map_result::no_pool, npos};
        }
        const std::uint32_t old = lookup({client, vrf, pool});
        const std::uint32_t avoid = old == npos ? npos : mappings_[old].node;
        const bool translated = pools_[pool].port_translation;
        const std::uint32_t node = translated ? choose(pool, avoid, has_other_client) : choose_free(pool, avoid);
        return node == npos ? answer{map_result::exhausted, npos}
                            : add(vrf, client, pool, now, nodes_[node].nat, node, !translated);
    }

    /// Makes a mapping that another gateway had, with its nat address (N18); `exhausted` when the address is not to be had.
    [[nodiscard]] answer restore(vrf_id vrf, address client, pool_id pool, address nat, instant now) {
        if (const std::uint32_t known = find(vrf, client, pool); known != npos) {
            return mappings_[known].nat == nat ? answer{map_result::mapped, known} : answer{map_result::exhausted, npos};
        }
        if (!pools_.has(pool)) {
            const bool same = pool == static_pool ? pools_.static_nat(vrf, client) == nat : pool == off_pool && client == nat;
            return same ? add(vrf, client, pool, now, nat, npos, true) : answer{map_result::no_pool, npos};
        }
        const std::uint32_t node = node_of(vrf, nat);
        if (node == npos || nodes_[node].pool != pool || (!translates(node) && order_.load(node) != 0)) {
            return {map_result::exhausted, npos};
        }
        return add(vrf, client, pool, now, nat, node, !translates(node));
    }

    void add_reference(std::uint32_t ref) noexcept {
        mapping_type& m = mappings_[ref];
        if (m.references++ == 0) {
            unlink(idle_, ref);
            m.state = mapping_state::busy;
        }
    }
    /// Gives one reference back; the last one starts the hold.
    void release(std::uint32_t ref, instant now) noexcept {
        mapping_type& m = mappings_[ref];
        assert(m.references > 0);
        if (--m.references == 0) {
            rest(idle_, ref, mapping_state::idle, to_tick(now));
        }
    }

    /// E8: the client's next mapping, after this one has idled out, gets another address if the pool has one.
    void want_new_address(std::uint32_t ref) noexcept { mappings_[ref].wants_new_address = true; }
    [[nodiscard]] bool wants_new_address(std::uint32_t ref) const noexcept { return mappings_[ref].wants_new_address; }
    /// Nothing on this nat address is ambiguous: it is the client's alone (G9).
    [[nodiscard]] bool is_exclusive(std::uint32_t ref) const noexcept { return mappings_[ref].exclusive; }

    /// When an idle mapping ends unless it is used again.
    [[nodiscard]] tick idle_deadline(std::uint32_t ref) const noexcept { return mappings_[ref].idle_since + hold_ms_; }
    /// When `expire` has something to do next, if ever.
    [[nodiscard]] std::optional<tick> next_deadline() const noexcept {
        std::optional<tick> due;
        if (idle_.head != npos) {
            due = idle_deadline(idle_.head);
        }
        if (retired_.head != npos) {
            const tick end = memory_deadline(retired_.head);
            due = due && before(*due, end) ? due : end;
        }
        return due;
    }

    /// Ends up to `budget` mappings whose hold is over and calls `ended(const mapping&)` for each, with the times in
    /// `created` and `now` for the event (N17). Answers how many records it looked after; `budget` means: call again.
    template <class Ended>
    std::size_t expire(instant now, std::size_t budget, Ended&& ended) {
        const tick at = to_tick(now);
        std::size_t done = 0;
        for (; done < budget && idle_.head != npos && !before(at, idle_deadline(idle_.head)); ++done) {
            const std::uint32_t ref = idle_.head;
            const mapping_type last = mappings_[ref];
            unlink(idle_, ref);
            detach(ref);
            if (last.wants_new_address && last.node != npos) {
                rest(retired_, ref, mapping_state::retired, at);
            } else {
                forget(ref);
            }
            ended(last);
        }
        for (; done < budget && retired_.head != npos && !before(at, memory_deadline(retired_.head)); ++done) {
            drop_retired(retired_.head);
        }
        return done;
    }

    /// Ends an idle mapping at once (an operator's `clear`) and answers what it was.
    mapping_type end(std::uint32_t ref) noexcept {
        assert(mappings_[ref].state == mapping_state::idle);
        const mapping_type last = mappings_[ref];
        unlink(idle_, ref);
        detach(ref);
        forget(ref);
        return last;
    }

    /// Replaces the configuration (P4). Living mappings keep their addresses, even those that no pool has any more;
    /// they are found again under the pool that `new_index` (by old index) says, under none for `gone_pool`. Allocates.
    void replace_pools(address_pools<Family> pools, std::span<const pool_id> new_index) {
        while (retired_.head != npos) {
            drop_retired(retired_.head);
        }
        mappings_.for_each([&](std::uint32_t ref, mapping_type& m) {
            if (m.pool != gone_pool) {
                index_.erase(key_of(m), ref);
            }
            if (m.pool.value < new_index.size()) {
                m.pool = new_index[m.pool.value];
            } else if (m.pool != off_pool && m.pool != static_pool) {
                m.pool = gone_pool;
            }
        });
        set_pools(std::move(pools));
        mappings_.for_each([&](std::uint32_t ref, mapping_type& m) {
            const bool pooled = m.pool != off_pool && m.pool != static_pool;
            m.node = pooled ? node_of(m.vrf, m.nat) : npos;
            if (m.node != npos) {
                attach(ref);
            }
            // Two old pools may have become one: the first mapping found stays the client's.
            if (m.pool != gone_pool && (lookup(key_of(m)) != npos || !index_.insert(key_of(m), ref))) {
                m.pool = gone_pool;
            }
        });
        mappings_.for_each([&](std::uint32_t, mapping_type& m) {
            if (m.node != npos) {  // an address that several came to share stays shared for them
                m.exclusive = !translates(m.node) && order_.load(m.node) == 1;
            }
        });
    }

    /// Calls `visit(ref, const mapping&)` for each living mapping. Linear in the capacity; for reports and export
    /// (N18).
    template <class Visit>
    void for_each(Visit&& visit) const {
        mappings_.for_each([&](std::uint32_t ref, const mapping_type& m) {
            if (m.state != mapping_state::retired) {
                visit(ref, m);
            }
        });
    }

private:
    struct key {
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
        friend constexpr bool operator==(const key&, const key&) = default;
    };
    struct pool_address {
        address nat{};
        pool_id pool{};
        std::uint32_t occupant = npos;  // its first mapping while that lives
    };
    /// This shard's addresses of one pool: nodes from `first` on, positions `offset`, `offset + stride`, ...
    struct span_of {
        std::uint32_t first = 0;
        std::uint32_t stride = 1;
        std::uint32_t offset = 0;
        std::uint32_t count = 0;
    };

    struct list {
        std::uint32_t head = npos;
        std::uint32_t tail = npos;
    };

    [[nodiscard]] static constexpr key key_of(const mapping_type& m) noexcept { return {m.client, m.vrf, m.pool}; }
    [[nodiscard]] std::uint32_t lookup(const key& k) const noexcept {
        return index_.find(k, [this](std::uint32_t ref) noexcept { return key_of(mappings_[ref]); });
    }
    [[nodiscard]] bool translates(std::uint32_t node) const noexcept {
        return pools_[nodes_[node].pool].port_translation;
    }

    [[nodiscard]] tick memory_deadline(std::uint32_t ref) const noexcept {
        return mappings_[ref].idle_since + remember_ms_;
    }

    /// Lists this shard's addresses of each pool, all without load.
    void set_pools(address_pools<Family> pools) {
        pools_ = std::move(pools);
        nodes_.clear();
        spans_.clear();
        for (std::size_t i = 0; i < pools_.count(); ++i) {
            const pool_id pool{static_cast<std::uint16_t>(i)};
            const bool divided = pools_.is_divided(pool, settings_.shards);
            span_of s;
            s.first = static_cast<std::uint32_t>(nodes_.size());
            s.stride = divided ? settings_.shards : 1;
            s.offset = divided ? settings_.shard : 0;
            for (std::uint64_t p = s.offset; p < pools_.size(pool) && s.count < settings_.capacity;
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

    [[nodiscard]] std::uint32_t node_of(vrf_id vrf, address nat) const noexcept {
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

    template <class HasOtherClient>
    [[nodiscard]] std::uint32_t choose(pool_id pool, std::uint32_t avoid, HasOtherClient&& has_other_client) const {
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

    [[nodiscard]] answer add(vrf_id vrf, address client, pool_id pool, instant now, address nat, std::uint32_t node,
                             bool exclusive) noexcept {
        if (const std::uint32_t old = lookup({client, vrf, pool}); old != npos) {
            assert(mappings_[old].state == mapping_state::retired);
            drop_retired(old);
        }
        std::uint32_t ref = mappings_.allocate();
        if (ref == npos && retired_.head != npos) {
            drop_retired(retired_.head);
            ref = mappings_.allocate();
        }
        if (ref == npos) {
            return {map_result::full, npos};
        }
        mapping_type& m = mappings_[ref];
        m.client = client;
        m.nat = nat;
        m.vrf = vrf;
        m.pool = pool;
        m.exclusive = exclusive;
        m.created = now;
        m.node = node;
        if (!index_.insert(key_of(m), ref)) {
            mappings_.release(ref);
            return {map_result::full, npos};
        }
        attach(ref);
        rest(idle_, ref, mapping_state::idle, to_tick(now));
        return {map_result::mapped, ref};
    }

    void attach(std::uint32_t ref) noexcept {
        if (const std::uint32_t node = mappings_[ref].node; node != npos) {
            if (order_.load(node) == 0) {
                nodes_[node].occupant = ref;
            }
            order_.increment(node);
        }
    }
    void detach(std::uint32_t ref) noexcept {
        if (const std::uint32_t node = mappings_[ref].node; node != npos) {
            order_.decrement(node);
            if (nodes_[node].occupant == ref) {
                nodes_[node].occupant = npos;
            }
        }
    }
    void forget(std::uint32_t ref) noexcept {
        if (mappings_[ref].pool != gone_pool) {
            index_.erase(key_of(mappings_[ref]), ref);
        }
        mappings_.release(ref);
    }
    void drop_retired(std::uint32_t ref) noexcept {
        unlink(retired_, ref);
        forget(ref);
    }

    /// Appends a mapping without references to the list of its new state.
    void rest(list& l, std::uint32_t ref, mapping_state state, tick since) noexcept {
        mapping_type& m = mappings_[ref];
        m.state = state;
        m.idle_since = since;
        m.previous = l.tail;
        m.next = npos;
        (l.tail == npos ? l.head : mappings_[l.tail].next) = ref;
        l.tail = ref;
    }
    void unlink(list& l, std::uint32_t ref) noexcept {
        const mapping_type& m = mappings_[ref];
        (m.previous == npos ? l.head : mappings_[m.previous].next) = m.next;
        (m.next == npos ? l.tail : mappings_[m.next].previous) = m.previous;
    }

    address_map_settings settings_;
    std::uint32_t hold_ms_;
    std::uint32_t remember_ms_;
    address_pools<Family> pools_{};
    std::vector<pool_address> nodes_{};
    std::vector<span_of> spans_{};
    load_order order_{};
    table::slab<mapping_type> mappings_;
    table::flow_table<key> index_;
    list idle_{};
    list retired_{};
};

}  // namespace ikealg::inline v0::nat

#endif
