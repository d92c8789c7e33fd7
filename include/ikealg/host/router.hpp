// SPDX-License-Identifier: Apache-2.0
/// Runs one gateway on ports: frames in, VLAN and zone, core, route, ARP, frames out; and answers what a router has to answer.
///
///     auto made = host::router<ipv4, my_port>::create(settings, host_settings, options, {&inside, &outside});
///     for (;;) { wait for a port or next_timer(); router.poll(now); while (router.advance(now, 256)) {} }
///
/// Errors that the gateway sends (RFC 1812 4.3), all of them rate limited:
/// - TTL expired, no zone behind the destination, rejected by policy: the packet is as it came, so the answer goes back from the interface that it came
///   in on. Reject is as in Junos: TCP is reset, UDP is told port unreachable; the rest is told "administratively prohibited".
/// - Too long and not to be fragmented, no route, no station: the packet is already translated. The error is made about what it looks like now, as a
///   router just beyond the egress interface would, and goes through the core, which translates it back by the flow (N8); then it gets
///   the address of the interface that it leaves by. So it names pre-NAT addresses on the inside and nat addresses on the outside.
///
/// The egress interface is the route's. When that is of another zone than the verdict's, the packet is dropped: policy was asked for the other.
/// Fragments to own addresses are not reassembled; source routes and redirects are not obeyed nor sent.
///
/// Thread safety: none; one owner with its ports. Complexity: constant a packet beside the core's. `create`, `replace` and `refresh_devices` allocate, nothing else.
#ifndef IKEALG_HOST_ROUTER_HPP
#define IKEALG_HOST_ROUTER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ikealg/gateway.hpp"
#include "ikealg/host/arp_speaker.hpp"
#include "ikealg/host/egress.hpp"
#include "ikealg/host/ingress.hpp"
#include "ikealg/host/plan.hpp"
#include "ikealg/host/rate_limiter.hpp"

namespace ikealg::inline v0::host {

template <class Family, io::live_io Port, class Observer = alg::no_observer>
class router {
    static_assert(std::is_same_v<Family, ipv4>, "ARP and ICMP for IPv4 only so far");

public:
    using packet = typename Port::packet;
    using carried = carried_packet<packet>;
    using gateway_type = gateway<Family, carried, Observer>;
    using counter = host_counter;

    /// `ports` outlive the router; interfaces name them by position. The warnings are those of both settings.
    [[nodiscard]] static built<router> create(const settings<Family>& s, const host_settings& h, const gateway_options& options,
                                              std::vector<Port*> ports, Observer observer = {}) {
        built<router> result;
        auto plan = router_plan::build(s, h, egress<Port>::facts_of(ports), {}, {});
        result.warnings = std::move(plan.warnings);
        if (!plan) {
            result.errors = std::move(plan.errors);
            append(result.errors, gateway_configuration<Family>::build(s).errors);
            return result;
        }
        auto made = gateway_type::create(plan.value->core, options, std::move(observer));
        append(result.errors, std::move(made.errors));
        append(result.warnings, std::move(made.warnings));
        if (made) {
            result.value.emplace(router(std::move(*made.value), ports, h, options));
            result.value->put_in_force(std::move(*plan.value), h, options.start);
        }
        return result;
    }

    /// Puts new settings in force and keeps all state (P4): flows, ARP entries of interfaces that stay on their link, counters. All or nothing. The limits of
    /// ARP stay those of the construction. Own and proxied addresses are announced again.
    ///
    /// `further`: ports that come behind those that are there, taken with the settings or not at all, and then to outlive the router. A port whose
    /// interfaces are all removed stays, and what it receives is dropped.
    [[nodiscard]] std::vector<configuration_error> replace(const settings<Family>& s, const host_settings& h, instant now,
                                                           const std::vector<Port*>& further = {}) {
        auto facts = out_.facts();
        for (const port_facts& f : egress<Port>::facts_of(further)) {
            facts.push_back(f);
        }
        auto plan = router_plan::build(s, h, facts, out_.interfaces, zones_);
        if (!plan) {
            append(plan.errors, gateway_configuration<Family>::build(s).errors);
            return std::move(plan.errors);
        }
        auto errors = core_.replace(plan.value->core, now);
        if (errors.empty()) {
            for (Port* p : further) {
                out_.add_port(*p);
            }
            put_in_force(std::move(*plan.value), h, now);
        }
        return errors;
    }
    /// Looks at the ports: one that is back after it had failed, or has another link address, may be another device on another link. Its stations are
    /// forgotten, as packets for them that wait, and all own and proxied addresses are announced again. True when there was one. To be called
    /// every second or so.
    bool refresh_devices(instant now) {
        bool any = false;
        failed_.resize(out_.port_count());
        for (std::size_t port = 0; port < failed_.size(); ++port) {
            const bool failed = out_.port(port).state() == io::io_state::failed;
            const bool back = failed_[port] && !failed;
            failed_[port] = failed;
            if (out_.interfaces.take_mac(port, out_.port(port).mac()) || back) {
                any = true;
                out_.arp.remove_if([&](const arp_key& key) { return out_.interfaces[key.interface].port == port; },
                                   [&](carried&&) { out_.counters.count(counter::interface_gone); });
            }
        }
        if (any) {
            speaker_.start(out_.interfaces, now);
        }
        return any;
    }

