#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real IPsec hosts behind an ordinary NAT, which loses all but one of them, and behind ikealg, which carries all. Needs root and
# /dev/net/tun; on Debian 12 it installs what is missing (QEMU, nftables, tcpdump) and builds everything under build/ first. About two
# minutes after that. Ends with a status other than 0 when the outcome is not what the text says; 77 when this machine cannot run it.
set -eu
cd "$(dirname "$0")/.."

cat << EOF
ikealg live: the hosts are real, with IPsec daemons and kernels that know nothing of ikealg. The first run downloads and builds their
system, which takes a minute or two.
EOF
status=0
tests/interop.sh --demo "$@" || status=$?
if [ $status -eq 77 ]; then
    echo "This machine cannot boot the hosts, see above. examples/quickstart.sh shows the same from a recording, without root."
fi
exit $status
