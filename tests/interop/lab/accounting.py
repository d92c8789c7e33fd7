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
    """Packets are the sequence numbers of an SPI: a doubled packet is one."""

    wrong: list = field(default_factory=list)  # when a packet went to a client it was not for
    # client -> when a packet of it reached the gateway that did not leave it toward the right host
    lost: dict = field(default_factory=lambda: collections.defaultdict(list))
    impaired: dict = field(default_factory=lambda: collections.defaultdict(list))  # the same, of the impairer
    # client -> (from, to): what was sent then may have come to a host that an IKE message was kept from by the impairer
    without_ike: dict = field(default_factory=lambda: collections.defaultdict(list))
    lines: list = field(default_factory=list)


def account(inside, outside, owner, impairer_log=""):
    """`inside`, `outside`: flows; `owner`: SPI -> client. ESP in UDP counts as ESP."""
    a = Account()
    within, without = collections.defaultdict(list), collections.defaultdict(list)
    for flow_list, by_spi in ((inside, within), (outside, without)):
        for f in flow_list:
            if f.kind in ("esp", "udp-esp"):
                by_spi[f.id].append(f)
    for spi, sent in without.items():
        client = owner.get(spi)
        for f in sent:
            if _address(f.source) == plan.SERVER.address:
                _account_inward(a, f, client, within[spi])
    for spi, sent in within.items():
        left = {n for f in without[spi] for n in f.sequence}
        for f in sent:
            if _address(f.target) == plan.SERVER.address:
                missing = [t for n, t in f.sequence.items() if n not in left]
                client = _client_at(f.source)
                _lost(a, "outward", f, client, missing)
    for when, spi in re.findall(r"^(\S+) \S+ lose (?:udp-)?esp ([0-9a-f]{8})$", impairer_log, re.M):
        a.impaired[owner.get(spi, NOBODY)].append(float(when))
    ike_owner = {
        f.id: _client_at(end)
        for f in inside
        for end in (f.source, f.target)
        if f.kind.startswith("ike") and _address(end) in plan.CLIENT_AT
    }
    for spi, lost, arrived in _ike_outages(impairer_log):
        a.without_ike[ike_owner.get(spi, NOBODY)].append((lost - HELD, arrived + INSTALLING))
    for client, times in sorted(a.impaired.items()):
        a.lines.append(f"the impairer lost {len(times)} ESP packets of {client}")
    return a


NOBODY = "nobody known"
INSTALLING = 0.5  # seconds in which an emulated host installs an SA and answers what waited
HELD = 10  # seconds that ESP may have waited in the gateway behind that IKE message


PHASE_2 = {"32", "35", "36", "44"}  # Quick Mode, IKE_AUTH, CREATE_CHILD_SA, IKE_FOLLOWUP_KE


def _ike_outages(impairer_log):
    """(initiator SPI, when a Phase 2 message was lost, when the same one or its repetition arrived)"""
    since = {}
    found = re.findall(r"^(\S+) (\S+) (\S+) ike (\S+) (\d+) (\S+ \S+)$", impairer_log, re.M)
    for when, way, what, spi, exchange, message in found:
        key = way, spi, exchange, message
        if what == "lose" and exchange in PHASE_2:
            since.setdefault(key, float(when))
        elif key in since:
            yield spi, since.pop(key), float(when)


def _address(end):
    """Of an end of a flow, which may have a port."""
    return end.split(":")[0]


def _client_at(end):
    return plan.CLIENT_AT.get(_address(end), _address(end))


def _account_inward(a, f, client, delivered):
    right = {n for g in delivered for n in g.sequence if client is None or _client_at(g.target) == client}
    for g in delivered:
        to = _client_at(g.target)
        if client is not None and to != client:
            a.wrong += g.sequence.values()
            a.lines.append(f"MISDELIVERED: {len(g.sequence)} packets with SPI {f.id} of {client} went to {to}")
    _lost(a, "inward", f, client or NOBODY, [t for n, t in f.sequence.items() if n not in right])


def _lost(a, way, f, client, times):
    if times:
        a.lost[client] += times
        a.lines.append(
            f"LOST {way}: {len(times)} of {len(f.sequence)} packets with SPI {f.id} of {client} did not get through"
        )


def nat_addresses(outside, owner, client):
    """The addresses under which a client's ESP appears outside."""
    return {
        f.source for f in outside if f.kind == "esp" and f.source != plan.SERVER.address and owner.get(f.id) == client
    }


def during(times, begin, end):
    """How many of the times are between the two."""
    return sum(begin <= t <= end for t in times)


def without_ike(pings, outages):
    """How many of the pings without an answer were sent during one of the outages."""
    return sum(any(begin <= pings.began + t <= end for begin, end in outages) for t in pings.unanswered)


def ping_verdict(missing, lost, impaired, ike=0):
    """(passed, why) for pings that were lost, knowing how many ESP packets of the tunnel were lost meanwhile, and by whom. `ike`: how many were
    sent while an IKE message that the impairer lost had not arrived: it explains why a host lost them, and excuses nothing."""
    if missing == 0:
        return True, ""
    if lost:
        return False, f"the gateway lost {lost} ESP packets of the tunnel meanwhile"
    if impaired >= missing:
        return True, f"the impairer lost {impaired} ESP packets of the tunnel meanwhile"
    blame = f"the impairer lost {impaired} ESP packets, " if impaired else ""
    without = f"; {ike} of the pings were sent while an IKE message that the impairer lost had not arrived" if ike else ""
    return False, f"{blame}the gateway passed every one that reached it; a host lost the rest{without}"
