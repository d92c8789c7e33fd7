// SPDX-License-Identifier: Apache-2.0
/// IP fragments follow their first one (N9). Nothing is reassembled.
///
/// Only the first fragment of a datagram shows ports or an SPI. What the gateway decides for it (a flow and its
/// direction, a new identification, a drop) is kept for `lifetime` and applies to each later fragment of the same
/// (zone, source, destination, protocol, identification). Fragments that come before their first one are held and
/// leave, in order of arrival, when it is decided. A repeated or overlapping first fragment replaces the decision: the
/// destination sees what the sender sent, and reassembles or refuses it.
///
/// Limits (L1), and what a flood can do: datagrams that wait for their first fragment and datagrams decided are counted
/// apart, so that fragments without a first one never push out a decision. The oldest of its kind goes when a new one
/// needs the place. Held packets are also limited per datagram and per source (sources are counted in hashed counters,
/// two that share one share a limit); a packet beyond these two limits is refused, so that one source alone cannot push
/// out others.
///
/// The zone stands for its VRF (N13). IPv6 identifies datagrams without the protocol (RFC 8200 4.5).
///
/// Invariants: held packets belong to waiting datagrams only; both lists are in order of time.
/// Thread safety: none, one owner. Complexity: constant, plus the packets handed out. Nothing allocates after
/// construction.
#ifndef IKEALG_NAT_FRAGMENTS_HPP
#define IKEALG_NAT_FRAGMENTS_HPP

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"

namespace ikealg::inline v0::nat {

/// What the fragments of one datagram have in common.
template <class Family>
struct datagram_key {
    using address = typename Family::address;
    address source{};
    address destination{};
    zone_id zone{};
    std::uint8_t protocol = 0;  ///< ignored for IPv6
    std::uint32_t identification = 0;

    [[nodiscard]] constexpr auto words() const noexcept {
        const std::uint64_t tail = std::uint64_t{identification} << 32 | std::uint64_t{zone.value} << 16;
        if constexpr (Family::version == 4) {
            return std::array<std::uint64_t, 2>{std::uint64_t{source.value} << 32 | destination.value, tail | protocol};
        } else {
            return std::array<std::uint64_t, 5>{source.high, source.low, destination.high, destination.low, tail};
        }
    }
    friend constexpr bool operator==(const datagram_key& a, const datagram_key& b) noexcept {
        return a.words() == b.words();
    }
};

struct fragment_limits {
    std::size_t decided = 1024;          ///< datagrams whose first fragment was seen
    std::size_t waiting = 128;           ///< datagrams whose first fragment was not
    std::size_t held = 256;              ///< packets
    std::size_t held_per_datagram = 16;  ///< packets
    std::size_t held_per_source = 64;    ///< packets
    duration lifetime = std::chrono::seconds{5};
};

enum class fragment_outcome : std::uint8_t {
    decided,  ///< do as was decided for the first fragment
    held,     ///< the packet was moved in
    refused,  ///< a limit is reached: the packet is still the caller's, drop it
};

[[nodiscard]] constexpr std::string_view to_string(fragment_outcome outcome) noexcept {
    switch (outcome) {
        case fragment_outcome::decided: return "decided";
        case fragment_outcome::held: return "held";
        case fragment_outcome::refused: return "refused";
    }
    return "unknown";
}

/// @tparam Decision copyable, default constructible; what the gateway wants to know again for later fragments.
/// @tparam Handle the packet; movable. The table can be copied when it can.
///
/// Sinks (`released`, `dropped`) are called with `Handle&&` and must not call back into the table.
template <class Family, class Decision, class Handle>
class fragment_table {
public:
    using key_type = datagram_key<Family>;

    struct answer {
        fragment_outcome outcome = fragment_outcome::refused;
        Decision decision{};  ///< meaningful when decided
    };

    fragment_table(const fragment_limits& limits, hash_secret secret)
        : limits_(limits),
          lifetime_ms_(to_ms(limits.lifetime)),
          entries_(limits.decided + limits.waiting),
          index_(limits.decided + limits.waiting, secret),
          packets_(limits.held),
          held_by_source_(std::bit_ceil(2 * limits.held + 1)),
          secret_(secret) {
        assert(limits.decided > 0);
        for (std::size_t i = limits.held; i-- > 0;) {
            packets_[i].next = free_packet_;
            free_packet_ = static_cast<std::uint32_t>(i);
        }
    }

