# SPDX-License-Identifier: Apache-2.0
"""The scenarios, and what plain masquerading makes of each. To add one: a function that takes a Trial, and a line in
SCENARIOS."""

import time
from dataclasses import dataclass, field

from .peers import Client

IDLE = 45  # seconds of silence: longer than the gate timeout below


@dataclass
class Scenario:
    name: str
    about: str
    run: object  # function of a Trial
    nft: str = "fails"  # what plain masquerading does: fails, or either: it can pass
    tags: set = field(default_factory=set)


def clients(version, *names, **options):
    return [Client(n, version, **options) for n in names]


def together(version, *names):
    """All started together."""

    def run(t):
        t.begin(*clients(version, *names))
        t.up()
        t.traffic()

    return run


def server_first(version, *names):
    """One client after the other comes up and sends nothing before the server has."""

    def run(t):
        t.begin(*clients(version, *names))
        for c in t.clients:
            t.up([c])
            t.pings([c], to_client=True, what="first ESP of the tunnel")
        t.traffic()

    return run


def server_first_to_all(version):
    """All are up and silent when the server sends to all at once. Nothing on the wires says whose its packets are: they may be
    lost, but not go astray, and everything works once the clients have sent for some seconds."""

    def run(t):
        t.begin(*clients(version, "c1", "c2", "c3"))
        t.up()
        running = [t.ping_start(c, to_client=True) for c in t.clients]
        t.note("the server's pings: " + ", ".join(f"{c.name} {p.result()}" for c, p in zip(t.clients, running)))
        t.recovers(t.clients, timeout=30)
        t.traffic()

    return run


def idle(version, *names):
    def run(t):
        t.begin(*clients(version, *names), statements=["security alg ike-esp-nat esp-gate-timeout 20"])
        t.up()
        t.pings()
        t.pings(to_client=True)
        t.note(f"{IDLE} s of silence")
        time.sleep(IDLE)
        t.pings(to_client=True, what="first after the silence")
        t.pings(what="after the silence")
        t.traffic()

    return run


def natt_mix(*plain, natt):
    """Plain clients and one that uses NAT-T, to the same server. A libreswan server picks the connection of an IKEv2 SA_INIT,
    and with it whether to encapsulate, before it knows who asks: plain and NAT-T differ in IKE version here."""

    def run(t):
        t.begin(*plain, natt)
        t.up()
        t.traffic()
        with t.pinging(what="during rekeys"):
            for by in ("client", "server"):
                for some in (list(plain), [natt]):
                    t.rekey("child", by, some)
                    time.sleep(2)  # pings on the new SAs
            t.rekey("ike", "client", [natt])
            time.sleep(2)
        t.pings(what="after the rekeys")
        t.pings(to_client=True, what="after the rekeys")

    return run


def rekeys(version, *names, kinds):
    """All clients rekey at the same time, while pings run both ways."""

    def run(t):
        t.begin(*clients(version, *names))
        t.up()
        t.pings()
        with t.pinging(what="during rekeys"):
            for what, by in kinds:
                t.rekey(what, by)
                time.sleep(2)  # pings on the new SAs
        t.traffic()

    return run


V1_REKEYS = [("child", "client"), ("child", "server")]
V2_REKEYS = [
    ("child", "client"),
    ("child", "server"),
    ("ike", "client"),
    ("ike", "server"),
    ("child", "server"),
    ("child", "client"),
]


def phase_1(by, exclusive=False):
    """IKEv1: lifetimes end, one side negotiates Phase 1 anew, then Phase 2. libreswan's server sends its message to port 500 of the
    client's address, whatever port the client came from (N4); `exclusive`: each client has a nat address of its own."""
    lifetimes = {"ikelifetime": "60s", "rekeymargin": "40s", "rekeyfuzz": "0%"}

    def run(t):
        mine, other = ({"rekey": "yes"} | lifetimes, {"rekey": "no"})
        t.begin(
            *clients(1, "c1", "c2", options=mine if by == "client" else other),
            server_options=other if by == "client" else mine,
            addresses=2 if exclusive else 1,
            statements=["security alg ike-esp-nat ikealg ike-port exclusive"] if exclusive else [],
        )
        t.up()
        t.pings()
        with t.pinging(what="during rekeys"):
            t.phase_1_again(by, timeout=90)
            t.rekey("child", by)
            t.rekey("child", "server" if by == "client" else "client")
            time.sleep(2)
        t.traffic()

    return run


def power_cut(version):
    """c1 is gone from one moment to the next and comes back with nothing in memory; c2 must not notice."""

    def run(t):
        c1, c2 = clients(version, "c1", "c2")
        t.begin(c1, c2)
        t.up()
        t.traffic()
        with t.pinging([c2], what="while c1 is away and comes back"):
            t.power_cut(c1)
            t.up([c1], timeout=90)
            t.pings([c1], what="after its return")
        t.traffic()

    return run


