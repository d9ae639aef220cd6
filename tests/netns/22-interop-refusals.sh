#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 22-interop-refusals.sh - causeway-ix and strongSwan, each calling the other, with lists of suites of which the first does not fit,
# and with certificates that must be refused. What fits at once is in tests/interop/cells.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
. "$(dirname "$0")/../interop/pki.sh"
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

# cell WHO AUTH NAME OURS-IKE OURS-ESP THEIRS-IKE THEIRS-ESP TAKEN-IKE TAKEN-ESP AT-STRONGSWAN
cell() {
	local who=$1 auth=$2 name="$2, $1 call, $3" pcap=$T/cell.pcap seen
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
	same "$name: nothing failed to decrypt" 0 "$(ask "$T/a.sock" tunnel show b counters/drop.icv)"
	stop "$IX"
	check "$name: strongSwan hears our good-bye" wait_for 5 swan_is_empty
	capture_stop
	seen=$(packets "$pcap" "$ESP")
	check "$name: ESP on the wire ($seen)" test "$seen" -ge 14
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
}

swan_start psk
STRONG=aes256gcm16-prfsha384-ecp384 QUICK=chacha20poly1305-prfsha256-x25519 OLD=aes256-sha256-modp2048
cell we psk 'they have the last of ours' "$STRONG,$QUICK,$OLD" aes256gcm16,aes256-sha256 "$OLD" aes256-sha256 "$OLD" aes256-sha256 \
	AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
check 'they asked for another group' grep -q 'N(INVAL_KE)' "$T/swan/charon.log"
cell they psk 'we have the last of theirs' "$QUICK" chacha20poly1305 "$STRONG,$OLD,$QUICK" aes256gcm16,chacha20poly1305 "$QUICK" \
	chacha20poly1305 CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519
check 'we asked for another group' grep -q 'N(INVAL_KE)' "$T/swan/charon.log"

# ---- certificates ----
pki_ca
cert other p384 self 'interop CA' "$CA_EXT"
pki_kinds p256
for side in a b; do leaf $side-revoked p256 ca; done
leaf b-expired p256 ca 20200101000000Z 20210101000000Z
leaf b-future p256 ca 20800101000000Z 20810101000000Z
leaf b-stranger p256 other
for side in a b; do pki_revoke $side-revoked; done
pki_lists

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

refused they a-p256 b-expired 'certificate has expired'
refused they a-p256 b-future 'certificate is not yet valid'
refused they a-p256 b-stranger 'certificate signature failure\|unable to get local issuer'
refused they a-p256 b-revoked 'certificate revoked'
refused we a-p256 b-revoked 'certificate revoked'
refused they a-p256 a-p256 'the certificate does not speak for this identity'
swan_stop
finish