    /// Keeps the decision for a first fragment and hands the datagram's early fragments to `released(Handle&&)`.
    /// False when the decision could not be kept: later fragments are then held in vain, and dropped.
    template <class Released>
    bool on_first(const key_type& key, const Decision& decision, instant now, Released&& released) {
        const tick at = to_tick(now);
        std::uint32_t ref = find(key);
        if (ref == npos) {
            make_room_for_decision();
            ref = add(key);
            if (ref == npos) {
                return false;
            }
        } else if (entries_[ref].decided) {
            unlink(decided_, ref);
        } else {
            make_room_for_decision();
            unlink(waiting_, ref);
        }
        entry& e = entries_[ref];
        e.decided = true;
        e.decision = decision;
        append(decided_, ref, at);
        hand_out(e, released);
        return true;
    }

    /// What to do with a fragment that is not the first. `packet` is moved from only when it is `held`. Packets of an
    /// older datagram that has to make room go to `dropped(Handle&&)`.
    template <class Dropped>
    [[nodiscard]] answer on_later(const key_type& key, Handle& packet, instant now, Dropped&& dropped) {
        const tick at = to_tick(now);
        std::uint32_t ref = find(key);
        if (ref != npos && is_over(ref, at)) {
            remove(ref, dropped);
            ref = npos;
        }
        if (ref != npos && entries_[ref].decided) {
            return {fragment_outcome::decided, entries_[ref].decision};
        }
        std::uint32_t& of_source = held_by_source_[source_counter(key)];
        const std::size_t of_datagram = ref == npos ? 0 : entries_[ref].held;
        if (of_source >= limits_.held_per_source || of_datagram >= limits_.held_per_datagram) {
            return {};
        }
        if (free_packet_ == npos || (ref == npos && waiting_.count >= limits_.waiting)) {
            if (waiting_.head == npos || waiting_.head == ref) {
                return {};
            }
            remove(waiting_.head, dropped);
        }
        if (ref == npos) {
            ref = add(key);
            if (ref == npos) {
                return {};
            }
            append(waiting_, ref, at);
        }
        hold(entries_[ref], packet);
        ++of_source;
        return {fragment_outcome::held, {}};
    }

    /// The decision for a datagram, if there is one, to change it in place. Valid until the next call.
    [[nodiscard]] Decision* decision(const key_type& key, instant now) noexcept {
        const std::uint32_t ref = find(key);
        return ref != npos && entries_[ref].decided && !is_over(ref, to_tick(now)) ? &entries_[ref].decision : nullptr;
    }

    /// Ends up to `budget` datagrams whose time is over; held packets go to `dropped(Handle&&)`. Answers how many;
    /// `budget` means: call again.
    template <class Dropped>
    std::size_t expire(instant now, std::size_t budget, Dropped&& dropped) {
        const tick at = to_tick(now);
        std::size_t done = 0;
        for (list* l : {&waiting_, &decided_}) {
            for (; done < budget && l->head != npos && is_over(l->head, at); ++done) {
                remove(l->head, dropped);
            }
        }
        return done;
    }
    /// When `expire` has something to do next, if ever.
    [[nodiscard]] std::optional<tick> next_deadline() const noexcept {
        std::optional<tick> due;
        for (const list& l : {waiting_, decided_}) {
            if (l.head != npos) {
                const tick end = entries_[l.head].since + lifetime_ms_;
                due = due && before(*due, end) ? due : end;
            }
        }
        return due;
    }

    /// Forgets everything; held packets go to `dropped(Handle&&)`.
    template <class Dropped>
    void clear(Dropped&& dropped) {
        for (list* l : {&waiting_, &decided_}) {
            while (l->head != npos) {
                remove(l->head, dropped);
            }
        }
    }

