#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Records the lab_wire_*.pcap captures anew, those of IKEv1 apart: make_wire_captures.sh FOLDER. The kernel speaks to itself, in network
# namespaces that end with the script. Needs root, iproute2, tcpdump, ethtool, ping and python3. What the kernel cannot do (VLAN, AH, ESP,
# bridges) is skipped, and said to be.
#
#     a  eth0 192.0.2.1     2001:db8:1::1  --  192.0.2.254     2001:db8:1::fe  left   r
#     b  eth0 198.51.100.7  2001:db8:2::7  --  198.51.100.254  2001:db8:2::fe  right  r     MTU 1300
#
# Identifiers, flow labels, time stamps and checksums differ from run to run: the tests have the values of the files in the repository.
set -euo pipefail

[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "skipped: not root" >&2; exit 77; }
for program in ip tcpdump ethtool ping python3; do
    command -v "$program" > /dev/null || { echo "skipped: no $program" >&2; exit 77; }
done
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
a=wcap-$$-a r=wcap-$$-r b=wcap-$$-b
recorder=

cleanup() {
    [ -z "$recorder" ] || kill "$recorder" 2> /dev/null || true
    for name in "$a" "$r" "$b"; do ip netns del "$name" 2> /dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT

in_ns() { ip netns exec "$@"; }

# For what has an error for an answer, or none.
try() { in_ns "$@" > /dev/null 2>&1 || true; }

# Offloads would leave checksums to be filled in and tags outside of the bytes.
plain() { in_ns "$1" ethtool -K "$2" tx off rx off tso off gso off gro off rxvlan off txvlan off > /dev/null 2>&1 || true; }

wire() { # wire NAMESPACE MAC, ROUTER'S END, ITS MAC
    ip link add eth0 netns "$1" address "$2" type veth peer name "$3" netns "$r" address "$4"
    plain "$1" eth0
    plain "$r" "$3"
}

# record NAME NAMESPACE INTERFACE FILTER: what passes the filter goes to NAME.pcap, until `recorded`
record() {
    local name=$1 namespace=$2 interface=$3
    shift 3
    : > "$work/log"
    ip netns exec "$namespace" tcpdump -q -n -U --immediate-mode -i "$interface" -Z root -w "$out/$name.pcap" "$@" 2>> "$work/log" &
    recorder=$!
    until grep -q listening "$work/log"; do kill -0 $recorder; sleep 0.1; done
}
recorded() {
    sleep 0.7 # what is on its way to tcpdump
    kill -INT $recorder
    wait $recorder || true
    recorder=
}

for name in "$a" "$r" "$b"; do
    ip netns add "$name"
    in_ns "$name" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000 \
        net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.router_solicitations=1 \
        net.ipv6.conf.default.router_solicitation_delay=0 net.ipv6.conf.default.addr_gen_mode=0
    ip -n "$name" link set lo up
done
in_ns "$r" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.accept_source_route=1 \
    net.ipv4.conf.default.accept_source_route=1
for name in "$r" "$b"; do
    in_ns "$name" sysctl -qw net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.default.seg6_enabled=1 2> /dev/null || true
done
wire "$a" 02:00:00:00:00:0a left 02:00:00:00:00:fe
wire "$b" 02:00:00:00:00:0b right 02:00:00:00:01:fe

# --- ARP; ICMPv6 of neighbours. The first packets of the link: an announcement, group membership, a search for routers.

in_ns "$a" sysctl -qw net.ipv4.conf.eth0.arp_notify=1
ip -n "$r" addr add 192.0.2.254/24 dev left
ip -n "$r" addr add 2001:db8:1::fe/64 dev left
ip -n "$a" addr add 192.0.2.1/24 dev eth0
ip -n "$a" addr add 2001:db8:1::1/64 dev eth0
ip -n "$r" link set left up
record lab_wire_neighbours "$r" left 'ether src 02:00:00:00:00:0a or ether dst 02:00:00:00:00:0a'
ip -n "$a" link set eth0 up
sleep 1.5
try "$a" ping -c1 -W1 192.0.2.254
try "$a" ping -c1 -W1 2001:db8:1::fe
recorded

ip -n "$b" addr add 198.51.100.7/24 dev eth0
ip -n "$b" addr add 2001:db8:2::7/64 dev eth0
ip -n "$r" addr add 198.51.100.254/24 dev right
ip -n "$r" addr add 2001:db8:2::fe/64 dev right
for end in "$b eth0" "$r right"; do
    read -r namespace interface <<< "$end"
    ip -n "$namespace" link set "$interface" mtu 1300 up
done
ip -n "$a" route add default via 192.0.2.254
ip -n "$b" route add default via 198.51.100.254
ip -n "$a" -6 route add default via 2001:db8:1::fe
ip -n "$b" -6 route add default via 2001:db8:2::fe
sleep 1
try "$a" ping -c1 -W1 198.51.100.7
try "$a" ping -c1 -W1 2001:db8:2::7

# --- IPv4 options: record route, time stamps, a source route

record lab_wire_ipv4_options "$a" eth0 ip
try "$a" ping -c1 -W1 -p 61 -s 8 -R 198.51.100.7
try "$a" ping -c1 -W1 -p 61 -s 8 -T tsonly 198.51.100.7
try "$a" ping -c1 -W1 -p 61 -s 8 -T tsandaddr 198.51.100.7
try "$a" python3 - << 'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 500))
# Loose source route by way of the router, then a no-operation for alignment.
s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([131, 7, 4]) + socket.inet_aton("192.0.2.254") + b"\1")
s.sendto(b"ike", ("198.51.100.7", 9))
END
recorded

