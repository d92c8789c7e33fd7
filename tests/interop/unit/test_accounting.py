# SPDX-License-Identifier: Apache-2.0
import unittest

from lab.accounting import account, during, nat_addresses, ping_verdict, spis_in, without_ike
from lab.capture import Flow
from lab.traffic import Pings

SERVER, C1, C2, PUBLIC = "203.0.113.100", "10.10.0.11", "10.10.0.12", "203.0.113.1"
OWNER = {"aaaaaaaa": "c1", "bbbbbbbb": "c2", "cccccccc": "c1"}


def flow(source, target, spi, packets, kind="esp"):
    """Packet n was seen n seconds after the start; `packets`: how many, or which."""
    numbers = range(packets) if isinstance(packets, int) else packets
    return Flow(kind, source, target, spi, "", len(numbers), sequence={n: float(n) for n in numbers})


class Spis(unittest.TestCase):
    def test_both_daemons(self):
        self.assertEqual(
            spis_in(
                "established {ESP=>0x9c2c30e1 <0x2fff5e81 xfrm=...}\nCHILD_SA t{1} with SPIs c0f0fa1f_i 6bc3cf31_o and TS"
            ),
            {"9c2c30e1", "2fff5e81", "c0f0fa1f", "6bc3cf31"},
        )


