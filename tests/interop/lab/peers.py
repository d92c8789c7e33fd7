# SPDX-License-Identifier: Apache-2.0
"""The IPsec daemons inside the machines: how they are configured, started, told to do things and asked."""

import re
from dataclasses import dataclass, field

from . import plan

PSK = "not-a-secret"
# IKE and ESP algorithms by IKE version, for libreswan.
ALGORITHMS = {1: ("aes256-sha2_256;modp2048", "aes128-sha2_256"), 2: ("aes256-sha2_256;modp2048", "aes_gcm256")}
TUNNEL = "tunnel"  # the name of a client's connection; the server's are named after the clients


@dataclass
class Client:
    """How one client is set up in a scenario; `options` are libreswan's for its connection."""

    name: str
    version: int = 1
    natt: bool = False
    daemon: str = "libreswan"
    certificates: bool = False
    options: dict = field(default_factory=dict)

    @property
    def host(self):
        return plan.CLIENTS[self.name]

    def __str__(self):
        return f"IKEv{self.version}, {'NAT-T, ' if self.natt else ''}{self.daemon}"


def connection(name, left, right, client, options):
    """A libreswan connection. left and right: (address, id, net); an option that is None is left out.

    encapsulation=no and nat-ikev1-method=none keep plain clients off UDP 4500. IKEv2 still sends the NAT_DETECTION notifies;
    both sides ignore what they say."""
    ike, esp = ALGORITHMS[client.version]
    o = {
        "authby": "rsasig" if client.certificates else "secret",
        "type": "tunnel",
        "auto": "add",
        "ikev2": "insist" if client.version == 2 else "no",
        "ike": ike,
        "esp": esp,
        "ikelifetime": "1h",
        "salifetime": "1h",
        "retransmit-timeout": "60s",
        "leftupdown": "%disabled",
    }
    for side, (address, ident, net) in (("left", left), ("right", right)):
        o |= {side: address, side + "id": "@" + ident, side + "subnet": net}
    if client.certificates:
        o |= {"leftcert": left[1], "sendca": "all", "leftsendcert": "always", "rightca": "%any"}
    if not client.natt:
        o["encapsulation"] = "no"
        if client.version == 1:
            o["nat-ikev1-method"] = "none"
    return f"conn {name}\n" + "".join(f"\t{k}={v}\n" for k, v in (o | options).items() if v is not None)


def client_connection(client):
    h = client.host
    return connection(
        TUNNEL,
        (h.address, client.name, h.net),
        (plan.SERVER.address, "server", plan.SERVER_NET),
        client,
        {"rekey": "yes"} | client.options,
    )


def server_connection(client, options):
    return connection(
        client.name,
        (plan.SERVER.address, "server", plan.SERVER_NET),
        ("%any", client.name, client.host.net),
        client,
        {"rekey": "no"} | {k: v for k, v in client.options.items() if k in ("ike", "esp", "fragmentation")} | options,
    )


# uniqueids=no: an IKEv1 responder gives a peer to the first %any connection, and so to that one's id, until it has heard
# the real id; with uniqueids=yes c1 coming up deletes a c2 that is at that stage.
PLUTO = """config setup
\tprotostack=xfrm
\tlogfile=/var/log/pluto.log
\tlogappend=yes
\tlogtime=yes
\tdnssec-enable=no
\tikev1-policy=accept
\tuniqueids=no
\tvirtual-private=%v4:10.0.0.0/8,%v4:192.168.0.0/16
\tnssdir={nss}
\tplutodebug=none

"""

# Inner traffic outside a tunnel is dropped, never sent in clear.
BLOCK = (
    "for d in out in; do ip2 xfrm policy add src 192.168.0.0/16 dst 192.168.0.0/16 dir $d action block "
    "priority 4000000000 2>/dev/null; "
    "done; true"
)

KILL_ALL = (
    "p=$(pidof pluto charon); [ -n \"$p\" ] && kill -9 $p; "
    "while pidof pluto charon > /dev/null; do usleep 50000; done; "
    "ip2 xfrm state flush; ip2 xfrm policy flush; ip2 neigh flush all; "
    "rm -rf /run/pluto/* /var/run/charon* /var/log/*.log /etc/ipsec.conf; true"
)

EVIDENCE = (
    "cat /var/log/pluto.log /var/log/charon.log 2>/dev/null; echo; echo == xfrm; ip2 -s xfrm state; ip2 xfrm policy; "
    "grep -v '\\s0$' /proc/net/xfrm_stat"
)


def until(condition, seconds):
    """A shell script that waits for a condition, in time as the machine measures it."""
    now = "$(cut -d. -f1 /proc/uptime)"
    return f"end=$(({now} + {seconds})); until {condition} || [ {now} -ge $end ]; do usleep 100000; done\n"


