#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the certificates and throw-away keys of this folder again. Valid from 2026 to 2126 unless the name says otherwise.
# Usage: tests/vectors/certs/make.sh   (needs openssl 3)
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/ca.cnf" <<CNF
[ca]
default_ca = d
[d]
database = $work/index
serial = $work/serial
new_certs_dir = $work
policy = p
unique_subject = no
default_startdate = 20260101000000Z
default_enddate = 21260101000000Z
[p]
commonName = supplied
CNF
: > "$work/index"

newkey() { # NAME ALGORITHM-OPTIONS...
	name=$1
	shift
	openssl genpkey -quiet "$@" -out "$name.key" 2>/dev/null || openssl genpkey "$@" -out "$name.key" 2>/dev/null
}

# sign NAME CN CA HASH EXTENSIONS [START END]: CA "self" signs itself.
sign() {
	openssl req -new -key "$1.key" -subj "/CN=$2" -out "$work/csr" -sha256
	printf '%b\n' "$5" > "$work/ext"
	set -- "$1" "$2" "$3" "$4" "$5" "${6:-20260101000000Z}" "${7:-21260101000000Z}"
	if [ "$3" = self ]; then
		issuer="-selfsign -keyfile $1.key"
	else
		issuer="-cert $3.crt -keyfile $3.key"
	fi
	# shellcheck disable=SC2086
	openssl ca -batch -notext -config "$work/ca.cnf" $issuer -md "$4" -rand_serial -preserveDN \
		-startdate "$6" -enddate "$7" -extfile "$work/ext" -in "$work/csr" -out "$1.crt" 2>"$work/log" ||
		{ cat "$work/log"; exit 1; }
}

p256='-algorithm EC -pkeyopt ec_paramgen_curve:P-256'
p384='-algorithm EC -pkeyopt ec_paramgen_curve:P-384'
rsa='-algorithm RSA -pkeyopt rsa_keygen_bits:'
ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash'
ee='basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nauthorityKeyIdentifier=keyid'
san_a='subjectAltName=DNS:a.kit.test,DNS:alt.kit.test,IP:10.44.0.1,IP:2001:db8::1,email:admin@kit.test'

# shellcheck disable=SC2086
{
	newkey ca $p384;          sign ca 'Test CA' self sha384 "$ca"
	newkey other-ca $p384;    sign other-ca 'Test CA' self sha384 "$ca"
	newkey a-p384 $p384;      sign a-p384 a.kit.test ca sha384 "$ee\n$san_a"
	newkey b-p256 $p256;      sign b-p256 b.kit.test ca sha384 "$ee\nsubjectAltName=DNS:b.kit.test"
	newkey ed25519 -algorithm ED25519; sign ed25519 e.kit.test ca sha384 "$ee\nsubjectAltName=DNS:e.kit.test"
	newkey rsa2048 ${rsa}2048;  sign rsa2048 r.kit.test ca sha384 "$ee\nsubjectAltName=DNS:r.kit.test"
	newkey rsa1024 ${rsa}1024;  sign rsa1024 s.kit.test ca sha384 "$ee\nsubjectAltName=DNS:s.kit.test"
	newkey k256 -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1; sign k256 k.kit.test ca sha384 "$ee"
	newkey stranger $p384;    sign stranger a.kit.test other-ca sha384 "$ee\n$san_a"
	newkey expired $p256;     sign expired x.kit.test ca sha384 "$ee" 20260101000000Z 20270101000000Z
	newkey future $p256;      sign future f.kit.test ca sha384 "$ee" 20900101000000Z 21000101000000Z
	newkey sha1 $p256;        sign sha1 h.kit.test ca sha1 "$ee"
	newkey wildcard $p256;    sign wildcard w.kit.test ca sha384 "$ee\nsubjectAltName=DNS:*.kit.test"
	# SEQUENCE { [2] "a.kit.test" NUL ".evil.test" }
	newkey nul $p256
	sign nul n.kit.test ca sha384 "$ee\nsubjectAltName=DER:30:17:82:15:61:2e:6b:69:74:2e:74:65:73:74:00:2e:65:76:69:6c:2e:74:65:73:74"
	newkey nosign $p256;      sign nosign u.kit.test ca sha384 "basicConstraints=CA:FALSE\nkeyUsage=keyAgreement"
	newkey critical $p256;    sign critical c.kit.test ca sha384 "$ee\n1.2.3.4.5=critical,DER:05:00"
	newkey sub-ca $p384;      sign sub-ca 'Test sub CA' ca sha384 "$ca\nauthorityKeyIdentifier=keyid"
	newkey sub-leaf $p256;    sign sub-leaf l.kit.test sub-ca sha384 "$ee\nsubjectAltName=DNS:l.kit.test"
	# signed by an end entity
	newkey under-leaf $p256;  sign under-leaf a.kit.test b-p256 sha384 "$ee\n$san_a"
	newkey named-ca $p384
	sign named-ca 'Test named CA' ca sha384 "$ca\nnameConstraints=critical,excluded;DNS:kit.test\nauthorityKeyIdentifier=keyid"
	newkey named-leaf $p256;  sign named-leaf a.kit.test named-ca sha384 "$ee\n$san_a"
	# may sign certificates, but does not say that it is a CA
	newkey unsaid-ca $p384
	sign unsaid-ca 'Test unsaid CA' self sha384 "keyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash"
	newkey unsaid-leaf $p256; sign unsaid-leaf a.kit.test unsaid-ca sha384 "$ee\n$san_a"
}

# Signatures that our side does not make, of the octets that test_crypt_cert.c signs.
digest() { # NAME KEY HASH OPTIONS...
	name=$1 key=$2 hash=$3
	shift 3
	printf 'octets to be signed\0' | openssl dgst "-$hash" "$@" -sign "$key.key" -out "$name.sig"
}
pss='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen'
# shellcheck disable=SC2086
{
	digest rsa-pkcs1-sha256 rsa2048 sha256
	digest rsa-pkcs1-sha384 rsa2048 sha384
	digest rsa-pkcs1-sha512 rsa2048 sha512
	digest rsa-pkcs1-sha1 rsa2048 sha1
	digest rsa-pss-sha384 rsa2048 sha384 $pss:48
	digest rsa-pss-sha512 rsa2048 sha512 $pss:64
	digest rsa-pss-salt20 rsa2048 sha256 $pss:20
	digest rsa-pss-mgf384 rsa2048 sha256 $pss:32 -sigopt rsa_mgf1_md:sha384
	digest ecdsa-p384-sha512 a-p384 sha512
	digest ecdsa-p384-sha256 a-p384 sha256
}

openssl pkey -in b-p256.key -aes256 -passout pass:secret -out encrypted.key
# Only these sign in tests.
for k in *.key; do
	case $k in
	a-p384.key | b-p256.key | ed25519.key | rsa2048.key | rsa1024.key | k256.key | stranger.key | encrypted.key) ;;
	*) rm "$k" ;;
	esac
done
chmod 644 ./*.key
