#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds what the machines boot from, kernel and initramfs, in a folder of its own: guest/build.sh FOLDER.
# Debian 12 (amd64), root. The machines' file system comes from Debian packages that are unpacked, not installed: libreswan and
# strongSwan conflict as packages, and the host's own IPsec stays as it is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)

say() { echo "guest: $*" >&2; }

# The folder is up to date when it was built from these very files.
stamp=$(cat "$here"/build.sh "$here"/certificates.sh "$here"/init "$here"/agent | sha256sum)
[ "$(cat "$out/stamp" 2> /dev/null)" != "$stamp" ] || exit 0

# --- packages of the machines

apt-cache policy libreswan | grep -q 'Candidate: [0-9]' || apt-get -qq update

# Dependencies are resolved against an empty package database, so that they do not depend on what the host has installed.
: > "$out/empty-status"
mkdir -p "$out/empty-cache/partial" "$out/debs"

# unpack NAME PACKAGE...: the packages and all that they need, in $out/NAME
unpack() {
    local name=$1 files file packages=()
    shift
    [ ! -e "$out/$name/.done" ] || return 0
    say "downloading $*"
    files=$(apt-get install --print-uris -qq -y --no-install-recommends -o Dir::State::status="$out/empty-status" \
        -o Dir::Cache::archives="$out/empty-cache" "$@" | awk '{print $2}')
    rm -rf "${out:?}/$name"
    # As on an installed system /lib is a link to /usr/lib; tar follows it, dpkg -x would replace it.
    mkdir -p "$out/$name"/usr/{bin,sbin,lib,lib64}
    for file in bin sbin lib lib64; do ln -s usr/$file "$out/$name/$file"; done
    for file in $files; do packages+=("${file%%_*}"); done
    (cd "$out/debs" && apt-get download -qq -o APT::Sandbox::User=root "${packages[@]}")
    for file in $files; do
        dpkg --fsys-tarfile "$out/debs/${file%%_*}"_*.deb | tar -x --keep-directory-symlink -C "$out/$name"
    done
    touch "$out/$name/.done"
}
unpack libreswan libreswan busybox-static iproute2 socat libnss3 libnss3-tools libsqlite3-0
unpack ping iputils-ping
unpack strongswan strongswan-swanctl strongswan-charon libstrongswan-standard-plugins

