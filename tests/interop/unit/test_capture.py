# SPDX-License-Identifier: Apache-2.0
import os
import tempfile
import unittest

from lab.capture import classify, flows, text_of
from unit.frames import esp, ike, ipv4, pcap, udp

COOKIE = "0123456789abcdef"


class Classify(unittest.TestCase):
    def test_kinds(self):
        for frame, expected in (
            (esp("c0ffee01"), ("esp", "10.10.0.11", "203.0.113.100", "c0ffee01", "", False)),
            (udp(500, 500, ike(COOKIE)), ("ike", "10.10.0.11:500", "203.0.113.100:500", COOKIE, "SA_INIT", False)),
            (
                udp(40000, 500, ike(COOKIE, 2, 1)),
                ("ike", "10.10.0.11:40000", "203.0.113.100:500", COOKIE, "main", False),
            ),
            (udp(500, 500, ike(COOKIE, 35, 53)), ("ike", "10.10.0.11:500", "203.0.113.100:500", COOKIE, "AUTH", True)),
            (
                udp(4500, 4500, bytes(4) + ike(COOKIE, 35)),
                ("ike-4500", "10.10.0.11:4500", "203.0.113.100:4500", COOKIE, "AUTH", False),
            ),
            (udp(4500, 4500, b"\xff"), ("keepalive", "10.10.0.11:4500", "203.0.113.100:4500", "", "", False)),
            (
                udp(4500, 4500, bytes.fromhex("c0ffee02") + bytes(20)),
                ("udp-esp", "10.10.0.11:4500", "203.0.113.100:4500", "c0ffee02", "", False),
            ),
            (
                ipv4(17, "1.1.1.1", "2.2.2.2", bytes(40), fragment=185),
                ("fragment", "1.1.1.1", "2.2.2.2", "", "protocol 17", False),
            ),
            (ipv4(6, "1.1.1.1", "2.2.2.2", bytes(20)), ("ip", "1.1.1.1", "2.2.2.2", "", "protocol 6", False)),
            (bytes(12) + b"\x08\x06" + bytes(28), None),
            (b"", None),
        ):
            self.assertEqual(classify(frame), expected)


class Flows(unittest.TestCase):
    def test_packets_of_a_flow_are_counted_and_a_cut_record_is_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/x.pcap"
            pcap(path, [(10.0, esp("00000101")), (10.5, esp("00000102")), (11.0, esp("00000101"))])
            with open(path, "rb+") as f:
                f.truncate(os.path.getsize(path) - 1)
            self.assertEqual(
                [(f.id, f.packets, f.first, f.last) for f in flows(path)],
                [("00000101", 1, 10.0, 10.0), ("00000102", 1, 10.5, 10.5)],
            )
            self.assertEqual(list(flows(path)[0].sequence.values()), [10.0])
            self.assertIn("0.500 ..    0.500       1 packets  esp", text_of(flows(path), 10.0))
