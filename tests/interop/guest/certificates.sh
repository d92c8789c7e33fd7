#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RSA certificates with a chain long enough to make every IKE message that carries them larger than three packets: root, three
# intermediates, one leaf for each machine; as NSS databases. certificates.sh FOLDER, used by build.sh.
set -euo pipefail
out=$1
folder=$out/certificates
[ ! -e "$folder/.done" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"

# issue NAME ISSUER EXTENSIONS BITS: NAME.key and NAME.pem; without an issuer signed by itself
issue() {
    openssl req -new -newkey "rsa:$4" -nodes -keyout "$1.key" -subj "/O=ikealg interop/CN=$1" -out "$1.csr" 2> /dev/null
    local signer=(-CA "$2.pem" -CAkey "$2.key")
    [ -n "$2" ] || signer=(-key "$1.key")
    openssl x509 -req -in "$1.csr" "${signer[@]}" -days 3650 -set_serial "0x$(openssl rand -hex 8)" -sha256 -out "$1.pem" \
        -extfile <(printf '%b' "$3") 2> /dev/null
}

authority='basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
issue root "" "$authority" 4096
issuer=root
for name in first second third; do
    issue "$name" "$issuer" "$authority" 4096
    issuer=$name
done
cat third.pem second.pem first.pem > chain.pem

# nss COMMAND...: an NSS tool of the unpacked system, which has the folder as /tmp/certificates
system=$out/libreswan
rm -rf "$system/tmp/certificates"
mkdir -p "$system/tmp/certificates" "$system/dev"
[ -e "$system/dev/urandom" ] || mknod -m 666 "$system/dev/urandom" c 1 9
[ -e "$system/dev/null" ] || mknod -m 666 "$system/dev/null" c 1 3
nss() { chroot "$system" "$@" > /dev/null; }

work=$system/tmp/certificates
mkdir "$work/empty.nss"
nss certutil -N -d sql:/tmp/certificates/empty.nss --empty-password
for name in c1 c2 c3 server; do
    issue "$name" third "basicConstraints=CA:false\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:$name\n" 3072
    openssl pkcs12 -export -in "$name.pem" -inkey "$name.key" -certfile chain.pem -name "$name" -passout pass: -out "$work/$name.p12"
    cp root.pem "$work/"
    mkdir "$work/$name.nss"
    nss certutil -N -d "sql:/tmp/certificates/$name.nss" --empty-password
    nss certutil -A -d "sql:/tmp/certificates/$name.nss" -n root -t CT,, -i /tmp/certificates/root.pem
    nss pk12util -i "/tmp/certificates/$name.p12" -d "sql:/tmp/certificates/$name.nss" -W ""
done
mv "$work"/*.nss .
touch .done
