#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 30-extension.sh - two causeway-ne stretch two segments over one tunnel: frames of every kind, isolation, moves, storms, refusals.
#
#   ha ─ br-web ┐                                 ┌ br-web ─ hb     192.168.101.1 and .2
#                ├ a: causeway-ne ═ w ═ causeway-ne :b ┤
#   ia ─ br-db  ┘                                 └ br-db  ─ ib     the same addresses, other stations
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ne.sh"
requires root tun ip tcpdump python3 socat bin/causeway-ne
net_up
psk "$T/psk"
HA=02:00:00:00:0a:01 HB=02:00:00:00:0b:01 IA=02:00:00:00:1a:01 IB=02:00:00:00:1b:01 VM=52:54:00:10:01:50
for s in a b; do segment $s br-web; segment $s br-db; done
host ha a br-web $HA 192.168.101.1/24
host hb b br-web $HB 192.168.101.2/24
host ia a br-db $IA 192.168.101.1/24
host ib b br-db $IB 192.168.101.2/24
WEB='name: web, vni: 77, bridge: br-web' DB='name: db, vni: 78, bridge: br-db'
for s in a b; do
	r=b; [ $s = a ] || r=a
	# b waits to be called and is started first: a call to a closed port would be answered by ICMP, in clear.
	[ $s = a ] || TUNNEL='initiate: no'
	ne_yaml $s "$WEB, tunnel: $r" "$DB, tunnel: $r, tap: cw-db, bum_pps: 100" > "$T/$s.yaml"
done

# ---- refused, and nothing is left behind ----
check "a good file passes --check" in_ns a "$B/bin/causeway-ne" --config "$T/a.yaml" --check
links() { ip -n "${PFX}a" -br link | awk '{ print $1 }' | sort; }
LINKS=$(links)
bad() { # bad NAME STATUS SED-EXPRESSION WANTED-TEXT: the changed file is refused
	local out status
	sed "$3" "$T/a.yaml" > "$T/bad.yaml"
	out=$(in_ns a timeout 5 "$B/bin/causeway-ne" --config "$T/bad.yaml" 2>&1); status=$?
	case $status:$out in $2:*"$4"*) ok "$1" ;; *) not_ok "$1" "status $status: $out" ;; esac
	same "$1: nothing left" "$LINKS" "$(links)"
}
bad "unknown key" 2 's/vni: 77,/vni: 77, mtu: 9000,/' 'extensions[0].mtu'
bad "VNI 0" 2 's/vni: 77/vni: 0/' 'extensions[0].vni'
bad "VNI too large" 2 's/vni: 77/vni: 16777216/' 'extensions[0].vni'
bad "VNI with a stray quote" 2 "s/vni: 77/vni: 77\\\\\"/" 'extensions[0].vni'
bad "VNI twice" 2 's/vni: 78/vni: 77/' 'extension db: vni'
bad "segment twice" 2 's/br-db/br-web/' "extension db: bridge: 'br-web' is extended already, by extension 'web'"
bad "unknown tunnel" 2 's/tunnel: b,/tunnel: x,/' "extension db: tunnel: there is no tunnel 'x'"
bad "selector that is no host" 2 's/10.71.1.1.32/10.71.1.0\/24/' 'tunnel b: local_ts'
bad "unknown bridge" 1 's/br-db/br-nowhere/' "extension db: bridge: there is no device 'br-nowhere'"
bad "no bridge" 1 's/br-db/eth0/' "extension db: bridge: 'eth0' is not a bridge"
ip -n "${PFX}a" tuntap add cw-db mode tap
LINKS=$(links)
bad "device that exists" 1 '' "extension db: tap: a device 'cw-db' exists already"
ip -n "${PFX}a" link del cw-db

