# SPDX-License-Identifier: Apache-2.0
"""What the gateway did with each ESP packet, from the recordings of both wires and the SPIs in the hosts' logs."""

import collections
import re
from dataclasses import dataclass, field

from . import plan


def spis_in(log):
    """SPIs of both directions in a daemon's log: libreswan's "=>0x.. <0x..", strongSwan's "SPIs .._i .._o"."""
    pairs = re.findall(r"=>0x([0-9a-f]{8}) <0x([0-9a-f]{8})", log) + re.findall(
        r"SPIs ([0-9a-f]{8})_i ([0-9a-f]{8})_o", log
    )
    return {spi for pair in pairs for spi in pair}


@dataclass
class Account:
    wrong: int = 0  # ESP packets that went to a client they were not for
    lost: dict = field(
        default_factory=lambda: collections.Counter()
    )  # client -> ESP packets that never left the gateway
    impaired: dict = field(
        default_factory=lambda: collections.Counter()
    )  # client -> ESP packets that the impairer lost
    lines: list = field(default_factory=list)


def account(inside, outside, owner, impairer_log=""):
    """`inside`, `outside`: flows; `owner`: SPI -> client."""
    a = Account()
    delivered = collections.defaultdict(list)
    for f in inside:
        if f.kind == "esp":
            delivered[f.id].append(f)
    left = collections.Counter()
    for f in outside:
        if f.kind == "esp":
            left[f.id] += f.packets
    for f in outside:
        if f.kind != "esp" or f.source != plan.SERVER.address:
            continue
        client = owner.get(f.id, "nobody known")
        to = collections.Counter()
        for g in delivered[f.id]:
            to[plan.CLIENT_AT.get(g.target, g.target)] += g.packets
        wrong = {name: n for name, n in to.items() if name != client} if f.id in owner else {}
        for name, n in wrong.items():
            a.lines.append(f"MISDELIVERED: {n} packets with SPI {f.id} of {client} went to {name}")
        a.wrong += sum(wrong.values())
        missing = f.packets - sum(to.values())
        if missing > 0:
            a.lines.append(
                f"LOST inward: {missing} of {f.packets} packets with SPI {f.id} of {client} never left the gateway"
            )
        if missing > 0 or wrong:
            a.lost[client] += max(missing, 0) + sum(wrong.values())
    for spi, fs in delivered.items():
        sent = [f for f in fs if f.target == plan.SERVER.address]
        missing = sum(f.packets for f in sent) - left[spi]
        if sent and missing > 0:
            client = plan.CLIENT_AT.get(sent[0].source, sent[0].source)
            a.lines.append(
                f"LOST outward: {missing} of {sum(f.packets for f in sent)} packets with SPI {spi} of {client} "
                "never left the gateway"
            )
            a.lost[client] += missing
    for spi in re.findall(r" lose (?:udp-)?esp ([0-9a-f]{8})", impairer_log):
        a.impaired[owner.get(spi, "nobody known")] += 1
    for client, n in sorted(a.impaired.items()):
        a.lines.append(f"the impairer lost {n} ESP packets of {client}")
    return a


def nat_addresses(outside, owner, client):
    """The addresses under which a client's ESP appears outside."""
    return {
        f.source for f in outside if f.kind == "esp" and f.source != plan.SERVER.address and owner.get(f.id) == client
    }


# Pings that a host may lose whenever SAs are set up or changed: one end deletes an SA that the other still sends on, or sends on one
# that the other has not finished with.
HOST_LOSSES = 2


def ping_verdict(missing, lost, impaired, changes):
    """(passed, why) for pings that were lost, knowing what became of the ESP packets that carried them."""
    if missing == 0:
        return True, ""
    if lost:
        return False, f"the gateway lost {lost} ESP packets of it"
    if impaired >= missing:
        return True, f"the impairer lost {impaired} ESP packets of it"
    blame = f"the impairer lost {impaired} ESP packets, " if impaired else ""
    blame += "the gateway passed every one that reached it"
    if missing - impaired <= HOST_LOSSES * changes:
        return True, f"{blame}; a host lost the rest while it changed its SAs"
    return False, f"{blame}; a host lost the rest"
