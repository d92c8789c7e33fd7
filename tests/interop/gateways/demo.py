#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A control for the lab, NOT a product: the smallest userspace gateway on bare
interfaces (GW_MODE=bare or tap) that gets several plain IPsec clients through one
address.  It shows that the endpoints can pass the scenarios and that the bare
contract (ARP, MACs, complete checksums) is enough for a packet-socket program.

  IKE   UDP 500 stays on 500; the way back is found by the initiator cookie/SPI;
        an unknown one from the server goes to the client of the last exchange
  ESP   out: source rewritten.  in: the SPI's client; for a new SPI the client
        whose new outbound SPI waits for a partner (oldest first), else the
        client that exchanged IKE with this server last and has no inbound SPI
        since; else the one of the last IKE
  UDP   anything else: port translation.    Nothing ages; no ICMP, no TCP.
"""
import fcntl
import os
import select
import socket
import struct
import sys
import time

IN_IP = socket.inet_aton(os.environ["GW_INSIDE_IP"])
OUT_IP = socket.inet_aton(os.environ["GW_POOL"].split("-")[0].split(",")[0])
MY_MAC = {}


def mac(s):
    return bytes.fromhex(s.replace(":", ""))


MY_MAC["in"] = mac(os.environ["GW_INSIDE_MAC"])
MY_MAC["out"] = mac(os.environ["GW_OUTSIDE_MAC"])
MY_IP = {"in": IN_IP, "out": OUT_IP}


class Packet:
    """A packet socket (GW_MODE=bare)."""

    def __init__(self, ifname):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.bind((ifname, 3))
        self.s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)      # SO_RCVBUFFORCE
        self.send, self.fileno = self.s.send, self.s.fileno

    def recv(self):
        while True:
            f, a = self.s.recvfrom(65536, socket.MSG_DONTWAIT)
            if a[2] != socket.PACKET_OUTGOING:
                return f


class Tap:
    """A tap device (GW_MODE=tap)."""

    def __init__(self, ifname):
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, 0x400454ca, struct.pack("16sH22x", ifname.encode(), 0x1002))   # IFF_TAP | IFF_NO_PI

    def fileno(self):
        return self.fd

    def send(self, f):
        os.write(self.fd, f)

    def recv(self):
        return os.read(self.fd, 65536)


PORT = Tap if os.environ["GW_MODE"] == "tap" else Packet
SK = {side: PORT(os.environ[var]) for side, var in (("in", "GW_INSIDE_IF"), ("out", "GW_OUTSIDE_IF"))}

arp = {"in": {}, "out": {}}           # ip -> mac
waiting = {"in": {}, "out": {}}       # ip -> packets that wait for ARP
cookie = {}                           # (server, initiator cookie) -> client
last_ike = {}                         # (server, client) -> time of the last IKE packet
in_spi = {}                           # (server, spi) -> client
out_spi = {}                          # (server, spi) -> client
unpaired = {}                         # server -> [client] with a new outbound SPI and no inbound one yet
in_time = {}                          # (server, client) -> time of its last new inbound SPI
nat, rnat, next_port = {}, {}, [20000]


def log(*a):
    print(f"{time.time():.3f}", *a, flush=True)


def ipn(b):
    return socket.inet_ntoa(b)


def csum(h):
    t = sum(struct.unpack(f"!{len(h) // 2}H", h))
    t = (t >> 16) + (t & 0xffff)
    return ~((t >> 16) + t) & 0xffff


def send(side, pkt):
    dst = bytes(pkt[16:20])
    m = arp[side].get(dst)
    if m is None:
        q = waiting[side].setdefault(dst, [])
        if len(q) < 16:
            q.append(bytes(pkt))
        SK[side].send(b"\xff" * 6 + MY_MAC[side] + b"\x08\x06" +
                      struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + MY_MAC[side] + MY_IP[side] + bytes(6) + dst)
        return
    pkt[8] -= 1
    pkt[10:12] = b"\0\0"
    ihl = (pkt[0] & 15) * 4
    pkt[10:12] = struct.pack("!H", csum(bytes(pkt[:ihl])))
    SK[side].send(m + MY_MAC[side] + b"\x08\x00" + bytes(pkt))


def on_arp(side, f):
    op, sha, spa, tpa = struct.unpack("!H", f[20:22])[0], f[22:28], f[28:32], f[38:42]
    arp[side][spa] = sha
    if op == 1 and tpa == MY_IP[side]:
        SK[side].send(sha + MY_MAC[side] + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) +
                      MY_MAC[side] + tpa + sha + spa)
    for p in waiting[side].pop(spa, []):
        send(side, bytearray(p))


def outbound(p):
    ihl, proto, src, dst = (p[0] & 15) * 4, p[9], bytes(p[12:16]), bytes(p[16:20])
    if proto == 17:
        sp, dp = struct.unpack("!HH", p[ihl:ihl + 4])
        if sp == 500 and dp == 500:
            c = bytes(p[ihl + 8:ihl + 16])
            if cookie.get((dst, c)) != src:
                cookie[(dst, c)] = src
                log("ike", c.hex(), ipn(src))
            last_ike[(dst, src)] = time.time()
        else:
            k = (src, sp, dst, dp)
            if k not in nat:
                next_port[0] += 1
                nat[k] = next_port[0]
                rnat[(dst, dp, next_port[0])] = (src, sp)
            p[ihl:ihl + 2] = struct.pack("!H", nat[k])
        p[ihl + 6:ihl + 8] = b"\0\0"
    elif proto == 50:
        spi = bytes(p[ihl:ihl + 4])
        if out_spi.get((dst, spi)) != src:
            out_spi[(dst, spi)] = src
            # an inbound SPI learnt since the last IKE exchange is its partner
            if in_time.get((dst, src), 0) < last_ike.get((dst, src), 0):
                unpaired.setdefault(dst, []).append(src)
            log("esp out", spi.hex(), ipn(src))
    else:
        return
    p[12:16] = OUT_IP
    send("out", p)


def inbound(p):
    ihl, proto, src, dst = (p[0] & 15) * 4, p[9], bytes(p[12:16]), bytes(p[16:20])
    if dst != OUT_IP:
        return
    to = None
    if proto == 17:
        sp, dp = struct.unpack("!HH", p[ihl:ihl + 4])
        if sp == 500 and dp == 500:
            c = bytes(p[ihl + 8:ihl + 16])
            to = cookie.get((src, c))
            if to is None:
                # an IKE SA rekeyed inside an encrypted exchange, or one the
                # server begins: the client of the last IKE exchange
                cs = sorted((t, x) for (srv, x), t in last_ike.items() if srv == src)
                log("ike from server, unknown cookie", c.hex(), "->", ipn(cs[-1][1]) if cs else "dropped")
                if not cs:
                    return
                to = cookie[(src, c)] = cs[-1][1]
            last_ike[(src, to)] = time.time()
        else:
            t = rnat.get((src, sp, dp))
            if t is None:
                return
            to = t[0]
            p[ihl + 2:ihl + 4] = struct.pack("!H", t[1])
        p[ihl + 6:ihl + 8] = b"\0\0"
    elif proto == 50:
        spi = bytes(p[ihl:ihl + 4])
        to = in_spi.get((src, spi))
        if to is None:
            w = unpaired.get(src)
            if w:
                to, how = w.pop(0), "pairs with a new outbound SPI"
            else:
                cs = sorted((t, c) for (srv, c), t in last_ike.items() if srv == src)
                fresh = [c for t, c in cs if in_time.get((src, c), 0) < t]
                if not cs:
                    return
                to, how = (fresh[-1] if fresh else cs[-1][1]), "by the last IKE"
            in_spi[(src, spi)] = to
            in_time[(src, to)] = time.time()
            log("esp in", spi.hex(), "->", ipn(to), how)
    if to is None:
        return
    p[16:20] = to
    send("in", p)


log("demo gateway on", sys.argv[0])
open(os.environ["GW_READY_FILE"], "w").close()
while True:
    for s in select.select([SK["in"], SK["out"]], [], [])[0]:
        side = "in" if s is SK["in"] else "out"
        for _ in range(64):
            try:
                f = s.recv()
            except BlockingIOError:
                break
            if len(f) < 34:
                continue
            if f[12:14] == b"\x08\x06":
                on_arp(side, f)
            elif f[12:14] == b"\x08\x00" and f[:6] == MY_MAC[side]:
                n = struct.unpack("!H", f[16:18])[0]
                p = bytearray(f[14:14 + n])
                arp[side].setdefault(bytes(p[12:16]) if side == "in" else b"", f[6:12])
                if p[8] > 1:
                    (outbound if side == "in" else inbound)(p)
