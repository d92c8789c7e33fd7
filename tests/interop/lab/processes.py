# SPDX-License-Identifier: Apache-2.0
"""Commands and processes of a run. What a run starts is written down, so that what a crashed one left can be ended: those
processes and namespaces and no others."""

import glob
import json
import os
import shlex
import signal
import subprocess
import time


def sh(command, check=True, netns=None):
    """Runs a command (not through a shell) and returns its output."""
    args = shlex.split(command) if isinstance(command, str) else list(command)
    r = subprocess.run(in_netns(netns, args), capture_output=True, text=True)
    if check and r.returncode:
        raise RuntimeError(f"{' '.join(args)}: {r.stderr.strip() or r.stdout.strip()}")
    return r.stdout


def in_netns(netns, args):
    return ["ip", "netns", "exec", netns, *args] if netns else list(args)


def wait_until(condition, timeout, interval=0.1):
    """The first true value of condition(), or its last one after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(interval)
    return value


def started_at(pid):
    """With the pid it names a process for good: pids are used again."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


class Ledger:
    """What this run started, in a file beside those of other runs."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.path = f"{folder}/{os.getpid()}.json"
        self.entries = {"driver": [os.getpid(), started_at(os.getpid())], "processes": [], "netns": []}
        self._save()

    def popen(self, args, what, netns=None, **options):
        """Starts a process as a group of its own."""
        p = subprocess.Popen(in_netns(netns, args), stdin=subprocess.DEVNULL, start_new_session=True, **options)
        self.entries["processes"].append([p.pid, started_at(p.pid), what])
        self._save()
        return p

    def netns(self, name):
        self.entries["netns"].append(name)
        self._save()

    def close(self):
        os.unlink(self.path)

    def _save(self):
        with open(self.path + ".new", "w") as f:
            json.dump(self.entries, f)
        os.replace(self.path + ".new", self.path)


def end_leftovers(folder):
    """Ends what runs left whose driver is gone."""
    for path in glob.glob(f"{folder}/*.json"):
        with open(path) as f:
            left = json.load(f)
        pid, began = left["driver"]
        if began and started_at(pid) == began:
            continue
        for pid, began, what in left["processes"]:
            if began and started_at(pid) == began:
                print(f"ending {what} (process {pid}) of an earlier run", flush=True)
                try:
                    os.killpg(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for name in left["netns"]:
            sh(f"ip netns del {name}", check=False)
        os.unlink(path)


def stop_group(p, grace=5):
    """Ends a process that popen() started, with its children: SIGTERM, later SIGKILL. Returns its status."""
    for s in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(p.pid, s)
        except ProcessLookupError:
            break
        try:
            p.wait(grace)
            if s == signal.SIGTERM and p.returncode is not None:
                break
        except subprocess.TimeoutExpired:
            pass
    return p.wait(10)
