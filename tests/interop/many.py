#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many clients behind one address: one machine with hundreds of addresses and a tunnel from each to one server. See README.md."""

import argparse
import base64
import collections
import datetime
import gzip
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

from lab import capture, junos_config, plan, processes
from lab.machine import Machine
from lab.network import Network

HERE = os.path.dirname(os.path.abspath(__file__))
PSK = "not-a-secret"
INSIDE_NET = "10.10.0.0/16"
SERVER_INNER = "192.168.200.1"
CLIENTS = plan.Host(
    "clients",
    "inside",
    "10.10.0.2",
    plan.INSIDE_ADDRESS,
    "172.31.255.1",
    "172.20.0.0/16",
    ("192.168.200.0/24",),
    "52:54:00:0a:00:02",
)
SERVER = plan.Host(
    "server",
    "outside",
    "203.0.113.100",
    plan.OUTSIDE_ADDRESS,
    SERVER_INNER,
    "192.168.200.0/24",
    ("172.20.0.0/16", "198.18.0.0/16"),
    "52:54:00:cb:71:64",
)


def outer(client):
    return f"10.10.{1 + (client - 1) // 250}.{1 + (client - 1) % 250}"


def say(text):
    print(text, flush=True)


# --- gateways

NFT = """
sysctl -qw net.ipv4.ip_forward=1
nft -f - <<'N'
table ip lab {
    chain prerouting { type nat hook prerouting priority -100; %s; }
    chain postrouting { type nat hook postrouting priority 100; oifname "outside" %s; }
}
N
"""
SHELL = {
    "nft": NFT % ("accept", "masquerade"),
    # An address of its own for each client, 198.18.X.Y for 10.10.X.Y: what the machines can carry.
    "nft-1to1": NFT
    % (
        'iifname "outside" dnat ip prefix to ip daddr map { 198.18.0.0/16 : 10.10.0.0/16 }',
        "snat ip prefix to ip saddr map { 10.10.0.0/16 : 198.18.0.0/16 }",
    ),
}


def ikealg_configuration(pool):
    """That of the other scenarios, on a larger net. A crowd is about the slot: the pause of a new SA is the default one."""
    return (
        junos_config.text(pool, new_sa_pause=None)
        .replace(plan.INSIDE_NET, INSIDE_NET)
        .replace(f"{plan.INSIDE_ADDRESS}/24", f"{plan.INSIDE_ADDRESS}/16")
    )


# Of ikealg's counters, those that say how a crowd went.
TOLD = ("phase2_", "bindings_", "gates_", "learning_", "exchanges_", "esp_", "ike_ambiguous", "spi_", "hold_", "mal")


class Gateway:
    def __init__(self, name, program, nat_addresses, ledger, network, folder):
        self.name, self.folder, self.process = name, folder, None
        self._ledger, self._network, self._program, self._nat = ledger, network, program, nat_addresses

    def start(self):
        kernel = self.name in SHELL
        self._network.new_gateway("kernel" if kernel else "bare", plan.OUTSIDE_ADDRESS)
        netns = self._network.gateway_netns
        if kernel:
            processes.sh("ip addr replace 10.10.0.1/16 dev inside", netns=netns)
            processes.sh(["sh", "-ec", SHELL[self.name]], netns=netns)
            return
        config, ready = f"{self.folder}/gateway.conf", f"{self.folder}/gateway.ready"
        with open(config, "w") as f:
            f.write(ikealg_configuration("203.0.113.10" + (f"-203.0.113.{9 + self._nat}" if self._nat > 1 else "")))
        with open(f"{self.folder}/gateway.log", "w") as log:
            self.process = self._ledger.popen(
                [self._program, "--config", config, "--log-level", "debug", "--log-file", f"{self.folder}/events.log"],
                "ikealg-gateway",
                netns=netns,
                env={**os.environ, "GW_READY_FILE": ready},
                stdout=log,
                stderr=log,
            )
        if (
            not processes.wait_until(lambda: self.process.poll() is not None or os.path.exists(ready), 20)
            or self.process.poll() is not None
        ):
            with open(f"{self.folder}/gateway.log") as log:
                raise RuntimeError(f"ikealg-gateway did not start: {log.read()[-2000:]}")

    def cpu(self):
        """Seconds of processor time so far."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def told(self):
        """What ikealg says about itself: its counters, after it has ended, and the longest that it held a packet."""
        if not os.path.exists(f"{self.folder}/gateway.log"):
            return {}
        with open(f"{self.folder}/gateway.log") as f:
            counters = {m[1]: int(m[2]) for m in re.finditer(r"^  (\w+) +(\d+)(?:  .*)?$", f.read(), re.M)}
        with open(f"{self.folder}/events.log") as f:
            waits = [int(m[1]) for m in re.finditer(r" released .*detail=(\d+)", f.read())]
        return {
            "held": counters.get("phase2_held", 0) + counters.get("esp_held", 0),
            "longest_hold_ms": max(waits, default=0),
            **{c: n for c, n in counters.items() if c.startswith(TOLD)},
        }

    def stop(self):
        if self.process is not None:
            status = self.process.poll()
            if status is not None:
                say(f"the gateway ended by itself with status {status}")
            else:
                processes.stop_group(self.process)
            self.process = None


# --- machines


def make_system(system, folder):
    """The machines' system with what this run adds: a second archive behind the first."""
    root = f"{folder}/overlay"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(f"{root}/usr/bin")
    subprocess.run(["cc", "-O2", "-static", "-o", f"{root}/usr/bin/sweep", f"{HERE}/many_guest/sweep.c"], check=True)
    shutil.copy(f"{HERE}/many_guest/setup.sh", f"{root}/usr/bin/many-setup")
    os.chmod(f"{root}/usr/bin/many-setup", 0o755)
    out = f"{folder}/system"
    os.makedirs(out, exist_ok=True)
    shutil.copy(f"{system}/vmlinuz", out)
    listing = "\n".join(["usr", "usr/bin", "usr/bin/sweep", "usr/bin/many-setup"])
    archive = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=listing.encode(), capture_output=True, check=True
    ).stdout
    with open(f"{system}/initramfs", "rb") as f, open(f"{out}/initramfs", "wb") as g:
        shutil.copyfileobj(f, g)
        g.write(bytes(-g.tell() % 512) + archive)
    return out


