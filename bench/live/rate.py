#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packets a second through ikealg-gateway and through nftables masquerade, on the same veth pairs in the same run.

    bench/live/rate.py --gateway build/release/examples/ikealg-gateway --generator build/release/bench/generator

Three network namespaces: a generator, the gateway, a sink that counts in its device and drops. A generator that sends faster than the gateway
can shows its capacity; one that is paced by nothing shares the machine's cores with the gateway, so the figures are for comparison
in one run and not for others' machines. CPU is that of the whole machine per delivered packet: nftables works in softirqs, which
belong to no process. Needs root.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

CONFIG = """
set interfaces inside unit 0 family inet address 10.10.0.1/24
set interfaces outside unit 0 family inet address 203.0.113.1/24
set security zones security-zone trust interfaces inside.0
set security zones security-zone untrust interfaces outside.0
set security nat source address-persistent
set security nat source rule-set out from zone trust
set security nat source rule-set out to zone untrust
set security nat source rule-set out rule all match source-address 10.10.0.0/24
set security nat source rule-set out rule all then source-nat interface
set applications application ike-alg application-protocol ike-esp-nat protocol udp destination-port 500
set security policies from-zone trust to-zone untrust policy ike match source-address any destination-address any application ike-alg
set security policies from-zone trust to-zone untrust policy ike then permit
set security policies from-zone trust to-zone untrust policy rest match source-address any destination-address any application any
set security policies from-zone trust to-zone untrust policy rest then permit
set security alg ike-esp-nat enable
"""


def sh(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


class Wires:
    """The three namespaces; gone when the block ends."""

    def __enter__(self):
        self.name = {n: f"ikealg-rate-{n}-{os.getpid()}" for n in ("source", "gw", "sink")}
        for n in self.name.values():
            sh("ip", "netns", "add", n)
        source, gw, sink = self.name.values()
        for device, host in (("inside", source), ("outside", sink)):
            sh("ip", "link", "add", device, "netns", gw, "type", "veth", "peer", "name", "eth0", "netns", host)
            sh("ip", "-n", gw, "link", "set", device, "up")
            sh("ip", "-n", host, "link", "set", "eth0", "up")
        sh("ip", "-n", source, "addr", "add", "10.10.0.11/24", "dev", "eth0")
        sh("ip", "-n", sink, "addr", "add", "203.0.113.100/24", "dev", "eth0")
        sh("ip", "netns", "exec", sink, "nft", "add table raw; add chain raw in { type filter hook prerouting priority -300; }; "
           "add rule raw in udp dport 7777 drop")
        return self

    def __exit__(self, *_):
        for n in self.name.values():
            subprocess.run(["ip", "netns", "del", n], check=False)

    def mac(self, where, device):
        return re.search(r"link/ether (\S+)", sh("ip", "-n", self.name[where], "link", "show", device)).group(1)

    def delivered(self):
        stats = json.loads(sh("ip", "-n", self.name["sink"], "-s", "-j", "link", "show", "eth0"))
        return stats[0]["stats64"]["rx"]["packets"]


def busy_seconds():
    """CPU time that all cores spent on anything."""
    fields = [int(x) for x in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def measure(wires, generator, size, flows, seconds):
    words = ["ip", "netns", "exec", wires.name["source"], generator, "eth0", wires.mac("source", "eth0"), wires.mac("gw", "inside"),
             "10.10.0.11", "203.0.113.100", str(flows), str(size)]
    sh(*words, "0.3")  # the flows exist, the server's address is resolved
    time.sleep(0.3)
    before, cpu = wires.delivered(), busy_seconds()
    sent, took = sh(*words, str(seconds)).split()
    time.sleep(0.3)
    got = wires.delivered() - before
    return {"sent_per_s": int(sent) / float(took), "delivered_per_s": got / float(took),
            "cpu_us_per_delivered": (busy_seconds() - cpu) * 1e6 / max(got, 1)}


def with_nft(wires, work):
    gw = wires.name["gw"]
    sh("ip", "-n", gw, "addr", "add", "10.10.0.1/24", "dev", "inside")
    sh("ip", "-n", gw, "addr", "add", "203.0.113.1/24", "dev", "outside")
    sh("ip", "netns", "exec", gw, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    sh("ip", "netns", "exec", gw, "nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; "
       "add rule ip nat post oifname outside masquerade")
    return work()


def with_ikealg(wires, program, work):
    with tempfile.TemporaryDirectory() as folder:
        config, ready = pathlib.Path(folder, "config"), pathlib.Path(folder, "ready")
        config.write_text(CONFIG)
        process = subprocess.Popen(["ip", "netns", "exec", wires.name["gw"], program, "--config", str(config), "--log-level", "error"],
                                   stdout=subprocess.DEVNULL, env={**os.environ, "GW_READY_FILE": str(ready)})
        try:
            while not ready.exists() and process.poll() is None:
                time.sleep(0.05)
            return work()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--gateway", required=True)
    options.add_argument("--generator", required=True)
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--flows", type=int, default=64)
    options.add_argument("--rounds", type=int, default=3)
    o = options.parse_args()
    print(f"{'bytes':>6} {'gateway':8} {'sent/s':>10} {'delivered/s':>12} {'CPU us/packet':>14}")
    for size in (64, 576, 1400):
        rates = {}
        for _ in range(o.rounds):
            for name, run in (("nft", with_nft), ("ikealg", lambda w, work: with_ikealg(w, o.gateway, work))):
                with Wires() as wires:
                    r = run(wires, lambda: measure(wires, o.generator, size, o.flows, o.seconds))
                rates.setdefault(name, []).append(r["delivered_per_s"])
                print(f"{size:6} {name:8} {r['sent_per_s']:10.0f} {r['delivered_per_s']:12.0f} {r['cpu_us_per_delivered']:14.2f}", flush=True)
        ratio = sorted(rates["ikealg"])[o.rounds // 2] / sorted(rates["nft"])[o.rounds // 2]
        print(f"{size:6} ratio of medians, ikealg to nft: {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
