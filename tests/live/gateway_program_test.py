#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ikealg-gateway as its users meet it: the command line, the remarks on a configuration, and a run between two hosts.

    IKEALG_GATEWAY=build/release/examples/ikealg-gateway tests/live/gateway_program_test.py

The live part makes network namespaces of its own, which needs root; without, it is skipped and says so.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("IKEALG_GATEWAY", str(SOURCE / "build/release/examples/ikealg-gateway"))
MANUAL = sorted((SOURCE / "tests/junos/data").glob("manual-*.conf")) + sorted((SOURCE / "tests/junos/data").glob("manual-*.set"))

LIVE = """
set interfaces inside unit 0 family inet address 10.10.0.1/24
set interfaces outside unit 0 family inet address 203.0.113.1/24
set security zones security-zone trust interfaces inside.0 host-inbound-traffic system-services ping
set security zones security-zone untrust interfaces outside.0
set security nat source address-persistent
set security nat source rule-set out from zone trust
set security nat source rule-set out to zone untrust
set security nat source rule-set out rule all match source-address 10.10.0.0/24
set security nat source rule-set out rule all then source-nat interface
set applications application ike-alg application-protocol ike-esp-nat protocol udp destination-port 500
set security policies from-zone trust to-zone untrust policy ike match source-address any destination-address any application ike-alg
set security policies from-zone trust to-zone untrust policy ike then permit
set security policies from-zone trust to-zone untrust policy rest match source-address any destination-address any application any
set security policies from-zone trust to-zone untrust policy rest then permit
set security alg ike-esp-nat enable
"""


def run(*arguments, timeout=60):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


class Check(Folder):
    def test_good_configurations_are_accepted_with_warnings(self):
        self.assertGreaterEqual(len(MANUAL), 4)
        for path in [SOURCE / "examples/gateway/gateway.conf", *MANUAL]:
            with self.subTest(path=path.name):
                r = run("--config", path, "--check")
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertIn("warning: ", r.stderr)
                self.assertNotIn("error: ", r.stderr)
                for line in r.stderr.splitlines():
                    self.assertTrue(line.startswith("    ") or re.match(re.escape(str(path)) + r":\d+:\d+: warning: ", line), line)

    def test_every_error_at_once_with_its_place(self):
        path = self.file("bad.set", LIVE + "set security alg ike-esp-nat state-timeout 5\nset security nat sorce address-persistent\n"
                         "set security policies from-zone trust to-zone untrust policy x match source-address nobody "
                         "destination-address any application any\nset security policies from-zone trust to-zone untrust policy x then permit\n")
        first = LIVE.count("\n") + 1
        r = run("--config", path, "--check")
        self.assertEqual(r.returncode, 1)
        for line in (first, first + 1, first + 2):
            self.assertRegex(r.stderr, rf"{re.escape(str(path))}:{line}:\d+: error: ")
        self.assertIn("source", r.stderr.split(f":{first + 1}:")[1].splitlines()[0])  # the nearest known word

    def test_what_is_no_configuration(self):
        r = run("--config", self.folder / "absent", "--check")
        self.assertEqual(r.returncode, 1)
        self.assertIn("absent: error: cannot be read: No such file", r.stderr)
        r = run("--config", self.folder, "--check")
        self.assertEqual(r.returncode, 1)
        self.assertIn("error: cannot be read", r.stderr)
        r = run("--config", self.file("noise", "\x00\x01{{{ \xff ;;"), "--check")
        self.assertEqual(r.returncode, 1)
        self.assertIn("error: ", r.stderr)

    def test_command_line(self):
        for arguments in ([], ["--config"], ["--config", "x", "--show", "xml"], ["--nonsense"], ["--config", "x", "--log-level", "loud"]):
            with self.subTest(arguments=arguments):
                r = run(*arguments)
                self.assertEqual(r.returncode, 2)
                self.assertTrue(r.stderr)
        self.assertRegex(run("--version").stdout, r"ikealg \d+\.\d+\.\d+")

    def test_show_is_what_was_read(self):
        path = SOURCE / "examples/gateway/gateway.conf"
        as_set = run("--config", path, "--show", "set")
        self.assertEqual(as_set.returncode, 0, as_set.stderr)
        back = run("--config", self.file("x.set", as_set.stdout), "--show", "braces")
        self.assertEqual(back.returncode, 0, back.stderr)
        self.assertEqual(back.stdout, run("--config", path, "--show", "braces").stdout)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def may_make_namespaces():
    if shutil.which("ip") is None or shutil.which("ping") is None:
        return False
    name = f"ikealg-try-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
        return True
    except (OSError, subprocess.CalledProcessError):
        return False


