// SPDX-License-Identifier: Apache-2.0
#include "crowd.hpp"

#include <algorithm>
#include <set>

#include "bytes_of.hpp"
#include "ikealg/base/hash.hpp"

namespace replay {
namespace {

/// Hands out private addresses that no recorded host has.
class address_source {
public:
    address_source(const recording& r, const options& o) {
        if (o.inside_given) {
            for (const auto& p : o.inside) {
                ranges_.push_back(ikealg::range_of(p));
            }
        } else {
            ranges_.push_back({{0x0a80'0000U}, {0x0aff'ffffU}});  // 10.128.0.0/9
        }
        for (const recorded_client& c : r.clients) {
            used_.insert(c.address.value);
        }
        next_ = ranges_.front().first.value;
    }

    [[nodiscard]] ikealg::ipv4_address next() {
        while (true) {
            const auto& range = ranges_[at_];
            if (next_ + 1 >= range.last.value) {  // neither the network's nor the broadcast address
                if (++at_ == ranges_.size()) {
                    throw bad_input("--clients: --inside has no room for so many addresses");
                }
                next_ = ranges_[at_].first.value;
                continue;
            }
            ++next_;
            if (used_.count(next_) == 0) {
                return {next_};
            }
        }
    }

private:
    std::vector<ikealg::address_range<ipv4>> ranges_;
    std::set<std::uint32_t> used_;
    std::size_t at_ = 0;
    std::uint32_t next_ = 0;
};

}  // namespace

crowd::crowd(const recording& r, const options& o) : seed_(o.seed) {
    const auto recorded = static_cast<std::uint32_t>(r.clients.size());
    const std::uint32_t wanted = o.outside ? 1 : o.clients.value_or(recorded);
    address_source addresses(r, o);
    std::set<std::uint32_t> taken;
    for (std::uint32_t i = 0; i < wanted; ++i) {
        client c;
        c.recorded = &r.clients[i % recorded];
        c.shift = o.stagger * i;
        c.copy =
            i >= recorded || !taken.insert(c.recorded->address.value).second;  // overlaid captures may share addresses
        c.address = c.copy ? addresses.next() : c.recorded->address;
        clients_.push_back(c);
    }
}

std::uint64_t crowd::random_of(std::uint32_t client, std::uint64_t original) const noexcept {
    return ikealg::keyed_hash(std::array<std::uint64_t, 2>{original, client}, ikealg::hash_secret::from_seed(seed_));
}

void crowd::make(std::uint32_t client, side from, std::uint32_t index, std::vector<std::uint8_t>& bytes) const {
    const recorded_packet& p = at(client, from, index);
    bytes.assign(p.bytes.begin(), p.bytes.end());
    const struct client& c = clients_[client];
    if (!c.copy) {
        return;
    }
    store_address(bytes, from == side::client ? ip_source : ip_destination, c.address);
    if (p.spi_offset != 0) {
        const std::uint32_t old = ikealg::load_be32(bytes.data() + p.spi_offset);
        const auto fresh = static_cast<std::uint32_t>(random_of(client, old));
        store_word(bytes, p.spi_offset, old < 256 ? old : std::max<std::uint32_t>(fresh, 256));
    }
    if (p.ike_offset != 0) {
        for (const std::size_t at : {p.ike_offset + std::size_t{0}, p.ike_offset + std::size_t{8}}) {
            const std::uint64_t old = ikealg::load_be64(bytes.data() + at);
            const std::uint64_t fresh = old == 0 ? 0 : std::max<std::uint64_t>(random_of(client, old), 1);
            store_word(bytes, at, static_cast<std::uint32_t>(fresh >> 32));
            store_word(bytes, at + 4, static_cast<std::uint32_t>(fresh));
        }
    }
}

}  // namespace replay
