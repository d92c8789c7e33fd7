// SPDX-License-Identifier: Apache-2.0
/// How far a TCP connection is, seen from the middle: only to know how long it may be silent (N14,
/// RFC 5382 REQ-5, RFC 7857 2).
///
///     none ---SYN----> opening_* ----SYN of the other side------> both ---segment--> established
///     none ---other--> midstream_* --segment of the other side-----------------> established
///     established ------------FIN--> closing_* --FIN of the other side---> closed
///     established, closing_* --RST-> reset_* ----segment of the side whose RST it was--> established
///     closed, reset_* ---------SYN-> opening_*
///
/// `*` is the side: `out` from the client, `in` to the client. A handshake needs both sides, and one side alone never
/// gets the long timeout. An RST leaves 4 minutes (RFC 7857 2.2); it was forged if its alleged sender still talks, and
/// only then the connection is established again: segments of the other side were merely under way. Sequence numbers
/// are not looked at, no segment is ever refused.
///
/// Thread safety: values. Complexity: one table look-up.
#ifndef IKEALG_NAT_TCP_STATE_HPP
#define IKEALG_NAT_TCP_STATE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ikealg/nat/flow.hpp"

namespace ikealg::inline v0::nat {

enum class tcp_state : std::uint8_t {
    none,           ///< no segment yet
    opening_out,    ///< SYN of the client
    opening_in,     ///< SYN of the other side
    both,           ///< SYNs of both sides, in whatever order (simultaneous open too)
    midstream_out,  ///< began before the gateway did; only the client was heard
    midstream_in,   ///< likewise, only the other side was heard
    established,
    closing_out,  ///< FIN of the client: half closed, data may flow the other way for hours
    closing_in,   ///< FIN of the other side
    closed,       ///< FINs of both sides
    reset_out,    ///< RST of the client
    reset_in,     ///< RST of the other side
    undecided,    ///< not a state: an entry that the table forgot
};
inline constexpr std::size_t tcp_state_count = 12;

enum class tcp_event : std::uint8_t { syn, segment, fin, rst };
inline constexpr std::size_t tcp_event_count = 4;

[[nodiscard]] constexpr std::string_view to_string(tcp_state s) noexcept {
    constexpr std::array<std::string_view, tcp_state_count> names{
        "none",        "opening_out", "opening_in", "both",   "midstream_out", "midstream_in",
        "established", "closing_out", "closing_in", "closed", "reset_out",     "reset_in"};
    const auto i = static_cast<std::size_t>(s);
    return i < names.size() ? names[i] : "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(tcp_event e) noexcept {
    constexpr std::array<std::string_view, tcp_event_count> names{"syn", "segment", "fin", "rst"};
    const auto i = static_cast<std::size_t>(e);
    return i < names.size() ? names[i] : "unknown";
}

/// What the flags of a segment (octet 13 of the header, RFC 9293 3.1) mean here.
[[nodiscard]] constexpr tcp_event tcp_event_of(std::uint8_t flags) noexcept {
    constexpr std::uint8_t fin = 0x01;
    constexpr std::uint8_t syn = 0x02;
    constexpr std::uint8_t rst = 0x04;
    return (flags & rst) != 0   ? tcp_event::rst
           : (flags & syn) != 0 ? tcp_event::syn
           : (flags & fin) != 0 ? tcp_event::fin
                                : tcp_event::segment;
}

namespace detail {

struct tcp_row {
    tcp_state state = tcp_state::undecided;
    std::array<tcp_state, tcp_event_count> outbound{tcp_state::undecided, tcp_state::undecided, tcp_state::undecided,
                                                    tcp_state::undecided};
    std::array<tcp_state, tcp_event_count> inbound = outbound;
};

[[nodiscard]] constexpr std::array<tcp_row, tcp_state_count> make_tcp_table() noexcept {
    using enum tcp_state;
    // Each side: SYN, segment, FIN, RST.
    // clang-format off
    return {{
        // An RST or FIN of nothing known proves no more than a segment does.
        {none, {opening_out, midstream_out, midstream_out, midstream_out},
               {opening_in, midstream_in, midstream_in, midstream_in}},
        // Only a SYN answers a SYN; else it is about an older connection (RFC 9293 3.5.1), or refuses this one.
        {opening_out, {opening_out, opening_out, opening_out, opening_out},
                      {both, opening_out, opening_out, opening_out}},
        {opening_in, {both, opening_in, opening_in, opening_in}, {opening_in, opening_in, opening_in, opening_in}},
        // After SYN and SYN-ACK the client's ACK completes it; an RST here is a port scan and earns nothing.
        {both, {both, established, closing_out, both}, {both, established, closing_in, both}},
        {midstream_out, {opening_out, midstream_out, midstream_out, midstream_out},
                        {both, established, closing_in, midstream_out}},
        {midstream_in, {both, established, closing_out, midstream_in},
                       {opening_in, midstream_in, midstream_in, midstream_in}},
        // A SYN in the middle is answered by a challenge ACK (RFC 5961 4), so it changes nothing.
        {established, {established, established, closing_out, reset_out},
                      {established, established, closing_in, reset_in}},
        {closing_out, {closing_out, closing_out, closing_out, reset_out}, {closing_out, closing_out, closed, reset_in}},
        {closing_in, {closing_in, closing_in, closed, reset_out}, {closing_in, closing_in, closing_in, reset_in}},
        // Last ACKs and repeated FINs; a SYN uses the ports anew.
        {closed, {opening_out, closed, closed, closed}, {opening_in, closed, closed, closed}},
        // The side that is said to have reset goes on talking: the RST was forged (RFC 7857 2.2).
        {reset_out, {opening_out, established, closing_out, reset_out}, {opening_in, reset_out, reset_out, reset_out}},
        {reset_in, {opening_out, reset_in, reset_in, reset_in}, {opening_in, established, closing_in, reset_in}},
    }};
    // clang-format on
}

inline constexpr auto tcp_table = make_tcp_table();

[[nodiscard]] constexpr bool tcp_table_is_complete() noexcept {
    for (std::size_t s = 0; s < tcp_state_count; ++s) {
        if (tcp_table[s].state != static_cast<tcp_state>(s)) {
            return false;
        }
        for (std::size_t e = 0; e < tcp_event_count; ++e) {
            if (tcp_table[s].outbound[e] == tcp_state::undecided || tcp_table[s].inbound[e] == tcp_state::undecided) {
                return false;
            }
        }
    }
    return true;
}
static_assert(tcp_table_is_complete(), "each (state, side, event) is decided, rows in order of the states");

}  // namespace detail

/// The state after a segment. A value that is no state counts as `none`.
[[nodiscard]] constexpr tcp_state next_state(tcp_state s, direction d, tcp_event e) noexcept {
    const auto i = static_cast<std::size_t>(s);
    const detail::tcp_row& row = detail::tcp_table[i < tcp_state_count ? i : 0];
    return (d == direction::outbound ? row.outbound : row.inbound)[static_cast<std::size_t>(e) % tcp_event_count];
}

/// Which of the two idle timeouts of RFC 5382 REQ-5 applies.
enum class tcp_phase : std::uint8_t {
    transitory,   ///< opening, or over
    established,  ///< also half closed
};

[[nodiscard]] constexpr tcp_phase phase_of(tcp_state s) noexcept {
    return s == tcp_state::established || s == tcp_state::closing_out || s == tcp_state::closing_in
               ? tcp_phase::established
               : tcp_phase::transitory;
}

/// Whether segments prolong the flow's life. After both FINs they do not (RFC 6146 3.5.2.2): it ends 4 minutes later.
[[nodiscard]] constexpr bool refreshes(tcp_state s) noexcept {
    return s != tcp_state::closed;
}

}  // namespace ikealg::inline v0::nat

#endif
