# SPDX-License-Identifier: Apache-2.0
"""The wires: a namespace with a bridge on each side, the gateway's namespace between them, and impairers where a scenario
wants some."""

import json
import os
import sys

from . import plan
from .processes import sh, stop_group, wait_until


class Network:
    def __init__(self, ledger):
        self._ledger = ledger
        prefix = f"ikealg{os.getpid()}"
        self.netns = {side: f"{prefix}-{side}" for side in plan.SIDES}
        self.gateway_netns = f"{prefix}-gateway"
        self._impairers = []
        for netns in self.netns.values():
            self._new_netns(netns)
            self._bridge(netns, "br0")

    def _new_netns(self, netns):
        sh(f"ip netns add {netns}")
        self._ledger.netns(netns)
        for of in ("all", "default"):
            sh(f"sysctl -qw net.ipv6.conf.{of}.disable_ipv6=1", netns=netns, check=False)
        sh("ip link set lo up", netns=netns)

    @staticmethod
    def _bridge(netns, name):
        sh(f"ip link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0", netns=netns)
        sh(f"ip link set {name} up", netns=netns)

    @staticmethod
    def _tap(netns, name, bridge):
        sh(f"ip tuntap add {name} mode tap", netns=netns)
        sh(f"ip link set {name} master {bridge} up", netns=netns)

    def host_tap(self, host):
        name = "tap-" + host.name
        self._tap(self.netns[host.side], name, "br0")
        return name

    def new_gateway(self, mode, pool):
        """A fresh namespace for the gateway, with its two interfaces as `mode` promises them (see gateway.py)."""
        self.drop_gateway()
        self._new_netns(self.gateway_netns)
        for side in plan.SIDES:
            wire, port = self.netns[side], "gw-" + side
            device = side if mode != "tap" else "wire-" + side
            sh(f"ip link add {port} netns {wire} type veth peer name {device} netns {self.gateway_netns}")
            sh(f"ip link set {port} master br0 up", netns=wire)
            for netns, name in ((wire, port), (self.gateway_netns, device)):
                sh(f"ethtool -K {name} tx off rx off tso off gso off gro off sg off", netns=netns, check=False)
            if mode == "tap":
                # The program is the device; a bridge joins the kernel's end of the tap to the wire.
                self._bridge(self.gateway_netns, "br-" + side)
                sh(f"ip link set {device} master br-{side} up", netns=self.gateway_netns)
                self._tap(self.gateway_netns, side, "br-" + side)
                continue
            sh(f"ip link set {device} address {plan.GATEWAY_MAC[side]} up", netns=self.gateway_netns)
            if mode == "kernel":
                sh(f"ip addr add {plan.GATEWAY_ADDRESS[side]}/24 dev {device}", netns=self.gateway_netns)
        if mode == "kernel":
            for a in plan.addresses(pool):
                if a != plan.OUTSIDE_ADDRESS:
                    sh(f"ip addr add {a}/24 dev outside", netns=self.gateway_netns)
        else:
            for setting in ("net.ipv4.ip_forward=0", "net.ipv4.conf.all.arp_ignore=8"):
                sh(f"sysctl -qw {setting}", netns=self.gateway_netns)

    def impair(self, side, rates, seed, log):
        """Puts an impairer between the gateway's port and the hosts of `side`; captures see the gateway's end of it."""
        netns = self.netns[side]
        self._bridge(netns, "br1")
        sh(f"ip link set gw-{side} master br1", netns=netns)
        self._tap(netns, "imp-gateway", "br1")
        self._tap(netns, "imp-hosts", "br0")
        p = self._ledger.popen(
            [sys.executable, "-B", "-m", "lab.impairer", "imp-gateway", "imp-hosts", str(seed), json.dumps(rates), log],
            "impairer",
            netns=netns,
            cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        )
        self._impairers.append((side, p))
        if not wait_until(lambda: p.poll() is not None or os.path.exists(log), 20) or p.poll() is not None:
            raise RuntimeError(f"the impairer did not start: status {p.poll()}")

    def drop_gateway(self):
        for side, p in self._impairers:
            stop_group(p)
            for name in ("imp-gateway", "imp-hosts", "br1"):
                sh(f"ip link del {name}", netns=self.netns[side], check=False)
        self._impairers = []
        if self.gateway_netns in sh("ip netns list").split():
            for side in plan.SIDES:
                sh(f"ip link del gw-{side}", netns=self.netns[side], check=False)
            sh(f"ip netns del {self.gateway_netns}")

    def close(self):
        self.drop_gateway()
        for netns in self.netns.values():
            sh(f"ip netns del {netns}", check=False)
