// SPDX-License-Identifier: Apache-2.0
/// What is remembered of each client and server until a finding can be told.
///
/// A fixed number of records, the longest unused one makes room; a client has at most its share, and then its own
/// longest unused one makes room, so that one client that talks to everybody hides only itself (L2).
///
/// Thread safety: none, one owner. Complexity: a lookup walks the records of one client. Nothing allocates after
/// construction (L1).
#ifndef IKEALG_DIAGNOSE_WATCH_TABLE_HPP
#define IKEALG_DIAGNOSE_WATCH_TABLE_HPP

#include <array>
#include <cstdint>

#include "ikealg/alg/state.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/diagnose/finding.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::diagnose {

/// What speaks for one kind of finding.
struct evidence {
    instant first{};
    instant last{};
    std::uint32_t count = 0;
    bool raised = false;  ///< enough: it is a finding
    bool told = false;    ///< the operator knows
};

/// One client and one server, or one client and one private range (D11).
template <class Family>
struct watch {
    using address = typename Family::address;
    std::uint32_t client = npos;  ///< record of the client
    std::uint32_t next_of_client = npos;
    std::uint32_t older = npos;
    std::uint32_t newer = npos;
    address server{};
    address nat{};               ///< nat address that IKE on 500 leaves with
    address other{};             ///< D12
    std::uint32_t mtu = 0;       ///< D8
    ike_spi main5{};             ///< D10: initiator SPI of a Main Mode message 5 without an answer
    ike_spi authenticated{};     ///< initiator SPI of the Main Mode that came to its end last
    std::uint32_t quick_id = 0;  ///< D4: message id of a Quick Mode of the client, valid with `quick_open`
    std::uint32_t quick_id_of_server = 0;
    ike_spi auth{};  ///< D5: initiator SPI of an IKE_AUTH that was answered and made no SA yet
    instant auth_at{};
    std::uint32_t auth_restarts = 0;
    std::uint16_t sessions = 0;
    std::uint16_t natt_flows = 0;
    std::uint8_t natt_announced = 0;  ///< bit 0 the client, bit 1 the server
    ike_spi natt_initiator{};         ///< of the IKE SA that `natt_announced` is about
    bool quick_open = false;
    bool auth_brief = false;  ///< the answer was too small for an SA
    bool ike_seen = false;
    bool inbound_seen = false;  ///< ESP came back since the IKE SA began
    bool natt_works = false;    ///< something came back on 4500, and its flow lives
    std::uint16_t busy = 0;     ///< a bit for each kind with evidence, or that was told
    std::array<evidence, finding_kind_count> seen{};
};

template <class Family>
class watch_table {
public:
    using address = typename Family::address;
    using watch_type = watch<Family>;
    using key_type = alg::address_pair_key<Family>;  ///< vrf and client; the second address is unused

    watch_table(std::size_t capacity, std::size_t per_client, hash_secret secret)
        : per_client_(per_client), watches_(capacity), clients_(capacity), index_(capacity, secret) {}

    [[nodiscard]] std::size_t size() const noexcept { return watches_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return watches_.capacity(); }
    [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }

    [[nodiscard]] watch_type* find(vrf_id vrf, address client, address server) noexcept {
        const std::uint32_t c = find_client(vrf, client);
        const std::uint32_t w = c == npos ? npos : find_of(c, server);
        if (w == npos) {
            return nullptr;
        }
        unlink(w);
        push_newest(w);
        leave_client(c, w);
        join_client(c, w);
        return &watches_[w];
    }
    /// Finds or makes; nullptr only when the index refuses the client.
    [[nodiscard]] watch_type* get(vrf_id vrf, address client, address server) noexcept {
        if (watch_type* const known = find(vrf, client, server)) {
            return known;
        }
        std::uint32_t c = find_client(vrf, client);
        if (c != npos && clients_[c].count >= per_client_) {
            evict(oldest_of(c));
            c = find_client(vrf, client);
        } else if (watches_.size() == watches_.capacity()) {
            evict(oldest_);
            c = find_client(vrf, client);
        }
        if (c == npos) {
            c = make_client(vrf, client);
        }
        const std::uint32_t w = c == npos ? npos : watches_.allocate();
        if (w == npos) {
            return nullptr;
        }
        watches_[w].client = c;
        watches_[w].server = server;
        join_client(c, w);
        ++clients_[c].count;
        push_newest(w);
        return &watches_[w];
    }

