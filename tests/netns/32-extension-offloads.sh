#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 32-extension-offloads.sh - frames of every kind, TCP and UDP through an extension, whatever units the kernel makes at its ends and
# on its way: each arrives once, byte for byte, and in the order of its flow.
#
#   ha ─ br-web ─ a: causeway-ne ═ w ═ causeway-ne :b ─ br-web ─ hb
#
# The WAN: "single" one datagram at a time; "joined" the same, joined again at its end (GRO); "whole" many in one packet.
# The hosts: "units" with TCP and UDP segmentation left to others, as a VM has it; "frames" all made by themselves.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ne.sh"
requires root tun ip ethtool tcpdump python3 socat bin/causeway-ne
net_up
psk "$T/psk"
HA=02:00:00:00:0a:01 HB=02:00:00:00:0b:01
for s in a b; do segment $s br-web; done
host ha a br-web $HA 192.168.101.1/24
host hb b br-web $HB 192.168.101.2/24
for s in a b; do
	r=b; [ $s = a ] || r=a
	[ $s = a ] || TUNNEL='initiate: no'
	ne_yaml $s "name: web, vni: 77, bridge: br-web, tunnel: $r" > "$T/$s.yaml"
done
ne_start b
must wait_for 5 ask "$T/b.sock" appliance show
ne_start a
must wait_for 15 ext_is_up a web
must wait_for 15 ext_is_up b web
must wait_for 5 pings ha 192.168.101.2

spawn hb "$T/syn.log" tcpdump -i eth0 -Z root -U --immediate-mode -n -w "$T/syn.pcap" 'tcp[13] & 2 != 0 and src host 192.168.101.1'
must wait_for 5 grep -q 'listening on' "$T/syn.log"

# wan single|joined|whole
wan_is() {
	local n segs=1 gro=off
	[ "$1" = whole ] && segs=65535
	[ "$1" = joined ] && gro=on
	for n in a b; do
		ip -n "$PFX$n" link set eth0 gso_max_segs $segs
		in_ns $n ethtool -K eth0 gro $gro > /dev/null 2>&1
	done
}

# hosts units|frames
hosts_are() {
	local n on=on
	[ "$1" = frames ] && on=off
	for n in ha hb; do
		in_ns $n ethtool -K eth0 tx $on tso $on gso $on tx-udp-segmentation $on > /dev/null 2>&1
	done
}

head -c 12000000 /dev/urandom > "$T/data"
SUM=$(sha256sum < "$T/data")
PORT=5000

# stream NAME FROM TO ADDRESS: the file by TCP; what the other end of the tunnel got it in, frames to a unit, in $PER_UNIT
stream() {
	local units frames s=b
	[ "$3" = hb ] || s=a
	PORT=$((PORT + 1))
	units=$(in_ns $s cat /sys/class/net/cw-77/statistics/rx_packets) frames=$(ext_count $s web rx.packets)
	spawn "$3" "$T/socat.log" socat -u "TCP4-LISTEN:$PORT,reuseaddr" "CREATE:$T/got-$PORT"; GOT=$PID
	must wait_for 5 listens "$3" $PORT
	in_ns "$2" socat -u "OPEN:$T/data" "TCP4:$4:$PORT" || not_ok "$1: sending"
	wait_for 20 dead "$GOT"
	same "$1: TCP" "$SUM" "$(sha256sum < "$T/got-$PORT")"
	rm -f "$T/got-$PORT"
	units=$(($(in_ns $s cat /sys/class/net/cw-77/statistics/rx_packets) - units)) frames=$(($(ext_count $s web rx.packets) - frames))
	PER_UNIT=$((units > 0 ? frames / units : 0))
}

COUNT=400 SEED=100
for hosts in units frames; do
	hosts_are $hosts
	for wan in single joined whole; do
		wan_is $wan
		SEED=$((SEED + 2))
		carry "hosts $hosts, WAN $wan, a to b" ha hb $HB $HA $SEED
		carry "hosts $hosts, WAN $wan, b to a" hb ha $HA $HB $((SEED + 1))
		stream "hosts $hosts, WAN $wan, a to b" ha hb 192.168.101.2
		# Where hosts send frames, each is cut in two for the path: one full, one small.
		[ $hosts = frames ] || check "frames in a unit: $PER_UNIT" test "$PER_UNIT" -ge 2
	done
done
stream "the other way" hb ha 192.168.101.1
for s in a b; do
	for c in drop.malformed drop.tx drop.limit; do
		same "$c of $s" 0 "$(ext_count $s web $c)"
	done
done
MSS=$(tcpdump -r "$T/syn.pcap" -n 2> /dev/null | grep -o 'mss [0-9]*' | sort -u | tr '\n' ' ')
check "connections begin with segments that fit into one packet ($MSS)" test "$(tr -dc '0-9' <<< "$MSS")" -lt 1420 -a "$(tr -dc '0-9' <<< "$MSS")" -gt 1300
finish