    /// Receives, processes and transmits, at most about `budget` packets; answers how many. Ports take turns, a burst each.
    std::size_t poll(instant now, std::size_t budget = 256) {
        std::size_t handled = 0;
        const std::size_t ports = out_.port_count();
        for (std::size_t idle = 0; idle < ports && handled < budget;) {
            const std::size_t port = next_port_;
            next_port_ = next_port_ + 1 == ports ? 0 : next_port_ + 1;
            const auto room = std::span<packet>(scratch_->slots).first(std::min(io::max_burst, budget - handled));
            const std::size_t n = out_.port(port).receive(room);
            idle = n == 0 ? idle + 1 : 0;
            if (n != 0) {
                handled += n;
                take(port, room.first(n), now);
            }
        }
        out_.flush();
        return handled;
    }

    /// Runs timers of the core and of ARP, at most about `budget` of each, and sends what is released. True when more is due now.
    bool advance(instant now, std::size_t budget) {
        bool more = core_.advance(now, budget, [&](carried&& p, verdict v) { on_verdict(std::move(p), v, now); });
        more = out_.arp.advance(now, budget, [&](const arp_key& key, std::optional<wire::mac_address> mac) { out_.ask(key, mac); },
                                [&](const arp_key& key, carried&& p) {
                                    out_.counters.count(counter::arp_failed);
                                    complain(std::move(p), out_.interfaces[key.interface].zone, error_kind::unreachable(wire::icmp_unreachable::host));
                                }) || more;
        speaker_.advance(out_, now);
        translate_errors(now);
        out_.flush();
        return more;
    }
    /// A time before which `advance` has nothing to do; nothing when no timer runs.
    [[nodiscard]] std::optional<instant> next_timer() const noexcept {
        std::optional<instant> next = core_.next_timer();
        for (const auto& other : {out_.arp.next_timer(), speaker_.next_timer()}) {
            next = next && other ? std::min(*next, *other) : next ? next : other;
        }
        return next;
    }

    [[nodiscard]] const host_counters& counters() const noexcept { return out_.counters; }
    [[nodiscard]] gateway_type& core() noexcept { return core_; }
    [[nodiscard]] const gateway_type& core() const noexcept { return core_; }
    [[nodiscard]] const interface_table& interfaces() const noexcept { return out_.interfaces; }
    [[nodiscard]] const route_table<Family>& routes() const noexcept { return out_.routes; }
    [[nodiscard]] const arp_table<carried>& arp() const noexcept { return out_.arp; }
    /// Names of the zones in the order of their numbers.
    [[nodiscard]] const std::vector<std::string>& zones() const noexcept { return zones_; }

private:
    static constexpr std::size_t max_pending = 2 * io::max_burst;

    struct scratch {
        std::vector<packet> slots = std::vector<packet>(io::max_burst);
        std::vector<carried> burst = std::vector<carried>(io::max_burst);
        std::vector<carried> errors = std::vector<carried>(max_pending);  ///< to be translated by the core, which must not be called meanwhile
    };

    router(gateway_type core, const std::vector<Port*>& ports, const host_settings& h, const gateway_options& options)
        : core_(std::move(core)),
          out_(ports, h.arp, hash_secret::from_seed(options.seed + 0x41)),
          limiter_(h.errors, h.errors_per_destination, hash_secret::from_seed(options.seed + 0x42)) {}

    static void append(std::vector<configuration_error>& to, std::vector<configuration_error>&& from) {
        std::move(from.begin(), from.end(), std::back_inserter(to));
    }

    void put_in_force(router_plan&& plan, const host_settings& h, instant now) {
        const interface_table& old = out_.interfaces;
        out_.arp.remove_if(
            [&](const arp_key& key) {
                return !plan.interfaces.is_live(key.interface) || !old[key.interface].same_link(plan.interfaces[key.interface]) ||
                       plan.interfaces[key.interface].neighbour_of(key.address) == nullptr || plan.interfaces[key.interface].owns(key.address);
            },
            [&](carried&&) { out_.counters.count(counter::interface_gone); });
        zones_ = plan.zone_names();
        out_.interfaces = std::move(plan.interfaces);
        out_.routes = std::move(plan.routes);
        out_.tcp_mss = h.tcp_mss;
        limiter_.set_rates(h.errors, h.errors_per_destination);
        speaker_.start(out_.interfaces, now);
    }

