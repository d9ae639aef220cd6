#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 22-interop-suites.sh - causeway-ix and strongSwan, each calling the other, with every suite and lists of them, and with certificates
# of every kind, by intermediates, and such as must be refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
requires root tun ip tcpdump python3 openssl unshare bin/causeway-ix
swan_requires
net_up
psk "$T/psk"
AUTH_psk='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'

# begin WHO AUTH EXTRA [CONNECTION]: we as $INITIATE says, strongSwan with the proposals of $SWAN_IKE and $SWAN_ESP and more lines
# of its connection. One charon serves all cells.
begin() {
	local who=$1 auth=$2 initiate=yes
	[ "$who" = we ] || initiate=no
	swan_connection "$auth" "${4:-}"
	must swan --load-all --clear > "$T/swan/load.log" 2>&1
	INITIATE=$initiate ix_yaml a "${OUR_AUTH:-$AUTH_psk}" "esn: no;$3" | sed '/^relays/,/agents-in/d' > "$T/a.yaml"
	: > "$T/a.log"
	: > "$T/swan/charon.log"
	ix_start a; IX=$PID
	must wait_for 5 ask "$T/a.sock" appliance show
}

swan_is_empty() { [ -z "$(swan --list-sas 2> /dev/null)" ]; }

other_spi() { local spi; spi=$(ask "$T/a.sock" tunnel show b esp.spi_out) && [ "$spi" != "$1" ]; }
other_ike() { local spi; spi=$(ask "$T/a.sock" tunnel show b ike.spi_i) && [ "$spi" != "$1" ]; }

# With $REKEY strongSwan renews the keys of both SAs in between.
# cell WHO AUTH NAME OURS-IKE OURS-ESP THEIRS-IKE THEIRS-ESP TAKEN-IKE TAKEN-ESP AT-STRONGSWAN
cell() {
	local who=$1 auth=$2 name="$2, $1 call, $3" pcap=$T/cell.pcap seen old
	say "---- $name"
	capture "$pcap"
	SWAN_IKE=$6 SWAN_ESP=$7 begin "$who" "$auth" "ike: \"$4\";esp: \"$5\";${MORE:-}"
	[ "$who" = we ] || check "$name: strongSwan has a tunnel" swan --initiate --child net --timeout 10
	check "$name: tunnel up" wait_for 10 is up "$T/a.sock" tunnel show b state
	same "$name: suite of IKE" "$8" "$(ask "$T/a.sock" tunnel show b suite.ike)"
	same "$name: suite of ESP" "$9" "$(ask "$T/a.sock" tunnel show b suite.esp)"
	check "$name: suite at strongSwan" grep -q "${10}" <(swan --list-sas)
	check "$name: ping" site_a ping -c 5 -i 0.02 -W 2 -q 10.71.2.1
	check "$name: ping back, large" site_b ping -c 3 -i 0.02 -W 2 -q -s 3000 -I 10.71.2.1 10.71.1.1
	if [ "${REKEY:-}" ]; then
		old=$(ask "$T/a.sock" tunnel show b esp.spi_out)
		check "$name: strongSwan rekeys the child" swan --rekey --child net
		check "$name: there is another SA" wait_for 5 other_spi "$old"
		old=$(ask "$T/a.sock" tunnel show b ike.spi_i)
		check "$name: strongSwan rekeys IKE" swan --rekey --ike site
		check "$name: there is another IKE SA" wait_for 5 other_ike "$old"
		same "$name: suite of IKE as before" "$8" "$(ask "$T/a.sock" tunnel show b suite.ike)"
		check "$name: ping under the new keys" site_a ping -c 3 -i 0.02 -W 2 -q 10.71.2.1
	fi
	same "$name: nothing failed to decrypt" 0 "$(ask "$T/a.sock" tunnel show b counters/drop.icv)"
	stop "$IX"
	check "$name: strongSwan hears our good-bye" wait_for 5 swan_is_empty
	capture_stop
	seen=$(packets "$pcap" "$ESP")
	check "$name: ESP on the wire ($seen)" test "$seen" -ge 22
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
}

