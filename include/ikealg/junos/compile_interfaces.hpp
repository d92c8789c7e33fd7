// SPDX-License-Identifier: Apache-2.0
/// Devices and logical interfaces: `interfaces I unit U ...`, `interfaces I ikealg backend ...`.
///
/// A logical interface is called `I.U`; `I` alone stands for unit 0, as in Junos. A Linux name may hold dots: `eth0.100` is unit 100 of eth0
/// when the text has such a unit, else unit 0 of the device eth0.100 when the text has that device.
///
/// Thread safety: none. Complexity: quadratic in the number of addresses (overlaps) and of interfaces (suggestions).
#ifndef IKEALG_JUNOS_COMPILE_INTERFACES_HPP
#define IKEALG_JUNOS_COMPILE_INTERFACES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ikealg/junos/compile_context.hpp"
#include "ikealg/junos/configuration.hpp"

namespace ikealg::inline v0::junos {

/// A unit while the parts of the configuration that concern it come together.
struct logical_interface {
    host::interface_settings host{};
    const statement* at = nullptr;                 ///< where it was said first, be it in a zone
    std::vector<const statement*> addresses_at{};  ///< one for each address
};

class interface_table {
public:
    interface_table(compile_context& said, std::vector<device>& devices) : said_(said), devices_(devices) {
        if (const auto* all = said.take(said.root(), "interfaces")) {
            for (const auto* i : said.take_all(*all, "interface")) {
                take_device(*i);
            }
        }
        check_overlaps();
    }

    [[nodiscard]] std::vector<logical_interface>& all() noexcept { return all_; }
    [[nodiscard]] const std::vector<logical_interface>& all() const noexcept { return all_; }

    /// The interface that the text means by `name`, or null.
    [[nodiscard]] logical_interface* find(std::string_view name) noexcept {
        logical_interface* unit_0 = nullptr;
        for (auto& i : all_) {
            if (i.host.name == name) {
                return &i;
            }
            const std::string_view known = i.host.name;
            if (known.size() == name.size() + 2 && known.substr(0, name.size()) == name &&
                known.substr(name.size()) == ".0") {
                unit_0 = &i;
            }
        }
        return unit_0;
    }
    /// A zone names an interface that `interfaces` does not have: legal in Junos, an interface without address.
    logical_interface& add_unconfigured(const std::string& name, const statement& at) {
        const auto dot = name.rfind('.');
        const bool unit = dot != std::string::npos && dot != 0 &&
                          ikealg::detail::parse_decimal(std::string_view(name).substr(dot + 1), max_unit).has_value();
        logical_interface i;
        i.host.port = device_number(unit ? name.substr(0, dot) : name, at);
        i.host.name = unit ? name : name + ".0";
        return add(std::move(i), at);
    }
    /// The sentence for a name that `interfaces` does not have, with the most similar one that it has.
    [[nodiscard]] std::string not_configured(std::string_view name) const {
        name_index known;
        configuration_report ignored;
        for (const auto& i : all_) {
            known.add("interface", i.host.name, 0, {}, ignored);
        }
        const auto best = known.nearest(name);
        return "interface " + std::string(name) + " is not configured below interfaces" +
               (best ? "; did you mean " + *best + "?" : "");
    }
    /// The interface on whose network `a` lies, the longest prefix first, and its address there.
    [[nodiscard]] std::pair<const logical_interface*, const host::own_address*> connected(
        ipv4_address a) const noexcept {
        std::pair<const logical_interface*, const host::own_address*> best{nullptr, nullptr};
        for (const auto& i : all_) {
            for (const auto& own : i.host.addresses) {
                if (own.network().contains(a) &&
                    (best.second == nullptr || own.prefix_length > best.second->prefix_length)) {
                    best = {&i, &own};
                }
            }
        }
        return best;
    }

    /// Warns of devices that the machine does not have; a tap or a tun is made then.
    template <class Exists>
    void check_devices(const Exists& exists) {
        for (std::size_t n = 0; n < devices_.size(); ++n) {
            device& d = devices_[n];
            d.present = exists(std::string_view(d.name));
            if (!d.present && d.kind == backend::af_packet) {
                said_.warn(*devices_at_[n], "there is no Linux device " + d.name, 0);
            }
        }
    }

    /// A TUN has packets without a link header. When VLANs and proxy ARP are known.
    void check_link_layers() {
        for (const auto& i : all_) {
            const device& d = devices_[i.host.port];
            if (d.kind == backend::tun && (i.host.vlan || !i.host.proxy_arp.empty())) {
                said_.error(*i.at, "interface " + i.host.name + ": the device " + d.name +
                                       " is a TUN, which has no link layer: neither vlan-id nor proxy-arp can be used on it");
            }
        }
    }

private:
    static constexpr std::uint32_t max_unit = 1'073'741'823;  // as in Junos

    std::size_t device_number(const std::string& name, const statement& at) {
        for (std::size_t i = 0; i < devices_.size(); ++i) {
            if (devices_[i].name == name) {
                return i;
            }
        }
        devices_.push_back({name, backend::af_packet, 0, true, at.values_at.empty() ? at.at : at.values_at.front()});
        devices_at_.push_back(&at);
        return devices_.size() - 1;
    }

