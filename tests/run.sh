#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds everything and runs every test. On Debian 12, as root or with sudo, installs what is missing first.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat << EOF
usage: tests/run.sh [--preset NAME | --all]
  --preset NAME  one of release (the default), debug, asan, tsan, clang
  --all          what .ci/run runs: release (g++) and asan (clang++), which together are both compilers and the sanitizers
EOF
}

presets=(release)
while [ $# -gt 0 ]; do
    case $1 in
    --preset)
        case ${2-} in
        release | debug | asan | tsan | clang) presets=("$2") ;;
        *) usage >&2; exit 2 ;;
        esac
        shift
        ;;
    --all) presets=(release asan) ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

# shellcheck source=cmake/packages.sh
. cmake/packages.sh
packages=(g++ cmake ninja-build libboost-dev libpcap-dev libcli11-dev libspdlog-dev doctest-dev python3 iproute2 iputils-ping)
case " ${presets[*]} " in *" release "*) packages+=(libbenchmark-dev) ;; esac
case " ${presets[*]} " in *" clang "* | *" asan "* | *" tsan "*) packages+=(clang libclang-rt-14-dev) ;; esac
require_packages "${packages[@]}"

if command -v ccache > /dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi

failed=()
report=()
for preset in "${presets[@]}"; do
    printf '\n== %s\n' "$preset"
    begin=$SECONDS
    if cmake --workflow --preset "$preset"; then
        outcome=passed
    else
        outcome=FAILED
        failed+=("$preset")
    fi
    report+=("$(printf '%-8s %s in %d s' "$preset" "$outcome" $((SECONDS - begin)))")
done

# Tests say what a reader of the run should know in lines that begin with "summary: ".
printf '\n== summary\n'
for i in "${!presets[@]}"; do
    echo "${report[i]}"
    log=build/${presets[i]}/Testing/Temporary/LastTest.log
    [ ! -f "$log" ] || sed -n 's/^summary: /    /p' "$log"
done
[ ${#failed[@]} -eq 0 ]
