#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the certificates, throw-away keys and revocation lists of this folder again: a CA, an intermediate "sub", leaves of both,
# and lists. Valid from 2026 to 2126 unless the name says otherwise.
# Usage: tests/vectors/certs/crl/make.sh   (needs openssl 3)
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# conf CA: its own database
conf() {
	[ -e "$work/$1.index" ] || : > "$work/$1.index"
	cat > "$work/$1.cnf" <<-CNF
	[ca]
	default_ca = d
	[d]
	database = $work/$1.index
	new_certs_dir = $work
	serial = $work/$1.serial
	policy = p
	unique_subject = no
	default_md = sha384
	default_startdate = 20260101000000Z
	default_enddate = 21260101000000Z
	[p]
	commonName = supplied
	CNF
}

# sign NAME CN CA EXTENSIONS: CA "self" signs itself.
sign() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null
	openssl req -new -key "$1.key" -subj "/CN=$2" -out "$work/csr" -sha256
	printf '%b\n' "$4" > "$work/ext"
	if [ "$3" = self ]; then set -- "$@" "-selfsign -keyfile $1.key" "$1"; else set -- "$@" "-cert $3.crt -keyfile $3.key" "$3"; fi
	conf "$6"
	# shellcheck disable=SC2086
	openssl ca -batch -notext -config "$work/$6.cnf" $5 -rand_serial -preserveDN -extfile "$work/ext" -in "$work/csr" \
		-out "$1.crt" 2>"$work/log" || { cat "$work/log"; exit 1; }
}

# list NAME CA [START END]: what CA has revoked by now.
list() {
	openssl ca -gencrl -config "$work/$2.cnf" -cert "$2.crt" -keyfile "$2.key" -crl_lastupdate "${3:-20260101000000Z}" \
		-crl_nextupdate "${4:-21260101000000Z}" -out "$1.crl"
}
revoke() { openssl ca -config "$work/$2.cnf" -cert "$2.crt" -keyfile "$2.key" -revoke "$1.crt" 2>/dev/null; }

ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash'
ee='basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nauthorityKeyIdentifier=keyid'
sign ca 'Test CRL CA' self "$ca"
sign other 'Test CRL CA' self "$ca"
sign sub 'Test CRL sub CA' ca "$ca\nauthorityKeyIdentifier=keyid"
sign good b.kit.test ca "$ee\nsubjectAltName=DNS:b.kit.test"
sign bad a.kit.test ca "$ee\nsubjectAltName=DNS:a.kit.test"
sign sub-good a.kit.test sub "$ee\nsubjectAltName=DNS:a.kit.test"
sign sub-bad a.kit.test sub "$ee\nsubjectAltName=DNS:a.kit.test"
list ca-empty ca
list expired ca 20260101000000Z 20260601000000Z
list future ca 20900101000000Z 21000101000000Z
list other other
revoke bad ca
list ca ca
revoke sub-bad sub
list sub sub
cat ca.crl sub.crl > both.crl
revoke sub ca
list ca-without-sub ca
cat ca-without-sub.crl sub.crl > sub-revoked.crl
cat sub-good.crt sub.crt > sub-good-chain.crt
cat sub-bad.crt sub.crt > sub-bad-chain.crt
rm ca.key other.key sub.key ca-without-sub.crl
