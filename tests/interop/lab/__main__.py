# SPDX-License-Identifier: Apache-2.0
"""The command line; ../../interop.sh prepares the machine and calls it."""

import argparse
import os
import signal
import sys

from . import demo
from .capture import flows, text_of
from .run import run
from .scenarios import SCENARIOS


def selected(words):
    names = []
    for word in words or ["short"]:
        if word in SCENARIOS:
            names.append(word)
        elif word in ("all", "short"):
            names += [s.name for s in SCENARIOS.values() if word == "all" or word in s.tags]
        else:
            raise SystemExit(f"no such scenario: {word} (see: tests/interop.sh list)")
    return list(dict.fromkeys(names))


def main():
    p = argparse.ArgumentParser(
        prog="tests/interop.sh",
        description="Real IPsec hosts around a gateway. SCENARIO is a name, or one of: "
        "short (the default), all, list.",
    )
    p.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    p.add_argument("--gateway", default="ikealg", help="ikealg (the default), nft, nft-1to1, demo, or a command")
    p.add_argument("--compare", action="store_true", help="the same with nft")
    p.add_argument("--again", action="store_true", help="what fails is tried once more, and that counts: for busy machines")
    p.add_argument("--table", action="store_true", help="the outcome as a Markdown table")
    p.add_argument("--flows", metavar="PCAP", help="print the flows of a recording and end")
    p.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)  # examples/live-demo.sh
    p.add_argument("--build", required=True, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.flows:
        found = flows(a.flows)
        print(text_of(found, min((f.first for f in found), default=0)))
        return 0
    if a.scenarios == ["list"]:
        for s in SCENARIOS.values():
            print(f"{s.name:<22} {s.about}{'  [short]' if 'short' in s.tags else ''}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if a.demo:
        return 0 if demo.run(a.gateway, a.build) else 1
    names = selected(a.scenarios)
    used = [a.gateway] + (["nft"] if a.compare and a.gateway != "nft" else [])
    return 0 if run(names, used, a.build, a.table, a.again) else 1


if __name__ == "__main__":
    try:
        status = main()
    except SystemExit as e:
        if isinstance(e.code, str):
            print(e.code, file=sys.stderr)
        status = e.code if isinstance(e.code, int) else int(e.code is not None)
    sys.stdout.flush()
    os._exit(status)  # without waiting for threads that still read from a machine
