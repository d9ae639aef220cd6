#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 14-ike-process.sh - the IKE process and the signer are killed, at either side and at both, under a stream of a thousand datagrams a
# second each way: none is lost, and one pair of SAs is left. B waits for A to call, and calls itself when its process comes back.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ix.sh"
requires root tun ip tcpdump python3 bin/causeway-ix
KILLS=${KILLS:-10}              # of each kind
net_up
psk "$T/psk"
AUTH='{method: psk, secret_file: psk, local_id: %L.test, remote_id: %R.test}'
EXTRA="ike: aes256gcm16-prfsha384-x25519"
ix_yaml a "$AUTH" "$EXTRA" > "$T/a.yaml"
INITIATE=no ix_yaml b "$AUTH" "$EXTRA" > "$T/b.yaml"
capture "$T/wan.pcap"
ix_start b; IX_B=$PID
must wait_for 5 ask "$T/b.sock" appliance show
ix_start a; IX_A=$PID
must wait_for 15 is up "$T/a.sock" tunnel show b state
must wait_for 5 is up "$T/b.sock" tunnel show a state

# ---- who they are ----
# pid_of SITE PROCESS
pid_of() {
	ask "$T/$1.sock" appliance show '' | "$PY" -c 'import json, sys
print([p["pid"] for p in json.load(sys.stdin)["processes"] if p["name"] == sys.argv[1]][0])' "$2" 2> /dev/null
}
# what SITE PROCESS KEY: a line of its status.
what() { awk -v k="$3:" '$1 == k { print $2 }' "/proc/$(pid_of "$1" "$2")/status"; }
same "the data plane is the process that was started" "$IX_A" "$(pid_of a data)"
same "the IKE process is of it" "$IX_A" "$(what a ike PPid)"
same "the signer too" "$IX_A" "$(what a signer PPid)"
for p in ike signer; do
	same "$p: nobody, filtered, no way up" "65534 2 1" "$(what a $p Uid) $(what a $p Seccomp) $(what a $p NoNewPrivs)"
	same "$p: no capabilities" "0000000000000000 0000000000000000" "$(what a $p CapPrm) $(what a $p CapEff)"
	# shellcheck disable=SC2012 # names are numbers
	same "$p: five descriptors" "0 1 2 3 4" "$(ls "/proc/$(pid_of a $p)/fd" | sort -n | tr '\n' ' ' | sed 's/ $//')"
done
# Does the memory of PID hold TEXT? gdb would need more rights than /proc/PID/mem does.
holds() {
	"$PY" - "$1" "$2" <<-'END'
	import re, sys
	pid, text = sys.argv[1], sys.argv[2].encode()
	with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as mem:
	    for line in maps:
	        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) r', line)
	        if not m or '[v' in line:
	            continue
	        a, b = int(m[1], 16), int(m[2], 16)
	        try:
	            mem.seek(a)
	            if text in mem.read(b - a):
	                sys.exit(0)
	        except OSError:
	            pass
	sys.exit(1)
	END
}
SECRET=$(cat "$T/psk")
check "the signer has the secret" holds "$(pid_of a signer)" "$SECRET"
refuses "the IKE process has not" holds "$(pid_of a ike)" "$SECRET"
refuses "the data plane has not" holds "$IX_A" "$SECRET"

# ---- the stream ----
spawn a "$T/a.stream" "$PY" "$HERE/stream.py" 10.71.1.1 10.71.2.1 9000 1000; STREAM_A=$PID
spawn b "$T/b.stream" "$PY" "$HERE/stream.py" 10.71.2.1 10.71.1.1 9000 1000; STREAM_B=$PID
must wait_for 5 grep -q ready "$T/a.stream"
must wait_for 5 grep -q ready "$T/b.stream"
kill -USR1 "$STREAM_A" "$STREAM_B"

# ---- kills ----
spi() { ask "$T/$1.sock" tunnel show "$2" "$3"; }
same_pair() {
	[ "$(spi a b ike.spi_i)" = "$(spi b a ike.spi_i)" ] && [ "$(spi a b esp.spi_out)" = "$(spi b a esp.spi_in)" ] &&
		[ "$(spi a b esp.spi_in)" = "$(spi b a esp.spi_out)" ]
}
# replaced SITE PROCESS PID: another process is there, with an IKE SA.
replaced() {
	local now
	now=$(pid_of "$1" "$2") && [ "$now" != "$3" ] && spi "$1" "$([ "$1" = a ] && echo b || echo a)" ike.spi_i > /dev/null
}
# killed PROCESS SITE...
killed() {
	local process=$1 s old
	declare -A was
	shift
	for s in "$@"; do was[$s]=$(pid_of "$s" "$process") || return 1; done
	old=$(spi a b esp.spi_out)
	kill -9 "${was[@]}" || return 1
	for s in "$@"; do wait_for 10 replaced "$s" "$process" "${was[$s]}" || return 1; done
	wait_for 10 same_pair && [ "$old" != "$(spi a b esp.spi_out)" ]
}
DONE=0 BAD=0
for ((i = 0; i < KILLS; i++)); do
	for who in "ike a" "ike b" "ike a b" "signer a" "signer b"; do
		# shellcheck disable=SC2086 # words
		killed $who && DONE=$((DONE + 1)) || { BAD=$((BAD + 1)); say "after: $who"; }
	done
done
same "killed $DONE times: each time another process, and another pair of SAs" 0 "$BAD"

kill "$STREAM_A" "$STREAM_B"
must wait_for 20 grep -q sent "$T/a.stream"
must wait_for 20 grep -q sent "$T/b.stream"
tail -n 1 "$T/a.stream" "$T/b.stream" >&2
field() { awk -v k="$2" '/^sent/ { for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$T/$1.stream"; }
check "a sent much ($(field a sent))" test "$(field a sent)" -gt 5000
same "all from a to b came" "$(field a sent)" "$(field b got)"
same "all from b to a came" "$(field b sent)" "$(field a got)"
same "none twice, none changed" "0 0 0 0" "$(field a twice) $(field b twice) $(field a changed) $(field b changed)"
for s in a b; do
	t=b; [ $s = a ] || t=a
	same "$s: it was never down" 1 "$(grep -c "tun $t: up" "$T/$s.log")"
	same "$s: nothing came for an SA that was gone" 0 "$(ask "$T/$s.sock" appliance show '' counters/drop.no_sa)"
done
check "one pair of SAs at the end" wait_for 10 same_pair

# ---- what says nonsense is ended; who is ended leaves nothing ----
A_IKE=$(pid_of a ike) A_SIGNER=$(pid_of a signer)
kill -TERM "$A_IKE"             # is not for it to hear: the end comes by the data plane
check "SIGTERM does not end the IKE process" alive "$A_IKE"
kill -TERM "$IX_A"
check "the good-bye is heard" wait_for 5 ix_not_up b a
check "the IKE process ends with the data plane" wait_for 5 dead "$A_IKE"
check "and the signer" wait_for 5 dead "$A_SIGNER"
B_IKE=$(pid_of b ike) B_SIGNER=$(pid_of b signer)
kill -9 "$IX_B"
check "a data plane that is killed takes its IKE process along" wait_for 5 dead "$B_IKE"
check "and its signer" wait_for 5 dead "$B_SIGNER"
capture_stop
same "no clear packet" 0 "$(clear_packets "$T/wan.pcap")"
finish
