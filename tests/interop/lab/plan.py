# SPDX-License-Identifier: Apache-2.0
"""Who is where: the names and addresses that everything else refers to.

    c1 10.10.0.11 (192.168.101.0/24) --\\
    c2 10.10.0.12 (192.168.102.0/24) ---- inside [gateway] outside ---- server 203.0.113.100 (192.168.200.0/24)
    c3 10.10.0.13 (192.168.103.0/24) --/  10.10.0.1     203.0.113.1
"""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    name: str
    side: str  # "inside" or "outside"
    address: str  # on the gateway's net, /24
    router: str
    inner: str  # the host's own address in the net behind its tunnel
    net: str  # that net
    peers: tuple  # nets behind the other ends
    mac: str


INSIDE_ADDRESS, OUTSIDE_ADDRESS = "10.10.0.1", "203.0.113.1"
INSIDE_NET = "10.10.0.0/24"
GATEWAY_MAC = {"inside": "02:00:00:0a:00:01", "outside": "02:00:00:cb:71:01"}
GATEWAY_ADDRESS = {"inside": INSIDE_ADDRESS, "outside": OUTSIDE_ADDRESS}
SIDES = ("inside", "outside")

SERVER_NET = "192.168.200.0/24"
CLIENTS = {
    f"c{i}": Host(
        f"c{i}",
        "inside",
        f"10.10.0.{10 + i}",
        INSIDE_ADDRESS,
        f"192.168.{100 + i}.1",
        f"192.168.{100 + i}.0/24",
        (SERVER_NET,),
        f"52:54:00:0a:00:{10 + i:02x}",
    )
    for i in (1, 2, 3)
}
SERVER = Host(
    "server",
    "outside",
    "203.0.113.100",
    OUTSIDE_ADDRESS,
    "192.168.200.1",
    SERVER_NET,
    tuple(c.net for c in CLIENTS.values()),
    "52:54:00:cb:71:64",
)
HOSTS = {**CLIENTS, "server": SERVER}
CLIENT_AT = {c.address: c.name for c in CLIENTS.values()}


def addresses(pool):
    """The addresses of a pool: "A", "A-B", several separated by commas."""
    out = []
    for part in pool.split(","):
        first, _, last = part.partition("-")
        a, b = (int(ipaddress.IPv4Address(x)) for x in (first, last or first))
        out += [str(ipaddress.IPv4Address(i)) for i in range(a, b + 1)]
    return out
