# SPDX-License-Identifier: Apache-2.0
"""Ethernet frames and pcap files for the tests."""

import socket
import struct


def ipv4(protocol, source, target, payload, fragment=0):
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(payload),
        0,
        fragment,
        64,
        protocol,
        0,
        socket.inet_aton(source),
        socket.inet_aton(target),
    )
    return bytes(12) + b"\x08\x00" + header + payload


def esp(spi, source="10.10.0.11", target="203.0.113.100"):
    return ipv4(50, source, target, bytes.fromhex(spi) + bytes(28))


def udp(source_port, target_port, payload, source="10.10.0.11", target="203.0.113.100"):
    return ipv4(17, source, target, struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload)


def ike(initiator, exchange=34, first_payload=33):
    return (
        bytes.fromhex(initiator)
        + bytes(8)
        + bytes([first_payload, 0x20, exchange, 0x08])
        + struct.pack("!II", 7, 28)
    )


def pcap(path, frames):
    """frames: (time, frame)"""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for t, frame in frames:
            f.write(struct.pack("<IIII", int(t), int(t % 1 * 1e6), len(frame), len(frame)) + frame)