def certificates(version, fragmentation, expect):
    """RSA certificates with a chain of three intermediates: an IKE message of more than 6000 bytes."""

    def run(t):
        t.begin(*clients(version, "c1", "c2", certificates=True, options={"fragmentation": fragmentation}))
        t.up(timeout=90)
        t.traffic()
        inside, outside = t.so_far()
        for name, wire in (("inside", inside), ("outside", outside)):
            ip = sum(f.packets for f in wire if f.kind == "fragment" and f.what == "protocol 17")
            ike = sum(f.ike_fragments for f in wire)
            t.check(
                (ip > 0) == (expect == "ip") and (ike > 0) == (expect == "ike"),
                f"IKE came in {expect.upper()} fragments {name}",
                f"{ip} IP fragments, {ike} IKE fragments",
            )

    return run


def dead_peer_detection(version):
    """Both ends ask whether the other is alive while nothing else is sent; then c1 dies and the server notices."""
    options = {"dpddelay": "3", "dpdtimeout": "15", "retransmit-timeout": "15s"}

    def run(t):
        t.begin(
            *clients(version, "c1", "c2", options=options | {"dpdaction": "hold"}),
            server_options=options | {"dpdaction": "clear"},
        )
        t.up()
        t.pings()
        t.note("silence but for DPD")
        time.sleep(20)
        t.pings(to_client=True, what="after the silence")
        inside, outside = t.so_far()
        for name, wire in (("inside", inside), ("outside", outside)):
            asked = {
                f.source.split(":")[0]: f.packets
                for f in wire
                if f.kind == "ike" and f.what in ("info", "INFORMATIONAL")
            }
            t.check(
                len(asked) >= 2 and all(n >= 2 for n in asked.values()),
                f"DPD went both ways {name}",
                ", ".join(f"{a}: {n}" for a, n in sorted(asked.items())),
            )
        t.traffic()
        with t.pinging([t.clients[1]], what="while c1 dies"):
            t.power_cut(t.clients[0], boot=False)
            t.server_gives_up(t.clients[0], timeout=120)

    return run


def pool(t):
    """Three clients of both versions, two nat addresses."""
    t.begin(Client("c1", 1), Client("c2", 2), Client("c3", 1), addresses=2)
    t.up()
    t.traffic()
    with t.pinging(what="during rekeys"):
        t.rekey("child", "client")
        t.rekey("child", "server")
    t.pings(what="after the rekeys")
    t.pings(to_client=True, what="after the rekeys")


def restart(version, hard):
    """The gateway restarts with tunnels up; nobody else does anything but go on sending."""

    def run(t):
        options = {"dpddelay": "5", "dpdtimeout": "20", "retransmit-timeout": "20s"}
        t.begin(
            *clients(version, "c1", "c2", options=options | {"dpdaction": "restart"}),
            server_options={"retransmit-timeout": "20s"},
        )
        t.up()
        t.traffic()
        t.note("the gateway " + ("crashes and is started again" if hard else "is restarted"))
        t.gateway.restart(hard)
        t.recovers(t.clients, timeout=120)
        t.traffic()

    return run


def reload(t):
    """A changed configuration, then a broken one, under traffic."""
    t.begin(*clients(2, "c1", "c2"))
    t.up()
    t.pings()
    with t.pinging(what="over the reloads"):
        t.gateway.configure(
            "security alg ike-esp-nat esp-session-timeout 1800",
            "security zones security-zone untrust address-book address " "server 203.0.113.100/32",
            "applications application spare protocol tcp destination-port 22",
        )
        if not t.gateway.reload():
            t.note("this gateway has no way to reload")
        time.sleep(2)
        t.rekey("child", "client")
        if t.gateway.kind.configured:
            before = len(t.gateway.log())
            t.gateway.configure("security zones security-zone nowhere interfacez inside.0")
            t.gateway.reload()
            time.sleep(2)
            t.check("interfacez" in t.gateway.log()[before:], "the broken configuration is refused, with its reason")
            t.rekey("child", "server")
    t.traffic()


IMPAIRMENT = {
    "ike": {"lose": 0.15, "double": 0.1, "reorder": 0.1},
    "other": {"lose": 0.01, "double": 0.02, "reorder": 0.03},
}


# A lost IKE message comes again after 0.5, 1, 2 and 4 s, and so long a host is without its SA: pings of 10 s wait for it. In
# IKEv2 nothing shows that the response arrived, so its pause outlasts a repetition.
PATIENCE = {
    1: ("limits held-esp-per-client 64", "esp-hold-limit 10000"),
    2: ("limits held-esp-per-client 64", "esp-hold-limit 10000", "new-sa-pause 2500"),
}


def impaired(version, kinds):
    """Loss, doubling and reordering outside, more of it for IKE."""

    statements = [f"security alg ike-esp-nat ikealg {s}" for s in PATIENCE[version]]

    def run(t):
        t.begin(*clients(version, "c1", "c2", "c3"), statements=statements, impair=(IMPAIRMENT, 7))
        t.up(timeout=90)
        t.pings()
        with t.pinging(what="during rekeys"):
            for what, by in kinds:
                t.rekey(what, by)
        t.traffic()

    return run