def tunnels(machine):
    """How many of its connections have had a tunnel."""
    return int(
        machine.run(
            """awk 'match($0, /"c[0-9]+"/) && />0x/ { c[substr($0, RSTART, RLENGTH)] } END { for (i in c) ++n; print n + 0 }' """
            "/var/log/pluto.log",
            timeout=300,
        )[1]
    )


def log_of(machine):
    return gzip.decompress(base64.b64decode(machine.run("gzip -c /var/log/pluto.log | base64", timeout=300)[1])).decode(
        errors="replace"
    )


def set_up(machine, side, count, version):
    """Configures a machine and waits until pluto has all connections; returns the seconds that took."""
    begin = time.monotonic()
    machine.run(
        f"RETRANSMIT_MS={max(4000, 20 * count)} many-setup {side} {count} {version} {PSK}", timeout=300, check=True
    )
    loaded = [0]

    def done():
        out = machine.run("grep -c 'added.*connection' /var/log/pluto.log; pidof pluto", timeout=120)[1].split()
        loaded[0] = int(out[0]) if out else 0
        if len(out) < 2:
            raise RuntimeError(f"{machine.name}: pluto ended: " + machine.run("tail -20 /var/log/pluto.log")[1])
        return loaded[0] >= count

    if not processes.wait_until(done, 60 + count, 1):
        raise RuntimeError(f"{machine.name}: {loaded[0]} of {count} connections after {60 + count} s")
    return time.monotonic() - begin


# --- what the captures say


def esp_owners(logs, states):
    """SPI -> client's outer address, for every SA that either end ever had."""
    owner = {}
    for line in logs["clients"].splitlines():
        m = re.search(r'"c(\d+)".*=>0x([0-9a-f]{8}) <0x([0-9a-f]{8})', line)
        if m:
            owner[m[2]] = owner[m[3]] = outer(int(m[1]))
    for source, target, spi in states["clients"]:
        owner[spi] = source if source != SERVER.address else target
    return owner