# --- UDP without a checksum

record lab_wire_udp_no_checksum "$a" eth0 udp
try "$a" python3 - << 'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
s.bind(("192.0.2.1", 4500))
s.sendto(b"\xff", ("198.51.100.7", 4500))
END
recorded

# --- fragments of either version

record lab_wire_ipv4_fragments "$b" eth0 ip
try "$b" ping -c1 -W1 -p 62 -s 1600 -Q 0xb9 198.51.100.254
recorded
record lab_wire_ipv6_fragments "$b" eth0 'ip6[6] == 44'
try "$b" ping -c1 -W1 -p 63 -s 1600 -Q 0xb9 -F 0x12345 2001:db8:2::fe
recorded

# --- IPv6 extension headers: hop-by-hop, destination options before and after, routing (a segment list by way of the router), fragment

record lab_wire_ipv6_extensions "$a" eth0 'ip6[6] != 58 and src host 2001:db8:1::1'
try "$a" python3 - << 'END'
import socket
def padded(header):
    return header + b"\1" + bytes([-len(header) % 8 - 2]) + bytes(-len(header) % 8 - 2)
def sender(**options):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("2001:db8:1::1", 500))
    for name, value in options.items():
        s.setsockopt(socket.IPPROTO_IPV6, getattr(socket, name), value)
    return s
server = ("2001:db8:2::7", 9)
hop_by_hop = padded(bytes([0, 0, 5, 2, 0, 0]))
limit = padded(bytes([0, 0, 4, 1, 3]))  # tunnel encapsulation limit: 3
ignored = padded(bytes([0, 1, 0x1e, 6]) + b"ikealg")  # an experimental option
# RFC 8754: two segments, of which one is left; the last one is where the packet goes.
segments = bytes([0, 4, 4, 1, 1, 0, 0, 0]) + bytes(16) + socket.inet_pton(socket.AF_INET6, "2001:db8:1::fe")
sender(IPV6_DSTOPTS=limit).sendto(b"dst", server)
sender(IPV6_HOPOPTS=hop_by_hop, IPV6_DSTOPTS=ignored).sendto(b"hop", server)
try:
    sender(IPV6_RTHDR=segments).sendto(b"route", server)
    sender(IPV6_HOPOPTS=hop_by_hop, IPV6_RTHDRDSTOPTS=limit, IPV6_RTHDR=segments, IPV6_DSTOPTS=ignored).sendto(b"d" * 1500, server)
except OSError as e:
    import sys
    print("routing header:", e, file=sys.stderr)
END
recorded

# --- ICMP errors with what they quote

ip -n "$r" route add 203.0.113.0/25 via 192.0.2.9 # back where it came from
ip -n "$r" route add unreachable 203.0.113.128/26
ip -n "$r" route add prohibit 203.0.113.192/26
ip -n "$r" route add 2001:db8:3::/64 via fe80::9 dev left
ip -n "$r" -6 route add prohibit 2001:db8:4::/64
send() { # send ADDRESS PROTOCOL TEXT: 17 goes from port 500 to 500
    try "$a" python3 -c '
import socket, sys
to, protocol, text = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
six = ":" in to
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM if protocol == 17 else socket.SOCK_RAW, protocol)
if protocol == 17:
    s.bind(("2001:db8:1::1" if six else "192.0.2.1", 500))
