#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 15-paths.sh - a tunnel with four paths: hellos, path MTU, and streams that go on when links are cut, one way or both.
# Environment: TRIALS of cutting (of each kind, default 2).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
. "$(dirname "$0")/paths.sh"
requires root tun ip python3 bin/causeway-ix bench/wanbox bench/pulse
paths_up
paths_start

path() { ask "$T/$1.sock" tunnel show "$2" "paths.$3"; }
between() { [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }
for s in a b; do
	t=b; [ $s = a ] || t=a
	for i in 0 1 2 3; do
		check "$s: path $i is up" wait_for 10 is up "$T/$s.sock" tunnel show $t paths.$i.state
		check "$s: path $i takes 1500 bytes" wait_for 10 is 1500 "$T/$s.sock" tunnel show $t paths.$i.mtu
		check "$s: path $i has a round trip of $(path $s $t $i.rtt_us) us" between 20000 "$(path $s $t $i.rtt_min_us)" 60000
	done
done
MTU=$(ask "$T/a.sock" tunnel show b inner_mtu)
check "the largest packet passes ($MTU bytes)" wait_for 5 in_ns a ping -M "do" -c 1 -W 1 -q -s $((MTU - 28)) 10.71.2.1

# ---- MTU ----
box mtu 1 1400
check "a link shrinks: that is found out" wait_for 10 is 1400 "$T/a.sock" tunnel show b paths.3.mtu
check "and in the other direction" wait_for 10 is 1400 "$T/b.sock" tunnel show a paths.3.mtu
check "the tunnel follows" test "$(ask "$T/a.sock" tunnel show b inner_mtu)" -lt "$MTU"
check "it is still up" wait_for 5 is up "$T/a.sock" tunnel show b state
MTU=$(ask "$T/a.sock" tunnel show b inner_mtu)
check "the largest packet passes ($MTU bytes)" wait_for 5 in_ns a ping -M "do" -c 1 -W 1 -q -s $((MTU - 28)) 10.71.2.1
box mtu 1 0

# ---- cuts ----
box cut 1 both
check "a link is cut: the tunnel is degraded" wait_for 5 is degraded "$T/a.sock" tunnel show b state
check "three paths are down" wait_for 3 is down "$T/a.sock" tunnel show b paths.3.state
check "packets pass" wait_for 3 ix_pings a 10.71.2.1
box cut 0 both
check "both are cut: it is down" wait_for 10 is down "$T/a.sock" tunnel show b state
box heal 0
check "one is back: packets pass" wait_for 5 ix_pings a 10.71.2.1
box heal 1
check "both are back: it is up" wait_for 15 is up "$T/a.sock" tunnel show b state
paths_stop
"$PY" "$HERE/../bench/paths.py" "$T" "$PFX" "$B" "$T/paths.json" "${TRIALS:-2}" 0 > "$T/paths.log" 2>&1; R=$?
same "streams go on when their path is cut ($(sed -n 's/.*max //p' "$T/paths.log" | tr '\n' ' '))" 0 "$R"
cat "$T/paths.log" >&2
finish
