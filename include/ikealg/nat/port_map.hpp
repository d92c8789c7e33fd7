// SPDX-License-Identifier: Apache-2.0
/// Ports on nat addresses: endpoint-independent mappings of clients' ports (RFC 4787 REQ-1), and ports kept for the ALG
/// (N3, N14).
///
/// A client's (vrf, protocol, address, port) has one external port on its nat address, whatever it talks to, for as
/// long as flows hold references. The client's own port is kept when it is free. Otherwise a port of the same class,
/// below 1024 or not (RFC 4787 REQ-3), is looked for at places that a keyed hash of the client's end gives, at most 128
/// of them, so that a full address costs little. Ports of the ALG's own are looked for at places that depend on
/// (client, server) alone, so that a restart or a standby with the same secret chooses the same ones (N3).
///
/// UDP 500 is never handed out while IKE needs it (`reserve_ike`), and 500 and 4500 only to clients that use them
/// themselves. ICMP echo identifiers have no classes.
///
/// Invariants: an external port of (vrf, nat address, protocol) belongs to at most one entry, reserved ones included;
/// an entry lives while its references are not 0.
/// Thread safety: none, one owner. Complexity: constant (at most 128 probes). Nothing allocates after construction
/// (L1).
#ifndef IKEALG_NAT_PORT_MAP_HPP
#define IKEALG_NAT_PORT_MAP_HPP

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::nat {

/// Which ports a pool hands out.
struct port_limits {
    port first{1024};  ///< of the class from 1024 up
    port last{65535};
    port low_first{1};  ///< of the class below 1024
    port low_last{1023};
    bool translation = true;  ///< false: ports are kept, the address is one client's (N17)
    bool reserve_ike = true;  ///< UDP 500 is the ALG's
};

/// One end of a client's traffic: what an endpoint-independent mapping is made for.
template <class Family>
struct client_end {
    typename Family::address client{};
    typename Family::address nat{};
    vrf_id vrf{};
    ip_protocol protocol = ip_protocol::udp;
    port client_port{};

    [[nodiscard]] constexpr auto words() const noexcept {
        const std::uint64_t tail = std::uint64_t{vrf.value} << 32 | std::uint64_t{client_port.value} << 16 |
                                   static_cast<std::uint64_t>(protocol);
        if constexpr (Family::address::size == 4) {
            return std::array<std::uint64_t, 2>{std::uint64_t{client.value} << 32 | nat.value, tail};
        } else {
            return std::array<std::uint64_t, 5>{client.high, client.low, nat.high, nat.low, tail};
        }
    }
    friend constexpr bool operator==(const client_end&, const client_end&) = default;
};

template <class Family>
struct port_entry {
    client_end<Family> end{};
    port external{};
    bool reserved = false;  ///< the ALG's: not found by the client's end
    std::uint32_t references = 0;
    std::uint32_t owner = npos;  ///< of a reserved port: what the ALG says
};

enum class port_result : std::uint8_t {
    mapped,
    exhausted,  ///< no port found (N6)
    full,       ///< no room for another entry (L1)
};

[[nodiscard]] constexpr std::string_view to_string(port_result result) noexcept {
    switch (result) {
        case port_result::mapped: return "mapped";
        case port_result::exhausted: return "exhausted";
        case port_result::full: return "full";
    }
    return "unknown";
}

template <class Family>
class port_map {
public:
    using address = typename Family::address;
    using end_type = client_end<Family>;
    using entry_type = port_entry<Family>;
    static constexpr std::uint32_t max_probes = 128;

    struct answer {
        port_result result = port_result::full;
        std::uint32_t ref = npos;
    };

    /// `secret` decides which ports are chosen: the same one on a standby gives the same ports.
    port_map(std::size_t capacity, hash_secret secret)
        : entries_(capacity), by_client_(capacity, secret), by_external_(capacity, secret), secret_(secret) {}

    [[nodiscard]] const entry_type& operator[](std::uint32_t ref) const noexcept { return entries_[ref]; }
    [[nodiscard]] bool is_live(std::uint32_t ref) const noexcept { return entries_.is_live(ref); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return entries_.capacity(); }

    /// The entry of a client's end, or `npos`.
    [[nodiscard]] std::uint32_t find(const end_type& end) const noexcept {
        return by_client_.find(end, [this](std::uint32_t ref) noexcept { return entries_[ref].end; });
    }
    /// The entry, reserved or not, that has an external port, or `npos`.
    [[nodiscard]] std::uint32_t find_external(vrf_id vrf, address nat, ip_protocol protocol,
                                              port external) const noexcept {
        return lookup({nat, vrf, protocol, external});
    }

    /// A reference to the entry of a client's end, made now if there is none. `limits` matter only then.
    [[nodiscard]] answer acquire(const end_type& end, const port_limits& limits) noexcept {
        if (const std::uint32_t known = find(end); known != npos) {
            ++entries_[known].references;
            return {port_result::mapped, known};
        }
        if (entries_.size() == entries_.capacity()) {
            return {port_result::full, npos};
        }
        std::uint32_t chosen = no_port;
        const range r = range_for(end, limits);
        if (!limits.translation) {
            chosen = is_free(end, end.client_port) ? end.client_port.value : no_port;
        } else if (r.contains(end.client_port) && !is_kept(end, end.client_port, limits) &&
                   is_free(end, end.client_port)) {
            chosen = end.client_port.value;
        } else {
            chosen = probe(end, r, keyed_hash(end.words(), secret_));
        }
        return chosen == no_port ? answer{port_result::exhausted, npos} : add(end, chosen, false, npos);
    }

    /// The same with the external port that another gateway gave (N18): `exhausted` when it is not to be had.
    [[nodiscard]] answer acquire_at(const end_type& end, port external) noexcept {
        if (const std::uint32_t known = find(end); known != npos) {
            if (entries_[known].external != external) {
                return {port_result::exhausted, npos};
            }
            ++entries_[known].references;
            return {port_result::mapped, known};
        }
        if (entries_.size() == entries_.capacity()) {
            return {port_result::full, npos};
        }
        return is_free(end, external) ? add(end, external.value, false, npos) : answer{port_result::exhausted, npos};
    }

    /// Sets a port aside for the ALG, where the hash of (client, server) leads: a port of its own for IKE (N3). Never
    /// 500 or 4500. `end.client_port` is only noted. The entry holds one reference, its owner's.
    [[nodiscard]] answer reserve_for(const end_type& end, address server, const port_limits& limits,
                                     std::uint32_t owner) noexcept {
        if (entries_.size() == entries_.capacity()) {
            return {port_result::full, npos};
        }
        end_type pair = end;  // the pair's words: the nat address may differ after a restart, the server may not
        pair.nat = server;
        pair.client_port = {};
        const std::uint32_t chosen = probe(end, high_range(limits), keyed_hash(pair.words(), secret_));
        return chosen == no_port ? answer{port_result::exhausted, npos} : add(end, chosen, true, owner);
    }

    /// Sets one port aside for the ALG: `exhausted` when it is taken. For imported records (N18).
    [[nodiscard]] answer reserve(const end_type& end, port external, std::uint32_t owner) noexcept {
        if (entries_.size() == entries_.capacity()) {
            return {port_result::full, npos};
        }
        return is_free(end, external) ? add(end, external.value, true, owner) : answer{port_result::exhausted, npos};
    }

    void add_reference(std::uint32_t ref) noexcept { ++entries_[ref].references; }

    /// Gives one reference back; with the last one the port is free. True when it was the last.
    bool release(std::uint32_t ref) noexcept {
        entry_type& e = entries_[ref];
        assert(e.references > 0);
        if (--e.references != 0) {
            return false;
        }
        if (!e.reserved) {
            by_client_.erase(e.end, ref);
        }
        by_external_.erase(external_of(e), ref);
        entries_.release(ref);
        return true;
    }

    /// Calls `visit(ref, const port_entry&)` for each entry. Linear in the capacity; for reports and export (N18).
    template <class Visit>
    void for_each(Visit&& visit) const {
        entries_.for_each([&](std::uint32_t ref, const entry_type& e) { visit(ref, e); });
    }

private:
    static constexpr std::uint32_t no_port = npos;

    struct external_key {
        address nat{};
        vrf_id vrf{};
        ip_protocol protocol{};
        port external{};

        [[nodiscard]] constexpr auto words() const noexcept {
            const std::uint64_t tail = std::uint64_t{vrf.value} << 32 | std::uint64_t{external.value} << 16 |
                                       static_cast<std::uint64_t>(protocol);
            if constexpr (address::size == 4) {
                return std::array<std::uint64_t, 2>{nat.value, tail};
            } else {
                return std::array<std::uint64_t, 3>{nat.high, nat.low, tail};
            }
        }
        friend constexpr bool operator==(const external_key&, const external_key&) = default;
    };
    struct range {
        std::uint32_t first = 0;
        std::uint32_t last = 0;

        [[nodiscard]] constexpr bool contains(port p) const noexcept { return first <= p.value && p.value <= last; }
        [[nodiscard]] constexpr std::uint32_t count() const noexcept { return last < first ? 0 : last - first + 1; }
    };

    [[nodiscard]] static constexpr external_key external_of(const entry_type& e) noexcept {
        return {e.end.nat, e.end.vrf, e.end.protocol, e.external};
    }
    [[nodiscard]] std::uint32_t lookup(const external_key& k) const noexcept {
        return by_external_.find(k, [this](std::uint32_t ref) noexcept { return external_of(entries_[ref]); });
    }
    [[nodiscard]] bool is_free(const end_type& end, port external) const noexcept {
        return lookup({end.nat, end.vrf, end.protocol, external}) == npos;
    }
    [[nodiscard]] static constexpr bool is_kept(const end_type& end, port p, const port_limits& limits) noexcept {
        return limits.reserve_ike && end.protocol == ip_protocol::udp && p == ike_port;
    }
    [[nodiscard]] static constexpr range high_range(const port_limits& limits) noexcept {
        return {limits.first.value, limits.last.value};
    }
    [[nodiscard]] static constexpr range range_for(const end_type& end, const port_limits& limits) noexcept {
        if (end.protocol != ip_protocol::udp && end.protocol != ip_protocol::tcp) {
            return {0, 0xffff};
        }
        const range low{limits.low_first.value, limits.low_last.value};
        return end.client_port.value < 1024 && low.count() != 0 ? low : high_range(limits);
    }

    /// A free port of `r`, looked for where `hash` leads: from a start in steps that reach every port of the range.
    [[nodiscard]] std::uint32_t probe(const end_type& end, range r, std::uint64_t hash) const noexcept {
        const std::uint32_t count = r.count();
        if (count == 0) {
            return no_port;
        }
        std::uint32_t at = static_cast<std::uint32_t>(hash) % count;
        std::uint32_t step = 1 + static_cast<std::uint32_t>(hash >> 32) % count;
        while (std::gcd(step, count) != 1) {
            ++step;
        }
        for (std::uint32_t i = 0; i < max_probes && i < count; ++i, at = (at + step) % count) {
            const port candidate{static_cast<std::uint16_t>(r.first + at)};
            const bool known = end.protocol == ip_protocol::udp && (candidate == ike_port || candidate == natt_port);
            if (!known && is_free(end, candidate)) {
                return candidate.value;
            }
        }
        return no_port;
    }

    [[nodiscard]] answer add(const end_type& end, std::uint32_t external, bool reserved, std::uint32_t owner) noexcept {
        const std::uint32_t ref = entries_.allocate();
        entry_type& e = entries_[ref];
        e = {end, port{static_cast<std::uint16_t>(external)}, reserved, 1, owner};
        if (!by_external_.insert(external_of(e), ref)) {
            entries_.release(ref);
            return {port_result::full, npos};
        }
        if (!reserved && !by_client_.insert(end, ref)) {
            by_external_.erase(external_of(e), ref);
            entries_.release(ref);
            return {port_result::full, npos};
        }
        return {port_result::mapped, ref};
    }

    table::slab<entry_type> entries_;
    table::flow_table<end_type> by_client_;
    table::flow_table<external_key> by_external_;
    hash_secret secret_;
};

}  // namespace ikealg::inline v0::nat

#endif
