# SPDX-License-Identifier: Apache-2.0
import unittest

from lab import junos_config, plan
from lab.__main__ import selected
from lab.run import outcome, table
from lab.scenarios import SCENARIOS

GOOD, BAD = (True, "x", ""), (False, "y", "why")


class Selection(unittest.TestCase):
    def test_sets_and_names(self):
        self.assertEqual(selected(["all"]), list(SCENARIOS))
        self.assertEqual(selected([]), selected(["short"]))
        self.assertEqual(selected(["two-v2", "short"])[0], "two-v2")
        self.assertEqual(len(selected(["short", "all"])), len(SCENARIOS))
        with self.assertRaises(SystemExit):
            selected(["two-v3"])

    def test_every_scenario_says_what_nft_does(self):
        for s in SCENARIOS.values():
            self.assertIn(s.nft, ("fails", "either"), s.name)


class Outcome(unittest.TestCase):
    def test_rows(self):
        for gateway, scenario, checks, text, good in (
            ("ikealg", "two-v1", [GOOD], "passed", True),
            ("ikealg", "two-v1", [GOOD, BAD], "FAILED (1 of 2 checks)", False),
            ("nft", "two-v1", [GOOD, BAD], "fails as expected with nft (1 of 2 checks)", True),
            ("nft", "two-v1", [GOOD], "passed though nft should fail", False),
            ("nft", "one-v1", [BAD], "fails with nft (1 of 1 checks)", True),  # a host may lose a ping
            ("nft", "one-v1", [GOOD], "passed", True),
        ):
            self.assertEqual(outcome(gateway, scenario, checks), (text, good))

    def test_table(self):
        text = table(
            [("one-v1", "ikealg", "passed", []), ("one-v1", "nft", "passed", []), ("two-v1", "ikealg", "passed", [])],
            ["ikealg", "nft"],
        )
        self.assertEqual(text.splitlines()[-1], "| two-v1 | two clients started together, IKEv1 | passed | not run |")


class Configuration(unittest.TestCase):
    def test_pool_of_one_and_of_two(self):
        self.assertIn(
            "security nat source pool public address 203.0.113.10/32", junos_config.statements("203.0.113.10")
        )
        two = junos_config.statements(
            "203.0.113.10-203.0.113.11", backend="tap", extra=["security alg ike-esp-nat state-timeout 60"]
        )
        self.assertIn("security nat proxy-arp interface outside.0 address 203.0.113.10/32 to 203.0.113.11/32", two)
        self.assertIn("interfaces outside ikealg backend tap", two)
        self.assertEqual(two[-1], "security alg ike-esp-nat state-timeout 60")

    def test_pool_addresses(self):
        self.assertEqual(
            plan.addresses("203.0.113.1-203.0.113.3,203.0.113.9"),
            ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.9"],
        )
