// SPDX-License-Identifier: Apache-2.0
/// Which shard of several a packet belongs to, so that both directions of a client meet.
///
/// No promise to users: include gateway.hpp.
///
/// Thread safety: none, one owner. Complexity: one parse; one NAT rule match for packets from a client.
#ifndef IKEALG_GATEWAY_STEERING_HPP
#define IKEALG_GATEWAY_STEERING_HPP

#include "ikealg/gateway/core.hpp"
#include "ikealg/nat/icmp_error.hpp"

namespace ikealg::inline v0::detail {

template <class Core>
class steering {
public:
    using family = typename Core::family;
    using address = typename Core::address;
    using kind = wire::packet_kind;

    explicit steering(const Core& core) noexcept : c_(core) {}

    [[nodiscard]] std::uint32_t operator()(bytes network, zone_id zone, std::uint32_t shards) const noexcept {
        const auto r = wire::parse_packet<family>(network);
        if (!r || shards < 2) {
            return 0;
        }
        address source = r.summary.source;
        address destination = r.summary.destination;
        if (r.summary.kind == kind::icmp_error) {  // goes where the packets go that it is about
            const bytes icmp = r.summary.transport(network);
            const auto quoted = wire::quoted_packet<family>(icmp.subspan(std::min(icmp.size(), nat::icmp_header_size)));
            source = quoted ? quoted.summary.destination : source;
            destination = quoted ? quoted.summary.source : destination;
        }
        const vrf_id vrf = c_.vrf_of(zone);
        const auto& pools = c_.mappings.pools();
        if (const auto client = pools.static_client(vrf, destination)) {
            return shard_of(sum_of(*client), shards);
        }
        if (pools.owner(vrf, destination) != nat::address_owner::none) {
            const auto shard = pools.owner_shard(vrf, destination, shards);
            return shard ? *shard : shard_of(sum_of(source), shards);
        }
        const auto to = c_.configuration.policy.zone_of(vrf, destination);
        const auto d = to ? c_.configuration.rules.match(zone, *to, source, destination) : nat::nat_decision{};
        switch (d.kind) {
            case nat::nat_kind::none:
            case nat::nat_kind::off: return shard_of(sum_of(source) + sum_of(destination), shards);  // the same from either side
            case nat::nat_kind::static_nat: return shard_of(sum_of(source), shards);
            default: return shard_of(sum_of(pools.is_divided(d.pool, shards) ? source : destination), shards);
        }
    }

private:
    [[nodiscard]] static std::uint32_t shard_of(std::uint64_t sum, std::uint32_t shards) noexcept {
        constexpr hash_secret fixed{0x9e37'79b9'7f4a'7c15U, 0xbf58'476d'1ce4'e5b9U};  // equal on every shard, for steering only
        return static_cast<std::uint32_t>((keyed_hash(std::array<std::uint64_t, 1>{sum}, fixed) >> 32) % shards);
    }

    const Core& c_;
};

}  // namespace ikealg::inline v0::detail

#endif
