# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# pki.sh - keys, certificates and revocation lists of every kind, in $T/pki. Sourced after tests/netns/lib.sh.
#
# "openssl ca" alone can choose times and make lists. Both sides trust ca.crt; "other" is another CA of the same name, "sub" and
# "sub3072" are intermediates. all.crl has the lists of all three.
new_key() {
	case $1 in
	p256 | p384) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-${1#p}" ;;
	ed25519) openssl genpkey -algorithm ED25519 ;;
	rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 ;;
	rsa3072) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 ;;
	esac 2> /dev/null
}
ca_conf() {
	cat > "$T/pki/$1.cnf" <<-END
	[ca]
	default_ca = d
	[d]
	database = $T/pki/$1.index
	serial = $T/pki/$1.serial
	new_certs_dir = $T/pki
	policy = p
	unique_subject = no
	default_md = sha256
	[p]
	commonName = supplied
	END
	: >> "$T/pki/$1.index"
}
CA_EXT='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
# cert NAME KIND ISSUER CN EXTENSIONS [START END]: ISSUER "self" signs itself.
cert() {
	local by=(-cert "$3.crt" -keyfile "$3.key") issuer=$3
	(
		cd "$T/pki" || exit 1
		umask 077
		new_key "$2" > "$1.key"
		openssl req -new -key "$1.key" -subj "/CN=$4" -out "$1.csr"
		printf '%b\n' "$5" > "$1.ext"
		[ "$3" != self ] || by=(-selfsign -keyfile "$1.key") issuer=$1
		ca_conf "$issuer"
		openssl ca -batch -notext -config "$issuer.cnf" "${by[@]}" -rand_serial -startdate "${6:-20200101000000Z}" \
			-enddate "${7:-20990101000000Z}" -extfile "$1.ext" -in "$1.csr" -out "$1.crt"
	) > "$T/pki/log" 2>&1
	must test -s "$T/pki/$1.crt"
}
# leaf SIDE-NAME KIND ISSUER [START END]: for a.test or b.test, by its first letter.
leaf() { cert "$1" "$2" "$3" "${1%%-*}.test" "subjectAltName=DNS:${1%%-*}.test\nkeyUsage=digitalSignature" "${@:4}"; }

# pki_ca: the CA and its intermediates; pki_kinds KIND...: a leaf for each side, as the cells name them;
# pki_lists: all.crl, behind all that is revoked.
pki_ca() {
	mkdir "$T/pki"
	cert ca p384 self 'interop CA' "$CA_EXT"
	cert sub p256 ca 'interop sub CA' "$CA_EXT"
	cert sub3072 rsa3072 ca 'interop RSA sub CA' "$CA_EXT"
}
pki_kinds() {
	local kind side by
	for kind in "$@"; do
		for side in a b; do
			by=ca
			case $kind in sub) by=sub ;; rsa3072) by=sub3072 ;; esac
			leaf "$side-$kind" "${kind/#sub/p256}" "$by"
			[ $by = ca ] || cp "$T/pki/$by.crt" "$T/pki/$side-$kind.by"
			cat "$T/pki/$side-$kind.crt" > "$T/pki/$side-$kind.chain"
			[ $by = ca ] || cat "$T/pki/$by.crt" >> "$T/pki/$side-$kind.chain"
		done
	done
}
# pki_revoke NAME: a certificate of "ca"; before pki_lists.
pki_revoke() { (cd "$T/pki" && openssl ca -config ca.cnf -cert ca.crt -keyfile ca.key -revoke "$1.crt") > "$T/pki/log" 2>&1; }
pki_lists() {
	(
		cd "$T/pki" || exit 1
		for n in ca sub sub3072; do openssl ca -gencrl -config $n.cnf -cert $n.crt -keyfile $n.key -crldays 2 -out $n.crl; done
		cat ca.crl sub.crl sub3072.crl > all.crl
	) > "$T/pki/log" 2>&1
	must test -s "$T/pki/all.crl"
}

# certs OURS THEIRS [KEY-OF-OURS]: who has which certificate: our auth in $OUR_AUTH, theirs in strongSwan's folder, with the
# intermediate beside it if there is one.
certs() {
	local own=$T/pki/$1.crt
	[ ! -s "$T/pki/$1.chain" ] || own=$T/pki/$1.chain
	# shellcheck disable=SC2034  # of whoever sources this
	OUR_AUTH="{method: cert, cert: $own, key: $T/pki/${3:-$1}.key, ca: $T/pki/ca.crt, crl: $T/pki/all.crl, local_id: %L.test, remote_id: %R.test}"
	mkdir -p "$T/swan/swanctl"/{x509,x509ca,private}
	cp "$T/pki/ca.crt" "$T/swan/swanctl/x509ca/ca.crt"
	cp "$T/pki/$2.crt" "$T/swan/swanctl/x509/b.crt"
	cp "$T/pki/$2.key" "$T/swan/swanctl/private/b.key"
	rm -f "$T/swan/swanctl/x509/by.crt"
	[ ! -s "$T/pki/$2.by" ] || cp "$T/pki/$2.by" "$T/swan/swanctl/x509/by.crt"
}
