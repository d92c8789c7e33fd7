// SPDX-License-Identifier: Apache-2.0
/// Who has which IPv4 address on which interface, and packets that wait to know (RFC 826, RFC 1122 2.3.2, RFC 5227).
///
///              packet to send              answer
///     (none) ----------------> incomplete --------> reachable <-------------+
///        ^                       | no answer           | `reachable` passes | answer to a unicast
///        |                       v  to `tries`         v                    | request, sent when
///        +<----- `failed` ---- failed                stale -----------------+ it is used
///        +<------------------------------ `stale` passes unused, or no answer to `tries`
///
/// What is learnt (against spoofing): a request that asks for one of our addresses, and a reply to a request of ours, make or confirm an
/// entry; anything else only changes the station of an entry that is there, and only if it is an announcement.
/// Bounds: entries and waiting packets are fixed. For a new entry the one gives way that has been failed longest, else stale, else - only for
/// a packet to be sent - reachable; incomplete ones stay. Of the packets that wait for one entry the oldest gives way.
///
/// The table sends nothing itself: it says whom to ask. Sinks must not call the table.
/// Thread safety: none, one owner. Complexity: constant; timers O(log entries). Nothing allocates after construction.
#ifndef IKEALG_HOST_ARP_TABLE_HPP
#define IKEALG_HOST_ARP_TABLE_HPP

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/host/settings.hpp"
#include "ikealg/table/deadline_queue.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"
#include "ikealg/wire/ethernet.hpp"

namespace ikealg::inline v0::host {

struct arp_key {
    std::uint32_t interface = 0;
    ipv4_address address{};

    [[nodiscard]] constexpr std::array<std::uint64_t, 1> words() const noexcept {
        return {std::uint64_t{interface} << 32 | address.value};
    }
    friend constexpr bool operator==(const arp_key&, const arp_key&) = default;
};

enum class arp_state : std::uint8_t { incomplete, reachable, stale, failed };

[[nodiscard]] constexpr std::string_view to_string(arp_state s) noexcept {
    switch (s) {
        case arp_state::incomplete: return "incomplete";
        case arp_state::reachable: return "reachable";
        case arp_state::stale: return "stale";
        case arp_state::failed: return "failed";
    }
    return "unknown";
}

/// Where the news of a station come from.
enum class arp_source : std::uint8_t {
    request_to_us,  ///< it asked for one of our addresses
    reply_to_us,    ///< it answered us, asked or not
    announcement,   ///< it told everybody (RFC 5227 2.3)
};

enum class arp_lesson : std::uint8_t { learned, ignored, unsolicited, no_room };

/// An entry, as the table keeps it and as a show command sees it.
struct arp_entry {
    arp_key key{};
    wire::mac_address mac{};  ///< known when reachable or stale
    arp_state state = arp_state::incomplete;
    std::uint8_t asked = 0;   ///< requests without an answer; of a stale entry, whether it is asked again
    std::uint32_t waiting = 0;
    std::uint32_t first = npos;  ///< packets that wait, oldest first
    std::uint32_t last = npos;
    std::uint32_t before = npos;  ///< neighbours in the list of its state, oldest first
    std::uint32_t after = npos;
    instant since{};  ///< when the state began
};

template <class Packet>
class arp_table {
public:
    arp_table(const arp_settings& settings, hash_secret secret)
        : settings_(settings), entries_(settings.entries), index_(settings.entries, secret), timers_(settings.entries), queue_(settings.waiting) {
        for (std::uint32_t i = settings.waiting; i-- > 0;) {
            free_packet(i);
        }
    }

    enum class outcome : std::uint8_t {
        known,       ///< `mac` is set and the packet still the caller's
        waiting,     ///< the table has the packet
        failed,      ///< nobody answered a moment ago; the packet is still the caller's
        table_full,  ///< likewise
        queue_full,  ///< likewise
    };
    struct resolution {
        outcome result = outcome::known;
        wire::mac_address mac{};
        bool ask = false;  ///< a request is due: by unicast to `mac` when known, else by broadcast
    };