    [[nodiscard]] std::size_t decided() const noexcept { return decided_.count; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.count; }
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

private:
    struct entry {
        key_type key{};
        Decision decision{};
        bool decided = false;
        tick since{};
        std::uint32_t held = 0;  // packets
        std::uint32_t first_packet = npos;
        std::uint32_t last_packet = npos;
        std::uint32_t previous = npos;
        std::uint32_t next = npos;
    };
    struct held_packet {
        std::optional<Handle> handle{};
        std::uint32_t next = npos;  // of the datagram, or free
    };
    struct list {
        std::uint32_t head = npos;
        std::uint32_t tail = npos;
        std::size_t count = 0;
    };

    [[nodiscard]] std::uint32_t find(const key_type& key) const noexcept {
        return index_.find(key, [this](std::uint32_t ref) noexcept { return entries_[ref].key; });
    }
    [[nodiscard]] bool is_over(std::uint32_t ref, tick at) const noexcept {
        return !before(at, entries_[ref].since + lifetime_ms_);
    }
    [[nodiscard]] std::size_t source_counter(const key_type& key) const noexcept {
        key_type source{};
        source.source = key.source;
        source.zone = key.zone;
        return keyed_hash(source.words(), secret_) & (held_by_source_.size() - 1);
    }

    [[nodiscard]] std::uint32_t add(const key_type& key) noexcept {
        const std::uint32_t ref = entries_.allocate();
        if (ref == npos) {
            return npos;
        }
        entries_[ref].key = key;
        if (!index_.insert(key, ref)) {
            entries_.release(ref);
            return npos;
        }
        return ref;
    }
    /// A datagram that is decided holds no packets: nothing is lost but what later fragments would follow.
    void make_room_for_decision() {
        if (decided_.count >= limits_.decided) {
            remove(decided_.head, [](Handle&&) {});
        }
    }
    template <class Dropped>
    void remove(std::uint32_t ref, Dropped&& dropped) {
        entry& e = entries_[ref];
        unlink(e.decided ? decided_ : waiting_, ref);
        index_.erase(e.key, ref);
        hand_out(e, dropped);
        entries_.release(ref);
    }

    void append(list& l, std::uint32_t ref, tick at) noexcept {
        entry& e = entries_[ref];
        e.since = at;
        e.previous = l.tail;
        e.next = npos;
        (l.tail == npos ? l.head : entries_[l.tail].next) = ref;
        l.tail = ref;
        ++l.count;
    }
    void unlink(list& l, std::uint32_t ref) noexcept {
        const entry& e = entries_[ref];
        (e.previous == npos ? l.head : entries_[e.previous].next) = e.next;
        (e.next == npos ? l.tail : entries_[e.next].previous) = e.previous;
        --l.count;
    }

    void hold(entry& e, Handle& packet) {
        const std::uint32_t slot = free_packet_;
        free_packet_ = packets_[slot].next;
        packets_[slot].handle.emplace(std::move(packet));
        packets_[slot].next = npos;
        (e.last_packet == npos ? e.first_packet : packets_[e.last_packet].next) = slot;
        e.last_packet = slot;
        ++e.held;
        ++held_;
    }
    /// Gives all packets of a datagram to `sink`, oldest first.
    template <class Sink>
    void hand_out(entry& e, Sink&& sink) {
        std::uint32_t& of_source = held_by_source_[source_counter(e.key)];
        while (e.first_packet != npos) {
            const std::uint32_t slot = e.first_packet;
            e.first_packet = packets_[slot].next;
            --of_source;
            --held_;
            Handle packet = std::move(*packets_[slot].handle);
            packets_[slot].handle.reset();
            packets_[slot].next = free_packet_;
            free_packet_ = slot;
            sink(std::move(packet));
        }
        e.last_packet = npos;
        e.held = 0;
    }

    fragment_limits limits_;
    std::uint32_t lifetime_ms_;
    table::slab<entry> entries_;
    table::flow_table<key_type> index_;
    std::vector<held_packet> packets_;
    std::vector<std::uint32_t> held_by_source_;
    hash_secret secret_;
    std::uint32_t free_packet_ = npos;
    std::size_t held_ = 0;
    list waiting_{};
    list decided_{};
};

}  // namespace ikealg::inline v0::nat

#endif
