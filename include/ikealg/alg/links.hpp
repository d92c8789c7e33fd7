// SPDX-License-Identifier: Apache-2.0
/// Lists of records that keep their links in themselves, by index.
///
/// `Records` is anything indexed by `[]`; the links are named by pointers to members, so one record can stand in several lists. A list is its
/// first index, npos when it is empty, and for queues its last one.
///
/// Thread safety: none. Complexity: constant; `unlink` of a singly linked list is linear in it.
#ifndef IKEALG_ALG_LINKS_HPP
#define IKEALG_ALG_LINKS_HPP

#include <cstdint>

#include "ikealg/base/identifiers.hpp"

namespace ikealg::inline v0::alg {

template <class Record>
using link_of = std::uint32_t Record::*;

/// Puts `i` at the front of a doubly linked list.
template <class Records, class Record>
constexpr void link_first(Records& records, std::uint32_t& first, std::uint32_t i, link_of<Record> next, link_of<Record> previous) noexcept {
    records[i].*next = first;
    records[i].*previous = npos;
    if (first != npos) {
        records[first].*previous = i;
    }
    first = i;
}
/// Puts `i` at the end of a doubly linked list.
template <class Records, class Record>
constexpr void link_last(Records& records, std::uint32_t& first, std::uint32_t& last, std::uint32_t i, link_of<Record> next,
                         link_of<Record> previous) noexcept {
    records[i].*next = npos;
    records[i].*previous = last;
    (last == npos ? first : records[last].*next) = i;
    last = i;
}
/// Takes `i` out of a doubly linked list that it is in.
template <class Records, class Record>
constexpr void unlink(Records& records, std::uint32_t& first, std::uint32_t& last, std::uint32_t i, link_of<Record> next,
                      link_of<Record> previous) noexcept {
    auto& record = records[i];
    (record.*previous == npos ? first : records[record.*previous].*next) = record.*next;
    (record.*next == npos ? last : records[record.*next].*previous) = record.*previous;
    record.*next = record.*previous = npos;
}
/// The same where the list does not know its end.
template <class Records, class Record>
constexpr void unlink(Records& records, std::uint32_t& first, std::uint32_t i, link_of<Record> next, link_of<Record> previous) noexcept {
    std::uint32_t last = npos;
    unlink(records, first, last, i, next, previous);
}
/// Takes `i` out of a singly linked list; nothing when it is not in it.
template <class Records, class Record>
constexpr void unlink(Records& records, std::uint32_t& first, std::uint32_t i, link_of<Record> next) noexcept {
    for (std::uint32_t* at = &first; *at != npos; at = &(records[*at].*next)) {
        if (*at == i) {
            *at = records[i].*next;
            return;
        }
    }
}

}  // namespace ikealg::inline v0::alg

#endif
