// SPDX-License-Identifier: Apache-2.0
/// An index from keys to 32-bit references; the keys themselves live in the caller's records.
///
/// A bucket is one cache line: ten 16-bit tags, ten 32-bit references and four bytes of book-keeping. A key has two
/// buckets, its primary and an alternate that follows from bucket and tag alone, so that entries can be displaced
/// without seeing their keys. An entry goes to its primary bucket while that has room; a bucket counts its entries that
/// live in their alternate, and while that count is zero a lookup, hit or miss, touches one line of the table and one
/// record.
///
/// Invariants (L1, L3): nothing is allocated after construction; a lookup compares at most twenty tags in two lines
/// and, with keys chosen without knowing the secret, one record (rarely two); an insert looks at no more than 640
/// buckets; no tombstones.
/// The capacity is reached for random secrets: buckets are 60 % full then, displacement would reach 98 %.
/// Somebody who knows the secret can make insert() fail early (twenty keys in one pair of buckets), nothing worse.
///
/// Thread safety: none; one owner. Complexity: constant. Memory: 10.7 bytes a key of capacity.
#ifndef IKEALG_TABLE_FLOW_TABLE_HPP
#define IKEALG_TABLE_FLOW_TABLE_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "ikealg/base/hash.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/table/page_allocator.hpp"

namespace ikealg::inline v0::table {

/// What a key must offer: equality, and its value as 64-bit words (equal keys, equal words).
template <class Key>
concept flow_key = std::equality_comparable<Key> && requires(const Key& key, hash_secret secret) {
    { keyed_hash(key.words(), secret) } -> std::same_as<std::uint64_t>;
};

/// Where the calls below take a `KeyOf`, it is a callable `(std::uint32_t ref) -> const Key&` for references in the
/// table.
template <flow_key Key>
class flow_table {
public:
    /// @param capacity keys that insert() will take, at most 2^31. @param secret random in products (L3), fixed in
    /// tests.
    flow_table(std::size_t capacity, hash_secret secret)
        : buckets_(bucket_count_for(capacity)),
          bucket_count_(static_cast<std::uint32_t>(buckets_.size())),
          capacity_(capacity),
          secret_(secret) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return buckets_.size() * sizeof(bucket); }

    /// The reference inserted with a key equal to `key`, or npos.
    template <class KeyOf>
    [[nodiscard]] std::uint32_t find(const Key& key, KeyOf&& key_of) const noexcept {
        return find_at(place_of(key), key, key_of);
    }

    /// Fetches the bucket of `key` ahead of a find(), insert() or erase().
    void prefetch(const Key& key) const noexcept { __builtin_prefetch(&buckets_[place_of(key).bucket], 1); }

