# SPDX-License-Identifier: Apache-2.0
import unittest

from lab.traffic import read_pings


def output(sent, answered):
    lines = [f"64 bytes from 192.168.200.1: icmp_seq={s + 1} ttl=64 time=1.0 ms" for s in answered]
    lines.append("From 192.168.101.1 icmp_seq=3 Destination Host Unreachable")  # that is no answer
    return "\n".join(lines + ["--- statistics ---", f"{sent} packets transmitted, {len(answered)} received"])


class ReadPings(unittest.TestCase):
    def test_rows(self):
        for sent, answered, stopped, expected in (
            (5, [0, 1, 2, 3, 4], False, (5, 0)),
            (5, [0, 1, 1, 2], False, (5, 2)),  # an answer that came twice is one
            (20, range(18), False, (20, 2)),
            (20, range(18), True, (15, 0)),  # the last second's may be on their way
            (20, [*range(16), 18], True, (15, 0)),  # and overtake each other
            (20, range(14), True, (15, 1)),  # but no more than the last second's
            (20, [*range(5), *range(6, 20)], True, (15, 1)),
            (3, [0, 1, 2], True, (0, 0)),
        ):
            p = read_pings(output(sent, list(answered)), 0.25, stopped)
            self.assertEqual((p.sent, p.missing), expected, (sent, answered, stopped))

    def test_no_statistics_is_no_success(self):
        self.assertFalse(read_pings("sh: ping2: not found", 0.25, False).all_answered)
