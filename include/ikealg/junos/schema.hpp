// SPDX-License-Identifier: Apache-2.0
/// Every statement that ikealg knows, in one table: the reader, the writer, the suggestions in messages and the list
/// in docs/configuration.md come from here.
///
/// Keywords and their places are those of Junos. What Junos has no words for stands below `ikealg`, with the names of
/// the fields of `alg::alg_settings`, `gateway_options`, `nat::nat_timeouts` and the like; the ranges are the widest
/// that any profile allows, the settings' own checks are narrower. Order here is the order in which statements are
/// written, as Junos does.
///
/// Invariants, checked by a test: keywords of one place differ; at most one statement of a place has no written
/// keyword.
/// Thread safety: constants.
#ifndef IKEALG_JUNOS_SCHEMA_HPP
#define IKEALG_JUNOS_SCHEMA_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ikealg/junos/schema_node.hpp"
#include "ikealg/junos/schema_values.hpp"
#include "ikealg/nat/timeouts.hpp"

namespace ikealg::inline v0::junos {

namespace detail {

// security address-book and the books of zones

inline constexpr schema_node address_kinds[] = {
    leaf("ip-prefix", prefix_value, "the addresses of a prefix").without_keyword().in_choice(1),
    leaf("range-address", value_of(value_kind::address_range, "A to B"), "the addresses from A to B").in_choice(1),
    description,
};
inline constexpr schema_node address_set_members[] = {
    description,
    entry("address", name_of("N"), "an address of the same book"),
    entry("address-set", name_of("N"), "another set of the same book"),
};
inline constexpr schema_node address_of_book =
    entry("address", name_of("N"), address_kinds, "a named address").written_in_line();
inline constexpr schema_node address_set_of_book =
    entry("address-set", name_of("N"), address_set_members, "several named addresses under one name");
inline constexpr schema_node zone_address_book[] = {address_of_book, address_set_of_book};
inline constexpr schema_node book_attachments[] = {
    entry("zone", name_of("Z"), "the zone whose policies use the book; not for the book `global`"),
};
inline constexpr schema_node address_book[] = {
    description,
    address_of_book,
    address_set_of_book,
    container("attach", book_attachments, "where a book other than `global` is used"),
};

// security alg ike-esp-nat

inline constexpr std::uint64_t most_records = 16'777'216;
inline constexpr schema_node alg_limits[] = {
    leaf("held-messages-per-client", number(1, 64), "IKE messages of one client that wait for the slot"),
    leaf("held-esp-per-client", number(1, 64), "ESP packets of one client that wait"),
    leaf("held-bytes", number(65536, 0xffff'ffff, "bytes"), "all waiting packets together"),
    leaf("sessions-per-client", number(1, 65535), "IKE sessions of one client"),
    leaf("exchanges-per-client", number(4, 1024), "remembered Phase 2 exchanges of a client and a server"),
    leaf("bindings-per-client", number(2, 65535), "ESP SPIs of one client"),
    leaf("flows", number(1, most_records), "UDP, TCP, echo and ESP sessions together; fixed at start"),
    leaf("pairs", number(1, most_records), "pairs of a client and a server; fixed at start"),
    leaf("slots", number(1, most_records), "pairs of a server and a nat address; fixed at start"),
    leaf("sessions", number(1, most_records), "IKE sessions; fixed at start"),
    leaf("exchanges", number(1, most_records), "remembered Phase 2 exchanges; fixed at start"),
    leaf("held", number(1, most_records), "held packets; fixed at start"),
    leaf("mappings", number(1, most_records), "clients with a nat address; fixed at start"),
    leaf("ports", number(1, most_records), "translated UDP, TCP and echo ports; fixed at start"),
    leaf("fragments", number(1, most_records), "datagrams whose fragments are followed at once; fixed at start"),
    leaf("held-fragments", number(1, most_records), "fragments that came before their first; fixed at start"),
    leaf("pool-addresses", number(1, most_records), "addresses of one nat pool"),
    leaf("nat-matcher-bytes", number(65536, 0xffff'ffff, "bytes"), "memory of the compiled nat rules"),
    leaf("policy-matcher-bytes", number(65536, 0xffff'ffff, "bytes"), "memory of the compiled policies"),
};
inline constexpr schema_node alg_extensions[] = {
    leaf("profile", one_of(profile_words), "how the ALG behaves: all it can, or as Junos does"),
    leaf("ike-port", one_of(ike_port_words), "how the source port of IKE is translated"),
    leaf("ike-ambiguous", one_of(ike_ambiguous_words), "IKE of the server that could be several clients'"),
    leaf("late-binding", one_of(switch_words), "an SPI nobody waits for is tried on the only possible client"),
    leaf("drop-contested", one_of(switch_words), "ESP of the server that may be another client's is dropped, never guessed"),
    leaf("drop-unsolicited", one_of(switch_words), "IKE requests of the server without a session are dropped"),
    leaf("auth-single-tenure", one_of(switch_words), "IKE_AUTH has the slot once, not again for each message"),
    leaf("hold-limit", number(0, 60000, "milliseconds"), "how long a Phase 2 message waits; 0 drops at once"),
    leaf("esp-hold-limit", number(0, 10000, "milliseconds"), "how long an ESP packet waits; 0 drops at once"),
    leaf("new-sa-pause", number(0, 10000, "milliseconds"), "how long a host has to install an SA before ESP reaches it; 0: no pause"),
    leaf("gate-min", number(1, 1000, "milliseconds"), "shortest life of a gate while others wait"),
    leaf("learn-timeout", number(10, 10000, "milliseconds"), "how long an unknown SPI is learnt"),
    leaf("phase2-max-hold", number(1000, 120000, "milliseconds"), "longest tenure of the slot"),
    leaf("phase2-max-hold-contended", number(100, 30000, "milliseconds"), "the same while others wait"),
    leaf("learning-tenures", number(1, 100), "tenures that one learning may take"),
    leaf("spis-per-exchange", number(1, 16), "inbound SPIs that one exchange may bind"),
    leaf("learn-flood", number(1, 1000000, "a second"), "unknown inbound SPIs of one slot"),
    leaf("mapping-hold", number(0, 86400, "seconds"), "how long an idle client keeps its nat address; fixed at start"),
    container("limits", alg_limits, "how much of everything there may be"),
};
inline constexpr schema_node alg_trace[] = {
    leaf("file", file_value, "where the trace goes; standard error without"),
    leaf("level", one_of(trace_level_words), "how much is traced, verbose when silent"),
    leaf_list("flag", one_of(trace_flag_words), "what is traced").written_as_block(),
};
inline constexpr schema_node ike_esp_nat[] = {
    flag("enable", "hands IKE and ESP of matching applications to the ALG"),
    leaf("state-timeout", number(180, 86400, "seconds"), "an idle IKE session"),
    leaf("esp-gate-timeout", number(2, 1200, "seconds"), "a gate through which no ESP came; profile junos: 2 to 30"),
    leaf("esp-session-timeout", number(60, 86400, "seconds"), "an idle ESP session; profile junos: 60 to 2400"),
    container("traceoptions", alg_trace, "what the ALG tells about its work"),
    container("ikealg", alg_extensions, "what Junos does not have"),
};
inline constexpr schema_node alg[] = {container("ike-esp-nat", ike_esp_nat, "the ALG for IKE and ESP")};

// security flow

[[nodiscard]] constexpr schema_node timeout_leaf(const nat::timeout_row& row, std::string_view help) noexcept {
    return leaf(
        row.name,
        number(static_cast<std::uint64_t>(row.least.count()), static_cast<std::uint64_t>(row.most.count()), "seconds"),
        help);
}
inline constexpr schema_node all_tcp[] = {
    leaf("mss", number(64, 65535, "bytes"), "largest segment that a SYN may announce; larger ones are lowered"),
};
inline constexpr schema_node tcp_mss[] = {container("all-tcp", all_tcp, "every TCP session")};
inline constexpr schema_node flow_extensions[] = {
    timeout_leaf(nat::timeout_rows[0], "an idle TCP session"),
    timeout_leaf(nat::timeout_rows[1], "a TCP session that opens or closes"),
    timeout_leaf(nat::timeout_rows[2], "an idle UDP session"),
    timeout_leaf(nat::timeout_rows[3], "an idle session with UDP port 4500 of a server"),
    timeout_leaf(nat::timeout_rows[4], "an ICMP echo session"),
    timeout_leaf(nat::timeout_rows[5], "an idle session of any other protocol"),
    flag("hairpin", "clients may reach each other's nat addresses (UDP and TCP)"),
};
inline constexpr schema_node flow[] = {
    container("tcp-mss", tcp_mss, "maximum segment size of TCP"),
    container("ikealg", flow_extensions, "what Junos sets elsewhere or not at all"),
};

// security nat

inline constexpr schema_node pool_port[] = {
    flag("no-translation", "keeps source ports; an address is one client's").in_choice(1),
    leaf("range", value_of(value_kind::port_range, "P [to Q]"), "translated source ports, within 1024 to 65535")
        .in_choice(1),
};
inline constexpr schema_node pool[] = {
    description,
    entry("address", prefix_range_value, "addresses of the pool").written_as_block(),
    container("port", pool_port, "source ports").written_in_line(),
};
inline constexpr schema_node zones_of_rules[] = {leaf_list("zone", name_of("Z"), "zones")};
inline constexpr schema_node source_match[] = {
    leaf_list("source-address", prefix_value, "the clients; everybody when not said"),
    leaf_list("destination-address", prefix_value, "whom they talk to; everybody when not said"),
};
inline constexpr schema_node source_nat[] = {
    flag("off", "not translated").in_choice(1),
    leaf("pool", name_of("P"), "translated to an address of a pool").written_as_block().in_choice(1),
    flag("interface", "translated to the address of the outgoing interface").in_choice(1),
};
inline constexpr schema_node source_then[] = {container("source-nat", source_nat, "what is done")};
inline constexpr schema_node source_rule[] = {
    description,
    container("match", source_match, "whom the rule is about"),
    container("then", source_then, "what is done"),
};
inline constexpr schema_node source_rule_set[] = {
    description,
    container("from", zones_of_rules, "where packets come from").written_in_line(),
    container("to", zones_of_rules, "where packets go").written_in_line(),
    entry("rule", name_of("R"), source_rule, "one rule; the first one that matches counts"),
};
inline constexpr schema_node nat_source[] = {
    entry("pool", name_of("P"), pool, "nat addresses"),
    flag("address-persistent", "a client keeps its nat address; always so in ikealg, a warning without"),
    entry("rule-set", name_of("RS"), source_rule_set, "rules for traffic between zones"),
};
inline constexpr schema_node static_match[] = {
    leaf("destination-address", prefix_value, "nat addresses of the clients"),
};
inline constexpr schema_node static_nat[] = {
    leaf("prefix", prefix_value, "the clients' own addresses, position by position").written_as_block(),
};
inline constexpr schema_node static_then[] = {container("static-nat", static_nat, "what is done")};
inline constexpr schema_node static_rule[] = {
    description,
    container("match", static_match, "whom the rule is about"),
    container("then", static_then, "what is done"),
};
inline constexpr schema_node static_rule_set[] = {
    description,
    container("from", zones_of_rules, "the zones from which the nat addresses are reached").written_in_line(),
    entry("rule", name_of("R"), static_rule, "one 1:1 mapping"),
};
inline constexpr schema_node nat_static[] = {
    entry("rule-set", name_of("RS"), static_rule_set, "1:1 mappings"),
};
inline constexpr schema_node proxy_arp_addresses[] = {
    entry("address", prefix_range_value, "addresses that are answered for").written_as_block(),
};
inline constexpr schema_node proxy_arp[] = {
    entry("interface", interface_value, proxy_arp_addresses, "where ARP requests are answered"),
};
inline constexpr schema_node nat[] = {
    container("source", nat_source, "source NAT"),
    container("static", nat_static, "static NAT"),
    container("proxy-arp", proxy_arp, "ARP answered for nat addresses"),
};

// security policies

inline constexpr schema_node policy_match[] = {
    leaf_list("source-address", name_of("N"), "names of the address books, or `any`"),
    leaf_list("destination-address", name_of("N"), "names of the address books, or `any`"),
    leaf_list("application", name_of("N"), "names of applications and application-sets, or `any`"),
};
inline constexpr schema_node policy_log[] = {
    flag("session-init", "when a session begins or is denied"),
    flag("session-close", "when a session ends"),
};
inline constexpr schema_node policy_extensions[] = {
    flag("midstream", "ESP of a client without IKE state may ask for the slot"),
};
inline constexpr schema_node policy_then[] = {
    flag("deny", "dropped").in_choice(1),
    flag("permit", "forwarded").in_choice(1),
    flag("reject", "dropped, and the sender is told").in_choice(1),
    container("log", policy_log, "what is logged"),
    container("ikealg", policy_extensions, "what Junos does not have"),
};
inline constexpr schema_node policy_statements[] = {
    description,
    container("match", policy_match, "whom the policy is about"),
    container("then", policy_then, "what is done"),
};
inline constexpr schema_node zone_pair_statements[] = {
    entry("policy", name_of("P"), policy_statements, "one policy; the first one that matches counts"),
};
inline constexpr schema_node default_policy[] = {
    flag("permit-all", "forwarded").in_choice(1),
    flag("deny-all", "dropped; so when nothing is said").in_choice(1),
};
inline constexpr schema_node policies[] = {
    entry("from-zone", value_of(value_kind::zone_pair, "Z to-zone Z"), zone_pair_statements,
          "policies for sessions from one zone to another"),
    container("default-policy", default_policy, "what no policy matches"),
};

// security zones

inline constexpr schema_node inbound_service[] = {
    flag("except", "not this one; with `all` only"),
};
inline constexpr schema_node inbound_traffic[] = {
    entry("system-services", one_of(service_words), inbound_service,
          "services of the gateway itself; ping is the one it has")
        .written_as_block(),
    leaf_list("protocols", one_of(routing_words), "routing protocols; the gateway has none").written_as_block(),
};
inline constexpr schema_node zone_interface[] = {
    container("host-inbound-traffic", inbound_traffic, "what the gateway itself answers here"),
};
inline constexpr schema_node zone_interfaces[] = {
    entry("interface", interface_value, zone_interface, "an interface of the zone").without_keyword(),
};
inline constexpr schema_node zone[] = {
    description,
    container("address-book", zone_address_book, "names for addresses of this zone"),
    container("host-inbound-traffic", inbound_traffic, "what the gateway itself answers"),
    container("interfaces", zone_interfaces, "interfaces of the zone"),
};
inline constexpr schema_node zones[] = {
    entry("security-zone", name_of("Z"), zone, "a zone"),
};

inline constexpr schema_node security[] = {
    entry("address-book", name_of("BOOK"), address_book, "names for addresses; the book `global` is every zone's"),
    container("alg", alg, "application layer gateways"),
    container("flow", flow, "sessions"),
    container("nat", nat, "address translation"),
    container("policies", policies, "what is forwarded"),
    container("zones", zones, "zones"),
};

// system, interfaces, routing-options, applications

inline constexpr schema_node syslog_file[] = {
    leaf("any", one_of(log_level_words), "messages of at least this level"),
};
inline constexpr schema_node syslog[] = {entry("file", file_value, syslog_file, "a file of messages")};
inline constexpr schema_node system[] = {
    leaf("host-name", name_of("NAME"), "the gateway's name; no effect"),
    container("syslog", syslog, "messages of the gateway"),
};

inline constexpr schema_node inet[] = {
    leaf("mtu", number(576, 65535, "bytes"), "longest IP packet, when the device's is not less"),
    entry("address", host_prefix_value, "an address of the gateway and the net it is connected to"),
};
inline constexpr schema_node family[] = {container("inet", inet, "IPv4")};
inline constexpr schema_node unit[] = {
    description,
    leaf("vlan-id", number(1, 4094), "802.1Q tag; untagged without"),
    container("family", family, "protocols").written_in_line(),
};
inline constexpr schema_node interface_extensions[] = {
    leaf("backend", one_of(backend_words), "how packets come and go; af-packet when not said"),
    leaf("receive-buffer", number(524288, 1073741824, "bytes"), "ring of af-packet, as SO_RCVBUF for other sockets; 16 MB when not said"),
};
inline constexpr schema_node device[] = {
    description,
    leaf("mtu", number(594, 65535, "bytes"), "longest frame with its header, as in Junos: an IP packet and 14 bytes, 18 with a tag"),
    flag("vlan-tagging", "units have tags; no effect, `vlan-id` says it"),
    container("ikealg", interface_extensions, "what Junos does not have"),
    entry("unit", number(0, 16385), unit, "a logical interface"),
};
inline constexpr schema_node interfaces[] = {
    entry("interface", device_value, device, "the name of a Linux device").without_keyword(),
};

inline constexpr schema_node route[] = {leaf("next-hop", address_value, "the router that knows the way")};
inline constexpr schema_node static_routes[] = {
    entry("route", prefix_value, route, "a static route").written_in_line(),
};
inline constexpr schema_node routing_options[] = {container("static", static_routes, "static routes")};

inline constexpr schema_node application[] = {
    description,
    leaf("application-protocol", one_of(alg_words), "the ALG that handles sessions"),
    leaf("protocol", value_of(value_kind::protocol, "PROTOCOL"), "IP protocol: udp, tcp, icmp, esp or its number"),
    leaf("source-port", ports_value, "source ports, for tcp, udp, sctp and dccp (33)"),
    leaf("destination-port", ports_value, "destination ports, for tcp, udp, sctp and dccp (33)"),
    leaf("icmp-type", number(0, 255), "for icmp"),
    leaf("icmp-code", number(0, 255), "for icmp, with a type"),
    leaf("inactivity-timeout", number(4, 86400, "seconds"), "an idle session"),
};
inline constexpr schema_node application_set[] = {
    description,
    entry("application", name_of("N"), "an application"),
    entry("application-set", name_of("N"), "another set"),
};
inline constexpr schema_node applications[] = {
    entry("application", name_of("N"), application, "a kind of traffic"),
    entry("application-set", name_of("N"), application_set, "several applications under one name"),
};

inline constexpr schema_node top[] = {
    leaf("version", text_value, "the release that wrote the text; no effect"),
    container("system", system, "the gateway as a host"),
    container("security", security, "NAT, policies, zones and the ALG"),
    container("interfaces", interfaces, "devices and their addresses"),
    container("routing-options", routing_options, "routes"),
    container("applications", applications, "kinds of traffic that policies name"),
};

}  // namespace detail

/// The table: what may stand at the top of a configuration.
inline constexpr schema_node schema = container("", detail::top, "");

}  // namespace ikealg::inline v0::junos

#endif
