#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The baseline: Linux forwarding and nftables source NAT, what an ordinary router does. Runs in the gateway's namespace with
# GW_MODE=kernel and returns once set up.
#   nft.sh          set up, or set up again with connection tracking kept
#   nft.sh forget   what a restart forgets: connection tracking
#   nft.sh show     entries and counters
set -e
case ${1-} in
show)
    echo "== conntrack entries"
    cat /proc/net/nf_conntrack 2> /dev/null || conntrack -L
    echo "== conntrack statistics"
    conntrack -S 2> /dev/null || cat /proc/net/stat/nf_conntrack
    echo "== nft"
    nft list ruleset
    exit 0
    ;;
forget)
    conntrack -F 2> /dev/null
    exit 0
    ;;
esac
snat="masquerade"
[ "$GW_POOL" = "$GW_OUTSIDE_IP" ] || snat="snat to $GW_POOL persistent"
sysctl -qw net.ipv4.ip_forward=1
nft -f - << EOF
table ip lab
delete table ip lab
table ip lab {
    chain forward {
        type filter hook forward priority 0; policy drop;
        iifname "$GW_INSIDE_IF" accept
        ct state established,related accept
    }
    chain postrouting {
        type nat hook postrouting priority 100;
        oifname "$GW_OUTSIDE_IF" $snat
    }
}
EOF