    /// find() of each key into the reference of the same position; the spans have the same length, any length. The
    /// misses of up to 48 keys overlap: while one group of 16 is hashed, the one before it is matched and the one
    /// before that compared. @param prefetch_record callable `(std::uint32_t ref)`, called shortly before
    /// `key_of(ref)`.
    template <class KeyOf, class PrefetchRecord>
    void find_burst(std::span<const Key> keys, std::span<std::uint32_t> refs_out, KeyOf&& key_of,
                    PrefetchRecord&& prefetch_record) const noexcept {
        assert(keys.size() == refs_out.size());
        if (buckets_.size() <= small_table) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                refs_out[i] = find(keys[i], key_of);
            }
            return;
        }
        std::array<place, 3 * group> places;
        const std::size_t groups = (keys.size() + group - 1) / group;
        const auto for_group = [&](std::size_t g, auto&& action) {
            const std::size_t first = g * group;
            const std::size_t last = std::min(first + group, keys.size());
            place* const at = places.data() + (g % 3) * group;
            for (std::size_t i = first; i < last; ++i) {
                action(i, at[i - first]);
            }
        };
        for (std::size_t g = 0; g < groups + 2; ++g) {
            if (g < groups) {
                for_group(g, [&](std::size_t i, place& at) {
                    at = place_of(keys[i]);
                    __builtin_prefetch(&buckets_[at.bucket]);
                });
            }
            if (g >= 1 && g - 1 < groups) {
                for_group(g - 1, [&](std::size_t i, place& at) {
                    const bucket& primary = buckets_[at.bucket];
                    const std::uint32_t matches = match(primary, at.tag);
                    if (matches != 0) {
                        refs_out[i] = primary.refs[first_of(matches)];
                        prefetch_record(refs_out[i]);
                    } else {
                        refs_out[i] = npos;
                        if (primary.overflowed != 0) {
                            __builtin_prefetch(&buckets_[other_bucket(at)]);
                        } else {
                            at.tag = empty_tag;
                        }
                    }
                });
            }
            if (g >= 2) {
                for_group(g - 2, [&](std::size_t i, place& at) {
                    std::uint32_t& ref = refs_out[i];
                    if (at.tag == empty_tag) {
                        return;
                    }
                    if (ref == npos || !(key_of(ref) == keys[i])) {
                        ref = find_at(at, keys[i], key_of);
                    }
                });
            }
        }
    }

    /// Adds `key` with `ref` (not npos). Precondition: no equal key is in the table. False when full.
    [[nodiscard]] bool insert(const Key& key, std::uint32_t ref) noexcept {
        assert(ref != npos);
        if (size_ >= capacity_) {
            return false;
        }
        const place primary = place_of(key);
        slot_id free = free_slot(primary.bucket);
        if (free.bucket == npos && buckets_[primary.bucket].overflowed != overflow_limit) {
            free = free_slot(other_bucket(primary));
        }
        if (free.bucket == npos) {
            free = displace(primary);
        }
        if (free.bucket == npos) {
            return false;
        }
        put(free, primary.tag, ref, free.bucket != primary.bucket);
        if (free.bucket != primary.bucket) {
            ++buckets_[primary.bucket].overflowed;
        }
        ++size_;
        return true;
    }

    /// Removes `key`, which was inserted with `ref`; no record is read. False when the pair is not in the table.
    bool erase(const Key& key, std::uint32_t ref) noexcept {
        const place primary = place_of(key);
        if (erase_in(primary.bucket, primary.tag, ref, false)) {
            return true;
        }
        if (buckets_[primary.bucket].overflowed != 0 && erase_in(other_bucket(primary), primary.tag, ref, true)) {
            --buckets_[primary.bucket].overflowed;
            return true;
        }
        return false;
    }

    /// True when all invariants hold; for tests. Linear, allocates.
    template <class KeyOf>
    [[nodiscard]] bool check(KeyOf&& key_of) const {
        std::vector<std::uint32_t> overflowed(buckets_.size());
        std::size_t entries = 0;
        for (std::uint32_t b = 0; b < bucket_count_; ++b) {
            for (std::uint32_t i = 0; i < slots; ++i) {
                const bucket& in = buckets_[b];
                const bool displaced = is_displaced(in, i);
                if (in.tags[i] == empty_tag) {
                    if (displaced) {
                        return false;
                    }
                    continue;
                }
                ++entries;
                const Key& key = key_of(in.refs[i]);
                const place at = place_of(key);
                if (at.tag != in.tags[i] || b != (displaced ? other_bucket(at) : at.bucket) ||
                    find(key, key_of) != in.refs[i]) {
                    return false;
                }
                overflowed[at.bucket] += displaced ? 1 : 0;
            }
        }
        return entries == size_ && size_ <= capacity_ &&
               std::equal(overflowed.begin(), overflowed.end(), buckets_.begin(),
                          [](std::uint32_t count, const bucket& in) { return count == in.overflowed; });
    }