    /// Finds the station of `key` for a packet. `drop(Packet&&)` gets the packet that gives way to this one.
    template <class Drop>
    [[nodiscard]] resolution resolve(const arp_key& key, Packet& packet, instant now, Drop&& drop) {
        std::uint32_t i = find(key);
        bool ask = false;
        if (i == npos) {
            i = make(key, true);
            if (i == npos) {
                return {outcome::table_full, {}, false};
            }
            enter(i, arp_state::incomplete, now);
            ask = true;
        }
        arp_entry& e = entries_[i];
        switch (e.state) {
            case arp_state::reachable: return {outcome::known, e.mac, false};
            case arp_state::stale:
                ask = e.asked == 0;
                if (ask) {
                    e.asked = 1;
                    timers_.arm(i, now + settings_.retry);
                }
                return {outcome::known, e.mac, ask};
            case arp_state::failed: return {outcome::failed, {}, false};
            case arp_state::incomplete: break;
        }
        if (ask) {
            e.asked = 1;
            timers_.arm(i, now + settings_.retry);
        }
        if (e.waiting >= settings_.waiting_per_entry) {
            drop(take_oldest(e));
        } else if (free_ == npos) {
            return {outcome::queue_full, {}, ask};
        }
        wait(e, std::move(packet));
        return {outcome::waiting, {}, ask};
    }

    /// Takes news of a station. `deliver(Packet&&, mac)` gets what waited for it, in order.
    template <class Deliver>
    arp_lesson learn(const arp_key& key, wire::mac_address mac, arp_source source, instant now, Deliver&& deliver) {
        std::uint32_t i = find(key);
        if (i == npos) {
            if (source != arp_source::request_to_us) {
                return source == arp_source::reply_to_us ? arp_lesson::unsolicited : arp_lesson::ignored;
            }
            i = make(key, false);
            if (i == npos) {
                return arp_lesson::no_room;
            }
        } else if (source == arp_source::reply_to_us && entries_[i].asked == 0) {
            return arp_lesson::unsolicited;
        } else if (source == arp_source::announcement && entries_[i].state == arp_state::failed) {
            return arp_lesson::ignored;
        }
        arp_entry& e = entries_[i];
        e.mac = mac;
        e.asked = 0;
        enter(i, arp_state::reachable, now);
        timers_.arm(i, now + settings_.reachable);
        while (e.first != npos) {
            deliver(take_oldest(e), mac);
        }
        return arp_lesson::learned;
    }

    /// Runs timers that are due, at most `budget`. `ask(key, std::optional<mac>)`: a request is due, by unicast when there is a station;
    /// `fail(key, Packet&&)`: nobody answered. True when more is due now.
    template <class Ask, class Fail>
    bool advance(instant now, std::size_t budget, Ask&& ask, Fail&& fail) {
        for (; budget != 0; --budget) {
            const std::uint32_t i = timers_.pop_due(now);
            if (i == npos) {
                return false;
            }
            on_timer(i, now, ask, fail);
        }
        return timers_.next() && *timers_.next() <= now;
    }
    [[nodiscard]] std::optional<instant> next_timer() const noexcept { return timers_.next(); }

    /// Forgets the entries for which `gone(key)` is true; `drop(Packet&&)` gets what waited. Linear in the entries.
    template <class Gone, class Drop>
    void remove_if(Gone&& gone, Drop&& drop) {
        entries_.for_each([&](std::uint32_t i, arp_entry& e) {
            if (gone(std::as_const(e).key)) {
                while (e.first != npos) {
                    drop(take_oldest(e));
                }
                release(i);
            }
        });
    }

