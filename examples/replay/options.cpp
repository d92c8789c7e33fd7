// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <map>
#include <random>
#include <string_view>

#include "ikealg/version.hpp"

namespace replay {
namespace {

using ikealg::ipv4_address;

[[nodiscard]] ikealg::prefix<ipv4> parse_prefix(const std::string& text) {
    const auto p = ikealg::prefix<ipv4>::parse(text);
    if (!p) {
        throw bad_input("--inside '" + text + "': not an IPv4 prefix such as 10.10.0.0/24");
    }
    if (const auto defect = ikealg::defect_of(*p)) {
        throw bad_input("--inside '" + text + "': " + *defect);
    }
    return *p;
}

[[nodiscard]] ikealg::address_spec<ipv4> parse_pool(const std::string& text) {
    const auto dash = text.find('-');
    const auto first = ipv4_address::parse(std::string_view(text).substr(0, dash));
    const auto last = dash == std::string::npos ? first : ipv4_address::parse(std::string_view(text).substr(dash + 1));
    if (!first || !last) {
        throw bad_input("--pool '" + text + "': not an IPv4 address A or range A-B");
    }
    const ikealg::address_spec<ipv4> pool = ikealg::address_range<ipv4>{*first, *last};
    if (const auto defect = ikealg::defect_of(pool)) {
        throw bad_input("--pool '" + text + "': " + *defect);
    }
    return pool;
}

[[nodiscard]] ikealg::duration parse_duration(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const double ns = unit == "s" ? 1e9 : unit == "ms" ? 1e6 : unit == "us" ? 1e3 : unit == "ns" ? 1 : 0;
    const bool zero = value == 0 && unit.empty();
    if (error != std::errc{} || !(value >= 0) || value * ns > 3.6e12 || (ns == 0 && !zero)) {
        throw bad_input("--stagger '" + text + "': not a time from 0 to 1 h such as 10ms, 0.5s or 100us");
    }
    return ikealg::duration{static_cast<ikealg::duration::rep>(value * ns)};
}

}  // namespace

std::optional<options> parse_options(int argc, char** argv) {
    options o;
    CLI::App app{
        "Plays captures of IPsec clients through an ikealg gateway, puts itself in the server's place, and compares "
        "what\n"
        "the clients would have got with what they got when the capture was made."};
    app.set_version_flag("--version", to_string(ikealg::version));
    std::vector<std::string> inside;
    std::string pool = "203.0.113.1";
    std::string stagger = "0";
    std::string alg = "on";
    std::string profile = "practical";
    std::string ike_port = "prefer";
    std::optional<std::uint64_t> seed;
    std::optional<std::uint32_t> state_timeout;
    std::optional<std::uint32_t> gate_timeout;
    std::optional<std::uint32_t> session_timeout;

    app.add_option("CAPTURE", o.captures, "pcap or pcapng files, played one after the other")->required();
    app.add_flag("--overlay", o.overlay, "let several captures start together");
    app.add_flag("--outside", o.outside, "the captures are from the outside: nothing may get in");
    app.add_option("--inside", inside, "private addresses (default: 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16)")
        ->allow_extra_args(false);
    app.add_option("--pool", pool, "public address or range A-B of the gateway (default: " + pool + ")");
    app.add_option("--alg", alg, "on or off (default: on)")->check(CLI::IsMember({"on", "off"}));
    app.add_option("--profile", profile, "practical or junos (default: practical)")
        ->check(CLI::IsMember({"practical", "junos"}));
    app.add_option("--ike-port", ike_port,
                   "source port of IKE: prefer, preserve, translate or exclusive (default: prefer)")
        ->check(CLI::IsMember({"prefer", "preserve", "translate", "exclusive"}));
    app.add_option("--state-timeout", state_timeout, "seconds");
    app.add_option("--esp-gate-timeout", gate_timeout, "seconds");
    app.add_option("--esp-session-timeout", session_timeout, "seconds");
    app.add_option("--clients", o.clients, "this many clients, copies of the captures' in turn")
        ->check(CLI::Range(1U, 1'000'000U));
    app.add_option("--stagger", stagger, "each client starts that much after the one before it (default: 0)");
    app.add_option("--seed", seed, "of addresses, cookies and SPIs of copies (default: random)");
    app.add_flag("--dissect", o.dissect, "print what the captures show in clear, a row a packet, and play nothing");
    app.add_flag("--quiet", o.quiet, "print the totals only");
    app.add_option("--json", o.json, "write the totals to a file");
    app.add_option("--write-inside", o.write_inside, "write what passes on the inside to a pcap file");
    app.add_option("--write-outside", o.write_outside, "write what passes on the outside to a pcap file");

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& e) {
        (void)app.exit(e);
        return std::nullopt;
    } catch (const CLI::ParseError& e) {
        throw bad_input(e.what());
    }
    o.inside_given = !inside.empty();
    if (!o.inside_given) {
        inside = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"};
    }
    for (const std::string& text : inside) {
        o.inside.push_back(parse_prefix(text));
    }
    o.pool = parse_pool(pool);
    o.stagger = parse_duration(stagger);
    o.seed = seed ? *seed : std::random_device{}();
    const bool junos = profile == "junos";
    o.alg = ikealg::alg::alg_settings::of(junos ? ikealg::alg::profile::junos : ikealg::alg::profile::practical);
    o.alg.enabled = alg == "on";
    using mode = ikealg::alg::ike_port_mode;
    const std::map<std::string, mode> modes{{"prefer", mode::prefer},
                                            {"preserve", mode::preserve},
                                            {"translate", mode::translate},
                                            {"exclusive", mode::exclusive}};
    o.alg.ike_port = modes.at(ike_port);
    const auto set = [](std::chrono::seconds& to, const std::optional<std::uint32_t>& value) {
        to = value ? std::chrono::seconds{*value} : to;
    };
    set(o.alg.state_timeout, state_timeout);
    set(o.alg.esp_gate_timeout, gate_timeout);
    set(o.alg.esp_session_timeout, session_timeout);
    return o;
}

}  // namespace replay