    void take(std::size_t port, std::span<packet> slots, instant now) {
        const bool has_link_layer = out_.port(port).has_link_layer();
        std::size_t n = 0;
        out_.counters.count(counter::received, slots.size());
        for (packet& p : slots) {
            const arrival a = inspect(p, port, has_link_layer, out_.interfaces);
            if (a.dropped) {
                out_.counters.count(*a.dropped);
                p = packet{};
            } else if (a.arp) {
                speaker_.receive(out_, std::move(p), a.interface, now);
                p = packet{};
            } else {
                carried& c = scratch_->burst[n++];
                c.frame = std::move(p);
                c.interface = a.interface;
                c.own = false;
            }
        }
        core_.process(std::span<carried>(scratch_->burst).first(n), now, [&](carried&& p, verdict v) { on_verdict(std::move(p), v, now); });
        translate_errors(now);
    }

    void on_verdict(carried&& p, verdict v, instant now) {
        switch (v.act) {
            case action::forward:
                if (p.own) {
                    send_translated_error(std::move(p), v.to, now);
                } else {
                    out_.forward(std::move(p), v.to, now, complainer());
                }
                break;
            case action::drop:
                if (p.own) {
                    out_.counters.count(counter::not_answered);
                } else if (v.reason == drop_reason::ttl) {
                    answer(p, error_kind::time_exceeded(), counter::time_exceeded_sent, now);
                } else if (v.reason == drop_reason::no_route) {
                    answer(p, error_kind::unreachable(wire::icmp_unreachable::net), counter::unreachable_sent, now);
                }
                break;
            case action::reject: reject(p, wire::icmp_unreachable::administratively_prohibited, {}, now); break;
            case action::local: local(std::move(p), now); break;
            case action::not_mine: out_.counters.count(counter::other_type); break;
        }
    }

    // Answers about packets that are as they came.

    /// Sends an error about `p` back to its source, from `from` or else from the interface that it came in on.
    void answer(carried& p, error_kind kind, counter as, instant now, ipv4_address from = {}) {
        const auto parsed = wire::parse_packet<ipv4>(p.network());
        if (!parsed || !may_answer(parsed.summary)) {
            out_.counters.count(counter::not_answered);
            return;
        }
        const bool named = from != ipv4_address{};
        if (!named && out_.interfaces.is_live(p.interface)) {
            from = out_.interfaces[p.interface].address_toward(parsed.summary.source);
        }
        send_back(p, parsed.summary.source, error_size(parsed.summary.length), as, now, [&](mutable_bytes out) {
            write_error(out, p.network().first(parsed.summary.length), kind, from);
            return from != ipv4_address{};
        });
    }
    /// TCP is reset and UDP told that the port is closed; about the rest `otherwise` is said.
    void reject(carried& p, wire::icmp_unreachable otherwise, ipv4_address from, instant now) {
        const auto parsed = wire::parse_packet<ipv4>(p.network());
        if (parsed && parsed.summary.kind == wire::packet_kind::tcp && !parsed.summary.is_fragment() && may_answer(parsed.summary)) {
            send_back(p, parsed.summary.source, reset_size, counter::reset_sent, now,
                      [&](mutable_bytes out) { return write_reset(out, p.network()); });
            return;
        }
        const bool udp = parsed && parsed.summary.kind == wire::packet_kind::udp;
        answer(p, error_kind::unreachable(udp ? wire::icmp_unreachable::port : otherwise), counter::unreachable_sent, now, from);
    }
    /// Makes a packet of `size` bytes for the sender of `p`, has it written and sends it, if it leads back to the zone that `p` came from.
    template <class Write>
    void send_back(const carried& p, ipv4_address to, std::size_t size, counter as, instant now, Write&& write) {
        const route<ipv4>* r = way_back(p, to);
        if (r == nullptr) {
            return;
        }
        if (!limiter_.allow(to, now)) {
            out_.counters.count(counter::rate_limited);
            return;
        }
        carried reply{out_.make(out_.interfaces[r->interface], size), p.interface, true};
        if (!reply.frame) {
            out_.counters.count(counter::no_buffer);
        } else if (!write(reply.network())) {
            out_.counters.count(counter::not_answered);
        } else {
            out_.counters.count(as);
            out_.send(std::move(reply), *r, now, complainer());
        }
    }
    [[nodiscard]] const route<ipv4>* way_back(const carried& p, ipv4_address to) {
        const route<ipv4>* r = out_.interfaces.is_live(p.interface) ? out_.routes.find(to) : nullptr;
        if (r != nullptr && out_.interfaces[r->interface].zone == out_.interfaces[p.interface].zone) {
            return r;
        }
        out_.counters.count(counter::not_answered);
        return nullptr;
    }

