// SPDX-License-Identifier: Apache-2.0
/// Why a binding can be `contested` although no server spoke out of turn (E11), and what holds instead.
///
/// Wanted would be: nothing is contested unless a server spoke first for a client that did not hold the slot. No gateway can have that.
/// Here are two histories whose packets are the same bytes at the same times. In the one the unknown SPI is the holder's, and it must be
/// bound and not contested; in the other it is that of a parked client whose server spoke first, and it must be dropped or
/// contested. Whatever a gateway answers, it is wrong in one of the two. Dropping in both (`drop-contested`) is no way out for all: while a client is parked (1800 s)
/// each SPI that comes for another one is such a case, also the answer to ESP, so that one idle tunnel would shut out all the others.
///
/// What holds, for each binding of each history that explorer_test.cpp visits (servers may speak at any time, no round trip known): it is
/// contested exactly when the server of another client of the slot might have sent by then, as far as what passed the gateway
/// tells, or a binding of the last 300 s may have given away another's SPI. So wrong implies contested; contested implies a history
/// like this one's twin; and where no tenure ended without an SPI nothing is contested at all. With `drop-contested` nothing is ever bound
/// wrongly and nothing contested: what would be is dropped.
#include "alg/harness.hpp"

#include <map>

namespace {

using namespace ikealg_tests;

constexpr unsigned parked = 1;
constexpr unsigned holder = 2;
constexpr std::uint32_t the_spi = 0x1111'1111;
constexpr std::uint32_t another_spi = 0x2222'2222;

/// What the two ends of a tunnel know and the gateway does not: the key of their IKE SA, here a one-time pad, and the SPI inside.
struct secret {
    std::uint32_t inbound_spi = 0;
    std::uint32_t pad = 0;
    [[nodiscard]] std::uint32_t encrypted() const { return inbound_spi ^ pad; }
};
struct story {
    std::map<unsigned, secret> ends;
    unsigned who_gets_esp = 0;  ///< the client whose server sends the ESP
};
/// A packet as it passes the gateway.
struct passing {
    duration at{};
    unsigned client = 0;  ///< 0: to the shared nat address
    direction way = outbound;
    std::vector<std::uint8_t> bytes;
    friend bool operator==(const passing&, const passing&) = default;
};

passing quick_mode(duration at, unsigned client, direction way, const secret& s) {
    ike_header h{{client}, {0x8000 + client}, 0x10, exchange_type::quick_mode, 1, 7};
    auto bytes = h.bytes_of().data;
    store_be32(bytes.data() + 28, s.encrypted());
    return {at, client, way, std::move(bytes)};
}
passing esp(duration at, unsigned client, direction way, std::uint32_t value) {
    std::vector<std::uint8_t> bytes(100);
    store_be32(bytes.data(), value);
    store_be32(bytes.data() + 4, 1);
    return {at, client, way, std::move(bytes)};
}

/// One client's Quick Mode gets no ESP; after its gate another's begins, and then ESP comes. `asked`: after ESP of the second client.
std::vector<passing> play(const story& s, bool asked) {
    std::vector<passing> wire;
    for (const auto& [client, at] : {std::pair{parked, duration{0}}, std::pair{holder, duration{6s}}}) {
        wire.push_back(quick_mode(at, client, outbound, s.ends.at(client)));
        wire.push_back(quick_mode(at, client, inbound, s.ends.at(client)));
        wire.push_back(quick_mode(at, client, outbound, s.ends.at(client)));
    }
    if (asked) {
        wire.push_back(esp(7s, holder, outbound, 0x3333'3333));
    }
    wire.push_back(esp(7s + 30ms, 0, inbound, s.ends.at(s.who_gets_esp).inbound_spi));
    return wire;
}

struct answer {
    unsigned bound_to = 0;  ///< 0: dropped
    bool contested = false;
};
answer gateway(const std::vector<passing>& wire, bool drop_contested = false) {
    alg_settings settings;
    settings.drop_contested = drop_contested;
    harness<ipv4> h(settings);
    std::map<unsigned, peer> peers;
    for (const unsigned client : {parked, holder}) {
        peers[client] = {h.make_pair(client), {client}, {0x8000 + client}, 1};
        h.phase1(peers[client]);
    }
    const instant began = h.now();
    answer a;
    for (const passing& p : wire) {
        h.pass(began + p.at - h.now());
        const auto value = static_cast<std::uint32_t>(p.bytes[0] << 24 | p.bytes[1] << 16 | p.bytes[2] << 8 | p.bytes[3]);
        if (p.bytes.size() > 100) {
            CHECK(h.ike(peers[p.client], ike_bytes{p.bytes}, p.way) == forwarded);
        } else if (p.way == outbound) {
            CHECK(h.esp_out(peers[p.client], value) == forwarded);
        } else {
            const std::uint32_t to = h.esp_in(peers[holder], value);
            a.bound_to = to == peers[parked].pair ? parked : to == peers[holder].pair ? holder : 0;
        }
    }
    a.contested = h.count(counter::bindings_contested) != 0;
    return a;
}

/// The wanted sentence, for one answer in one story.
bool as_wanted(const answer& a, const story& truth) {
    const bool spoke_for_non_holder = truth.who_gets_esp != holder;
    if (spoke_for_non_holder) {
        return a.bound_to == 0 || a.contested;
    }
    return a.bound_to == truth.who_gets_esp && !a.contested;
}

}  // namespace

TEST_CASE("E11: two histories of the same bytes, and no answer that suits both") {
    const story in_turn{{{parked, {another_spi, 0xabcd'ef01}}, {holder, {the_spi, 0x0123'4567}}}, holder};
    story out_of_turn{{{parked, {the_spi, 0}}, {holder, {another_spi, 0}}}, parked};
    for (auto& [client, s] : out_of_turn.ends) {  // other keys, under which the same bytes mean the other SPI
        s.pad = in_turn.ends.at(client).encrypted() ^ s.inbound_spi;
    }
    for (const bool asked : {false, true}) {
        CAPTURE(asked);
        const auto wire = play(in_turn, asked);
        REQUIRE(wire == play(out_of_turn, asked));
        REQUIRE(in_turn.ends.at(parked).inbound_spi != out_of_turn.ends.at(parked).inbound_spi);
        for (const unsigned to : {0U, parked, holder}) {
            for (const bool contested : {false, true}) {
                const answer any{to, contested};
                CHECK_FALSE((as_wanted(any, in_turn) && as_wanted(any, out_of_turn)));
            }
        }
        const answer given = gateway(wire);  // the holder's tunnel works, and where it is wrong it says so
        CHECK(given.bound_to == holder);
        CHECK(given.contested);
    }
}

TEST_CASE("E11: with drop-contested neither history has a misdelivered packet or a contested binding, at the price of the holder's") {
    const story in_turn{{{parked, {another_spi, 1}}, {holder, {the_spi, 2}}}, holder};
    for (const bool asked : {false, true}) {
        CAPTURE(asked);
        const answer given = gateway(play(in_turn, asked), true);
        CHECK(given.bound_to == 0);
        CHECK_FALSE(given.contested);
    }
    std::vector<passing> alone = play(in_turn, true);
    alone.erase(alone.begin(), alone.begin() + 3);  // nobody is parked
    CHECK(gateway(alone, true).bound_to == holder);
}

TEST_CASE("E11: the twin of a history without a parked client is the history itself, and nothing is contested") {
    const story only{{{parked, {another_spi, 1}}, {holder, {the_spi, 2}}}, holder};
    std::vector<passing> wire = play(only, true);
    wire.erase(wire.begin(), wire.begin() + 3);  // the first client's exchange did not happen
    const answer given = gateway(wire);
    CHECK(given.bound_to == holder);
    CHECK_FALSE(given.contested);
}