def account(folder, owners):
    """Compares the gateway's two wires, packet by packet."""
    wires = {}
    for side in plan.SIDES:
        esp, ike = collections.defaultdict(list), collections.defaultdict(list)
        for t, frame in capture.packets(f"{folder}/{side}.pcap"):
            if len(frame) < 42 or frame[12:14] != b"\x08\x00":
                continue
            header = 14 + (frame[14] & 15) * 4
            source, target = (".".join(map(str, frame[i : i + 4])) for i in (26, 30))
            inbound = source == SERVER.address
            body = frame[header : 14 + struct.unpack("!H", frame[16:18])[0]]
            if frame[23] == 50:
                esp[inbound, body[:8]].append((t, target if inbound else source))
            elif frame[23] == 17 and len(body) >= 36:
                ike[inbound, body[8:]].append((t, target if inbound else source))
        wires[side] = esp, ike
    result = {}
    for kind, name in ((0, "esp"), (1, "ike")):
        here, there = wires["inside"][kind], wires["outside"][kind]
        waits, lost, passed, wrong, held = [], collections.Counter(), 0, 0, 0
        client_of = {}  # IKE: initiator SPI -> client, by who sent it first
        if kind:
            for (inbound, message), seen in here.items():
                if not inbound:
                    client_of.setdefault(message[:8], seen[0][1])
        for inbound, (first, then) in ((False, (here, there)), (True, (there, here))):
            for key, entered in first.items():
                if key[0] != inbound:
                    continue
                left = then.get(key, [])
                passed += len(left)
                if len(left) < len(entered):
                    lost["in" if inbound else "out"] += len(entered) - len(left)
                entries = [t for t, _ in entered]
                for t, to in left:
                    before = [e for e in entries if e <= t + 1e-4]
                    if before:
                        wait = t - before[-1]
                        entries.remove(before[-1])
                        waits.append((max(wait, 0.0), key[1][:8].hex()))
                        held += wait > 0.02
                    if inbound:
                        whose = client_of.get(key[1][:8]) if kind else owners.get(key[1][:4].hex())
                        wrong += whose is not None and whose != to
        result[name] = {
            "passed": passed,
            "lost_out": lost["out"],
            "lost_in": lost["in"],
            "wrong": wrong,
            "waited_20ms": held,
            "longest_wait_ms": round(max(waits, default=(0,))[0] * 1000),
        }
    begin = min((seen[0][0] for seen in wires["inside"][1].values()), default=0)
    result["span_s"] = round(
        max((s[-1][0] for w in wires.values() for k in w for s in k.values()), default=begin) - begin, 1
    )
    return result


# --- the run


class Sweep:
    """Pings through all tunnels, each until it is answered; runs from its construction on."""

    def __init__(self, machine, way, count, gap_us, tries, interval_ms=2000):
        self._begin = time.monotonic()
        self._bound = count * gap_us / 1e6 + tries * interval_ms / 1e3 + 300
        self._answer = machine.start(f"sweep {way} {SERVER_INNER} {count} {gap_us} {tries} {interval_ms}")

    def result(self):
        status, out = self._answer.result(self._bound)
        if status:
            raise RuntimeError(f"sweep ended with {status}: {out[-400:]}")
        rows = [tuple(map(int, line.split())) for line in out.splitlines()]
        answered = [r for r in rows if r[2]]
        return {
            "answered": len(answered),
            "by_first": sum(r[2] == 1 for r in rows),
            "slowest_ms": max((r[4] for r in answered), default=0),
            "requests": sum(r[1] for r in rows),
            "silent": [r[0] for r in rows if not r[2]][:20],
            "seconds": round(time.monotonic() - self._begin, 1),
        }


