#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A control: each client has an address of its own outside. What fails with nft.sh and not with this is the gateway's doing, not the hosts'.
# GW_MODE=kernel; the pool is c1's address to c3's.
case ${1-} in
show | forget) exec "$(dirname "$0")/nft.sh" "$1" ;;
esac
set -e
sysctl -qw net.ipv4.ip_forward=1
nft -f - << EOF
table ip lab
delete table ip lab
table ip lab {
    map out {
        type ipv4_addr : ipv4_addr
        elements = { 10.10.0.11 : 203.0.113.11, 10.10.0.12 : 203.0.113.12, 10.10.0.13 : 203.0.113.13 }
    }
    map in {
        type ipv4_addr : ipv4_addr
        elements = { 203.0.113.11 : 10.10.0.11, 203.0.113.12 : 10.10.0.12, 203.0.113.13 : 10.10.0.13 }
    }
    chain prerouting {
        type nat hook prerouting priority -100;
        iifname "$GW_OUTSIDE_IF" dnat to ip daddr map @in
    }
    chain postrouting {
        type nat hook postrouting priority 100;
        oifname "$GW_OUTSIDE_IF" snat to ip saddr map @out
    }
}
EOF
