# SPDX-License-Identifier: Apache-2.0
"""Ping and TCP through a tunnel, from inner address to inner address."""

import re
import time
from dataclasses import dataclass, field


@dataclass
class Pings:
    sent: int = 0
    unanswered: list = field(default_factory=list)  # how long after the beginning they were sent
    began: float = 0
    ended: float = 0

    @property
    def missing(self):
        return len(self.unanswered)

    @property
    def all_answered(self):
        return self.sent > 0 and self.missing == 0

    def __str__(self):
        return f"{self.sent - self.missing}/{self.sent}"


def read_pings(output, interval, stopped):
    """The result of ping, which counts from 1. Of one that was stopped, without the last second's: their answers may be on their way, and
    one may have overtaken another."""
    m = re.search(r"(\d+) packets transmitted", output)
    if not m:
        return Pings()
    sent = int(m[1]) - (int(1 / interval) + 1 if stopped else 0)
    missing = set(range(sent)) - {int(s) - 1 for s in re.findall(r"icmp_seq=(\d+) ttl", output)}
    return Pings(max(sent, 0), [n * interval for n in sorted(missing)])


class Ping:
    """A ping that runs: `count` times, or until stop()."""

    _number = 0

    def __init__(self, machine, source, target, count=None, interval=0.4):
        Ping._number += 1
        self._machine, self._count, self._interval = machine, count, interval
        self._began = time.time()
        self._pid = f"/run/ping.{Ping._number}"
        limit = f"-c {count}" if count else "-w 900"
        self._future = machine.start(
            f"echo $$ > {self._pid}; exec ping2 -n {limit} -i {interval} -W 5 -I {source} {target}"
        )

    def stop(self):
        """Runs on for two seconds, so that of what was sent until now nothing is of the last second."""
        time.sleep(2)
        self._machine.run(f"kill -INT $(cat {self._pid})")
        return self._read(60, stopped=True)

    def result(self):
        return self._read(self._count * self._interval + 120, stopped=False)

    def _read(self, timeout, stopped):
        pings = read_pings(self._future.result(timeout)[1], self._interval, stopped)
        pings.began, pings.ended = self._began, time.time()
        return pings


class Transfer:
    """/www/bulk of one host, fetched by another that opens the connection."""

    def __init__(self, machine, target, timeout):
        self._timeout = timeout
        self._future = machine.start(
            f"s=$(cut -d' ' -f1 /proc/uptime); "
            f"timeout {timeout} socat -u TCP:{target}:5001,connect-timeout={timeout} - "
            "| md5sum; e=$(cut -d' ' -f1 /proc/uptime); echo $s $e"
        )

    def result(self):
        """(md5, seconds)"""
        f = self._future.result(self._timeout + 60)[1].split()
        return f[0], max(float(f[-1]) - float(f[-2]), 0.01)