def one_run(a, lab, count):
    folder = f"{a.evidence}/{a.gateway}-v{a.version}-{count}-{a.stagger}ms"
    os.makedirs(folder, exist_ok=True)
    network, clients, server, ledger = lab
    gateway = Gateway(a.gateway, a.program, a.nat_addresses, ledger, network, folder)
    gateway.start()
    try:
        loaded = [set_up(server, "server", count, a.version), set_up(clients, "clients", count, a.version)]
        say(f"{count} connections loaded: server {loaded[0]:.0f} s, clients {loaded[1]:.0f} s")
        wires = capture.Capture(network, ledger, folder)
        begin = time.monotonic()
        whack = "/usr/libexec/ipsec/whack --asynchronous --initiate --name"
        if a.stagger:
            started = clients.start(
                f"for i in $(seq {count}); do {whack} c$i > /dev/null 2>&1 & usleep {a.stagger * 1000}; done; wait"
            )
        else:
            started = clients.start(f"{whack} all > /dev/null 2>&1")
        during = Sweep(clients, "out", count, a.stagger * 1000, 100 + count // 8) if a.traffic == "during" else None
        up, last, progress = 0, -1, time.monotonic()
        while up < count and time.monotonic() - progress < (a.patience or 90 + count / 3):
            time.sleep(2 + count / 200)
            up = tunnels(clients)
            if up != last:
                say(f"{time.monotonic() - begin:6.0f} s: {up} up")
                last, progress = up, time.monotonic()
            if not started.done():
                progress = time.monotonic()
        up_after = progress - begin
        result = {
            "gateway": a.gateway,
            "version": a.version,
            "clients": count,
            "stagger_ms": a.stagger,
            "up": up,
            "up_seconds": round(up_after, 1),
        }
        say(f"{up} of {count} up after {up_after:.0f} s")
        result["out"] = (during or Sweep(clients, "out", count, a.ping_gap_us, a.tries)).result()
        # Only now the server's: what it sends first to many clients at once nobody can tell apart.
        result["in"] = Sweep(server, "in", count, a.ping_gap_us, a.tries).result()
        result["out_again"] = Sweep(clients, "out", count, a.ping_gap_us, a.tries).result()
        result["gateway_cpu_s"] = round(gateway.cpu(), 2)
        wires.stop()
        logs = {m.name: log_of(m) for m in (clients, server)}
        states = {}
        for m in (clients, server):
            text = m.run(
                "ip2 xfrm state | awk '/^src/ { s = $2; t = $4 } /proto esp/ { print s, t, $4 }'", timeout=300
            )[1]
            states[m.name] = [(s, t, spi.removeprefix("0x")) for s, t, spi in (x.split() for x in text.splitlines())]
            result[m.name + "_errors"] = " ".join(
                m.run("awk '$2 { print $1 \"=\" $2 }' /proc/net/xfrm_stat")[1].split()
            )
            with open(f"{folder}/{m.name}.log", "w") as f:
                f.write(logs[m.name])
        owners = esp_owners(logs, states)
        with open(f"{folder}/owners.json", "w") as f:
            json.dump(owners, f)
        gateway.stop()
        result.update(account(folder, owners))
        result["told"] = gateway.told()
        with open(f"{folder}/result.json", "w") as f:
            json.dump(result, f, indent=1)
        say(json.dumps(result))
        return result
    finally:
        gateway.stop()


def table(results):
    """Wrong, dropped and waited are ESP and IKE together, from the recordings; held is what ikealg says."""
    rows = [
        (
            "gateway",
            "IKE",
            "clients",
            "start",
            "up",
            "ping out",
            "ping in",
            "wrong",
            "held",
            "dropped",
            "longest wait",
            "up after",
        )
    ]
    for r in results:
        kinds = [r[k] for k in ("esp", "ike")]
        rows.append(
            (
                r["gateway"],
                f"v{r['version']}",
                str(r["clients"]),
                f"{r['stagger_ms']} ms apart" if r["stagger_ms"] else "together",
                str(r["up"]),
                str(r["out_again"]["answered"]),
                str(r["in"]["answered"]),
                str(sum(k["wrong"] for k in kinds)),
                str(r["told"].get("held", "-")),
                str(sum(k["lost_out"] + k["lost_in"] for k in kinds)),
                f"{max(k['longest_wait_ms'] for k in kinds)} ms",
                f"{r['up_seconds']:.0f} s",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows)


def main():
    p = argparse.ArgumentParser(prog="interop.sh many")
    p.add_argument("clients", nargs="*", type=int, default=[100])
    p.add_argument("--version", type=int, choices=(1, 2), default=2)
    p.add_argument("--stagger", type=int, default=0, metavar="MS", help="0: all at once")
    p.add_argument("--gateway", default="ikealg", choices=("ikealg", *SHELL))
    p.add_argument("--program", default=os.environ.get("IKEALG_GATEWAY") or "ikealg-gateway", help="ikealg-gateway")
    p.add_argument("--nat-addresses", type=int, default=1)
    p.add_argument(
        "--traffic", choices=("after", "during"), default="after", help="pings when all are up, or from the start"
    )
    p.add_argument("--ping-gap-us", type=int, default=20000, help="between the first pings of two clients")
    p.add_argument("--tries", type=int, default=15)
    p.add_argument(
        "--patience",
        type=int,
        default=0,
        help="seconds without a new tunnel after which no more are expected (90 and a third of a second per client)",
    )
    p.add_argument("--system", required=True, help="folder of guest/build.sh")
    p.add_argument("--evidence", default="")
    a = p.parse_args()
    a.evidence = a.evidence or f"{a.system}/runs/many-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    os.makedirs(a.evidence, exist_ok=True)
    os.environ.setdefault("MACHINE_MB", "1024")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ledger_folder = f"{a.system}/many-ledgers"
    processes.end_leftovers(ledger_folder)
    system = make_system(a.system, a.evidence)
    ledger = processes.Ledger(ledger_folder)
    network, machines, results, bad = None, [], [], 0
    try:
        network = Network(ledger)
        for host in (CLIENTS, SERVER):
            machines.append(Machine(host, system, network, ledger, a.evidence))
        for m in machines:
            m.ready()
        for count in a.clients:
            results.append(r := one_run(a, (network, *machines, ledger), count))
            bad += (
                r["up"] < count
                or r["in"]["answered"] < count
                or r["out_again"]["answered"] < count
                or r["esp"]["wrong"] > 0
            )
    finally:
        for m in machines:
            m.stop()
        if network:
            network.close()
        ledger.close()
        shutil.rmtree(system, ignore_errors=True)
    say(table(results))
    say(f"evidence: {a.evidence}")
    return 1 if bad else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