# ---- up ----
capture "$T/wan.pcap"
ne_start b; NE_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ne_start a; NE_A=$PID
must wait_for 15 ext_is_up a web
must wait_for 15 ext_is_up b db
same "MTU of the extension" 1500 "$(ask "$T/a.sock" extension show web mtu)"
same "device of the extension" cw-77 "$(ask "$T/a.sock" extension show web tap)"
same "the device is a port of the bridge" br-web "$(basename "$(in_ns a readlink /sys/class/net/cw-77/master)")"
same "extensions in the list" "web db" "$(ask "$T/a.sock" extension list '' items | "$PY" -c 'import json, sys; print(*[e["name"] for e in json.load(sys.stdin)])')"
same "kind of the appliance" ne "$(ask "$T/a.sock" appliance show '' kind)"
same "pid of the appliance" "$NE_A" "$(ask "$T/a.sock" appliance show '' pid)"
refuses "an extension that is not there" ask "$T/a.sock" extension show nowhere
check "ping across" wait_for 5 pings ha 192.168.101.2
check "ping back" in_ns hb ping -c 5 -i 0.05 -W 1 -q 192.168.101.1
check "full-size packets with DF, 1500 bytes" in_ns ha ping -M do -s 1472 -c 20 -i 0.01 -W 1 -q 192.168.101.2
refuses "and no larger ones" in_ns ha ping -M do -s 1473 -c 1 -W 1 -q 192.168.101.2
check "the other segment pings, too" wait_for 5 pings ia 192.168.101.2

# ---- a segment that is extended already, by another process ----
ne_yaml a 'name: again, vni: 99, bridge: br-web, tunnel: b' | sed 's/port: 4500}\]/port: 4600}]/; s/a.sock/a2.sock/' > "$T/again.yaml"
OUT=$(in_ns a timeout 5 "$B/bin/causeway-ne" --config "$T/again.yaml" 2>&1); STATUS=$?
same "a segment extended by another process: status" 1 $STATUS
check "and the reason" grep -q "extension again: bridge: 'br-web' is extended already: its port 'cw-77'" <<< "$OUT"
refuses "and nothing is left" ip -n "${PFX}a" link show cw-99
check "ping after that" pings ha 192.168.101.2

# ---- every kind of frame, byte for byte, exactly once; in the network it belongs to ----
spawn ib "$T/leak" tcpdump -i eth0 -Z root -U --immediate-mode -n -w "$T/leak.pcap" "ether src $HA or ether src $HB"; LEAK=$PID
must wait_for 5 grep -q 'listening on' "$T/leak"
carry "frames from a to b" ha hb $HB $HA 1
carry "frames from b to a" hb ha $HA $HB 2
stop "$LEAK" INT
same "none of them in the other network" 0 "$(packets "$T/leak.pcap" '')"

# ---- replayed datagrams make no second frame ----
capture_stop
same "no clear packet between the sites" 0 "$(packets "$T/wan.pcap" "($CLEAR) and not host 10.44.0.3")"
same "nothing fragmented outside" 0 "$(packets "$T/wan.pcap" 'ip[6:2] & 0x3fff != 0')"
# The hosts ask no more for addresses, so that every frame from now on would be one too many.
ip -n "${PFX}ha" neigh replace 192.168.101.2 lladdr $HB nud permanent dev eth0
ip -n "${PFX}hb" neigh replace 192.168.101.1 lladdr $HA nud permanent dev eth0
RX=$(ext_count b web rx.packets) REPLAY=$(ask "$T/b.sock" tunnel show a counters/drop.replay)
spawn hb "$T/second" tcpdump -i eth0 -Z root -U --immediate-mode -n -w "$T/second.pcap" inbound; SECOND=$PID
must wait_for 5 grep -q 'listening on' "$T/second"
wan "$PY" "$HERE/hostile.py" "$T/wan.pcap" 10.44.0.2 > "$T/hostile.out" || not_ok "hostile.py"
SENT=$(awk '$1 == "replayed" { print $2 }' "$T/hostile.out")
check "replays are counted ($SENT)" wait_for 5 at_least $((REPLAY + SENT)) "$T/b.sock" tunnel show a counters/drop.replay
stop "$SECOND" INT
same "no frame of them in the network" 0 "$(packets "$T/second.pcap" '')"
same "none counted as received" "$RX" "$(ext_count b web rx.packets)"

