// SPDX-License-Identifier: Apache-2.0
/// NAT settings that the tests of rules begin with.
#ifndef IKEALG_TESTS_NAT_BASE_SETTINGS_HPP
#define IKEALG_TESTS_NAT_BASE_SETTINGS_HPP

#include "ikealg/nat/nat_settings.hpp"
#include "support/addresses.hpp"

namespace ikealg::tests {

inline constexpr zone_id trust{0};
inline constexpr zone_id untrust{1};

/// trust and untrust, a pool of 16 addresses from 0x1000, and a rule-set that exempts 0x2000/8 from the pool.
template <class Family>
[[nodiscard]] nat::nat_settings<Family> base_settings() {
    nat::nat_settings<Family> s;
    s.zones = {{"trust", {}, {}}, {"untrust", {}, {numbered<Family>(0x3000)}}};
    s.pools = {{"public", {}, {block<Family>(0x1000, 4)}, false, {}}};
    s.rule_sets = {{"out", {"trust"}, {"untrust"}, {}}};
    s.rule_sets[0].rules = {{"exempt", {}, {block<Family>(0x2000, 8)}, nat::nat_action::off, {}},
                            {"clients", {block<Family>(0, 8)}, {}, nat::nat_action::pool, "public"},
                            {"rest", {}, {}, nat::nat_action::interface, {}}};
    s.address_persistent = true;
    return s;
}

}  // namespace ikealg::tests

#endif
