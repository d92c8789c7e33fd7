// SPDX-License-Identifier: Apache-2.0
/// Which zone an address lies behind: longest prefix match within a routing instance.
///
/// The nested prefixes of an instance are flattened into consecutive intervals, each with the zone of the longest
/// prefix there, and searched as an `interval_index`.
///
/// Thread safety: immutable after construction. Complexity: lookup O(log n) with a large base, plus a scan of the
/// instances (one or two are usual); n prefixes make at most 2n + 1 intervals.
#ifndef IKEALG_POLICY_ZONE_MAP_HPP
#define IKEALG_POLICY_ZONE_MAP_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ikealg/base/address.hpp"
#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/table/interval_index.hpp"

namespace ikealg::inline v0::policy {

/// Destinations of a zone, one prefix.
template <class Family>
struct zone_network {
    vrf_id vrf{};
    prefix<Family> network{};
    zone_id zone{};
};

template <class Family>
class zone_map {
    using address = typename Family::address;

public:
    zone_map() = default;

    /// `networks`: valid prefixes, none twice within an instance.
    explicit zone_map(std::vector<zone_network<Family>> networks) {
        std::sort(networks.begin(), networks.end(), [](const auto& a, const auto& b) {
            return a.vrf != b.vrf ? a.vrf < b.vrf : a.network < b.network;  // by address, an enclosing prefix first
        });
        for (auto first = networks.begin(); first != networks.end();) {
            const auto last = std::find_if(first, networks.end(), [&](const auto& n) { return n.vrf != first->vrf; });
            instances_.push_back(flatten(first, last));
            first = last;
        }
    }

    /// The zone of the longest prefix of `vrf` that contains `a`.
    [[nodiscard]] std::optional<zone_id> find(vrf_id vrf, address a) const noexcept {
        for (const auto& i : instances_) {
            if (i.vrf == vrf) {
                const std::uint32_t zone = i.zones[i.index.find(a)];
                return zone == npos ? std::nullopt : std::optional{zone_id{static_cast<std::uint16_t>(zone)}};
            }
        }
        return std::nullopt;
    }

private:
    struct instance {
        vrf_id vrf{};
        table::interval_index<address> index{};
        std::vector<std::uint32_t> zones{};  // of each interval; npos where no prefix is
    };
    using iterator = typename std::vector<zone_network<Family>>::const_iterator;

    static instance flatten(iterator first, iterator last) {
        std::vector<address> starts;
        std::vector<std::uint32_t> zones;
        const auto begin_interval = [&](address at, std::uint32_t zone) {
            if (!starts.empty() && starts.back() == at) {
                zones.back() = zone;  // a longer prefix with the same start, or one that ended where another begins
            } else {
                starts.push_back(at);
                zones.push_back(zone);
            }
        };
        struct open_prefix {
            address end;
            std::uint32_t zone;
        };
        std::vector<open_prefix> open;
        const auto close_before = [&](const address* next) {
            while (!open.empty() && (next == nullptr || open.back().end < *next)) {
                const address end = open.back().end;
                open.pop_back();
                if (end != all_addresses<Family>().last) {
                    begin_interval(end.plus(1), open.empty() ? npos : open.back().zone);
                }
            }
        };
        begin_interval(address{}, npos);
        for (auto n = first; n != last; ++n) {
            const auto range = range_of(n->network);
            close_before(&range.first);
            begin_interval(range.first, n->zone.value);
            open.push_back({range.last, n->zone.value});
        }
        close_before(nullptr);
        return {first->vrf, table::interval_index<address>(starts), std::move(zones)};
    }

    std::vector<instance> instances_{};
};

}  // namespace ikealg::inline v0::policy

#endif
