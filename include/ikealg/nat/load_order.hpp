// SPDX-License-Identifier: Apache-2.0
/// Items in groups, each group in order of load: the least loaded first, equal loads in the order in which they got
/// there.
///
/// A load changes by one at a time, so an item only ever moves to a neighbouring load. Items of one load form a list,
/// and the loads that occur in a group form a list of lists.
///
/// Invariants: each inserted item is in one list; a list is never empty; loads rise strictly along a group.
/// Thread safety: none, one owner. Complexity: constant. Nothing allocates after construction (L1).
#ifndef IKEALG_NAT_LOAD_ORDER_HPP
#define IKEALG_NAT_LOAD_ORDER_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::nat {

class load_order {
public:
    load_order() = default;
    /// Room for the items 0 to `items` - 1, none inserted yet, in groups 0 to `groups` - 1.
    load_order(std::size_t items, std::size_t groups) : items_(items), lists_(items), least_(groups, npos) {
        for (std::size_t i = items; i-- > 0;) {
            lists_[i].next = free_;
            free_ = static_cast<std::uint32_t>(i);
        }
    }

    /// Puts an item into a group with load 0, behind the others of load 0. It stays for good.
    void insert(std::uint32_t group, std::uint32_t item) noexcept {
        std::uint32_t list = least_[group];
        if (list == npos || lists_[list].load != 0) {
            list = new_list(group, npos, list, 0);
        }
        link(item, list);
    }
    void increment(std::uint32_t item) noexcept {
        const std::uint32_t list = items_[item].list;
        move(item, lists_[list].next, lists_[list].load + 1, list, lists_[list].next);
    }
    /// Precondition: the load is not 0.
    void decrement(std::uint32_t item) noexcept {
        const std::uint32_t list = items_[item].list;
        move(item, lists_[list].previous, lists_[list].load - 1, lists_[list].previous, list);
    }

    /// 0 for an item that was not inserted.
    [[nodiscard]] std::uint32_t load(std::uint32_t item) const noexcept {
        return items_[item].list == npos ? 0 : lists_[items_[item].list].load;
    }
    /// The least loaded item of a group, or `npos`.
    [[nodiscard]] std::uint32_t first(std::uint32_t group) const noexcept {
        return least_[group] == npos ? npos : lists_[least_[group]].head;
    }
    /// The item after `item` in its group, or `npos`.
    [[nodiscard]] std::uint32_t next(std::uint32_t item) const noexcept {
        if (items_[item].next != npos) {
            return items_[item].next;
        }
        const std::uint32_t list = lists_[items_[item].list].next;
        return list == npos ? npos : lists_[list].head;
    }

private:
    struct item_links {
        std::uint32_t list = npos;
        std::uint32_t previous = npos;
        std::uint32_t next = npos;
    };
    struct list_links {
        std::uint32_t load = 0;
        std::uint32_t group = 0;
        std::uint32_t head = npos;
        std::uint32_t tail = npos;
        std::uint32_t previous = npos;
        std::uint32_t next = npos;  // of the free lists too
    };

    /// Moves `item` to `load`: into list `near` if that is it, else into a list between `after` and `before`.
    void move(std::uint32_t item, std::uint32_t near, std::uint32_t load, std::uint32_t after,
              std::uint32_t before) noexcept {
        const std::uint32_t list = items_[item].list;
        if (near != npos && lists_[near].load == load) {
            unlink(item);
            link(item, near);
            if (lists_[list].head == npos) {
                free_list(list);
            }
        } else if (lists_[list].head == lists_[list].tail) {
            lists_[list].load = load;  // alone: its list moves with it
        } else {
            unlink(item);
            link(item, new_list(lists_[list].group, after, before, load));
        }
    }

    std::uint32_t new_list(std::uint32_t group, std::uint32_t after, std::uint32_t before,
                           std::uint32_t load) noexcept {
        const std::uint32_t list = free_;  // there are as many lists as items and none is empty: one is free
        free_ = lists_[list].next;
        lists_[list] = {load, group, npos, npos, after, before};
        (after == npos ? least_[group] : lists_[after].next) = list;
        if (before != npos) {
            lists_[before].previous = list;
        }
        return list;
    }
    void free_list(std::uint32_t list) noexcept {
        const list_links& l = lists_[list];
        (l.previous == npos ? least_[l.group] : lists_[l.previous].next) = l.next;
        if (l.next != npos) {
            lists_[l.next].previous = l.previous;
        }
        lists_[list].next = free_;
        free_ = list;
    }
    void link(std::uint32_t item, std::uint32_t list) noexcept {
        list_links& l = lists_[list];
        items_[item] = {list, l.tail, npos};
        (l.tail == npos ? l.head : items_[l.tail].next) = item;
        l.tail = item;
    }
    void unlink(std::uint32_t item) noexcept {
        const item_links i = items_[item];
        list_links& l = lists_[i.list];
        (i.previous == npos ? l.head : items_[i.previous].next) = i.next;
        (i.next == npos ? l.tail : items_[i.next].previous) = i.previous;
    }

    std::vector<item_links> items_{};
    std::vector<list_links> lists_{};
    std::vector<std::uint32_t> least_{};  // of each group
    std::uint32_t free_ = npos;
};

}  // namespace ikealg::inline v0::nat

#endif
