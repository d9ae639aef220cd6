#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 17-inner.sh - what the tunnel owes the packets inside: too big ones are cut before ESP or answered with the size that fits, and
# nothing is ever fragmented outside; DSCP and ECN get out, and a mark of congestion gets in.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump ping python3 bin/causeway-ix
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
count() { ask "$T/$1.sock" tunnel show "$2" "counters/$3"; }
# outside FILTER: how many of the packets that were captured.
outside() { packets "$T/wan.pcap" "$1"; }
# many N FILTER: at least so many; the capture may be a moment behind.
many() { [ "$(outside "$2")" -ge "$1" ]; }
start() {
	capture "$T/wan.pcap"
	ix_start b; IX_B=$PID
	must wait_for 5 ask "$T/b.sock" appliance show
	ix_start a; IX_A=$PID
	must wait_for 15 is up "$T/a.sock" tunnel show b state
	must wait_for 5 is up "$T/b.sock" tunnel show a state
}
# The devices believe that more fits than does.
lie() { local n; for n in a b; do ip -n "$PFX$n" link set cwix0 mtu 3000; done; }
# forget: the kernel of a does not know the way's size any more.
forget() { in_ns a ip route flush cache; in_ns a ip -6 route flush cache; }

# ---- IPv4 ----
ix_yaml a "$AUTH" > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" "dscp: 10" > "$T/b.yaml"
start
MTU=$(ask "$T/a.sock" tunnel show b inner_mtu)
same "the device takes what fits" "$MTU" "$(in_ns a cat /sys/class/net/cwix0/mtu)"
lie
in_ns a ping -M "do" -c 3 -i 0.2 -W 1 -s 2000 10.71.2.1 > "$T/ping.log" 2>&1; cat "$T/ping.log" >&2
check "DF: the sender is told what fits ($MTU)" grep -q "10.71.2.1.*Frag needed and DF set (mtu = $MTU)" "$T/ping.log"
check "DF: it was dropped for its size" test "$(count a b drop.limit)" -ge 1
forget
BEFORE=$(count a b drop.limit)
check "no DF: cut, and answered alike" site_a ping -M dont -c 20 -i 0.01 -W 2 -q -s 2500 10.71.2.1
same "no DF: none was dropped" "$BEFORE 0" "$(count a b drop.limit) $(count b a drop.limit)"
forget
spawn b "$T/sink.log" "$PY" "$HERE/big.py" tcp-sink 10.71.2.1 9200
must wait_for 5 grep -q ready "$T/sink.log"
check "TCP finds the size" timeout 20 ip netns exec "${PFX}a" "$PY" "$HERE/big.py" tcp 10.71.2.1 9200 3000000
check "all of it came" wait_for 10 grep -q "got 3000000" "$T/sink.log"
told() { in_ns a awk '/^Icmp: [0-9]/ { print $5 }' /proc/net/snmp; }
BEFORE=$(count a b drop.limit) TOLD=$(told)
TOOK=$(in_ns a "$PY" "$HERE/big.py" udp 10.71.2.1 9200 1000 2000)
check "a flood is dropped" wait_for 5 at_least $((BEFORE + 900)) "$T/a.sock" tunnel show b counters/drop.limit
TOLD=$(($(told) - TOLD))
check "but not answered by another ($TOLD in about $TOOK s)" test "$TOLD" -le $((100 * (TOOK + 2)))
check "only by some" test "$TOLD" -gt 10

# ---- DSCP and ECN ----
check "ping with EF and ECT(0)" site_a ping -Q 0xba -c 4 -i 0.05 -W 2 -q 10.71.2.1
check "its DSCP and ECN are outside, too" wait_for 5 many 4 "src host 10.44.0.1 and ip[1] = 0xba and $ESP"
check "b has a DSCP of its own, with the packet's ECN" wait_for 5 many 4 "src host 10.44.0.2 and ip[1] = 0x2a and $ESP"
capture_stop
same "IKE has none" 0 "$(outside 'udp port 4500 and udp[8:4] = 0 and ip[1] != 0')"
same "nothing is fragmented outside" 0 "$(outside 'ip[6:2] & 0x3fff != 0')"
same "all that is ESP forbids it" 0 "$(outside "$ESP and ip[6] & 0x40 = 0")"
same "nothing outside is larger than 1500" 0 "$(outside 'ip and greater 1515')"