s.settimeout(0.3)
s.connect((to, 500 if protocol == 17 else 0))
s.send(text)
s.recv(1)' "$@"
}
record lab_wire_icmp "$a" eth0 'icmp and less 1300'
try "$a" ping -c1 -W1 -p 64 -s 16 198.51.100.7
send 198.51.100.7 17 port                                # 3/3
send 198.51.100.7 253 protocol                           # 3/2
send 198.18.0.1 17 net                                   # 3/0
send 203.0.113.129 17 host                               # 3/1
send 203.0.113.200 17 prohibited                         # 3/13
try "$a" ping -c1 -W1 -p 65 -M 'do' -s 1400 198.51.100.7   # 3/4
try "$a" ping -c1 -W1 -p 66 -s 16 -t 1 198.51.100.7        # 11/0
send 203.0.113.1 17 redirect                             # 5/1
try "$a" python3 - << 'END'
import socket
# A source route whose pointer points beyond its end: 12/0. And a strict one to who is not a neighbour: 3/5.
for option in (bytes([131, 7, 3]) + socket.inet_aton("192.0.2.254") + b"\0", bytes([137, 7, 4]) + socket.inet_aton("203.0.113.1") + b"\0"):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    header = bytes([0x47, 0, 0, 36, 0x12, 0x34, 0, 0, 64, 17, 0, 0]) + socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.254") + option
    s.sendto(header + bytes.fromhex("01f401f400080000"), ("192.0.2.254", 0))
END
recorded

ip -n "$a" -6 route flush cache # of what the fragments above taught about the MTU
record lab_wire_icmpv6 "$a" eth0 'icmp6 and less 1300 and (ip6[40] < 130 or ip6[40] == 137)'
try "$a" ping -c1 -W1 -p 67 -s 16 2001:db8:2::7
send 2001:db8:2::7 17 port                               # 1/4
send 2001:db8:2::7 253 header                            # 4/1
send 2001:db8:99::1 17 route                             # 1/0
send 2001:db8:4::1 17 prohibited                         # 1/1
try "$a" ping -c1 -W1 -p 68 -M 'do' -s 1400 2001:db8:2::7  # 2/0
try "$a" ping -c1 -W1 -p 69 -s 16 -t 1 2001:db8:2::7       # 3/0
sleep 1.5 # redirects are limited in rate, errors count
send 2001:db8:3::1 17 redirect                           # 137
recorded

# --- VLAN tags: one of priority 5; two, 802.1ad before 802.1Q; two of 802.1Q

tagged() { # tagged NAMESPACE PARENT NAME PROTOCOL ID PRIORITY
    ip -n "$1" link add link "$2" name "$3" type vlan protocol "$4" id "$5" egress-qos-map 0:"$6" 2> /dev/null &&
        plain "$1" "$3" && in_ns "$1" sysctl -qw "net.ipv6.conf.$3.router_solicitations=0" && ip -n "$1" link set "$3" up
}
vlan() { # vlan NAME NET: what is sent through the interfaces `v` of both ends
    ip -n "$a" addr add "10.0.$2.1/24" dev v
    ip -n "$r" addr add "10.0.$2.2/24" dev v
    ip -n "$a" addr add "fd00:$2::1/64" dev v
    ip -n "$r" addr add "fd00:$2::2/64" dev v
    sleep 2.5 # for what a new interface says by itself
    record "$1" "$a" eth0 'vlan and not ether[0:2] = 0x3333 or ether proto 0x88a8'
    try "$a" ping -c1 -W1 -p 6a -s 16 "10.0.$2.2"
    try "$a" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.%s.1" % sys.argv[1], 500))
s.sendto(b"tagged", ("10.0.%s.2" % sys.argv[1], 500))' "$2"
    try "$a" ping -c1 -W1 -p 6b -s 16 "fd00:$2::2"
    recorded
    ip -n "$a" link del v
    ip -n "$r" link del v
}
if tagged "$a" eth0 v 802.1Q 100 5 && tagged "$r" left v 802.1Q 100 2; then
    vlan lab_wire_vlan 100
    tagged "$a" eth0 s 802.1ad 200 6 && tagged "$r" left s 802.1ad 200 1
    tagged "$a" s v 802.1Q 300 5 && tagged "$r" s v 802.1Q 300 0
    vlan lab_wire_vlan_802.1ad 200
    tagged "$a" eth0 q 802.1Q 4094 7 && tagged "$r" left q 802.1Q 4094 0
    tagged "$a" q v 802.1Q 1 0 && tagged "$r" q v 802.1Q 1 3
    vlan lab_wire_vlan_double 210
else
    echo "skipped: VLAN, the kernel has no 802.1Q (module 8021q)" >&2
fi

# --- AH and ESP between a and r, without IKE. SPIs and keys are by hand, all else is the kernel's.

sha1="auth-trunc hmac(sha1) 0x$(printf '%040d' 42) 96"
sha256="auth-trunc hmac(sha256) 0x$(printf '%064d' 42) 128"
gcm="aead rfc4106(gcm(aes)) 0x$(printf '%040d' 42) 128"

