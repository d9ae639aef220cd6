#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 24-uplink-moves.sh - the address of an uplink changes under load: the SAs go on from the new one, without a handshake.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump tshark python3 bin/causeway-ix
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'

# ---- refused ----
ix_yaml a "$AUTH" | sed 's/uplinks: .*/uplinks: [{address: 10.44.0.1, interface: eth0}]/' > "$T/bad.yaml"
out=$(site_a "$B/bin/causeway-ix" --config "$T/bad.yaml" --check 2>&1); same "an address and an interface" 2 $?
case $out in *'uplinks[0].address'*) ok "names the field" ;; *) not_ok "names the field" "$out" ;; esac
ix_yaml a "$AUTH" | sed 's/uplinks: .*/uplinks: [{interface: eth9}]/' > "$T/bad.yaml"
out=$(site_a "$B/bin/causeway-ix" --config "$T/bad.yaml" --check 2>&1); same "an interface that is not there" 2 $?
case $out in *'uplinks[0]'*interface*eth9*) ok "names it" ;; *) not_ok "names it" "$out" ;; esac
ip -n "${PFX}a" link add bare type dummy 2> /dev/null || ip -n "${PFX}a" link add bare type bridge
ix_yaml a "$AUTH" | sed 's/uplinks: .*/uplinks: [{interface: bare}]/' > "$T/bad.yaml"
out=$(site_a "$B/bin/causeway-ix" --config "$T/bad.yaml" --check 2>&1); same "an interface without an address" 2 $?
case $out in *'no address'*) ok "says so" ;; *) not_ok "says so" "$out" ;; esac

# ---- both follow eth0 ----
for s in a b; do
	INITIATE=$([ $s = a ] && echo yes || echo no) ix_yaml $s "$AUTH" | sed 's/uplinks: .*/uplinks: [{interface: eth0}]/' > "$T/$s.yaml"
	in_ns $s sysctl -qw net.ipv4.conf.all.promote_secondaries=1 net.ipv4.conf.eth0.promote_secondaries=1
done
capture "$T/wan.pcap"
ix_start b
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a
must wait_for 15 is up "$T/a.sock" tunnel show b state
must wait_for 5 is up "$T/b.sock" tunnel show a state
must wait_for 5 ix_pings a 10.71.2.1
SPI=$(ask "$T/a.sock" tunnel show b ike.spi_i)
spawn a "$T/a.stream" "$PY" "$HERE/stream.py" 10.71.1.1 10.71.2.1 9100 500; STREAM_A=$PID
spawn b "$T/b.stream" "$PY" "$HERE/stream.py" 10.71.2.1 10.71.1.1 9100 500; STREAM_B=$PID
must wait_for 5 grep -q ready "$T/a.stream"
must wait_for 5 grep -q ready "$T/b.stream"
kill -USR1 "$STREAM_A" "$STREAM_B"

# moves SITE FROM TO: with both for a moment, as a renewed lease does it.
moves() {
	ip -n "$PFX$1" addr add "$3/24" dev eth0
	ip -n "$PFX$1" addr del "$2/24" dev eth0
}
# What a says of itself, and b of a; the local and the remote address.
at() { ask "$T/$1.sock" tunnel show "$2" "$3" | sed 's/:4500$//'; }
seen() { [ "$(at "$1" "$2" local)" = "$4" ] && [ "$(at "$3" "$1" remote)" = "$4" ]; }
moves a 10.44.0.1 10.44.0.11
check "a moved, b follows" wait_for 5 seen a b b 10.44.0.11
check "and a ping gets through" wait_for 3 ix_pings a 10.71.2.1
moves b 10.44.0.2 10.44.0.12
check "b moved, a follows" wait_for 5 seen b a a 10.44.0.12
check "and a ping gets through" wait_for 3 ix_pings b 10.71.1.1
moves a 10.44.0.11 10.44.0.1
check "a moved back" wait_for 5 seen a b b 10.44.0.1

# IKE lives there as well: keys are renewed, and liveness checks answered.
old=$(ask "$T/a.sock" tunnel show b esp.spi_out)
other_spi() { [ "$(ask "$T/a.sock" tunnel show b esp.spi_out)" != "$old" ]; }
check "a rekeys from its new place" ask "$T/a.sock" tunnel rekey b
check "and it happens" wait_for 5 other_spi
old=$(ask "$T/a.sock" tunnel show b esp.spi_out)
check "b rekeys from its new place" ask "$T/b.sock" tunnel rekey a
check "and it happens" wait_for 5 other_spi

kill "$STREAM_A" "$STREAM_B"
must wait_for 10 grep -q sent "$T/a.stream"
must wait_for 10 grep -q sent "$T/b.stream"
tail -n 1 "$T/a.stream" "$T/b.stream" >&2
field() { awk -v k="$2" '/^sent/ { for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$T/$1.stream"; }
# What was under way to an address that is gone is lost, and no more than half a second of it for each move.
for pair in "a b" "b a"; do
	read -r from to <<< "$pair"
	lost=$(($(field "$from" sent) - $(field "$to" got)))
	check "from $from to $to $lost of $(field "$from" sent) were lost" test "$lost" -le 750
done
same "the same IKE SA all along" "$SPI" "$(ask "$T/a.sock" tunnel show b ike.spi_i)"
capture_stop
same "one handshake" 2 "$(tshark -r "$T/wan.pcap" -Y 'isakmp.exchangetype == 34' 2> /dev/null | wc -l)"
same "nothing in clear" 0 "$(clear_packets "$T/wan.pcap")"
check "no complaint of a sanitizer" test -z "$(grep -l 'ERROR: \|runtime error' "$T"/*.log)"
finish
