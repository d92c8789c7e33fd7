# SPDX-License-Identifier: Apache-2.0
"""The configuration of ikealg-gateway for a scenario, in Junos words."""

from . import plan


def statements(pool, backend="af-packet", extra=(), new_sa_pause=500):
    """`pool`: "A" or "A-B"; `extra`: further statements without the word set; `new_sa_pause` in milliseconds, None for the default. The
    hosts are emulated, on a machine that may be busy: what takes a real one some milliseconds takes them a hundred, and took 270."""
    first, _, last = pool.partition("-")
    pool_range = f"{first}/32" + (f" to {last}/32" if last else "")
    interfaces = {"inside": "trust", "outside": "untrust"}
    out = []
    for interface, zone in interfaces.items():
        out.append(f"interfaces {interface} unit 0 family inet address {plan.GATEWAY_ADDRESS[interface]}/24")
        if backend != "af-packet":
            out.append(f"interfaces {interface} ikealg backend {backend}")
        out.append(f"security zones security-zone {zone} interfaces {interface}.0")
    out += [
        "security zones security-zone trust host-inbound-traffic system-services ping",
        f"security zones security-zone trust address-book address clients {plan.INSIDE_NET}",
        f"security nat source pool public address {pool_range}",
        "security nat source address-persistent",
        "security nat source rule-set out from zone trust",
        "security nat source rule-set out to zone untrust",
        f"security nat source rule-set out rule clients match source-address {plan.INSIDE_NET}",
        "security nat source rule-set out rule clients match destination-address 0.0.0.0/0",
        "security nat source rule-set out rule clients then source-nat pool public",
        f"security nat proxy-arp interface outside.0 address {pool_range}",
    ]
    for name, port in (("ike-alg", 500), ("ike-natt-alg", 4500)):
        # A client behind another NAT, or an IKE daemon with NAT-T, may use any source port.
        out.append(
            f"applications application {name} protocol udp destination-port {port} application-protocol ike-esp-nat"
        )
    policy = "security policies from-zone trust to-zone untrust policy ipsec"
    out += [
        f"{policy} match source-address clients",
        f"{policy} match destination-address any",
        f"{policy} match application [ ike-alg ike-natt-alg ]",
        f"{policy} then permit",
        "security alg ike-esp-nat enable",
    ]
    if new_sa_pause is not None:
        out += [
            f"security alg ike-esp-nat ikealg new-sa-pause {new_sa_pause}",
            "security alg ike-esp-nat ikealg limits held-esp-per-client 16",  # pings of a second and a half, both ways
            "security alg ike-esp-nat ikealg esp-hold-limit 3000",  # another client's tenure lasts as long as its pause and an answer
        ]
    return out + list(extra)


def text(*arguments, **options):
    return "".join(f"set {s}\n" for s in statements(*arguments, **options))