class Account(unittest.TestCase):
    def test_what_arrives_where_it_belongs_is_nothing_to_report(self):
        a = account(
            [flow(SERVER, C1, "aaaaaaaa", 5), flow(C1, SERVER, "cccccccc", 3)],
            [flow(SERVER, PUBLIC, "aaaaaaaa", 5), flow(PUBLIC, SERVER, "cccccccc", 3)],
            OWNER,
        )
        self.assertEqual((a.wrong, dict(a.lost), a.lines), ([], {}, []))

    def test_another_clients_packets_are_wrong_there_and_lost_here(self):
        a = account(
            [flow(SERVER, C1, "bbbbbbbb", [0, 1, 2, 3]), flow(SERVER, C2, "bbbbbbbb", [4])],
            [flow(SERVER, PUBLIC, "bbbbbbbb", 7)],
            OWNER,
        )
        self.assertEqual((a.wrong, dict(a.lost)), ([0, 1, 2, 3], {"c2": [0, 1, 2, 3, 5, 6]}))

    def test_flooding_is_wrong_although_the_right_client_has_its_packets(self):
        a = account(
            [flow(SERVER, C1, "aaaaaaaa", 5), flow(SERVER, C2, "aaaaaaaa", 5)],
            [flow(SERVER, PUBLIC, "aaaaaaaa", 5)],
            OWNER,
        )
        self.assertEqual((a.wrong, dict(a.lost)), ([0, 1, 2, 3, 4], {}))

    def test_an_spi_that_no_log_names_can_be_lost_but_not_wrong(self):
        a = account([flow(SERVER, C1, "dddddddd", [0])], [flow(SERVER, PUBLIC, "dddddddd", 2)], OWNER)
        self.assertEqual((a.wrong, dict(a.lost)), ([], {"nobody known": [1]}))

    def test_outward_loss_belongs_to_the_sender(self):
        a = account([flow(C1, SERVER, "cccccccc", 3)], [flow(PUBLIC, SERVER, "cccccccc", [0, 2])], OWNER)
        self.assertEqual(dict(a.lost), {"c1": [1]})

    def test_esp_in_udp_is_esp(self):
        a = account(
            [
                flow(f"{SERVER}:4500", f"{C2}:4500", "bbbbbbbb", [0, 2], "udp-esp"),
                flow(f"{SERVER}:4500", f"{C1}:4500", "bbbbbbbb", [1], "udp-esp"),
                flow(f"{C1}:4500", f"{SERVER}:4500", "cccccccc", 3, "udp-esp"),
            ],
            [
                flow(f"{SERVER}:4500", f"{PUBLIC}:1024", "bbbbbbbb", 3, "udp-esp"),
                flow(f"{PUBLIC}:1025", f"{SERVER}:4500", "cccccccc", [0, 1], "udp-esp"),
            ],
            OWNER,
        )
        self.assertEqual((a.wrong, dict(a.lost)), ([1], {"c2": [1], "c1": [2]}))

    def test_the_impairers_losses_are_told_from_the_gateways(self):
        log = "\n".join(
            (
                "1.0 from-gateway lose esp aaaaaaaa",
                "1.1 to-gateway double esp aaaaaaaa",
                "1.2 to-gateway lose udp-esp bbbbbbbb",
                "1.3 to-gateway lose ike 0123456789abcdef 32 01 00000007",
            )
        )
        a = account([], [], OWNER, log)
        self.assertEqual((dict(a.impaired), dict(a.lost)), ({"c1": [1.0], "c2": [1.2]}, {}))

    def test_how_long_an_ike_message_was_kept_from_a_host(self):
        log = "\n".join(
            (
                "10.0 from-gateway pass ike 0123456789abcdef 32 01 00000006",
                "11.0 from-gateway lose ike 0123456789abcdef 32 01 00000007",
                "11.1 to-gateway pass ike 0123456789abcdef 32 01 00000007",
                "11.5 from-gateway lose ike 0123456789abcdef 32 01 00000007",
                "12.5 from-gateway reorder ike 0123456789abcdef 32 01 00000007",
                "13.5 from-gateway pass ike 0123456789abcdef 32 01 00000007",
                "14.0 to-gateway lose ike 1123456789abcdef 36 20 00000008",
                "14.5 to-gateway pass ike 1123456789abcdef 36 00 00000008",  # the other side's exchange of that number
                "15.0 to-gateway double ike 1123456789abcdef 36 20 00000008",
                "16.0 to-gateway lose ike 1123456789abcdef 36 20 00000009",
                "17.0 to-gateway lose ike 1123456789abcdef 37 20 0000000a",  # makes no SA
                "18.0 to-gateway pass ike 1123456789abcdef 37 20 0000000a",
            )
        )
        inside = [
            Flow("ike", f"{C1}:500", f"{SERVER}:500", "0123456789abcdef", "quick", 3),
            Flow("ike", f"{SERVER}:500", f"{C2}:500", "1123456789abcdef", "quick", 3),
        ]
        a = account(inside, [], OWNER, log)
        self.assertEqual(dict(a.without_ike), {"c1": [(1.0, 13.0)], "c2": [(4.0, 15.5)]})
        pings = Pings(9, [-7.0, 0.0, 1.0, 6.0, 6.25], began=7.0)
        self.assertEqual([without_ike(pings, a.without_ike[c]) for c in ("c1", "c2")], [3, 4])

    def test_nat_addresses(self):
        outside = [
            flow(PUBLIC, SERVER, "cccccccc", 1),
            flow("203.0.113.2", SERVER, "bbbbbbbb", 1),
            flow(SERVER, PUBLIC, "aaaaaaaa", 1),
        ]
        self.assertEqual(nat_addresses(outside, OWNER, "c1"), {PUBLIC})


class PingVerdict(unittest.TestCase):
    def test_rows(self):
        for missing, lost, impaired, ike, passed in (
            (0, 5, 0, 0, True),
            (1, 0, 0, 0, False),
            (1, 1, 9, 9, False),  # the gateway lost something of it: no excuse
            (2, 0, 2, 0, True),
            (3, 0, 2, 0, False),
            (3, 0, 2, 3, False),  # a lost IKE message explains, and excuses nothing
        ):
            self.assertEqual(ping_verdict(missing, lost, impaired, ike)[0], passed, (missing, lost, impaired, ike))

    def test_what_was_lost_before_and_after_does_not_count(self):
        self.assertEqual(during([1.0, 2.0, 3.0, 4.0], 2.0, 3.5), 2)
