# SPDX-License-Identifier: Apache-2.0
"""Records both wires of the gateway and reads recordings as flows: one for each IKE exchange, ESP SPI, or other kind of
traffic."""

import signal
import socket
import struct
import time
from dataclasses import dataclass, field

from . import plan
from .processes import wait_until

EXCHANGES = {
    2: "main",
    4: "aggressive",
    5: "info",
    32: "quick",
    34: "SA_INIT",
    35: "AUTH",
    36: "CHILD_SA",
    37: "INFORMATIONAL",
}
ENCRYPTED_FRAGMENT = 53  # payload type SKF, RFC 7383
IKEV1_FRAGMENT = 132  # payload type of the IKEv1 fragmentation extension


BLOCK_TIMEOUT = 1  # seconds after which the kernel gives tcpdump a block of packets that is not full; at its end they are gone


class Capture:
    def __init__(self, network, ledger, folder):
        self._running = []
        for side in plan.SIDES:
            log = f"{folder}/{side}.tcpdump"
            with open(log, "w") as f:
                p = ledger.popen(
                    [
                        "tcpdump",
                        "-q",
                        "-n",
                        "-U",
                        "-B",
                        "16384",
                        "-i",
                        "gw-" + side,
                        "-Z",
                        "root",
                        "-w",
                        f"{folder}/{side}.pcap",
                    ],
                    "tcpdump " + side,
                    netns=network.netns[side],
                    stdout=f,
                    stderr=f,
                )
            self._running.append((p, log))

        def listening():
            return all("listening" in open(log).read() for _, log in self._running)

        if not wait_until(listening, 30):
            raise RuntimeError(f"tcpdump did not start, see {folder}")

    def stop(self):
        time.sleep(BLOCK_TIMEOUT + 0.5)
        for p, _ in self._running:
            p.send_signal(signal.SIGINT)
        for p, _ in self._running:
            p.wait(30)
        self._running = []


@dataclass
class Flow:
    kind: str  # esp, udp-esp, ike, ike-4500, keepalive, fragment, udp, icmp, ip
    source: str  # address, with a port where there is one
    target: str
    id: str  # ESP: SPI; IKE: initiator's SPI or cookie
    what: str
    packets: int = 0
    bytes: int = 0
    first: float = 0
    last: float = 0
    ike_fragments: int = 0  # IKE messages that are fragments by themselves
    note: str = ""
    sequence: dict = field(default_factory=dict)  # ESP: sequence number -> when it was seen first


def packets(path):
    """(time, frame) of each frame of a pcap file; one that was cut off at the end is left out."""
    with open(path, "rb") as f:
        header = f.read(24)
        if len(header) < 24:
            return
        order = "<" if header[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        ticks = 1e9 if header[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e6
        while len(record := f.read(16)) == 16:
            seconds, fraction, length, _ = struct.unpack(order + "IIII", record)
            frame = f.read(length)
            if len(frame) < length:
                return
            yield seconds + fraction / ticks, frame


def classify(frame):
    """(kind, source, target, id, what, is an IKE fragment) of a frame, None for what is not IPv4."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    header = (frame[14] & 15) * 4
    protocol, source, target = frame[23], socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    body = frame[14 + header : 14 + struct.unpack("!H", frame[16:18])[0]]
    if struct.unpack("!H", frame[20:22])[0] & 0x1FFF:
        return "fragment", source, target, "", f"protocol {protocol}", False
    if protocol == 50 and len(body) >= 8:
        return "esp", source, target, body[:4].hex(), "", False
    if protocol == 1 and len(body) >= 2:
        inner = ""
        if body[0] == 3 and len(body) >= 28:
            inner = f"of protocol {body[17]} {socket.inet_ntoa(body[20:24])} > {socket.inet_ntoa(body[24:28])}"
        return "icmp", source, target, f"type {body[0]} code {body[1]}", inner, False
    if protocol != 17 or len(body) < 8:
        return "ip", source, target, "", f"protocol {protocol}", False
    ports = struct.unpack("!HH", body[:4])
    source, target, message = f"{source}:{ports[0]}", f"{target}:{ports[1]}", body[8:]
    kind = "ike"
    if 4500 in ports or 500 not in ports:
        if len(message) == 1:
            return "keepalive", source, target, "", "", False
        if message[:4] != bytes(4):
            return "udp-esp", source, target, message[:4].hex(), "", False
        kind, message = "ike-4500", message[4:]
    if len(message) < 28:
        return "udp", source, target, "", "", False
    fragment = message[16] in (ENCRYPTED_FRAGMENT, IKEV1_FRAGMENT)
    return kind, source, target, message[:8].hex(), EXCHANGES.get(message[18], str(message[18])), fragment


def flows(path):
    found = {}
    for t, frame in packets(path):
        c = classify(frame)
        if c is None:
            continue
        f = found.setdefault(c[:5], Flow(*c[:5], first=t))
        f.packets += 1
        f.bytes += len(frame)
        f.ike_fragments += c[5]
        f.last = t
        if f.kind in ("esp", "udp-esp"):
            header = 14 + (frame[14] & 15) * 4 + (8 if f.kind == "udp-esp" else 0)
            f.sequence.setdefault(frame[header + 4 : header + 8], t)
    return list(found.values())


def text_of(flow_list, begin):
    return "\n".join(
        f"  {f.first - begin:8.3f} .. {f.last - begin:8.3f}  {f.packets:6d} packets  {f.kind:<8} "
        f"{f.source} > {f.target}  {f.id} {f.what}"
        f"{f' {f.ike_fragments} IKE fragments' if f.ike_fragments else ''} {f.note}".rstrip()
        for f in sorted(flow_list, key=lambda f: f.first)
    )