# suite WHO IKE ESP AT-STRONGSWAN: the same words on both sides, and nothing else.
suite() { cell "$1" psk "$2 $3" "$2" "$3" "$2" "$3" "${5:-$2}" "$3" "$4"; }

SWAN_FRAGMENT=576 swan_start psk
suite we aes128gcm16-prfsha256-ecp256 aes128gcm16 AES_GCM_16-128/PRF_HMAC_SHA2_256/ECP_256
REKEY=1 suite they chacha20poly1305-prfsha256-x25519 chacha20poly1305 CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519
suite we chacha20poly1305-prfsha512-ecp384 chacha20poly1305 CHACHA20_POLY1305/PRF_HMAC_SHA2_512/ECP_384
REKEY=1 suite we aes256-sha256-modp2048 aes256-sha256 AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
REKEY=1 suite they aes256-sha256-modp2048 aes256-sha256 AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
suite they aes128-sha384-ecp384 aes128-sha384 AES_CBC-128/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/ECP_384
suite we aes256-sha512-prfsha256-x25519 aes256-sha512 AES_CBC-256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_256/CURVE_25519

STRONG=aes256gcm16-prfsha384-ecp384 QUICK=chacha20poly1305-prfsha256-x25519 OLD=aes256-sha256-modp2048
cell we psk 'they have the last of ours' "$STRONG,$QUICK,$OLD" aes256gcm16,aes256-sha256 "$OLD" aes256-sha256 "$OLD" aes256-sha256 \
	AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
check 'they asked for another group' grep -q 'N(INVAL_KE)' "$T/swan/charon.log"
cell they psk 'we have the last of theirs' "$QUICK" chacha20poly1305 "$STRONG,$OLD,$QUICK" aes256gcm16,chacha20poly1305 "$QUICK" \
	chacha20poly1305 CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519
check 'we asked for another group' grep -q 'N(INVAL_KE)' "$T/swan/charon.log"

# ---- certificates ----
# Keys, a CA with an intermediate and another CA of the same name; "openssl ca" alone can choose times and make lists.
mkdir "$T/pki"
new_key() {
	case $1 in
	p256 | p384) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-${1#p}" ;;
	ed25519) openssl genpkey -algorithm ED25519 ;;
	rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 ;;
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
cert ca p384 self 'suites CA' "$CA_EXT"
cert other p384 self 'suites CA' "$CA_EXT"
cert sub p256 ca 'suites sub CA' "$CA_EXT"
for kind in p256 ed25519 rsa; do
	for side in a b; do leaf $side-$kind $kind ca; done
done
for side in a b; do
	leaf $side-sub p256 sub
	cat "$T/pki/$side-sub.crt" "$T/pki/sub.crt" > "$T/pki/$side-chain.crt"
	leaf $side-revoked p256 ca
done
leaf b-expired p256 ca 20200101000000Z 20210101000000Z
leaf b-future p256 ca 20800101000000Z 20810101000000Z
leaf b-stranger p256 other
(
	cd "$T/pki" || exit 1
	for side in a b; do openssl ca -config ca.cnf -cert ca.crt -keyfile ca.key -revoke $side-revoked.crt; done
	for n in ca sub; do openssl ca -gencrl -config $n.cnf -cert $n.crt -keyfile $n.key -crldays 2 -out $n.crl; done
	cat ca.crl sub.crl > all.crl
) > "$T/pki/log" 2>&1
must test -s "$T/pki/all.crl"

