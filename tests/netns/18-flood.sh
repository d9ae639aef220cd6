#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 18-flood.sh - strangers with borrowed addresses send IKE_SA_INIT: who is up stays up, who is honest gets in, memory does not
# grow, and nobody gets more than was sent.
#
#   sites a and b as in lib.sh, with a tunnel; a third, c (10.44.0.4), has yet to begin its own to b; the flood comes from w
#
# Environment: SECONDS_EACH  of each flood (default 4)
#              RATE          datagrams a second (default 10000); 0: as many as there can be
#              FIGURES       non-empty: measures, too ("make bench-flood"), and writes $B/bench/flood.json
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip python3 bin/causeway-ix bench/flood
SECONDS_EACH=${SECONDS_EACH:-4}
RATE=${RATE:-10000}
ANYWHERE=10.0.0.0/8 PEER=10.44.0.1/32 HONEST=10.44.0.4/32
net_up
ns_add c
ip -n "${PFX}w" link add to-c type veth peer name eth0 netns "${PFX}c" || exit 1
ip -n "${PFX}w" link set to-c master br0 up
ip -n "${PFX}c" addr add 10.44.0.4/24 dev eth0
ip -n "${PFX}c" link set eth0 up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
ix_yaml a "$AUTH" > "$T/a.yaml"
# b waits for both; c is like a, at other addresses.
INITIATE=no ix_yaml b "$AUTH" | awk '/^relays:/ {
	print "  - name: c\n    remote: {address: 10.44.0.4, port: 4500}"
	print "    auth: {method: psk, secret_file: psk, local_id: b.test, remote_id: c.test}\n    initiate: no"
	print "    local_ts: 10.71.2.1/32\n    remote_ts: 10.71.4.1/32\n    dpd: 2s"
	exit
} { print }' > "$T/b.yaml"
echo "control: $T/b.sock" >> "$T/b.yaml"
sed 's/ix-a/ix-c/; s/10\.44\.0\.1}/10.44.0.4}/; s/a\.test/c.test/; s/10\.71\.1\.1/10.71.4.1/; /^relays:/,/agents-in/d; s/a\.sock/c.sock/' \
	"$T/a.yaml" > "$T/c.yaml"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a
must wait_for 15 is up "$T/a.sock" tunnel show b state
must wait_for 5 ix_pings a 10.71.2.1

ike() { ask "$T/b.sock" tunnel show a ike.spi_i; }
bytes() { in_ns b cat "/sys/class/net/eth0/statistics/$1_bytes"; }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
SPI=$(ike) RSS=$(rss_kib "$IX_B")

# flood_begin FROM PORT, flood_end
flood_begin() {
	spawn w "$T/flood.log" "$B/bench/flood" "$1" 10.44.0.2 "$2" "$SECONDS_EACH" "$RATE"
	FLOOD=$PID
}
flood_end() { wait "$FLOOD"; tail -n 1 "$T/flood.log" >&2; }

# under FROM NAME COMMAND...: while the flood lasts, the command succeeds; then all is as it was.
under() {
	local from=$1 name=$2 rx tx grown; shift 2
	rx=$(bytes rx) tx=$(bytes tx)
	flood_begin "$from" 4500
	check "$name" "$@"
	flood_end
	rx=$(($(bytes rx) - rx)) tx=$(($(bytes tx) - tx))
	say "b received $rx bytes and sent $tx"
	check "$name: answers are less than questions" test "$tx" -lt "$rx"
	same "$name: the IKE SA is the one it was" "$SPI" "$(ike)"
	check "$name: ping when it is over" wait_for 5 ix_pings a 10.71.2.1
	grown=$(($(rss_kib "$IX_B") - RSS))
	say "memory has grown by $grown KiB"
	check "$name: memory does not grow" test "$grown" -lt 2048
}

pings() {
	in_ns a ping -c $((SECONDS_EACH * 5)) -i 0.2 -W 2 -q 10.71.2.1 > "$T/ping.log"
	cat "$T/ping.log" >&2
	grep -q ' [1-9][0-9]* received' "$T/ping.log"
}
cookies() { ask "$T/b.sock" tunnel show c counters/ike.cookie; }
# c begins its tunnel, in the middle of it: GOT_IN milliseconds. With "defended": not before b wants cookies of its address.
gets_in() {
	local start
	[ -z "${1:-}" ] || wait_for 5 at_least $((COOKIES + 1)) "$T/b.sock" tunnel show c counters/ike.cookie || return 1
	start=$(now_ms)
	ix_start c; IX_C=$PID
	wait_for 25 is up "$T/c.sock" tunnel show b state || return 1
	GOT_IN=$(($(now_ms) - start))
	say "in after $GOT_IN ms"
	wait_for 5 ix_pings c 10.71.2.1
}
c_ends() { stop "$IX_C"; must wait_for 5 ix_not_up b c; }

under "$ANYWHERE" "traffic goes on while anybody calls" pings
under "$PEER" "traffic goes on while calls bear the address of the peer" pings
under "$ANYWHERE" "an honest peer gets in while anybody calls" gets_in
IN_ANYWHERE=${GOT_IN:-null}
c_ends
COOKIES=$(cookies)
under "$HONEST" "an honest peer gets in while calls bear its own address" gets_in defended
IN_HONEST=${GOT_IN:-null}
[ -n "${FIGURES:-}" ] || finish

# ---- figures: what arrives of a stream of 20,000 packets a second, compared with the same flood to a port where nobody is ----
# arrives FROM PORT: packets.
arrives() {
	local ms=$((SECONDS_EACH * 1000)) sink
	mkfifo "$T/end.$$.$2"
	in_ns b "$B/bench/load" sink 7070 < "$T/end.$$.$2" > "$T/sink" & sink=$!
	exec 9> "$T/end.$$.$2"
	flood_begin "$1" "$2"
	in_ns a timeout $((SECONDS_EACH + 10)) "$B/bench/load" send 10.71.2.1 7070 1000 20000 "$ms" >&2
	flood_end
	exec 9>&-
	wait "$sink"
	rm "$T/end.$$.$2"
	awk 'END { print $1 }' "$T/sink"
}
for from in "$ANYWHERE" "$PEER"; do
	closed=$(arrives "$from" 4501) open=$(arrives "$from" 4500)
	kept=$((open * 100 / (closed > 0 ? closed : 1)))
	say "flood from $from: $open packets arrive, $closed when it goes to a closed port: $kept %"
	printf '{"from": "%s", "packets": %d, "packets_closed_port": %d, "kept_percent": %d}\n' "$from" "$open" "$closed" "$kept"
done > "$T/rows"
cat "$T/rows" >&2
mkdir -p "$B/bench"
printf '{"flood": "%s", "traffic": [%s], "gets_in_ms": {"anywhere": %s, "own_address": %s}, "rss_kib": %d}\n' \
	"$(tail -n 1 "$T/flood.log")" "$(paste -sd, "$T/rows")" "$IN_ANYWHERE" "$IN_HONEST" "$(rss_kib "$IX_B")" > "$B/bench/flood.json"
cat "$B/bench/flood.json"
finish
