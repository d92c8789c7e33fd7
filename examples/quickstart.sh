#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real IPsec traffic of two clients through the gateway: without the ALG, with it, and then as 200 clients.
# On Debian 12, as root or with sudo, installs what is missing and builds ikealg-replay first; IKEALG_REPLAY names one that is
# built already. Ends with a status other than 0 when the outcome is not what the text says.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${IKEALG_REPLAY-}" ]; then
    . cmake/packages.sh
    require_packages g++ cmake ninja-build libboost-dev libpcap-dev libcli11-dev
    echo "Building ikealg-replay ..."
    build=build/quickstart
    mkdir -p "$build"
    { cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DIKEALG_BUILD_TESTS=OFF -DIKEALG_BUILD_GATEWAY=OFF -DIKEALG_BUILD_BENCH=OFF -DIKEALG_BUILD_DOCS=OFF &&
        cmake --build "$build" --target ikealg-replay; } > "$build/log" 2>&1 || {
        cat "$build/log" >&2
        exit 1
    }
    IKEALG_REPLAY=$build/examples/ikealg-replay
fi

capture=tests/captures/S2-inside.pcap
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# play NAME OPTION...: replays the capture, shows the command, and keeps the counts in $results/NAME
play() {
    name=$1
    shift
    printf '\n$ ikealg-replay %s\n' "$*"
    "$IKEALG_REPLAY" "$@" --json "$results/$name"
}

# count NAME KEY: a number of the result
count() {
    tr -d ' \t\r\n' < "$results/$1" | sed -n "s/.*[{,]\"$2\":\([0-9][0-9]*\).*/\1/p"
}

# dropped NAME: packets dropped, all reasons together
dropped() {
    total=0
    for n in $(tr -d ' \t\r\n' < "$results/$1" | sed -n 's/.*"dropped":{\([^}]*\)}.*/\1/p' | tr ',' '\n' | sed 's/.*://'); do
        total=$((total + n))
    done
    echo "$total"
}

# claim TEXT CONDITION...: says it when it is true, ends when it is not
claim() {
    text=$1
    shift
    if [ "$@" ]; then
        echo "=> $text"
    else
        echo "=> NOT TRUE: $text" >&2
        exit 1
    fi
}

cat << EOF

$capture is a recording of two IPsec clients behind one public address, talking to the same server with IKE and plain ESP
(no NAT traversal). Each packet that the server sent is now sent again to the public address, and what comes out on the inside is
compared with the recording.

1. An ordinary NAT. ESP has no ports: nothing in the server's packets says which client they are for.
EOF
play off --alg off "$capture"
lost=$(($(dropped off) + $(count off misdelivered)))
claim "without the ALG $lost packets were dropped or went to the wrong client" "$lost" -gt 0

cat << EOF

2. The same packets, with the ALG. It watches the IKE exchanges, lets one at a time open a gate per server and public address, and
   so learns whose each new ESP SPI is.
EOF
play on --alg on "$capture"
claim "nothing went to the wrong client" "$(count on misdelivered)" -eq 0
claim "nothing was dropped" "$(dropped on)" -eq 0
claim "all $(count on delivered) packets of the server arrived, $(count off delivered) without the ALG" \
    "$(count on delivered)" -gt "$(count off delivered)"

cat << EOF

3. 200 clients behind the same address, one starting every 100 ms: copies of the recording's two, with addresses, cookies and SPIs
   of their own.
EOF
play many --clients 200 --stagger 100ms --quiet "$capture"
claim "nothing went to the wrong client" "$(count many misdelivered)" -eq 0
delivered=$(count many delivered)
claim "$delivered packets of the server arrived, $(dropped many) were dropped: at least 99 % arrived" \
    $((delivered * 100)) -ge $(((delivered + $(dropped many)) * 99))
