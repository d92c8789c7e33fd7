// SPDX-License-Identifier: Apache-2.0
/// From statements to settings: what a configuration in Junos words means.
///
///     auto text = ikealg::junos::read(sources);
///     auto made = ikealg::junos::compile(text.root, [](std::string_view device) { return exists(device); });
///
/// Every error is reported at once, those of the core and of the host included, each with the place in the text that it is about. A value is
/// there when there is no error; it can then be handed to `host::router` as it is. The tree may be any tree, also one with errors that the
/// reader has reported.
///
/// Thread safety: none needed; no globals. Configuration path only. Nothing is thrown.
#ifndef IKEALG_JUNOS_COMPILE_HPP
#define IKEALG_JUNOS_COMPILE_HPP

#include <string_view>
#include <utility>

#include "ikealg/gateway/configuration.hpp"
#include "ikealg/host/settings.hpp"
#include "ikealg/junos/compile_alg.hpp"
#include "ikealg/junos/compile_applications.hpp"
#include "ikealg/junos/compile_context.hpp"
#include "ikealg/junos/compile_interfaces.hpp"
#include "ikealg/junos/compile_nat.hpp"
#include "ikealg/junos/compile_policies.hpp"
#include "ikealg/junos/compile_zones.hpp"
#include "ikealg/junos/configuration.hpp"

namespace ikealg::inline v0::junos {

namespace detail {

/// The logical interfaces go to the host, their addresses to the core, those without a zone nowhere.
inline void place_interfaces(compile_context& said, const interface_table& interfaces, configuration& to) {
    for (const auto& i : interfaces.all()) {
        if (i.host.zone.empty()) {
            said.warn(*i.at, "interface " + i.host.name + " is in no zone: its packets are dropped");
            continue;
        }
        for (const auto& own : i.host.addresses) {
            to.gateway.interfaces.push_back({i.host.zone, own.address});
        }
        to.host.interfaces.push_back(i.host);
    }
}

}  // namespace detail

/// `exists(std::string_view)` says whether the machine has a network device of that name.
template <class Exists>
[[nodiscard]] configuration_result compile(const statement& root, const Exists& exists) {
    compile_context said(root);
    configuration c;
    interface_table interfaces(said, c.devices);
    zone_compiler zones(said, interfaces, c);
    application_compiler applications(said, c.gateway.policy);
    policy_compiler policies(said, c.gateway.policy);
    nat_compiler nat(said, interfaces, c);
    alg_compiler alg(said, c);
    detail::place_interfaces(said, interfaces, c);
    interfaces.check_devices(exists);
    interfaces.check_link_layers();

    said.add(gateway_configuration<ipv4>::build(c.gateway));
    configuration_report host;
    host::check(c.host, c.devices.size(), c.gateway.policy.zones, host);
    said.add_new(host);
    if (said.clean()) {
        policies.look_closer(c.gateway.alg.enabled);
        nat.look_closer();
    }
    said.warn_unused();

    configuration_result result;
    if (said.clean()) {
        result.value = std::move(c);
    }
    result.errors = said.take_errors();
    result.warnings = said.take_warnings();
    return result;
}

}  // namespace ikealg::inline v0::junos

#endif