    void take_device(const statement& s) {
        const auto name = said_.word(s);
        if (!name) {
            return;
        }
        const std::size_t number = device_number(std::string(*name), s);
        if (name->size() > 15) {
            said_.error(s, "a Linux device's name has at most 15 characters", 0);
        }
        if (const auto* own = said_.take(s, "ikealg")) {
            if (const auto* kind = said_.take(*own, "backend")) {
                take_backend(*kind, devices_[number]);
            }
            take_receive_buffer(*own, devices_[number]);
        }
        (void)said_.take(s, "description");
        (void)said_.take(s, "vlan-tagging");
        const std::size_t mtu = mtu_of(s, 594);
        for (const auto* unit : said_.take_all(s, "unit")) {
            take_unit(*unit, number, mtu);
        }
    }
    void take_backend(const statement& s, device& d) {
        const auto text = said_.word(s);
        for (const auto kind : {backend::af_packet, backend::tap, backend::tun}) {
            if (text == to_string(kind)) {
                d.kind = kind;
                return;
            }
        }
        if (text) {
            said_.error(s, "backend " + std::string(*text) + " is not known; there are af-packet, tap and tun", 0);
        }
    }

    void take_receive_buffer(const statement& own, device& d) {
        const auto* bytes = said_.take(own, "receive-buffer");
        if (bytes == nullptr) {
            return;
        }
        d.receive_buffer = said_.number(*bytes, 524'288, 1'073'741'824).value_or(0);
        if (d.kind != backend::af_packet) {
            said_.warn(*bytes, "has no effect: " + std::string(to_string(d.kind)) + " devices have a queue of their own (txqueuelen)");
        }
    }

    /// What `mtu` below `s` says, else 0.
    [[nodiscard]] std::size_t mtu_of(const statement& s, std::uint32_t least) {
        const auto* mtu = said_.take(s, "mtu");
        return mtu == nullptr ? 0 : said_.number(*mtu, least, 65535).value_or(0);
    }

    void take_unit(const statement& s, std::size_t device, std::size_t longest_frame) {
        const auto unit = said_.number(s, 0, max_unit);
        if (!unit) {
            return;
        }
        (void)said_.take(s, "description");
        logical_interface i;
        i.host.name = devices_[device].name + '.' + std::to_string(*unit);
        i.host.port = device;
        if (const auto* tag = said_.take(s, "vlan-id")) {
            if (const auto id = said_.number(*tag, 1, 4094)) {
                i.host.vlan = static_cast<std::uint16_t>(*id);
            }
            if (devices_[device].kind == backend::tun) {
                said_.error(*tag, "a tun carries no VLAN tags");
            }
        }
        if (longest_frame != 0) {  // Junos counts the link header, and the tag
            i.host.mtu = longest_frame - (devices_[device].kind == backend::tun ? 0U : i.host.vlan ? 18U : 14U);
        }
        if (const auto* inet = said_.take(s, {"family", "inet"})) {
            if (const std::size_t mtu = mtu_of(*inet, 576)) {
                i.host.mtu = i.host.mtu == 0 ? mtu : std::min(mtu, i.host.mtu);
            }
            for (const auto* a : said_.take_all(*inet, "address")) {
                if (const auto p = said_.network(*a, 0, true)) {
                    i.host.addresses.push_back({p->address, p->length});
                    i.addresses_at.push_back(a);
                }
            }
        }
        add(std::move(i), s);
    }
    logical_interface& add(logical_interface i, const statement& at) {
        said_.alias("interfaces " + i.host.name, at);
        i.at = &at;
        return all_.emplace_back(std::move(i));
    }

    /// Whether the tag could not be read, so that nothing can be said of what it would meet.
    [[nodiscard]] static bool bad_tag(const logical_interface& i) noexcept {
        return !i.host.vlan && i.at->find("vlan-id") != nullptr;
    }
    void check_overlaps() {
        for (std::size_t n = 0; n < all_.size(); ++n) {
            for (std::size_t before = 0; before < n; ++before) {
                if (all_[n].host.port == all_[before].host.port && all_[n].host.vlan == all_[before].host.vlan &&
                    !bad_tag(all_[n]) && !bad_tag(all_[before])) {
                    const auto* tag = all_[n].at->find("vlan-id");
                    said_.error(tag != nullptr ? *tag : *all_[n].at,
                                tag != nullptr
                                    ? tag->keyword + ' ' + std::string(tag->value()) + " is already that of " +
                                          all_[before].host.name
                                    : all_[before].host.name + " has no vlan-id either: they cannot be told apart");
                }
                check_networks(all_[n], all_[before]);
            }
        }
    }
    void check_networks(const logical_interface& i, const logical_interface& before) {
        for (std::size_t k = 0; k < i.host.addresses.size(); ++k) {
            const auto network = i.host.addresses[k].network();
            for (const auto& theirs : before.host.addresses) {
                if (range_of(theirs.network()).overlaps(range_of(network))) {
                    said_.error(*i.addresses_at[k], "network " + to_string(network) + " overlaps " +
                                                        to_string(theirs.network()) + " of " + before.host.name);
                    break;
                }
            }
        }
    }

    compile_context& said_;
    std::vector<device>& devices_;
    std::vector<const statement*> devices_at_{};
    std::vector<logical_interface> all_{};
};

}  // namespace ikealg::inline v0::junos

#endif
