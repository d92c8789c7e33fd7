// SPDX-License-Identifier: Apache-2.0
/// All flows of a gateway: the records in a slab, their keys in one flow table.
///
/// A flow is found by its outbound key, its inbound key or, for ESP, its quote key; the answer says by which. Indexes are stable
/// while a flow lives. Adding is all or nothing: a flow whose keys do not all fit, or of which one is taken, is not added.
///
/// Invariants: a key bit in `flow::flags` is set exactly when that key is in the table; no two flows share a key.
/// Thread safety: none, one owner. Complexity: constant. Nothing allocates after construction (L1).
#ifndef IKEALG_NAT_FLOW_STORE_HPP
#define IKEALG_NAT_FLOW_STORE_HPP

#include <cstddef>
#include <cstdint>
#include <span>

#include "ikealg/nat/flow.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::nat {

/// Which key of a flow a lookup hit.
enum class flow_side : std::uint8_t { outbound = 0, inbound = 1, quote = 2 };

struct flow_match {
    std::uint32_t index = npos;
    flow_side side = flow_side::outbound;
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return index != npos; }
};

enum class add_result : std::uint8_t { added, full, taken };

template <class Family>
class flow_store {
public:
    using flow_type = flow<Family>;
    using key_type = flow_key<Family>;

    /// Room for `capacity` flows of two keys each.
    flow_store(std::size_t capacity, hash_secret secret)
        : flows_(capacity), table_(2 * capacity, secret) {}

    [[nodiscard]] flow_type& operator[](std::uint32_t index) noexcept { return flows_[index]; }
    [[nodiscard]] const flow_type& operator[](std::uint32_t index) const noexcept { return flows_[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return flows_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return flows_.capacity(); }
    [[nodiscard]] bool is_live(std::uint32_t index) const noexcept { return flows_.is_live(index); }

    [[nodiscard]] flow_match find(const key_type& key) const noexcept { return decode(table_.find(key, key_of())); }

    /// `find` for each key, with the misses overlapped; `out` has room for as many. Records found are prefetched.
    void find_burst(std::span<const key_type> keys, std::span<std::uint32_t> refs) const noexcept {
        table_.find_burst(keys, refs, key_of(), [this](std::uint32_t ref) { __builtin_prefetch(&flows_[ref >> 2], 1); });
    }
    [[nodiscard]] static constexpr flow_match decode(std::uint32_t ref) noexcept {
        return ref == npos ? flow_match{} : flow_match{ref >> 2, static_cast<flow_side>(ref & 3)};
    }

    struct added {
        add_result result = add_result::full;
        std::uint32_t index = npos;
    };

    /// Adds `f` under the keys that its flags name. Deltas are computed here.
    [[nodiscard]] added add(const flow_type& like) noexcept {
        flow_type f = like;
        compute_deltas(f);
        const std::uint32_t index = flows_.allocate();
        if (index == npos) {
            return {add_result::full, npos};
        }
        const std::uint8_t wanted = f.flags & key_bits;
        f.flags &= static_cast<std::uint8_t>(~key_bits);
        flows_[index] = f;
        for (const flow_side side : {flow_side::outbound, flow_side::inbound, flow_side::quote}) {
            if ((wanted & bit(side)) == 0) {
                continue;
            }
            if (const auto r = attach(index, side); r != add_result::added) {
                remove(index);
                return {r, npos};
            }
        }
        return {add_result::added, index};
    }

    /// Puts one more key of a flow into the table; the flow's key fields are set before. The flow is unchanged when it fails.
    [[nodiscard]] add_result attach(std::uint32_t index, flow_side side) noexcept {
        flow_type& f = flows_[index];
        const key_type key = key_by(f, side);
        if (table_.find(key, key_of()) != npos) {
            return add_result::taken;
        }
        if (!table_.insert(key, index << 2 | static_cast<std::uint32_t>(side))) {
            return add_result::full;
        }
        f.flags |= bit(side);
        return add_result::added;
    }

    /// Takes one key of a flow out of the table.
    void detach(std::uint32_t index, flow_side side) noexcept {
        flow_type& f = flows_[index];
        if ((f.flags & bit(side)) != 0) {
            ++keys_removed_;
            table_.erase(key_by(f, side), index << 2 | static_cast<std::uint32_t>(side));
            f.flags &= static_cast<std::uint8_t>(~bit(side));
        }
    }

    void remove(std::uint32_t index) noexcept {
        for (const flow_side side : {flow_side::outbound, flow_side::inbound, flow_side::quote}) {
            detach(index, side);
        }
        flows_.release(index);
    }

    /// How many keys were ever taken out: while it stays the same, what `find_burst` found is still right.
    [[nodiscard]] std::uint64_t keys_removed() const noexcept { return keys_removed_; }

    /// Calls `visit(index, flow)` for every live flow. Linear in the capacity; for export and reports.
    template <class Visit>
    void for_each(Visit&& visit) const {
        flows_.for_each([&](std::uint32_t index, const flow_type& f) { visit(index, f); });
    }

private:
    static constexpr std::uint8_t key_bits = flow_flag::has_outbound | flow_flag::has_inbound | flow_flag::has_quote;

    [[nodiscard]] static constexpr std::uint8_t bit(flow_side side) noexcept {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(side));
    }
    [[nodiscard]] static constexpr key_type key_by(const flow_type& f, flow_side side) noexcept {
        return side == flow_side::outbound ? f.outbound : side == flow_side::inbound ? f.inbound : quote_key(f);
    }
    [[nodiscard]] auto key_of() const noexcept {
        return [this](std::uint32_t ref) noexcept {
            return key_by(flows_[ref >> 2], static_cast<flow_side>(ref & 3));
        };
    }

    table::slab<flow_type> flows_;
    table::flow_table<key_type> table_;
    std::uint64_t keys_removed_ = 0;
};

}  // namespace ikealg::inline v0::nat

#endif