if [ ! -e "$out/kernel/.done" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/{print $2; exit}')
    say "downloading $package"
    rm -rf "$out/kernel"
    mkdir -p "$out/kernel"
    (cd "$out/debs" && apt-get download -qq -o APT::Sandbox::User=root "$package")
    dpkg -x "$out/debs/$package"_*.deb "$out/kernel"
    touch "$out/kernel/.done"
fi
version=$(ls "$out/kernel/lib/modules")
cp "$out/kernel/boot/vmlinuz-$version" "$out/vmlinuz"

# --- the root file system

root=$out/root
rm -rf "$root"
mkdir -p "$root"/{proc,sys,dev,run,tmp,root,www,certificates,etc/ipsec.d/policies,etc/strongswan.d,etc/swanctl} \
    "$root"/{var/lib/ipsec/nss,var/log,var/run,usr/bin,usr/sbin,usr/lib/modules,usr/lib64,usr/libexec}
for file in bin sbin lib lib64; do ln -s usr/$file "$root/$file"; done

# copy SYSTEM PATH...: files of an unpacked system, with the libraries that they need
copy() {
    local system=$1 path library libraries
    shift
    for path in "$@"; do
        [ ! -e "$root/$path" ] || continue
        [ -e "$system/$path" ] || { say "missing $path in $system"; exit 1; }
        mkdir -p "$root/$(dirname "$path")"
        cp -L "$system/$path" "$root/$path"
        head -c4 "$system/$path" | grep -q ELF || continue
        libraries=$(chroot "$system" /lib64/ld-linux-x86-64.so.2 --list "/$path" 2> /dev/null) || continue
        ! grep -q 'not found' <<< "$libraries" || { say "unresolved library of $path"; exit 1; }
        while read -r library; do
            [ -n "$library" ] && [ ! -e "$root/$library" ] || continue
            mkdir -p "$root/$(dirname "$library")"
            cp -L "$system/$library" "$root/$library"
        done < <(sed -nE 's/.*=> (\/[^ ]+) .*/\1/p; s/^\s*(\/lib64\/ld[^ ]+) .*/\1/p' <<< "$libraries")
    done
}
libraries=usr/lib/x86_64-linux-gnu
system=$out/libreswan
copy "$system" usr/bin/busybox usr/bin/ip usr/bin/socat usr/libexec/ipsec/pluto usr/libexec/ipsec/whack usr/libexec/ipsec/addconn
copy "$system" $libraries/libsqlite3.so.0
# NSS loads these by name.
for file in libsoftokn3.so libfreebl3.so libfreeblpriv3.so libnssdbm3.so libnssckbi.so; do
    for path in $libraries/nss/$file $libraries/$file; do
        [ ! -e "$system/$path" ] || copy "$system" "$path"
    done
done
copy "$out/ping" usr/bin/ping
system=$out/strongswan
copy "$system" usr/lib/ipsec/charon usr/sbin/swanctl
copy "$system" "$(cd "$system" && find usr/lib -name libgcc_s.so.1 | head -1)" # for pthread_cancel
for file in aes curve25519 gcm gmp hmac kdf kernel-netlink nonce openssl random sha1 sha2 socket-default vici; do
    path=usr/lib/ipsec/plugins/libstrongswan-$file.so
    [ ! -e "$system/$path" ] || copy "$system" "$path"
done

echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files\nprotocols: files\nservices: files\n' > "$root/etc/nsswitch.conf"
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
cp "$out/libreswan/etc/protocols" "$out/libreswan/etc/services" "$root/etc/" 2> /dev/null || true

# One key database for each machine with its certificate and the chain to the root, and an empty one for preshared keys.
"$here/certificates.sh" "$out"
for name in c1 c2 c3 server; do cp -r "$out/certificates/$name.nss" "$root/certificates/$name"; done
cp "$out/certificates/empty.nss"/* "$root/var/lib/ipsec/nss/"

# Kernel modules with all that they need, in the order of loading. drbg is the random number generator that seqiv and echainiv ask for:
# without it each new SA is refused.
modules="virtio_pci virtio_net virtio_console virtio_rng xfrm_user esp4 af_key authenc echainiv seqiv ctr gcm cbc ghash-generic
         aesni-intel sha256-ssse3 sha512-ssse3 ghash-clmulni-intel ecb hmac drbg authencesn cmac"
mkdir -p "$root/lib/modules/$version"
depmod -b "$out/kernel" "$version"
for module in $modules; do
    modprobe -d "$out/kernel" -S "$version" --show-depends "$module" 2> /dev/null | awk '/^insmod/{print $2}' || true
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$root/lib/modules/$version/"
    echo "/lib/modules/$version/$(basename "$file")" >> "$root/lib/modules/load"
done

# What the TCP checks transfer: 8 MB that do not repeat.
python3 -c '
import hashlib, sys
sys.stdout.buffer.write(b"".join(hashlib.sha512(b"%d" % i).digest() for i in range((8 << 20) // 64)))' > "$root/www/all"

install -m 755 "$here/init" "$root/init"
install -m 755 "$here/agent" "$root/usr/bin/agent"
chroot "$root" /bin/busybox --install -s /bin 2> /dev/null || true
# The shell of busybox prefers its own applets: iproute2 and ping have a second name. The applet ping has room for some eight answers that come
# at once, and loses those of a pause.
cp -L "$out/libreswan/usr/bin/ip" "$root/usr/bin/ip2"
mv "$root/usr/bin/ping" "$root/usr/bin/ping2"
ln -sf busybox "$root/usr/bin/sh"

(cd "$root" && find . | cpio -o -H newc --quiet) > "$out/initramfs"
say "kernel $version, initramfs $(du -h "$out/initramfs" | cut -f1)"
echo "$stamp" > "$out/stamp"
