# SPDX-License-Identifier: Apache-2.0
"""One scenario on one gateway: what a scenario's function may do, the checks that it makes, and the evidence that is
kept."""

import os
import time

from . import plan
from .accounting import account, during, nat_addresses, ping_verdict, spis_in, without_ike
from .capture import Capture, flows, text_of
from .gateways import Gateway
from .peers import EVIDENCE, KILL_ALL, TUNNEL, Libreswan, StrongSwan, client_connection, server_connection
from .processes import wait_until
from .traffic import Ping, Transfer

BULK_KB = int(os.environ.get("BULK_KB", "1024"))


class Trial:
    def __init__(self, lab, kind, folder, say=lambda line: print(line, flush=True)):
        self.lab, self.folder, self._say = lab, folder, say
        os.makedirs(folder, exist_ok=True)
        self.checks = []  # (passed, what, detail)
        self.clients = []
        self.gateway = Gateway(kind, lab.network, lab.ledger, folder)
        self._peers, self._events, self._deferred = {}, [], []
        self._logs = {}  # client -> logs of its machine before it lost power
        self._capture = None
        self._impairer_log = f"{folder}/impairer.log"
        self._began = time.time()

    # --- what is said and checked

    @property
    def seconds(self):
        return time.time() - self._began

    def note(self, text):
        self._events.append(f"{self.seconds:7.1f} s  {text}")
        self._say(f"          {self.seconds:6.1f} s  {text}")

    def check(self, passed, what, detail=""):
        self.checks.append((bool(passed), what, detail))
        self._say(f"    {'ok  ' if passed else 'FAIL'}  {self.seconds:6.1f} s  {what}{': ' + detail if detail else ''}")
        return bool(passed)

    # --- set-up

    def begin(self, *clients, server_options=None, addresses=1, statements=(), impair=None):
        """Fresh daemons and a fresh gateway; nothing is up yet. `statements`: of the gateway's configuration, see
        junos_config.py; `impair`: (rates, seed), see impairer.py."""
        self.clients = list(clients)
        self.gateway.addresses, self.gateway.extra = addresses, tuple(statements)
        self.gateway.create_interfaces()
        self.lab.each(lambda m: m.run(KILL_ALL, check=True) if m.on else m.boot_again(), self.lab.machines.values())
        if impair:
            rates, seed = impair
            self.note(
                f"the wire outside is impaired, seed {seed}: "
                + "; ".join(
                    f"{kind}: " + ", ".join(f"{what} {rate:.0%}" for what, rate in of.items())
                    for kind, of in rates.items()
                )
            )
            self.lab.network.impair("outside", rates, seed, self._impairer_log)
        self._capture = Capture(self.lab.network, self.lab.ledger, self.folder)
        self.gateway.start()
        certificates = any(c.certificates for c in clients)
        natt_v1 = any(c.natt and c.version == 1 for c in clients)

        def start_server():
            server = self._peers["server"] = Libreswan(self.lab.machines["server"])
            # NAT-T of IKEv1 is agreed on before the client is known: all IKEv1 connections or none.
            options = {"encapsulation": None, "nat-ikev1-method": None} if natt_v1 else {}
            text = "".join(
                server_connection(c, (options if c.version == 1 else {}) | (server_options or {})) for c in clients
            )
            server.start(text, {c.name: c for c in clients}, certificates)

        self.lab.each(lambda start: start(), [start_server] + [lambda c=c: self._start_client(c) for c in clients])
        bulk = f"head -c {BULK_KB << 10} /www/all > /www/bulk; md5sum < /www/bulk"
        self._md5 = self.lab.each(lambda m: m.run(bulk, check=True)[1].split()[0], self._machines())[0]
        self._began = time.time()

    def _machines(self):
        return [self.lab.machines[n] for n in ["server"] + [c.name for c in self.clients]]

    def _start_client(self, c):
        machine = self.lab.machines[c.name]
        if c.daemon == "strongswan":
            peer = StrongSwan(machine)
            peer.start(c)
        else:
            peer = Libreswan(machine)
            peer.start(client_connection(c), {TUNNEL: c}, c.certificates)
        self._peers[c.name] = peer

    # --- actions

    def up(self, clients=None, timeout=60):
        """Every client initiates, all at the same time."""
        clients = clients or self.clients
        results = self.lab.each(lambda c: self._peers[c.name].initiate(timeout=timeout), clients)
        for c, (up, said) in zip(clients, results):
            self.check(up, f"{c.name} tunnel up ({c})", "" if up else said)
        return all(up for up, _ in results)

    def rekey(self, what, by, clients=None):
        """Rekeys "child" or "ike" of every client at the same time, by "client" or "server"."""
        clients = clients or self.clients
        self.note(f"{what} rekey by {'each client' if by == 'client' else 'the server'}")

        def one(c):
            return self._peers[c.name].rekey(what) if by == "client" else self._peers["server"].rekey(what, c.name)

        for c, (done, said) in zip(clients, self.lab.each(one, clients)):
            self.check(done, f"{c.name} {what} rekey by the {by}", "" if done else said)

    def phase_1_again(self, by, timeout):
        """Waits until the lifetimes have made `by` negotiate every IKE SA anew."""

        def again(c):
            peer, name = (self._peers[c.name], TUNNEL) if by == "client" else (self._peers["server"], c.name)
            return wait_until(lambda: peer.ike_sas(name) >= 2, timeout, 1)

        for c, done in zip(self.clients, self.lab.each(again, self.clients)):
            self.check(done, f"{c.name} Phase 1 anew by the {by}")

    def ping_start(self, client, to_client=False, count=5, interval=0.4):
        server, host = self.lab.machines["server"], client.host
        if to_client:
            return Ping(server, plan.SERVER.inner, host.inner, count, interval)
        return Ping(self.lab.machines[client.name], host.inner, plan.SERVER.inner, count, interval)

    def pings(self, clients=None, to_client=False, count=5, what=""):
        """All clients at the same time."""
        clients = clients or self.clients
        running = [self.ping_start(c, to_client, count) for c in clients]
        return [self._ping_check(c, to_client, p.result(), what) for c, p in zip(clients, running)]

    def _ping_check(self, client, to_client, result, what):
        """Whose doing it is that pings were lost is known at the end."""
        way = f"ping server to {client.name}" if to_client else f"ping {client.name} to server"
        what = f"{way}{', ' + what if what else ''}"
        if result.sent > result.missing > 0:
            self._deferred.append((client.name, what, result))
            return True
        return self.check(result.all_answered, what, str(result))

    def pinging(self, clients=None, what="", interval=0.25):
        """A context in which every client and the server ping each other all the time. No ping may be lost, but by the
        impairer."""
        return _Pinging(self, clients or self.clients, what, interval)

    def transfers(self, clients=None, to_server=False, alive=None):
        """TCP of all clients at the same time; `to_server`: opened by the server."""
        clients = clients or self.clients
        machines, running = self.lab.machines, []
        for c in clients:
            timeout = 60 if alive is None or c.name in alive else 8
            running.append(
                Transfer(machines["server"], c.host.inner, timeout)
                if to_server
                else Transfer(machines[c.name], plan.SERVER.inner, timeout)
            )
        for c, t in zip(clients, running):
            md5, seconds = t.result()
            right = md5 == self._md5
            self.check(
                right,
                f"TCP {c.name} to server, opened by the server" if to_server else f"TCP server to {c.name}",
                f"{BULK_KB / 1024 / seconds:.1f} MB/s" if right else f"gave up after {seconds:.0f} s",
            )

    def traffic(self, clients=None):
        """Ping and TCP, both ways, all clients at the same time."""
        clients = clients or self.clients
        out = self.pings(clients)
        back = self.pings(clients, to_client=True)
        alive = {c.name for c, a, b in zip(clients, out, back) if a and b}  # one that cannot even ping gets little time
        self.transfers(clients, alive=alive)
        self.transfers(clients, to_server=True, alive=alive)

    def recovers(self, clients, timeout):
        """Waits until each client's pings are answered, both ways."""

        def both_ways(c):
            return all(self.ping_start(c, to_client, count=2).result().all_answered for to_client in (False, True))

        begin = time.time()

        def recovered(c):
            return time.time() - begin if wait_until(lambda: both_ways(c), timeout, 0.5) else None

        for c, after in zip(clients, self.lab.each(recovered, clients)):
            self.check(
                after is not None,
                f"{c.name} tunnel carries pings both ways again",
                "" if after is None else f"{after:.0f} s",
            )

    def power_cut(self, client, boot=True):
        """One moment it is there, the next it is not; `boot`: and comes back with nothing in memory."""
        machine = self.lab.machines[client.name]
        self._logs[client.name] = machine.run(EVIDENCE)[1]
        self.note(f"{client.name} loses power")
        machine.lose_power()
        if boot:
            machine.boot_again()
            machine.run(f"head -c {BULK_KB << 10} /www/all > /www/bulk")
            self._start_client(client)
            self.note(f"{client.name} is back")

    def server_gives_up(self, client, timeout):
        server = self._peers["server"]
        gone = wait_until(lambda: not server.established(client.name), timeout, 1)
        self.check(gone, f"the server notices that {client.name} is dead")

    # --- evidence

    def so_far(self):
        """The flows of both wires until now: (inside, outside)."""
        return tuple(flows(f"{self.folder}/{side}.pcap") for side in plan.SIDES)

    def end(self):
        """Makes the checks that the recordings answer, writes flows.txt and returns the account of ESP."""
        owner, hosts = self._collect_logs()
        self.check(self.gateway.alive, "gateway alive at the end")
        self._keep("gateway.show", self.gateway.show())
        if self._capture:
            self._capture.stop()
        cpu = self.gateway.cpu_seconds()
        status = self.gateway.stop()
        if status not in (0, -15):
            self.check(False, "gateway ended cleanly", f"status {status}")
        inside, outside = self.so_far()
        impairer_log = ""
        if os.path.exists(self._impairer_log):
            with open(self._impairer_log) as f:
                impairer_log = f.read()
        result = account(inside, outside, owner, impairer_log)
        for name, what, pings in self._deferred:
            passed, why = ping_verdict(
                pings.missing,
                during(result.lost[name], pings.began, pings.ended),
                during(result.impaired[name], pings.began, pings.ended),
                without_ike(pings, result.without_ike[name]),
            )
            self.check(passed, what, f"{pings}; {why}")
        for c in self.clients:
            self._check_encapsulation(c, inside)
        self.check(not result.wrong, "no ESP to a wrong client", f"{len(result.wrong)} packets" if result.wrong else "")
        self._check_addresses(outside, owner)
        for line in result.lines:
            self._say(f"          {line}")
        for f in inside + outside:
            if f.kind in ("esp", "udp-esp"):
                f.note = f"({owner.get(f.id, 'nobody known')})"
        if cpu is not None:
            hosts.append(f"the gateway used {cpu:.2f} s of processor time")
        self._keep(
            "flows.txt",
            "\n".join(
                ["checks"]
                + [
                    f"  {'ok  ' if ok else 'FAIL'} {what}{': ' + detail if detail else ''}"
                    for ok, what, detail in self.checks
                ]
                + ["", "events"]
                + self._events
                + ["", "ESP"]
                + [f"  {line}" for line in result.lines + hosts]
                + ["", "inside", text_of(inside, self._began), "", "outside", text_of(outside, self._began), ""]
            ),
        )
        return result

    def _collect_logs(self):
        owner, hosts = {}, []
        for c in self.clients:
            machine = self.lab.machines[c.name]
            log = self._logs.get(c.name, "") + (machine.run(EVIDENCE)[1] if machine.on else "")
            self._keep(f"{c.name}.log", log)
            owner |= {spi: c.name for spi in spis_in(log)}
            errors = [line for line in log.splitlines() if line.startswith("Xfrm")]
            hosts.append(f"{c.name}: " + (", ".join(" ".join(e.split()) for e in errors) or "no IPsec errors counted"))
        self._keep("server.log", self.lab.machines["server"].run(EVIDENCE)[1])
        return owner, hosts

    def _check_encapsulation(self, c, inside):
        mine = [f for f in inside if f.source.split(":")[0] == c.host.address]
        raw = any(f.kind == "esp" for f in mine)
        natt = any(f.kind == "udp-esp" or f.source.endswith(":4500") for f in mine)
        if c.natt:
            self.check(natt and not raw, f"{c.name} used NAT-T")
        else:
            self.check(not natt, f"{c.name} used plain ESP", "" if raw else "none was sent")

    def _check_addresses(self, outside, owner):
        """Plain clients keep to one nat address each, one of the pool."""
        if self.gateway.addresses < 2:
            return
        pool = set(plan.addresses(self.gateway.pool))
        for c in self.clients:
            used = nat_addresses(outside, owner, c.name)
            self.check(
                len(used) == 1 and used <= pool,
                f"{c.name} has one nat address, out of the pool",
                " ".join(sorted(used)),
            )

    def _keep(self, name, text):
        if text:
            with open(f"{self.folder}/{name}", "w") as f:
                f.write(text)


class _Pinging:
    def __init__(self, trial, clients, what, interval):
        self._trial, self._what, self._clients, self._interval = trial, what, clients, interval

    def __enter__(self):
        self._running = [
            (c, back, self._trial.ping_start(c, back, None, self._interval))
            for c in self._clients
            for back in (False, True)
        ]
        return self

    def __exit__(self, kind, value, trace):
        results = self._trial.lab.each(lambda running: running[2].stop(), self._running)
        if kind is None:
            for (c, back, _), result in zip(self._running, results):
                self._trial._ping_check(c, back, result, self._what)
