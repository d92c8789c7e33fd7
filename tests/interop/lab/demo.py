# SPDX-License-Identifier: Apache-2.0
"""What examples/live-demo.sh shows: the same clients behind an ordinary NAT and behind ikealg."""

import time

from . import gateways, plan
from .peers import Client
from .run import Lab, evidence_folder
from .trial import Trial

CLIENTS = ("c1", "c2", "c3")


def say(text=""):
    print(text, flush=True)


def behind(lab, gateway, folder):
    """Three clients behind a gateway; (how many tunnels carried everything, how many ESP packets went astray)."""
    t = Trial(lab, gateways.kind_of(gateway), f"{folder}/{gateways.label(gateway)}", say=lambda line: None)
    begin = time.monotonic()
    try:
        t.begin(*(Client(name, 2) for name in CLIENTS))
        say(
            f"   All three start their IPsec tunnel at the same moment, IKEv2 and plain ESP, all from {t.gateway.pool}."
        )
        t.up()
        out = t.pings()
        back = t.pings(to_client=True)
        alive = {c.name for c, a, b in zip(t.clients, out, back) if a and b}
        t.transfers(alive=alive)
    finally:
        account = t.end()

    def passed(client, what):
        return any(ok for ok, name, _ in t.checks if client in name and what in name)

    say("\n   client   IKE says the tunnel is up   ping to the server   ping from the server   download")
    good = 0
    for name in CLIENTS:
        row = [
            passed(name, "tunnel up"),
            passed(name, f"ping {name} to server"),
            passed(name, f"ping server to {name}"),
            passed(name, "TCP server to"),
        ]
        good += all(row)
        up, *rest = ("yes" if ok else "NO" for ok in row)
        say(f"   {name:<8} {up:<27} {rest[0]:<20} {rest[1]:<22} {rest[2]}")
    lost = max(sum(len(times) for times in account.lost.values()) - len(account.wrong), 0)
    say(
        f"\n   {len(account.wrong)} ESP packets went to the wrong client, {lost} never left the gateway."
        f" ({time.monotonic() - begin:.0f} s)"
    )
    return good, len(account.wrong)


def run(gateway, build):
    begin = time.monotonic()
    folder = evidence_folder(build)
    say(
        "\n1. Four machines boot: three clients in an office and a server on the internet, each a Debian kernel with\n"
        "   libreswan under QEMU, and between them a gateway with one public address.\n\n"
        + "\n".join(
            f"      {c.name} {c.address} --{end}"
            for c, end in zip(plan.CLIENTS.values(), ("\\", "--- [gateway] --- server " + plan.SERVER.address, "/"))
        )
        + "\n"
    )
    with Lab(build, folder) as lab:
        say(
            "\n2. The gateway is an ordinary NAT: Linux forwarding and nftables source NAT. ESP has no ports, so nothing in the\n"
            "   server's packets says which client they are for.\n"
        )
        nft_good, _ = behind(lab, "nft", folder)
        say(f"   => {nft_good} of {len(CLIENTS)} tunnels work.")
        say(
            f"\n3. The same machines; the gateway is now {gateway}, which follows the IKE exchanges and so learns whose each new\n"
            "   ESP SPI is.\n"
        )
        good, wrong = behind(lab, gateway, folder)
        say(f"   => {good} of {len(CLIENTS)} tunnels work.")
    say(
        f"\nRecordings of both sides of the gateway, logs and flow tables are in {folder}."
        f" ({time.monotonic() - begin:.0f} s)"
    )
    return good == len(CLIENTS) and wrong == 0 and nft_good < len(CLIENTS)