private:
    static constexpr std::uint32_t slots = 10;
    static constexpr std::size_t group = 16;
    /// Buckets of a table that, with its records, stays in the inner caches: there the pipeline costs more than it
    /// hides.
    static constexpr std::size_t small_table = 512;
    static constexpr std::uint16_t empty_tag = 0;
    static constexpr std::uint16_t overflow_limit = 0xffff;

    struct alignas(64) bucket {
        std::array<std::uint16_t, slots> tags{};
        std::uint16_t overflowed = 0;  ///< entries with this primary bucket that live in their alternate
        std::uint16_t displaced = 0;   ///< bit i: slot i holds an entry whose primary is the other bucket
        std::array<std::uint32_t, slots> refs{};
    };
    static_assert(sizeof(bucket) == 64);

    struct place {
        std::uint32_t bucket;
        std::uint16_t tag;
    };
    struct slot_id {
        std::uint32_t bucket = npos;
        std::uint32_t slot = 0;
    };

    /// Even, see other_bucket(); the two extra buckets keep tables of a few buckets from filling unevenly.
    [[nodiscard]] static std::size_t bucket_count_for(std::size_t capacity) noexcept {
        assert(capacity <= std::size_t{1} << 31);
        return ((capacity + 5) / 6 + 1) / 2 * 2 + 2;
    }

    [[nodiscard]] place place_of(const Key& key) const noexcept {
        const std::uint64_t hash = keyed_hash(key.words(), secret_);
        const auto tag = static_cast<std::uint16_t>(hash);
        return {static_cast<std::uint32_t>((hash >> 32) * bucket_count_ >> 32),
                tag == empty_tag ? std::uint16_t{1} : tag};
    }

    /// The other of the two buckets of an entry. Bucket and alternate sum up, modulo the even count, to an odd number
    /// that depends on the tag: so this is its own inverse and never answers the same bucket.
    [[nodiscard]] std::uint32_t other_bucket(place at) const noexcept {
        const std::uint64_t mixed = ikealg::detail::multiply_fold(at.tag ^ secret_.second, secret_.first | 1U);
        const auto sum = static_cast<std::uint32_t>((mixed >> 32) * bucket_count_ >> 32) | 1U;
        return sum >= at.bucket ? sum - at.bucket : sum + (bucket_count_ - at.bucket);
    }

    /// Bit i is set when slot i of `in` has the tag.
    [[nodiscard]] static std::uint32_t match(const bucket& in, std::uint16_t tag) noexcept {
#if defined(__SSE2__)
        __m128i low;
        __m128i high = _mm_setzero_si128();
        std::memcpy(&low, &in, 16);
        std::memcpy(&high, in.tags.data() + 8, 4);
        const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
        const __m128i equal = _mm_packs_epi16(_mm_cmpeq_epi16(low, wanted), _mm_cmpeq_epi16(high, wanted));
        return static_cast<std::uint32_t>(_mm_movemask_epi8(equal)) & 0x3ffU;
#else
        std::uint32_t matches = 0;
        for (std::uint32_t i = 0; i < slots; ++i) {
            matches |= static_cast<std::uint32_t>(in.tags[i] == tag) << i;
        }
        return matches;
#endif
    }

    [[nodiscard]] static bool is_displaced(const bucket& in, std::uint32_t slot) noexcept {
        return (in.displaced & (1U << slot)) != 0;
    }

    [[nodiscard]] static std::uint32_t first_of(std::uint32_t mask) noexcept {
        return static_cast<std::uint32_t>(std::countr_zero(mask));
    }

    template <class KeyOf>
    [[nodiscard]] std::uint32_t find_in(const bucket& in, std::uint16_t tag, const Key& key,
                                        KeyOf& key_of) const noexcept {
        for (std::uint32_t matches = match(in, tag); matches != 0; matches &= matches - 1) {
            const std::uint32_t ref = in.refs[first_of(matches)];
            if (key_of(ref) == key) {
                return ref;
            }
        }
        return npos;
    }

    template <class KeyOf>
    [[nodiscard]] std::uint32_t find_at(place at, const Key& key, KeyOf& key_of) const noexcept {
        const bucket& primary = buckets_[at.bucket];
        const std::uint32_t ref = find_in(primary, at.tag, key, key_of);
        if (ref != npos || primary.overflowed == 0) {
            return ref;
        }
        return find_in(buckets_[other_bucket(at)], at.tag, key, key_of);
    }

    [[nodiscard]] slot_id free_slot(std::uint32_t b) const noexcept {
        const std::uint32_t empty = match(buckets_[b], empty_tag);
        return empty == 0 ? slot_id{} : slot_id{b, first_of(empty)};
    }

    void put(slot_id at, std::uint16_t tag, std::uint32_t ref, bool displaced) noexcept {
        bucket& in = buckets_[at.bucket];
        in.tags[at.slot] = tag;
        in.refs[at.slot] = ref;
        const auto bit = static_cast<std::uint16_t>(1U << at.slot);
        in.displaced = static_cast<std::uint16_t>(displaced ? in.displaced | bit : in.displaced & ~bit);
    }

    [[nodiscard]] bool erase_in(std::uint32_t b, std::uint16_t tag, std::uint32_t ref, bool displaced) noexcept {
        bucket& in = buckets_[b];
        for (std::uint32_t matches = match(in, tag); matches != 0; matches &= matches - 1) {
            const std::uint32_t i = first_of(matches);
            if (in.refs[i] == ref && is_displaced(in, i) == displaced) {
                put({b, i}, empty_tag, 0, false);
                --size_;
                return true;
            }
        }
        return false;
    }

    /// Moves the entry in `from` to the free slot `to` of its other bucket and leaves `from` to be overwritten.
    void move_entry(slot_id from, slot_id to) noexcept {
        bucket& source = buckets_[from.bucket];
        const bool was_displaced = is_displaced(source, from.slot);
        put(to, source.tags[from.slot], source.refs[from.slot], !was_displaced);
        if (was_displaced) {
            --buckets_[to.bucket].overflowed;
        } else {
            ++source.overflowed;
        }
        put(from, empty_tag, 0, false);
    }

    /// Frees a slot in one of the two full buckets of `wanted`: the shortest chain of entries that can each step to
    /// their other bucket, found breadth first over at most `search_width` buckets. Answers bucket npos when there is
    /// none.
    [[nodiscard]] slot_id displace(place wanted) noexcept {
        struct node {
            std::uint32_t bucket;
            std::uint32_t parent;  ///< index of the node whose entry would step here
            std::uint32_t slot;    ///< slot of that entry in the parent's bucket
        };
        constexpr std::uint32_t search_width = 64;
        std::array<node, search_width> nodes;
        std::uint32_t count = 0;
        nodes[count++] = {wanted.bucket, npos, 0};
        if (buckets_[wanted.bucket].overflowed != overflow_limit) {
            nodes[count++] = {other_bucket(wanted), npos, 0};
        }
        for (std::uint32_t current = 0; current < count; ++current) {
            const bucket& in = buckets_[nodes[current].bucket];
            std::array<std::uint32_t, slots> others;
            for (std::uint32_t i = 0; i < slots; ++i) {
                others[i] = other_bucket({nodes[current].bucket, in.tags[i]});
                __builtin_prefetch(&buckets_[others[i]]);
            }
            for (std::uint32_t i = 0; i < slots; ++i) {
                const bool counts_up = !is_displaced(in, i);
                if (counts_up && in.overflowed == overflow_limit) {
                    continue;
                }
                // A chain that visits a bucket twice would move an entry away from under itself.
                bool visited = others[i] == wanted.bucket;
                for (std::uint32_t n = current; n != npos && !visited; n = nodes[n].parent) {
                    visited = nodes[n].bucket == others[i];
                }
                if (visited) {
                    continue;
                }
                slot_id to = free_slot(others[i]);
                if (to.bucket == npos) {
                    if (count < search_width) {
                        nodes[count++] = {others[i], current, i};
                    }
                    continue;
                }
                slot_id from{nodes[current].bucket, i};
                for (std::uint32_t n = current;; n = nodes[n].parent) {
                    move_entry(from, to);
                    if (nodes[n].parent == npos) {
                        return from;
                    }
                    to = from;
                    from = {nodes[nodes[n].parent].bucket, nodes[n].slot};
                }
            }
        }
        return {};
    }

    std::vector<bucket, detail::page_allocator<bucket>> buckets_;
    std::uint32_t bucket_count_;
    std::size_t capacity_;
    std::size_t size_ = 0;
    hash_secret secret_;
};

}  // namespace ikealg::inline v0::table

#endif
