// SPDX-License-Identifier: Apache-2.0
/// Types of values and lists of words that several statements of the table share (junos/schema.hpp).
///
/// Thread safety: constants.
#ifndef IKEALG_JUNOS_SCHEMA_VALUES_HPP
#define IKEALG_JUNOS_SCHEMA_VALUES_HPP

#include <string_view>

#include "ikealg/junos/schema_node.hpp"

namespace ikealg::inline v0::junos::detail {

inline constexpr value_type address_value = value_of(value_kind::address, "A");
inline constexpr value_type host_prefix_value = value_of(value_kind::host_prefix, "A/L");
inline constexpr value_type prefix_value = value_of(value_kind::prefix, "PREFIX");
inline constexpr value_type prefix_range_value = value_of(value_kind::prefix_range, "A/32 [to B/32]");
inline constexpr value_type ports_value = value_of(value_kind::ports, "P[-Q]");
inline constexpr value_type device_value = value_of(value_kind::device, "I");
inline constexpr value_type interface_value = value_of(value_kind::interface, "I.U");
inline constexpr value_type text_value = value_of(value_kind::text, "\"TEXT\"");
inline constexpr value_type file_value = value_of(value_kind::text, "FILE");
inline constexpr schema_node description = leaf("description", text_value, "a remark; no effect");

inline constexpr std::string_view switch_words[] = {"enable", "disable"};
inline constexpr std::string_view profile_words[] = {"practical", "junos"};
inline constexpr std::string_view ike_port_words[] = {"prefer", "preserve", "translate", "exclusive"};
inline constexpr std::string_view ike_ambiguous_words[] = {"drop", "fan-out"};
inline constexpr std::string_view trace_flag_words[] = {"all"};
inline constexpr std::string_view trace_level_words[] = {"error", "warning", "notice", "info", "verbose", "all"};
inline constexpr std::string_view log_level_words[] = {"any",     "emergency", "alert", "critical", "error",
                                                       "warning", "notice",    "info",  "none"};
inline constexpr std::string_view alg_words[] = {"ike-esp-nat", "none"};
inline constexpr std::string_view backend_words[] = {"af-packet", "tap", "tun"};
inline constexpr std::string_view service_words[] = {"all",
                                                     "any-service",
                                                     "bootp",
                                                     "dhcp",
                                                     "dhcpv6",
                                                     "dns",
                                                     "finger",
                                                     "ftp",
                                                     "http",
                                                     "https",
                                                     "ident-reset",
                                                     "ike",
                                                     "lsping",
                                                     "netconf",
                                                     "ntp",
                                                     "ping",
                                                     "r2cp",
                                                     "reverse-ssh",
                                                     "reverse-telnet",
                                                     "rlogin",
                                                     "rpm",
                                                     "rsh",
                                                     "sip",
                                                     "snmp",
                                                     "snmp-trap",
                                                     "ssh",
                                                     "tcp-encap",
                                                     "telnet",
                                                     "tftp",
                                                     "traceroute",
                                                     "webapi-clear-text",
                                                     "webapi-ssl",
                                                     "xnm-clear-text",
                                                     "xnm-ssl"};
inline constexpr std::string_view routing_words[] = {"all",  "bfd",  "bgp",  "dvmrp", "igmp",
                                                     "ldp",  "msdp", "nhrp", "ospf",  "ospf3",
                                                     "pgm",  "pim",  "rip",  "ripng", "router-discovery",
                                                     "rsvp", "sap",  "vrrp"};

}  // namespace ikealg::inline v0::junos::detail

#endif
