#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 20-interop-strongswan.sh - causeway-ix and strongSwan, each calling the other, with a shared secret and with P-384 certificates.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
requires root tun ip tcpdump python3 socat openssl unshare bin/causeway-ix
swan_requires
net_up
psk "$T/psk"
pki "$T"
head -c 2000000 /dev/urandom > "$T/data"
AUTH_psk='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
AUTH_cert='{method: cert, cert: a.crt, key: a.key, ca: ca.crt, local_id: %L.test, remote_id: %R.test}'

tcp_back() { in_ns a socat -t 10 - TCP:10.71.2.1:9000 < "$T/data" > "$T/data.back" 2>> "$T/socat.log" && cmp -s "$T/data" "$T/data.back"; }

# run AUTH we|they: who calls.
run() {
	local auth=$1 who=$2 name="$1, $2 call" conf=AUTH_$1 pcap=$T/$1-$2.pcap initiate=yes seen
	say "---- $name"
	[ "$who" = we ] || initiate=no
	INITIATE=$initiate ix_yaml a "${!conf}" 'esn: no' | sed '/^relays/,/agents-in/d' > "$T/a.yaml"
	capture "$pcap"
	swan_start "$auth"
	ix_start a; IX=$PID
	must wait_for 5 ask "$T/a.sock" appliance show
	[ "$who" = we ] || check "$name: strongSwan has a tunnel" swan --initiate --child net --timeout 10
	check "$name: tunnel up" wait_for 20 is up "$T/a.sock" tunnel show b state
	check "$name: installed at strongSwan" wait_for 5 swan_established
	same "$name: initiator" "$([ "$who" = we ] && echo true || echo false)" "$(ask "$T/a.sock" tunnel show b ike.initiator)"
	same "$name: no ESN with this peer" false "$(ask "$T/a.sock" tunnel show b suite.esn)"
	check "$name: suite at strongSwan" grep -q 'AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384' <(swan --list-sas)
	check "$name: ping" site_a ping -c 10 -i 0.05 -W 2 -q 10.71.2.1
	check "$name: ping back" site_b ping -c 10 -i 0.05 -W 2 -q -I 10.71.2.1 10.71.1.1
	check "$name: large ping, fragments inside" site_a ping -c 3 -i 0.05 -W 2 -q -s 3000 10.71.2.1
	spawn b "$T/echo.log" socat TCP-LISTEN:9000,bind=10.71.2.1,fork,reuseaddr EXEC:cat
	ECHO=$PID
	must wait_for 5 in_ns b socat -u OPEN:/dev/null TCP:10.71.2.1:9000
	check "$name: 2 MB over TCP and back" tcp_back
	same "$name: nothing failed to decrypt" 0 "$(ask "$T/a.sock" tunnel show b counters/drop.icv)"

	# We do not rekey in place: what strongSwan wants rekeyed it then replaces whole, and the tunnel must outlast that.
	old=$(ask "$T/a.sock" tunnel show b esp.spi_out)
	in_ns a ping -c 150 -i 0.02 -W 2 -q 10.71.2.1 > "$T/rekey.log" 2>&1 &
	ping=$!
	check "$name: strongSwan rekeys the child" swan --rekey --child net
	wait "$ping"
	say "$(grep received "$T/rekey.log")"
	check "$name: there is another SA" other_spi "$old"
	check "$name: at most a moment was lost" awk '/received/ { ok = $4 >= 140 } END { exit !ok }' "$T/rekey.log"

	check "$name: strongSwan says good-bye" swan --terminate --ike site --timeout 5
	if [ "$who" = we ]; then
		check "$name: we call again" wait_for 20 ix_pings a 10.71.2.1
	else
		check "$name: we hear it" wait_for 5 ix_not_up a b
		check "$name: strongSwan calls again" swan --initiate --child net --timeout 10
		check "$name: ping after that" wait_for 10 ix_pings a 10.71.2.1
	fi
	stop "$IX"
	check "$name: strongSwan hears our good-bye" wait_for 5 swan_gone
	capture_stop
	seen=$(packets "$pcap" "$ESP")
	check "$name: ESP on the wire ($seen)" test "$seen" -gt 500
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
	stop "$ECHO"
	swan_stop
}
other_spi() { local spi; spi=$(ask "$T/a.sock" tunnel show b esp.spi_out) && [ "$spi" != "$1" ]; }
swan_gone() { ! swan_established; }

for auth in psk cert; do
	for who in we they; do run $auth $who; done
done
finish