    [[nodiscard]] const arp_entry* find_entry(const arp_key& key) const noexcept {
        const std::uint32_t i = find(key);
        return i == npos ? nullptr : &entries_[i];
    }
    /// Calls `visit(const arp_entry&)` for each. Linear in the capacity.
    template <class Visit>
    void for_each(Visit&& visit) const {
        entries_.for_each([&](std::uint32_t, const arp_entry& e) { visit(e); });
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    struct waiting_packet {
        Packet packet{};
        std::uint32_t next = npos;
    };
    struct list {
        std::uint32_t first = npos;
        std::uint32_t last = npos;
    };

    [[nodiscard]] std::uint32_t find(const arp_key& key) const noexcept {
        return index_.find(key, [this](std::uint32_t i) -> const arp_key& { return entries_[i].key; });
    }

    template <class Ask, class Fail>
    void on_timer(std::uint32_t i, instant now, Ask& ask, Fail& fail) {
        arp_entry& e = entries_[i];
        switch (e.state) {
            case arp_state::reachable:
                enter(i, arp_state::stale, now);
                timers_.arm(i, now + settings_.stale);
                return;
            case arp_state::failed: release(i); return;
            case arp_state::stale:
                if (e.asked == 0 || e.asked >= settings_.tries) {
                    release(i);  // RFC 1122 2.3.2.1 (2): a poll by unicast without an answer ends the entry
                    return;
                }
                break;
            case arp_state::incomplete:
                if (e.asked >= settings_.tries) {
                    e.asked = 0;
                    enter(i, arp_state::failed, now);
                    timers_.arm(i, now + settings_.failed);
                    while (e.first != npos) {
                        fail(std::as_const(e).key, take_oldest(e));
                    }
                    return;
                }
                break;
        }
        ++e.asked;
        timers_.arm(i, now + settings_.retry);
        ask(std::as_const(e).key, e.state == arp_state::stale ? std::optional{e.mac} : std::nullopt);
    }

    /// A fresh entry in no state's list; npos when there is no room.
    [[nodiscard]] std::uint32_t make(const arp_key& key, bool for_packet) {
        std::uint32_t i = entries_.allocate();
        if (i == npos) {
            std::uint32_t old = of(arp_state::failed).first;
            old = old == npos ? of(arp_state::stale).first : old;
            old = old == npos && for_packet ? of(arp_state::reachable).first : old;
            if (old == npos) {
                return npos;
            }
            release(old);
            i = entries_.allocate();
        }
        entries_[i].key = key;
        if (!index_.insert(key, i)) {
            entries_.release(i);
            return npos;
        }
        return i;
    }
    /// Ends an entry for which no packet waits.
    void release(std::uint32_t i) {
        timers_.disarm(i);
        leave(i);
        (void)index_.erase(entries_[i].key, i);
        entries_.release(i);
    }

    [[nodiscard]] list& of(arp_state s) noexcept { return lists_[static_cast<std::size_t>(s)]; }
    void enter(std::uint32_t i, arp_state s, instant now) noexcept {
        leave(i);
        arp_entry& e = entries_[i];
        list& l = of(s);
        e.state = s;
        e.since = now;
        e.before = l.last;
        (l.last == npos ? l.first : entries_[l.last].after) = i;
        l.last = i;
    }
    void leave(std::uint32_t i) noexcept {
        arp_entry& e = entries_[i];
        list& l = of(e.state);
        if (e.before == npos && l.first != i) {
            return;  // in no list yet
        }
        (e.before == npos ? l.first : entries_[e.before].after) = e.after;
        (e.after == npos ? l.last : entries_[e.after].before) = e.before;
        e.before = e.after = npos;
    }

    void wait(arp_entry& e, Packet&& packet) {
        const std::uint32_t p = std::exchange(free_, queue_[free_].next);
        queue_[p].packet = std::move(packet);
        queue_[p].next = npos;
        (e.last == npos ? e.first : queue_[e.last].next) = p;
        e.last = p;
        ++e.waiting;
        ++waiting_;
    }
    [[nodiscard]] Packet take_oldest(arp_entry& e) {
        const std::uint32_t p = e.first;
        Packet packet = std::move(queue_[p].packet);
        e.first = queue_[p].next;
        e.last = e.first == npos ? npos : e.last;
        --e.waiting;
        --waiting_;
        free_packet(p);
        return packet;
    }
    void free_packet(std::uint32_t p) noexcept {
        queue_[p].next = free_;
        free_ = p;
    }

    arp_settings settings_;
    table::slab<arp_entry> entries_;
    table::flow_table<arp_key> index_;
    table::deadline_queue timers_;
    std::array<list, 4> lists_{};
    std::vector<waiting_packet> queue_;
    std::uint32_t free_ = npos;
    std::size_t waiting_ = 0;
};

}  // namespace ikealg::inline v0::host

#endif