# certs OURS THEIRS [KEY-OF-OURS]: who has which certificate. strongSwan gets its intermediate beside it.
certs() {
	OUR_AUTH="{method: cert, cert: pki/$1.crt, key: pki/${3:-$1}.key, ca: pki/ca.crt, crl: pki/all.crl, local_id: %L.test, remote_id: %R.test}"
	mkdir -p "$T/swan/swanctl"/{x509,x509ca,private}
	cp "$T/pki/ca.crt" "$T/swan/swanctl/x509ca/ca.crt"
	cp "$T/pki/$2.crt" "$T/swan/swanctl/x509/b.crt"
	cp "$T/pki/$2.key" "$T/swan/swanctl/private/b.key"
	rm -f "$T/swan/swanctl/x509/sub.crt"
	case $2 in *-sub) cp "$T/pki/sub.crt" "$T/swan/swanctl/x509/" ;; esac
}
usual() { cell "$1" cert "$2" "$STRONG" aes256gcm16 "$STRONG" aes256gcm16 "$STRONG" aes256gcm16 AES_GCM_16-256; }

# refused WHO OURS THEIRS REASON: nothing comes up, our log says why, theirs only that it failed.
refused() {
	local who=$1 name="$1 call, theirs is $3: refused" pcap=$T/refused.pcap
	say "---- $name"
	certs "$2" "$3"
	capture "$pcap"
	SWAN_IKE=$STRONG SWAN_ESP=aes256gcm16 begin "$who" cert ''
	[ "$who" = we ] || refuses "$name: strongSwan gets no tunnel" swan --initiate --child net --timeout 5
	check "$name: logged '$4'" wait_for 5 grep -q "$4" "$T/a.log"
	check "$name: AUTHENTICATION_FAILED there" wait_for 5 grep -q 'N(AUTH_FAILED)' "$T/swan/charon.log"
	refuses "$name: the reason there" grep -q "$4" "$T/swan/charon.log"
	[ "$who" = we ] || same "$name: said once" 1 "$(grep -c "$4" "$T/a.log")"
	refuses "$name: tunnel up" is up "$T/a.sock" tunnel show b state
	refuses "$name: ping" site_a ping -c 1 -W 1 -q 10.71.2.1
	stop "$IX"
	check "$name: nothing is left there" wait_for 5 swan_is_empty
	capture_stop
	same "$name: no ESP on the wire" 0 "$(packets "$pcap" "$ESP")"
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
}

certs a-p256 b-p256
usual we 'P-256'
certs a-ed25519 b-ed25519
usual they 'Ed25519'
certs a-rsa b-rsa
usual we 'RSA, PKCS#1 of theirs'
SWAN_AUTH=rsa/pss-sha384 usual they 'RSA-PSS of theirs'
certs a-chain b-p256 a-sub
usual we 'our intermediate'
certs a-ed25519 b-sub
usual they 'their intermediate'
# In fragments, both ways: charon cuts to 576 bytes, we to the MTU of the tunnel.
ike_datagrams() { packets "$1" "udp port 4500 and udp[8:4] = 0 and src host 10.44.0.$2 and greater $3"; }
certs a-rsa b-rsa
for who in we they; do
	MORE='mtu: 600' usual $who 'RSA in fragments'
	check "$who, fragments there" grep -q 'parsed IKE_AUTH re.* \[ EF([2-9]/[2-9]) \]' "$T/swan/charon.log"
	check "$who, fragments here" grep -q 'generating IKE_AUTH re.* \[ EF([2-9]/[2-9]) \]' "$T/swan/charon.log"
	same "$who, nothing of IKE is larger than 600 bytes" 0 \
		"$(($(ike_datagrams "$T/cell.pcap" 1 615) + $(ike_datagrams "$T/cell.pcap" 2 615)))"
done
refused they a-p256 b-expired 'certificate has expired'
refused they a-p256 b-future 'certificate is not yet valid'
refused they a-p256 b-stranger 'certificate signature failure\|unable to get local issuer'
refused they a-p256 b-revoked 'certificate revoked'
refused we a-p256 b-revoked 'certificate revoked'
refused they a-p256 a-p256 'the certificate does not speak for this identity'
swan_stop
finish