class Libreswan:
    def __init__(self, machine):
        self.machine = machine
        self._version = {}

    def start(self, connections, clients, certificates=False):
        """`clients`: connection name -> Client."""
        self._version = {name: c.version for name, c in clients.items()}
        nss = f"/certificates/{self.machine.name}" if certificates else "/var/lib/ipsec/nss"
        self.machine.put("/etc/ipsec.conf", PLUTO.format(nss=nss) + connections)
        self.machine.put("/etc/ipsec.secrets", f': PSK "{PSK}"\n')
        count = len(clients)
        status, out = self.machine.run(
            "mkdir -p /run/pluto; /usr/libexec/ipsec/pluto --config /etc/ipsec.conf || exit 1\n"
            + until(f"[ \"$(/usr/libexec/ipsec/whack --status 2>/dev/null | grep -c 'our idtype')\" -ge {count} ]", 90)
            + "/usr/libexec/ipsec/whack --status | grep -c 'our idtype'\n"
            + BLOCK,
            timeout=120,
        )
        if status or not out.strip().endswith(str(count)):
            raise RuntimeError(
                f"{self.machine.name}: pluto did not start: {out} {self.machine.run('tail -20 /var/log/pluto.log')[1]}"
            )

    def whack(self, arguments, timeout):
        return self.machine.run(f"timeout {timeout} /usr/libexec/ipsec/whack {arguments}", timeout=timeout + 30)[1]

    def initiate(self, name=TUNNEL, timeout=60):
        """(established, last line of output)"""
        out = self.whack(f"--initiate --name {name}", timeout)
        up = bool(re.search(r"established.*=>0x", out)) or self.established(name)
        return up, (out.strip().splitlines() or ["no output"])[-1]

    def established(self, name=TUNNEL):
        up = f"/usr/libexec/ipsec/whack --status | grep -Ec '\"{name}\".*(IPsec SA established|established Child SA)'"
        return int(self.machine.run(up)[1] or 0) > 0

    def rekey(self, what, name=TUNNEL, timeout=60):
        """Rekeys "child" or "ike" now; IKEv1 has no command to do the latter. (done, last line of output)"""
        if self._version[name] == 1:
            out = self.whack(f"--initiate --name {name}", timeout)
            done = bool(re.search(r"#\d+: IPsec SA established", out))
        else:
            out = self.whack(f"--rekey-{'ipsec' if what == 'child' else 'ike'} --name {name}", timeout)
            done = "rekeyed" in out
        return done, (out.strip().splitlines() or ["no output"])[-1]

    def ike_sas(self, name=TUNNEL):
        """How many IKE SAs the connection has had."""
        return int(
            self.machine.run(
                f"grep -c '\"{name}\".*\\(IKE SA established\\|established IKE SA\\|rekeyed IKE SA\\)' /var/log/pluto.log"
            )[1]
            or 0
        )


class StrongSwan:
    """A client only: it has no way to stay on UDP 500 behind a NAT."""

    def __init__(self, machine):
        self.machine = machine

    def start(self, client):
        h = client.host
        self.machine.put(
            "/etc/strongswan.conf",
            """charon {
  load = random nonce openssl aes sha1 sha2 hmac kdf gmp curve25519 gcm kernel-netlink socket-default vici
  install_routes = no
  install_virtual_ip = no
  keep_alive = 10s
  filelog { f { path = /var/log/charon.log
    time_format = %b %e %T
    flush_line = yes
    default = 1
    ike_name = yes } }
}
""",
        )
        self.machine.put(
            "/etc/swanctl/swanctl.conf",
            f"""connections {{ {TUNNEL} {{
  version = {client.version}
  local_addrs = {h.address}
  remote_addrs = {plan.SERVER.address}
  encap = yes
  mobike = no
  proposals = aes256-sha256-modp2048
  local {{ auth = psk
    id = fqdn:{client.name} }}
  remote {{ auth = psk
    id = fqdn:server }}
  children {{ {TUNNEL} {{
    local_ts = {h.net}
    remote_ts = {plan.SERVER_NET}
    esp_proposals = {'aes128-sha256-modp2048' if client.version == 1 else 'aes256gcm16,aes256gcm16-modp2048'}
    mode = tunnel }} }} }} }}
secrets {{ ike-1 {{ secret = "{PSK}" }} }}
""",
        )
        status, out = self.machine.run(
            "mkdir -p /etc/ipsec.d /var/run; (/usr/lib/ipsec/charon >/var/log/charon.err 2>&1 &)\n"
            + until("[ -S /var/run/charon.vici ]", 90)
            + "swanctl --load-all --noprompt 2>&1 && "
            + BLOCK,
            timeout=120,
        )
        if status:
            raise RuntimeError(
                f"{self.machine.name}: charon: {out}\n{self.machine.run('cat /var/log/charon.*')[1][-1500:]}"
            )

    def initiate(self, name=TUNNEL, timeout=60):
        out = self.machine.run(
            f"timeout {timeout} swanctl --initiate --child {name} --timeout {timeout}", timeout=timeout + 30
        )[1]
        return "initiate completed" in out, (out.strip().splitlines() or ["no output"])[-1]

    def rekey(self, what, name=TUNNEL, timeout=60):
        count = f"grep -c '{'SPIs' if what == 'child' else 'IKE_SA .*(established|rekeyed) between'}' -E /var/log/charon.log"
        before = int(self.machine.run(count)[1] or 0)
        more = f"[ $({count}) -gt {before} ]"
        status, out = self.machine.run(
            f"swanctl --rekey --{what} {name}; {until(more, timeout)}{more}", timeout=timeout + 30
        )
        return status == 0, (out.strip().splitlines() or ["no output"])[-1]
