# SPDX-License-Identifier: Apache-2.0
# Sourced by examples/quickstart.sh and tests/run.sh: makes sure that Debian packages are installed.
# shellcheck shell=sh

# require_packages PACKAGE...: installs those that are missing, on Debian 12 or later, as root or with sudo.
# Elsewhere nothing is installed: what is missing is named, and the caller ends with status 2.
require_packages() {
    if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null || ! _is_debian; then
        _require_tools "$@"
        return
    fi
    _missing=
    for _package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$_package" 2> /dev/null) in
        installed) ;;
        *) _missing="$_missing $_package" ;;
        esac
    done
    [ -n "$_missing" ] || return 0
    if [ "$(id -u)" -eq 0 ]; then
        _as_root=
    elif command -v sudo > /dev/null; then
        _as_root=sudo
        [ -t 0 ] || _as_root="sudo -n"
    else
        echo "These packages are missing, and neither root nor sudo is here to install them:$_missing" >&2
        exit 2
    fi
    echo "Installing:$_missing"
    # shellcheck disable=SC2086
    $_as_root apt-get -qq update &&
        $_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
            -o Dpkg::Use-Pty=0 install $_missing > /dev/null || {
        echo "apt-get could not install:$_missing" >&2
        exit 2
    }
}

_is_debian() {
    # shellcheck source=/dev/null
    (. /etc/os-release && [ "$ID" = debian ] && [ "${VERSION_ID:-12}" -ge 12 ]) 2> /dev/null
}

# On any other system: is what the packages hold here in some other way?
_require_tools() {
    _missing=
    for _package in "$@"; do
        case $_package in
        g++) command -v g++ > /dev/null || command -v c++ > /dev/null ;;
        clang) command -v clang++ > /dev/null ;;
        cmake) _cmake_is_new_enough ;;
        ninja-build) command -v ninja > /dev/null ;;
        python3) command -v python3 > /dev/null ;;
        libboost-dev) _has_header boost/endian/conversion.hpp ;;
        libpcap-dev) _has_header pcap/pcap.h ;;
        libcli11-dev) _has_header CLI/CLI.hpp ;;
        doctest-dev) _has_header doctest/doctest.h ;;
        libbenchmark-dev) _has_header benchmark/benchmark.h ;;
        esac || _missing="$_missing $_package"
    done
    [ -n "$_missing" ] || return 0
    cat >&2 << EOF
This is not Debian 12 or later, so nothing is installed here. Please install what these Debian packages hold (CMake 3.25 or
later, a compiler with C++20, Boost 1.74 or later), then run this again:
 $_missing
EOF
    exit 2
}

_cmake_is_new_enough() {
    _version=$(cmake --version 2> /dev/null | sed -n 's/^cmake version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    [ -n "$_version" ] && [ "${_version% *}" -gt 3 ] || { [ "${_version% *}" = 3 ] && [ "${_version#* }" -ge 25 ]; }
}

_has_header() {
    echo "#include <$1>" | ${CXX:-c++} -std=c++20 -x c++ -fsyntax-only - 2> /dev/null
}