# ---- control frames stay, storms are limited, and what is known passes all the same ----
FILTER=$(ext_count a web drop.filter)
in_ns ha "$PY" - $HA <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(('eth0', 0))
	src = bytes.fromhex(sys.argv[1].replace(':', ''))
	for dst, rest in (('01000ccccccc', '0020aaaa03'), ('01000ccccccd', '0032aaaa03'), ('0180c2000020', '0020424203'), ('ffffffffffff', '88cc0201')):
	    s.send(bytes.fromhex(dst) + src + bytes.fromhex(rest) + bytes(46))
END
check "control frames stay at home" wait_for 2 at_least $((FILTER + 4)) "$T/a.sock" extension show web counters/drop.filter
in_ns ia "$PY" - $IA <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(('eth0', 0))
	f = b'\xff' * 6 + bytes.fromhex(sys.argv[1].replace(':', '')) + b'\x88\xb5' + bytes(46)
	for _ in range(3000):
	    s.send(f)
END
check "a storm is limited" wait_for 2 at_least 1500 "$T/a.sock" extension show db counters/drop.storm
check "known stations of that segment talk on" in_ns ia ping -c 20 -i 0.01 -W 1 -q 192.168.101.2
check "the other segment does not notice" in_ns ha ping -c 20 -i 0.01 -W 1 -q 192.168.101.2

# ---- a VM moves from a to b: one RARP at its new place is enough ----
host vm a br-web $VM 192.168.101.50/24
must wait_for 5 pings hb 192.168.101.50
MOVES=$(ask "$T/a.sock" extension show web macs.moves)
plug vm b br-web $VM 192.168.101.50/24
in_ns vm "$PY" - $VM <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(('eth0', 0))
	m = bytes.fromhex(sys.argv[1].replace(':', ''))
	s.send(b'\xff' * 6 + m + bytes.fromhex('8035' '0001080006040003') + m + bytes(4) + m + bytes(4) + bytes(18))
END
check "the move is seen" wait_for 2 at_least $((MOVES + 1)) "$T/a.sock" extension show web macs.moves
check "it answers its old neighbour" pings ha 192.168.101.50
check "and its new one" pings hb 192.168.101.50
same "neighbours at b talk at b" "$(ext_count b web tx.packets)" "$(in_ns vm ping -c 20 -i 0.01 -q 192.168.101.2 > /dev/null; ext_count b web tx.packets)"

# ---- throughput, for the report ----
spawn hb "$T/sink" socat -u TCP-LISTEN:9000,reuseaddr OPEN:/dev/null; SINK=$PID
must wait_for 5 listens hb 9000
START=$(date +%s%N)
in_ns ha timeout 60 socat -u -b 262144 OPEN:/dev/zero,readbytes=$((200 << 20)) TCP:192.168.101.2:9000
wait_for 20 dead "$SINK"
say "TCP across: $(((200 << 20) * 8 * 1000 / ($(date +%s%N) - START))) Mbit/s"

# ---- one side is killed: its devices are gone, and it comes back ----
kill -9 "$NE_B"; must wait_for 5 dead "$NE_B"
check "the device went with the process" test -z "$(ip -n "${PFX}b" -br link show type tun)"
ne_start b; NE_B=$PID
check "ping after kill -9" wait_for 30 pings ha 192.168.101.2
kill -TERM "$NE_B"
check "it ends on SIGTERM" wait_for 5 dead "$NE_B"
check "its peer's extension is degraded" wait_for 5 is degraded "$T/a.sock" extension show web state
RSS=$(rss_kib "$NE_A")
say "resident: $RSS KiB"
check "under 32 MiB resident" test "$RSS" -lt 32768
finish
