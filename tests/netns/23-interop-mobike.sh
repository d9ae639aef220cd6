#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 23-interop-mobike.sh - addresses change under traffic, and the SAs with strongSwan stay (RFC 4555): strongSwan moves, as the one
# who called and as the one who was called; a NAT before us forgets. And IKE SAs without child (RFC 6023), both ways.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
requires root tun ip tcpdump python3 openssl unshare bin/causeway-ix
swan_requires
net_up
in_ns b sysctl -qw net.ipv4.conf.all.promote_secondaries=1  # the new address stays when the old one goes
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
NEW_SA='udp port 4500 and udp[8:4] = 0 and udp[30] = 34'        # IKE_SA_INIT
export SWAN_MOBIKE=yes SWAN_LOCAL=%any SWAN_REMOTE=%any

show() { ask "$T/a.sock" tunnel show b "$1"; }
# start NAME WHO [OURS [THEIRS]]: WHO calls, we or they; more lines of our tunnel and of strongSwan's connection. Sets $SPI.
start() {
	local name=$1 who=$2 initiate=yes
	say "---- $name"
	[ "$who" = we ] || initiate=no
	INITIATE=$initiate ix_yaml a "$AUTH" "esn: no${3:+;$3}" | sed '/^relays/,/agents-in/d' > "$T/a.yaml"
	[ -z "${REMOTE:-}" ] || sed -i "s/remote: {address: 10.44.0.2, port: 4500}/remote: {address: $REMOTE, port: 4500}/" "$T/a.yaml"
	[ "$who" = we ] || local SWAN_REMOTE=10.44.0.1
	capture "$T/$name-all.pcap"; ALL=$CAPTURE_PID
	swan_start psk "${4:-}"
	: > "$T/a.log"
	ix_start a; IX=$PID
	must wait_for 5 ask "$T/a.sock" appliance show
	[ "$who" = we ] || check "$name: strongSwan has a tunnel" swan --initiate --child net --timeout 10
	check "$name: tunnel up" wait_for 20 is up "$T/a.sock" tunnel show b state
	check "$name: installed at strongSwan" wait_for 5 swan_established
	must wait_for 5 ix_pings a 10.71.2.1
	SPI=$(show ike.spi_i)
}
# traffic NAME: from now on, until traffic_end; and everything on the wire from now on in $T/NAME.pcap.
traffic() {
	: > "$T/ping.log"
	spawn a "$T/ping.log" env --default-signal=INT ping -i 0.05 -W 1 -q 10.71.2.1; PING=$PID
	capture "$T/$1.pcap"
}
# traffic_end NAME: no new IKE SA, and never down.
traffic_end() {
	must wait_for 5 ix_pings a 10.71.2.1
	stop "$PING" INT
	capture_stop
	say "$(grep received "$T/ping.log")"
	same "$1: no IKE_SA_INIT" 0 "$(packets "$T/$1.pcap" "$NEW_SA")"
	same "$1: the same IKE SA" "$SPI" "$(show ike.spi_i)"
	check "$1: ESP on the wire" test "$(packets "$T/$1.pcap" "$ESP")" -gt 20
	same "$1: never down" 1 "$(grep -c 'tun b: up' "$T/a.log")"
}
finish_run() {
	stop "$IX"
	check "$1: strongSwan hears our good-bye" wait_for 5 swan_gone
	CAPTURE_PID=$ALL; capture_stop
	same "$1: no clear packet" 0 "$(clear_packets "$T/$1-all.pcap")"
	same "$1: no message was malformed" 0 "${MALFORMED:-0}"
	swan_stop
}
swan_gone() { ! swan_established; }
esp_goes() { grep -q "ESP goes from .* to $1" "$T/a.log"; }
# esp_at FILE FILTER: so many packets of ESP.
esp_at() { packets "$1" "$ESP and $2"; }

# strongSwan's address is another: the old one goes, there and back again.
swan_moves() {
	local name=$1-moved from=10.44.0.2 to=10.44.0.12 i
	start "$name" "$2" "" ""
	traffic "$name"
	for i in 1 2; do
		in_ns b ip addr add "$to/24" dev eth0
		in_ns b ip addr del "$from/24" dev eth0
		check "$name, move $i: ESP goes to $to" wait_for 10 esp_goes "$to:4500"
		must wait_for 5 ix_pings a 10.71.2.1
		check "$name, move $i: ping" site_a ping -c 10 -i 0.05 -W 2 -q 10.71.2.1
		from=$to to=10.44.0.2
	done
	MALFORMED=$(show counters/ike.malformed)
	traffic_end "$name"
	check "$name: most pings came" awk '/received/ { ok = 2 * $4 > $1 } END { exit !ok }' "$T/ping.log"
	check "$name: UPDATE_SA_ADDRESSES" grep -q 'N(UPD_SA_ADDR)' "$T/swan/charon.log"
	check "$name: COOKIE2" grep -q 'N(COOKIE2)' "$T/swan/charon.log"
	check "$name: ESP to 10.44.0.12" test "$(esp_at "$T/$name.pcap" 'dst host 10.44.0.12')" -ge 10
	check "$name: ESP from 10.44.0.12" test "$(esp_at "$T/$name.pcap" 'src host 10.44.0.12')" -ge 10
	finish_run "$name"
}
swan_moves caller they
swan_moves called we

# A NAT between us that forgets: strongSwan sees us at another port, and hears from us about it.
nat_forgets() {
	local name=nat old
	spawn w "$T/nat.log" "$PY" "$HERE/middlebox.py" 10.44.0.3 10.44.0.2; NAT=$PID
	must wait_for 5 grep -q ready "$T/nat.log"
	kill -USR2 "$NAT"
	REMOTE=10.44.0.3 start "$name" we
	traffic "$name"
	old=$(grep -c 'N(UPD_SA_ADDR)' "$T/swan/charon.log")
	kill -USR1 "$NAT"
	check "$name: strongSwan hears of it" wait_for 10 more_updates "$old"
	MALFORMED=$(show counters/ike.malformed)
	traffic_end "$name"
	finish_run "$name"
	stop "$NAT"
}
more_updates() { [ "$(grep -c 'N(UPD_SA_ADDR)' "$T/swan/charon.log")" -gt "$1" ]; }
nat_forgets

# An IKE SA first, its child behind it.
childless() {
	local name=$1 who=$2
	start "$name" "$who" "${3:+childless: $3}" "${4:+childless = $4}"
	if [ "$5" = yes ]; then
		check "$name: the child is made on its own" grep -q 'CREATE_CHILD_SA.*SA No' "$T/swan/charon.log"
	else
		refuses "$name: the child comes with the IKE SA" grep -q 'CREATE_CHILD_SA' "$T/swan/charon.log"
	fi
	check "$name: ping" site_a ping -c 5 -i 0.05 -W 2 -q 10.71.2.1
	MALFORMED=$(show counters/ike.malformed)
	finish_run "$name"
}
childless we-force we force force yes
childless we-prefer we prefer allow yes
childless we-prefer-never we prefer never no
childless they-force they '' force yes
finish
