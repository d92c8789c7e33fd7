// SPDX-License-Identifier: Apache-2.0
#include "ikealg/nat/tcp_state.hpp"

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace ikealg;
using nat::direction;
using nat::tcp_event;
using nat::tcp_phase;
using nat::tcp_state;

namespace {

struct segment {
    direction side;
    tcp_event event;
};
constexpr segment out(tcp_event e) {
    return {direction::outbound, e};
}
constexpr segment in(tcp_event e) {
    return {direction::inbound, e};
}
constexpr auto syn = tcp_event::syn;
constexpr auto seg = tcp_event::segment;
constexpr auto fin = tcp_event::fin;
constexpr auto rst = tcp_event::rst;

tcp_state after(std::initializer_list<segment> segments) {
    tcp_state s = tcp_state::none;
    for (const auto& e : segments) {
        s = next_state(s, e.side, e.event);
    }
    return s;
}

}  // namespace

TEST_CASE("N14: a connection from handshake to both FINs") {
    CHECK(after({out(syn)}) == tcp_state::opening_out);
    CHECK(after({out(syn), in(syn)}) == tcp_state::both);
    CHECK(after({out(syn), in(syn), out(seg)}) == tcp_state::established);
    CHECK(after({out(syn), in(syn), out(seg), in(fin)}) == tcp_state::closing_in);
    CHECK(after({out(syn), in(syn), out(seg), in(fin), out(seg), in(seg)}) == tcp_state::closing_in);
    CHECK(after({out(syn), in(syn), out(seg), in(fin), out(fin), in(seg)}) == tcp_state::closed);
    CHECK(after({out(syn), in(syn), out(seg), out(fin), in(fin), out(seg)}) == tcp_state::closed);
    CHECK(after({out(syn), in(syn), out(seg), out(fin), in(fin), out(syn)}) == tcp_state::opening_out);
}

TEST_CASE("N14: simultaneous open, and a connection from outside") {
    CHECK(after({out(syn), in(syn), out(syn), in(syn), out(seg)}) == tcp_state::established);
    CHECK(after({in(syn)}) == tcp_state::opening_in);
    CHECK(after({in(syn), out(syn), in(seg)}) == tcp_state::established);
}

TEST_CASE("N14: what is not answered stays transitory") {
    CHECK(after({out(syn), out(syn), out(seg), out(fin)}) == tcp_state::opening_out);
    CHECK(after({out(syn), in(rst)}) == tcp_state::opening_out);
    CHECK(after({out(syn), in(seg), out(rst)}) == tcp_state::opening_out);  // half-open remains of an older connection
    CHECK(after({out(syn), in(syn), out(rst)}) == tcp_state::both);         // port scan
    CHECK(after({in(rst)}) == tcp_state::midstream_in);
}

TEST_CASE("N14: a connection older than the gateway is established once both sides were heard") {
    CHECK(after({out(seg)}) == tcp_state::midstream_out);
    CHECK(after({out(seg), out(seg)}) == tcp_state::midstream_out);
    CHECK(after({out(seg), in(seg)}) == tcp_state::established);
    CHECK(after({in(seg), out(fin)}) == tcp_state::closing_out);
    CHECK(after({out(seg), out(syn)}) == tcp_state::opening_out);
}

TEST_CASE("N14: an RST is believed unless its sender goes on (RFC 7857 2.2)") {
    CHECK(after({out(syn), in(syn), out(seg), in(rst)}) == tcp_state::reset_in);
    CHECK(after({out(syn), in(syn), out(seg), in(rst), out(seg), out(seg)}) == tcp_state::reset_in);
    CHECK(after({out(syn), in(syn), out(seg), in(rst), in(seg)}) == tcp_state::established);
    CHECK(after({out(syn), in(syn), out(seg), out(rst), in(seg), in(fin)}) == tcp_state::reset_out);
    CHECK(after({out(syn), in(syn), out(seg), out(rst), out(seg)}) == tcp_state::established);
    CHECK(after({out(syn), in(syn), out(seg), out(rst), out(syn)}) == tcp_state::opening_out);
    CHECK(after({out(syn), in(syn), out(seg), in(fin), out(seg), out(rst)}) == tcp_state::reset_out);
    CHECK(after({out(syn), in(syn), out(seg), in(fin), out(fin), in(rst)}) == tcp_state::closed);
}

TEST_CASE("N14: the long timeout belongs to established and half-closed connections") {
    for (std::size_t i = 0; i < nat::tcp_state_count; ++i) {
        const auto s = static_cast<tcp_state>(i);
        CAPTURE(to_string(s));
        const bool is_long = s == tcp_state::established || s == tcp_state::closing_out || s == tcp_state::closing_in;
        CHECK(phase_of(s) == (is_long ? tcp_phase::established : tcp_phase::transitory));
        CHECK(refreshes(s) == (s != tcp_state::closed));
    }
}

TEST_CASE("N14: no sequence of one side's segments alone reaches the long timeout") {
    for (const auto side : {direction::outbound, direction::inbound}) {
        std::set<tcp_state> reached{tcp_state::none};
        for (bool grew = true; grew;) {
            grew = false;
            for (const auto s : std::set<tcp_state>(reached)) {
                for (const auto e : {syn, seg, fin, rst}) {
                    grew = reached.insert(next_state(s, side, e)).second || grew;
                }
            }
        }
        for (const auto s : reached) {
            CAPTURE(to_string(s));
            CHECK(phase_of(s) == tcp_phase::transitory);
        }
    }
}

TEST_CASE("N14: the table is the same for both sides, mirrored") {
    const auto mirror = [](tcp_state s) {
        switch (s) {
            case tcp_state::opening_out: return tcp_state::opening_in;
            case tcp_state::opening_in: return tcp_state::opening_out;
            case tcp_state::midstream_out: return tcp_state::midstream_in;
            case tcp_state::midstream_in: return tcp_state::midstream_out;
            case tcp_state::closing_out: return tcp_state::closing_in;
            case tcp_state::closing_in: return tcp_state::closing_out;
            case tcp_state::reset_out: return tcp_state::reset_in;
            case tcp_state::reset_in: return tcp_state::reset_out;
            default: return s;
        }
    };
    for (std::size_t i = 0; i < nat::tcp_state_count; ++i) {
        const auto s = static_cast<tcp_state>(i);
        for (const auto e : {syn, seg, fin, rst}) {
            CAPTURE(to_string(s));
            CAPTURE(to_string(e));
            CHECK(next_state(mirror(s), direction::inbound, e) == mirror(next_state(s, direction::outbound, e)));
        }
    }
}

TEST_CASE("N14: flags to events, RST before SYN before FIN") {
    CHECK(nat::tcp_event_of(0x02) == syn);
    CHECK(nat::tcp_event_of(0x12) == syn);
    CHECK(nat::tcp_event_of(0x10) == seg);
    CHECK(nat::tcp_event_of(0x18) == seg);
    CHECK(nat::tcp_event_of(0x00) == seg);
    CHECK(nat::tcp_event_of(0x11) == fin);
    CHECK(nat::tcp_event_of(0x14) == rst);
    CHECK(nat::tcp_event_of(0xff) == rst);
    CHECK(nat::tcp_event_of(0x03) == syn);
}

TEST_CASE("a value that is no state counts as none") {
    CHECK(next_state(static_cast<tcp_state>(200), direction::outbound, syn) == tcp_state::opening_out);
    CHECK(to_string(tcp_state::undecided) == "unknown");
    CHECK(to_string(tcp_state::closed) == "closed");
    CHECK(to_string(static_cast<tcp_event>(9)) == "unknown");
}