    /// `visit(vrf, client address, watch&)` for each record.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (std::uint32_t w = newest_; w != npos; w = watches_[w].older) {
            const key_type& key = clients_[watches_[w].client].key;
            visit(key.vrf, key.a, watches_[w]);
        }
    }
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::uint32_t w = newest_; w != npos; w = watches_[w].older) {
            const key_type& key = clients_[watches_[w].client].key;
            visit(key.vrf, key.a, watches_[w]);
        }
    }

private:
    struct client_record {
        key_type key{};
        std::uint32_t first = npos;
        std::size_t count = 0;
    };

    [[nodiscard]] std::uint32_t find_client(vrf_id vrf, address client) const noexcept {
        return index_.find({vrf, client, {}}, [this](std::uint32_t c) -> const key_type& { return clients_[c].key; });
    }
    [[nodiscard]] std::uint32_t find_of(std::uint32_t c, address server) const noexcept {
        std::uint32_t w = clients_[c].first;
        while (w != npos && watches_[w].server != server) {
            w = watches_[w].next_of_client;
        }
        return w;
    }
    [[nodiscard]] std::uint32_t make_client(vrf_id vrf, address client) noexcept {
        const std::uint32_t c = clients_.allocate();
        if (c == npos) {
            return npos;
        }
        clients_[c].key = {vrf, client, {}};
        if (!index_.insert(clients_[c].key, c)) {
            clients_.release(c);
            return npos;
        }
        return c;
    }
    /// The list of a client is in the order of use, like the list of all.
    void join_client(std::uint32_t c, std::uint32_t w) noexcept {
        watches_[w].next_of_client = clients_[c].first;
        clients_[c].first = w;
    }
    void leave_client(std::uint32_t c, std::uint32_t w) noexcept {
        std::uint32_t* at = &clients_[c].first;
        while (*at != w) {
            at = &watches_[*at].next_of_client;
        }
        *at = watches_[w].next_of_client;
    }
    [[nodiscard]] std::uint32_t oldest_of(std::uint32_t c) const noexcept {
        std::uint32_t w = clients_[c].first;
        while (watches_[w].next_of_client != npos) {
            w = watches_[w].next_of_client;
        }
        return w;
    }
    void evict(std::uint32_t w) noexcept {
        ++evicted_;
        const std::uint32_t c = watches_[w].client;
        leave_client(c, w);
        unlink(w);
        if (--clients_[c].count == 0) {
            index_.erase(clients_[c].key, c);
            clients_.release(c);
        }
        watches_.release(w);
    }
    void unlink(std::uint32_t w) noexcept {
        watch_type& at = watches_[w];
        (at.newer == npos ? newest_ : watches_[at.newer].older) = at.older;
        (at.older == npos ? oldest_ : watches_[at.older].newer) = at.newer;
    }
    void push_newest(std::uint32_t w) noexcept {
        watches_[w].older = newest_;
        watches_[w].newer = npos;
        (newest_ == npos ? oldest_ : watches_[newest_].newer) = w;
        newest_ = w;
    }

    std::size_t per_client_;
    table::slab<watch_type> watches_;
    table::slab<client_record> clients_;
    table::flow_table<key_type> index_;
    std::uint32_t newest_ = npos;
    std::uint32_t oldest_ = npos;
    std::uint64_t evicted_ = 0;
};

}  // namespace ikealg::inline v0::diagnose

#endif
