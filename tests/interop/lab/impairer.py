# SPDX-License-Identifier: Apache-2.0
"""A wire that loses, doubles and reorders frames: a program between two taps.

    python3 -m lab.impairer TAP TAP SEED RATES LOG

RATES is JSON: {"ike": {"lose": 0.2, "double": 0.1, "reorder": 0.1}, "other": {...}}. What happens to the n-th IKE frame
of a direction depends on the seed, the direction and n only, and so for the others; ARP is left alone. LOG gets a line for
each IKE frame, and for each other one that was not passed on as it was.
"""

import collections
import errno
import fcntl
import json
import os
import random
import select
import struct
import sys
import time

PASSED_BY = 3  # a reordered frame waits until so many later ones have passed,
LONGEST_WAIT = 0.03  # or so many seconds

Delayed = collections.namedtuple("Delayed", "frame countdown deadline")


def kind_of(frame):
    """ "ike", "other" or None for what is never impaired."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    udp = 14 + (frame[14] & 15) * 4
    if frame[23] != 17 or len(frame) < udp + 8:
        return "other"
    source, destination = struct.unpack("!HH", frame[udp : udp + 4])
    if 500 in (source, destination):
        return "ike"
    natt_ike = 4500 in (source, destination) and frame[udp + 8 : udp + 12] == bytes(4)
    return "ike" if natt_ike else "other"


def describe(frame):
    """What accounting.py needs of a frame: ESP's SPI, IKE's initiator SPI, exchange type, flags and message id."""
    payload = 14 + (frame[14] & 15) * 4
    if frame[23] == 50:
        return "esp " + frame[payload : payload + 4].hex()
    if frame[23] == 17 and kind_of(frame) == "other":
        return "udp-esp " + frame[payload + 8 : payload + 12].hex()
    if kind_of(frame) == "ike":
        message = payload + (8 if 500 in struct.unpack("!HH", frame[payload : payload + 4]) else 12)
        spi, exchange, flags, number = struct.unpack("!8s 10x BBI", frame[message : message + 24])
        return f"ike {spi.hex()} {exchange} {flags:02x} {number:08x}"
    return f"{kind_of(frame)} protocol {frame[23]}"


class Direction:
    """What becomes of the frames of one direction. No clock and no I/O: now is a parameter."""

    def __init__(self, name, seed, rates, log=lambda what, frame: None):
        self._random = {kind: random.Random(f"{seed} {name} {kind}") for kind in ("ike", "other")}
        self._rates, self._log = rates, log
        self._delayed = []

    def push(self, frame, now):
        """Takes a frame; returns those to send now, in order."""
        kind = kind_of(frame)
        if kind is None:
            return [frame]
        draw = self._random[kind].random()
        rates = self._rates.get(kind, {})
        for what in ("lose", "double", "reorder"):
            draw -= rates.get(what, 0)
            if draw < 0:
                break
        else:
            what = "pass"
        if what != "pass" or kind == "ike":
            self._log(what, frame)
        if what == "reorder":
            self._delayed.append(Delayed(frame, PASSED_BY, now + LONGEST_WAIT))
            return self.due(now)
        out = {"lose": [], "double": [frame, frame], "pass": [frame]}[what]
        self._delayed = [d._replace(countdown=d.countdown - len(out)) for d in self._delayed]
        return out + self.due(now)

    def due(self, now):
        """Delayed frames whose time has come."""
        out = [d.frame for d in self._delayed if d.countdown <= 0 or d.deadline <= now]
        self._delayed = [d for d in self._delayed if d.countdown > 0 and d.deadline > now]
        return out

    def next_deadline(self):
        return min((d.deadline for d in self._delayed), default=None)


def open_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1002))  # TUNSETIFF: IFF_TAP | IFF_NO_PI
    return fd


def main(tap_a, tap_b, seed, rates, log_path):
    a, b = open_tap(tap_a), open_tap(tap_b)
    log = open(log_path, "w", buffering=1)

    def logger(direction):
        return lambda what, frame: log.write(f"{time.time():.6f} {direction} {what} {describe(frame)}\n")

    rates = json.loads(rates)
    ways = {
        a: (b, Direction("from-gateway", seed, rates, logger("from-gateway"))),
        b: (a, Direction("to-gateway", seed, rates, logger("to-gateway"))),
    }
    while True:
        deadlines = [d for _, way in ways.values() if (d := way.next_deadline()) is not None]
        timeout = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        readable, _, _ = select.select([a, b], [], [], timeout)
        now = time.monotonic()
        for source, (target, way) in ways.items():
            frames = [] if source in readable else way.due(now)
            while source in readable:
                try:
                    frames += way.push(os.read(source, 65536), now)
                except BlockingIOError:
                    break
            for frame in frames:
                try:
                    os.write(target, frame)
                except OSError as e:
                    if e.errno not in (errno.EAGAIN, errno.EIO):
                        raise


if __name__ == "__main__":
    main(*sys.argv[1:])
