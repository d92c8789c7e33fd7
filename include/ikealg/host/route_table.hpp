// SPDX-License-Identifier: Apache-2.0
/// Where a packet goes next: connected networks and static routes, by longest prefix (RFC 1812 5.2.4.3).
///
/// Nested prefixes are flattened into consecutive intervals, each with the answer of the longest prefix there, and
/// searched as an `interval_index`: three routes are one block of a cache line, 100 000 five levels. Of a connected network
/// and a static route with the same prefix the connected one is used.
///
/// Invariant: every next hop lies on a connected network, whose interface is the route's; routes are not resolved
/// through other routes.
/// Thread safety: immutable after construction. Complexity: lookup O(log n) with base 16; n prefixes make at most 2n + 1 intervals.
#ifndef IKEALG_HOST_ROUTE_TABLE_HPP
#define IKEALG_HOST_ROUTE_TABLE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/table/interval_index.hpp"

namespace ikealg::inline v0::host {

template <class Family>
struct connected_route {
    prefix<Family> network{};
    std::uint32_t interface = 0;
};

template <class Family>
struct static_route {
    prefix<Family> destination{};
    typename Family::address next_hop{};
};

/// One route as it is in force.
template <class Family>
struct route {
    prefix<Family> destination{};
    typename Family::address next_hop{};  ///< when not connected
    std::uint32_t interface = npos;
    bool connected = false;
};

template <class Family>
class route_table {
public:
    using address = typename Family::address;
    using route_type = route<Family>;

    route_table() = default;

    /// Prefixes without host bits. A next hop that is on no connected network is an error.
    [[nodiscard]] static built<route_table> build(const std::vector<connected_route<Family>>& connected,
                                                  const std::vector<static_route<Family>>& statics) {
        built<route_table> result;
        std::vector<route_type> routes;
        for (const auto& c : connected) {
            routes.push_back({c.network, {}, c.interface, true});
        }
        const route_table networks(routes);
        for (const auto& s : statics) {
            const route_type* via = networks.find(s.next_hop);
            if (via == nullptr) {
                result.errors.push_back({"routing-options static route " + to_string(s.destination) + " next-hop " + to_string(s.next_hop),
                                         "the next hop is on no connected network"});
                continue;
            }
            routes.push_back({s.destination, s.next_hop, via->interface, false});
        }
        if (result.errors.empty()) {
            result.value.emplace(route_table(std::move(routes)));
        }
        return result;
    }

    /// The route of the longest prefix that contains `a`, or nothing. The pointer is good as long as the table.
    [[nodiscard]] const route_type* find(address a) const noexcept {
        if (routes_.empty()) {
            return nullptr;
        }
        const std::uint32_t r = answers_[index_.find(a)];
        return r == npos ? nullptr : &routes_[r];
    }
    /// All routes, by prefix.
    [[nodiscard]] const std::vector<route_type>& routes() const noexcept { return routes_; }

private:
    explicit route_table(std::vector<route_type> routes) : routes_(std::move(routes)) {
        std::stable_sort(routes_.begin(), routes_.end(), [](const auto& a, const auto& b) {
            return a.destination != b.destination ? a.destination < b.destination : a.connected && !b.connected;
        });
        routes_.erase(std::unique(routes_.begin(), routes_.end(),
                                  [](const auto& a, const auto& b) { return a.destination == b.destination; }),
                      routes_.end());
        flatten();
    }

    /// Walks the prefixes in order, enclosing ones first, with those open that contain the place.
    void flatten() {
        std::vector<address> starts;
        const auto begin_interval = [&](address at, std::uint32_t answer) {
            if (!starts.empty() && starts.back() == at) {
                answers_.back() = answer;
            } else {
                starts.push_back(at);
                answers_.push_back(answer);
            }
        };
        struct open_prefix {
            address last;
            std::uint32_t route;
        };
        std::vector<open_prefix> open;
        const auto close_before = [&](const address* next) {
            while (!open.empty() && (next == nullptr || open.back().last < *next)) {
                const address last = open.back().last;
                open.pop_back();
                if (last != all_addresses<Family>().last) {
                    begin_interval(last.plus(1), open.empty() ? npos : open.back().route);
                }
            }
        };
        begin_interval(address{}, npos);
        for (std::uint32_t i = 0; i < routes_.size(); ++i) {
            const auto range = range_of(routes_[i].destination);
            close_before(&range.first);
            begin_interval(range.first, i);
            open.push_back({range.last, i});
        }
        close_before(nullptr);
        index_ = table::interval_index<address>(starts);
    }

    std::vector<route_type> routes_{};
    table::interval_index<address> index_{};
    std::vector<std::uint32_t> answers_{};  ///< route of each interval; npos where none leads
};

}  // namespace ikealg::inline v0::host

#endif
