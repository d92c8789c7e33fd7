#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# Makes a machine of the lab one end of many tunnels and starts pluto with a connection c1, c2 ... for each.
#   many-setup clients|server COUNT 1|2 PSK
# Client i has the outer address 10.10.X.Y and the inner address 172.20.X.Y, with X = 1 + (i - 1) / 250, Y = 1 + (i - 1) % 250.
side=$1 count=$2 version=$3 psk=$4
server=203.0.113.100 behind_server=192.168.200.1

places() { # lines of: i X Y
    awk -v n="$count" 'BEGIN { for (i = 1; i <= n; ++i) print i, 1 + int((i - 1) / 250), 1 + (i - 1) % 250 }'
}

for p in $(pidof pluto); do kill -9 "$p"; done
while pidof pluto > /dev/null; do usleep 50000; done
ip2 xfrm state flush
ip2 xfrm policy flush
ip2 addr flush dev eth0 label eth0:many
ip2 neigh flush all
rm -rf /run/pluto/* /var/log/pluto.log
for limit in 1:4096 2:8192 3:16384; do echo "${limit#*:}" > "/proc/sys/net/ipv4/neigh/default/gc_thresh${limit%:*}"; done
echo 8388608 > /proc/sys/net/core/rmem_max
echo 4000 > /proc/sys/net/core/netdev_max_backlog
ip2 link set eth0 txqueuelen 4000
if [ "$side" = clients ]; then
    ip2 route replace local 172.20.0.0/16 dev lo
    places | awk '{ print "addr add 10.10." $2 "." $3 "/32 dev eth0 label eth0:many" }' | ip2 -batch - || exit 1
else
    ip2 route replace 172.20.0.0/16 via 203.0.113.1 src $behind_server
fi

# A slow machine is not a lost packet: the first repetition comes late, and nobody gives up.
case $version in
1) words="ikev2=no ike=aes128-sha2_256;dh31 esp=aes_gcm128 pfs=no nat-ikev1-method=none" ;;
2) words="ikev2=insist ike=aes_gcm128-sha2_256;dh31 esp=aes_gcm128" ;;
esac
{
    echo "config setup"
    for word in protostack=xfrm logfile=/var/log/pluto.log logappend=yes logtime=yes dnssec-enable=no ikev1-policy=accept uniqueids=no \
        virtual-private=%v4:10.0.0.0/8,%v4:172.16.0.0/12 nssdir=/var/lib/ipsec/nss nhelpers=0 plutodebug=none \
        ike-socket-bufsize=8388608 ddos-mode=unlimited; do
        printf '\t%s\n' "$word"
    done
    echo "conn base"
    for word in authby=secret type=tunnel encapsulation=no leftupdown=%disabled rekey=no ikelifetime=8h salifetime=8h \
        retransmit-interval="${RETRANSMIT_MS:-4000}" retransmit-timeout=600s keyingtries=1 $words; do
        printf '\t%s\n' "$word"
    done
    if [ "$side" = clients ]; then
        printf '\tright=%s\n\trightid=@server\n\trightsubnet=%s/32\n\tconnalias=all\n' $server $behind_server
        places | awk '{ printf "conn c%d\n\talso=base\n\tauto=add\n\tleft=10.10.%d.%d\n\tleftid=@c%d\n\tleftsubnet=172.20.%d.%d/32\n", $1, $2, $3, $1, $2, $3 }'
    else
        printf '\tleft=%s\n\tleftid=@server\n\tleftsubnet=%s/32\n\tright=%%any\n' $server $behind_server
        places | awk '{ printf "conn c%d\n\talso=base\n\tauto=add\n\trightid=@c%d\n\trightsubnet=172.20.%d.%d/32\n", $1, $1, $2, $3 }'
    fi
} > /etc/ipsec.conf
echo ": PSK \"$psk\"" > /etc/ipsec.secrets

# What has no tunnel yet is dropped, never sent in clear.
for way in out in; do
    if [ "$way$side" = outclients ] || [ "$way$side" = inserver ]; then ends="src 172.20.0.0/16 dst $behind_server"; else ends="src $behind_server dst 172.20.0.0/16"; fi
    ip2 xfrm policy add $ends dir $way action block priority 4000000000
done
ulimit -n 16384
mkdir -p /run/pluto
# pluto asks the kernel for an SPI long before it knows the rest of the SA; the kernel forgets it after 30 s.
/usr/libexec/ipsec/pluto --config /etc/ipsec.conf
echo 3600 > /proc/sys/net/core/xfrm_acq_expires
