# SPDX-License-Identifier: Apache-2.0
"""A host: a QEMU process without KVM, one network card on a tap, and an agent inside that runs shell scripts."""

import base64
import concurrent.futures
import os
import socket
import threading

from . import processes

# Frames on the wire are complete and no larger than the MTU, whoever reads them.
NO_OFFLOADS = (
    "csum=off,guest_csum=off,gso=off,guest_tso4=off,guest_tso6=off,guest_ufo=off,guest_ecn=off,"
    "host_tso4=off,host_tso6=off,host_ufo=off,host_ecn=off,mrg_rxbuf=off"
)


class Machine:
    def __init__(self, host, system, network, ledger, evidence):
        """Starts to boot. `system` is the folder of guest/build.sh."""
        self.host, self.name = host, host.name
        self.console = f"{evidence}/{self.name}.console"
        self._system, self._network, self._ledger = system, network, ledger
        self._tap = network.host_tap(host)
        self._boot()

    def _boot(self):
        host = self.host
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        open(self.console, "w").close()
        append = (
            f"console=ttyS0 quiet panic=-1 lab.name={host.name} lab.ip={host.address}/24 lab.gw={host.router} "
            f"lab.inner={host.inner} lab.routes={','.join(host.peers)} random.trust_cpu=on mitigations=off tsc=reliable"
        )
        with open(self.console + ".qemu", "w") as log:
            self._process = self._ledger.popen(
                [
                    "qemu-system-x86_64",
                    "-name",
                    host.name,
                    "-accel",
                    "tcg,thread=multi,tb-size=128",
                    "-M",
                    "pc",
                    "-cpu",
                    "max",
                    "-m",
                    os.environ.get("MACHINE_MB", "224"),
                    "-smp",
                    "1",
                    "-nodefaults",
                    "-no-user-config",
                    "-display",
                    "none",
                    "-no-reboot",
                    "-kernel",
                    f"{self._system}/vmlinuz",
                    "-initrd",
                    f"{self._system}/initramfs",
                    "-append",
                    append,
                    "-serial",
                    f"file:{self.console}",
                    "-device",
                    "virtio-rng-pci",
                    "-netdev",
                    f"tap,id=n0,ifname={self._tap},script=no,downscript=no,vnet_hdr=off",
                    "-device",
                    f"virtio-net-pci,netdev=n0,mac={host.mac},romfile=,{NO_OFFLOADS}",
                    "-chardev",
                    f"socket,id=a0,fd={theirs.fileno()}",
                    "-device",
                    "virtio-serial-pci",
                    "-device",
                    "virtserialport,chardev=a0,name=agent",
                ],
                "machine " + self.name,
                netns=self._network.netns[host.side],
                pass_fds=[theirs.fileno()],
                stdout=log,
                stderr=log,
            )
        theirs.close()
        self._socket = ours
        self._lock = threading.Lock()
        self._waiting, self._sent = {}, 0
        threading.Thread(target=self._read, args=(ours, self._waiting), daemon=True).start()

    def ready(self, timeout=180):
        """Waits until the machine has booted."""

        def booted():
            if self._process.poll() is not None:
                with open(self.console + ".qemu") as f:
                    raise RuntimeError(f"{self.name}: QEMU ended: {f.read()}")
            with open(self.console, errors="replace") as f:
                return "LAB-READY" in f.read()

        if not processes.wait_until(booted, timeout, 0.2):
            raise RuntimeError(f"{self.name}: not booted after {timeout} s, see {self.console}")
        for _ in range(20):
            try:
                return self.run("true", timeout=3)
            except TimeoutError:
                pass  # a script that comes before the agent opened the port is lost
        raise RuntimeError(f"{self.name}: the agent does not answer")

    @property
    def on(self):
        return self._process.poll() is None

    def lose_power(self):
        """From one instruction to the next; nothing is said to anybody."""
        self._process.kill()
        self._process.wait(10)
        self._socket.close()

    def boot_again(self):
        self._boot()
        self.ready()

    def stop(self):
        if self.on:
            self.lose_power()

    @staticmethod
    def _read(sock, waiting):
        buffer = b""
        while True:
            try:
                data = sock.recv(65536)
            except OSError:
                return
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                f = line.split(b" ")
                future = waiting.pop(f[0].decode(errors="replace"), None)
                if future and len(f) == 3:
                    future.set_result((int(f[1]), base64.b64decode(f[2]).decode(errors="replace")))

    def start(self, script):
        """Runs a shell script; returns a future of (status, output)."""
        future = concurrent.futures.Future()
        with self._lock:
            self._sent += 1
            key = f"{os.getpid()}.{self._sent}"
            self._waiting[key] = future
            self._socket.sendall(f"{key} {base64.b64encode(script.encode()).decode()}\n".encode())
        return future

    def run(self, script, timeout=90, check=False):
        """Runs a shell script; returns (status, output)."""
        try:
            status, output = self.start(script).result(timeout)
        except concurrent.futures.TimeoutError:
            raise TimeoutError(f"{self.name}: {script[:60]!r} did not end in {timeout} s") from None
        if check and status:
            raise RuntimeError(f"{self.name}: {script[:80]!r} ended with {status}: {output.strip()[-400:]}")
        return status, output

    def put(self, path, text):
        b = base64.b64encode(text.encode()).decode()
        self.run(f"mkdir -p {os.path.dirname(path)}; echo {b} | base64 -d > {path}", check=True)