    /// To an address of the gateway itself.
    void local(carried&& p, instant now) {
        const auto parsed = wire::parse_packet<ipv4>(p.network());
        if (!parsed || !out_.interfaces.is_live(p.interface)) {
            out_.counters.count(counter::local_ignored);
            return;
        }
        const auto& s = parsed.summary;
        const interface& in = out_.interfaces[p.interface];
        if (s.is_fragment()) {
            out_.counters.count(counter::local_fragment);
        } else if (s.kind == wire::packet_kind::icmp_echo_request && in.answer_ping) {
            const route<ipv4>* r = way_back(p, s.source);
            const std::size_t length = r != nullptr ? make_echo_reply(p.network().first(s.length)) : 0;
            if (length == 0) {
                out_.counters.count(counter::local_ignored);
                return;
            }
            (void)p.frame.set_network_length(length);
            p.own = true;
            out_.counters.count(counter::local_ping);
            out_.send(std::move(p), *r, now, complainer());
        } else {
            out_.counters.count(counter::local_ignored);
            if (in.answer_closed && s.protocol != static_cast<std::uint8_t>(ip_protocol::icmp)) {
                reject(p, wire::icmp_unreachable::protocol, s.destination, now);
            }
        }
    }

    // Errors about packets that the core has translated.

    [[nodiscard]] auto complainer() noexcept {
        return [this](carried&& p, zone_id egress_zone, error_kind kind) { complain(std::move(p), egress_zone, kind); };
    }
    /// Makes the error as a router beyond the egress would have; the core translates it when the burst is done.
    void complain(carried&& p, zone_id egress_zone, error_kind kind) {
        const auto parsed = wire::parse_packet<ipv4>(p.network());
        if (p.own || !parsed || !may_answer(parsed.summary) || !out_.interfaces.is_live(p.interface) || pending_ == max_pending) {
            out_.counters.count(counter::not_answered);
            return;
        }
        carried error{out_.make(out_.interfaces[p.interface], error_size(parsed.summary.length)), p.interface, true};
        if (!error.frame) {
            out_.counters.count(counter::no_buffer);
            return;
        }
        write_error(error.network(), p.network().first(parsed.summary.length), kind, unnumbered);
        error.frame.set_zone(egress_zone);
        scratch_->errors[pending_++] = std::move(error);
    }
    void translate_errors(instant now) {
        for (unsigned round = 0; pending_ != 0 && round < 4; ++round) {  // what the core releases meanwhile may bring more
            const std::size_t n = pending_;
            core_.process(std::span<carried>(scratch_->errors).first(n), now, [&](carried&& p, verdict v) { on_verdict(std::move(p), v, now); });
            std::move(scratch_->errors.begin() + static_cast<std::ptrdiff_t>(n), scratch_->errors.begin() + static_cast<std::ptrdiff_t>(pending_),
                      scratch_->errors.begin());
            pending_ -= n;
        }
    }
    void send_translated_error(carried&& p, zone_id to, instant now) {
        const auto ip = wire::mutable_ipv4_view::parse(p.network());
        const route<ipv4>* r = ip ? out_.routes.find(ip.view.destination()) : nullptr;
        const ipv4_address from = r != nullptr ? out_.interfaces[r->interface].address_toward(ip.view.destination()) : ipv4_address{};
        if (from == ipv4_address{} || out_.interfaces[r->interface].zone != to) {
            out_.counters.count(counter::not_answered);
            return;
        }
        if (!limiter_.allow(ip.view.destination(), now)) {
            out_.counters.count(counter::rate_limited);
            return;
        }
        ip.view.set_source(from);
        ip.view.set_ttl(own_ttl);
        const bool too_big = ip.view.payload()[1] == static_cast<std::uint8_t>(wire::icmp_unreachable::fragmentation_needed);
        out_.counters.count(too_big ? counter::too_big_sent : counter::unreachable_sent);
        out_.send(std::move(p), *r, now, complainer());
    }

    /// Source of an error on its way through the core (RFC 7600: what has no address of its own).
    static constexpr ipv4_address unnumbered{0xc000'0008};

    gateway_type core_;
    egress<Port> out_;
    arp_speaker<Port> speaker_{};
    rate_limiter limiter_;
    std::unique_ptr<scratch> scratch_ = std::make_unique<scratch>();
    std::vector<std::string> zones_{};
    std::vector<bool> failed_{};  ///< ports, when refresh_devices looked last
    std::size_t pending_ = 0;
    std::size_t next_port_ = 0;
};

}  // namespace ikealg::inline v0::host

#endif
