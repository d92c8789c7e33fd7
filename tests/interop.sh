#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Real IPsec hosts on both sides of a gateway, see tests/interop/README.md. On Debian 12, as root, installs what is missing, builds the
# hosts' system and ikealg-gateway under build/, and runs scenarios. IKEALG_GATEWAY names a gateway that is built already.
# Status: 0 every scenario came out as it should, 1 one did not, 2 a wrong call, 77 this machine does not allow it.
set -euo pipefail
cd "$(dirname "$0")/.."

cannot() {
    echo "interop: not run, $*"
    exit 77
}

gateways=ikealg
need_machine=yes
arguments=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    --gateway) gateways=${2-}; shift ;;
    --gateway=*) gateways=${1#*=} ;;
    list | --flows | --flows=* | -h | --help) need_machine=no ;;
    esac
    shift
done

lab() { PYTHONPATH=tests/interop python3 -B -m lab --build "$PWD/build/interop" "$@"; }

if [ "$need_machine" = no ]; then
    lab "${arguments[@]}"
    exit
fi

[ "$(uname -m)" = x86_64 ] || cannot "the hosts are x86-64 machines"
[ "$(id -u)" -eq 0 ] || cannot "it needs root (namespaces, taps, packet sockets)"
[ -c /dev/net/tun ] && (: <> /dev/net/tun) 2> /dev/null || cannot "/dev/net/tun is missing or closed"
probe=ikealg-probe-$$
ip netns add "$probe" 2> /dev/null || cannot "network namespaces cannot be made"
ip netns del "$probe"

# shellcheck source=cmake/packages.sh
. cmake/packages.sh
(require_packages qemu-system-x86 iproute2 nftables conntrack tcpdump ethtool cpio kmod openssl python3) ||
    cannot "the packages above are missing"
command -v qemu-system-x86_64 > /dev/null || cannot "qemu-system-x86_64 is missing"

mkdir -p build/interop
exec 9> build/interop/lock
flock 9
tests/interop/guest/build.sh build/interop/guest || cannot "the hosts' system could not be built"

if [ "$gateways" = ikealg ] && [ -z "${IKEALG_GATEWAY-}" ]; then
    (require_packages g++ cmake ninja-build libboost-dev libpcap-dev libcli11-dev libspdlog-dev)
    echo "Building ikealg-gateway ..."
    { cmake -S . -B build/interop/gateway -G Ninja -DCMAKE_BUILD_TYPE=Release -DIKEALG_BUILD_GATEWAY=ON -DIKEALG_BUILD_TESTS=OFF \
        -DIKEALG_BUILD_BENCH=OFF -DIKEALG_BUILD_DOCS=OFF && cmake --build build/interop/gateway --target ikealg-gateway; } > build/interop/gateway.log 2>&1 || {
        cat build/interop/gateway.log >&2
        exit 1
    }
    IKEALG_GATEWAY=$(find "$PWD/build/interop/gateway" -name ikealg-gateway -type f -perm -u+x | head -1)
fi
export IKEALG_GATEWAY=${IKEALG_GATEWAY-}
flock -u 9
if [ "${arguments[0]-}" = many ]; then
    (require_packages gcc libc6-dev) || cannot "the packages above are missing"
    exec python3 -B tests/interop/many.py --system build/interop/guest "${arguments[@]:1}"
fi
lab "${arguments[@]}"
