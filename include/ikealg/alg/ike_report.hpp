// SPDX-License-Identifier: Apache-2.0
/// What is counted and told of IKE messages, nothing of which changes what becomes of them (R4, R6, D1).
///
/// Thread safety: none, one owner. Complexity: constant; `clear_payloads` is linear in the payloads of an unencrypted message.
#ifndef IKEALG_ALG_IKE_REPORT_HPP
#define IKEALG_ALG_IKE_REPORT_HPP

#include <cstdint>

#include "ikealg/alg/state.hpp"
#include "ikealg/wire/ike_bodies.hpp"
#include "ikealg/wire/ike_notify.hpp"
#include "ikealg/wire/ike_payload.hpp"

namespace ikealg::inline v0::alg {

template <class State>
class ike_report {
public:
    explicit ike_report(State& state) noexcept : st_(state) {}

    /// Counts a message by its exchange type, recognised or not (R4).
    void count(const wire::ike_view& m) noexcept {
        using wire::exchange_type;
        st_.counts.count(counter::ike_messages);
        st_.counts.count(counter::ike_trailing_bytes, m.trailing() != 0 ? 1 : 0);
        counter c = counter::ike_other;
        switch (m.exchange()) {
            case exchange_type::main_mode: c = counter::ike_main; break;
            case exchange_type::aggressive_mode: c = counter::ike_aggressive; break;
            case exchange_type::informational_v1:
            case exchange_type::informational: c = counter::ike_informational; break;
            case exchange_type::transaction: c = counter::ike_transaction; break;
            case exchange_type::quick_mode: c = counter::ike_quick; break;
            case exchange_type::ike_sa_init: c = counter::ike_sa_init; break;
            case exchange_type::ike_auth: c = counter::ike_auth; break;
            case exchange_type::create_child_sa: c = counter::ike_create_child_sa; break;
            case exchange_type::ike_intermediate: c = counter::ike_intermediate; break;
            case exchange_type::ike_followup_ke: c = counter::ike_followup_ke; break;
            default: break;
        }
        st_.counts.count(m.recognised() ? c : counter::ike_unknown);  // R4
    }
    /// Tells of a message of a session of this pair.
    void seen(std::uint32_t pi, const wire::ike_view& m, nat::direction way) noexcept {
        st_.tell(event_kind::ike_message, pi, [&](auto& e) {
            e.initiator = m.initiator_spi();
            e.responder = m.responder_spi();
            e.exchange_type = static_cast<std::uint8_t>(m.exchange());
            e.message_id = m.message_id();
            e.ike_flags = m.flags();
            if (const auto part = m.fragment()) {
                e.fragment = part->number;
            }
            e.outbound = way == nat::direction::outbound;
            e.detail = m.length();
        });
    }
    /// What an unencrypted message tells: NAT-T announced (R6), notifies (D1).
    void clear_payloads(ike_session& s, const wire::ike_view& m, nat::direction way) noexcept {
        const std::uint8_t peer = way == nat::direction::outbound ? 1 : 2;
        if ((s.natt & peer) == 0 && wire::announces_nat_traversal(m)) {
            st_.counts.count(counter::natt_announced, s.natt == 0 ? 1 : 0);
            s.natt |= peer;
            st_.tell(event_kind::natt_announced, s.pair, [&](auto& e) {
                e.initiator = m.initiator_spi();
                e.outbound = way == nat::direction::outbound;
            });
        }
        if constexpr (State::observed) {
            wire::payload_reader reader(m);
            while (const auto each = reader.next()) {
                if (const auto notify = wire::notify_payload::parse(*each)) {
                    st_.tell(event_kind::ike_notify, s.pair, [&](auto& e) {
                        e.initiator = m.initiator_spi();
                        e.exchange_type = static_cast<std::uint8_t>(m.exchange());
                        e.outbound = way == nat::direction::outbound;
                        e.detail = notify->type;
                    });
                }
            }
        }
    }

private:
    State& st_;
};

}  // namespace ikealg::inline v0::alg

#endif
