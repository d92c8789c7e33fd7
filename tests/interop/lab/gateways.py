# SPDX-License-Identifier: Apache-2.0
"""The gateway between the wires. ../README.md has the contract that a gateway's command is run under."""

import os
import signal
import subprocess
from dataclasses import dataclass, field, replace

from . import junos_config, plan
from .processes import in_netns, stop_group, wait_until

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "gateways")


@dataclass
class Kind:
    """A gateway that the lab can run; hooks are shell commands in the gateway's namespace, "" for nothing."""

    name: str
    command: str
    mode: str  # who owns the interfaces: kernel, bare or tap
    pools: tuple  # nat addresses: when a scenario wants one, and when it wants two
    show: str = ""  # prints its state
    reload: str = ""  # takes its configuration anew; "HUP" sends that signal instead
    forget: str = ""  # what a restart loses, for gateways that do not stay running
    start_wait: float = 3  # seconds after which a running one without a ready file is taken as ready
    configured: bool = False  # a configuration in Junos words is written for it to $GW_CONFIG


ONE, TWO = "203.0.113.1", "203.0.113.1-203.0.113.2"
BUILT_IN = {
    k.name: k
    for k in (
        Kind(
            "nft",
            f"{FOLDER}/nft.sh",
            "kernel",
            (ONE, TWO),
            show=f"{FOLDER}/nft.sh show",
            reload=f"{FOLDER}/nft.sh",
            forget=f"{FOLDER}/nft.sh forget",
        ),
        Kind(
            "nft-1to1",
            f"{FOLDER}/nft-1to1.sh",
            "kernel",
            ("203.0.113.11-203.0.113.13",) * 2,
            show=f"{FOLDER}/nft-1to1.sh show",
            reload=f"{FOLDER}/nft-1to1.sh",
            forget=f"{FOLDER}/nft-1to1.sh forget",
        ),
        Kind("demo", f"exec python3 {FOLDER}/demo.py", "bare", (ONE, ONE), start_wait=30),
        Kind(
            "ikealg",
            'exec "$IKEALG_GATEWAY" --config "$GW_CONFIG" --state "$GW_RUNDIR/gateway.state"',
            "bare",
            ("203.0.113.10", "203.0.113.10-203.0.113.11"),
            reload="HUP",
            start_wait=60,
            configured=True,
        ),
    )
}


def label(name):
    """A gateway's name, or that of its command's program."""
    return name.split()[0].split("/")[-1]


def kind_of(name):
    """A built-in gateway, or one that a shell command names; the environment may say more about it."""
    kind = BUILT_IN.get(name)
    if kind is None:
        kind = Kind(
            name,
            name,
            "bare",
            (ONE, TWO),
            show=os.environ.get("GW_SHOW", ""),
            reload=os.environ.get("GW_RELOAD", "HUP"),
            start_wait=float(os.environ.get("GW_START_WAIT", "3")),
        )
    changes = {}
    if kind.mode != "kernel" or name not in BUILT_IN:
        changes["mode"] = os.environ.get("GW_MODE", kind.mode)
        if pool := os.environ.get("GW_POOL"):
            changes["pools"] = (pool, pool)
    kind = replace(kind, **changes)
    if kind.mode not in ("kernel", "bare", "tap"):
        raise SystemExit("GW_MODE is kernel, bare or tap")
    return kind


@dataclass
class Gateway:
    """One gateway for one scenario."""

    kind: Kind
    network: object
    ledger: object
    folder: str  # for logs
    addresses: int = 1  # in its pool
    extra: tuple = ()  # statements of its configuration, for kinds that have one
    _process: object = field(default=None, init=False)
    _log: object = field(default=None, init=False)

    @property
    def pool(self):
        return self.kind.pools[self.addresses - 1]

    @property
    def log_path(self):
        return f"{self.folder}/gateway.log"

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def create_interfaces(self):
        self.network.new_gateway(self.kind.mode, self.pool)

    def configure(self, *more):
        """Writes the configuration, with statements beyond the scenario's."""
        if self.kind.configured:
            backend = "tap" if self.kind.mode == "tap" else "af-packet"
            with open(self._environment()["GW_CONFIG"], "w") as f:
                f.write(junos_config.text(self.pool, backend=backend, extra=self.extra + more))

    def start(self):
        self.configure()
        self._run()

    def _run(self):
        environment = self._environment()
        ready = environment["GW_READY_FILE"]
        if os.path.exists(ready):
            os.unlink(ready)
        self._log = open(self.log_path, "a")
        self._process = self.ledger.popen(
            ["sh", "-c", self.kind.command],
            "gateway",
            netns=self.network.gateway_netns,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: self._process.poll() is not None or os.path.exists(ready), self.kind.start_wait)
        if self._process.poll():
            raise RuntimeError(f"the gateway ended with status {self._process.returncode}: {self.log()[-2000:]}")

    @property
    def alive(self):
        return self._process is not None and self._process.poll() in (None, 0)

    def reload(self):
        """Has it take its configuration anew; false when this gateway cannot."""
        if self.kind.reload == "HUP":
            self._process.send_signal(signal.SIGHUP)
        elif self.kind.reload:
            self._hook(self.kind.reload)
        return bool(self.kind.reload)

    def restart(self, hard=False):
        """Ends it, as its init system would or as a crash does, and starts it again on the same interfaces."""
        if self._process.poll() is None:
            if hard:
                os.killpg(self._process.pid, signal.SIGKILL)
            stop_group(self._process)
        if self.kind.forget:
            self._hook(self.kind.forget)
        self._run()

    def show(self):
        return self._hook(self.kind.show) if self.kind.show else ""

    def stop(self):
        """Ends it; the status that it ended with."""
        if self._process is None:
            return 0
        status = stop_group(self._process)
        self._process = None
        self._log.close()
        return status

    def cpu_seconds(self):
        """Processor time that a running gateway has used, None for one in the kernel."""
        if self._process is None or self._process.poll() is not None:
            return None
        with open(f"/proc/{self._process.pid}/stat") as f:
            user, system = f.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _hook(self, command):
        r = subprocess.run(
            in_netns(self.network.gateway_netns, ["sh", "-c", command]),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return r.stdout + r.stderr

    def _environment(self):
        e = dict(os.environ)
        for side in plan.SIDES:
            e |= {
                f"GW_{side.upper()}_IF": side,
                f"GW_{side.upper()}_IP": plan.GATEWAY_ADDRESS[side],
                f"GW_{side.upper()}_PLEN": "24",
                f"GW_{side.upper()}_MAC": plan.GATEWAY_MAC[side],
            }
        return e | {
            "GW_MODE": self.kind.mode,
            "GW_POOL": self.pool,
            "GW_RUNDIR": self.folder,
            "GW_READY_FILE": f"{self.folder}/gateway.ready",
            "GW_CONFIG": f"{self.folder}/gateway.conf",
        }
