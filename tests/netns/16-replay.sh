#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 16-replay.sh - what was recorded on the way is of no use: 100,000 ESP packets are played back three times, at once, again, and to a
# receiver that was killed and started anew, and none is taken. Out of order within the window all are taken, one beyond it is not.
# No IV comes twice under an SPI, also when the sender is killed and started anew.
# Environment: PACKETS to record (default 100000).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump python3 bin/causeway-ix
PACKETS=${PACKETS:-100000} WINDOW=8192
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
# Without ESN, whose old packets are refused for their ICV: their number is taken for one to come.
ix_yaml a "$AUTH" "esn: no" > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" "esn: no" > "$T/b.yaml"
replay() { "$PY" "$HERE/replay.py" "$@"; }
# count FIELD: of b's tunnel, or of b itself.
count() { ask "$T/b.sock" tunnel show a "counters/$1"; }
count_b() { ask "$T/b.sock" appliance show '' "counters/$1"; }
# What b's kernel got out of the tunnel, in units of many packets or of one, and what b's socket on port 4500 could not hold.
delivered() { in_ns b cat /sys/class/net/cwix0/statistics/rx_packets; }
overrun() { in_ns b awk '$2 ~ /:1194$/ { n += $NF } END { print n + 0 }' /proc/net/udp; }
up() { wait_for 40 is up "$T/b.sock" tunnel show a state && wait_for 10 is up "$T/a.sock" tunnel show b state; }
# still COMMAND...: what it prints does not change for half a second.
still() { local was; was=$("$@"); sleep 0.5; [ "$was" = "$("$@")" ]; }
send() { in_ns a "$PY" "$HERE/replay.py" send cwix0 10.71.1.1 10.71.2.1 9100 "$1" 64; }
# A capture that is not written packet by packet, but lags behind by none: what it still holds when it is stopped is lost.
capture() {
	: > "$1.log"
	spawn w "$1.log" tcpdump -i to-a -Z root --immediate-mode -B 65536 -s 256 -n -w "$1" "$2"
	CAPTURE_PID=$PID
	must wait_for 5 grep -q 'listening on' "$1.log"
}

spawn b "$T/sink.log" "$PY" "$HERE/replay.py" sink 0.0.0.0 9100
capture "$T/all.pcap" "udp port 4500"; ALL=$CAPTURE_PID
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a; IX_A=$PID
must up
must wait_for 5 ix_pings a 10.71.2.1

# ---- played back ----
capture "$T/first.pcap" "udp port 4500 and src host 10.44.0.1"; FIRST=$CAPTURE_PID
send $((PACKETS + PACKETS / 50))
must wait_for 10 still delivered
stop "$FIRST" INT
N=$(replay count "$T/first.pcap" 10.44.0.2)
check "$N packets are recorded" test "$N" -ge "$PACKETS"
check "and were taken ($(count rx.packets))" test "$(count rx.packets)" -ge "$N"

BEFORE=$(delivered) RX=$(count rx.packets)
for i in 1 2; do
	OLD=$(count drop.replay) LOST=$(overrun)
	same "played back $i: all of them" "$N" "$(in_ns w "$PY" "$HERE/replay.py" inject "$T/first.pcap" to-b 10.44.0.2 "$IX_B" same)"
	wait_for 10 still count drop.replay
	same "played back $i: each is counted as a replay" "$N" "$(($(count drop.replay) - OLD + $(overrun) - LOST))"
	check "played back $i: nearly all were looked at" test "$(($(overrun) - LOST))" -lt $((N / 10))
	same "played back $i: none is taken" "$BEFORE $RX" "$(delivered) $(count rx.packets)"
done
check "the tunnel is none the worse" ix_pings a 10.71.2.1

kill -9 "$IX_B"
must wait_for 5 dead "$IX_B"
stop "$IX_A"                    # which would call only when it has noticed
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a; IX_A=$PID
must up
must wait_for 20 ix_pings a 10.71.2.1
must wait_for 10 still delivered
BEFORE=$(delivered) RX=$(count rx.packets) OLD=$(count_b drop.no_sa) LOST=$(overrun)
same "to a receiver anew: all of them" "$N" "$(in_ns w "$PY" "$HERE/replay.py" inject "$T/first.pcap" to-b 10.44.0.2 "$IX_B" same)"
wait_for 10 still count_b drop.no_sa
same "to a receiver anew: each is counted as of no SA" "$N" "$(($(count_b drop.no_sa) - OLD + $(overrun) - LOST))"
same "to a receiver anew: none is taken" "$BEFORE $RX" "$(delivered) $(count rx.packets)"
check "the tunnel is none the worse" ix_pings a 10.71.2.1

# ---- out of order ----
# b is taken off the WAN, and gets what was recorded meanwhile in another order.
ip -n "${PFX}a" neigh replace 10.44.0.2 lladdr "$(in_ns b cat /sys/class/net/eth0/address)" dev eth0 nud permanent
# apart FILE N: N packets of a's that b has not got.
apart() {
	capture "$1" "udp port 4500 and src host 10.44.0.1"
	ip -n "${PFX}w" link set to-b nomaster
	send "$2"
	wait_for 5 still in_ns a cat /sys/class/net/cwix0/statistics/tx_packets
	stop "$CAPTURE_PID" INT
}
# order NAME WANT_LOST ORDER BLOCK [FIRST COUNT]: all but WANT_LOST are taken.
order() {
	local name=$1 lost=$2 before old n; shift 2
	before=$(count rx.packets) old=$(count drop.replay)
	n=$(in_ns w "$PY" "$HERE/replay.py" inject "$T/apart.pcap" to-b 10.44.0.2 "$IX_B" "$@")
	wait_for 10 still count rx.packets
	same "$name: taken, of $n" $((n - lost)) $(($(count rx.packets) - before))
	same "$name: refused" "$lost" $(($(count drop.replay) - old))
}
apart "$T/apart.pcap" $((WINDOW * 3 + 1000))
M=$(replay count "$T/apart.pcap" 10.44.0.2)
check "$M packets are held up" test "$M" -gt $((WINDOW * 3))
LOST=$(overrun)
order "shuffled within half the window" 0 shuffle $((WINDOW / 2)) 0 "$WINDOW"
order "the whole window backwards" 0 reverse "$WINDOW" "$WINDOW" "$WINDOW"
order "one more than the window backwards" 1 reverse $((WINDOW + 1)) $((2 * WINDOW)) $((WINDOW + 1))
same "the socket took all" "$LOST" "$(overrun)"
ip -n "${PFX}w" link set to-b master br0
check "back on the WAN" wait_for 20 ix_pings a 10.71.2.1

# ---- a sender that was killed ----
kill -9 "$IX_A"
must wait_for 5 dead "$IX_A"
ix_start a; IX_A=$PID
must up
must wait_for 20 ix_pings a 10.71.2.1
send 20000
stop "$ALL" INT
SEEN=$(replay ivs "$T/all.pcap")
check "no IV twice among $SEEN packets" replay ivs "$T/all.pcap"
check "which are nearly all" test "$SEEN" -gt $((PACKETS + 20000))
finish
