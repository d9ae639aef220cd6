#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 21-interop-rekey.sh - causeway-ix and strongSwan renew each other's keys by CREATE_CHILD_SA under load, and nothing is lost: ESP
# and the IKE SA, by either, with and without a Diffie-Hellman exchange for ESP, by both at once, and by age; PPK or not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/../interop/strongswan/swan.sh"
requires root tun ip tcpdump python3 openssl unshare bin/causeway-ix
swan_requires
net_up
psk "$T/psk"
(umask 077; openssl rand -hex 32 > "$T/ppk.hex")
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'

show() { ask "$T/a.sock" tunnel show b "$1"; }
other() { [ "$(show "$2")" != "$1" ]; }
one_child() { [ "$(swan --list-sas 2>/dev/null | grep -c 'net: #[0-9]*, reqid [0-9]*, INSTALLED')" = 1 ]; }
one_ike() { [ "$(swan --list-sas 2>/dev/null | awk '/^site: / { printf "%s ", $3 }')" = 'ESTABLISHED, ' ]; }
# rekeyed NAME FIELD COMMAND...: what FIELD shows is another, and each side has one pair.
rekeyed() {
	local name=$1 field=$2 old; shift 2
	old=$(show "$field")
	check "$name" "$@"
	check "$name: there is another" wait_for 8 other "$old" "$field"
	check "$name: one pair is left" wait_for 8 one_child
	check "$name: one IKE SA is left" wait_for 8 one_ike
}
# both VERB --child|--ike NAME: strongSwan stands still until both wishes and our message are before it. Whether it acts or reads
# first is in nobody's hand, so this is repeated until they met on the way.
both() {
	local i job met
	for ((i = 0; i < 60; i++)); do
		met=$(grep -c 'by both at once' "$T/a.log")
		kill -STOP "$SWAN"
		swan --rekey "$2" "$3" > "$T/swan.out" 2>&1 & job=$!
		wait_for 5 rekey_waits "$job"
		ask "$T/a.sock" tunnel "$1" b > "$T/ask.out"
		kill -CONT "$SWAN"
		wait "$job"
		wait_for 8 one_child && wait_for 8 one_ike || return 1
		[ "$(grep -c 'by both at once' "$T/a.log")" = "$met" ] || { say "met after $((i + 1))"; return 0; }
	done
	say "they never met"
}
# swanctl has sent its wish: it sleeps in a read.
rekey_waits() { [ "$(pgrep -c -P "$1" swanctl)" = 1 ] && grep -q '^State:.S' "/proc/$(pgrep -P "$1" swanctl)/status"; }
stream_field() { awk -v k="$2" '/^sent/ { for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$T/$1.stream"; }

# run NAME we|they ESP [ppk]
run() {
	local name=$1 who=$2 esp=$3 ppk=${4:-} initiate=yes pcap=$T/$1.pcap ours lines=
	say "---- $name"
	[ "$who" = we ] || initiate=no
	[ -z "$ppk" ] || lines='ppk_id = ppk-1
	    ppk_required = yes'
	ours="esn: no;esp: $esp;rekey: {ike: 4h, child: ${OUR_CHILD:-1h}}${ppk:+;ppk: {id: ppk-1, file: ppk.hex, required: yes\}}"
	INITIATE=$initiate ix_yaml a "$AUTH" "$ours" | sed '/^relays/,/agents-in/d' > "$T/a.yaml"
	capture "$pcap"
	SWAN_ESP=$esp SWAN_PPK=${ppk:+ppk-1 $(cat "$T/ppk.hex")} swan_start psk "$lines"
	ix_start a; IX=$PID
	must wait_for 5 ask "$T/a.sock" appliance show
	[ "$who" = we ] || check "$name: strongSwan has a tunnel" swan --initiate --child net --timeout 10
	check "$name: tunnel up" wait_for 20 is up "$T/a.sock" tunnel show b state
	check "$name: installed at strongSwan" wait_for 5 swan_established
	must wait_for 5 ix_pings a 10.71.2.1
	spawn a "$T/a.stream" "$PY" "$HERE/stream.py" 10.71.1.1 10.71.2.1 9100 100; STREAM_A=$PID
	spawn b "$T/b.stream" "$PY" "$HERE/stream.py" 10.71.2.1 10.71.1.1 9100 100; STREAM_B=$PID
	must wait_for 5 grep -q ready "$T/a.stream"
	must wait_for 5 grep -q ready "$T/b.stream"
	kill -USR1 "$STREAM_A" "$STREAM_B"

	rekeyed "$name, strongSwan rekeys ESP" esp.spi_out swan --rekey --child net
	rekeyed "$name, we rekey ESP" esp.spi_out ask "$T/a.sock" tunnel rekey b
	rekeyed "$name, strongSwan rekeys the IKE SA" ike.spi_i swan --rekey --ike site
	rekeyed "$name, strongSwan rekeys ESP on the new one" esp.spi_out swan --rekey --child net
	rekeyed "$name, we rekey the IKE SA" ike.spi_i ask "$T/a.sock" tunnel rekey-ike b
	rekeyed "$name, we rekey ESP on the new one" esp.spi_out ask "$T/a.sock" tunnel rekey b
	rekeyed "$name, both rekey ESP" esp.spi_out both rekey --child net
	rekeyed "$name, both rekey the IKE SA" ike.spi_i both rekey-ike --ike site
	if [ "${OUR_CHILD:-}" ]; then
		old=$(show esp.spi_out)
		check "$name: we do by age" wait_for 15 other "$old" esp.spi_out
	fi
	[ -z "$ppk" ] || same "$name: with the PPK still" true "$(show suite.ppk)"

	kill "$STREAM_A" "$STREAM_B"
	must wait_for 10 grep -q sent "$T/a.stream"
	must wait_for 10 grep -q sent "$T/b.stream"
	tail -n 1 "$T/a.stream" "$T/b.stream" >&2
	same "$name: all that we sent came" "$(stream_field a sent)" "$(stream_field b got)"
	same "$name: all that strongSwan sent came" "$(stream_field b sent)" "$(stream_field a got)"
	same "$name: nothing failed to decrypt" 0 "$(show counters/drop.icv)"
	same "$name: nothing came for an SA that was gone" 0 "$(ask "$T/a.sock" appliance show '' counters/drop.no_sa)"
	same "$name: no message was malformed" 0 "$(show counters/ike.malformed)"
	same "$name: it was never down" 1 "$(grep -c 'tun b: up' "$T/a.log")"
	refuses "$name: nothing was renewed instead" grep -q 'will be renewed' "$T/a.log"
	stop "$IX"
	check "$name: strongSwan hears our good-bye" wait_for 5 swan_gone
	capture_stop
	check "$name: ESP on the wire" test "$(packets "$pcap" "$ESP")" -gt 100
	same "$name: no clear packet" 0 "$(clear_packets "$pcap")"
	grep 'by both at once' "$T/a.log" >&2
	[ -z "${KEEP:-}" ] || cp "$T/a.log" "$T/$name.log"
	swan_stop
	rm -f "$T/a.log" "$T/a.stream" "$T/b.stream"
}
swan_gone() { ! swan_established; }

run plain we aes256gcm16
OUR_CHILD=10s run group they aes256gcm16-ecp384 ppk
finish
