#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 24-interop-ppk.sh - causeway-ix and strongSwan, each calling the other, with a shared secret and with P-384 certificates: the
# postquantum preshared keys (PPK, RFC 8784) of both sides do not fit, or one side has none. Where they fit: tests/interop/cells.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
requires root tun ip tcpdump python3 openssl unshare bin/causeway-ix
swan_requires
net_up
psk "$T/psk"
(umask 077; openssl rand -hex 32 > "$T/ppk.hex")
pki "$T"
AUTH_psk='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
AUTH_cert='{method: cert, cert: a.crt, key: a.key, ca: ca.crt, local_id: %L.test, remote_id: %R.test}'

# start WHO AUTH [OURS [THEIRS [KEY]]]: both sides; OURS and THEIRS are "NAME no|yes": of a PPK, and whether it is required. THEIRS
# may be "NAME": strongSwan has the key, but its connection does not name it (as responder it insists on the name otherwise). KEY
# is strongSwan's, if it is another.
start() {
	local who=$1 auth=$2 conf=AUTH_$2 ours=${3:-} theirs=${4:-} key=${5:-$(cat "$T/ppk.hex")} initiate=yes lines=
	[ "$who" = we ] || initiate=no
	INITIATE=$initiate ix_yaml a "${!conf}" "esn: no${ours:+;ppk: {id: ${ours% *}, file: ppk.hex, required: ${ours#* }\}}" |
		sed '/^relays/,/agents-in/d' > "$T/a.yaml"
	case $theirs in *' '*) lines="ppk_id = ${theirs% *}
	    ppk_required = ${theirs#* }" ;; esac
	SWAN_PPK=${theirs:+${theirs% *} $key} swan_start "$auth" "$lines"
	: > "$T/a.log"
	ix_start a; IX=$PID
	must wait_for 5 ask "$T/a.sock" appliance show
}

# ppk_refused AUTH WHO NAME OURS THEIRS LOGGED [KEY]: the PPKs do not fit; nothing comes up, and our log says why.
ppk_refused() {
	local who=$2 name="$1, $2 call, $3" pcap=$T/refused.pcap
	say "---- $name"
	capture "$pcap"
	start "$who" "$1" "$4" "$5" "${7:-}"
	[ "$who" = we ] || refuses "$name: strongSwan gets no tunnel" swan --initiate --child net --timeout 5
	check "$name: logged '$6'" wait_for 10 grep -q "$6" "$T/a.log"
	if [ "$who" = they ] || [ "$6" = "$NO_PPK" ]; then
		check "$name: counted" at_least 1 "$T/a.sock" tunnel show b counters/ike.rejected
	fi
	if [ "$who" = they ]; then
		check "$name: strongSwan hears AUTHENTICATION_FAILED" wait_for 5 grep -q 'N(AUTH_FAILED)' "$T/swan/charon.log"
	fi
	refuses "$name: ping" site_a ping -c 1 -W 1 -q 10.71.2.1
	refuses "$name: tunnel up" is up "$T/a.sock" tunnel show b state
	refuses "$name: installed at strongSwan" swan_established
	stop "$IX"
	capture_stop
	same "$name: no ESP on the wire" 0 "$(packets "$pcap" "$ESP")"
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
	swan_stop
}

# ppk_unused AUTH WHO NAME OURS THEIRS: neither side insists, so they do without.
ppk_unused() {
	local who=$2 name="$1, $2 call, $3" pcap=$T/unused.pcap seen
	say "---- $name"
	capture "$pcap"
	start "$who" "$1" "$4" "$5"
	[ "$who" = we ] || check "$name: strongSwan has a tunnel" swan --initiate --child net --timeout 10
	check "$name: tunnel up" wait_for 20 is up "$T/a.sock" tunnel show b state
	same "$name: PPK" false "$(ask "$T/a.sock" tunnel show b suite.ppk)"
	check "$name: ping" site_a ping -c 3 -i 0.05 -W 2 -q 10.71.2.1
	stop "$IX"
	capture_stop
	seen=$(packets "$pcap" "$ESP")
	check "$name: ESP on the wire ($seen)" test "$seen" -ge 6
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
	swan_stop
}
NO_PPK='the peer uses no PPK' REFUSED='the peer refused IKE_AUTH: AUTHENTICATION_FAILED'

for auth in psk cert; do
	ppk_refused $auth we 'another key' 'ppk-1 yes' 'ppk-1 yes' "$REFUSED" "$(openssl rand -hex 32)"
	ppk_refused $auth they 'another key' 'ppk-1 yes' 'ppk-1 yes' 'AUTH of the peer (with PPK)' "$(openssl rand -hex 32)"
	ppk_unused $auth we 'another name of the PPK, not required' 'ppk-1 no' ppk-2
	ppk_unused $auth they 'another name of the PPK, not required' 'ppk-1 no' 'ppk-2 no'
done
ppk_refused psk we 'another name' 'ppk-1 yes' 'ppk-2 yes' "$REFUSED"
ppk_refused psk they 'another name' 'ppk-1 yes' 'ppk-2 yes' 'the peer names another PPK'
ppk_refused psk we 'no PPK at strongSwan' 'ppk-1 yes' '' "$NO_PPK"
ppk_refused psk they 'no PPK at strongSwan' 'ppk-1 yes' '' "$NO_PPK"
ppk_unused psk we 'no PPK at strongSwan, not required' 'ppk-1 no' ''
ppk_unused psk they 'no PPK at strongSwan, not required' 'ppk-1 no' ''
finish
