# SPDX-License-Identifier: Apache-2.0
"""A run: boots the machines once, takes scenario after scenario to one gateway or two, and says what came of it."""

import concurrent.futures
import datetime
import json
import os
import time

from . import gateways, plan
from .machine import Machine
from .network import Network
from .processes import Ledger, end_leftovers
from .scenarios import SCENARIOS
from .trial import Trial


class Lab:
    """The machines and wires, for as many scenarios as wanted. Use as a context."""

    def __init__(self, build, evidence):
        self.evidence = evidence
        os.makedirs(evidence, exist_ok=True)
        end_leftovers(f"{build}/running")
        self.ledger = Ledger(f"{build}/running")
        self.machines, self.network = {}, None
        self._build = build
        self._threads = concurrent.futures.ThreadPoolExecutor(32)

    def __enter__(self):
        begin = time.monotonic()
        try:
            self.network = Network(self.ledger)
            for name, host in plan.HOSTS.items():
                self.machines[name] = Machine(host, f"{self._build}/guest", self.network, self.ledger, self.evidence)
            self.each(lambda m: m.ready(), self.machines.values())
        except BaseException:
            self.__exit__()
            raise
        print(f"{len(self.machines)} machines booted in {time.monotonic() - begin:.0f} s", flush=True)
        return self

    def __exit__(self, *_):
        for m in self.machines.values():
            m.stop()
        if self.network:
            self.network.close()
        self.ledger.close()

    def each(self, function, items):
        """The results of function for every item, all at the same time."""
        return list(self._threads.map(function, list(items)))

    def trial(self, name, gateway, attempt=""):
        """Runs one scenario; returns its checks. `attempt` tells its evidence from an earlier one's."""
        scenario, kind = SCENARIOS[name], gateways.kind_of(gateway)
        print(f"\n=== {name}{attempt}: {scenario.about}   [{gateway}, {kind.mode}]", flush=True)
        t = Trial(self, kind, f"{self.evidence}/{gateways.label(gateway)}/{name}{attempt}")
        begin = time.monotonic()
        try:
            scenario.run(t)
        except Exception as e:  # reported as a failed check
            t.check(False, "the scenario ran to its end", f"{type(e).__name__}: {e}")
        try:
            t.end()
        except Exception as e:
            t.check(False, "evidence was collected", f"{type(e).__name__}: {e}")
            t.gateway.stop()
        print(f"    {time.monotonic() - begin:.0f} s", flush=True)
        return t.checks


def outcome(gateway, scenario, checks):
    """One word, or a few, about a scenario on a gateway; and whether that is good news."""
    failed = [what for ok, what, _ in checks if not ok]
    if gateway != "nft":
        return ("passed", True) if not failed else (f"FAILED ({len(failed)} of {len(checks)} checks)", False)
    expected = SCENARIOS[scenario].nft
    if failed:
        how = "as expected " if expected == "fails" else ""
        return f"fails {how}with nft ({len(failed)} of {len(checks)} checks)", True
    return ("passed", True) if expected != "fails" else ("passed though nft should fail", False)


def evidence_folder(build):
    return os.environ.get("EVIDENCE", f"{build}/runs/{datetime.datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}")


def run(names, used, build, markdown=False, again=False):
    """`used`: names of gateways; `again`: what did not come out right is tried a second time, which then counts. Returns whether
    everything is as it should be."""
    evidence = evidence_folder(build)
    results, first_failed = {}, set()
    try:
        with Lab(build, evidence) as lab:
            for name in names:
                for gateway in used:
                    checks = lab.trial(name, gateway)
                    if again and not outcome(gateway, name, checks)[1]:
                        first_failed.add((name, gateway))
                        checks = lab.trial(name, gateway, "-again")
                    results[name, gateway] = checks
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    good = len(results) == len(names) * len(used)
    rows = []
    for (name, gateway), checks in results.items():
        words, fine = outcome(gateway, name, checks)
        words += ", at the second try" if (name, gateway) in first_failed else ""
        good &= fine
        rows.append(
            (
                name,
                gateway,
                words,
                [f"{what}{': ' + detail if detail else ''}" for ok, what, detail in checks if not ok],
            )
        )
    print("\n" + (table(rows, used) if markdown else summary(rows)))
    print(f"\nevidence: {evidence}", flush=True)
    with open(f"{evidence}/results.json", "w") as f:
        json.dump([{"scenario": n, "gateway": g, "checks": c} for (n, g), c in results.items()], f, indent=1)
    return good


def summary(rows):
    out = []
    for name, gateway, words, failed in rows:
        out.append(f"{name:<22} {gateway:<9} {words}")
        out += [f"{'':<32}   {what}" for what in failed]
    return "\n".join(out)


def table(rows, used):
    """Markdown: a line for each scenario, a column for each gateway."""
    words = {(name, gateway): text for name, gateway, text, _ in rows}
    names = list(dict.fromkeys(name for name, *_ in rows))
    out = ["| scenario | what | " + " | ".join(used) + " |", "|---" * (len(used) + 2) + "|"]
    out += [
        f"| {n} | {SCENARIOS[n].about} | " + " | ".join(words.get((n, g), "not run") for g in used) + " |"
        for n in names
    ]
    return "\n".join(out)