# protect LEFT RIGHT "SPI-OUT SPI-IN MODE PROTOCOL ALGORITHM"...: what a and r say to each other goes through these SAs, the innermost
# named first
protect() {
    local left=$1 right=$2 spec out_spi in_spi mode protocol algorithm namespace forth=() back=()
    shift 2
    for spec in "$@"; do
        read -r out_spi in_spi mode protocol algorithm <<< "$spec"
        for namespace in "$a" $r; do
            # shellcheck disable=SC2086 # words on purpose
            ip -n "$namespace" xfrm state add src "$left" dst "$right" proto "$protocol" spi "$out_spi" reqid "$out_spi" mode "$mode" \
                $algorithm &&
                ip -n "$namespace" xfrm state add src "$right" dst "$left" proto "$protocol" spi "$in_spi" reqid "$in_spi" mode "$mode" \
                    $algorithm || return
        done
        if [ "$mode" = tunnel ]; then
            forth+=(tmpl src "$left" dst "$right" proto "$protocol" reqid "$out_spi" mode tunnel)
            back+=(tmpl src "$right" dst "$left" proto "$protocol" reqid "$in_spi" mode tunnel)
        else
            forth+=(tmpl proto "$protocol" reqid "$out_spi" mode transport)
            back+=(tmpl proto "$protocol" reqid "$in_spi" mode transport)
        fi
    done
    ip -n "$a" xfrm policy add src "$left" dst "$right" dir out "${forth[@]}"
    ip -n "$a" xfrm policy add src "$right" dst "$left" dir in "${back[@]}"
    ip -n "$r" xfrm policy add src "$right" dst "$left" dir out "${back[@]}"
    ip -n "$r" xfrm policy add src "$left" dst "$right" dir in "${forth[@]}"
}
unprotect() {
    for namespace in "$a" $r; do
        ip -n "$namespace" xfrm policy flush
        ip -n "$namespace" xfrm state flush
    done
}
# protected LEFT RIGHT SPEC...: a ping with its answer, a UDP packet with the error that answers it
protected() {
    protect "$@"
    try "$a" ping -c1 -W1 -p 6c -s 16 "$2"
    send "$2" 17 udp
    unprotect
}
four=(192.0.2.1 192.0.2.254)
six=(2001:db8:1::1 2001:db8:1::fe)
if protect "${four[@]}" "4096 4097 transport ah $sha256" 2> /dev/null; then
    unprotect
    record lab_wire_ah "$a" eth0 'ip proto 51'
    protected "${four[@]}" "0x1001 0x2001 transport ah $sha256"
    protected "${four[@]}" "0x1002 0x2002 transport ah $sha1"
    protected "${four[@]}" "0x1003 0x2003 tunnel ah $sha256"
    protected "${four[@]}" "0x1004 0x2004 transport esp $gcm" "0x1005 0x2005 transport ah $sha256"
    recorded
    record lab_wire_ah_ipv6 "$a" eth0 'ip6[6] == 51 or ip6[6] == 60'
    protected "${six[@]}" "0x1006 0x2006 transport ah $sha256"
    protected "${six[@]}" "0x1007 0x2007 tunnel ah $sha1"
    protected "${six[@]}" "0x1008 0x2008 transport esp $gcm" "0x1009 0x2009 transport ah $sha256"
    protect "${six[@]}" "0x100a 0x200a transport ah $sha256"
    try "$a" python3 - << 'END'
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("2001:db8:1::1", 500))
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes([0, 0, 4, 1, 3, 1, 1, 0]))
s.sendto(b"dst", ("2001:db8:1::fe", 9))
END
    unprotect
    recorded
    record lab_wire_esp_ipv6 "$a" eth0 'ip6[6] == 50'
    protected "${six[@]}" "0x100b 0x200b transport esp $gcm"
    protected "${six[@]}" "0x100c 0x200c tunnel esp $gcm"
    recorded
else
    echo "skipped: AH and ESP, the kernel has none (modules ah4, ah6, esp4, esp6)" >&2
fi

# --- an IEEE 802.3 frame, with a length for a type: the spanning tree of a bridge

if ip -n "$b" link add br0 type bridge stp_state 1 hello_time 100 2> /dev/null; then
    ip -n "$b" link set eth0 master br0
    record lab_wire_802.3 "$r" right 'ether[12:2] < 0x600'
    ip -n "$b" link set br0 up
    sleep 1.5
    recorded
else
    echo "skipped: IEEE 802.3, the kernel has no bridge (module bridge)" >&2
fi

ls -l "$out"/lab_wire_*.pcap