@unittest.skipUnless(may_make_namespaces(), "network namespaces cannot be made here (no root, or no iproute2 and ping)")
class Live(Folder):
    def setUp(self):
        super().setUp()
        self.client, self.gateway, self.server = (f"ikealg-{n}-{os.getpid()}" for n in ("client", "gateway", "server"))
        for name in (self.client, self.gateway, self.server):
            ip("netns", "add", name)
            self.addCleanup(ip, "netns", "del", name)
        for device, host in (("inside", self.client), ("outside", self.server)):
            ip("link", "add", device, "netns", self.gateway, "type", "veth", "peer", "name", "eth0", "netns", host)
            ip("-n", self.gateway, "link", "set", device, "up")
            ip("-n", host, "link", "set", "eth0", "up")
        ip("-n", self.client, "addr", "add", "10.10.0.11/24", "dev", "eth0")
        ip("-n", self.client, "route", "add", "default", "via", "10.10.0.1")
        ip("-n", self.server, "addr", "add", "203.0.113.100/24", "dev", "eth0")
        self.config = self.file("gateway.set", LIVE)
        self.log = self.folder / "log"
        self.process = None

    def start(self, *arguments):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.gateway, PROGRAM, "--config", str(self.config), *arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "GW_READY_FILE": str(ready)})
        self.addCleanup(self.kill)
        self.until(ready.exists, "the gateway is ready")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=30)
        self.assertEqual(self.process.returncode, 0, self.log.read_text())
        return out

    def until(self, true, what, seconds=60):
        end = time.monotonic() + seconds
        while not true():
            self.assertIsNone(self.process.poll(), f"the gateway ended: {self.log.read_text()}")
            self.assertLess(time.monotonic(), end, f"waited in vain: {what}\n{self.log.read_text()}")
            time.sleep(0.05)

    def pings(self, address, count=1):
        return subprocess.run(["ip", "netns", "exec", self.client, "ping", "-c", str(count), "-W", "2", address],
                              capture_output=True, text=True).returncode == 0

    def says(self, text):
        self.until(lambda: text in self.log.read_text(), f"the log says: {text}")

    def test_start_reload_and_end(self):
        self.start()
        self.says("ready: ")  # the file is made before, while it may still be written
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        wanted = 1 << 13 | 1 << 12  # CAP_NET_RAW, CAP_NET_ADMIN
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            have = int(re.search(kind + r":\s*([0-9a-f]+)", status).group(1), 16)
            self.assertEqual(have & ~wanted, 0, kind)
        self.assertTrue(self.pings("10.10.0.1"), "the gateway answers")
        self.assertTrue(self.pings("203.0.113.100"), "the way through the gateway")
        self.assertTrue(self.pings("203.0.113.1"), "it answers at the address that clients are translated to")

        self.config.write_text(LIVE + "set security alg ike-esp-nat state-timeout 1\n")
        self.process.send_signal(signal.SIGHUP)
        self.says("nothing was changed")
        self.assertIn("gateway.set:", self.log.read_text())
        self.assertTrue(self.pings("203.0.113.100"), "as before")

        self.config.write_text(LIVE.replace("policy rest then permit", "policy rest then deny"))
        self.process.send_signal(signal.SIGHUP)
        self.says("the configuration was replaced")
        self.assertFalse(self.pings("203.0.113.100"), "denied by the new policy")

        self.config.write_text(LIVE + "set security alg ike-esp-nat ikealg limits flows 1000\n"
                               "set interfaces inside ikealg receive-buffer 1048576\n")
        self.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.log.read_text().count("the configuration was replaced") == 2, "replaced again")
        self.says("limits that are fixed at start stay as they were")
        self.says("receive-buffer stays as it was")
        self.assertTrue(self.pings("203.0.113.100"))

        out = self.stop()
        self.assertRegex(out, r"10\.10\.0\.11 +as 203\.0\.113\.1")
        self.assertIn("local_ping", out)
        self.assertRegex(out, r"policy +\d")

    def test_a_device_that_goes_down_is_waited_for(self):
        self.start()
        self.assertTrue(self.pings("203.0.113.100"))
        ip("-n", self.gateway, "link", "set", "outside", "down")
        self.says("device outside is down")
        ip("-n", self.gateway, "link", "set", "outside", "up")
        self.says("device outside is up again")
        self.until(lambda: self.pings("203.0.113.100"), "through again")
        self.stop()

    def test_a_device_with_another_address_is_used_with_that(self):
        self.start()
        self.assertTrue(self.pings("203.0.113.100"))
        ip("-n", self.gateway, "link", "set", "outside", "address", "02:00:00:00:00:77")
        self.says("a device is back or has another link address")
        self.until(lambda: self.pings("203.0.113.100"), "through again")
        ip("-n", self.gateway, "link", "del", "outside")
        self.says("device outside is down or gone")
        ip("link", "add", "outside", "netns", self.gateway, "type", "veth", "peer", "name", "eth0", "netns", self.server)
        ip("-n", self.gateway, "link", "set", "outside", "up")
        ip("-n", self.server, "link", "set", "eth0", "up")
        ip("-n", self.server, "addr", "add", "203.0.113.100/24", "dev", "eth0")
        self.until(lambda: self.pings("203.0.113.100"), "through the new device")
        self.stop()

    def test_a_refused_reload_changes_nothing(self):
        self.start()
        denied = LIVE.replace("policy rest then permit", "policy rest then deny")
        tap = ("set interfaces fresh unit 0 family inet address 10.20.0.1/24\nset interfaces fresh ikealg backend {}\n"
               "set security zones security-zone trust interfaces fresh.0\n")
        for refused, why in (
            (denied + "set system syslog file /proc/absent/log any info\n", "the log file /proc/absent/log cannot be written"),
            (denied + f"set system syslog file {self.folder}/absent/log any info\n", f"the log file {self.folder}/absent/log cannot be written"),
            (denied + tap.format("tap") + "set interfaces absent unit 0 family inet address 10.21.0.1/24\n"
             f"set security zones security-zone trust interfaces absent.0\nset system syslog file {self.folder}/new-log any info\n",
             "device absent (af-packet)"),
        ):
            with self.subTest(why=why):
                before = self.log.read_text().count("nothing was changed")
                self.config.write_text(refused)
                self.process.send_signal(signal.SIGHUP)
                self.until(lambda: self.log.read_text().count("nothing was changed") > before, "the answer")
                self.assertIn(why, self.log.read_text())
                self.assertTrue(self.pings("203.0.113.100"), "the old policy")
                links = subprocess.run(["ip", "-n", self.gateway, "link"], capture_output=True, text=True, check=True).stdout
                self.assertNotIn("fresh", links)
                self.assertFalse((self.folder / "absent").exists())
                self.assertFalse((self.folder / "new-log").exists())
        self.config.write_text(denied + tap.format("tun"))
        self.process.send_signal(signal.SIGHUP)
        self.says("the configuration was replaced")
        self.assertFalse(self.pings("203.0.113.100"), "the new policy")
        self.assertIn("fresh", self.stop())

    def test_a_log_that_cannot_be_written(self):
        self.config.write_text(LIVE + "set security alg ike-esp-nat traceoptions flag all\n")
        r = subprocess.run(["ip", "netns", "exec", self.gateway, PROGRAM, "--config", str(self.config), "--log-file", "/proc/absent/log"],
                           capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 1)
        self.assertIn("the log file /proc/absent/log cannot be written", r.stderr)
        log = self.folder / "own-log"
        self.start("--log-file", str(log))
        log.unlink()
        log.mkdir()
        self.process.send_signal(signal.SIGHUP)
        self.assertTrue(self.pings("203.0.113.100"))
        self.stop()  # with status 0: it lives on with the log that it has

    def test_state_that_cannot_be_written_is_said_at_once_and_in_the_status(self):
        self.start("--state", str(self.folder / "absent" / "state"))
        self.says("tunnels will not outlive the end of this run")
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        self.assertEqual(self.process.returncode, 1)

    def test_state_outlives_a_restart(self):
        state = self.folder / "state"
        self.start("--state", str(state))
        self.assertTrue(self.pings("203.0.113.100"))
        self.stop()
        self.assertGreater(state.stat().st_size, 0)
        self.start("--state", str(state))
        self.says("state of the last run: ")
        taken = int(re.search(r"state of the last run: (\d+) records taken, 0 did not fit", self.log.read_text()).group(1))
        self.assertGreaterEqual(taken, 2)  # the mapping and the echo flow
        self.assertRegex(self.stop(), r"10\.10\.0\.11 +as 203\.0\.113\.1")
        state.write_bytes(state.read_bytes()[:-3])
        self.start("--state", str(state))
        self.says("is damaged or cut off")
        self.assertTrue(self.pings("203.0.113.100"), "it works without")
        self.stop()

    def test_a_device_that_is_not_there(self):
        self.config.write_text(LIVE.replace("interfaces outside", "interfaces nowhere").replace("outside.0", "nowhere.0"))
        r = subprocess.run(["ip", "netns", "exec", self.gateway, PROGRAM, "--config", str(self.config)],
                           capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, r"device nowhere \(af-packet\): .*No such device")


if __name__ == "__main__":
    unittest.main(verbosity=2)
