#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 22-interop-suites.sh - causeway-ix and strongSwan, each calling the other, with every suite and lists of them.
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
	must swan --load-all > "$T/swan/load.log" 2>&1
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
	SWAN_IKE=$6 SWAN_ESP=$7 begin "$who" "$auth" "ike: \"$4\";esp: \"$5\""
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
	check "$name: ESP on the wire ($seen)" test "$seen" -ge 22
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
}

# suite WHO IKE ESP AT-STRONGSWAN: the same words on both sides, and nothing else.
suite() { cell "$1" psk "$2 $3" "$2" "$3" "$2" "$3" "${5:-$2}" "$3" "$4"; }

swan_start psk
suite we aes128gcm16-prfsha256-ecp256 aes128gcm16 AES_GCM_16-128/PRF_HMAC_SHA2_256/ECP_256
suite they chacha20poly1305-prfsha256-x25519 chacha20poly1305 CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519
suite we chacha20poly1305-prfsha512-ecp384 chacha20poly1305 CHACHA20_POLY1305/PRF_HMAC_SHA2_512/ECP_384
suite we aes256-sha256-modp2048 aes256-sha256 AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
suite they aes256-sha256-modp2048 aes256-sha256 AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
suite they aes128-sha384-ecp384 aes128-sha384 AES_CBC-128/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/ECP_384
suite we aes256-sha512-prfsha256-x25519 aes256-sha512 AES_CBC-256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_256/CURVE_25519

STRONG=aes256gcm16-prfsha384-ecp384 QUICK=chacha20poly1305-prfsha256-x25519 OLD=aes256-sha256-modp2048
cell we psk 'they have the last of ours' "$STRONG,$QUICK,$OLD" aes256gcm16,aes256-sha256 "$OLD" aes256-sha256 "$OLD" aes256-sha256 \
	AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
check 'they asked for another group' grep -q 'N(INVAL_KE)' "$T/swan/charon.log"
cell they psk 'we have the last of theirs' "$QUICK" chacha20poly1305 "$STRONG,$OLD,$QUICK" aes256gcm16,chacha20poly1305 "$QUICK" \
	chacha20poly1305 CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519
check 'we asked for another group' grep -q 'N(INVAL_KE)' "$T/swan/charon.log"
swan_stop
finish
