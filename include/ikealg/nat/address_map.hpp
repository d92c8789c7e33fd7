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
/// The address of a new client is address_choice's to say.
///
/// Invariants: the load of an address is the number of its idle and busy mappings; idle mappings are listed in order of
/// `idle_since`; at most one idle or busy mapping for each (vrf, client, pool). Nothing allocates but construction and
/// `replace_pools` (L1). The owner calls `expire` at least once a day.
/// Thread safety: none, one owner. Complexity: constant, apart from `expire` (budget) and `replace_pools` (linear).
#ifndef IKEALG_NAT_ADDRESS_MAP_HPP
#define IKEALG_NAT_ADDRESS_MAP_HPP

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "ikealg/base/hash.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/nat/address_choice.hpp"
#include "ikealg/nat/address_pools.hpp"
#include "ikealg/nat/mapping.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::nat {

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
    static constexpr unsigned max_candidates = address_choice<Family>::max_candidates;

    struct answer {
        map_result result = map_result::full;
        std::uint32_t ref = npos;
    };

    address_map(const address_map_settings& settings, address_pools<Family> pools, hash_secret secret)
        : settings_(settings),
          hold_ms_(to_ms(settings.hold)),
          remember_ms_(to_ms(settings.remember_conflict)),
          choice_(choice_of(std::move(pools))),
          mappings_(settings.capacity),
          index_(settings.capacity, secret) {}

    [[nodiscard]] const mapping_type& operator[](std::uint32_t ref) const noexcept { return mappings_[ref]; }
    [[nodiscard]] bool is_live(std::uint32_t ref) const noexcept {
        return mappings_.is_live(ref) && mappings_[ref].state != mapping_state::retired;
    }
    /// Live mappings and remembered conflicts.
    [[nodiscard]] std::size_t size() const noexcept { return mappings_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return mappings_.capacity(); }
    [[nodiscard]] const address_pools<Family>& pools() const noexcept { return choice_.pools(); }

    /// The living mapping of a client, or `npos`. `pool` is what the NAT rule says: a pool, `off_pool` or
    /// `static_pool`.
    [[nodiscard]] std::uint32_t find(vrf_id vrf, address client, pool_id pool) const noexcept {
        const std::uint32_t ref = lookup({client, vrf, pool});
        return ref != npos && mappings_[ref].state != mapping_state::retired ? ref : npos;
    }

    /// The client that alone has `nat` through static NAT, `off` or a pool without port translation.
    [[nodiscard]] std::optional<address> exclusive_client(vrf_id vrf, address nat) const noexcept {
        if (const auto client = pools().static_client(vrf, nat)) {
            return client;
        }
        const std::uint32_t node = choice_.find(vrf, nat);
        if (node != npos && !choice_.translates(node) && choice_.load(node) == 1) {
            if (const std::uint32_t alone = choice_.first_occupant(node); alone != npos) {
                return mappings_[alone].client;
            }
        }
        return find(vrf, nat, off_pool) != npos ? std::optional{nat} : std::nullopt;
    }

    /// Number of living mappings on a pool address of this shard; 0 for other addresses.
    [[nodiscard]] std::uint32_t load(vrf_id vrf, address nat) const noexcept {
        const std::uint32_t node = choice_.find(vrf, nat);
        return node == npos ? 0 : choice_.load(node);
    }

    /// Makes the mapping of a client that has none, idle at first. Emit an event for it (N17).
    ///
    /// `has_other_client(nat)` is what address_choice asks, at most `max_candidates` times; it must not change the map.
    template <class HasOtherClient>
    [[nodiscard]] answer create(vrf_id vrf, address client, pool_id pool, instant now,
                                HasOtherClient&& has_other_client) {
        if (pool == off_pool) {
            return add(vrf, client, pool, now, client, npos, true);
        }
        if (pool == static_pool) {
            const auto fixed = pools().static_nat(vrf, client);
            return fixed ? add(vrf, client, pool, now, *fixed, npos, true) : answer{map_result::no_pool, npos};
        }
        if (!pools().has(pool) || pools()[pool].vrf != vrf) {
            return {map_result::no_pool, npos};
        }
        const std::uint32_t old = lookup({client, vrf, pool});
        const std::uint32_t avoid = old == npos ? npos : mappings_[old].node;
        const std::uint32_t node = choice_.choose(pool, avoid, has_other_client);
        return node == npos ? answer{map_result::exhausted, npos}
                            : add(vrf, client, pool, now, choice_.nat(node), node, !choice_.translates(node));
    }

    /// Makes a mapping that another gateway had, with its nat address (N18); `exhausted` when the address is not to be had.
    [[nodiscard]] answer restore(vrf_id vrf, address client, pool_id pool, address nat, instant now) {
        if (const std::uint32_t known = find(vrf, client, pool); known != npos) {
            return mappings_[known].nat == nat ? answer{map_result::mapped, known} : answer{map_result::exhausted, npos};
        }
        if (!pools().has(pool)) {
            const bool same = pool == static_pool ? pools().static_nat(vrf, client) == nat : pool == off_pool && client == nat;
            return same ? add(vrf, client, pool, now, nat, npos, true) : answer{map_result::no_pool, npos};
        }
        const std::uint32_t node = choice_.find(vrf, nat);
        const bool shared = node != npos && choice_.translates(node);
        if (node == npos || choice_.pool(node) != pool || (!shared && choice_.load(node) != 0)) {
            return {map_result::exhausted, npos};
        }
        return add(vrf, client, pool, now, nat, node, !shared);
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
                index_.erase(m.key(), ref);
            }
            if (m.pool.value < new_index.size()) {
                m.pool = new_index[m.pool.value];
            } else if (m.pool != off_pool && m.pool != static_pool) {
                m.pool = gone_pool;
            }
        });
        choice_ = choice_of(std::move(pools));
        mappings_.for_each([&](std::uint32_t ref, mapping_type& m) {
            const bool pooled = m.pool != off_pool && m.pool != static_pool;
            m.node = pooled ? choice_.find(m.vrf, m.nat) : npos;
            if (m.node != npos) {
                attach(ref);
            }
            // Two old pools may have become one: the first mapping found stays the client's.
            if (m.pool != gone_pool && (lookup(m.key()) != npos || !index_.insert(m.key(), ref))) {
                m.pool = gone_pool;
            }
        });
        mappings_.for_each([&](std::uint32_t, mapping_type& m) {
            if (m.node != npos) {  // an address that several came to share stays shared for them
                m.exclusive = !choice_.translates(m.node) && choice_.load(m.node) == 1;
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
    using key_type = mapping_key<Family>;

    struct list {
        std::uint32_t head = npos;
        std::uint32_t tail = npos;
    };

    [[nodiscard]] std::uint32_t lookup(const key_type& key) const noexcept {
        return index_.find(key, [this](std::uint32_t ref) noexcept { return mappings_[ref].key(); });
    }
    [[nodiscard]] tick memory_deadline(std::uint32_t ref) const noexcept {
        return mappings_[ref].idle_since + remember_ms_;
    }

    [[nodiscard]] address_choice<Family> choice_of(address_pools<Family> pools) const {
        return {std::move(pools), settings_.shard, settings_.shards, settings_.capacity};
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
        if (!index_.insert(m.key(), ref)) {
            mappings_.release(ref);
            return {map_result::full, npos};
        }
        attach(ref);
        rest(idle_, ref, mapping_state::idle, to_tick(now));
        return {map_result::mapped, ref};
    }

    void attach(std::uint32_t ref) noexcept {
        if (const std::uint32_t node = mappings_[ref].node; node != npos) {
            choice_.occupy(node, ref);
        }
    }
    void detach(std::uint32_t ref) noexcept {
        if (const std::uint32_t node = mappings_[ref].node; node != npos) {
            choice_.vacate(node, ref);
        }
    }
    void forget(std::uint32_t ref) noexcept {
        if (mappings_[ref].pool != gone_pool) {
            index_.erase(mappings_[ref].key(), ref);
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
    address_choice<Family> choice_;
    table::slab<mapping_type> mappings_;
    table::flow_table<key_type> index_;
    list idle_{};
    list retired_{};
};

}  // namespace ikealg::inline v0::nat

#endif
