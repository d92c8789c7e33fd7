# SPDX-License-Identifier: Apache-2.0
import unittest

from lab.impairer import LONGEST_WAIT, PASSED_BY, Direction, describe, kind_of
from unit.frames import esp, ike, ipv4, udp

RATES = {"ike": {"lose": 0.3, "double": 0.1, "reorder": 0.1}, "other": {"lose": 0.1, "double": 0.1, "reorder": 0.2}}
IKE = udp(500, 500, ike("0123456789abcdef"))
ARP = bytes(12) + b"\x08\x06" + bytes(28)


def numbered(n):
    return [esp(f"{i:08x}") for i in range(n)]


class Kinds(unittest.TestCase):
    def test_rows(self):
        for frame, kind, text in (
            (IKE, "ike", "ike 0123456789abcdef 34 08 00000007"),
            (udp(4500, 4500, bytes(4) + ike("0123456789abcdef")), "ike", "ike 0123456789abcdef 34 08 00000007"),
            (udp(4500, 4500, bytes.fromhex("c0ffee02") + bytes(20)), "other", "udp-esp c0ffee02"),
            (esp("c0ffee01"), "other", "esp c0ffee01"),
            (ipv4(6, "1.1.1.1", "2.2.2.2", bytes(20)), "other", "other protocol 6"),
        ):
            self.assertEqual((kind_of(frame), describe(frame)), (kind, text))
        self.assertIsNone(kind_of(ARP))


class Impairing(unittest.TestCase):
    def outcome(self, seed, frames, name="to-gateway"):
        d = Direction(name, seed, RATES)
        return [d.push(f, 0.0) for f in frames]

    def test_the_seed_decides_and_nothing_else(self):
        frames = numbered(500)
        self.assertEqual(self.outcome(1, frames), self.outcome(1, frames))
        self.assertNotEqual(self.outcome(1, frames), self.outcome(2, frames))
        self.assertNotEqual(self.outcome(1, frames), self.outcome(1, frames, "from-gateway"))

    def test_what_happens_to_ike_does_not_depend_on_the_rest(self):
        def fates(frames):
            log = []
            d = Direction("x", 3, RATES, lambda what, frame: log.append(what) if kind_of(frame) == "ike" else None)
            for f in frames:
                d.push(f, 0.0)
            return log

        self.assertEqual(fates([IKE] * 50), fates([f for e in numbered(50) for f in (e, IKE)]))

    def test_rates_are_kept_and_every_frame_is_accounted_for(self):
        n, log = 5000, []
        d = Direction("x", 4, RATES, lambda what, frame: log.append(what))
        frames = numbered(n)
        out = [f for frame in frames for f in d.push(frame, 0.0)] + d.due(1.0)
        for what, rate in RATES["other"].items():
            self.assertAlmostEqual(log.count(what) / n, rate, delta=0.02)
        self.assertEqual(len(out), n - log.count("lose") + log.count("double"))
        self.assertEqual(len(set(out)), n - log.count("lose"))
        self.assertNotEqual(out, sorted(out))

    def test_each_ike_frame_is_logged_and_no_other_that_passes(self):
        log = []
        d = Direction("x", 0, {}, lambda what, frame: log.append((what, frame)))
        for frame in (IKE, esp("00000001"), ARP):
            d.push(frame, 0.0)
        self.assertEqual(log, [("pass", IKE)])

    def test_a_reordered_frame_is_passed_by_a_few(self):
        d = Direction("x", 0, {"other": {"reorder": 1}})
        first, *later = numbered(PASSED_BY + 1)
        self.assertEqual(d.push(first, 0.0), [])
        d._rates = {}
        out = [f for frame in later for f in d.push(frame, 0.0)]
        self.assertEqual(out, later + [first])

    def test_or_waits_only_so_long(self):
        d = Direction("x", 0, {"other": {"reorder": 1}})
        d.push(esp("00000001"), 5.0)
        self.assertEqual(d.next_deadline(), 5.0 + LONGEST_WAIT)
        self.assertEqual(d.due(5.0), [])
        self.assertEqual(d.due(5.0 + LONGEST_WAIT), [esp("00000001")])
        self.assertIsNone(d.next_deadline())

    def test_arp_is_left_alone(self):
        d = Direction("x", 0, {"ike": {"lose": 1}, "other": {"lose": 1}})
        self.assertEqual((d.push(ARP, 0.0), d.push(IKE, 0.0), d.push(esp("00000001"), 0.0)), ([ARP], [], []))