# marked TOS_INSIDE TOS_OUTSIDE: pings that are held up before b and arrive marked; how b's kernel gets them is in b.pcap.
held() { [ "$(outside "ip[1] = $1 and $ESP")" = 5 ]; }
marked() {
	capture "$T/wan.pcap" "udp port 4500 and src host 10.44.0.1"
	ip -n "${PFX}w" link set to-b nomaster
	in_ns a ping -Q "$1" -c 5 -i 0.02 -W 0.2 -q 10.71.2.1 > /dev/null
	must wait_for 5 held "$1"
	capture_stop
	: > "$T/b.tcpdump"
	spawn b "$T/b.tcpdump" tcpdump -i cwix0 -Z root -U --immediate-mode -s 200 -n -w "$T/b.pcap" icmp
	must wait_for 5 grep -q 'listening on' "$T/b.tcpdump"
	in_ns w "$PY" "$HERE/replay.py" mark "$T/wan.pcap" to-b 10.44.0.2 "$2"
	ip -n "${PFX}w" link set to-b master br0
}
inside() { packets "$T/b.pcap" "icmp[0] = 8 and ip[1] = $1"; }
ip -n "${PFX}a" neigh replace 10.44.0.2 lladdr "$(in_ns b cat /sys/class/net/eth0/address)" dev eth0 nud permanent
marked 0xba 0x03; TCPDUMP=$PID
came() { [ "$(inside "$1")" = 5 ]; }
check "ECT(0), marked on the way: the mark is inside, the DSCP is not" wait_for 5 came 0xbb
stop "$TCPDUMP" INT
BEFORE=$(count b a drop.ecn)
marked 0xb8 0x03; TCPDUMP=$PID
check "no ECT, marked on the way: dropped" wait_for 5 is $((BEFORE + 5)) "$T/b.sock" tunnel show a counters/drop.ecn
same "and not seen" 0 "$(inside 0xbb)$(inside 0xb8 | tr -d 0)"
stop "$TCPDUMP" INT
stop "$IX_A"
stop "$IX_B"

# ---- IPv6 ----
v6() { sed 's/10\.44\.0\.\([12]\)\([,}]\)/"fd44::\1"\2/; s/10\.71\.\([12]\)\.1\/32/"fd71:\1::1\/128"/; /^relays/,/agents-in/d'; }
ix_yaml a "$AUTH" | v6 > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" | v6 > "$T/b.yaml"
start
MTU=$(ask "$T/a.sock" tunnel show b inner_mtu)
lie
in_ns a ping -M "do" -c 3 -i 0.2 -W 1 -s 2000 fd71:2::1 > "$T/ping.log" 2>&1; cat "$T/ping.log" >&2
check "IPv6: the sender is told what fits ($MTU)" grep -q "fd71:2::1.*Packet too big: mtu=$MTU" "$T/ping.log"
check "IPv6: it cuts its packets itself" site_a ping -M dont -c 5 -i 0.02 -W 2 -q -s 2000 fd71:2::1
check "IPv6: traffic class and ECN" site_a ping -Q 0xba -c 4 -i 0.05 -W 2 -q fd71:2::1
check "they are outside, too" wait_for 5 many 4 'src host fd44::1 and udp port 4500 and ip6[0:2] & 0x0ff0 = 0xba0'
capture_stop
same "nothing is fragmented outside" 0 "$(outside 'ip6[6] = 44')"
same "no clear packet" 0 "$(clear_packets "$T/wan.pcap")"
finish