# fmt: off
SCENARIOS = {s.name: s for s in (
    Scenario("one-v1", "one client, IKEv1", together(1, "c1"), "either"),
    Scenario("one-v2", "one client, IKEv2", together(2, "c1"), "either"),
    Scenario("two-v1", "two clients started together, IKEv1", together(1, "c1", "c2"), tags={"short"}),
    Scenario("two-v2", "two clients started together, IKEv2", together(2, "c1", "c2"), tags={"short"}),
    Scenario("three-v1", "three clients started together, IKEv1", together(1, "c1", "c2", "c3")),
    Scenario("three-v2", "three clients started together, IKEv2", together(2, "c1", "c2", "c3")),
    Scenario("server-first-v1", "the server sends the first ESP, one client, IKEv1", server_first(1, "c1")),
    Scenario("server-first-v2", "the server sends the first ESP, one client, IKEv2", server_first(2, "c1")),
    Scenario("server-first-three-v1", "the server sends the first ESP to each of three clients, IKEv1",
             server_first(1, "c1", "c2", "c3"), tags={"short"}),
    Scenario("server-first-three-v2", "the server sends the first ESP to each of three clients, IKEv2",
             server_first(2, "c1", "c2", "c3")),
    Scenario("server-first-all-v1", "three silent tunnels, then the server sends to all at once, IKEv1", server_first_to_all(1)),
    Scenario("server-first-all-v2", "three silent tunnels, then the server sends to all at once, IKEv2", server_first_to_all(2)),
    Scenario("idle-v1", f"{IDLE} s of silence, then the server sends first, one client, IKEv1", idle(1, "c1"), "either"),
    Scenario("idle-two-v2", f"{IDLE} s of silence, then the server sends first, two clients, IKEv2", idle(2, "c1", "c2")),
    Scenario("natt-mix-v2", "a plain client (IKEv1) and a NAT-T client (strongSwan, IKEv2), rekeys of both",
             natt_mix(Client("c1", 1), natt=Client("c2", 2, natt=True, daemon="strongswan")), "either", tags={"short"}),
    Scenario("natt-mix-v1", "two plain clients (IKEv2) and a NAT-T client (strongSwan, IKEv1), rekeys of all",
             natt_mix(Client("c1", 2), Client("c3", 2), natt=Client("c2", 1, natt=True, daemon="strongswan"))),
    Scenario("rekey-v1", "Phase 2 rekeys by client and server, two clients, IKEv1", rekeys(1, "c1", "c2", kinds=V1_REKEYS)),
    Scenario("rekey-v2", "CHILD_SA and IKE SA rekeys by client and server, three clients, IKEv2",
             rekeys(2, "c1", "c2", "c3", kinds=V2_REKEYS), tags={"short"}),
    Scenario("phase1-client", "Phase 1 anew by the clients, then Phase 2, two clients, IKEv1", phase_1("client")),
    Scenario("phase1-server", "Phase 1 anew by the server, then Phase 2, two clients, IKEv1", phase_1("server")),
    Scenario("phase1-server-exclusive", "Phase 1 anew by the server, then Phase 2, two clients with an address each, IKEv1",
             phase_1("server", exclusive=True), "either"),
    Scenario("power-v1", "one of two clients loses power and comes back, IKEv1", power_cut(1)),
    Scenario("power-v2", "one of two clients loses power and comes back, IKEv2", power_cut(2)),
    Scenario("fragments-ip-v1", "large certificates in IP fragments, two clients, IKEv1", certificates(1, "no", "ip")),
    Scenario("fragments-ip-v2", "large certificates in IP fragments, two clients, IKEv2", certificates(2, "no", "ip")),
    Scenario("fragments-skf-v2", "large certificates in encrypted fragments (SKF), two clients, IKEv2",
             certificates(2, "yes", "ike")),
    Scenario("dpd-v1", "dead peer detection by both ends, then one dies, two clients, IKEv1", dead_peer_detection(1)),
    Scenario("dpd-v2", "dead peer detection by both ends, then one dies, two clients, IKEv2", dead_peer_detection(2)),
    Scenario("pool", "three clients, two nat addresses, both versions, rekeys", pool),
    Scenario("restart-v1", "the gateway is restarted with tunnels up, two clients, IKEv1", restart(1, hard=False)),
    Scenario("restart-v2", "the gateway is restarted with tunnels up, two clients, IKEv2", restart(2, hard=False)),
    Scenario("crash-v2", "the gateway is killed and started again with tunnels up, two clients, IKEv2", restart(2, hard=True)),
    Scenario("reload", "configuration reloaded under traffic, a good one and a broken one, two clients, IKEv2", reload),
    Scenario("impaired-v1", "loss, doubling and reordering with rekeys, three clients, IKEv1", impaired(1, V1_REKEYS)),
    Scenario("impaired-v2", "loss, doubling and reordering with rekeys, three clients, IKEv2", impaired(2, V2_REKEYS[:4])),
)}
# fmt: on
